"""Panels of sliders for `notebooks/explore.ipynb`: the notebooks' own functions, asked with other arguments.

Here numbers and pictures meet: a panel calls the topics as a notebook does, judges as `results` does and shows what
`charts` draws. It records nothing, writes no file, and nothing imports it. What was declared is read from
``data/parameters.csv``; `looks` says how far a choice lies from it.
"""

import importlib

TOPICS = ("returns", "frontier", "lag", "concentration", "adoption")


def topic(name: str):
    """Load one of `TOPICS`: its controls, and what it shows for a choice of them, as a `helpers.explore.looks.Topic`.

    Raises
    ------
    ValueError
        If there is no such topic.
    """
    if name not in TOPICS:
        raise ValueError(f"no panel {name!r}; there are {', '.join(TOPICS)}")
    return importlib.import_module(f"{__name__}.{name}").topic()


def panel(name: str):
    """Make the panel of one of `TOPICS`, to be shown as the value of a notebook's cell.

    Returns
    -------
    helpers.explore.panels.Panel
    """
    # widgets take a while to load, and who asks for numbers alone need not wait
    from helpers.explore.panels import Panel

    return Panel(topic(name))
