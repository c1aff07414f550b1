from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.rest.description.test_document import ALL, UPLOADING, Uploading
from tunnel_gateway.rest.description.document import describe
from tunnel_gateway.rest.description.reading_page import POLICY, STYLE, reading_page
from tunnel_gateway.rest.methods.openapi import Description
from tunnel_gateway.rest.statuses import Reason


class Parsed(HTMLParser):
    """The elements that are open, the anchors, the links, and the texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.anchors: list[str] = []
        self.links: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.anchors.append(value or "")
            if name in {"href", "src"}:
                self.links.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return Description(ALL, "1").document()


def test_every_method_and_reason_is_on_it(document: dict[str, Any]) -> None:
    parsed = Parsed(reading_page(document))
    assert parsed.open == []
    for path in document["paths"]:
        assert path in parsed.texts["code"]
    for reason in Reason:
        assert reason in parsed.texts["code"]
    for name in document["components"]["schemas"]:
        assert name in parsed.anchors


def test_links_stay_on_the_page(document: dict[str, Any]) -> None:
    parsed = Parsed(reading_page(document))
    assert len(set(parsed.anchors)) == len(parsed.anchors)
    assert parsed.links == {"openapi.json"} | {
        link for link in parsed.links if link.removeprefix("#") in parsed.anchors
    }


def test_the_policy_permits_the_style_and_nothing_else(document: dict[str, Any]) -> None:
    page = reading_page(document)
    parsed = Parsed(page)
    assert not parsed.tags & {"script", "img", "link", "iframe", "form", "object"}
    assert not any(name.startswith("on") or name == "style" for name in parsed.attributes)
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    assert style == STYLE
    hashed = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{hashed}'" in POLICY
    assert POLICY.startswith("default-src 'none';")


def test_texts_are_escaped(document: dict[str, Any]) -> None:
    odd = document | {"info": {"title": "<b>", "version": "&", "description": "* a `<i>`\n* b"}}
    page = reading_page(odd)
    assert "<title>&lt;b&gt;</title>" in page
    assert "<h1>&lt;b&gt; &amp;</h1>" in page
    assert "<ul><li>a <code>&lt;i&gt;</code></li><li>b</li></ul>" in page


def test_a_form_and_a_parameter_are_on_it() -> None:
    made = describe([Uploading()], "1", {Uploading.path: UPLOADING})
    page = reading_page(made)
    assert "Path: <code>documentId</code>" in page
    assert "Body: a form." in page
    assert "<code>x_real_ip</code></td><td>string, optional</td>" in page
    assert "-4 <code>malformed</code>" in page
