import base64

import pytest

from helpers import paths, readme


def test_the_readme_shows_what_the_stored_notebooks_hold():
    page = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    assert page == readme.filled(page)


def test_the_figure_of_the_readme_is_that_of_its_notebook():
    stored = base64.b64decode(readme.exhibit(*readme.LEAD).data["image/png"])
    assert readme.picture().read_bytes() == stored


def test_findings_stand_only_between_their_marks():
    page = readme.filled(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    assert page.startswith("before\n") and page.endswith("\nafter\n") and "\nold\n" not in page
    assert "| Utilities alone escaped the fall |" in page


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="lost the marks"):
        readme.filled("nothing")


def test_an_exhibit_that_is_not_stored_says_how_to_make_it():
    with pytest.raises(LookupError, match="refresh-outputs"):
        readme.exhibit("01_returns", "no-such-figure")
