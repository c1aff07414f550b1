"""The REST service as the daemon runs it, over real HTTP, with an authority that answers."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.centre import RunningCentre
from tests.support.messages import made
from tests.support.rest import Connected, Reply
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.daemon.audit.audit_trail import Audit
from tunnel_gateway.daemon.resident_memory import MemoryWatch
from tunnel_gateway.daemon.service import Shared
from tunnel_gateway.daemon.stopping import Stopping
from tunnel_gateway.daemon.workers import Workers
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.rest.rest_material import RestFiles, RestMaterial
from tunnel_gateway.rest.rest_service import RestService

AUTH = "/backend/auth"
ATTACHED = "/backend/pkcs7/verify/attached"
DETACHED = "/backend/pkcs7/verify/detached"
BY_DIGEST = "/backend/pkcs7/verify/digest"
MANY = "/backend/pkcs7/verify/many"
STAMP = "/frontend/timestamp/pkcs7"
STAMP_DATA = "/frontend/timestamp/data"
ATTACH = "/frontend/pkcs7/make-attached"
JOIN = "/frontend/pkcs7/join"
DETACH = "/frontend/pkcs7/detach"
CERTIFICATE = "/backend/certificate/status"
PATHS = (
    AUTH,
    ATTACHED,
    DETACHED,
    BY_DIGEST,
    MANY,
    STAMP,
    STAMP_DATA,
    ATTACH,
    JOIN,
    DETACH,
    CERTIFICATE,
)


@dataclass
class RestSite:
    """A running service, and the authority behind it."""

    service: RestService
    port: int
    centre: RunningCentre
    folder: Path

    async def call(self, verb: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Send one request on its own connection."""
        client = Connected(*await asyncio.open_connection("127.0.0.1", self.port))
        with closing(client.writer):
            return await client.call(verb, path, body, **headers)

    async def post(self, path: str, *parts: bytes, **headers: str) -> Reply:
        """Call a method as the guide says."""
        return await self.call("POST", path, b"|".join(map(b64encode, parts)), **headers)

    async def answer(self, path: str, *parts: bytes, **headers: str) -> dict[str, Any]:
        """Return the answer of a call, which must come with HTTP 200."""
        reply = await self.post(path, *parts, **headers)
        assert reply.code == 200, reply.json
        return reply.json

    async def status(self, path: str, *parts: bytes) -> tuple[int, str | None]:
        """Return the status and the reason of such an answer."""
        answer = await self.answer(path, *parts)
        return answer["status"], answer.get("reason")

    async def challenge(self) -> bytes:
        """Return a new challenge."""
        answer = (await self.call("GET", "/frontend/challenge")).json
        assert answer["status"] == 1
        return str(answer["challenge"]).encode()

    def sign(self, content: bytes, identity: Identity, **changes: Any) -> bytes:
        """A message signed now."""
        return made(content, identity, **{"signing_time": datetime.now(UTC)} | changes).der


def rest_material(
    centre: RunningCentre, folder: Path, settings: dict[str, str] | None = None
) -> RestMaterial:
    """The material of a configuration file that trusts ``centre`` and asks it for time stamps."""
    keys = {
        "listen.ip": "127.0.0.1",
        "listen.port": "8080",
        "tsp.truststore.file": str(centre.write_truststore(folder / "roots.pem")),
        "tsp.url": centre.services.tsa,
        **(settings or {}),
    }
    path = folder / "config.properties"
    lines = [f"{key}={value}" for key, value in keys.items() if value]
    path.write_text("\n".join(lines), encoding="utf-8")
    return RestFiles().load(load_configuration(path), None)


@asynccontextmanager
async def rest_site(
    centre: RunningCentre, folder: Path, settings: dict[str, str] | None = None
) -> AsyncIterator[RestSite]:
    """Run the service; an empty setting leaves the key out."""
    material = rest_material(centre, folder, settings)
    parts = Shared(Audit(None), Metrics(), Workers(), MemoryWatch(0), Stopping())
    service = RestService(parts, material, beside_tunnels=False)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    port = listening.getsockname()[1]
    service.listen(listening)
    await service.start()
    try:
        yield RestSite(service, port, centre, folder)
    finally:
        await service.stop_accepting()
        await service.drain(0.1, asyncio.get_running_loop().create_future())
        await service.close()
        parts.workers.close()
