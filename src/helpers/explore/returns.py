"""Panel of `01_returns`: an event study of one group, and what the group returned before and after."""

import functools

import pandas as pd

from helpers import charts, data, events, inference, returns
from helpers.explore.looks import Control, Look, Topic, answered, as_of_control, dates_control, latest, load
from helpers.inference import NOT_CHECKABLE, Estimate, Unanswered
from helpers.returns import Portfolio

NOTEBOOK, SHOCK, CHAIN = "01_returns", "shock-27-january", "ai_chain"
# groups as cells of the notebook define them; the tests hold what comes of them against the recorded results
LINKS = ("semiconductors", "ai_servers_networking", "ai_power", "data_centre_reits")
HELD = {
    "semiconductors": Portfolio("Semiconductors", ["SMH"]),
    "data_centre_reits": Portfolio("Data-centre property", ["EQIX", "DLR"], "market cap"),
    "utilities": Portfolio("Utilities", ["XLU"]),
}
BY_CAP = ("ai_hyperscalers", "magnificent_7")
CLAIMS = {
    "ai_hyperscalers": {"hyperscalers-rose-before": "before", "hyperscalers-fell-after": "after"},
    "semiconductors": {"semiconductors-fell-after": "after"},
    "data_centre_reits": {"data-centre-reits-fell-after": "after"},
    "utilities": {"utilities-did-not-fall": "after"},
}
WINDOWS = (120, 180, 250, 375, 500)
AROUND = pd.Timedelta(days=90)


def topic() -> Topic:
    """List the controls of the event study, with what they show."""
    declared = data.declared_parameters()[NOTEBOOK]
    days = _calendar()
    shock, end = (pd.Timestamp(declared[name]) for name in ("shock_day", "note_day"))
    groups = {CHAIN: None} | _firms(latest())
    controls = [
        as_of_control(NOTEBOOK),
        Control("group", "group", {_words(name): name for name in groups}, CHAIN, also=tuple(CLAIMS)),
        dates_control("shock_day", "shock day", _iso(days[abs(days - shock) <= AROUND]), declared["shock_day"]),
        dates_control("note_day", "last day", _iso(days[abs(days - end) <= AROUND]), declared["note_day"]),
        Control("benchmark", "benchmark", {name: name for name in events.BENCHMARKS}, declared["benchmark"]),
        Control(
            "estimation_days", "window", {str(n): n for n in sorted({*WINDOWS, declared["estimation_days"]})},
            declared["estimation_days"], ordered=True,
        ),
    ]  # fmt: skip
    return Topic(NOTEBOOK, controls, look)


def look(choice: dict) -> Look:
    """Estimate, figure and returns of a choice of group, days, benchmark and window.

    What follows from the shock day moves with it: its eve, and the end of the estimation window, as many trading days
    before the shock as declared.
    """
    declared, as_of, group = data.declared_parameters()[NOTEBOOK], choice["as_of"], choice["group"]
    indices, caps = load("return_indices", as_of), load("market_caps", as_of)
    shock, end, days = choice["shock_day"], choice["note_day"], _calendar()
    newest = returns.last_trading_day(indices)
    known = f"On {as_of} the last trading day known was {newest}." if newest else f"On {as_of} no return was known."
    claims = CLAIMS.get(group, {})
    if pd.Timestamp(shock) not in days:
        no = Unanswered(f"{shock} is not a trading day", NOT_CHECKABLE)
        return Look(lambda: no, [indices], dict.fromkeys(claims or [SHOCK], no), known)
    gap = len(days[(days > declared["estimation_end"]) & (days <= declared["shock_day"])])
    before = _iso(days[days < shock])
    eve, estimation_end = before[-1], before[-gap]
    firms = _firms(as_of)
    members = [name for link in LINKS for name in firms[link]] if group == CHAIN else firms[group]
    daily = returns.daily_returns(indices)
    model = answered(
        events.normal_returns, daily, members, estimation_end, choice["estimation_days"], choice["benchmark"]
    )
    mean = answered(events.mean_abnormal_return, model, members, shock, shock)
    if len(members) < 3:
        mean = Unanswered(
            f"an error across firms needs three of them, and {_words(group)} has {len(members)}", NOT_CHECKABLE
        )
    year_start = _iso(days[days < f"{eve[:4]}-01-01"])[-1]
    held = HELD.get(group) or Portfolio(_words(group), members, "market cap" if group in BY_CAP else "equal")
    spans = {"before": (year_start, eve), "after": (eve, end)}
    gained = {name: answered(returns.holding_period_return, indices, caps, held, *span) for name, span in spans.items()}
    told = [
        f"{name} the shock ({start} to {end}) {inference.number(one.value)}%"
        if isinstance(one, Estimate)
        else f"{name}: {one}"
        for (name, (start, end)), one in zip(spans.items(), gained.values(), strict=True)
    ]
    how = f"weights {held.weights} at the start" if len(held.members) > 1 else f"the fund {held.members[0]}"
    said = [f"{held.name} returned {'; '.join(told)}: arithmetic on closes, {how}."]
    if claims:
        said.append(f"No claim rests on this group's mean abnormal return on {shock}: {mean}.")
    found = {claim: gained[name] for claim, name in claims.items()} or {SHOCK: mean}
    followed = [
        ("eve of the shock", eve, declared["shock_eve"]),
        ("end of the window", estimation_end, declared["estimation_end"]),
    ]
    draw = functools.partial(_drawn, model, mean, members, group, (estimation_end, shock, end))
    return Look(draw, [indices], found, known, said, followed)


def _drawn(model, mean, members, group, days):
    quiet, shock, end = days
    if isinstance(mean, Unanswered):
        return mean
    if pd.Timestamp(end) not in _calendar():
        return Unanswered(f"{end} is not a trading day")
    if end < shock:
        return Unanswered(f"the last day {end} lies before the shock of {shock}")
    path = answered(events.around, model, members, f"{pd.Timestamp(quiet) + pd.Timedelta(days=1):%Y-%m-%d}", end)
    if isinstance(path, Unanswered):
        return path
    release = data.declared_parameters()["03_open_source_lag"]["release_day"]
    # words of two marks need some days between them
    near = path.index[path.date > release][:1], path.index[path.date == shock]
    apart = len(near[0]) and abs(near[0][0] - near[1][0]) > 3
    marks = {f"{path.date[near[0][0]]:%Y-%m-%d}": "first day\nafter R1"} if apart else {}
    return charts.abnormal_path(path, shock, _told(group), marks | {shock: "the shock"})


def _calendar():
    """All trading days held, whenever they were known: a calendar tells nothing of prices."""
    return returns.wide(load("return_indices", latest())).index


def _firms(as_of):
    """Shares, not funds, by group; groups of funds alone are left out."""
    kinds = load("securities", as_of).set_index("security").kind
    groups = load("security_groups", as_of)
    return groups[groups.security.map(kinds) == "share"].groupby("group").security.agg(list).to_dict()


def _iso(days):
    return [f"{day:%Y-%m-%d}" for day in days]


def _words(group):
    words = group.replace("_", " ").replace("ai ", "AI ").replace("reits", "property")
    return words[0].upper() + words[1:].replace("data centre", "data-centre")


def _told(group):
    words = _words(group)
    return f"the {words}" if group == CHAIN else words
