"""Eurostat's survey of enterprises (reuse with attribution): share that uses AI, by size, once a year.

The answer is JSON-stat: one row of values, of which the place in the table follows from the sizes of its dimensions.
"""

import math

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled, Stopped

MEASURE = "Eurostat isoc_eb_ai E_AI_TANY, enterprises at least 10 employees using AI"
SIZES = {"GE10": "EU27, all sizes", "10-49": "EU27, 10-49", "50-249": "EU27, 50-249", "GE250": "EU27, 250+"}
ONE = {"nace_r2": "C10-S951_X_K", "indic_is": "E_AI_TANY", "unit": "PC_ENT", "geo": "EU27_2020", "freq": "A"}


def pull(ask, held, today):
    """Read the years since 2021 into adoption_figures; 2020 asked for other uses."""
    rows = []
    for place, value, flag in cells(formats.tree("isoc_eb_ai", ask("isoc_eb_ai"), dict)):
        if (
            place["size_emp"] in SIZES
            and place["time"] > "2020"
            and all(place[name] == one for name, one in ONE.items())
        ):
            rows.append(
                {
                    "measure": MEASURE,
                    "entity": SIZES[place["size_emp"]],
                    "period_start": f"{place['time']}-01-01",
                    "period_end": f"{place['time']}-12-31",
                    "value": formats.plain(value, 2),
                    "unit": "percent of enterprises",
                    "source": f"Eurostat isoc_eb_ai, read on {today}",
                    "known_on": today,
                    "known_on_basis": "date read",
                    "note": "break in series" if "b" in flag else "",
                }
            )
    if not rows:
        raise Stopped("isoc_eb_ai: no value for the EU by size of enterprise")
    return [Pulled("adoption_figures", pd.DataFrame(rows))]


def cells(tree: dict) -> list[tuple[dict, float, str]]:
    """Unfold JSON-stat: codes by dimension, value and flag of every cell that has a value.

    >>> cells({"id": ["geo", "time"], "size": [1, 2], "value": {"1": 20.0}, "dimension": {
    ...     "geo": {"category": {"index": {"EU": 0}}}, "time": {"category": {"index": {"2024": 0, "2025": 1}}}}})
    [({'geo': 'EU', 'time': '2025'}, 20.0, '')]
    """
    formats.expect("isoc_eb_ai", [name for name in tree if name in _NEEDED], _NEEDED)
    codes = []
    for name, size in zip(tree["id"], tree["size"], strict=True):
        index = tree["dimension"][name]["category"]["index"]
        order = index if isinstance(index, list) else sorted(index, key=index.get)
        if len(order) != size:
            raise Stopped(f"isoc_eb_ai: {len(order)} codes of {name}, but its size is {size}")
        codes.append(order)
    values, flags = tree["value"], tree.get("status", {})
    # a full table may be a list, with null for what is not there
    listed = values.items() if isinstance(values, dict) else enumerate(values)
    found = []
    for number, value in listed:
        if value is None:
            continue
        rest, place = int(number), {}
        for name, order in reversed(list(zip(tree["id"], codes, strict=True))):
            rest, at = divmod(rest, len(order))
            place[name] = order[at]
        if rest:
            raise Stopped(f"isoc_eb_ai: value {number} lies beyond its {math.prod(tree['size'])} cells")
        flag = flags.get(str(number), "") if isinstance(flags, dict) else flags[int(number)]
        found.append((dict(reversed(place.items())), float(value), flag or ""))
    return found


_NEEDED = ("id", "size", "value", "dimension")
