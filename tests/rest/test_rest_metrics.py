from __future__ import annotations

import pytest

from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.rest.challenges import OwnChallenges
from tunnel_gateway.rest.rest_metrics import CountedChallenges, RestMetrics
from tunnel_gateway.rest.statuses import Reason, Refusal


def test_counts_begin_at_zero() -> None:
    metrics = Metrics()
    RestMetrics(metrics).know(["/ping"])
    text = metrics.text().decode()
    assert 'tunnel_gateway_rest_calls_total{path="/ping",status="1"} 0.0' in text
    assert 'tunnel_gateway_rest_challenges_total{result="refused"} 0.0' in text


async def test_challenges_are_counted() -> None:
    metrics = Metrics()
    store = OwnChallenges(60, 1, lambda: 0.0)
    challenges = CountedChallenges(store, RestMetrics(metrics))
    first, second = await challenges.give(), await challenges.give()
    assert await challenges.take(first)
    assert not await challenges.take(first)
    with pytest.raises(Refusal) as caught:
        await challenges.take(second)
    assert caught.value.reason is Reason.OVERLOADED
    text = metrics.text().decode()
    for result, count in (("given", 2), ("taken", 1), ("refused", 1)):
        assert f'tunnel_gateway_rest_challenges_total{{result="{result}"}} {count}.0' in text
