"""A page of the report as the tests of several modules read it."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """What a browser would find on a page: elements with their attributes, and the text."""

    def __init__(self, path):
        super().__init__()
        self.path, self.elements, self.text = path, [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]
