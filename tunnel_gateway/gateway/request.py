"""The browser's WebSocket upgrade request: the rule for its origin, and the identity headers.

Bytes in, bytes out; no socket and no clock. ``transport.wire.upgrade`` has read the request. This
module writes it again from the parsed form, so the destination reads what the gateway checked. Two
readers that understand one request differently let requests be smuggled (RFC 9112, section 11.2).

The identity headers follow. A header is left out if the certificate does not have the value, or has
another text there.

::

    X-EIMZO-Tunnel-Id   32 hexadecimal digits, the same as in the logs of both sides;
    X-EIMZO-Serial      the certificate's serial number, lower-case hexadecimal;
    X-EIMZO-Subject     the subject's whole name;
    X-EIMZO-CN          the subject's common name;
    X-EIMZO-PINFL       the person's number, 14 digits;
    X-EIMZO-INN         the taxpayer's number, 9 digits;
    X-EIMZO-Valid-To    the end of the certificate's validity, ISO 8601, UTC;
    X-EIMZO-Issuer      the issuer's whole name;
    X-EIMZO-Tunnel-Protocol   ``stp/1`` for a tunnel by STP, whose promises are fewer; otherwise
                        absent.

The values are text in UTF-8. Characters that are not printable ASCII are percent-encoded
(`encode_value`). ``decodeURIComponent`` of a browser or ``urllib.parse.unquote`` of Python decodes
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import quote

from tunnel_gateway.errors import NotPermittedError
from tunnel_gateway.gateway.headers import passes
from tunnel_gateway.subject_numbers import DIGITS, believed
from tunnel_gateway.transport.wire.origin import parse_origin
from tunnel_gateway.transport.wire.upgrade import UpgradeRequest

if TYPE_CHECKING:
    from tunnel_gateway.pki.certificates.certificate import Certificate
    from tunnel_gateway.pki.trust.validation import VerifiedPeer

_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

# Headers of the connection itself. The gateway writes its own values.
_OWN = frozenset({"host", "connection", "upgrade"})

_PLAIN_VALUE = re.compile(r"[!-$&-~](?:[ -$&-~]*[!-$&-~])?")
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def check_origin(request: UpgradeRequest, domain: str, *, http_pages: bool) -> None:
    """Raise NotPermittedError unless the page that opens the WebSocket is of ``domain``.

    The page may be on any port. The host must be the domain itself, in any case, with or without
    the final dot of a full name. A plain http page passes only if it is of localhost or with
    ``http_pages``: anybody on the way can pretend to be another http page. ``null`` (sandboxed
    frames, local files) is refused.

    A request without Origin passes. Browsers always send the header on a WebSocket request, and
    pages cannot remove it (RFC 6455, section 10.2). So only a program sends none, and a program
    could just as well write the right one.
    """
    if request.origin is None:
        return
    page = parse_origin(request.origin)
    if page is None or page.host != domain.lower().removesuffix("."):
        raise NotPermittedError(
            f"the page's origin {request.origin[:100]!a} is not of the domain {domain}"
        )
    if not (page.trustworthy or http_pages):
        raise NotPermittedError(
            f"the page's origin {request.origin[:100]} is plain http, so anybody on the way could"
            " be this page: serve it by https, or set tunnel.http.pages=yes",
            "tunnel.http.pages",
        )


def encode_value(text: str) -> str:
    """Percent-encode the UTF-8 of all of ``text`` that is not printable ASCII, and ``%`` itself.

    RFC 3986, section 2.1. Spaces at the ends are encoded too, because HTTP would remove them.
    """
    if _PLAIN_VALUE.fullmatch(text):  # most texts are
        return text
    encoded = quote(text, safe=_PRINTABLE, errors="replace")
    inner = encoded.strip(" ")
    before, _, after = encoded.partition(inner) if inner else (encoded, "", "")
    return before.replace(" ", "%20") + inner + after.replace(" ", "%20")


def identity_headers(
    peer: VerifiedPeer, tunnel_id: bytes, *, stp: bool = False
) -> list[tuple[str, str]]:
    """Return name and value of each identity header (the module's table) of a verified user."""
    leaf = peer.leaf
    valid_to = leaf.not_after.astimezone(UTC).isoformat(timespec="seconds")
    values = {
        "Tunnel-Id": tunnel_id.hex(),
        "Serial": f"{leaf.serial:x}",
        "Subject": leaf.subject,
        "CN": leaf.common_name,
        "PINFL": believed("pinfl", leaf.pinfl),
        "INN": believed("inn", leaf.inn),
        "Valid-To": valid_to.replace("+00:00", "Z"),
        "Issuer": leaf.issuer,
        "Tunnel-Protocol": "stp/1" if stp else None,
    }
    return [(f"X-EIMZO-{name}", encode_value(value)) for name, value in values.items() if value]


def left_out(leaf: Certificate) -> list[tuple[str, str]]:
    """Return the name of each header whose text in the certificate is not a number, and why."""
    numbers = {"pinfl": leaf.pinfl, "inn": leaf.inn}
    return [
        (f"X-EIMZO-{kind.upper()}", f"the text in the certificate is not {DIGITS[kind]} digits")
        for kind, value in numbers.items()
        if value is not None and believed(kind, value) is None
    ]


def forwarded_request(
    request: UpgradeRequest, host: str, identity: Iterable[tuple[str, str]], peer_address: str
) -> bytes:
    """Return the head of the request for the destination.

    Headers that pass (`passes`) keep their text and their order. ``host`` replaces the client's
    Host, because the Host chooses the site behind a shared address. Of the connection's own headers
    only the two that an upgrade needs are there (RFC 6455, section 4.1). ``identity`` (from
    `identity_headers`) and X-Forwarded-For with ``peer_address`` end the head. Raises ValueError if
    one of the gateway's own values cannot stand in a header.
    """
    own = {"host": host, "connection": "Upgrade", "upgrade": "websocket"}
    lines = [f"GET {request.target} HTTP/1.1"]
    for name, value in request.headers:
        if (lower := name.lower()) in own:
            lines.append(_line(name, own.pop(lower)))
        elif lower not in _OWN and passes(name):
            lines.append(f"{name}: {value}")
    for name, value in (*identity, ("X-Forwarded-For", peer_address)):
        lines.append(_line(name, value))
    lines.append("\r\n")
    return "\r\n".join(lines).encode("iso-8859-1")


def _line(name: str, value: str) -> str:
    if not _HEADER_VALUE.fullmatch(value):
        raise ValueError(f"{name} would break the request's head")
    return f"{name}: {value}"
