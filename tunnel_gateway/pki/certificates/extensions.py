"""The extensions of a certificate (RFC 5280, section 4.2) that are needed here, and no others.

The other extensions may hold anything. The elements of a needed list are counted before each
becomes an object. Only names and addresses of the kinds in use are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from asn1crypto import core, x509

from tunnel_gateway.pki.encoding import ber, der, tags
from tunnel_gateway.pki.encoding.outline import MAX_EXTENSIONS

# Elements of one list: names of a domain's certificate, policies, purposes.
_MAX_ELEMENTS: Final = 256
# Subtrees of nameConstraints, and the bytes of all of them. asn1crypto takes 12 µs for a subtree,
# and as long for each attribute of a directory name in it.
_MAX_SUBTREES: Final = 64
_MAX_CONSTRAINTS_SIZE: Final = 2048
# Addresses to ask about revocation; further addresses in a certificate are not used.
_MAX_ADDRESSES: Final = 4
_MAX_ADDRESS_SIZE: Final = 1024

# The extensions that path validation asks for: name in asn1crypto, name in RFC 5280, and type.
_NEEDED: Final = {
    "authority_key_identifier": ("authorityKeyIdentifier", x509.AuthorityKeyIdentifier),
    "basic_constraints": ("basicConstraints", x509.BasicConstraints),
    "certificate_policies": ("certificatePolicies", x509.CertificatePolicies),
    "extended_key_usage": ("extKeyUsage", x509.ExtKeyUsageSyntax),
    "inhibit_any_policy": ("inhibitAnyPolicy", core.Integer),
    "key_identifier": ("subjectKeyIdentifier", core.OctetString),
    "key_usage": ("keyUsage", x509.KeyUsage),
    "name_constraints": ("nameConstraints", x509.NameConstraints),
    "policy_constraints": ("policyConstraints", x509.PolicyConstraints),
    "policy_mappings": ("policyMappings", x509.PolicyMappings),
    "subject_alt_name": ("subjectAltName", x509.GeneralNames),
}
_LISTS: Final = frozenset(
    {"certificate_policies", "extended_key_usage", "policy_mappings", "subject_alt_name"}
)
# These are not decoded to the end: their elements are decoded one by one, when they are needed.
_SHALLOW: Final = frozenset({"authority_key_identifier", "subject_alt_name"})

# Tags of GeneralName, of DistributionPoint and of AuthorityKeyIdentifier.
_DNS_NAME: Final = tags.context(2)
_URI: Final = tags.context(6)
_POINT_NAME: Final = tags.context(0, constructed=True)
_FULL_NAME: Final = tags.context(0, constructed=True)
# RFC 5280, 4.2.2.1: id-ad-ocsp, 1.3.6.1.5.5.7.48.1.
_OCSP_METHOD: Final = bytes.fromhex("2b06010505073001")
# nameConstraints, policyMappings, policyConstraints and inhibitAnyPolicy: they bind the
# certificates that follow on a path.
BINDING: Final = frozenset({"2.5.29.30", "2.5.29.33", "2.5.29.36", "2.5.29.54"})
# The first of them, with its tag and length.
_NAME_CONSTRAINTS: Final = der.identifier("2.5.29.30")
_PAIR: Final = 2
_FIELDS: Final = 3
_FALSE: Final = b"\0"


class LeanCertificate(x509.Certificate):  # type: ignore[misc]
    """asn1crypto's certificate, for the validator: it reads only the extensions of ``_NEEDED``.

    ``extension_values`` are the values of all extensions, in DER, by dotted identifier.
    """

    extension_values: dict[str, bytes]

    def _set_extensions(self) -> None:
        self.extension_values, critical = {}, set()
        # asn1crypto's own objects for extensions would decode all those that it knows.
        every = der.values(self["tbs_certificate"]["extensions"].contents or b"", _MAX_ELEMENTS)
        for extension in every:
            identifier, *flag, content = der.values(extension.contents, _FIELDS)
            oid = der.dotted(identifier.contents)
            name = x509.ExtensionId.map(oid)
            self.extension_values[oid] = content.contents
            if any(value.contents != _FALSE for value in flag):
                critical.add(name)
            if name in _NEEDED:
                with naming(_NEEDED[name][0]):
                    setattr(self, f"_{name}_value", _value(name, content.contents))
        if len(every) > MAX_EXTENSIONS or len(self.extension_values) != len(every):
            raise ValueError("too many extensions, or one of them twice")
        self._critical_extensions = critical
        self._processed_extensions = True

    def leave_out_alternative_names(self) -> None:
        """Show the validator an empty subjectAltName.

        Without name constraints anywhere in a path no rule is about it, but the validator would
        decode all of it, or the mail addresses of the subject, which nobody needs.
        """
        self._subject_alt_name_value = x509.GeneralNames([])

    @property
    def authority_issuer_serial(self) -> bytes | None:
        """Like asn1crypto's, which fails for names that are not directory names."""
        identifier = self.authority_key_identifier_value
        serial = identifier and identifier["authority_cert_serial_number"].native
        if serial is None:
            return None
        for name in identifier["authority_cert_issuer"]:
            if name.name == "directory_name":
                return bytes(name.chosen.untag().sha256) + b":" + str(serial).encode()
        return None


