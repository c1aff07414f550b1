"""Rules of RFC 5280 about a certificate's content that path validation does not check.

A certificate that breaks one of these rules contradicts itself, or leaves out something that it
must say. Nobody can know what its issuer meant, so it is refused at each position of a path. Rules
that the national centres break are not checked: docs/path-validation.md lists them, with reasons.
"""

from __future__ import annotations

from asn1crypto import x509


def check_profile(parsed: x509.Certificate) -> None:
    """Raise ValueError for a certificate that contradicts itself; all of it must be decoded."""
    if parsed["tbs_certificate"]["version"].native != "v3":
        # An earlier one cannot say what it is for, so it would be for everything.
        raise ValueError("it is not of version 3")
    _check_lists(parsed)
    _check_name_constraints(parsed)
    usages = parsed.key_usage_value
    if usages is not None and "key_cert_sign" in usages.native and not parsed.ca:
        raise ValueError(
            "its keyUsage has keyCertSign, but it is not a CA certificate (RFC 5280, 4.2.1.9)"
        )
    if not parsed.subject.chosen and "subject_alt_name" not in parsed.critical_extensions:
        raise ValueError("it has no subject, and no critical subjectAltName (RFC 5280, 4.2.1.6)")


def _check_lists(parsed: x509.Certificate) -> None:
    lists = {
        "extKeyUsage": parsed.extended_key_usage_value,
        "subjectAltName": parsed.subject_alt_name_value,
        "certificatePolicies": parsed.certificate_policies_value,
    }
    for name, values in lists.items():
        if values is not None and len(values) == 0:
            raise ValueError(f"its {name} is empty")


def _check_name_constraints(parsed: x509.Certificate) -> None:
    constraints = parsed.name_constraints_value
    if constraints is None:
        return
    if not parsed.ca:
        raise ValueError("its nameConstraints are not in a CA certificate (RFC 5280, 4.2.1.10)")
    subtrees = [constraints[name] for name in ("permitted_subtrees", "excluded_subtrees")]
    given = [subtree for subtree in subtrees if subtree.native is not None]
    if not given or any(len(subtree) == 0 for subtree in given):
        raise ValueError("its nameConstraints are empty (RFC 5280, 4.2.1.10)")
