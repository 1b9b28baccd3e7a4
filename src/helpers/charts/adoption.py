"""Pictures of the use of AI by firms: rates, sectors, exposure, forecasts, diffusion."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from helpers.charts.house import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    PURPLE,
    SKY,
    Drawing,
    canvas,
    date_axis,
    kept_apart,
    signed,
    told_interval,
)
from helpers.inference import Estimate, Unanswered, number

SECTOR_NAMES = {
    "11": "Farming",
    "21": "Mining",
    "22": "Utilities",
    "23": "Construction",
    "31": "Manufacturing",
    "42": "Wholesale",
    "44": "Retail",
    "48": "Transport",
    "51": "Information",
    "52": "Finance",
    "53": "Real estate",
    "54": "Professional",
    "55": "Holding companies",
    "56": "Administrative",
    "61": "Education",
    "62": "Health",
    "71": "Arts",
    "72": "Hotels and food",
    "81": "Other services",
}
# those that stand far up or far out; any other is drawn by its code
SUBSECTOR_NAMES = {
    "335": "Electrical equipment",
    "511": "Publishing",
    "512": "Film and sound",
    "515": "Broadcasting",
    "517": "Telecoms",
    "518": "Data hosting",
    "519": "Other information",
    "522": "Banks",
    "523": "Securities",
    "524": "Insurance",
    "533": "Leasing of intangibles",
    "541": "Professional",
    "551": "Holding companies",
    "611": "Education",
}
WORDINGS = {"old": BLUE, "new": GREEN}
METHODS = {"trend": BLUE, "recent trend": SKY, "no change": GREY, "firms' own": ORANGE}
CURVES = {"logistic": BLUE, "Gompertz": GREEN, "Bass": PURPLE}


def use_rates(parts: dict[str, pd.DataFrame], note_day: str) -> Drawing | Unanswered:
    """Draw the national use rate by wording of the question, never joined, with the rate that firms expect.

    Parameters
    ----------
    parts : dict of str to DataFrame
        By wording, as ``adoption.series`` gives: middle, reference_end, use_rate, use_se, expected_rate, supplement.
    note_day : str
        ISO date of the note, marked where it lies in the span; empty in an edition of before the note.

    Returns
    -------
    Drawing or Unanswered
    """
    parts = {wording: rows for wording, rows in parts.items() if len(rows)}
    if not parts:
        return Unanswered("no survey cycle is known yet")
    told = []
    for wording, rows in parts.items():
        first, last = rows.iloc[0], rows.iloc[-1]
        words = f"{last.use_rate:.1f}% to {last.reference_end:%Y-%m-%d}"
        if len(rows) > 1:
            words += f" ({first.use_rate:.1f}% to {first.reference_end:%Y-%m-%d})"
        told.append(f"{words}, {wording} wording")
    title = f"US firms that used AI in two weeks: {'; '.join(told)}"
    subtitle = (
        "Percent of firms by survey cycle, 95% bands; dotted: firms that expect to use it in six months; "
        "shaded: a supplement on AI was in the field"
    )
    figure, (axis,) = canvas(title, subtitle, 4.0)
    figure.subplots_adjust(right=0.88)
    whole, day = pd.concat(parts.values()), pd.Timestamp(note_day or pd.NaT)
    start, end = whole.middle.min(), whole.middle.max()
    noted = start <= day <= end + pd.Timedelta(days=60)
    for wording, rows in parts.items():
        colour, half = WORDINGS[wording], 1.96 * rows.use_se
        axis.fill_between(rows.middle, rows.use_rate - half, rows.use_rate + half, color=colour, alpha=0.2, linewidth=0)
        axis.plot(rows.middle, rows.use_rate, color=colour, linewidth=1.6, marker="o", markersize=2.5)
        axis.plot(rows.middle, rows.expected_rate, color=colour, linewidth=1, linestyle=":")
        pair = rows[["use_rate", "expected_rate"]].iloc[-1].to_numpy(float)
        reach = max(float(part.expected_rate.max()) for part in parts.values())
        names = [f"{wording} wording", "expected"]
        for name, height in zip(names, kept_apart(pair, 0.055 * reach), strict=True):
            spot = {"textcoords": "offset points", "va": "center", "size": 9, "color": colour}
            spot["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
            # names stand clear of the note's line where the series ends just before it
            last = rows.middle.iloc[-1]
            beside = day if noted and last <= day <= last + pd.Timedelta(days=60) else last
            axis.annotate(name, (beside, height), (6, 0), **spot)
        inside = rows[rows.supplement].middle
        if len(inside):
            edge = pd.Timedelta(days=7)
            axis.axvspan(inside.min() - edge, inside.max() + edge, color=LIGHT, alpha=0.5, linewidth=0, zorder=0)
    if noted:
        axis.axvline(day, color=GREY, linewidth=0.9, linestyle="--", zorder=0)
        spot = {"transform": axis.get_xaxis_transform(), "size": 9, "color": GREY, "va": "bottom", "ha": "right"}
        axis.text(day, 0.02, "the note ", **spot)
    axis.set(ylabel="percent of firms", ylim=(0, None))
    date_axis(axis, start, end, 9)
    alt = f"Lines of the national use rate in percent of firms: {'; '.join(told)}."
    columns = ["wording", "cycle", "middle", "use_rate", "use_se", "expected_rate", "supplement"]
    return Drawing(figure, title, alt, whole[columns].reset_index(drop=True))


def survey_rates(rows: pd.DataFrame, who: str, fan: pd.DataFrame | Unanswered) -> Drawing:
    """Draw the rates of a survey by period, with sampling errors where they were printed, and a forecast if any.

    Parameters
    ----------
    rows : DataFrame
        As ``adoption.survey`` gives.
    who : str
        Whose rate, for the title.
    fan : DataFrame or Unanswered
        As ``adoption.fan`` gives; not drawn where it is not answered.

    Returns
    -------
    Drawing
    """
    first, last, known = rows.iloc[0], rows.iloc[-1], rows.use_se.notna()
    title = f"{who}: {last.use_rate:.1f}% in the period to {last.reference_end:%Y-%m-%d}"
    title += f", {first.use_rate:.1f}% in that to {first.reference_end:%Y-%m-%d}" if len(rows) > 1 else ""
    errors = {0: "no standard error was printed, so no interval is drawn", len(rows): "95% intervals"}
    told = errors.get(int(known.sum()), "95% intervals where a standard error was printed")
    subtitle = f"{last.unit[0].upper()}{last.unit[1:]} by period; {told}"
    figure, (axis,) = canvas(title, subtitle, 3.6)
    axis.plot(rows.middle, rows.use_rate, color=BLUE, linewidth=1.6, marker="o", markersize=5)
    half = 1.96 * rows.use_se[known]
    axis.vlines(rows.middle[known], rows.use_rate[known] - half, rows.use_rate[known] + half, color=BLUE, linewidth=2)
    reach, end = (rows.use_rate + 1.96 * rows.use_se.fillna(0)).max(), last.middle
    points = rows[["cycle", "middle", "use_rate", "use_se"]].assign(kind="printed")
    words = f"{who}, {last.unit}: " + "; ".join(f"{row.cycle} {row.use_rate:.1f}" for row in rows.itertuples())
    if isinstance(fan, pd.DataFrame):
        axis.fill_between(fan.middle, fan.low, fan.high, color=SKY, alpha=0.25, linewidth=0)
        axis.plot(fan.middle, fan.forecast, color=SKY, linewidth=1.5)
        ahead = fan.iloc[-1]
        axis.annotate("trend", (ahead.middle, ahead.forecast), (5, 0), textcoords="offset points", size=9, color=BLUE)
        reach, end = max(reach, fan.high.max()), ahead.middle
        ahead_of = fan[["middle", "forecast", "low", "high"]].assign(kind="forecast")
        points = pd.concat([points, ahead_of], ignore_index=True)
        words += f". Trend to {ahead.middle:%Y-%m-%d}: {ahead.forecast:.1f} ({ahead.low:.1f} to {ahead.high:.1f})"
    for row in rows.iloc[[0, -1]].drop_duplicates("cycle").itertuples():
        spot = {"textcoords": "offset points", "ha": "center", "size": 9, "color": BLUE}
        axis.annotate(f"{row.use_rate:.1f}%", (row.middle, row.use_rate), (0, 9), **spot)
    axis.set(ylabel=last.unit, ylim=(0, 1.15 * reach))
    date_axis(axis, first.middle, end, 9)
    return Drawing(figure, title, f"Line of the rate, {words}.", points)


def sector_slopes(tables: list, information: list[str], manual: list[str]) -> Drawing | Unanswered:
    """Draw each sector's use rate in the first and the last cycles known, one panel a wording.

    Parameters
    ----------
    tables : list of (DataFrame or Unanswered)
        As ``adoption.slopes`` gives; those not answered are left out.
    information, manual : list of str
        Sector codes, drawn in blue and orange.

    Returns
    -------
    Drawing or Unanswered
    """
    answered = [table for table in tables if not isinstance(table, Unanswered) and len(table)]
    if not answered:
        return next(table for table in tables if isinstance(table, Unanswered))
    told = []
    for table in answered:
        rows = table.set_index("sector")
        if not set(information + manual) <= set(rows.index):
            told.append(f"{len(rows)} sectors, not all of the lists ({table.attrs['wording']} wording)")
            continue
        means = [rows.loc[names, end].mean() for names in (information, manual) for end in ("start", "end")]
        told.append(
            f"information {means[0]:.1f} to {means[1]:.1f}%, manual {means[2]:.1f} to {means[3]:.1f}%"
            f" ({table.attrs['wording']} wording)"
        )
    title = f"Mean of the sectors: {'; '.join(told)}"
    subtitle = (
        "Percent of firms that used AI, mean of the first and of the last six cycles known, 95% intervals. "
        "Blue: information industries, orange: manual ones; each panel has its own scale"
    )
    figure, axes = canvas(title, subtitle, 5.4, columns=len(answered))
    whole, narrow = figure.get_figheight(), 0.84 if len(answered) > 1 else 0.55
    top = figure.subplotpars.top - 0.25 / whole
    figure.subplots_adjust(left=0.06, right=narrow, wspace=0.75, bottom=0.75 / whole, top=top)
    for axis, table in zip(axes, answered, strict=True):
        span = max((table[end] + 1.96 * table[f"{end}_se"]).max() for end in ("start", "end"))
        colours = [BLUE if s in information else ORANGE if s in manual else GREY for s in table.sector]
        heights = kept_apart(table.end.to_numpy(), 0.043 * span)
        for row, colour, height in zip(table.itertuples(), colours, heights, strict=True):
            axis.plot([0, 1], [row.start, row.end], color=colour, linewidth=1.3, marker="o", markersize=3.5)
            for place, value, error in ((0, row.start, row.start_se), (1, row.end, row.end_se)):
                axis.plot(
                    [place, place], [value - 1.96 * error, value + 1.96 * error], color=colour, linewidth=1, alpha=0.6
                )
            axis.annotate(
                f"{SECTOR_NAMES[row.sector]} {row.end:.1f}",
                (1, row.end),
                (1.09, height),
                textcoords="data",
                va="center",
                size=8.5,
                color=colour,
                arrowprops={"arrowstyle": "-", "color": LIGHT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2},
                annotation_clip=False,
            )
        axis.set(xlim=(-0.08, 1.02), ylim=(0, 1.02 * max(span, heights.max())))
        axis.set_xticks([0, 1], ["\nto ".join(table.attrs[end]) for end in ("start", "end")])
        axis.set_title(f"{table.attrs['wording']} wording", loc="left", size=10)
        axis.tick_params(axis="x", bottom=False, labelsize=8.5)
    words = [
        f"{SECTOR_NAMES[row.sector]} {row.start:.1f} to {row.end:.1f}"
        for table in answered
        for row in table.itertuples()
    ]
    points = pd.concat([table.assign(wording=table.attrs["wording"]) for table in answered], ignore_index=True)
    return Drawing(figure, title, f"Slope chart, percent of firms. {'; '.join(told)}. {'; '.join(words)}.", points)


def citing_firms(counts: pd.DataFrame) -> Drawing | Unanswered:
    """Draw how many S&P 500 firms cited AI on their earnings calls, first prints, by quarter.

    Parameters
    ----------
    counts : DataFrame
        One row a quarter, sorted: quarter, value (firms).

    Returns
    -------
    Drawing or Unanswered
    """
    if counts.empty:
        return Unanswered("no first print of the firms that cite AI is known yet")
    first, last = counts.iloc[0], counts.iloc[-1]
    title = f"{last.value} firms of the S&P 500 cited AI on the calls of {last.quarter}"
    title += f", {first.value} on those of {first.quarter}" if len(counts) > 1 else ""
    subtitle = "Firms, first prints by FactSet; a quarter without a bar is one whose first print we do not hold"
    figure, (axis,) = canvas(title, subtitle, 2.6)
    places = pd.PeriodIndex(counts.quarter, freq="Q")
    place = (places - places[0]).map(lambda step: step.n)
    axis.bar(place, counts.value, color=BLUE, width=0.62)
    for x, value in zip(place, counts.value, strict=True):
        axis.text(x, value, f"{value}", ha="center", va="bottom", size=9, color=BLUE)
    quarters = pd.period_range(places[0], places[-1], freq="Q")
    axis.set_xticks(range(len(quarters)), [f"{q.year}Q{q.quarter}" for q in quarters])
    axis.set(xlim=(-0.7, max(len(quarters), 6) - 0.3), ylim=(0, 1.12 * counts.value.max()), ylabel="firms")
    told = "; ".join(f"{row.quarter} {row.value}" for row in counts.itertuples())
    return Drawing(figure, title, f"Bars of firms citing AI: {told}.", counts[["quarter", "value"]])


def exposure_use(
    points: pd.DataFrame, curve: pd.DataFrame, without: pd.DataFrame, found: Estimate
) -> Drawing | Unanswered:
    """Draw use against exposure by subsector with the fractional logit, and its coefficient without each sector.

    Parameters
    ----------
    points : DataFrame
        One row a subsector: name, sector, exposure (standard deviations), use_rate (percent of firms).
    curve : DataFrame
        Fitted: exposure, use_rate.
    without : DataFrame
        As ``exposure.leave_one_out`` gives: sector, strata, value.
    found : Estimate
        The coefficient with its interval.

    Returns
    -------
    Drawing
    """
    ratio = np.exp(found.value)
    title = f"One standard deviation more exposure goes with {ratio:.1f} times the odds of using AI"
    title += f"; without any one sector {np.exp(without.value.min()):.1f} to {np.exp(without.value.max()):.1f} times"
    subtitle = (
        f"Left: {len(points)} subsectors, percent of firms, and the fractional logit. Right: its coefficient, log odds "
        "per standard deviation when a sector is left out; band: 95% interval of all"
    )
    figure, (axis, strip) = canvas(title, subtitle, 4.6, columns=2, width_ratios=[1.35, 1])
    figure.subplots_adjust(wspace=0.5, bottom=0.95 / figure.get_figheight())
    axis.scatter(points.exposure, points.use_rate, s=16, color=GREY, alpha=0.75, linewidth=0)
    axis.plot(curve.exposure, curve.use_rate, color=BLUE, linewidth=1.8)
    chosen = _corners(points, curve)
    heights = kept_apart(points.use_rate[list(chosen)].to_numpy(), 0.045 * points.use_rate.max())
    for (place, below), height in zip(chosen.items(), heights, strict=True):
        row, spot = points.loc[place], {"textcoords": "offset points", "size": 8.5, "color": BLACK, "ha": "right"}
        name = SUBSECTOR_NAMES.get(row["name"], f"industry {row['name']}")
        axis.annotate(name, (row.exposure, height), (-5, -9 if below else 0), va="center", **spot)
    axis.set(xlabel="exposure, standard deviations", ylabel="percent of firms", ylim=(0, None))
    rows = without.sort_values("value", kind="stable", ignore_index=True)
    low, high = (end if np.isfinite(end) else side for end, side in ((found.low, -2), (found.high, 3)))
    strip.axvspan(low, high, color=SKY, alpha=0.2, linewidth=0)
    strip.axvline(found.value, color=BLUE, linewidth=1.2)
    strip.axvline(0, color=GREY, linewidth=0.8)
    strip.plot(rows.value, rows.index, "o", color=BLUE, markersize=4.5)
    names = [f"{SECTOR_NAMES[row.sector]} ({row.strata})" for row in rows.itertuples()]
    strip.set_yticks(rows.index, names, size=8.5, color=BLACK)
    strip.tick_params(axis="y", left=False)
    strip.spines["left"].set_visible(False)
    strip.set_xlabel("log odds, without the sector")
    far = [f"{SECTOR_NAMES[row.sector]} {number(row.value)}" for row in rows.iloc[[0, -1]].itertuples()]
    alt = (
        f"Scatter of {len(points)} subsectors; coefficient {told_interval(found)} log odds per standard deviation. "
        f"Least and most when a sector is left out: {'; '.join(far)}."
    )
    marks = [points.assign(mark="subsector"), rows.assign(mark="without the sector")]
    return Drawing(figure, title, alt, pd.concat(marks, ignore_index=True))


def _corners(points, curve):
    """Pick the subsectors worth a name: those of highest use, and the one farthest below the curve at high exposure."""
    gap = points.use_rate - np.interp(points.exposure, curve.exposure, curve.use_rate)
    exposed = gap[points.exposure > 0.5]
    lowest = {exposed.idxmin(): True} if len(exposed) else {}
    return lowest | dict.fromkeys(points.use_rate.nlargest(3).index, False)


def forecast_fan(
    fan: pd.DataFrame | Unanswered, known: pd.DataFrame, own: pd.DataFrame, errors: pd.DataFrame, origin: str
) -> Drawing | Unanswered:
    """Draw a forecast with its interval against what came, and the mean error of methods by horizon.

    Parameters
    ----------
    fan : DataFrame or Unanswered
        As ``adoption.fan`` gives.
    known : DataFrame
        As ``adoption.series`` gives: the cycles of the wording known.
    own : DataFrame
        Forecasts of firms themselves from the origin: middle, forecast.
    errors : DataFrame
        As ``adoption.forecast_errors`` gives.
    origin : str
        Cycle from which the fan goes out.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(fan, Unanswered):
        return fan
    came = fan[fan.actual.notna()]
    if len(came):
        inside = int(((came.low <= came.actual) & (came.actual <= came.high)).sum())
        last = came.iloc[-1]
        title = f"From cycle {origin}, {inside} of {len(came)} later cycles fell inside the trend's 95% fan; "
        title += f"the last was {last.actual:.1f}% against {last.forecast:.1f}% ({last.low:.1f} to {last.high:.1f})"
    else:
        last = fan.iloc[-1]
        title = f"From cycle {origin} the trend leads to {last.forecast:.1f}% of firms by {last.middle:%Y-%m-%d} "
        title += f"({last.low:.1f} to {last.high:.1f})"
    subtitle = (
        f"Left: percent of firms, {known.wording.iloc[0]} wording; fan: trend of the log odds, width from its own past "
        "errors; diamond: what firms expected. Right: mean absolute error of every forecast met so far, points"
    )
    figure, (axis, strip) = canvas(title, subtitle, 3.8, columns=2, width_ratios=[1.4, 1])
    figure.subplots_adjust(wspace=0.28, right=0.86, bottom=0.95 / figure.get_figheight())
    before = known[known.cycle <= origin].iloc[-26:]
    axis.plot(before.middle, before.use_rate, color=BLACK, linewidth=1.3)
    axis.fill_between(fan.middle, fan.low, fan.high, color=BLUE, alpha=0.18, linewidth=0)
    axis.plot(fan.middle, fan.forecast, color=BLUE, linewidth=1.5)
    axis.plot(came.middle, came.actual, "o", color=BLACK, markersize=4)
    axis.plot(own.middle, own.forecast, "D", color=ORANGE, markersize=6)
    end = fan.iloc[-1]
    labels = {"trend": (end.forecast, BLUE)}
    for name, values, colour in (("firms' own", own.forecast, ORANGE), ("what came", came.actual, BLACK)):
        if len(values):
            labels[name] = (values.iloc[-1], colour)
    reach = max(fan.high.max(), *(value for value, _ in labels.values()))
    heights = kept_apart(np.array([value for value, _ in labels.values()]), 0.06 * reach)
    for (name, (_, colour)), height in zip(labels.items(), heights, strict=True):
        axis.annotate(name, (end.middle, height), (7, 0), textcoords="offset points", va="center", size=9, color=colour)
    axis.set(ylim=(0, 1.08 * reach), xlim=(before.middle.iloc[0], end.middle + pd.Timedelta(days=110)))
    date_axis(axis, before.middle.iloc[0], end.middle, 5)
    axis.set_ylabel("percent of firms")
    ends = errors.sort_values("horizon", kind="stable").groupby("method", sort=False).tail(1).set_index("method")
    for method, colour in METHODS.items():
        rows = errors[errors.method == method]
        strip.plot(
            rows.horizon, rows.mean_absolute_error, color=colour, linewidth=1.5, marker="D" if len(rows) == 1 else ""
        )
    places = kept_apart(ends.mean_absolute_error.to_numpy(), 0.07 * errors.mean_absolute_error.max())
    for method, height, horizon in zip(ends.index, places, ends.horizon, strict=True):
        spot = {"textcoords": "offset points", "va": "center", "size": 9, "color": METHODS[method]}
        strip.annotate(method, (horizon, height), (7, 0), annotation_clip=False, **spot)
    strip.set(
        xlabel="cycles ahead", ylabel="points", ylim=(0, 1.1 * max(errors.mean_absolute_error.max(), places.max()))
    )
    strip.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    told = [
        f"{row.Index} {row.mean_absolute_error:.2f} at {row.horizon} cycles (n = {row.n})" for row in ends.itertuples()
    ]
    alt = f"Fan of a trend with what came. {title}. Mean absolute errors in points: {'; '.join(told)}."
    points = pd.concat([fan.assign(panel="fan"), errors.assign(panel="errors")], ignore_index=True)
    return Drawing(figure, title, alt, points)


