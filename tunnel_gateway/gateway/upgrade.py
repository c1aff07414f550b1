"""The browser's WebSocket upgrade request: read, checked, given the identity headers.

Bytes in, bytes out; no socket and no clock. The request is parsed by the ``websockets`` library
and serialised anew from the parsed form, so that what was checked here is what the destination
reads (RFC 9112, section 11.2: two readers that disagree about one request are a smuggling hole).

What the library refuses: a line without CRLF, folded lines, a space before the colon, NUL and
other control characters in a value, more than 128 headers, a line over 8 KiB, a body, a transfer
coding. What it lets through and this module refuses: control characters in the target, a missing
or repeated Host, Content-Length or Transfer-Encoding under another spelling, and a Connection
header that tells a proxy behind the gateway to drop headers (RFC 9110, section 7.6.1).

The identity headers, each left out when the certificate lacks it::

    X-EIMZO-Tunnel-Id   32 hexadecimal digits, the same as in the logs of both sides
    X-EIMZO-Serial      the certificate's serial number, lower-case hexadecimal
    X-EIMZO-Subject     the subject's whole name
    X-EIMZO-CN          the subject's common name
    X-EIMZO-PINFL       the person's number
    X-EIMZO-INN         the taxpayer's number
    X-EIMZO-Valid-To    the end of the certificate's validity, ISO 8601, UTC
    X-EIMZO-Issuer      the issuer's whole name

Their values are text in UTF-8, percent-encoded where it is not printable ASCII (`encode_value`);
``decodeURIComponent`` of a browser or ``urllib.parse.unquote`` of Python gives the text back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import quote

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.headers import parse_connection
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from tunnel_gateway.errors import NotPermittedError, NotWebSocketError

if TYPE_CHECKING:
    from tunnel_gateway.pki.validation import VerifiedPeer

# The head of a real page's request is 1 to 3 KiB, cookies included; servers behind us commonly
# stop at 8 to 32 KiB.
DEFAULT_MAX_SIZE = 16384

_START = b"GET /"
_ANSWER = b"HTTP/1.1 101"

# RFC 9112, 3.2.1: the origin form. Visible ASCII without "#": a fragment is never sent.
_TARGET = re.compile(r"/[\x21\x22\x24-\x7e]*", re.ASCII)
# RFC 3986, 3.2: the characters of a host, an IP literal in brackets and a port.
_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_CONNECTION_OPTIONS = frozenset({"upgrade", "keep-alive"})
_FRAMING = frozenset({"content-length", "transfer-encoding"})

# Who the user is and where from: only the gateway knows, so nobody else may say it.
_RESERVED = frozenset({"forwarded", "x-real-ip"})
_RESERVED_PREFIXES = ("x-eimzo-", "x-forwarded-")


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """A WebSocket upgrade request whose every rule was checked by `UpgradeReader`.

    ``target`` is the path with its query, as sent. ``headers`` are all name and value pairs in
    the order of the request; a value is ISO-8859-1 text, that is, one character for one byte.
    """

    target: str
    headers: tuple[tuple[str, str], ...]
    host: str
    origin: str | None


class UpgradeReader:
    """Collects bytes until they hold one whole upgrade request.

    ``max_size`` bounds the request line and the headers together, in bytes. One reader reads one
    request; ``rest`` is then what followed it: WebSocket frames that came early.
    """

    def __init__(self, *, max_size: int = DEFAULT_MAX_SIZE) -> None:
        self._max_size = max_size
        self._stream = StreamReader()
        self._parser = Request.parse(self._stream.read_line)
        self._start = b""
        self._received = 0
        self._finished = False

    @property
    def rest(self) -> bytes:
        """The bytes after the request's head; of use once the request was returned."""
        return bytes(self._stream.buffer)

    def receive_data(self, data: bytes) -> UpgradeRequest | None:
        """Take the next bytes of the stream; return the request, or None while it is incomplete.

        Raises NotWebSocketError for everything but a WebSocket upgrade request within the limit;
        its text quotes no header value, for a Cookie is a secret. Raises RuntimeError when called
        after the request was returned or refused.
        """
        if self._finished:
            raise RuntimeError("this reader has read its request")
        try:
            request = self._receive(data)
        except NotWebSocketError:
            self._finished = True
            raise
        self._finished = request is not None
        return request

    def _receive(self, data: bytes) -> UpgradeRequest | None:
        self._check_start(data)
        self._stream.feed_data(data)
        self._received += len(data)
        parsed = self._parse()
        head = self._received if parsed is None else self._received - len(self._stream.buffer)
        if head > self._max_size:
            raise NotWebSocketError(f"the upgrade request is longer than {self._max_size} bytes")
        return None if parsed is None else _check_request(parsed)

    def _check_start(self, data: bytes) -> None:
        """Refuse at the first byte what cannot become a request, rather than at the time-out."""
        self._start = (self._start + data[: len(_START)])[: len(_START)]
        if not _START.startswith(self._start):
            raise NotWebSocketError("the stream does not start with an HTTP GET request")

    def _parse(self) -> Request | None:
        try:
            next(self._parser)
        except StopIteration as stop:
            parsed: Request = stop.value
            return parsed
        except EOFError:
            # The stream's end is never fed, so this is the library's word for a bare LF.
            raise NotWebSocketError("a line of the request does not end in CRLF") from None
        except (ValueError, LookupError, NotImplementedError, InvalidHandshake) as error:
            raise NotWebSocketError(f"malformed request: {_reason(error)}") from None
        return None


