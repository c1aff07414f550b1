"""The functions of ``pkcs7``: signing, adding signers and time stamps, and verifying.

They take and give the messages of E-IMZO. A verification uses the truststore of the agent. It does
not ask whether a certificate was revoked: that is for the server that gets the document.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TypeVar

from tunnel_gateway.agent.base64_fields import from_base64, to_base64
from tunnel_gateway.agent.calls import Caller, Function, FunctionTable, Result
from tunnel_gateway.agent.documents.signer_info import judged_info, unproven_info
from tunnel_gateway.agent.keys.keyring import Keyring
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.cms.composing import attach, detach, join, stamp
from tunnel_gateway.cms.judging import document_digest, judge
from tunnel_gateway.cms.signed_data import parse_signed_data
from tunnel_gateway.cms.signing import Signed, sign_data
from tunnel_gateway.cms.time_stamp import check_imprint, parse_time_stamp
from tunnel_gateway.cms.verdicts import MessageVerdict
from tunnel_gateway.errors import (
    BadSignedDataError,
    InvalidKeyError,
    SignedDataError,
)
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator

# A page sends the document, and the message with its document, in one call.
MAX_DOCUMENT_SIZE: Final = 48 * 1024 * 1024
MAX_TOKEN_SIZE: Final = 64 * 1024
_DETACHED: Final = {"yes": True, "no": False, "": False}
_SERIAL: Final = re.compile("[0-9a-fA-F]{1,128}", re.ASCII)

_T = TypeVar("_T")


def pkcs7_functions(
    keyring: Keyring,
    validator: ChainValidator | None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Function]:
    """Return the functions. Without a ``validator`` nothing is said of certificates."""
    documents = _Documents(keyring, validator, clock)
    table = FunctionTable("pkcs7")
    signing = ("pkcs7_64", "id")
    table.add(
        documents.create_pkcs7,
        "Sign data, which the message then holds unless detached is 'yes'.",
        ("data_64", "id"),
        ("detached",),
    )
    table.add(
        documents.append_pkcs7_attached, "Add a signer to a message with its document.", signing
    )
    table.add(
        documents.append_pkcs7_detached,
        "Add a signer to a message that is detached from its document.",
        ("data_64", *signing),
    )
    table.add(
        documents.attach_timestamp_token_pkcs7,
        "Put a time stamp beside the signature of the signer with this serial number.",
        ("pkcs7_64", "signer_serial_number", "timestamp_token_64"),
    )
    table.add(
        documents.get_pkcs7_attached_info,
        "The signers of a message with its document, and whether their signatures are right.",
        ("pkcs7_64",),
        ("truststore_id",),
    )
    table.add(
        documents.get_pkcs7_detached_info,
        "The same of a message that is detached from its document.",
        ("data_64", "pkcs7_64"),
        ("truststore_id",),
    )
    table.add(
        documents.verify_pkcs7_attached,
        "Verify a message with its document by the agent's truststore, without revocation.",
        ("pkcs7_64",),
        ("truststore_id", "requester_id"),
    )
    table.add(
        documents.verify_pkcs7_detached,
        "The same of a message that is detached from its document.",
        ("data_64", "pkcs7_64"),
        ("truststore_id", "requester_id"),
    )
    return table.functions


class _Documents:
    def __init__(
        self, keyring: Keyring, validator: ChainValidator | None, clock: Callable[[], datetime]
    ) -> None:
        self._keyring = keyring
        self._validator = validator
        self._clock = clock
        # A document of 48 MB takes ten times as much memory, so only one call works at a time.
        self._working = asyncio.Lock()

    async def create_pkcs7(self, caller: Caller, arguments: Sequence[str]) -> Result:
        data_64, key_id, detached = arguments
        if detached not in _DETACHED:
            raise refused("bad_detached")
        content = await self._work(lambda: from_base64(data_64, MAX_DOCUMENT_SIZE))
        # The user is asked only after the document was read, because the call may still fail there.
        # The lock is free meanwhile: other calls must not wait for this user's password.
        identity = await self._identity(caller, key_id)
        return await self._work(
            lambda: _shown(self._sign(identity, content, detached=_DETACHED[detached]))
        )

    async def append_pkcs7_attached(self, caller: Caller, arguments: Sequence[str]) -> Result:
        message_64, key_id = arguments
        message = await self._work(lambda: _message(message_64))
        _, content = await self._work(lambda: _composed(lambda: detach(message)))
        identity = await self._identity(caller, key_id)

        def add() -> Result:
            signed = self._sign(identity, bytes(content), detached=False)
            return _shown(signed, _composed(lambda: join(message, signed.der)))

        return await self._work(add)

    async def append_pkcs7_detached(self, caller: Caller, arguments: Sequence[str]) -> Result:
        data_64, message_64, key_id = arguments
        content = await self._work(lambda: from_base64(data_64, MAX_DOCUMENT_SIZE))
        message = await self._work(lambda: _message(message_64))
        # This also refuses a message about another document, before the user is asked.
        whole = await self._work(lambda: _composed(lambda: attach(message, content)))
        identity = await self._identity(caller, key_id)

        def add() -> Result:
            signed = self._sign(identity, content, detached=False)
            joined, _ = _composed(lambda: detach(join(whole, signed.der)))
            return _shown(signed, joined)

        return await self._work(add)

    async def attach_timestamp_token_pkcs7(self, _: Caller, arguments: Sequence[str]) -> Result:
        message_64, serial, token_64 = arguments
        token = from_base64(token_64, MAX_TOKEN_SIZE)
        return await self._work(lambda: _stamped(_message(message_64), serial, token))

    async def get_pkcs7_attached_info(self, _: Caller, arguments: Sequence[str]) -> Result:
        return await self._work(lambda: self._info(arguments[0], None))

    async def get_pkcs7_detached_info(self, _: Caller, arguments: Sequence[str]) -> Result:
        return await self._work(lambda: self._info(arguments[1], arguments[0]))

    async def verify_pkcs7_attached(self, _: Caller, arguments: Sequence[str]) -> Result:
        return await self._work(lambda: self._verify(arguments[0], None))

    async def verify_pkcs7_detached(self, _: Caller, arguments: Sequence[str]) -> Result:
        return await self._work(lambda: self._verify(arguments[1], arguments[0]))

    async def _identity(self, caller: Caller, key_id: str) -> Identity:
        return await self._keyring.identity(caller, key_id, purpose=Purpose.SIGNATURE)

    async def _work(self, work: Callable[[], _T]) -> _T:
        async with self._working:
            return await asyncio.to_thread(work)

    def _sign(self, identity: Identity, content: bytes, *, detached: bool) -> Signed:
        try:
            return sign_data(
                identity.private_key,
                [certificate.der for certificate in identity.chain],
                identity.leaf.family,
                content,
                detached=detached,
                signing_time=self._clock(),
                entropy=os.urandom,
            )
        except InvalidKeyError:  # the key was unloaded during this call
            raise refused("key_not_found") from None

    def _info(self, message_64: str, data_64: str | None) -> Result:
        if self._validator is not None:
            return {"pkcs7Info": judged_info(self._judge(self._validator, message_64, data_64))}
        with _readable():
            message = parse_signed_data(_message(message_64))
            actual = document_digest(message, _document(data_64))
            return {"pkcs7Info": unproven_info(message, actual)}

    def _verify(self, message_64: str, data_64: str | None) -> Result:
        if self._validator is None:
            raise refused("no_truststore")
        verdict = self._judge(self._validator, message_64, data_64)
        for signer in verdict.signers:
            if signer.fault is not None:
                raise refused("not_valid", fault=signer.fault)
        return {"valid": True, "pkcs7Info": judged_info(verdict)}

    def _judge(
        self, validator: ChainValidator, message_64: str, data_64: str | None
    ) -> MessageVerdict:
        with _readable():
            message = parse_signed_data(_message(message_64))
            actual = document_digest(message, _document(data_64))
            return judge(message, actual, validator, self._clock())


def _message(text: str) -> bytes:
    return from_base64(text, MAX_DOCUMENT_SIZE)


def _document(text: str | None) -> bytes | None:
    return None if text is None else from_base64(text, MAX_DOCUMENT_SIZE)


@contextmanager
def _readable() -> Iterator[None]:
    """Refuse a message that cannot be read, or that is about another document."""
    try:
        yield
    except BadSignedDataError:
        raise refused("wrong_document") from None
    except SignedDataError as fault:
        raise refused("bad_message", fault=fault) from None


def _composed(work: Callable[[], _T]) -> _T:
    with _readable():
        return work()


def _stamped(message: bytes, serial: str, token: bytes) -> Result:
    with _readable():
        signers = parse_signed_data(message).signers
    wanted = int(serial, 16) if _SERIAL.fullmatch(serial) else None
    candidates = [signer for signer in signers if signer.serial == wanted]
    if not candidates:
        raise refused("no_such_signer")
    try:
        read = parse_time_stamp(token)
        # Two centres may have given the same number.
        signatures = {digest(signer.signature): signer.signature for signer in candidates}
        imprint = next((one for one in signatures if one == read.message_imprint), None)
        check_imprint(read, imprint or next(iter(signatures)))
    except SignedDataError as fault:
        raise refused("bad_time_stamp", fault=fault) from None
    stamped = _composed(lambda: stamp(message, {signatures[read.message_imprint]: token}))
    return {"pkcs7_64": to_base64(stamped)}


def _shown(signed: Signed, message: bytes | None = None) -> Result:
    """Return the fields of an answer with a new signature, in ``message`` if it is joined."""
    return {
        "pkcs7_64": to_base64(signed.der if message is None else message),
        "signer_serial_number": format(signed.serial, "x"),
        "signature_hex": signed.signature.hex(),
    }
