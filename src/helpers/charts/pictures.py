"""A figure as SVG and PNG: laid out once, and drawn on both at the same time.

matplotlib draws a figure anew for every kind of file, and most of that is text, measured and shaped letter by letter
each time: it took as long as all statistics. The SVG is matplotlib's own, character by character; the PNG differs from
matplotlib's in the grey at the edges of letters.
"""

import functools
import io
import struct
import zlib
from pathlib import Path

import numpy as np
from isal import isal_zlib
from matplotlib import font_manager, rcParams
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D, Bbox, TransformedPath
from PIL import Image

POINTS = 72  # to an inch: the unit of an SVG


class Letters(TextToPath):
    """Texts as outlines, each found, measured and shaped once, however often and in whatever size it is drawn."""

    def __init__(self):
        super().__init__()
        self._fonts, self._opened, self._measured, self._shaped, self._names, self._outlines = ({} for _ in range(6))

    def _get_font(self, prop):
        if prop not in self._fonts:
            files = tuple((file.path, file.face_index) for file in font_manager.fontManager._find_fonts_by_props(prop))
            if files not in self._opened:
                self._opened[files] = _open(files)
            # a copy, for a text may change its own
            self._fonts[prop.copy()] = self._opened[files]
        font = self._fonts[prop]
        font.set_size(self.FONT_SCALE, self.DPI)
        return font

    def get_text_width_height_descent(self, s, prop, ismath):
        """Width, height and depth below the line, in points."""
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        font, scale = self._get_font(prop), prop.get_size_in_points() / self.FONT_SCALE
        if (font, s) not in self._measured:
            font.set_text(s, 0.0, flags=self._get_hinting_flag())
            self._measured[font, s] = [side / 64 for side in (*font.get_width_height(), font.get_descent())]
        return tuple(side * scale for side in self._measured[font, s])

    def get_glyphs_with_font(self, font, s, glyph_map=None, return_new_glyphs_only=False, **options):
        """Names and places of letters, the outlines of those that are not in ``glyph_map``, and no lines."""
        key = (font, s, *options.values())
        if key not in self._shaped:
            letters = font._layout(s, self._get_hinting_flag(), **options)
            self._shaped[key] = [(self._named(letter), letter.x, letter.y, 1.0) for letter in letters]
        known = glyph_map or {}
        new = {name: self._outlines[name] for name, *_ in self._shaped[key] if name not in known}
        return self._shaped[key], new if return_new_glyphs_only else known | new, []

    def _named(self, letter):
        """Name of a letter's outline, which is loaded the first time that the letter is met."""
        font, index = letter.ft_object, letter.glyph_index
        if (font, index) not in self._names:
            font.load_glyph(index, flags=self._get_hinting_flag())
            self._names[font, index] = name = self._get_glyph_repr(font, index)
            self._outlines[name] = font.get_path()
        return self._names[font, index]

    def outline(self, s: str, prop, mtext) -> Outline:
        """Outline of a text, `FONT_SCALE` points high."""
        options = {"features": mtext.get_fontfeatures(), "language": mtext.get_language()} if mtext else {}
        letters, _, _ = self.get_glyphs_with_font(self._get_font(prop), s, return_new_glyphs_only=True, **options)
        parts = [(*self._outlines[name], (x, y)) for name, x, y, _ in letters]
        corners = np.concatenate([np.empty((0, 2)), *(corners + place for corners, _, place in parts)])
        return Outline(corners, np.concatenate([np.empty(0, Outline.code_type), *(codes for _, codes, _ in parts)]))


def _open(files):
    """Open fonts as matplotlib does, but in memory: a letter is eight small reads, three times as long from a file."""
    held = tuple((io.BytesIO(Path(path).read_bytes()), index) for path, index in files)
    options = {"_kerning_factor": rcParams["text.kerning_factor"], "thread_id": None}
    return font_manager._get_font.__wrapped__(held, **options, enable_last_resort=rcParams["font.enable_last_resort"])


@functools.cache
def _letters():
    return Letters()


class Ruler(RendererBase):
    """Measures the texts of a figure in its pixels, as they will be drawn.

    Parameters
    ----------
    dpi : float
        Pixels to an inch.
    """

    def __init__(self, dpi: float):
        super().__init__()
        self._text2path, self.dpi = _letters(), dpi

    def points_to_pixels(self, points):
        return points * self.dpi / POINTS

    def get_text_width_height_descent(self, s, prop, ismath):
        sides = self._text2path.get_text_width_height_descent(s, prop, ismath)
        return tuple(self.points_to_pixels(side) for side in sides)


