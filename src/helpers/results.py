"""Results: record what a notebook found, judge it against the note's claims, gather an edition."""

import functools
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers import inference, paths
from helpers.inference import Estimate, Unanswered

NOTE_DAY = "2025-02-14"
HOLDS, FAILS, CANNOT_TELL, NOT_YET_DUE = "holds", "fails", "cannot tell", "not yet due"
NOT_EXAMINED = "not examined"
VERDICT_COLUMNS = ["claim", "notebook", "value", "low", "high", "unit", "verdict", "robust", "reason"]


@dataclass(frozen=True)
class Verdict:
    """What an estimate says of a claim.

    Parameters
    ----------
    claim : str
        Id of the claim in ``data/claims.csv`` or ``data/added_claims.csv``.
    verdict : str
        ``holds``, ``fails``, ``cannot tell``, ``not yet due``, ``cannot be asked yet`` or ``not checkable``.
    robust : str
        ``yes`` where every answered alternative agrees, ``no`` where one disagrees, empty where there is none.
    reason : str
        One sentence for a reader.
    """

    claim: str
    verdict: str
    robust: str
    reason: str

    def __str__(self):
        mark = {"yes": ", robust", "no": ", not robust", "": ""}[self.robust]
        return f"{self.claim}: {self.verdict}{mark}. {self.reason}"


def claims() -> pd.DataFrame:
    """Read all claims: one row a claim, with the range that would make it true; the note's, then those added to them.

    Returns
    -------
    pandas.DataFrame
        Index ``id``; columns notebook, note_section, kind, claim, quantity, unit, low, high, reason_for_range, and
        added: whether it is not the note's but stands in ``data/added_claims.csv``. Section and kind of such a one are
        ``added``.
    """
    added = paths.added_claims()
    return _claims((paths.DATA / "claims.csv").read_bytes(), added.read_bytes() if added.is_file() else b"").copy()


# read over and over, twice a record
@functools.lru_cache(maxsize=4)
def _claims(noted, added):
    table = pd.read_csv(io.BytesIO(noted), keep_default_na=False, dtype=str).assign(added=False)
    if added:
        more = pd.read_csv(io.BytesIO(added), keep_default_na=False, dtype=str)
        table = pd.concat([table, more.assign(note_section="added", kind="added", added=True)], ignore_index=True)
    table = table.set_index("id")
    return table.assign(low=table.low.astype(float), high=table.high.astype(float))


