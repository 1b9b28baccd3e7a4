"""Prices of simonw/llm-prices, kept by hand, without a licence file: each with its days where they are known.

The file that lists them all is flat; those by vendor hold the history of each model. Both are read.
"""

from helpers.sources import formats, prices
from helpers.sources.feeds import Stopped

# wrong in the list since October 2025, when it left the day of the cut at the old price
WRONG = {"o3"}
PRICE = ("input", "output", "from_date", "to_date", "input_cached")


def pull(ask, held, today):
    """Read all dated prices into model_prices, and tell where today's differ from those held."""
    entries = formats.tree("llm-prices", ask("historical"), dict).get("prices")
    if not entries:
        raise Stopped("llm-prices, columns: missing prices")
    stated = []
    for entry in entries:
        formats.expect("llm-prices", entry, ("id", "vendor", "name"), (*PRICE, "price_history"))
        for one in entry.get("price_history", [entry]):
            formats.expect("llm-prices", one, PRICE[:4], ("id", "vendor", "name", *PRICE))
            # without a day it is news only as long as it holds
            if entry["id"] not in WRONG and one["input"] and one["output"] and (one["from_date"] or not one["to_date"]):
                paid = float(one["input"]), float(one["output"])
                stated.append((entry["vendor"].lower(), entry["id"], *paid, one["from_date"] or ""))
    return prices.news(stated, held, today, "simonw/llm-prices, historical-v1.json")
