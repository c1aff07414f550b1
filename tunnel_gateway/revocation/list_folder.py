"""``tunnel.crl.dir``: revocation lists that somebody else keeps up to date, such as a cron job."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from asn1crypto import x509

from tunnel_gateway.errors import RevocationDataError
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.status.crl import MAX_LIST_SIZE, ProvenList, RevocationList

log = get_logger(__name__)

# A file has changed if one of these has: the time of its last change, its size, its inode.
_Version = tuple[int, int, int]


class ListFolder:
    """The lists of a folder. Files are read when they are new or have changed.

    A file of no use is logged once and skipped; the other files count. Worker threads may call
    this.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._versions: dict[Path, _Version] = {}
        self._lists: dict[Path, RevocationList] = {}

    def lists_of(self, issuer: Certificate) -> list[ProvenList]:
        """Return the lists that ``issuer`` has signed."""
        name = x509.Certificate.load(issuer.der).subject.hashable
        with self._lock:
            self._look()
            lists = [
                (path, known) for path, known in self._lists.items() if known.issuer_name == name
            ]
        return list(_proven(lists, issuer))

    def _look(self) -> None:
        try:
            paths = sorted(self._folder.iterdir())
        except OSError as error:
            # The lists that were read stay in use: a lost file must not make a user unrevoked.
            log.warning("crl_folder_not_read", folder=str(self._folder), detail=error.strerror)
            return
        versions = dict(self._seen(paths))
        for path in self._lists.keys() - versions.keys():
            del self._lists[path]
        for path, version in versions.items():
            if self._versions.get(path) != version:
                self._read(path)
        self._versions = versions

    def _seen(self, paths: list[Path]) -> Iterator[tuple[Path, _Version]]:
        for path in paths:
            if path.name.startswith("."):
                continue
            try:
                status = path.stat()
            except OSError as error:
                log.warning("crl_file_not_used", file=str(path), detail=error.strerror)
                continue
            if stat.S_ISREG(status.st_mode):
                # st_ctime changes with the permissions too: the file may be readable now.
                yield path, (status.st_ctime_ns, status.st_size, status.st_ino)

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                read = RevocationList(file.read(MAX_LIST_SIZE + 1))
        except (RevocationDataError, OSError) as error:
            log.warning("crl_file_not_used", file=str(path), detail=str(error))
            self._lists.pop(path, None)
        else:
            self._lists[path] = read
            if read.passed_over:
                log.warning("crl_entries_passed_over", file=str(path), entries=read.passed_over)


def _proven(lists: list[tuple[Path, RevocationList]], issuer: Certificate) -> Iterator[ProvenList]:
    for path, known in lists:
        try:
            yield known.proven_by(issuer)
        except RevocationDataError as error:
            log.warning("crl_file_not_used", file=str(path), detail=str(error))
