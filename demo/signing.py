"""The signatures of the demonstration: a page signs its user in, and two users sign a document."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession
from programs import expect
from site_client import Site, refused
from visit import PageVisit

DOCUMENT = "Shartnoma: Toshkent, 2026-yil. To‘lov 1 000 000 so‘m.".encode()


class SigningVisit:
    """The steps of a page that signs. Each returns what was seen."""

    def __init__(self, stack: AsyncExitStack, page: PageVisit) -> None:
        self._stack = stack
        self._page = page
        self._site: Site
        self._proof = ""
        self._message = ""

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """Return every step with its title."""
        return [
            ("the page signs its user in", self.sign_in),
            ("the same signed challenge once more", self.sign_in_again),
            ("a document is signed and stamped", self.sign_document),
            ("the backend verifies it", self.verify),
            ("a second user signs, and the two are joined", self.join),
            ("one byte of the document is changed", self.change),
            ("the session ends", self.sign_out),
        ]

    async def sign_in(self) -> str:
        """Sign the server's challenge; the backend answers with a session."""
        client = await self._stack.enter_async_context(ClientSession(self._page.origin))
        self._site = Site(client, self._page.origin)
        challenge = (await self._site.ask("GET", "/frontend/challenge"))["challenge"]
        self._proof = await self._sign(self._page.key_id, challenge.encode())
        await self._site.ask("POST", "/session", self._proof)
        user = (await self._site.ask("GET", "/session"))["user"]
        expect(user, "there is no session")
        return (
            f"a session of {user['name']}, PINFL {user['pinfl']}\n"
            f"certificate {user['serialNumber']}, valid to {user['validToUtc']}"
        )

    async def sign_in_again(self) -> str:
        """A challenge counts once."""
        answer = await self._site.ask("POST", "/session", self._proof, reason="challenge_unknown")
        return refused(answer)

    async def sign_document(self) -> str:
        """Sign a document with the first key, and get a time stamp."""
        self._message = await self._stamped(self._page.key_id)
        return f"{len(DOCUMENT)} bytes, {len(b64decode(self._message))} with signature and stamp"

    async def verify(self) -> str:
        """Let the backend verify the message."""
        info = (await self._site.ask("POST", "/document", self._message))["pkcs7Info"]
        expect(b64decode(info["documentBase64"]) == DOCUMENT, "it is another document")
        return "\n".join(signers_of(info))

    async def join(self) -> str:
        """Sign the same document with another key, join both messages, and verify."""
        second = await self._stamped(await self._page.load(self._page.keys[1]))
        joined = await self._site.ask("POST", "/frontend/pkcs7/join", f"{self._message}|{second}")
        self._message = joined["pkcs7b64"]
        info = (await self._site.ask("POST", "/document", self._message))["pkcs7Info"]
        expect(len(info["signers"]) == 2, "there must be two signers")
        return "\n".join(signers_of(info))

    async def change(self) -> str:
        """Change the document inside the message: it is not what the two have signed."""
        changed = b64decode(self._message).replace(b"1 000 000", b"9 000 000")
        message = b64encode(changed).decode()
        answer = await self._site.ask("POST", "/document", message, reason="document_changed")
        return refused(answer)

    async def sign_out(self) -> str:
        """End the session."""
        await self._site.ask("DELETE", "/session")
        expect((await self._site.ask("GET", "/session"))["user"] is None, "the session goes on")
        return "nobody is signed in"

    async def _sign(self, key_id: str, content: bytes) -> str:
        data = b64encode(content).decode()
        made = await self._page.call("create_pkcs7", data, key_id, "no", plugin="pkcs7")
        return str(made["pkcs7_64"])

    async def _stamped(self, key_id: str) -> str:
        signed = await self._sign(key_id, DOCUMENT)
        return str((await self._site.ask("POST", "/frontend/timestamp/pkcs7", signed))["pkcs7b64"])


def signers_of(info: dict[str, Any]) -> Iterator[str]:
    """Return a line for each signer of ``pkcs7Info``."""
    for signer in info["signers"]:
        stamp = signer["timeStampInfo"]
        yield (
            f"{signer['certificate'][0]['subjectInfo']['CN']}, signed {signer['signingTimeUtc']},"
            f" stamped {stamp['timeUtc']} by {stamp['certificate'][0]['subjectInfo']['CN']}"
        )
