"""The forms of the values in ``config.properties``, and the line of each value."""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tunnel_gateway.errors import Fault, FileError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_DOMAIN = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.ASCII)
_SITE_ID = re.compile(r"[0-9A-Fa-f]{4}", re.ASCII)
_REDIS_DB = re.compile(r"(/[0-9]{0,4})?", re.ASCII)
_REDIS_SOCKET = re.compile(r"/[^?]+\?(db=[0-9]{1,4})?", re.ASCII)


# A subscriber has at least a network of this size of IPv6 addresses, so a source is such a network.
IPV6_SOURCE_BITS: Final = 64
_MAX_ALLOWANCES: Final = 100
_MAX_FACTOR: Final = 100_000


# The variable whose value tells the daemons of one configuration apart, and where it goes.
INSTANCE: Final = "TUNNEL_GATEWAY_INSTANCE"
PLACEHOLDER: Final = "{instance}"
_INSTANCE_NAME = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9_.-]{0,63})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A network each of whose sources counts as ``factor`` of them; 0 is any number."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    factor: int


def join_host_and_port(host: str, port: int) -> str:
    """Return ``host:port``, with brackets round an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens: a host name or an IP address, and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return join_host_and_port(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value, and where it stands: lines are counted from 1."""

    file: Path
    line: int
    key: str
    value: str

    def fault(self, message: str) -> Fault:
        """Return a fault of this entry."""
        return Fault(message, str(self.file), self.line, self.key)

    def read(self, kind: Kind, faults: list[Fault]) -> Any:
        """Return the value; None after a fault, which is added to ``faults``."""
        return self.read_text(self.value, kind, faults)

    def read_text(self, text: str, kind: Kind, faults: list[Fault]) -> Any:
        """Read a part of the value in the same way."""
        try:
            return kind.read(text, self.file.parent)
        except ValueError:
            got = f", got {text[:100]!r}" if kind.quotable else ""
            faults.append(self.fault(f"expected {kind.expects}{got}"))
            return None


@dataclass(frozen=True, slots=True)
class Kind:
    """The form of a value: ``read`` raises ValueError for text that is not ``expects``.

    ``brief`` says the same as ``expects`` in the table of a document. ``absent`` is the value of a
    key that is not given and has no default. ``read`` gets the text and the folder at which
    relative paths start; ``problem`` tells why a path that was read is of no use, or None. A value
    that is not ``quotable`` may hold a secret.
    """

    expects: str
    read: Callable[[str, Path], object]
    problem: Callable[[Any], str | None] | None = None
    quotable: bool = True
    brief: str = ""
    absent: object = None


def with_instance(text: str, key: str, environment: Mapping[str, str]) -> str:
    """Return the value ``text`` of ``key`` with the instance's name for ``{instance}``.

    Raises FileError if the name in ``environment`` is not a valid name. A missing name counts as
    the empty name.
    """
    if PLACEHOLDER not in text:
        return text
    name = environment.get(INSTANCE, "")
    if not _INSTANCE_NAME.fullmatch(name):
        raise FileError(
            f"{key}: {PLACEHOLDER} stands for {INSTANCE} of the environment, which must be up to"
            f" 64 letters, digits, dots, - or _, and is {name!r}"
        )
    return text.replace(PLACEHOLDER, name)


def ip(text: str, _base: Path) -> str:
    """Return the text of an IP address; raises ValueError for any other."""
    ipaddress.ip_address(text)
    return text


def networks(text: str, _base: Path) -> tuple[Network, ...]:
    """Return addresses and networks from between commas; raises ValueError for any other text."""
    networks = tuple(ipaddress.ip_network(part.strip()) for part in text.split(","))
    if not all(network.prefixlen for network in networks):
        raise ValueError  # the whole internet
    return networks


def host(text: str, base: Path) -> str:
    """Return the text of a host name or an IP address; raises ValueError for any other."""
    labels = text.removesuffix(".").split(".")
    # A last label of digits means an IPv4 address, so 192.168.1.300 is not a name.
    if labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        return ip(text, base)
    return text


