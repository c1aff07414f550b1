"""The functions as a page calls them, from the list of keys to a signature that verifies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.keys import OTHER, PAGE, User, keyring, owner, write_pfx
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.keys.files import KeyFiles
from tunnel_gateway.agent.keys.functions import key_functions
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.errors import CallRefusedError


class Page:
    """Calls functions by name, as one origin."""

    def __init__(self, folder: Path, person: User) -> None:
        self.ring = keyring(person)
        functions = key_functions(self.ring, KeyFiles([folder], parents=()))
        self.functions = {f"{function.plugin}.{function.name}": function for function in functions}
        assert len(self.functions) == len(functions)

    async def __call__(
        self, name: str, *arguments: str, caller: Caller = PAGE
    ) -> Mapping[str, Any]:
        return await self.functions[name](caller, arguments)

    async def refused(self, name: str, *arguments: str, caller: Caller = PAGE) -> str:
        with pytest.raises(CallRefusedError) as caught:
            await self(name, *arguments, caller=caller)
        return caught.value.name

    async def load(self) -> str:
        (key,) = (await self("pfx.list_all_certificates"))["certificates"]
        loaded = await self("pfx.load_key", key["disk"], key["path"], key["name"], key["alias"])
        return str(loaded["keyId"])


@pytest.fixture
def person() -> User:
    return User()


@pytest.fixture
def page(tmp_path: Path, person: User) -> Page:
    write_pfx(tmp_path, "DS1")
    return Page(tmp_path, person)


def test_what_there_is(page: Page) -> None:
    assert set(page.functions) == {
        "pfx.list_disks",
        "pfx.list_certificates",
        "pfx.list_all_certificates",
        "pfx.load_key",
        "pfx.unload_key",
        "pfx.verify_password",
        "x509.get_certificate_chain",
        "x509.get_certificate_info",
    }
    assert all(function.description.endswith(".") for function in page.functions.values())


async def test_lists(page: Page) -> None:
    (disk,) = (await page("pfx.list_disks"))["disks"]
    listed = await page("pfx.list_certificates", disk)
    assert {**listed, "silent_disks": []} == await page("pfx.list_all_certificates")
    assert set(listed["certificates"][0]) == {"disk", "path", "name", "alias"}
    assert await page.refused("pfx.list_certificates", "/etc/") == "disk_not_found"


async def test_a_password_is_asked_once(page: Page, person: User) -> None:
    key_id = await page.load()
    assert await page("pfx.verify_password", key_id) == {}
    assert await page("pfx.verify_password", key_id) == {}
    assert [question.purpose for question in person.asked] == [Purpose.PASSWORD]
    assert await page("pfx.unload_key", key_id) == {}
    assert await page.refused("pfx.verify_password", key_id) == "key_not_found"
    for device in ("idcard", "baikey", "ckc"):
        assert await page.refused("pfx.verify_password", device) == "key_id_unsuitable"
    await page.ring.close()


async def test_certificates(page: Page) -> None:
    key_id = await page.load()
    chain = (await page("x509.get_certificate_chain", key_id))["certificates"]
    assert len(chain) == len(owner().chain)
    info = (await page("x509.get_certificate_info", chain[0]))["certificate_info"]
    assert info["serialNumber"] == owner().leaf.serial_hex
    assert await page.refused("x509.get_certificate_info", "MAA=") == "bad_certificate"
    assert await page.refused("x509.get_certificate_info", "*") == "not_base64"
    assert await page.refused("x509.get_certificate_info", "A" * 30_000) == "too_large"
    await page.ring.close()


async def test_another_origin_gets_nothing(page: Page) -> None:
    key_id = await page.load()
    calls: list[tuple[str, ...]] = [
        ("x509.get_certificate_chain", key_id),
        ("pfx.verify_password", key_id),
        ("pfx.unload_key", key_id),
    ]
    for name, *arguments in calls:
        assert await page.refused(name, *arguments, caller=OTHER) == "key_not_found"
    assert await page("x509.get_certificate_chain", key_id)
    await page.ring.close()


async def test_a_file_that_is_not_listed(page: Page) -> None:
    (disk,) = (await page("pfx.list_disks"))["disks"]
    assert await page.refused("pfx.load_key", disk, "..", "DS1", "x") == "file_not_found"