class Pair(Ruler):
    """Draws on an SVG, in points, and on pixels.

    Parameters
    ----------
    inches : tuple of float
        Width and height.
    dpi : int
        Pixels to an inch.
    file : file of text
        For the SVG.
    """

    def __init__(self, inches: tuple[float, float], dpi: int, file: io.TextIOBase):
        super().__init__(POINTS)
        width, height = inches
        no_stamp = {"Date": None, "Creator": None}
        self.svg = RendererSVG(width * POINTS, height * POINTS, file, image_dpi=dpi, metadata=no_stamp)
        self.svg._text2path = self._text2path
        self.pixels = RendererAgg(round(width * dpi), round(height * dpi), dpi)
        self._larger = Affine2D().scale(dpi / POINTS)

    def _enlarged(self, gc):
        enlarged = self.new_gc()
        enlarged.copy_properties(gc)
        if (box := gc.get_clip_rectangle()) is not None:
            enlarged.set_clip_rectangle(Bbox(self._larger.transform(box.get_points())))
        path, transform = gc.get_clip_path()
        if path is not None:
            enlarged.set_clip_path(TransformedPath(path, transform + self._larger))
        return enlarged

    def open_group(self, s, gid=None):
        self.svg.open_group(s, gid)

    def close_group(self, s):
        self.svg.close_group(s)

    def draw_path(self, gc, path, transform, rgbFace=None):
        self.svg.draw_path(gc, path, transform, rgbFace)
        self.pixels.draw_path(self._enlarged(gc), path, transform + self._larger, rgbFace)

    def draw_markers(self, gc, marker_path, marker_trans, path, trans, rgbFace=None):
        self.svg.draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
        larger = (marker_path, marker_trans + self._larger, path, trans + self._larger)
        self.pixels.draw_markers(self._enlarged(gc), *larger, rgbFace)

    def draw_path_collection(
        self, gc, master_transform, paths, all_transforms, offsets, offset_trans, *style, **more_style
    ):
        self.svg.draw_path_collection(
            gc, master_transform, paths, all_transforms, offsets, offset_trans, *style, **more_style
        )
        master, offset = ((transform + self._larger).frozen() for transform in (master_transform, offset_trans))
        self.pixels.draw_path_collection(
            self._enlarged(gc), master, paths, all_transforms, offsets, offset, *style, **more_style
        )

    def draw_gouraud_triangles(self, gc, triangles_array, colors_array, transform):
        self.svg.draw_gouraud_triangles(gc, triangles_array, colors_array, transform)
        larger = (transform + self._larger).frozen()
        self.pixels.draw_gouraud_triangles(self._enlarged(gc), triangles_array, colors_array, larger)

    def get_image_magnification(self):
        return self.pixels.dpi / POINTS

    def draw_image(self, gc, x, y, im, transform=None):
        self.svg.draw_image(gc, x, y, im)
        x, y = self._larger.transform((x, y))
        self.pixels.draw_image(self._enlarged(gc), round(x), round(y), im)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        self.svg.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        enlarged = self._enlarged(gc)
        if ismath:
            x, y = self._larger.transform((x, y))
            self.pixels.draw_text(enlarged, x, y, s, prop, angle, ismath, mtext)
            return
        enlarged.set_linewidth(0)
        size = prop.get_size_in_points() / self._text2path.FONT_SCALE
        place = Affine2D().scale(size).rotate_deg(angle).translate(x, self.svg.height - y) + self._larger
        self.pixels.draw_path(enlarged, self._text2path.outline(s, prop, mtext), place, gc.get_rgb())

    def flipy(self):
        return True

    def get_canvas_width_height(self):
        return self.svg.width, self.svg.height


def draw(figure: Figure, dpi: int) -> tuple[str, bytes]:
    """Draw a figure as SVG and as PNG, neither with a stamp of software or time.

    Parameters
    ----------
    figure : matplotlib Figure
    dpi : int
        Pixels to an inch of the PNG.

    Returns
    -------
    str
        The SVG.
    bytes
        The PNG.
    """
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.get_label_text():
                # else matplotlib measures all tick labels to find where it would go
                axis.set_label_coords(0, 0)
    file, shown = io.StringIO(), figure.dpi
    pair = Pair(figure.get_size_inches(), dpi, file)
    figure.dpi = POINTS
    figure.draw(pair)
    figure.dpi = shown
    pair.svg.finalize()
    return file.getvalue(), _png(pair.pixels)


def _png(pixels):
    """Encode pixels, rows as they are: trying five filters on each takes long and gains nothing on flat colours."""
    width, height = pixels.width, pixels.height
    opaque = Image.frombuffer("RGBA", (width, height), pixels.buffer_rgba()).tobytes("raw", "RGB")
    # a zero before a row: no filter
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = np.frombuffer(opaque, np.uint8).reshape(height, 3 * width)
    metre = round(pixels.dpi / 0.0254)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0),  # eight bits of red, green and blue
        b"pHYs": struct.pack(">IIB", metre, metre, 1),
        b"IDAT": isal_zlib.compress(rows, 2),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
