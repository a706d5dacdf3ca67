"""Conversations → records → log objects, as AWS delivers them to S3.

Key layout and slots: Amazon VPC User Guide, "Flow log files": an object holds the records that end in its five minutes.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from auditkit.example.ids import EPOCH, START, TICK, digest
from auditkit.example.peers import AWS_SERVICE
from auditkit.example.talk import Talk, View, flags, views
from auditkit.example.things import Attachment, Estate, FlowLog, Interface, Nat
from auditkit.model.records import BY_NAME

Row = dict[str, object]
Steps = set[tuple[str, int]]
"""Names of flow logs with steps."""

SILENT: Row = dict.fromkeys(BY_NAME, "-")


@dataclass
class Journal:
    """What one flow log records: its observers, and the lines of each step."""

    log: FlowLog
    """The flow log."""
    template: dict[str, str] = field(default_factory=dict)
    """Observer → a line with its own fields filled in and the others as %(name)s."""
    lines: dict[int, list[str]] = field(default_factory=dict)
    """Step → lines."""
    heard: set[tuple[str, int]] = field(default_factory=set)
    """Observer and step for which there is a line."""
    span: tuple[int, int] = (0, 0)
    """First step that it logs, and the first that it no longer does."""

    def __post_init__(self) -> None:
        self.span = self.log.ticks

    def add(self, tick: int, observer: str, row: Row) -> None:
        """Record a row, if the flow log lived then and wants this action."""
        first, end = self.span
        wanted = self.log.plan.traffic
        if first <= tick < end and (wanted in ("ALL", row["action"]) or row["action"] == "-"):
            self.lines.setdefault(tick, []).append(self.template[observer] % row)
            self.heard.add((observer, tick))

    def window(self, tick: int, rng: Random) -> tuple[int, int]:
        """Start and end of a record: inside the step, ending in its last five minutes, no longer than the interval."""
        begin = EPOCH + tick * TICK
        if self.log.plan.interval == 60:
            return begin + 540 + rng.randrange(20), begin + 565 + rng.randrange(35)
        return begin + rng.randrange(240), begin + 360 + rng.randrange(235)


class Recorder:
    """Takes conversations, and knows which flow logs see them."""

    def __init__(self, estate: Estate, rng: Random) -> None:
        self.rng = rng
        self.journals = {log.name: Journal(log) for log in estate.flow_logs.values() if log.plan.writes}
        self.watching: dict[str, list[Journal]] = {}
        """Observer → journals."""
        for journal in self.journals.values():
            for observer, static in observers(estate, journal.log):
                journal.template[observer] = " ".join(
                    str(static.get(name, f"%({name})s")) for name in journal.log.plan.fields.split()
                )
                self.watching.setdefault(observer, []).append(journal)

    def record(self, talk: Talk) -> None:
        """Write the lines of a conversation into every journal on its way."""
        seen = [(view, journal) for view in views(talk) for journal in self.watching.get(view.observer, ())]
        for step in range(talk.ticks):
            tick = talk.tick + step
            request_flags, reply_flags = flags(talk, step)
            for view, journal in seen:
                start, end = journal.window(tick, self.rng)
                journal.add(tick, view.observer, _row(talk, view, start, end, request_flags))
                if talk.down:
                    journal.add(tick, view.observer, _row(talk, view, start, end, reply_flags, back=True))

    def silence(self) -> None:
        """Say NODATA for what was quiet, so that no day of an observer and no step of a flow log passes without a line.

        Each observer speaks in every third step; in every one, where a flow log watches few.
        """
        for journal in self.journals.values():
            every = 3 if len(journal.template) > 8 else 1
            for observer in journal.template:
                turn = int(digest(observer), 16) % every
                for tick in range(*journal.span):
                    if tick % every == turn and (observer, tick) not in journal.heard:
                        self.say(journal, observer, tick, "NODATA")

    def say(self, journal: Journal, observer: str, tick: int, status: str) -> None:
        """Write a line without a flow."""
        begin = EPOCH + tick * TICK
        start = begin + 540 if journal.log.plan.interval == 60 else begin
        journal.add(tick, observer, {**SILENT, "start": start, "end": begin + 599, "log-status": status})


def _row(talk: Talk, view: View, start: int, end: int, tcp_flags: int, *, back: bool = False) -> Row:
    size = talk.down if back else talk.up
    egress = (view.direction == "egress") != back
    src, dst = (view.dst, view.src) if back else (view.src, view.dst)
    pkt_src, pkt_dst = (view.pkt_dst, view.pkt_src) if back else (view.pkt_src, view.pkt_dst)
    row: Row = {
        "srcaddr": src,
        "dstaddr": dst,
        "pkt-srcaddr": pkt_src,
        "pkt-dstaddr": pkt_dst,
        "srcport": talk.dport if back else view.sport,
        "dstport": view.sport if back else talk.dport,
        "protocol": talk.protocol,
        "packets": 1 + size // 1100 if size > 90 else 1,
        "bytes": size,
        "start": start,
        "end": end,
        "action": talk.action,
        "log-status": "OK",
        "tcp-flags": tcp_flags,
        "type": "IPv6" if ":" in src else "IPv4",
        "flow-direction": "egress" if egress else "ingress",
        "traffic-path": view.path if egress else "-",
        "pkt-src-aws-service": AWS_SERVICE.get(pkt_src, "-"),
        "pkt-dst-aws-service": AWS_SERVICE.get(pkt_dst, "-"),
    }
    if view.transit:
        ends = [
            (view.transit.source, view.transit.source_interface),
            (view.transit.target, view.transit.target_interface),
        ]
        for side, (attachment, interface) in zip(("dst", "src") if back else ("src", "dst"), ends, strict=True):
            row |= {
                f"tgw-{side}-vpc-account-id": attachment.resource_account,
                f"tgw-{side}-vpc-id": attachment.resource_id,
                f"tgw-{side}-subnet-id": interface.subnet.id,
                f"tgw-{side}-eni": interface.id,
                f"tgw-{side}-az-id": interface.subnet.zone_id,
            }
        row["tgw-pair-attachment-id"] = next(attachment.id for attachment, _ in ends if attachment.id != view.observer)
        row |= {name: 0 for name in BY_NAME if name.startswith("packets-lost")}
    return row


def observers(estate: Estate, log: FlowLog) -> Iterator[tuple[str, dict[str, str]]]:
    """Give what a flow log watches, with the fields that never change."""
    version = str(max(BY_NAME[name].since for name in log.plan.fields.split()))
    for interface in estate.interfaces.values():
        if interface.in_use and log.resource_id in (interface.id, interface.subnet.id, interface.vpc.id):
            yield interface.id, {"version": version, **_of_interface(interface)}
    for nat in estate.nats.values():
        if log.resource_id == nat.id:
            yield nat.id, {"version": version, **_of_nat(nat)}
    for attachment in estate.attachments.values():
        # Records of a Connect attachment appear under its transport attachment.
        if (
            attachment.type != "connect"
            and log.resource_id in (attachment.id, attachment.gateway.id)
            and log.region == attachment.gateway.plan.region
        ):
            yield attachment.id, {"version": version, **_of_attachment(attachment)}


def _of_interface(interface: Interface) -> dict[str, str]:
    return {
        "account-id": interface.account,
        "interface-id": interface.id,
        "vpc-id": interface.vpc.id,
        "subnet-id": interface.subnet.id,
        "instance-id": interface.instance_id or "-",
        "region": interface.vpc.plan.region,
        "az-id": interface.subnet.zone_id,
        "resource-id": "-",
    }


def _of_nat(nat: Nat) -> dict[str, str]:
    return {
        "account-id": nat.vpc.plan.account,
        "interface-id": "-",
        "vpc-id": nat.vpc.id,
        "subnet-id": "-",
        "instance-id": "-",
        "region": nat.vpc.plan.region,
        "az-id": "-",
        "resource-id": nat.id,
    }


def _of_attachment(attachment: Attachment) -> dict[str, str]:
    gateway = attachment.gateway
    return {
        "resource-type": "TransitGateway",
        "account-id": gateway.plan.account,
        "tgw-id": gateway.id,
        "tgw-attachment-id": attachment.id,
        "region": gateway.plan.region,
    }


def key(log: FlowLog, tick: int) -> str:
    """Path of the object of one step, below the directory of the logs."""
    slot = START + timedelta(seconds=tick * TICK + 300)
    bucket, _, prefix = log.plan.to.partition("/")
    folder = f"{bucket}/{prefix + '/' if prefix else ''}AWSLogs/{log.account}/vpcflowlogs/{log.region}/{slot:%Y/%m/%d}"
    unique = f"{log.id}_{slot:%Y%m%dT%H%MZ}_{digest(log.id, tick, length=8)}"
    return f"{folder}/{log.account}_vpcflowlogs_{log.region}_{unique}.log.gz"


def write(
    directory: Path, journals: Iterable[Journal], *, missing: Steps, torn: Steps, garbled: Steps
) -> tuple[int, int]:
    """Write the objects, and return how many objects and lines there are.

    Args:
        directory: `logs`.
        journals: what was recorded.
        missing: flow log and step of objects that never arrived.
        torn: of objects that were cut off.
        garbled: of objects in which one line lost its end.
    """
    jobs, records = [], 0
    for journal in journals:
        for tick, lines in sorted(journal.lines.items()):
            this = (journal.log.name, tick)
            if this in missing:
                continue
            kept = [lines[0], lines[1][: len(lines[1]) // 2], *lines[2:]] if this in garbled else lines
            text = "\n".join((journal.log.plan.fields, *kept)) + "\n"
            jobs.append((directory / key(journal.log, tick), text.encode(), this in torn))
            records += len(lines)
    for folder in {path.parent for path, _, _ in jobs}:
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:  # compressing and writing both leave the interpreter lock
        for _ in pool.map(_store, jobs):
            pass  # an error of one is raised here
    return len(jobs), records


def _store(job: tuple[Path, bytes, bool]) -> None:
    path, text, torn = job
    data = gzip.compress(text, compresslevel=6, mtime=0)
    path.write_bytes(data[: len(data) * 2 // 3] if torn else data)
