"""The agent's settings: its own properties file, and the gateways that run.conf names.

The file is a Java properties file like the gateway's (config/tunnel.py explains the format). `KEYS`
is the table of its simple keys; ``agent.tunnel.DOMAIN`` is the address of a domain's gateway, once
for each domain. E-IMZO has the file run.conf. The agent reads only ``-tunnel.HEX=IP:PORT`` among
its ``arguments`` (section 4.2 of the vendor's guide). HEX is the name of the domain in hexadecimal
digits. If both files name a gateway for a domain, the agent's own file counts. Only there an
address can have ``stp://`` before it: then the gateway is asked by STP, and never by both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tunnel_gateway.agent.threads import result_within
from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.reading import check_paths, collect, read_value, unknown_key
from tunnel_gateway.config.text import read_entries, read_text
from tunnel_gateway.config.values import (
    FILE,
    FOLDER,
    SECRET,
    STP_MODES,
    YES_NO,
    Address,
    Entry,
    Kind,
    host_and_port,
    seconds,
)
from tunnel_gateway.errors import ConfigError, Fault
from tunnel_gateway.pki.certificates.names import normalise_domain

GATEWAY_PREFIX: Final = "agent.tunnel."
STP_SCHEME: Final = "stp://"
_ARGUMENT_PREFIX: Final = "-tunnel."
# The same with typing mistakes, and with the characters that a word processor makes of it.
_MEANT: Final = re.compile(r"[\s=\"'“”„«]([-‐‑–—−]*tunnel\.[0-9a-f]*)", re.IGNORECASE)
_QUOTES: Final = str.maketrans("", "", "\"'“”„«»")
_MAX_PATHS: Final = 32
_LOOK_SECONDS: Final = 5.0  # for looking at the folders with keys, which may be on a dead disk


def _address(text: str, base: Path) -> Address:
    host, port = host_and_port(text, base)
    if port is None:
        raise ValueError
    return Address(host, port)


def _paths(text: str, base: Path) -> tuple[Path, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(parts) or len(parts) > _MAX_PATHS:
        raise ValueError
    return tuple(base / part for part in parts)


def _each(kind: Kind) -> Callable[[Any], str | None]:
    def problem(paths: Any) -> str | None:
        problems = (kind.problem(path) for path in paths if kind.problem)
        return next(filter(None, problems), None)

    # A folder on a dead network share does not keep the agent from starting.
    return lambda paths: result_within(_LOOK_SECONDS, partial(problem, paths), None)


ADDRESS: Final = Kind(
    "an address as HOST:PORT or stp://HOST:PORT, an IPv6 address in brackets",
    _address,
    brief="HOST:PORT or stp://HOST:PORT, an IPv6 address in brackets",
)
FILES: Final = Kind(
    "paths of files, with commas between",
    _paths,
    _each(FILE),
    brief="existing files, with commas between",
    absent=(),
)
FOLDERS: Final = Kind(
    "paths of folders, with commas between",
    _paths,
    _each(FOLDER),
    brief="existing folders, with commas between",
    absent=(),
)

# fmt: off
# There is one key for each domain, so these keys are not in the table of simple keys.
GATEWAY_KEY: Final = Key(
    f"{GATEWAY_PREFIX}DOMAIN", "gateways", ADDRESS, "",
    "Where the gateway of this domain is. Each domain has its own key. With `stp://` before it, the"
    " agent asks for tunnels by [STP](stp.md), the protocol of E-IMZO, and never by our own. STP"
    " shows the user's certificate to any machine that answers, and has no MAC.",
    "The agent cannot know it.")
KEYS: Final[tuple[Key, ...]] = (
    Key("agent.truststore.file", "truststore_file", FILE, "",
        "The trust anchors for the domains' certificates: a PEM, PKCS#12 or JKS file. Without them"
        " the agent makes no tunnel.",
        "There is no list of roots that everybody trusts."),
    Key("agent.truststore.password", "truststore_password", SECRET, "",
        "The password of the truststore. A PEM file has no password.",
        "No default is safe."),
    Key("agent.apikey.issuers", "apikey_issuers", FILES, "",
        "Certificates whose keys may sign API-KEYs beside the vendor's, for development.",
        "The vendor's API-KEYs are enough for production."),
    Key("agent.http.pages", "http_pages", YES_NO, "no",
        "Whether pages by plain http from other machines may call. Anybody between the user and"
        " the server can pose as such a page. Pages of localhost are always allowed.",
        "A man in the middle of a plain page would see the user's keys."),
    Key("agent.stp.root.file", "stp_root_file", FILE, "",
        "The certificates that issue to the gateways with `stp://`. They may be roots"
        " without the extensions of a CA, as the root of E-IMZO's tunnels is.",
        "The truststore is used.", unset="`agent.truststore.file`"),
    Key("agent.stp.modes", "stp_modes", STP_MODES, "cfb, gofb, gcfb",
        "The cipher modes in which a gateway with `stp://` may answer. There are also `ofb` and"
        " `sic`.",
        "A listener who recorded a tunnel in OFB or SIC could pass for its user."),
    Key("agent.keys.dirs", "keys_dirs", FOLDERS, "",
        "The folders with the user's key files. The agent looks at removable media in any case.",
        "E-IMZO's folder.", unset="`~/DSKEYS`"),
    Key("agent.key.timeout", "key_timeout", seconds(1, 86_400), "1800",
        "The time after which the agent forgets a loaded key.",
        "Half an hour of work with a page."),
)
# fmt: on

_KEY_OF: Final = {key.name: key for key in KEYS}


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The agent's settings; `KEYS` has the meaning of each field."""

    truststore_file: Path | None
    truststore_password: bytes | None = field(repr=False)
    apikey_issuers: tuple[Path, ...]
    http_pages: bool
    stp_root_file: Path | None
    stp_modes: frozenset[str]
    keys_dirs: tuple[Path, ...]
    key_timeout: float
    gateways: Mapping[str, Address]
    stp_domains: frozenset[str]  # those of the gateways that are asked by STP


