"""The functions that list keys, load a key and sign, with the vendor's names and replies."""

from __future__ import annotations

import asyncio
import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from tunnel_gateway.agent.calls import Caller, Function, Handler, Result
from tunnel_gateway.agent.keys.certificate_info import certificate_info
from tunnel_gateway.agent.keys.files import KeyFile, KeyFiles
from tunnel_gateway.agent.keys.keyring import Keyring
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.cms.signing import sign_data
from tunnel_gateway.errors import CertificateUnsuitableError, InvalidKeyError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.outline import MAX_CERTIFICATE_SIZE
from tunnel_gateway.pki.files.keyfiles import Identity

# A page sends the document in one message.
MAX_DOCUMENT_SIZE: Final = 48 * 1024 * 1024
_DETACHED: Final = {"yes": True, "no": False, "": False}


def key_functions(
    keyring: Keyring,
    files: KeyFiles,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Function]:
    """Return the functions of ``pfx``, ``x509`` and ``pkcs7``, and the empty lists of devices."""
    return [
        *_file_functions(keyring, files),
        *_signing_functions(keyring, clock),
        _empty_list("idcard", "list_readers", "readers", "Readers of ID cards: none."),
        _empty_list("baikey", "list_tokens", "tokens", "BAIK tokens: none."),
        _empty_list("ckc", "list_ckc", "devices", "CKC devices: none."),
    ]


def _empty_list(plugin: str, name: str, field: str, description: str) -> Function:
    async def handler(caller: Caller, arguments: Sequence[str]) -> Result:  # noqa: ARG001
        return {field: []}

    return Function(plugin, name, (), description, handler)


def _adds(
    functions: list[Function], plugin: str, parameters: tuple[str, ...], description: str
) -> Callable[[Handler], Handler]:
    """Return a decorator that adds a handler to ``functions``, under the handler's own name."""

    def add(handler: Handler) -> Handler:
        functions.append(Function(plugin, handler.__name__, parameters, description, handler))
        return handler

    return add


def _file_functions(keyring: Keyring, files: KeyFiles) -> list[Function]:
    functions: list[Function] = []
    pfx = partial(_adds, functions, "pfx")

    @pfx((), "Disks on which keys are looked for.")
    async def list_disks(_: Caller, __: Sequence[str]) -> Result:
        names, silent = await files.disks()
        return {"disks": names, "silent_disks": silent}

    @pfx(("disk",), "Keys on one disk.")
    async def list_certificates(_: Caller, arguments: Sequence[str]) -> Result:
        (disk,) = arguments
        return {"certificates": _shown(await files.list_disk(disk))}

    @pfx((), "Keys on all disks.")
    async def list_all_certificates(_: Caller, __: Sequence[str]) -> Result:
        keys, silent = await files.list_all()
        return {"certificates": _shown(keys), "silent_disks": silent}

    @pfx(
        ("disk", "path", "name", "alias"),
        "Load a key as it was listed; the reply's keyId names it from then on.",
    )
    async def load_key(caller: Caller, arguments: Sequence[str]) -> Result:
        disk, path, name, alias = arguments
        closed = await files.load(disk, path, name, alias)
        return {"keyId": keyring.load(caller, closed), "type": "PFX"}

    @pfx(("keyId",), "Forget a loaded key.")
    async def unload_key(caller: Caller, arguments: Sequence[str]) -> Result:
        keyring.unload(caller, arguments[0])
        return {}

    @pfx(("keyId",), "Ask for the key's password now.")
    async def verify_password(caller: Caller, arguments: Sequence[str]) -> Result:
        await keyring.identity(caller, arguments[0], purpose=Purpose.PASSWORD)
        return {}

    return functions


def _shown(keys: list[KeyFile]) -> list[dict[str, str]]:
    return [
        {"disk": key.disk, "path": key.path, "name": key.name, "alias": key.alias} for key in keys
    ]


def _signing_functions(keyring: Keyring, clock: Callable[[], datetime]) -> list[Function]:
    # Signing a document of 48 MB takes ten times as much memory, so only one call works at a time.
    working = asyncio.Lock()
    functions: list[Function] = []
    x509 = partial(_adds, functions, "x509")

    @x509(("keyId",), "The certificates of a loaded key, its owner's first, in BASE64.")
    async def get_certificate_chain(caller: Caller, arguments: Sequence[str]) -> Result:
        identity = await keyring.identity(caller, arguments[0], purpose=Purpose.CERTIFICATES)
        chain = [b64encode(certificate.der).decode() for certificate in identity.chain]
        return {"certificates": chain}

    @x509(("certificate_64",), "What a certificate says.")
    async def get_certificate_info(_: Caller, arguments: Sequence[str]) -> Result:
        der = _from_base64(arguments[0], MAX_CERTIFICATE_SIZE)
        try:
            certificate = Certificate.from_der(der)
        except CertificateUnsuitableError:
            raise refused("bad_certificate") from None
        return {"certificate_info": certificate_info(certificate)}

    @_adds(
        functions,
        "pkcs7",
        ("data_64", "id", "detached"),
        "Sign data, which the message then holds unless detached is 'yes'.",
    )
    async def create_pkcs7(caller: Caller, arguments: Sequence[str]) -> Result:
        data_64, key_id, detached = arguments
        if detached not in _DETACHED:
            raise refused("bad_detached")
        async with working:
            content = await asyncio.to_thread(_from_base64, data_64, MAX_DOCUMENT_SIZE)
        # The user is asked only after the document was read, because the call may still fail there.
        # The lock is free meanwhile: other calls must not wait for this user's password.
        identity = await keyring.identity(caller, key_id, purpose=Purpose.SIGNATURE)
        async with working:
            try:
                return await asyncio.to_thread(
                    _sign, identity, content, detached=_DETACHED[detached], now=clock()
                )
            except InvalidKeyError:  # the key was unloaded during this call
                raise refused("key_not_found") from None

    return functions


def _from_base64(text: str, limit: int) -> bytes:
    if len(text) > (limit + 2) // 3 * 4:
        raise refused("too_large")
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refused("not_base64") from None


def _sign(identity: Identity, content: bytes, *, detached: bool, now: datetime) -> Result:
    signed = sign_data(
        identity.private_key,
        [certificate.der for certificate in identity.chain],
        identity.leaf.family,
        content,
        detached=detached,
        signing_time=now,
        entropy=os.urandom,
    )
    return {
        "pkcs7_64": b64encode(signed.der).decode(),
        "signer_serial_number": format(signed.serial, "x"),
        "signature_hex": signed.signature.hex(),
    }
