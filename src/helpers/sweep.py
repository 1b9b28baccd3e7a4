"""Sweeps: notebooks over a grid of parameters, their results gathered into one table and one picture.

Every run is kept by its key like any other, so a sweep that was stopped goes on where it stood. With a scheduler the
runs are spread over a Dask cluster, whose workers need no more than the repository and its environment.
"""

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml
from tqdm import tqdm

from helpers import cache, charts, cluster, paths, results
from helpers.execution import Job, first_line
from helpers.inference import Estimate
from helpers.parameters import ParameterError, differences, notebooks, parameters
from helpers.runs import Runs

FORM = {"title": str, "notebooks": list, "parameters": dict, "claims": list}
MOST_RUNS = 10_000
_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")


@dataclass(frozen=True)
class Grid:
    """A declared sweep.

    Parameters
    ----------
    name : str
        Of its file, without the ending.
    title : str
        What is swept, for the report.
    notebooks : list of str
    parameters : dict of str to list
        Values of each parameter, as they are written; every combination is run.
    claims : list of str
        Claims to gather; empty for all.
    """

    name: str
    title: str
    notebooks: list
    parameters: dict
    claims: list


class _AsWritten(yaml.BaseLoader):
    """YAML whose values stay the text that was written, for YAML would make 8 of 010, 90 of 1:30 and False of no."""

    def construct_object(self, node, deep=False):
        if node.tag not in _TAGS:
            raise yaml.constructor.ConstructorError(None, None, f"has the tag {node.tag}", node.start_mark)
        return super().construct_object(node, deep)

    def construct_mapping(self, node, deep=False):
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for name, count in names.most_common(1):
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"gives {name!r} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read(file: str) -> Grid:
    """Read the file of a sweep: title, notebooks, claims to gather, and for each parameter the list of its values.

    Raises
    ------
    ParameterError
        If there is no such file, or it is not of this form.
    """
    path = paths.ROOT / file
    if path.suffix != ".yml" or path.parent != paths.ROOT / "sweeps" or not path.is_file():
        known = ", ".join(f"sweeps/{each.name}" for each in sorted((paths.ROOT / "sweeps").glob("*.yml")))
        raise ParameterError(f"GRID: no sweep {file!r}; there are {known or 'none'}")
    try:
        content = _AsWritten(path.read_text(encoding="utf-8")).get_single_data()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"{file} is not YAML: {first_line(error)}") from None
    except RecursionError:
        raise ParameterError(f"{file} is not YAML that can be read: it nests too deep") from None
    if not isinstance(content, dict) or set(content) != set(FORM):
        raise ParameterError(f"{file} must hold {', '.join(FORM)} and nothing else")
    for name, form in FORM.items():
        if not isinstance(content[name], form) or (not content[name] and name != "claims"):
            raise ParameterError(f"{file}: {name} must be a {form.__name__} that is not empty")
    for name, values in itertools.chain(content.items(), content["parameters"].items()):
        # one that holds another may be of any size once it is written out
        if isinstance(values, list) and not all(isinstance(value, str) for value in values):
            raise ParameterError(f"{file}: {name} must be a list of plain values")
    unknown = [claim for claim in content["claims"] if claim not in results.claims().index]
    if unknown:
        raise ParameterError(f"{file}: no claim {unknown[0]!r}")
    for name, values in content["parameters"].items():
        if not isinstance(values, list) or not values:
            raise ParameterError(f"{file}: {name} needs a list of values")
    count = math.prod(map(len, content["parameters"].values())) * len(content["notebooks"])
    if count > MOST_RUNS:
        raise ParameterError(f"{file} asks for {count:,} runs; the limit is {MOST_RUNS:,}")
    return Grid(path.stem, *(content[name] for name in FORM))


def points(grid: Grid) -> list[tuple[str, dict]]:
    """Spell out a grid: one notebook and setting of its parameters each, values as they are written.

    Raises
    ------
    ParameterError
        If a notebook is unknown or gathers the results of others.
    """
    for notebook in grid.notebooks:
        if notebook not in notebooks():
            raise ParameterError(f"sweeps/{grid.name}.yml: no notebook {notebook!r}")
        if cache.gathers(notebook):
            raise ParameterError(f"sweeps/{grid.name}.yml: {notebook} gathers the results of others: sweep those")
    return [
        (notebook, dict(zip(grid.parameters, point, strict=True)))
        for point in itertools.product(*grid.parameters.values())
        for notebook in grid.notebooks
    ]


