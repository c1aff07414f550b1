"""The errors of STP add no code to those that logs and metrics know."""

from __future__ import annotations

import pytest

from tunnel_gateway.errors import NoCommonSuiteError, TunnelGatewayError, UnknownDomainError
from tunnel_gateway.observability.metric_table import REASONS
from tunnel_gateway.protocol.stp.stp_errors import CurveNotServedError, RepeatableModeError


@pytest.mark.parametrize(
    ("kind", "shared"),
    [(RepeatableModeError, NoCommonSuiteError), (CurveNotServedError, UnknownDomainError)],
)
def test_each_shares_the_code_of_its_parent(
    kind: type[TunnelGatewayError], shared: type[TunnelGatewayError]
) -> None:
    assert issubclass(kind, shared)
    assert kind.code == shared.code
    assert kind.code in REASONS
