FROM python:3.12-slim AS base
RUN apt-get update && apt-get install --yes --no-install-recommends git make && rm -rf /var/lib/apt/lists/*

FROM base
WORKDIR /project
COPY . .
RUN make env data
EXPOSE 8888
ENTRYPOINT ["make"]
CMD ["lab", "ARGS=--ip=0.0.0.0 --no-browser"]
