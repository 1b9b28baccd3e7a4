"""The refresh against a server of this machine that speaks each source's format, in small files written here."""

import contextlib
import csv
import datetime
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import filelock
import openpyxl
import pandas as pd
import pytest
import requests
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import to_excel

from helpers import cache, data, freshness, journal, paths, results
from helpers.charts import house
from helpers.inference import exact
from helpers.notebook import Notebook
from helpers.rows import rows_of
from helpers.sources import arena as sources_arena
from helpers.sources import feeds, fetch, formats, keep, prices, refresh
from helpers.sources import moved as moved_verdicts
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
def web_server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def web(web_server):
    web_server.pages.clear()
    web_server.asked.clear()
    return web_server


# A small collection: the real ledgers, and of each table the rows that the small files speak of

NEW_CYCLES, OLD_CYCLES = ("202618", "202619"), ("202519", "202520")
FIRMS = ("AAPL", "GOOGL", "NVDA")
PRICED = ("deepseek-v3", "gpt-4o-2024-05-13", "o3-2025-04-16")


def rows_kept(table, rows):
    """Rows of a table that the small files speak of; None of a table that they do not."""
    kept = {
        "btos_national": lambda: rows.cycle.isin(NEW_CYCLES + OLD_CYCLES),
        "btos_sectors": lambda: rows.cycle.isin(NEW_CYCLES + OLD_CYCLES) & rows.sector.isin(["51", "52", "XX"]),
        "btos_sizes": lambda: rows.cycle.isin(["202520", "202525"]) & rows.size_class.isin(["1-4", "250+"]),
        "btos_subsectors": lambda: rows.cycle.isin(["202520"]) & rows.subsector.isin(["511", "513", "811"]),
        "arena_boards": lambda: rows.board_date.isin(["2025-02-14", "2026-10-02"]),
        "arena_scores": lambda: (
            (rows.board_date == "2026-10-02") & (rows.groupby("style_control").cumcount(False) < 60)
        ),
        "return_indices": lambda: (
            rows.security.isin(["SPY", "NVDA", "TCEHY"]) & ~rows.date.between("2023", "2026-07-01")
        ),
        "model_prices": lambda: rows.arena_key.isin(PRICED),
        "models": lambda: rows.arena_key.isin(PRICED) | (rows.first_arena_date > "2025"),
        "market_caps": lambda: rows.security.isin(FIRMS),
        "index_weights": lambda: rows.date >= "2026",
        "index_snapshots": lambda: rows.date >= "2026",
        "securities": lambda: rows.security != "",
        "adoption_figures": lambda: rows.measure != "",
        "eci_scores": lambda: rows.index % 5 == 0,
        "training_compute": lambda: rows.index < 5,
    }
    return rows[kept[table]()] if table in kept else None


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    (root / "data/raw").mkdir(parents=True)
    for name in ("claims.csv", "parameters.csv", "feeds.csv", "tolerances.csv"):
        shutil.copy(DATA / name, root / "data")
    tables = {
        table: rows_kept(table, pd.read_csv(paths.RAW / f"{table}.csv", dtype=str, keep_default_na=False))
        for table in data.sources().index
    }
    tables = {table: rows for table, rows in tables.items() if rows is not None}
    scores, models = tables["arena_scores"], tables["models"]
    tables["arena_scores"] = scores[scores.arena_key.isin(models.arena_key)].groupby("style_control").head(50)
    ledger, described = data.sources().loc[list(tables)], data.columns()
    for table, rows in tables.items():
        file = root / "data/raw" / f"{table}.csv"
        rows.to_csv(file, index=False, lineterminator="\n")
        ledger.loc[table, "sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    ledger.to_csv(root / "data/sources.csv", index=False, lineterminator="\n")
    described = described[described.table.isin(list(tables))]
    described.to_csv(root / "data/columns.csv", index=False, lineterminator="\n")
    return root


def moved(monkeypatch, root):
    for name, place in (("ROOT", ""), ("DATA", "data"), ("RAW", "data/raw"), ("PROCESSED", "data/processed")):
        monkeypatch.setattr(paths, name, root / place)


@pytest.fixture(scope="module")
def built(small):
    with pytest.MonkeyPatch.context() as monkeypatch:
        moved(monkeypatch, small)
        data.build()
    return small


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
def place(built, web, tmp_path, monkeypatch, capsys):
    root = tmp_path / "project"
    shutil.copytree(built, root)
    moved(monkeypatch, root)
    ledger = root / "data/feeds.csv"
    text = re.sub(r"https://[^/,]+", f"http://{web.place}", ledger.read_text(encoding="utf-8"))
    ledger.write_text(text, encoding="utf-8")
    return Place(root, web, capsys)


# Files in the formats of their sources

ENDS = {"new": "in any of its business functions?", "old": "in producing goods or services?"}
EXAMPLES = " (Examples of AI: machine learning, natural language processing, virtual agents, voice recognition, etc.)"
USE = {
    wording: f"In the last two weeks, did this business use Artificial Intelligence (AI) {end}{EXAMPLES}"
    for wording, end in ENDS.items()
}
# two spaces, as the survey has them
EXPECTED = {
    wording: f"During the next six months, do you think this business will be using Artificial Intelligence (AI)  {end}"
    for wording, end in ENDS.items()
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
        ["Nova 7", "OpenAI", "2026-11-01", "", "", "1.2e27", "Likely", "Large, and new.", "API access"],
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
            "label": "Entity Common Stock, Shares Outstanding", "units": units}}}}).encode()  # fmt: skip

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
        rows = data.read("adoption_figures")[0].query("source.str.contains('RPSGENAI') and period_start < '2026-07'")
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
    stated = pd.read_csv(DATA / "tolerances.csv", dtype=str)
    assert set(stated.source) == set(listed)
    assert all(feeds.tolerances(*pair) for pair in zip(stated.source, stated.table, strict=True))
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


@pytest.mark.fault(48)
def test_a_board_on_another_scale_is_refused(place):
    place.serve(arena(shift=23.0))
    before = place.files()
    code, _, err = place.refresh("arena")
    assert code == 1 and place.files() == before
    assert (
        "the 40 models on the boards of 2026-10-02 and 2026-11-13 shift by +23.0 points, more than 10: a new scale"
        in err
    )


def test_a_board_older_than_the_newest_held_is_left_alone(place):
    for name, style in (("text", "0"), ("text_style_control", "1")):
        place.serve({("arena", name): parquet(board(style, "2026-03-06") + board(style))})
    before = place.files()
    assert place.refresh("arena")[0] == 0
    assert {row["board_date"] for row in grown(place, "arena_scores", before)} == {"2026-11-13"}
    assert [model["release_date"] for model in grown(place, "models", before)] == ["2026-11-13"]
    assert vintages(place, "arena_scores") == []


def test_a_board_that_is_held_takes_no_model_under_another_name(place):
    place.serve(arena(day="2026-10-02"))
    before = place.files()
    assert place.refresh("arena")[0] == 0
    assert [grown(place, name, before) for name in ("arena_boards", "arena_scores", "models")] == [[], [], []]
    assert "gpt-7-nova" not in {row["arena_key"] for row in vintages(place, "arena_scores")}