def parted(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part verdicts on the note's claims from those on claims that were added, which never count as the note's.

    Parameters
    ----------
    table : DataFrame
        As `verdicts` gives.

    Returns
    -------
    tuple of DataFrame
        The note's, and the added ones.
    """
    added = claims().added.loc[table.claim].to_numpy()
    return table[~added], table[added]


def position(found: Estimate, low: float, high: float) -> str:
    """Tell where an interval lies against a range: ``holds`` inside, ``fails`` outside, else ``cannot tell``.

    Both are closed, so an interval that ends on an edge of the range is inside.

    Examples
    --------
    >>> position(inference.exact(3.0, "percent", 1, "one price"), 0, float("inf"))
    'holds'
    """
    if low <= found.low and found.high <= high:
        return HOLDS
    return FAILS if found.high < low or found.low > high else CANNOT_TELL


def judge(claim: str, found: Estimate | Unanswered, others: dict, as_of: str, undeclared: str = "") -> Verdict:
    """Judge a claim by its estimate, and the estimate by its declared alternatives.

    Parameters
    ----------
    claim : str
        Id of the claim.
    found : Estimate or Unanswered
        The headline, in the claim's unit.
    others : dict of str to Estimate or Unanswered
        The declared alternatives by their label, in the same unit.
    as_of : str
        Edition; a forecast is due only after the note's day.
    undeclared : str
        Sentence that names the parameters which are not the declared ones; it ends the reason.

    Raises
    ------
    ValueError
        If the claim is unknown, or an estimate is in another unit than the claim.
    """
    table = claims()
    if claim not in table.index:
        raise ValueError(f"no claim {claim!r} in data/claims.csv or data/added_claims.csv")
    row = table.loc[claim]
    for label, estimate in {"the estimate": found, **others}.items():
        if isinstance(estimate, Estimate) and estimate.unit != row.unit:
            raise ValueError(f"{claim} is stated in {row.unit}, but {label} is in {estimate.unit}")
    verdict, ending = _word(row, found, as_of), f" {undeclared}." if undeclared else ""
    if verdict == NOT_YET_DUE:
        return Verdict(claim, verdict, "", f"A forecast: judged in editions after {NOTE_DAY}.{ending}")
    if isinstance(found, Unanswered):
        return Verdict(claim, verdict, "", f"No answer: {found.reason}.{ending}")
    span = inference.range_in_words(row.low, row.high, row.unit)
    value, low, high = inference.numbers(found.value, found.low, found.high)
    interval = "" if found.is_exact else f" ({low} to {high})"
    reason = f"Found {value}{interval} against a range of {span}."
    answered = {label: other for label, other in others.items() if isinstance(other, Estimate)}
    against = sorted(label for label, other in answered.items() if position(other, row.low, row.high) != verdict)
    if others:
        asked = "" if len(answered) == len(others) else f", {len(others) - len(answered)} more cannot be asked"
        reason += f" {len(answered) - len(against)} of {len(answered)} alternatives agree{asked}."
    if against:
        reason += f" Disagreeing: {'; '.join(f'“{label}”' for label in against)}."
    robust = ("no" if against else "yes") if answered else ""
    return Verdict(claim, verdict, robust, reason + ending)


def _word(claim, found, as_of):
    if claim.kind == "forecast" and as_of <= NOTE_DAY:
        return NOT_YET_DUE
    return found.verdict if isinstance(found, Unanswered) else position(found, claim.low, claim.high)


def record(
    output_dir: Path,
    claim: str,
    estimate: Estimate | Unanswered,
    alternatives: dict,
    as_of: str,
    inputs: Callable[[Estimate | Unanswered], list[dict]],
    undeclared: str = "",
) -> Verdict:
    """Record the answer to a claim with its alternatives, each with the rows it rests on, and judge it.

    Parameters
    ----------
    output_dir : Path
        Folder of the notebook, whose name is the notebook's.
    claim : str
        Id of the claim; an alternative is recorded as ``<claim>/<label>``.
    estimate, alternatives
        As for `judge`.
    as_of : str
        Edition.
    inputs : callable
        Gives the entries on the rows of an estimate, one a table.
    undeclared : str
        Sentence that names the parameters which are not the declared ones; empty where all are.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        As for `judge`, or if an added claim is another notebook's: a run follows from its own added claims alone.
    """
    verdict, row = judge(claim, estimate, alternatives, as_of, undeclared), claims().loc[claim]
    if row.added and row.notebook != output_dir.name:
        raise ValueError(f"data/added_claims.csv has {claim!r} for {row.notebook}, not for {output_dir.name}")
    common = {"notebook": output_dir.name} | ({"undeclared": undeclared} if undeclared else {})
    records = [_entry(claim, "headline", estimate, inputs, verdict.verdict) | common]
    for label, alternative in alternatives.items():
        implied = _word(row, alternative, as_of)
        records.append(_entry(f"{claim}/{label}", "alternative", alternative, inputs, implied) | common)
    _add(output_dir, records)
    return verdict


def note(
    output_dir: Path,
    result: str,
    estimate: Estimate | Unanswered,
    inputs: Callable[[Estimate | Unanswered], list[dict]],
    undeclared: str = "",
) -> None:
    """Record an estimate that no claim rests on, under an id of its own.

    Parameters
    ----------
    output_dir, estimate, inputs, undeclared
        As for `record`.
    result : str
        Id: the notebook's word, then what is measured, such as ``returns-software-before``.
    """
    if result in claims().index:
        raise ValueError(f"{result!r} is a claim: record it with its alternatives")
    common = {"notebook": output_dir.name} | ({"undeclared": undeclared} if undeclared else {})
    _add(output_dir, [_entry(result, "context", estimate, inputs) | common])


def specifications(found: dict, others: dict) -> pd.DataFrame:
    """Tabulate headlines and their declared alternatives.

    Parameters
    ----------
    found : dict of str to (Estimate or Unanswered)
        Headlines by claim.
    others : dict of str to dict of str to (Estimate or Unanswered)
        Alternatives by claim and label.

    Returns
    -------
    pandas.DataFrame
        One row a specification: claim, specification, found (value and interval in words), unit, n, value, low, high
        (missing where not answered), method (or why there is no answer).
    """
    rows = []
    for claim, headline in found.items():
        for label, one in {"headline": headline, **others[claim]}.items():
            if isinstance(one, Unanswered):
                rows.append((claim, label, one.verdict, "", 0, math.nan, math.nan, math.nan, one.reason))
            else:
                numbers = (one.value, one.low, one.high)
                rows.append((claim, label, inference.in_words(*numbers), one.unit, one.n, *numbers, one.method))
    columns = ["claim", "specification", "found", "unit", "n", "value", "low", "high", "method"]
    return pd.DataFrame(rows, columns=columns)


def gather(folder: Path) -> list[dict]:
    """Gather the records of all notebooks of an edition from its folder, ordered by notebook and id.

    Raises
    ------
    FileNotFoundError
        If the edition has no records yet; ``make report`` makes them.
    """
    files = sorted(folder.glob("[0-9][0-9]_*/results.json"))
    if not files:
        raise FileNotFoundError(f"no results in {folder.name} yet: run `make report AS_OF={folder.name}` first")
    return [entry for file in files for entry in json.loads(file.read_text(encoding="utf-8"))]


def verdicts(records: list[dict], as_of: str) -> pd.DataFrame:
    """Judge every claim by the records of an edition.

    Parameters
    ----------
    records : list of dict
        As `gather` gives them.
    as_of : str
        Edition.

    Returns
    -------
    pandas.DataFrame
        One row a claim in the order of ``data/claims.csv``, then the added ones (`parted` parts them): claim, notebook,
        value, low, high, unit, verdict, robust, reason. Numbers are missing where the claim is not answered.
    """
    table, rows = claims(), []
    for claim in table.itertuples():
        headline = [entry for entry in records if entry["id"] == claim.Index]
        if not headline:
            verdict = Verdict(claim.Index, NOT_EXAMINED, "", "No notebook of this edition examines the claim.")
            found = None
        else:
            found = _answer(headline[0])
            others = {
                entry["id"].removeprefix(f"{claim.Index}/"): _answer(entry)
                for entry in records
                if entry["role"] == "alternative" and entry["id"].startswith(f"{claim.Index}/")
            }
            verdict = judge(claim.Index, found, others, as_of, headline[0].get("undeclared", ""))
        known = isinstance(found, Estimate) and verdict.verdict != NOT_YET_DUE
        numbers = (found.value, found.low, found.high) if known else (math.nan,) * 3
        rows.append(
            [claim.Index, claim.notebook, *numbers, claim.unit, verdict.verdict, verdict.robust, verdict.reason]
        )
    return pd.DataFrame(rows, columns=VERDICT_COLUMNS)


def ledger(table: pd.DataFrame) -> pd.DataFrame:
    """Put verdicts into words, for a reader.

    Parameters
    ----------
    table : DataFrame
        As `verdicts` gives.

    Returns
    -------
    pandas.DataFrame
        One row a claim in the order of the note's sections: claim (in our words), found (value and interval), unit,
        verdict, robust, why (there is no number).
    """
    said = claims()
    section = said.note_section.loc[table.claim].to_numpy()
    table = table.assign(section=section).sort_values("section", kind="stable")
    found = [
        "" if math.isnan(row.value) else inference.in_words(row.value, row.low, row.high) for row in table.itertuples()
    ]
    sentences = said.claim.loc[table.claim].to_numpy()
    why = table.reason.where(table.value.isna(), "")
    shown = table[["unit", "verdict", "robust"]].assign(claim=sentences, found=found, why=why)
    return shown[["claim", "found", "unit", "verdict", "robust", "why"]]


def write_edition(folder: Path, as_of: str) -> None:
    """Write the public contract of an edition, ``results.json`` and ``verdicts.csv``, from its notebooks' records."""
    records = gather(folder)
    _write(folder / "results.json", records)
    verdicts(records, as_of).to_csv(folder / "verdicts.csv", index=False, lineterminator="\n")


def write_once(file: Path, content: bytes) -> None:
    """Write a file whose name tells its content, unless it is there; no reader sees it half written."""
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".part")
        draft.write_bytes(content)
        draft.replace(file)


