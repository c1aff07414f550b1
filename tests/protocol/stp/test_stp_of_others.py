"""The programs of others send what was recorded of E-IMZO and of a server, byte by byte.

So what they and the package agree on is the protocol, and not a mistake that both made.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support import stp_words_of_others as words
from tests.support.credentials import DAY, NOW, Credentials
from tests.support.pki import extension
from tests.support.stp_client_of_others import (
    BIGGEST_CERTIFICATE,
    RefusedByClientError,
    StpClientOfOthers,
    check_certificate,
)
from tests.support.stp_server_of_others import ServedStp, StpServerOfOthers, finish
from tests.vectors import FOLDER
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.pki.encoding.oids import FAMILY_2024

RECORDINGS = sorted((FOLDER / "stp").glob("*-*.json"))
STREAMS = json.loads((FOLDER / "streams.json").read_text(encoding="utf-8"))


# What the page was shown in the recorded refusals.
SHOWN = (
    "Phase fail with reason code: 5",
    "Ошибка установления туннеля: No such destination",
)


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def recording(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One recorded tunnel or refusal."""
    path: Path = request.param
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def sent(recording: dict[str, Any], side: str) -> bytes:
    """All that one side sent."""
    return b"".join(bytes.fromhex(run) for sender, run in recording["bytes"] if sender == side)


def payloads(recording: dict[str, Any], side: str) -> list[bytes]:
    """What one side's frames held: the rest of what it sent, decrypted and checked by its hash."""
    shown = recording[side]
    certificate, iv, extra = (bytes.fromhex(shown[part]) for part in ("certificate", "iv", "extra"))
    made = bytes.fromhex(recording["key"]), shown["table"], shown["mode"], iv
    in_clear = 1 + 2 + len(certificate) + 1 + 35 + len(extra)
    plain = words.Stream(*made).decrypt(sent(recording, side)[in_clear:])
    found, at = [], 0
    for size in shown["frames"]:
        at += words.FRAME_HEADER
        found.append(plain[at : at + size])
        at += size + -size % 8
    assert at == len(plain)
    assert sha256(b"".join(found)).hexdigest() == shown["payload_sha256"]
    return found


def chosen(recording: dict[str, Any], side: str) -> dict[str, Any]:
    """What one side chose or drew."""
    shown = recording[side]
    return {
        "table": shown["table"],
        "mode": shown["mode"],
        "iv": bytes.fromhex(shown["iv"]),
        "nonce": bytes.fromhex(shown.get("nonce", "")),
    }


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) >= 14


@pytest.mark.parametrize("stream", STREAMS["streams"], ids=lambda s: f"{s['table']}-{s['mode']}")
def test_streams(stream: dict[str, Any]) -> None:
    key, plain = bytes.fromhex(STREAMS["key"]), bytes.fromhex(STREAMS["plaintext"])
    made = key, stream["table"], stream["mode"], bytes.fromhex(stream["iv"])
    encrypted = words.Stream(*made).encrypt(plain)
    assert encrypted.hex() == stream["ciphertext"]
    assert words.Stream(*made).decrypt(encrypted) == plain


def test_the_client(recording: dict[str, Any]) -> None:
    shown = recording["client"]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = StpClientOfOthers(
            listening.getsockname(),
            bytes.fromhex(shown["certificate"]),
            int(shown["private_key"], 16),
            dst_id=int(shown["extra"], 16),
            **chosen(recording, "client"),
        )
        with client, listening.accept()[0] as tape:
            tape.sendall(sent(recording, "server"))  # nothing of it depends on what comes
            if recording["ends"] != "tunnel":
                with pytest.raises(RefusedByClientError) as refused:
                    client.open()
                assert refused.value.reason in SHOWN
            else:
                client.open()
                assert client.key.hex() == recording["key"]
                for payload in payloads(recording, "client")[3:]:
                    client.send_frame(payload)
                data = b"".join(payloads(recording, "server")[4:])
                assert client.receive(len(data)) == data
            client.socket.shutdown(socket.SHUT_WR)
            assert everything(tape) == sent(recording, "client")


def test_the_server(recording: dict[str, Any]) -> None:
    shown = recording["server"]
    certificate, key = bytes.fromhex(shown["certificate"]), int(shown["private_key"], 16)
    with (
        StpServerOfOthers(certificate, key) as server,
        socket.create_connection(server.address) as tape,
        server.accept(extra=bytes.fromhex(shown["extra"]), **chosen(recording, "server")) as served,
    ):
        tape.sendall(sent(recording, "client"))
        tape.shutdown(socket.SHUT_WR)
        play(recording, served)
        served.socket.shutdown(socket.SHUT_WR)
        assert everything(tape) == sent(recording, "server")


def play(recording: dict[str, Any], served: ServedStp) -> None:
    """The server's part of a recording."""
    served.receive_hello()
    assert served.dst_id == int(recording["client"]["extra"], 16)
    if recording["status_2"]:
        served.refuse_at_once(recording["status_2"])
        return
    served.send_params()
    served.receive_proof()
    assert served.key.hex() == recording["key"]
    said = recording["finish"]["server"]
    frames = payloads(recording, "server")
    begin = served.proof() + finish(said["code"], bytes.fromhex(said["text"]))
    assert b"".join(frames[:4]) == begin
    served.send_frames(frames)
    if not said["code"]:
        served.receive_finish()
        data = b"".join(payloads(recording, "client")[3:])
        assert served.receive(len(data)) == data


