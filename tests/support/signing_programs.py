"""Stand-ins for the programs on a user's machine that answer pages: our agent, and E-IMZO 6.

E-IMZO answers once on each socket and closes it, sends numbers instead of codes, and makes no
tunnels.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from tests.support.processes import LOOPBACK

API = "/service/cryptapi"
SILENCE = "silence"  # an answer that never comes
BYE = "bye"  # the socket is closed instead of an answer
NOT_FOUND = {"success": False, "status": 0, "reason": "Функция не найдена"}

Answer = Mapping[str, Any] | str
Answers = Mapping[str, Answer | Callable[..., Answer]]


def alias(name: str = "g‘aniyev o‘ktam", *, until: str = "2048.11.23 23:59:59", **more: str) -> str:
    """Return the alias of a key; ``more`` are further parts, ``o`` the name of an organisation."""
    parts = {"cn": name, "1.2.860.3.16.1.2": "10000000000001", "serialnumber": "7a219151"}
    dates = {"validfrom": "2020.11.24 15:19:54", "validto": until}
    return ",".join(f"{part}={text}" for part, text in (parts | more | dates).items())


def key(name: str = "g‘aniyev o‘ktam", disk: str = "/home/u/DSKEYS", **more: str) -> dict[str, str]:
    """Return a key as it is listed."""
    return {"disk": disk, "path": "/", "name": "DS1", "alias": alias(name, **more)}


@dataclass
class SigningProgram:
    """A running stand-in, and what pages have asked of it."""

    server: Server
    answers: dict[str, Answer | Callable[..., Answer]]
    once: bool
    calls: list[list[Any]] = field(default_factory=list)
    open: int = 0
    most: int = 0
    tunnels: list[ServerConnection] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        port: int = self.server.socket.getsockname()[1]
        return port

    def names(self) -> list[str]:
        """Return the functions that were called, in order."""
        return [call[0] for call in self.calls]

    def count(self, name: str) -> int:
        """Return how often a function was called."""
        return self.names().count(name)


def _tunnels(functions: list[str]) -> Answer:
    described = [
        {"plugin": plugin, "name": name, "description": "", "arguments": []}
        for plugin, _, name in (function.rpartition(".") for function in functions)
    ]
    document = [{"name": "all", "description": "", "functions": described}]
    return {"success": True, "status": 1, "apidoc": document}


def _answers(port: int) -> dict[str, Answer | Callable[..., Answer]]:
    numbers = iter(range(1_000_000))
    good = {"success": True, "status": 1}
    return {
        "apidoc": _tunnels(["pkcs7.create_pkcs7", "tunnel.create_tunnel"]),
        "apikey": good,
        "pfx.list_all_certificates": {**good, "certificates": [key()]},
        "pfx.load_key": lambda *_: {**good, "keyId": f"key {next(numbers)}"},
        "tunnel.create_tunnel": {**good, "address": f"{LOOPBACK}:{port}"},
        "pkcs7.create_pkcs7": lambda data, *_: {
            **good,
            "pkcs7_64": base64.b64encode(b"signed " + base64.b64decode(data)).decode(),
        },
    }


def _talk(program: SigningProgram, socket: ServerConnection) -> None:
    for message in socket:
        call = json.loads(message)
        name = f"{call.get('plugin', '')}.{call['name']}".removeprefix(".")
        arguments = call.get("arguments", [])
        with program.lock:
            program.calls.append([name, *arguments])
        answer = program.answers.get(name, NOT_FOUND)
        if callable(answer):
            answer = answer(*arguments)
        if answer == BYE:
            return
        if answer != SILENCE:
            socket.send(answer if isinstance(answer, str) else json.dumps(answer))
            if program.once:
                return


def _tunnel(program: SigningProgram, socket: ServerConnection) -> None:
    """Greet, and echo; ``end 1011 gateway_lost: it broke`` closes, ``break`` breaks off."""
    program.tunnels.append(socket)
    assert socket.request is not None
    socket.send(f"welcome to {socket.request.path} {socket.subprotocol or ''}".strip())
    for message in socket:
        if message == "break":
            socket.socket.close()
        elif isinstance(message, str) and message.startswith("end "):
            _, code, reason = message.split(" ", 2)
            socket.close(int(code), reason)
        else:
            socket.send(message)


@contextmanager
def signing_program(
    answers: Answers | None = None,
    *,
    once: bool = False,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[SigningProgram]:
    """Run a stand-in for our agent; ``answers`` replaces some of its answers by those given."""

    def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        is_call = socket.request.path == API
        with program.lock:
            program.open += is_call
            program.most = max(program.most, program.open)
        try:
            (_talk if is_call else _tunnel)(program, socket)
        except (ConnectionClosed, OSError):
            pass  # the page has gone
        finally:
            with program.lock:
                program.open -= is_call

    server = serve(
        handle,
        LOOPBACK,
        port,
        ssl=tls,
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    )
    program = SigningProgram(server, {}, once)
    program.answers = _answers(program.port) | dict(answers or {})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield program
    finally:
        server.shutdown()
        thread.join()


def eimzo(answers: Answers | None = None, **options: Any) -> Any:
    """Run a stand-in for E-IMZO 6."""
    own: Answers = {"apidoc": _tunnels(["pkcs7.create_pkcs7"]), "tunnel.create_tunnel": NOT_FOUND}
    return signing_program({**own, **(answers or {})}, once=True, **options)
