"""Prices of pydantic/genai-prices (MIT): prices may be one set, or a list of sets with the day from which each holds.

A set for hours of the day only is left out. Prices by length of the prompt are taken at their base.
"""

from helpers.sources import formats, prices
from helpers.sources.feeds import Stopped


def pull(ask, held, today):
    """Read the makers' own entries into model_prices."""
    stated = []
    for provider in formats.tree("genai-prices", ask("data"), list):
        if not {"id", "models"} <= provider.keys():
            raise Stopped("genai-prices, columns: missing id or models of a provider")
        for model in provider["models"] if provider["id"] in prices.MAKERS else ():
            sets = model["prices"] if isinstance(model["prices"], list) else [{"prices": model["prices"]}]
            for one in sets:
                constraint = one.get("constraint") or {}
                ends = [_base(one["prices"].get(name)) for name in ("input_mtok", "output_mtok")]
                if all(ends) and not set(constraint) - {"start_date", "type"}:
                    stated.append((provider["id"], model["id"], *ends, constraint.get("start_date", "")))
    if not stated:
        raise Stopped("genai-prices, columns: missing input_mtok and output_mtok, of every model")
    # of a list the sets without a day are the prices before all days
    dated = {one[1] for one in stated if one[4]}
    stated = [one for one in stated if one[4] or one[1] not in dated]
    return prices.news(stated, held, today, "pydantic/genai-prices, prices/data.json")


def _base(price):
    return float((price["base"] if isinstance(price, dict) else price) or 0)
