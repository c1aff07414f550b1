"""Configuration files as text and as entries, each with its line."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import javaproperties

from tunnel_gateway.config.values import Entry
from tunnel_gateway.errors import ConfigError, Fault

# The vendor's whole file has some ten kilobytes.
MAX_SIZE = 256 * 1024


def read_text(path: Path, faults: list[Fault]) -> str:
    """Return the text of a file: UTF-8, or ISO-8859-1 if it is not valid UTF-8.

    Raises ConfigError with ``faults`` and one more if it cannot be read or is not text.
    """

    def fault(message: str) -> ConfigError:
        return ConfigError([*faults, Fault(message, str(path))])

    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise fault(
            f"cannot be read ({error.strerror}): give the path of the configuration file, and"
            " let the user of this process read it"
        ) from None
    if len(data) > MAX_SIZE:
        raise fault(f"more than {MAX_SIZE} bytes: that is not a configuration file")
    if b"\0" in data or data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise fault("not a text file, or one in UTF-16: save it as text in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def read_entries(path: Path, faults: list[Fault]) -> Iterator[Entry]:
    """Yield the entries of a Java properties file; damaged ones are added to ``faults``.

    Raises ConfigError like `read_text`.
    """
    lines = _Lines(read_text(path, faults))
    elements = javaproperties.parse(lines)
    while True:
        line = lines.count + 1
        try:
            element = next(elements, None)
        except javaproperties.InvalidUEscapeError:
            # The message does not quote it: it may be part of a password.
            text = "a \\u that is not followed by four hexadecimal digits"
            faults.append(Fault(text, str(path), line))
            elements = javaproperties.parse(lines)  # the next entry is still to be checked
            continue
        if element is None:
            return
        if isinstance(element, javaproperties.KeyValue):
            if element.key.endswith("password") and _goes_on(element.source):
                # It is not quoted, and neither is what it swallowed.
                text = (
                    "ends in a backslash, which joins the next line to it; a backslash of a"
                    " password is written twice: \\\\"
                )
                faults.append(Fault(text, str(path), line, element.key))
            yield Entry(path, line, element.key, element.value.strip())


def _goes_on(source: str) -> bool:
    """Tell whether an entry's first line ends in an odd number of backslashes."""
    first = source.splitlines()[0]
    return (len(first) - len(first.rstrip("\\"))) % 2 == 1


class _Lines(StringIO):
    """Text that counts the lines taken from it; every line end is read as ``\\n``."""

    def __init__(self, text: str) -> None:
        super().__init__(text, newline=None)
        self.count = 0

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # text, not bytes
        self.count += 1
        return super().readline(size)


def visible(name: str) -> str:
    """Return a name as people see it: without spaces of any kind, and in small letters."""
    return "".join(
        letter for letter in name if letter.isprintable() and not letter.isspace()
    ).lower()
