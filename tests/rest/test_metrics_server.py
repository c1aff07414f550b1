from __future__ import annotations

import asyncio
from contextlib import closing

import pytest
from aiohttp import ClientSession

from tests.support.processes import ReservedPort
from tunnel_gateway.config.rest import MetricsSettings
from tunnel_gateway.errors import CannotListenError
from tunnel_gateway.observability.metrics import CONTENT_TYPE, Metrics
from tunnel_gateway.rest.metrics_server import MetricsServer


async def test_prometheus_is_answered() -> None:
    with closing(ReservedPort()) as port:
        server = MetricsServer(Metrics())
        server.listen(MetricsSettings(enabled=True, ip="127.0.0.1", port=port.number))
        await server.start()
        try:
            async with ClientSession() as session:
                for path in ("/metrics", "/"):
                    async with session.get(f"http://127.0.0.1:{port.number}{path}") as answer:
                        assert (answer.status, answer.headers["Content-Type"]) == (
                            200,
                            CONTENT_TYPE,
                        )
                        shown = await answer.text()
                        assert "tunnel_gateway_rest_challenges_total" in shown
                        assert "process_open_fds" in shown
                async with session.get(f"http://127.0.0.1:{port.number}/evil") as answer:
                    assert answer.status == 404
        finally:
            await server.close()
        with pytest.raises(OSError, match="refused"):
            await asyncio.open_connection("127.0.0.1", port.number)


async def test_a_taken_port_is_told_with_its_keys() -> None:
    with closing(ReservedPort()) as port, port.listen():
        server = MetricsServer(Metrics())
        settings = MetricsSettings(enabled=True, ip="127.0.0.1", port=port.number)
        with pytest.raises(CannotListenError, match=r"metrics\.server\.listen"):
            server.listen(settings)
        await server.start()  # without a port there is nothing to do
        await server.close()
