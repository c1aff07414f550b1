"""The wishes of the user's side for a gateway that speaks STP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.trust.validation import ChainValidator
from tunnel_gateway.protocol.stp.stp_client import StpClientSettings
from tunnel_gateway.protocol.stp.stp_constants import DEFAULT_MODES, Mode

DEFAULT_MODE_NAMES: Final = frozenset(mode.name.lower() for mode in DEFAULT_MODES)
_MAX_NUMBER: Final = 255  # STP has one byte for a dst_id


def stp_client_settings(
    domain: str,
    dst_id: str,
    identity: Identity,
    validator: ChainValidator,
    modes: Iterable[str] = DEFAULT_MODE_NAMES,
) -> StpClientSettings:
    """Return the wishes of a user who wants ``dst_id`` of ``domain``.

    ``modes`` are those that the gateway may answer in, in the words of the settings. Raises
    ValueError for a dst_id that is not a number of one byte.
    """
    if not (dst_id.isascii() and dst_id.isdecimal()) or int(dst_id) > _MAX_NUMBER:
        raise ValueError(
            f"dst_id must be a number from 0 to {_MAX_NUMBER}: this gateway speaks STP"
        )
    return StpClientSettings(
        int(dst_id),
        identity,
        lambda der, at: validator.verify_server([der], at, domain),
        frozenset(Mode[name.upper()] for name in modes),
    )
