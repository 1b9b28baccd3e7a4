import ipaddress
import os
import socket

import pytest
from hypothesis import settings

from helpers import data, environment, paths, run

EDITION = "test_edition"
# test_own.py compares them with what their defaults give, in the copy in which it runs the commands of the docs
collect_ignore_glob = ["notebooks/own_*.ipynb"]
# begun first, for no other process can take a part of them
LONG = (EDITION, "test_storm", "test_pages", "test_notebooks", "test_docs", "test_run", "test_own", "test_exposure")
# few and the same examples on every machine, however slow; `make fuzz` draws many more, and new ones
settings.register_profile("house", derandomize=True, deadline=None, database=None, max_examples=25)
settings.register_profile("fuzz", settings.get_profile("house"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HELPERS_EXAMPLES", "house"))


def pytest_configure(config):
    """Build the data once, before several processes ask for them."""
    if not hasattr(config, "workerinput"):
        data.build()
    # else it begins with the files of many tests, which are short
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Begin with the notebooks, which take longest, go on with what reads their results, then with long files."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(
        key=lambda item: (0, item.path.name) if _stored(item) else (1, f"{places.get(item.path.stem, len(LONG)):02}")
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep each file's tests in one process, and all notebooks in one with what reads the results that they write."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            # the explore notebook writes no results, so it may run beside the others
            alone = file.endswith("explore.ipynb")
            return "notebooks" if file.endswith((".ipynb", f"{EDITION}.py")) and not alone else file

    return ByFile(config, log)


# what git holds follows from public data alone
os.environ[paths.OWN_VARIABLE] = "0"
# and nothing that is tested asks the network: only this machine can be spoken to
_connect, _look_up = socket.socket.connect, socket.getaddrinfo


def _here(host):
    try:
        return host in ("", "localhost", socket.gethostname(), None) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect_here(self, address):
    if isinstance(address, tuple) and not _here(address[0]):
        raise AssertionError(f"a test asked the network for {address}")
    return _connect(self, address)


def _look_up_here(host, *arguments, **words):
    # a number is no question to the network
    if not _here(host) and not str(host).replace(".", "").isdigit():
        raise AssertionError(f"a test asked the network for {host}")
    return _look_up(host, *arguments, **words)


socket.socket.connect, socket.getaddrinfo = _connect_here, _look_up_here


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
