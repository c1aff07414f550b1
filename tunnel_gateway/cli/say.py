"""Messages of commands, while they run and at their end, without waiting for the reader."""

from __future__ import annotations

from typing import TextIO

from tunnel_gateway.observability.lines import WRITER, descriptor_of, descriptor_sink


def say(stream: TextIO | None, text: str) -> None:
    """Write a line to a standard stream, after the lines that the log has written there.

    The process waits at most a second for it at its end. If the stream takes nothing, the line is
    lost.
    """
    descriptor = descriptor_of(stream)
    if stream is None or descriptor is None:
        print(text, file=stream)
        return
    stream.flush()
    line = f"{text}\n".encode(stream.encoding or "utf-8", "backslashreplace")
    WRITER.add(descriptor_sink(descriptor), line)
