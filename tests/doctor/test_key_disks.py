"""Folders and disks with keys: full, empty, silent, and keys near their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.dead_disk import dead_disk
from tests.support.keys import write_pfx
from tunnel_gateway.agent.keys.media import Media
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.key_disks import check_keys
from tunnel_gateway.doctor.observation import Observation

NOW = datetime.now(UTC)


async def look(*folders: Path, seconds: float = 5.0) -> list[Observation]:
    return [seen async for seen in check_keys(folders, NOW, Media(seconds))]


def ending(days: int) -> str:
    return f"cn=me,validto={NOW + timedelta(days=days):%Y.%m.%d %H:%M:%S}"


async def test_keys(tmp_path: Path) -> None:
    write_pfx(tmp_path, "DS1", ending(400))
    write_pfx(tmp_path, "DS2", "cn=without dates")
    (seen,) = await look(tmp_path)
    assert seen.row is texts.KEYS_THERE
    assert (seen.subject, seen.facts["count"]) == (f"{tmp_path}/", "2")


async def test_keys_near_their_end(tmp_path: Path) -> None:
    soon = write_pfx(tmp_path, "DS1", ending(10))
    ended = write_pfx(tmp_path, "DS2", ending(-10))
    _, *seen = await look(tmp_path)
    assert {(each.row, each.subject) for each in seen} == {
        (texts.KEY_ENDS, str(soon)),
        (texts.KEY_ENDED, str(ended)),
    }


async def test_no_keys(tmp_path: Path) -> None:
    (seen,) = await look(tmp_path / "DSKEYS")
    assert (seen.row, seen.subject) == (texts.KEYS_ABSENT, f"{tmp_path}/DSKEYS")


async def test_a_silent_disk(tmp_path: Path) -> None:
    dead, good = tmp_path / "dead", tmp_path / "good"
    write_pfx(dead, "DS0")
    write_pfx(good, "DS1", ending(400))
    with dead_disk(dead):
        seen = await look(dead, good, seconds=0.5)
    assert [(each.row, each.subject) for each in seen] == [
        (texts.KEYS_THERE, f"{good}/"),
        (texts.DISK_SILENT, f"{dead}/"),
    ]
