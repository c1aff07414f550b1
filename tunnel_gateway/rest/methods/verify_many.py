"""``POST /backend/pkcs7/verify/many``: several messages in one call. It is not in the guide.

The body is JSON, because Base64 with bars would not tell what belongs together::

    {"documents": [
      {"pkcs7": "MIAG…"},
      {"pkcs7": "MIAG…", "document": "c29t…"},
      {"pkcs7": "MIAG…", "digest": "3369cd52…"}
    ]}

Each result is the answer that the message alone would get, with its own status and message. The
status of the whole answer is 1 only if all results have it. Otherwise it is that of the most basic
fault, so a client that looks at this one number never takes too much for valid.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from tunnel_gateway.rest.answers import refusal_fields, success_fields
from tunnel_gateway.rest.bodies import Base64Body
from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.long_texts import LONG, take_out
from tunnel_gateway.rest.methods.verify_digest import read_digest
from tunnel_gateway.rest.records import Records
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal, most_basic
from tunnel_gateway.rest.verification import Verifier

MAX_DOCUMENTS: Final = 64
# So many are verified before other calls have their turn on the loop.
_AT_ONCE: Final = 8
# Twice the size is in memory while it is read.
MAX_BODY: Final = 32 * 1024 * 1024
_KEYS: Final = frozenset({"pkcs7", "document", "digest"})
# Base64 and digests have no comma. A value that JSON makes of three bytes takes seventy.
_MAX_COMMAS: Final = MAX_DOCUMENTS * len(_KEYS)


@dataclass(frozen=True, slots=True)
class Asked:
    """One message of the call, with its document, or the digest of it, if it is detached."""

    message: bytes
    document: bytes | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class VerifyMany:
    """Verifies several messages, each for itself."""

    verifier: Verifier
    records: Records

    path: ClassVar[str] = "/backend/pkcs7/verify/many"
    verbs: ClassVar[tuple[str, ...]] = ("POST",)
    wanted: ClassVar[Wanted] = Wanted(raw=MAX_BODY)

    async def answer(self, call: Call) -> Fields:
        """Return results. Raises Refusal if one of the messages is not valid, or for a bad body."""
        asked = await self.verifier.threads.run(call.caller, len(call.body), read_many, call.body)
        refusals: list[Refusal] = []
        places = asyncio.Semaphore(_AT_ONCE)
        results = await asyncio.gather(
            *(self._verify(call, one, refusals, places) for one in asked)
        )
        winner = most_basic(refusal.reason for refusal in refusals)
        if winner is None:
            return {"results": results}
        detail = f"{len(refusals)} of {len(asked)} are not valid"
        raise Refusal(winner, detail, {"results": results})

    async def _verify(
        self, call: Call, asked: Asked, refusals: list[Refusal], places: asyncio.Semaphore
    ) -> Fields:
        try:
            with self.records.verification(call) as record:
                async with places:
                    await asyncio.sleep(0)  # what follows may not wait for anything
                    record.verified = await self.verifier.verify(
                        call.caller,
                        asked.message,
                        document=asked.document,
                        document_digest=asked.digest,
                    )
                return success_fields(record.verified.fields(with_content=asked.document is None))
        except Refusal as refusal:
            refusals.append(Refusal(refusal.reason, refusal.detail))
            return refusal_fields(refusal, call.language)


def read_many(body: bytes) -> list[Asked]:
    """Read the body of a call. Raises Refusal that says which entry is wrong and why."""
    short, texts = take_out(body)
    if short.count(b",") > _MAX_COMMAS:
        raise _bad(f"it has more commas than {MAX_DOCUMENTS} documents, and that is the limit")
    try:
        whole = json.loads(short)
    except (ValueError, RecursionError):
        raise _bad("it is not JSON") from None
    entries = whole.get("documents") if isinstance(whole, dict) else None
    if not isinstance(entries, list) or not entries:
        raise _bad('it must be {"documents": […]} with at least one entry')
    if len(entries) > MAX_DOCUMENTS:
        raise _bad(f"it has {len(entries)} documents; {MAX_DOCUMENTS} is the limit")
    return [
        _read_entry(f"documents[{number}]", entry, texts) for number, entry in enumerate(entries)
    ]


def _read_entry(where: str, entry: object, texts: Mapping[str, memoryview]) -> Asked:
    if not isinstance(entry, dict) or "pkcs7" not in entry or not entry.keys() <= _KEYS:
        raise _bad(f"{where} must have pkcs7, and beside it document or digest or nothing")
    if "document" in entry and "digest" in entry:
        raise _bad(f"{where} has both document and digest; send one of them")
    message = _decoded(where, entry, "pkcs7", texts)
    if message is None:
        raise _bad(f"{where}.pkcs7 must be Base64")
    given = _decoded(where, entry, "digest", texts)
    return Asked(
        message=message,
        document=_decoded(where, entry, "document", texts),
        digest=None if given is None else read_digest(given),
    )


def _decoded(
    where: str, entry: Mapping[str, object], name: str, texts: Mapping[str, memoryview]
) -> bytes | None:
    if name not in entry:
        return None
    text = entry[name]
    if not isinstance(text, str) or not text.isascii():
        raise _bad(f"{where}.{name} must be Base64")
    data = texts.get(text) or text.encode("ascii")
    body = Base64Body((name,), MAX_BODY)
    try:
        for start in range(0, len(data), LONG):
            body.feed(bytes(data[start : start + LONG]))
        (decoded,) = body.finish()
    except Refusal as refusal:
        raise _bad(f"{where}.{name}: {refusal.detail}") from None
    return decoded


def _bad(detail: str) -> Refusal:
    return Refusal(Reason.BAD_BODY, detail)
