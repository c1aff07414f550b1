"""The costs of the methods for phones, and the time that polls wait beside uploads."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final, Self
from urllib.parse import urlencode

from benchmarks.figures import percentile
from benchmarks.places import LOOPBACK
from benchmarks.programs import BenchmarkError
from benchmarks.rest import load
from benchmarks.rest.connections import STATUS, get, post
from benchmarks.rest.scale import Scale
from benchmarks.rest.site import Server, counted
from benchmarks.rest.stores import Store
from benchmarks.verification import DOCUMENT, Bench
from tunnel_gateway.pki.files.keyfiles import Identity

AUTH: Final = "/frontend/mobile/auth"
SIGN: Final = "/frontend/mobile/sign"
UPLOAD: Final = "/frontend/mobile/upload"
AUTHENTICATE: Final = "/backend/mobile/authenticate"
VERIFY: Final = "/backend/mobile/verify"

_CONNECTIONS: Final = 8
_POLLS_A_SECOND: Final = 1000
_UPLOADS_A_SECOND: Final = 20


@dataclass(frozen=True, slots=True)
class Begun:
    """A document that waits for a phone. ``signed`` is the content that the phone signs."""

    document_id: str
    signed: bytes

    @classmethod
    def some(cls, server: Server, path: str, count: int) -> list[Self]:
        """Begin ``count`` documents."""
        client = HTTPConnection(LOOPBACK, server.port)
        begun = []
        for _ in range(count):
            client.request("POST", path, b"")
            answer = json.load(client.getresponse())
            if answer["status"] != 1:
                raise BenchmarkError(f"no document for a phone is begun: {answer}")
            challenge = answer.get("challenge")
            signed = DOCUMENT if challenge is None else challenge.encode()
            begun.append(cls(answer["documentId"], signed))
        client.close()
        return begun

    @property
    def poll(self) -> bytes:
        """The request of a page."""
        return post(STATUS, f"documentId={self.document_id}".encode())

    @property
    def verification(self) -> bytes:
        """The request of the application, with the document."""
        document = b64encode(self.signed).decode()
        return _form(VERIFY, documentId=self.document_id, document=document)

    def upload(self, bench: Bench, user: Identity) -> bytes:
        """The request of the vendor's system, signed now."""
        return _form(
            UPLOAD,
            document_id=self.document_id,
            pkcs7_b64=b64encode(bench.signature(self.signed, user)).decode(),
            serial_number=user.leaf.serial_hex,
        )


def _form(path: str, **fields: str) -> bytes:
    return post(path, urlencode(fields).encode())


class Phones:
    """The methods of one daemon; two loads can run at once, each in a process of ``loaders``."""

    def __init__(
        self,
        bench: Bench,
        server: Server,
        store: Store,
        loaders: tuple[Executor, Executor],
        scale: Scale,
    ) -> None:
        self._bench = bench
        self._server = server
        self._store = store
        self._loader, self._uploader = loaders
        self._scale = scale
        self._users = self._new_users()
        self._cost(self._uploads(SIGN, self._users)[1])  # now they are seen

    def measure(self) -> dict[str, float]:
        """Return the figures of a round; those of a signature are alike for both stores."""
        figures = self._costs_of_waiting() | self._polls_beside_uploads()
        named = {f"{name}{self._store.suffix}": value for name, value in figures.items()}
        return named if self._store.redis else named | self._costs_of_signing()

    def _costs_of_waiting(self) -> dict[str, float]:
        (begun,) = Begun.some(self._server, AUTH, 1)
        return {
            "mobile auth": self._cost([post(AUTH, b"")] * self._scale.calls),
            "poll": self._cost([begun.poll] * self._scale.calls),
        }

    def _costs_of_signing(self) -> dict[str, float]:
        sign_ins, seen = self._uploads(AUTH, self._users)
        _, unseen = self._uploads(AUTH, self._new_users())
        documents, uploads = self._uploads(SIGN, self._users)
        figures = {"upload": self._cost(seen), "upload unseen": self._cost(unseen)}
        self._cost(uploads)
        sign_in = [get(f"{AUTHENTICATE}/{begun.document_id}") for begun in sign_ins]
        return figures | {
            "authenticate": self._cost(sign_in),
            "mobile verify": self._cost([begun.verification for begun in documents]),
        }

    def _polls_beside_uploads(self) -> dict[str, float]:
        seconds = 2 * self._scale.seconds
        polls = [begun.poll for begun in Begun.some(self._server, AUTH, len(self._users))]
        count = max(1, int(_UPLOADS_A_SECOND * seconds))
        users = [self._users[number % len(self._users)] for number in range(count)]
        _, uploads = self._uploads(SIGN, users)
        port, connections = self._server.port, 4 * _CONNECTIONS
        with counted(self._server) as cost:
            beside = self._uploader.submit(
                load.at_rate, port, uploads, _CONNECTIONS, _UPLOADS_A_SECOND, seconds
            )
            sample = self._loader.submit(
                load.at_rate, port, polls, connections, _POLLS_A_SECOND, seconds
            ).result()
            beside.result()
        return {
            "polls p50": percentile(sample.milliseconds, 50),
            "polls p99": percentile(sample.milliseconds, 99),
            "polls core": 100 * cost() / sample.seconds,
        }

    def _new_users(self) -> list[Identity]:
        return [self._bench.user() for _ in range(self._scale.users)]

    def _uploads(self, path: str, users: Sequence[Identity]) -> tuple[list[Begun], list[bytes]]:
        """Begin a document for each user; return the documents, and their uploads."""
        begun = Begun.some(self._server, path, len(users))
        pairs = zip(begun, users, strict=True)
        return begun, [document.upload(self._bench, user) for document, user in pairs]

    def _cost(self, requests: Sequence[bytes]) -> float:
        """Send each request once, and return the CPU-ms of one."""
        with counted(self._server) as cost:
            self._loader.submit(load.once_each, self._server.port, requests, _CONNECTIONS).result()
        return 1000 * cost() / len(requests)
