"""Our World in Data (CC BY 4.0): organisations that use AI, after the surveys of McKinsey in the AI Index."""

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled

VALUE = "Organizations reporting having adopted AI"
MEASURE = "McKinsey survey: organisations using AI in at least 1 function"


def pull(ask, held, today):
    """Read the yearly shares by region into adoption_figures."""
    rows = formats.table("companies", ask("companies"))
    formats.expect("companies", rows.columns, ("Entity", "Year", VALUE), ("Code",))
    found = pd.DataFrame(
        {
            "measure": MEASURE,
            "entity": rows.Entity.replace("All geographies", "World"),
            "period_start": rows.Year + "-01-01",
            "period_end": rows.Year + "-12-31",
            "value": rows[VALUE],
            "unit": "percent of respondents",
            "source": "Our World in Data, share-companies-using-artificial-intelligence",
            "known_on": today,
            "known_on_basis": "date read",
        }
    )
    return [Pulled("adoption_figures", found, lists=_from_here)]


def _from_here(old):
    return (old.measure == MEASURE) & old.source.str.contains("OWID|Our World in Data")
