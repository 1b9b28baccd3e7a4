"""Build the report in clean clones under other circumstances, and compare every number, verdict and file.

Run by `make reproduce`; writes docs/reproduce.md and ends with 1 where anything differs beyond its class. A
circumstance counts only where a kernel saw it, so a probe runs in a kernel that is started as those of the report are.
What the project pins (``environment.VARIABLES``) is varied in two ways: given from outside, where the pin has to hold,
and with the pin itself set to another value, where the numbers have to. ``make reproduce QUICK=1`` builds one edition
in few circumstances, ``ONLY="hash seed,BLAS"`` those whose name holds one of the words; neither writes the page.
"""

import ctypes
import functools
import importlib.metadata
import json
import locale
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import agreement

from helpers import environment, paths

LIFTED, SHUFFLE, LOCALE, CORES = (f"REPRODUCE_{word}" for word in ("LIFTED", "SHUFFLE", "LOCALE", "CORES"))
# new processes of a run start from this file too, and import the pins anew
if __name__ in ("__main__", "__mp_main__"):
    environment.VARIABLES |= json.loads(os.environ.get(LIFTED, "{}"))

PAGE = paths.ROOT / "docs" / "reproduce.md"
PYTHONS = [f"3.{minor}" for minor in range(environment.OLDEST[1], environment.NEWEST[1] + 1)]
CORETYPES = ("SkylakeX", "Haswell", "Sandybridge", "Nehalem")
COMMA = "de_DE"
OWN = "REPRODUCE_OWN"
# what can reach a kernel from outside; the base has none of it
VARIED = {
    "TZ",
    "LANG",
    "LANGUAGE",
    "LOCPATH",
    "OPENBLAS_CORETYPE",
    "NPY_DISABLE_CPU_FEATURES",
    "IPYTHONDIR",
    "MPLBACKEND",
}
# read by every Python of a run that has it on its path: other orders of listing, and a process that took on its locale
SHIM = """
import locale, os, random

if os.environ.get("REPRODUCE_LOCALE"):
    locale.setlocale(locale.LC_ALL, "")
if os.environ.get("REPRODUCE_SHUFFLE"):
    listdir, scandir = os.listdir, os.scandir

    def shuffled(names, folder):
        random.Random(os.environ["REPRODUCE_SHUFFLE"] + os.path.basename(str(folder))).shuffle(names)
        return names

    class Listing:
        def __init__(self, folder):
            with scandir(folder) as entries:
                self.entries = iter(shuffled(sorted(entries, key=lambda entry: entry.name), folder))
        def __iter__(self): return self
        def __next__(self): return next(self.entries)
        def __enter__(self): return self
        def __exit__(self, *_): pass
        def close(self): pass

    os.listdir = lambda folder=".": shuffled(sorted(listdir(folder)), folder)
    os.scandir = lambda folder=".": Listing(folder)
    os.supports_fd.update({os.listdir, os.scandir})
"""
# what somebody may have in a home folder
SETTINGS = {
    ".ipython/profile_default/startup/00-own.py": "import os\nos.environ['REPRODUCE_OWN'] = '1'\n"
    "import numpy, pandas\nnumpy.random.seed(1)\nnumpy.set_printoptions(precision=2)\n"
    "pandas.set_option('display.precision', 2)\npandas.set_option('display.max_rows', 4)\n",
    ".config/matplotlib/matplotlibrc": "lines.linewidth: 6\naxes.grid: True\nsavefig.transparent: True\n"
    "axes.formatter.use_locale: True\n",
    "startup.py": "import pandas\npandas.set_option('display.max_colwidth', 9)\n",
}


