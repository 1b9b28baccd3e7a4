"""Census Business Trends and Outlook Survey, the frozen workbook of the old wording (cycles 202319 to 202520).

Nothing new is expected of it; it is read so that a change in place of what the old series rest on is noticed.
"""

from helpers.sources import btos, formats

SHEETS = {
    "btos_national": "National",
    "btos_sectors": "Sector",
    "btos_sizes": "Employment Size",
    "btos_subsectors": "Subsector",
}


def pull(ask, held, today):
    """Read the four breakdowns of the workbook into their tables."""
    place = "AI Core Questions.xlsx"
    book = formats.sheets(place, ask("AI Core Questions"))
    source = f"U.S. Census Bureau, BTOS, {place} as of {today}"
    found = []
    for table, name in SHEETS.items():
        rows = btos.read(place, book, (f"{name} Estimates", f"{name} SE"), held(table))
        found.append(btos.pulled(table, rows, held, "old", source))
    return found
