"""Holdings of two S&P 500 funds: SPY's workbook and IVV's CSV. Both serve the present day only: each pull counts."""

import datetime

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled, Stopped

SPY = ("Name", "Ticker", "Weight")
SPY_KNOWN = ("Identifier", "SEDOL", "Sector", "Shares Held", "Local Currency")
IVV = ("Ticker", "Name", "Asset Class", "Weight (%)", "Price")
IVV_KNOWN = (
    "Sector",
    "Market Value",
    "Notional Value",
    "Location",
    "Exchange",
    "Currency",
    "FX Rate",
    "Market Currency",
)
IVV_KNOWN += ("Accrual Date", "CUSIP", "ISIN", "SEDOL")
# the two funds spell the classes of one share in their own ways
CLASSES = {"BRKB": "BRK-B", "BFB": "BF-B"}


def pull(ask, held, today):
    """Read both funds into index_weights and index_snapshots."""
    parts = [("SPY", *spy(ask("SPY"), today)), ("IVV", *ivv(ask("IVV")))]
    weights, snapshots = [], []
    for fund, day, basis, rows in parts:
        weights.append(
            rows[["ticker"]].assign(date=day, fund=fund, weight_percent=[formats.plain(one, 6) for one in rows.weight])
        )
        snapshots.append(
            {
                "date": day,
                "fund": fund,
                "holdings": str(len(rows)),
                "weight_sum_percent": formats.plain(rows.weight.sum(), 3),
                "date_basis": basis,
                "source": {"SPY": "State Street SPY", "IVV": "iShares IVV"}[fund] + f" daily holdings, read on {today}",
            }
        )
    return [Pulled("index_snapshots", pd.DataFrame(snapshots)), Pulled("index_weights", pd.concat(weights))]


def spy(content: bytes, today: str) -> tuple[str, str, pd.DataFrame]:
    """Read SPY's workbook: day, how it is known, and ticker and weight of each share.

    Most files tell the day in a row "As of"; where it is missing, the file is of the last weekday before today.
    """
    rows = next(iter(formats.sheets("SPY holdings", content).values()), [])
    at = next((number for number, row in enumerate(rows) if "Ticker" in row and "Weight" in row), None)
    if at is None:
        raise Stopped("SPY holdings, columns: missing Ticker, Weight")
    header = [cell for cell in rows[at] if cell is not None]
    formats.expect("SPY holdings", header, SPY, SPY_KNOWN)
    told = [cell for row in rows[:at] for cell in row if str(cell).startswith("As of")]
    day = formats.day("SPY holdings", told[0]) if told else _weekday_before(today)
    basis = "stated in the file" if told else "day before the file was archived"
    ticker, weight = rows[at].index("Ticker"), rows[at].index("Weight")
    shares = [(row[ticker], row[weight]) for row in rows[at + 1 :] if len(row) > weight and _is_share(row[ticker])]
    return day, basis, _table("SPY holdings", shares)


def ivv(content: bytes) -> tuple[str, str, pd.DataFrame]:
    """Read IVV's CSV: day, how it is known, and ticker, weight and price of each share."""
    rows = formats.table("IVV holdings", content, below="Ticker")
    # the number of shares was renamed
    counts = [name for name in ("Shares", "Quantity") if name in rows]
    formats.expect("IVV holdings", rows.columns, (*IVV, *(counts or ["Quantity"])), IVV_KNOWN)
    head = content.decode("utf-8-sig").splitlines()[:12]
    told = [line.partition(",")[2] for line in head if line.startswith("Fund Holdings as of")]
    if not told:
        raise Stopped("IVV holdings: does not tell its day in a row Fund Holdings as of")
    rows = rows[(rows["Asset Class"] == "Equity") & rows.Ticker.map(_is_share)]
    found = _table("IVV holdings", list(zip(rows.Ticker, rows["Weight (%)"], strict=True)))
    found["price"] = [formats.number("IVV holdings", price) for price in rows.Price]
    return formats.day("IVV holdings", told[0]), "stated in the file", found


def _table(place, shares):
    if not shares:
        raise Stopped(f"{place}: lists no shares")
    names = [CLASSES.get(ticker, str(ticker).replace(".", "-").replace(" ", "-")) for ticker, _ in shares]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Stopped(f"{place}: lists {', '.join(twice[:5])} twice")
    return pd.DataFrame({"ticker": names, "weight": [formats.number(place, weight) for _, weight in shares]})


def _is_share(ticker):
    return bool(ticker) and str(ticker).strip() not in ("", "-") and "CASH" not in str(ticker).upper()


def _weekday_before(today):
    day = datetime.date.fromisoformat(today) - datetime.timedelta(days=1)
    while day.weekday() > 4:
        day -= datetime.timedelta(days=1)
    return f"{day:%Y-%m-%d}"
