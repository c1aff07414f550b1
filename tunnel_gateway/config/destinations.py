"""The destinations of ``config.properties``: where each is, and the rules who may use it.

``tunnel.destination.N.host`` and ``.port`` say where, N being the dst_id that pages ask for; there
may be several hosts with commas between, each with a port of its own behind a colon or without.
``.limit`` and ``.connect.limit`` say how many tunnels and connects in progress it bears.
``.proxy`` is the version of the PROXY protocol by which it is told the users' addresses, if any;
``.host.header`` is the Host header of their requests there, if it must not be the domain.
``.stp`` says whether clients of STP may come.
``.allow.KIND`` and ``.deny.KIND`` are comma-separated lists, of the kinds in `RULE_KINDS`.
``.domains`` lists the domains of the gateway by which users may come. gateway/policy.py applies the
rules; here they are read, and refused if they are malformed or contradict each other. An empty list
is a fault and not the default: it would let everyone in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.reading import read_value
from tunnel_gateway.config.values import (
    ADDRESS,
    DOMAIN,
    PORT,
    YES_NO,
    Address,
    Entry,
    Kind,
    choice,
    host_and_port,
    whole,
)
from tunnel_gateway.errors import Fault
from tunnel_gateway.subject_numbers import DIGITS

PREFIX: Final = "tunnel.destination."
# The destinations that a client of STP can ask for.
NUMBERS: Final = frozenset(map(str, range(256)))
# A tunnel tries the addresses in turn and shares its time among them.
MAX_ADDRESSES: Final = 16

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ISSUER = re.compile(r"key:[0-9a-f]{64}", re.ASCII)
_SERIAL = re.compile(r"0*(?P<number>[0-9a-f]{1,40})(?P<issuer>@key:[0-9a-f]{64})?", re.ASCII)
_OID = re.compile(r"(0|1)\.([0-9]|[1-3][0-9])(\.(0|[1-9][0-9]*))+|2(\.(0|[1-9][0-9]*))+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """One list: its ``values`` in the form in which they are compared, and its line."""

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

    Each of its ``addresses`` leads to the same application. Without ``domains`` users may come by
    every domain; without ``tunnel_limit`` only the limits of the gateway count. ``allow`` and
    ``deny`` have at most one rule of each kind. ``stp`` lets clients of STP come.
    """

    id: str
    addresses: tuple[Address, ...]
    domains: Rule | None = None
    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    proxy: Literal["v1", "v2"] | None = None
    tunnel_limit: int | None = None
    connect_limit: int = 128
    host_header: str | None = None
    stp: bool = True

    @property
    def location(self) -> str:
        """Its addresses as text."""
        return ", ".join(map(str, self.addresses))


def _matching(pattern: re.Pattern[str]) -> Callable[[str, Path], str]:
    def read(text: str, _base: Path) -> str:
        if not pattern.fullmatch(text.lower()):
            raise ValueError
        return text.lower()

    return read


def _number(kind: str) -> Callable[[str, Path], str]:
    return _matching(re.compile(f"[0-9]{{{DIGITS[kind]}}}", re.ASCII))


def _serial(text: str, _base: Path) -> str:
    match = _SERIAL.fullmatch(text.lower())
    if not match or not int(match["number"], 16):
        raise ValueError
    return f"{int(match['number'], 16):x}{match['issuer'] or ''}"


def _host_header(text: str, base: Path) -> str:
    with_port = text if re.search(r":[0-9]+$", text) else f"{text}:1"
    if host_and_port(with_port, base)[1] is None:
        raise ValueError  # an IPv6 address without brackets
    return text


@dataclass(frozen=True, slots=True)
class RuleKind:
    """A kind of rule: its ``word`` for people, and the form of one value.

    The values of a ``personal`` kind name a natural person, so they are not shown.
    """

    word: str
    form: Kind
    personal: bool = False


RULE_KINDS: Final[Mapping[str, RuleKind]] = {
    "inn": RuleKind("INN", Kind("an INN of 9 digits", _number("inn"))),
    "pinfl": RuleKind("PINFL", Kind("a PINFL of 14 digits", _number("pinfl")), personal=True),
    "uid": RuleKind("UID", Kind("a UID of 9 digits", _number("uid")), personal=True),
    "issuer": RuleKind(
        "issuer",
        Kind(
            "key: and 64 hexadecimal digits, as `pki show` prints for an issuer", _matching(_ISSUER)
        ),
    ),
    "policy": RuleKind(
        "policy", Kind("an object identifier like 1.2.860.3.2.2.1.2.1", _matching(_OID))
    ),
    "serial": RuleKind(
        "serial number",
        Kind(
            "a serial number in hexadecimal, with @ and its issuer behind it, as `pki show` prints",
            _serial,
        ),
    ),
    "domain": RuleKind("domain", DOMAIN),
}
_ADDRESSES: Final = replace(
    ADDRESS,
    brief=f"up to {MAX_ADDRESSES} host names or IP addresses, with commas between, each with or"
    " without `:port`",
)
_PROXY: Final = choice({"no": None, "v1": "v1", "v2": "v2"})
_HOST_HEADER: Final = Kind(
    "what stands in a Host header: a host name or an IP address, with a port behind a colon or"
    " without",
    _host_header,
    brief="a host name or an IP address, with or without `:port` behind it",
)
_LIST: Final = Kind("", lambda text, _base: text, brief="a list of the KIND, with commas between")
_DOMAINS: Final = replace(_LIST, brief="domains of the gateway, with commas between")

