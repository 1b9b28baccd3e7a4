import re

import pytest

from helpers import lineage, numbers, paths, results
from reading import Page

DAY = results.NOTE_DAY


def test_every_headline_and_context_result_has_a_page_and_no_alternative_has(folder):
    written = numbers.write(folder, DAY)
    assert written == {"fell", "returns-beside"} == {path.stem for path in (folder / "numbers").iterdir()}


def test_a_page_tells_what_the_terminal_tells(folder):
    numbers.write(folder, DAY)
    told = lineage.Edition(folder, DAY).explanation("fell")
    text = " ".join(Page(folder / "numbers" / "fell.html").text.split())
    facts = [*told["number"].values(), *told["run"].values(), *told["verdict"].values(), *told["made"].values()]
    facts += [told["inputs"][0][name] for name in ("title", "producer", "licence", "sha256", "raw", "list")]
    facts += [told["alternatives"][1][name] for name in ("label", "found", "method", "function", "place")]
    assert [fact for fact in facts if " ".join(fact.split()) not in text] == []


def test_an_alternative_is_a_row_that_its_address_leads_to(folder):
    numbers.write(folder, DAY)
    file, _, anchor = lineage.Edition(folder, DAY).explanation("fell/none")["page"].partition("#")
    assert anchor in [attrs.get("id") for attrs in Page(folder / file).all("tr")]


@pytest.mark.fault(57)
def test_hostile_text_is_shown_and_never_run(folder, lay_out):
    numbers.write(folder, DAY)
    page = Page(folder / "numbers" / "fell.html")
    assert lay_out.evil[:25] in page.text and "Shares fell <b>a lot</b>" in page.text
    assert not page.all("script", "b", "iframe", "style", "form")
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://example.org/", "data:text/html;x", "//example.org"])
def test_only_an_address_that_is_safe_to_follow_is_a_link(folder, address):
    ledger = paths.DATA / "sources.csv"
    ledger.write_text(ledger.read_text(encoding="utf-8").replace("https://example.org/a", address), encoding="utf-8")
    numbers.write(folder, DAY)
    page = Page(folder / "numbers" / "fell.html")
    assert address in page.text and not [attrs for attrs in page.all("a") if address in attrs["href"]]


def test_every_link_leads_somewhere(folder):
    numbers.write(folder, DAY)
    for identity in ("fell", "returns-beside"):
        page = Page(folder / "numbers" / f"{identity}.html")
        ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
        assert len(ids) == len(set(ids))
        # what else the report holds is there once it is bound
        there = {(folder / name).resolve() for name in ("index.html", "style.css", "../index.html")}
        there.add((folder / lineage.notebook_page("01_returns")).resolve())
        for attrs in page.all("a", "link"):
            path, _, anchor = attrs["href"].partition("#")
            target = (page.path.parent / path).resolve() if path else page.path
            if not attrs["href"].startswith(("https://", "data:")):
                assert target in there or target.is_file(), attrs["href"]
            assert not anchor or anchor in ids


@pytest.mark.fault(61)
def test_two_builds_are_the_same_bytes_wherever_they_lie(tmp_path, monkeypatch, lay_out):
    builds = []
    for place in ("one", "another"):
        folder = lay_out(folder=tmp_path / place)
        numbers.write(folder, DAY)
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        builds.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert builds[0] == builds[1] and {"numbers/fell.html", "edition.json"} < set(builds[0])
    assert not [name for name, content in builds[0].items() if str(tmp_path).encode() in content]


@pytest.mark.fault(18)
def test_an_id_that_is_no_word_gets_no_file(tmp_path, monkeypatch, lay_out):
    folder = lay_out(cell=lay_out.cell.replace("returns-beside", "../beside"))
    with pytest.raises(ValueError, match=r"'\.\./beside' is no id for a page"):
        numbers.write(folder, DAY)
    assert not (folder / "beside.html").exists()


# the cell that makes a number, in a kernel
LEAF = """from helpers import inference, rows
from helpers.notebook import Notebook
notebook = Notebook("01_leaf", as_of)
volumes = notebook.load("token_volumes")
found = {"jevons": inference.exact(-1.5, "log points per log point", 3, "made up", rows.rows_of(volumes))}
notebook.record("jevons", found["jevons"], {})"""


def test_a_run_leaves_a_page_behind_each_number(copy):
    unit = results.claims().loc["jevons"].unit
    copy.write("01_leaf", "pass", LEAF.replace("log points per log point", unit))
    copy.write("99_verdicts", "pass")
    code, said = copy.run("report", "--as-of=2025-06-30")
    assert code == 0, said
    page = Page(copy.report / "2025-06-30" / "numbers" / "jevons.html")
    assert f'inference.exact(-1.5, "{unit}", 3, "made up", rows.rows_of(volumes))' in page.text
    assert "number 4 of report/2025-06-30/01_leaf/notebook.ipynb, In [4]" in page.text
    (file, line) = re.search(r"(src/helpers/inference\.py):(\d+)", page.text).groups()
    assert (copy.root / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith("def exact(")
    assert "not a git checkout at the build" in page.text
