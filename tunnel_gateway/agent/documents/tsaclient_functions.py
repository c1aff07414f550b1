"""Requests for time stamps, for pages that send them to an authority by their own server."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tunnel_gateway.agent.base64_fields import to_base64
from tunnel_gateway.agent.calls import Caller, Function, FunctionTable, Result
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.cms.time_stamp import NONCE_SIZE, make_request
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.oids import FAMILY_2009

_SIGNATURE: Final = re.compile("([0-9a-fA-F]{2}){1,512}", re.ASCII)


def tsaclient_functions() -> list[Function]:
    """Return the functions. Many pages call without a plugin, so there is one without, too."""
    table = FunctionTable("tsaclient")
    table.add(
        get_timestamp_token_request_for_signature,
        "A request for a time stamp (RFC 3161) of a signature, for a time stamp authority.",
        ("signature_hex",),
    )
    return [*table.functions, *(replace(function, plugin="") for function in table.functions)]


async def get_timestamp_token_request_for_signature(_: Caller, arguments: Sequence[str]) -> Result:
    """Answer with ``timestamp_request_64``; the digest in it has the identifier of 2009."""
    (signature,) = arguments
    if not _SIGNATURE.fullmatch(signature):
        raise refused("bad_signature_hex")
    imprint = digest(bytes.fromhex(signature))
    request = make_request(imprint, FAMILY_2009, os.urandom(NONCE_SIZE))
    return {"timestamp_request_64": to_base64(request)}
