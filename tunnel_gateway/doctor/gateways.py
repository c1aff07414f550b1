"""The gateways of the user's domains: do they answer, and do they prove their domains?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tunnel_gateway.agent.handshake import try_gateway
from tunnel_gateway.config.values import Address
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.observation import Observation, Row
from tunnel_gateway.errors import (
    CertificateExpiredError,
    GatewayUnreachableError,
    TunnelGatewayError,
)
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.trust.validation import ChainValidator

_SECONDS: Final = 10.0
_AT_ONCE: Final = 8


async def check_gateways(
    gateways: Mapping[str, Address],
    anchors: Sequence[Certificate],
    stp_domains: Collection[str] = (),
) -> AsyncIterator[Observation]:
    """Yield an observation for each domain. No key of the user is needed or shown.

    In STP the user is shown first, so the gateways of ``stp_domains`` are only connected to.
    """
    if not gateways:
        return
    validator = ChainValidator(anchors) if anchors else None
    places = asyncio.Semaphore(_AT_ONCE)
    with ThreadPoolExecutor(1, thread_name_prefix="public-key") as workers:

        async def check(domain: str, gateway: Address) -> Observation:
            async with places:
                if domain in stp_domains:
                    return await _connect(domain, gateway, texts.GATEWAY_BY_STP)
                if validator is None:
                    return await _connect(domain, gateway, texts.GATEWAY_NOT_PROVEN)
                return await _try(domain, gateway, validator, workers)

        checks = [asyncio.ensure_future(check(*each)) for each in gateways.items()]
        for each in checks:
            yield await each


async def _try(
    domain: str, gateway: Address, validator: ChainValidator, workers: ThreadPoolExecutor
) -> Observation:
    try:
        peer = await try_gateway(gateway, domain, validator, workers, _SECONDS)
    except GatewayUnreachableError as error:
        return texts.GATEWAY_AWAY.seen(domain, fault=error)
    except CertificateExpiredError as error:
        return texts.GATEWAY_EXPIRED.seen(domain, fault=error)
    except TunnelGatewayError as error:
        return texts.GATEWAY_WRONG.seen(domain, gateway=gateway, fault=error)
    until = f"{peer.leaf.not_after:%Y-%m-%d}"
    return texts.GATEWAY_GOOD.seen(domain, gateway=gateway, until=until)


async def _connect(domain: str, gateway: Address, connected: Row) -> Observation:
    """Connect, and leave without a byte."""
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(gateway.host, gateway.port)
    except TimeoutError:
        return texts.GATEWAY_AWAY.seen(domain, fault=f"{gateway}: no answer in {_SECONDS:g} s")
    except (OSError, UnicodeError) as error:
        words = sentence(error) if isinstance(error, OSError) else error
        return texts.GATEWAY_AWAY.seen(domain, fault=f"{gateway}: {words}")
    writer.close()
    return connected.seen(domain, gateway=gateway)
