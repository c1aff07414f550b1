"""A browser's WebSocket upgrade request: read and checked.

Bytes in, no socket and no clock. The gateway reads the request that comes through a tunnel, the
agent the one that comes to the tunnel's local address. The ``websockets`` library parses it.

The library refuses a line without CRLF, folded lines, a space before the colon, NUL and other
control characters in a value, more than 128 headers, a body, and a transfer coding. This module
refuses the rest: a head that is too long, control characters in the target,
a missing or repeated Host, Content-Length or Transfer-Encoding under another spelling, and a
Connection header that tells a proxy on the way to drop headers (RFC 9110, section 7.6.1).

Nearly all requests are of the form that browsers send, and come in one piece. `usual_request` reads
this form with two patterns, in a fifth of the library's time. It gives what the library and our
rules give, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from websockets.exceptions import HeaderLineTooLong, InvalidHandshake, TooManyHeaders
from websockets.headers import parse_connection
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from tunnel_gateway.errors import NotWebSocketError, RequestTooLargeError

# The head of a real page's request is 1 to 3 KiB, cookies included; servers behind us commonly
# stop at 8 to 32 KiB.
MAX_HEAD_SIZE: Final = 16384

_START = b"GET /"

# RFC 9112, 3.2.1: the origin form. Visible ASCII without "#": a fragment is never sent.
_TARGET = re.compile(r"/[\x21\x22\x24-\x7e]*", re.ASCII)
# RFC 3986, 3.2: the characters of a host, an IP literal in brackets and a port.
_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]+", re.ASCII)
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")

# A head as browsers write it: one space after the colon, and only single spaces between the visible
# ASCII characters of a value. No two parts of the pattern take the same character, so a head that
# does not match costs one pass. The library takes 128 headers at most.
_LINE = r"([A-Za-z0-9-]+): ([!-~]+(?: [!-~]+)*)\r\n"
_USUAL_LINE = re.compile(_LINE)
_USUAL_HEAD = re.compile(rf"GET (/[\x21\x22\x24-\x7e]*) HTTP/1\.1\r\n((?:{_LINE}){{1,128}})\r\n")
# The usual values of an upgrade.
_USUAL_VALUES = {
    "connection": re.compile(r"(?:keep-alive, )?Upgrade", re.ASCII | re.IGNORECASE),
    "upgrade": re.compile(r"websocket", re.ASCII | re.IGNORECASE),
    "sec-websocket-key": re.compile(r"[A-Za-z0-9+/]{22}=="),
    "sec-websocket-version": re.compile(r"13"),
    "host": _HOST,
}
_USUAL_PROTOCOLS = re.compile(r"[A-Za-z0-9._-]+(?:, ?[A-Za-z0-9._-]+)*")
_HEAD_END = b"\r\n\r\n"

# The rules of RFC 6455, section 4.2.1. Notes that the library takes of a request are not read.
_RULES: Final = ServerProtocol()
_CONNECTION_OPTIONS = frozenset({"upgrade", "keep-alive"})
_FRAMING = frozenset({"content-length", "transfer-encoding"})


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


class HeadTooLargeError(HeaderLineTooLong):
    """The library's error for a line that is too long, of the head as a whole: 431."""

    def __init__(self, _: str) -> None:
        super().__init__(
            f"the head of the request is longer than {MAX_HEAD_SIZE} bytes, cookies included"
        )


