"""``tunnel-gateway pki``: what it writes, prints and returns."""

from __future__ import annotations

import argparse
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from tests.support.pki import NOW, OFFICER, authority, domain, user
from tunnel_gateway.cli import pki
from tunnel_gateway.errors import FileError
from tunnel_gateway.pki.alias import make_alias
from tunnel_gateway.pki.authority import ROOT, issue
from tunnel_gateway.pki.certificate import Certificate, to_pem
from tunnel_gateway.pki.keyfiles import load_certificates, load_identity, password_beside
from tunnel_gateway.pki.pkcs12 import shown_aliases
from tunnel_gateway.pki.truststore import load_trust_anchors

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``pki`` with arguments; returns the exit code and what was printed."""

    def call(*arguments: object) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser(prog="tunnel-gateway")
        pki.add_parser(parser.add_subparsers(required=True))
        args = parser.parse_args(["pki", *map(str, arguments)])
        code = args.run(args)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def wrong_usage(run: Run, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def bundle(folder: Path, certificates: tuple[Certificate, ...], name: str = "chain.pem") -> Path:
    path = folder / name
    path.write_bytes(to_pem(certificates))
    return path


class TestInit:
    def test_what_it_writes(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "new" / "dev"
        code, out, err = run("init", folder)
        assert (code, err) == (0, "")
        assert str(folder / "truststore.pem") in out
        assert {str(path.relative_to(folder)) for path in folder.rglob("*.pem")} == {
            "truststore.pem",
            "ca/root.pem",
            "ca/root.key.pem",
            "ca/centre.pem",
            "ca/centre.key.pem",
            "ca/api-keys.pem",
            "ca/api-keys.key.pem",
            "servers/example.uz/chain.pem",
            "servers/example.uz/key.pem",
            "users/citizen/chain.pem",
            "users/citizen/key.pem",
            "users/officer/chain.pem",
            "users/officer/key.pem",
        }
        assert load_trust_anchors(folder / "truststore.pem") == load_certificates(
            folder / "ca/root.pem"
        )

    def test_keys_are_their_owners_only(self, run: Run, tmp_path: Path) -> None:
        run("init", tmp_path)
        keys = [path for path in tmp_path.rglob("*.pem") if path.name.endswith("key.pem")]
        assert len(keys) == 6
        assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}

    def test_users_get_a_pfx(self, run: Run, tmp_path: Path) -> None:
        run("init", tmp_path, "--curve", "C", "--family", "2024")
        passwords = set()
        for name in ("citizen", "officer"):
            folder = tmp_path / "users" / name
            pfx = folder / "user.pfx"
            password = password_beside(pfx)
            passwords.add(password)
            identity = load_identity(pfx, None, password)
            assert shown_aliases(pfx.read_bytes()) == (make_alias(identity.leaf),)
            assert identity.chain == load_identity(folder / "key.pem", folder / "chain.pem").chain
            for path in (pfx, folder / "user.pfx.password"):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [len(password or b"") for password in passwords] == [32, 32]

    def test_every_key_belongs_to_its_chain(self, run: Run, tmp_path: Path) -> None:
        run("init", tmp_path)
        for chain in tmp_path.rglob("chain.pem"):
            identity = load_identity(chain.with_name("key.pem"), chain)
            assert [one.is_ca for one in identity.chain] == [False, True]
        for name in ("root", "centre"):
            assert load_identity(tmp_path / f"ca/{name}.key.pem", tmp_path / f"ca/{name}.pem")

    def test_the_default_users(self, run: Run, tmp_path: Path) -> None:
        run("init", tmp_path)
        (citizen, *_), (officer, *_) = (
            load_certificates(tmp_path / f"users/{name}/chain.pem")
            for name in ("citizen", "officer")
        )
        assert (citizen.pinfl, citizen.uid, citizen.inn) == ("10000000000001", "400000001", None)
        assert (officer.pinfl, officer.inn) == ("10000000000002", "300000001")
        assert citizen.common_name == "G‘ANIYEV O‘KTAM"

    def test_everything_it_makes_is_accepted(self, run: Run, tmp_path: Path) -> None:
        run("init", tmp_path, "--domain", "Api.Example.uz", "--domain", "мисол.uz")
        store = ("--truststore", tmp_path / "truststore.pem")
        for name in ("api.example.uz", "xn--h1agbjo.uz"):
            chain = tmp_path / "servers" / name / "chain.pem"
            assert run("verify", *store, "--domain", name, chain)[0] == 0
        assert run("verify", *store, tmp_path / "users/citizen/chain.pem")[0] == 0
        assert not (tmp_path / "servers/example.uz").exists()

    def test_named_users(self, run: Run, tmp_path: Path) -> None:
        names = ["O‘KTAMOV G‘ULOM", "Gulnora", "Gulnora"]
        run("init", tmp_path, *(word for name in names for word in ("--user", name)))
        assert {path.name for path in (tmp_path / "users").iterdir()} == set(names)
        people = [
            load_certificates(tmp_path / "users" / name / "chain.pem")[0] for name in set(names)
        ]
        assert {person.common_name for person in people} == set(names)
        assert all(len(person.pinfl or "") == 14 for person in people)
        assert people[0].pinfl != people[1].pinfl

    def test_curve_family_and_days(self, run: Run, tmp_path: Path) -> None:
        run("init", tmp_path, "--curve", "C", "--family", "2024", "--days", "3")
        (root,) = load_certificates(tmp_path / "truststore.pem")
        leaf = load_certificates(tmp_path / "servers/example.uz/chain.pem")[0]
        for certificate in (root, leaf):
            assert certificate.public_key.curve.name == "CryptoPro-C"
            assert certificate.family.name == "OZMST-286-2024-2"
        assert (leaf.not_after - leaf.not_before).days in {2, 3}
        assert (root.not_after - root.not_before).days > 7000

    def test_encrypted_keys(self, run: Run, tmp_path: Path) -> None:
        password = tmp_path / "password"
        password.touch(0o600)
        password.write_bytes(b"parol\n")
        folder = tmp_path / "dev"
        assert run("init", folder, "--password-file", password)[0] == 0
        key, chain = folder / "users/citizen/key.pem", folder / "users/citizen/chain.pem"
        assert key.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        assert load_identity(key, chain, b"parol")
        assert load_identity(folder / "users/citizen/user.pfx", None, b"parol")
        assert not list(folder.rglob("*.password"))
        with pytest.raises(FileError, match="password is wrong"):
            load_identity(key, chain, b"parol\n")

    @pytest.mark.parametrize(
        ("content", "mode", "reason"),
        [(b"", 0o600, "no password in it"), (b"\n", 0o600, "no password"), (b"p", 0o644, "chmod")],
        ids=["empty", "a line end", "open to others"],
    )
    def test_password_files_that_are_refused(
        self, run: Run, tmp_path: Path, content: bytes, mode: int, reason: str
    ) -> None:
        password = tmp_path / "password"
        password.write_bytes(content)
        password.chmod(mode)
        with pytest.raises(FileError, match=reason):
            run("init", tmp_path / "dev", "--password-file", password)
        assert not (tmp_path / "dev").exists()

    def test_it_does_not_overwrite(self, run: Run, tmp_path: Path) -> None:
        run("init", tmp_path)
        before = (tmp_path / "ca/root.key.pem").read_bytes()
        code, out, err = run("init", tmp_path)
        assert (code, out) == (1, "")
        assert "keys are not overwritten; name a new directory" in err
        assert (tmp_path / "ca/root.key.pem").read_bytes() == before

    def test_places_that_cannot_be_written(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(FileError, match="file: Not a directory"):
            run("init", tmp_path / "file")
        with pytest.raises(FileError, match="Not a directory"):
            run("init", tmp_path / "file" / "below")

    def test_half_an_authority(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise FileError("users/citizen/key.pem: No space left on device")

        monkeypatch.setattr(pki, "identity_to_pfx", fail)
        folder = tmp_path / "dev"
        with pytest.raises(FileError, match=f"left on device; remove {folder}, which is not"):
            run("init", folder)
        assert (folder / "truststore.pem").exists()

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--domain", "127.0.0.1"),
            ("--domain", "*.example.uz"),
            ("--domain", "../x"),
            ("--user", "../x"),
            ("--user", ".x"),
            ("--user", " "),
            ("--user", "a\nb"),
            ("--user", "o‘" * 64),
            ("--days", "0"),
            ("--days", "-1"),
            ("--days", "x"),
            ("--days", "100000"),
            ("--curve", "D"),
            ("--family", "1999"),
        ],
    )
    def test_wrong_usage(
        self,
        run: Run,
        capsys: pytest.CaptureFixture[str],
        tmp_path: Path,
        option: str,
        value: str,
    ) -> None:
        assert option in wrong_usage(run, capsys, "init", tmp_path / "dev", f"{option}={value}")
        assert not (tmp_path / "dev").exists()


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
