"""Small text files as editors of Windows save them: with a byte order mark, or in UTF-16."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE


def utf8(data: bytes) -> bytes:
    """Return a text without its byte order mark, in UTF-8 if the mark says that it is UTF-16.

    Without a mark the bytes stay as they are, in any encoding. Raises ValueError if the bytes after
    the mark are not UTF-16.
    """
    if not data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.removeprefix(BOM_UTF8)
    text = data.decode("utf-16")
    if "\0" in text:
        raise ValueError("a text in UTF-16 with empty characters in it")
    return text.encode()
