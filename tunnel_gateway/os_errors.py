"""Errors of the operating system, as sentences that tell what to do."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FULL: Final = "make room on the disk"
_REACH: Final = "let this user reach it, and every folder above it"
_MANY: Final = "raise the limit of open files: LimitNOFILE= of the unit, or ulimit -n"

ADVICE: Final[Mapping[int, str]] = MappingProxyType(
    {
        errno.ENOENT: "check the path",
        errno.EACCES: _REACH,
        errno.EPERM: _REACH,
        errno.EISDIR: "name a file",
        errno.ENOTDIR: "check the path: a part of it is a file",
        errno.EEXIST: "move it away, or choose another name",
        errno.ENAMETOOLONG: "choose a shorter name",
        errno.ELOOP: "links lead in a circle: correct them",
        errno.ENOSPC: _FULL,
        errno.EDQUOT: _FULL,
        errno.EROFS: "choose a place that can be written",
        errno.EIO: "the disk or the network share is failing",
        errno.ESTALE: "the network share is gone: mount it again",
        errno.EMFILE: _MANY,
        errno.ENFILE: _MANY,
    }
)


def sentence(error: OSError) -> str:
    """Return the system's words and what can be done: "No such file or directory; check …"."""
    words = error.strerror or str(error)
    advice = ADVICE.get(error.errno or 0)
    return f"{words}; {advice}" if advice else words
