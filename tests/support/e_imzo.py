"""A stand-in for E-IMZO 6, as a process: it holds the first pair of ports, and has no tunnels.

It answers once on each socket and closes it with 1000. An answer has ``success`` and ``status``. It
has a version, a list of functions without a tunnel, and the vendor's words for a function that it
does not have. A test
chooses the name of its process, because all programs of the machine see it.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.server import ServerConnection, serve

LOOPBACK = "127.0.0.1"
NOT_THERE = "Функция не найдена или версия E-IMZO устарела. Обновите E-IMZO."
VERSION = {"major": "6", "minor": "4", "patch": "7", "edition": "desktop"}
FUNCTIONS = [
    {
        "name": "pfx",
        "description": "keys",
        "functions": [
            {
                "plugin": "pfx",
                "name": "list_all_certificates",
                "description": "all keys",
                "arguments": [],
            }
        ],
    }
]


class EImzo:
    """The process, listening on ``ports``: the first is ws; a second one is wss.

    Its process has this ``name``; Java has ``jar`` among its arguments. Without ``answering`` it
    takes connections and says nothing. ``user`` is the number of another user.
    """

    def __init__(
        self,
        folder: Path,
        ports: Sequence[int],
        *,
        name: str,
        jar: str | None = None,
        certificate: Path | None = None,
        answering: bool = True,
        user: int | None = None,
    ) -> None:
        program = folder / name  # the system shows the name of the file as the process's
        if not program.is_symlink():
            program.symlink_to(Path(sys.executable).resolve())
        words = [] if jar is None else ["-jar", jar]
        options = {
            "ports": list(ports),
            "certificate": certificate and str(certificate),
            "answering": answering,
            "user": user,
        }
        self.process = subprocess.Popen(
            (program, __file__, json.dumps(options), *words),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self.process.stdout is not None
        self.word = self.process.stdout.readline().strip()

    def end(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def answer(call: Any) -> dict[str, object]:
    """What it answers."""
    if call.get("name") == "version":
        return {"success": True, "status": 1, **VERSION}
    if call.get("name") == "apidoc":
        return {"success": True, "status": 1, "apidoc": FUNCTIONS}
    return {"success": False, "status": 0, "reason": NOT_THERE}


async def _run(ports: list[int], certificate: str | None, *, answering: bool) -> None:
    async def once(socket: ServerConnection) -> None:
        await socket.send(json.dumps(answer(json.loads(await socket.recv())), ensure_ascii=False))
        await socket.close(1000)

    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    for number, port in enumerate(ports):
        context = None
        if number and certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        try:
            if answering:
                await serve(once, LOOPBACK, port, ssl=context, compression=None)
            else:
                await asyncio.start_server(silent, LOOPBACK, port)
        except OSError:
            sys.stdout.write("the ports are taken\n")
            break
    else:
        sys.stdout.write("listening\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if given["user"] is not None:
        os.setuid(given["user"])
    asyncio.run(_run(given["ports"], given["certificate"], answering=given["answering"]))
