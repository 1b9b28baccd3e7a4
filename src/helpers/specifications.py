"""Specifications: every headline beside its declared alternatives, on one axis with the range of its claim.

After Simonsohn, Simmons and Nelson (2020, doi 10.1038/s41562-020-0912-z).
"""

import json
import math
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers import inference, results

# in percent of the width: room at both ends for an arrow that says "it goes on"
FIRST, LAST = 4.0, 96.0
FENCE = 3.0


def strips(folder: Path) -> dict[str, dict]:
    """Draw up a strip for every claim whose headline and at least one alternative are answered in an edition.

    Parameters
    ----------
    folder : Path
        The edition, with ``results.json``.

    Returns
    -------
    dict of str to dict
        By claim: ``agree`` and ``answered`` (numbers of alternatives), ``log`` (whether the axis is), ``ticks``
        (dicts of ``at``, a percentage of the width, and ``label``), ``band`` (the claim's range: ``left`` and
        ``right`` in percent, 0 or 100 where it goes on without end), ``rows`` and ``unanswered`` (dicts of ``label``
        and ``reason``). A row is a specification, the headline first and the others by value: ``label``, ``found``
        (value and interval in words), ``unit``, ``n``, ``method``, ``verdict`` (by its interval), ``headline``,
        ``agrees``, ``at``, ``left``, ``right`` (percent), and ``off`` ("left", "right" or empty), ``off_left``,
        ``off_right``: whether the point, or an end of its interval, lies beyond the axis.
    """
    records = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    headlines = {record["id"]: record for record in records if record["role"] == "headline"}
    others = {}
    for record in records:
        if record["role"] == "alternative":
            claim, _, label = record["id"].partition("/")
            others.setdefault(claim, []).append(record | {"label": label})
    found = {}
    for claim in results.claims().itertuples():
        headline, beside = headlines.get(claim.Index), others.get(claim.Index, [])
        answered = [record for record in beside if record["value"] is not None]
        if headline and headline["value"] is not None and answered:
            found[claim.Index] = _strip(headline, answered, claim.low, claim.high)
            found[claim.Index]["unanswered"] = [
                {"label": record["label"], "reason": record["reason"]} for record in beside if record["value"] is None
            ]
    return found


def _strip(headline, answered, low, high):
    # the last digits of equal values differ from one processor to another
    ordered = [headline, *sorted(answered, key=lambda record: (float(f"{record['value']:.9g}"), record["label"]))]
    found = [
        inference.Estimate(
            *(float(record[key]) for key in ("value", "low", "high")),
            *(record[key] for key in ("unit", "n", "method", "kind")),
        )
        for record in ordered
    ]
    numbers = np.array([(one.value, one.low, one.high) for one in found])
    verdicts = [results.position(one, low, high) for one in found]
    log = headline["unit"] == "ratio" and wants_log(numbers)
    if log:
        with np.errstate(divide="ignore"):
            numbers, (low, high) = np.log10(numbers), np.log10(np.maximum([low, high], 0))
    first, last = limits(numbers, low, high)

    def place(value):
        share = (min(max(value, first), last) - first) / (last - first)
        return round(float(FIRST + (LAST - FIRST) * share), 2)

    rows = [
        {
            "label": record.get("label", "headline"),
            "found": inference.in_words(one.value, one.low, one.high),
            "unit": one.unit,
            "n": one.n,
            "method": one.method,
            "verdict": verdict,
            "headline": record is headline,
            "agrees": verdict == verdicts[0],
            "at": place(value),
            "left": place(left),
            "right": place(right),
            "off": "left" if value < first else "right" if value > last else "",
            "off_left": bool(left < first),
            "off_right": bool(right > last),
        }
        for record, one, verdict, (value, left, right) in zip(ordered, found, verdicts, numbers, strict=True)
    ]
    band = {"left": place(low) if math.isfinite(low) else 0.0, "right": place(high) if math.isfinite(high) else 100.0}
    ticks = [{"at": place(tick), "label": _label(10**tick if log else tick)} for tick in _ticks(first, last, log)]
    agree = sum(row["agrees"] for row in rows[1:])
    return {"agree": agree, "answered": len(answered), "log": log, "ticks": ticks, "band": band, "rows": rows}


def wants_log(numbers: np.ndarray) -> bool:
    """Tell whether points and finite ends are all positive and span a hundredfold or more.

    Examples
    --------
    >>> wants_log(np.array([[1.0, 0.02, 30.0]])), wants_log(np.array([[1.0, 0.0, 30.0]]))
    (True, False)
    """
    finite = numbers[np.isfinite(numbers)]
    return bool(finite.min() > 0 and finite.max() / finite.min() >= 100)


def limits(numbers: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Choose the ends of an axis that shows a headline whole, and its alternatives but for far outliers.

    What lies farther than three interquartile ranges outside of the quartiles of all points and finite ends is left
    to an arrow (Tukey's outer fence), unless it is the headline's. The finite edges of the claim's range are always on
    the axis, as the verdict turns on them.

    Parameters
    ----------
    numbers : ndarray, shape (n, 3)
        Value, low and high of each specification, the headline first.
    low, high : float
        Range of the claim; may be infinite.

    Returns
    -------
    tuple of float
        First and last value of the axis, the first below the last.

    Examples
    --------
    >>> limits(np.array([[2.0, 1.0, 3.0], [2.5, 1.5, 3.5], [900.0, 2.0, math.inf]]), 0.0, math.inf)
    (-0.14, 3.64)
    """
    finite = numbers[np.isfinite(numbers)]
    first, last = np.quantile(finite, [0.25, 0.75])
    reach = FENCE * (last - first) or math.inf
    kept = finite[(finite >= first - reach) & (finite <= last + reach)]
    always = np.array([*numbers[0], low, high])
    shown = np.concatenate([kept, always[np.isfinite(always)]])
    first, last = float(shown.min()), float(shown.max())
    room = 0.04 * (last - first) or 0.1 * abs(first) or 1.0
    return first - room, last + room


def _ticks(first, last, log):
    steps = {"integer": True} if log else {"steps": [1, 2, 2.5, 5, 10], "min_n_ticks": 3}
    ticks = MaxNLocator(nbins=5, **steps).tick_values(first, last)
    return [float(tick) for tick in ticks if first <= tick <= last]


def _label(value):
    # adding zero turns a rounded −0 into 0
    return f"{round(value, 10) + 0:,.10g}".replace("-", "−")
