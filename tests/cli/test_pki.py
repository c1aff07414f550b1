"""``tunnel-gateway pki``: what it writes, prints and returns."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from tests.cli.conftest import Run, wrong_usage
from tests.support.paths import certified_again
from tests.support.pki import NOW, OFFICER, authority, domain, stranger, user
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki.authority import CENTRE, ROOT, issue
from tunnel_gateway.pki.certificates.certificate import Certificate, to_pem


def bundle(folder: Path, certificates: tuple[Certificate, ...], name: str = "chain.pem") -> Path:
    path = folder / name
    path.write_bytes(to_pem(certificates))
    return path


class TestShow:
    def test_for_people(self, run: Run, tmp_path: Path) -> None:
        identity = user(person=OFFICER)
        code, out, _ = run("show", bundle(tmp_path, identity.chain))
        assert code == 0
        first, second = out.split("\n\n")
        lines = dict(line.split(maxsplit=1) for line in first.splitlines())
        assert lines["serialNumber"] == identity.leaf.serial_hex
        assert lines["pinfl"] == "10000000000002"
        assert lines["inn"] == "300000001"
        assert lines["curve"] == "CryptoPro-A"
        assert lines["validFrom"].endswith("in Tashkent)")
        assert lines["extKeyUsage"] == "clientAuth, emailProtection"
        assert "dnsNames" not in lines
        assert "dnsNames      centre.example.uz" in second
        assert "pathLength    0" in second

    def test_for_programs(self, run: Run, tmp_path: Path) -> None:
        identity = user()
        path = tmp_path / "user.cer"
        path.write_bytes(identity.leaf.der)
        code, out, _ = run("show", "--json", path)
        assert code == 0
        (facts,) = json.loads(out)
        assert "G‘ANIYEV" in out, "letters are letters, not escapes"
        assert facts["serialNumber"] == identity.leaf.serial_hex
        assert facts["validTo"] == identity.leaf.not_after.isoformat()
        assert facts["pinfl"] == "10000000000001"
        assert facts["inn"] is None
        assert facts["publicKey"] == identity.leaf.public_key.encoded.hex()
        assert facts["signAlgName"] == "OZDST-1106-2009-2-AwithOZDST-1092-2009-2"
        assert facts["keyUsage"] == sorted(identity.leaf.key_usage or ())
        assert (facts["isCA"], facts["dnsNames"]) == (False, [])

    def test_text_that_a_terminal_would_obey(self, run: Run, tmp_path: Path) -> None:
        name = "a\u202eb\u2028c\u200bd\U000e0041"
        identity = user(person=replace(OFFICER, name=name))
        chain = bundle(tmp_path, identity.chain)
        _, out, _ = run("show", chain)
        assert out.replace("\n", "").isprintable()
        assert r"commonName    a\u202eb\u2028c\u200bd\U000e0041" in out
        _, out, _ = run("show", "--json", chain)
        assert out.replace("\n", "").isprintable()
        assert json.loads(out)[0]["commonName"] == name

    def test_extensions_that_are_absent(self, run: Run, tmp_path: Path) -> None:
        leaf = user(key_usage=None, extended_key_usage=None, policies=None).leaf
        path = bundle(tmp_path, (leaf,))
        (facts,) = json.loads(run("show", "--json", path)[1])
        assert facts["keyUsage"] is facts["extKeyUsage"] is facts["policies"] is None
        assert "keyUsage" not in run("show", path)[1]

    def test_what_is_no_certificate(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "x.pem"
        path.write_bytes(b"nothing")
        with pytest.raises(FileError, match=r"x.pem: malformed certificate"):
            run("show", path)
        with pytest.raises(FileError, match="No such file"):
            run("show", tmp_path / "none")


class TestVerify:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        return bundle(tmp_path, (authority().root.leaf,), "truststore.pem")

    def test_a_user(self, run: Run, tmp_path: Path, store: Path) -> None:
        identity = user()
        chain = bundle(tmp_path, identity.chain)
        code, out, err = run("verify", "--truststore", store, "--at", NOW.isoformat(), chain)
        assert (code, err) == (0, "")
        *path, last = out.splitlines()
        expected = [*identity.chain, authority().root.leaf]
        assert [line.split()[0] for line in path] == [one.serial_hex for one in expected]
        assert last.startswith("accepted; the path is valid until 20")

    def test_text_that_a_terminal_would_obey(self, run: Run, tmp_path: Path, store: Path) -> None:
        chain = bundle(tmp_path, user(person=replace(OFFICER, name="a\u202eb")).chain)
        _, out, _ = run("verify", "--truststore", store, "--at", NOW.isoformat(), chain)
        assert r"CN=a\u202eb," in out
        foreign = issue(None, [("CN", "a\u202eb")], ROOT, now=NOW, entropy=os.urandom)
        chain = bundle(tmp_path, foreign.chain)
        _, _, err = run("verify", "--truststore", store, "--at", NOW.isoformat(), chain)
        assert err.startswith("not accepted (certificate_untrusted)")
        assert r"CN=a\u202eb" in err

    def test_the_files_may_be_apart(self, run: Run, tmp_path: Path, store: Path) -> None:
        leaf, centre = user().chain
        files = [bundle(tmp_path, (leaf,), "leaf"), bundle(tmp_path, (centre,), "centre")]
        at = ("--at", NOW.isoformat())
        assert run("verify", "--truststore", store, *at, *files)[0] == 0
        assert run("verify", "--truststore", store, *at, files[0])[0] == 1

    def test_a_domain(self, run: Run, tmp_path: Path, store: Path) -> None:
        chain = bundle(tmp_path, domain().chain)
        base = ("verify", "--truststore", store, "--at", NOW.isoformat())
        assert run(*base, "--domain", "Example.UZ.", chain)[0] == 0
        code, out, err = run(*base, "--domain", "example.com", chain)
        assert (code, out) == (1, "")
        assert err.startswith("not accepted (certificate_unsuitable): certificate ")
        assert "is not one of example.com: it is for example.uz" in err
        assert err.count("\n") == 1

    def test_a_centre_that_leads_to_the_root(self, run: Run, tmp_path: Path, store: Path) -> None:
        """What an operator wants to know before he trusts it."""
        base = ("verify", "--truststore", store, "--at", NOW.isoformat())
        centre = authority().centre.leaf
        code, out, _ = run(*base, bundle(tmp_path, (centre,)))
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()[:-1]] == [
            one.serial_hex for one in (centre, authority().root.leaf)
        ]
        assert "accepted as a centre, not as a user" in out
        successor = certified_again(authority().root, days=(-1, 400))
        assert run(*base, bundle(tmp_path, (successor,)))[0] == 0
        anchor = bundle(tmp_path, (authority().root.leaf,))
        code, out, _ = run(*base, anchor)
        assert code == 0
        assert out.endswith("; it is a trust anchor already\n")
        code, _, err = run(*base, "--domain", "example.uz", anchor)
        assert code == 1
        assert "is a trust anchor itself" in err
        code, _, err = run("verify", "--truststore", store, "--at", "2099-01-01", anchor)
        assert code == 1
        assert "expired" in err
        code, _, err = run(*base, bundle(tmp_path, (stranger().centre.leaf,)))
        assert code == 1
        assert "not accepted (certificate_untrusted)" in err
        mute = issue(
            authority().root,
            [("CN", "M")],
            replace(CENTRE, key_usage=frozenset({"cRLSign"})),
            now=NOW,
            entropy=os.urandom,
        )
        _, _, err = run(*base, bundle(tmp_path, mute.chain))
        assert "is not a CA certificate" in err

    def test_the_time(self, run: Run, tmp_path: Path, store: Path) -> None:
        chain = bundle(tmp_path, user(not_after=NOW).chain)
        base = ("verify", "--truststore", store)
        # 17:00 in Tashkent is 12:00 in UTC, the last second.
        for at, code in (
            ("2026-03-01T17:00:00+05:00", 0),
            ("2026-03-01T12:00:00Z", 0),
            ("2026-03-01T12:00:00", 0),
            ("2026-03-01", 0),
            ("2026-03-01T12:00:01", 1),
        ):
            assert run(*base, "--at", at, chain)[0] == code
        code, _, err = run(*base, chain)
        assert code == 1
        assert "not accepted (certificate_expired)" in err

    def test_a_time_that_is_none(
        self, run: Run, capsys: pytest.CaptureFixture[str], store: Path
    ) -> None:
        err = wrong_usage(run, capsys, "verify", "--truststore", store, "--at", "noon", store)
        assert "not a time like" in err

    def test_a_password(self, run: Run, tmp_path: Path) -> None:
        root = x509.load_der_x509_certificate(authority().root.leaf.der)
        store, secret = tmp_path / "truststore.jks", tmp_path / "password"
        store.write_bytes(
            pkcs12.serialize_key_and_certificates(
                None, None, None, [root], BestAvailableEncryption(b"changeit")
            )
        )
        secret.touch(0o600)
        secret.write_bytes(b"changeit\n")
        chain = bundle(tmp_path, user().chain)
        base = ("verify", "--truststore", store, "--at", NOW.isoformat())
        assert run(*base, "--password-file", secret, chain)[0] == 0
        with pytest.raises(FileError, match="protected by a password, and none is configured"):
            run(*base, chain)
        secret.write_bytes(b"other\n")
        with pytest.raises(FileError, match="the password is wrong"):
            run(*base, "--password-file", secret, chain)

    def test_the_truststore_is_needed(
        self, run: Run, capsys: pytest.CaptureFixture[str], store: Path
    ) -> None:
        assert "--truststore" in wrong_usage(run, capsys, "verify", store)


@pytest.mark.parametrize("command", ["init", "show", "verify"])
def test_help_has_an_example(run: Run, capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(command, "--help")
    assert caught.value.code == 0
    assert f"tunnel-gateway pki {command}" in capsys.readouterr().out.partition("example")[2]


def test_a_command_is_needed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert "COMMAND" in wrong_usage(run, capsys)
