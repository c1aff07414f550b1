"""The other implementations, each of which a machine may lack: then its tests say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.rest.java import java_available
from tests.interop.bouncy_castle import BouncyCastle
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


@pytest.fixture(scope="session")
def bouncy_castle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BouncyCastle]:
    if not java_available():
        pytest.skip(
            "NOT COMPARED with BouncyCastle: install the packages default-jdk-headless and"
            " libbcpkix-java"
        )
    with BouncyCastle(tmp_path_factory.mktemp("bouncy-castle")) as started:
        yield started
