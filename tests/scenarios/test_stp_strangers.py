"""Whatever comes by STP ends in a bounded time, with a number or a close, and one log line."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import stp_words_of_others as words
from tests.support.credentials import Credentials
from tests.support.destination import accept, everything
from tests.support.log_lines import Record
from tests.support.stp_client_of_others import RefusedByClientError, StpClientOfOthers
from tests.support.stp_site import StpSite, join, name, stp_site

IV = bytes(range(1, 33))


@pytest.fixture(scope="module")
def site(
    credentials: Credentials,
    destinations: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StpSite]:
    """A gateway with the default settings."""
    folder = tmp_path_factory.mktemp("stp")
    with stp_site(credentials, folder, destinations) as made:
        yield made
        made.gateway.check_clean()


# --- the hello ----------------------------------------------------------------------------------

Change = Callable[[words.Params], bytes]


def tail(params: words.Params, made: bytes) -> bytes:
    """The params with another tail."""
    size = len(params.certificate).to_bytes(2, "big")
    return size + params.certificate + bytes((len(made),)) + made


HELLOS: dict[str, Change] = {
    "another key exchange": lambda p: replace(p, key_exchange=1).to_bytes(),
    "another table": lambda p: replace(p, table=7).to_bytes(),
    "the last table": lambda p: replace(p, table=255).to_bytes(),
    "another mode": lambda p: replace(p, mode=5).to_bytes(),
    "no IV": lambda p: replace(p, iv=bytes(32)).to_bytes(),
    "no dst_id": lambda p: replace(p, extra=b"").to_bytes(),
    "a tail of 34": lambda p: tail(p, b"\x00\x01\x04" + IV[1:]),
    "a tail of nothing": lambda p: tail(p, b""),
    "a certificate of one byte": lambda p: replace(p, certificate=b"\x30").to_bytes(),
    "a certificate of zeros": lambda p: replace(p, certificate=b"\x30" + bytes(10239)).to_bytes(),
    "a certificate cut": lambda p: replace(p, certificate=p.certificate[:-1]).to_bytes(),
    "a changed certificate": lambda p: replace(
        p, certificate=p.certificate[:-1] + bytes((p.certificate[-1] ^ 1,))
    ).to_bytes(),
}


@pytest.mark.parametrize("change", HELLOS.values(), ids=HELLOS)
def test_params(change: Change, site: StpSite) -> None:
    with site.client() as client:
        client.socket.sendall(words.VERSION + change(client.own))
        answer = everything(client.socket)
        assert len(answer) == 1
        assert 1 <= answer[0] <= 63
        line = site.gateway.logged("tunnel_refused", client=name(client))
    assert line["protocol"] == "stp"
    assert line["reason"] != "timed_out"


@pytest.mark.parametrize("size", [10241, 0x8000, 0xFFFF])
def test_a_certificate_over_the_limit(size: int, site: StpSite) -> None:
    """It is refused by its length; as neither protocol has such a one, by an alert of our own."""
    with site.client() as client:
        client.socket.sendall(words.VERSION + size.to_bytes(2, "big"))
        assert 1 <= len(everything(client.socket)) < 100
        line = site.gateway.logged("tunnel_refused", client=name(client))
    assert line["reason"] == "protocol_error"


def test_two_certificates(site: StpSite) -> None:
    """E-IMZO takes the first of two in a row. A certificate here is the whole of its bytes."""
    with site.client() as client:
        twice = replace(client.own, certificate=client.own.certificate * 2)
        client.socket.sendall(words.VERSION + twice.to_bytes())
        assert len(everything(client.socket)) == 1


# --- frames -------------------------------------------------------------------------------------


def bad_frames(counter: int) -> dict[str, bytes]:
    """Frames in clear that no client sends, where one with this number is expected."""
    good = words.header(counter, 1, 0)
    return {
        "a number again": words.header(counter - 1, 1, 0),
        "a number too far": words.header(counter + 1, 1, 0),
        "a checksum": good[:-1] + bytes((good[-1] ^ 1,)),
        "a rest of 8": words.header(counter, 0, 8),
        "513 blocks": words.header(counter, 513, 0),
        "2^31 bytes": words.header(counter, 2**28, 0),
        "2^32 bytes, which wrap to none": words.header(counter, 2**29, 0),
        "all ones": words.header(counter, 2**32 - 1, 2**32 - 1),
        "noise": bytes(range(64)),
    }


def test_bad_frames_for_a_proof(site: StpSite) -> None:
    """The client is told a number, in a frame."""
    with ExitStack() as stack:
        clients = {what: stack.enter_context(site.client()) for what in bad_frames(1)}
        for what, client in clients.items():
            client.send_hello()
            client.receive_params()
            client.send_frame(bytes(32))
            client.socket.sendall(client.writer.raw(bad_frames(1)[what]))
        for what, client in clients.items():
            with pytest.raises(RefusedByClientError, match=r"code: (1|10)$"):
                client.receive_proof()
            assert reason(site, client) in BAD, what


def test_bad_frames_for_a_finish_and_for_data(site: StpSite, destination: socket.socket) -> None:
    for what, bad in bad_frames(2).items():
        with site.client() as client:
            client.open_without_finish()
            with accept(destination) as other:
                client.socket.sendall(client.writer.raw(bad))
                assert everything(other) == b""
            read_to_end(client)
            assert reason(site, client) in BAD, what
    for what, bad in bad_frames(5).items():
        with site.client() as client:
            other, _ = join(client, destination)
            with other:
                client.send_frame(b"good")
                client.socket.sendall(client.writer.raw(bad))
                assert everything(other) == b"good"
            read_to_end(client)
            assert reason(site, client) in BAD, what


BAD = ("bad_record", "protocol_error")


def reason(site: StpSite, client: StpClientOfOthers) -> str:
    """Why it ended; nothing else was logged of it."""
    who = name(client)
    site.gateway.wait_for(lambda: lines_of(site, who), f"a line of {who}")
    (line,) = lines_of(site, who)
    return str(line["reason"])


def lines_of(site: StpSite, who: str) -> list[Record]:
    """What the log says of a client."""
    return [line for line in site.gateway.records() if line.get("client") == who]


def read_to_end(client: StpClientOfOthers) -> None:
    """Read to the end of the connection, which may be a reset."""
    with suppress(ConnectionResetError):
        everything(client.socket)


def test_messages_that_say_no_or_never_end(site: StpSite, destination: socket.socket) -> None:
    """A wrong hash, a finish with a code, handshakes of empty frames."""
    with site.client() as wrong, site.client() as empty, site.client() as failed:
        for client in (wrong, empty):
            client.send_hello()
            client.receive_params()
        wrong.send_frame(bytes(64))
        for _ in range(1025):
            empty.socket.sendall(empty.writer.frame(b""))
        failed.open_without_finish()
        failed.send_frame(b"\x01\x00")
        with accept(destination) as other:
            assert everything(other) == b""
        for client in (wrong, empty):
            with pytest.raises(RefusedByClientError, match=r"code: (1|9)$"):
                client.receive_proof()
        read_to_end(failed)
        assert reason(site, failed) == "protocol_error"
        assert reason(site, wrong) == "bad_signature"
        assert reason(site, empty) == "protocol_error"


# --- silence ------------------------------------------------------------------------------------


def beginnings(client: StpClientOfOthers, how_far: str) -> None:
    """Say the first part of a handshake."""
    hello = words.VERSION + client.own.to_bytes()
    if how_far == "three bytes":
        client.socket.sendall(hello[:3])
    elif how_far == "a hello without its end":
        client.socket.sendall(hello[:-1])
    elif how_far in ("after message 2", "half of message 4", "half of a frame"):
        client.send_hello()
        client.receive_params()
        if how_far == "half of message 4":
            client.send_frame(bytes(32))
        elif how_far == "half of a frame":
            client.socket.sendall(client.writer.frame(bytes(64))[:20])
    else:
        client.open_without_finish()
        if how_far == "half of message 7":
            client.send_frame(words.SUCCESS[:3])
        elif how_far == "no request":
            client.send_frame(words.SUCCESS)


STEPS = (
    "three bytes",
    "a hello without its end",
    "after message 2",
    "half of message 4",
    "half of a frame",
    "after message 6",
    "half of message 7",
    "no request",
)


def test_silence_at_each_step(
    credentials: Credentials,
    destinations: dict[str, int],
    destination: socket.socket,
    tmp_path: Path,
) -> None:
    assert destination
    short = {"handshake_timeout": 1, "upgrade_timeout": 1}
    with stp_site(credentials, tmp_path, destinations, **short) as site, ExitStack() as stack:
        clients = {what: stack.enter_context(site.client()) for what in STEPS}
        began = time.monotonic()
        for what, client in clients.items():
            beginnings(client, what)
        for what, client in clients.items():
            read_to_end(client)
            assert reason(site, client) == "timed_out", what
        # A step, and what the gateway stays for: no step begins anew.
        assert time.monotonic() - began < 10
