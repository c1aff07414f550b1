"""The agent asks gateways of others for tunnels by STP: what it takes, and what it says."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.support import stp_words_of_others as words
from tests.support.credentials import DAY, NOW, Credentials
from tests.support.destination import SWITCHED, everything
from tests.support.page import AgentService, Page
from tests.support.peer import UPGRADE
from tests.support.processes import TIME_LIMIT
from tests.support.stp_server_of_others import ServedStp, StpServerOfOthers, finish
from tunnel_gateway.gost.curves import CRYPTOPRO_A, CRYPTOPRO_B
from tunnel_gateway.pki.certificates.certificate import to_pem

IV = bytes(range(1, 33))


class Asking:
    """A page whose agent asks the server for tunnels, and the server."""

    def __init__(self, server: StpServerOfOthers, service: AgentService) -> None:
        self.server = server
        self.service = service
        self._page: Page = service.opened()
        self._key = self._page.load_key()
        self._caller = ThreadPoolExecutor(1)

    def ask(self, dst_id: str = "7") -> Future[dict[str, Any]]:
        """Ask for a tunnel; the server's part is played meanwhile."""
        return self._caller.submit(self._page.tunnel, self._key, dst_id)

    @contextmanager
    def asked(self, **choice: Any) -> Iterator[tuple[ServedStp, Future[dict[str, Any]]]]:
        """A tunnel that is asked for, and the server's side of it."""
        answer = self.ask()
        with self.server.accept(**choice) as served:
            yield served, answer


