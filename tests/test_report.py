import json
import re
import struct
from itertools import pairwise

import nbformat
import pandas as pd
import pytest

from helpers import cache, paths, report
from reading import Page

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
CLAIMS = """id,notebook,note_section,kind,claim,quantity,unit,low,high,reason_for_range
fell,01_returns,1,text,Shares fell <b>a lot</b>,return,percent,-inf,0,direction
winners,01_returns,1,forecast,Winners remain,return,percent,0,inf,direction
third,05_concentration,6,text,They were a third,share,percent,30,33.4,words
"""
SOURCES = """file,table,title,producer,address,licence,published,read,known_on,kind,sha256
a.csv,return_indices,a day,Producer & Co,https://example.org/a?x=1&y=2,facts only,2026-10-30,2026-11-23,date,series,0
b.csv,bad_ones,a day,"<script>alert(1)</script>",javascript:alert(1),none,2024-01-01,2026-11-23,date,series,0
"""
VERDICTS = """claim,notebook,value,low,high,unit,verdict,robust,reason
fell,01_returns,-4.1,-6.0,-2.2,percent,holds,no,Found it <i>there</i>.
winners,01_returns,,,,percent,not yet due,,A forecast: judged in editions after 2025-02-14.
third,05_concentration,,,,percent,not examined,,No notebook of this edition examines the claim.
"""
RECORD = {
    "value": -4.1,
    "low": -6.0,
    "high": -2.2,
    "unit": "percent",
    "n": 3,
    "method": f"model {EVIL}",
    "kind": "iterative",
}
RECORD |= {"inputs": []}
RECORDS = [
    RECORD | {"id": "fell", "notebook": "01_returns", "role": "headline"},
    RECORD | {"id": f"fell/fund {EVIL}", "notebook": "01_returns", "role": "alternative"},
    RECORD
    | {"id": "fell/eve", "notebook": "01_returns", "role": "alternative", "value": 1.0, "low": -1, "high": "inf"},
]
FIGURE = {"kind": "figure", "slug": "after", "title": f"They fell {EVIL}", "alt": f'Down 4% "{EVIL}', "source": EVIL}
TABLE = {"kind": "table", "slug": "groups", "caption": f"Groups {EVIL}"}


@pytest.fixture(autouse=True)
def ledgers(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "claims.csv").write_text(CLAIMS, encoding="utf-8")
    (tmp_path / "data" / "sources.csv").write_text(SOURCES, encoding="utf-8")
    monkeypatch.setattr(paths, "DATA", tmp_path / "data")


def display(exhibit, **data):
    return nbformat.v4.new_output("display_data", data, metadata={"exhibit": exhibit})


def edition(tmp_path, as_of="2025-02-14", outputs=None, prose=""):
    """Lay out an edition with one notebook, as the run leaves it."""
    folder = tmp_path / "report" / as_of
    (folder / "01_returns").mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    (folder / "verdicts.csv").write_text(VERDICTS, encoding="utf-8")
    table = pd.DataFrame({"group": [EVIL, "utilities"], "percent": ["−4.1", "1.2"]}).to_html(index=False)
    if outputs is None:
        outputs = [
            nbformat.v4.new_output("stream", name="stdout", text=f"Found −4.1 percent. {EVIL}\n"),
            display(FIGURE, **{"image/png": "x", "text/plain": "digest"}),
            display(TABLE, **{"text/html": table, "text/plain": "digest"}),
        ]
    cells = [
        nbformat.v4.new_markdown_cell(f"# 01 · Did they fall {EVIL}?\n\nThe note says {EVIL} so.", id="a"),
        nbformat.v4.new_code_cell("window = 250", metadata={"tags": ["parameters"]}, id="b"),
        nbformat.v4.new_markdown_cell(f"## Data\n\n#### Deeper\n\n{prose}", id="c"),
        nbformat.v4.new_code_cell(f"print('{EVIL}')", outputs=outputs, id="d"),
        nbformat.v4.new_markdown_cell("## What this cannot tell", id="e"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "01_returns" / "notebook.ipynb")
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 800, 460)
    for name in ("after.svg", "after.png", "after.csv", "groups.csv"):
        (folder / "01_returns" / name).write_bytes(picture)
    return folder