@dataclass(frozen=True)
class Variation:
    """One way in which circumstances differ from the base's.

    Parameters
    ----------
    name : str
    shows : dict of str to str
        What the probe has to see, by its name for it.
    differs : tuple of str
        What the probe has to see otherwise than the base's did.
    given : dict of str to str
        Environment variables from outside.
    lifted : dict of str to str
        Values in the place of the project's pins.
    python : str
        Version, such as ``3.12``; empty for the base's.
    kernels : {"", "warm", "plain"}
    umask : int
    make : bool
        Built by `make report`, as a user does; its kernel is looked at in a run by hand, where nothing else pins.
    apart : bool
        In a clone of its own, in a folder with blanks and letters of other scripts, on another file system where there
        is one, with an environment made by the other installer.
    """

    name: str
    shows: dict[str, str] = field(default_factory=dict)
    differs: tuple[str, ...] = ()
    given: dict[str, str] = field(default_factory=dict)
    lifted: dict[str, str] = field(default_factory=dict)
    python: str = ""
    kernels: str = ""
    umask: int = 0o022
    make: bool = False
    apart: bool = False


BASE = Variation("base")
FOLDER = "Kopie – ein Ordner 复制 {x}"
# bytes that an environment takes
ROOM = 4_000_000_000
# what is told of the base
TOLD = ("Python", "numpy", "BLAS", "BLAS threads", "numpy SIMD", "time zone", "locale", "kernel", "installer")
# enough to see that all works
QUICK = ("pins hold", "BLAS kernel Sandybridge", "hash seed random, listing 2")