def _reason(error: Exception) -> str:
    """The library's reason without what it quotes from the request after the colon."""
    return str(error).partition(":")[0]


def _fold(name: str) -> str:
    """A header name as servers see it that turn every other character into one (CGI, WSGI)."""
    return _NOT_ALPHANUMERIC.sub("-", name.lower())


def _check_request(parsed: Request) -> UpgradeRequest:
    """Check the rules of an upgrade; those of RFC 6455, section 4.2.1, are the library's."""
    if not _TARGET.fullmatch(parsed.path):
        raise NotWebSocketError("the request target is not a plain path")
    headers = parsed.headers
    try:
        ServerProtocol().process_request(parsed)
        options = [
            option for value in headers.get_all("Connection") for option in parse_connection(value)
        ]
    except InvalidHandshake as error:
        raise NotWebSocketError(f"not a WebSocket upgrade: {_reason(error)}") from None
    if not {option.lower() for option in options} <= _CONNECTION_OPTIONS:
        raise NotWebSocketError("the Connection header names more than Upgrade and keep-alive")
    for name in headers:
        if _fold(name) in _FRAMING and name != _fold(name):
            raise NotWebSocketError("a disguised Content-Length or Transfer-Encoding header")
    hosts = headers.get_all("Host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise NotWebSocketError("the request must have exactly one valid Host header")
    return UpgradeRequest(
        target=parsed.path,
        headers=tuple(headers.raw_items()),
        host=hosts[0],
        origin=headers.get("Origin"),  # process_request refused a second one
    )


def check_origin(request: UpgradeRequest, domain: str) -> None:
    """Raise NotPermittedError unless the page that opens the WebSocket is of ``domain``.

    The page may be http or https and on any port; the host must be the domain itself, in any
    case, with or without the final dot of a full name. ``null`` (sandboxed frames, local files)
    is refused. A request without Origin passes: browsers always send it on a WebSocket request
    and pages cannot take it away (RFC 6455, section 10.2), so only programs lack it, and a
    program could as well write the right one.
    """
    if request.origin is None:
        return
    name = re.escape(domain.lower().rstrip("."))
    page = rf"https?://{name}\.?(:[0-9]{{1,5}})?"
    if not re.fullmatch(page, request.origin, re.ASCII | re.IGNORECASE):
        raise NotPermittedError(
            f"the page's origin {request.origin[:100]!a} is not of the domain {domain}"
        )


def encode_value(text: str) -> str:
    """Percent-encode the UTF-8 of ``text`` where it is not printable ASCII, and ``%`` itself.

    RFC 3986, section 2.1. Spaces at the ends are encoded too: HTTP would strip them.
    """
    encoded = quote(text, safe=_PRINTABLE, errors="replace")
    inner = encoded.strip(" ")
    before, _, after = encoded.partition(inner) if inner else (encoded, "", "")
    return before.replace(" ", "%20") + inner + after.replace(" ", "%20")


def identity_headers(peer: VerifiedPeer, tunnel_id: bytes) -> list[tuple[str, str]]:
    """Name and value of the gateway's own headers, the module's table, for a verified user."""
    leaf = peer.leaf
    valid_to = leaf.not_after.astimezone(UTC).isoformat(timespec="seconds")
    values = {
        "Tunnel-Id": tunnel_id.hex(),
        "Serial": f"{leaf.serial:x}",
        "Subject": leaf.subject,
        "CN": leaf.common_name,
        "PINFL": leaf.pinfl,
        "INN": leaf.inn,
        "Valid-To": valid_to.replace("+00:00", "Z"),
        "Issuer": leaf.issuer,
    }
    return [(f"X-EIMZO-{name}", encode_value(value)) for name, value in values.items() if value]


def forwarded_request(
    request: UpgradeRequest, identity: Iterable[tuple[str, str]], peer_address: str
) -> bytes:
    """The head of the request for the destination, in bytes.

    Everything is as the browser sent it and in its order, but for the headers that only the
    gateway may set: X-EIMZO-*, X-Forwarded-*, Forwarded and X-Real-IP from outside are removed,
    under every spelling that a server may fold into the same name (``X_EIMZO_CN``). ``identity``
    (from `identity_headers`) and X-Forwarded-For with ``peer_address`` end the head.
    Raises ValueError if a value of the gateway's own could not stand in a header.
    """
    headers = Headers()
    for name, value in request.headers:
        if _fold(name) not in _RESERVED and not _fold(name).startswith(_RESERVED_PREFIXES):
            headers[name] = value
    for name, value in (*identity, ("X-Forwarded-For", peer_address)):
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"{name} would break the request's head")
        headers[name] = value
    return Request(request.target, headers).serialize()


def switched_protocols(answer: bytes) -> bool | None:
    """Whether the destination's answer, from its first byte on, accepts the WebSocket.

    None while there are too few bytes to tell (the first 13 decide). Until this is True, no byte
    of the user may follow the request's head to the destination: a destination that answers
    anything but 101 goes on reading HTTP, and whatever came next would be a second request that
    nobody checked, with identity headers of the user's own making.
    """
    if len(answer) <= len(_ANSWER):
        return None if (_ANSWER + b" ").startswith(answer) else False
    return answer.startswith((_ANSWER + b" ", _ANSWER + b"\r"))
