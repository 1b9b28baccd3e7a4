"""Epoch Capabilities Index (CC BY 4.0): estimated anew every day, so that most scores of it are revised a little.

A score that is revised keeps the day on which its model was first listed here; the new value counts from today on.
"""

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled

COLUMNS = ("Model version", "ECI Score", "Release date", "Organization", "Country", "Model accessibility")
KNOWN = ("Training compute (FLOP)", "Confidence", "Model name", "Description", "Display name")


def pull(ask, held, today):
    """Read the index out of Epoch's archive of benchmarks into eci_scores."""
    name = "epoch_capabilities_index.csv"
    rows = formats.table(name, formats.part("benchmark_data.zip", ask("benchmarks"), name))
    formats.expect(name, rows.columns, COLUMNS, KNOWN)
    rows = rows[rows["ECI Score"] != ""].rename(columns=dict(zip(COLUMNS, _NAMES, strict=True)))
    old = held("eci_scores")
    by_access = old[old.accessibility != ""].drop_duplicates("accessibility").set_index("accessibility").access_class
    by_maker = old[old.access_class != ""].drop_duplicates("organization", keep="last").set_index("organization")
    printed = rows.accessibility != ""
    rows = rows.assign(
        display_name=rows.get("Display name", ""),
        eci=[formats.plain(formats.number(name, score), 12) for score in rows.eci],
        access_class=rows.accessibility.map(by_access).where(printed, rows.organization.map(by_maker.access_class)),
        class_basis=printed.map({True: "Epoch", False: "own, by developer"}),
        known_on=today,
    )
    return [Pulled("eci_scores", rows.reindex(columns=old.columns).replace(pd.NA, ""))]


_NAMES = ("model_version", "eci", "release_date", "organization", "country", "accessibility")
