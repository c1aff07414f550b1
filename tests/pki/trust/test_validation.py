"""Who is accepted, for what, until when; and what is remembered of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import x509

from tests.support.paths import make
from tests.support.pki import DAY, MADE, NOW, authority, ders, domain, extension, stranger, user
from tunnel_gateway.errors import (
    CertificateError,
    CertificateExpiredError,
    CertificateUnsuitableError,
    CertificateUntrustedError,
)
from tunnel_gateway.gost.curves import CURVES, Curve
from tunnel_gateway.pki.authority import DOMAIN, ROOT, USER, Authority, issue
from tunnel_gateway.pki.encoding.oids import FAMILIES, Family
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import (
    ChainValidator,
    VerifiedPeer,
    check_anchor,
    check_plain_root,
    check_server,
)


@pytest.fixture
def validator() -> ChainValidator:
    return ChainValidator([authority().root.leaf])


def refused(error: type[CertificateError], reason: str, call: Any, *args: Any) -> None:
    with pytest.raises(CertificateError, match=reason) as caught:
        call(*args)
    assert type(caught.value) is error


class TestClient:
    def test_a_user(self, validator: ChainValidator) -> None:
        identity = user()
        peer = validator.verify_client(ders(identity), NOW)
        assert peer.leaf == identity.leaf
        assert peer.path == (*identity.chain, authority().root.leaf)
        assert peer.valid_from == identity.leaf.not_before
        assert peer.valid_until == identity.leaf.not_after

    def test_valid_until_is_the_earliest_end_of_the_path(self) -> None:
        made = Authority.create(now=NOW, entropy=os.urandom)
        late = user(made, not_before=NOW, not_after=datetime(2049, 1, 1, tzinfo=UTC))
        peer = ChainValidator([made.root.leaf]).verify_client(ders(late), NOW)
        assert peer.valid_until == made.centre.leaf.not_after < late.leaf.not_after
        assert peer.valid_from == NOW

    @pytest.mark.parametrize("family", FAMILIES, ids=str)
    @pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
    def test_both_families_and_all_curves(
        self, validator: ChainValidator, family: Family, curve: Curve
    ) -> None:
        assert validator.verify_client(ders(user(family=family, curve=curve)), NOW)

    @pytest.mark.parametrize(
        "changes",
        [
            {"key_usage": None},
            {"key_usage": frozenset({"digitalSignature"})},
            {"extended_key_usage": None},
            {"extended_key_usage": frozenset({"clientAuth"})},
            {"extended_key_usage": frozenset({"anyExtendedKeyUsage"})},
            {"key_usage": None, "extended_key_usage": None, "policies": None},
        ],
    )
    def test_purposes_that_are_enough(
        self, validator: ChainValidator, changes: dict[str, Any]
    ) -> None:
        assert validator.verify_client(ders(user(**changes)), NOW)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            (
                {"key_usage": frozenset({"keyAgreement", "nonRepudiation"})},
                "has no digitalSignature, only keyAgreement, nonRepudiation; use a certificate",
            ),
            ({"key_usage": frozenset()}, "has no digitalSignature"),
            (
                {"extended_key_usage": frozenset({"emailProtection", "serverAuth"})},
                "has no clientAuth, only emailProtection, serverAuth; use a certificate",
            ),
            ({"extended_key_usage": frozenset({"1.2.3"})}, "has no clientAuth"),
        ],
    )
    def test_purposes_that_are_not(
        self, validator: ChainValidator, changes: dict[str, Any], reason: str
    ) -> None:
        identity = user(**changes)
        reason = f"certificate {identity.leaf.serial_hex} issued by <CN=Dev.* {reason}"
        refused(CertificateUnsuitableError, reason, validator.verify_client, ders(identity), NOW)

    def test_expired_and_not_yet_valid(self, validator: ChainValidator) -> None:
        for identity, reason in (
            (user(not_after=NOW - DAY), "expired on"),
            (user(not_before=NOW + DAY), "is not valid until"),
        ):
            chain = ders(identity)
            refused(CertificateExpiredError, reason, validator.verify_client, chain, NOW)

    def test_untrusted(self, validator: ChainValidator) -> None:
        chain = ders(user(stranger()))  # the names are those of the authority
        reason = "no path leads from .* issued by <CN=Development Root.* was made with the key"
        refused(CertificateUntrustedError, reason, validator.verify_client, chain, NOW)
        elsewhere = make(make(None, "Another Root"), "A user", USER)
        reason = "no path leads from .* issued by <CN=Another Root> to a trust anchor: its issuer"
        refused(
            CertificateUntrustedError, reason, validator.verify_client, ders(elsewhere)[:1], NOW
        )

    def test_refusals_do_not_name_the_person(self, validator: ChainValidator) -> None:
        chain = ders(user(not_after=NOW - DAY))
        earlier = NOW - 2 * DAY
        calls: list[Callable[[], object]] = [
            lambda: validator.verify_client(chain, NOW),
            lambda: validator.verify_client(chain[:1], earlier),
            lambda: validator.verify_server(chain, earlier, "example.uz"),
        ]
        for call in calls:
            with pytest.raises(CertificateError) as caught:
                call()
            assert "KTAM" not in str(caught.value)
            assert "10000000000001" not in str(caught.value)


class TestServer:
    def test_a_domain(self, validator: ChainValidator) -> None:
        identity = domain()
        peer = validator.verify_server(ders(identity), NOW, "example.uz")
        assert peer.leaf == identity.leaf

    @pytest.mark.parametrize("name", ["EXAMPLE.uz", "example.uz."])
    def test_the_domain_in_another_writing(self, validator: ChainValidator, name: str) -> None:
        assert validator.verify_server(ders(domain()), NOW, name)

    @pytest.mark.parametrize(
        ("dns_names", "name", "accepted"),
        [
            (["example.uz", "api.example.uz"], "api.example.uz", True),
            (["*.example.uz"], "api.example.uz", True),
            (["*.example.uz"], "example.uz", False),
            (["*.example.uz"], "a.b.example.uz", False),
            (["*.uz"], "example.uz", False),
            (["api.example.uz"], "example.uz", False),
            (["мисол.uz"], "мисол.uz", True),
            (["example.uz.evil.uz"], "example.uz", False),
        ],
    )
    def test_names(
        self, validator: ChainValidator, dns_names: list[str], name: str, accepted: bool
    ) -> None:
        chain = ders(domain("example.uz", dns_names=dns_names))
        if accepted:
            assert validator.verify_server(chain, NOW, name)
        else:
            wanted = "is not one of "
            refused(CertificateUnsuitableError, wanted, validator.verify_server, chain, NOW, name)

    def test_the_common_name_counts_only_without_alternative_names(
        self, validator: ChainValidator
    ) -> None:
        assert validator.verify_server(ders(domain(dns_names=[])), NOW, "example.uz")
        with_others = ders(domain("example.uz", dns_names=["other.uz"]))
        refused(
            CertificateUnsuitableError,
            "is not one of example.uz: it is for other.uz",
            validator.verify_server,
            with_others,
            NOW,
            "example.uz",
        )

    def test_alternative_names_of_other_kinds_rule_the_common_name_out(
        self, validator: ChainValidator
    ) -> None:
        address = x509.GeneralNames([x509.GeneralName("ip_address", "127.0.0.1")]).dump()
        chain = ders(domain(dns_names=[], extensions=(extension("2.5.29.17", address),)))
        for name in ("example.uz", "127.0.0.1"):
            with pytest.raises(CertificateUnsuitableError):
                validator.verify_server(chain, NOW, name)

    def test_under_name_constraints_only_whole_alternative_names_count(self) -> None:
        # Excluded is secret.example.uz alone (GeneralSubtree of RFC 5280, 4.2.1.10).
        excluded = x509.GeneralName("dns_name", "secret.example.uz")
        value = x509.NameConstraints({"excluded_subtrees": [{"base": excluded}]}).dump()
        root = make(None, "R", ROOT)
        centre = make(root, "C", extensions=(extension("2.5.29.30", value),))
        bound = ChainValidator([root.leaf])
        chains = {
            names: ders(
                Authority(root, centre).issue_domain(
                    "secret.example.uz", now=MADE, entropy=os.urandom, dns_names=names
                )
            )
            for names in ((), ("*.example.uz",), ("secret.example.uz",), ("open.example.uz",))
        }
        for chain in chains.values():
            with pytest.raises(CertificateUnsuitableError):
                bound.verify_server(chain, NOW, "secret.example.uz")
        with pytest.raises(CertificateUnsuitableError, match=r"it is for \*\.example\.uz"):
            bound.verify_server(chains["*.example.uz",], NOW, "open.example.uz")
        assert bound.verify_server(chains["open.example.uz",], NOW, "open.example.uz")

    def test_no_name_at_all(self, validator: ChainValidator) -> None:
        nameless = issue(
            authority().centre, [("O", "x")], DOMAIN, now=NOW - DAY, entropy=os.urandom
        )
        refused(
            CertificateUnsuitableError,
            "no domain by subjectAltName",
            validator.verify_server,
            ders(nameless),
            NOW,
            "example.uz",
        )

    def test_an_address_never_matches(self, validator: ChainValidator) -> None:
        for identity in (domain("127.0.0.1", dns_names=[]), domain(dns_names=["127.0.0.1"])):
            refused(
                CertificateUnsuitableError,
                "no certificate can match: not a domain name",
                validator.verify_server,
                ders(identity),
                NOW,
                "127.0.0.1",
            )

    @pytest.mark.parametrize("name", ["", "\ud800", "a b", "x" * 300])
    def test_what_is_no_domain(self, validator: ChainValidator, name: str) -> None:
        with pytest.raises(CertificateUnsuitableError, match="not a domain name"):
            validator.verify_server(ders(domain()), NOW, name)

    def test_the_check_alone_for_the_operator_of_a_domain(self) -> None:
        check_server(domain().leaf, "example.uz")
        with pytest.raises(CertificateUnsuitableError, match=r"is not one of example\.com"):
            check_server(domain().leaf, "example.com")

    def test_a_user_is_no_domain_and_a_domain_may_be_no_user(
        self, validator: ChainValidator
    ) -> None:
        with pytest.raises(CertificateUnsuitableError):
            validator.verify_server(ders(user()), NOW, "example.uz")
        only_server = domain(extended_key_usage=frozenset({"serverAuth"}))
        with pytest.raises(CertificateUnsuitableError):
            validator.verify_client(ders(only_server), NOW)

    def test_purposes(self, validator: ChainValidator) -> None:
        # What a centre may give a domain: the purposes of a user.
        like_a_user = domain(extended_key_usage=frozenset({"clientAuth", "emailProtection"}))
        assert validator.verify_server(ders(like_a_user), NOW, "example.uz")
        no_signing = domain(key_usage=frozenset({"keyAgreement"}))
        refused(
            CertificateUnsuitableError,
            "has no digitalSignature",
            validator.verify_server,
            ders(no_signing),
            NOW,
            "example.uz",
        )


class TestInput:
    @pytest.mark.parametrize("count", [0, 9, 1000])
    def test_the_number_of_certificates(self, validator: ChainValidator, count: int) -> None:
        refused(
            CertificateUnsuitableError,
            f"a chain of {count} certificates; it must have 1 to 8",
            validator.verify_client,
            ders(user())[:1] * count,
            NOW,
        )

    def test_eight_certificates(self, validator: ChainValidator) -> None:
        chain = [*ders(user()), *(domain().leaf.der for _ in range(6))]
        assert len(validator.verify_client(chain, NOW).path) == 3

    def test_the_size_of_the_chain(self, validator: ChainValidator) -> None:
        filler = user(extensions=(extension("1.2.3.4", bytes(13_000)),)).leaf.der
        assert validator.verify_client([*ders(user()), filler], NOW)
        refused(
            CertificateUnsuitableError,
            "bytes; 16384 is the limit",
            validator.verify_client,
            [*ders(user()), filler, domain().leaf.der, domain().leaf.der, domain().leaf.der],
            NOW,
        )

    def test_any_certificate_that_is_malformed(self, validator: ChainValidator) -> None:
        for chain in ([b"", *ders(user())], [*ders(user()), b"\x30\x00"]):
            refused(CertificateUnsuitableError, "malformed", validator.verify_client, chain, NOW)

    def test_the_time_must_know_its_zone(self, validator: ChainValidator) -> None:
        with pytest.raises(ValueError, match="zone"):
            validator.verify_client(ders(user()), NOW.replace(tzinfo=None))


class TestAnchors:
    def test_there_must_be_one(self) -> None:
        with pytest.raises(CertificateUnsuitableError, match="no trust anchors"):
            ChainValidator([])

    def test_only_a_ca_can_be_one(self) -> None:
        for bad in (user().leaf, domain().leaf):
            with pytest.raises(CertificateUnsuitableError, match="take it out of the truststore"):
                ChainValidator([authority().root.leaf, bad])

    def test_a_ca_that_may_not_sign_certificates(self) -> None:
        bad = user(is_ca=True).leaf
        assert bad.is_ca
        with pytest.raises(CertificateUnsuitableError, match="is not a CA certificate"):
            check_anchor(bad)


class TestAPlainRoot:
    """A root without basicConstraints and keyUsage, where the operator asks for it."""

    @staticmethod
    def root(**changes: Any) -> Identity:
        plain = {"is_ca": False, "path_length": None, "key_usage": None} | changes
        profile = replace(ROOT, **plain)
        return issue(None, [("CN", "Plain Root")], profile, now=MADE, entropy=os.urandom)

    def test_it_is_an_anchor_where_it_is_asked_for(self) -> None:
        root = self.root()
        leaf = issue(
            root,
            [("CN", "example.uz")],
            DOMAIN,
            now=MADE,
            entropy=os.urandom,
            dns_names=["example.uz"],
        ).leaf
        with pytest.raises(CertificateUnsuitableError, match="is not a CA certificate"):
            ChainValidator([root.leaf])
        verify = ChainValidator([root.leaf], check=check_plain_root).verify_server
        assert verify([leaf.der], NOW, "example.uz").path == (leaf, root.leaf)
        refused(CertificateUnsuitableError, "is not one of", verify, [leaf.der], NOW, "a.uz")
        late = NOW + 9000 * DAY
        refused(CertificateExpiredError, "expired", verify, [leaf.der], late, "example.uz")
        foreign = domain().leaf.der
        refused(CertificateUntrustedError, "trust", verify, [foreign], NOW, "example.uz")

    def test_a_usual_ca_passes_too(self) -> None:
        check_plain_root(authority().root.leaf)
        check_plain_root(authority().centre.leaf)

    def test_who_is_not_one(self) -> None:
        for bad in (
            user().leaf,
            domain().leaf,
            self.root(key_usage=frozenset({"digitalSignature"})).leaf,
        ):
            with pytest.raises(CertificateUnsuitableError, match="is not a CA certificate"):
                check_plain_root(bad)


class TestProof:
    def test_nothing_else_makes_a_verified_peer(self, validator: ChainValidator) -> None:
        peer = validator.verify_client(ders(user()), NOW)
        fields = {
            "leaf": peer.leaf,
            "path": peer.path,
            "valid_from": peer.valid_from,
            "valid_until": peer.valid_until,
        }
        with pytest.raises(TypeError, match="proof"):
            VerifiedPeer(**fields)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="only the validation of a chain"):
            VerifiedPeer(**fields, proof=object())  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError)):
            replace(peer, leaf=domain().leaf)  # type: ignore[call-arg]
        assert not hasattr(peer, "proof")
