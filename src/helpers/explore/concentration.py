"""Panel of `05_concentration`: the share of the largest firms in the S&P 500."""

import functools

import pandas as pd

from helpers import charts, concentration, data, returns
from helpers.explore.looks import Control, Look, Topic, answered, as_of_control, load
from helpers.inference import number

NOTEBOOK, SEVEN = "05_concentration", "magnificent_7"
LARGEST = (1, 3, 5, 7, 10, 20, 50)


def topic() -> Topic:
    """List the controls of the share, with what they show."""
    groups = {"Magnificent 7": SEVEN} | {f"{k} largest" if k > 1 else "largest": k for k in LARGEST}
    controls = [
        as_of_control(NOTEBOOK),
        Control("group", "group", groups, SEVEN),
        Control("rule", "share classes", {"one firm": "firm", "each line alone": "line"}, "firm"),
        Control("cash", "the fund's cash", {"counted": True, "left out": False}, True),
    ]
    return Topic(NOTEBOOK, controls, look)


def look(choice: dict) -> Look:
    """Share, effective number and figure of a choice of group, share classes and cash."""
    declared, as_of, group = data.declared_parameters()[NOTEBOOK], choice["as_of"], choice["group"]
    weights, indices = load("index_weights", as_of), load("return_indices", as_of)
    table = concentration.snapshots(weights, choice["rule"])
    table = table if choice["cash"] else 100 * table.div(table.sum(axis=1), axis=0)
    seven = load("security_groups", as_of).groupby("group").security.agg(list)[SEVEN]
    words = "official fund weights" + ("" if choice["cash"] else ", cash left out")
    words += "" if choice["rule"] == "firm" else ", each line alone"
    if group == SEVEN:
        name, series, context = "Magnificent 7", concentration.shares(table, seven), [weights, indices]
    else:
        # over the holdings alone, so scaled back to what they are of the fund
        shares = {day: concentration.top_share(row, group) * row.sum() / 100 for day, row in table.iterrows()}
        kind = choice["rule"] + "s" * (group > 1)
        name, series, context = f"{group} largest {kind}".removeprefix("1 "), pd.Series(shares, dtype=float), [weights]
        words += f", {name}"
    year = (declared["year_start"], declared["year_end"])
    found = {
        "mag7-third": answered(concentration.level, series, *year, as_of, words),
        "concentration-eases": answered(concentration.change, series, declared["base_snapshot"], words),
    }
    newest = f"{table.index[-1]:%Y-%m-%d}"
    count, largest = concentration.effective_number(table.iloc[-1]), series.iloc[-1]
    said = [
        f"On {newest} the {name} made up {number(largest)}% of the S&P 500, which was as concentrated as "
        f"{number(count)} equal {'firms' if choice['rule'] == 'firm' else 'lines'}."
    ]
    known = f"On {as_of} {len(table)} snapshots of the weights were known, the newest of {newest}."
    draw = functools.partial(_drawn, series, table, indices, seven, name, choice)
    return Look(draw, context, found, known, said)


def _drawn(series, table, indices, seven, name, choice):
    levels = returns.wide(indices)
    carried = pd.Series(dtype=float, index=pd.DatetimeIndex([], dtype=series.index.dtype))
    others = pd.DataFrame(columns=["date", "method", "share_percent", "gap_points"])
    if choice["group"] == SEVEN:
        carried = concentration.carried_shares(table, levels, seven, "SPY")
        if choice["rule"] == "firm":
            others = _others(levels, seven, carried, choice["as_of"])
    # who is among the largest changes from day to day, so nothing carries their share on
    return charts.index_shares(series, carried, others, name)


def _others(levels, seven, carried, as_of):
    """Other measures of the share of the seven, as the notebook compares them."""
    printed, caps = load("magnificent_7_shares", as_of), load("market_caps", as_of)
    summed = concentration.shares(concentration.full_cap_snapshots(caps, levels, seven, "S&P 500"), seven)
    summed = summed.rename("share_percent").rename_axis("date").reset_index()
    context = printed[printed.method.isin(["members_full_cap", "published_by_others"])]
    context = pd.concat(
        [context[["date", "method", "share_percent"]], summed.assign(method="published_total_full_cap")]
    )
    first = carried.index[0] if len(carried) else pd.Timestamp.max
    return concentration.gaps(context[context.date >= first].reset_index(drop=True), carried)