def _entry(result, role, found, inputs, verdict=None):
    common = {"id": result, "notebook": "", "role": role}
    if isinstance(found, Unanswered):
        answer = {"value": None, "low": None, "high": None, "unit": None, "n": 0, "method": None, "kind": None}
        answer |= {"unanswered": found.verdict, "reason": found.reason}
    else:
        # JSON has no infinity, so an unbounded end is a word
        ends = [end if math.isfinite(end) else str(end) for end in (found.low, found.high)]
        answer = {"value": found.value, "low": ends[0], "high": ends[1], "unit": found.unit}
        answer |= {"n": found.n, "method": found.method, "kind": found.kind}
    answer |= {"verdict": verdict} if verdict else {}
    return common | answer | {"origin": found.origin._asdict(), "inputs": inputs(found)}


def _answer(entry):
    if entry["value"] is None:
        return Unanswered(entry["reason"], entry["unanswered"])
    numbers = [float(entry[key]) for key in ("value", "low", "high")]
    return Estimate(*numbers, entry["unit"], entry["n"], entry["method"], entry["kind"])


def _add(output_dir, rows):
    path = output_dir / "results.json"
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    fresh = {entry["id"] for entry in rows}
    claim = rows[0]["id"]
    kept = [e for e in held if e["id"] not in fresh and not e["id"].startswith(f"{claim}/")]
    _write(path, sorted(kept + rows, key=lambda entry: entry["id"]))


def _write(path, content):
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    draft.replace(path)
