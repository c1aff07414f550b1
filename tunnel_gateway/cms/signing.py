"""Making signed messages: CMS SignedData (RFC 5652), as ``create_pkcs7`` of E-IMZO makes them.

They have the same fields in the same order. E-IMZO writes BER; these messages are in DER, so that
every reader accepts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import cms, core, x509

from tunnel_gateway.cms.signed_data import (
    CONTENT_TYPE,
    DATA_OID,
    MESSAGE_DIGEST,
    SIGNED_DATA_OID,
    SIGNING_TIME,
)
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.gost.digest import DIGEST_SIZE, digest
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.encoding.oids import Family

# RFC 5652, 11.3: UTCTime to the year 2049, GeneralizedTime after it.
_LAST_UTC_TIME_YEAR: Final = 2049
# [0] is the tag of the content, of the certificates and of the signed attributes.
_ZERO: Final = tags.context(0, constructed=True)


@dataclass(frozen=True, slots=True)
class Signed:
    """A new message in DER, its signature (64 bytes, s then r), and its signer's serial."""

    der: bytes
    signature: bytes
    serial: int


def sign_data(
    private_key: PrivateKey,
    chain: Sequence[bytes],
    family: Family,
    content: bytes,
    *,
    detached: bool,
    signing_time: datetime,
    entropy: Callable[[int], bytes],
) -> Signed:
    """Sign ``content``; the whole ``chain`` of the signer goes into the message.

    ``chain`` is in DER, leaf first. ``family`` is the family of the signer's key and names the
    algorithms. The aware ``signing_time`` is written in UTC, to the second. ``entropy`` returns as
    many random bytes as the caller asks for.
    """
    leaf = x509.Certificate.load(chain[0])
    attributes = _signed_attributes(content, signing_time)
    signature = gost_signature.sign(private_key, digest(attributes), entropy(DIGEST_SIZE))
    digest_algorithm = _algorithm(family.digest_oid)
    signer = _sequence(
        core.Integer(1).dump(),
        cms.IssuerAndSerialNumber(
            {"issuer": leaf.issuer, "serial_number": leaf.serial_number}
        ).dump(),
        digest_algorithm,
        # The digest is over the SET; in the message the attributes have another tag.
        ber.write(_ZERO, bytes(ber.read(attributes).contents)),
        _algorithm(family.signature_oid),
        core.OctetString(signature).dump(),
    )
    inside = b"" if detached else ber.write(_ZERO, core.OctetString(content).dump())
    body = _sequence(
        core.Integer(1).dump(),
        ber.write(tags.SET, digest_algorithm),
        _sequence(_oid(DATA_OID), inside),
        # Leaf first, not in the order of DER: some readers take the first as the signer's own.
        ber.write(_ZERO, b"".join(chain)),
        ber.write(tags.SET, signer),
    )
    whole = _sequence(_oid(SIGNED_DATA_OID), ber.write(_ZERO, body))
    return Signed(whole, signature, leaf.serial_number)


def _signed_attributes(content: bytes, signing_time: datetime) -> bytes:
    moment = signing_time.astimezone(UTC).replace(microsecond=0)
    form = "utc_time" if moment.year <= _LAST_UTC_TIME_YEAR else "generalized_time"
    values: dict[str, Any] = {
        CONTENT_TYPE: DATA_OID,
        SIGNING_TIME: cms.Time(name=form, value=moment),
        MESSAGE_DIGEST: digest(content),
    }
    # DER sorts a SET by the bytes of its values; the lengths differ here, so they decide.
    return ber.write(
        tags.SET,
        b"".join(
            sorted(
                cms.CMSAttribute({"type": name, "values": [value]}).dump()
                for name, value in values.items()
            )
        ),
    )


def _algorithm(oid: str) -> bytes:
    return _sequence(_oid(oid), core.Null().dump())


def _oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def _sequence(*parts: bytes) -> bytes:
    return ber.write(tags.SEQUENCE, b"".join(parts))