def carry_out(
    grid: Grid, jobs: list, place: Path, runs: Runs, scheduler: str = "", force: bool = False
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Have every run of a sweep and gather their results, with a progress bar that tells the time left.

    Parameters
    ----------
    grid : Grid
    jobs : list of (str, dict)
        As `points` gives, with typed values.
    place : Path
        Folder for the runs.
    runs : Runs
        To run them here.
    scheduler : str
        Address of a Dask scheduler that has them run elsewhere, or empty.
    force : bool
        Execute all of them, whatever is kept.

    Returns
    -------
    DataFrame
        One row a claim and run: notebook, the parameters, as_of, claim, value, low, high, unit, n, kind, verdict,
        robust, reason, key of the run.
    dict of str to str
        What went wrong, by run.
    """
    placed = []
    for n, (notebook, settings) in enumerate(jobs):
        as_of = (parameters(notebook) | settings)["as_of"]
        file = paths.NOTEBOOKS / f"{notebook}.ipynb"
        placed.append(Job(file, as_of, place / str(n), settings, kernels=runs.kernels, pictures=False))
    faults = {}
    carried = cluster.spread(placed, scheduler, force) if scheduler else _here(placed, runs)
    for job, fault in tqdm(carried, total=len(placed), desc=grid.title, unit="run", disable=None):
        if fault:
            faults[f"{job.notebook} {json.dumps(job.parameters)}"] = fault
    whole = [job for job in placed if (job.target.parent / cache.RECORD).is_file()]
    rows = [_rows(job, grid.claims) for job in whole]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(), faults


def write(grid: Grid, table: pd.DataFrame, folder: Path) -> None:
    """Write the one table and the one picture of a sweep: ``runs.csv``, ``sweep.png``, ``.svg``, ``.csv``, ``.json``.

    Where only the as-of date varies, the picture shows every claim's verdict by date; else each claim's estimate at
    the declared parameters above those at other settings.

    Parameters
    ----------
    grid : Grid
    table : DataFrame
        As `carry_out` gives; not empty.
    folder : Path
    """
    charts.set_style()
    table.to_csv(folder / "runs.csv", index=False, lineterminator="\n")
    if set(grid.parameters) == {"as_of"}:
        drawing = charts.verdicts_by_date(table, results.claims())
    else:
        found, others = _estimates(grid, table)
        # nothing to compare with, where no run is at the declared parameters
        drawing = charts.alternatives(found, others, results.claims()) if found else None
    told = {"sweep": grid.title, "runs": int(table.key.nunique()), "file": f"sweeps/{grid.name}.yml"}
    told |= {"parameters": list(grid.parameters), "notebooks": grid.notebooks, "key": cache.shared_key(grid.notebooks)}
    if isinstance(drawing, charts.Drawing):
        exhibit, _ = charts.write(folder, "sweep", drawing, "all of the collection's; see each notebook")
        told |= exhibit
    (folder / "sweep.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _estimates(grid, table):
    """Sort estimates for ``charts.alternatives``: the declared ones, and the others by claim and setting."""
    found, others = {}, {}
    for row in table.dropna(subset="value").to_dict("records"):
        estimate = Estimate(row["value"], row["low"], row["high"], row["unit"], row["n"], "swept", row["kind"])
        settings = {name: row[name] for name in grid.parameters}
        if not differences(row["notebook"], parameters(row["notebook"]) | settings):
            found[row["claim"]] = estimate
        else:
            words = " · ".join(str(value) for value in settings.values())
            others.setdefault(row["claim"], {})[words] = estimate
    answered = [claim for claim in found if claim in others]
    return {claim: found[claim] for claim in answered}, {claim: others[claim] for claim in answered}


def _here(jobs: list[Job], runs: Runs) -> Iterator[tuple[Job, str | None]]:
    for job in jobs:
        runs.add(job)
    for job, fault, _ in runs.outcomes():
        yield job, fault


def _rows(job, claims):
    """Results of a run by claim, with the parameters that were set."""
    records = json.loads((job.target.parent / "results.json").read_text(encoding="utf-8"))
    table = results.verdicts(records, job.as_of)
    headlines = pd.DataFrame([entry for entry in records if entry["role"] == "headline"], columns=["id", "n", "kind"])
    examined = headlines.set_index("id")
    table = table[table.claim.isin(claims or examined.index) & table.claim.isin(examined.index)]
    record = json.loads((job.target.parent / cache.RECORD).read_text(encoding="utf-8"))
    settings = {"as_of": job.as_of} | job.parameters
    about = {name: table.claim.map(examined[name]) for name in ("n", "kind")}
    return table.assign(notebook=job.notebook, key=record["key"], **about, **settings)
