"""Fuzz what reads text that others wrote, guided by coverage: raw files, wished parameters, sweeps, what sources send.

Run by `make fuzz` in the environment of the extras. The targets of `fuzz_targets` share the time and the processors,
beside the property tests with many more examples. Ten minutes or more write their part of docs/fuzz.md.
``make fuzz INPUT=file`` repeats a finding.
"""

import concurrent.futures
import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# kept between runs, so that each goes on from where the last one came to
PLACE = ROOT / ".fuzz"
PAGE = ROOT / "docs" / "fuzz.md"
MARKS = ("<!-- measured: written by `make fuzz` -->", "<!-- end of what was measured -->")
LEAST_MINUTES = 10
PROPERTIES = ["test_data_contract", "test_frontier", "test_lag", "test_survival", "test_linking", "test_concentration"]
# an input that takes longer hangs, one that needs more memory blows up
LIMITS = ["-timeout=60", "-report_slow_units=60", "-rss_limit_mb=3000", "-max_len=4096", "-print_final_stats=1"]
_FUZZER = (
    "atheris has no build for this Python or system; `make test` runs the property tests and the seeds all the same"
)


def main() -> int:
    """Fuzz for MINUTES, or repeat the finding in INPUT; 0 nothing is found, 1 something is, 2 a wrong wish."""
    wished, repeated = os.environ.get("MINUTES") or str(LEAST_MINUTES), os.environ.get("INPUT", "")
    if repeated:
        return repeat(Path(repeated))
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", wished) or float(wished) == 0:
        print(f"error: MINUTES takes a number of minutes, not {wished!r}", file=sys.stderr)
        return 2
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(_FUZZER)
        return 0
    import fuzz_targets

    names, cores = list(fuzz_targets.TARGETS), os.cpu_count() or 1
    seconds = max(1, int(60 * float(wished) * cores / (len(names) + 1)))
    print(f"Fuzzing {', '.join(names)} for {seconds} s each on {cores} cores; findings go to {PLACE / 'findings'}")
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        tested = pool.submit(properties, seconds)
        measured = list(pool.map(lambda name: fuzzed(name, seconds), names))
    lines = [*table(measured), "", tested.result()[1], "", machine(cores)]
    print(*lines, sep="\n")
    found = [line for one in measured for line in one["findings"]]
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    if float(wished) >= LEAST_MINUTES:
        write(lines)
    return 1 if found or not tested.result()[0] else 0


