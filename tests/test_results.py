import json
import math
import shutil

import pytest

from helpers import inference, paths, results
from helpers.inference import Estimate, Unanswered

DAY, LATER = "2025-02-14", "2026-07-31"
ENTRIES = [{"table": "return_indices", "rows": 2, "sha256": "ab", "keys": "all"}]


def percent(value, low=None, high=None):
    if low is None:
        return inference.exact(value, "percent", 5, "test")
    return Estimate(value, low, high, "percent", 5, "test", "closed form")


@pytest.fixture
def folder(tmp_path):
    return paths.output_dir("01_returns", DAY, tmp_path)


def entered(_):
    return ENTRIES


@pytest.mark.parametrize(
    "low, high, verdict",
    [(-3, -1, "holds"), (1, 3, "fails"), (-1, 1, "cannot tell"), (-2, 0, "holds"), (0, 2, "cannot tell")],
)
def test_a_claim_is_judged_by_the_whole_interval(low, high, verdict):
    found = percent((low + high) / 2, low, high)
    assert results.judge("semiconductors-fell-after", found, {}, DAY).verdict == verdict


def test_a_disagreeing_alternative_makes_a_verdict_not_robust():
    agree, disagree = percent(-1.0), percent(1.0)
    judged = [
        results.judge("semiconductors-fell-after", percent(-3.0), others, DAY)
        for others in ({}, {"a": agree}, {"a": agree, "b": disagree}, {"b": Unanswered("no board")})
    ]
    assert [verdict.robust for verdict in judged] == ["", "yes", "no", ""]
    assert "1 of 2 alternatives agree. Disagreeing: “b”." in judged[2].reason
    assert "0 of 0 alternatives agree, 1 more cannot be asked" in judged[3].reason


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (6.45, 6.55, "6.45 to 6.55 percent"),
        (-17.0, 17.0, "−17 to 17 percent"),
        (-math.inf, -0.125, "−0.125 percent or less"),
        (1000.5, math.inf, "1,000.5 percent or more"),
    ],
)
def test_a_range_is_told_with_every_digit_that_was_written_down(low, high, words):
    assert inference.range_in_words(low, high, "percent") == words


def test_a_forecast_is_not_yet_due_on_the_day_of_the_note():
    points = inference.exact(4.0, "percentage points", 5, "test")
    assert results.judge("adopters-stand-out", points, {}, DAY).verdict == "not yet due"
    assert results.judge("adopters-stand-out", points, {}, LATER).verdict == "holds"


def test_a_forecast_that_is_not_due_shows_no_number(folder):
    points = inference.exact(4.0, "percentage points", 5, "test")
    results.record(folder, "adopters-stand-out", points, {}, DAY, entered)
    then, later = (
        results.verdicts(results.gather(folder.parent), day).set_index("claim").value["adopters-stand-out"]
        for day in (DAY, LATER)
    )
    assert math.isnan(then) and later == 4.0


def test_an_unanswered_claim_says_why():
    verdict = results.judge("semiconductors-fell-after", Unanswered("the period is not over"), {}, "2025-01-01")
    assert (verdict.verdict, verdict.reason) == ("cannot be asked yet", "No answer: the period is not over.")


def test_an_estimate_in_another_unit_than_its_claim_is_refused():
    with pytest.raises(ValueError, match="stated in percent, but b is in ratio"):
        other = inference.exact(1.0, "ratio", 5, "test")
        results.judge("semiconductors-fell-after", percent(-1.0), {"b": other}, DAY)


def test_an_unknown_claim_is_refused():
    with pytest.raises(ValueError, match="no claim"):
        results.judge("moon-is-cheese", percent(-1.0), {}, DAY)


def test_an_infinite_end_of_a_range_is_no_wall():
    assert results.position(percent(1e9), 0, math.inf) == "holds"


