import os

import pytest

from helpers import data, environment, paths, run


def pytest_configure(config):
    """Build the data once, before several processes ask for them."""
    if not hasattr(config, "workerinput"):
        data.build()


def pytest_collection_modifyitems(items):
    """Begin with the notebooks, which take longest."""
    items.sort(key=lambda item: (not _stored(item), item.path.name if _stored(item) else ""))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep each file's tests in one process, and all notebooks in one: the last reads what the others wrote."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "notebooks" if file.endswith(".ipynb") else file

    return ByFile(config, log)


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
