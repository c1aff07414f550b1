"""The benchmark of the REST service: its load, its targets, and a small run of all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from benchmarks.machine import Machine
from benchmarks.programs import ROOT
from benchmarks.publish import DOCUMENT, replace_marked
from benchmarks.rest import load
from benchmarks.rest.__main__ import BEGIN, END, section
from benchmarks.rest.connections import AnswerReader, WrongAnswerError, get, post
from benchmarks.rest.course import run
from benchmarks.rest.goals import GOALS, Goal, missed, rows
from benchmarks.rest.java import java_available
from benchmarks.rest.scale import Scale

MACHINE = Machine("ACME Chip (R) 9000", 2, 4, "6.1", "3.11", "0.22", "3.0", "5.68", "avx2")
GOOD = b'{"challenge":"x","status":1,"message":""}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
SLOW = 0.02
TINY = Scale(
    users=3,
    large=100_000,
    seconds=0.1,
    warm_up=0,
    processes=1,
    echoes=20,
    calls=20,
    documents=50,
    life=10,
)


# --- the load ------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_an_answer_in_pieces(step: int) -> None:
    answer = HEAD % len(GOOD) + GOOD
    reader = AnswerReader()
    pieces = [answer[start : start + step] for start in range(0, len(answer), step)]
    assert [reader.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Busy\r\nContent-Length: %d\r\n\r\n%b" % (len(GOOD), GOOD),
        HEAD % 13 + b'{"status":-1}',
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_another_answer_is_wrong(answer: bytes) -> None:
    with pytest.raises(WrongAnswerError):
        AnswerReader().feed(answer)


class Answering(BaseHTTPRequestHandler):
    """Good answers: at once to GET, after a while to POST."""

    protocol_version = "HTTP/1.1"
    answer = GOOD

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SLOW)
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_each_request_is_sent_once(port: int) -> None:
    sample = load.once_each(port, [get("/")] * 7, 3)
    assert len(sample.milliseconds) == 7
    assert all(0 < milliseconds <= 1000 * sample.seconds for milliseconds in sample.milliseconds)


def test_as_fast_as_it_goes_for_some_time(port: int) -> None:
    sample = load.as_fast_as_it_goes(port, [get("/"), get("/other")], 2, 0.1)
    assert sample.seconds >= 0.1
    assert len(sample.milliseconds) > 2
    assert len(load.as_fast_as_it_goes(port, [get("/")], 2, 0).milliseconds) == 1


def test_a_late_request_counts_from_the_time_when_it_was_due(port: int) -> None:
    sample = load.at_rate(port, [post("/", b"x")], 1, rate=1000, seconds=0.005)
    assert len(sample.milliseconds) == 5
    for number, milliseconds in enumerate(sample.milliseconds):
        assert milliseconds >= (number + 1) * 1000 * SLOW - number


def test_a_large_request(port: int) -> None:
    assert load.large(port, post("/", bytes(3_000_000))) >= SLOW


def test_a_server_that_breaks_a_large_call_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "do_GET", lambda self: setattr(self, "close_connection", True))
    with pytest.raises(ConnectionError):
        load.large(port, get("/"))


def test_beside_slow_clients_each_request_is_sent_once(port: int) -> None:
    sample = load.beside_slow_clients(port, [get("/")] * 3, 2)
    assert len(sample.milliseconds) == 3


def test_a_wrong_answer_ends_a_load(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "answer", b'{"status":-1}')
    with pytest.raises(WrongAnswerError, match="-1"):
        load.once_each(port, [get("/")] * 5, 2)
    with pytest.raises(WrongAnswerError, match="-1"):
        load.at_rate(port, [get("/")], 2, rate=1000, seconds=0.01)


def test_a_server_that_closes_ends_a_load(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "do_GET", lambda self: setattr(self, "close_connection", True))
    with pytest.raises(ConnectionError):
        load.once_each(port, [get("/")], 1)


# --- the targets ---------------------------------------------------------------------------


def test_targets() -> None:
    small, large = Goal("a", "a", at_most=2), Goal("b", "b", at_least=1500)
    assert (small.target, large.target) == ("≤ 2", "≥ 1,500")
    assert [small.verdict(value) for value in (2, 2.1)] == ["yes", "MISSED"]
    assert [large.verdict(value) for value in (1500, 1499)] == ["yes", "MISSED"]
    free = Goal("c", "c")
    assert (free.target, free.verdict(7)) == ("", "")


def test_the_median_decides_and_a_missed_target_is_told() -> None:
    samples = {"seen": [0.9, 0.8, 5.0], "idle": [91.0], "java": [12.0]}
    _, *lines = rows(samples)
    assert [line[-1] for line in lines] == ["yes", "", "MISSED"]
    assert lines[0][2] == "0.90 (0.80..5.00)"
    (line,) = missed(samples)
    assert "91.0, and ≤ 90" in line


def test_our_document_has_the_marks() -> None:
    text = section({"seen": [1.0]}, MACHINE, 5, "Conditions.")
    document = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    assert f"{BEGIN}\n\nMeasured on " in replace_marked(document, text, BEGIN, END)


# --- a run ---------------------------------------------------------------------------------


def test_a_small_run_has_every_figure() -> None:
    if not java_available():
        pytest.skip("NOT RUN: install the packages default-jdk-headless and libbcpkix-java")
    told: list[str] = []
    samples = run(TINY, 1, told.append)
    assert {goal.name for goal in GOALS} == set(samples)
    assert all(samples[goal.name][0] > 0 for goal in GOALS if goal.name != "copies")
    assert samples["after keys"] == samples["before keys"] == [1]
    assert samples["open keys"][0] > TINY.documents
    assert told[0] == "start and warm up"
