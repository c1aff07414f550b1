"""The code of QR and deeplink: its known answers, and its parts."""

from __future__ import annotations

import pytest

from tunnel_gateway.errors import MobileCodeError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.phone.code import DEEPLINK, Code, make_code

# The identifiers and challenges of the guide (3.3 and 3.4.2) and its document (2.2.4). The hashes
# are gost-engine's: `openssl dgst -md_gost94`. The checksums are those of `gzip`.
KNOWN = [
    (
        "2944F1F2",
        b"F8D2181DC6C02EA819B88FF3EF49BE0C",
        "735ed03ef3aab35ee4bb80c9e94fa787112befa7ff57fe4b9b73a2710398dd7e",
        "0404a2e3",
    ),
    (
        "B7735734",
        b"AB8C2ED52B12DCBAB3FBD8C11007E4C0C7BF6A2F5818C05DEB61F3EE39052BDC",
        "3ea4a4e0ad65a56444f0946d13a714c9f366787f7d56a01e4e26060fd2e7f799",
        "60fd11b4",
    ),
    (
        "850FF727",
        b"some document",
        "3369cd520c8e556502b9bc0ac34ca69cafee96f2f4a8371a63d4dd7d3a458d05",
        "36dfe5db",
    ),
]


@pytest.mark.parametrize(("document_id", "content", "hashed", "checksum"), KNOWN)
def test_known_answers(document_id: str, content: bytes, hashed: str, checksum: str) -> None:
    code = make_code("0000", document_id, content)
    assert code.text == f"0000{document_id}{hashed}{checksum}"
    assert code.deeplink == f"eimzo://sign?qc={code.text}"


def test_its_parts() -> None:
    code = Code("00ff", "0000000a", digest(b""))
    assert len(code.text) == 84
    assert code.text[:76] == f"00ff0000000a{digest(b'').hex()}"
    assert code.deeplink.removeprefix(DEEPLINK) == code.text


@pytest.mark.parametrize(
    ("site_id", "document_id", "hashed", "said"),
    [
        ("", "2944F1F2", bytes(32), "siteId has 4"),
        ("000G", "2944F1F2", bytes(32), "siteId has 4"),
        ("00000", "2944F1F2", bytes(32), "siteId has 4"),
        ("٠٠٠٠", "2944F1F2", bytes(32), "siteId has 4"),
        ("0000", "2944F1F2\n", bytes(32), "documentId has 8"),
        ("0000", "2944F1F", bytes(32), "documentId has 8"),
        ("0000", "2944F1F2", bytes(31), "hash has 32 bytes"),
    ],
)
def test_what_is_not_a_code(site_id: str, document_id: str, hashed: bytes, said: str) -> None:
    with pytest.raises(MobileCodeError, match=said):
        Code(site_id, document_id, hashed)
