"""The applications behind the gateway: looked up by dst_id, and connected to.

A destination has one or several addresses: the addresses of the configuration, and for a host name
all addresses of that name. Each connection begins with the next address and tries them in turn. An
address whose circuit is open is left out.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import ipaddress
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from typing import Final

from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.config.values import Address
from tunnel_gateway.errors import (
    DestinationBusyError,
    DestinationUnreachableError,
    UnknownDestinationError,
)
from tunnel_gateway.gateway.circuit import LAST_PROBE_SECONDS, AddressState, Circuit, probe_delays
from tunnel_gateway.limit_keys import Limit
from tunnel_gateway.limits.places import Held, Places
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.observability.logs import get_logger
from tunnel_gateway.transport.streams.connecting import connect_in_turn, connect_within, look_up
from tunnel_gateway.transport.streams.stream import SocketStream

log = get_logger(__name__)

# The default of tunnel.connect.timeout.
_PROBE_SECONDS: Final = 5.0
# Addresses are read again for each tunnel.
_KNOWN_ADDRESSES: Final = 1024
# Errors of this machine. They say nothing about the address.
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


class _Addresses:
    """The circuits of one destination, and the addresses that its names had last."""

    def __init__(self) -> None:
        self.circuits: defaultdict[Address, Circuit] = defaultdict(Circuit)
        self.resolved: dict[Address, tuple[Address, ...]] = {}
        self.turn = 0  # which address the next connection tries first


class Destinations:
    """The destinations with all their circuits. Circuits stay at a reload if their address does."""

    def __init__(self) -> None:
        # A destination that a reload removes comes back if one of its names is resolved meanwhile.
        self._addresses: defaultdict[str, _Addresses] = defaultdict(_Addresses)
        self._tunnels = Places()
        self._connecting = Places()
        self._probes: dict[Circuit, asyncio.Task[None]] = {}

    def configure(self, destinations: Mapping[str, Destination]) -> None:
        """Use these destinations, and forget all others."""
        for dst_id in self._addresses.keys() - destinations.keys():
            self._keep(self._addresses.pop(dst_id), ())
        for destination in destinations.values():
            known = self._addresses[destination.id]
            numbers = {name: known.resolved.get(name, (name,)) for name in destination.addresses}
            known.resolved = {name: numbers[name] for name in numbers if name in known.resolved}
            self._keep(known, [number for some in numbers.values() for number in some])
            for address in filter(_is_number, destination.addresses):
                _ = known.circuits[address]

    def states(self) -> tuple[AddressState, ...]:
        """Return the state of every address that was used, or that the configuration has."""
        return tuple(
            AddressState(
                dst_id, address, not circuit.open, circuit.since, circuit.failures, circuit.tunnels
            )
            for dst_id, known in self._addresses.items()
            for address, circuit in known.circuits.items()
        )

    def tunnels(self, dst_id: str) -> int:
        """Return how many tunnels go to a destination."""
        return self._tunnels[dst_id]

    def tunnel(self, destination: Destination, held: Held) -> None:
        """Take a place for a tunnel into ``held``; raises DestinationBusyError."""
        taken = self._tunnels[destination.id]
        if destination.tunnel_limit is not None and taken >= destination.tunnel_limit:
            count = f"destination {destination.id} has {taken} tunnels"
            raise DestinationBusyError.reached(Limit.DESTINATION_TUNNELS, count, destination.id)
        self._tunnels.hold(destination.id, held)

    async def connect(self, destination: Destination, time_limit: float) -> SocketStream:
        """Connect to one of the addresses within ``time_limit`` seconds.

        Raises DestinationUnreachableError, DestinationBusyError.
        """
        taken = self._connecting[destination.id]
        if taken >= destination.connect_limit:
            count = f"{taken} connects to destination {destination.id} are in progress"
            raise DestinationBusyError.reached(Limit.DESTINATION_CONNECTS, count, destination.id)
        with Held() as held:
            self._connecting.hold(destination.id, held)
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
        result = await connect_in_turn(closed, deadline, partial(self._attempt, destination.id))
        if isinstance(result, SocketStream):
            return result
        texts = [f"({address}): {fault}" for address, fault in (faults | result).items()]
        raise DestinationUnreachableError(f"destination {destination.id} {', '.join(texts)}")

    def _in_turn(
        self, dst_id: str, addresses: Sequence[Address], faults: dict[Address, str]
    ) -> list[Address]:
        """Return the addresses whose circuit is closed; add the faults of the others."""
        known = self._addresses[dst_id]
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
        """Return the connection, or the reason why it failed."""
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
            stream.call_when_lost(lambda: _count_end(circuit))
            return stream
        self._failed(dst_id, address, circuit, fault)
        return fault

    # --- names -----------------------------------------------------------------------------

    async def _resolve(
        self, destination: Destination, time_limit: float, faults: dict[Address, str]
    ) -> Sequence[Address]:
        """Return the addresses as numbers. A name that fails now keeps its last numbers."""
        known = self._addresses[destination.id]
        # With several addresses a slow name must leave time for the others: so half at most.
        seconds = time_limit / min(len(destination.addresses), 2)
        addresses = destination.addresses
        if not all(map(_is_number, addresses)):
            numbers = await asyncio.gather(
                *(self._numbers(destination, name, seconds, faults) for name in addresses)
            )
            addresses = tuple(number for some in numbers for number in some)
        addresses = tuple(dict.fromkeys(addresses))
        self._keep(known, [*addresses, *faults])
        return addresses

    async def _numbers(
        self, destination: Destination, name: Address, seconds: float, faults: dict[Address, str]
    ) -> tuple[Address, ...]:
        if _is_number(name):
            return (name,)
        known = self._addresses[destination.id]
        circuit = known.circuits.get(name)  # a name has a circuit while it cannot be resolved
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
        except UnicodeError:  # the name cannot be encoded as IDNA
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
        return self._addresses[dst_id].circuits[address]

    def _keep(self, known: _Addresses, addresses: Collection[Address]) -> None:
        """Keep the circuits of ``addresses``, and forget the others."""
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
        # A reload may have forgotten the circuit meanwhile: then nobody is to probe it.
        if opened and self._circuit(dst_id, address) is circuit:
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
        """Wait for the next of ``delays``, and try to connect. Success closes the circuit."""
        await asyncio.sleep(next(delays))
        try:
            stream = await connect_within(address, _PROBE_SECONDS)
        except OSError as error:
            circuit.failed(error.strerror or str(error), datetime.now(UTC))
        except UnicodeError as error:  # the name cannot be encoded as IDNA
            circuit.failed(str(error), datetime.now(UTC))
        else:
            stream.close()
            self._succeeded(dst_id, address, circuit)


@functools.lru_cache(_KNOWN_ADDRESSES)
def _is_number(address: Address) -> bool:
    try:
        ipaddress.ip_address(address.host)
    except ValueError:
        return False
    return True


def _count_end(circuit: Circuit) -> None:
    circuit.tunnels -= 1