def test_a_row_that_refers_to_nothing_stops_its_source_and_nothing_is_written(place, monkeypatch):
    place.serve(arena())
    monkeypatch.setattr(sources_arena, "_models", lambda found, models, scores: models.iloc[:0])
    before = place.files()
    code, _, err = place.refresh("arena")
    assert code == 1 and place.files() == before
    assert "arena_scores: 'gpt-7-nova' of column arena_key is not in models.arena_key" in err


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


def test_a_price_is_that_of_all_entries_of_its_model_but_not_of_those_matched_by_likeness():
    models = pd.DataFrame(
        {
            "arena_key": ["nova", "nova-thinking", "nova-like"],
            "price_name": ["nova", "nova", "nova"],
            "price_match": ["arena key", "base name", "fuzzy"],
        }
    )
    columns = ["arena_key", "effective_date", "input_usd_per_mtok", "output_usd_per_mtok"]
    tables = {"models": models, "model_prices": pd.DataFrame([["nova", "2026-01-01", "1", "2"]], columns=columns)}
    (pulled,) = prices.news([("openai", "nova", 3.0, 6.0, "")], tables.get, TODAY, "a list", believed=True)
    assert list(pulled.rows.arena_key) == ["nova", "nova-thinking"]
    (pulled,) = prices.news([("openai", "nova", 1.0, 2.0, "")], tables.get, TODAY, "a list", believed=True)
    assert list(pulled.rows.arena_key) == ["nova-thinking"]


def test_the_index_of_capabilities_is_revised_with_both_vintages(place):
    place.serve(epoch_index())
    before = place.files()
    _, said, _ = place.refresh("epoch_index")
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


def test_a_holding_that_is_listed_twice_stops_the_funds(place):
    place.serve(funds() | {("funds", "IVV"): ivv().replace(b"\r\nABBV,", b"\r\nAAPL,")})
    assert "IVV holdings: lists AAPL twice" in place.refresh("funds")[2]


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


@pytest.mark.parametrize("contact", ["nobody", "a@b\r\nX-Header: 1", "name@exam\x00ple.org", "名@例え.jp"])
def test_a_contact_that_is_no_address_is_refused(contact):
    with pytest.raises(Stopped, match=r"CONTACT: .* holds no mail address"):
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
    last = data.read("return_indices")[0].query("date == '2026-07-31'")
    held = dict(zip(last.security, last.total_return_index.astype(float), strict=True))
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


# Offline by default (fault 49)

OFFLINE = """
import socket, sys
from helpers import run

def asked(*address, **_):
    raise RuntimeError(f"the network was asked for {address}")

connect = socket.socket.connect
socket.getaddrinfo = asked
socket.socket.connect = lambda self, address: asked(address) if isinstance(address, tuple) else connect(self, address)
sys.exit(run.main(sys.argv[1:]))
"""
LEAF = """
import socket
from helpers.notebook import Notebook

notebook = Notebook("01_leaf", as_of)
rows = notebook.load("btos_national")
try:
    socket.create_connection(("example.org", 443))
except RuntimeError as refused:
    (notebook.output_dir / "results.json").write_text("[]")
    print(refused)
"""


@pytest.mark.fault(49)
def test_a_report_is_built_without_a_request(copy):
    driver = copy.root / "offline.py"
    driver.write_text(OFFLINE, encoding="utf-8")
    copy.write("01_leaf", LEAF)
    copy.write("99_verdicts")
    code, said = copy.run("report", "--as-of=2025-02-14", command=[driver])
    assert code == 0, said
    # the door was shut in the kernel too
    printed = copy.printed("01_leaf", "report/2025-02-14")
    assert printed.startswith("the network was asked for ('example.org', 443")


@pytest.mark.fault(49)
def test_no_test_can_reach_the_network():
    with pytest.raises(AssertionError, match=r"a test asked the network for example\.org"):
        socket.create_connection(("example.org", 443))
    with socket.socket() as door, pytest.raises(AssertionError, match=r"a test asked the network for .*192\.0\.2\.1"):
        door.connect(("192.0.2.1", 443))


# The network: what is refused, what is tried again (faults 50 to 53)

PAGE = ("owid", "companies")


@pytest.mark.fault(50)
def test_a_host_that_asks_to_wait_is_waited_for_as_long_as_it_says(place):
    (page,) = owid().values()
    place.serve({PAGE: [answer(429, Retry_After="7"), page]})
    assert place.refresh("owid")[0] == 0
    assert [wait for wait in place.waits if wait >= 0.5] == [7]


@pytest.mark.fault(50)
def test_a_host_that_asks_to_wait_until_a_time_is_waited_for(place):
    (page,) = owid().values()
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    place.serve({PAGE: [answer(503, Retry_After=until.strftime("%a, %d %b %Y %H:%M:%S GMT")), page]})
    assert place.refresh("owid")[0] == 0
    (wait,) = [wait for wait in place.waits if wait >= 0.5]
    assert 40 < wait <= 100


@pytest.mark.fault(50)
def test_a_host_that_asks_for_more_patience_than_we_have_is_left_for_later(place):
    place.serve({PAGE: answer(429, Retry_After="3600")})
    code, _, err = place.refresh("owid")
    assert code == 1 and "127.0.0.1 asks to wait 3600 seconds; try again later" in err
    assert len(place.server.asked) == 1


def short(handler):
    answer(200, b"Entity,Year", length=5000)(handler)


@pytest.mark.fault(51)
@pytest.mark.parametrize(
    ("trouble", "told"),
    [(answer(500), "answered 500"), (answer(503), "answered 503"), (reset, "was cut off"), (short, "was cut off")],
    ids=["500", "503", "a reset", "a short body"],
)
def test_trouble_that_passes_is_tried_again_and_trouble_that_stays_is_given_up_after_five_times(place, trouble, told):
    (page,) = owid().values()
    before = place.files()
    place.serve({PAGE: trouble})
    code, _, err = place.refresh("owid")
    assert code == 1 and place.files() == before
    assert f"owid, companies: {told}" in err and "5 times; try again later" in err
    assert len(place.server.asked) == 5
    assert [wait for wait in place.waits if wait >= 0.5] == [1, 2, 4, 8]
    place.serve({PAGE: [trouble, trouble, page]})
    assert place.refresh("owid")[0] == 0


def test_a_refusal_is_not_tried_again(place):
    place.serve({PAGE: answer(403)})
    code, _, err = place.refresh("owid")
    assert code == 1 and "owid, companies: answered 403" in err and len(place.server.asked) == 1


