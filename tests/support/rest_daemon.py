"""``tunnel-gateway serve`` with the REST service, alone or beside the tunnels."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from tests.support.admin import Operator
from tests.support.credentials import Credentials
from tests.support.processes import COMMAND, LOOPBACK, TIME_LIMIT, LoggingProgram, ReservedPort

# The guide's own example of section 2.1, with another address and port.
GUIDE = """\
listen.ip={host}
listen.port={port}
vpn.tls.enabled=yes
vpn.connect.host=vpn.e-imzo.uz
vpn.connect.port=3443
vpn.key.file.path=keys/example.uz-2022-10-24.key
vpn.key.password=19E581A1AF9382F0
vpn.truststore.file.path=keys/vpn.jks
tsp.jks.file.path=keys/truststore.jks
"""


def write_rest(folder: Path, credentials: Credentials, port: int, more: str = "") -> Path:
    """Write the guide's file with the truststore that it names, and ``more`` lines."""
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys/truststore.jks").write_bytes(credentials.truststore.read_bytes())
    path = folder / "config.properties"
    path.write_text(GUIDE.format(host=LOOPBACK, port=port) + more, encoding="utf-8")
    return path


class RestDaemon(LoggingProgram):
    """The program; ``more`` are lines of its file. ``admin`` says whether operators can ask."""

    def __init__(
        self, folder: Path, credentials: Credentials, more: str = "", *, admin: bool = True
    ) -> None:
        reserved = ReservedPort()
        self.port = reserved.number
        if admin:
            more = f"tunnel.admin.listen=unix:{folder}/admin.sock\n{more}"
        self.config = write_rest(folder, credentials, self.port, more)
        self.operator = Operator(folder / "admin.sock")
        super().__init__("the gateway", *COMMAND, "serve", "--config", str(self.config))
        try:
            self.logged("rest_listening")
            self.wait_for(self._answers, "an answer of the REST service")
        finally:
            reserved.close()

    def _answers(self) -> bool:
        try:
            return self.get("/ping")[0] == http.HTTPStatus.OK
        except ConnectionRefusedError:
            return False

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Call with GET; return the HTTP code and the answer."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=TIME_LIMIT)
        connection.request("GET", path)
        with connection.getresponse() as response:
            answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def steps(self) -> list[str]:
        """Return the names of the steps of its stop."""
        return [str(line["name"]) for line in self.records() if line["event"] == "stop_step"]
