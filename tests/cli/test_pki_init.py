"""``tunnel-gateway pki init`` and ``pki issue``: what they write, and what they leave alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from asn1crypto import keys

from tests.cli.conftest import Run, wrong_usage
from tunnel_gateway.centre import authority_folder
from tunnel_gateway.centre.authority_folder import AuthorityFolder
from tunnel_gateway.errors import FileError
from tunnel_gateway.gateway.domains import load_domains
from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.files import pbe
from tunnel_gateway.pki.files.keyfiles import load_certificates, load_identity, password_beside
from tunnel_gateway.pki.files.pkcs12 import shown_aliases
from tunnel_gateway.pki.files.truststore import load_trust_anchors


def test_what_it_writes(run: Run, tmp_path: Path) -> None:
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
        "ca/tsa.pem",
        "ca/tsa.key.pem",
        "ca/ocsp.pem",
        "ca/ocsp.key.pem",
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


def test_keys_are_their_owners_only(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path)
    keys = [path for path in tmp_path.rglob("*.pem") if path.name.endswith("key.pem")]
    assert len(keys) == 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_users_get_a_pfx(run: Run, tmp_path: Path) -> None:
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


def test_every_key_belongs_to_its_chain(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path)
    for chain in tmp_path.rglob("chain.pem"):
        identity = load_identity(chain.with_name("key.pem"), chain)
        assert [one.is_ca for one in identity.chain] == [False, True]
    for name in ("root", "centre"):
        assert load_identity(tmp_path / f"ca/{name}.key.pem", tmp_path / f"ca/{name}.pem")


def test_the_default_users(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path)
    (citizen, *_), (officer, *_) = (
        load_certificates(tmp_path / f"users/{name}/chain.pem") for name in ("citizen", "officer")
    )
    assert (citizen.pinfl, citizen.uid, citizen.inn) == ("10000000000001", "400000001", None)
    assert (officer.pinfl, officer.inn) == ("10000000000002", "300000001")
    assert citizen.common_name == "G‘ANIYEV O‘KTAM"


def test_everything_it_makes_is_accepted(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path, "--domain", "Api.Example.uz", "--domain", "мисол.uz")
    store = ("--truststore", tmp_path / "truststore.pem")
    for name in ("api.example.uz", "xn--h1agbjo.uz"):
        chain = tmp_path / "servers" / name / "chain.pem"
        assert run("verify", *store, "--domain", name, chain)[0] == 0
    assert run("verify", *store, tmp_path / "users/citizen/chain.pem")[0] == 0
    assert not (tmp_path / "servers/example.uz").exists()


def test_named_users(run: Run, tmp_path: Path) -> None:
    names = ["O‘KTAMOV G‘ULOM", "Gulnora", "Gulnora"]
    run("init", tmp_path, *(word for name in names for word in ("--user", name)))
    assert {path.name for path in (tmp_path / "users").iterdir()} == set(names)
    people = [load_certificates(tmp_path / "users" / name / "chain.pem")[0] for name in set(names)]
    assert {person.common_name for person in people} == set(names)
    assert all(len(person.pinfl or "") == 14 for person in people)
    assert people[0].pinfl != people[1].pinfl


def test_curve_family_and_days(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path, "--curve", "C", "--family", "2024", "--days", "3")
    (root,) = load_certificates(tmp_path / "truststore.pem")
    leaf = load_certificates(tmp_path / "servers/example.uz/chain.pem")[0]
    for certificate in (root, leaf):
        assert certificate.public_key.curve.name == "CryptoPro-C"
        assert certificate.family.name == "OZMST-286-2024-2"
    assert (leaf.not_after - leaf.not_before).days in {2, 3}
    assert (root.not_after - root.not_before).days > 7000


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:18085"])
def test_everything_names_the_address(run: Run, tmp_path: Path, address: str | None) -> None:
    run("init", tmp_path, *(("--address", address) if address else ()))
    run("issue", tmp_path, "--user", "later")
    base = address or "http://127.0.0.1:8085"
    folder = AuthorityFolder(tmp_path)
    leaves = [load_certificates(chain)[0] for chain in tmp_path.rglob("chain.pem")]
    leaves.append(load_certificates(tmp_path / "ca/tsa.pem")[0])
    assert len(leaves) == 5
    for leaf in leaves:
        assert (leaf.ocsp_urls, leaf.crl_urls) == ((f"{base}/ocsp",), (f"{base}/crl/centre.crl",))
        assert folder.is_issued("centre", leaf.serial)
    (centre,) = load_certificates(tmp_path / "ca/centre.pem")
    assert (centre.ocsp_urls, centre.crl_urls) == ((f"{base}/ocsp",), (f"{base}/crl/root.crl",))
    assert folder.is_issued("root", centre.serial)


def test_encrypted_keys(run: Run, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.touch(0o600)
    password.write_bytes(b"parol\n")
    folder = tmp_path / "dev"
    assert run("init", folder, "--user", "citizen", "--password-file", password)[0] == 0
    key, chain = folder / "users/citizen/key.pem", folder / "users/citizen/chain.pem"
    (block,) = pem.blocks(key.read_bytes())
    assert block.label == "ENCRYPTED PRIVATE KEY"
    scheme = keys.EncryptedPrivateKeyInfo.load(block.content)["encryption_algorithm"]
    assert scheme.kdf_iterations == pbe.ROUNDS == 600_000
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
    run: Run, tmp_path: Path, content: bytes, mode: int, reason: str
) -> None:
    password = tmp_path / "password"
    password.write_bytes(content)
    password.chmod(mode)
    with pytest.raises(FileError, match=reason):
        run("init", tmp_path / "dev", "--password-file", password)
    assert not (tmp_path / "dev").exists()


def test_it_does_not_overwrite(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path)
    before = (tmp_path / "ca/root.key.pem").read_bytes()
    code, out, err = run("init", tmp_path)
    assert (code, out) == (1, "")
    assert "keys are not overwritten; name a new directory" in err
    assert (tmp_path / "ca/root.key.pem").read_bytes() == before


def test_places_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="file: Not a directory"):
        run("init", tmp_path / "file")
    with pytest.raises(FileError, match="Not a directory"):
        run("init", tmp_path / "file" / "below")


def test_half_an_authority(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FileError("users/citizen/key.pem: No space left on device")

    monkeypatch.setattr(authority_folder, "identity_to_pfx", fail)
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
        ("--address", "http://192.0.2.1:8085"),
        ("--address", "127.0.0.1:8085"),
    ],
)
def test_wrong_usage(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    option: str,
    value: str,
) -> None:
    assert option in wrong_usage(run, capsys, "init", tmp_path / "dev", f"{option}={value}")
    assert not (tmp_path / "dev").exists()


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_domains_in_both_forms(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path, "--domain", "a.uz", "--domain", "b.uz")
    folders = load_domains(tmp_path / "servers", None)
    files = load_domains(tmp_path / "servers-pfx", None)
    assert list(files) == ["a.uz", "b.uz"]
    assert {name: one.chain for name, one in files.items()} == {
        name: one.chain for name, one in folders.items()
    }
    for path in (tmp_path / "servers-pfx").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_officers(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path, "--officer", "Botir", "--user", "Gulnora")
    botir, gulnora = (
        load_certificates(tmp_path / "users" / name / "chain.pem")[0]
        for name in ("Botir", "Gulnora")
    )
    assert botir.inn is not None
    assert len(botir.inn) == 9
    assert "MCHJ" in botir.subject
    assert gulnora.inn is None


@pytest.mark.usefixtures("few_rounds")
@pytest.mark.parametrize("encrypted", [False, True])
def test_more_later(run: Run, tmp_path: Path, encrypted: bool) -> None:
    password = tmp_path / "password"
    password.touch(0o600)
    password.write_bytes(b"parol")
    options = ("--password-file", password) if encrypted else ()
    folder = tmp_path / "dev"
    run("init", folder, "--user", "first", "--curve", "B", "--family", "2024", *options)
    before = everything(folder)
    code, out, err = run(
        "issue", folder, "--domain", "api.uz", "--user", "Dilshod", "--officer", "Nodira", *options
    )
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        str(folder / part) for part in ("servers/api.uz", "users/Dilshod", "users/Nodira")
    ]
    assert everything(folder).items() >= before.items()
    store = ("--truststore", folder / "truststore.pem")
    chain = folder / "servers/api.uz/chain.pem"
    assert run("verify", *store, "--domain", "api.uz", chain)[0] == 0
    for name in ("Dilshod", "Nodira"):
        chain = folder / "users" / name / "chain.pem"
        assert run("verify", *store, chain)[0] == 0
        leaf = load_certificates(chain)[0]
        assert leaf.public_key.curve.name == "CryptoPro-B"
        assert leaf.family.name == "OZMST-286-2024-2"
    pfx = folder / "servers-pfx/api.uz.pfx"
    assert load_identity(pfx, None, b"parol" if encrypted else password_beside(pfx))


@pytest.mark.parametrize("what", [("--user", "citizen"), ("--domain", "example.uz")])
def test_what_is_there_stays(run: Run, tmp_path: Path, what: tuple[str, str]) -> None:
    run("init", tmp_path)
    before = everything(tmp_path)
    with pytest.raises(FileError, match=f"{what[1]}: there already, and keys are not overwritten"):
        run("issue", tmp_path, "--user", "new", *what)
    assert everything(tmp_path) == before


def test_where_there_is_no_authority(run: Run, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"root\.key\.pem: not there; name the DIR of a pki init"):
        run("issue", tmp_path, "--user", "new")


def test_nothing_to_certify(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run("init", tmp_path)
    assert "at least one --domain" in wrong_usage(run, capsys, "issue", tmp_path)
    both = ("--user", "A", "--officer", "A")
    assert "both" in wrong_usage(run, capsys, "issue", tmp_path, *both)
