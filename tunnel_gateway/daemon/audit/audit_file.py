"""The audit file on disk: it has one writer, which only appends and leaves no half record."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tunnel_gateway.config.values import PLACEHOLDER, with_instance
from tunnel_gateway.daemon.audit.chain import (
    MAX_LINE,
    START,
    ChainReader,
    Head,
    describe_torn,
    make_record,
)
from tunnel_gateway.errors import AuditChainError, FileError

# How much of an existing file is checked before it is continued.
_TAIL: Final = 4 * MAX_LINE
_MODE: Final = 0o600
# The errors of a file system that has no files without a name (open(2), O_TMPFILE).
_NO_NAMELESS: Final = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL)
# The group may read, and only the owner may write.
_NOT_ALLOWED: Final = 0o037


def audit_path(path: Path, environment: Mapping[str, str]) -> Path:
    """Return the path with the instance's name instead of ``{instance}``.

    Raises FileError if there is no such name.
    """
    return Path(with_instance(str(path), "tunnel.audit.file", environment))


class FileInUseError(FileError):
    """Another process writes the file. It may be the gateway that `check` is about."""


class AuditFile:
    """An audit file that only this process writes. ``head`` is the end of its chain."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        """Open it, or ``make`` it, and check its last records. Raises FileError, and OSError."""
        self.path = path
        self._descriptor = _open(path, os.O_CREAT if make else 0)
        try:
            self.head, self._torn = _read_tail(self._descriptor, path)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._cut_to: int | None = None

    @property
    def is_new(self) -> bool:
        """Tell whether the file is empty."""
        return self.head == START and self._torn is None

    def follow(self, head: Head) -> None:
        """Begin this new file after the last record of another file."""
        self.head = head

    def append(self, records: Sequence[Mapping[str, object]]) -> None:
        """Write records, all of them or none. Raises OSError, also for a file that was removed."""
        if self.removed():
            raise OSError(errno.ENOENT, "the file was removed")
        self._cut()
        head, data = self.head, b""
        if self._torn is not None:
            data = b"\n"
            records = [{**records[0], "torn": describe_torn(self._torn)}, *records[1:]]
        for record in records:
            line, head = make_record(head, record)
            data += line
        end = os.fstat(self._descriptor).st_size
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._cut_to = end
            with suppress(OSError):  # the next append tries it again
                self._cut()
            raise
        self.head, self._torn = head, None

    def _cut(self) -> None:
        """Remove the first part of records that did not fit on the disk."""
        if self._cut_to is not None:
            os.ftruncate(self._descriptor, self._cut_to)
            self._cut_to = None

    def sync(self) -> None:
        """Wait until all records are on the disk. Raises OSError."""
        os.fsync(self._descriptor)

    def moved(self) -> bool:
        """Tell whether the file was renamed or removed."""
        return not _is_at(self._descriptor, self.path)

    def removed(self) -> bool:
        """Tell whether the file was removed."""
        return os.fstat(self._descriptor).st_nlink == 0

    def close(self) -> None:
        """Close the file and let other processes write it."""
        os.close(self._descriptor)


def try_file(path: Path) -> None:
    """Open the file as `serve` would, and change nothing.

    Raises FileInUseError while another process writes it, FileError, and OSError.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        _try_folder(path)
    except OSError as error:
        raise _cannot_write(path, error.strerror) from None
    else:
        AuditFile(path, make=False).close()


def _try_folder(path: Path) -> None:
    """Make a file without a name where ``path`` will be; raises FileError."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _cannot_write(path, os.strerror(errno.EACCES))
    try:
        os.close(os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, _MODE))
    except OSError as error:
        if error.errno not in _NO_NAMELESS:
            raise _cannot_write(path, error.strerror) from None


def _cannot_write(path: Path, reason: str | None) -> FileError:
    return FileError(
        f"{path}: {reason}; the gateway's user must be able to write the file and its folder"
    )


def _open(path: Path, more: int) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | more
    try:
        descriptor = os.open(path, flags, _MODE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileError(
                f"{path}: is a symbolic link, which the gateway does not follow"
            ) from None
        raise _cannot_write(path, error.strerror) from None
    try:
        _check(descriptor, path)
        _sync_folder(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(descriptor: int, path: Path) -> None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise FileError(f"{path}: not a regular file")
    if mode & _NOT_ALLOWED:
        raise FileError(f"{path}: it names persons, and others may read it: chmod 640 {path}")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileInUseError(
            f"{path}: another process writes it, and two writers would break the chain; give each"
            f" daemon a file of its own, with {PLACEHOLDER} in tunnel.audit.file"
        ) from None
    if not _is_at(descriptor, path):
        raise FileError(f"{path}: it was moved away while it was opened; try again")


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _sync_folder(path: Path) -> None:
    """Write the name of a file that may be new to the disk."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_tail(descriptor: int, path: Path) -> tuple[Head, bytes | None]:
    """Return the head of the chain, and the half line after it if there is one."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - _TAIL)
    *lines, rest = os.pread(descriptor, size - start, start).split(b"\n")
    reader = ChainReader()
    try:
        for line in lines[1:] if start else lines:  # the first line may be cut
            reader.read(line)
        reader.end_file()
    except AuditChainError as error:
        where = "" if start == 0 else f" of the last {len(lines) - 1}"
        raise FileError(
            f"{path}: {error}{where}; this is not an audit file, or somebody changed it, so the"
            " gateway does not continue it: move it away. `tunnel-gateway audit verify` tells more"
        ) from None
    if reader.head is None and size and not rest.startswith(b'{"number": '):
        raise FileError(f"{path}: not an audit file; tunnel.audit.file must be a file of its own")
    return reader.head or START, rest or None
