"""Series of FRED, by the file behind its charts: use of generative AI after the Real-Time Population Survey.

The survey was reweighted as a whole once (October 2025), which shows here as a revision of all quarters.
"""

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled

# name of the series in adoption_figures, by its name at FRED, which is that of its file in data/feeds.csv
SERIES = {
    "RPSGENAIUSAGESHAREALL": "RPS: generative AI use, adults 18-64 (overall)",
    "RPSGENAIUSAGESHAREWORK": "RPS: generative AI use, adults 18-64 (work)",
}


def pull(ask, held, today):
    """Read the quarterly series into adoption_figures."""
    rows = [row for name, measure in SERIES.items() for row in _series(name, measure, ask(name), today)]
    measures = set(SERIES.values())
    return [Pulled("adoption_figures", pd.DataFrame(rows), lists=lambda old: old.measure.isin(measures))]


def _series(name, measure, content, today):
    found = formats.table(name, content)
    # as served now, as served to 2024, and as archived by others
    shapes = {"observation_date": name, "DATE": name, "Date": "Value"}
    day = next((column for column in shapes if column in found), "observation_date")
    formats.expect(name, found.columns, (day, shapes[day]), ("Series", "Series ID"))
    for row in found[found[shapes[day]] != "."].to_dict("records"):
        start = formats.day(name, row[day])
        yield {
            "measure": measure,
            "entity": "United States",
            "period_start": start,
            "period_end": f"{pd.Timestamp(start) + pd.offsets.QuarterEnd(1):%Y-%m-%d}",
            "value": f"{formats.number(name, row[shapes[day]]):z.2f}",
            "unit": "percent",
            "source": f"FRED {name}",
            "known_on": today,
            "known_on_basis": "date read",
            "note": "people; series reweighted in October 2025",
        }
