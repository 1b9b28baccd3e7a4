"""Panel of `03_open_source_lag`: how far the best open model trails."""

import functools

import numpy as np
import pandas as pd

from helpers import charts, data, lag, linking
from helpers.explore.looks import Control, Look, Topic, answered, as_of_control, dates_control, load
from helpers.inference import Unanswered

NOTEBOOK = "03_open_source_lag"
ARENA, STYLED, EPOCH = "Arena", "Arena with style control", "Epoch index"


def topic() -> Topic:
    """List the controls of the lag, with what they show."""
    declared = data.declared_parameters()[NOTEBOOK]
    quarters = pd.date_range("2023-06-30", declared["as_of"], freq="QE")
    controls = [
        as_of_control(NOTEBOOK),
        dates_control("base_day", "base day", [f"{day:%Y-%m-%d}" for day in quarters], declared["base_day"]),
        Control("reading", "matched", {name: name for name in lag.READINGS}, lag.READINGS[0]),
        Control("scale", "scale", {name: name for name in (ARENA, STYLED, EPOCH)}, ARENA),
        Control("licence", "open", {name.removeprefix("open-"): name for name in lag.LICENCES}, lag.LICENCES[0]),
    ]
    return Topic(NOTEBOOK, controls, look)


def look(choice: dict) -> Look:
    """Backward lag, its ratio to that on a base day, and both frontiers, of a choice of scale and reading."""
    declared, as_of, reading = data.declared_parameters()[NOTEBOOK], choice["as_of"], choice["reading"]
    scores, boards = load("arena_scores", as_of), load("arena_boards", as_of)
    catalogue, index = load("models", as_of), load("eci_scores", as_of)
    if choice["scale"] == EPOCH:
        models, sources = linking.index_models(index), [index]
    else:
        linked = linking.linked(scores, boards, style_control=choice["scale"] == STYLED)
        models, sources = linking.described(linked, catalogue), [scores, catalogue]
    models = lag.chosen(models, choice["licence"])
    draws, seed = declared["draws"], np.random.SeedSequence(declared["seed"]).spawn(4)[1]
    found = {
        "open-gap-closed": answered(lag.lag_ratio, models, choice["base_day"], draws, seed, reading),
        "gap-stays-closed": answered(lag.backward_lag, models, draws, seed, reading),
    }
    known = f"Known on {as_of}: {linking.coverage(models, choice['scale'])}"
    draw = functools.partial(_drawn, models, found["gap-stays-closed"], choice["scale"])
    return Look(draw, sources, found, known)


def _drawn(models, found, scale):
    if isinstance(found, Unanswered):
        return found
    sides = [lag.records(models, is_open) for is_open in (False, True)]
    return charts.record_frontiers(models, *sides, found, "index points" if scale == EPOCH else "Elo points")
