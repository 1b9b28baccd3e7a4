"""The locked environment: make it when missing, keep the lock and environment.yml in step.

Runs before anything is installed, so it uses the standard library only and imports nothing of the package:
``python3 src/helpers/environment.py [ensure | extras | lock | conda]``.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
# the same and more: Dask, and what `make bench` compares with
EXTRA = ROOT / ".venv-extra"
EXTRA_LOCK = ROOT / "bench" / "requirements.lock"
PEERS = "bench/peers.txt"
CONDA = ROOT / "environment.yml"
OLDEST, NEWEST = (3, 11), (3, 14)
SUPPORTED = f"Python 3.{OLDEST[1]} to 3.{NEWEST[1]}"
# what a result may not depend on is the same for every kernel
VARIABLES = {
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "default",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
    # pyarrow's allocator starts a thread otherwise, and a process with threads should not fork
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # the debugger that comes with every kernel warns on stderr otherwise when it is imported
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


def ensure(extra=False):
    """Make ``.venv``, or ``.venv-extra``, from its lock when it is missing or older than that; say so in one line."""
    venv, lock = (EXTRA, EXTRA_LOCK) if extra else (VENV, LOCK)
    stamp = venv / "lock.sha256"
    if stamp.exists() and stamp.read_text() == _digest(lock) and executable(venv).exists():
        return
    install = build(venv, lock)
    _run([*install, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    stamp.write_text(_digest(lock))


def build(venv, lock):
    """Make an environment from a lock, without this package; give the command that installs more into it."""
    uv, interpreter = shutil.which("uv"), _interpreter()
    if not uv and interpreter is None:
        sys.exit(f"error: {SUPPORTED} is needed, but python3 is {sys.version.split()[0]}: install one of them")
    total = len(re.findall(r"^\S+==", lock.read_text(encoding="utf-8"), flags=re.MULTILINE))
    print(f"Setting up the locked environment in {venv.name}: {total} packages, once, a minute or two ...", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    if uv:
        _run([uv, "venv", "--quiet", "--python", interpreter or "3.12", str(venv)])
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(executable(venv))]
    else:
        _run([interpreter, "-m", "venv", str(venv)])
        install = [
            str(executable(venv)),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
        ]
    _run([*install, "--no-deps", "--require-hashes", "-r", str(lock)], total)
    return install


def lock(newer=False):
    """Resolve pyproject.toml into the lock, one version for all Pythons, and write environment.yml from it.

    Versions that the lock has stay, unless ``newer`` ones are wished.
    """
    with tempfile.TemporaryDirectory() as folder:
        uv = shutil.which("uv")
        if not uv:
            _run([sys.executable, "-m", "venv", folder])
            _run([str(executable(Path(folder))), "-m", "pip", "install", "--quiet", "uv"])
            uv = str(executable(Path(folder)).with_name("uv"))
        form = ["--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "--quiet"]
        form += ["--upgrade"] if newer else []
        # one version for all Pythons: else numbers could differ between them
        versions = ["--universal", "--fork-strategy", "fewest", "--python-version", "3.11"]
        _run([uv, "pip", "compile", *form, *versions, "--output-file", str(LOCK), "pyproject.toml"])
        # the same versions where they are in both
        more = ["--constraint", str(LOCK), "--output-file", str(EXTRA_LOCK), "pyproject.toml", PEERS]
        _run([uv, "pip", "compile", *form, *versions, *more])
    CONDA.write_text(conda(LOCK.read_text(encoding="utf-8")), encoding="utf-8")


def conda(text):
    r"""Say a lock in conda's form: the same versions with the same wheels, so that the numbers are the same too.

    >>> conda("numpy==2.4.6 \\\n    --hash=sha256:ab\n").splitlines()[-1]
    '      - numpy==2.4.6'
    """
    pins = re.findall(r"^([A-Za-z0-9_.\-\[\]]+==[^\s;\\]+(?: *; *[^\\\n]+?)?) *\\?$", text, flags=re.MULTILINE)
    head = [
        "# Written by `make lock` from requirements.lock; a test fails when the two disagree.",
        "# The packages come as wheels, through pip, so that conda users compute with the very same builds.",
        "name: ai-after-deepseek",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python >=3.{OLDEST[1]},<3.{NEWEST[1] + 1}",
        "  - pip",
        "  - make",
        "  - git",
        "  - pip:",
    ]
    return "\n".join(head + [f"      - {pin}" if ";" not in pin else f'      - "{pin}"' for pin in pins]) + "\n"


def _digest(lock):
    # an environment knows its place: that of a copied or moved repository is another's
    return hashlib.sha256(lock.read_bytes() + str(ROOT).encode()).hexdigest()


def _interpreter():
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.run([found, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            return found
    return None


def executable(venv=None):
    """Python of an environment, that of ``.venv`` if none is named."""
    return (venv or VENV) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command, total=0):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    lines, done = [], 0
    with process.stdout:
        for line in process.stdout:
            lines.append(line)
            if total and line.startswith("Collecting ") and sys.stdout.isatty():
                done += 1
                print(f"\r  {done} of {total} packages found", end="", flush=True)
    if done:
        print("\r  installed" + " " * 30)
    if process.wait() != 0:
        print("".join(lines[-15:]), file=sys.stderr)
        sys.exit(f"error: setting up the environment failed at: {' '.join(map(str, command[:4]))} ...")


def main(wish):
    """Command line of this file: fulfil a wish."""
    if wish in ("ensure", "extras"):
        ensure(wish == "extras")
    elif wish == "lock":
        lock(newer=os.environ.get("UPGRADE", "") not in ("", "0"))
    elif wish == "conda":
        CONDA.write_text(conda(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.exit(f"error: {wish!r} is none of ensure, extras, lock, conda")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "ensure")
    except OSError as error:
        # of what could not be said, nothing is tried again when Python ends
        sys.stdout = None
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
