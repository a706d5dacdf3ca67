"""Groups → findings, with their evidence, their cause and the waiver that covers them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from auditkit.attribution import Rules, described
from auditkit.evaluate import Group, Outcome
from auditkit.model.assessment import Evidence, Finding, fingerprint
from auditkit.model.columnar import Rows
from auditkit.model.condition import tests
from auditkit.model.control import Control, Waiver
from auditkit.model.flow_logs import FlowLog
from auditkit.model.inventory import Inventory, NetworkInterface
from auditkit.model.schema import TABLES
from auditkit.policy import expired

_ID = {
    "coverage": ("resource_type", "resource_id", "resource_arn"),
    "destinations": ("log_destination_type", "log_destination", None),
    "flow_logs": (None, "flow_log_id", None),
    "vpcs": (None, "vpc_id", "vpc_arn"),
    "subnets": (None, "subnet_id", "subnet_arn"),
    "network_interfaces": (None, "interface_id", "interface_arn"),
    "transit_gateways": (None, "transit_gateway_id", "transit_gateway_arn"),
    "transit_gateway_attachments": (None, "transit_gateway_attachment_id", "transit_gateway_attachment_arn"),
    "nat_gateways": (None, "nat_gateway_id", "nat_gateway_arn"),
    "delivery": (None, "flow_log_id", None),
    "flow_records": ("subject_type", "subject", None),
    "interface_days": ("resource_type", "interface_id", None),
    "security_group_rules": (None, "group_id", None),
    "network_acl_entries": (None, "network_acl_id", None),
    "routes": (None, "route_table_id", None),
    "prefix_lists": (None, "prefix_list_id", None),
    "vpc_endpoints": (None, "vpc_endpoint_id", None),
    "vpc_peering_connections": (None, "vpc_peering_connection_id", None),
}
_KIND = {
    "flow_logs": "flow-log", "delivery": "flow-log", "vpcs": "vpc", "subnets": "subnet", "network_interfaces": "network-interface", "transit_gateways": "transit-gateway",
    "transit_gateway_attachments": "transit-gateway-attachment", "nat_gateways": "nat-gateway",
    "security_group_rules": "security-group", "network_acl_entries": "network-acl", "routes": "route-table", "prefix_lists": "prefix-list",
    "vpc_endpoints": "vpc-endpoint", "vpc_peering_connections": "vpc-peering-connection",
}  # fmt: skip


@dataclass(frozen=True)
class Maker:
    """Makes findings of groups."""

    inventory: Inventory
    """What was collected."""
    waivers: Sequence[Waiver]
    """All of them."""
    today: date
    """The day of as_of: what expired, expired before it."""
    texts: Mapping[tuple[str, int], str]
    """Log object and line → the record as it stands there, of all that `records_shown` names."""
    sha256: Mapping[str, str]
    """Object URI → SHA-256."""
    rules: Rules
    """Security-group rules."""

    def findings(self, outcome: Outcome) -> list[Finding]:
        """Make the findings of one control."""
        arns = {} if _ID[outcome.control.table][2] else self._arns
        return [self._finding(outcome.control, g, self.texts, arns, self._logs) for g in outcome.groups]

    @cached_property
    def _arns(self) -> Mapping[str, str]:
        rows = Rows.made_of(NetworkInterface, self.inventory.network_interfaces)
        return dict(zip(rows.column("interface_id"), rows.column("interface_arn"), strict=True))

    @cached_property
    def _logs(self) -> Mapping[str, FlowLog]:
        return {log.flow_log_id: log for log in self.inventory.flow_logs}

    def _finding(
        self,
        control: Control,
        group: Group,
        texts: Mapping[tuple[str, int], str],
        arns: Mapping[str, str],
        logs: Mapping[str, FlowLog],
    ) -> Finding:
        first = group.sample[0]
        kind, resource, arn = _identity(control, group, first, arns)
        key = {k: _plain(v) for k, v in group.key.items()}
        facts = dict(group.facts)
        flows = control.table == "flow_records"
        if flows:
            facts |= {k: _moment(facts[k]) for k in ("first", "last")}
        return Finding(
            fingerprint=fingerprint(control.id, key),
            control_id=control.id,
            status="fail" if group.fails else "inconclusive",
            severity=control.severity,
            account_id=group.account_id,
            region=group.region,
            resource_type=kind,
            resource_id=resource,
            resource_arn=arn,
            group=key,
            detail=_flow_detail(group, facts)
            if flows
            else _days_detail(group)
            if control.table == "delivery"
            else _row_detail(control, first),
            evidence=self._records(group, texts) if flows else self._answers(control, group, logs),
            facts=facts,
            cause=self.rules.explain(group.sample) if flows and group.fails else None,
            waiver=self._waiver(control.id, group, resource, arn) if group.fails else None,
        )

    def _records(self, group: Group, texts: Mapping[tuple[str, int], str]) -> tuple[Evidence, ...]:
        return tuple(
            Evidence(
                kind="record",
                source=row["object"],
                line=row["line"],
                text=texts.get((row["object"], row["line"]), ""),
                sha256=self.sha256.get(row["object"], ""),
            )
            for row in group.sample
        )

    def _answers(self, control: Control, group: Group, logs: Mapping[str, FlowLog]) -> tuple[Evidence, ...]:
        where = f"{group.account_id}/{group.region}"
        row = group.sample[0]
        if control.table == "coverage":
            said = [
                Evidence(
                    kind="answer",
                    source=f"ec2:DescribeFlowLogs {logs[f].account_id}/{logs[f].region}",
                    text=_flow_log_text(logs[f]),
                )
                for f in (row["flow_log_ids"] or ())[:5]
                if f in logs
            ]
            return tuple(said) or (
                Evidence(
                    kind="answer",
                    source=f"ec2:DescribeFlowLogs {where}",
                    text=f"no flow log on {row['resource_id']}"
                    + (f", {row['subnet_id']}" if row["subnet_id"] not in ("", row["resource_id"]) else "")
                    + (f" or {row['vpc_id']}" if row["vpc_id"] not in ("", row["resource_id"]) else ""),
                ),
            )
        if control.table == "delivery":
            return tuple(_arrived(one, where) for one in group.sample)
        if control.table == "security_group_rules":
            return tuple(
                Evidence(
                    kind="answer",
                    source=f"ec2:DescribeSecurityGroups {where}",
                    text=f"{rule['group_id']}: {described(rule)}",
                )
                for rule in group.sample
            )
        table = TABLES[control.table]
        out = []
        for test in dict.fromkeys(t.column for t in (*tests(control.where), *tests(control.fail_where))):
            column = table.column(test)
            if column is not None:
                out.append(
                    Evidence(kind="answer", source=f"{column.source} {where}", text=f"{test} = {_text(row[test])}")
                )
        return tuple(out[:5]) or (
            Evidence(kind="answer", source=f"{control.table} {where}", text=_row_detail(control, row)),
        )

    def _waiver(self, control_id: str, group: Group, resource: str, arn: str) -> dict[str, Any] | None:
        """The waiver in force, else an expired one, so that it can be said that it ended."""
        fitting = sorted(
            (w for w in self.waivers if w.covers(control_id, group.account_id, group.region, resource, arn)),
            key=lambda w: (expired(w, self.today), w.line),
        )
        return waiver_json(fitting[0], self.today) if fitting else None


def records_shown(outcomes: Iterable[Outcome]) -> set[tuple[str, int]]:
    """Name the records that findings show: log object and line."""
    groups = (g for o in outcomes if o.control.table == "flow_records" for g in o.groups)
    return {(row["object"], row["line"]) for g in groups for row in g.sample}


def waiver_json(waiver: Waiver, today: date) -> dict[str, Any]:
    """A waiver as assessment.json shows it."""
    return {
        "control": waiver.control, "resource": waiver.resource, "reason": waiver.reason, "owner": waiver.owner, "approved_by": waiver.approved_by,
        "approved_on": waiver.approved_on.isoformat(), "expires": waiver.expires.isoformat(), "ticket": waiver.ticket, "account": waiver.account, "region": waiver.region, "expired": expired(waiver, today),
    }  # fmt: skip


def _identity(control: Control, group: Group, row: Mapping[str, Any], arns: Mapping[str, str]) -> tuple[str, str, str]:
    kind_column, id_column, arn_column = _ID[control.table]
    if control.table == "flow_records" and "subject" not in group.key:
        by = next((k for k in group.key if k not in ("account_id", "region")), "account_id")
        return by.replace("_", "-"), _text(group.key[by]), arns.get(str(group.key[by]), "")
    resource = _text(row[id_column])
    kind = row[kind_column] if kind_column else _KIND[control.table]
    arn = row[arn_column] if arn_column else arns.get(resource, "")
    return kind or "", resource, arn or ""


def _flow_detail(group: Group, facts: Mapping[str, Any]) -> str:
    peers = facts["peers"]
    shown = ", ".join(p["address"] for p in peers[:3]) + (" and others" if len(peers) > 3 else "")
    place = " ".join(f"{k.replace('_', ' ')} {_text(group.key[k])}" for k in group.key if k.endswith("_port"))
    what = "flows" if facts["rows"] != 1 else "flow"
    verb = ("breaks" if facts["rows"] == 1 else "break") + " the control" if group.fails else "cannot be decided"
    parts = [f"{facts['rows']:,} {what} {verb}", f"{human_bytes(facts['bytes'])}"]
    return "; ".join(
        filter(None, [*parts, place, f"peers {shown}" if shown else "", f"{facts['first']} to {facts['last']}"])
    )


def _row_detail(control: Control, row: Mapping[str, Any]) -> str:
    if control.table == "coverage":
        members = (
            f"; the interfaces inside are {row['members']}"
            if row["members"] not in ("-", None, "empty")
            else "; it holds no interface"
            if row["members"] == "empty"
            else ""
        )
        return (
            f"{row['state']}"
            + (f" (at least {row['at_least']})" if row["state"] == "unknown" else "")
            + (f": {'; '.join(row['reasons'])}" if row["reasons"] else "")
            + members
        )
    if control.table == "security_group_rules":
        return "; ".join(filter(None, [described(row), row["used"], row["used_reason"]]))
    columns = dict.fromkeys(t.column for t in tests(control.fail_where))
    return ", ".join(f"{c} is {_text(row[c])}" for c in columns)


def _days_detail(group: Group) -> str:
    """What the days of a flow log were, the first of them in words."""
    first, days = group.sample[0], group.facts["rows"]
    why = f": {first['reason']}" if first["reason"] else ""
    more = f"; {days - 1:,} more {'day' if days == 2 else 'days'}" if days > 1 else ""
    return f"{first['day']:%Y-%m-%d} {first['state']}{why}{more}"


def _arrived(row: Mapping[str, Any], where: str) -> Evidence:
    """What keys or streams tell of one day."""
    call = "logs:DescribeLogStreams" if row["log_destination_type"] == "cloud-watch-logs" else "s3:ListObjectsV2"
    last = f", the last of slot {row['last']:%H:%M}" if row["objects"] and row["last"] else ""
    objects = f"{row['objects']:,} object{'' if row['objects'] == 1 else 's'}{last}"
    told = [f"{row['day']:%Y-%m-%d} {row['state']}", row["reason"], objects if call.startswith("s3") else ""]
    source = f"{call} {row['log_destination']}" if row["log_destination"] else f"{call} {where}"
    return Evidence(kind="answer", source=source, text="; ".join(filter(None, told)))


def _flow_log_text(log: FlowLog) -> str:
    parts = [
        f"{log.flow_log_id} on {log.resource_id}", f"TrafficType {log.traffic_type or '(not answered)'}", log.log_destination,
        f"{log.flow_log_status or 'status not answered'}, delivery {log.deliver_logs_status or 'not answered'}",
        log.deliver_logs_error_message, f"interval {log.max_aggregation_interval} s", f"{len(log.fields)} fields",
    ]  # fmt: skip
    return "; ".join(filter(None, parts))


def _text(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value == "" else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return list(value) if isinstance(value, tuple) else value


def _moment(seconds: int | None) -> str:
    return "unknown" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def human_bytes(number: int) -> str:
    """Write a number of bytes for people: 1.4 MiB."""
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


def findings_rows(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Rows of tables/findings.parquet."""
    return [
        {
            "fingerprint": f.fingerprint, "control_id": f.control_id, "status": f.status, "severity": f.severity, "waived": f.waived,
            "account_id": f.account_id, "region": f.region, "resource_type": f.resource_type, "resource_id": f.resource_id, "resource_arn": f.resource_arn,
            "detail": f.detail, "rows": f.facts.get("rows"), "first": f.facts.get("first"), "last": f.facts.get("last"),
            "bytes": f.facts.get("bytes"), "packets": f.facts.get("packets"),
            "group": json.dumps(f.group, sort_keys=True), "evidence": json.dumps([{n: getattr(e, n) for n in e.__dataclass_fields__} for e in f.evidence], sort_keys=True),
            "cause": json.dumps(f.cause, sort_keys=True) if f.cause else None, "waiver": json.dumps(f.waiver, sort_keys=True) if f.waiver else None,
        }
        for f in findings
    ]  # fmt: skip
