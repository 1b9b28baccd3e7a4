import re
import zlib

import numpy as np
import pytest
from matplotlib.image import imsave

from helpers import content, pdf, references

DAY = "2025-02-14"


def opened(file):
    """All that a PDF says of its structure: itself, and its streams unpacked."""
    whole = file.read_bytes()
    parts = [whole]
    for start in re.finditer(rb"stream\r?\n", whole):
        try:
            parts.append(zlib.decompressobj().decompress(whole[start.end() :]))
        except zlib.error:
            continue
    return b"\n".join(parts)


def said(text):
    """A text as a PDF writes it, where it is not plain ASCII."""
    return text.encode("utf-16-be")


@pytest.fixture
def words(hostile):
    return pdf.told(hostile, DAY)


def test_the_pdf_is_tagged_and_says_its_language_its_title_and_its_own_day(hostile):
    pdf.write(hostile, DAY)
    file = opened(hostile / pdf.NAME)
    assert b"/StructTreeRoot" in file and b"/MarkInfo<</Marked true" in file and b"/Lang(en-GB)" in file
    assert b"pdfuaid:part" in file and b"/CreationDate(D:20250214000000Z)" in file
    assert b"AI after DeepSeek, reproduced" in file and b"/Outlines" in file
    assert not list(hostile.glob("*.part"))


def test_every_figure_carries_its_alt_text_in_the_file(hostile, words):
    (figure,) = [block for block in words["chapters"][0]["blocks"] if block["type"] == "figure"]
    assert "Down 4%" in figure["alt"]
    pdf.write(hostile, DAY)
    file = opened(hostile / pdf.NAME)
    alts = re.findall(rb"/Alt\((.*?)(?<!\\)\)", file, flags=re.DOTALL)
    assert [alt for alt in alts if said("Down 4%") in alt.replace(b"\\", b"") or b"Down 4%" in alt]


@pytest.mark.fault(61)
def test_two_builds_are_the_same_bytes(hostile):
    builds = []
    for _ in range(2):
        pdf.write(hostile, DAY)
        builds.append((hostile / pdf.NAME).read_bytes())
    assert builds[0] == builds[1]


@pytest.mark.fault(57)
def test_hostile_names_are_text_in_every_place_that_they_can_stand(hostile, words):
    # each of them would stop typst, if it were read as markup: a call that panics, an open formula, a missing label
    hurt = words["chapters"][0]["question"].removeprefix("Did they fall ").removesuffix("?")
    assert "#panic(1) $x$ @a" in hurt
    places = [words["ledger"][0]["rows"][0]["claim"], words["sources"][0]["producer"]]
    places += [block.get("caption", hurt) for block in words["chapters"][0]["blocks"]]
    assert all(hurt in place for place in places)
    (page,) = [page for page in pdf.bound(words, hostile, form="svg")[:1]]
    assert page.startswith(b"<svg") and b"<script" not in page
    # a chapter is a bookmark, and a bookmark is plain text; what no font can draw is told by its number
    pdf.write(hostile, DAY)
    title = r"#panic(1) $x$ @a <b> "
    file = opened(hostile / pdf.NAME)
    assert said(title) in file or title.encode() in file.replace(b"\\", b"")
    assert "sources" in words and "url" not in words["sources"][0]


def test_signs_that_no_font_holds_are_told_by_their_number(hostile, words):
    words["chapters"][0]["question"] = "A \N{CJK UNIFIED IDEOGRAPH-96F6} \N{BELL} \N{RIGHT-TO-LEFT OVERRIDE}"
    assert pdf._drawable(words)["chapters"][0]["question"] == "A [U+96F6] [U+1F514] [U+202E]"
    every = "".join(map(chr, sorted(pdf.signs())))
    words["chapters"][0]["blocks"] = [
        {"type": "lines", "lines": [every]},
        {"type": "prose", "children": [{"type": "codespan", "raw": every, "children": []}]},
    ]
    assert pdf.bound(words, hostile).startswith(b"%PDF")


def test_exhibits_are_numbered_by_notebook_and_listed(words):
    numbers = [block["number"] for block in words["chapters"][0]["blocks"] if "number" in block]
    assert numbers == ["1.1", "1.2"]