def binds_names(certificate: bytes) -> bool:
    """Tell whether a certificate may have nameConstraints. A "no" is always right."""
    return _NAME_CONSTRAINTS in certificate


def naming(extension: str) -> AbstractContextManager[None]:
    """Let a fault in malformed input say in which extension it is; raises ValueError."""
    return der.malformed_as(
        lambda fault: ValueError(f"its {extension} is unreadable ({der.reason(fault)})")
    )


def _value(name: str, content: bytes) -> Any:
    if name in _LISTS:
        elements = _elements(content)
        if name == "certificate_policies":
            return _policies(elements)
        if name == "subject_alt_name":
            _check_alternatives(elements)
    if name == "name_constraints":
        _expect_few_subtrees(content)
    value = _NEEDED[name][1].load(content, strict=True)
    if name not in _SHALLOW:
        _ = value.native
    elif name == "authority_key_identifier":
        _ = value["key_identifier"].native, value["authority_cert_serial_number"].native
        for name_of_issuer in value["authority_cert_issuer"]:
            _ = name_of_issuer.name
    return value


def _expect_few_subtrees(content: bytes) -> None:
    if len(content) > _MAX_CONSTRAINTS_SIZE:
        raise ValueError(f"more than {_MAX_CONSTRAINTS_SIZE} bytes")
    for subtrees in der.values(der.contents(content, tags.SEQUENCE), _PAIR):
        der.values(subtrees.contents, _MAX_SUBTREES)


def _policies(elements: list[der.Value]) -> x509.CertificatePolicies:
    """Leave the qualifiers out: they are texts and addresses for people, and nobody reads them."""
    policies = b"".join(
        ber.write(tags.SEQUENCE, ber.write(tags.OBJECT_IDENTIFIER, _identifier(element)))
        for element in elements
    )
    return x509.CertificatePolicies.load(ber.write(tags.SEQUENCE, policies), strict=True)


def _identifier(element: der.Value) -> bytes:
    identifier = der.values(element.contents, _PAIR)[:1]
    kinds = [element.tag, *(value.tag for value in identifier)]
    if kinds != [tags.SEQUENCE, tags.OBJECT_IDENTIFIER]:
        raise ValueError("a policy without its identifier")
    der.dotted(identifier[0].contents)
    return identifier[0].contents


def _check_alternatives(elements: list[der.Value]) -> None:
    for element in elements:
        if element.tag & tags.CLASS != tags.CONTEXT:
            raise ValueError("a value among the names that is not a name")
        if element.tag == _DNS_NAME and not element.contents.isascii():
            raise ValueError("a dNSName that is not ASCII (RFC 5280, 4.2.1.6)")


def dns_names(content: bytes | None) -> tuple[str, ...]:
    """Return the dNSNames of a subjectAltName, in lower case, A-labels as they are."""
    if content is None:
        return ()
    elements = _elements(content)
    return tuple(
        element.contents.decode("ascii").lower() for element in elements if element.tag == _DNS_NAME
    )


def list_addresses(content: bytes | None) -> tuple[str, ...]:
    """Return the http addresses of cRLDistributionPoints, four at most.

    Only the complete lists of the issuer itself count, so points with reasons or with another
    issuer are skipped.
    """
    return _addresses(_list_names(content)) if content is not None else ()


def _list_names(content: bytes) -> Iterator[der.Value]:
    for point in _elements(content):
        fields = der.values(point.contents, _FIELDS)
        if [field.tag for field in fields] == [_POINT_NAME]:
            point_name = der.values(fields[0].contents, 1)
            if point_name and point_name[0].tag == _FULL_NAME:
                yield from der.values(point_name[0].contents, _MAX_ELEMENTS)


def responder_addresses(content: bytes | None) -> tuple[str, ...]:
    """Return the http addresses of OCSP responders in an authorityInfoAccess, four at most."""
    if content is None:
        return ()
    descriptions = [der.values(element.contents, _PAIR) for element in _elements(content)]
    return _addresses(
        location for method, location in descriptions if method.contents == _OCSP_METHOD
    )


def _elements(content: bytes) -> list[der.Value]:
    """Return what a SEQUENCE OF holds, within the bound on it; raises ValueError."""
    return der.values(der.contents(content, tags.SEQUENCE), _MAX_ELEMENTS)


def _addresses(names: Iterator[der.Value]) -> tuple[str, ...]:
    # https would need a check of revocation for itself (RFC 5280, 8), ldap another client.
    addresses = (
        name.contents.decode("ascii", "replace")
        for name in names
        if name.tag == _URI and len(name.contents) <= _MAX_ADDRESS_SIZE
    )
    fitting = dict.fromkeys(
        address
        for address in addresses
        if address.lower().startswith("http://") and address.isascii() and address.isprintable()
    )
    return tuple(fitting)[:_MAX_ADDRESSES]
