"""The words of ends are a promise: logs and metrics have them."""

from __future__ import annotations

from tunnel_gateway.end_reasons import GATEWAY_ENDS, EndReason


def test_the_words_stay() -> None:
    assert [reason.value for reason in GATEWAY_ENDS] == [
        "completed",
        "peer_left",
        "peer_lost",
        "destination_lost",
        "idle_timeout",
        "half_close_timeout",
        "lifetime_timeout",
        "upgrade_refused",
    ]
    assert {reason.value for reason in set(EndReason) - set(GATEWAY_ENDS)} == {
        "page_lost",
        "local_lost",
    }
