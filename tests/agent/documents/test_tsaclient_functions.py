"""Requests for time stamps as pages ask for them."""

from __future__ import annotations

import os
from base64 import b64decode

import pytest
from asn1crypto import tsp

from tests.support.keys import PAGE
from tests.support.pki import NOW
from tests.support.stamps import POLICY, usual
from tunnel_gateway.agent.calls import Function
from tunnel_gateway.agent.documents.tsaclient_functions import tsaclient_functions
from tunnel_gateway.cms.stamping import answer_request
from tunnel_gateway.cms.time_stamp import NONCE_SIZE, read_answer
from tunnel_gateway.errors import CallRefusedError
from tunnel_gateway.gost.digest import digest

SIGNATURE = bytes(range(64))


@pytest.mark.parametrize("function", tsaclient_functions(), ids=lambda one: one.plugin or "none")
async def test_an_authority_answers_the_request(function: Function) -> None:
    reply = await function(PAGE, [SIGNATURE.hex()])
    request = b64decode(str(reply["timestamp_request_64"]))
    answer = answer_request(request, usual(), policy=POLICY, time=NOW, entropy=os.urandom)
    nonce = tsp.TimeStampReq.load(request)["nonce"].native.to_bytes(NONCE_SIZE, "big")
    assert read_answer(answer, digest(SIGNATURE), nonce)


@pytest.mark.parametrize("signature", ["", "a", "xy", "٣٣", "00" * 513, "00\n"])
async def test_what_is_no_signature(signature: str) -> None:
    (function, _) = tsaclient_functions()
    with pytest.raises(CallRefusedError) as caught:
        await function(PAGE, [signature])
    assert caught.value.name == "bad_signature_hex"
