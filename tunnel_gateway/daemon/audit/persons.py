"""A proven person, as every service writes them in its log lines and audit records."""

from __future__ import annotations

from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.subject_numbers import believed


def person_in_log(leaf: Certificate) -> dict[str, object]:
    """Return the fields of a log line: the name, which the log masks, and the certificate."""
    return {"user": leaf.common_name, "serial": leaf.serial_hex, "issuer": leaf.issuer}


def person_in_audit(leaf: Certificate) -> dict[str, object]:
    """Return the fields of an audit record: the person in full, with every number they have."""
    fields = {
        "name": leaf.common_name,
        "pinfl": believed("pinfl", leaf.pinfl),
        "uid": believed("uid", leaf.uid),
        "inn": believed("inn", leaf.inn),
        "subject": leaf.subject,
        "serial": leaf.serial_hex,
        "issuer": leaf.issuer,
    }
    return {key: value for key, value in fields.items() if value is not None}
