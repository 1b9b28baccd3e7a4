"""What the three price lists share: whose model it is on the Arena, and whether a price is news.

Prices with a day of their own are taken from every list. A list that tells only today's price is believed where it is
`models_dev`; of the others a difference is told, for a change cannot be told from an error.
"""

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled

# makers whose own entry in a list is their price list; hosts of others' weights are left out
MAKERS = {
    "openai": "OpenAI", "anthropic": "Anthropic", "google": "Google", "deepseek": "DeepSeek", "mistral": "Mistral",
    "xai": "xAI", "x-ai": "xAI", "alibaba": "Alibaba", "moonshotai": "Moonshot AI", "zhipuai": "Z.ai", "zai": "Z.ai",
    "cohere": "Cohere", "amazon": "Amazon", "minimax": "MiniMax", "xiaomi": "Xiaomi",
}  # fmt: skip

# how the name in price lists was found; by a sibling's or a similar name is not good enough here
MATCHES = ("arena key", "exact name", "base name")


def news(stated, held, today, source, believed=False):
    """Hand over the prices that are news for model_prices.

    Parameters
    ----------
    stated : list of tuple
        Maker (as in `MAKERS`), model, input and output price in USD per million tokens, day from which it holds or ''.
    held : callable
    today, source : str
    believed : bool
        Whether a price without a day that differs from the one in force is a change, from today on.
    """
    models, listed = held("models"), held("model_prices").sort_values("effective_date", kind="stable")
    keys = {key: {key} for key in models.arena_key}
    # one price may be that of several entries, such as a model with and without thinking
    for model in models[models.price_match.isin(MATCHES)].itertuples():
        keys.setdefault(model.price_name, set()).add(model.arena_key)
    days = {key: list(of.itertuples()) for key, of in listed.groupby("arena_key")}
    rows, notes, unknown = {}, [], 0
    for maker, model, paid_in, paid_out, start in stated:
        if model not in keys or maker not in MAKERS:
            unknown += 1
            continue
        day = start or today
        for key in sorted(keys[model]):
            # the price in force on that day, as far as is known
            before = next((row for row in reversed(days.get(key, [])) if row.effective_date <= day), None)
            if before is not None and _same(before, paid_in, paid_out) and before.effective_date != start:
                continue
            if not start and not believed:
                if before is not None:
                    held_at = f"{before.input_usd_per_mtok} and {before.output_usd_per_mtok}"
                    stated_at = f"{formats.plain(paid_in)} and {formats.plain(paid_out)}"
                    notes.append(f"says {stated_at} for {key}, where {held_at} are in force; left as held")
                continue
            rows[key, day] = {
                "arena_key": key,
                "provider": MAKERS[maker],
                "effective_date": day,
                "input_usd_per_mtok": formats.plain(paid_in),
                "output_usd_per_mtok": formats.plain(paid_out),
                "price_basis": "vendor list",
                "date_basis": "stated by the list" if start else "first seen in this list",
                "source": source,
            }
    if unknown:
        notes.append(f"{unknown} prices of models that are not on the Arena by that name, or of hosts, are left out")
    return [Pulled("model_prices", pd.DataFrame(list(rows.values()), columns=listed.columns), notes=notes)]


def _same(row, paid_in, paid_out):
    pairs = ((row.input_usd_per_mtok, paid_in), (row.output_usd_per_mtok, paid_out))
    return all(abs(float(text) - value) <= 1e-9 + 0.0005 * value for text, value in pairs)
