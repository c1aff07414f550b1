"""The rules of a destination, applied to a verified user.

They are checked in this order: the user must have come by one of the destination's domains; no deny
rule may match; and if there are allow rules, at least one of them must match. So a deny rule wins
over every allow rule, another allow rule lets more users in, and without rules every verified user
may pass.

In doubt the user is refused. An allow rule never matches a value that the certificate does not
have. A deny rule also matches a certificate that it may mean:

* the certificate does not tell the person (UID, PINFL),
* its number does not have the form in which numbers are compared,
* it is for any policy.

A certificate without an INN does not belong to a legal entity, and a certificate without policies
is for no policy. There is no doubt about these, so deny rules for INNs or policies do not match.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from tunnel_gateway.config.destinations import RULE_KINDS, Destination, Rule
from tunnel_gateway.errors import Fault, NotPermittedError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.trust.validation import VerifiedPeer
from tunnel_gateway.subject_numbers import DIGITS, is_number

_ANY_POLICY: Final = "2.5.29.32.0"
# A line lists so many values of a rule, and counts the others.
_SHOWN: Final = 3


def check_permitted(destination: Destination, peer: VerifiedPeer, server_name: str) -> None:
    """Raise NotPermittedError, with the key of the rule, unless the user may go there.

    ``server_name`` is the domain by which the user came. The issuer is the one in the verified
    path, because anybody can write the name of an issuer.
    """
    if not (destination.domains or destination.deny or destination.allow):
        return
    known = rule_values(peer.leaf, peer.path[1]) | {"domain": frozenset({server_name})}
    here = f"destination {destination.id}: "
    if destination.domains and not destination.domains.values & known["domain"]:
        key = destination.domains.key
        raise NotPermittedError(f"{here}{key} has no {server_name}", key)
    for rule in destination.deny:
        if rule.values & known[rule.kind]:
            raise NotPermittedError(f"{here}{rule.key} names the user", rule.key)
        if doubt := _doubt(rule.kind, known[rule.kind]):
            raise NotPermittedError(f"{here}{rule.key} might name the user: {doubt}", rule.key)
    if destination.allow and not any(r.values & known[r.kind] for r in destination.allow):
        keys = ", ".join(rule.key for rule in destination.allow)
        raise NotPermittedError(f"{here}the user is not named by {keys}", keys)


def rule_values(leaf: Certificate, issuer: Certificate | None) -> dict[str, frozenset[str]]:
    """Return the values that match the certificate, for each kind of rule except ``domain``.

    Without the issuer's certificate there are no values of the kind ``issuer``.
    """
    serial = {leaf.serial_hex}
    if issuer is not None:
        serial.add(f"{leaf.serial_hex}@{issuer.key_id}")
    return {
        "inn": _known(leaf.inn),
        "pinfl": _known(leaf.pinfl),
        "uid": _known(leaf.uid),
        "issuer": _known(None if issuer is None else issuer.key_id),
        "policy": frozenset(leaf.policies or ()),
        "serial": frozenset(serial),
    }


def _known(value: str | None) -> frozenset[str]:
    return frozenset() if value is None else frozenset({value})


def _doubt(kind: str, values: Collection[str]) -> str | None:
    """Return why a deny rule may mean these values; None if it surely does not."""
    if RULE_KINDS[kind].personal and not values:
        return f"the certificate has no {RULE_KINDS[kind].word}"
    if kind in DIGITS and not all(is_number(kind, value) for value in values):
        return f"the {RULE_KINDS[kind].word} of the certificate is not {DIGITS[kind]} digits"
    if kind == "policy" and _ANY_POLICY in values:
        return "the certificate is for any policy"
    return None


def domain_faults(destinations: Iterable[Destination], served: Collection[str]) -> list[Fault]:
    """Return the faults of rules that name domains which are not ``served``, or deny them all."""
    return [fault for where in destinations for fault in _domain_faults(where, served)]


def _domain_faults(destination: Destination, served: Collection[str]) -> Iterable[Fault]:
    rules = (destination.domains, *destination.allow, *destination.deny)
    for rule in (rule for rule in rules if rule is not None and rule.kind == "domain"):
        for domain in sorted(rule.values - set(served)):
            yield rule.entry.fault(
                f"{domain} is not a domain of this gateway, which has {', '.join(sorted(served))}"
            )
    for rule in destination.deny:
        if rule.kind == "domain" and not destination.domains and rule.values >= set(served):
            yield rule.entry.fault("denies every domain of this gateway: nobody could come")


def describe(destination: Destination) -> str:
    """Return in one line where the destination is and who may use it.

    The line is for logs, so it only counts the numbers that name persons.
    """
    who = "every trusted user"
    if destination.allow:
        who = f"users of {' or '.join(map(_words, destination.allow))}"
    if destination.deny:
        who += f", but none of {' or '.join(map(_words, destination.deny))}"
    if destination.domains:
        who += f", by {_words(destination.domains)} only"
    return f"{destination.id} at {destination.location} for {who}"


def _words(rule: Rule) -> str:
    values, kind = sorted(rule.values), RULE_KINDS[rule.kind]
    if kind.personal:
        return f"{len(values)} {kind.word}s" if len(values) > 1 else f"one {kind.word}"
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return f"{kind.word} {', '.join(values[:_SHOWN])}{more}"
