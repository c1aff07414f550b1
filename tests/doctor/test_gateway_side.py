"""The gateway's side in order, with the addresses that its files name."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.loopback import LOOPBACK
from tests.support.processes import ReservedPort, write_config
from tests.support.programs import Programs
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.gateway_side import examine_gateway
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.pki.services import CENTRE_NAME, Services

PROXY = {"http_proxy": "http://proxy.uz:3128"}


async def look(path: Path, environment: dict[str, str] | None = None) -> list[Observation]:
    clock = {texts.CLOCK_GOOD, texts.CLOCK_NOT_KEPT}
    seen = [each async for each in examine_gateway(path, environment or {})]
    return [each for each in seen if each.row not in clock]


async def test_a_gateway_that_asks_nobody(
    credentials: Credentials, closed_port: ReservedPort, tmp_path: Path, programs: Programs
) -> None:
    path = tmp_path / "config.properties"
    write_config(path, credentials, closed_port.number, {"0": 1}, {"revocation": "off"})
    seen = await look(path, PROXY)
    assert [each.row for each in seen] == [
        texts.UNIT_ABSENT,
        texts.PORT_FREE,
        texts.NO_ADDRESSES,
        texts.GATEWAY_PASSES_PROXY,
    ]
    assert seen[1].subject == str(closed_port.number)


async def test_addresses_in_certificates_and_a_held_port(
    credentials: Credentials, closed_port: ReservedPort, tmp_path: Path, programs: Programs
) -> None:
    servers = tmp_path / "servers"
    services = Services(closed_port.number)
    extensions = tuple(services.extensions(CENTRE_NAME))
    credentials.domain(FIRST_DOMAIN, folder=servers, extensions=extensions)
    path = tmp_path / "config.properties"
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        settings = {"revocation": "soft", "servers.dir": servers}
        write_config(path, credentials, port, {"0": 1}, settings)
        seen = await look(path, PROXY)
    assert [each.row for each in seen] == [
        texts.UNIT_ABSENT,
        texts.PORT_HELD,
        texts.ADDRESS_SILENT,
        texts.ADDRESS_SILENT,
        texts.GATEWAY_NEEDS_ROUTE,
    ]
    assert seen[2].subject == f"http://{LOOPBACK}:{closed_port.number}/ocsp"
    assert seen[4].facts == {"proxy": "http://proxy.uz:3128", "count": "2"}


async def test_addresses_of_the_rest_service(
    credentials: Credentials, closed_port: ReservedPort, tmp_path: Path, programs: Programs
) -> None:
    path = tmp_path / "config.properties"
    url = f"http://{LOOPBACK}:{closed_port.number}/tsp"
    path.write_text(
        f"tunnel.enabled=no\nlisten.ip={LOOPBACK}\nlisten.port={closed_port.number}\n"
        f"tsp.truststore.file={credentials.truststore}\ntsp.url={url}\n",
        encoding="utf-8",
    )
    seen = await look(path)
    assert [(each.row, each.subject) for each in seen[1:]] == [
        (texts.PORT_FREE, str(closed_port.number)),
        (texts.ADDRESS_SILENT, url),
    ]


async def test_a_configuration_with_faults(tmp_path: Path, programs: Programs) -> None:
    assert [each.row for each in await look(tmp_path / "none")] == [texts.UNIT_ABSENT]
