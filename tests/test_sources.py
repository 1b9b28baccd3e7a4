"""The refresh against a server of this machine that speaks each source's format, in small files written here."""

import csv
import datetime
import gzip
import hashlib
import http.server
import io
import json
import re
import shutil
import socket
import sys
import threading
import types
import zipfile
from urllib.parse import urlsplit

import openpyxl
import pandas as pd
import pytest
from openpyxl.utils.datetime import to_excel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import data, journal, paths
from helpers.sources import feeds, fetch, formats, keep, refresh
from helpers.sources.feeds import Pulled, Stopped

TODAY = "2026-11-30"
NOW = datetime.datetime(2026, 11, 30, 6, tzinfo=datetime.UTC)
HOUSE = paths.ROOT
DATA = paths.DATA
# the newest that all series of the small collection reach, as in the whole one
LATEST = "2026-07-31"


class Server(http.server.ThreadingHTTPServer):
    """Answers each address with what it is told: bytes, or a function of the handler; keeps what was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages, self.asked = {}, []
        self.place = f"127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["User-Agent"]))
        page = self.server.pages.get(self.path)
        if isinstance(page, list):
            page = page.pop(0) if len(page) > 1 else page[0]
        if page is None:
            answer(404, b"not here")(self)
        elif isinstance(page, bytes):
            answer(200, page)(self)
        else:
            page(self)

    def log_message(self, *_):
        pass


def answer(status, content=b"", length=None, **headers):
    def send(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if length != "none":
            handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return send


def reset(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


@pytest.fixture(scope="module")
def serving():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(serving):
    serving.pages.clear()
    serving.asked.clear()
    return serving


# A small collection: the real ledgers, and of each table the rows that the small files speak of

NEW_CYCLES, OLD_CYCLES = ("202618", "202619"), ("202519", "202520")
FIRMS = ("AAPL", "GOOGL", "NVDA")
PRICED = ("deepseek-v3", "gpt-4o-2024-05-13", "o3-2025-04-16")


def rows_kept(table, rows):
    kept = {
        "btos_national": lambda: rows.cycle.isin(NEW_CYCLES + OLD_CYCLES),
        "btos_sectors": lambda: rows.cycle.isin(NEW_CYCLES + OLD_CYCLES) & rows.sector.isin(["51", "52", "XX"]),
        "btos_sizes": lambda: rows.cycle.isin(["202520", "202525"]) & rows.size_class.isin(["1-4", "250+"]),
        "btos_subsectors": lambda: rows.cycle.isin(["202520"]) & rows.subsector.isin(["511", "513", "811"]),
        "arena_boards": lambda: rows.board_date.isin(["2025-02-14", "2026-10-02"]),
        "arena_scores": lambda: rows.board_date.isin(["2025-02-14", "2026-10-02"]),
        "return_indices": lambda: (
            rows.security.isin(["SPY", "NVDA", "TCEHY"]) & ~rows.date.between("2023", "2026-07-01")
        ),
        "model_prices": lambda: rows.arena_key.isin(PRICED) | (rows.effective_date >= "2026-09"),
        "market_caps": lambda: rows.security.isin(FIRMS),
        "index_weights": lambda: rows.date >= "2026",
        "index_snapshots": lambda: rows.date >= "2026",
        "published_projections": lambda: rows.target_cycle == "",
        "eci_scores": lambda: rows.model_version != "",
        "models": lambda: rows.arena_key != "",
        "securities": lambda: rows.security != "",
        "security_groups": lambda: rows.security != "",
        "adoption_figures": lambda: rows.measure != "",
    }
    return rows[kept[table]()] if table in kept else rows.head(5)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    (root / "data/raw").mkdir(parents=True)
    for name in ("columns.csv", "claims.csv", "feeds.csv", "tolerances.csv"):
        shutil.copy(DATA / name, root / "data")
    ledger = data.sources()
    for table in ledger.index:
        rows = rows_kept(table, pd.read_csv(paths.RAW / f"{table}.csv", dtype=str, keep_default_na=False))
        file = root / "data/raw" / f"{table}.csv"
        rows.to_csv(file, index=False, lineterminator="\n")
        ledger.loc[table, "sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    ledger.to_csv(root / "data/sources.csv", index=False, lineterminator="\n")
    return root


def moved(monkeypatch, root):
    for name, place in (("ROOT", ""), ("DATA", "data"), ("RAW", "data/raw"), ("PROCESSED", "data/processed")):
        monkeypatch.setattr(paths, name, root / place)


@pytest.fixture(scope="module")
def built(template):
    with pytest.MonkeyPatch.context() as monkeypatch:
        moved(monkeypatch, template)
        data.build()
    return template


class Place:
    """A collection that is refreshed from the server: its files, and what was said."""

    def __init__(self, root, server, capsys):
        self.root, self.server, self.capsys, self.waits = root, server, capsys, []

    def files(self):
        found = {path for path in (self.root / "data").rglob("*") if path.is_file()}
        return {
            str(path.relative_to(self.root / "data")): path.read_bytes()
            for path in found
            if not {"processed", ".refresh", "archive"} & set(path.parts)
        }

    def refresh(self, source="", **wish):
        """Give the exit code and what was said on stdout and stderr."""
        wish = {"local": frozenset({self.server.place}), "now": lambda: NOW, "wait": self.waits.append} | wish
        code = refresh.refresh(source, **wish)
        return code, *self.capsys.readouterr()

    def lines(self, name):
        return self.files()[name].decode().splitlines()

    def serve(self, pages):
        """Serve pages by the names of their files in data/feeds.csv."""
        with (self.root / "data/feeds.csv").open(encoding="utf-8", newline="") as file:
            addresses = {(row["source"], row["file"]): urlsplit(row["address"]) for row in csv.DictReader(file)}
        for name, content in pages.items():
            source, file, *blanks = name
            address = addresses[source, file]
            path = address.path + (f"?{address.query}" if address.query else "")
            self.server.pages[path.format(**dict(blanks))] = content

    def only(self, *sources):
        """Leave only some sources in the ledger."""
        path = self.root / "data/feeds.csv"
        head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text(
            "".join([head, *(line for line in lines if line.partition(",")[0] in sources)]), encoding="utf-8"
        )

    def change(self, name, old, new):
        path = self.root / "data" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.unlink()
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def place(built, server, tmp_path, monkeypatch, capsys):
    root = tmp_path / "project"
    shutil.copytree(built, root)
    moved(monkeypatch, root)
    ledger = root / "data/feeds.csv"
    text = re.sub(r"https://[^/,]+", f"http://{server.place}", ledger.read_text(encoding="utf-8"))
    ledger.write_text(text, encoding="utf-8")
    return Place(root, server, capsys)


# Files in the formats of their sources

USE = {
    "new": "In the last two weeks, did this business use Artificial Intelligence (AI) in any of its business functions? "
    "(Examples of AI: machine learning, natural language processing)",
    "old": "In the last two weeks, did this business use Artificial Intelligence (AI) in producing goods or services? "
    "(Examples of AI: machine learning, natural language processing)",
}
EXPECTED = {
    "new": "During the next six months, do you think this business will be using Artificial Intelligence (AI)  in any of "
    "its business functions? (Examples of AI: machine learning)",
    "old": "During the next six months, do you think this business will be using Artificial Intelligence (AI) in producing "
    "goods or services? (Examples of AI: machine learning)",
}


def workbook(sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def dates_of_2026(cycles):
    rows = [["Sample Year", "Cycle", "Panel", "Smpdt", "Collection Start", "Collection End"]]
    rows[0] += ["Reference Start", "Reference End", "Publication Date"]
    for cycle in cycles:
        start = datetime.datetime(2026, 8, 24) + datetime.timedelta(days=14 * (int(cycle) - 202618))
        days = [start + datetime.timedelta(days=gap) for gap in (0, 13, -14, -1, 17)]
        rows.append([5, int(cycle[4:]), 2, cycle, *days])
    return rows


def dates_of_2025(cycles):
    rows = [["Smpdt", "Col Start", "Col End", "Ref Start", "Ref End"]]
    for cycle in cycles:
        start = datetime.date(2025, 9, 8) + datetime.timedelta(days=14 * (int(cycle) - 202519))
        days = [start + datetime.timedelta(days=gap) for gap in (0, 13, -14, -1)]
        rows.append([cycle, *(f"{day:%m/%d/%Y}" for day in days)])
    return rows


def figures(table, cycles, wording, stratum, code):
    """Sheets of estimates and errors that state what is held of a table, and what is given of further cycles."""
    held = data.read(table)[0]
    sheets = []
    for part, end in (("rate", "%"), ("se", "%")):
        rows = [[*stratum, "Question ID", "Question", "Answer ID", "Answer", *cycles]]
        for value in sorted(set(held[code])) if code else [None]:
            of = held if code is None else held[held[code] == value]
            cells = of.set_index("cycle")
            name = {"1-4": "A", "250+": "G"}.get(value, value)
            for number, texts, role in ((7, USE, "use"), (24, EXPECTED, "expected")):
                said = []
                for cycle in cycles:
                    if cycle in cells.index and cells.wording[cycle] == wording:
                        shown = cells.loc[cycle, f"{role}_status"] == "ok" and cells.loc[cycle, f"{role}_{part}"] != ""
                        said.append(f"{cells.loc[cycle, f'{role}_{part}']}{end}" if shown else "S")
                    else:
                        said.append("." if cycle in cells.index else {"rate": "24.1%", "se": "0.31%"}[part])
                rows.append([*([name] if stratum else []), number, texts[wording], 1, "Yes", *said])
                rows.append([*([name] if stratum else []), number, texts[wording], 2, "No", *("60.0%" for _ in cycles)])
        sheets.append([*rows, [], ["Source: U.S. Census Bureau, Business Trends and Outlook Survey (BTOS) 2023-2026."]])
    return sheets


def btos(table="btos_national", cycles=("202620", "202619", "202618", "202520"), stratum=(), code=None):
    estimates, errors = figures(table, cycles, "new", stratum, code)
    sheets = {"Response Estimates": estimates, "Response Standard Errors": errors}
    return sheets | {"Collection and Reference Dates": dates_of_2026([c for c in cycles if c > "2026"])}


def btos_sizes():
    sheets = btos("btos_sizes", ("202620", "202525", "202520"), ["Empsize"], "size_class")
    dates = sheets["Collection and Reference Dates"]
    start = datetime.datetime(2025, 12, 1)
    # Excel's own numbers, as days without their format are read
    days = [to_excel(start + datetime.timedelta(days=gap)) for gap in (0, 13, -14, -1, 17)]
    return sheets | {"Collection and Reference Dates": [*dates, [5, 25, 2, "202525", *days]]}


def btos_pages(**changes):
    pages = {
        "National": btos(),
        "Sector": btos("btos_sectors", ("202620", "202619", "202520"), stratum=["Sector"], code="sector"),
        "Employment Size Class": btos_sizes(),
    } | changes
    return {("btos", name): workbook(sheets) for name, sheets in pages.items()}


def btos_original():
    sheets = {"Collection and Reference Dates": dates_of_2025(OLD_CYCLES)}
    for table, name, stratum, code in (
        ("btos_national", "National", [], None),
        ("btos_sectors", "Sector", ["Sector"], "sector"),
        ("btos_sizes", "Employment Size", ["Empsize"], "size_class"),
        ("btos_subsectors", "Subsector", ["Subsector"], "subsector"),
    ):
        cycles = [cycle for cycle in OLD_CYCLES if cycle in set(data.read(table)[0].cycle)]
        estimates, errors = figures(table, cycles, "old", stratum, code)
        sheets |= {f"{name} Estimates": estimates, f"{name} SE": errors}
    return {("btos_original", "AI Core Questions"): workbook(sheets)}


def btos_api():
    def period(number):
        start = datetime.datetime(2026, 9, 7) + datetime.timedelta(days=14 * (number - 109))
        form = "%d-%b-%y 12.00.00.000000 AM"
        end = start + datetime.timedelta(days=13)
        days = {"COLLECTION_START": start.strftime(form).upper(), "COLLECTION_END": end.strftime(form).upper()}
        return {"PERIOD_ID": str(number)} | days

    def row(question, value, error, **stratum):
        common = dict.fromkeys(("STATE", "NAICS2", "NAICS3", "EMPSIZE", "MSA")) | stratum
        said = {"QUESTION": question, "ANSWER": "Yes", "ESTIMATE_PERCENTAGE": value, "STANDARD_ERROR": error}
        return common | said | {"DATE_RANGE": "x"}

    def rows(use, expected):
        of_all = [row(USE["new"], use, 0.26), row(EXPECTED["new"], expected, 0.29)]
        return json.dumps([*of_all, row(USE["new"], 35.6, 1.5, NAICS2="XX")]).encode()

    periods = [period(number) for number in range(107, 116)]
    pages = {("btos_api", "periods"): json.dumps(periods).encode()}
    for number, content in ((111, rows(24.4, "28.2%")), (112, b"null"), (113, rows(None, None))):
        pages["btos_api", "data", ("period", str(number))] = content
    return pages


def parquet(rows):
    names = [
        "model_name",
        "organization",
        "license",
        "rating",
        "rating_lower",
        "rating_upper",
        "variance",
        "vote_count",
    ]
    names += ["rank", "category", "leaderboard_publish_date"]
    content = io.BytesIO()
    pd.DataFrame(rows, columns=names).to_parquet(content, index=False)
    return content.getvalue()


def board(style, day="2026-11-13", shift=0.0):
    """The board of a day: what is held of the newest one, and a model that is new."""
    held = data.read("arena_scores")[0]
    held = held[(held.style_control == style) & (held.board_date == "2026-10-02")].head(40)
    rows = [
        [
            one.arena_key,
            one.organization,
            one.license,
            float(one.score) + shift,
            None,
            None,
            None,
            None,
            1,
            "overall",
            day,
        ]
        for one in held.itertuples()
    ]
    rows.append(["gpt-7-nova", "openai", "Proprietary", 1540.25, 1530.5, 1550.0, 9.0, 4321.0, 1.0, "overall", day])
    rows.append(["gpt-7-nova", "openai", "Proprietary", 1600.0, None, None, None, None, 1, "coding", day])
    return rows


def arena(**days):
    return {
        ("arena", "text"): parquet(board("0", **days)),
        ("arena", "text_style_control"): parquet(board("1", **days)),
    }


def models_dev():
    models = {
        "gpt-4o-2024-05-13": {"cost": {"input": 4, "output": 12, "cache_read": 1}, "release_date": "2024-05-13"},
        "nobody-knows": {"cost": {"input": 1, "output": 2}},
        "free-trial": {"cost": {"input": 0, "output": 0}},
        "no-price": {},
    }
    host = {"models": {"gpt-4o-2024-05-13": {"cost": {"input": 3, "output": 9}}}}
    return {("models_dev", "api"): json.dumps({"openai": {"id": "openai", "models": models}, "hoster": host}).encode()}


def genai_prices():
    deepseek = [
        {"id": "deepseek-v3", "prices": [
            {"prices": {"input_mtok": 0.27, "output_mtok": 1.1}},
            {"constraint": {"start_date": "2026-11-20"}, "prices": {"input_mtok": 0.2, "output_mtok": 0.4}},
            {"constraint": {"start_time": "00:30:00Z", "end_time": "08:30:00Z"},
             "prices": {"input_mtok": 0.1, "output_mtok": 0.3}},
        ]},
    ]  # fmt: skip
    tiers = {"base": 4.5, "tiers": [{"start": 128000, "price": 9}]}
    openai = [{"id": "gpt-4o-2024-05-13", "prices": {"input_mtok": tiers, "output_mtok": 15, "cache_read_mtok": 1}}]
    tree = [{"id": "deepseek", "models": deepseek}, {"id": "openai", "models": openai}, {"id": "groq", "models": [{}]}]
    return {("genai_prices", "data"): json.dumps(tree).encode()}


def llm_prices():
    def price(paid_in, paid_out, start, end):
        return {"input": paid_in, "output": paid_out, "input_cached": None, "from_date": start, "to_date": end}

    gpt = {"id": "gpt-4o-2024-05-13", "vendor": "openai", "name": "GPT-4o"}
    flat = [
        gpt | price(2.5, 10.0, "2026-11-05", None),
        gpt | price(9.0, 20.0, None, "2024-05-13"),
        {"id": "o3", "vendor": "openai", "name": "o3"} | price(7, 70, "2026-10-10", None),
        {
            "id": "deepseek-v3",
            "vendor": "deepseek",
            "name": "V3",
            "price_history": [price(0.25, 0.9, "2026-11-06", None)],
        },
    ]
    return {("llm_prices", "historical"): json.dumps({"updated_at": "2026-11-29", "prices": flat}).encode()}


def csv_of(*rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def epoch_index(extra=(), score="103.5"):
    head = ["Model version", "ECI Score", "Release date", "Organization", "Country", "Model accessibility", *extra]
    head += ["Training compute (FLOP)", "Confidence", "Model name", "Description", "Display name"]
    rows = [
        ["Baichuan-2-13B-Base", score, "2023-09-06", "Baichuan", "China", "Open weights (restricted use)"],
        ["gpt-7-nova", "171.25", "2026-11-01", "OpenAI", "United States of America", "API access"],
        ["baichuan-9", "150.5", "2026-11-02", "Baichuan", "China", ""],
        ["no-score-yet", "", "2026-11-02", "Baichuan", "China", ""],
    ]
    rest = ["", "", "", "", "", ""][: 5 + len(extra)]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("epoch_capabilities_index.csv", csv_of(head, *([*row, *rest] for row in rows)))
        archive.writestr("gpqa_diamond.csv", b"Model version,mean_score\n")
    return {("epoch_index", "benchmarks"): content.getvalue()}


def epoch_models(extra=()):
    head = ["Model", "Organization", "Publication date", "Link", "Parameters", "Training compute (FLOP)", "Confidence"]
    head += ["Abstract", "Model accessibility", "Last modified", "Domain", *extra]
    held = data.read("training_compute")[0].iloc[0]
    rows = [
        [held.model, held.organization, held.published, "", "", held.training_compute_flop, held.confidence, "",
         held.accessibility],
        ["Nova 7", "OpenAI", "2026-11-01", "https://example.org", "", "1.2e27", "Likely", "Large, and new.", "API access"],
        ["No Compute", "Cohere", "2026-08-01", "", "", "", "Likely", "", "API access"],
        ["Older", "Cohere", "2012-08-01", "", "", "1e17", "Likely", "", "Unreleased"],
    ]  # fmt: skip
    return {("epoch_models", "models"): csv_of(head, *([*row, "", "", *extra] for row in rows))}


def spy(told=True, weight="Weight"):
    weights = data.read("index_weights")[0].weight_percent.astype(float)
    tickers = data.read("index_weights")[0].ticker
    rows = [["Fund Name:", "State Street SPDR S&P 500 ETF Trust"], ["Ticker Symbol:", "SPY"]]
    rows += [["Holdings:", "As of 27-Nov-2026"]] if told else []
    rows += [["Name", "Ticker", "Identifier", "SEDOL", weight, "Sector", "Shares Held", "Local Currency"]]
    rows += [
        ["X", one.replace("-", "."), "1", "2", value, "-", 5.0, "USD"]
        for one, value in zip(tickers, weights, strict=True)
    ]
    rows += [
        ["US DOLLAR", "-", "-", "-", 0.03, "-", 1.0, "USD"],
        ["STATE STREET CASH", "CASH_USD", "", "", 0.02, "-", 1, ""],
    ]
    rows += [[], ["Past performance is not a reliable indicator of future performance."]]
    return workbook({"holdings": rows})


def ivv(count="Quantity", told=True):
    weights = data.read("index_weights")[0]
    rows = [["iShares Core S&P 500 ETF"], ["Fund Holdings as of", "Nov 27, 2026"] if told else ["Stock", "-"], ["\xa0"]]
    rows += [
        ["Ticker", "Name", "Sector", "Asset Class", "Market Value", "Weight (%)", "Notional Value", count, "Price"]
    ]
    rows[-1] += ["Location", "Exchange", "Currency", "FX Rate", "Accrual Date"]
    price = {"AAPL": "250.50", "NVDA": "1,200.00", "GOOGL": "180.00"}
    for one in weights.itertuples():
        ticker = one.ticker.replace("BRK-B", "BRKB").replace("BF-B", "BFB")
        rows.append([ticker, "X", "IT", "Equity", "1,000.50", f"{float(one.weight_percent):.2f}", "1", "5.00"])
        rows[-1] += [price.get(ticker, "10.00"), "United States", "NASDAQ", "USD", "1.00", "-"]
    rows.append(
        ["XTSLA", "CASH FUND", "Cash", "Money Market", "1", "0.10", "1", "1", "1.00", "US", "-", "USD", "1.00", "-"]
    )
    return b"\xef\xbb\xbf" + csv_of(*rows, ["\xa0"], ["The content contained herein is owned by BlackRock, Inc."])


def funds(told=True, count="Quantity"):
    return {("funds", "SPY"): spy(told), ("funds", "IVV"): ivv(count)}


def sec(counts=(15_000_000_000, 24_400_000_000)):
    def facts(name, *stated):
        units = {
            "shares": [
                dict(zip(("end", "val", "accn", "fy", "fp", "form", "filed"), one, strict=True)) for one in stated
            ]
        }
        return json.dumps({"cik": 1, "entityName": name, "facts": {"dei": {"EntityCommonStockSharesOutstanding": {
            "label": "Entity Common Stock, Shares Outstanding", "description": "...", "units": units}}}}).encode()  # fmt: skip

    apple, nvidia = counts
    tickers = [(320193, "AAPL"), (1652044, "GOOGL"), (1045810, "NVDA")]
    listed = {str(place): {"cik_str": one, "ticker": name, "title": ""} for place, (one, name) in enumerate(tickers)}
    return {
        ("sec", "tickers"): json.dumps(listed).encode(),
        ("sec", "IVV"): ivv(),
        ("sec", "facts", ("cik", "0000320193")): facts(
            "Apple Inc.",
            ("2026-07-18", 15_100_000_000, "0000320193-26-000100", 2026, "Q3", "10-Q", "2026-08-01"),
            ("2026-10-17", apple, "0000320193-26-000120", 2026, "FY", "10-K", "2026-10-31"),
            ("2027-01-17", 14_000_000_000, "0000320193-27-000001", 2027, "Q1", "10-Q", "2027-01-31"),
        ),
        # by class since 2016: what is left is old
        ("sec", "facts", ("cik", "0001652044")): facts(
            "Alphabet", ("2015-10-22", 1, "a", 2015, "Q3", "10-Q", "2015-10-29")
        ),
        ("sec", "facts", ("cik", "0001045810")): facts(
            "NVIDIA", ("2026-11-10", nvidia, "b", 2027, "Q3", "10-Q", "2026-11-20")
        ),
    }


def fred(first="observation_date", value="55.9252"):
    def series(name):
        rows = data.read("adoption_figures")[0].query("source.str.contains('RPSGENAI')")
        kind = "(overall)" if name.endswith("ALL") else "(work)"
        rows = [[one.period_start, one.value] for one in rows[rows.measure.str.endswith(kind)].itertuples()]
        rows = [*rows, ["2026-07-01", "63.0449" if kind == "(overall)" else "47.3912"], ["2026-10-01", "."]]
        if first == "Date":
            rows = [[day, "Overall use", cell, name] for day, cell in rows]
            return csv_of(["Date", "Series", "Value", "Series ID"], *rows)
        return csv_of([first, name], *rows)

    return {("fred", name): series(name) for name in ("RPSGENAIUSAGESHAREALL", "RPSGENAIUSAGESHAREWORK")}


def eurostat(listed=False, **changes):
    sizes, years = {"10-49": 0, "50-249": 1, "GE10": 2, "GE250": 3}, {"2025": 0, "2026": 1}
    one = {"freq": "A", "nace_r2": "C10-S951_X_K", "indic_is": "E_AI_TANY", "unit": "PC_ENT", "geo": "EU27_2020"}
    index = {name: {code: 0} for name, code in one.items()} | {"size_emp": sizes, "time": years}
    order = ["freq", "size_emp", "nace_r2", "indic_is", "unit", "geo", "time"]
    values = [17.04, 21.5, 30.38, 36.1, 19.95, 25.25, 55.03, None]
    tree = {
        "version": "2.0", "class": "dataset", "label": "AI by size", "updated": "2026-11-25T23:00:00+0100",
        "value": values if listed else {str(n): value for n, value in enumerate(values) if value is not None},
        "status": {"3": "b"}, "id": order, "size": [len(index[name]) for name in order],
        "dimension": {name: {"label": name, "category": {"index": index[name], "label": {}}} for name in order},
    } | changes  # fmt: skip
    return {("eurostat", "isoc_eb_ai"): json.dumps(tree).encode()}


def owid(value="Organizations reporting having adopted AI", head=("Entity", "Year")):
    rows = data.read("adoption_figures")[0].query("source.str.contains('OWID')")
    rows = [
        [one.entity.replace("World", "All geographies"), one.period_start[:4], one.value] for one in rows.itertuples()
    ]
    rows = [*rows, ["Europe", "2026", "91"]]
    if "Code" in head:
        rows = [[entity, "", year, cell] for entity, year, cell in rows]
    return {("owid", "companies"): csv_of([*head, value], *rows)}


def yahoo(monkeypatch, drift=1.0, lost=()):
    """A yfinance that gives closes in the form of the real one: columns of field and ticker."""
    index = data.read("return_indices")[0]
    index = index[index.date >= "2026-07-15"].pivot(index="date", columns="security", values="total_return_index")
    index = index.astype(float).drop(columns="TCEHY", errors="ignore")
    last = index.iloc[-1].copy()
    index.iloc[-5, 0] *= drift
    for number, day in enumerate(("2026-11-26", "2026-11-27", "2026-11-30")):
        index.loc[day] = last * (1.1 + number / 100)
    # adjusted closes are of another level, and change it with every dividend
    closes = index / 3.7
    closes.index = pd.to_datetime(closes.index)
    closes.loc[:, list(lost)] = float("nan")
    fields = {name: closes for name in ("Adj Close", "Close", "High", "Low", "Open")} | {"Volume": closes * 0 + 1}
    asked = []

    def download(tickers, **wishes):
        asked.append((tickers, wishes))
        return pd.concat(fields, axis="columns", names=["Price", "Ticker"])

    monkeypatch.setitem(sys.modules, "yfinance", types.SimpleNamespace(download=download))
    return asked


# Each source ends in valid rows


def grown(place, table, before):
    """Cells of the lines that a table gained; no line that it held is changed, lost or moved."""
    lines = place.lines(f"raw/{table}.csv")
    held = before[f"raw/{table}.csv"].decode().splitlines()
    assert [line for line in lines if line in set(held)] == held
    return list(csv.DictReader([lines[0], *(line for line in lines if line not in set(held))]))


def vintages(place, table):
    path = place.root / "data/vintages" / f"{table}.csv"
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) if path.is_file() else []


def only(row, *names):
    return tuple(row[name] for name in names)


GROWN = {
    "btos": (btos_pages, {"btos_national": 1, "btos_sectors": 3, "btos_sizes": 2}),
    "btos_original": (btos_original, {}),
    "btos_api": (btos_api, {"btos_national": 2}),
    "arena": (arena, {"arena_boards": 2, "arena_scores": 82, "models": 1}),
    "models_dev": (models_dev, {"model_prices": 1}),
    "genai_prices": (genai_prices, {"model_prices": 1}),
    "llm_prices": (llm_prices, {"model_prices": 2}),
    "epoch_index": (epoch_index, {"eci_scores": 2}),
    "epoch_models": (epoch_models, {"training_compute": 1}),
    "funds": (funds, {"index_snapshots": 2, "index_weights": 1008}),
    "sec": (sec, {"market_caps": 2}),
    "fred": (fred, {"adoption_figures": 2}),
    "eurostat": (eurostat, {"adoption_figures": 3}),
    "owid": (owid, {"adoption_figures": 1}),
}


def test_every_source_of_the_ledger_has_a_module_tolerances_and_a_test_and_no_other_exists():
    listed = feeds.feeds()
    modules = {path.stem for path in (HOUSE / "src/helpers/sources").glob("*.py") if "def pull(" in path.read_text()}
    assert modules == set(listed) == {*GROWN, "closes"}
    for feed in [feed for files in listed.values() for feed in files.values()]:
        assert feed.address.startswith("https://") and feed.terms and 0 < feed.most_mb <= 100


@pytest.mark.parametrize("source", GROWN)
def test_a_source_ends_in_rows_that_follow_every_rule_and_asking_again_finds_nothing(place, source):
    pages, expected = GROWN[source]
    place.serve(pages())
    before = place.files()
    code, said, err = place.refresh(source, contact="name@example.org")
    assert err == "" and code == 0, said
    for table in expected:
        assert len(grown(place, table, before)) == expected[table], said
    changed = {name for name, content in place.files().items() if before.get(name) != content}
    vintage = {"epoch_index": {"vintages/eci_scores.csv"}}.get(source, set())
    ledger = {"sources.csv"} if expected else set()
    assert changed == {f"raw/{table}.csv" for table in expected} | vintage | ledger, said
    again = place.files()
    code, said, err = place.refresh(source, contact="name@example.org", now=lambda: NOW + datetime.timedelta(days=1))
    assert err == "" and code == 0 and place.files() == again
    assert said.splitlines()[-1] == f"{source}: nothing new"


def test_the_ledger_states_the_new_hash_the_newest_day_and_the_day_of_reading(place):
    place.serve(btos_pages())
    place.refresh("btos")
    row = data.sources().loc["btos_national"]
    content = (place.root / "data/raw/btos_national.csv").read_bytes()
    assert (row.sha256, row.published, row.read) == (hashlib.sha256(content).hexdigest(), "2026-10-08", TODAY)


def test_btos_reads_suppressed_cells_unasked_cycles_and_dates_as_days_numbers_or_text(place):
    place.serve(btos_pages())
    before = place.files()
    place.refresh("btos")
    (row,) = grown(place, "btos_national", before)
    days = only(row, "collection_start", "collection_end", "reference_start", "reference_end", "published")
    assert days == ("2026-09-21", "2026-10-04", "2026-09-07", "2026-09-20", "2026-10-08")
    assert only(row, "cycle", "wording", "use_rate", "use_se", "use_status") == ("202620", "new", "24.1", "0.31", "ok")
    assert {one["size_class"] for one in grown(place, "btos_sizes", before)} == {"1-4", "250+"}
    assert {one["sector_name"] for one in grown(place, "btos_sectors", before)} >= {"Information"}


def test_btos_keeps_a_suppressed_figure_as_suppressed(place):
    sheets = btos("btos_sectors", ("202620", "202619", "202520"), stratum=["Sector"], code="sector")
    for name in ("Response Estimates", "Response Standard Errors"):
        sheets[name][1][5] = "S"
    place.serve(btos_pages(Sector=sheets))
    before = place.files()
    assert place.refresh("btos")[0] == 0
    row = next(row for row in grown(place, "btos_sectors", before) if row["sector"] == "51")
    assert only(row, "use_rate", "use_se", "use_status", "expected_status") == ("", "", "suppressed", "ok")


def test_the_old_dates_sheet_tells_no_day_of_publication_which_is_four_days_after_collection():
    book = {"Collection and Reference Dates": [tuple(row) for row in dates_of_2025(["202519"])]}
    from helpers.sources import btos as connector

    assert connector._dates("a book", book)["202519"]["published"] == "2025-09-25"


def test_the_api_names_cycles_by_what_is_held_and_leaves_out_periods_without_data(place):
    place.serve(btos_api())
    before = place.files()
    _, said, _ = place.refresh("btos_api")
    rows = grown(place, "btos_national", before)
    assert [only(row, "cycle", "use_rate", "expected_rate", "use_status") for row in rows] == [
        ("202621", "24.4", "28.2", "ok"),
        ("202623", "", "", "suppressed"),
    ]
    assert "period 112 (cycle 202622) has no data" in said


def test_a_board_brings_its_new_models_and_intervals_where_it_has_them(place):
    place.serve(arena())
    before = place.files()
    place.refresh("arena")
    boards = grown(place, "arena_boards", before)
    assert [only(row, "board_date", "style_control", "scale_regime") for row in boards] == [
        ("2026-11-13", "0", "R3"),
        ("2026-11-13", "1", "SC2"),
    ]
    rows = grown(place, "arena_scores", before)
    nova = next(row for row in rows if row["arena_key"] == "gpt-7-nova")
    assert only(nova, "score", "score_low", "score_high", "votes", "open_weights") == (
        "1540.25", "1530.50", "1550.00", "4321", "0",
    )  # fmt: skip
    assert sum(row["score_low"] == "" for row in rows) == 80
    (model,) = grown(place, "models", before)
    assert only(model, "release_date", "release_is_proxy", "licence_class", "developer") == (
        "2026-11-13", "1", "proprietary", "OpenAI",
    )  # fmt: skip


def test_a_board_on_another_scale_is_refused(place):
    place.serve(arena(shift=23.0))
    before = place.files()
    code, _, err = place.refresh("arena")
    assert code == 1 and place.files() == before
    assert (
        "the 40 models on the boards of 2026-10-02 and 2026-11-13 shift by +23.0 points, more than 10: a new scale"
        in err
    )


def test_prices_come_with_their_days_from_makers_only_and_undated_ones_from_one_list(place):
    place.serve(genai_prices() | llm_prices() | models_dev())
    place.only("genai_prices", "llm_prices", "models_dev")
    before = place.files()
    said = place.refresh()[1]
    rows = grown(place, "model_prices", before)
    names = ("arena_key", "effective_date", "input_usd_per_mtok", "output_usd_per_mtok", "date_basis")
    assert [only(row, *names) for row in rows] == [
        ("deepseek-v3", "2026-11-06", "0.25", "0.9", "stated by the list"),
        ("deepseek-v3", "2026-11-20", "0.2", "0.4", "stated by the list"),
        ("gpt-4o-2024-05-13", "2026-11-05", "2.5", "10", "stated by the list"),
        ("gpt-4o-2024-05-13", TODAY, "4", "12", "first seen in this list"),
    ]
    assert "genai_prices: says 4.5 and 15 for gpt-4o-2024-05-13, where 5 and 15 are in force; left as held" in said
    assert "models_dev: 1 prices of models that are not on the Arena by that name, or of hosts, are left out" in said


def test_the_index_of_capabilities_is_revised_with_both_vintages(place):
    place.serve(epoch_index())
    before = place.files()
    code, said, _ = place.refresh("epoch_index")
    assert "eci_scores: revised: Baichuan-2-13B-Base: eci 102.778814878213 → 103.5" in said
    (row,) = vintages(place, "eci_scores")
    assert only(row, "model_version", "eci", "known_on", "known_from") == (
        "Baichuan-2-13B-Base", "103.5", "2026-04-10", TODAY,
    )  # fmt: skip
    classed = {
        row["model_version"]: only(row, "access_class", "class_basis") for row in grown(place, "eci_scores", before)
    }
    assert classed == {"gpt-7-nova": ("closed", "Epoch"), "baichuan-9": ("open", "own, by developer")}


def test_compute_is_written_in_full(place):
    place.serve(epoch_models())
    before = place.files()
    place.refresh("epoch_models")
    (row,) = grown(place, "training_compute", before)
    assert only(row, "model", "training_compute_flop", "known_on") == ("Nova 7", "12" + "0" * 26, TODAY)


@pytest.mark.parametrize(
    ("told", "count", "day", "basis"),
    [
        (True, "Quantity", "2026-11-27", "stated in the file"),
        (True, "Shares", "2026-11-27", "stated in the file"),
        (False, "Quantity", "2026-11-27", "day before the file was archived"),
    ],
)
def test_holdings_are_read_with_and_without_their_day_and_under_both_names_of_the_count(place, told, count, day, basis):
    place.serve(funds(told, count))
    before = place.files()
    assert place.refresh("funds")[0] == 0
    snapshots = {row["fund"]: row for row in grown(place, "index_snapshots", before)}
    assert only(snapshots["SPY"], "date", "date_basis", "holdings", "weight_sum_percent") == (
        day,
        basis,
        "504",
        "99.946",
    )
    weights = grown(place, "index_weights", before)
    assert [row["ticker"] for row in weights if "BRK" in row["ticker"]] == ["BRK-B", "BRK-B"]


def test_shares_times_price_make_a_market_cap_but_not_across_a_split_or_by_class(place):
    place.serve(sec())
    before = place.files()
    _, said, _ = place.refresh("sec", contact="Jo Doe name@example.org")
    caps = {row["security"]: row for row in grown(place, "market_caps", before)}
    assert only(caps["AAPL"], "date", "market_cap_usd", "shares_outstanding") == (
        "2026-11-27", "3757500000000", "15000000000",
    )  # fmt: skip
    assert "sec: GOOGL states its shares by class only; no row" in said
    asked = {path: agent for path, agent in place.server.asked if "companyfacts" in path}
    assert set(asked.values()) == {"ai-after-deepseek Jo Doe name@example.org"}


def test_shares_that_a_split_multiplied_make_no_market_cap(place):
    place.serve(sec(counts=(150_000_000_000, 24_400_000_000)))
    before = place.files()
    _, said, _ = place.refresh("sec", contact="name@example.org")
    assert [row["security"] for row in grown(place, "market_caps", before)] == ["NVDA"]
    assert "AAPL: 150,000,000,000 shares do not follow" in said


def test_without_a_contact_sec_is_not_asked_and_the_user_is_told_how(place):
    code, _, err = place.refresh("sec")
    assert code == 1 and place.server.asked == []
    assert "sec: SEC asks for a contact; say `make refresh CONTACT=name@example.org`" in err


@pytest.mark.parametrize("contact", ["nobody", "a@b\r\nX-Header: 1"])
def test_a_contact_that_is_no_address_is_refused(contact):
    with pytest.raises(Stopped, match="CONTACT: .* holds no mail address"):
        fetch.Fetcher(contact)


@pytest.mark.parametrize("first", ["observation_date", "DATE", "Date"])
def test_fred_is_read_in_all_its_forms_and_a_missing_quarter_is_left_out(place, first):
    place.serve(fred(first))
    before = place.files()
    assert place.refresh("fred")[0] == 0
    rows = grown(place, "adoption_figures", before)
    assert [only(row, "period_start", "period_end", "value", "known_on") for row in rows] == [
        ("2026-07-01", "2026-09-30", "63.04", TODAY),
        ("2026-07-01", "2026-09-30", "47.39", TODAY),
    ]


@pytest.mark.parametrize("listed", [False, True])
def test_eurostat_values_are_placed_by_the_sizes_of_their_dimensions(place, listed):
    place.serve(eurostat(listed, **({"status": [""] * 3 + ["b"] + [""] * 4} if listed else {})))
    before = place.files()
    assert place.refresh("eurostat")[0] == 0
    rows = {row["entity"]: only(row, "period_end", "value", "note") for row in grown(place, "adoption_figures", before)}
    assert rows == {
        "EU27, 10-49": ("2026-12-31", "21.5", ""),
        "EU27, 50-249": ("2026-12-31", "36.1", "break in series"),
        "EU27, all sizes": ("2026-12-31", "25.25", ""),
    }


def test_closes_carry_the_indices_on_to_the_last_day_before_today(place, monkeypatch):
    asked = yahoo(monkeypatch)
    before = place.files()
    code, _, err = place.refresh("closes")
    assert (code, err) == (0, "")
    held = {row["security"]: float(row["total_return_index"]) for row in data.read("return_indices")[0].to_dict("records")
            if row["date"] == "2026-07-31"}  # fmt: skip
    rows = grown(place, "return_indices", before)
    assert {row["date"] for row in rows} == {"2026-11-26", "2026-11-27"}
    assert {row["security"]: row["total_return_index"] for row in rows if row["date"] == "2026-11-27"} == {
        name: f"{value * 1.11:.2f}" for name, value in held.items()
    }
    ((tickers, wishes),) = asked
    assert "TCEHY" not in tickers and wishes["auto_adjust"] is False
    assert place.server.asked == []


def test_closes_that_move_otherwise_than_the_index_are_refused(place, monkeypatch):
    yahoo(monkeypatch, drift=1.01)
    before = place.files()
    code, _, err = place.refresh("closes")
    assert code == 1 and place.files() == before
    assert "the closes and the index held move 1.00% apart over the last 10 days" in err


def test_a_security_that_yahoo_lost_stops_the_closes(place, monkeypatch):
    yahoo(monkeypatch, lost=["NVDA"])
    assert "Yahoo gives no closes for NVDA" in place.refresh("closes")[2]


def test_without_yfinance_the_user_is_told_where_to_get_it(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    code, _, err = place.refresh("closes")
    assert code == 1 and "needs yfinance: run `make extras`" in err