def fuzzed(name: str, seconds: int) -> dict:
    """Fuzz a target in a process of its own; tell executions, edges, inputs kept and findings."""
    findings, corpus = PLACE / "findings" / name, PLACE / "corpus" / name
    for folder in (findings, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    for old in findings.iterdir():
        old.unlink()
    start, limit = time.monotonic(), f"-max_total_time={seconds}"
    command = [sys.executable, __file__, name, str(corpus), f"-artifact_prefix={findings}/", limit, *LIMITS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    said = done.stderr
    runs = re.findall(r"number_of_executed_units: (\d+)", said) or re.findall(r"^#(\d+)", said, flags=re.MULTILINE)
    edges = re.findall(r"cov: (\d+)", said)
    out = {"name": name, "seconds": time.monotonic() - start, "runs": int(runs[-1]) if runs else 0}
    out |= {"edges": int(edges[-1]) if edges else 0, "kept": sum(1 for _ in corpus.iterdir())}
    told = dict(re.findall(r"^finding (\S+): (.*)$", said, flags=re.MULTILINE))
    held = [file for file in sorted(findings.iterdir()) if file.is_file()]
    out["findings"] = [
        f"{name}: {told.get(file.name, 'stopped the fuzzer')}; make fuzz INPUT={file.relative_to(ROOT)}"
        for file in held
    ]
    if done.returncode and not held:
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        out["findings"].append(f"{name}: the fuzzer ended with {done.returncode}: {last[0][:200]}")
    return out


def child(name: str, arguments: list[str]) -> None:
    """Fuzz a target in this process; a finding is written beside the others, once, and the fuzzing goes on."""
    import atheris

    with atheris.instrument_imports(include=["helpers", "shlex"]):
        import fuzz_targets
    run, findings = fuzz_targets.TARGETS[name], PLACE / "findings" / name
    known = set()

    def once(content):
        try:
            run(content)
        except Exception as error:
            said = fuzz_targets.signature(error)
            if said not in known:
                known.add(said)
                file = findings / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
                file.write_bytes(content)
                print(f"finding {file.name}: {said}: {str(error)[:160]!r}", file=sys.stderr, flush=True)

    corpus = Path(arguments[0])
    for content in fuzz_targets.seeds(name):
        (corpus / f"seed-{hashlib.sha256(content).hexdigest()[:12]}").write_bytes(content)
    # the fuzzer leaves without a word, so this is swept by the next one
    fuzz_targets.lay_out(PLACE / "project" / name)
    atheris.Setup([sys.argv[0], *arguments], once)
    atheris.Fuzz()


def repeat(file: Path) -> int:
    """Run the input of a finding again, by the target that its name begins with."""
    import fuzz_targets

    name = file.name.partition("-")[0]
    name = name if name in fuzz_targets.TARGETS else file.resolve().parent.name
    if not file.is_file() or name not in fuzz_targets.TARGETS:
        wanted = ", ".join(f"{name}-..." for name in fuzz_targets.TARGETS)
        print(f"error: INPUT: no finding {str(file)!r}; its name or folder is one of {wanted}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        fuzz_targets.lay_out(Path(folder))
        try:
            fuzz_targets.TARGETS[name](file.read_bytes())
        except Exception as error:
            print(f"error: {fuzz_targets.signature(error)}: {str(error)[:500]}", file=sys.stderr)
            return 1
    print(f"{file}: nothing is wrong with it any more")
    return 0


def properties(seconds: int) -> tuple[bool, str]:
    """Run the property tests with new random examples, as many as fit; tell how it went."""
    files = [f"tests/{name}.py" for name in PROPERTIES]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "hypothesis", "-p", "no:xdist", *files]
    variables = os.environ | {"HELPERS_EXAMPLES": "fuzz"}
    start = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=10 * seconds
        )
    except subprocess.TimeoutExpired:
        return False, f"Property tests: not done in {10 * seconds} s."
    last = (done.stdout.strip().splitlines() or ["nothing said"])[-1]
    if done.returncode:
        print(done.stdout[-4000:], file=sys.stderr)
    words = re.sub(r" in [0-9.]+s.*|=|, \d+ deselected", "", last).strip()
    taken = time.monotonic() - start
    return done.returncode == 0, f"Property tests with many more examples, drawn anew: {words}, {taken:.0f} s."


def table(measured: list[dict]) -> list[str]:
    """Tell what was measured, in Markdown."""
    lines = [
        "| target | seconds | executions | a second | edges | inputs kept | findings |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in measured:
        rate = one["runs"] / max(one["seconds"], 1e-9)
        lines.append(
            f"| {one['name']} | {one['seconds']:.0f} | {one['runs']:,} | {rate:,.0f} | {one['edges']:,} "
            f"| {one['kept']:,} | {len(one['findings'])} |"
        )
    return lines


def machine(cores: int) -> str:
    """Say when and on what machine this ran."""
    import importlib.metadata

    fuzzer = importlib.metadata.version("atheris")
    words = f"{cores} cores, Python {platform.python_version()}, {platform.system()}, atheris {fuzzer}"
    return f"{words}, {date.today():%Y-%m-%d}."


def write(lines: list[str]) -> None:
    """Put what was measured between the marks of docs/fuzz.md; what people wrote around them stays."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    PAGE.write_text("\n".join([f"{before}{MARKS[0]}", *lines, f"{MARKS[1]}{after}"]), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(main())
