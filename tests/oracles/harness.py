"""From lines of log objects to flow records, interface-days and verdicts, along the way an assessment goes, without a run on disk."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute  # noqa: F401 - whether the engine brings it along is asked in test_records_oracle, not here

from auditkit.audit import population
from auditkit.config.conditions import Parser
from auditkit.config.schema import Baseline
from auditkit.coverage import Judge, judge, with_delivery
from auditkit.engines.duckdb import DuckDB
from auditkit.evaluate import verdict_sql
from auditkit.model.addresses import Networks
from auditkit.model.control import Control
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Account, Inventory, NetworkInterface, Vpc
from auditkit.model.records import VPC_DEFAULT, LogObject
from auditkit.model.schema import TABLES
from auditkit.model.tables import Column
from auditkit.policy import service_ports

ACCOUNT, REGION = "111122223333", "eu-central-1"
PERIOD = (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC))
AS_OF = datetime(2026, 8, 1, 1, tzinfo=UTC)
NOON = int(datetime(2026, 7, 10, 12, tzinfo=UTC).timestamp())
V2 = " ".join(VPC_DEFAULT)
V3 = f"{V2} tcp-flags"
V5 = f"{V2} tcp-flags pkt-srcaddr pkt-dstaddr flow-direction"
OBJECTS = tuple(
    Column(n, "integer" if n in ("obj", "slot") else "text", "")
    for n in ("obj", "uri", "flow_log_id", "account_id", "region", "slot")
)


def interface(
    interface_id: str,
    *addresses: str,
    service: str = "ec2",
    vpc: str = "vpc-1",
    status: str = "in-use",
    attached: datetime | None = None,
) -> NetworkInterface:
    return NetworkInterface(
        interface_id=interface_id, interface_arn=interface_id, account_id=ACCOUNT, region=REGION, vpc_id=vpc, subnet_id="subnet-1", service=service, service_evidence="",
        subject=interface_id, subject_type="network-interface", status=status, attach_time=attached, addresses=addresses, interface_tags={}, seen_from=(ACCOUNT,),
    )  # fmt: skip


def flow_log(
    flow_log_id: str = "fl-1",
    traffic: str = "ALL",
    fields: str = V5,
    interval: int = 600,
    born: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    bucket: str = "b",
) -> FlowLog:
    return FlowLog(
        flow_log_id=flow_log_id, account_id=ACCOUNT, region=REGION, resource_id="vpc-1", kind="vpc", traffic_type=traffic, flow_log_status="ACTIVE",
        deliver_logs_status="SUCCESS", log_destination_type="s3", log_destination=f"s3://{bucket}", bucket=bucket, fields=tuple(fields.split()),
        max_aggregation_interval=interval, creation_time=born, flow_log_tags={},
    )  # fmt: skip


@dataclass(frozen=True)
class Object:
    """A log object: header and lines, or the bytes themselves."""

    lines: Sequence[str]
    header: str = V5
    log: str = "fl-1"
    at: int = NOON
    cut: int = 0  # bytes that its end lacks


def line(
    src: str,
    dst: str,
    flags: int | str = 2,
    action: str = "ACCEPT",
    *,
    at: int = NOON,
    eni: str = "eni-1",
    protocol: int = 6,
    status: str = "OK",
    **more: str,
) -> dict[str, str]:
    """One record by field, `address:port` to `address:port`; `pkt_srcaddr` and the like stand for what the format has."""
    (srcaddr, srcport), (dstaddr, dstport) = src.rsplit(":", 1), dst.rsplit(":", 1)
    return {
        "version": "5", "account-id": ACCOUNT, "interface-id": eni, "srcaddr": srcaddr, "dstaddr": dstaddr, "srcport": srcport, "dstport": dstport,
        "protocol": str(protocol), "packets": "10", "bytes": "840", "start": str(at), "end": str(at + 60), "action": action, "log-status": status,
        "tcp-flags": str(flags), "pkt-srcaddr": srcaddr, "pkt-dstaddr": dstaddr, "flow-direction": "-", **{k.replace("_", "-"): v for k, v in more.items()},
    }  # fmt: skip


def silence(status: str, *, at: int = NOON, eni: str = "eni-1") -> dict[str, str]:
    """A line of NODATA or SKIPDATA."""
    kept = {
        "version": "5",
        "account-id": ACCOUNT,
        "interface-id": eni,
        "start": str(at),
        "end": str(at + 60),
        "log-status": status,
    }
    return {**dict.fromkeys(V5.split(), "-"), **kept}


def objects(*records: dict[str, str], header: str = V5, **more: Any) -> Object:
    return Object([" ".join(r.get(f, "-") for f in header.split()) for r in records], header, **more)


def control(fail_where: dict[str, Any]) -> Control:
    """A control on flow records, as a policy file would give it."""

    def refuse(loc: Any, message: str) -> None:
        raise AssertionError(f"{loc}: {message}")

    table = TABLES["flow_records"]
    tree = Parser({c.name: c for c in table.columns}, (), refuse).condition(fail_where, ())
    return Control("test", "test", "high", "flow_records", tree, group_by=table.group_by)


@dataclass
class Seen:
    """What the engine holds."""

    engine: DuckDB
    networks: Networks
    records: list[dict[str, Any]] = field(default_factory=list)
    days: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def verdicts(self, one: Control) -> list[bool | None]:
        """The verdict on each record, in the order of the objects and lines."""
        _, verdict = verdict_sql(one, self.networks)
        return [
            r["verdict"]
            for r in self.engine.rows(f'SELECT ({verdict}) AS verdict FROM flow_records ORDER BY "object", line')
        ]

    def observed(self, day: str = "2026-07-10", eni: str = "eni-1") -> str:
        return str(self.days[eni, day]["observed"])


def see(
    *given: Object,
    interfaces: Sequence[NetworkInterface] = (interface("eni-1", "10.0.0.5"),),
    logs: Sequence[FlowLog] = (flow_log(),),
    baselines: Sequence[Baseline] = (Baseline("default"),),
    controls: Sequence[Control] = (),
    cidrs: dict[str, tuple[str, ...]] | None = None,
) -> Seen:
    """Load and derive as an assessment does."""
    vpcs = cidrs or {"vpc-1": ("10.0.0.0/16",)}
    inventory = Inventory(
        as_of=AS_OF, accounts=(Account(account_id=ACCOUNT, name="", status="in_scope", account_tags={}),), regions={ACCOUNT: (REGION,)},
        vpcs=tuple(Vpc(vpc_id=v, vpc_arn=v, account_id=ACCOUNT, region=REGION, cidr_blocks=c, vpc_tags={}, seen_from=(ACCOUNT,)) for v, c in vpcs.items()),
        network_interfaces=tuple(interfaces), flow_logs=tuple(logs),
    )  # fmt: skip
    inventory = with_delivery(inventory, {})
    coverage = judge(inventory, baselines, {}, PERIOD)
    networks = Networks.of_run({}, dict(vpcs))
    engine = DuckDB()
    with tempfile.TemporaryDirectory() as folder:
        done = engine.load([_written(Path(folder), at, o) for at, o in enumerate(given)])
    hurt = [(o.object.flow_log_id, o.object.slot, "a log object of it is damaged") for o in done if o.damaged]
    rows = [
        {
            "obj": o.number,
            "uri": o.object.uri,
            "flow_log_id": o.object.flow_log_id,
            "account_id": ACCOUNT,
            "region": REGION,
            "slot": int(o.object.slot.timestamp()),
        }
        for o in done
    ]
    engine.derive(
        {
            "objects": (OBJECTS, rows),
            "units": (population.UNITS, population.units(inventory, coverage, read=True)),
            "log_ranks": (population.RANKS, population.ranks(inventory, baselines, Judge({}))),
            "log_traffic": (population.TRAFFICS, population.traffics(inventory)),
            "log_born": (population.BORN, population.born(inventory)),
            "hurt_days": (population.HURT, population.hurt_days(hurt)),
            "own_ranges": (population.RANGES, population.own_ranges(inventory)),
            "intermediaries": (population.HIDDEN, population.hidden(inventory)),
            "vpc_ranges": (population.RANGES, population.vpc_ranges(networks.vpcs)),
            "period_days": (population.DAYS, population.period_days(*PERIOD, AS_OF)),
        },
        service_ports(controls),
    )
    seen = Seen(engine, networks)
    seen.records = engine.rows('SELECT * FROM flow_records ORDER BY "object", line')
    seen.days = {(r["interface_id"], f"{r['day']:%Y-%m-%d}"): r for r in engine.rows("SELECT * FROM interface_days")}
    return seen


def _written(folder: Path, at: int, one: Object) -> tuple[LogObject, Path]:
    path = folder / f"{at}.log.gz"
    packed = gzip.compress("\n".join([one.header, *one.lines]).encode() + b"\n", mtime=0)
    path.write_bytes(packed[: len(packed) - one.cut])
    slot = datetime.fromtimestamp(one.at // 300 * 300, UTC)
    return LogObject(
        uri=f"s3://b/{at:03}",
        key=str(at),
        account_id=ACCOUNT,
        region=REGION,
        flow_log_id=one.log,
        slot=slot,
        size=len(packed),
    ), path
