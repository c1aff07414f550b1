"""Requests for certificates as pages ask for them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from asn1crypto import pem

from tests.support.keys import OTHER, PAGE, User, closed, keyring, owner
from tunnel_gateway.agent.calls import Caller
from tunnel_gateway.agent.documents.pkcs10_functions import pkcs10_functions
from tunnel_gateway.agent.keys.keyring import Keyring
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.errors import CallRefusedError


@pytest.fixture
def person() -> User:
    return User()


@pytest.fixture
async def ring(person: User) -> AsyncIterator[Keyring]:
    running = keyring(person)
    yield running
    await running.close()


async def call(
    ring: Keyring, name: str, *arguments: str, caller: Caller = PAGE
) -> Mapping[str, Any]:
    (function,) = (each for each in pkcs10_functions(ring) if each.name == name)
    return await function(caller, arguments)


async def refused(ring: Keyring, name: str, *arguments: str, caller: Caller = PAGE) -> str:
    with pytest.raises(CallRefusedError) as caught:
        await call(ring, name, *arguments, caller=caller)
    return caught.value.name


async def test_a_request_for_a_key(ring: Keyring, person: User) -> None:
    key_id = ring.load(PAGE, closed())
    reply = await call(ring, "create_pkcs10_from_key", key_id)
    assert [question.purpose for question in person.asked] == [Purpose.REQUEST]
    info = (await call(ring, "get_pkcs10_info", reply["pkcs10_64"]))["pkcs10_info"]
    assert info["subjectName"] == owner().leaf.subject
    assert info["verified"] is True
    assert info["policyIdentifiers"] == []
    name, policies = "CN=Valiyev Ali,O=Bir\\, Ikki,C=UZ", "1.2.860.3.2.2.1.2.1, 1.2.3"
    reply = await call(ring, "create_pkcs10_from_key", key_id, name, policies)
    info = (await call(ring, "get_pkcs10_info", reply["pkcs10_64"]))["pkcs10_info"]
    assert info["subjectName"] == name
    assert info["subjectInfo"] == {"CN": "Valiyev Ali", "O": "Bir, Ikki", "C": "UZ"}
    assert info["policyIdentifiers"] == ["1.2.860.3.2.2.1.2.1", "1.2.3"]
    written = pem.armor("CERTIFICATE REQUEST", b64decode(reply["pkcs10_64"])).decode()
    assert await call(ring, "get_pkcs10_info", written) == {
        "pkcs10_64": reply["pkcs10_64"],
        "pkcs10_info": info,
    }


async def test_what_is_refused(ring: Keyring, person: User) -> None:
    key_id = ring.load(PAGE, closed())
    create, show = "create_pkcs10_from_key", "get_pkcs10_info"
    assert await refused(ring, create, key_id, "Ali") == "bad_name"
    assert await refused(ring, create, key_id, "", ",".join(["1.2"] * 17)) == "bad_policy"
    assert await refused(ring, create, key_id, caller=OTHER) == "key_not_found"
    assert await refused(ring, create, "idcard") == "key_id_unsuitable"
    assert person.asked == []
    assert await refused(ring, create, key_id, "", "siyosat") == "bad_policy"
    assert await refused(ring, show, b64encode(b"x").decode()) == "bad_request"
    assert await refused(ring, show, "*") == "not_base64"
    assert await refused(ring, show, "A" * 100_000) == "too_large"
    assert await refused(ring, show, pem.armor("CERTIFICATE", b"x").decode()) == "bad_request"
    assert await refused(ring, show, "-----BEGIN CERTIFICATE REQUEST-----\n*") == "bad_request"


async def test_a_key_that_is_forgotten_on_the_way(ring: Keyring) -> None:
    key_id = ring.load(PAGE, closed())
    identity = await ring.identity(PAGE, key_id, purpose=Purpose.REQUEST)
    identity.private_key.wipe()
    assert await refused(ring, "create_pkcs10_from_key", key_id) == "key_not_found"
