"""What the three say together of the flows of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.attribution.acls import acl
from auditkit.attribution.estate import Estate
from auditkit.attribution.flow import Flow
from auditkit.attribution.groups import groups
from auditkit.attribution.routes import route
from auditkit.attribution.words import CANNOT_TELL, CONTRADICT, Said, gravest, unique
from auditkit.model.addresses import cidr
from auditkit.model.inventory import Inventory

_LINK_LOCAL = (cidr("169.254.0.0/16"), cidr("fe80::/10"))
_NAMES = ("the security groups", "the network ACL", "the route")


@dataclass(frozen=True)
class Rules:
    """The rules of a snapshot."""

    estate: Estate
    """What was collected, indexed."""

    @classmethod
    def of(cls, inventory: Inventory) -> Rules:
        """Take the rules of an inventory; indexes are made when the first flow asks for them."""
        return cls(Estate(inventory))

    def explain(self, flows: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Name what let accepted flows through.

        Args:
            flows: rows of flow_records, with interface_id, action, direction, initiator (or initiator_by_ports), addresses and ports.

        Returns:
            statement, verdict, security_groups and their rules, network_acl, route; None when nothing was accepted.
        """
        said = [self._of_flow(Flow.of(row)) for row in flows if row["action"] == "ACCEPT"]
        if not said:
            return None
        parts = [list(part) for part in zip(*said, strict=True)]
        verdicts = [gravest(one.verdict for one in part) for part in parts]
        of_groups, of_acl, of_route = parts
        return {
            "statement": f"rules at {self.estate.inventory.as_of:%Y-%m-%dT%H:%M:%SZ}: {_statement(verdicts)}",
            "verdict": gravest(verdicts),
            "security_groups": {"verdict": verdicts[0], "reasons": _reasons(of_groups)},
            "rules": _shown(of_groups),
            "network_acl": {
                "network_acl_id": _where(of_acl),
                "verdict": verdicts[1],
                "entries": _shown(of_acl),
                "reasons": _reasons(of_acl),
            },
            "route": _route(of_route, verdicts[2]),
        }

    def _of_flow(self, flow: Flow) -> tuple[Said, Said, Said]:
        interface = self.estate.interfaces.get(flow.interface_id)
        why = ""
        if not flow.direction:
            why = "which way the packets went is not known"
        elif flow.number is None:
            why = "the address of the other side is not known"
        elif flow.two_faced:
            why = "something between the two sides changed the address: which one the rules saw is not known"
        elif any(low <= flow.number <= high for low, high in _LINK_LOCAL):
            why = "link-local addresses are not filtered"
        elif interface is None or interface.seen_in != "inventory":
            why = f"{flow.interface_id or 'the interface'} is not among the interfaces that were read"
        if why or interface is None:
            return (Said(CANNOT_TELL, (why,)),) * 3
        return (
            groups(self.estate, interface, flow),
            acl(self.estate, interface, flow),
            route(self.estate, interface, flow),
        )


def _statement(verdicts: Sequence[str]) -> str:
    """The word, and for a contradiction who contradicts."""
    verdict = gravest(verdicts)
    if verdict != CONTRADICT:
        return verdict
    against = [name for name, one in zip(_NAMES, verdicts, strict=True) if one == CONTRADICT]
    return f"contradict: {' and '.join(against)} of now would not let it pass, so something was changed since"


def _reasons(said: Sequence[Said]) -> list[str]:
    return list(unique(reason for one in _gravest_first(said) for reason in one.because))[:6]


def _shown(said: Sequence[Said]) -> list[dict[str, Any]]:
    return [dict(one) for one in unique(shown for s in said for shown in s.shown)]


def _where(said: Sequence[Said]) -> str:
    return next((one.where for one in _gravest_first(said) if one.where), "")


def _gravest_first(said: Sequence[Said]) -> list[Said]:
    order = {gravest(one.verdict for one in said): 0}
    return sorted(said, key=lambda one: order.get(one.verdict, 1))


def _route(said: Sequence[Said], verdict: str) -> dict[str, Any]:
    """The route of the gravest word first, and all of them."""
    routes = _shown(_gravest_first(said))
    first = routes[0] if routes else {}
    return {
        "route_table_id": first.get("route_table_id") or _where(said),
        "destination": first.get("destination", ""),
        "target": first.get("target", ""),
        "verdict": verdict,
        "routes": routes,
        "reasons": _reasons(said),
    }
