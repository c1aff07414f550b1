"""Entries of the journal over a real datagram socket; a real journald reads them in scenarios."""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tests.support.processes import TIME_LIMIT
from tunnel_gateway.observability import journal
from tunnel_gateway.observability.lines import WRITER
from tunnel_gateway.observability.logs import configure_logs, get_logger

NAME = "tunnel_gateway.gateway.session"
FORGED = "x\nPRIORITY=0\nTUNNEL_DOMAIN=bank.uz\r\x1b[2J"
Fields = list[tuple[str, str]]


def parse(data: bytes) -> Fields:
    """Read an entry as the journal does."""
    fields: Fields = []
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        fields.append((name.decode(), value.decode()))
        data = rest
    return fields


class Journald:
    """The journal's socket, and a standard error that leads there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "socket"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(TIME_LIMIT)
        self.stream: TextIO = (folder / "stderr").open("w", encoding="utf-8")
        status = os.fstat(self.stream.fileno())
        monkeypatch.setattr(journal, "SOCKET", self.path)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")

    def entry(self) -> Fields:
        return parse(self.socket.recv(1 << 20))


@pytest.fixture
def journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journald]:
    root, package = logging.getLogger(), logging.getLogger("tunnel_gateway")
    before = root.handlers[:], root.level, package.level
    running = Journald(tmp_path, monkeypatch)
    yield running
    running.socket.close()
    running.stream.close()
    root.handlers[:], root.level, package.level = before
    logging.getLogger("tunnel_gateway").setLevel(package.level)
    structlog.reset_defaults()


def test_a_line_is_an_entry(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream, personal="full")
    get_logger(NAME).warning(
        "tunnel_refused",
        domain="example.uz",
        tunnel_id="ab",
        user="G‘ANIYEV O‘KTAM",
        bytes_up=35,
        ended=True,
        domains=["a.uz", "b.uz"],
        key=b"secret",
    )
    message = (
        'tunnel_refused domain=example.uz tunnel_id=ab user="G‘ANIYEV O‘KTAM" bytes_up=35'
        ' ended=true domains=["a.uz", "b.uz"] key="<6 bytes>"'
    )
    assert journald.entry() == [
        ("MESSAGE", message),
        ("PRIORITY", "4"),
        ("SYSLOG_IDENTIFIER", "tunnel-gateway"),
        ("TUNNEL_EVENT", "tunnel_refused"),
        ("TUNNEL_DOMAIN", "example.uz"),
        ("TUNNEL_ID", "ab"),
        ("TUNNEL_USER", "G‘ANIYEV O‘KTAM"),
        ("TUNNEL_BYTES_UP", "35"),
        ("TUNNEL_ENDED", "true"),
        ("TUNNEL_DOMAINS", "a.uz"),
        ("TUNNEL_DOMAINS", "b.uz"),
        ("TUNNEL_KEY", "<6 bytes>"),
    ]
    assert not (journald.path.parent / "stderr").read_text()


@pytest.mark.parametrize(
    ("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3)]
)
def test_priorities(journald: Journald, level: str, priority: int) -> None:
    configure_logs("auto", "debug", journald.stream)
    getattr(get_logger(NAME), level)("event")
    assert ("PRIORITY", str(priority)) in journald.entry()


def test_libraries_write_there_too(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream)
    logging.getLogger("asyncio").error("trouble with %s", "1.2.3.4")
    fields = journald.entry()
    assert ("TUNNEL_LOGGER", "asyncio") in fields
    assert fields[0] == ("MESSAGE", "trouble with 1.2.3.4 logger=asyncio")


def test_a_stranger_cannot_write_a_field_of_his_own(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream, personal="full")
    get_logger(NAME).info("event", user=FORGED, **{FORGED: 1})
    fields = journald.entry()
    assert [name for name, _ in fields].count("PRIORITY") == 1
    assert "TUNNEL_DOMAIN" not in dict(fields)
    assert dict(fields)["TUNNEL_USER"] == FORGED  # as it came, in the binary form
    assert fields[0][1].isprintable()  # and what people read is one line


def test_persons_are_masked_there_too(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream)
    get_logger(NAME).info("tunnel_closed", user="G‘ANIYEV O‘KTAM")
    assert "G‘ANIYEV" not in str(journald.entry())


def test_a_traceback_is_marked(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream)
    try:
        raise ValueError(FORGED)  # noqa: TRY301 - that is what is wanted
    except ValueError:
        get_logger(NAME).exception("failed")
    fields = dict(journald.entry())
    first, *rest = fields["MESSAGE"].splitlines()
    assert first == "failed"
    assert all(line.startswith("  | ") and line.isprintable() for line in rest)
    assert fields["TUNNEL_EXCEPTION"].endswith(FORGED)


@given(st.dictionaries(st.text(max_size=80), st.text() | st.integers() | st.lists(st.text())))
def test_any_facts_make_an_entry(facts: dict[str, object]) -> None:
    fields = parse(journal.entry("event", facts))
    assert fields[0] == ("MESSAGE", "event")
    for name, _ in fields[3:]:
        assert name.startswith("TUNNEL_")
        assert len(name) <= 64
        assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def test_sizes_are_bounded(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream)
    facts = {f"fact{number}": "x" * 100_000 for number in range(100)}
    data = journal.entry("x" * 100_000, facts)
    assert len(data) < 600_000
    assert len(parse(data)) == 64
    assert all(len(value) <= 33_000 for _, value in parse(data))
    get_logger(NAME).info("event", detail="\udcff" + "x" * 20_000)  # a lone surrogate, too
    assert dict(journald.entry())["TUNNEL_DETAIL"].startswith("\\udcffxxx")


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_a_line_that_is_lost_costs_nothing_else(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream)
    log = get_logger(NAME)
    hidden = journald.path.rename(journald.path.with_name("hidden"))
    log.info("nobody reads this")
    log.info("nor this")
    WRITER.flush()
    hidden.rename(journald.path)
    log.info("back")
    assert journald.entry()[0] == ("MESSAGE", "back")
    assert journald.entry()[0] == ("MESSAGE", "log_lines_lost lost=2")
    log.info("event", value=UnprintableError())
    message = dict(journald.entry())["MESSAGE"]
    assert message.startswith("a line of the log was lost: ZeroDivisionError")


def test_a_journal_that_does_not_read_is_not_waited_for(journald: Journald) -> None:
    configure_logs("auto", "info", journald.stream)
    for _ in range(2000):
        get_logger(NAME).info("event", detail="x" * 1000)
    assert not WRITER.ok
    last = ""
    while not last.startswith("log_lines_lost lost="):
        last = dict(journald.entry())["MESSAGE"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_another_format_is_obeyed(journald: Journald, log_format: str) -> None:
    configure_logs("json" if log_format == "json" else "console", "info", journald.stream)
    get_logger(NAME).info("event")
    WRITER.flush()
    assert "event" in (journald.path.parent / "stderr").read_text()


def test_when_stderr_does_not_lead_there(
    journald: Journald, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert journal.is_connected(journald.stream)
    assert not journal.is_connected(io.StringIO())
    with (journald.path.parent / "other").open("w") as other:
        assert not journal.is_connected(other)
    monkeypatch.setattr(journal, "SOCKET", journald.path.with_name("nowhere"))
    assert not journal.is_connected(journald.stream)
    monkeypatch.undo()
    journald.stream.close()
    assert not journal.is_connected(journald.stream)


def test_a_process_decides_by_its_own_stderr(journald: Journald) -> None:
    statements = (
        "from pathlib import Path",
        "from tunnel_gateway.observability import journal, logs",
        f"journal.SOCKET = Path({str(journald.path)!r})",
        "logs.configure_logs()",
        "logs.get_logger('tunnel_gateway.x').info('event', domain='example.uz')",
    )
    command = (sys.executable, "-c", "; ".join(statements))
    subprocess.run(command, stderr=journald.stream, check=True, timeout=TIME_LIMIT)
    assert ("TUNNEL_DOMAIN", "example.uz") in journald.entry()
    environment = {key: value for key, value in os.environ.items() if key != "JOURNAL_STREAM"}
    done = subprocess.run(
        command, env=environment, capture_output=True, check=True, timeout=TIME_LIMIT
    )
    assert json.loads(done.stderr)["domain"] == "example.uz"
