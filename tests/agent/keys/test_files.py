"""Which files are listed, and that no others are opened, whatever a page says."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from string import ascii_uppercase

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import keystores
from tests.support.dead_disk import dead_disk
from tests.support.keys import owner, pfx, write_pfx
from tests.support.pki import user
from tunnel_gateway.agent.keys import files as key_files
from tunnel_gateway.agent.keys.files import (
    KEY_FOLDER,
    MAX_FILES,
    KeyFile,
    KeyFiles,
    _system_parents,
)
from tunnel_gateway.agent.keys.media import Media
from tunnel_gateway.errors import CallRefusedError
from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.encoding.oids import FAMILY_2009
from tunnel_gateway.pki.files import pkcs12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "DSKEYS"
    path.mkdir()
    return path


def files(*folders: Path) -> KeyFiles:
    return KeyFiles(folders, parents=())


async def listed(file_list: KeyFiles) -> list[KeyFile]:
    """The keys of all disks; each disk must answer."""
    keys, silent = await file_list.list_all()
    assert silent == []
    return keys


async def names(file_list: KeyFiles) -> list[tuple[str, str]]:
    return [(key.path, key.name) for key in await listed(file_list)]


async def disks(file_list: KeyFiles) -> list[str]:
    there, silent = await file_list.disks()
    assert silent == []
    return there


async def test_what_is_listed(folder: Path) -> None:
    write_pfx(folder, "DS1")
    write_pfx(folder / "work", "DS2")
    (folder / "notes.txt").write_text("no key")
    (folder / "damaged.pfx").write_bytes(b"no key either")
    (folder / "UPPER.PFX").write_bytes(pfx())
    file_list = files(folder)
    assert await names(file_list) == [("", "DS1"), ("", "UPPER"), ("work", "DS2")]
    first = (await listed(file_list))[0]
    assert first.disk == f"{folder}{os.sep}"
    assert first.alias == make_alias(owner().leaf)
    assert await disks(file_list) == [first.disk]
    assert await file_list.list_disk(first.disk) == await listed(file_list)


async def test_a_key_without_a_name_goes_by_its_file(folder: Path) -> None:
    info = keystores.sec1_info(owner().private_key, FAMILY_2009)
    chain = [keystores.certificate_bag(certificate) for certificate in owner().chain]
    data = keystores.pfx(keystores.lot(keystores.key_bag(info), *chain), mac=None)
    (folder / "My Key.pfx").write_bytes(data)
    # All of it encrypted: that there is a key cannot be seen.
    data = keystores.pfx(keystores.closed_lot(keystores.key_bag(info), *chain))
    (folder / "closed.pfx").write_bytes(data)
    file_list = files(folder)
    assert [key.alias for key in await listed(file_list)] == ["cn=my key", "cn=closed"]
    closed = await file_list.load((await disks(file_list))[0], "", "My Key", "cn=my key")
    assert (closed.friendly_name, closed.owner) == (None, "my key")


async def test_several_keys_in_one_file(folder: Path) -> None:
    bags = []
    for number, identity in enumerate((owner(), user())):
        info = keystores.sec1_info(identity.private_key, FAMILY_2009)
        bags.append(keystores.key_bag(info, f"cn=key {number}", bytes([number])))
    (folder / "two.pfx").write_bytes(keystores.pfx(keystores.lot(*bags), mac=None))
    file_list = files(folder)
    assert [key.alias for key in await listed(file_list)] == ["cn=key 0", "cn=key 1"]
    (disk,) = await disks(file_list)
    assert (await file_list.load(disk, "", "two", "cn=key 1")).friendly_name == "cn=key 1"


@pytest.mark.parametrize("name", ["cn=a\nb", "cn=\u202ea", "", "x" * 3000])
async def test_a_name_that_is_not_plain_is_not_shown(folder: Path, name: str) -> None:
    write_pfx(folder, "DS1", name)
    assert [key.alias for key in await listed(files(folder))] == ["cn=ds1"]


async def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = write_pfx(tmp_path / "outside", "secret")
    (folder / "link.pfx").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    os.mkfifo(folder / "pipe.pfx")
    (folder / "folder.pfx").mkdir()
    assert await names(files(folder)) == []


async def test_bounds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "large.pfx").write_bytes(bytes(pkcs12.MAX_SIZE + 1))
    write_pfx(folder / "a" / "b", "deep")
    write_pfx(folder / "a", "there")
    assert await names(files(folder)) == [("a", "there")]
    for number in range(MAX_FILES + 5):
        (folder / f"{number}.pfx").write_bytes(pfx("cn=a"))
    assert len(await listed(files(folder, folder))) == MAX_FILES
    monkeypatch.setattr(key_files, "MAX_ENTRIES", 3)
    assert await names(files(folder)) == []


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    file_list = files(tmp_path / "none")
    assert await disks(file_list) == []
    assert await listed(file_list) == []


async def test_media(folder: Path, tmp_path: Path) -> None:
    stick, camera, trap = (tmp_path / "media" / name for name in ("stick", "camera", "trap"))
    written = write_pfx(stick / KEY_FOLDER, "DS3")
    write_pfx(stick, "elsewhere")
    camera.mkdir(parents=True)
    trap.mkdir()
    (trap / KEY_FOLDER).symlink_to(folder)
    write_pfx(folder, "DS1")
    file_list = KeyFiles([], parents=[tmp_path / "media"])
    assert await disks(file_list) == [f"{stick}{os.sep}"]
    assert await names(file_list) == [(KEY_FOLDER, "DS3")]
    alias = make_alias(owner().leaf)
    loaded = await file_list.load(f"{stick}{os.sep}", KEY_FOLDER, "DS3", alias)
    assert loaded.data == written.read_bytes()


async def test_the_same_key_twice_is_listed_once(folder: Path, tmp_path: Path) -> None:
    """macOS shows its own disk among the removable ones, and people keep copies on sticks."""
    media = tmp_path / "media"
    write_pfx(folder, "DS1")
    write_pfx(folder, "DS2")
    write_pfx(media / "stick" / KEY_FOLDER, "DS1")
    write_pfx(media / "stick" / KEY_FOLDER, "DS3")
    write_pfx(media / "other" / KEY_FOLDER, "DS1", "cn=another file")
    (media / "Macintosh HD").symlink_to(tmp_path)
    file_list = KeyFiles([folder], parents=[media])
    names = [key.name for key in await listed(file_list)]
    assert sorted(names) == ["DS1", "DS1", "DS2", "DS3"]
    assert len(await disks(file_list)) == 4
    for disk in await disks(file_list):  # each place still opens the key
        for key in await file_list.list_disk(disk):
            assert (await file_list.load(disk, key.path, key.name, key.alias)).data


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ["/media", "/mnt", "/media/ali", "/run/media/ali"]),
        ("darwin", ["/Volumes"]),
    ],
)
def test_where_systems_mount_disks(
    platform: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/ali")
    assert _system_parents() == [Path(each) for each in expected]


async def test_the_drives_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    possible, silent = await KeyFiles([])._possible_disks()
    assert silent == []
    assert [str(disk.root)[:2] for disk in possible] == [f"{letter}:" for letter in ascii_uppercase]
    assert all(disk.is_medium for disk in possible)


async def test_removable_disks_of_this_system_can_be_looked_at() -> None:
    there, _ = await KeyFiles([]).disks()
    assert all((Path(disk) / KEY_FOLDER).is_dir() for disk in there)


async def test_what_a_page_must_name(folder: Path, tmp_path: Path) -> None:
    written = write_pfx(folder, "DS1")
    write_pfx(tmp_path, "outside")
    file_list = files(folder)
    alias, disk = make_alias(owner().leaf), f"{folder}{os.sep}"
    closed = await file_list.load(disk, "", "DS1", alias)
    assert closed.data == written.read_bytes()
    assert closed.owner == "g‘aniyev o‘ktam"
    for path, name, other in [
        ("..", "outside", alias),
        ("", "../outside", alias),
        ("", str(tmp_path / "outside"), alias),
        (str(tmp_path), "outside", alias),
        ("", "DS1.pfx", alias),
        ("", "DS1", "cn=another"),
        (".", "DS1", alias),
    ]:
        with pytest.raises(CallRefusedError) as caught:
            await file_list.load(disk, path, name, other)
        assert caught.value.name == "file_not_found"
    for wrong in (str(tmp_path), f"{tmp_path}/", "/", "", str(folder)):
        with pytest.raises(CallRefusedError) as caught:
            await file_list.load(wrong, "", "DS1", alias)
        assert caught.value.name == "disk_not_found"


PARTS = st.lists(st.sampled_from(["..", ".", "/", "DSKEYS", "outside", "DS1", "\0", ".pfx"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PARTS, name=PARTS)
def test_no_path_leads_out(tmp_path: Path, path: list[str], name: list[str]) -> None:
    folder = tmp_path / "DSKEYS"
    if not folder.exists():
        write_pfx(folder, "DS1", "cn=inside")
        write_pfx(tmp_path, "outside", "cn=outside")
    for alias in ("cn=inside", "cn=outside"):
        loading = files(folder).load(f"{folder}{os.sep}", "/".join(path), "".join(name), alias)
        try:
            loaded = asyncio.run(loading)
        except CallRefusedError:
            continue
        assert loaded.data == pfx("cn=inside")


async def test_a_disk_that_never_answers(folder: Path, tmp_path: Path) -> None:
    write_pfx(folder, "DS1")
    dead = tmp_path / "dead"
    dead.mkdir()
    file_list = KeyFiles([dead, folder], parents=(), media=Media(0.2))
    with dead_disk(dead):
        before = threading.active_count()
        for _ in range(20):
            keys, silent = await file_list.list_all()
            assert [key.name for key in keys] == ["DS1"]
            assert silent == [f"{dead}{os.sep}"]
        assert await file_list.disks() == ([f"{folder}{os.sep}"], [f"{dead}{os.sep}"])
        for refused in (file_list.list_disk(silent[0]), file_list.load(silent[0], "", "DS1", "x")):
            with pytest.raises(CallRefusedError) as caught:
                await refused
            assert caught.value.name == "disk_silent"
        # One for each disk: the thread of the other one ends just after its last answer.
        assert threading.active_count() <= before + 2
        (disk,) = [key.disk for key in keys]
        assert (await file_list.load(disk, "", "DS1", keys[0].alias)).data
    write_pfx(dead, "DS2")
    while silent:  # the thread learns that the disk is gone
        _, silent = await file_list.list_all()
    assert [key.name for key in await listed(file_list)] == ["DS2", "DS1"]


async def test_a_disk_that_answers_with_errors(folder: Path, tmp_path: Path) -> None:
    write_pfx(folder, "DS1")
    broken = tmp_path / "broken"
    broken.mkdir()
    file_list = files(broken, folder)
    with dead_disk(broken) as fail:
        fail()
        keys, silent = await file_list.list_all()
        assert ([key.name for key in keys], silent) == (["DS1"], [f"{broken}{os.sep}"])
        with pytest.raises(CallRefusedError) as caught:
            await file_list.list_disk(silent[0])
        assert caught.value.name == "disk_silent"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
async def test_a_disk_of_another_user(tmp_path: Path) -> None:
    mounts = tmp_path / "mnt"
    (mounts / "his" / KEY_FOLDER).mkdir(parents=True)
    (mounts / "his").chmod(0)
    assert await listed(KeyFiles([], parents=[mounts])) == []
    (mounts / "his").chmod(0o700)


async def test_disks_in_a_folder_that_never_answers(folder: Path, tmp_path: Path) -> None:
    write_pfx(folder, "DS1")
    mounts = tmp_path / "mnt"
    (mounts / "share").mkdir(parents=True)
    file_list = KeyFiles([folder], parents=[mounts], media=Media(0.2))
    with dead_disk(mounts / "share"):
        keys, silent = await file_list.list_all()
        assert ([key.name for key in keys], silent) == (["DS1"], [f"{mounts}/share/"])
    with dead_disk(mounts):
        keys, silent = await file_list.list_all()
        assert ([key.name for key in keys], silent) == (["DS1"], [f"{mounts}/"])
        with pytest.raises(CallRefusedError) as caught:
            await file_list.list_disk(f"{mounts}/share/")
        assert caught.value.name == "disk_silent"
