"""What a panel is made of: controls, what they show, and in plain words how far a choice is from what was declared."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from helpers import data, results
from helpers.inference import NOT_CHECKABLE, Estimate, Unanswered

# a slider asks for the same tables again and again; they are cut and never changed
load = functools.lru_cache(maxsize=64)(data.load)
A_LOOK = "The claim's verdict stays what the report says; this is a look, not a finding."


@dataclass(frozen=True)
class Control:
    """One choice of a panel.

    Parameters
    ----------
    name : str
        Key of the choice, where there is one the name of the notebook's parameter.
    label : str
        What is chosen, in words.
    options : dict of str to object
        Values by their words, in the order shown.
    declared : object
        Value as declared, one of the options.
    ordered : bool
        Whether the options are steps of a scale, for a slider; else names, for a list.
    also : tuple
        Other values that were declared too, or change no claim.
    """

    name: str
    label: str
    options: dict
    declared: object
    ordered: bool = False
    also: tuple = ()

    def __post_init__(self):
        if self.declared not in self.options.values():
            raise ValueError(f"{self.label}: the declared {self.declared!r} is not among what can be chosen")

    def word(self, value) -> str:
        """Word of a value, which may be none of the options."""
        return next((word for word, option in self.options.items() if option == value), str(value))


@dataclass(frozen=True)
class Look:
    """What a panel shows for a choice.

    Parameters
    ----------
    draw : callable
        Gives a Drawing, or an Unanswered that says why there is none; words alone need no picture.
    sources : list of DataFrame
        Tables that ``data.load`` gave, for the source line of the figure.
    found : dict of str to (Estimate or Unanswered)
        By claim.
    known : str
        What was known on the as-of date, one sentence.
    said : list of str
        More sentences.
    followed : list of tuple of str
        What follows from the choice and was declared too: what it is, its value, the declared one.
    """

    draw: Callable
    sources: list
    found: dict
    known: str
    said: list = field(default_factory=list)
    followed: list = field(default_factory=list)


@dataclass(frozen=True)
class Topic:
    """A panel without its widgets.

    Parameters
    ----------
    notebook : str
        The numbered notebook whose functions are asked.
    controls : list of Control
        The first is the as-of date.
    look : callable
        Gives the `Look` of a choice, a dict of values by the controls' names.
    """

    notebook: str
    controls: list
    look: Callable

    @property
    def declared(self) -> dict:
        """The choice that was declared: values by the controls' names."""
        return {control.name: control.declared for control in self.controls}


def latest() -> str:
    """Day of the later edition."""
    return _reach()[1]


# all tables are read for it
@functools.cache
def _reach():
    return data.span()[0], data.latest()


def as_of_control(notebook: str) -> Control:
    """Offer the ends of months that the data reach, and the days of both editions."""
    (first, last), declared = _reach(), data.declared_parameters()[notebook]["as_of"]
    months = [f"{day:%Y-%m-%d}" for day in pd.date_range(first, last, freq="ME")]
    return dates_control("as_of", "as-of date", [*months, last], declared)


def dates_control(name: str, label: str, days, declared: str) -> Control:
    """Offer ISO dates in their order, the declared one among them."""
    return Control(name, label, {day: day for day in sorted({*days, declared})}, declared, ordered=True)


def answered(ask: Callable, *arguments, **words) -> Estimate | Unanswered:
    """Ask a function of a topic; what it refuses, such as a day without trade, is told as its reason."""
    try:
        return ask(*arguments, **words)
    except ValueError as refusal:
        return Unanswered(str(refusal), NOT_CHECKABLE)


def differences(topic: Topic, choice: dict, look: Look) -> list[str]:
    """Name each setting of a choice that is not the declared one; the later edition's day is declared as well."""
    moved = []
    for control in topic.controls:
        value = choice[control.name]
        edition = control.name == "as_of" and value == latest()
        if value != control.declared and value not in control.also and not edition:
            moved.append(f"{control.label} {control.word(value)} instead of {control.word(control.declared)}")
    return moved + [f"{label} {value} instead of {first}" for label, value, first in look.followed if value != first]


def honest(topic: Topic, choice: dict, look: Look) -> str:
    """Say whether a choice is what was declared, and what differs."""
    as_of, moved = choice["as_of"], differences(topic, choice, look)
    later = as_of == latest() != topic.declared["as_of"]
    if not moved:
        return f"As declared in {topic.notebook}" + (f", in the edition of {as_of}." if later else ".")
    edition = f" of the edition of {as_of}" if later else ""
    return f"Not the declared specification{edition}: {', '.join(moved)}. {A_LOOK}"


def sentences(topic: Topic, choice: dict, look: Look) -> dict[str, list[str]]:
    """Put a look into words.

    Returns
    -------
    dict of str to list of str
        Sentences by their kind: ``honest`` (how far the choice lies from what was declared), ``verdict`` (one a
        claim), ``found`` (each estimate with interval and method), ``said``, and ``known``, which has none in an
        edition of the report.
    """
    as_of, said, declared = choice["as_of"], results.claims().claim, not differences(topic, choice, look)
    verdicts = []
    for claim, found in look.found.items():
        verdict = results.judge(claim, found, {}, as_of)
        what = f"“{said[claim]}”" if declared else f"By the range of “{said[claim]}”"
        verdicts.append(f"{what}: {verdict.verdict}. {verdict.reason}")
    return {
        "honest": [honest(topic, choice, look)],
        "verdict": verdicts,
        "found": [f"{claim}: {found}." for claim, found in look.found.items() if isinstance(found, Estimate)],
        "said": look.said,
        "known": [] if as_of in (topic.declared["as_of"], latest()) else [look.known],
    }
