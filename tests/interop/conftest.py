"""The other implementations, each of which a machine may lack: then its tests say so."""

from __future__ import annotations

import pytest

from tests.interop.gost_engine import GostEngine


@pytest.fixture(scope="session")
def gost_engine(tmp_path_factory: pytest.TempPathFactory) -> GostEngine:
    engine = GostEngine(tmp_path_factory.mktemp("gost-engine"))
    if not engine.available():
        pytest.skip(
            "NOT COMPARED with OpenSSL's gost-engine: install the packages openssl and"
            " libengine-gost-openssl"
        )
    return engine