SOFT_404 = b"<!DOCTYPE html><html><head><title>Not found</title></head></html>" + b" " * 4500
WRONG = {
    "a page that says it is not there": (("btos", "National"), SOFT_404, "btos, National: is an HTML page, not xlsx"),
    "text for a workbook": (("btos", "National"), b"Question ID,7", "btos, National: is not xlsx"),
    "text for parquet": (("arena", "text"), b"model_name", "arena, text: is not parquet"),
    "a cut parquet file": (("arena", "text"), b"PAR1abc", "text: is cut or no parquet file"),
    "a cut workbook": (("btos", "National"), b"PK\x03\x04abc", "National.xlsx: is cut or no archive"),
    "text for JSON": (("models_dev", "api"), b"{'a': 1}", "models_dev, api: is not json"),
    "a list for a dict": (("models_dev", "api"), b"[1, 2]", "models.dev: the JSON is a list, which it was not before"),
    "nothing": (PAGE, b"", "owid, companies: is not csv"),
    "bytes for CSV": (PAGE, b"\xff\xfe\x00", "companies: is no CSV in UTF-8"),
    "a page for CSV": (PAGE, b"\n <html>", "owid, companies: is an HTML page, not csv"),
    "a short row": (PAGE, b"Entity,Year,x\nWorld,2021\n", "companies: 2 cells on line 2, but 3 columns"),
}


@pytest.mark.fault(52)
@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_what_it_should_be_is_refused_and_what_is_held_stays(place, name):
    page, content, told = WRONG[name]
    place.serve({page: content})
    before = place.files()
    code, _, err = place.refresh(page[0])
    assert code == 1 and told in err
    assert place.files() == before


@pytest.mark.fault(52)
@pytest.mark.parametrize("length", [None, "none"], ids=["announced", "not announced"])
def test_a_file_larger_than_its_ledger_allows_is_refused(place, length):
    place.serve({PAGE: answer(200, b"x" * 6_000_000, length=length)})
    code, _, err = place.refresh("owid")
    assert code == 1 and "owid, companies: larger than the 5 MB of data/feeds.csv" in err


@pytest.mark.fault(52)
def test_a_file_that_is_announced_too_large_is_refused_before_it_comes(place):
    place.serve({PAGE: answer(200, b"x", length=6_000_000)})
    assert "larger than the 5 MB of data/feeds.csv" in place.refresh("owid")[2]


def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(place):
    packed = gzip.compress(b"x" * 6_000_000)
    assert len(packed) < 10_000
    place.serve({PAGE: answer(200, packed, Content_Encoding="gzip")})
    assert "larger than the 5 MB of data/feeds.csv" in place.refresh("owid")[2]


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "inf",
        "1e999",
        "1_000",
        "１２",
        "1,5",
        "1,2345",
        ",123",
        "12,34,567",
        "0x10",
        "1 000",
        "5%%",
        "",
        ".",
        "-",
    ],
)
def test_a_number_that_another_reader_might_read_otherwise_is_refused(text):
    with pytest.raises(Stopped, match=r"^a file: .* is not a number$"):
        formats.number("a file", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234,567.5", 1234567.5), (" -24.1% ", -24.1), ("1e-05", 1e-5), (".5", 0.5), ("+3", 3.0), (1.5, 1.5), (7, 7.0)],
)
def test_a_number_is_read_in_the_forms_that_sources_use(text, value):
    assert formats.number("a file", text) == value


def test_a_day_in_the_digits_of_another_script_is_refused_and_an_early_one_keeps_its_four():
    with pytest.raises(Stopped, match="is not a day"):
        formats.day("a file", "２０２５-02-14")
    assert formats.day("a file", "0987-06-05") == "0987-06-05"


def test_a_number_that_rounds_to_nothing_loses_its_sign():
    assert [formats.plain(value, 2) for value in (-0.001, -0.0, -0.01)] == ["0", "0", "-0.01"]


@pytest.mark.parametrize("content", [b'a,b\n1,"open\n2,3\n', b'a,b\n1,"x"y\n'], ids=["open", "more after the mark"])
def test_a_quotation_mark_left_open_swallows_no_rows(content):
    with pytest.raises(Stopped, match="a file: is no CSV"):
        formats.table("a file", content)


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"[" * 100_000, b"\xff"], ids=["empty", "cut", "deep", "no text"])
def test_what_is_no_json_is_refused_with_its_place(content):
    with pytest.raises(Stopped, match="a file: is cut or no JSON"):
        formats.tree("a file", content, list)


def bomb(kind):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "many":
            for number in range(formats.MOST_PARTS + 1):
                archive.writestr(str(number), b"")
        else:
            archive.writestr("xl/worksheets/sheet1.xml", b"0" * 12_000_000)
    raw = content.getvalue()
    # a directory that claims a size is believed before anything is unpacked
    claimed = (2_000_000_000).to_bytes(4, "little")
    return raw.replace((12_000_000).to_bytes(4, "little"), claimed) if kind == "huge" else raw


@pytest.mark.parametrize("kind", ["dense", "huge", "many"])
def test_a_workbook_out_of_proportion_is_not_opened(place, monkeypatch, kind):
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("was opened"))
    place.serve({("btos", "National"): bomb(kind)})
    code, _, err = place.refresh("btos")
    assert code == 1 and "National.xlsx: would unpack from" in err and "is not opened" in err


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="99999999999"><c r="A1"><v>1</v></c></row>',
        "".join(f'<row r="{at}"><c r="XFD{at}"/></row>' for at in range(1, 90)),
    ],
    ids=["a row far below", "rows as wide as can be"],
)
def test_a_small_workbook_that_says_it_has_many_cells_is_refused(monkeypatch, rows):
    monkeypatch.setattr(formats, "MOST_CELLS", 1_000_000)
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook({"x": [["a"]]}))) as book, zipfile.ZipFile(content, "w") as archive:
        for name in book.namelist():
            archive.writestr(name, SHEET.format(rows) if name.endswith("sheet1.xml") else book.read(name))
    with pytest.raises(Stopped, match="a book: has more than 1,000,000 cells"):
        formats.sheets("a book", content.getvalue())


def test_a_small_parquet_file_of_many_equal_rows_is_refused(monkeypatch):
    monkeypatch.setattr(formats, "MOST_CELLS", 1000)
    content = io.BytesIO()
    pd.DataFrame({"model_name": ["x"] * 1001}).to_parquet(content)
    with pytest.raises(Stopped, match="a board: has more than 1,000 cells"):
        formats.parquet("a board", content.getvalue())


def test_a_parquet_file_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(formats, "MOST_UNPACKED", 10)
    with pytest.raises(Stopped, match=r"a board: would unpack to .* bytes, and is not opened"):
        formats.parquet("a board", parquet(board("0")))


def test_a_packed_answer_that_grows_without_end_and_says_nothing_is_stopped(place):
    # empty blocks of deflate: nothing to read ever comes out of them
    endless = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 1_400_000
    place.serve({PAGE: answer(200, endless, length="none", Content_Encoding="gzip")})
    assert "larger than the 5 MB of data/feeds.csv" in place.refresh("owid")[2]