def ceiling_profile(table: pd.DataFrame | Unanswered, at: str) -> Drawing | Unanswered:
    """Draw how well three diffusion curves fit under every ceiling, and what each then says of a later day.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As ``adoption.diffusion`` gives.
    at : str
        The later day, ISO date.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(table, Unanswered):
        return table
    kept = table[table.allowed]
    title = (
        f"Ceilings from {kept.ceiling.min():.0f}% to {kept.ceiling.max():.0f}% of firms are not ruled out; "
        f"by {at} they mean {kept.rate_at.min():.0f}% to {kept.rate_at.max():.0f}%"
    )
    subtitle = (
        "By ceiling in percent of firms. Left: squared errors over the least of all; dashed: what an F test allows. "
        "Right: percent of firms on that day, thick where not ruled out"
    )
    figure, axes = canvas(title, subtitle, 3.3, columns=2)
    figure.subplots_adjust(wspace=0.25, right=0.88)
    top = 1 + 3 * (table.bound.iloc[0] - 1)
    for axis, column in zip(axes, ("ratio", "rate_at"), strict=True):
        for width, (curve, colour) in zip((3.6, 2.2, 1.6), CURVES.items(), strict=True):
            rows = table[table.curve == curve]
            axis.plot(rows.ceiling, rows[column], color=colour, linewidth=1, alpha=0.5)
            axis.plot(rows.ceiling.where(rows.allowed), rows[column], color=colour, linewidth=width, marker=".")
        axis.set(xlabel="ceiling, percent of firms")
    axes[0].axhline(table.bound.iloc[0], color=GREY, linestyle="--", linewidth=0.9)
    axes[0].set(ylim=(1 - 0.1 * (top - 1), top), ylabel="squared errors, least = 1")
    axes[1].set(ylim=(0, None), ylabel="percent of firms")
    ends = table.groupby("curve", sort=False).tail(1).set_index("curve").rate_at
    heights = kept_apart(ends.to_numpy(), 0.07 * table.rate_at.max())
    for curve, height in zip(ends.index, heights, strict=True):
        spot = {"textcoords": "offset points", "va": "center", "size": 9, "color": CURVES[curve]}
        axes[1].annotate(curve, (table.ceiling.max(), height), (6, 0), annotation_clip=False, **spot)
    told = [
        f"{curve} {rows.ceiling.min():.0f} to {rows.ceiling.max():.0f}, so {rows.rate_at.min():.1f} to "
        f"{rows.rate_at.max():.1f} percent of firms"
        for curve, rows in kept.groupby("curve", sort=False)
    ]
    told += [f"{curve} at no ceiling" for curve in CURVES if curve not in set(kept.curve)]
    return Drawing(
        figure, title, f"Profiles of the ceiling, not ruled out, with the rate by {at}: {'; '.join(told)}.", table
    )


def slope_breaks(candidates: pd.DataFrame, found: Estimate | Unanswered, day: str) -> Drawing | Unanswered:
    """Draw the change of the slope at every day that could have been asked about, and at the one that was.

    Parameters
    ----------
    candidates : DataFrame
        As ``adoption.placebo_breaks`` gives: date, value, low, high.
    found : Estimate or Unanswered
        The change at the day asked about.
    day : str
        ISO date.

    Returns
    -------
    Drawing or Unanswered
    """
    if candidates.empty or isinstance(found, Unanswered):
        return found if isinstance(found, Unanswered) else Unanswered("too few cycles lie on either side of any day")
    larger = int((candidates.value >= found.value).sum())
    title = f"The slope changed by {told_interval(found)} log odds a year at {day}; "
    title += f"{larger} of {len(candidates)} other days would have shown as much or more"
    subtitle = (
        "Slope of the log odds after a day less the slope before, old wording, 95% intervals; blue: the day asked about"
    )
    figure, (axis,) = canvas(title, subtitle, 2.9)
    axis.vlines(candidates.date, candidates.low, candidates.high, color=GREY, linewidth=1.4, alpha=0.6)
    axis.plot(candidates.date, candidates.value, "o", color=GREY, markersize=3.5)
    axis.vlines(pd.Timestamp(day), found.low, found.high, color=BLUE, linewidth=2.2)
    axis.plot(pd.Timestamp(day), found.value, "o", color=BLUE, markersize=7)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set_ylabel("log odds a year")
    date_axis(axis, candidates.date.min(), candidates.date.max(), 8)
    far = candidates.loc[[candidates.value.idxmin(), candidates.value.idxmax()]]
    told = "; ".join(f"{row.date:%Y-%m-%d} {signed(row.value)}" for row in far.itertuples())
    points = candidates.assign(asked=False)
    own = pd.DataFrame([(pd.Timestamp(day), found.value, found.low, found.high, found.n, True)], columns=[*points])
    alt = f"Dots of the change of slope by day, log odds a year: {day} {told_interval(found)}; least and most: {told}."
    return Drawing(figure, title, alt, pd.concat([points, own], ignore_index=True))