def host_and_port(text: str, base: Path) -> tuple[str, int | None]:
    """Return host and port of HOST, HOST:PORT or [IPV6]:PORT; None for no port.

    Raises ValueError for any other text.
    """
    bracketed = re.fullmatch(r"\[(?P<host>[^\]]*:[^\]]*)\]:(?P<port>[0-9]+)", text, re.ASCII)
    plain = re.fullmatch(r"(?P<host>[^:]*):(?P<port>[0-9]+)", text, re.ASCII)
    match = bracketed or plain
    if match is None:
        return host(text, base), None
    number = int(match["port"]) if len(match["port"]) <= len("65535") else 0
    if not 1 <= number <= 65535:
        raise ValueError
    return host(match["host"], base), number


def allowances(text: str, _base: Path) -> tuple[Allowance, ...]:
    """Return networks with their factors: ``127.0.0.0/8 free, 192.0.2.7 50``.

    Raises ValueError for any other text.
    """
    allowances = tuple(_allowance(*part.split()) for part in text.split(",") if part.strip())
    if not 1 <= len(allowances) <= _MAX_ALLOWANCES:
        raise ValueError
    return allowances


def _allowance(name: str, word: str = "", *more: str) -> Allowance:
    network = ipaddress.ip_network(name)
    if isinstance(network, ipaddress.IPv6Network):
        if network.network_address.ipv4_mapped is not None:
            raise ValueError  # it is counted as IPv4, and to be named so
        network = network.supernet(new_prefix=min(network.prefixlen, IPV6_SOURCE_BITS))
    factor = 0 if word.lower() == "free" else int(word) if _WHOLE.fullmatch(word) else -1
    if more or factor < 0 or factor > _MAX_FACTOR or (factor == 0 and word.isdigit()):
        raise ValueError
    return Allowance(network, factor)


def redis_url(text: str, _base: Path) -> str:
    """Return the text of an address of Redis; raises ValueError for any other.

    A password in it would be visible wherever the address is shown, so it must not have one.
    """
    if not text.isprintable():
        raise ValueError
    url = urlsplit(text)
    if url.password is not None or url.fragment:
        raise ValueError
    if url.scheme == "unix":
        if url.netloc or not _REDIS_SOCKET.fullmatch(f"{url.path}?{url.query}"):
            raise ValueError
    elif (
        url.scheme not in ("redis", "rediss")
        or not url.hostname
        or url.port == 0  # beyond 65535 it raises ValueError
        or url.query
        or not _REDIS_DB.fullmatch(url.path)
    ):
        raise ValueError
    return text


def web_url(text: str, _base: Path) -> str:
    """Return the text of an address by http or https; raises ValueError for any other."""
    url = urlsplit(text)
    if (
        url.scheme not in ("http", "https")
        or not url.hostname
        or url.port == 0  # beyond 65535 it raises ValueError
        or "@" in url.netloc
        or url.fragment
        or not (text.isascii() and text.isprintable() and " " not in text)
    ):
        raise ValueError
    return text


def site_id(text: str, _base: Path) -> str:
    """Return the four digits of a site in upper case; raises ValueError for any other text."""
    if not _SITE_ID.fullmatch(text):
        raise ValueError
    return text.upper()


def whole(low: int, high: int, unit: str = "") -> Kind:
    """Whole numbers from ``low`` to ``high``; a document shows ``unit`` behind them."""

    def read(text: str, _base: Path) -> int:
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return Kind(f"a whole number from {low} to {high}", read, brief=f"{low} to {high}{unit}")


def seconds(low: float, high: int) -> Kind:
    """Seconds from ``low`` to ``high``, with a fraction or without."""

    def read(text: str, _base: Path) -> float:
        if not _DECIMAL.fullmatch(text) or not low <= float(text) <= high:
            raise ValueError
        return float(text)

    expects = f"a number of seconds from {low:g} to {high}, without a unit"
    return Kind(expects, read, brief=f"{low:g} to {high} s")