@pytest.mark.parametrize("packing", ["gzip", "gzip, gzip", "br"])
def test_an_answer_packed_in_a_way_that_was_not_asked_for_is_refused_and_a_gzip_read(place, packing):
    (page,) = owid().values()
    place.serve({PAGE: answer(200, gzip.compress(page), Content_Encoding=packing)})
    code, _, err = place.refresh("owid")
    assert (code, err) == (0, "") if packing == "gzip" else f"packed as {packing!r}, which was not asked for" in err


@pytest.mark.fault(51)
def test_a_packed_answer_that_is_cut_is_asked_for_again(place):
    (page,) = owid().values()
    packed = gzip.compress(page)
    broken = answer(200, packed[:-12], Content_Encoding="gzip")
    place.serve({PAGE: [broken, answer(200, packed, Content_Encoding="gzip")]})
    assert place.refresh("owid")[0] == 0 and len(place.server.asked) == 2


def test_an_answer_that_drips_is_given_up(place, monkeypatch):
    monkeypatch.setattr(fetch, "MOST_SECONDS", 0.1)

    def drip(handler):
        answer(200, length=5000)(handler)
        with contextlib.suppress(OSError):
            for _ in range(20):
                handler.wfile.write(b"x")
                time.sleep(0.02)

    place.serve({PAGE: drip})
    assert "owid, companies: takes more than 0.1 seconds" in place.refresh("owid")[2]


def test_the_contact_goes_only_where_one_is_asked_for(place):
    place.serve(owid() | sec())
    for source in ("owid", "sec"):
        assert place.refresh(source, contact="name@example.org")[0] == 0
    told = {path: "name@example.org" in agent for path, agent in place.server.asked}
    assert set(told.values()) == {True, False}
    assert all(told[path] == ("compan" in path and "grapher" not in path) for path in told)


def test_credentials_of_this_machine_stay_on_it(place, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password word\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (page,) = owid().values()
    sent = []
    place.serve({PAGE: lambda handler: (sent.append(handler.headers["Authorization"]), answer(200, page)(handler))})
    assert place.refresh("owid")[0] == 0 and sent == [None]


def test_a_signed_address_is_not_told(place):
    place.serve({PAGE: answer(302, Location="https://user:word@example.org/file.csv?X-Amz-Signature=abc#part")})
    err = place.refresh("owid")[2]
    assert "https://example.org/file.csv is not on" in err and not re.search("Signature|word|part", err)


def test_what_a_source_says_cannot_command_the_terminal_or_the_weekly_run(place):
    (page,) = owid().values()
    place.serve({PAGE: page.replace(b"Year", b'"Year\n::error::x\x1b[2J"', 1)})
    err = place.refresh("owid")[2]
    assert "::error::x" in err and "\x1b" not in err and not re.search(r"^\s*::", err, flags=re.MULTILINE)


def test_data_that_cannot_be_written_are_named_in_one_line(place):
    shutil.rmtree(place.root / "data/.refresh", ignore_errors=True)
    (place.root / "data/.refresh").write_text("")
    assert refresh.main({"SOURCE": "owid"}) == 1
    err = place.capsys.readouterr().err
    assert err.count("\n") == 1 and err.startswith("error: ") and "data/.refresh" in err


@pytest.mark.fault(14)
def test_a_second_refresh_says_that_it_waits_for_the_first(place):
    place.serve(owid())
    (place.root / "data/.refresh").mkdir(exist_ok=True)
    lock, found = filelock.FileLock(place.root / "data/.refresh/lock", thread_local=False), []
    with lock:
        second = threading.Thread(target=lambda: found.append(place.refresh("owid")))
        second.start()
        time.sleep(0.3)
        assert not found and not place.server.asked
    second.join()
    assert found[0][0] == 0 and "another refresh is at work" in found[0][1] + found[0][2]


@pytest.mark.fault(53)
def test_a_redirect_to_another_host_is_refused_and_not_followed(place):
    place.serve({PAGE: answer(302, Location="https://example.org/file.csv")})
    code, _, err = place.refresh("owid")
    assert code == 1 and "https://example.org/file.csv is not on 127.0.0.1" in err
    assert len(place.server.asked) == 1


@pytest.mark.fault(53)
@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/x", "//169.254.169.254/latest/meta-data"])
def test_a_redirect_to_a_file_another_protocol_or_a_private_address_is_refused(place, target):
    place.serve({PAGE: answer(301, Location=target)})
    code, _, err = place.refresh("owid")
    assert code == 1 and "is not on 127.0.0.1" in err and len(place.server.asked) == 1


def test_a_redirect_to_a_host_of_the_list_is_followed_but_not_for_ever(place):
    (page,) = owid().values()
    place.serve({PAGE: answer(302, Location="/elsewhere.csv")})
    place.server.pages["/elsewhere.csv"] = page
    assert place.refresh("owid")[0] == 0
    place.server.pages["/elsewhere.csv"] = answer(302, Location="/elsewhere.csv")
    assert "more than 5 redirects" in place.refresh("owid")[2]


def feed(address, *others):
    return feeds.Feed("made_up", "file", address, "csv", 1, others, "none")


@pytest.mark.fault(53)
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://ourworldindata.org/x.csv", "is not https"),
        ("https://localhost/x.csv", "localhost leads to the private address"),
        ("https://127.0.0.1/x.csv", "127.0.0.1 leads to the private address 127.0.0.1"),
        ("https://10.0.0.8/x.csv", "10.0.0.8 leads to the private address 10.0.0.8"),
        ("https://169.254.169.254/x.csv", "leads to the private address 169.254.169.254"),
        ("https://[::1]/x.csv", "leads to the private address ::1"),
    ],
)
def test_an_address_without_https_or_in_this_network_is_refused_even_from_the_ledger(address, told, monkeypatch):
    monkeypatch.setattr(requests.utils, "get_environ_proxies", lambda _: {})
    with pytest.raises(Stopped, match=re.escape(told)):
        fetch.Fetcher(wait=lambda _: None).get(feed(address), address)


@pytest.mark.fault(53)
def test_a_public_name_that_leads_to_a_private_address_is_refused(monkeypatch):
    monkeypatch.setattr(requests.utils, "get_environ_proxies", lambda _: {})
    leads = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.1.4", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: leads)
    with pytest.raises(Stopped, match=r"ourworldindata.org leads to the private address 192\.168\.1\.4"):
        fetch.Fetcher(wait=lambda _: None).get(feed("https://ourworldindata.org/x"), "https://ourworldindata.org/x")


def test_two_requests_to_a_host_are_at_least_a_tenth_of_a_second_apart(place, monkeypatch):
    # a clock that stands still: all of the pause has to be waited for
    monkeypatch.setattr(fetch.time, "monotonic", lambda: 1000.0)
    place.serve(fred())
    assert place.refresh("fred")[0] == 0
    assert place.waits == [0, pytest.approx(fetch.PAUSE_SECONDS)] and fetch.PAUSE_SECONDS > 0.1


# Columns, contradictions, revisions (faults 52, 54 and 55)