def test_a_record_comes_back_as_it_was(folder):
    found = Estimate(-3.0, -math.inf, -1.0, "percent", 5, "test", "resampled")
    results.record(folder, "semiconductors-fell-after", found, {"b": Unanswered("no fund")}, DAY, entered)
    headline, alternative = results.gather(folder.parent)
    assert headline["inputs"] == ENTRIES and headline["kind"] == "resampled"
    assert (headline["value"], headline["low"], headline["high"], headline["n"]) == (-3.0, "-inf", -1.0, 5)
    assert alternative["id"] == "semiconductors-fell-after/b" and alternative["value"] is None
    table = results.verdicts(results.gather(folder.parent), DAY).set_index("claim")
    assert table.loc["semiconductors-fell-after", "verdict"] == "holds"
    assert table.loc["semiconductors-fell-after", "low"] == -math.inf


def test_recording_again_replaces_the_headline_and_its_alternatives(folder):
    results.record(folder, "semiconductors-fell-after", percent(-3.0), {"b": percent(1.0)}, DAY, entered)
    results.record(folder, "semiconductors-fell-after", percent(-2.0), {}, DAY, entered)
    (only,) = results.gather(folder.parent)
    assert only["value"] == -2.0


def test_a_result_beside_the_claims_needs_an_id_of_its_own(folder):
    results.note(folder, "returns-software-before", percent(2.0), entered)
    assert results.gather(folder.parent)[0]["role"] == "context"
    with pytest.raises(ValueError, match="is a claim"):
        results.note(folder, "semiconductors-fell-after", percent(2.0), entered)


def test_every_claim_has_a_verdict_even_where_nobody_looked(folder):
    results.note(folder, "returns-software-before", percent(2.0), entered)
    table = results.verdicts(results.gather(folder.parent), DAY)
    assert list(table.columns) == ["claim", "notebook", "value", "low", "high", "unit", "verdict", "robust", "reason"]
    assert list(table.claim) == list(results.claims().index)
    assert set(table.verdict) == {"not examined"}


ADDED = "id,notebook,claim,quantity,unit,low,high,reason_for_range\n"
ADDED += "sizes-rose,01_returns,They rose,mean change,percent,1,inf,more than error\n"


