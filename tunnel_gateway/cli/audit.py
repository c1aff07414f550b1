"""``tunnel-gateway audit verify``: check that audit files were not changed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tunnel_gateway.cli import LOOK, Subparsers
from tunnel_gateway.cli.command import add_command
from tunnel_gateway.cli.progress import Progress
from tunnel_gateway.daemon.audit.chain import MAX_LINE, ChainReader
from tunnel_gateway.errors import AuditChainError, FileError
from tunnel_gateway.gost.digest import DIGEST_SIZE

_DESCRIPTION = """\
Check the chain of one or several audit files (tunnel.audit.file), oldest first, each unpacked:

  tunnel-gateway audit verify audit.jsonl.2 audit.jsonl.1 audit.jsonl

Exit code 1: a line was changed since it was written; the first such line is printed. At the end the
command prints the number and the hash of the last record. The chain alone cannot show that lines
were cut off at the end, or that a whole file was written again. For that, compare with a number and
a hash that you kept elsewhere: the gateway's log has them as audit_head, and --head takes one of
them. Exit code 3: the lines are right, but there is something to look at.
"""
# Longer than any half line that a crash leaves.
_LONGEST: Final = 4 * MAX_LINE


def add_parser(subparsers: Subparsers) -> None:
    """Register the commands."""
    parser = subparsers.add_parser("audit", help="check audit files")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verify = add_command(
        commands, "verify", "check the chain of audit files", _DESCRIPTION, _verify
    )
    verify.add_argument("files", nargs="+", type=Path, metavar="FILE")
    verify.add_argument(
        "--head",
        metavar="NUMBER:HASH",
        type=_head,
        help="a record that must be there, from an audit_head line of the log",
    )


def _head(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if len(bytes.fromhex(digest)) != DIGEST_SIZE:
        raise ValueError(text)
    return int(number), digest.lower()


def _verify(arguments: argparse.Namespace) -> int:
    with Progress("reading records") as progress:
        check = _Check(arguments.head, arguments.files, progress)
        for path in arguments.files:
            check.read_file(path)
    return check.result()


class _Check:
    """One run over the files."""

    def __init__(
        self, wanted: tuple[int, str] | None, files: Sequence[Path], progress: Progress
    ) -> None:
        self._progress = progress
        self._size = sum(path.stat().st_size for path in files if path.exists())
        self._done = 0
        self._reader = ChainReader()
        self._wanted = wanted
        self._found = wanted is None
        self._warned = False

    def read_file(self, path: Path) -> None:
        """Check a file; raises FileError at the first bad line."""
        reader, begun = self._reader, self._reader.begun
        reader.begin_file()
        try:
            half = self._read_lines(path)
            reader.end_file()
        except AuditChainError as error:
            raise FileError(f"{path}: {error}") from None
        if reader.begun > begun:
            self._warn(f"{path}: begins a new chain; nothing ties it to the file before")
        if half:
            self._warn(f"{path}: ends with half a line of {half} bytes: a crash, or a full disk")

    def _read_lines(self, path: Path) -> int:
        """Give all lines to the reader; returns the length of a last line without its end."""
        with path.open("rb") as file:
            while line := file.readline(_LONGEST):
                if not line.endswith(b"\n") and len(line) < _LONGEST:
                    return len(line)
                self._reader.read(line.removesuffix(b"\n"))
                self._done += len(line)
                self._progress.step(self._done, self._size)
                head = self._reader.head
                if head is not None and (head.number, head.hash.hex()) == self._wanted:
                    self._found = True
        return 0

    def _warn(self, text: str) -> None:
        self._warned = True
        self._progress.print(text)

    def result(self) -> int:
        """Print the result; raises FileError if the wanted record is not there."""
        reader = self._reader
        if not self._found and self._wanted is not None:
            raise FileError(
                f"record {self._wanted[0]} with this hash is not there: lines were cut off, or the"
                " file was written again, or the record is in a file that you did not name"
            )
        if reader.torn:
            print(
                f"half lines that a crash left, each told of by the record after it: {reader.torn}"
            )
        if reader.head is None:
            print("no record")
            return LOOK
        print(f"records: {reader.records}, all in their places")
        print(f"head: {reader.head.number}:{reader.head.hash.hex()}")
        return LOOK if self._warned else 0
