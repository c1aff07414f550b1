"""Masking of names, PINFLs and UIDs: only the audit file names persons.

`tunnel.log.personal` is the one setting for the log and the status: ``masked`` or ``full``. The
facts that stay are enough to find the person in the audit file: the serial number and the issuer of
the certificate, and the id of the tunnel. The number of a legal entity (INN) is not personal.

Each line of the log is masked when it is written, whatever its event. These parts are masked: the
values of the keys in `PERSONAL_KEYS`, the same values in the rest of the line, and in every text
anything that looks like a PINFL or like a distinguished name of a person. So an error that quotes a
certificate tells no name, even if nobody thought of this case.

Errors quote distinguished names as ``<CN=…,O=…>``. Anyone can make a certificate with any issuer in
it, and may have written a person's name there, under any attribute. So everything in such a name is
masked except the two letters of the country. The name of a proven centre stays: a centre of the
configuration, or of a user's verified path (`know_centres`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import NoneType
from typing import Final, Literal

from structlog.typing import EventDict, WrappedLogger

Personal = Literal["masked", "full"]

# Keys of log lines whose whole value is a person's name.
PERSONAL_KEYS: Final = frozenset({"user"})
# Keys whose values this program makes. They name no person, but may have many digits.
_PLAIN_KEYS: Final = frozenset(
    {"timestamp", "level", "event", "logger", "client", "tunnel_id", "serial"}
)
_PLAIN_KEYS_OF_LIBRARIES: Final = _PLAIN_KEYS - {"event"}

_ELLIPSIS: Final = "…"
_SHOWN_DIGITS: Final = 4

# A part of a longer number or of hexadecimal digits is not a PINFL. The serial number in
# "certificate 12345678901234 issued by" is not a PINFL either.
_PINFL: Final = re.compile(r"(?<![0-9a-f])(?<!certificate )[0-9]{14}(?![0-9a-f])")
# A rule of the configuration may quote a person's number with a typing mistake in it, so here any
# long number is masked.
_RULE: Final = re.compile(r"\b(?:allow|deny)\.(?:pinfl|uid)\b")
_NUMBER: Final = re.compile(r"[0-9]{5,}")
# Attributes as pki/certificates/names.py writes them. Only persons have those in _PERSONS (the last
# is the PINFL). Centres also have the others in _NAMED.
_PERSONS: Final = r"SURNAME|GIVENNAME|Name|UID|1\.2\.860\.3\.16\.1\.2"
_VALUE: Final = r"(?:\\.|[^,\\<>;\n])*"
_OF_A_PERSON: Final = re.compile(rf"\b(?:{_PERSONS})=")
_NAMED: Final = re.compile(rf"\b(?:{_PERSONS}|CN|E|T|SERIALNUMBER)={_VALUE}")
# Brackets in a name are escaped, so a name never has the beginning or the end of a quote in it.
_QUOTED: Final = re.compile(r"(?<!\\)<((?:[A-Za-z]+|[0-9.]+)=(?:\\.|[^\\<>\n])*)>")
_ATTRIBUTE: Final = re.compile(rf"(?:[A-Za-z]+|[0-9.]+)={_VALUE}")
_COUNTRY: Final = re.compile(r"C=[A-Za-z]{2}")
# A text without any of these has nothing to mask. Most texts are such.
_DOUBTFUL: Final = re.compile(r"[=<]|[0-9]{5}")
_NO_TEXTS: Final = (int, float, NoneType)
_CUT: Final = "…"
_MAX_CENTRES: Final = 1000
_MAX_DEPTH: Final = 4

# Distinguished names of proven centres. A stranger cannot add a name.
_centres: set[str] = set()

_shows_all = False


def show_personal(personal: Personal) -> None:
    """Let the whole process write persons ``full`` or ``masked``; masked before the first call."""
    global _shows_all  # noqa: PLW0603 (the setting belongs to the process, as the log does)
    _shows_all = personal == "full"


def know_centres(names: Iterable[str]) -> None:
    """Leave the distinguished names of these proven centres readable."""
    for name in names:
        if len(_centres) < _MAX_CENTRES:
            _centres.add(name)


def name_shown(name: str | None) -> str | None:
    """Return a person's name, masked unless the setting is ``full``."""
    return name if _shows_all or name is None else masked(name)


def masked(name: str) -> str:
    """Return a name with only the first letter of each word: ``G… O…``."""
    return " ".join(word[0] + _ELLIPSIS for word in name.split())


def masked_number(number: str) -> str:
    """Return the last four digits of a number; no digits if the number has only four or fewer."""
    shown = number[-_SHOWN_DIGITS:] if len(number) > _SHOWN_DIGITS else ""
    return _ELLIPSIS + shown


def mask_line(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Mask a line of plain values: the processor of structlog that `configure_logs` uses."""
    if _shows_all:
        return event_dict
    names = {event_dict[key] for key in PERSONAL_KEYS & event_dict.keys()}
    texts = (name for name in names if isinstance(name, str) and name)
    # The longest name first: a shorter name may be a part of it.
    known = [(name, masked(name)) for name in sorted(texts, key=len, reverse=True)]

    def hidden(text: str) -> str:
        for name, shown in known:
            text = text.replace(name, shown)
        return masked_text(text)

    # In a line of a library, the event is a text and may name a person.
    plain = _PLAIN_KEYS_OF_LIBRARIES if "logger" in event_dict else _PLAIN_KEYS
    return {
        key: value if key in plain else _masked_value(key, value, hidden)
        for key, value in event_dict.items()
    }


def _masked_value(key: str, value: object, hidden: Callable[[str], str]) -> object:
    if key in PERSONAL_KEYS:
        return masked(value) if isinstance(value, str) else value
    return _each_text(value, hidden)


def _each_text(value: object, change: Callable[[str], str], depth: int = 0) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, _NO_TEXTS):
        return value
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        return {change(key): _each_text(item, change, depth + 1) for key, item in value.items()}
    if isinstance(value, list) and depth < _MAX_DEPTH:
        return [_each_text(item, change, depth + 1) for item in value]
    return _ELLIPSIS


def masked_text(text: str) -> str:
    """Return a text without PINFLs and without names of persons in distinguished names.

    Outside of angle brackets, common names are masked only if the text also has an attribute that
    only persons have. So ``CN=Development Centre`` stays.
    """
    if _DOUBTFUL.search(text) is None:
        return text
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
    return any(centre.startswith(name[: -len(_CUT)]) for centre in _centres)


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
