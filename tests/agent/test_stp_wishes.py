"""What is wanted of a gateway that speaks STP."""

from __future__ import annotations

import pytest

from tests.support.credentials import Credentials
from tunnel_gateway.agent.stp_wishes import DEFAULT_MODE_NAMES, stp_client_settings
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.stp.stp_constants import DEFAULT_MODES, Mode


def test_the_wishes(credentials: Credentials) -> None:
    validator = ChainValidator([credentials.authority.root.leaf])
    user = credentials.citizen.identity
    settings = stp_client_settings("example.uz", "007", user, validator)
    assert (settings.dst_id, settings.identity) == (7, user)
    assert settings.modes == DEFAULT_MODES
    more = stp_client_settings("example.uz", "255", user, validator, {*DEFAULT_MODE_NAMES, "sic"})
    assert more.modes == DEFAULT_MODES | {Mode.SIC}


@pytest.mark.parametrize("wrong", ["api", "256", "-1", "٧", ""])
def test_a_destination_that_stp_cannot_name(credentials: Credentials, wrong: str) -> None:
    validator = ChainValidator([credentials.authority.root.leaf])
    with pytest.raises(ValueError, match="from 0 to 255"):
        stp_client_settings("example.uz", wrong, credentials.citizen.identity, validator)
