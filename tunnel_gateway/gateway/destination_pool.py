"""The WebSocket APIs behind the gateway: found by dst_id, and connected to where one answers.

A destination has one address or several: those that are given, and for a host name all that it
resolves to. They are tried in turn, each connection beginning with the next, those whose circuit
is open left out.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from typing import Final

from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import (
    DestinationBusyError,
    DestinationUnreachableError,
    Limit,
    UnknownDestinationError,
)
from tunnel_gateway.gateway.circuit import LAST_PROBE_SECONDS, AddressState, Circuit, probe_delays
from tunnel_gateway.limits.places import Places
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.streams.connecting import connect_in_turn, connect_within, look_up
from tunnel_gateway.transport.streams.stream import SocketStream

log = get_logger(__name__)

_PROBE_SECONDS: Final = 5.0
# What this machine lacks says nothing about the other.
_OUR_OWN: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


def find_destination(destinations: Mapping[str, Destination], dst_id: str) -> Destination:
    """Return the destination that a page asked for; raises UnknownDestinationError."""
    try:
        return destinations[dst_id]
    except KeyError:
        raise UnknownDestinationError(
            f"no destination {dst_id!r}: set tunnel.destination.{dst_id}.host and .port,"
            " or correct the page's dst_id"
        ) from None


class _Known:
    """What is remembered of one destination."""

    def __init__(self) -> None:
        self.circuits: dict[Address, Circuit] = {}
        self.resolved: dict[Address, tuple[Address, ...]] = {}
        self.turn = 0


class Destinations:
    """What is known of all addresses. It outlives a reload, for the addresses that stay."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._tunnels = Places()
        self._connecting = Places()
        self._probes: dict[Circuit, asyncio.Task[None]] = {}

    def configure(self, destinations: Mapping[str, Destination]) -> None:
        """Know these destinations, and forget all others."""
        for dst_id in self._known.keys() - destinations.keys():
            self._keep(self._known.pop(dst_id), ())
        for destination in destinations.values():
            known = self._known.setdefault(destination.id, _Known())
            stay = {one: known.resolved.get(one, (one,)) for one in destination.addresses}
            known.resolved = {one: found for one, found in stay.items() if one in known.resolved}
            self._keep(known, [one for found in stay.values() for one in found])
            for one in filter(_is_literal, destination.addresses):
                known.circuits.setdefault(one, Circuit())

    def states(self) -> tuple[AddressState, ...]:
        """Return what is known of every address that was used or is given as a number."""
        return tuple(
            AddressState(dst_id, address, not one.open, one.since, one.failures, one.tunnels)
            for dst_id, known in self._known.items()
            for address, one in known.circuits.items()
        )

    def tunnels(self, dst_id: str) -> int:
        """Return how many tunnels go to a destination."""
        return self._tunnels[dst_id]

    @contextmanager
    def tunnel(self, destination: Destination) -> Iterator[None]:
        """Hold a place for a tunnel to ``destination``; raises DestinationBusyError."""
        held = self._tunnels[destination.id]
        if destination.tunnel_limit is not None and held >= destination.tunnel_limit:
            raise DestinationBusyError(
                f"destination {destination.id} has {held} tunnels,"
                f" {Limit.DESTINATION_TUNNELS.reached(destination.id)}",
                Limit.DESTINATION_TUNNELS,
            )
        with self._tunnels.hold(destination.id):
            yield

    async def connect(self, destination: Destination, time_limit: float) -> SocketStream:
        """Connect to one of the addresses within ``time_limit`` seconds.

        Raises DestinationUnreachableError, DestinationBusyError.
        """
        held = self._connecting[destination.id]
        if held >= destination.connect_limit:
            raise DestinationBusyError(
                f"{held} connects to destination {destination.id} are in progress,"
                f" {Limit.DESTINATION_CONNECTS.reached(destination.id)}",
                Limit.DESTINATION_CONNECTS,
            )
        with self._connecting.hold(destination.id):
            return await self._connect(destination, time_limit)

    async def close(self) -> None:
        """End the probes."""
        probes = tuple(self._probes.values())
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)

    # --- connecting ------------------------------------------------------------------------

    async def _connect(self, destination: Destination, time_limit: float) -> SocketStream:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + time_limit
        faults: dict[Address, str] = {}
        addresses = await self._resolve(destination, time_limit, faults)
        closed = self._in_turn(destination.id, addresses, faults)
        found = await connect_in_turn(closed, deadline, partial(self._attempt, destination.id))
        if isinstance(found, SocketStream):
            return found
        texts = [f"({address}): {fault}" for address, fault in (faults | found).items()]
        raise DestinationUnreachableError(f"destination {destination.id} {', '.join(texts)}")

    def _in_turn(
        self, dst_id: str, addresses: Sequence[Address], faults: dict[Address, str]
    ) -> list[Address]:
        known = self._of(dst_id)
        known.turn += 1
        closed = []
        for number in range(len(addresses)):
            address = addresses[(known.turn + number) % len(addresses)]
            circuit = self._circuit(dst_id, address)
            if circuit.open:
                faults[address] = circuit.story()
            else:
                closed.append(address)
        return closed

    async def _attempt(self, dst_id: str, address: Address, seconds: float) -> SocketStream | str:
        """Return the connection, or why there is none."""
        circuit = self._circuit(dst_id, address)
        try:
            stream = await connect_within(address, seconds)
        except OSError as error:
            fault = error.strerror or str(error)
            if error.errno in _OUR_OWN:
                return fault
        else:
            self._succeeded(dst_id, address, circuit)
            circuit.tunnels += 1
            stream.call_when_lost(lambda: _leave(circuit))
            return stream
        self._failed(dst_id, address, circuit, fault)
        return fault

    # --- names -----------------------------------------------------------------------------

    async def _resolve(
        self, destination: Destination, time_limit: float, faults: dict[Address, str]
    ) -> list[Address]:
        """Return the addresses as numbers; a name that has none now has those it had last."""
        known = self._of(destination.id)
        seconds = time_limit / min(len(destination.addresses), 2)  # names take no more than half
        found = await asyncio.gather(
            *(self._numbers(destination, one, seconds, faults) for one in destination.addresses)
        )
        addresses = list(dict.fromkeys(one for some in found for one in some))
        self._keep(known, [*addresses, *faults])
        return addresses

    async def _numbers(
        self, destination: Destination, name: Address, seconds: float, faults: dict[Address, str]
    ) -> tuple[Address, ...]:
        if _is_literal(name):
            return (name,)
        known = self._of(destination.id)
        circuit = known.circuits.get(name)  # a name has one while it cannot be resolved
        if circuit is not None and circuit.open:
            faults[name] = circuit.story()
            return ()
        try:
            async with asyncio.timeout(seconds):
                known.resolved[name] = await look_up(name)
        except TimeoutError:
            fault = f"its name was not resolved in {round(seconds, 2):g} s"
        except OSError as error:
            fault = error.strerror or str(error)
        except UnicodeError:  # a name is encoded as IDNA
            fault = f"not a host name; correct tunnel.destination.{destination.id}.host"
        else:
            return known.resolved[name]
        if name in known.resolved:
            return known.resolved[name]
        faults[name] = fault
        self._failed(destination.id, name, self._circuit(destination.id, name), fault)
        return ()

    # --- circuits --------------------------------------------------------------------------

    def _circuit(self, dst_id: str, address: Address) -> Circuit:
        return self._of(dst_id).circuits.setdefault(address, Circuit())

    def _of(self, dst_id: str) -> _Known:
        """Return what is known; a reload may have removed it while a name was resolved."""
        return self._known.setdefault(dst_id, _Known())

    def _keep(self, known: _Known, addresses: Collection[Address]) -> None:
        """Forget all circuits but those of ``addresses``."""
        for address in known.circuits.keys() - set(addresses):
            if probe := self._probes.get(known.circuits.pop(address)):
                probe.cancel()

    def _succeeded(self, dst_id: str, address: Address, circuit: Circuit) -> None:
        since = circuit.since
        now = datetime.now(UTC)
        if circuit.succeeded(now) and since:
            seconds = round((now - since).total_seconds(), 1)
            log.info("destination_up", dst_id=dst_id, address=str(address), seconds=seconds)

    def _failed(self, dst_id: str, address: Address, circuit: Circuit, fault: str) -> None:
        opened = circuit.failed(fault, datetime.now(UTC))
        if opened and self._circuit(dst_id, address) is circuit:  # else forgotten meanwhile
            log.error(
                "destination_down",
                dst_id=dst_id,
                address=str(address),
                failures=circuit.failures,
                detail=fault,
            )
            delays = chain(probe_delays(), repeat(LAST_PROBE_SECONDS))
            probe = partial(self._probe, dst_id, address, circuit, delays)
            probing = keep_running("circuits", probe, lambda: circuit.open)
            self._probes[circuit] = probing
            probing.add_done_callback(lambda _: self._probes.pop(circuit, None))

    async def _probe(
        self, dst_id: str, address: Address, circuit: Circuit, delays: Iterator[float]
    ) -> None:
        """Wait for the next of ``delays``, and try to connect, which may close the circuit."""
        await asyncio.sleep(next(delays))
        try:
            stream = await connect_within(address, _PROBE_SECONDS)
        except OSError as error:
            circuit.failed(error.strerror or str(error), datetime.now(UTC))
        except UnicodeError as error:  # a name is encoded as IDNA
            circuit.failed(str(error), datetime.now(UTC))
        else:
            stream.close()
            self._succeeded(dst_id, address, circuit)


def _is_literal(address: Address) -> bool:
    try:
        ipaddress.ip_address(address.host)
    except ValueError:
        return False
    return True


def _leave(circuit: Circuit) -> None:
    circuit.tunnels -= 1
