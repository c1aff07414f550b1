"""Values of arguments: what people write, as what the commands need."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import pytest

from tunnel_gateway.cli import arguments


@pytest.mark.parametrize(
    ("text", "domain"),
    [("Example.UZ.", "example.uz"), ("мисол.uz", "xn--h1agbjo.uz"), ("localhost", "localhost")],
)
def test_a_domain(text: str, domain: str) -> None:
    assert arguments.domain(text) == domain


@pytest.mark.parametrize("text", ["", "a..b", "x" * 64, "127.0.0.1", "*.example.uz", "\udcff.uz"])
def test_no_domain(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not a domain name") as caught:
        arguments.domain(text)
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    "text", ["2026-03-01T17:00:00+05:00", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00"]
)
def test_a_moment(text: str) -> None:
    assert arguments.moment(text) == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert arguments.moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "noon", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+05:00", "10000-01-01"],
)
def test_no_moment(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not a time like 2026"):
        arguments.moment(text)
