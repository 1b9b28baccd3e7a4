import ast
import hashlib
import re
import sys
import tomllib
from types import SimpleNamespace

import pytest

from helpers import environment, paths

LOCK = """\
numpy==2.0.0 \\
    --hash=sha256:ab \\
    --hash=sha256:cd
pywinpty==3.1 ; os_name == 'nt' \\
    --hash=sha256:ef
"""


def lock():
    return environment.LOCK.read_text(encoding="utf-8")


# a version, for some Pythons perhaps, and hashes: what `--require-hashes` demands
FORM = r"\S+==\S+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+"


def requirements(text=None):
    """Each requirement of a lock with the lines that belong to it, read without the help of the module."""
    blocks = re.split(r"\n(?=\S)", (text or lock()).strip())
    return {re.split(r"[=\[]", block)[0]: block for block in blocks}


def pinned(text):
    return set(re.findall(r"([A-Za-z0-9_.-]+)==([\w.!+]+)", text))


# The lock and environment.yml


@pytest.mark.fault(64)
def test_environment_yml_says_what_the_lock_says():
    assert environment.CONDA.read_text(encoding="utf-8") == environment.conda(lock())


def test_environment_yml_pins_every_package_of_the_lock_and_no_other():
    assert pinned(environment.CONDA.read_text(encoding="utf-8")) == pinned("\n".join(requirements().values()))
    assert len(pinned(lock())) == len(requirements()) > 100


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"^numpy==.*? ", "numpy==0.0.1 "),
        (r"^numpy==(.*\n)(    --hash.*\n)+", ""),
        (r"^(pywinpty==\S+) ; .*? \\$", r"\1 \\"),
        (r"\Z", "left-pad==1.0 \\\\\n    --hash=sha256:ab\n"),
    ],
    ids=["another version", "a package less", "a marker less", "a package more"],
)
def test_a_change_of_the_lock_alone_is_noticed(old, new):
    text, count = re.subn(old, new, lock(), count=1, flags=re.MULTILINE)
    assert count == 1
    assert environment.conda(text) != environment.CONDA.read_text(encoding="utf-8")


def test_new_hashes_of_the_same_versions_leave_environment_yml_alone():
    assert environment.conda(re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", lock())) == environment.conda(lock())


def test_conda_lists_each_pin_and_quotes_one_with_a_marker():
    listed = environment.conda(LOCK).splitlines()
    assert listed[-3:] == ["  - pip:", "      - numpy==2.0.0", "      - \"pywinpty==3.1 ; os_name == 'nt'\""]


def test_environment_yml_asks_for_the_pythons_of_the_package():
    wanted = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert f"  - python {wanted}" in environment.conda(LOCK).splitlines()
    assert wanted == ">={}.{},<{}.{}".format(*environment.OLDEST, environment.NEWEST[0], environment.NEWEST[1] + 1)
    said = "Python {}.{} to {}.{}".format(*environment.OLDEST, *environment.NEWEST)
    assert said == environment.SUPPORTED


# The lock


def test_every_requirement_of_the_lock_is_pinned_and_has_a_hash():
    assert [name for name, block in requirements().items() if not re.fullmatch(FORM, block)] == []


def test_the_lock_holds_no_address():
    assert re.findall(r"https?:|file:|git\+|://|--.*index|--find-links|@", lock()) == []


def test_every_direct_dependency_is_in_the_lock():
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.match(r"[\w.-]+", line)[0] for line in project["dependencies"]}
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in wanted} <= set(requirements())


def test_no_package_has_two_versions_for_two_pythons():
    assert len(re.findall(r"^\S+==", lock(), flags=re.MULTILINE)) == len(requirements())


def test_the_extra_lock_holds_the_same_versions_and_more_with_hashes_and_no_address():
    extra = environment.EXTRA_LOCK.read_text(encoding="utf-8")
    assert pinned(lock()) < pinned(extra)
    peers = (paths.ROOT / environment.PEERS).read_text(encoding="utf-8").splitlines()
    asked = {line.partition(" ;")[0] for line in peers if not line.startswith("#")}
    assert asked <= {name for name, _ in pinned(extra)}
    assert re.findall(r"https?:|file:|git\+|://|--.*index|--find-links|@", extra) == []
    assert [name for name, block in requirements(extra).items() if not re.fullmatch(FORM, block)] == []
    # one without a hash is found, though others have several
    unhashed = re.sub(r"^(numpy==\S+) \\\n(    --hash=\S+( \\)?\n)+", r"\1\n", extra, flags=re.MULTILINE)
    assert [name for name, block in requirements(unhashed).items() if not re.fullmatch(FORM, block)] == ["numpy"]


