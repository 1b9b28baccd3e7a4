import math

import pytest

from helpers import data, parameters, recorded
from helpers.inference import Unanswered
from recompute import Trace

# 99 counts what the others record
NOTEBOOKS = [name for name in parameters.notebooks() if name != "99_verdicts"]
EDITIONS = (data.REPLICATION, data.latest())


@pytest.mark.parametrize("as_of", EDITIONS)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_recorded_number_is_computed_again_from_its_own_rows(name, as_of, monkeypatch):
    trace = Trace(name, as_of).run(monkeypatch)
    assert trace.recorded
    wrong = {}
    for identity, estimate in trace.recorded.items():
        if isinstance(estimate, Unanswered):
            continue
        try:
            wrong[identity] = difference(trace.again(identity), estimate)
        except Exception as error:
            wrong[identity] = f"{type(error).__name__}: {error}"
    wrong = {identity: why for identity, why in wrong.items() if why}
    assert wrong == {}, f"{len(wrong)} of {len(trace.recorded)}"


def difference(again, estimate):
    """Say what differs between an estimate and the same from its rows alone; nothing when they are equal."""
    if isinstance(again, Unanswered):
        return f"unanswered: {again.reason}"
    if (again.unit, again.n, again.method, again.kind) != (estimate.unit, estimate.n, estimate.method, estimate.kind):
        return f"{again} instead of {estimate}"
    share = recorded.CLASSES[estimate.kind].tolerance
    numbers = [(getattr(again, end), getattr(estimate, end)) for end in ("value", "low", "high")]
    room = share * max(abs(one) for _, one in numbers if math.isfinite(one)) + recorded.NOTHING
    same = all(a == b or abs(a - b) <= room for a, b in numbers)
    return "" if same else f"{again} instead of {estimate}"
