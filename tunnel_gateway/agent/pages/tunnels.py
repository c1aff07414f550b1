"""``tunnel.create_tunnel``: makes tunnels for pages, within limits, and ends them at the stop."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from tunnel_gateway.agent.calls import Caller, Function, Result
from tunnel_gateway.agent.handshake import StpTunnel, Tunnel, open_stp_tunnel, open_tunnel
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.agent.pages.oneshot import DEFAULT_SECONDS
from tunnel_gateway.agent.pages.page_tunnel import PAGE_LOST, PageTunnel
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.agent.stp_wishes import DEFAULT_MODE_NAMES, stp_client_settings
from tunnel_gateway.config.values import Address
from tunnel_gateway.dataplane.joining import start_plane
from tunnel_gateway.errors import (
    AlertReceivedError,
    CallRefusedError,
    CertificateError,
    InvalidKeyError,
    ShuttingDownError,
    TunnelGatewayError,
)
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.client import ClientSettings
from tunnel_gateway.protocol.stp.stp_client import StpClientSettings

if TYPE_CHECKING:
    from tunnel_gateway.dataplane.plane import DataPlane

log = get_logger(__name__)

MAX_TUNNELS: Final = 256
MAX_WAITING: Final = 64  # tunnels that are not open yet, or wait for their page
_MAX_DST_ID: Final = 255  # the protocol has one byte for the length


class Identities(Protocol):
    """The source of the users' keys: the keyring."""

    async def identity(self, caller: Caller, key_id: str, *, purpose: Purpose) -> Identity:
        """Return a key that the caller loaded; raises CallRefusedError."""


class Tunnels:
    """The tunnels of all pages.

    ``gateways`` has the address of each domain's gateway. Without a ``validator`` no gateway can be
    proven, so every call is refused. The gateways of ``stp_domains`` speak STP, and are
    proven by ``stp_validator`` where there is one; they may answer in ``stp_modes``.
    ``time_limit`` is how long an address waits for its page.
    """

    def __init__(
        self,
        gateways: Mapping[str, Address],
        validator: ChainValidator | None,
        identities: Identities,
        *,
        stp_domains: Collection[str] = (),
        stp_validator: ChainValidator | None = None,
        stp_modes: Collection[str] = DEFAULT_MODE_NAMES,
        time_limit: float = DEFAULT_SECONDS,
    ) -> None:
        self._gateways = gateways
        self._validator = validator
        self._stp_domains = stp_domains
        self._stp_validator = stp_validator or validator
        self._stp_modes = stp_modes
        self._identities = identities
        self._time_limit = time_limit
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="public-key")
        self._plane: DataPlane | None = None
        self._making = 0
        self._tunnels: dict[asyncio.Task[None], PageTunnel] = {}
        self._closing = False

    def function(self) -> Function:
        """Return the function that pages call."""
        return Function(
            "tunnel",
            "create_tunnel",
            ("dst_id", "id"),
            "Make a tunnel to the application dst_id of this page's domain, with the key id. The"
            " answer's address, 127.0.0.1:PORT, takes one WebSocket of this page within a minute.",
            self._create,
        )

    async def _create(self, caller: Caller, arguments: Sequence[str]) -> Result:
        dst_id, key_id = arguments
        gateway = self._gateways.get(caller.domain)
        if gateway is None:
            raise refused("no_gateway", domain=caller.domain, hex=caller.domain.encode().hex())
        by_stp = caller.domain in self._stp_domains
        validator = self._stp_validator if by_stp else self._validator
        if validator is None:
            raise refused("no_truststore")
        if not 0 < len(dst_id.encode(errors="replace")) <= _MAX_DST_ID or not dst_id.isprintable():
            raise refused("bad_destination")
        with self._reserve():
            identity = await self._identities.identity(caller, key_id, purpose=Purpose.TUNNEL)
            if by_stp:
                stp_settings = self._stp_settings(caller.domain, dst_id, identity, validator)
                making: Awaitable[Tunnel | StpTunnel] = open_stp_tunnel(
                    gateway, stp_settings, self._workers
                )
            else:
                settings = ClientSettings(caller.domain, dst_id, identity, validator)
                making = open_tunnel(gateway, settings, self._workers)
            tunnel = await self._open(making)
            page_tunnel = await self._start(caller, tunnel)
        tunnel_id = tunnel.opened.tunnel_id.hex()
        path = tunnel.opened.peer.path
        log.info(
            "tunnel_made",
            origin=caller.origin,
            dst_id=dst_id,
            gateway=str(gateway),
            tunnel_id=tunnel_id,
        )
        return {
            "address": page_tunnel.address,
            "host": "localhost",
            "port": page_tunnel.port,
            "tunnel_id": tunnel_id,
            "domain_certificates": [b64encode(certificate.der).decode() for certificate in path],
        }

    @contextmanager
    def _reserve(self) -> Iterator[None]:
        """Count a tunnel that is being made, if the limits allow it."""
        if self._closing:
            raise refused("shutting_down")
        waiting = self._making + sum(tunnel.waiting for tunnel in self._tunnels.values())
        if waiting >= MAX_WAITING or self._making + len(self._tunnels) >= MAX_TUNNELS:
            raise refused("too_many_tunnels")
        self._making += 1
        try:
            yield
        finally:
            self._making -= 1

    def _stp_settings(
        self, domain: str, dst_id: str, identity: Identity, validator: ChainValidator
    ) -> StpClientSettings:
        """Return the wishes in STP. Raises CallRefusedError for a dst_id that it does not know."""
        try:
            return stp_client_settings(domain, dst_id, identity, validator, self._stp_modes)
        except ValueError as error:
            raise CallRefusedError("bad_destination", str(error)) from None

    async def _open(self, making: Awaitable[Tunnel | StpTunnel]) -> Tunnel | StpTunnel:
        try:
            return await making
        except AlertReceivedError as error:
            raise CallRefusedError(error.name, f"the gateway refused: {error.text}") from None
        except CertificateError as error:
            raise CallRefusedError(
                error.code, f"the gateway's certificate is not accepted: {error}"
            ) from None
        except InvalidKeyError:  # the key was unloaded during this call
            raise refused("key_not_found") from None
        except TunnelGatewayError as error:
            raise CallRefusedError(error.code, str(error)) from None

    async def _start(self, caller: Caller, tunnel: Tunnel | StpTunnel) -> PageTunnel:
        try:
            if self._closing:
                raise refused("shutting_down")
            if self._plane is None:  # an agent without tunnels needs no thread for them
                self._plane = start_plane(1, PAGE_LOST)
            page_tunnel = PageTunnel(caller, tunnel, self._plane, time_limit=self._time_limit)
        except (OSError, TunnelGatewayError):
            tunnel.channel.abort(ShuttingDownError("the agent cannot serve this tunnel"))
            await tunnel.channel.wait_closed()
            raise
        task = asyncio.create_task(page_tunnel.run())
        self._tunnels[task] = page_tunnel
        task.add_done_callback(self._ended)
        return page_tunnel

    def _ended(self, task: asyncio.Task[None]) -> None:
        page_tunnel = self._tunnels.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("internal_error", tunnel=page_tunnel.address, exc_info=error)

    async def close(self) -> None:
        """End every tunnel, and tell gateways and pages the reason."""
        self._closing = True
        error = ShuttingDownError("the agent is stopping")
        for page_tunnel in list(self._tunnels.values()):
            page_tunnel.stop(error)
        if self._tunnels:
            await asyncio.wait(list(self._tunnels))
        if self._plane is not None:
            self._plane.close()
        self._workers.shutdown()
