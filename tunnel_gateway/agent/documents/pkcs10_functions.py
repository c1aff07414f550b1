"""The functions of ``pkcs10`` for which a key in a PFX file is enough: requests for certificates.

E-IMZO also makes new keys and keeps them until their certificate has come. This agent makes no
keys.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from asn1crypto import pem

from tunnel_gateway.agent.base64_fields import from_base64, to_base64
from tunnel_gateway.agent.calls import Caller, Function, FunctionTable, Result
from tunnel_gateway.agent.keys.keyring import Keyring
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.errors import InvalidKeyError
from tunnel_gateway.pki.certificate_request import (
    MAX_REQUEST_SIZE,
    CertificateRequest,
    make_certificate_request,
)
from tunnel_gateway.pki.certificates.name_text import read_name

_MAX_POLICIES: Final = 16


def pkcs10_functions(keyring: Keyring) -> list[Function]:
    """Return the functions."""
    requests = _Requests(keyring)
    table = FunctionTable("pkcs10")
    table.add(
        requests.create_pkcs10_from_key,
        "Request a new certificate for a key, signed by this key.",
        ("id",),
        ("replacement_x500_name", "cp_list"),
    )
    table.add(requests.get_pkcs10_info, "The contents of a request for a certificate.", ("pkcs10",))
    return table.functions


class _Requests:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def create_pkcs10_from_key(self, caller: Caller, arguments: Sequence[str]) -> Result:
        key_id, written_name, cp_list = arguments
        policies = [policy.strip() for policy in cp_list.split(",")] if cp_list else []
        if len(policies) > _MAX_POLICIES:
            raise refused("bad_policy")
        try:
            name = read_name(written_name) if written_name else None
        except ValueError as fault:
            raise refused("bad_name", fault=fault) from None
        identity = await self._keyring.identity(caller, key_id, purpose=Purpose.REQUEST)
        try:
            request = await asyncio.to_thread(
                make_certificate_request, identity, name, policies, os.urandom
            )
        except ValueError:
            raise refused("bad_policy") from None
        except InvalidKeyError:  # the key was unloaded during this call
            raise refused("key_not_found") from None
        return {"pkcs10_64": to_base64(request)}

    async def get_pkcs10_info(self, _: Caller, arguments: Sequence[str]) -> Result:
        der = _read(arguments[0])
        try:
            request = CertificateRequest.from_der(der)
        except ValueError:
            raise refused("bad_request") from None
        return {
            "pkcs10_64": to_base64(der),
            "pkcs10_info": {
                "subjectName": request.subject,
                "subjectInfo": dict(request.attributes),
                "publicKey": {
                    "keyAlgName": request.family.name,
                    "publicKey": to_base64(request.public_key_info),
                },
                "signature": {
                    "signAlgName": request.family.signature_name,
                    "signature": request.signature.hex(),
                },
                "policyIdentifiers": list(request.policies),
                "verified": request.is_signed_by_its_key(),
            },
        }


def _read(text: str) -> bytes:
    """Return the DER of a request in BASE64 or in PEM."""
    if len(text) <= 2 * MAX_REQUEST_SIZE and pem.detect(text.encode(errors="replace")):
        try:
            kind, _, der = pem.unarmor(text.encode())
        except ValueError:
            raise refused("bad_request") from None
        if "CERTIFICATE REQUEST" not in kind:
            raise refused("bad_request")
        return bytes(der)
    return from_base64(text, MAX_REQUEST_SIZE)
