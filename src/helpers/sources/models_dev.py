"""Prices of models.dev (MIT): provider, models, cost in USD per million tokens. Today's prices; retired models go."""

from helpers.sources import formats, prices
from helpers.sources.feeds import Stopped


def pull(ask, held, today):
    """Read the makers' own entries into model_prices; a changed price holds from today on."""
    tree = formats.tree("models.dev", ask("api"), dict)
    stated = []
    for provider, entry in tree.items():
        if provider not in prices.MAKERS:
            continue
        if not isinstance(entry, dict) or "models" not in entry:
            raise Stopped(f"models.dev, columns: missing models of {provider}")
        for model, about in entry["models"].items():
            cost = about.get("cost") or {}
            # free trials and models without a price are no list prices
            if cost.get("input") and cost.get("output"):
                stated.append((provider, model, float(cost["input"]), float(cost["output"]), ""))
    if not stated:
        raise Stopped("models.dev, columns: missing cost with input and output, of every model")
    return prices.news(stated, held, today, "models.dev/api.json", believed=True)
