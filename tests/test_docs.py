"""The docs as pages: the real ones beside the stored notebooks, and small ones that must be refused."""

import ast
import importlib
import re
from itertools import pairwise

import pytest

from browsing import violations
from helpers import docs, freshness, pages, paths, report, results
from reading import Page

DAY = results.NOTE_DAY
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def site(stored):
    """The docs of the repository in a report whose one edition holds the stored notebooks."""
    pages.furnish(stored)
    docs.write(stored / "docs", {DAY: stored / DAY})
    return stored


def every(site):
    return [Page(file) for file in sorted((site / "docs").glob("*.html"))]


def texts():
    return {file: file.read_text(encoding="utf-8") for file in docs.files()}


# the docs of the repository


def test_every_link_anchor_and_picture_of_the_docs_leads_somewhere(site):
    inside, ids = 0, {}
    for page in every(site):
        asked = [attrs.get("href") or attrs.get("src") for attrs in page.all("a", "img", "link")]
        for address in {each for each in asked if not each.startswith(("https://", "data:"))}:
            path, _, anchor = address.partition("#")
            target = (page.path.parent / path).resolve() if path else page.path
            assert target.is_file(), (page.path.name, address)
            if anchor and target not in ids:
                ids[target] = {attrs["id"] for _, attrs in Page(target).elements if "id" in attrs}
            assert not anchor or anchor in ids[target], address
            inside += 1
    assert inside > 200


def test_the_contents_lead_to_every_page(site):
    linked = {attrs["href"] for attrs in Page(site / "docs" / "index.html").all("a")}
    assert {page.path.name for page in every(site)} - {"index.html"} <= linked


def test_a_page_has_one_title_headings_in_order_and_no_id_twice(site):
    for page in every(site):
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
        ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
        assert len(ids) == len(set(ids))


def test_no_mark_comment_formula_or_citation_is_left_as_it_was_written(site):
    for page in every(site):
        told = re.sub(r"<code.*?</code>", "", page.path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"&lt;!--|\[-?@\w+\d{4}|\\(frac|sum|operatorname)\b", told), page.path.name
    assert len(Page(site / "docs" / "methods.html").all("math")) > 20


def test_every_notebook_of_the_readme_is_linked_in_the_edition_of_the_note(site):
    linked = {attrs["href"] for attrs in Page(site / "docs" / "readme.html").all("a")}
    assert {f"../{DAY}/{file.stem}/index.html" for file in paths.NOTEBOOKS.glob("[0-9]*.ipynb")} <= linked


def test_every_helper_that_the_docs_name_is_there():
    modules = {file.stem for file in (paths.ROOT / "src" / "helpers").glob("*.py")}
    named = {span for text in texts().values() for span in re.findall(r"`([a-z_]+\.[A-Za-z_]+)(?:\([^`]*\))?`", text)}
    helpers = [name.partition(".")[::2] for name in sorted(named) if name.partition(".")[0] in modules]
    missing = [f"{module}.{name}" for module, name in helpers if not _holds(module, name)]
    assert missing == [] and len(helpers) > 50


def _holds(module, name):
    # a file of the top folder may have a module's name, such as references.bib; a notebook's object is of a class
    held = importlib.import_module(f"helpers.{module}")
    held = held.Notebook if module == "notebook" else held
    return (paths.ROOT / f"{module}.{name}").is_file() or hasattr(held, name)


def test_every_command_that_the_docs_show_is_known_to_the_makefile():
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    (known,) = re.findall(r"^KNOWN := (.+)$", makefile, flags=re.MULTILINE)
    shown = [
        command
        for text in texts().values()
        for command in re.findall(r"`make ([^`]*)`", text) + re.findall(r"^make (.*)$", text, flags=re.MULTILINE)
    ]
    words = [re.sub(r'"[^"]*"|\'[^\']*\'', "x", command.partition("#")[0]).split() for command in shown]
    assert [line for line in words if line and line[0] not in targets] == []
    given = {word.partition("=")[0] for line in words for word in line[1:] if re.match(r"[A-Z_]+=", word)}
    assert given <= set(known.split()) and len(words) > 30


def test_every_file_that_the_docs_show_is_watched(site):
    held = {
        file.relative_to(site / "docs" / "files") for file in (site / "docs" / "files").rglob("*") if file.is_file()
    }
    watched = {file for file in freshness.inputs() if file.startswith(str(paths.ROOT))}
    assert {str(paths.ROOT / file) for file in held} <= watched and held
    assert {str(file) for file in docs.files()} <= watched


