import os

import pytest

from helpers import data, environment, paths, run


def pytest_configure(config):
    """Build the data once, before several processes ask for them."""
    if not hasattr(config, "workerinput"):
        data.build()


def pytest_collection_modifyitems(items):
    """Keep each file's tests in one process, and all notebooks in one; begin with these, which take longest."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("notebooks" if _stored(item) else item.path.name))
    items.sort(key=lambda item: not _stored(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Give notebooks under nbval a place of their own, so that 99 reads what this session's leaves wrote."""
    os.environ.pop(paths.PLACE_VARIABLE, None)
    if _stored(item):
        os.environ |= environment.VARIABLES
        # 99 by itself has only the last report to read
        if any(_stored(other) and other.path.stem != run.VERDICTS for other in item.session.items):
            place = item.config._tmp_path_factory.getbasetemp() / "edition"
            os.environ[paths.PLACE_VARIABLE] = str(place)


def _stored(item):
    return item.path.suffix == ".ipynb"
