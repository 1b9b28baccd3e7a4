"""Census Business Trends and Outlook Survey by its API: all firms, the newest cycles.

A period is a dataset of its own, its national rows those whose five strata are all null (``naics2 = XX`` is another
thing). ``null`` is the answer for periods without data, not yet released, or asked for too fast. The numbers of the
periods run through; that of a cycle is found from one that is held, by the first day of its collection.
"""

import pandas as pd

from helpers.sources import btos, formats
from helpers.sources.feeds import Pulled, Stopped

STRATA = ("STATE", "NAICS2", "NAICS3", "EMPSIZE", "MSA")
NEWEST = 3


def pull(ask, held, today):
    """Read the newest periods that are published into btos_national."""
    old = held("btos_national")
    listed = {int(one["PERIOD_ID"]): one for one in formats.tree("periods", ask("periods"), list)}
    starts = {formats.day("periods", one["COLLECTION_START"]): number for number, one in listed.items()}
    anchor = old[old.collection_start.isin(list(starts))].sort_values("cycle", kind="stable").tail(1)
    if anchor.empty:
        raise Stopped("periods: none starts on the first day of a cycle that is held")
    known, number = anchor.cycle.iloc[0], starts[anchor.collection_start.iloc[0]]
    rows, notes = [], []
    ends = {period: formats.day("periods", one["COLLECTION_END"]) for period, one in listed.items()}
    for period in sorted(period for period, end in ends.items() if formats.later(end, 4) <= today)[-NEWEST:]:
        cycle = advanced(known, period - number)
        said = formats.tree(f"period {period}", ask("data", period=str(period)) or b"null", (list, type(None)))
        if said is None:
            notes.append(f"period {period} (cycle {cycle}) has no data: not released, or asked for too fast")
            continue
        rows.append(_row(cycle, listed[period], said, today))
    return [Pulled("btos_national", pd.DataFrame(rows, columns=old.columns), notes=notes)]


def advanced(cycle, count):
    """Name the cycle some cycles on; a year has twenty-six.

    >>> advanced("202625", 3)
    '202702'
    """
    years, fortnight = divmod(int(cycle[4:]) - 1 + count, 26)
    return f"{int(cycle[:4]) + years}{fortnight + 1:02d}"


def _row(cycle, period, said, today):
    start, end = (formats.day("periods", period[name]) for name in ("COLLECTION_START", "COLLECTION_END"))
    place, row = f"cycle {cycle}", {}
    for one in said:
        text = btos.single_spaced(one["QUESTION"])
        role = btos.role(text)
        if role and one["ANSWER"] == "Yes" and all(one[name] is None for name in STRATA):
            rate, error = one["ESTIMATE_PERCENTAGE"], one["STANDARD_ERROR"]
            told = rate is not None
            row |= {
                "wording": btos.wording(place, text),
                f"{role}_rate": f"{formats.number(place, rate):.1f}" if told else "",
                f"{role}_se": formats.plain(formats.number(place, error)) if told and error is not None else "",
                f"{role}_status": "ok" if told else "suppressed",
            }
    if not {"use_status", "expected_status"} <= row.keys():
        raise Stopped(f"{place}: no national row for both questions on AI, or a new wording")
    days = {
        "collection_start": start,
        "collection_end": end,
        "reference_start": formats.later(start, -14),
        "reference_end": formats.later(start, -1),
        "published": formats.later(end, 4),
    }
    return {"cycle": cycle, "source": f"U.S. Census Bureau, BTOS API as of {today}"} | row | days
