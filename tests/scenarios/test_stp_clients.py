"""E-IMZO's clients at a gateway: another program speaks its protocol with the real daemon."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import stp_words_of_others as words
from tests.support.admin import Operator
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.destination import SWITCHED, accept, everything, receive_head
from tests.support.peer import UPGRADE
from tests.support.revocation import make_list
from tests.support.stp_client_of_others import RefusedByClientError, StpClientOfOthers
from tests.support.stp_site import (
    CLOSED,
    RAW,
    UNKNOWN,
    StartSite,
    StpSite,
    accept_tunnel,
    join,
    name,
    stp_site,
)
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B

ALLOWED = (words.CFB, words.GOFB, words.GCFB)


@pytest.fixture(scope="module")
def _shared_site(
    credentials: Credentials,
    destinations: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[StpSite]:
    folder = tmp_path_factory.mktemp("stp")
    with stp_site(credentials, folder, destinations) as made:
        yield made


@pytest.fixture
def site(_shared_site: StpSite) -> Iterator[StpSite]:
    """A gateway with the default settings, checked for leaks after the test."""
    _shared_site.gateway.forget()
    yield _shared_site
    _shared_site.gateway.check_clean()


@pytest.fixture
def start_site(
    credentials: Credentials, destinations: dict[str, int], tmp_path: Path
) -> Iterator[StartSite]:
    """Start a gateway with settings of its own."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(
            stp_site(credentials, tmp_path, destinations, **settings)
        )


def refusal(client: StpClientOfOthers) -> str:
    """What the page is told; the gateway must close afterwards, and E-IMZO never does."""
    with client, pytest.raises(RefusedByClientError) as refused:
        client.open()
    return refused.value.reason


# --- whole tunnels ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ALLOWED)
def test_every_table(mode: int, site: StpSite, destination: socket.socket) -> None:
    up, down = os.urandom(2500), os.urandom(5000)
    for table in words.TABLES:
        with site.client(table=table, mode=mode) as client:
            who = name(client)
            other, _ = join(client, destination)
            with other:
                client.send(up)
                assert words.exactly(other, len(up)) == up
                other.sendall(down)
                assert client.receive(len(down)) == down
                client.socket.close()  # as E-IMZO does when its page has closed
                assert everything(other) == b""
        line = site.gateway.logged("tunnel_closed", client=who)
        assert (line["protocol"], line["reason"], line["level"]) == ("stp", "peer_left", "info")


def test_who_the_destination_sees(site: StpSite, destination: socket.socket) -> None:
    with site.client() as client:
        who = name(client)
        other, head = join(client, destination)
        other.close()
    lines = head.decode().split("\r\n")
    assert "X-EIMZO-PINFL: 10000000000001" in lines
    assert "X-EIMZO-Tunnel-Protocol: stp/1" in lines
    assert f"X-EIMZO-Serial: {site.user.leaf.serial:x}" in lines
    line = site.gateway.logged("tunnel_closed", client=who)
    assert f"X-EIMZO-Tunnel-Id: {line['tunnel_id']}" in lines
    assert (line["domain"], line["dst_id"]) == (FIRST_DOMAIN, str(RAW))


def test_a_drawn_cipher(site: StpSite, destination: socket.socket) -> None:
    """As the page does it: it asks again until the mode is one that is accepted."""
    for _ in range(40):
        drawn = secrets.choice(words.MODES)
        with site.client(mode=drawn) as client:
            if drawn not in ALLOWED:
                assert refusal(client) == "Phase fail with reason code: 64"
                continue
            other, _ = join(client, destination)
            other.close()
            return
    pytest.fail("forty draws without an accepted mode")


def test_frames_anywhere(site: StpSite, destination: socket.socket) -> None:
    """Message 4 byte by byte with empty frames between; message 7 with the first data."""
    with site.client() as client:
        client.send_hello()
        client.receive_params()
        for byte in words.proof(bytes(32), client.other.iv):
            client.send_frame(bytes((byte,)))
            client.send_frame(b"")
        client.receive_success()
        client.send_frame(words.SUCCESS + UPGRADE[:10])
        client.send(UPGRADE[10:])
        with accept_tunnel(destination) as other:
            assert UPGRADE.partition(b"\r\n")[0] in receive_head(other)


def test_frames_do_not_wait_for_acknowledgements(site: StpSite, destination: socket.socket) -> None:
    """A late acknowledgement would cost 40 ms for each frame, because the client uses Nagle."""
    times = []
    with site.client() as client:
        other, _ = join(client, destination)
        with other:
            for _ in range(50):
                began = time.monotonic()
                client.send(bytes(64))
                assert words.exactly(other, 64) == bytes(64)
                other.sendall(b"a")
                assert client.receive(1) == b"a"
                times.append(time.monotonic() - began)
    assert sorted(times)[len(times) // 2] < 0.03


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [words.OFB, words.SIC])
def test_a_mode_that_can_be_repeated(mode: int, site: StpSite) -> None:
    client = site.client(mode=mode)
    who = name(client)
    assert refusal(client) == "Phase fail with reason code: 64"
    line = site.gateway.logged("tunnel_refused", client=who)
    assert (line["protocol"], line["reason"]) == ("stp", "no_common_suite")