def test_two_builds_are_the_same_bytes(site, tmp_path):
    written = docs.write(tmp_path / "docs", {DAY: site / DAY})
    again = {file.relative_to(tmp_path): file.read_bytes() for file in written}
    assert again == {name: (site / name).read_bytes() for name in again} and len(again) > 10


def test_a_browser_and_axe_find_nothing_amiss(browser, site):
    page, said, asked, wrong, wide = browser.new_page(viewport={"width": 320, "height": 800}), [], [], {}, []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for file in sorted((site / "docs").glob("*.html")):
        page.emulate_media(color_scheme="light")
        page.goto(file.as_uri())
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(file.name)
        # all that a page may hold: prose, formulas, code, tables, of which a row is like the next
        if file.stem in ("first-hour", "methods", "replication"):
            wrong |= violations(page, file, {}, rows=2)
            page.emulate_media(color_scheme="dark")
            wrong |= violations(page, file, {"runOnly": ["color-contrast"]}, rows=2)
    page.close()
    assert wrong == {} and wide == [] and said == []
    assert [url for url in asked if not url.startswith((site.as_uri(), "data:"))] == []


# small docs


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write small docs by the name of their files; gives the page of the first."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    (tmp_path / "references.bib").write_text(
        "@book{sen1973, author = {Sen, Amartya}, title = {On Inequality}, year = 1973}", encoding="utf-8"
    )
    for name in ("LICENSE", "secret.txt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "requirements.lock").touch()

    def called(**sources):
        for name, text in sources.items():
            file = tmp_path / (f"{name}.md" if name.isupper() else f"docs/{name}.md")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        found = docs.write(tmp_path / "report" / "docs", {})
        return next(Page(file) for file in found if file.suffix == ".html")

    return called


def test_where_there_is_no_markdown_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert docs.write(tmp_path / "docs", {}) == [] and not (tmp_path / "docs").exists()


def test_hostile_markdown_is_shown_and_never_run(written):
    page = written(
        a=f"# A {EVIL}\n\nHere {EVIL}.\n\n{EVIL}\n\n[x](javascript:alert) ![far](https://example.org/a.png)\n"
    )
    assert EVIL in page.text and EVIL not in page.path.read_text(encoding="utf-8")
    assert not page.all("script", "img", "iframe")
    assert not [attrs for attrs in page.all("a") if "javascript" in attrs.get("href", "")]


def test_a_comment_is_left_out_and_what_stands_around_it_stays(written):
    page = written(a="# A\n\nBefore <!-- inside --> after.\n\n<!-- alone -->\nbelow\n")
    assert "Before  after." in page.text and "below" in page.text and "alone" not in page.text


def test_headings_are_named_as_github_names_them(written):
    page = written(
        a="# A\n\nb\n\n## 1. Install, build: *five* `x_y` minutes\n\n## Twice\n\n## Twice\n\n## Main\n\n## References\n"
    )
    names = [attrs["id"] for tag, attrs in page.elements if tag == "h2"]
    assert names == ["1-install-build-five-x_y-minutes", "twice", "twice-1", "main-1", "references-1"]


def test_links_lead_to_pages_and_to_copies_of_files(written, tmp_path):
    page = written(
        a="# A\n\n[b](b.md#c) [up](../README.md) [file](../LICENSE) [kept](../secret.txt) [here](#d) [folder](../docs) "
        "[w](https://e.org)\n\n## D\n",
        b="# B\n\nb\n\n## C\n",
        README="# R\n\n[a](docs/a.md) after [@sen1973]\n",
    )
    linked = {attrs["href"] for attrs in page.all("a")}
    assert {"b.html#c", "readme.html", "files/LICENSE", "#d", "https://e.org"} <= linked
    # neither a folder nor a file from which no report follows can be opened there
    assert "folder" in page.text and "kept" in page.text and not [each for each in linked if "secret" in each]
    assert (tmp_path / "report" / "docs" / "files" / "LICENSE").read_text() == "x"
    works = Page(tmp_path / "report" / "docs" / "readme.html")
    assert {attrs["href"] for attrs in works.all("a")} >= {
        "a.html",
        "#readme-sen1973",
    } and "On Inequality" in works.text


def test_a_page_that_the_contents_do_not_link_stands_at_their_end(written, tmp_path):
    page = written(README="# D\n\nno link\n", other="# Another page\n\nb\n")
    # the one of the top folder, which is in capitals
    assert page.path.name == "other.html"
    (tmp_path / "docs" / "README.md").write_text("# Docs\n\nall of [them](../README.md)\n", encoding="utf-8")
    docs.write(tmp_path / "report" / "docs", {})
    contents = Page(tmp_path / "report" / "docs" / "index.html")
    assert [attrs["href"] for attrs in contents.all("a")].count("other.html") == 1 and "More pages" in contents.text


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"a": "# A\n\n[b](b.md)\n"}, r"docs/a\.md: b\.md leads to nothing in the repository"),
        ({"a": "# A\n\n[b](../../x)\n"}, r"docs/a\.md: \.\./\.\./x leads to nothing"),
        ({"a": "# A\n\n[b](#c)\n"}, r"docs/a\.md: docs/a\.md has no heading for #c"),
        ({"a": "# A\n\n[b](b.md#c)\n", "b": "# B\n\nc\n"}, r"docs/a\.md: docs/b\.md has no heading for #c"),
        ({"a": "# A\n\n![](../secret.txt)\n"}, r"docs/a\.md: the picture \.\./secret\.txt needs a text"),
        ({"a": "# A\n\n![b](b.png)\n"}, r"docs/a\.md: b\.png leads to nothing"),
        ({"a": "# A\n\nb\n\n<!-- table: none -->\n"}, r"docs/a\.md: no table 'none' is known to the docs, only d"),
        ({"a": "# A\n\n[@nobody1900]\n"}, r"a cites 'nobody1900', which references\.bib does not hold"),
        ({"a": "no title\n"}, r"docs/a\.md needs a title"),
        ({"a": "# only a title\n"}, r"docs/a\.md needs a title, # in its first line, and a paragraph"),
        ({"readme": "# A\n\nb\n", "README": "# A\n\nb\n"}, r"another file becomes the page readme\.html too"),
    ],
)
def test_what_leads_nowhere_is_refused_with_its_place(written, sources, message):
    with pytest.raises(ValueError, match=message) as told:
        written(**sources)
    assert "\n" not in str(told.value)


