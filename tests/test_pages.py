"""The pages as a browser shows them: a report of stored notebooks, with hostile names planted in all that it says."""

import base64
import json
import re
import shutil
import types
import urllib.parse
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from browsing import UNSEEN, chromium, violations
from helpers import content, numbers, pages, paths, report, results

# each of them leaves a trace when it runs
RUN = "window.ran=1;console.log('ran')"
EVIL = (
    f'"><script>{RUN}</script><img src=x onerror="{RUN}"><svg onload="{RUN}"></svg>'
    f'<a href="javascript:{RUN}">x</a><style>*{{display:none}}</style></code></pre>'
    f"<iframe srcdoc='<script>{RUN}</script>'></iframe>{{{{ 7 * 7 }}}}"
)
PROSE = f"\n\n{EVIL}\n\n[go](javascript:{RUN}) ![far](https://example.org/far.png) [away](https://example.org/)\n"
PICTURE = f"""<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400" onload="{RUN.replace('"', "'")}">
<script>{RUN}</script><image href="https://example.org/far.png" width="9" height="9"/><text y="40">figure</text></svg>
"""
EDITIONS = {"2025-02-14": ["99_verdicts"], "2026-07-31": ["00_data", "01_returns", "99_verdicts"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A report of two editions, of which the first has one notebook only."""
    root = tmp_path_factory.mktemp("site")
    (root / "data").mkdir()
    claims = pd.read_csv(paths.DATA / "claims.csv", keep_default_na=False, dtype=str).head(12)
    claims["notebook"] = ["01_returns"] * 8 + ["99_verdicts"] * 4
    claims[["claim", "quantity"]] += EVIL
    claims.to_csv(root / "data" / "claims.csv", index=False)
    sources = pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, dtype=str)
    sources[["producer", "licence", "title"]] += EVIL
    sources.loc[0, "address"] = f"javascript:{RUN}"
    sources.to_csv(root / "data" / "sources.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "DATA", root / "data")
        for as_of, names in EDITIONS.items():
            folder = root / "report" / as_of
            for name in names:
                plant(paths.NOTEBOOKS / f"{name}.ipynb", folder / name)
            answered = results.claims().query("notebook in @names")
            records = [record for claim in answered.itertuples() for record in made_up(claim)]
            (folder / "results.json").write_text(json.dumps(records), encoding="utf-8")
            results.verdicts(records, as_of).to_csv(folder / "verdicts.csv", index=False)
            report.edition_page(folder, as_of)
        failed = root / "report" / "failed" / "2025-02-14"
        failed.mkdir(parents=True)
        (failed / "01_returns.ipynb").touch()
        report.landing_page(root / "report", list(EDITIONS))
    return root / "report"


def plant(source, folder):
    """Lay out a stored notebook as a run does, with hostile text wherever text goes."""
    folder.mkdir(parents=True)
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        # the first line of the first cell is the question
        cell.source = (
            cell.source.replace("?\n", f" {EVIL}?\n{PROSE}", 1) if cell.cell_type == "markdown" else cell.source
        )
        cell.source += PROSE if cell.cell_type == "markdown" else f"\n# {EVIL}"
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text += EVIL
                continue
            exhibit = output.metadata["exhibit"]
            for key in ("title", "alt", "caption", "source"):
                exhibit |= {key: exhibit[key] + EVIL} if key in exhibit else {}
            file = folder / exhibit["slug"]
            file.with_suffix(".csv").write_text("a\n1\n", encoding="utf-8")
            if exhibit["kind"] == "figure":
                file.with_suffix(".png").write_bytes(base64.b64decode(output.data["image/png"]))
                file.with_suffix(".svg").write_text(PICTURE, encoding="utf-8")
            else:
                rows = content.Rows(output.data["text/html"])
                texts = [[cell["text"] for cell in row] for row in rows.head + rows.body]
                pd.DataFrame(texts).to_csv(file.with_suffix(".csv"), index=False, header=False)
                # a few rows are as good as hundreds
                head, *body = output.data["text/html"].replace("<td>", f"<td>{EVIL} ", 1).split("<tr>")
                output.data["text/html"] = "<tr>".join([head, *body[:5]])
    nbformat.write(notebook, folder / "notebook.ipynb")


def made_up(claim):
    """Records of a claim: a headline in its range, and alternatives of which one is not."""
    edge = claim.low if claim.low > float("-inf") else claim.high
    step = 0.02 if claim.low > float("-inf") else -0.02
    value = edge + step
    common = {"notebook": claim.notebook, "unit": claim.unit, "n": 3, "method": f"made up {EVIL}"}
    common |= {"kind": "resampled", "inputs": []}
    ends = {"value": value, "low": value - abs(step) / 2, "high": value + abs(step) / 2}
    return [
        common | ends | {"id": claim.Index, "role": "headline"},
        common | ends | {"id": f"{claim.Index}/fund {EVIL}", "role": "alternative", "low": "-inf"},
        common | {"id": f"{claim.Index}/b", "role": "alternative", **dict.fromkeys(ends, edge - step)},
        common | {"id": f"{claim.Index}/c", "role": "alternative", **dict.fromkeys(ends, edge + 900 * step)},
    ]


def files(site):
    return sorted(path for path in site.rglob("*.html") if path.parent.name != "failed")


@pytest.fixture(scope="module")
def visits(browser, site):
    """Go to every page once, in a window of 1280 pixels: what was asked for, said, and found there."""
    told, found = {}, {}
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.on("console", lambda message: told.setdefault("said", []).append(message.text))
    page.on("pageerror", lambda error: told.setdefault("said", []).append(str(error)))
    page.on("dialog", lambda dialog: told.setdefault("said", []).append(dialog.message))
    page.on("request", lambda request: told.setdefault("asked", []).append(request.url))
    for file in files(site):
        told.clear()
        page.goto(file.as_uri())
        # pictures out of sight are asked for late
        page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager' })")
        page.wait_for_load_state("networkidle")
        found[file] = {
            **{"said": [], "asked": []},
            **told,
            "ran": page.evaluate("window.ran"),
            "links": page.evaluate("[...document.links].map(link => link.href)"),
            "ids": page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)"),
            "pictures": page.evaluate("[...document.images].map(image => [image.src, image.alt, image.naturalWidth])"),
            "text": page.evaluate("document.body.textContent"),
            "kinds": page.evaluate("[...new Set([...document.querySelectorAll('*')].map(one => one.localName))]"),
        }
    page.close()
    return found


def test_a_trap_that_could_run_would_be_noticed(browser, site):
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]+>', (site / "index.html").read_text())[0]
    for head, ran in (("", 1), (policy, None)):
        page = browser.new_page()
        page.set_content(f"<!doctype html>{head}<p title='{EVIL}</p>")
        assert page.evaluate("window.ran") == ran
        page.close()


@pytest.mark.fault(57)
def test_no_planted_name_runs_and_each_is_shown_as_it_is(visits):
    for file, visit in visits.items():
        assert visit["ran"] is None, file
        assert f"<script>{RUN}</script>" in visit["text"] and "{{ 7 * 7 }}" in visit["text"], file
        assert not {"script", "iframe", "style", "object", "embed", "form"} & set(visit["kinds"]), file
        assert not [link for link in visit["links"] if link.startswith("javascript:")], file


def test_the_console_stays_silent(visits):
    assert {file: visit["said"] for file, visit in visits.items() if visit["said"]} == {}


@pytest.mark.fault(58)
def test_nothing_is_asked_for_but_files_of_the_report(visits, site):
    for file, visit in visits.items():
        outside = [url for url in visit["asked"] if not url.startswith((site.as_uri(), "data:"))]
        assert outside == [] and file.as_uri() in visit["asked"]


def test_every_link_and_anchor_leads_somewhere(visits):
    missing, inside = [], 0
    for file, visit in visits.items():
        for link in set(visit["links"]):
            address, _, anchor = link.partition("#")
            if not address.startswith("file:"):
                continue
            inside += 1
            target = Path(urllib.parse.unquote(urllib.parse.urlparse(address).path))
            known = visits[target]["ids"] if target in visits else []
            if not target.is_file() or (anchor and anchor not in known):
                missing.append((file.name, link))
    assert missing == [] and inside > 100


def test_every_figure_is_there_with_its_finding_in_words(visits, site):
    shown = [picture for visit in visits.values() for picture in visit["pictures"]]
    assert len(shown) > 5
    for source, alt, width in shown:
        assert width > 0, source
        assert re.search(r"\d", alt.removesuffix(EVIL)) and alt.endswith(EVIL), source


def test_no_id_stands_twice_on_a_page(visits):
    for visit in visits.values():
        assert len(visit["ids"]) == len(set(visit["ids"]))


@pytest.mark.fault(60)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, site, scheme):
    page = browser.new_page(color_scheme=scheme)
    wrong = {}
    # nothing but colours follows from the scheme
    only = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}[scheme]
    for file in files(site):
        wrong |= violations(page, file, only)
    page.close()
    assert wrong == {}


@pytest.mark.fault(60)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_behind_a_number_is_as_sound_as_the_others(browser, lay_out, scheme):
    folder = lay_out()
    pages.furnish(folder)
    numbers.write(folder, folder.name)
    page, said = browser.new_page(color_scheme=scheme, viewport={"width": 320, "height": 800}), []
    page.on("console", lambda message: said.append(message.text))
    for file in sorted(folder.glob("numbers/*.html")):
        assert violations(page, file, {}) == {} and said == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert not page.evaluate("document.querySelectorAll('script').length")
    page.close()


def test_dark_and_light_are_two_grounds(browser, site):
    grounds = set()
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto((site / "index.html").as_uri())
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        frame = page.evaluate("getComputedStyle(document.querySelector('.picture .scroll')).backgroundColor")
        # the pictures' own ground is white
        assert frame == "rgb(255, 255, 255)"
        page.close()
    assert len(grounds) == 2


@pytest.mark.parametrize(("width", "zoom"), [(320, 1), (640, 2), (1280, 1)])
def test_no_page_scrolls_sideways(browser, site, width, zoom):
    page = browser.new_page(viewport={"width": width, "height": 800}, device_scale_factor=zoom)
    wide = {}
    for file in files(site):
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        if page.evaluate("document.scrollingElement.scrollWidth") > width:
            wide[str(file.relative_to(site))] = page.evaluate(
                "[...document.body.querySelectorAll('*')].filter(one => one.getBoundingClientRect().right > innerWidth"
                " && !one.closest('.scroll')).slice(0, 3).map(one => one.outerHTML.slice(0, 200))"
            )
    page.close()
    assert wide == {}


def test_a_figure_fits_its_frame_in_a_window_of_768_pixels(browser, site):
    page = browser.new_page(viewport={"width": 768, "height": 800})
    page.goto((site / "2026-07-31" / "01_returns" / "index.html").as_uri())
    frames = "[...document.querySelectorAll('.picture .scroll')].map(one => one.scrollWidth - one.clientWidth)"
    assert set(page.evaluate(frames)) == {0}
    page.close()


def test_the_keyboard_comes_first_to_the_skip_link_and_always_sees_where_it_is(browser, site):
    page = browser.new_page()
    for file in (site / "index.html", site / "2026-07-31" / "01_returns" / "index.html"):
        page.goto(file.as_uri())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.wait_for_function("document.activeElement.getBoundingClientRect().top >= 0")
        for _ in range(12):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            page.keyboard.press("Tab")
        page.goto(file.as_uri())
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_code_opens_with_one_click_and_without_a_script(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "2026-07-31" / "01_returns" / "index.html").as_uri())
    folded = page.locator("details:not([open])").first
    code = folded.locator("pre").element_handle()
    assert not code.is_visible()
    folded.locator("summary").click()
    assert code.is_visible()
    context.close()


def test_on_paper_there_is_no_navigation_and_no_folded_code(browser, site):
    page = browser.new_page()
    page.emulate_media(media="print")
    page.goto((site / "2026-07-31" / "01_returns" / "index.html").as_uri())
    assert not page.locator("nav >> visible=true").count()
    assert not page.locator("details:not([open]) >> visible=true").count()
    assert page.locator("figure.picture >> visible=true").count()
    page.close()


@pytest.mark.fault(62)
def test_a_failed_run_is_told_where_one_looks_first(visits, site):
    assert "The last run failed for the edition of 14 February 2025" in visits[site / "index.html"]["text"]


@pytest.mark.fault(61)
def test_two_builds_are_the_same_bytes(site, monkeypatch):
    monkeypatch.setattr(paths, "DATA", site.parent / "data")
    before = {file: file.read_bytes() for file in files(site)}
    for as_of in EDITIONS:
        report.edition_page(site / as_of, as_of)
    report.landing_page(site, list(EDITIONS))
    assert {file: file.read_bytes() for file in files(site)} == before


def test_where_there_is_no_browser_the_summary_says_so(pytestconfig, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert chromium() is None
    told = []
    skipped = types.SimpleNamespace(longrepr=("test_pages.py", 1, f"Skipped: {UNSEEN}"))
    reporter = types.SimpleNamespace(
        stats={"skipped": [skipped] * 3}, write_line=lambda words, **markup: told.append((words, markup))
    )
    (hooks,) = [one for one in pytestconfig.pluginmanager.get_plugins() if hasattr(one, "EXECUTE")]
    hooks.pytest_terminal_summary(reporter)
    assert told == [(UNSEEN, {"red": True, "bold": True})]


def test_downloads_are_the_files_that_are_there_in_the_order_of_the_exhibits(tmp_path):
    for name, count in {"results.json": 820, "edition.xlsx": 1_400_000, "01_returns/a.csv": 48_300}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * count)
    table = {"kind": "table", "caption": "One row a day", "files": "01_returns/a"}
    sections = [{"name": "01_returns", "question": "Who?", "cells": [{"outputs": [table, {"kind": "text"}]}]}]
    found = pages.downloads(tmp_path, sections)
    assert [(file["path"], pages.size(file["bytes"])) for file in found["whole"]] == [
        ("edition.xlsx", "1.4 MB"),
        ("results.json", "1 kB"),
    ]
    assert found["notebooks"][0]["exhibits"] == [
        {"title": "One row a day", "files": [{"path": "01_returns/a.csv", "label": "CSV", "bytes": 48_300}]}
    ]
    assert found["notebooks"][0]["files"] == []


def test_the_age_of_a_source_is_counted_against_the_editions_day_and_never_today(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "DATA", tmp_path)
    kinds = {"prices": "series", "boards": "series", "names": "definition", "old": "record", "late": "snapshots"}
    kinds |= {"untold": "snapshots"}
    rows = "".join(f"{table},2026-09-30,{kind}\n" for table, kind in kinds.items())
    (tmp_path / "sources.csv").write_text(f"table,published,kind\n{rows}", encoding="utf-8")
    (tmp_path / "00_data").mkdir()
    (tmp_path / "00_data" / "data-tables.csv").write_text(
        "table,last\nprices,2026-07-31\nboards,2026-06-25\nnames,\nold,2020-01-01\nlate,\n", encoding="utf-8"
    )
    found = pages.sources(tmp_path, "2026-07-31")
    assert [(row["table"], row["days"], row["words"]) for row in found] == [
        ("boards", 36, "36 days before"),
        ("prices", 0, "the day itself"),
        ("late", None, "nothing known yet on the day"),
        ("untold", None, "not told by this edition"),
        ("old", None, "a closed record, does not age"),
        ("names", None, "a definition, does not age"),
    ]


def test_the_stored_notebook_of_the_data_tells_the_age_of_every_source():
    # the landing page reads the exhibit by its name and columns
    (shown,) = [
        output
        for cell in nbformat.read(paths.NOTEBOOKS / "00_data.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("exhibit", {}).get("slug") == "data-tables"
    ]
    table = content.Rows(shown.data["text/html"])
    names = [cell["text"] for cell in table.head[0]]
    assert {"table", "last"} <= set(names)
    known = set(pd.read_csv(paths.DATA / "sources.csv", dtype=str)["table"])
    assert {row[names.index("table")]["text"] for row in table.body} == known


def test_numbers_with_a_page_are_those_whose_file_is_there(tmp_path):
    assert pages.numbers(tmp_path) == set()
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / "fell.html").touch()
    (tmp_path / "numbers" / "style.css").touch()
    assert pages.numbers(tmp_path) == {"fell"}
