"""The permission that Chromium itself reads from its profile is the one that the doctor reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.support.browser import CHROMIUM
from tests.support.loopback import LOOPBACK
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.browser_permission import check_permission

_QUERY = "async () => (await navigator.permissions.query({name: 'loopback-network'})).state"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def _ignored(days: int) -> dict[str, Any]:
    moment = datetime.now(UTC) - timedelta(days=days)
    counts = {"ignore_count": 4, "ignore_embargo_days": (moment - _EPOCH) / timedelta.resolution}
    return {"permission_autoblocking_data": {"setting": {"LoopbackNetwork": counts}}}


@pytest.mark.parametrize(
    ("kept", "state", "row"),
    [
        ({"loopback_network": {"setting": 2}}, "denied", texts.SITE_BLOCKED),
        ({"loopback_network": {"setting": 1}}, "granted", texts.PERMISSION_TOLD),
        (_ignored(6), "denied", texts.SITE_PAUSED),
        (_ignored(8), "prompt", texts.PERMISSION_TOLD),
    ],
    ids=["no", "yes", "ignored", "ignored long ago"],
)
def test_a_permission(
    playwright: Playwright, tmp_path: Path, kept: dict[str, Any], state: str, row: object
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://localhost:{server.server_port}"
        exceptions = {name: {f"{origin},*": entry} for name, entry in kept.items()}
        profile = tmp_path / ".config/chromium/Default"
        profile.mkdir(parents=True)
        content = {"profile": {"content_settings": {"exceptions": exceptions}}}
        (profile / "Preferences").write_text(json.dumps(content), encoding="utf-8")
        (seen,) = check_permission(tmp_path, datetime.now(UTC), ())
        assert seen.row is row
        running = playwright.chromium.launch_persistent_context(
            profile.parent, executable_path=CHROMIUM, headless=True, args=["--no-sandbox"]
        )
        page = running.new_page()
        page.goto(origin)
        assert page.evaluate(_QUERY) == state
        running.close()
        server.shutdown()