class HeadReader(StreamReader):
    """The library's reader, with one bound for the whole head of a request, MAX_HEAD_SIZE.

    The library has one for each line, and takes 128 of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._left = MAX_HEAD_SIZE

    def read_line(
        self,
        m: int,  # noqa: ARG002 - the library's bound
        too_long_exc_type: type[Exception] = HeadTooLargeError,  # noqa: ARG002
    ) -> Generator[None, None, bytearray]:
        """Read a line of the head, within what is left of the whole."""
        line = yield from super().read_line(self._left, HeadTooLargeError)
        self._left -= len(line)
        return line


class UpgradeReader:
    """Collects bytes until they hold one whole upgrade request.

    MAX_HEAD_SIZE bounds the request line and the headers together. One reader reads one request;
    ``rest`` is then what followed it: WebSocket frames that came early.
    """

    def __init__(self) -> None:
        self._stream = HeadReader()
        self._parser = Request.parse(self._stream.read_line)
        self._start = b""
        self._finished = False

    @property
    def rest(self) -> bytes:
        """The bytes after the request's head; of use once the request was returned."""
        return bytes(self._stream.buffer)

    def receive_data(self, data: bytes) -> UpgradeRequest | None:
        """Take the next bytes of the stream; return the request, or None while it is incomplete.

        Raises RequestTooLargeError, and NotWebSocketError for bytes that are not an upgrade
        request. The text quotes no header value, because a Cookie is a secret. Raises RuntimeError
        when called after the request was returned or refused.
        """
        if self._finished:
            raise RuntimeError("this reader has read its request")
        self._finished = True  # also if it is refused
        if not self._start and (request := usual_request(data)) is not None:
            self._stream.feed_data(data[data.index(_HEAD_END) + len(_HEAD_END) :])
            return request
        # Other bytes are refused at the first of them, and not at the time-out.
        self._start = (self._start + data[: len(_START)])[: len(_START)]
        if not _START.startswith(self._start):
            raise NotWebSocketError("the stream does not start with an HTTP GET request")
        self._stream.feed_data(data)
        parsed = self._parse()
        if parsed is not None:
            return _check_request(parsed)
        self._finished = False
        return None

    def _parse(self) -> Request | None:
        try:
            next(self._parser)
        except StopIteration as stop:
            parsed: Request = stop.value
            return parsed
        except EOFError:
            # The stream's end is never fed, so this is the library's word for a bare LF.
            raise NotWebSocketError("a line of the request does not end in CRLF") from None
        except (HeaderLineTooLong, TooManyHeaders) as error:
            raise RequestTooLargeError(str(error)) from None
        except (ValueError, LookupError, NotImplementedError, InvalidHandshake) as error:
            raise NotWebSocketError(f"malformed request: {reason_of(error)}") from None
        return None


def usual_request(data: bytes) -> UpgradeRequest | None:
    """Return the request at the start of ``data`` if it is whole and of the usual form."""
    end = data.find(_HEAD_END, 0, MAX_HEAD_SIZE)
    head = _USUAL_HEAD.fullmatch(data[: end + len(_HEAD_END)].decode("iso-8859-1"))
    if end < 0 or head is None:
        return None
    headers = tuple(_USUAL_LINE.findall(head[2]))
    values = {name.lower(): value for name, value in headers}
    if len(values) < len(headers) or not _FRAMING.isdisjoint(values):
        return None
    if not _USUAL_PROTOCOLS.fullmatch(values.get("sec-websocket-protocol", "none")):
        return None
    for name, usual in _USUAL_VALUES.items():
        if not usual.fullmatch(values.get(name, "")):
            return None
    return UpgradeRequest(head[1], headers, values["host"], values.get("origin"))


def reason_of(error: BaseException) -> str:
    """The library's reason without what it quotes from the request after the colon."""
    return str(error).partition(":")[0]


def fold_name(name: str) -> str:
    """A header name as servers see it that turn every other character into one (CGI, WSGI)."""
    return _NOT_ALPHANUMERIC.sub("-", name.lower())


def _check_request(parsed: Request) -> UpgradeRequest:
    """Check our rules of an upgrade; the library checks those of RFC 6455, section 4.2.1."""
    if not _TARGET.fullmatch(parsed.path):
        raise NotWebSocketError("the request target is not a plain path")
    headers = parsed.headers
    try:
        _RULES.process_request(parsed)
        options = [
            option for value in headers.get_all("Connection") for option in parse_connection(value)
        ]
    except InvalidHandshake as error:
        raise NotWebSocketError(f"not a WebSocket upgrade: {reason_of(error)}") from None
    if not {option.lower() for option in options} <= _CONNECTION_OPTIONS:
        raise NotWebSocketError("the Connection header names more than Upgrade and keep-alive")
    for name in headers:
        if fold_name(name) in _FRAMING and name != fold_name(name):
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