def variations(base: str, pythons: list[str], comma: dict[str, str], home: Path, uv: bool = True) -> list[Variation]:
    """List what is varied.

    Parameters
    ----------
    base : str
        Version of the base's Python.
    pythons : list of str
        Versions that there are.
    comma : dict of str to str
        Environment variables of a locale with a decimal comma; empty where there is none.
    home : Path
        Somebody's home folder with settings of their own.
    uv : bool
        Whether there is another installer than pip.
    """
    pinned = {"time zone": "UTC +0000", "locale": "C.UTF-8 1.5", "BLAS threads": "1", "backend": "agg"}
    outside = {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    outside |= {"MPLBACKEND": "svg", "LC_ALL": "C"} | comma
    two = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    found = [Variation(f"Python {python}", python=python, differs=("Python",)) for python in pythons if python != base]
    found += [
        Variation("pins hold", pinned, given=outside, make=True),
        Variation("two BLAS threads", {"BLAS threads": "2"}, lifted=two),
        *(Variation(f"BLAS kernel {name}", {"BLAS": name}, given={"OPENBLAS_CORETYPE": name}) for name in CORETYPES),
        Variation(
            "numpy without AVX2", {"numpy SIMD": "none"},
            given={"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
        ),
        Variation("time zone and locale C", {"time zone": "+0545 +0545", "locale": "C 1.5"},
                  given={LOCALE: "1"}, lifted={"TZ": "Asia/Kathmandu", "LC_ALL": "C"}),
        Variation("hash seed 1, listing 1", differs=("hash of 'a'", "listing"), given={SHUFFLE: "1"},
                  lifted={"PYTHONHASHSEED": "1"}),
        Variation("hash seed random, listing 2", differs=("hash of 'a'", "listing"), given={SHUFFLE: "2"},
                  lifted={"PYTHONHASHSEED": "random"}),
        Variation("plain kernels, umask 077", {"kernel": "plain", "umask": "077"}, kernels="plain", umask=0o077),
        Variation("own settings, one core", {"cores": "1", "own settings": "matplotlibrc"},
                  given={"HOME": str(home), "PYTHONSTARTUP": str(home / "startup.py"), CORES: "1"}),
        Variation("other folder, by pip", {"folder": FOLDER}, differs=("installer",) if uv else (), apart=True),
    ]  # fmt: skip
    if comma:
        shows = {"time zone": "NST -0330", "locale": f"{comma['LC_ALL']} 1,5"}
        lifted = {"TZ": "America/St_Johns", "LC_ALL": comma["LC_ALL"]}
        given = {LOCALE: "1"} | {name: value for name, value in comma.items() if name != "LC_ALL"}
        found.append(Variation("time zone and decimal comma", shows, given=given, lifted=lifted))
    return found


# what a kernel sees


def seen() -> dict[str, str]:
    """Tell the circumstances of this process, by name."""
    import matplotlib
    import numpy
    import scipy.linalg  # noqa: F401, its own BLAS is loaded with it
    from numpy._core import _multiarray_umath as simd

    enabled = [name for name in simd.__cpu_dispatch__ if simd.__cpu_features__.get(name)]
    command = Path("/proc/self/cmdline")
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    own = {"startup": OWN in os.environ, "matplotlibrc": matplotlib.rcParamsOrig["lines.linewidth"] == 6}
    umask = os.umask(0)
    os.umask(umask)
    return {
        "Python": platform.python_version(),
        "numpy": numpy.__version__,
        **blas(),
        "numpy SIMD": " ".join(enabled) or "none",
        "time zone": time.strftime("%Z %z", time.localtime(1739491200)),
        "locale": f"{locale.setlocale(locale.LC_CTYPE)} {locale.str(1.5)}",
        "hash of 'a'": str(hash("a")),
        "listing": listing(),
        "folder": paths.ROOT.name,
        "umask": f"{umask:03o}",
        "kernel": "plain" if command.exists() and b"ipykernel_launcher" in command.read_bytes() else "warm",
        "cores": str(len(cores)),
        "installer": _installer(),
        "backend": os.environ.get("MPLBACKEND", ""),
        "own settings": " ".join(word for word, there in own.items() if there) or "none",
    }


def listing() -> str:
    """Name the files of the raw data that two ways of listing give first."""
    return f"{os.listdir(paths.RAW)[0]} {next(paths.RAW.glob('*')).name}"  # noqa: PTH208


def blas() -> dict[str, str]:
    """Ask the OpenBLAS libraries that this process has loaded for their kernel and threads."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text(encoding="utf-8").splitlines() if maps.exists() else []
    found = []
    for file in sorted({line[line.index("/") :] for line in lines if "openblas" in line}):
        library = ctypes.CDLL(file)
        for ending in ("", "64_"):
            if hasattr(library, f"scipy_openblas_get_corename{ending}"):
                core = getattr(library, f"scipy_openblas_get_corename{ending}")
                core.restype = ctypes.c_char_p
                threads = getattr(library, f"scipy_openblas_get_num_threads{ending}")
                found.append((core().decode(), str(threads())))
    names = ("BLAS", "BLAS threads")
    # numpy and scipy bring a library each
    return {name: " ".join(sorted({one[place] for one in found})) for place, name in enumerate(names)}


def _installer():
    return (importlib.metadata.distribution("numpy").read_text("INSTALLER") or "").strip()


def unproven(variation: Variation, saw: dict[str, str], base: dict[str, str]) -> list[str]:
    """Say where a variation did not reach the kernel; a row without effect is no evidence.

    Examples
    --------
    >>> unproven(Variation("far", {"cores": "1"}, ("listing",)), {"cores": "1", "listing": "a"}, {"listing": "a"})
    ["listing: the kernel saw 'a', as the base's did"]
    """
    faults = [
        f"{name}: the kernel saw {saw.get(name)!r}, not {wanted!r}"
        for name, wanted in variation.shows.items()
        if saw.get(name) != wanted
    ]
    faults += [
        f"{name}: the kernel saw {saw.get(name)!r}, as the base's did"
        for name in variation.differs
        if saw.get(name) == base.get(name)
    ]
    return faults


# in a process of the clone

# this module, whose folder is on no kernel's path
_IMPORT = f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parent)!r}); import reproduce"


def child(task: str, place: str, kind: str, day: str) -> int:
    """Start a kernel as those of the report are and keep what it sees; then build the report, if that is the task.

    Parameters
    ----------
    task : {"look", "build"}
    place : str
        Folder for the probe and what it saw.
    kind : {"", "warm", "plain"}
        Kind of kernels.
    day : str
        The one edition to build; empty for both.

    Returns
    -------
    int
        Exit code.
    """
    from helpers import data, kernels
    from helpers.execution import Job, execute
    from helpers.runs import Workers

    if os.environ.get(CORES):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(os.environ[CORES])])
    used = kernels.kind(kind)
    if used == kernels.WARM:
        kernels.warm_up()
    with Workers(used, 1) as workers:
        fault = workers.aside(execute, Job(_probe(Path(place)), data.REPLICATION, Path(place), kernels=used))
    if fault or task == "look":
        print(f"error: the probe: {fault}" if fault else "looked", file=sys.stderr)
        return 1 if fault else 0
    from helpers import run

    return run.main(["report", f"--as-of={day}", "--force=1", f"--kernels={kind}"])


def _probe(place):
    import nbformat

    source = (
        f"{_IMPORT}; import json, os, pathlib\n"
        f"place = pathlib.Path(os.environ[{paths.PLACE_VARIABLE!r}]) / 'seen.json'\n"
        "place.write_text(json.dumps(reproduce.seen()), encoding='utf-8')"
    )
    cell = nbformat.v4.new_code_cell(source, id="probe")
    file = place / "probe.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), file)
    return file


# clones and builds


@dataclass
class Tree:
    """A clean clone with its environment."""

    root: Path
    python: Path


class Trees:
    """Clones of HEAD, each made at its first use.

    Parameters
    ----------
    place, other : Path
        Folders for them, on two file systems where there are two.
    """

    def __init__(self, place: Path, other: Path):
        self.pythons = {version: interpreter(version) for version in PYTHONS}
        self._place, self._other, self._made = place, other, {}

    def of(self, variation: Variation) -> Tree:
        """Give the clone in which a variation is to be built."""
        name = "apart" if variation.apart else variation.python
        if name not in self._made:
            folder = self._other / FOLDER if variation.apart else self._place / f"clone-{name}"
            python = self.pythons[name] if variation.python else sys.executable
            self._made[name] = clone(folder, python, with_uv=not variation.apart)
        return self._made[name]


@dataclass
class Build:
    """A report that was built under a variation.

    Parameters
    ----------
    saw : dict of str to str
        What the probe saw.
    report : Path
        Its folder.
    fault : str
        Why it could not be built; empty if it was.
    """

    saw: dict[str, str]
    report: Path
    fault: str = ""


def interpreter(version: str) -> str:
    """Find a Python by its version, such as ``3.12``: by name, by uv, in pyenv's folder; empty where there is none."""
    candidates = [shutil.which(f"python{version}")]
    if shutil.which("uv"):
        found = subprocess.run(["uv", "python", "find", version], capture_output=True, text=True, check=False)
        candidates.append(found.stdout.strip())
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates += map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")))
    ask = "import sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for candidate in filter(None, candidates):
        with_venv = subprocess.run([candidate, "-c", ask], capture_output=True, text=True, check=False)
        # the name of a version manager's stand-in may lead to another Python, or none
        told, _, executable = with_venv.stdout.strip().partition(" ")
        if with_venv.returncode == 0 and told == version:
            return executable
    return ""


def clone(folder: Path, python: str, with_uv: bool = True) -> Tree:
    """Clone HEAD and make its environment, by uv where there is one and it is wished, else by pip."""
    _run(["git", "clone", "--quiet", str(paths.ROOT), str(folder)])
    known = clean()
    if not with_uv:
        known["PATH"] = without("uv", known["PATH"])
    _run(["make", "-s", f"PYTHON={python}", "env"], cwd=folder, env=known)
    return Tree(folder, environment.executable(folder / ".venv"))


def clean() -> dict[str, str]:
    """Environment variables of this process without those that are varied, or that this project reads."""
    foreign = VARIED | set(environment.VARIABLES)
    return {
        name: value
        for name, value in os.environ.items()
        if name not in foreign and not name.startswith(("PYTHON", "LC_", "HELPERS_", "REPRODUCE_", "MAKE", "MFLAGS"))
    }


def without(program: str, path: str) -> str:
    """Leave out of a search path the folders that hold a program."""
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if not (Path(folder) / program).exists())


def variables(variation: Variation, shim: Path, root: Path) -> dict[str, str]:
    """Environment variables for a run by hand in a clone: pins as a run by `make` has them, or none for a look at them.

    Parameters
    ----------
    variation : Variation
    shim, root : Path
        Folders of the shim and of the clone.
    """
    known = clean() | variation.given | ({} if variation.make else environment.VARIABLES | variation.lifted)
    path = os.pathsep.join([str(shim), str(root / "src")])
    return known | {"PYTHONPATH": path, "PYTHONNOUSERSITE": "1", LIFTED: json.dumps(variation.lifted)}


def build(variation: Variation, tree: Tree, place: Path, day: str) -> Build:
    """Build the report anew in a clone, data and all, and move it to a place of its own; give what was seen.

    Parameters
    ----------
    variation : Variation
    tree : Tree
    place : Path
        A new folder.
    day : str
        The one edition to build; empty for both.
    """
    place.mkdir(parents=True)
    shutil.rmtree(tree.root / "report", ignore_errors=True)
    for file in (tree.root / "data" / "processed").glob("*.parquet"):
        file.unlink()
    shim = place / "shim"
    shim.mkdir()
    (shim / "sitecustomize.py").write_text(SHIM, encoding="utf-8")
    known = variables(variation, shim, tree.root)
    task = "look" if variation.make else "build"
    script = [str(tree.python), str(Path(__file__).resolve()), task, str(place), variation.kernels, day]
    options = {"cwd": tree.root, "umask": variation.umask}
    try:
        _run(script, env=known, **options)
        if variation.make:
            wish = [f"PYTHON={tree.python}", "FORCE=1", f"AS_OF={day}"]
            _run(["make", "-s", "report", *wish], env=clean() | variation.given, **options)
        saw = json.loads((place / "seen.json").read_text(encoding="utf-8"))
    except subprocess.CalledProcessError as error:
        return Build({}, place / "report", _fault(error))
    # the clone may lie on another file system
    shutil.move(tree.root / "report", place / "report")
    return Build(saw, place / "report")


def _fault(error):
    lines = [line for line in error.output.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("error: ")] or lines[-1:]
    # no folder of this machine
    return " ".join([Path(error.cmd[0]).name, "ended with", f"{error.returncode}:", *told])[:400]


def _run(command, **options):
    subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


# all of it


def settings(home: Path) -> Path:
    """Write somebody's settings into a home folder; give it."""
    for name, text in SETTINGS.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    return home


def comma_locale(place: Path) -> dict[str, str]:
    """Find a locale with a decimal comma, or compile one from the system's sources; empty where there is none."""
    if shutil.which("locale"):
        listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
        for name in listed:
            if name.lower().startswith(f"{COMMA.lower()}.utf"):
                return {"LC_ALL": name}
    name = f"{COMMA}.UTF-8"
    if shutil.which("localedef"):
        command = ["localedef", "-i", COMMA, "-f", "UTF-8", str(place / name)]
        subprocess.run(command, capture_output=True, check=False)
    return {"LC_ALL": name, "LOCPATH": str(place)} if (place / name).is_dir() else {}


def corename(wish: str) -> str:
    """Ask which BLAS kernel a library takes when one is wished: another, where the processor cannot run it."""
    ask = f"{_IMPORT}; import numpy; print(reproduce.blas()['BLAS'])"
    known = clean() | {"PYTHONPATH": str(paths.ROOT / "src"), "OPENBLAS_CORETYPE": wish}
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, env=known, check=False)
    return told.stdout.strip()