def test_what_is_cited_is_listed_and_formulas_are_counted(words):
    assert [one["key"] for one in words["references"]] == ["hill1973"]
    # one of its own, and one that the hostile text opens
    assert words["formulas"] == "Formulas: 2, all set as mathematics."


def test_a_formula_beyond_translation_is_shown_as_tex_and_counted(hostile):
    prose = pdf.Prose([], references.Citations({}, "01_returns"))
    (paragraph,) = [node for node in prose.tree("It is $a_$ and $b$.") if node["type"] == "paragraph"]
    assert [node["code"] for node in paragraph["children"] if node["type"] == "inline_math"] == [None, r"\u{62}"]
    assert prose.count() == "Formulas: 2, of which shown as TeX: 1."


def test_headings_go_down_one_step_at_a_time_below_the_chapter():
    prose = pdf.Prose([], references.Citations({}, "01_returns"))
    nodes = prose.tree("## Data\n\n#### Deeper\n\n# Again")
    assert [node["level"] for node in nodes if node["type"] == "heading"] == [2, 3, 2]


def test_a_link_leads_to_a_chapter_or_an_address_and_to_nothing_else():
    prose = pdf.Prose(["01_returns"], references.Citations({}, "01_returns"))
    text = "[a](01_returns.ipynb) [b](https://example.org/) [c](javascript:alert(1)) [d](09_absent.ipynb)"
    (paragraph,) = prose.tree(text)
    links = [node for node in paragraph["children"] if node["type"] == "link"]
    assert [(link.get("chapter"), link.get("url")) for link in links] == [
        ("01_returns", None),
        (None, "https://example.org/"),
        (None, None),
        (None, None),
    ]


def test_a_long_table_is_cut_and_the_cut_is_told():
    cell = {"tag": "td", "text": "4", "number": True, "spans": {}}
    out = {"kind": "table", "caption": "Rows", "files": "a/b", "head": [[cell]], "body": [[cell]] * 99}
    table = pdf._table(out)
    assert (len(table["body"]), table["left"], table["numbers"]) == (pdf.MOST_ROWS, 99 - pdf.MOST_ROWS, [True])
    short = pdf._table(out | {"body": [[cell]] * 4})
    assert (len(short["body"]), short["left"]) == (4, 0)


def test_a_tall_picture_is_cut_where_it_is_blank_and_no_other_is(tmp_path):
    pixels = np.ones((2000, 800, 3))
    # panels with a narrow gap in the middle and a wide one above it
    pixels[100:880], pixels[920:998], pixels[1002:1900] = 0, 0, 0
    imsave(tmp_path / "b.png", pixels)
    tall = {"width": 800, "height": 2000, "title": "T", "alt": "A", "files": "b"}
    assert pdf._figure(tmp_path, tall)["parts"] == [[0, 0.45], [0.45, 1]]
    assert pdf._figure(tmp_path, tall | {"height": 400})["parts"] == [[0, 1]]
    imsave(tmp_path / "b.png", pixels[200:800])
    assert pdf._figure(tmp_path, tall)["parts"] == [[0, 1]]


def test_both_parts_of_a_tall_picture_are_set(hostile, words):
    (figure,) = [block for block in words["chapters"][0]["blocks"] if block["type"] == "figure"]
    whole = pdf.bound(words, hostile)
    figure |= {"ratio": 2.5, "parts": [[0, 0.4], [0.4, 1]]}
    cut = pdf.bound(words, hostile)
    assert cut.count(b"Continued: ") + cut.count(said("Continued: ")) == 1 and b"Continued: " not in whole


def test_a_pdf_that_cannot_be_set_is_told_in_a_line_and_the_last_one_stays(hostile):
    (hostile / pdf.NAME).write_bytes(b"the last good one")
    (hostile / "01_returns" / "returns-after.svg").write_text("no picture", encoding="utf-8")
    with pytest.raises(ValueError, match="the PDF cannot be set: ") as told:
        pdf.write(hostile, DAY)
    assert "\n" not in str(told.value) and (hostile / pdf.NAME).read_bytes() == b"the last good one"


@pytest.mark.fault(59)
def test_a_figure_without_alt_text_is_refused(hostile, monkeypatch):
    monkeypatch.setattr(content, "_output", lambda folder, output: content.figure(folder, {"slug": "a", "alt": " "}))
    with pytest.raises(ValueError, match="01_returns/a: a figure needs alt text"):
        pdf.write(hostile, DAY)
