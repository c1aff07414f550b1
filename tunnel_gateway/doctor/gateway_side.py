"""The gateway's side: what `check` does not look at, in the order of a support engineer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tunnel_gateway.agent.neighbour import holder_of
from tunnel_gateway.config.configuration import Configuration, load_configuration
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.agent_ports import shown_holder
from tunnel_gateway.doctor.clock import check_clock
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.doctor.peer_times import check_addresses
from tunnel_gateway.doctor.proxies import proxy_of
from tunnel_gateway.doctor.systemd_unit import check_units
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.truststore import load_trust_anchors


async def examine_gateway(
    config_file: Path, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Observation]:
    """Yield what is seen of the machine and its network, in order; nothing is changed."""
    for seen in check_units():
        yield seen
    for seen in check_clock(datetime.now(UTC), (config_file,)):
        yield seen
    try:
        configuration = load_configuration(config_file)
    except TunnelGatewayError:
        return  # `check` names every fault
    for port in _ports(configuration):
        holder = holder_of(port)
        row = texts.PORT_FREE if holder is None else texts.PORT_HELD
        yield row.seen(str(port), holder="" if holder is None else shown_holder(holder))
    silent = 0
    async for seen in check_addresses(_urls(configuration)):
        silent += seen.row is texts.ADDRESS_SILENT
        yield seen
    if (proxy := proxy_of(environment)) is not None:
        row = texts.GATEWAY_NEEDS_ROUTE if silent else texts.GATEWAY_PASSES_PROXY
        yield row.seen("http_proxy", proxy=proxy, count=silent)


def _ports(configuration: Configuration) -> Iterator[int]:
    if "tunnel" in configuration.services:
        yield configuration.tunnel.listen.port
    if "rest" in configuration.services:
        from tunnel_gateway.rest.rest_material import RestFiles  # noqa: PLC0415

        yield RestFiles().port(configuration).port


def _urls(configuration: Configuration) -> list[str]:
    """Return the http addresses that the services may ask, each once, those of the files first."""
    urls: list[str | None] = []
    certificates: list[Certificate] = []
    if "rest" in configuration.services:
        from tunnel_gateway.rest.rest_material import RestFiles, RestMaterial  # noqa: PLC0415

        rest = RestFiles().settings(configuration)
        urls += [rest.stamps.url, rest.status.ocsp_url, rest.status.crl_url]
        with suppress(TunnelGatewayError, OSError):
            certificates += RestMaterial.load(rest).trust_anchors
    if "tunnel" in configuration.services and configuration.tunnel.revocation.mode != "off":
        from tunnel_gateway.gateway.domains import read_domains  # noqa: PLC0415

        tunnel = configuration.tunnel
        domains, _ = read_domains(tunnel.servers_dir, tunnel.servers_password)
        keys = [key for keys in domains.keys_of.values() for key in keys]
        certificates += [link for key in keys for link in key.chain]
        with suppress(TunnelGatewayError):
            certificates += load_trust_anchors(tunnel.truststore_file, tunnel.truststore_password)
    urls += _addresses_in(certificates)
    wanted = (url for url in urls if url and url.startswith(("http://", "https://")))
    return list(dict.fromkeys(wanted))


def _addresses_in(certificates: Iterable[Certificate]) -> Iterator[str]:
    for certificate in certificates:
        yield from certificate.ocsp_urls
        yield from certificate.crl_urls
