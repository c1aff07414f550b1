"""What there is on a page."""

from __future__ import annotations

from html.parser import HTMLParser

EVIL = "\"><script>alert(1)</script>&lt;'"


class Tags(HTMLParser):
    """Which elements there are, and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def check_escaped(plain: str, evil: str) -> None:
    """Fail unless ``evil``, a page with EVIL in each text, has the elements of ``plain``."""
    harmless, shown = Tags(plain), Tags(evil)
    assert (shown.names, shown.attributes) == (harmless.names, harmless.attributes)
    assert "script" not in shown.names
    assert not {name for name in shown.attributes if name.startswith("on") or name == "style"}
    assert EVIL in shown.words
