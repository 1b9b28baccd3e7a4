"""Market capitalisations: shares outstanding by the cover pages at SEC (public domain), times the price in IVV's file.

SEC asks for a contact in the User-Agent and allows ten requests a second. Firms with several classes of shares, such as
Alphabet, state them by class only, which this file leaves out: they get no row.
"""

import pandas as pd

from helpers.sources import formats, funds
from helpers.sources.feeds import Pulled

# more or fewer shares than this, against the last held, is a split between the two days
SPLIT = 1.4


def pull(ask, held, today):
    """Read the firms of market_caps that are in the S&P 500 into market_caps, on the day of IVV's file."""
    ask.contact("SEC asks for a contact")
    day, _, prices = funds.ivv(ask("IVV"))
    price = prices.set_index("ticker").price
    tickers = formats.tree("company_tickers", ask("tickers"), dict).values()
    numbers = {one["ticker"]: f"{int(one['cik_str']):010d}" for one in tickers}
    old = held("market_caps").sort_values("date", kind="stable")
    counted = old[old.shares_outstanding != ""].drop_duplicates("security", keep="last").set_index("security")
    rows, notes = [], []
    for security in sorted(set(old.security) & set(price.index) & set(numbers)):
        fact = shares(ask("facts", cik=numbers[security]), day)
        if fact is None:
            notes.append(f"{security} states its shares by class only; no row")
            continue
        before = counted.shares_outstanding.get(security)
        if before and not 1 / SPLIT < fact["val"] / float(before) < SPLIT:
            notes.append(f"{security}: {fact['val']:,} shares do not follow {float(before):,.0f}: a split? No row")
            continue
        rows.append(
            {
                "security": security,
                "date": day,
                "date_basis": "stated in the source",
                "market_cap_usd": formats.plain(fact["val"] * price[security], 2),
                "shares_outstanding": str(fact["val"]),
                "source": f"SEC companyfacts {fact['accn']}, shares of {fact['end']}; price of iShares IVV holdings",
            }
        )
    return [Pulled("market_caps", pd.DataFrame(rows, columns=old.columns), notes=notes)]


def shares(content: bytes, day: str) -> dict | None:
    """Give the newest count of shares that was filed by a day, with val, end, accn; None if there is none."""
    facts = formats.tree("companyfacts", content, dict)
    formats.expect("companyfacts", facts, ("cik", "entityName", "facts"))
    stated = facts["facts"].get("dei", {}).get("EntityCommonStockSharesOutstanding", {})
    stated = stated.get("units", {}).get("shares", [])
    known = [one for one in stated if one["filed"] <= day and one["val"] > 0]
    newest = max(known, key=lambda one: (one["end"], one["filed"]), default=None)
    # a firm that began to state them by class has old counts only
    return newest if newest and newest["end"] >= formats.later(day, -200) else None