@pytest.fixture(scope="module")
def asking(credentials: Credentials, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp("stp-agent")
    example = credentials.example.identity
    root = folder / "root.pem"
    root.write_bytes(to_pem(example.chain[1:]))
    user = credentials.user("of-stp-agent", curve=CRYPTOPRO_A).identity
    with StpServerOfOthers(example.leaf.der, example.private_key) as server:
        service = AgentService(
            credentials,
            folder,
            server.address[1],
            users={"stp": user},
            domains=(),
            settings=f"agent.tunnel.example.uz=stp://127.0.0.1:{server.address[1]}\n"
            f"agent.stp.root.file={root}\n",
        )
        yield Asking(server, service)
        assert service.stop() == 0, service.last_words()
        service.check_log()


@contextmanager
def entered(served: ServedStp, answer: Future[dict[str, Any]]) -> Iterator[socket.socket]:
    """The page's connection to its tunnel, its request received by the server."""
    told = answer.result(TIME_LIMIT)
    assert told["success"] is True, told
    with socket.create_connection(("127.0.0.1", told["port"]), TIME_LIMIT) as page:
        here = told["address"].encode()
        page.sendall(UPGRADE.replace(b"Host: example.uz", b"Host: " + here))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += served.reader.some(served.socket)
        assert head.startswith(b"GET /chat ")
        yield page


@pytest.mark.parametrize("mode", [words.CFB, words.GOFB, words.GCFB])
def test_every_table_and_any_cut(mode: int, asking: Asking) -> None:
    up, down = os.urandom(3000), os.urandom(6000)
    for table, cut in zip(words.TABLES, (None, 1, 5, 7, 8, 64, 100), strict=True):
        with asking.asked(table=table, mode=mode, extra=bytes(table)) as (served, answer):
            served.open(cut, text=b"" if table else b"xush kelibsiz")
            assert served.dst_id == 7
            with entered(served, answer) as page:
                served.send_cut(SWITCHED + down, cut)
                assert words.exactly(page, len(SWITCHED + down)) == SWITCHED + down
                page.sendall(up)
                assert served.receive(len(up)) == up
            assert served.is_closed()


def test_data_with_the_finish(asking: Asking) -> None:
    """Data in the frame of the finish come before the request of the page: that ends the tunnel."""
    with asking.asked() as (served, answer):
        served.open(first_data=b"birinchi")
        told = answer.result(TIME_LIMIT)
        line = asking.service.logged("tunnel_closed", tunnel_id=told["tunnel_id"])
        assert line["reason"] == "protocol_error"
        assert line["detail"].endswith("data before the page's request")
        assert served.is_closed()


def test_the_servers_end(asking: Asking) -> None:
    """Nothing that came before the close is lost, though E-IMZO itself would lose it."""
    with asking.asked() as (served, answer):
        served.open()
        with entered(served, answer) as page:
            served.send_cut(SWITCHED + bytes(1000))
            served.socket.close()
            assert everything(page)[: len(SWITCHED) + 1000] == SWITCHED + bytes(1000)


# --- refusals -----------------------------------------------------------------------------------


def refused(served: ServedStp, answer: Future[dict[str, Any]]) -> tuple[str, str]:
    """What the page is told, as code and words; the agent must have closed."""
    assert served.is_closed()
    served.socket.close()
    told = answer.result(TIME_LIMIT)
    assert told["success"] is False, told
    return told["code"], told["reason"]


@pytest.mark.parametrize(("number", "code"), [(64, "repeatable_mode"), (200, "refusal_200")])
def test_a_number_in_place_of_an_answer(number: int, code: str, asking: Asking) -> None:
    with asking.asked() as (served, answer):
        served.receive_hello()
        served.refuse_at_once(number)
        assert refused(served, answer)[0] == code
    with asking.asked() as (served, answer):
        served.receive_hello()
        served.send_params()
        served.receive_proof()
        served.send_cut(bytes((number,)))
        assert refused(served, answer)[0] == code


def test_a_text(asking: Asking) -> None:
    """It goes to a page and into a log: no character of it moves a cursor or a line."""
    with asking.asked() as (served, answer):
        served.receive_hello()
        served.send_params()
        served.receive_proof()
        text = "yo‘q\x1b[31m\n\u202e".encode() + b"\xff"
        served.send_cut(served.proof() + finish(12, text), 3)
        code, reason = refused(served, answer)
    assert code == "destination_unreachable"
    assert reason.endswith("yo‘q?[31m??\N{REPLACEMENT CHARACTER}")


Change = Callable[[ServedStp], words.Params]

ANSWERS: dict[str, tuple[Change, str]] = {
    "OFB": (lambda one: replace(one.own, mode=words.OFB), "no_common_suite"),
    "SIC": (lambda one: replace(one.own, mode=words.SIC), "no_common_suite"),
    "another mode": (lambda one: replace(one.own, mode=5), "protocol_error"),
    "another table": (lambda one: replace(one.own, table=7), "protocol_error"),
    "another exchange": (lambda one: replace(one.own, key_exchange=1), "protocol_error"),
    "no IV": (lambda one: replace(one.own, iv=bytes(32)), "protocol_error"),
    "our IV": (lambda one: replace(one.own, iv=one.other.iv), "protocol_error"),
    "the beginning of our IV": (
        lambda one: replace(one.own, iv=one.other.iv[:8] + bytes(24)),
        "protocol_error",
    ),
    "the user's certificate": (
        lambda one: replace(one.own, certificate=one.other.certificate),
        "certificate_u",
    ),
    "a certificate of zeros": (
        lambda one: replace(one.own, certificate=bytes(10240)),
        "certificate_unsuitable",
    ),
    "a long certificate": (
        lambda one: replace(one.own, certificate=bytes(10241)),
        "protocol_error",
    ),
}


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_not_taken(case: tuple[Change, str], asking: Asking) -> None:
    """The agent sends nothing more: message 4 is for a gateway that it trusts."""
    change, code = case
    with asking.asked() as (served, answer):
        served.receive_hello()
        served.own = change(served)
        served.send_params()
        assert refused(served, answer)[0].startswith(code)


def test_certificates(asking: Asking, credentials: Credentials) -> None:
    def code(name: str = "example.uz", **profile: Any) -> str:
        folder = credentials.folder / "of-stp-agent"
        holder = credentials.domain(name, folder=folder, **profile).identity
        with asking.asked() as (served, answer):
            served.receive_hello()
            served.own = replace(served.own, certificate=holder.leaf.der)
            served.send_params()
            return refused(served, answer)[0]

    assert code("boshqa.uz") == "certificate_unsuitable"
    assert code(not_after=NOW - DAY) == "certificate_expired"
    assert code(issuer=Credentials.new_authority()) == "certificate_untrusted"
    assert code(curve=CRYPTOPRO_B) == "unknown_domain"


FRAMES: dict[str, tuple[bytes, str]] = {
    "a number": (words.header(1, 1, 0), "bad_record"),
    "a checksum": (words.header(0, 1, 0)[:-1] + bytes(1), "bad_record"),
    "2^31 bytes": (words.header(0, 2**28, 0), "protocol_error"),
    "a rest of 8": (words.header(0, 0, 8), "protocol_error"),
    "a wrong hash": (words.clear_frame(0, words.PROVEN + bytes(64)), "bad_signature"),
    "a hash of another session": (
        words.clear_frame(0, words.PROVEN + words.proof(bytes(32), IV)),
        "bad_signature",
    ),
}


@pytest.mark.parametrize("case", FRAMES.values(), ids=FRAMES)
def test_frames_in_place_of_a_proof(case: tuple[bytes, str], asking: Asking) -> None:
    clear, code = case
    with asking.asked() as (served, answer):
        served.receive_hello()
        served.send_params()
        served.receive_proof()
        served.socket.sendall(served.writer.raw(clear))
        assert refused(served, answer)[0] == code


def test_a_server_that_leaves(asking: Asking) -> None:
    """At each step the page is told at once."""
    for how_far in range(3):
        with asking.asked() as (served, answer):
            served.receive_hello()
            if how_far > 0:
                served.send_params()
                served.receive_proof()
            if how_far > 1:
                served.send_cut(served.proof())
            served.socket.shutdown(socket.SHUT_WR)
            assert refused(served, answer)[0] == "gateway_unreachable"