def test_the_landing_page_links_the_docs_where_they_are(place):
    place.edition(DAY)
    counts = []
    for _ in range(2):
        report.landing_page(place.report, [DAY])
        linked = [attrs["href"] for attrs in Page(place.report / "index.html").all("a")]
        counts.append(linked.count("docs/index.html"))
        (place.report / "docs").mkdir(exist_ok=True)
        (place.report / "docs" / "index.html").touch()
    assert counts == [0, 2]


def test_a_report_binds_the_docs_and_keeps_the_last_good_ones(copy):
    copy.write(
        "01_leaf",
        "from helpers.notebook import Notebook\n"
        "(Notebook('01_leaf', as_of).output_dir / 'results.json').write_text('[]')",
    )
    copy.write("99_verdicts", "print(as_of)")
    (copy.root / "docs").mkdir()
    (copy.root / "docs" / "README.md").write_text("# Docs\n\n[leaf](../notebooks/01_leaf.ipynb)\n", encoding="utf-8")
    code, said = copy.run("report")
    assert code == 0, said
    good = copy.files("report/docs")
    assert list(good) == ["index.html"] and b'href="../2025-02-14/01_leaf/index.html"' in good["index.html"]
    assert b'href="docs/index.html"' in (copy.report / "index.html").read_bytes()
    copy.edit("docs/README.md", "../notebooks/01_leaf.ipynb", "../notebooks/07_gone.ipynb")
    code, said = copy.run("report")
    assert code == 1
    assert "binding the docs: docs/README.md: ../notebooks/07_gone.ipynb leads to nothing in the repository\n" in said
    assert copy.files("report/docs") == good and not list(copy.report.glob(".stage-*"))


def test_no_page_is_written_by_name_in_the_module():
    # a page more needs a file and no code
    tree = ast.parse((paths.ROOT / "src" / "helpers" / "docs.py").read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not {file.name for file in (paths.ROOT / "docs").glob("*.md") if file.name != "README.md"} & words
