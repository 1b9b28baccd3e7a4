import os

import pytest

from helpers import environment, paths, run

# what git holds follows from public data alone
os.environ[paths.OWN_VARIABLE] = "0"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Give notebooks under nbval a place of their own, so that 99 reads what this session's leaves wrote."""
    os.environ.pop(paths.PLACE_VARIABLE, None)
    if item.path.suffix == ".ipynb":
        os.environ |= environment.VARIABLES
        # 99 by itself has only the last report to read
        if any(other.path.suffix == ".ipynb" and other.path.stem != run.VERDICTS for other in item.session.items):
            place = item.config._tmp_path_factory.getbasetemp() / "edition"
            os.environ[paths.PLACE_VARIABLE] = str(place)