@pytest.mark.fault(54)
def test_a_renamed_column_of_a_workbook_is_named(place):
    sheets = btos()
    sheets["Response Estimates"][0][2] = "AnswerID"
    place.serve(btos_pages(National=sheets))
    _, _, err = place.refresh("btos")
    assert "National.xlsx, Response Estimates, columns: missing Answer ID; new AnswerID" in err


def _without(column):
    content = io.BytesIO()
    pd.read_parquet(io.BytesIO(parquet(board("0")))).rename(columns={column: "score"}).to_parquet(content)
    return content.getvalue()


OTHER_SHAPE = b'{"prices": [{"id": "x", "name": "x", "vendor": "x", "cost": 1}]}'
COLUMNS = {
    "epoch_index": (lambda: epoch_index(["Elo"]), "epoch_capabilities_index.csv, columns: new Elo"),
    "epoch_models": (lambda: epoch_models(["Vibes"]), "notable_ai_models.csv, columns: new Vibes"),
    "owid": (lambda: owid("Firms"), "companies, columns: missing Organizations reporting having adopted AI; new Firms"),
    "funds": (lambda: funds() | {("funds", "SPY"): spy(weight="Share")}, "SPY holdings, columns: missing Ticker"),
    "eurostat": (lambda: eurostat(dimension=None), "eurostat: TypeError"),
    "models_dev": (lambda: {("models_dev", "api"): b'{"openai": {"id": 1}}'}, "columns: missing models of openai"),
    "llm_prices": (lambda: {("llm_prices", "historical"): OTHER_SHAPE}, "llm-prices, columns: new cost"),
    "arena": (lambda: arena() | {("arena", "text"): _without("rating")}, "text, columns: missing rating; new score"),
}


@pytest.mark.fault(54)
@pytest.mark.parametrize("source", COLUMNS)
def test_a_file_of_another_shape_is_refused_by_the_name_of_its_column(place, source):
    pages, told = COLUMNS[source]
    place.serve(pages())
    before = place.files()
    code, _, err = place.refresh(source)
    assert code == 1 and told in err and place.files() == before


def test_a_source_that_stops_stops_no_other(place):
    place.only("owid", "fred", "eurostat")
    place.serve(owid() | eurostat() | {("fred", "RPSGENAIUSAGESHAREALL"): SOFT_404})
    before = place.files()
    code, said, err = place.refresh()
    assert code == 1
    assert err.splitlines() == [
        "error: fred: fred, RPSGENAIUSAGESHAREALL: is an HTML page, not csv; "
        "the address in data/feeds.csv may have moved",
        "What is held of the sources that stopped stays as it was.",
    ]
    assert all(f"{name}: wrote data/raw/adoption_figures.csv" in said for name in ("owid", "eurostat"))
    assert len(grown(place, "adoption_figures", before)) == 4


def of_fred(old, new):
    pages = fred()
    content = pages["fred", "RPSGENAIUSAGESHAREALL"]
    assert content.count(old) == 1
    return pages | {("fred", "RPSGENAIUSAGESHAREALL"): content.replace(old, new)}


@pytest.mark.fault(55)
def test_a_revised_figure_keeps_both_vintages_and_says_by_how_much(place):
    place.serve(of_fred(b"57.87", b"58.40"))
    before = place.files()
    code, said, _ = place.refresh("fred")
    name = "RPS: generative AI use, adults 18-64 (overall), United States, 2026-01-01, 2026-03-31"
    assert code == 0 and f"fred: adoption_figures: revised: {name}: value 57.87 → 58.40" in said
    (row,) = vintages(place, "adoption_figures")
    assert only(row, "value", "known_on", "known_from", "source") == (
        "58.40", "2026-03-31", TODAY, "FRED RPSGENAIUSAGESHAREALL",
    )  # fmt: skip
    assert len(grown(place, "adoption_figures", before)) == 2


def test_a_figure_revised_again_adds_a_third_vintage_and_back_again_a_fourth(place):
    for day, value in ((1, b"58.40"), (2, b"58.90"), (3, b"57.87")):
        place.serve(of_fred(b"57.87", value))
        now = NOW + datetime.timedelta(days=day)
        assert place.refresh("fred", now=lambda now=now: now)[0] == 0
    values = [(row["known_from"], row["value"]) for row in vintages(place, "adoption_figures")]
    assert values == [("2026-12-01", "58.40"), ("2026-12-02", "58.90"), ("2026-12-03", "57.87")]


def test_a_figure_revised_twice_on_one_day_waits_for_the_next(place):
    place.serve(of_fred(b"57.87", b"58.40"))
    place.refresh("fred")
    before = place.files()
    place.serve(of_fred(b"57.87", b"58.90"))
    code, _, err = place.refresh("fred")
    assert code == 1 and "was revised today already; try tomorrow" in err and place.files() == before


@pytest.mark.fault(55)
def test_a_contradiction_beyond_the_tolerance_stops_the_source(place):
    place.serve(of_fred(b"57.87", b"87.57"))
    before = place.files()
    code, _, err = place.refresh("fred")
    assert code == 1 and place.files() == before
    assert "value is 57.87 as held but 87.57 here, more than 10 apart" in err


def test_a_difference_within_rounding_is_no_revision(place):
    place.serve(of_fred(b"57.87", b"57.8749"))
    assert place.refresh("fred")[0] == 0
    assert vintages(place, "adoption_figures") == []


@pytest.mark.parametrize(
    ("scale", "after", "told"),
    [
        ("difference", "50.5", False), ("difference", "50.51", True), ("difference", "60", True),
        ("difference", "60.01", None), ("percent", "50.25", False), ("percent", "50.26", True),
        ("percent", "55", True), ("percent", "55.01", None), ("percent", "44.99", None),
    ],
)  # fmt: skip
def test_a_tolerance_holds_up_to_its_edge_and_not_beyond(scale, after, told):
    limit = feeds.Tolerance("value", 0.5, 10, scale)
    if told is None:
        with pytest.raises(Stopped, match=f"value is 50 as held but {after} here, more than 10"):
            keep._differs("a_table", "a row", limit, "50", after)
    else:
        assert keep._differs("a_table", "a row", limit, "50", after) is told


@pytest.mark.fault(52)
def test_a_list_that_lost_rows_is_refused(place):
    pages = fred()
    rows = pages["fred", "RPSGENAIUSAGESHAREALL"].splitlines(keepends=True)
    place.serve(pages | {("fred", "RPSGENAIUSAGESHAREALL"): b"".join([rows[0], *rows[2:]])})
    before = place.files()
    code, _, err = place.refresh("fred")
    assert code == 1 and place.files() == before
    assert "adoption_figures: lists 15 of 16 rows held, without 'RPS: generative AI use, adults 18-64 (overall)" in err


def test_a_figure_outside_its_range_is_refused_by_row_and_column(place):
    place.serve(of_fred(b"63.0449", b"163.0449"))
    code, _, err = place.refresh("fred")
    assert code == 1 and "adoption_figures: row 9, column value: '163.04' is above the maximum 100" in err


