"""Mathematics: formulas in TeX told to typst, by way of MathML, with nothing left that could be a command."""

import re
from xml.etree import ElementTree

import latex2mathml.converter

# signs that TeX puts above a letter
ACCENTS = {"^": "hat", "~": "tilde", "¯": "macron", "‾": "macron", "˙": "dot", "→": "arrow"}
# letters and signs that a mathematical font holds
KNOWN = r"[\x20-\x7e\xa0-\xff\u0370-\u03ff\u2000-\u22ff\U0001d400-\U0001d7ff]*"
GROUPS = {"math", "mrow", "mstyle", "mpadded", "semantics"}


def typst(tex: str) -> str | None:
    r"""Translate a formula to typst's mathematics; None where it holds what is not known here.

    Every letter and sign becomes an escape by its number and every word a string, so no text of a formula can be read
    as a command.

    Examples
    --------
    >>> print(typst(r"\frac{a_i}{2}"))
    frac(attach(\u{61}, b: \u{69}), "2")
    >>> typst(r"a_")
    """
    try:
        return _told(ElementTree.fromstring(latex2mathml.converter.convert(tex)))
    except Exception:
        # the converter has a dozen unrelated errors of its own
        return None


def _told(element):
    kind, parts = element.tag.rpartition("}")[2], list(element)
    if kind in GROUPS:
        return _group(parts)
    if kind in ("mi", "mo", "mn", "mtext"):
        # markup inside a text command is passed through by the converter
        return _sign(kind, "".join(element.itertext())) if not parts else _unknown(kind)
    if kind == "mspace":
        width = element.get("width", "")
        return f"#h({width})" if re.fullmatch(r"\d*\.?\d+em", width) else _unknown(width)
    told = [_told(part) for part in parts]
    if not all(told):
        return _unknown("an empty part")
    match kind, told:
        case "msub" | "munder", [base, low]:
            return f"attach({base}, b: {low})"
        case "mover", [base, _] if parts[1].text in ACCENTS:
            return f"{ACCENTS[parts[1].text]}({base})"
        case "msup" | "mover", [base, high]:
            return f"attach({base}, t: {high})"
        case "msubsup" | "munderover", [base, low, high]:
            return f"attach({base}, b: {low}, t: {high})"
        case "mfrac", [above, below]:
            return f"frac({above}, {below})"
        case "mroot", [base, index]:
            return f"root({index}, {base})"
        case "msqrt", _:
            return f"sqrt({' '.join(told)})"
    return _unknown(kind)


def _group(parts):
    told = " ".join(filter(None, map(_told, parts)))
    fences = [part for part in parts if part.get("fence") == "true"]
    # a pair of fences grows with what it holds
    grows = len(fences) == 2 and fences[0] is parts[0] and fences[1] is parts[-1]
    return f"lr({told})" if grows else told


def _sign(kind, text):
    if not re.fullmatch(KNOWN, text):
        return _unknown(text)
    if kind in ("mtext", "mn"):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if len(text) > 1:
        return f'op("{text}")' if text.isalpha() else _unknown(text)
    return f"\\u{{{ord(text):x}}}" if text else ""


def _unknown(what):
    raise ValueError(what)
