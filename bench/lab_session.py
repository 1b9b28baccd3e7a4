"""A session of work in JupyterLab, in a real browser and a copy of this tree: run, change, edit, save, check, mend.

Run by `make try-lab`; writes docs/lab-session.md, and pictures of every step below report/lab-session. What is driven
is what `make lab`, `make check` and `make fix` start, with the environment of this tree.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from bench import machine

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURES = ROOT / "docs" / "lab-session.md", ROOT / "report" / "lab-session"
NOTEBOOK = "01_returns"
TOKEN = "throwaway"
SECONDS = 90
# of this machine itself
LOCAL = {"127.0.0.1", "localhost", "::1"}
HEAD = """# A session in JupyterLab

Written by `make try-lab`: a browser does in JupyterLab, in a copy of this tree, what a researcher does in a first
session. {machine}, {day}. A machine that does other work at the same time takes several times as long. A connection
of page, server or kernel to another machine ends the session as failed; so does an error in the browser's console.

| step | seconds | what was seen |
|---|--:|---|
"""


class SessionError(RuntimeError):
    """Something in the session was not as it must be."""


def expect(met, words: str) -> None:
    """Fail with some words unless a condition is met."""
    if not met:
        raise SessionError(words)


@dataclass
class Lab:
    """A running JupyterLab of a tree.

    Parameters
    ----------
    root : Path
        Top folder of the tree.
    home : Path
        Home folder to give it.
    """

    root: Path
    home: Path
    asked: set = field(default_factory=set)

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = f"--no-browser --port={port} --IdentityProvider.token={TOKEN} --LabApp.expose_app_in_browser=True"
        self.address, self.log = f"http://127.0.0.1:{port}", self.root.parent / "lab.log"
        with self.log.open("w") as log:
            command = [sys.executable, "-m", "helpers.lab", words]
            self.process = subprocess.Popen(command, cwd=self.root, env=self.variables(), stdout=log, stderr=log)
        self._watching = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_):
        self._watching.set()
        self._watch.join()
        own = psutil.Process(self.process.pid)
        below = own.children(recursive=True)
        # the server ends its kernels
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for process in [*below, own]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def variables(self) -> dict[str, str]:
        """Environment of a command line of the tree, as the Makefile gives it."""
        own = {"PYTHONPATH": str(self.root / "src"), "PYTHONNOUSERSITE": "1", "HOME": str(self.home)}
        return os.environ | own

    def wait(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return self.ask("api/status")
            except OSError:
                over = self.process.poll() is not None or time.monotonic() > deadline
                expect(not over, f"the server does not answer: {self.log.read_text()[-600:]}")
                time.sleep(0.05)

    def ask(self, what: str):
        """Ask the server something, as JSON."""
        with urllib.request.urlopen(f"{self.address}/{what}?token={TOKEN}") as answer:
            return json.load(answer)

    def _look(self):
        """Note every address to which the server or what it started has a connection."""
        own = psutil.Process(self.process.pid)
        while not self._watching.wait(0.2):
            with contextlib.suppress(psutil.Error):
                for process in [own, *own.children(recursive=True)]:
                    with contextlib.suppress(psutil.Error):
                        self.asked |= {one.raddr.ip for one in process.net_connections("inet") if one.raddr}

    def strangers(self) -> set[str]:
        """Addresses of other machines that were spoken to."""
        return self.asked - LOCAL - {"::ffff:127.0.0.1"}


class Page:
    """A notebook in JupyterLab, in a page of a browser.

    Parameters
    ----------
    browser : playwright Browser
    lab : Lab
    """

    def __init__(self, browser, lab: Lab):
        self.lab, self.asked, self.errors = lab, set(), []
        self.page = browser.new_page(viewport={"width": 1500, "height": 950})
        self.page.set_default_timeout(SECONDS * 1000)
        self.page.on("request", lambda request: self.asked.add(urlsplit(request.url).hostname))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.errors.append(f"{said.text} {said.location['url']}") if said.type == "error" else None,
        )

    def open(self, path: str = "") -> None:
        """Open JupyterLab, or a file in it, and wait until it can be worked with."""
        self.page.goto(f"{self.lab.address}/lab{path}?token={TOKEN}")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_selector(".jp-DirListing-item", state="attached")
        if path.endswith(".ipynb"):
            self.page.wait_for_function("document.querySelectorAll('.jp-Notebook .jp-Cell').length > 1")
            self.wait_idle()

    def wait_idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        ready = "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        self.page.wait_for_function(ready)

    def menu(self, name: str, item: str) -> None:
        """Choose an item of a menu."""
        self.page.click(f".lm-MenuBar-itemLabel:text-is('{name}')")
        self.page.click(f".lm-Menu-itemLabel:text-is('{item}')")

    def cells(self) -> list[dict]:
        """Cells of the open notebook as they are now, as JSON."""
        return self.page.evaluate("jupyterapp.shell.currentWidget.content.model.toJSON().cells")

    def run_all(self) -> list[dict]:
        """Run all cells from the menu; give them when all have run, or fail with what one raised."""
        count = len([cell for cell in self.cells() if cell["cell_type"] == "code"])
        self.page.evaluate("""() => {
            window.replies = 0;
            const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            if (window.heard === kernel) return;
            window.heard = kernel;
            kernel.anyMessage.connect((_, one) => {
                window.replies += one.direction === 'recv' && one.msg.header.msg_type === 'execute_reply';
            });
        }""")
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function("count => window.replies >= count", arg=count)
        self.wait_idle()
        cells = self.cells()
        raised = [one["evalue"] for cell in cells for one in cell.get("outputs", []) if one["output_type"] == "error"]
        expect(not raised, f"a cell raised {raised}")
        return cells

    def write(self, number: int, old: str, new: str) -> None:
        """Change the text of a cell with the keyboard."""
        cell = self.page.locator(".jp-Notebook .jp-Cell").nth(number)
        cell.scroll_into_view_if_needed()
        text = self.cells()[number]["source"]
        text = text if isinstance(text, str) else "".join(text)
        expect(old in text, f"cell {number} does not hold {old}")
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text.replace(old, new))
        self.page.keyboard.press("Escape")

    def save(self) -> None:
        """Save with the keyboard, and wait until it is done."""
        self.page.keyboard.press("ControlOrMeta+S")
        self.page.wait_for_function("() => jupyterapp.shell.currentWidget.context.model.dirty === false")

    def strangers(self) -> set[str]:
        """Hosts other than this machine that the page asked."""
        return {host for host in self.asked if host} - LOCAL


def words(cells: list[dict]) -> str:
    """All that the cells of a notebook printed."""
    streams = [one for cell in cells for one in cell.get("outputs", []) if one["output_type"] == "stream"]
    return "".join("".join(one["text"]) for one in streams)


def copied(folder: Path) -> Path:
    """Copy this tree, as it is in the working folder, into a repository of one commit; give its top folder."""
    root = folder / "a copy"
    git = ["git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for line in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "As it is"],
    ):
        subprocess.run([*git, *line], cwd=root, check=True, capture_output=True)
    return root


class Session:
    """Steps that are timed and pictured.

    Parameters
    ----------
    page : Page
    lab : Lab
    """

    def __init__(self, page: Page, lab: Lab):
        self.page, self.lab, self.rows = page, lab, []

    @contextlib.contextmanager
    def step(self, name: str, slug: str = ""):
        """Time a step; what it puts into the list that it is given is told of it; picture the page after it."""
        told, begun = [], time.monotonic()
        yield told
        self.rows.append((name, time.monotonic() - begun, " ".join(told)))
        print(f"{name}: {self.rows[-1][1]:.1f} s. {self.rows[-1][2]}", flush=True)
        if slug:
            # what moves comes to rest
            self.page.page.wait_for_timeout(600)
            self.page.page.screenshot(path=PICTURES / f"{len(self.rows):02d}-{slug}.png")

    def look(self, slug: str, selector: str) -> None:
        """Picture the first thing of a kind on the page."""
        self.page.page.locator(selector).first.scroll_into_view_if_needed()
        self.page.page.wait_for_timeout(600)
        self.page.page.screenshot(path=PICTURES / f"{len(self.rows):02d}-{slug}.png")

    def command(self, *arguments: str) -> tuple[int, list[str]]:
        """Run a command line of the tree; give its exit code and its lines."""
        from helpers import environment

        variables = self.lab.variables() | environment.VARIABLES | {"HELPERS_OWN": "0"}
        command = [sys.executable, "-m", "helpers.run", *arguments]
        done = subprocess.run(command, cwd=self.lab.root, env=variables, capture_output=True, text=True, check=False)
        return done.returncode, [*done.stdout.splitlines(), *done.stderr.splitlines()]


def work(session: Session) -> None:
    """Do what a researcher does."""
    page, lab = session.page, session.lab
    helper = lab.root / "src" / "helpers" / "returns.py"
    file = lab.root / "notebooks" / f"{NOTEBOOK}.ipynb"
    stored = json.loads(file.read_text(encoding="utf-8"))["cells"]
    number = next(place for place, cell in enumerate(stored) if "parameters" in cell["metadata"].get("tags", []))
    with session.step("start the server") as told:
        lab.wait()
        kernels = lab.ask("api/kernelspecs")["kernelspecs"]
        expect(list(kernels) == ["python3"], f"the kernels are {list(kernels)}")
        told.append("One kernel, that of the environment.")
    with session.step("open JupyterLab", "opened") as told:
        page.open("/tree/notebooks")
        told.append("The notebooks are in sight.")
    with session.step(f"open {NOTEBOOK}", "notebook") as told:
        page.open(f"/tree/notebooks/{NOTEBOOK}.ipynb")
        page.page.click('.jp-SideBar [data-id="table-of-contents"]')
        told.append("With its contents at the side.")
    with session.step("run all cells", "run") as told:
        cells = page.run_all()
        expect(words(cells) == words(stored), "the first run prints other words than are stored")
        told.append("Every word is the stored one.")
    session.look("table", ".jp-OutputArea table > caption")
    session.look("figure", ".jp-RenderedImage img")
    with session.step("change note_day and run again", "changed") as told:
        page.write(number, 'note_day = "2025-02-14"', 'note_day = "2025-02-07"')
        cells = page.run_all()
        expect("2025-01-24 to 2025-02-07" in words(cells), "the changed day does not show")
        told.append(next(line for line in words(cells).splitlines() if line.startswith("hyperscalers-fell-after: −")))
    with session.step("edit a helper and run again", "reloaded") as told:
        text = helper.read_text(encoding="utf-8")
        helper.write_text(text.replace("value = 100 * float(np.dot", "value = 200 * float(np.dot"), encoding="utf-8")
        changed = page.run_all()
        before, after = (
            float(words(each).partition("hyperscalers-fell-after: ")[2].split()[0].replace("−", "-"))
            for each in (cells, changed)
        )
        expect(abs(after - 2 * before) < 0.11, f"the helper was not loaded anew: {before} became {after}")
        helper.write_text(text, encoding="utf-8")
        told.append(f"Taken without a restart: {before} became {after}.")
    with session.step("take that back, run again, save", "saved") as told:
        cells = page.run_all()
        page.save()
        saved = json.loads(file.read_text(encoding="utf-8"))
        expect(words(saved["cells"]) == words(cells), "what was saved is not what was shown")
        expect(set(saved["metadata"]) == {"kernelspec", "language_info"}, "saving left metadata in the notebook")
        told.append("Saved without traces of the editor.")
    with session.step("differences of the notebook", "diff") as told:
        page.page.click('.jp-NotebookPanel-toolbar [data-jp-item-name="Notebook Git diff"]')
        page.page.wait_for_selector(".nbdime-Widget .jp-Diff-twoway .cm-line:has-text('2025-02-07') >> visible=true")
        told.append("nbdime shows what changed against git.")
    with session.step("the git panel", "git") as told:
        page.page.click('.jp-SideBar [data-id="jp-git-sessions"]')
        page.page.wait_for_selector(f"#jp-git-sessions :text('{NOTEBOOK}.ipynb')")
        told.append("It lists the changed notebook.")
    with session.step("`make check`") as told:
        code, lines = session.command("check")
        expect(code == 1 and any("note_day 2025-02-07 instead of" in line for line in lines), lines)
        told.append(f"{lines[-1]} It names note_day.")
    (PICTURES / "check.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with session.step("`make fix`") as told:
        code, lines = session.command("fix")
        expect(code == 1 and "2025-02-07" in file.read_text(encoding="utf-8"), "a parameter was touched")
        told.append("Leaves the parameter, which needs judgement.")
    with session.step("set note_day back and save", "back") as told:
        page.open(f"/tree/notebooks/{NOTEBOOK}.ipynb")
        page.write(number, 'note_day = "2025-02-07"', 'note_day = "2025-02-14"')
        page.save()
        told.append("The outputs are still those of the other day.")
    with session.step("`make check`, which executes") as told:
        code, lines = session.command("check")
        expect(code == 1 and any("where its code now prints" in line for line in lines), lines)
        told.append(lines[-1].partition(".")[0] + ".")
    (PICTURES / "check-again.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with session.step("`make fix`") as told:
        code, lines = session.command("fix")
        expect(code == 0, lines)
        told.append(lines[-1].partition(".")[0] + ".")
    with session.step("`make check`") as told:
        code, lines = session.command("check")
        expect(code == 0, lines)
        told.append(lines[-1].partition(".")[0] + ".")
    status = subprocess.run(
        ["git", "status", "--short"], cwd=lab.root, capture_output=True, text=True, check=True
    ).stdout
    expect(status == "", f"the tree is not as it was: {status}")
    with session.step("open the notebook as it is again", "fixed") as told:
        page.open(f"/tree/notebooks/{NOTEBOOK}.ipynb")
        told.append("The tree is as it was, by git.")


def main() -> int:
    """Carry out the session, write the page."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    from browsing import launched

    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        home.mkdir()
        root = copied(Path(folder))
        built = [sys.executable, "-m", "helpers.data"]
        subprocess.run(
            built, cwd=root, env=os.environ | {"PYTHONPATH": str(root / "src")}, check=True, capture_output=True
        )
        with launched() as browser, Lab(root, home) as lab:
            session = Session(Page(browser, lab), lab)
            try:
                work(session)
                strangers, errors = session.page.strangers() | lab.strangers(), session.page.errors
                expect(not strangers, f"other machines were asked: {sorted(strangers)}")
                expect(not errors, f"errors in the console: {errors}")
                left = sorted(str(file.relative_to(home)) for file in home.rglob("*") if file.is_file())
                expect(
                    not [name for name in left if "jupyter" in name or "ipython" in name], f"left in the home: {left}"
                )
            except Exception as error:
                session.page.page.screenshot(path=PICTURES / "failed.png")
                print(f"error: {error}", file=sys.stderr)
                print(*session.page.errors, sep="\n", file=sys.stderr)
                return 1
    lines = [f"| {name} | {seconds:.1f} | {seen.replace('|', ' ')} |" for name, seconds, seen in session.rows]
    total = sum(seconds for _, seconds, _ in session.rows)
    lines.append(f"| all | {total:.1f} | No other machine was asked; no error in the console. |")
    PAGE.write_text(HEAD.format(machine=machine(), day=date.today()) + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"docs/{PAGE.name} is written; pictures are in {PICTURES.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
