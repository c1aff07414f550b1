"""What commands say: to a stream in memory at once, to a pipe without waiting for its reader."""

from __future__ import annotations

import io
import os

from tunnel_gateway.cli.say import say
from tunnel_gateway.observability.lines import WRITER


def test_in_memory() -> None:
    stream = io.StringIO()
    say(stream, "salom")
    assert stream.getvalue() == "salom\n"
    say(None, "nobody hears it")


def test_a_pipe_in_its_encoding() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="ascii") as stream, os.fdopen(reading, "rb") as other:
        stream.write("before ")
        say(stream, "O‘KTAM")
        WRITER.flush(60)
        assert other.readline() == b"before O\\u2018KTAM\n"


def test_a_pipe_that_nobody_reads() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        os.set_blocking(writing, False)
        try:
            while os.write(writing, b"x" * 4096):
                pass
        except BlockingIOError:
            pass
        os.set_blocking(writing, True)
        say(stream, "later")  # and does not wait
        while (data := os.read(reading, 65536))[-6:] != b"later\n":
            assert data
    os.close(reading)