def every(tmp_path, **given):
    """Pages of a report with one edition: landing, edition, notebook, specifications."""
    folder = edition(tmp_path, **given)
    report.edition_page(folder, folder.name)
    report.landing_page(folder.parent, [folder.name])
    places = (folder.parent, folder, folder / "01_returns")
    return [*(Page(place / "index.html") for place in places), Page(folder / "specifications.html")]


@pytest.mark.fault(57)
def test_hostile_text_is_shown_and_never_run(tmp_path):
    # in paragraphs of their own: a line that begins with a tag is HTML to its end, and no link is seen in it
    links = "[a](javascript:alert(1)) ![b](https://example.org/b.png) $<script>$"
    prose = f"{EVIL}\n\nSee {links}\n\n{EVIL} {links}\n\n| a |\n|--:|\n| {EVIL} |"
    for page in every(tmp_path, prose=prose):
        assert EVIL in page.text
        assert EVIL not in page.path.read_text(encoding="utf-8")
        assert not page.all("script", "iframe", "object", "embed", "form", "style", "i", "b")
        assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"]
        addresses = [attrs.get("href") or attrs.get("src") or "" for attrs in page.all("a", "img", "link")]
        assert not [address for address in addresses if address.startswith("javascript:")]


@pytest.mark.fault(58)
def test_no_resource_is_asked_of_the_outside(tmp_path):
    for page in every(tmp_path, prose="![b](https://example.org/b.png) [kept](https://example.org/)"):
        asked = [attrs.get("src") or attrs["href"] for attrs in page.all("img", "link")]
        asked += [meta["content"] for meta in page.all("meta") if meta.get("property") == "og:image"]
        assert asked and not [address for address in asked if "//" in address]
        policies = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
        assert policies and policies[0].startswith("default-src 'none'") and "script-src" not in policies[0]
        (style,) = [link["href"] for link in page.all("link") if link["rel"] == "stylesheet"]
        assert "http" not in (page.path.parent / style).read_text(encoding="utf-8")


def test_every_link_and_source_resolves(tmp_path):
    prose = "[itself](01_returns.ipynb) [absent](07_absent.ipynb) [elsewhere](../data/raw/x.csv)"
    for page in every(tmp_path, prose=prose):
        asked = [attrs.get("href") or attrs.get("src") for attrs in page.all("a", "img", "link")]
        asked += [meta["content"] for meta in page.all("meta") if meta.get("property") == "og:image"]
        for address in asked:
            path, _, anchor = address.partition("#")
            if path.startswith(("https://", "data:")):
                continue
            target = page.path.parent / path if path else page.path
            assert target.is_file(), path
            assert not anchor or anchor in [a.get("id") for _, a in Page(target).elements], anchor


def test_ids_are_unique_and_labels_name_them(tmp_path):
    for page in every(tmp_path):
        ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
        assert len(ids) == len(set(ids))
        assert {attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs} <= set(ids)


def test_headings_are_in_order_under_one_title(tmp_path):
    for page in every(tmp_path):
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_the_page_has_a_language_a_title_landmarks_and_a_way_past_them(tmp_path):
    for page in every(tmp_path):
        assert page.all("html")[0]["lang"] == "en" and page.all("title")
        assert all(page.all(landmark) for landmark in ("header", "nav", "main", "footer"))
        assert all(nav.get("aria-label") for nav in page.all("nav"))
        assert page.all("a")[0]["href"] == "#" + page.all("main")[0]["id"]


@pytest.mark.fault(59)
def test_a_figure_without_alt_text_is_refused(tmp_path):
    folder = edition(tmp_path, outputs=[display(FIGURE | {"alt": " "}, **{"image/png": "x"})])
    with pytest.raises(ValueError, match="01_returns/after: a figure needs alt text"):
        report.edition_page(folder, "2025-02-14")


