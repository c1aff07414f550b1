"""The certificate of the wss address: made once, good for this machine only, renewed in time."""

from __future__ import annotations

import asyncio
import ssl
import stat
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.loopback import LOOPBACK, TIME_LIMIT
from tunnel_gateway.agent.api.local_certificate import AUTHORITY_KEY, LocalCertificate
from tunnel_gateway.errors import FileError

NOW = datetime.now(UTC)


def made(folder: Path) -> LocalCertificate:
    certificate = LocalCertificate(folder / "state")
    assert certificate.ensure(NOW)
    return certificate


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    certificate = made(tmp_path)
    before = certificate.server.read_bytes()
    assert not certificate.ensure(NOW)
    assert certificate.server.read_bytes() == before
    folder = certificate.server.parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"local-ca.pem": 0o644, "local-ca.key.pem": 0o600, "local-server.pem": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_it_serves_tls(tmp_path: Path) -> None:
    certificate = made(tmp_path)
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), LOOPBACK, 0, ssl=certificate.context()
    )
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=str(certificate.authority))
    async with asyncio.timeout(TIME_LIMIT):
        for name in (LOOPBACK, "localhost"):
            _, writer = await asyncio.open_connection(
                LOOPBACK, port, ssl=trusting, server_hostname=name
            )
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                LOOPBACK, port, ssl=trusting, server_hostname="example.uz"
            )
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("name", "good"), [("DNS:localhost", True), ("IP:127.0.0.1", True), ("DNS:example.uz", False)]
)
def test_its_authority_is_worth_nothing_elsewhere(tmp_path: Path, name: str, good: bool) -> None:
    """OpenSSL as the judge of what a thief of the authority's key could sign."""
    certificate = made(tmp_path)
    folder = certificate.authority.parent

    def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("openssl", *arguments), cwd=folder, capture_output=True, text=True, check=False
        )

    (folder / "ext").write_text(f"subjectAltName={name}\n", encoding="ascii")
    openssl(
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k",
        "-out",
        "r",
        "-subj",
        "/CN=x",
    )
    signed = openssl(
        *("x509", "-req", "-in", "r", "-CA", "local-ca.pem", "-CAkey", AUTHORITY_KEY),
        *("-days", "30", "-extfile", "ext", "-out", "c"),
    )
    assert signed.returncode == 0, signed.stderr
    verdict = openssl("verify", "-CAfile", "local-ca.pem", "c")
    assert (verdict.returncode == 0) is good, verdict.stderr


def test_it_is_renewed_before_its_end(tmp_path: Path) -> None:
    certificate = made(tmp_path)
    authority, server = certificate.authority.read_bytes(), certificate.server.read_bytes()
    assert not certificate.ensure(NOW + timedelta(days=330))
    assert certificate.ensure(NOW + timedelta(days=340))
    assert certificate.server.read_bytes() != server
    assert certificate.authority.read_bytes() == authority
    assert certificate.ensure(NOW + timedelta(days=3600))
    assert certificate.authority.read_bytes() != authority


@pytest.mark.parametrize("name", ["local-ca.pem", "local-ca.key.pem", "local-server.pem"])
def test_what_is_damaged_or_lacks_is_made_anew(tmp_path: Path, name: str) -> None:
    certificate = made(tmp_path)
    path = certificate.server.parent / name
    path.write_bytes(b"x")
    assert certificate.ensure(NOW)
    path.unlink()
    assert certificate.ensure(NOW)
    assert not certificate.ensure(NOW)
    certificate.context()


def test_its_fingerprint_is_openssls(tmp_path: Path) -> None:
    certificate = made(tmp_path)
    shown = subprocess.run(
        ("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", certificate.authority),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip().partition("=")[2] == certificate.fingerprint()


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    certificate = LocalCertificate(tmp_path / "state")
    with pytest.raises(FileError):
        certificate.ensure(NOW)
    for use in (certificate.context, certificate.fingerprint):
        with pytest.raises(FileError):
            use()


def test_its_authority_signs_for_no_other_purpose_than_servers(tmp_path: Path) -> None:
    certificate = made(tmp_path)
    key, signed = tmp_path / "mail.key", tmp_path / "mail.pem"
    run = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    run += ["-nodes", "-subj", "/CN=mail", "-keyout", str(key), "-out", str(signed)]
    run += ["-CA", str(certificate.authority)]
    run += ["-CAkey", str(certificate.authority.with_name(AUTHORITY_KEY))]
    run += ["-addext", "extendedKeyUsage=emailProtection,codeSigning"]
    run += ["-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(run, check=True, capture_output=True)
    verify = ["openssl", "verify", "-CAfile", str(certificate.authority)]
    assert subprocess.run([*verify, str(signed)], check=False, capture_output=True).returncode == 0
    checked = subprocess.run(
        [*verify, "-purpose", "smimesign", str(signed)], check=False, capture_output=True
    )
    assert checked.returncode != 0
    assert b"purpose" in checked.stderr
