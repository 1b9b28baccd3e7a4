"""The statistics against plain loops (the same draws) and the libraries of record (the same law)."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers import events, exposure, frontier, lag


@dataclass(frozen=True)
class Match:
    """One quantity computed in several ways.

    Parameters
    ----------
    name : str
    ours, loop : callable
        Give an array each; `loop` the same one, draw by draw in plain Python.
    library : callable or None
        The library of record.
    library_name : str
    same : callable or None
        Our statistic and p value, to be held against the library's.
    loop_draws, draws : int
        The loop makes fewer draws; its time is scaled to ours.
    """

    name: str
    ours: Callable
    loop: Callable
    draws: int
    loop_draws: int
    library: Callable | None = None
    library_name: str = ""
    library_draws: int = 0
    same: Callable | None = None


def _seed():
    return np.random.default_rng(np.random.SeedSequence(20250127))


def event_study(draws=10_000, n=250, firms=58) -> Match:
    """Market models of 58 securities fitted to resampled days."""
    random = _seed()
    market = random.normal(0, 0.01, n)
    returns = 1.1 * market[:, None] + random.normal(0, 0.02, (n, firms))

    def loop(count):
        drawn = np.random.default_rng(1).integers(n, size=(draws, n))
        out = np.empty((count, firms))
        for draw in range(count):
            days = drawn[draw]
            for firm in range(firms):
                out[draw, firm] = np.polyfit(market[days], returns[days, firm], 1)[0]
        return out

    def arch(count):
        from arch.bootstrap import IIDBootstrap

        def slopes(sample):
            m, y = sample[:, 0], sample[:, 1:]
            centred = m - m.mean()
            return centred @ y / (centred @ centred)

        return IIDBootstrap(np.column_stack([market, returns]), seed=np.random.default_rng(1)).apply(slopes, count)

    ours = lambda count: events.resampled_models(returns, market, draws, np.random.default_rng(1))[1][:count]  # noqa: E731
    return Match("event study, resampled days", ours, loop, draws, 20, arch, "arch", draws)


def membership(draws=10_000, models=200) -> Match:
    """Membership of the frontier."""
    random = _seed()
    price, score = random.lognormal(0, 1.5, models), random.normal(1200, 60, models)
    errors = random.uniform(2, 8, models)

    def drawn(count):
        return score + np.random.default_rng(1).standard_normal((draws, models))[:count] * errors

    def loop(count):
        scores = drawn(count)
        out = np.zeros((count, models), bool)
        for draw in range(count):
            for i in range(models):
                beaten = False
                for j in range(models):
                    cheaper = price[j] < price[i] and scores[draw, j] >= scores[draw, i]
                    if cheaper or (price[j] == price[i] and scores[draw, j] > scores[draw, i]):
                        beaten = True
                        break
                out[draw, i] = not beaten
        return out

    scores = drawn(draws)
    ours = lambda n: frontier.on_frontier(price, scores[:n])  # noqa: E731
    return Match("membership of the frontier, 200 models", ours, loop, draws, 20)


def backward_lag(draws=10_000, models=200) -> Match:
    """Backward lag of the best open model."""
    random = _seed()
    released = np.sort(np.datetime64("2023-01-01") + random.integers(0, 900, models).astype("timedelta64[D]"))
    is_open, day = random.random(models) < 0.4, np.datetime64("2025-07-01")
    base = np.linspace(1000, 1300, models) - 30 * is_open
    scores = base + random.normal(0, 8, (draws, models))

    def loop(count):
        out = np.empty(count)
        for draw in range(count):
            level = max(s for s, o in zip(scores[draw], is_open, strict=True) if o)
            models_by_date = zip(scores[draw], is_open, released, strict=True)
            first = next((when for score, opened, when in models_by_date if not opened and score >= level), day)
            out[draw] = (day - first) / np.timedelta64(1, "D")
        return out

    ours = lambda n: lag.lag_days(scores[:n], released, is_open, day)  # noqa: E731
    return Match("backward lag, 200 models", ours, loop, draws, 200)


def wild_cluster(draws=9_999, clusters=16, rows=60) -> Match:
    """Wild cluster restricted bootstrap of one coefficient."""
    random = _seed()
    cluster = np.sort(random.integers(0, clusters, rows))
    cluster[:clusters] = np.arange(clusters)
    cluster.sort()
    x = random.lognormal(0, 1, clusters)[cluster] + 0.5 * random.standard_normal(rows)
    y = 0.3 * x + random.standard_normal(clusters)[cluster] + random.standard_normal(rows)
    design, residual = np.column_stack([np.ones(rows), x]), y - y.mean()
    weights = exposure.webb_weights(draws, clusters, np.random.SeedSequence(1))

    def loop(count):
        inverse = np.linalg.inv(design.T @ design)
        factor = (clusters / (clusters - 1)) * ((rows - 1) / (rows - design.shape[1]))
        out = np.empty(count)
        for draw in range(count):
            drawn = y.mean() + residual * weights[draw][cluster]
            fit = inverse @ design.T @ drawn
            left = drawn - design @ fit
            middle = np.zeros((2, 2))
            for group in range(clusters):
                score = design[cluster == group].T @ left[cluster == group]
                middle += np.outer(score, score)
            out[draw] = fit[1] / np.sqrt(factor * (inverse @ middle @ inverse)[1, 1])
        return out

    def pyfixest(count):
        import pyfixest

        table = pd.DataFrame({"y": y, "x": x, "cluster": cluster})
        fit = pyfixest.feols("y ~ x", table, vcov={"CRV1": "cluster"})
        found = fit.wildboottest(param="x", reps=count, weights_type="webb", seed=1, parallel=False)
        return np.array([found["t value"], found["Pr(>|t|)"]])

    def same():
        left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        t = np.linalg.lstsq(design, y, rcond=None)[0][1] / exposure.crv1(left, design, 1, cluster)
        return np.array([t, np.mean(np.abs(exposure.wild_t(residual, design, 1, cluster, weights)) >= abs(t))])

    ours = lambda n: exposure.wild_t(residual, design, 1, cluster, weights[:n])  # noqa: E731
    return Match("wild cluster bootstrap, 16 clusters", ours, loop, draws, 100, pyfixest, "pyfixest", draws, same)


def blocks(draws=10_000, n=250, block=5) -> Match:
    """Weighted sums of a series resampled in circular blocks."""
    values, weights = _seed().standard_normal(n), _seed().standard_normal(n)

    def loop(count):
        starts = np.random.default_rng(1).integers(n, size=(n // block, draws))[:, :count]
        out = np.empty(count)
        for draw in range(count):
            days = [(start + step) % n for start in starts[:, draw] for step in range(block)]
            out[draw] = sum(weights[k] * values[days[k]] for k in range(n))
        return out

    def arch(count):
        from arch.bootstrap import CircularBlockBootstrap

        boot = CircularBlockBootstrap(block, values, seed=np.random.default_rng(1))
        return boot.apply(lambda sample: sample @ weights, count)[:, 0]

    def ours(count):
        return events.resampled_sums(values, weights, block, draws, np.random.default_rng(1))[:count]

    return Match("block bootstrap, 250 days", ours, loop, draws, 100, arch, "arch", draws)


def report(rounds: int) -> list[str]:
    """Measure all matches; check that all ways agree; give a table in Markdown."""
    lines = [
        "Seconds for all draws; a loop makes fewer and is scaled up. Ours and the loop take the same draws and agree "
        "to 1e-9; the library takes its own and agrees in law: arch in three quantiles, pyfixest in the p value, "
        "within four Monte Carlo errors; pyfixest in the statistic to 1e-9.",
        "",
        "| what | draws | ours, s | plain loop, s | times ours | library of record, s | times ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for make in (event_study, membership, backward_lag, wild_cluster, blocks):
        match = make()
        _agree(match)
        ours, loop, library = [], [], []
        for _ in range(rounds):
            ours.append(min(_seconds(match.ours, match.draws) for _ in range(3)))
            loop.append(_seconds(match.loop, match.loop_draws) * match.draws / match.loop_draws)
            if match.library:
                library.append(_seconds(match.library, match.library_draws))
        mine, plain = statistics.median(ours), statistics.median(loop)
        theirs = statistics.median(library) if library else None
        told = f"{theirs:.2g} ({match.library_name}) | {theirs / mine:.3g}" if theirs else "– | –"
        ratio = plain / mine
        lines.append(f"| {match.name} | {match.draws:,} | {mine:.2g} | {plain:.2g} | {ratio:.3g} | {told} |")
    return lines


def _agree(match):
    few = match.loop_draws
    assert np.allclose(match.ours(match.draws)[:few], match.loop(few), rtol=1e-9, atol=1e-12), match.name
    if match.same:
        (t, p), (their_t, their_p) = match.same(), match.library(match.library_draws)
        assert np.isclose(t, their_t, rtol=1e-9), (t, their_t)
        assert abs(p - their_p) < 4 * np.sqrt(2 * p * (1 - p) / match.draws) + 1e-9, (p, their_p)
    elif match.library:
        mine, theirs = np.ravel(match.ours(match.draws)), np.ravel(match.library(match.draws))
        for level in (0.025, 0.5, 0.975):
            a, b = np.quantile(mine, level), np.quantile(theirs, level)
            assert abs(a - b) < 4 * 2.5 * mine.std() / np.sqrt(match.draws), (match.name, level, a, b)


def _seconds(work, count):
    start = time.perf_counter()
    work(count)
    return time.perf_counter() - start
