"""A session keeps its material to its end, also after a reload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.house import house


async def test_a_session_keeps_the_material_that_it_began_with(
    credentials: Credentials, tmp_path: Path
) -> None:
    async with house(credentials, tmp_path, limit=7) as home:
        begun_with = home.resources
        other = replace(begun_with.config, limits=replace(begun_with.config.limits, tunnels=8))
        home.resources = replace(begun_with, material=replace(begun_with.material, config=other))
        assert begun_with.config.limits.tunnels == 7
        assert home.resources.config.limits.tunnels == 8
        assert home.resources.admission is begun_with.admission
        settings = begun_with.settings
        assert settings.identity_for(FIRST_DOMAIN) is begun_with.material.domains[FIRST_DOMAIN]
        assert settings.validator is begun_with.material.validator