# Making the environment


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An environment in an empty folder, and the commands that would make it."""
    ran = []

    def run(command, total=0):
        ran.append(list(map(str, command)))
        if "venv" in command:
            python.parent.mkdir(parents=True)
            python.touch()

    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(environment, "_run", run)
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    environment.LOCK.write_text(LOCK, encoding="utf-8")
    python = environment.executable(environment.VENV)
    return SimpleNamespace(ran=ran, python=python, stamp=environment.VENV / "lock.sha256")


def test_a_missing_environment_is_made_from_the_lock_with_its_hashes_and_one_line(place, capsys):
    environment.ensure()
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")
    assert ".venv: 2 packages" in out
    made, locked, own = place.ran
    assert made == [sys.executable, "-m", "venv", str(environment.VENV)]
    assert locked[0] == own[0] == str(place.python)
    assert locked[-4:] == ["--no-deps", "--require-hashes", "-r", str(environment.LOCK)]
    assert {"--no-deps", "--no-build-isolation", "--editable"} < set(own)
    assert place.stamp.read_text() == hashlib.sha256((LOCK + str(environment.ROOT)).encode()).hexdigest()


def test_an_environment_that_is_up_to_date_is_left_alone_in_silence(place, capsys):
    environment.ensure()
    place.ran.clear()
    capsys.readouterr()
    environment.ensure()
    assert (place.ran, capsys.readouterr()) == ([], ("", ""))


@pytest.mark.parametrize("change", ["lock", "stamp", "python"])
def test_an_environment_that_is_out_of_date_is_made_anew(change, place, capsys):
    environment.ensure()
    place.ran.clear()
    capsys.readouterr()
    (environment.VENV / "left-over").touch()
    if change == "lock":
        environment.LOCK.write_text(LOCK.replace("2.0.0", "2.0.1"), encoding="utf-8")
    else:
        {"stamp": place.stamp, "python": place.python}[change].unlink()
    environment.ensure()
    assert len(place.ran) == 3
    assert capsys.readouterr().out.count("\n") == 1
    assert not (environment.VENV / "left-over").exists()


def test_uv_makes_the_environment_where_there_is_one(place, monkeypatch):
    monkeypatch.setattr(environment.shutil, "which", lambda name: "/bin/uv" if name == "uv" else None)
    environment.ensure()
    assert [command[:2] for command in place.ran] == [["/bin/uv", "venv"], ["/bin/uv", "pip"], ["/bin/uv", "pip"]]
    assert "--require-hashes" in place.ran[1]


def test_an_environment_half_made_is_not_taken_for_a_whole_one(place, monkeypatch):
    whole = environment._run

    def failing(command, total=0):
        whole(command, total)
        if total:
            sys.exit("error: no network")

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(environment, "_run", failing)
        environment.ensure()
    place.ran.clear()
    environment.ensure()
    assert len(place.ran) == 3


@pytest.mark.parametrize(("version", "words"), [((3, 9, 18), "3.9.18"), ((3, 15, 0), "3.15.0")])
def test_an_unfit_interpreter_gives_one_clear_line(version, words, place, monkeypatch, capsys):
    python = SimpleNamespace(version_info=version, version=f"{words} (main)", executable="/bin/python3", exit=sys.exit)
    monkeypatch.setattr(environment, "sys", python)
    with pytest.raises(SystemExit) as end:
        environment.ensure()
    assert end.value.code == f"error: Python 3.11 to 3.14 is needed, but python3 is {words}: install one of them"
    assert capsys.readouterr().out == ""
    assert place.ran == []


def test_an_unfit_interpreter_leaves_the_environment_there_is(place, monkeypatch):
    environment.ensure()
    environment.LOCK.write_text(LOCK + "\n", encoding="utf-8")
    python = SimpleNamespace(version_info=(3, 9, 18), version="3.9.18", executable="/bin/python3", exit=sys.exit)
    monkeypatch.setattr(environment, "sys", python)
    with pytest.raises(SystemExit):
        environment.ensure()
    assert place.python.exists()


def test_an_unfit_interpreter_can_still_read_the_module():
    text = (paths.ROOT / "src/helpers/environment.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 7))
    modules = {name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert modules <= sys.stdlib_module_names


def test_a_step_that_fails_ends_in_one_line_after_what_the_step_said(capsys):
    with pytest.raises(SystemExit) as end:
        environment._run([sys.executable, "-c", "print('no such package'); exit(3)"])
    assert re.fullmatch("error: setting up the environment failed at: .* [.]{3}", end.value.code)
    assert "no such package" in capsys.readouterr().err


def test_a_step_that_succeeds_is_silent(capsys):
    environment._run([sys.executable, "-c", "print('done')"])
    assert capsys.readouterr() == ("", "")


def test_the_extra_environment_is_made_beside_from_its_own_lock(place, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "EXTRA", tmp_path / ".venv-extra")
    monkeypatch.setattr(environment, "EXTRA_LOCK", tmp_path / "extra.lock")
    environment.EXTRA_LOCK.write_text(LOCK, encoding="utf-8")
    environment.executable(environment.EXTRA).parent.mkdir(parents=True)
    monkeypatch.setattr(environment.shutil, "rmtree", lambda *_, **__: None)
    environment.ensure(extra=True)
    assert ".venv-extra: 2 packages" in capsys.readouterr().out
    assert str(environment.EXTRA_LOCK) in place.ran[-2] and not place.stamp.exists()
