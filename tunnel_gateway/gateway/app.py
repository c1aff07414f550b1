"""The daemon: everything it needs loaded, one listener, its sessions, and their drain."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from tunnel_gateway.config import Config
from tunnel_gateway.errors import CertificateError, ShuttingDownError
from tunnel_gateway.gateway.domains import load_domains
from tunnel_gateway.gateway.limits import Admission
from tunnel_gateway.gateway.session import Service, Session
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.pki.keyfiles import Identity
from tunnel_gateway.pki.truststore import load_trust_anchors
from tunnel_gateway.pki.validation import ChainValidator
from tunnel_gateway.protocol.server import ServerSettings
from tunnel_gateway.transport.lifecycle import Termination
from tunnel_gateway.transport.listener import Listener
from tunnel_gateway.transport.stream import SocketStream, format_address

log = get_logger(__name__)

# After the drain time-out, for the last alerts and log lines.
_LAST_WORDS_SECONDS: Final = 5.0


class Gateway:
    """A running daemon. ``serve`` returns when a signal has ended it."""

    def __init__(self, config: Config) -> None:
        """Load keys and trust anchors.

        Raises ConfigError or FileError with all that the operator has to change.
        """
        self._config = config
        anchors = load_trust_anchors(config.truststore_file, config.truststore_password)
        validator = ChainValidator(anchors)
        domains = load_domains(config.servers_dir, config.servers_password)
        _warn_of_own_certificates(domains, validator)
        self._domains = domains
        self._service = Service(
            config=config,
            settings=ServerSettings(identity_for=domains.get, validator=validator),
            admission=Admission(
                tunnel_limit=config.tunnel_limit, handshake_limit=config.handshake_limit
            ),
            workers=ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="public-key"),
        )
        self._sessions: dict[Session, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Listen until SIGTERM or SIGINT, then drain. Raises OSError if it cannot listen."""
        termination = Termination()
        listener = Listener(
            self._config.listen_ip,
            self._config.listen_port,
            on_connection=self._start_session,
            on_failure=lambda error: log.error("accept_failed", detail=str(error)),
            shared=self._config.listen_reuseport,
        )
        log.info(
            "listening",
            address=format_address((self._config.listen_ip, listener.port)),
            domains=sorted(self._domains),
            destinations=sorted(self._config.destinations),
        )
        await termination.asked()
        await self._drain(listener, termination)
        self._service.workers.shutdown(wait=False, cancel_futures=True)

    def _start_session(self, stream: SocketStream) -> None:
        session = Session(self._service, stream)
        task = asyncio.create_task(session.run())
        self._sessions[session] = task
        task.add_done_callback(lambda _: self._sessions.pop(session))

    async def _drain(self, listener: Listener, termination: Termination) -> None:
        await listener.close()
        error = ShuttingDownError("the gateway is stopping")
        for session in [session for session in self._sessions if not session.open]:
            session.stop(error)
        seconds = self._config.drain_timeout
        log.info("draining", tunnels=len(self._sessions), seconds=seconds)
        insisted = asyncio.create_task(termination.insisted())
        if self._sessions:
            drained = asyncio.gather(*self._sessions.values(), return_exceptions=True)
            await asyncio.wait(
                (drained, insisted), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        insisted.cancel()
        for session in list(self._sessions):
            session.stop(error)
        if self._sessions:
            await asyncio.wait(self._sessions.values(), timeout=_LAST_WORDS_SECONDS)
        log.info("stopped", tunnels_ended=len(self._sessions) == 0)


def _warn_of_own_certificates(domains: dict[str, Identity], validator: ChainValidator) -> None:
    """Say at once what the users' side is going to refuse."""
    now = datetime.now(UTC)
    for name, identity in domains.items():
        try:
            validator.verify_server([one.der for one in identity.chain], now, name)
        except CertificateError as error:
            log.warning("domain_certificate_not_accepted", domain=name, detail=str(error))
