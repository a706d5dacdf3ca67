"""Log groups that flow logs write to, and which of them may have written to a stream of it.

A stream has the name of what its records are of, and AWS adds the kind of traffic: eni-…-all, eni-…-accept,
eni-…-reject. All flow logs that cover the interface share it ("combined log stream", Amazon VPC User Guide, "Publish
flow logs to CloudWatch Logs"), so that their formats may be mixed in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from auditkit.coverage.streams import place
from auditkit.coverage.uses import UNIT
from auditkit.model.columnar import Rows
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory, NetworkInterface
from auditkit.model.records import TGW_DEFAULT
from auditkit.sources import Meter, Source

if TYPE_CHECKING:
    from auditkit.audit.scoping import Scoping
    from auditkit.sources.cloudwatch import Writer

_SUFFIX = re.compile(r"-(all|accept|reject)", re.ASCII)


def sources(
    scoping: Scoping,
    estate: Inventory,
    session: Callable[[], Any],
    period: tuple[datetime, datetime],
    meter: Meter,
) -> Iterator[Source]:
    """Give the source of the log groups that are in scope, if there are any.

    Args:
        scoping: what is in scope.
        estate: with flow logs and interfaces.
        session: makes the AWS session.
        period: start and exclusive end.
        meter: is told of every byte that comes.
    """
    from auditkit.scan import logs_clients  # noqa: PLC0415 - boto3 is heavy, and a saved snapshot does without
    from auditkit.sources.cloudwatch import CloudWatchLogs, Group  # noqa: PLC0415

    feeding = Feeding(estate)
    groups = [
        Group(*where, partial(feeding.writers, logs), where[:2] != (logs[0].account_id, logs[0].region))
        for where, logs in sorted(feeding.groups.items())
        if scoping.narrowing.place(logs[0].account_id, logs[0].region)
    ]
    if groups:
        clients = logs_clients(session(), scoping.wanted(), now=scoping.now)
        yield CloudWatchLogs(clients, groups, period, scoping.clock, meter)


def log_format(log: FlowLog) -> str:
    """Return a flow log's LogFormat; empty where only the fields are known, and not their order."""
    # Old answers have no LogFormat; that of a transit gateway's log is then all fields, in an order of AWS's own.
    return "" if log.fields == TGW_DEFAULT else " ".join(f"${{{name}}}" for name in log.fields)


@dataclass(frozen=True)
class Feeding:
    """Who writes where."""

    estate: Inventory
    """With flow logs, interfaces and attachments."""

    @cached_property
    def groups(self) -> dict[tuple[str, str, str], list[FlowLog]]:
        """Account, region and name of a log group that is not known to be missing → the flow logs that write to it."""
        absent = {d.log_destination for d in self.estate.destinations if d.exists is False}
        out: dict[tuple[str, str, str], list[FlowLog]] = defaultdict(list)
        for log in self.estate.flow_logs:
            if log.log_group and log.log_destination not in absent:
                out[place(log)].append(log)
        return out

    def writers(self, logs: Sequence[FlowLog], stream: str, until: datetime) -> tuple[Writer, ...]:
        """Return the flow logs of a group that may have written to a stream before a moment."""
        from auditkit.sources.cloudwatch import Writer  # noqa: PLC0415 - boto3 again

        unit = UNIT.match(stream)
        suffix = _SUFFIX.fullmatch(stream, unit.end()) if unit else None
        traffic = suffix[1].upper() if suffix else ""
        return tuple(
            Writer(log.flow_log_id, form)
            for log in sorted(logs, key=lambda log: log.flow_log_id)
            if (form := log_format(log))
            and not (traffic and log.traffic_type and log.traffic_type != traffic)
            and not (log.creation_time and log.creation_time >= until)
            and (unit is None or self._may_speak(log, unit[0]))
        )

    def _may_speak(self, log: FlowLog, unit: str) -> bool:
        """Tell whether a flow log may speak of an interface, attachment or gateway; of one that is not known, it may."""
        if unit == log.resource_id:
            return True
        if unit.startswith("eni-"):
            known = self._interfaces.get(unit)
            above = log.kind == "vpc" and not log.resource_id.startswith(("eni-", "nat-"))
            return above and (known is None or log.resource_id in known)
        if unit.startswith("nat-"):
            nat = next((n for n in self.estate.nat_gateways if n.nat_gateway_id == unit), None)
            vpc = log.kind == "vpc" and not log.resource_id.startswith(("eni-", "nat-"))
            return vpc and (nat is None or not log.resource_id.startswith("vpc-") or log.resource_id == nat.vpc_id)
        if log.kind != "transit-gateway":
            return False
        one, other = self._gateways.get(unit, unit), self._gateways.get(log.resource_id, log.resource_id)
        # A gateway's stream may hold what a log of one of its attachments tells, and the other way round.
        return one == other or (one.startswith("tgw-attach-") or other.startswith("tgw-attach-"))

    @cached_property
    def _interfaces(self) -> dict[str, tuple[str, str]]:
        """Interface → its subnet and VPC, of those that the inventory has."""
        table = Rows.made_of(NetworkInterface, self.estate.network_interfaces).table
        table = table.filter(pc.equal(table["seen_in"], "inventory"))
        columns = [table[name].to_pylist() for name in ("interface_id", "subnet_id", "vpc_id")]
        return {one: (subnet, vpc) for one, subnet, vpc in zip(*columns, strict=True)}

    @cached_property
    def _gateways(self) -> dict[str, str]:
        """Attachment → its transit gateway."""
        return {a.transit_gateway_attachment_id: a.transit_gateway_id for a in self.estate.transit_gateway_attachments}
