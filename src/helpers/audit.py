"""Ask whether a package of the lock has a known vulnerability: what pip-audit finds, in lines for a reader."""

import json
import subprocess
import sys

from helpers import environment, terminal

NOT_JUDGED = 2
REMEDY = "`make lock UPGRADE=1` takes newer versions; then `make test`, for numbers may move"


def command() -> list[str]:
    """Command that asks about every pin of the lock as it stands, resolving and installing nothing."""
    return [
        *(str(environment.executable(environment.EXTRA)), "-m", "pip_audit", "--requirement", str(environment.LOCK)),
        *("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"),
    ]


def judged(code: int, out: str, err: str) -> tuple[int, list[str]]:
    """Put what pip-audit said into lines, and tell how it went.

    Parameters
    ----------
    code : int
        Its exit code, 1 for vulnerabilities and for failures alike.
    out, err : str
        What it wrote.

    Returns
    -------
    int
        0 when nothing is known against any package, 1 when something is, 2 when not all could be judged.
    list of str
    """
    try:
        told = json.loads(out)["dependencies"]
        packages = [(one["name"], one.get("version", ""), one.get("vulns", []), one.get("skip_reason")) for one in told]
    except (ValueError, LookupError, TypeError):
        said = _last(err, f"pip-audit said nothing, exit code {code}")
        return NOT_JUDGED, [f"error: nothing was judged, for no answer came; is there a network? {said}"]
    lines = [
        f"{name} {version}: {flaw['id']}, {f'mended in {fixes}' if fixes else 'not mended yet'}"
        for name, version, flaws, _ in packages
        for flaw in flaws
        for fixes in [", ".join(flaw.get("fix_versions", []))]
    ]
    skipped = [f"error: {name} was not judged: {reason}" for name, _, _, reason in packages if reason]
    if lines or skipped:
        return NOT_JUDGED if skipped else 1, lines + skipped + [REMEDY] * bool(lines)
    if code != 0 or not packages:
        return NOT_JUDGED, [f"error: nothing was judged: {_last(err, 'no package was looked at')}"]
    return 0, [f"Nothing is known against the {len(packages)} packages of requirements.lock that this Python installs"]


def _last(words, otherwise):
    """Last line of what was said, or other words where nothing was."""
    return ([line.strip() for line in words.splitlines() if line.strip()] or [otherwise])[-1][:200]


def main() -> int:
    """Ask about the lock and say what is known: the exit code of `judged`."""
    done = subprocess.run(command(), capture_output=True, text=True, check=False)
    code, lines = judged(done.returncode, done.stdout, done.stderr)
    for line in lines:
        print(line, file=sys.stderr if line.startswith("error: ") else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(terminal.run(main))
