"""The folders and disks with the user's keys: do they answer, and do keys end soon?"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from tunnel_gateway.agent.keys.files import KeyFiles, home_keys
from tunnel_gateway.agent.keys.media import Media
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.agent_files import row_of_period
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.pki.certificates.alias import alias_end

_MAX_KEYS: Final = 20


async def check_keys(
    folders: Sequence[Path], now: datetime, media: Media | None = None
) -> AsyncIterator[Observation]:
    """Yield an observation for each disk with keys, for silent disks, and for keys near their end.

    A key file is taken at its word: its certificate is not proven without the password.
    """
    folders = folders or home_keys()
    keys, silent = await KeyFiles(folders, media=media).list_all()
    for disk, count in Counter(key.disk for key in keys).items():
        yield texts.KEYS_THERE.seen(disk, count=count)
    for disk in silent:
        yield texts.DISK_SILENT.seen(disk)
    if not keys:
        yield texts.KEYS_ABSENT.seen(", ".join(map(str, folders)) or "DSKEYS")
    rows = (texts.KEYS_THERE, texts.KEY_ENDS, texts.KEY_ENDED)
    ending = (
        row.seen(str(key.location), until=f"{until:%Y-%m-%d}")
        for key in keys
        if (until := alias_end(key.alias)) is not None
        and (row := row_of_period(until, now, rows)).status != "ok"
    )
    for observation in islice(ending, _MAX_KEYS):
        yield observation
