"""The agent from its start to its end: its parts are put together, and stopped in order."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from tunnel_gateway.agent.api.apikey import ApiKeys
from tunnel_gateway.agent.api.dispatch import Dispatcher
from tunnel_gateway.agent.api.local_certificate import LocalCertificate
from tunnel_gateway.agent.api.ports import PortKeeper, Ports
from tunnel_gateway.agent.documents.pkcs7_functions import pkcs7_functions
from tunnel_gateway.agent.documents.pkcs10_functions import pkcs10_functions
from tunnel_gateway.agent.documents.tsaclient_functions import tsaclient_functions
from tunnel_gateway.agent.keys.files import KeyFiles, home_keys
from tunnel_gateway.agent.keys.functions import key_functions
from tunnel_gateway.agent.keys.keyring import Keyring
from tunnel_gateway.agent.keys.passwords import PasswordQueue, Prompter
from tunnel_gateway.agent.pages.tunnels import Tunnels
from tunnel_gateway.agent.settings import AgentSettings
from tunnel_gateway.agent.stubs import stub_functions
from tunnel_gateway.agent.threads import in_thread
from tunnel_gateway.errors import FileError
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.observability.masking import know_centres
from tunnel_gateway.pki.files.keyfiles import load_certificates
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.trust.validation import ChainValidator, check_plain_root
from tunnel_gateway.transport.system.lifecycle import Termination, on_hangup

log = get_logger(__name__)

_RENEWAL_SECONDS: Final = 24 * 3600.0


class AgentProgram:
    """The API for pages, with all its parts. Raises the errors of files that cannot be used."""

    def __init__(
        self, settings: AgentSettings, prompter: Prompter, certificate: LocalCertificate
    ) -> None:
        self._certificate = certificate
        self._gateways = [f"{domain}={address}" for domain, address in settings.gateways.items()]
        self._keyring = Keyring(PasswordQueue(prompter), lifetime=settings.key_timeout)
        validator = _validator(settings)
        self._tunnels = Tunnels(
            settings.gateways,
            validator,
            self._keyring,
            stp_domains=settings.stp_domains,
            stp_validator=_stp_validator(settings),
            stp_modes=settings.stp_modes,
        )
        files = KeyFiles(settings.keys_dirs or home_keys())
        functions = [
            *key_functions(self._keyring, files),
            *pkcs7_functions(self._keyring, validator),
            *pkcs10_functions(self._keyring),
            *tsaclient_functions(),
            *stub_functions(),
            self._tunnels.function(),
        ]
        issuers = [load_certificates(path)[0].public_key for path in settings.apikey_issuers]
        api_keys = ApiKeys(issuers)
        self._dispatcher = Dispatcher(functions, api_keys, http_pages=settings.http_pages)

    async def serve(
        self, wanted: Ports | None, announce: Callable[[Ports, str | None], None]
    ) -> None:
        """Serve until a signal comes, on exactly these ports if some are ``wanted``.

        ``announce`` gets the ports, and who has the first pair if it is not this agent. Raises
        CannotListenError, FileError.
        """
        termination = Termination()
        _answer_hangups()
        self._certificate.ensure(datetime.now(UTC))
        context = self._certificate.context()
        renewing = keep_running("certificate", partial(self._renew, context))
        keeper = PortKeeper(self._dispatcher, context, wanted)
        try:
            ports, holder = await keeper.start()
            announce(ports, holder)
            held = {} if holder is None else {"holder": holder}
            log.info("listening", ws=ports.ws, wss=ports.wss, gateways=self._gateways, **held)
            await termination.asked()
            log.info("stopping")
        finally:
            renewing.cancel()
            # Calls that run may still use a key, so the keyring is closed after the sockets.
            await asyncio.gather(keeper.close(), self._tunnels.close())
            await self._keyring.close()

    async def _renew(self, context: ssl.SSLContext) -> None:
        """Renew the certificate of an agent that runs for months; one round is a day."""
        await asyncio.sleep(_RENEWAL_SECONDS)
        try:
            if await in_thread(partial(self._certificate.ensure, datetime.now(UTC))):
                self._certificate.load(context)
                log.info("certificate_renewed", file=self._certificate.server)
        except FileError as error:
            log.warning("certificate_not_renewed", detail=str(error))


def _answer_hangups() -> None:
    """Let SIGHUP end the agent in order if its terminal was closed, and ignore any other SIGHUP."""
    if not hasattr(signal, "SIGHUP"):  # on Windows
        return
    if sys.stdin is None or not sys.stdin.isatty():
        on_hangup(lambda: log.warning("hangup_ignored"))
    elif signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ignored under nohup
        on_hangup(lambda: signal.raise_signal(signal.SIGTERM))


def _validator(settings: AgentSettings) -> ChainValidator | None:
    if settings.truststore_file is None:
        return None
    anchors = load_trust_anchors(settings.truststore_file, settings.truststore_password)
    know_centres(anchor.subject for anchor in anchors)
    return ChainValidator(anchors)


def _stp_validator(settings: AgentSettings) -> ChainValidator | None:
    """Return the validator for gateways that speak STP; None if it is the same one."""
    if settings.stp_root_file is None:
        return None
    anchors = load_trust_anchors(settings.stp_root_file, check=check_plain_root)
    return ChainValidator(anchors, check=check_plain_root)
