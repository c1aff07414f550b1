"""Checks of the port, the addresses and the files that a service takes when it starts.

A service that runs has them already, and that is not a fault. Only the admin address can tell
whether the service itself has them, or another program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tunnel_gateway.config.admin import addresses_of
from tunnel_gateway.daemon import descriptors
from tunnel_gateway.daemon.admin.admin_sockets import try_address
from tunnel_gateway.daemon.audit.audit_file import FileInUseError, audit_path, try_file
from tunnel_gateway.daemon.descriptors import Needed
from tunnel_gateway.daemon.findings import Finding, Status
from tunnel_gateway.daemon.port import AddressInUseError, Port
from tunnel_gateway.errors import FileError, SelfTestError, TunnelGatewayError
from tunnel_gateway.gost import known_answers

_TAKEN: Final[dict[Status, str]] = {
    "ok": "a gateway that runs has it",
    "warning": "taken, by a gateway that runs or by something else; tunnel.admin.listen tells",
    "fault": "taken, and no gateway answers at tunnel.admin.listen",
}


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The result of taking ``subject`` for a moment: no error, or the error."""

    area: str
    subject: str
    error: Exception | None

    @property
    def is_taken(self) -> bool:
        return isinstance(self.error, AddressInUseError | FileInUseError)

    def finding(self, if_taken: Status) -> Finding:
        if self.error is None:
            return Finding(self.area, self.subject, "ok", "can be had")
        if not self.is_taken:
            return Finding(self.area, self.subject, "fault", str(self.error))
        reason = "" if if_taken == "ok" else f": {self.error}"
        return Finding(self.area, self.subject, if_taken, _TAKEN[if_taken] + reason)


def check_cryptography() -> Finding:
    """Compare the cryptography of this machine with the known answers."""
    try:
        known_answers.require()
    except SelfTestError as error:
        return Finding("cryptography", "known answers", "fault", str(error))
    return Finding("cryptography", "known answers", "ok", "all came out")


def check_start(
    admin_listen: tuple[str, ...] | None, ports: Iterable[Port], audit_file: Path | None
) -> Iterator[Finding]:
    """Try the admin addresses, the ports and the audit file as the start would."""
    try:
        addresses = addresses_of(admin_listen or (), os.environ)
    except FileError as error:
        yield Finding("admin", "tunnel.admin.listen", "fault", str(error))
        addresses = ()
    attempts = [
        _attempt("admin", str(address), partial(try_address, address)) for address in addresses
    ]
    for attempt in attempts:
        yield attempt.finding(if_taken="ok")
    runs = any(attempt.is_taken for attempt in attempts)
    if_taken: Status = "ok" if runs else "fault" if addresses else "warning"
    for port in ports:
        yield _attempt("listen", str(port), port.attempt).finding(if_taken)
    if audit_file is not None:
        try:
            file = audit_path(audit_file, os.environ)
        except FileError as error:
            yield Finding("audit", str(audit_file), "fault", str(error))
        else:
            yield _attempt("audit", str(file), partial(try_file, file)).finding(if_taken)


def _attempt(area: str, subject: str, try_it: Callable[[], None]) -> _Attempt:
    try:
        try_it()
    except (TunnelGatewayError, OSError) as error:
        return _Attempt(area, subject, error)
    return _Attempt(area, subject, None)


def check_descriptors(each: Sequence[Needed]) -> Finding:
    """Compare the descriptors that the services need with the hard limit of the process."""
    needed, most = descriptors.total(each), descriptors.most()
    limits = " and ".join(f"{one.key}={one.count}" for one in each)
    verb = "needs" if len(each) == 1 else "need"
    text = f"{limits} {verb} {needed} descriptors, {most} are allowed"
    if 0 <= most < needed:
        keys = " or ".join(one.key for one in each)
        text += f" here: raise LimitNOFILE= or ulimit -Hn, or lower {keys}"
        return Finding("limits", "descriptors", "warning", text)
    return Finding("limits", "descriptors", "ok", text)
