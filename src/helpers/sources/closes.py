"""Daily closes through yfinance: an optional extra, on your own terms with Yahoo (personal use, no redistribution).

Only our own total return indices are kept. Adjusted closes are rescaled with every dividend, so what is compared and
chained are ratios: over the last days held they must move as the index does, then the index is carried on.
"""

import pandas as pd

from helpers.sources.feeds import Missing, Pulled, Stopped

OVERLAP = 10
# an index is kept with two digits
ROUNDING_PERCENT = 0.1


def pull(ask, held, today):
    """Carry on return_indices, to the last day before today on which all securities have a close."""
    try:
        import yfinance
    except ImportError:
        raise Missing("needs yfinance: run `make extras`, then `make refresh SOURCE=closes` again") from None
    old = held("return_indices")
    index = old.assign(value=old.total_return_index.astype(float)).pivot(
        index="date", columns="security", values="value"
    )
    # a series that ended is not carried on
    index = index.loc[:, index.iloc[-1].notna()].tail(OVERLAP)
    # written out, for its default has changed
    found = yfinance.download(
        list(index.columns),
        start=index.index[0],
        end=today,
        auto_adjust=False,
        progress=False,
        threads=False,
    )
    if found is None or found.empty:
        raise Stopped("Yahoo gives no closes; try again later")
    if "Adj Close" not in found:
        raise Stopped("yfinance, columns: missing Adj Close")
    closes = found["Adj Close"].reindex(columns=index.columns)
    closes.index = [f"{day:%Y-%m-%d}" for day in closes.index]
    lost = sorted(closes.columns[closes.isna().all()])
    if lost:
        raise Stopped(f"Yahoo gives no closes for {', '.join(lost)}")
    closes = closes.dropna()
    return [Pulled("return_indices", _carried(index, closes[closes.index < today]))]


def _carried(index, closes):
    last = index.index[-1]
    both = index.index.intersection(closes.index)
    if last not in both or len(both) < OVERLAP // 2:
        raise Stopped(f"the closes do not reach back over the last days held, to {last}")
    ours, theirs = (table.loc[both] / table.loc[last] for table in (index, closes))
    apart = 100 * (theirs / ours - 1).abs().max()
    worst = apart.idxmax()
    # two digits of an index are much of a low one
    if apart[worst] > ROUNDING_PERCENT:
        raise Stopped(
            f"{worst}: the closes and the index held move {apart[worst]:.2f}% apart over the last {len(both)} days"
        )
    later = closes[closes.index > last] / closes.loc[last] * index.loc[last]
    long = later.rename_axis("date").reset_index().melt("date", var_name="security", value_name="value").dropna()
    return pd.DataFrame(
        {"security": long.security, "date": long.date, "total_return_index": [f"{value:.2f}" for value in long.value]}
    )
