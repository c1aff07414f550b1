"""The clock of this machine, judged by what the machine itself knows: no stranger is asked."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import tunnel_gateway
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.observation import Observation

_TOLERANCE: Final = timedelta(minutes=10)
_PEER_SECONDS: Final = 60
# adjtimex(2): the state of a clock that nothing has set, and room for the kernel's structure.
_TIME_ERROR: Final = 5
_STRUCTURE_SIZE: Final = 512


def check_clock(
    now: datetime,
    files: Iterable[Path],
    is_synchronised: Callable[[], bool | None] | None = None,
) -> Iterator[Observation]:
    """Yield one observation: is the clock behind, and does something keep it right?

    The machine has written the ``files`` itself, so no file can be from the future.
    """
    subject = f"{now:%Y-%m-%d %H:%M} UTC"
    written = [(moment, file) for file in (_installed(), *files) if (moment := _written(file))]
    newest, file = max(written, default=(now, Path()))
    if newest > now + _TOLERANCE:
        yield texts.CLOCK_BEHIND.seen(subject, file=file, newest=f"{newest:%Y-%m-%d %H:%M} UTC")
    elif (is_synchronised or kernel_is_synchronised)() is False:
        yield texts.CLOCK_NOT_KEPT.seen(subject)
    else:
        yield texts.CLOCK_GOOD.seen(subject)


def compare_with_peer(peer: str, now: datetime, theirs: datetime) -> Observation:
    """Compare the clock with the time that a server has said in an answer."""
    seconds = round(abs((now - theirs).total_seconds()))
    row = texts.CLOCK_OFF if seconds > _PEER_SECONDS else texts.CLOCK_AGREES
    return row.seen(peer, seconds=seconds)


def kernel_is_synchronised() -> bool | None:
    """Return whether a program keeps the clock right, as Linux knows; None if it is not known."""
    if sys.platform != "linux":
        return None
    # The first field says what to change. It is 0: nothing is changed.
    structure = ctypes.create_string_buffer(_STRUCTURE_SIZE)
    with suppress(OSError, AttributeError):
        state = ctypes.CDLL(None).ntp_adjtime(structure)
        return None if state < 0 else bool(state != _TIME_ERROR)
    return None


def _installed() -> Path:
    return Path(tunnel_gateway.__file__)


def _written(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None
