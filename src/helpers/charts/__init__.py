"""Charts and tables in the house style, by topic; notebooks call them as ``charts.<what is drawn>``.

A topic is loaded when something of it is asked for, so that a notebook depends on its own pictures only: `cache` reads
``PLACES`` to tell which.
"""

import importlib

PLACES = {
    "adoption": "SECTOR_NAMES ceiling_profile citing_firms exposure_use "
    "forecast_fan sector_slopes slope_breaks survey_rates use_rates",
    "compute": "training_compute",
    "concentration": "effective_numbers index_shares rebased_paths return_contributions",
    "events": "abnormal_path group_intervals placebo_distribution",
    "frontier": "frontier_path price_score",
    "house": "BLACK BLUE GREEN GREY LIGHT ORANGE PURPLE SKY Drawing canvas png publish publish_table set_style write",
    "labels": "label_points",
    "lag": "backward_lags published_lags record_frontiers record_spells survival_curves",
    "ledgers": "coverage verdict_counts",
    "makers": "best_model_gaps country_figures maker_vintages makers_through_time open_shares",
    "moved": "changes",
    "prices": "constant_quality demand list_prices yearly_declines",
    "returns": "group_returns wealth_drawdown",
    "robustness": "alternatives specification_curve",
    "sweeps": "verdicts_by_date",
}


def __getattr__(name):
    if name in PLACES:
        return importlib.import_module(f"{__name__}.{name}")
    for module, names in PLACES.items():
        if name in names.split():
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"charts has no {name!r}")
