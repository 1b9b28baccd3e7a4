"""Panel of `02_frontier`: price and score on one board, and who is on the frontier."""

import functools

import numpy as np
import pandas as pd

from helpers import charts, data, frontier
from helpers.explore.looks import Control, Look, Topic, as_of_control, dates_control, latest, load
from helpers.inference import NOT_CHECKABLE, Unanswered, number

NOTEBOOK = "02_frontier"
# as a cell of the notebook names them; the tests hold what comes of them against the recorded results
GROUPS = {"deepseek-on-frontier": ["deepseek-r1", "deepseek-v3"], "google-on-frontier": ["gemini-2.0-flash-001"]}
LISTED, PLOTTED, ON_SALE, ALL = "list", "plot", "on sale", "all"
PRICES = {
    "plotted models at list prices": LISTED,
    "plotted models at the plot's prices": PLOTTED,
    "whole board at list and host prices": ON_SALE,
    "whole board with guessed prices too": ALL,
}
GUESSED = ("third-party join", "imputed from size")
LEVELS = range(1000, 1501, 25)
MOST_NAMED = 40


def topic() -> Topic:
    """List the controls of the frontier, with what they show."""
    declared = data.declared_parameters()[NOTEBOOK]
    boards = load("arena_boards", latest()).board_date
    # the level of quality that another notebook declares, on the same board
    level = data.declared_parameters()["06_token_prices"]["threshold"]
    controls = [
        as_of_control(NOTEBOOK),
        dates_control("board_date", "board", [f"{day:%Y-%m-%d}" for day in boards], declared["board_date"]),
        Control("style_control", "style control", {"no": False, "yes": True}, False),
        Control("prices", "prices", PRICES, LISTED),
        Control(
            "threshold", "score threshold", {f"{step:.0f}": step for step in sorted({*map(float, LEVELS), level})},
            level, ordered=True,
        ),
    ]  # fmt: skip
    return Topic(NOTEBOOK, controls, look)


def look(choice: dict) -> Look:
    """Frontier, probabilities and the cheapest model at a level, of a choice of board, prices and threshold."""
    declared, as_of, day = data.declared_parameters()[NOTEBOOK], choice["as_of"], choice["board_date"]
    scores, about = load("arena_scores", as_of), load("arena_boards", as_of)
    plotted, catalogue = load("plotted_models", as_of), load("models", as_of)
    prices = load("model_prices", as_of)
    board = _board(scores, day, choice["style_control"])
    if choice["prices"] in (LISTED, PLOTTED):
        listed = plotted.assign(output_usd_per_mtok=plotted.list_output_usd_per_mtok)
        offers = listed if choice["prices"] == LISTED else plotted
        names = frontier.names(plotted, catalogue)
    else:
        bases = frontier.LIST_PRICES + (GUESSED if choice["prices"] == ALL else ())
        offers, names = frontier.prices_in_force(prices, day, bases), catalogue
    models = frontier.priced(board, offers, names)
    seeds = np.random.SeedSequence(declared["seed"]).spawn(5)
    drawn = frontier.drawn_scores(models, declared["draws"], seeds[1])
    chances = frontier.membership(models, drawn)
    words = f"Chatbot Arena board of {day}{', style control' if choice['style_control'] else ''}; {_told(choice)}"
    named = not isinstance(models, Unanswered) and len(models) <= MOST_NAMED
    newest = f"the newest of {about.board_date.max():%Y-%m-%d}" if len(about) else "none"
    known = f"On {as_of} {len(about)} boards were known, {newest}, and {len(plotted)} models of the Arena's plot."
    said = [_cheapest(models, choice["threshold"], day)]
    if isinstance(chances, pd.DataFrame):
        said += [frontier.standing(chances, key) for key in ("deepseek-r1", "gemini-2.0-flash-001")]
    found = frontier.frontier_probabilities(models, GROUPS, drawn)
    draw = functools.partial(charts.price_score, chances, words, named=named)
    return Look(draw, [scores, prices], found, known, said)


def _board(scores, day, style):
    """Board of a day; where it is not held of this kind, the boards nearest to it."""
    every = load("arena_boards", latest())
    days = every[every.style_control == style].board_date
    if pd.Timestamp(day) in set(days):
        return frontier.board(scores, day, style)
    kind = "with" if style else "without"
    near = [f"{one:%Y-%m-%d}" for one in (days[days < day].max(), days[days > day].min()) if pd.notna(one)]
    return Unanswered(
        f"no board of {day} {kind} style control is held; the nearest are of {' and '.join(near)}", NOT_CHECKABLE
    )


def _cheapest(models, level, day):
    """Say which model is the cheapest of those that score at least so much."""
    if isinstance(models, Unanswered):
        return f"No cheapest model: {models.reason}."
    row = frontier.cheapest(models, level)
    if isinstance(row, Unanswered):
        return f"No cheapest model: {row.reason}."
    price = charts.house.usd(row.output_usd_per_mtok)
    return (
        f"The cheapest of the {int((models.score >= level).sum())} models that score {number(level)} or more on the "
        f"board of {day} is {row['name']} at {price} per million output tokens, with {number(row.score)} points."
    )


def _told(choice):
    words = {LISTED: "list or host prices, GPT-4o at the plot's", PLOTTED: "prices of the Arena's plot"}
    words |= {ON_SALE: "list and host prices", ALL: "all prices, guessed ones too"}
    return words[choice["prices"]]
