"""The permission of Chromium and its kin: may a page call programs on the user's machine?

The browser keeps it in the file Preferences of a profile, for each site: 2 is a no. If the user has
ignored the question several times, the browser keeps the time there, and takes this for a no for a
week. An administrator can decide by a policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.browser_profiles import Profile, chromium_profiles
from tunnel_gateway.doctor.observation import Observation

POLICY_FOLDERS: Final = tuple(
    Path("/etc", name, "policies/managed")
    for name in ("chromium", "opt/chrome", "opt/edge", "brave")
)
# Since version 145 the permission for the user's own machine has this name, and another name among
# the ignored questions.
_PERMISSION: Final = "loopback_network"
_QUESTION: Final = "LoopbackNetwork"
_BLOCKING: Final = ("LoopbackNetworkBlockedForUrls", "LocalNetworkAccessBlockedForUrls")
_IGNORED: Final = "permission_autoblocking_data"
_NO: Final = 2
_PAUSE: Final = timedelta(days=7)
# Times are in microseconds since then.
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_SIZE: Final = 32 << 20
_MAX_SITES: Final = 20
_MAX_FILES: Final = 50

Json = Mapping[str, Any]


def check_permission(
    home: Path, now: datetime, policy_folders: Sequence[Path] = POLICY_FOLDERS
) -> Iterator[Observation]:
    """Yield an observation for each site that is blocked, or one that says where it is seen."""
    observations = [*_policies(policy_folders)]
    for profile in chromium_profiles(home):
        observations += _of_profile(profile, now)
    yield from observations
    if not observations:
        yield texts.PERMISSION_TOLD.seen("Chrome")


def policies(folders: Sequence[Path]) -> Iterator[tuple[Path, Json]]:
    """Yield the policies of an administrator, each with its file."""
    for folder in folders:
        for path in sorted(folder.glob("*.json"))[:_MAX_FILES]:
            yield path, _read(path)


def _policies(folders: Sequence[Path]) -> Iterator[Observation]:
    for path, policy in policies(folders):
        for key in _BLOCKING:
            if value := policy.get(key):
                yield texts.BLOCKED_BY_POLICY.seen(str(path), value=f"{key}={json.dumps(value)}")


def _of_profile(profile: Profile, now: datetime) -> Iterator[Observation]:
    preferences = _read(profile.folder / "Preferences")
    exceptions = _inside(preferences, "profile", "content_settings", "exceptions")
    blocked = {
        _site(pattern): None
        for pattern, entry in _inside(exceptions, _PERMISSION).items()
        if isinstance(entry, Mapping) and entry.get("setting") == _NO
    }
    for site in islice(blocked, _MAX_SITES):
        yield texts.SITE_BLOCKED.seen(site, browser=profile.browser, site=quote(site, safe=""))
    ignored = (
        _site(pattern)
        for pattern, entry in _inside(exceptions, _IGNORED).items()
        if _is_paused(_inside(entry, "setting", _QUESTION), now)
    )
    for site in islice(ignored, _MAX_SITES):
        if site not in blocked:
            yield texts.SITE_PAUSED.seen(site, browser=profile.browser)


def _is_paused(counts: Json, now: datetime) -> bool:
    """Tell whether the browser keeps its question to itself for a time."""
    until = (now - _EPOCH) / _MICROSECOND
    since = until - _PAUSE / _MICROSECOND
    return any(
        name.endswith("_embargo_days") and isinstance(time, int | float) and since < time <= until
        for name, time in counts.items()
    )


def _site(pattern: str) -> str:
    """Return the origin in a pair of patterns: ``https://example.uz:443,*``."""
    origin = pattern.partition(",")[0]
    return origin.removesuffix(":443") if origin.startswith("https:") else origin


def _inside(value: Any, *path: str) -> Json:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _read(path: Path) -> Json:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_MAX_SIZE))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}