@pytest.mark.fault(18, 19)
@pytest.mark.parametrize(
    ("output", "message"),
    [
        (display({}, **{"image/png": "x"}), "a picture that is no exhibit"),
        (display(FIGURE | {"slug": "../../after"}, **{"image/png": "x"}), "is no name for"),
        (display(FIGURE | {"slug": "absent"}, **{"image/png": "x"}), "absent.svg is missing"),
        (display(TABLE, **{"text/html": "<table></table>"}), "a table without rows"),
        (nbformat.v4.new_output("stream", name="stderr", text="warning"), "failed or wrote to stderr"),
        (nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]), "failed or wrote to stderr"),
    ],
)
def test_an_output_unfit_to_publish_is_refused_and_the_last_page_stays(tmp_path, output, message):
    folder = edition(tmp_path, outputs=[output])
    (folder / "index.html").write_text("the last good page", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        report.edition_page(folder, "2025-02-14")
    assert (folder / "index.html").read_text(encoding="utf-8") == "the last good page"


@pytest.mark.fault(17)
def test_a_broken_notebook_is_named(tmp_path):
    folder = edition(tmp_path)
    (folder / "01_returns" / "notebook.ipynb").write_bytes(b"{\xff")
    with pytest.raises(ValueError, match=r"notebook.ipynb is not a readable notebook"):
        report.edition_page(folder, "2025-02-14")


def test_a_table_is_rebuilt_with_its_numbers_to_the_right(tmp_path):
    page = every(tmp_path)[2]
    assert [cell.get("class") for cell in page.all("td")][-4:] == ["long", "number", None, "number"]
    assert "dataframe" not in page.path.read_text(encoding="utf-8")


@pytest.mark.fault(61)
def test_two_builds_are_the_same_bytes_and_leave_no_drafts(tmp_path):
    folder = edition(tmp_path)
    builds = []
    for _ in range(2):
        report.edition_page(folder, "2025-02-14")
        report.landing_page(folder.parent, ["2025-02-14"])
        builds.append({path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()})
    assert builds[0] == builds[1]
    assert not [path for path in builds[0] if path.suffix == ".part"]


def test_the_ledger_shows_values_and_the_claims_without_an_answer(tmp_path):
    for page in every(tmp_path)[:2]:
        text = " ".join(page.text.split())
        assert "−4.1 percent 95% interval −6.0 to −2.2" in text and "holds not robust" in text
        assert "Winners remain" in text and "not yet due" in text
        assert "They were a third" in text and "not examined" in text


def test_the_contents_name_each_notebook_its_question_and_its_findings(tmp_path):
    _, contents, notebook, _ = every(tmp_path)
    links = [attrs["href"] for attrs in contents.all("a")]
    assert "01_returns/index.html" in links and f"They fell {EVIL}" in contents.text
    # an address of the time when an edition was one page still leads somewhere
    assert "01_returns" in [attrs.get("id") for _, attrs in contents.elements]
    assert f"Did they fall {EVIL}?" in contents.text and f"Did they fall {EVIL}?" in notebook.text


def test_a_notebook_page_leads_up_back_and_on(tmp_path):
    folder = edition(tmp_path)
    for name in ("00_data", "02_frontier"):
        (folder / name).mkdir()
        cell = nbformat.v4.new_markdown_cell(f"# {name[:2]} · What of {name}?\n\n## Data\n\n## Data", id="a")
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / name / "notebook.ipynb")
    report.edition_page(folder, folder.name)
    middle, first = (Page(folder / name / "index.html") for name in ("01_returns", "00_data"))
    assert {attrs["rel"]: attrs["href"] for attrs in middle.all("a") if "rel" in attrs} == {
        "prev": "../00_data/index.html",
        "next": "../02_frontier/index.html",
    }
    assert [attrs["href"] for attrs in first.all("a") if "rel" in attrs] == ["../01_returns/index.html"]
    assert {"../../index.html", "../index.html"} <= {attrs["href"] for attrs in middle.all("a")}
    assert [attrs["id"] for attrs in first.all("h2")] == ["data-1", "data-2"]


def test_code_is_folded_away_and_parameters_are_in_sight(tmp_path):
    folded = ["open" in attrs for attrs in every(tmp_path)[2].all("details")]
    assert folded == [True, False]


def test_the_claims_that_a_notebook_answers_stand_at_its_head(tmp_path):
    text = " ".join(every(tmp_path)[2].text.split())
    assert text.index("Shares fell <b>a lot</b> −4.1 percent") < text.index("The note says")
    assert "They were a third" not in text


