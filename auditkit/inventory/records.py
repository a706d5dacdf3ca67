"""Interfaces that no listing shows any more, and flow records still do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from auditkit.inventory.network import arn
from auditkit.model.columnar import Rows
from auditkit.model.inventory import Inventory, NetworkInterface

COLUMNS = ("account_id", "region", "vpc_id", "subnet_id", "instance_id")
"""What records tell of an interface beside its id."""
_INTERFACE = re.compile(r"eni-[0-9a-zA-Z]+")
_ABSENT = ("", "-", "unknown")


def from_records(inventory: Inventory, seen: Iterable[Mapping[str, Any]]) -> tuple[NetworkInterface, ...]:
    """Return a row for every interface that records show and the inventory does not, sorted by id.

    Nothing is known of whose it was, so it is its own subject, of an unknown service.

    Args:
        inventory: what was listed.
        seen: `interface_id` and what else records tell of it (`COLUMNS`): a text, or nothing, `-` or None.
            One interface may come several times; where two tell different things, the first in alphabetical order
            counts, so that their order does not matter.
    """
    told: dict[str, dict[str, str]] = {}
    for row in seen:
        interface_id = _word(row.get("interface_id"))
        if not _INTERFACE.fullmatch(interface_id):
            continue
        known = told.setdefault(interface_id, {})
        for column in COLUMNS:
            if word := _word(row.get(column)):
                known[column] = min(word, known.get(column, word))
    if not told:
        return ()
    for interface_id in _listed(inventory):
        told.pop(interface_id, None)
    subnets = {one.subnet_id: one for one in inventory.subnets}
    vpcs = {one.vpc_id: one for one in inventory.vpcs}
    partition = _partition(inventory)
    rows = []
    for interface_id, known in sorted(told.items()):
        if subnet := subnets.get(known.get("subnet_id", "")):
            known.setdefault("vpc_id", subnet.vpc_id)
        if vpc := vpcs.get(known.get("vpc_id", "")):
            known.setdefault("region", vpc.region)
        rows.append(_row(interface_id, known, partition))
    return tuple(rows)


def _listed(inventory: Inventory) -> Iterable[str]:
    rows = inventory.network_interfaces
    return rows.column("interface_id") if isinstance(rows, Rows) else (one.interface_id for one in rows)


def _row(interface_id: str, known: Mapping[str, str], partition: str) -> NetworkInterface:
    account_id, region = known.get("account_id", ""), known.get("region", "")
    return NetworkInterface(
        interface_id=interface_id,
        interface_arn=arn(partition, region, account_id, "network-interface", interface_id)
        if account_id and region
        else "",
        account_id=account_id,
        region=region,
        vpc_id=known.get("vpc_id", ""),
        subnet_id=known.get("subnet_id", ""),
        service="unknown",
        service_evidence="only records show it",
        subject=interface_id,
        subject_type="network-interface",
        instance_id=known.get("instance_id", ""),
        interface_tags=None,  # it may have had any
        seen_from=(),
        seen_in="records",
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) and value not in _ABSENT else ""


def _partition(inventory: Inventory) -> str:
    parts = inventory.identity.get("arn", "").split(":")
    return parts[1] if len(parts) > 1 and parts[1] else "aws"