def test_a_sector_that_nobody_knows_is_refused(place):
    sheets = btos("btos_sectors", ("202620", "202619", "202520"), stratum=["Sector"], code="sector")
    for name in ("Response Estimates", "Response Standard Errors"):
        sheets[name] = [["99" if cell == "XX" else cell for cell in row] for row in sheets[name]]
    place.serve(btos_pages(Sector=sheets))
    assert "column sector: '99' is none of 11 | 21" in place.refresh("btos")[2]


def reworded(old, new):
    sheets = btos()
    for name in ("Response Estimates", "Response Standard Errors"):
        sheets[name] = [[str(cell).replace(old, new) for cell in row] for row in sheets[name]]
    return btos_pages(National=sheets)


@pytest.mark.fault(48)
def test_a_third_wording_of_the_question_is_refused_as_a_series_of_its_own(place):
    place.serve(reworded("any of its business functions", "any way, agents included"))
    before = place.files()
    code, _, err = place.refresh("btos")
    assert code == 1 and place.files() == before
    assert "a wording of its own: 'In the last two weeks, did this business use Artificial Intelligence (AI) in" in err


@pytest.mark.fault(48)
def test_the_old_wording_is_not_spliced_to_the_new_though_the_number_of_the_question_is_the_same(place):
    place.serve(reworded("any of its business functions", "producing goods or services"))
    code, _, err = place.refresh("btos")
    assert code == 1 and "has the old wording, but follows or repeats the new one; two series, never spliced" in err


def test_a_question_that_is_asked_in_other_words_altogether_is_missed(place):
    place.serve(reworded("did this business use", "was this business using"))
    assert "does not ask both questions on AI, or in other words" in place.refresh("btos")[2]


# Nothing half, nothing in silence (fault 56)


def test_a_dry_run_says_what_would_change_and_writes_nothing_at_all(place):
    place.serve(btos_pages())

    def everything():
        return {path: path.read_bytes() for path in place.root.rglob("*") if path.is_file() and path.name != "lock"}

    before = everything()
    code, said, _ = place.refresh("btos", dry=True)
    assert code == 0 and everything() == before
    assert "btos_national: 1 new rows, 0 of them known from today on only, the first 202620" in said
    assert "btos: would write data/raw/btos_national.csv, data/raw/btos_sectors.csv" in said


@pytest.mark.fault(56)
def test_a_refresh_killed_between_two_files_is_finished_by_whoever_reads_next(place, monkeypatch):
    place.serve(btos_pages())
    kind, moves = type(place.root), []
    move = kind.replace

    def stumbling(self, target):
        if ".refresh" in self.parts and target.suffix == ".csv":
            moves.append(target)
            if len(moves) == 2:
                raise KeyboardInterrupt
        return move(self, target)

    before = place.files()
    with monkeypatch.context() as patched:
        patched.setattr(kind, "replace", stumbling)
        with pytest.raises(KeyboardInterrupt):
            place.refresh("btos")
    assert place.files() != before
    assert data.load("btos_national", "2026-11-01").cycle.max() == "202620"
    assert data.load("btos_sectors", "2026-11-01").cycle.max() == "202620"