def main() -> int:
    """Build and compare all; 1 where a circumstance fails."""
    import bench

    from helpers import recorded

    found = [_git("rev-parse", "--short=10", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")]
    if found[0].returncode:
        print("error: this is no git checkout, so there is nothing to clone: clone the repository", file=sys.stderr)
        return 1
    told = f"Commit {found[0].stdout.strip()}, {date.today():%Y-%m-%d}, {bench.machine()}."
    if found[1].stdout:
        print("What is not committed is left out: the clones are of HEAD", flush=True)
    # clones take gigabytes, so they go in any case
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = functools.partial(tempfile.TemporaryDirectory, prefix="reproduce-", ignore_cleanup_errors=True)
    try:
        with folder() as place, folder(dir=_other_system()) as other:
            return _measured(Path(place), Path(other), told, recorded)
    except KeyboardInterrupt:
        print(f"stopped; docs/{PAGE.name} stays as it was", file=sys.stderr)
        return 130


def _git(*words):
    return subprocess.run(["git", *words], cwd=paths.ROOT, capture_output=True, text=True, check=False)


def _measured(place, other, told, recorded):
    from tqdm import tqdm

    from helpers import data

    quick, only = os.environ.get("QUICK", "") not in ("", "0"), os.environ.get("ONLY", "")
    words = only.split(",") if only else QUICK if quick else [""]
    trees = Trees(place, other)
    wished, absent = _wished(trees, place, lambda name: any(word in name for word in words))
    if not wished:
        print(f"error: ONLY={only}: no circumstance has these words in its name", file=sys.stderr)
        return 2
    day, rows = data.REPLICATION if quick else "", []
    with tqdm(total=1 + len(wished), unit="build", disable=None) as bar:
        for number, variation in enumerate([BASE, *wished]):
            bar.set_description(variation.name)
            folder, started = place / f"build-{number}", time.monotonic()
            try:
                one = build(variation, trees.of(variation), folder, day)
            except subprocess.CalledProcessError as error:
                one = Build({}, folder, _fault(error))
            bar.update()
            if number == 0:
                base = one
                if base.fault:
                    print(f"error: the base was not built: {base.fault}", file=sys.stderr)
                    return 1
                continue
            found = agreement.Agreement(faults=[one.fault])
            if not one.fault:
                found = agreement.compare(one.report, base.report, recorded)
                found.faults += unproven(variation, one.saw, base.saw)
            words = f"{found.total.equal:,} of {found.total.count:,} numbers the same to the bit"
            words += f", the others within a share of {found.total.gap:.2g}" if found.total.gap else ""
            words += f", {len(found.apart):,} files differ, {time.monotonic() - started:.0f} s"
            print(f"{variation.name}: {words}", *found.faults[:3], sep="\n  ", flush=True)
            rows.append((variation.name, effect(variation, one), found))
            # a report has ninety megabytes
            shutil.rmtree(folder, ignore_errors=True)
    editions = ", ".join(sorted(file.parent.name for file in base.report.glob("????-??-??/results.json")))
    usual = ", ".join(f"{name} {base.saw[name]}" for name in TOLD)
    lines = agreement.page(rows, usual, absent, f"{told} Editions: {editions}.")
    print(*lines, sep="\n")
    if not quick and not only:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"This is docs/{PAGE.name}")
    return 1 if any(found.faults for _, _, found in rows) else 0


def _wished(trees, place, chosen):
    """Give the variations that there can be and that are chosen, and say which there cannot be."""
    absent = [f"Python {version}: not on this machine." for version, where in trees.pythons.items() if not where]
    home, comma = settings(place / "home"), comma_locale(place)
    uv = bool(shutil.which("uv"))
    absent += [] if uv else ["An environment by uv, which is not on this machine: all are by pip."]
    absent += [] if comma else ["A locale with a decimal comma: neither there nor to be compiled."]
    wished, usual = [], corename("")
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    for variation in variations(own, [version for version, where in trees.pythons.items() if where], comma, home, uv):
        core = variation.given.get("OPENBLAS_CORETYPE")
        if core and core == usual:
            continue  # the base's
        if core and corename(core) != core:
            absent.append(f"{variation.name}: this processor or library has none.")
        elif chosen(variation.name):
            wished.append(variation)
    return wished, absent


def effect(variation: Variation, one: Build) -> str:
    """Say what the kernels saw of what was varied."""
    if one.fault:
        return "was not built"
    words = ", ".join(f"{name} {one.saw.get(name)}" for name in [*variation.shows, *variation.differs])
    return f"{words}; given {', '.join(variation.given)}" if variation.make else words


def _other_system():
    """A folder on another file system with room for an environment, where there is one; it lists in another order."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else None


if __name__ == "__main__":
    if sys.argv[1:2] in (["look"], ["build"]):
        sys.exit(child(*sys.argv[1:]))
    sys.exit(main())
