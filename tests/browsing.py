"""A real browser for the tests of pages, and what axe finds with it."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import sync_playwright

UNSEEN = "NO BROWSER: the pages were NOT looked at; install chromium"
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--hide-scrollbars"]


def chromium():
    """Find a browser, installing Debian's where that can be done."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            for command in ("update", "install --yes --no-install-recommends chromium"):
                subprocess.run(["apt-get", *command.split()], capture_output=True, timeout=300, check=False)
        found = shutil.which("chromium")
    return found


@contextlib.contextmanager
def launched():
    """Launch a browser; where there is none, skip the test."""
    found = chromium()
    if not found:
        # tests/conftest.py repeats these words in the summary
        pytest.skip(UNSEEN)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


def violations(page, file, only, rows=None):
    """What axe finds on a page with all its folds open; on so many rows of each table, where they are many."""
    page.goto(file.as_uri())
    if rows is not None:
        page.evaluate(f"document.querySelectorAll('tbody tr:nth-child(n + {rows + 1})').forEach(row => row.remove())")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    # by the debugger, which no content security policy stops
    page.evaluate(AXE)
    found = page.evaluate("only => axe.run({ preload: false, resultTypes: ['violations'], ...only })", only)
    assert found["passes"] or found["violations"]
    return {(file.parent.name, one["id"]): one["nodes"][0]["html"][:300] for one in found["violations"]}
