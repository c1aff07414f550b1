"""The findings of `check` for STP: will E-IMZO take the keys, and can its users be judged?

E-IMZO trusts one root for tunnels, which is compiled in. It wants the domain's certificate directly
from that root, the page's host literally among the names, and a key on the user's curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from asn1crypto import x509

from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_C
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.oids import FAMILY_2009
from tunnel_gateway.pki.files.keyfiles import Identity

# CN=E-IMZO Tunnel Root CA, O=DUK Yangi texnologiyalar, C=UZ, until 2063. SHA-256 of its DER.
TUNNEL_ROOT: Final = "5ff909b8a493144e9ba9dc2390c44f5fab636157895c38e75b0a1fe7566260c1"
_ROOT_NAME: Final = "E-IMZO Tunnel Root CA"


def check_stp(
    keys_of: Mapping[str, Sequence[Identity]],
    anchors: Sequence[Certificate],
    intermediates: Sequence[Certificate],
    now: datetime,
    *,
    root: str = TUNNEL_ROOT,
) -> Iterator[Finding]:
    """Yield a finding for each domain key, for each domain, and for the centres of the users.

    ``root`` is the SHA-256 of the root that E-IMZO trusts, in hexadecimal.
    """
    for name, keys in keys_of.items():
        for key in keys:
            curve = key.private_key.curve.name
            faults = list(_faults(name, key, anchors, now, root))
            text = "; ".join(faults) or f"E-IMZO will take it for users with keys on {curve}"
            yield Finding("stp", f"{name}, {curve}", "warning" if faults else "ok", text)
        yield from _curves(name, keys)
    yield _users(anchors, intermediates)


def _faults(
    name: str, key: Identity, anchors: Sequence[Certificate], now: datetime, root: str
) -> Iterator[str]:
    """Yield each reason why E-IMZO will refuse the key."""
    leaf = key.leaf
    if leaf.family is not FAMILY_2009:
        yield f"E-IMZO does not know the identifiers {leaf.family.name}: ask for those of 2009"
    issuers = [one for one in (*key.chain[1:], *anchors) if leaf.names(one)]
    direct = any(issuer.fingerprint == root for issuer in issuers)
    # The file may lack the root: then its name is all that can be compared.
    if not direct and (issuers or _ROOT_NAME not in leaf.issuer):
        yield (
            f"E-IMZO will refuse it: it is issued by {leaf.issuer}, and not directly by"
            f" {_ROOT_NAME} with the SHA-256 {root}"
        )
    if name not in _literal_names(leaf):
        yield f"E-IMZO will refuse it: subjectAltName does not have {name} in these very letters"
    if not leaf.not_before <= now <= leaf.not_after:
        yield "E-IMZO will refuse it: today is not within its dates"


def _literal_names(leaf: Certificate) -> set[str]:
    """Return the DNS names and addresses of the certificate as they are written there."""
    names = x509.Certificate.load(leaf.der).subject_alt_name_value or ()
    return {
        name.chosen.contents.decode("latin-1") if name.name == "dns_name" else name.native
        for name in names
        if name.name in ("dns_name", "ip_address")
    }


def _curves(name: str, keys: Sequence[Identity]) -> Iterator[Finding]:
    curves = {key.private_key.curve for key in keys}
    for curve, who, letter in ((CRYPTOPRO_A, "key files", "a"), (CRYPTOPRO_C, "ID cards", "c")):
        if curve not in curves:
            text = (
                f"users with {who} on {curve.name} get no tunnel by STP: add a key on that curve,"
                f" as {name}.{letter}.pfx"
            )
            yield Finding("stp", name, "warning", text)


def _users(anchors: Sequence[Certificate], intermediates: Sequence[Certificate]) -> Finding:
    """Tell whether centres below a root are known: a user's certificate comes without them."""
    issuers = {one.der: one for one in (*anchors, *intermediates)}.values()
    centres = [one for one in issuers if one.subject != one.issuer]
    if not centres:
        text = (
            "only roots are known, and clients of STP show no chain: put the certificates of the"
            " centres that issue to your users into tunnel.intermediates.dir"
        )
        return Finding("stp", "users", "warning", text)
    names = sorted({one.common_name or one.subject for one in centres})
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return Finding("stp", "users", "ok", f"the users of {len(names)} centres can come: {shown}")
