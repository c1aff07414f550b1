"""The signatures by phone of the demonstration: a sign-in and a document."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession
from phone import DevelopmentPhone
from programs import expect
from signing import DOCUMENT, signers_of
from site_client import Site, refused
from visit import PageVisit

from tunnel_gateway.phone.code import Code, make_code


class PhoneVisit:
    """The steps of a page whose user signs by phone; ``rest`` is the REST service's address."""

    def __init__(
        self, stack: AsyncExitStack, page: PageVisit, phone: DevelopmentPhone, rest: str
    ) -> None:
        self._stack = stack
        self._page = page
        self._phone = phone
        self._rest = rest
        self._site: Site
        self._code: Code

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """Return every step with its title."""
        return [
            ("a sign-in by phone begins", self.begin_sign_in),
            ("the phone signs", self.sign),
            ("the phone signs the same code once more", self.sign_again),
            ("the backend learns who signed", self.sign_in),
            ("the backend asks for the same sign-in once more", self.sign_in_again),
            ("the phone signs a document", self.sign_document),
            ("the backend verifies and stamps it", self.verify),
            ("another document for the same signature", self.verify_another),
        ]

    async def begin_sign_in(self) -> str:
        """Get a challenge, and make the code that a phone reads."""
        self._site = await self._client(self._page.origin)
        begun = await self._site.ask("POST", "/mobile/auth")
        return self._make_code(begun, begun["challange"].encode())

    async def sign(self) -> str:
        """Let the phone sign the code and post the signature; the page sees that it has come."""
        await self._ask_status(reason="not_uploaded")
        fault = await self._phone.sign(self._code.text)
        expect(not fault, fault)
        await self._ask_status()
        return f"uploaded, and the status of {self._code.document_id} says so"

    async def sign_again(self) -> str:
        """Only the first upload counts."""
        fault = await self._phone.sign(self._code.text)
        expect("upload_refused" in fault, f"the second upload was not refused: {fault}")
        return "refused with upload_refused, as it must be"

    async def sign_in(self) -> str:
        """Let the backend finish the sign-in that this browser has begun."""
        user = (await self._site.ask("POST", "/mobile/session"))["user"]
        return f"a session of {user['name']}, PINFL {user['pinfl']}"

    async def sign_in_again(self) -> str:
        """A signature signs its user in once."""
        service = await self._client(self._rest)
        path = f"/backend/mobile/authenticate/{self._code.document_id}"
        return refused(await service.ask("POST", path, reason="document_unknown"))

    async def sign_document(self) -> str:
        """Sign a document in the same way; the phone sees its hash only."""
        code = self._make_code(await self._site.ask("POST", "/mobile/sign"), DOCUMENT)
        fault = await self._phone.sign(self._code.text)
        expect(not fault, fault)
        await self._ask_status()
        return code

    async def verify(self) -> str:
        """Send the document to the backend, and verify what comes back as any signed document."""
        answer = await self._site.ask("POST", "/mobile/document", _in_base64(DOCUMENT))
        message = answer["pkcs7Attached"]
        info = (await self._site.ask("POST", "/document", message))["pkcs7Info"]
        expect(b64decode(info["documentBase64"]) == DOCUMENT, "it is another document")
        return "\n".join(signers_of(info))

    async def verify_another(self) -> str:
        """Send another document than the one that was signed."""
        other = _in_base64(DOCUMENT.replace(b"1 000 000", b"9 000 000"))
        return refused(
            await self._site.ask("POST", "/mobile/document", other, reason="document_changed")
        )

    def _make_code(self, begun: dict[str, Any], content: bytes) -> str:
        self._code = make_code(begun["siteId"], begun["documentId"], content)
        return f"documentId {self._code.document_id}\n{self._code.deeplink}"

    async def _ask_status(self, *, reason: str | None = None) -> None:
        """Ask as the page does about once a second."""
        form = {"documentId": self._code.document_id}
        await self._site.ask("POST", "/frontend/mobile/status", form, reason=reason)

    async def _client(self, address: str) -> Site:
        client = await self._stack.enter_async_context(ClientSession(address))
        return Site(client, self._page.origin)


def _in_base64(document: bytes) -> str:
    return b64encode(document).decode()
