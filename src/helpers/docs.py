"""Docs: the repository's Markdown as pages of the report, with tables from the ledgers at their marks. No script."""

import html
import itertools
import os.path
import re
import shutil
import struct
from pathlib import Path

from helpers import freshness, pages, paths, references, replication, report, results

# pages of the top folder; its README stands among the docs, and that of the docs is their contents
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
CONTENTS = "index.html"
# signs of a page's own template
_TAKEN = ("main", "references")
_MARK = re.compile(r"<!--(?: table: (?P<name>\w+))?.*?-->", re.DOTALL)


def files() -> list[Path]:
    """List the Markdown that becomes pages: what lies in ``docs``, and the top folder's own."""
    return [
        *sorted((paths.ROOT / "docs").glob("*.md")),
        *(file for file in map(paths.ROOT.joinpath, TOP) if file.is_file()),
    ]


def write(folder: Path, editions: dict[str, Path]) -> list[Path]:
    """Write a page for each Markdown file, and beside them the files that they link or show.

    Parameters
    ----------
    folder : Path
        Where the pages are written; their style is looked for one folder up from where they are published.
    editions : dict of str to Path
        Folders of the editions that the pages link and from which they draw tables, by day, oldest first.

    Returns
    -------
    list of Path
        Files that were written. None where there is no Markdown.

    Raises
    ------
    ValueError
        If a page has no title, a link, an anchor, a picture or a mark leads nowhere, a picture has no text in its
        place, a work is cited that ``references.bib`` does not hold, or two files would become one page.
    """
    places = {}
    for file in files():
        if (name := _page(file)) in places.values():
            raise ValueError(f"{_told(file)}: another file becomes the page {name} too; give it another name")
        places[file] = name
    if not places:
        return []
    works, tables = references.read(), replication.tables(editions)
    site = _Site(editions, places)
    texts = {file: Text(file, site, works, tables) for file in places}
    told = {name: texts[file].told() for file, name in places.items()}
    _check_anchors(texts)
    contents = next((file for file, name in places.items() if name == CONTENTS), None)
    linked = {target for target, _ in texts[contents].links} if contents else set()
    others = [(texts[file].title, name) for file, name in places.items() if file not in {contents, *linked}]
    written = []
    for file, name in places.items():
        text = texts[file]
        pages.publish(
            folder / name,
            "docs.html.j2",
            root="../",
            body=told[name],
            text=text,
            section={"references": text.citations.references()},
            contents=CONTENTS if contents and file != contents else "",
            others=others if file == contents else [],
        )
        written.append(folder / name)
    for file, name in sorted(site.files.items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / name)
        written.append(folder / name)
    return written


def _page(file):
    if file.parent != paths.ROOT and file.name == "README.md":
        return CONTENTS
    return f"{file.stem.lower()}.html"


def _told(file):
    return file.relative_to(paths.ROOT).as_posix()


def _check_anchors(texts):
    for file, text in texts.items():
        for target, name in text.links:
            if name and target in texts and name not in texts[target].anchors:
                raise ValueError(f"{_told(file)}: {_told(target)} has no heading for #{name}")


class _Site:
    """Where what a page links lies in the report, as seen from the pages; remembers the files that have to be there."""

    def __init__(self, editions, places):
        self.editions, self.places, self.files = editions, places, {}
        # a copy of any other file could be out of date and nobody would notice
        self.watched = freshness.inputs().keys()
        # the stored notebooks are those of the note's day
        self.day = results.NOTE_DAY if results.NOTE_DAY in editions else max(editions, default="")

    def address(self, target):
        """Give the way from a page to a file of the repository; none to a folder or what no report follows from."""
        if target in self.places:
            return self.places[target]
        if target.suffix == ".ipynb":
            # read as a page or not at all
            held = self.day and (self.editions[self.day] / target.stem / "notebook.ipynb").is_file()
            return f"../{self.day}/{target.stem}/index.html" if held else ""
        if str(target) not in self.watched:
            return ""
        self.files[target] = f"files/{_told(target)}"
        return self.files[target]


