"""A small world for tests of delivery: one VPC with one interface, and what is wanted beside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from auditkit.coverage import Reading, days
from auditkit.model.delivery import Delivery, Tally
from auditkit.model.flow_logs import Destination, FlowLog, FlowLogEvent, LogStreams
from auditkit.model.inventory import Account, Inventory, NetworkInterface, Unread, Vpc
from auditkit.model.tables import NEVER

ACCOUNT, REGION, BUCKET = "111111111111", "eu-central-1", "central"
START = datetime(2026, 7, 1, tzinfo=UTC)
PERIOD = (START, START + timedelta(days=3))
AS_OF = datetime(2026, 7, 5, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
GROUP = "/flow"


def at(day: int, clock: str = "00:00") -> datetime:
    """A moment of July 2026."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 7, day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def flow_log(**more: Any) -> FlowLog:
    """A flow log on the VPC, to the bucket."""
    return FlowLog(**{
        "flow_log_id": "fl-1", "account_id": ACCOUNT, "region": REGION, "resource_id": "vpc-1", "kind": "vpc", "traffic_type": "ALL",
        "flow_log_status": "ACTIVE", "deliver_logs_status": "SUCCESS", "log_destination_type": "s3", "log_destination": f"s3://{BUCKET}",
        "bucket": BUCKET, "fields": (), "creation_time": LONG_AGO, "flow_log_tags": {}, "max_aggregation_interval": 600, **more,
    })  # fmt: skip


def to_group(**more: Any) -> FlowLog:
    """A flow log on the VPC, to the log group."""
    return flow_log(
        log_destination_type="cloud-watch-logs",
        log_destination=f"log-group:{ACCOUNT}:{REGION}:{GROUP}",
        bucket="",
        log_group=GROUP,
        **more,
    )


def interface(**more: Any) -> NetworkInterface:
    """An interface in the VPC, attached long ago."""
    return NetworkInterface(**{
        "interface_id": "eni-1", "interface_arn": "", "account_id": ACCOUNT, "region": REGION, "vpc_id": "vpc-1", "subnet_id": "subnet-1", "service": "ec2",
        "service_evidence": "", "subject": "i-1", "subject_type": "instance", "status": "in-use", "attach_time": LONG_AGO, "interface_tags": {}, "seen_from": (ACCOUNT,), **more,
    })  # fmt: skip


def bucket(**more: Any) -> Destination:
    """The bucket, which keeps everything."""
    return Destination(**{
        "log_destination": f"s3://{BUCKET}", "log_destination_type": "s3", "account_id": ACCOUNT, "region": REGION, "exists": True, "retention_days": NEVER, **more,
    })  # fmt: skip


def group(**more: Any) -> Destination:
    """The log group, which keeps everything."""
    return bucket(
        log_destination=f"log-group:{ACCOUNT}:{REGION}:{GROUP}", log_destination_type="cloud-watch-logs", **more
    )


def world(*logs: FlowLog, **more: Any) -> Inventory:
    """An inventory in which everything was read."""
    vpc = Vpc(
        vpc_id="vpc-1",
        vpc_arn="",
        account_id=ACCOUNT,
        region=REGION,
        cidr_blocks=(),
        vpc_tags={"scope": "pci"},
        seen_from=(ACCOUNT,),
    )
    base = Inventory(
        as_of=AS_OF, accounts=(Account(account_id=ACCOUNT, name="a", status="in_scope", account_tags={"env": "prod"}),), regions={ACCOUNT: (REGION,)},
        vpcs=(vpc,), network_interfaces=(interface(),), flow_logs=logs, destinations=(bucket(), group()),
    )  # fmt: skip
    return replace(base, **more)


def keys(
    *spans: tuple[datetime, datetime], every: int = 10, first: int = 5, log: str = "fl-1", **more: Any
) -> list[Tally]:
    """Tallies of objects: one in every so many minutes of each span, beginning after `first` of them."""
    slots: dict[Any, set[int]] = {}
    for begin, end in spans:
        moment = begin + timedelta(minutes=first)
        while moment < end:
            slots.setdefault(moment.date(), set()).add((moment.hour * 60 + moment.minute) // 5)
            moment += timedelta(minutes=every)
    return tallies(slots, log, **more)


def tallies(slots: dict[Any, Iterable[int]], log: str = "fl-1", **more: Any) -> list[Tally]:
    """Tallies of slots by day."""
    made = {"flow_log_id": log, "account_id": ACCOUNT, "region": REGION, "bucket": BUCKET, **more}
    return [
        Tally(**made, day=day, objects=len(set(some)), bytes=100 * len(set(some)), slots=tuple(sorted(set(some))))
        for day, some in sorted(slots.items())
        if some
    ]


def unread(table: str, resource: str = "", call: str = "ec2:Describe", **more: Any) -> Unread:
    """A refusal."""
    return Unread(
        **{
            "account_id": ACCOUNT,
            "region": REGION,
            "table": table,
            "resource": resource,
            "call": call,
            "error": "AccessDenied: no",
            **more,
        }
    )


def event(name: str, moment: datetime, *logs: str, on: tuple[str, ...] = ()) -> FlowLogEvent:
    """A flow log made or deleted."""
    return FlowLogEvent(account_id=ACCOUNT, region=REGION, at=moment, name=name, flow_log_ids=logs, resource_ids=on)


def streams(*some: tuple[str, datetime | None, datetime | None], whole: bool = True) -> LogStreams:
    """Streams of the log group: name, first and last event."""
    return LogStreams(
        account_id=ACCOUNT, region=REGION, log_group=GROUP, whole=whole,
        streams=tuple((name, first, last, last + timedelta(minutes=2) if last else None) for name, first, last in some),
    )  # fmt: skip


def judged(
    inventory: Inventory, known: Iterable[Tally] = (), reading: Reading | None = None, **more: Any
) -> list[Delivery]:
    """The rows of the period."""
    return list(days(inventory, known, more.pop("period", PERIOD), reading or Reading(), **more))


def states(
    inventory: Inventory, known: Iterable[Tally] = (), reading: Reading | None = None, **more: Any
) -> dict[int, str | None]:
    """Day of July → state."""
    return {r.day.day: r.state for r in judged(inventory, known, reading, **more)}
