"""A phone for development: ``tunnel-gateway mobile phone`` signs with the key of a user."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

from programs import ROOT, gateway_program

_SECONDS = 30


class DevelopmentPhone:
    """It posts its uploads to the REST service at ``rest``."""

    def __init__(self, key: Path, password_file: Path | None, rest: str) -> None:
        self._options = [
            *("--key", str(key)),
            *(("--password-file", str(password_file)) if password_file else ()),
            *("--url", f"{rest}/frontend/mobile/upload"),
        ]
        self._turn = asyncio.Lock()

    def command(self) -> str:
        """Return the command for a person who copies it, in lines; the code goes to its end."""
        options = iter(option.replace(f"{ROOT}/", "") for option in self._options)
        lines = (shlex.join(pair) for pair in zip(options, options, strict=True))
        return " \\\n    ".join([".venv/bin/tunnel-gateway mobile phone", *lines])

    async def sign(self, code: str) -> str:
        """Sign a code and post the signature; return why that failed, or an empty text."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *gateway_program("mobile", "phone", *self._options, code),
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(_SECONDS):
                    _, errors = await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()
                return f"the phone was not ready in {_SECONDS} s"
        said = errors.decode("utf-8", "replace").strip()
        return said.rpartition("\n")[2] or "no reason was given" if process.returncode else ""
