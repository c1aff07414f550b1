"""config/config.properties, the annotated example, against the tables of keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.daemon_settings import DAEMON_KEYS
from tunnel_gateway.config.destinations import DESTINATION_KEYS
from tunnel_gateway.config.keys import KEYS
from tunnel_gateway.config.rest_keys import REST_KEY_OF

TEXT = (Path(__file__).parents[2] / "config/config.properties").read_text(encoding="utf-8")
ALL = (*KEYS, *DAEMON_KEYS)
KEY_OF = {key.name: key for key in ALL}
KNOWN = {**KEY_OF, **REST_KEY_OF}
OWN_BUT_GIVEN = "tunnel.admin.listen"  # without it nobody could ask a gateway for its state

_LINE = re.compile(r"(?P<hidden>#?)(?P<name>[a-z][a-zA-Z0-9.]+)=(?P<value>.*)")
_RANGE = re.compile(r"\b[0-9.]+ to [0-9]+\b")


def lines(*, hidden: bool) -> dict[str, str]:
    """Return the values of the keys that stand behind a #, or of the others."""
    found = (match for line in TEXT.splitlines() if (match := _LINE.fullmatch(line)))
    return {match["name"]: match["value"] for match in found if bool(match["hidden"]) is hidden}


def is_of_a_destination(name: str) -> bool:
    return name.startswith("tunnel.destination.")


def in_general(name: str) -> str:
    """Return the name as the table of destinations has it."""
    return re.sub(r"(?<=\.)(allow|deny)\.[a-z]+$", r"\1.KIND", name.replace(".0.", ".N."))


@pytest.mark.parametrize("hidden", [False, True])
def test_it_can_be_used_as_it_is_and_with_every_key(tmp_path: Path, *, hidden: bool) -> None:
    (tmp_path / "tunnel/servers").mkdir(parents=True)
    (tmp_path / "tunnel/truststore.jks").touch()
    path = tmp_path / "config.properties"
    every = re.sub("^#tunnel", "tunnel", TEXT, flags=re.MULTILINE)
    path.write_text(every if hidden else TEXT, encoding="utf-8")
    assert load_configuration(path).tunnel.enabled


def test_what_is_given_is_the_vendors() -> None:
    vendors = {key.name for key in (*ALL, *DESTINATION_KEYS) if key.vendor}
    assert {*map(in_general, lines(hidden=False))} == {*vendors, OWN_BUT_GIVEN}


def test_what_is_behind_a_mark_shows_its_default() -> None:
    shown = {name: value for name, value in lines(hidden=True).items() if name in KEY_OF}
    own = {key.name: key.default for key in ALL if not key.vendor}
    del own[OWN_BUT_GIVEN]
    assert shown == own


def test_a_default_of_the_vendors_is_shown_too() -> None:
    given = lines(hidden=False)
    for key in ALL:
        if key.vendor and key.default:
            assert given[key.name] == key.default


def test_every_key_of_a_destination_is_shown() -> None:
    names = {name for hidden in (False, True) for name in lines(hidden=hidden)}
    shown = {in_general(name) for name in names if is_of_a_destination(name)}
    assert shown == {key.name for key in DESTINATION_KEYS}


def test_the_ranges_in_the_comments_are_those_of_the_keys_below_them() -> None:
    told = 0
    for paragraph in TEXT.split("\n\n"):
        names = {match["name"] for match in map(_LINE.fullmatch, paragraph.splitlines()) if match}
        briefs = [KNOWN[name].kind.brief for name in names if name in KNOWN]
        allowed = {found for brief in briefs for found in _RANGE.findall(brief)}
        comment = " ".join(line[2:] for line in paragraph.splitlines() if line.startswith("# "))
        if names <= KNOWN.keys():
            ranges = _RANGE.findall(comment)
            told += len(ranges)
            assert set(ranges) <= allowed, paragraph
    assert told > 10
