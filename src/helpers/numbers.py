"""Numbers: a page behind each recorded number of an edition, with all that `helpers.lineage` tells of it."""

from pathlib import Path

from helpers import lineage, pages


def write(folder: Path, as_of: str) -> set[str]:
    """Write ``numbers/<id>.html`` for every headline and context result; alternatives are rows of their headline's.

    Parameters
    ----------
    folder : Path
        The edition, as `helpers.lineage.Edition` reads it, with the style of the report.
    as_of : str
        Its day, an ISO date.

    Returns
    -------
    set of str
        Ids that have a page.

    Raises
    ------
    ValueError
        If an id is no name for a file, or a record disagrees with the files that it names.
    """
    edition = lineage.Edition(folder, as_of)
    for identity in edition.headlines():
        told = edition.explanation(identity)
        pages.publish(folder / lineage.page(identity), "number.html.j2", root="../", **told)
    return set(edition.headlines())