# fmt: off
DESTINATION_KEYS: Final[tuple[Key, ...]] = (
    Key("tunnel.destination.N.host", "addresses", _ADDRESSES, "",
        "The addresses of the WebSocket API that pages ask for as dst_id N. N is 1 to 64 letters,"
        " digits, `_` or `-`. See [Several addresses](#several-addresses).",
        "The gateway cannot know it.", unset="must be given", vendor=True),
    Key("tunnel.destination.N.port", "addresses", PORT, "",
        "The TCP port of the addresses that do not have their own. There may be many"
        " destinations; at least one must be given.",
        "The gateway cannot know it.", unset="must be given", vendor=True),
    Key("tunnel.destination.N.limit", "tunnel_limit", whole(1, 1_000_000), "",
        "How many tunnels to the destination may be open. The next one gets `destination_busy`.",
        "The gateway does not know what an application can carry.", unset="as `tunnel.limit`"),
    Key("tunnel.destination.N.connect.limit", "connect_limit", whole(1, 65536), "128",
        "How many connection attempts to the destination may be in progress. The next one gets"
        " `destination_busy`.",
        "Many servers let as many connections wait."),
    Key("tunnel.destination.N.proxy", "proxy", _PROXY, "no",
        "Whether the gateway tells the destination the user's address with the PROXY protocol,"
        " see [Behind a balancer](operations.md#behind-a-balancer).",
        "An application that does not expect this header would fail."),
    Key("tunnel.destination.N.host.header", "host_header", _HOST_HEADER, "",
        "The Host that the destination reads in every request, see [What the application"
        " reads](#what-the-application-reads).",
        "It matches the Origin of the page.", unset="the tunnel's domain"),
    Key("tunnel.destination.N.stp", "stp", YES_NO, "yes",
        "Whether clients of [STP](stp.md) may use the destination if `tunnel.stp` lets them in.",
        "Most gateways have one application, which those clients want."),
    Key("tunnel.destination.N.domains", "domains", _DOMAINS, "",
        "The domains through which users may come to the destination, see [Who may go"
        " where](#who-may-go-where).",
        "Most gateways have one domain.", unset="every domain"),
    Key("tunnel.destination.N.allow.KIND", "allow", _LIST, "",
        "The users who may use the destination. KIND is `inn`, `pinfl`, `uid`, `issuer`, `policy`,"
        " `serial` or `domain`.",
        "The truststore already decides who is trusted.", unset="every trusted user"),
    Key("tunnel.destination.N.deny.KIND", "deny", _LIST, "",
        "The users who may not use the destination.",
        "The truststore already decides who is trusted.", unset="nobody"),
)
# fmt: on

_SIMPLE: Final = {
    key.name.removeprefix(f"{PREFIX}N."): key
    for key in DESTINATION_KEYS
    if key.field in ("tunnel_limit", "connect_limit", "proxy", "host_header", "stp")
}
_RULE_PARTS: Final = (
    "domains",
    *(f"{verb}.{kind}" for verb in ("allow", "deny") for kind in RULE_KINDS),
)
# Every key of a destination, without ``tunnel.destination.N.`` before it.
PARTS: Final = ("host", "port", *_SIMPLE, *_RULE_PARTS)
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
    addresses = _addresses(first, dst_id, given, faults)
    simple = {
        key.field: read_value(key, given.get(part), first.file.parent, faults)
        for part, key in _SIMPLE.items()
    }
    rules = {part: _rule(part, given[part], faults) for part in _RULE_PARTS if part in given}
    destination = Destination(
        dst_id,
        addresses,
        **simple,
        domains=rules.get("domains"),
        allow=tuple(rule for part, rule in rules.items() if part.startswith("allow.")),
        deny=tuple(rule for part, rule in rules.items() if part.startswith("deny.")),
    )
    faults += _contradictions(destination)
    return destination


def _addresses(
    first: Entry, dst_id: str, given: Mapping[str, Entry], faults: list[Fault]
) -> tuple[Address, ...]:
    port = given["port"].read(PORT, faults) if "port" in given else None
    if "host" not in given:
        missing = [part for part in ("host", "port") if part not in given]
        faults += [first.fault(f"{PREFIX}{dst_id}.{part} is missing beside it") for part in missing]
        return ()
    entry = given["host"]
    texts = [text.strip() for text in entry.value.split(",")]
    if len(texts) > MAX_ADDRESSES:
        faults.append(entry.fault(f"more than {MAX_ADDRESSES} addresses"))
        return ()
    read = [entry.read_text(text, ADDRESS, faults) for text in texts]
    given_addresses = [address for address in read if address is not None]
    if "port" not in given and any(own is None for _, own in given_addresses):
        faults.append(first.fault(f"{PREFIX}{dst_id}.port is missing beside it"))
    # A missing port is a fault by now; 0 only keeps the address readable.
    addresses = [Address(host, own or port or 0) for host, own in given_addresses]
    twice = dict.fromkeys(address for address in addresses if addresses.count(address) > 1)
    faults += [entry.fault(f"{address} is given twice") for address in twice]
    return tuple(addresses)


def _rule(part: str, entry: Entry, faults: list[Fault]) -> Rule:
    verb, _, kind = part.rpartition(".")
    kind = kind if verb else "domain"
    values = set()
    for text in entry.value.split(","):
        value = entry.read_text(text.strip(), RULE_KINDS[kind].form, faults)
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
            # A serial number that is denied without an issuer is denied for all of them.
            both = [
                value
                for value in sorted(allowing.values)
                if denying.values & {value, value.partition("@")[0]}
            ]
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


def _clashes(rule: Rule, values: Sequence[str], what: str, other: Rule) -> Iterable[Fault]:
    for value in values:
        yield rule.entry.fault(f"{value} is {what}, in line {other.entry.line}")
