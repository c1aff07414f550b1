"""``deploy/nginx/rest.conf``: a real nginx in front of two REST daemons that share a real Redis."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import ExitStack, closing, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.centre import RunningCentre
from tests.support.credentials import Credentials
from tests.support.fleet import find_or_skip
from tests.support.processes import LOOPBACK, PROJECT, Program, ReservedPort, wait_until
from tests.support.redis import RedisServer
from tests.support.rest_daemon import RestDaemon

CONFIG = PROJECT / "deploy/nginx/rest.conf"
RUN = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
PASSWORD = "test"
# The vendor's keys; the status is waited for however busy the machine is.
SHARED = """\
tsp.truststore.file={roots}
cache.type=redis
cache.redis.host={host}
cache.redis.port={port}
cache.redis.password={password}
cache.redis.db=0
status.timeout=30
"""


class Application(ThreadingHTTPServer):
    """The site's own application: it answers ``site``, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Asked)
        self.port: int = self.server_address[1]
        self.asked: list[tuple[str, dict[str, str]]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class _Asked(BaseHTTPRequestHandler):
    server: Application

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        # `path` has one slash at the beginning, however many came.
        path = self.requestline.split()[1]
        self.server.asked.append((path, dict(self.headers.items())))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"site")

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class RestPair:
    """``public`` is the port for users, ``inner`` the one for the application."""

    def __init__(self, folder: Path, credentials: Credentials, centre: RunningCentre) -> None:
        nginx = find_or_skip("nginx")
        find_or_skip("redis-server")
        self._stack = ExitStack()
        self.application = Application()
        self._stack.callback(self.application.server_close)
        self._stack.callback(self.application.shutdown)
        with closing(ReservedPort()) as port:
            self.redis = RedisServer(folder, PASSWORD, port.number)
            self.redis.start()
        self._stack.callback(self.redis.kill)
        shared = SHARED.format(
            roots=centre.write_truststore(folder / "roots.pem"),
            host=LOOPBACK,
            port=port.number,
            password=PASSWORD,
        )
        self.daemons = []
        for name in ("a", "b"):
            (folder / name).mkdir()
            daemon = RestDaemon(folder / name, credentials, shared)
            self.daemons.append(daemon)
            daemon.logged("challenges_shared")
        public, inner = ReservedPort(), ReservedPort()
        self.public, self.inner = public.number, inner.number
        config = self._nginx_config(folder)
        settings = f"daemon off; pid {folder}/nginx.pid;"
        arguments = ("-p", str(folder), "-c", str(config), "-e", "stderr", "-g", settings)
        self.nginx = Program("nginx", "-c", RUN, nginx, *arguments)
        for reserved in (public, inner):
            wait_until(lambda port=reserved.number: _listens(port), "nginx")  # type: ignore[misc]
            reserved.close()

    def _nginx_config(self, folder: Path) -> Path:
        """Return the file of ``deploy``, with our addresses, in the frame that nginx needs."""
        text = CONFIG.read_text(encoding="utf-8")
        ours = {
            "listen 80;": f"listen {LOOPBACK}:{self.public};",
            "10.0.0.11:8080": f"{LOOPBACK}:{self.daemons[0].port}",
            "10.0.0.12:8080": f"{LOOPBACK}:{self.daemons[1].port}",
            "listen 127.0.0.1:8080;": f"listen {LOOPBACK}:{self.inner};",
            "127.0.0.1:3000": f"{LOOPBACK}:{self.application.port}",
        }
        for example, address in ours.items():
            assert text.count(example) == 1, example
            text = text.replace(example, address)
        paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in FOLDERS)
        # The worker reads folders that only the user of the tests may read.
        user = "user root;\n" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(
            f"{user}worker_processes 2;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{text}}}\n",
            encoding="utf-8",
        )
        return config

    def close(self) -> None:
        """End everything, and fail if a daemon that still runs wrote of an error of its own."""
        with self._stack:
            assert self.nginx.stop() == 0, self.nginx.last_words()
            for daemon in self.daemons:
                if daemon.process.poll() is None:
                    assert daemon.stop() == 0, daemon.last_words()
                assert not {"call_failed", "challenges_away"} & {
                    line["event"] for line in daemon.records()
                }


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port)):
        return True
    return False
