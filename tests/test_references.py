import re

import nbformat
import pytest

from helpers import paths, references

SOURCE = re.sub(r"\s+", " ", " ".join(file.read_text() for file in sorted((paths.ROOT / "src").rglob("*.py"))))
PROSE = {
    file.stem: [cell.source for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "markdown"]
    for file in sorted(paths.NOTEBOOKS.glob("*.ipynb"))
}
BOOK = """@book{sen1973, author = {Sen, Amartya}, title = {On <b>Inequality</b> \\& {AI}}, publisher = {OUP},
  year = 1973}
@article{kolari2010, author = {Kolari, James W. and Pynn{\\"o}nen, Seppo}, title = {Event Study Testing},
  journal = {Review}, volume = 23, number = 11, pages = {3996--4025}, year = 2010, doi = {10.1/(A)1<8::B>2_3}}
@misc{arena2024, author = {Chiang, Wei-Lin and de Haan, Jan and others}, title = {Arena}, year = 2024,
  url = {https://example.org/a?b=1&c=2}, keywords = {data}}"""


@pytest.fixture
def works(tmp_path):
    return references.read(written(tmp_path, BOOK))


def written(tmp_path, text):
    file = tmp_path / "works.bib"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_work_that_a_notebook_cites_is_in_the_bibliography():
    works = references.read()
    assert PROSE and {key for cells in PROSE.values() for text in cells for key in references.cited(text)} <= set(works)


def test_no_citation_of_a_notebook_is_misspelt_so_that_it_stays_text():
    left = [re.sub(references.CITATION, "", text) for cells in PROSE.values() for text in cells]
    assert [text for text in left if re.search(r"\[-?@|@[a-z]+\d{4}", text)] == []


def test_every_work_is_cited_by_a_notebook_or_a_docstring_or_lies_behind_the_data():
    cited = {key for cells in PROSE.values() for text in cells for key in references.cited(text)}
    needless = []
    for key, work in references.read().items():
        # as docstrings have it: the last names, perhaps some of them, and near by the year
        first = re.escape(work.authors.split(" and ")[0].translate(str.maketrans("üñö", "uno")))
        named = re.search(rf"{first}\b[^.;]{{0,60}}\b{work.year}\b", SOURCE)
        if not (key in cited or work.is_data or named):
            needless.append(key)
    assert needless == []


def test_every_doi_of_a_docstring_is_in_the_bibliography():
    told = [work.plain() for work in references.read().values()]
    found = {doi.rstrip(".,;:)") for doi in re.findall(r"doi (10\.\d{4,}/\S+)", SOURCE)}
    # a bracket at the end may belong to either
    assert len(found) > 30 and [doi for doi in found if not any(doi in words for words in told)] == []


def test_no_work_stands_twice():
    works = references.read().values()
    for told in ([work.parts[-1][1] for work in works if "doi" in work.parts[-1][0]], [work.plain() for work in works]):
        assert len(told) == len(set(told))


def test_a_work_is_told_with_its_accents_initials_and_place(works):
    assert works["kolari2010"].plain() == (
        "Kolari, J. W. and Pynnönen, S. (2010). Event Study Testing. Review 23(11), 3996–4025. doi:10.1/(A)1<8::B>2_3"
    )
    assert works["sen1973"].plain() == "Sen, A. (1973). On <b>Inequality</b> & AI. OUP."
    assert works["arena2024"].plain().startswith("Chiang, W.-L., de Haan, J. and others (2024). Arena. https://")
    assert [work.is_data for work in works.values()] == [True, False, False]
    assert list(works) == ["arena2024", "kolari2010", "sen1973"]


def test_markup_in_a_work_is_escaped_in_html_and_its_address_holds(works):
    assert "<cite>On &lt;b&gt;Inequality&lt;/b&gt; &amp; AI</cite>" in works["sen1973"].html()
    assert (
        'href="https://doi.org/10.1/(A)1%3C8::B%3E2_3">doi:10.1/(A)1&lt;8::B&gt;2_3</a>' in works["kolari2010"].html()
    )
    assert 'href="https://example.org/a?b=1&amp;c=2"' in works["arena2024"].html()


def test_a_citation_links_to_its_reference_and_only_what_was_cited_is_listed(works):
    citations = references.Citations(works, "01_returns")
    assert citations.html("-@kolari2010; @arena2024") == (
        '(<a href="#01_returns-kolari2010">2010</a>; <a href="#01_returns-arena2024">Chiang and others 2024</a>)'
    )
    assert [work["id"] for work in citations.references()] == ["01_returns-arena2024", "01_returns-kolari2010"]


def test_a_citation_of_an_unknown_work_is_refused(works):
    with pytest.raises(ValueError, match=r"01_returns cites 'senn1973', which references.bib does not hold"):
        references.Citations(works, "01_returns").html("@senn1973")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOOK + BOOK, "works.bib: repeated bibliography entry"),
        (BOOK[:-1], "works.bib: syntax error in line"),
        ("@book{a, author = {B, C}, title = {D}}", "works.bib: a work lacks 'year'"),
        ("@book{a, title = {D}, year = 1}", "works.bib: a work lacks 'author'"),
    ],
)
def test_a_broken_bibliography_is_told_in_a_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as told:
        references.read(written(tmp_path, text))
    assert "\n" not in str(told.value)


def test_a_missing_bibliography_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.bib: .*No such file"):
        references.read(tmp_path / "absent.bib")