def test_a_curve_that_no_domain_has(site: StpSite, credentials: Credentials) -> None:
    user = credentials.user("of-stp-on-b", curve=CRYPTOPRO_B).identity
    assert refusal(site.client(user=user)) == "Phase fail with reason code: 65"
    line = site.gateway.logged("tunnel_refused", reason="unknown_domain")
    assert "CryptoPro-B" in line["detail"]


def test_a_user_of_nobody(site: StpSite, credentials: Credentials) -> None:
    stranger = credentials.user("of-nobody", issuer=Credentials.new_authority()).identity
    assert refusal(site.client(user=stranger)).startswith("Phase fail with reason code: ")
    assert site.gateway.logged("tunnel_refused", reason="certificate_untrusted")


@pytest.mark.parametrize(
    ("dst_id", "reason"),
    [(CLOSED, "destination_unreachable"), (UNKNOWN, "unknown_destination")],
)
def test_a_destination_that_is_not_there(dst_id: int, reason: str, site: StpSite) -> None:
    said = refusal(site.client(dst_id))
    assert said.startswith(("Ошибка установления туннеля: ", "Phase fail with reason code: "))
    assert site.gateway.logged("tunnel_refused", reason=reason)


def test_a_rule_and_a_revoked_user(
    start_site: StartSite, credentials: Credentials, tmp_path: Path
) -> None:
    folder = tmp_path / "crl"
    folder.mkdir()
    other = credentials.user("of-stp-revoked", curve=CRYPTOPRO_A).identity
    authority = credentials.authority
    (folder / "root.crl").write_bytes(make_list(authority.root))
    (folder / "centre.crl").write_bytes(make_list(authority.centre, other.leaf.serial))
    site = start_site(revocation="hard", crl_dir=folder, destination_7_allow_inn="300000001")
    assert refusal(site.client()).startswith("Ошибка установления туннеля: ")
    assert site.gateway.logged("tunnel_refused", reason="not_permitted")["rule"]
    assert refusal(site.client(user=other)).startswith("Ошибка установления туннеля: ")
    assert site.gateway.logged("tunnel_refused", reason="certificate_revoked")


def test_where_stp_is_off(start_site: StartSite) -> None:
    """A number comes, and no reset of the connection, however late the hello is read."""
    site = start_site(stp="no")
    for _ in range(20):
        assert refusal(site.client()) == "Phase fail with reason code: 2"
    line = site.gateway.logged("tunnel_refused")
    assert (line["reason"], line["protocol"]) == ("unsupported_version", "stp")


def test_a_destination_that_is_not_for_stp(
    start_site: StartSite, destination: socket.socket, credentials: Credentials
) -> None:
    """The other one is, and a domain is named because two would fit."""
    servers = credentials.folder / "servers-of-stp"
    for domain in ("boshqa.uz", FIRST_DOMAIN):
        credentials.domain(domain, folder=servers, curve=CRYPTOPRO_A)
    site = start_site(servers_dir=servers, stp_domain=FIRST_DOMAIN, destination_8_stp="no")
    assert refusal(site.client(CLOSED)) == "Phase fail with reason code: 13"
    line = site.gateway.logged("tunnel_refused", reason="not_permitted")
    assert line["rule"] == "tunnel.destination.8.stp"
    with site.client() as client:
        other, _ = join(client, destination)
        other.close()


def test_limits(start_site: StartSite, destination: socket.socket) -> None:
    site = start_site(limit=1)
    with site.client() as client:
        other, _ = join(client, destination)
        with other:
            for _ in range(5):
                assert refusal(site.client()).startswith("Phase fail with reason code: ")
            line = site.gateway.logged("tunnel_refused", reason="overloaded")
            assert line["limit"] == "tunnel.limit"
            other.sendall(b"a")
            assert client.receive(1) == b"a"


# --- ends ---------------------------------------------------------------------------------------