def everything(connection: socket.socket) -> bytes:
    """Receive to the end."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


# --- what the client refuses, in the words that the page is shown -------------------------------


@contextmanager
def pair(credentials: Credentials, **options: Any) -> Iterator[tuple[StpClientOfOthers, ServedStp]]:
    """A client, and the socket of a server that has its hello."""
    citizen, example = credentials.user("of-others", curve=CRYPTOPRO_A), credentials.example
    leaf, key = citizen.identity.leaf.der, citizen.identity.private_key
    with ExitStack() as stack:
        own = example.identity.leaf.der, example.identity.private_key
        server = stack.enter_context(StpServerOfOthers(*own))
        client = stack.enter_context(StpClientOfOthers(server.address, leaf, key, **options))
        served = stack.enter_context(server.accept())
        client.send_hello()
        served.receive_hello()
        yield client, served


def message_2(size: int, tail: bytes) -> bytes:
    """An answer with a certificate of so many zeros."""
    return b"\x00" + size.to_bytes(2, "big") + bytes(size) + bytes((len(tail),)) + tail


IV = bytes(31) + b"\x01"
ANSWERS = {
    "a number": (b"\x01", "Phase fail with reason code: 1"),
    "a number over 127": (b"\x80", "Phase fail with reason code: -128"),
    "the last number": (b"\xff", "Phase fail with reason code: -1"),
    "nothing": (b"", "EOFException"),
    "a long certificate": (message_2(BIGGEST_CERTIFICATE + 1, b""), "Bad certificate size"),
    "a short tail": (message_2(1, b"\x00\x01\x04" + IV[1:]), "34"),
    "a key exchange": (message_2(1, b"\x01\x01\x04" + IV), "Bad KeyExchange value"),
    "a table": (message_2(1, b"\x00\x07\x04" + IV), "Bad CipherEngine value"),
    "a mode": (message_2(1, b"\x00\x06\x05" + IV), "Mode"),
    "no IV": (message_2(BIGGEST_CERTIFICATE, b"\x00\x01\x04" + bytes(32)), "Bad IV value"),
}


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS)
def test_the_client_refuses(case: tuple[bytes, str], credentials: Credentials) -> None:
    sent_by_server, reason = case
    with pair(credentials) as (client, served):
        served.socket.sendall(sent_by_server)
        served.socket.shutdown(socket.SHUT_WR)
        with pytest.raises(RefusedByClientError) as refused:
            client.receive_params()
        assert refused.value.reason == reason


def test_what_the_client_says_of_later_refusals(credentials: Credentials) -> None:
    def with_proof(served: ServedStp) -> bytes:
        return served.proof() + finish(7, "yo‘q".encode())

    cases: dict[str, Callable[[ServedStp], bytes]] = {
        "Phase fail with reason code: 0": lambda _: b"\x00",
        "Phase2 verify fail": lambda _: words.PROVEN + bytes(64),
        "Ошибка установления туннеля: yo‘q": with_proof,
    }
    for reason, message in cases.items():
        with pair(credentials) as (client, served):
            served.send_params()
            client.receive_params()
            client.send_proof()
            served.receive_proof()
            served.send_cut(message(served), 5)
            with pytest.raises(RefusedByClientError) as refused:
                client.receive_success()
            assert refused.value.reason == reason


def test_certificates_for_the_client(credentials: Credentials) -> None:
    example = credentials.example.identity
    centre = example.chain[1].der
    check_certificate(example.leaf.der, centre, "example.uz")

    def kind(leaf: bytes, root: bytes = centre, host: str = "example.uz") -> str:
        with pytest.raises(RefusedByClientError) as refused:
            check_certificate(leaf, root, host)
        return refused.value.kind

    def other(**profile: Any) -> bytes:
        folder = credentials.folder / "of-others"
        made = credentials.domain("example.uz", folder=folder, **profile)
        return made.identity.leaf.der

    path = "CertificatePathBuildException"
    assert (
        kind(example.leaf.der, credentials.authority.root.leaf.der) == path
    )  # not by the root itself
    assert kind(example.leaf.der, Credentials.new_authority().root.leaf.der) == path
    assert kind(other(not_after=NOW - DAY)) == path
    assert kind(other(not_before=NOW + DAY)) == path
    assert kind(other(family=FAMILY_2024)) == path
    assert kind(other(extensions=(extension("1.2.3.4", b"\x05\x00", critical=True),))) == path
    for host in ("EXAMPLE.uz", "example.uz.", "a.example.uz", "localhost"):
        assert kind(example.leaf.der, host=host) == "Exception"


def test_the_pipe_of_the_client(credentials: Credentials) -> None:
    """All but the last bytes come at once; these are lost where the end comes before the look."""
    with pair(credentials, polls=0.05) as (client, served):
        served.send_params()
        client.receive_params()
        served.send_cut(bytes(5000))
        served.send_cut(b"a" * 100)
        assert client.receive(4096) == bytes(4096)
        assert client.receive(1004) == bytes(904) + b"a" * 100  # after a look
        served.send_cut(bytes(5000))
        served.socket.shutdown(socket.SHUT_WR)
        assert client.receive(5000) == bytes(4096)  # and 904 are lost
