"""Widgets of a panel: sliders and lists above, words and figure below, changed together."""

import base64
import html
import textwrap
import threading

import ipywidgets as widgets
from IPython.display import display

from helpers import charts
from helpers.charts.house import Drawing
from helpers.explore.looks import Topic, sentences

VIEW = "application/vnd.jupyter.widget-view+json"
DPI = 110
_ONE_AT_A_TIME = threading.RLock()
# a date is wider than a slider leaves room for
_WIDE = "<style>.explore .widget-readout { min-width: 6.5em; max-width: 6.5em }</style>"
_STYLE = {"honest": "color:#5a5a5a;font-style:italic", "verdict": "font-weight:600", "found": "color:#5a5a5a"}


class Panel:
    """A topic with its widgets, shown when it is the value of a notebook's cell.

    What is shown are two outputs, the controls with the words and the figure. Each carries beside the widget its
    first state as plain text and picture, which is what a stored notebook keeps.

    Parameters
    ----------
    topic : Topic
    """

    def __init__(self, topic: Topic):
        charts.set_style()
        self.topic = topic
        self.controls = {control.name: _widget(control) for control in topic.controls}
        self.words, self.figure = widgets.HTML(), widgets.HTML()
        self.back = widgets.Button(description="As declared", tooltip="Set every control to what was declared")
        self.back.on_click(lambda _: self.set(topic.declared))
        row = widgets.Layout(display="flex", flex_flow="row wrap", align_items="center")
        box = widgets.Box([*self.controls.values(), self.back], layout=row)
        self.head = widgets.VBox([box, self.words, widgets.HTML(_WIDE)])
        self.head.add_class("explore")
        for control in self.controls.values():
            control.observe(self._moved, names="value")
        self._quiet = False
        self.show()

    @property
    def choice(self) -> dict:
        """Values by the controls' names."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, choice: dict) -> None:
        """Move several controls and show the result once."""
        self._quiet = True
        try:
            for name, value in choice.items():
                self.controls[name].value = value
        finally:
            self._quiet = False
        self.show()

    def show(self) -> None:
        """Ask the topic for what is chosen, and show figure and words together."""
        # a front end may move controls from several threads, and pictures share fonts
        with _ONE_AT_A_TIME:
            self._show(self.choice)

    def _show(self, choice):
        # stays where something unforeseen stops the work: old words beside new settings would mislead
        self.words.value = "<p>At work …</p>"
        try:
            look = self.topic.look(choice)
        except Exception:
            self.figure.value = ""
            raise
        told, drawing = sentences(self.topic, choice, look), look.draw()
        if isinstance(drawing, Drawing):
            picture = charts.png(drawing, look.sources, DPI)
            self.shown = base64.b64encode(picture).decode("ascii"), f"{drawing.title}\n{drawing.alt}"
            alt = html.escape(drawing.alt)
            self.figure.value = f'<img alt="{alt}" src="data:image/png;base64,{self.shown[0]}" style="max-width:100%">'
        else:
            self.shown = None, f"No figure: {drawing.reason}."
            self.figure.value = f"<p>{html.escape(self.shown[1])}</p>"
        self.told = [sentence for lines in told.values() for sentence in lines]
        self.words.value = "".join(
            f'<p style="line-height:1.4;margin:0.3em 0;{_STYLE.get(kind, "")}">{html.escape(sentence)}</p>'
            for kind, lines in told.items()
            for sentence in lines
        )

    def _moved(self, _):
        if not self._quiet:
            self.show()

    def _ipython_display_(self):
        picture, words = self.shown
        told = "\n".join(textwrap.fill(sentence, 110) for sentence in self.told)
        display({"text/plain": told} | _view(self.head), raw=True)
        still, about = {"text/plain": words}, {}
        if picture:
            still["image/png"], about["image/png"] = picture, {"alt": words}
        display(still | _view(self.figure), raw=True, metadata=about)


def plain(notebook) -> None:
    """Leave of a notebook's outputs what needs no kernel: no view of a widget, no state, no time.

    Parameters
    ----------
    notebook : nbformat NotebookNode
        Changed in place.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VIEW, None)


def _view(widget):
    return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}


def _widget(control):
    common = {"options": list(control.options.items()), "value": control.declared, "description": control.label}
    common |= {"style": {"description_width": "11em"}, "layout": widgets.Layout(width="34em")}
    if control.ordered:
        # a drag asks once, where it ends
        return widgets.SelectionSlider(continuous_update=False, **common)
    return widgets.Dropdown(**common)