def choice(values: Mapping[str, object]) -> Kind:
    """Return the kind of one word: the keys of ``values``, each with its value."""

    def read(text: str, _base: Path) -> object:
        if text.lower() not in values:
            raise ValueError
        return values[text.lower()]

    return Kind(" or ".join(values), read, brief=" or ".join(values))


def words(*values: str) -> Kind:
    """Return the kind of one of these words."""
    return choice({value: value for value in values})


def path(word: str, is_type: Callable[[int], bool]) -> Kind:
    """Return the kind of a path to a ``word``: ``is_type`` tells by the mode of the file."""

    def problem(path: Path) -> str | None:
        try:
            return None if is_type(path.stat().st_mode) else f"{str(path)!r} is not a {word}"
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            return f"{str(path)!r} is not a usable {word} ({reason})"

    return Kind(
        f"the path of a {word}",
        lambda text, base: base / text,
        problem,
        brief=f"an existing {word}",
    )


def domain(text: str, _base: Path) -> str:
    """Return a domain in lower case, as A-labels; raises ValueError for any other text."""
    if not _DOMAIN.fullmatch(text):
        raise ValueError
    return text


def some_of(*values: str) -> Kind:
    """Return the kind of several of these words, with commas between."""

    def read(text: str, _base: Path) -> frozenset[str]:
        found = frozenset(part.strip().lower() for part in text.split(","))
        if not found <= set(values):
            raise ValueError
        return found

    return Kind(
        f"words with commas between, each one of {', '.join(values)}",
        read,
        brief=f"some of {', '.join(values)}, with commas between",
    )


YES_NO = choice({"yes": True, "no": False})
IP = Kind("an IPv4 or IPv6 address without brackets", ip, brief="an IPv4 or IPv6 address")
HOST = Kind("a host name or an IP address", host, brief="a host name or an IP address")
URL = Kind(
    "http://HOST/PATH or https://HOST:PORT/PATH, without a user and a password",
    web_url,
    quotable=False,  # somebody writes it with a password all the same
    brief="`http://HOST/PATH` or `https://HOST:PORT/PATH`",
)
NETWORKS = Kind(
    "addresses or networks with commas between, like 10.0.0.5, 10.0.1.0/24, 2001:db8::/64, and not"
    " all there are",
    networks,
    brief="addresses or networks, with commas between",
)
ADDRESS = Kind(
    "a host name or an IP address, without http://, and a port behind a colon if it has its own",
    host_and_port,
)
ALLOWANCES = Kind(
    "networks with commas between, each with the word free or with the number of sources that one"
    f" address counts as, up to {_MAX_FACTOR}: 127.0.0.0/8 free, 192.0.2.7 50",
    allowances,
    brief="networks with commas between, each with `free` or a number",
)
REDIS = Kind(
    "redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH?db=DB, without the password",
    redis_url,
    quotable=False,  # somebody writes it with the password all the same
    brief="`redis://HOST:PORT/DB`, `rediss://` or `unix:///PATH?db=DB`",
)
DOMAIN = Kind("a domain in lower case, as A-labels", domain, brief="a domain, as A-labels")
STP_MODES = some_of("cfb", "ofb", "sic", "gofb", "gcfb")
SITE_ID = Kind("4 hexadecimal digits", site_id, brief="4 hexadecimal digits")
PORT = whole(1, 65535)
FOLDER = path("folder", stat.S_ISDIR)
FILE = path("file", stat.S_ISREG)
NEW_FILE = Kind(
    "the path of a file in an existing folder",
    lambda text, base: base / text,
    lambda path: FOLDER.problem(path.parent) if FOLDER.problem else None,
    brief="a file in an existing folder",
)
SECRET = Kind("a password", lambda text, _base: text.encode(errors="surrogatepass"), brief="text")
