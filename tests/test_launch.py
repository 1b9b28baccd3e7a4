import pytest

from helpers import launch, run, zygote


@pytest.mark.parametrize(
    ("wish", "begun"),
    [
        (["report", "--force=1", "--kernels="], True),
        (["sweep", "--kernels=warm", "--", "a.yml"], True),
        (["report", "--kernels=plain"], False),
        (["report", "--kernels=nonsense"], False),
        (["why", "--", "01_returns"], False),
    ],
)
def test_the_libraries_are_loaded_beside_what_needs_them_and_nothing_else(monkeypatch, wish, begun):
    done = []
    monkeypatch.setattr(zygote, "apt", lambda: True)
    monkeypatch.setattr(zygote, "begin", lambda: done.append("begun"))
    monkeypatch.setattr(run, "main", lambda arguments: done.append(arguments) or 3)
    assert launch.main(wish) == 3 and done == ["begun"] * begun + [wish]


def test_where_no_process_can_be_forked_nothing_is_begun(monkeypatch):
    monkeypatch.setattr(zygote, "apt", lambda: False)
    monkeypatch.setattr(zygote, "begin", lambda: pytest.fail("begun"))
    monkeypatch.setattr(run, "main", lambda _: 0)
    assert launch.main(["report"]) == 0
