import re

import nbformat
import pytest
import typst

from helpers import mathematics, paths

PROSE = "\n".join(
    cell.source
    for file in sorted(paths.NOTEBOOKS.glob("*.ipynb"))
    for cell in nbformat.read(file, as_version=4).cells
    if cell.cell_type == "markdown"
)
FORMULAS = sorted(set(re.findall(r"\$([^$`\n]+)\$", PROSE)))


def compiled(code):
    """Set one formula in type, as a picture; typst refuses what is not its mathematics."""
    page = f'#math.equation(eval({typst_text(code)}, mode: "math"))'
    return typst.Compiler(input=page.encode(), ignore_system_fonts=True).compile(format="svg")


def typst_text(code):
    return '"' + code.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_every_formula_of_the_notebooks_can_be_told_and_set():
    told = [mathematics.typst(formula) for formula in FORMULAS]
    assert len(told) > 30 and [formula for formula, code in zip(FORMULAS, told, strict=True) if code is None] == []
    assert compiled(" ".join(told)).startswith(b"<svg")


@pytest.mark.parametrize(
    ("tex", "code"),
    [
        ("x_i^2", r'attach(\u{78}, b: \u{69}, t: "2")'),
        (r"\sqrt{n}", r"sqrt(\u{6e})"),
        (r"\ln x", r'op("ln") \u{78}'),
        (r"\operatorname{expit}(a)", r'op("expit") \u{28} \u{61} \u{29}'),
        (r"\left(\frac{a}{b}\right)", r"lr(\u{28} frac(\u{61}, \u{62}) \u{29})"),
        (r"\hat{x}", r"hat(\u{78})"),
        (r"c\,h", r"\u{63} #h(0.167em) \u{68}"),
        (r"\text{a b}", '"a\N{NO-BREAK SPACE}b"'),
        (r"\sqrt[3]{y}", r'root("3", \u{79})'),
    ],
)
def test_a_formula_is_told_in_the_words_of_typst(tex, code):
    assert mathematics.typst(tex) == code
    assert compiled(code).startswith(b"<svg")


@pytest.mark.parametrize(
    "tex", ["a_", r"\begin{matrix}a\end{matrix}", "\\text{\N{CJK UNIFIED IDEOGRAPH-96F6}}", "{}^2"]
)
def test_what_is_beyond_it_is_said_to_be(tex):
    assert mathematics.typst(tex) is None


@pytest.mark.parametrize(
    "tex", ["#panic(1)", '#read("/a")', r"x \# @a", '$ " ; //', r"\text{#panic(1) $ \textbackslash}", "<b>"]
)
def test_no_sign_of_a_formula_is_a_command(tex):
    code = mathematics.typst(tex)
    if code is not None:
        # all that is left beside escapes, words in quotes and the house's own functions is spacing
        left = re.sub(r'"(?:[^"\\]|\\.)*"|\\u\{[0-9a-f]+\}|#h\([0-9.]+em\)', "", code)
        assert re.fullmatch(r"(?:attach|frac|lr|sqrt|op|root|hat|[btc:, ()])*", left), left
        assert compiled(code).startswith(b"<svg")
