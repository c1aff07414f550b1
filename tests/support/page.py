"""The agent's service as a process, and pages that call it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.credentials import FIRST_DOMAIN, MADE, Credentials
from tests.support.processes import COMMAND, LOOPBACK, TIME_LIMIT, LoggingProgram, check_event
from tunnel_gateway.agent.api.apikey import make_api_key
from tunnel_gateway.gost.curves import CRYPTOPRO_A, PrivateKey
from tunnel_gateway.observability.event_table import AGENT_EVENTS
from tunnel_gateway.pki.authority import API_KEYS, issue
from tunnel_gateway.pki.certificates.alias import make_alias
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.files.keyfiles import Identity, identity_to_pfx

PAGE = f"https://{FIRST_DOMAIN}"
PASSWORD = b"parol 1"
VENDOR_KEYS = (
    "localhost",
    (
        "96D0C1491615C82B9A54D9989779DF825B690748224C2B04F500F370D51827CE"
        "2644D8D4A82C18184D73AB8530BB8ED537269603F61DB0D03D2104ABF789970B"
    ),
    "127.0.0.1",
    (
        "A7BCFA5D490B351BE0754130DF03A068F855DB4333D43921125B9CF2670EF6A4"
        "0370C646B90401955E1F7BC9CDBF59CE0B2C5467D820BE189C845D0B79CFC96F"
    ),
)


class ApiKeyIssuer:
    """Who signs API-KEYs beside the vendor, and his certificate in a file."""

    def __init__(self, folder: Path) -> None:
        self.identity: Identity = issue(
            None, [("CN", "API-KEYs")], API_KEYS, now=MADE, entropy=os.urandom
        )
        self.file = folder / "apikey.pem"
        self.file.write_bytes(to_pem(self.identity.chain))

    def key(self, domain: str) -> str:
        """Make a key."""
        return make_api_key(self.identity.private_key, domain, os.urandom(32))

    @staticmethod
    def stranger() -> PrivateKey:
        """A key that nobody knows."""
        return PrivateKey.generate(CRYPTOPRO_A, os.urandom)


@dataclass(frozen=True)
class Page:
    """A page at ``origin`` that calls the agent at ``port``."""

    port: int
    origin: str | None = PAGE

    def socket(self, **options: Any) -> ClientConnection:
        """Open a socket."""
        options = {"origin": self.origin} | options
        return connect(
            f"ws://{LOOPBACK}:{self.port}/service/cryptapi",
            proxy=None,
            compression=None,
            open_timeout=TIME_LIMIT,
            **options,
        )

    def call(self, name: str, *arguments: object, plugin: str | None = None) -> dict[str, Any]:
        """Call a function on a socket of its own."""
        call = {"name": name, "arguments": arguments}
        if plugin is not None:
            call["plugin"] = plugin
        return self.send(json.dumps(call))

    def send(self, message: str | bytes) -> dict[str, Any]:
        """Send a message and return the answer."""
        with self.socket() as socket:
            socket.send(message)
            answer = json.loads(socket.recv(TIME_LIMIT))
        assert isinstance(answer, dict)
        return answer

    def load_key(self) -> str:
        """Load the first key that there is."""
        (found, *_) = self.call("list_all_certificates", plugin="pfx")["certificates"]
        parts = [found[part] for part in ("disk", "path", "name", "alias")]
        answer = self.call("load_key", *parts, plugin="pfx")
        return str(answer["keyId"])

    def tunnel(self, key_id: str, dst_id: str = "api") -> dict[str, Any]:
        """Ask for a tunnel."""
        return self.call("create_tunnel", dst_id, key_id, plugin="tunnel")

    def enter(self, address: str, **options: Any) -> ClientConnection:
        """Connect to a tunnel's address."""
        options = {"origin": self.origin} | options
        return connect(f"ws://{address}/", proxy=None, open_timeout=TIME_LIMIT, **options)


class AgentService(LoggingProgram):
    """``tunnel-gateway agent``, with users' keys and a gateway for each of the domains."""

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        gateway_port: int,
        *,
        domains: Sequence[str] = (FIRST_DOMAIN,),
        users: Mapping[str, Identity] | None = None,
        key_folders: Sequence[Path] = (),
        settings: str = "",
        program: Sequence[str] = COMMAND,
        more: Sequence[str] = (),
        preloaded: bool = True,
    ) -> None:
        users = users or {"citizen": credentials.citizen.identity}
        self.issuer = ApiKeyIssuer(folder)
        self.state = folder / "state"
        keys = folder / "keys"
        keys.mkdir()
        for name, user in users.items():
            alias = make_alias(user.leaf)
            pfx = identity_to_pfx(user, alias, PASSWORD, os.urandom, rounds=1000)
            _private(keys / f"{name}.pfx", pfx)
        self._keys = keys
        self.password = _private(folder / "password", PASSWORD)
        file = folder / "agent.properties"
        file.write_text(
            settings
            + "".join(f"agent.tunnel.{one}={LOOPBACK}:{gateway_port}\n" for one in domains)
            + f"agent.truststore.file={credentials.truststore}\n"
            f"agent.apikey.issuers={self.issuer.file}\n"
            f"agent.keys.dirs={','.join(map(str, (keys, *key_folders)))}\n",
            encoding="utf-8",
        )
        super().__init__(
            "the agent",
            *program,
            *("agent", "--settings", str(file), "--state", str(self.state)),
            *("--password-file", str(self.password), "--ws-port", "0", "--wss-port", "0", *more),
            preloaded=preloaded,
        )

    def key(self, user: str) -> Path:
        """Return the file with the key of a user; ``password`` is the file that opens it."""
        return self._keys / f"{user}.pfx"

    @cached_property
    def ports(self) -> dict[str, int]:
        """Wait until it listens."""
        found: dict[str, int] = self.next_output()
        return found

    def page(self, origin: str | None = PAGE) -> Page:
        """A page that has not called yet."""
        return Page(self.ports["ws_port"], origin)

    def opened(self, origin: str = PAGE, domain: str = FIRST_DOMAIN) -> Page:
        """A page that has installed its API-KEY."""
        page = self.page(origin)
        assert page.call("apikey", domain, self.issuer.key(domain))["success"] is True
        return page

    def check_log(self) -> None:
        """Fail if it wrote of an error of its own, or a line that is not in the table of events."""
        log = "\n".join(self.errors)
        for word in ("Traceback", "never retrieved", "internal_error", "Warning"):
            assert word not in log, log
        assert PASSWORD.decode() not in log
        for line in self.errors:
            if line.startswith("{"):  # a failed start is told in words
                check_event(json.loads(line), AGENT_EVENTS)


def _private(path: Path, data: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path
