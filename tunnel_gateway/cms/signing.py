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

from tunnel_gateway.cms.frame import DATA_OID, Frame
from tunnel_gateway.cms.signed_data import (
    CONTENT_TYPE_OID,
    DATA_VERSION,
    MESSAGE_DIGEST_OID,
    OTHER_VERSION,
    SIGNING_TIME_OID,
)
from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.gost.digest import DIGEST_SIZE, digest
from tunnel_gateway.pki.encoding import ber, der, tags
from tunnel_gateway.pki.encoding.oids import Family

# RFC 5652, 11.3: UTCTime to the year 2049, GeneralizedTime after it.
_LAST_UTC_TIME_YEAR: Final = 2049
_SIGNED_ATTRIBUTES: Final = tags.context(0, constructed=True)


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
    content_type: str = DATA_OID,
    more_attributes: Sequence[bytes] = (),
) -> Signed:
    """Sign ``content``; the whole ``chain`` of the signer goes into the message.

    ``chain`` is in DER, leaf first. ``family`` is the family of the signer's key and names the
    algorithms. The aware ``signing_time`` is written in UTC, to the second. ``entropy`` returns as
    many random bytes as the caller asks for. ``content_type`` is a dotted identifier.
    ``more_attributes`` are signed too, each an Attribute in DER.
    """
    return _sign(
        private_key,
        chain,
        family,
        _signed_attributes(digest(content), content_type, signing_time, more_attributes),
        entropy,
        content_type=content_type,
        content=None if detached else content,
    )


def sign_digest(
    private_key: PrivateKey,
    chain: Sequence[bytes],
    family: Family,
    message_digest: bytes,
    *,
    signing_time: datetime,
    entropy: Callable[[int], bytes],
) -> Signed:
    """Sign a document of which only the 32-byte ``message_digest`` is known; the rest as above.

    The message is detached.
    """
    attributes = _signed_attributes(message_digest, DATA_OID, signing_time, ())
    return _sign(
        private_key, chain, family, attributes, entropy, content_type=DATA_OID, content=None
    )


def _sign(
    private_key: PrivateKey,
    chain: Sequence[bytes],
    family: Family,
    attributes: bytes,
    entropy: Callable[[int], bytes],
    *,
    content_type: str,
    content: bytes | None,
) -> Signed:
    """Return the message whose signer has the signed ``attributes``, a SET in DER."""
    leaf = x509.Certificate.load(chain[0])
    signature = gost_signature.sign(private_key, digest(attributes), entropy(DIGEST_SIZE))
    digest_algorithm = _algorithm(family.digest_oid)
    signer = _sequence(
        core.Integer(1).dump(),
        cms.IssuerAndSerialNumber(
            {"issuer": leaf.issuer, "serial_number": leaf.serial_number}
        ).dump(),
        digest_algorithm,
        # The digest is over the SET; in the message the attributes have another tag.
        ber.write(_SIGNED_ATTRIBUTES, bytes(ber.read(attributes).contents)),
        _algorithm(family.signature_oid),
        core.OctetString(signature).dump(),
    )
    frame = Frame(
        version=DATA_VERSION if content_type == DATA_OID else OTHER_VERSION,
        digest_algorithms=(digest_algorithm,),
        content_type=content_type,
        content=content,
        certificates=tuple(chain),
        revocation_lists=(),
        signers=(signer,),
    )
    return Signed(frame.write(), signature, leaf.serial_number)


def _signed_attributes(
    message_digest: bytes, content_type: str, signing_time: datetime, more: Sequence[bytes]
) -> bytes:
    moment = signing_time.astimezone(UTC).replace(microsecond=0)
    form = "utc_time" if moment.year <= _LAST_UTC_TIME_YEAR else "generalized_time"
    values: dict[str, Any] = {
        CONTENT_TYPE_OID: content_type,
        SIGNING_TIME_OID: cms.Time(name=form, value=moment),
        MESSAGE_DIGEST_OID: message_digest,
    }
    attributes = [
        cms.CMSAttribute({"type": name, "values": [value]}).dump() for name, value in values.items()
    ]
    # DER sorts a SET by the bytes of its values; the lengths differ here, so they decide.
    return ber.write(tags.SET, b"".join(sorted([*attributes, *more])))


def _algorithm(oid: str) -> bytes:
    return _sequence(der.identifier(oid), core.Null().dump())


def _sequence(*parts: bytes) -> bytes:
    return ber.write(tags.SEQUENCE, b"".join(parts))