def test_what_is_received_is_kept_as_it_came_once_with_time_and_hash_even_if_it_is_refused(place):
    place.serve(of_fred(b"57.87", b"87.57"))
    place.refresh("fred")
    place.refresh("fred")
    folder = place.root / "data/archive"
    rows = list(csv.DictReader((folder / "ledger.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 4 and len(list((folder / "fred").iterdir())) == 2
    for row in rows:
        content = (folder / row["kept_as"]).read_bytes()
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(content).hexdigest(), str(len(content)))
        assert row["time"] == "2026-11-30T06:00:00Z" and row["address"].endswith(row["file"])


def test_an_unknown_source_is_named_with_those_that_are(place):
    assert refresh.main({"SOURCE": "btoss"}) == 2
    said = place.capsys.readouterr().err
    assert said.startswith("error: SOURCE: no source 'btoss'; there are btos, btos_original, btos_api, arena")


def test_a_ledger_that_says_nothing_of_a_column_or_nonsense_stops_the_source(place):
    place.serve(owid())
    place.change("tolerances.csv", "owid,adoption_figures,value,0.5,10,difference\n", "")
    assert "data/tolerances.csv has no row for owid and adoption_figures" in place.refresh("owid")[2]
    with (place.root / "data/tolerances.csv").open("a", encoding="utf-8") as file:
        file.write("owid,adoption_figures,value,0.5,10,thumbs\n")
    assert "a figure needs same, most and scale" in place.refresh("owid")[2]


# As-of reading


def revision(value, row=0):
    """The series of use at work in the small collection, one of its figures otherwise."""
    rows = data.read("adoption_figures")[0].query("measure == 'RPS: generative AI use, adults 18-64 (work)'").copy()
    rows.iloc[row, list(rows.columns).index("value")] = value
    return Pulled("adoption_figures", rows)


def kept(pulled, today, source="fred"):
    change = keep.compare(source, pulled, today, keep.closed()[pulled.table])
    journal.commit(keep.written([change], today))


def test_an_edition_reads_the_vintage_that_was_in_force_on_its_day(place):
    for today, value in (("2026-12-01", "44"), ("2026-12-08", "43.5")):
        kept(revision(value, -1), today)
    read = {}
    for day in ("2026-06-29", "2026-06-30", "2026-11-30", "2026-12-01", "2026-12-07", "2026-12-08"):
        rows = data.load("adoption_figures", day).query("measure == 'RPS: generative AI use, adults 18-64 (work)'")
        read[day] = rows[rows.period_end == "2026-06-30"].value.tolist()
    assert read == {
        "2026-06-29": [], "2026-06-30": [45.2], "2026-11-30": [45.2],
        "2026-12-01": [44.0], "2026-12-07": [44.0], "2026-12-08": [43.5],
    }  # fmt: skip


def test_a_row_that_comes_late_is_seen_from_the_day_it_came_and_stands_in_its_place(place):
    columns = data.read("model_prices")[0].columns[:8]
    told = ("0.2", "1", "vendor list", "stated by the list", "a list")
    rows = [("deepseek-v3", "DeepSeek", "2025-01-30", *told), ("gpt-4o-2024-05-13", "OpenAI", "2026-11-20", *told)]
    kept(Pulled("model_prices", pd.DataFrame(rows, columns=columns)), "2026-12-01", "llm_prices")
    before, after = data.load("model_prices", "2026-11-30"), data.load("model_prices", "2026-12-01")
    assert set(before.effective_date.astype(str)) & {"2025-01-30", "2026-11-20"} == {"2026-11-20"}
    assert len(after) == len(before) + 1 and dict(after.dtypes) == dict(before.dtypes)
    days = list(after.query("arena_key == 'deepseek-v3'").effective_date.astype(str))
    assert days == sorted(days) and days[1:3] == ["2025-01-28", "2025-01-30"]


def test_a_row_of_the_last_day_of_which_an_edition_may_be_built_comes_late(place):
    columns = data.read("model_prices")[0].columns[:8]
    day = keep.closed()["model_prices"]
    before = data.load("model_prices", day)
    # one that has no row of that day yet
    priced = set(before[before.effective_date.astype(str) == day].arena_key)
    key = next(key for key in data.read("models")[0].arena_key if key not in priced)
    row = (key, "DeepSeek", day, "0.2", "1", "vendor list", "stated by the list", "a list")
    kept(Pulled("model_prices", pd.DataFrame([row], columns=columns)), "2026-12-01", "llm_prices")
    pd.testing.assert_frame_equal(data.load("model_prices", day), before, check_exact=True)
    assert len(vintages(place, "model_prices")) == 1


def test_a_price_that_is_announced_is_kept_when_it_is_in_force_and_not_before(place):
    columns = data.read("model_prices")[0].columns[:8]
    row = ("deepseek-v3", "DeepSeek", "2026-12-02", "0.2", "1", "vendor list", "stated by the list", "a list")
    pulled = Pulled("model_prices", pd.DataFrame([row], columns=columns))
    assert not keep.compare("llm_prices", pulled, "2026-12-01", "2026-11-01")
    assert len(keep.compare("llm_prices", pulled, "2026-12-02", "2026-11-01").new) == 1


def test_no_table_is_open_to_rows_of_a_day_that_the_latest_edition_has_reached(place):
    behind = [table for table, last in data.reach()["last"].dropna().items() if f"{last:%Y-%m-%d}" < data.latest()]
    assert behind and all(day >= data.latest() for day in keep.closed().values())


def otherwise(draw):
    """What a source may say: figures otherwise, rows of other days, long past ones too."""
    table, source, column, date = draw(
        st.sampled_from(
            [
                ("adoption_figures", "fred", "value", "known_on"),
                ("return_indices", "closes", "total_return_index", "date"),
                ("eci_scores", "epoch_index", "eci", "model_version"),
                ("model_prices", "models_dev", "output_usd_per_mtok", "effective_date"),
            ]
        )
    )
    rows, key = data.cells(table), list(data.columns().query("table == @table and key == '1'").column)
    some = rows.sample(draw(st.integers(1, 8)), random_state=draw(st.integers(0, 99))).copy()
    some[column] = [formats.plain(float(value) * 1.004 + 0.02, 2) for value in some[column]]
    new = some.assign(**{date: draw(st.sampled_from(["2025-02-01", "2026-07-01", "2026-11-24"]))})
    new = new[~new.set_index(key).index.isin(rows.set_index(key).index)].drop_duplicates(key)
    return source, Pulled(table, pd.concat([some, new]))


@settings(max_examples=4, deadline=None, derandomize=True, database=None)
@given(st.data(), st.integers(0, 400), st.floats(0, 1))
def test_no_refresh_changes_what_is_read_on_a_day_that_its_table_reached(built, given_data, days, share):
    today = f"{NOW + datetime.timedelta(days=days):%Y-%m-%d}"
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        shutil.copytree(built, folder, dirs_exist_ok=True)
        moved(monkeypatch, Path(folder))
        source, pulled = otherwise(given_data.draw)
        table, closed = pulled.table, keep.closed()[pulled.table]
        known = sorted({*data.cells(table)[data.sources().known_on[table]], LATEST, closed})
        day = [day for day in known if day <= closed][int(share * 0.999 * sum(day <= closed for day in known))]
        before = data.load(table, day)
        change = keep.compare(source, pulled, today, closed)
        assert change
        journal.commit(keep.written([change], today))
        pd.testing.assert_frame_equal(data.load(table, day), before, check_exact=True)


def test_a_revision_written_into_the_raw_table_would_be_read_too_early(place):
    before = data.load("adoption_figures", "2026-11-01")
    path = place.root / "data/raw/adoption_figures.csv"
    text = path.read_text(encoding="utf-8").replace("45.2", "44.1")
    path.unlink()
    path.write_text(text, encoding="utf-8")
    old = data.sources().loc["adoption_figures", "sha256"]
    place.change("sources.csv", old, hashlib.sha256(path.read_bytes()).hexdigest())
    assert not data.load("adoption_figures", "2026-11-01").equals(before)


def test_the_day_of_a_vintage_counts_and_not_its_line(place):
    for today, value in (("2026-12-01", "44"), ("2026-12-08", "43.5")):
        kept(revision(value, -1), today)
    path = place.root / "data/vintages/adoption_figures.csv"
    head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([head, *reversed(lines)]), encoding="utf-8")
    last = data.load("adoption_figures", "2026-12-08").query("measure == 'RPS: generative AI use, adults 18-64 (work)'")
    assert last[last.period_end == "2026-06-30"].value.tolist() == [43.5]
    assert "43.5" in set(data.cells("adoption_figures").value) and "44" not in set(
        data.cells("adoption_figures").query("measure == 'RPS: generative AI use, adults 18-64 (work)'").value
    )


def test_a_vintage_that_breaks_a_rule_or_belongs_to_no_table_is_named(place):
    folder = place.root / "data/vintages"
    folder.mkdir()
    head = ",".join([*data.read("adoption_figures")[0].columns, "known_from"])
    line = "x,y,2026-01-01,2026-03-31,500,percent,,z,2026-03-31,stated,,"
    (folder / "adoption_figures.csv").write_text(f"{head}\n{line}\n", encoding="utf-8")
    (folder / "strays.csv").write_text("a\n", encoding="utf-8")
    with pytest.raises(data.DataError) as error:
        data.build()
    assert error.value.faults == [
        "data/vintages/strays.csv: no table of data/sources.csv has that name; take the file away",
        "data/vintages/adoption_figures.csv line 2, column value: '500' is above the maximum 100",
        "data/vintages/adoption_figures.csv line 2, column known_from: '' is empty, but the column is required",
    ]


# Your own data

OWN = "security,name,kind\nSPXT,S&P 500 Total Return,fund\n"
LEVELS = "security,date,total_return_index\nSPXT,2025-01-24,100\nSPXT,2025-02-14,101.5\nSPXT,2026-01-02,120\n"
LISTED = """\
table,producer,address,licence,read
securities,S&P Dow Jones Indices,https://example.org,own licence,2026-11-30
return_indices,S&P Dow Jones Indices,https://example.org,own licence,2026-11-30
"""


@pytest.fixture
def own(place, monkeypatch):
    monkeypatch.delenv(paths.OWN_VARIABLE, raising=False)
    folder = place.root / "data/own"
    folder.mkdir()
    for name, text in (("sources", LISTED), ("securities", OWN), ("return_indices", LEVELS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_own_rows_are_read_beside_the_public_ones_as_known_on_the_day_and_marked(own):
    rows = data.load("return_indices", "2025-02-14")
    mine = rows[rows.security == "SPXT"]
    assert mine.total_return_index.tolist() == [100.0, 101.5] and rows.attrs["own"] == 2
    assert rows.security.is_monotonic_increasing
    assert "own" not in data.load("adoption_figures", "2025-02-14").attrs
    assert "own" not in data.load("return_indices", "2025-01-01").attrs


def test_figures_from_own_rows_say_so(own):
    rows, public = data.load("return_indices", "2025-02-14"), data.load("market_caps", "2025-02-14")
    assert house._source_line([rows]).endswith("Own calculation. Includes own data.")
    assert "Includes own data" not in house._source_line([public])


def test_numbers_that_own_rows_entered_say_so_and_no_others(own, tmp_path, monkeypatch):
    monkeypatch.setenv(paths.PLACE_VARIABLE, str(tmp_path))
    notebook = Notebook("01_returns", "2025-02-14")
    rows = notebook.load("return_indices")
    mine = rows.security == "SPXT"
    for name, cut in {"own": rows[mine], "all": rows, "public": rows[~mine]}.items():
        notebook.note(f"returns-{name}", exact(1.0, "percent", 1, "made up", rows_of(cut)))
    records = json.loads((notebook.output_dir / "results.json").read_text(encoding="utf-8"))
    marked = {record["id"] for record in records if record["inputs"][0].get("includes_own_data")}
    assert marked == {"returns-own", "returns-all"}
    (entry,) = [record["inputs"][0] for record in records if record["id"] == "returns-own"]
    assert entry["lines"] == ["2 of own", "3 of own"]


def test_own_rows_are_left_out_where_the_variable_says_so(own, monkeypatch):
    with_own = cache._tables({"return_indices"})
    monkeypatch.setenv(paths.OWN_VARIABLE, "0")
    assert "SPXT" not in set(data.load("return_indices", "2025-02-14").security)
    assert cache._tables({"return_indices"}) != with_own


def test_a_report_with_own_rows_is_not_fresh_where_they_are_left_out(own, monkeypatch):
    for name in ("requirements.lock", "references.bib"):
        (paths.ROOT / name).touch()
    with_own = freshness.inputs()
    monkeypatch.setenv(paths.OWN_VARIABLE, "0")
    assert freshness.inputs() != with_own
    assert not any("/archive/" in name for name in with_own)


def test_the_suite_itself_and_the_stored_outputs_leave_own_rows_out():
    assert os.environ[paths.OWN_VARIABLE] == "0" and paths.own() is None
    assert "HELPERS_OWN=0 $(START) refresh-outputs" in (HOUSE / "Makefile").read_text(encoding="utf-8")


OWN_FAULTS = {
    "a figure out of range": (
        "return_indices",
        LEVELS.replace("101.5", "5"),
        "data/own/return_indices.csv line 3, column total_return_index: '5' is below the minimum 20",
    ),
    "a security that nobody knows": (
        "securities",
        OWN.replace("SPXT", "SPX"),
        "data/own/return_indices.csv line 2: 'SPXT' is not in securities.security",
    ),
    "a row that is public": (
        "securities",
        OWN + "AAPL,Apple,share\n",
        "data/own/securities.csv line 3: its security stands in the public rows already",
    ),
    "a column too many": (
        "return_indices",
        LEVELS.replace("index\n", "index,x\n", 1),
        "data/own/return_indices.csv line 1, columns: extra x",
    ),
    "a file that is not listed": (
        "market_caps",
        "security\n",
        "data/own/market_caps.csv: not listed in data/own/sources.csv; add its row",
    ),
    "an empty cell of the ledger": (
        "sources",
        LISTED.replace("own licence", "", 1),
        "data/own/sources.csv line 2: has an empty cell, or its table twice",
    ),
    "an unknown table": (
        "sources",
        LISTED.replace("securities", "sekurities"),
        "data/own/sources.csv: no table 'sekurities' in data/sources.csv",
    ),
}


@pytest.mark.parametrize("fault", OWN_FAULTS)
def test_own_rows_that_break_a_rule_are_refused_with_their_place(own, fault):
    name, text, told = OWN_FAULTS[fault]
    (own / f"{name}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(data.DataError) as error:
        data.build()
    assert told in error.value.faults


# The weekly run and the documents


def edition(folder, day, **verdicts):
    (folder / day).mkdir(parents=True)
    rows = [
        [claim, "01_returns", value, "", "", "percent", said, robust, ""]
        for claim, (value, said, robust) in verdicts.items()
    ]
    pd.DataFrame(rows, columns=results.VERDICT_COLUMNS).to_csv(folder / day / "verdicts.csv", index=False)


def test_the_verdicts_that_moved_are_told_edition_by_edition(tmp_path):
    same = {"rose": ("1.5", "holds", "yes")}
    edition(tmp_path / "old", "2025-02-14", **same)
    edition(tmp_path / "new", "2025-02-14", **same)
    edition(tmp_path / "old", "2026-07-31", fell=("-2", "holds", "yes"), **same)
    edition(tmp_path / "new", "2026-11-27", fell=("0.5", "fails", "no"), grew=("3", "holds", ""), **same)
    said = moved_verdicts.moved(*(moved_verdicts.editions(tmp_path / name) for name in ("old", "new")))
    assert said.rstrip().splitlines() == [
        "## Verdicts that moved", "", "Edition of 2025-02-14:", "", "none", "",
        "Edition of 2026-11-27, was 2026-07-31:", "",
        "- `fell`: holds (-2) → fails, not robust (0.5)",
        "- `grew`: not asked → holds (3)",
    ]  # fmt: skip


def test_the_example_of_the_how_to_is_the_module_that_runs():
    text = (HOUSE / "docs/refresh.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert shown == (HOUSE / "src/helpers/sources/owid.py").read_text(encoding="utf-8")
    for name in ("feeds.csv", "tolerances.csv"):
        lines = (HOUSE / "data" / name).read_text(encoding="utf-8").splitlines()
        own = [line for line in lines if line.startswith("owid,")]
        assert own and all(line in text for line in own)


def test_the_weekly_run_asks_the_sources_builds_the_report_and_needs_no_secret():
    text = (HOUSE / ".github/workflows/refresh.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["refresh"]["steps"]
    said = "\n".join(step.get("run", "") for step in steps)
    commands = ("make refresh", "make report", "helpers.sources.moved before report", "gh pr create")
    assert all(words in said for words in commands)
    assert "secrets." not in text and "vars.CONTACT" in text
    assert all(re.search(r"@v\d+$|@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    # what reads the sources holds no token, and what they say is no Markdown
    assert [step["name"] for step in steps if "GH_TOKEN" in str(step)] == ["open a pull request"]
    assert "GH_TOKEN" not in str(yaml.safe_load(text)["jobs"]["refresh"].get("env"))
    assert all(step["with"]["persist-credentials"] is False for step in steps if "checkout" in step.get("uses", ""))
    assert "${{" not in said and "sed 's/^/    /' said.txt" in said


def test_own_data_are_out_of_git_even_as_a_link(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(HOUSE / ".gitignore", tmp_path)
    (tmp_path / "data/licensed").mkdir(parents=True)
    for name in ("own", "archive"):
        (tmp_path / "data" / name).symlink_to("licensed")
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    listed = subprocess.run(["git", "-C", str(tmp_path), "ls-files"], capture_output=True, text=True, check=True).stdout
    assert listed.split() == [".gitignore"]
