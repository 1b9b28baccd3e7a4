"""The replication edition, as the stored notebooks write it in the session that compares them.

These tests run in the process of the notebooks and after them, see conftest.py.
"""

import base64
import io

import nbformat
import numpy as np
import pytest
from matplotlib.image import imread

from editions import executed
from helpers import parameters, paths, recorded, results
from helpers.check import alike

NAMES = parameters.notebooks()


@pytest.fixture(scope="module")
def edition(request, tmp_path_factory):
    """The edition that this session's notebooks have written; executed where it ran without them."""
    written = tmp_path_factory.getbasetemp() / "edition"
    ran = {item.path.stem for item in request.session.items if item.path.suffix == ".ipynb"}
    if ran >= set(NAMES) and {folder.name for folder in written.iterdir()} == set(NAMES):
        return written
    (folder,) = executed(tmp_path_factory.mktemp("editions"), results.NOTE_DAY)
    return folder


def test_the_results_of_the_stored_notebooks_are_those_recorded(edition):
    assert recorded.differences(recorded.gathered(edition), recorded.read(results.NOTE_DAY)) == []


def figures(name):
    cells = nbformat.read(paths.NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    return {each.metadata["exhibit"]["slug"]: base64.b64decode(each.data["image/png"]) for each in outputs}


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_picture_is_the_one_that_its_notebook_draws(edition, name):
    # nbval leaves pictures out
    stored = figures(name)
    drawn = {slug: (edition / name / f"{slug}.png").read_bytes() for slug in stored}
    assert [slug for slug in stored if not alike(stored[slug], drawn[slug])] == []


def test_a_picture_of_other_points_is_not_alike():
    one, other, *_ = figures("01_returns").values()
    assert not alike(one, other)
    pixels = imread(io.BytesIO(one))
    assert alike(one, one) and alike(*map(_png, (pixels, np.clip(pixels + 0.01, 0, 1))))
    # a bar that is a little longer
    longer = pixels.copy()
    longer[200:220, 300:500, :3] = 0
    assert not alike(*map(_png, (pixels, longer)))


def _png(pixels):
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return buffer.getvalue()