def test_a_page_tells_a_preview_its_title_words_and_picture(tmp_path):
    pictures = ("2025-02-14/01_returns/after.png", "01_returns/after.png", "../01_returns/after.png")
    for page, picture in zip(every(tmp_path), (*pictures, pictures[1]), strict=True):
        told = {meta["property"]: meta["content"] for meta in page.all("meta") if "property" in meta}
        assert told["og:image"] == picture and told["og:image:alt"] == FIGURE["alt"]
        described = [meta["content"] for meta in page.all("meta") if meta.get("name") == "description"]
        assert told["og:title"] and described == [told["og:description"]]


def test_a_value_leads_to_the_page_of_its_number_where_there_is_one(tmp_path):
    folder = edition(tmp_path)
    for there in (False, True):
        if there:
            (folder / "numbers").mkdir()
            (folder / "numbers" / "fell.html").touch()
        report.edition_page(folder, folder.name)
        report.landing_page(folder.parent, [folder.name])
        ways = {"index.html": "numbers/fell.html", "01_returns/index.html": "../numbers/fell.html"}
        ways |= {"../index.html": "2025-02-14/numbers/fell.html", "specifications.html": "numbers/fell.html"}
        for page, way in ways.items():
            assert (way in [attrs["href"] for attrs in Page(folder / page).all("a")]) == there


def test_a_mark_of_robustness_leads_to_the_alternatives(tmp_path):
    landing, contents, notebook, curves = every(tmp_path)
    ways = ("2025-02-14/specifications.html#fell", "specifications.html#fell", "../specifications.html#fell")
    for page, way in zip((landing, contents, notebook), ways, strict=True):
        assert way in [attrs["href"] for attrs in page.all("a")]
    text = " ".join(curves.text.split())
    assert (
        "1 of 2 declared alternatives (50%) give the verdict of their headline. In 0 of 1 claims all of them do" in text
    )
    (drawn,) = [attrs for attrs in curves.all("svg") if "aria-label" in attrs]
    assert drawn["role"] == "img" and drawn["aria-label"] == "Shares fell <b>a lot</b>: holds. Found it <i>there</i>."
    assert f"fund {EVIL}" in curves.text


def test_an_edition_offers_the_files_that_it_has(tmp_path):
    folder = edition(tmp_path)
    (folder / "edition.pdf").write_bytes(b"x" * 2_300_000)
    (folder / "01_returns" / "groups.tex").touch()
    report.edition_page(folder, folder.name)
    page = Page(folder / "index.html")
    offered = {attrs["href"] for attrs in page.all("a")}
    named = {"edition.pdf", "results.json", "verdicts.csv", "01_returns/notebook.ipynb", "01_returns/groups.csv"}
    named |= {f"01_returns/after.{ending}" for ending in ("png", "svg", "csv")} | {"01_returns/groups.tex"}
    assert named <= offered and not {"edition.xlsx", "01_returns/after.tex"} & offered
    assert "2.3 MB" in page.text


