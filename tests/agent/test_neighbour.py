"""Who holds a port, and which process is an E-IMZO."""

from __future__ import annotations

import os
import pwd
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.loopback import LOOPBACK
from tunnel_gateway.agent import neighbour
from tunnel_gateway.agent.neighbour import (
    NAME,
    STARTING_SECONDS,
    Holder,
    Starting,
    holder_of,
    is_e_imzo,
    is_of_another_user,
    processes,
    program_of,
    user_of,
    words_of,
)

WAITS = "print(flush=True); input()"


@pytest.mark.parametrize("address", [LOOPBACK, "0.0.0.0", "::1", "::"])  # noqa: S104
def test_who_holds_a_port(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listening:
        holder = holder_of(listening.getsockname()[1])
        if address == "::1":  # pages connect to 127.0.0.1
            assert holder is None
        else:
            user = pwd.getpwuid(os.getuid()).pw_name
            own = Path("/proc/self/comm").read_text(encoding="utf-8").strip()
            assert holder == Holder(own, os.getpid(), user)


def test_nobody_holds_it() -> None:
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        assert holder_of(bound.getsockname()[1]) is None


def test_a_holder_in_words() -> None:
    assert str(Holder("E-IMZO", 7, "ali")) == "E-IMZO, process 7 of user ali"
    assert str(Holder(None, None, "ali")) == "a program of user ali"
    assert str(Holder(None, None, None)) == "a program"


@pytest.mark.parametrize("mapped", [False, True])
def test_the_user_of_a_peer(monkeypatch: pytest.MonkeyPatch, *, mapped: bool) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        family = socket.AF_INET6 if mapped else socket.AF_INET
        with socket.socket(family) as peer:
            port = listening.getsockname()[1]
            peer.connect((f"::ffff:{LOOPBACK}" if mapped else LOOPBACK, port))
            address = (LOOPBACK, peer.getsockname()[1])
            connection, _ = listening.accept()
            assert is_of_another_user(address, port) is False
            peer.shutdown(socket.SHUT_WR)  # it can still receive
            assert is_of_another_user(address, port) is False
            if os.getuid() != 0:  # root's programs may connect to everybody's agent
                monkeypatch.setattr(os, "getuid", lambda: 4711)
                assert is_of_another_user(address, port) is True
        # Its bytes may still be read, but nobody can say whose they are.
        assert is_of_another_user(address, port) is True
        connection.close()
        assert is_of_another_user((LOOPBACK, 1), port) is True
        assert is_of_another_user(None, port) is True
        monkeypatch.setattr(neighbour, "_TABLES", (Path("/none"),))
        assert is_of_another_user(address, port) is False  # the system does not tell


def test_names_of_e_imzo() -> None:
    for name in ("E-IMZO", "e-imzo", "EIMZO.exe", "E-IMZO.jar", "/opt/e-imzo/E-IMZO.jar"):
        assert NAME.search(name)
    assert not NAME.search("imzo")


def test_an_e_imzo_that_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbour, "NAME", re.compile("imzo-sinov"))
    now = 0.0
    starting = Starting(lambda: now)
    assert starting.look() is False
    for name, words in (("imzo-sinov", ()), ("java", ("-jar", "imzo-sinov.jar"))):
        program = tmp_path / name
        program.symlink_to(Path(sys.executable).resolve())
        with subprocess.Popen(
            (program, "-c", WAITS, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"\n"
            assert is_e_imzo(process.pid)
            assert program_of(process.pid) == ("E-IMZO" if words else name)
            assert starting.look() is True
            with monkeypatch.context() as other:  # as another user sees it
                other.setattr(neighbour, "user_of", lambda _: 4711)
                assert starting.look() is False
            now += STARTING_SECONDS
            assert starting.look() is False  # it has not taken its ports, so it does not want them
            process.communicate(b"\n")
        assert not is_e_imzo(process.pid)
        assert program_of(process.pid) is None


def test_a_java_that_runs_something_else(tmp_path: Path) -> None:
    program = tmp_path / "java"
    program.symlink_to(Path(sys.executable).resolve())
    with subprocess.Popen(
        (program, "-c", WAITS), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        assert not is_e_imzo(process.pid)
        assert program_of(process.pid) == "java"
        process.communicate(b"\n")


def test_a_process_and_its_user() -> None:
    me = os.getpid()
    assert me in processes()
    assert user_of(me) == os.getuid()
    assert words_of(me)[0].encode() in Path("/proc/self/cmdline").read_bytes()
    gone = 2**22 + 1  # Linux has no such number
    assert user_of(gone) is None
    assert words_of(gone) == []


def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with socket.create_server((LOOPBACK, 0)) as listening:
        assert holder_of(listening.getsockname()[1]) is None
    assert Starting().look() is False