class Text(report.Prose):
    """Markdown of one file: links that lead somewhere, anchors as GitHub makes them, tables at their marks.

    Parameters
    ----------
    file : Path
    site : object
        Gives the address of a file of the repository.
    works : dict
        The bibliography.
    tables : dict
        What draws up a table, by the name that a mark gives.
    """

    def __init__(self, file, site, works, tables):
        super().__init__([])
        self.file, self.site, self.tables = file, site, tables
        self.citations = references.Citations(works, file.stem.lower())
        self.title, self.summary, self.links, self.anchors = "", "", [], {*_TAKEN}

    def told(self) -> str:
        """Give the text below its title as HTML; afterwards title, summary, headings, links and anchors are known.

        Raises
        ------
        ValueError
            As for `write`.
        """
        found = self.to_html(self.file.read_text(encoding="utf-8"))
        if not self.title or not self.summary:
            raise ValueError(f"{_told(self.file)} needs a title, # in its first line, and a paragraph below it")
        return found

    def heading(self, text, level, **attrs):
        words = html.unescape(re.sub(r"<[^>]*>", "", text))
        if level == 1 and not self.title:
            self.title = words
            return ""
        self.level = max(2, min(level, self.level + 1, 6))
        name = self._anchor(words)
        if self.level == 2:
            self.headings.append({"id": name, "text": words})
        return f'<h{self.level} id="{name}">{text}</h{self.level}>\n'

    def _anchor(self, words):
        """Name a heading as GitHub does, so that a link to it holds in both places."""
        name = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
        names = itertools.chain([name], (f"{name}-{count}" for count in itertools.count(1)))
        name = next(each for each in names if each not in self.anchors)
        self.anchors.add(name)
        return name

    def paragraph(self, text):
        self.summary = self.summary or html.unescape(re.sub(r"<[^>]*>", "", text))
        return super().paragraph(text)

    def link(self, text, url, title=None):
        if re.match(r"[a-z]+:", url):
            return f'<a href="{html.escape(url)}">{text}</a>' if re.match(r"https?://", url) else text
        path, _, name = url.partition("#")
        target = self._target(path) if path else self.file
        self.links.append((target, name))
        address = self.site.address(target) if path else ""
        if path and not address:
            return text
        return f'<a href="{html.escape("#".join([address, name] if name else [address]))}">{text}</a>'

    def _target(self, path):
        """Find the file of the repository that a relative link means."""
        found = Path(os.path.normpath(self.file.parent / path))
        if not found.is_relative_to(paths.ROOT) or not found.exists():
            raise ValueError(f"{_told(self.file)}: {path} leads to nothing in the repository")
        return found

    def image(self, text, url, title=None):
        words = html.escape(html.unescape(text)).strip()
        if not words:
            raise ValueError(f"{_told(self.file)}: the picture {url} needs a text in its place")
        target = None if re.match(r"[a-z]+:", url) else self._target(url)
        address, size = target and self.site.address(target), ""
        if not address:
            return f"<em>{words}</em>"
        if target.suffix == ".png":
            # the size of a PNG stands in its first chunk
            width, height = struct.unpack(">II", target.read_bytes()[16:24])
            size = f' width="{width}" height="{height}"'
        return f'<img src="{html.escape(address)}" alt="{words}"{size} loading="lazy">'

    def block_html(self, html):
        found = self._marked(html)
        return super().block_html(html) if found is None else found

    def inline_html(self, html):
        return "" if _MARK.fullmatch(html) else super().inline_html(html)

    def _marked(self, text):
        """Put a table at its mark, nothing at any other comment; None where it is no comment."""
        found = _MARK.fullmatch(text.strip())
        if not found or not found["name"]:
            return found and ""
        if found["name"] not in self.tables:
            known = ", ".join(sorted(self.tables))
            raise ValueError(f"{_told(self.file)}: no table {found['name']!r} is known to the docs, only {known}")
        shown = self.tables[found["name"]]()
        for table in [table for table in shown if "title" in table]:
            table["id"] = self._anchor(table["title"])
            self.headings.append({"id": table["id"], "text": table["title"]})
        return pages.site().get_template("tables.html.j2").module.tables(shown)
