"""Editions of the real collection, executed for tests."""

import json
import os
import shutil
import subprocess
import sys

from helpers import cache, environment, paths

# with warm kernels, in a process without threads and a report of its own
EDITIONS = """
import json, sys
from pathlib import Path
from helpers import kernels, paths, run, runs

paths.REPORT = Path(sys.argv[1])
kernels.warm_up()
with runs.Workers(kernels.kind(), 2) as workers:
    places = {day: paths.REPORT / day for day in sys.argv[2:]}
    settings = {day: {"as_of": day} for day in places}
    print(json.dumps([str(fault) for fault in run.run_jobs(places, settings, "Editions", workers)[0]]))
"""


def executed(folder, *days):
    """Execute the collection as of some days; give their folders.

    A notebook that `make report` has run here, and of which nothing has changed since by the hashes of all that it
    follows from, is not run again: what it wrote is taken, after its own hashes were checked.
    """
    for record in sorted((paths.REPORT / ".runs").glob(f"*/{cache.RECORD}")):
        settings = json.loads(json.loads(record.read_text(encoding="utf-8"))["parts"]["parameters"])
        if settings in [{"as_of": day} for day in days]:
            shutil.copytree(record.parent, folder / ".runs" / record.parent.name)
    variables = os.environ | environment.VARIABLES
    command = [sys.executable, "-c", EDITIONS, folder, *days]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    return [folder / day for day in days]