def load_settings(path: Path | None, run_conf: Path | None) -> AgentSettings:
    """Read both files. Without the first file all its keys have their defaults.

    Raises ConfigError with all faults of both files.
    """
    faults: list[Fault] = []
    gateways = {} if run_conf is None else _gateways(_arguments(run_conf, faults), faults)
    file = path or Path()
    entries = {} if path is None else collect(read_entries(path, faults), _unknown, faults)
    values = {
        key.field: read_value(key, entries.get(key.name), file.parent, faults) for key in KEYS
    }
    check_paths(KEYS, values, entries, file, faults)
    own = [
        (entry.key.removeprefix(GATEWAY_PREFIX), entry)
        for entry in entries.values()
        if entry.key.startswith(GATEWAY_PREFIX)
    ]
    plain = [
        (name, replace(entry, value=entry.value.removeprefix(STP_SCHEME))) for name, entry in own
    ]
    gateways |= _gateways(plain, faults)
    if faults:
        raise ConfigError(sorted(faults, key=lambda fault: (fault.file, fault.line or 0)))
    by_stp = (name for name, entry in own if entry.value.startswith(STP_SCHEME))
    return AgentSettings(
        gateways=MappingProxyType(gateways),
        stp_domains=frozenset(map(normalise_domain, by_stp)),
        **values,
    )


def _unknown(entry: Entry) -> str | None:
    if entry.key in _KEY_OF or entry.key.startswith(GATEWAY_PREFIX):
        return None
    return unknown_key(entry.key, [*_KEY_OF, GATEWAY_PREFIX])


def _gateways(entries: Any, faults: list[Fault]) -> dict[str, Address]:
    """Return the gateways by domain; ``entries`` are pairs of a domain's name and its entry."""
    gateways: dict[str, Address] = {}
    for name, entry in entries:
        try:
            domain = normalise_domain(name)
        except ValueError as fault:
            faults.append(entry.fault(str(fault)))
            continue
        if domain in gateways:
            faults.append(entry.fault(f"a second address for {domain}"))
        address = entry.read(GATEWAY_KEY.kind, faults)
        if address is not None:
            gateways.setdefault(domain, address)
    return gateways


def _arguments(path: Path, faults: list[Fault]) -> Iterator[tuple[str, Entry]]:
    """Yield the domain's name and the entry of every ``-tunnel.HEX=IP:PORT`` in run.conf.

    The file is not a properties file: a backslash in it is a backslash, and values have quotes. A
    fault is noted for every argument that looks like this but cannot be read.
    """
    for number, line in enumerate(read_text(path, faults).splitlines(), 1):
        key, _, value = line.strip().partition("=")
        if key.startswith("#"):
            continue
        if key.strip() != "arguments":
            if meant := _MEANT.search(f" {line}"):
                text = f"not read: expected a line arguments={_ARGUMENT_PREFIX}HEX=IP:PORT"
                faults.append(Entry(path, number, meant[1], "").fault(text))
            continue
        for argument in value.translate(_QUOTES).split():
            name, _, address = argument.partition("=")
            entry = Entry(path, number, name, address)
            if not argument.startswith(_ARGUMENT_PREFIX):
                if _MEANT.match(f" {argument}"):
                    text = f"expected {_ARGUMENT_PREFIX}HEX=IP:PORT, in lower case with one hyphen"
                    faults.append(entry.fault(text))
                continue
            try:
                yield bytes.fromhex(name.removeprefix(_ARGUMENT_PREFIX)).decode(), entry
            except ValueError:
                faults.append(entry.fault("expected the name of a domain in hexadecimal digits"))
