"""The packed library of pages, a site that serves it, and what of it the browser has run."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.support.browser import Visit, visit
from tests.support.processes import LOOPBACK, PROJECT

SOURCE = PROJECT / "web"
FOLDER = "/web/"
BLANK = b"<!doctype html><html lang=en><meta charset=utf-8><title>A page</title><main></main>"
KINDS = {".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8"}


def pack(folder: Path) -> Path:
    """Pack the library with npm and unpack it again; without npm, copy it."""
    if shutil.which("npm") is None:
        return Path(shutil.copytree(SOURCE, folder / "package"))
    command = ["npm", "pack", "--silent", "--offline", "--pack-destination", str(folder)]
    subprocess.run(command, cwd=SOURCE, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(folder)], check=True)
    return folder / "package"


@dataclass
class Site:
    """A site with the library under /web/ and a small backend; ``asked`` is what it was asked."""

    package: Path
    ports: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def origin(self, scheme: str = "http", host: str = "localhost") -> str:
        """Return an origin of the site. Browsers take localhost for a page of the machine."""
        return f"{scheme}://{host}:{self.ports[scheme]}"

    def answer(self, path: str, body: str) -> tuple[int, str, bytes]:
        """Return status, content type and content."""
        self.asked.append((path, body))
        file = self.package / path.removeprefix(FOLDER)
        if path.startswith(FOLDER) and file.is_file():
            return 200, KINDS.get(file.suffix, "text/plain"), file.read_bytes()
        answers: dict[str, tuple[int, Any]] = {
            "/frontend/challenge": (200, {"challenge": "a challenge", "status": 1}),
            "/frontend/timestamp/pkcs7": (200, {"pkcs7b64": f"stamped {body}", "status": 1}),
            "/session": (200, {"user": body}),
            "/refused": (403, {"status": -20, "reason": "challenge_unknown", "message": "no"}),
            "/no": (200, {"status": -10, "reason": "document_changed", "message": "changed"}),
            "/error": (500, {}),
        }
        if path in answers:
            status, content = answers[path]
            return status, "application/json", json.dumps(content).encode()
        if path == "/text":
            return 200, "text/plain", f"got {body}".encode()
        return 200, KINDS[".html"], BLANK


@contextmanager
def serving_site(package: Path, tls: ssl.SSLContext) -> Iterator[Site]:
    """Serve the site by http and by https."""
    site = Site(package)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def answer(self, body: str) -> None:
            status, kind, content = site.answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    servers = {scheme: ThreadingHTTPServer((LOOPBACK, 0), Handler) for scheme in ("http", "https")}
    servers["https"].socket = tls.wrap_socket(servers["https"].socket, server_side=True)
    for scheme, server in servers.items():
        site.ports[scheme] = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()


@dataclass
class Coverage:
    """Which characters of which file have run, in all pages together."""

    run: dict[str, list[bool]] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)

    def add(self, result: list[dict[str, Any]], sources: dict[str, str]) -> None:
        """Add what one page has run, as the browser's profiler tells it by blocks."""
        for script in result:
            if FOLDER not in script["url"]:
                continue
            name = script["url"].rpartition("/")[2]
            text = self.text.setdefault(name, sources[name])
            counts = [False] * len(text)
            for function in script["functions"]:  # the outer ones come first
                for one in function["ranges"]:
                    here = slice(one["startOffset"], one["endOffset"])
                    counts[here] = [one["count"] > 0] * len(counts[here])
            known = self.run.setdefault(name, [False] * len(text))
            self.run[name] = [a or b for a, b in zip(known, counts, strict=True)]

    def missing(self) -> list[str]:
        """Return the pieces that no page has run. A bracket alone is no piece."""
        pieces = []
        for name, run in self.run.items():
            text = self.text[name]
            start = 0
            for end in range(len(text) + 1):
                if end < len(text) and not run[end]:
                    continue
                piece = text[start:end].strip()
                if piece.strip("};) \n"):
                    line = text.count("\n", 0, start) + 1
                    pieces.append(f"{name}:{line}: {piece}")
                start = end + 1
        return pieces


@contextmanager
def counted(page: Page, coverage: Coverage, package: Path) -> Iterator[None]:
    """Count what a page runs until the end of the block."""
    session = page.context.new_cdp_session(page)
    session.send("Profiler.enable")
    session.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": True})
    try:
        yield
    finally:
        result = session.send("Profiler.takePreciseCoverage")["result"]
        sources = {path.name: path.read_text("utf-8") for path in package.glob("*.js")}
        coverage.add(result, sources)


@dataclass
class Lab:
    """Pages that use the library, one after the other."""

    browser: Browser
    site: Site
    coverage: Coverage

    @contextmanager
    def page(self, origin: str | None = None, before: str = "", **options: Any) -> Iterator[Visit]:
        """Show a page that has run the script ``before``, and counts what it runs."""
        with visit(self.browser, "about:blank", **options) as seen:
            if before:
                seen.page.add_init_script(before)
            with counted(seen.page, self.coverage, self.site.package):
                seen.page.goto((origin or self.site.origin()) + "/page")
                yield seen


def run(seen: Visit, lines: str, *arguments: object) -> Any:
    """Run lines of JavaScript with the library as ``web`` and ``arguments`` as ``given``.

    An error of the library comes back as an object with its code.
    """
    return seen.page.evaluate(
        f"""async (given) => {{
          const web = await import("/web/index.js");
          try {{
            const lines = async () => {{ {lines} }};
            return await lines();
          }} catch (error) {{
            if (!(error instanceof web.AgentError)) throw error;
            return {{ code: error.code, message: error.message, uz: error.text("uz") }};
          }}
        }}""",
        list(arguments),
    )
