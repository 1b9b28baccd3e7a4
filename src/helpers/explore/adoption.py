"""Panel of `04_adoption_regression`: the rate of firms that use AI, by sector lists, and its slope."""

from functools import partial

from helpers import adoption, charts, data, results
from helpers.explore.looks import Control, Look, Topic, answered, as_of_control, load
from helpers.inference import NOT_CHECKABLE, Unanswered

NOTEBOOK = "04_adoption_regression"
NOTE = "note"
SUPPLEMENTS = {"kept": "kept", "controlled for": "controlled", "dropped": "dropped"}


def topic() -> Topic:
    """List the controls of the survey, with what they show."""
    counts = {"those of the note": NOTE, "last three known": 3, "last six known": 6}
    shown = {"national rate": "national", "sectors": "sectors"}
    controls = [
        as_of_control(NOTEBOOK),
        Control("wording", "wording", {"old": "old", "new": "new"}, "old"),
        Control("cycles", "cycles", counts, NOTE),
        Control("supplements", "supplement cycles", SUPPLEMENTS, "kept"),
        Control("information", "information sectors", {"narrow list": "information", "wide list": "wide_information"},
                "information"),
        Control("manual", "manual sectors", {"narrow list": "manual", "wide list": "wide_manual"}, "manual"),
        Control("shown", "figure", shown, "national", also=("sectors",)),
    ]  # fmt: skip
    return Topic(NOTEBOOK, controls, look)


def look(choice: dict) -> Look:
    """Use rate, difference of sectors, slope and figure of a choice of wording, cycles, supplements and lists."""
    declared, as_of, wording = data.declared_parameters()[NOTEBOOK], choice["as_of"], choice["wording"]
    national, sectors = load("btos_national", as_of), load("btos_sectors", as_of)
    parts = {word: adoption.series(national, word) for word in ("old", "new")}
    rows = parts[wording]
    high, low = (declared[choice[side]].split(",") for side in ("information", "manual"))
    cycles = declared["note_cycles"].split(",")
    if choice["cycles"] != NOTE:
        cycles = adoption.last_cycles(national, wording, choice["cycles"])
    no = None if cycles else Unanswered(f"fewer than {choice['cycles']} cycles of the {wording} wording are known")
    if choice["cycles"] == NOTE and wording == "new":
        no = Unanswered("the note's cycles asked in the old wording; choose the last ones known", NOT_CHECKABLE)
    # sectors were not printed in every cycle that has a national rate
    told = cycles if choice["cycles"] == NOTE else _told_cycles(sectors, wording, choice["cycles"])
    found = {
        "use-rate-6-5": no or answered(adoption.mean_rate, national, cycles),
        "information-above-manual": no or answered(adoption.sector_gap, sectors, high, low, told),
        "adoption-climbs": answered(adoption.trend, rows, choice["supplements"]),
    }
    known = f"On {as_of} {len(parts['old'])} cycles of the old wording were known and {len(parts['new'])} of the new."
    since = results.NOTE_DAY if as_of >= results.NOTE_DAY else ""
    if choice["shown"] == "sectors":
        draw, sources = partial(charts.sector_slopes, [adoption.slopes(sectors, wording)], high, low), [sectors]
    else:
        kept = rows[~rows.supplement] if choice["supplements"] == "dropped" else rows
        draw, sources = partial(charts.use_rates, {wording: kept}, since), [national]
    return Look(draw, sources, found, known)


def _told_cycles(sectors, wording, count):
    return adoption.last_cycles(sectors.drop_duplicates("cycle"), wording, count)