def test_a_verdict_on_no_known_claim_is_refused(tmp_path):
    folder = edition(tmp_path)
    (folder / "verdicts.csv").write_text(VERDICTS.replace("third", "fourth"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"judges fourth, not in data/claims.csv"):
        report.edition_page(folder, "2025-02-14")


def test_a_landing_page_of_one_edition_still_lists_every_complete_one(tmp_path):
    for as_of in ("2025-02-14", "2025-06-30"):
        folder = edition(tmp_path, as_of)
        report.edition_page(folder, as_of)
    (folder.parent / "2026-01-01").mkdir()
    report.landing_page(folder.parent, ["2025-06-30"])
    page = Page(folder.parent / "index.html")
    links = [attrs["href"] for attrs in page.all("a")]
    assert {"2025-02-14/index.html", "2025-06-30/index.html"} <= set(links)
    assert not [link for link in links if "2026-01-01" in link]
    assert "With what was known on 30 June 2025" in page.text and "hold on 14 February 2025" not in page.text


@pytest.mark.fault(62)
def test_a_failed_run_is_told_on_the_landing_page(tmp_path):
    folder = edition(tmp_path).parent
    report.landing_page(folder, ["2025-02-14"])
    assert "The last run failed" not in Page(folder / "index.html").text
    (folder / "failed" / "2025-02-14").mkdir(parents=True)
    (folder / "failed" / "2025-02-14" / "01_returns.ipynb").touch()
    report.landing_page(folder, ["2025-02-14"])
    assert "The last run failed for the edition of 14 February 2025" in Page(folder / "index.html").text


def test_a_sweep_is_shown_with_its_picture_and_told_when_it_is_stale(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "shared_key", " ".join)
    folder = edition(tmp_path).parent
    place = folder / "sweeps" / "windows"
    place.mkdir(parents=True)
    picture = next(folder.glob("2025-02-14/*/*.png"))
    (place / "sweep.png").write_bytes(picture.read_bytes())
    told = {"sweep": "Windows <b>", "runs": 9, "file": "sweeps/windows.yml", "parameters": ["days"], "slug": "sweep"}
    told |= {"kind": "figure", "title": "All 9 agree", "alt": "Dots: 9.", "source": "made up"}
    for key, stale in (("01_returns", False), ("another", True)):
        content = json.dumps(told | {"notebooks": ["01_returns"], "key": key})
        (place / "sweep.json").write_text(content, encoding="utf-8")
        report.landing_page(folder, ["2025-02-14"])
        page = Page(folder / "index.html")
        assert "9 runs of 01_returns over days" in page.text and "Windows <b>" in page.text
        assert "sweeps/windows/sweep.svg" in [picture["src"] for picture in page.all("img")]
        assert ("Made before the last change" in page.text) == stale


def test_a_value_that_did_not_move_is_called_the_same_in_the_later_edition(tmp_path):
    edition(tmp_path)
    folder = edition(tmp_path, "2026-07-31").parent
    report.landing_page(folder, ["2025-02-14", "2026-07-31"])
    assert Page(folder / "index.html").text.count("same value as on 14 February 2025") == 1


def test_a_landing_page_of_an_edition_that_is_not_there_is_refused(tmp_path):
    folder = edition(tmp_path)
    with pytest.raises(ValueError, match="no complete edition 2026-01-01"):
        report.landing_page(folder.parent, ["2025-02-14", "2026-01-01"])


def test_the_lead_figure_is_the_first_of_the_newest_edition(tmp_path):
    folders = [edition(tmp_path, as_of) for as_of in ("2025-02-14", "2025-06-30")]
    for folder in folders:
        report.edition_page(folder, folder.name)
    report.landing_page(folders[0].parent, ["2025-02-14", "2025-06-30"])
    pictures = Page(folders[0].parent / "index.html").all("img")
    assert [picture["src"] for picture in pictures] == ["2025-06-30/01_returns/after.svg"]
    assert (pictures[0]["width"], pictures[0]["height"]) == ("800", "460")


def test_a_formula_becomes_mathml_and_what_is_beyond_it_stays_as_it_was():
    words = report.Prose([]).to_html(r"$w_i^2$ and $a_$ and $a < \text{<script>b</script>}$")
    assert "<msubsup><mi>w</mi><mi>i</mi><mn>2</mn></msubsup>" in words
    assert "<code>a_</code>" in words
    assert "<script>" not in words


def test_a_citation_leads_to_the_references_at_the_end_and_only_what_is_cited_is_there(tmp_path):
    pages = every(tmp_path, prose="Weights bring Hill's family [-@hill1973], and **more** [@sen1973].")
    (page,) = (page for page in pages if page.path.parent.name == "01_returns")
    assert "Hill's family (1973), and more (Sen 1973)." in page.text
    assert {"#01_returns-hill1973", "#01_returns-sen1973"} <= {attrs["href"] for attrs in page.all("a")}
    ids = [attrs.get("id") for _, attrs in page.elements]
    assert {"01_returns-hill1973", "01_returns-sen1973"} <= set(ids) and "01_returns-imhof1961" not in ids
    assert "References" in page.text and "On Economic Inequality" in page.text
    assert not [page for page in every(tmp_path / "other") if "References" in page.text]


def test_a_notebook_that_cites_an_unknown_work_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"01_returns cites 'hil1973', which references.bib does not hold"):
        every(tmp_path, prose="Hill's family [@hil1973].")
