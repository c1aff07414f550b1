"""The destinations of ``config.properties``: where each is, and the rules who may use it.

``tunnel.destination.N.host`` and ``.port`` say where, N being the dst_id that pages ask for.
``.proxy`` is the version of the PROXY protocol by which it is told the users' addresses, if any.
``.allow.KIND`` and ``.deny.KIND`` are comma-separated lists, the kinds those of `RULE_KINDS`;
``.domains`` lists the domains of the gateway by which users may come. What the rules mean is
decided in gateway/policy.py; here they are read, and refused if they are malformed or contradict
each other. An empty list is a fault and not the default: it would let everyone in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tunnel_gateway.config_values import HOST, PORT, Entry, Kind, choice
from tunnel_gateway.errors import Fault

PREFIX: Final = "tunnel.destination."

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ISSUER = re.compile(r"key:[0-9a-f]{64}", re.ASCII)
_SERIAL = re.compile(r"0*(?P<number>[0-9a-f]{1,40})(?P<issuer>@key:[0-9a-f]{64})?", re.ASCII)
_OID = re.compile(r"(0|1)\.([0-9]|[1-3][0-9])(\.(0|[1-9][0-9]*))+|2(\.(0|[1-9][0-9]*))+", re.ASCII)
_DOMAIN = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """One list: its ``values`` in the form in which they are compared, and its place."""

    kind: str
    values: frozenset[str]
    entry: Entry

    @property
    def key(self) -> str:
        """The key it was given under."""
        return self.entry.key


@dataclass(frozen=True, slots=True)
class Destination:
    """A WebSocket API behind the gateway; ``id`` is the dst_id that pages ask for.

    ``domains`` is None when users may come by every domain. At most one rule of each kind is
    among those of ``allow``, and among those of ``deny``.
    """

    id: str
    host: str
    port: int
    domains: Rule | None = None
    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    proxy: Literal["v1", "v2"] | None = None


def _matching(pattern: re.Pattern[str]) -> Callable[[str, Path], str]:
    def read(text: str, _base: Path) -> str:
        if not pattern.fullmatch(text.lower()):
            raise ValueError
        return text.lower()

    return read


def _digits(count: int) -> Callable[[str, Path], str]:
    return _matching(re.compile(f"[0-9]{{{count}}}", re.ASCII))


def _serial(text: str, _base: Path) -> str:
    found = _SERIAL.fullmatch(text.lower())
    if not found or not int(found["number"], 16):
        raise ValueError
    return f"{int(found['number'], 16):x}{found['issuer'] or ''}"


def _domain(text: str, _base: Path) -> str:
    if not _DOMAIN.fullmatch(text):
        raise ValueError
    return text


# What one value of each list looks like.
RULE_KINDS: Final[Mapping[str, Kind]] = {
    "inn": Kind("an INN of 9 digits", _digits(9)),
    "pinfl": Kind("a PINFL of 14 digits", _digits(14)),
    "uid": Kind("a UID of 9 digits", _digits(9)),
    "issuer": Kind(
        "key: and 64 hexadecimal digits, as `pki show` prints for an issuer", _matching(_ISSUER)
    ),
    "policy": Kind("an object identifier like 1.2.860.3.2.2.1.2.1", _matching(_OID)),
    "serial": Kind(
        "a serial number in hexadecimal, with @ and its issuer behind it, as `pki show` prints",
        _serial,
    ),
    "domain": Kind("a domain in lower case, as A-labels", _domain),
}
_PARTS: Final = {"host": HOST, "port": PORT}
_PROXY: Final = choice({"no": None, "v1": "v1", "v2": "v2"})
_RULE_PARTS: Final = (
    "domains",
    *(f"{verb}.{kind}" for verb in ("allow", "deny") for kind in RULE_KINDS),
)
# Every key of a destination, without ``tunnel.destination.N.`` before it.
PARTS: Final = (*_PARTS, "proxy", *_RULE_PARTS)
_KEY = re.compile(
    # The identifier does not swallow a misspelt rule, so that it can be told from one.
    rf"{re.escape(PREFIX)}(?P<id>(?:(?!\.(?:allow|deny)\.).)*?)"
    rf"\.(?P<part>{'|'.join(map(re.escape, PARTS))})",
    re.DOTALL,
)


def is_known(key: str) -> bool:
    """Tell whether the key is one of a destination."""
    return bool(_KEY.fullmatch(key))


def read_destinations(entries: Iterable[Entry], faults: list[Fault]) -> dict[str, Destination]:
    """Return the destinations by identifier, and add what is wrong with them to ``faults``.

    ``entries`` may have other keys among them.
    """
    parts: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        if match := _KEY.fullmatch(entry.key):
            parts.setdefault(match["id"], {})[match["part"]] = entry
    return {dst_id: _destination(dst_id, given, faults) for dst_id, given in parts.items()}


def _destination(dst_id: str, given: Mapping[str, Entry], faults: list[Fault]) -> Destination:
    first = next(iter(given.values()))
    if not _ID.fullmatch(dst_id):
        faults.append(first.fault("a destination is named by 1 to 64 letters, digits, _ or -"))
    values: dict[str, Any] = dict.fromkeys(_PARTS)
    for part, kind in _PARTS.items():
        if entry := given.get(part):
            values[part] = entry.read(kind, faults)
        else:
            faults.append(first.fault(f"{PREFIX}{dst_id}.{part} is missing beside it"))
    rules = {part: _rule(part, given[part], faults) for part in _RULE_PARTS if part in given}
    destination = Destination(
        dst_id,
        **values,
        domains=rules.get("domains"),
        proxy=_proxy(given.get("proxy"), faults),
        allow=tuple(rule for part, rule in rules.items() if part.startswith("allow.")),
        deny=tuple(rule for part, rule in rules.items() if part.startswith("deny.")),
    )
    faults += _contradictions(destination)
    return destination


def _proxy(entry: Entry | None, faults: list[Fault]) -> Any:
    return entry.read(_PROXY, faults) if entry and entry.value else None


def _rule(part: str, entry: Entry, faults: list[Fault]) -> Rule:
    verb, _, kind = part.rpartition(".")
    kind = kind if verb else "domain"
    values = set()
    for text in entry.value.split(","):
        value = entry.read_text(text.strip(), RULE_KINDS[kind], faults)
        if value is None:
            continue
        if part == "allow.serial" and "@" not in value:
            faults.append(
                entry.fault(
                    f"{value} alone may be of several issuers, who number their certificates each"
                    " for itself: add @ and the issuer, as `pki show` prints"
                )
            )
        values.add(value)
    return Rule(kind, frozenset(values), entry)


def _contradictions(destination: Destination) -> Iterable[Fault]:
    allowed = {rule.kind: rule for rule in destination.allow}
    for denying in destination.deny:
        if allowing := allowed.get(denying.kind):
            both = [one for one in sorted(allowing.values) if _covers(denying, one)]
            yield from _clashes(denying, both, f"in {allowing.key} too", allowing)
    if destination.domains:
        yield from _domain_contradictions(destination, destination.domains)


def _domain_contradictions(destination: Destination, domains: Rule) -> Iterable[Fault]:
    for rule in (*destination.allow, *destination.deny):
        if rule.kind == "domain":
            outside = sorted(rule.values - domains.values)
            yield from _clashes(rule, outside, f"not in {domains.key}", domains)
    for rule in destination.deny:
        if rule.kind == "domain" and domains.values <= rule.values:
            yield rule.entry.fault(f"denies every domain of {domains.key}: nobody could come")


def _covers(rule: Rule, value: str) -> bool:
    # A serial number that is denied without an issuer is denied for all of them.
    return value in rule.values or value.partition("@")[0] in rule.values


def _clashes(rule: Rule, values: Sequence[str], what: str, other: Rule) -> Iterable[Fault]:
    for value in values:
        yield rule.entry.fault(f"{value} is {what}, in line {other.entry.line}")
