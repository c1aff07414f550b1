"""Requests for certificates: PKCS#10 (RFC 2986), signed by the key that gets the certificate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from asn1crypto import csr, x509
from cryptography.exceptions import InvalidSignature

from tunnel_gateway.gost import signature as gost_signature
from tunnel_gateway.gost.curves import PublicKey
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.certificates.certificate import read_public_key
from tunnel_gateway.pki.certificates.name_text import is_identifier
from tunnel_gateway.pki.certificates.names import distinguished_name, labelled
from tunnel_gateway.pki.encoding.der import load_der, malformed_as
from tunnel_gateway.pki.encoding.oids import Family
from tunnel_gateway.pki.files.keyfiles import Identity

MAX_REQUEST_SIZE: Final = 16 * 1024
_ENTROPY: Final = 32
_MAX_SHOWN: Final = 40
_NO_UNUSED_BITS: Final = b"\0"  # the first byte of a BIT STRING that is whole bytes


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A request as it was read. Anyone may have made it, also for the key of another."""

    subject: str
    attributes: tuple[tuple[str, str], ...]
    family: Family
    public_key: PublicKey
    public_key_info: bytes
    policies: tuple[str, ...]
    signed: bytes
    signature: bytes

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read exactly one request; the only error raised is ValueError."""
        if len(der) > MAX_REQUEST_SIZE:
            raise ValueError(f"a request of {len(der)} bytes; {MAX_REQUEST_SIZE} is the limit")
        with malformed_as(lambda fault: ValueError(f"malformed: {fault}")):
            parsed = load_der(csr.CertificationRequest, der)
            info = parsed["certification_request_info"]
            family, public_key = read_public_key(info["subject_pk_info"])
            if parsed["signature_algorithm"]["algorithm"].dotted != family.signature_oid:
                raise ValueError("an algorithm of another family signed it")
            if parsed["signature"].contents[:1] != _NO_UNUSED_BITS:
                raise ValueError("the signature is not whole bytes")
            name = info["subject"].dump()
            return cls(
                distinguished_name(name),
                tuple(labelled(name)),
                family,
                public_key,
                bytes(info["subject_pk_info"].dump()),
                _policies(info["attributes"]),
                bytes(info.dump()),
                bytes(parsed["signature"].native),
            )

    def is_signed_by_its_key(self) -> bool:
        """Tell whether the owner of the key has signed the request."""
        try:
            gost_signature.verify(self.public_key, self.signature, digest(self.signed))
        except InvalidSignature:
            return False
        return True


def make_certificate_request(
    identity: Identity,
    name: bytes | None,
    policies: Sequence[str],
    entropy: Callable[[int], bytes],
) -> bytes:
    """Return a request in DER for the key of ``identity``, signed by this key.

    The subject is ``name``, in DER, or else that of the present certificate. ``policies`` are the
    dotted identifiers of the policies that are asked for. ``entropy`` returns random bytes. Raises
    ValueError for a policy that is not an identifier, InvalidKeyError if the key was wiped.
    """
    leaf = x509.Certificate.load(identity.leaf.der)
    for policy in policies:
        if not is_identifier(policy):
            raise ValueError(f"{policy[:_MAX_SHOWN]!r} is not the identifier of a policy")
    extensions = []
    if policies:
        asked = [{"policy_identifier": policy} for policy in policies]
        extensions.append({"extn_id": "certificate_policies", "extn_value": asked})
    attributes = [{"type": "extension_request", "values": [extensions]}] if extensions else []
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": leaf.subject if name is None else x509.Name.load(name),
            "subject_pk_info": leaf.public_key,
            "attributes": attributes,
        }
    )
    signed = gost_signature.sign(identity.private_key, digest(info.dump()), entropy(_ENTROPY))
    algorithm = {"algorithm": identity.leaf.family.signature_oid}
    return bytes(
        csr.CertificationRequest(
            {
                "certification_request_info": info,
                "signature_algorithm": algorithm,
                "signature": signed,
            }
        ).dump()
    )


def _policies(attributes: Any) -> tuple[str, ...]:
    return tuple(
        policy["policy_identifier"].dotted
        for attribute in attributes
        if attribute["type"].native == "extension_request"
        for extensions in attribute["values"]
        for extension in extensions
        if extension["extn_id"].native == "certificate_policies"
        for policy in extension["extn_value"].parsed
    )
