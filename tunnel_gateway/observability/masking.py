"""Who a person is, kept out of what is not the audit file: names, PINFLs and UIDs.

`tunnel.log.personal` is the one setting for the log and the status: ``masked`` or ``full``. What
is left of a person is enough to find him in the audit file: the serial number of his certificate,
its issuer, and the id of his tunnel. The number of a legal entity (INN) is not personal.

The log is masked where it is written, line by line, whatever the event: values under the keys of
`PERSONAL_KEYS`, the same values wherever else in the line they stand, and in every text what looks
like a PINFL or like a distinguished name of a person. So an error that quotes a certificate tells
no name, though nobody thought of it.

Errors quote distinguished names as ``<CN=…,O=…>``. Who made a certificate himself also chose its
issuer, and may have written a person there, under any attribute. So of such a name everything but
the two letters of a country is masked, unless it is that of a centre that was proven: one of the
configuration, or on a user's verified path (`know_centres`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from structlog.typing import EventDict, WrappedLogger

Personal = Literal["masked", "full"]

# Keys of log lines whose whole value is a person's name.
PERSONAL_KEYS: Final = frozenset({"user"})
# Keys whose values are made by this program and name no person, though they may hold many digits.
_PLAIN_KEYS: Final = frozenset(
    {"timestamp", "level", "event", "logger", "client", "tunnel_id", "serial"}
)

_ELLIPSIS: Final = "…"
_SHOWN_DIGITS: Final = 4

# A number that is part of a longer one, or of hexadecimal digits, is none; nor is the serial number
# in "certificate 12345678901234 issued by".
_PINFL: Final = re.compile(r"(?<![0-9a-f])(?<!certificate )[0-9]{14}(?![0-9a-f])")
# What a rule of the configuration quotes as a person's number may be mistyped.
_RULE: Final = re.compile(r"\b(?:allow|deny)\.(?:pinfl|uid)\b")
_NUMBER: Final = re.compile(r"[0-9]{5,}")
# Attributes as pki/certificates/names.py writes them: those that only persons have (the last is the
# PINFL), and those that a centre has too.
_PERSONS: Final = r"SURNAME|GIVENNAME|Name|UID|1\.2\.860\.3\.16\.1\.2"
_VALUE: Final = r"(?:\\.|[^,\\<>;\n])*"
_OF_A_PERSON: Final = re.compile(rf"\b(?:{_PERSONS})=")
_NAMED: Final = re.compile(rf"\b(?:{_PERSONS}|CN|E|T|SERIALNUMBER)={_VALUE}")
# Within a name brackets are escaped, so none of these is the beginning of another search.
_QUOTED: Final = re.compile(r"(?<!\\)<((?:[A-Za-z]+|[0-9.]+)=(?:\\.|[^\\<>\n])*)>")
_ATTRIBUTE: Final = re.compile(rf"(?:[A-Za-z]+|[0-9.]+)={_VALUE}")
_COUNTRY: Final = re.compile(r"C=[A-Za-z]{2}")
_CUT: Final = "…"
_MAX_CENTRES: Final = 1000
_MAX_DEPTH: Final = 4

# Distinguished names of proven centres, which no stranger can add to.
_centres: set[str] = set()

_shows_all = False


def show_personal(personal: Personal) -> None:
    """Let the whole process write persons ``full`` or ``masked``; masked before the first call."""
    global _shows_all  # noqa: PLW0603 (one setting of the process, as that of the log is)
    _shows_all = personal == "full"


def know_centres(names: Iterable[str]) -> None:
    """Leave these distinguished names readable: centres that were proven."""
    for name in names:
        if len(_centres) < _MAX_CENTRES:
            _centres.add(name)


def name_shown(name: str | None) -> str | None:
    """Return a person's name as the setting wants it."""
    return name if _shows_all or name is None else masked(name)


def number_shown(number: str | None) -> str | None:
    """Return a PINFL or UID as the setting wants it."""
    return number if _shows_all or number is None else masked_number(number)


def masked(name: str) -> str:
    """Return a name with nothing but the first letter of each word: ``G… O…``."""
    return " ".join(word[0] + _ELLIPSIS for word in name.split())


def masked_number(number: str) -> str:
    """Return the last four digits of a number; nothing of one that has no more than those."""
    shown = number[-_SHOWN_DIGITS:] if len(number) > _SHOWN_DIGITS else ""
    return _ELLIPSIS + shown


def mask_line(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Mask a line of plain values: the processor of structlog that `configure_logs` uses."""
    if _shows_all:
        return event_dict
    names = {event_dict[key] for key in PERSONAL_KEYS & event_dict.keys()}
    known = sorted((one for one in names if isinstance(one, str) and one), key=len, reverse=True)

    def hidden(text: str) -> str:
        for name in known:
            text = text.replace(name, masked(name))
        return masked_text(text)

    # A line of a library has its text as the event.
    plain = _PLAIN_KEYS - {"event"} if "logger" in event_dict else _PLAIN_KEYS
    return {key: _masked_value(key, value, hidden, plain) for key, value in event_dict.items()}


def _masked_value(
    key: str, value: object, hidden: Callable[[str], str], plain: frozenset[str]
) -> object:
    if key in PERSONAL_KEYS:
        return masked(value) if isinstance(value, str) else value
    return value if key in plain else _each_text(value, hidden)


def _each_text(value: object, change: Callable[[str], str], depth: int = 0) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        return {change(key): _each_text(item, change, depth + 1) for key, item in value.items()}
    if isinstance(value, list) and depth < _MAX_DEPTH:
        return [_each_text(item, change, depth + 1) for item in value]
    return value if isinstance(value, bool | int | float | None) else _ELLIPSIS


def masked_text(text: str) -> str:
    """Return a text without PINFLs, and without the names in distinguished names of persons.

    Outside of angle brackets common names are masked only where the text also has an attribute
    that a person has and a centre has not, so that ``CN=Development Centre`` stays.
    """
    shown: list[str] = []
    position = 0
    for match in _QUOTED.finditer(text):
        name = match[1] if _is_centre(match[1]) else _masked_name(match[1])
        shown += _masked_rest(text[position : match.start()]), f"<{name}>"
        position = match.end()
    return "".join((*shown, _masked_rest(text[position:])))


def _is_centre(name: str) -> bool:
    if not name.endswith(_CUT):
        return name in _centres
    return any(one.startswith(name[: -len(_CUT)]) for one in _centres)


def _masked_name(name: str) -> str:
    return _ATTRIBUTE.sub(
        lambda match: match[0] if _COUNTRY.fullmatch(match[0]) else _masked_attribute(match),
        name,
    )


def _masked_rest(text: str) -> str:
    if _OF_A_PERSON.search(text):
        text = _NAMED.sub(_masked_attribute, text)
    if _RULE.search(text):
        text = _NUMBER.sub(lambda match: masked_number(match.group()), text)
    return _PINFL.sub(lambda match: masked_number(match.group()), text)


def _masked_attribute(match: re.Match[str]) -> str:
    label, _, value = match.group().partition("=")
    return f"{label}={masked_number(value) if value.isdigit() else masked(value)}"
