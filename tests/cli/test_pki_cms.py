"""``tunnel-gateway pki verify-cms``, in this process."""

from __future__ import annotations

from base64 import encodebytes
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.messages import DOCUMENT, made, signer, streamed
from tests.support.pki import DAY, NOW, authority, stranger
from tests.support.stamps import token
from tunnel_gateway.cli.main import main
from tunnel_gateway.cms.composing import stamp
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.encoding import pem

AT = ("--at", NOW.isoformat())


@pytest.fixture
def truststore(tmp_path: Path) -> Path:
    path = tmp_path / "truststore.pem"
    path.write_bytes(to_pem([authority().root.leaf]))
    return path


def verify(truststore: Path, *arguments: str | Path) -> int:
    return main(["pki", "verify-cms", "--truststore", str(truststore), *map(str, arguments)])


@pytest.mark.parametrize("form", ["raw", "base64", "pem"])
def test_it_says_who_signed(
    form: str, truststore: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = streamed()
    path = tmp_path / "contract.p7"
    path.write_bytes(
        {"raw": data, "base64": encodebytes(data), "pem": pem.armour("PKCS7", data)}[form]
    )
    assert verify(truststore, path, *AT) == 0
    shown = capsys.readouterr().out
    assert signer().leaf.subject in shown
    assert signer().leaf.serial_hex in shown
    assert "2026-03-01 12:00:00 UTC" in shown
    assert shown.endswith("holds\n")


def test_a_detached_one(
    truststore: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message, document = tmp_path / "m", tmp_path / "d"
    message.write_bytes(made(detached=True).der)
    document.write_bytes(DOCUMENT)
    assert verify(truststore, message, *AT, "--content", document) == 0
    document.write_bytes(DOCUMENT + b" ")
    assert verify(truststore, message, *AT, "--content", document) == 1
    assert "bad_signed_data" in capsys.readouterr().err
    assert verify(truststore, message, *AT) == 1
    assert "document must be given" in capsys.readouterr().err


def test_when_it_must_have_been_valid(
    truststore: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m"
    path.write_bytes(made().der)
    late = datetime(2040, 1, 1, tzinfo=UTC).isoformat()
    assert verify(truststore, path, "--at", late) == 1
    assert "certificate_expired" in capsys.readouterr().err
    assert verify(truststore, path, "--at-signing-time") == 0


def test_a_time_stamp_decides_when_it_was_signed(
    truststore: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = made(signing_time=NOW + 9000 * DAY)
    path = tmp_path / "m"
    path.write_bytes(message.der)
    assert verify(truststore, path, "--at-signing-time") == 1
    assert "certificate_expired" in capsys.readouterr().err
    path.write_bytes(stamp(message.der, {message.signature: token(message.signature)}))
    assert verify(truststore, path, "--at-signing-time") == 0
    shown = capsys.readouterr().out
    assert "  at 2026-03-01 12:00:00 UTC" in shown
    assert shown.endswith("by the time stamp of CN=TSA\nholds\n")
    path.write_bytes(stamp(message.der, {message.signature: token(b"another")}))
    assert verify(truststore, path, "--at-signing-time") == 1
    assert "(time_stamp): the time stamp is for another signature" in capsys.readouterr().err


def test_others_are_not_trusted_and_rubbish_is_refused(
    truststore: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truststore.write_bytes(to_pem([stranger().root.leaf]))
    path = tmp_path / "m"
    path.write_bytes(made().der)
    assert verify(truststore, path, *AT) == 1
    assert "certificate_untrusted" in capsys.readouterr().err
    path.write_bytes(b"\x30\x80\xff")
    assert verify(truststore, path) == 1
    assert "signed_data" in capsys.readouterr().err
    path.write_bytes("нет".encode())
    assert verify(truststore, path) != 0
    assert "neither" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b" \n", "it is empty"),
        (b"<html><body>502</body></html>", "a web page"),
        (b"salom, dunyo", "no signed document: neither DER or BER, nor PEM, nor BASE64"),
        (signer().leaf.der, "a certificate alone, or something built like one, and not a signed"),
        (b"\x30\x82\x01\xff\x02\x01\x03", r"a PKCS#12 file (PFX), and not a signed document"),
        (pem.armour("CERTIFICATE", b"a"), "line 1: a PEM block CERTIFICATE, and not a signed"),
        (pem.armour("PKCS7", b"a") * 2, "2 PEM blocks"),
        (pem.armour("PKCS7", b"a")[:-20], "line 1: the PEM block PKCS7 is cut off"),
    ],
    ids=["empty", "a page", "a text", "DER", "a PFX", "a certificate", "two", "cut off"],
)
def test_each_file_that_is_no_signed_document_has_its_reason(
    content: bytes,
    reason: str,
    truststore: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "contract.p7"
    path.write_bytes(content)
    assert verify(truststore, path, *AT) == 1
    assert f"{path}: {reason}" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_base64_that_windows_saved(encoding: str, truststore: Path, tmp_path: Path) -> None:
    path = tmp_path / "contract.p7"
    path.write_bytes(encodebytes(streamed()).decode().encode(encoding))
    assert verify(truststore, path, *AT) == 0
