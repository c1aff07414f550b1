"""The object identifiers of E-IMZO certificates, made known to asn1crypto on import.

Both families of national standards name the same mathematics: GOST R 34.10-2001 keys on the
CryptoPro curves, and signatures over GOST R 34.11-94. asn1crypto keeps its tables in class
attributes and offers no way to add to them, so this is the one module that writes there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# The path validator writes to the same tables; it has to do so first, or it undoes our part.
import pyhanko_certvalidator.asn1_types as _  # noqa: F401
from asn1crypto import algos, core, keys, x509

from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B, CRYPTOPRO_C, Curve


@dataclass(frozen=True, slots=True)
class Family:
    """A family of national standards: the names that E-IMZO prints, and the identifiers.

    ``parameter_sets`` maps the identifier of a parameter set to its curve.
    """

    name: str
    key_oid: str
    signature_name: str
    signature_oid: str
    digest_oid: str
    parameter_sets: Mapping[str, Curve] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.name

    def parameter_set(self, curve: Curve) -> str:
        """Return the identifier under which keys on ``curve`` are written."""
        return next(oid for oid, known in self.parameter_sets.items() if known is curve)


FAMILY_2009: Final = Family(
    name="OZDST-1092-2009-2",
    key_oid="1.2.860.3.15.1.1.2.1",
    signature_name="OZDST-1106-2009-2-AwithOZDST-1092-2009-2",
    signature_oid="1.2.860.3.15.1.1.2.2.2.2",
    digest_oid="1.2.860.3.15.1.3.2.1.1",
    # There is no public word on a set .4, so it is not accepted.
    parameter_sets={
        "1.2.860.3.15.1.1.2.1.1": CRYPTOPRO_A,
        "1.2.860.3.15.1.1.2.1.2": CRYPTOPRO_B,
        "1.2.860.3.15.1.1.2.1.3": CRYPTOPRO_C,
        "1.2.860.3.15.1.1.2.1.5": CRYPTOPRO_A,
        "1.2.860.3.15.1.1.2.1.6": CRYPTOPRO_C,
    },
)
FAMILY_2024: Final = Family(
    name="OZMST-286-2024-2",
    key_oid="1.2.860.3.15.2.1.2.1",
    signature_name="OZMST-285-2024-2-AwithOZMST-286-2024-2",
    signature_oid="1.2.860.3.15.2.1.2.2.2.2",
    digest_oid="1.2.860.3.15.2.3.2.1.1",
    parameter_sets={
        "1.2.860.3.15.2.1.2.1.1": CRYPTOPRO_A,
        "1.2.860.3.15.2.1.2.1.2": CRYPTOPRO_B,
        "1.2.860.3.15.2.1.2.1.3": CRYPTOPRO_C,
        "1.2.860.3.15.2.1.2.1.4": CRYPTOPRO_A,
        "1.2.860.3.15.2.1.2.1.5": CRYPTOPRO_B,
        "1.2.860.3.15.2.1.2.1.6": CRYPTOPRO_C,
    },
)
FAMILIES: Final = (FAMILY_2009, FAMILY_2024)
FAMILY_BY_KEY_OID: Final = {family.key_oid: family for family in FAMILIES}
SIGNATURE_OIDS: Final = frozenset(family.signature_oid for family in FAMILIES)
DIGEST_OIDS: Final = frozenset(family.digest_oid for family in FAMILIES)

# Attributes of a subject: the personal number, and the tax number of a legal entity.
PINFL_OID: Final = "1.2.860.3.16.1.2"
INN_OID: Final = "1.2.860.3.16.1.1"


class KeyParameters(core.Sequence):  # type: ignore[misc]
    """The parameters of a public key: usually the parameter set alone."""

    _fields = [  # noqa: RUF012 - how asn1crypto declares a structure
        ("parameter_set", core.ObjectIdentifier),
        ("digest", core.ObjectIdentifier, {"optional": True}),
        ("cipher", core.ObjectIdentifier, {"optional": True}),
    ]


def _add_identifier(table: type[core.ObjectIdentifier], oid: str, name: str) -> None:
    table.unmap(oid)  # builds the reverse table, which is otherwise made on first use
    table._map[oid] = name  # noqa: SLF001
    table._reverse_map[name] = oid  # noqa: SLF001


def _register() -> None:
    for family in FAMILIES:
        _add_identifier(keys.PublicKeyAlgorithmId, family.key_oid, family.name)
        keys.PublicKeyAlgorithm._oid_specs[family.name] = KeyParameters  # noqa: SLF001
        _add_identifier(algos.SignedDigestAlgorithmId, family.signature_oid, family.signature_name)
    for oid, name in ((PINFL_OID, "pinfl"), (INN_OID, "inn")):
        _add_identifier(x509.NameType, oid, name)
        x509.NameTypeAndValue._oid_specs[name] = x509.DirectoryString  # noqa: SLF001

    callbacks: dict[str, Any] = keys.PublicKeyInfo._spec_callbacks  # noqa: SLF001
    known = callbacks["public_key"]

    def public_key_spec(info: keys.PublicKeyInfo) -> Any:
        # The point lies in an OCTET STRING inside the BIT STRING.
        if info["algorithm"]["algorithm"].dotted in FAMILY_BY_KEY_OID:
            return core.OctetString
        return known(info)

    callbacks["public_key"] = public_key_spec


_register()
