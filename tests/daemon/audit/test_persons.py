"""A person in log lines and audit records."""

from __future__ import annotations

from dataclasses import replace

from tests.support.pki import OFFICER, user
from tunnel_gateway.daemon.audit.persons import person_in_audit, person_in_log


def test_a_person_in_the_log() -> None:
    leaf = user().leaf
    assert person_in_log(leaf) == {
        "user": leaf.common_name,
        "serial": leaf.serial_hex,
        "issuer": leaf.issuer,
    }


def test_a_person_in_the_audit_has_every_number_that_is_one() -> None:
    leaf = user(person=OFFICER).leaf
    fields = person_in_audit(leaf)
    assert list(fields) == ["name", "pinfl", "uid", "inn", "subject", "serial", "issuer"]
    assert (fields["pinfl"], fields["inn"]) == (OFFICER.pinfl, OFFICER.inn)
    odd = person_in_audit(replace(leaf, pinfl="1234", common_name=None))
    assert list(odd) == ["uid", "inn", "subject", "serial", "issuer"]
    assert "inn" not in person_in_audit(user().leaf)