@pytest.fixture
def added(tmp_path, monkeypatch):
    """The note's claims, and one that was added for notebook 01."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(paths.DATA / "claims.csv", folder)
    (folder / "added_claims.csv").write_text(ADDED, encoding="utf-8")
    monkeypatch.setattr(paths, "DATA", folder)


def test_an_added_claim_follows_the_notes_and_is_none_of_them(added):
    table = results.claims()
    assert (len(table), table.added.sum(), table.index[-1]) == (36, 1, "sizes-rose")
    assert table.loc["sizes-rose", ["note_section", "kind", "low", "high"]].tolist() == ["added", "added", 1, math.inf]


def test_an_added_claim_is_judged_by_the_same_rule_and_parted_from_the_notes(folder, added):
    results.record(folder, "sizes-rose", percent(2.0, 1.5, 2.5), {"b": percent(0.5)}, DAY, entered)
    results.record(folder, "semiconductors-fell-after", percent(-3.0), {}, DAY, entered)
    ours, more = results.parted(results.verdicts(results.gather(folder.parent), DAY))
    assert len(ours) == 35 and "sizes-rose" not in set(ours.claim)
    assert more[["claim", "verdict", "robust"]].to_numpy().tolist() == [["sizes-rose", "holds", "no"]]
    assert results.ledger(more).claim.tolist() == ["They rose"]


def test_an_added_claim_of_another_notebook_is_refused(folder, added):
    other = folder.parent / "02_frontier"
    other.mkdir()
    with pytest.raises(ValueError, match=r"data/added_claims.csv has 'sizes-rose' for 01_returns, not for 02_frontier"):
        results.record(other, "sizes-rose", percent(2.0), {}, DAY, entered)


def test_the_ledger_puts_value_and_interval_into_words(folder):
    results.record(folder, "semiconductors-fell-after", percent(-3.0, -4.5, -1.0), {}, DAY, entered)
    table = results.ledger(results.verdicts(results.gather(folder.parent), DAY)).set_index("claim")
    assert table.loc["Semiconductor shares have suffered since DeepSeek", "found"] == "−3.0 (−4.5 to −1.0)"
    assert table.loc["Adoption is climbing", "found"] == ""


def test_an_edition_without_records_says_how_to_make_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="make report AS_OF=2025-02-14"):
        results.gather(tmp_path / DAY)


def test_the_contract_files_are_valid_and_the_same_twice(folder, tmp_path):
    found = Estimate(-3.0, -math.inf, -1.0, "percent", 5, "test", "resampled")
    results.record(folder, "semiconductors-fell-after", found, {}, DAY, entered)
    names, contents = ("results.json", "verdicts.csv"), []
    for _ in range(2):
        results.write_edition(tmp_path, DAY)
        contents.append([(tmp_path / name).read_bytes() for name in names])
    assert contents[0] == contents[1]

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    json.loads(contents[0][0], parse_constant=refuse)


def test_specifications_tell_headlines_alternatives_and_gaps():
    claim = "semiconductors-fell-after"
    table = results.specifications({claim: percent(-3.0)}, {claim: {"b": Unanswered("no fund")}})
    assert table.specification.tolist() == ["headline", "b"]
    assert table.found.tolist() == ["−3", "cannot be asked yet"]
    assert math.isnan(table.value[1]) and table.method[1] == "no fund"


def test_a_record_tells_the_verdict_that_each_answer_would_have(folder):
    others = {"b": percent(1.0), "c": Unanswered("no fund")}
    results.record(folder, "semiconductors-fell-after", percent(-3.0), others, DAY, entered)
    results.record(folder, "adopters-stand-out", inference.exact(4.0, "percentage points", 5, "test"), {}, DAY, entered)
    results.note(folder, "returns-software-before", percent(2.0), entered)
    verdicts = {entry["id"]: entry.get("verdict") for entry in results.gather(folder.parent)}
    assert verdicts == {
        "semiconductors-fell-after": "holds",
        "semiconductors-fell-after/b": "fails",
        "semiconductors-fell-after/c": "cannot be asked yet",
        "adopters-stand-out": "not yet due",
        "returns-software-before": None,
    }


def test_claims_are_read_anew_where_the_file_changed_and_a_reader_may_change_what_he_was_given(monkeypatch, tmp_path):
    content = (paths.DATA / "claims.csv").read_text(encoding="utf-8")
    monkeypatch.setattr(paths, "DATA", tmp_path)
    (tmp_path / "claims.csv").write_text(content, encoding="utf-8")
    before = results.claims()
    unit = before.unit.iloc[0]
    before["unit"] = "changed by a reader"
    assert results.claims().unit.iloc[0] == unit
    # of the same length, so that the size of the file says nothing
    (tmp_path / "claims.csv").write_text(content.replace(before.index[0], before.index[0][::-1]), encoding="utf-8")
    assert results.claims().index[0] == before.index[0][::-1]


def test_a_verdict_by_undeclared_parameters_says_so_in_its_reason_and_in_the_records(folder):
    sentence = "Not the declared specification: benchmark RSP instead of SPY"
    verdict = results.record(folder, "semiconductors-fell-after", percent(-3.0), {}, DAY, entered, sentence)
    results.note(folder, "returns-software-before", percent(2.0), entered, sentence)
    assert str(verdict).endswith(f". {sentence}.")
    records = results.gather(folder.parent)
    assert [record["undeclared"] for record in records] == [sentence] * 2
    table = results.verdicts(records, DAY).set_index("claim")
    assert table.reason["semiconductors-fell-after"].endswith(f" {sentence}.")


def test_a_verdict_by_the_declared_parameters_has_no_such_field(folder):
    results.record(folder, "semiconductors-fell-after", percent(-3.0), {}, DAY, entered)
    assert "undeclared" not in results.gather(folder.parent)[0]