def test_ends_stay_until_they_are_seen(site: StpSite, destination: socket.socket) -> None:
    """E-IMZO looks only once a second, and never closes by itself."""
    with (
        site.client(private_key=12345) as thief,
        site.client(CLOSED) as refused,
        site.client(polls=1.0) as client,
    ):
        client.open()
        client.send(UPGRADE)
        with accept_tunnel(destination) as other:
            receive_head(other)
            with pytest.raises(RefusedByClientError, match="does not answer") as told:
                refused.open()
            assert told.value.reason.partition(": ")[2].isascii()
            thief.send_hello()
            thief.receive_params()
            thief.send_proof()
            assert len(thief.socket.recv(100)) == words.FRAME_HEADER + 8  # he cannot read it
            began = time.monotonic()
            other.sendall(SWITCHED + b"a" * 700)
        assert client.receive(len(SWITCHED) + 700) == SWITCHED + b"a" * 700
        for one in (refused, thief, client):
            while one.socket.recv(65536):
                pass
            assert 1.0 < time.monotonic() - began < 4.0
        reasons = [
            site.gateway.logged(event, client=name(one))["reason"]
            for event, one in (
                ("tunnel_closed", client),
                ("tunnel_refused", refused),
                ("tunnel_refused", thief),
            )
        ]
    assert reasons == ["completed", "destination_unreachable", "bad_record"]
    assert "user" not in site.gateway.logged("tunnel_refused", reason="bad_record")


def test_silence_and_an_operator(
    start_site: StartSite, destination: socket.socket, tmp_path: Path
) -> None:
    admin = tmp_path / "admin.sock"
    site = start_site(idle_timeout=1, admin_listen=f"unix:{admin}")
    with ExitStack() as stack:
        clients = [stack.enter_context(site.client()) for _ in range(2)]
        joined = [join(one, destination) for one in clients]
        others = [stack.enter_context(other) for other, _ in joined]
        head = joined[0][1].decode()
        tunnel_id = head.partition("X-EIMZO-Tunnel-Id: ")[2].partition("\r\n")[0]
        assert Operator(admin).close(tunnel_id).status == 200
        for client, other, reason in zip(
            clients, others, ("closed_by_operator", "idle_timeout"), strict=True
        ):
            assert everything(other) == b""
            assert client.seconds_until_closed() < 4
            assert site.gateway.logged("tunnel_closed", client=name(client))["reason"] == reason


def test_the_end_of_the_gateway(start_site: StartSite, destination: socket.socket) -> None:
    """An open tunnel has the time of the drain; one that is not open yet is told in words."""
    site = start_site(drain_timeout=0.3)
    with site.client() as client, site.client() as opening:
        other, _ = join(client, destination)
        opening.open()
        with other, accept(destination):
            site.gateway.signal(signal.SIGTERM)
            assert site.gateway.logged("draining")
            client.send(b"hali ham")
            assert words.exactly(other, 8) == b"hali ham"
            assert everything(other) == b""
        assert client.seconds_until_closed() < 4
    assert site.gateway.exit_code() == 0
    assert site.gateway.logged("tunnel_closed")["reason"] == "shutting_down"


# --- what a recording is worth --------------------------------------------------------------------


def test_a_recording_and_no_private_key(
    site: StpSite, start_site: StartSite, destination: socket.socket
) -> None:
    """A listener who knows some data of a tunnel in SIC sends a request in its user's name.

    The keystream of a counter is always the same, and the client chooses the counter. That is why
    the gateway refuses the mode unless a setting allows it.
    """
    known = bytes(800)
    lax = start_site(stp_modes="cfb,ofb,sic,gofb,gcfb")
    with lax.client(mode=words.SIC, table=1) as victim:
        other, _ = join(victim, destination)
        with other:
            before = len(victim.wire)
            victim.send(known)
            assert words.exactly(other, len(known)) == known
    keystream = xor(victim.wire[before:], words.clear_frame(4, known))
    counter = (int.from_bytes(victim.own.iv[:8], "big") + before // 8) % 2**64

    def attacker_of(where: StpSite) -> StpClientOfOthers:
        iv = counter.to_bytes(8, "big") + bytes(24)
        return where.client(mode=words.SIC, table=1, iv=iv, private_key=1)

    with attacker_of(lax) as attacker:
        attacker.send_hello()
        attacker.receive_params()
        proof = words.proof(bytes(32), attacker.other.iv)
        payloads = proof[:32], proof[32:], words.SUCCESS, UPGRADE
        clear = b"".join(words.clear_frame(i, one) for i, one in enumerate(payloads))
        forged = xor(clear, keystream)
        attacker.socket.sendall(forged[:96])
        words.exactly(attacker.socket, words.FRAME_HEADER)  # an answer, which he cannot read
        attacker.socket.sendall(forged[96:])
        with accept_tunnel(destination) as other:
            assert b"X-EIMZO-PINFL: 10000000000001" in receive_head(other)
    assert refusal(attacker_of(site)) == "Phase fail with reason code: 64"


def xor(first: bytes, second: bytes) -> bytes:
    """The two, as far as both go."""
    return bytes(a ^ b for a, b in zip(first, second, strict=False))
