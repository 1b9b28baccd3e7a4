import sys

import pytest

from helpers.exchange import exchange


@pytest.fixture
def folders(tmp_path):
    for name in ("one", "other é"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "told").write_text(name, encoding="utf-8")
    return tmp_path / "one", tmp_path / "other é"


def told(folders):
    return [(folder / "told").read_text(encoding="utf-8") for folder in folders]


@pytest.mark.skipif(sys.platform != "linux", reason="a move of Linux")
def test_two_folders_change_places_and_keep_what_they_hold(folders):
    assert exchange(*folders)
    assert told(folders) == ["other é", "one"]


def test_what_is_not_there_is_told_and_nothing_moves(folders):
    assert not exchange(folders[0], folders[1] / "absent")
    assert told(folders) == ["one", "other é"]


def test_another_system_or_an_older_library_is_told(folders, monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert not exchange(*folders)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not exchange(*folders)
