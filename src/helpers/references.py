"""References: the bibliography, how a text cites it, and how a work is told in words."""

import functools
import html
import re
from dataclasses import dataclass
from pathlib import Path

from pybtex.database.input.bibtex import Parser
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text

from helpers import paths

NAME = "references.bib"
CITATION = r"\[(?P<cited>-?@[^\s\[\]@;]+(?:;\s*-?@[^\s\[\]@;]+)*)\]"
MOST_AUTHORS = 5


@dataclass(frozen=True)
class Work:
    """A work of the bibliography.

    Parameters
    ----------
    key : str
        By which a text cites it.
    authors : str
        As a citation names them, such as ``Kolari and Pynnönen``.
    year : str
    parts : tuple of tuple of str
        All that is told of it, piece by piece: the words, and "name" for the one that stands on its spine, an address
        for one that leads to it, else nothing.
    is_data : bool
        Whether tables of ours come from it, so that no text need cite it.
    """

    key: str
    authors: str
    year: str
    parts: tuple
    is_data: bool

    def plain(self) -> str:
        """Tell the work as plain text."""
        return "".join(words for words, _ in self.parts)

    def html(self) -> str:
        """Tell the work as HTML, all of its words escaped."""
        found = []
        for words, kind in self.parts:
            text = html.escape(words)
            if kind == "name":
                text = f"<cite>{text}</cite>"
            elif kind:
                text = f'<a href="{html.escape(kind)}">{text}</a>'
            found.append(text)
        return "".join(found)


def read(file: Path | None = None) -> dict[str, Work]:
    """Read the bibliography.

    Parameters
    ----------
    file : Path, optional
        BibTeX; ``references.bib`` of the project where it is left out.

    Returns
    -------
    dict of str to Work
        By key, ordered as a list of references is: by author, then year.

    Raises
    ------
    ValueError
        If it is missing, is not BibTeX, holds a key twice, or a work lacks author, title or year.
    """
    file = file or paths.ROOT / NAME
    try:
        works = _works(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PybtexError, KeyError) as error:
        fault = f"a work lacks {error}" if isinstance(error, KeyError) else str(error).replace("\n", " ")
        raise ValueError(f"{file.name}: {fault}") from None
    return {work.key: work for work in works}


# every part of the report that cites asks for it
@functools.cache
def _works(bibliography):
    entries = Parser().parse_string(bibliography).entries
    works = [_work(key, entry) for key, entry in entries.items()]
    return sorted(works, key=lambda work: (work.plain().casefold(), work.key))


def _work(key, entry):
    fields = {name: str(Text.from_latex(value)) for name, value in entry.fields.items()}
    people = entry.persons["author"]
    last = [_plain([*person.prelast_names, *person.last_names]) for person in people]
    authors = last[0] if len(last) == 1 else f"{last[0]} and {last[1] if len(last) == 2 else 'others'}"
    parts = [(f"{_listed(people, last)} ({fields['year']}). ", "")]
    within = fields.get("journal") or fields.get("booktitle")
    if within:
        number = f"({fields['number']})" if "number" in fields else ""
        place = "".join([f" {fields['volume']}" if "volume" in fields else "", number])
        pages = f", {fields['pages']}" if "pages" in fields else ""
        parts += [(f"{fields['title']}. {'In ' if 'booktitle' in fields else ''}", ""), (within, "name")]
        parts.append((f"{place}{pages}. ", ""))
    else:
        edition = f", {fields['edition'].lower()} edition" if "edition" in fields else ""
        parts += [(fields["title"], "name"), (f"{edition}. ", "")]
    for name in ("publisher", "institution", "note"):
        if name in fields:
            parts.append((f"{fields[name]}. ", ""))
    if "doi" in entry.fields:
        # as it was written: a DOI may hold signs that mean something to TeX, and to a browser
        doi = entry.fields["doi"]
        parts.append((f"doi:{doi}", f"https://doi.org/{doi.replace('<', '%3C').replace('>', '%3E')}"))
    elif "url" in entry.fields:
        parts.append((entry.fields["url"], entry.fields["url"]))
    told = (*parts[:-1], (parts[-1][0].rstrip(), parts[-1][1]))
    return Work(key, authors, fields["year"], told, "data" in fields.get("keywords", ""))


def _plain(names):
    return str(Text.from_latex(" ".join(names)))


def _listed(people, last):
    """All authors with their initials, the last of many left out."""
    told = [
        ", ".join([name, *filter(None, [_initials([*person.first_names, *person.middle_names])])])
        for person, name in zip(people, last, strict=True)
    ]
    if len(told) > MOST_AUTHORS:
        told = [*told[:3], "others"]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _initials(names):
    words = [_plain([name]) for name in names]
    return " ".join("-".join(f"{part[0]}." for part in word.split("-") if part) for word in words)


def cited(text: str) -> list[str]:
    """Find the keys that a text cites, as in ``[@hill1973]`` or ``[-@hill1973; @sen1973]``, in its order.

    Examples
    --------
    >>> cited("Hill's family [-@hill1973], and others [@sen1973; @imhof1961]; no address@example.org")
    ['hill1973', 'sen1973', 'imhof1961']
    """
    return [key for found in re.finditer(CITATION, text) for key, _ in _keys(found["cited"])]


def _keys(words):
    """Keys of one citation, each with whether its year alone is to be told."""
    parts = [part.strip() for part in words.split(";")]
    return [(part.lstrip("-@"), part.startswith("-")) for part in parts]


def plugin(markdown) -> None:
    """Have mistune read citations: its renderer is asked for ``citation(cited)``, with what stood in the brackets."""
    markdown.inline.register("citation", CITATION, _token, before="link")


def _token(_, match, state):
    state.append_token({"type": "citation", "attrs": {"cited": match["cited"]}})
    return match.end()


class Citations:
    """What one text cites, told as author and year, with the list of references that goes with it.

    Parameters
    ----------
    works : dict of str to Work
        As `read` gives.
    place : str
        Name of the text; it stands before every anchor, so that several texts share a page.
    """

    def __init__(self, works: dict[str, Work], place: str):
        self.works, self.place, self._seen = works, place, set()

    def told(self, cited: str) -> list[tuple[str, str]]:
        """Tell a citation: for each of its works the key and the words, and remember that it was cited.

        Raises
        ------
        ValueError
            If a key is not in the bibliography.
        """
        found = []
        for key, brief in _keys(cited):
            if key not in self.works:
                raise ValueError(f"{self.place} cites {key!r}, which {NAME} does not hold")
            self._seen.add(key)
            work = self.works[key]
            found.append((key, work.year if brief else f"{work.authors} {work.year}"))
        return found

    def html(self, cited: str) -> str:
        """Tell a citation as links to the list of references."""
        links = [
            f'<a href="#{html.escape(self._anchor(key))}">{html.escape(words)}</a>' for key, words in self.told(cited)
        ]
        return f"({'; '.join(links)})"

    def references(self) -> list[dict]:
        """List what was cited so far, in the order of the bibliography: ``key``, ``id``, ``html`` and ``work``."""
        return [
            {"key": key, "id": self._anchor(key), "html": work.html(), "work": work}
            for key, work in self.works.items()
            if key in self._seen
        ]

    def _anchor(self, key):
        return f"{self.place}-{key}"
