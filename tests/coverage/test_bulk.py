"""Interfaces judged together against each judged alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.config.conditions import Parser
from auditkit.config.schema import Baseline
from auditkit.coverage import judge, with_delivery
from auditkit.model.columnar import Rows
from auditkit.model.flow_logs import Approved, FlowLog
from auditkit.model.inventory import Account, Inventory, NetworkInterface, Subnet, Vpc
from auditkit.model.schema import MATCH_COLUMNS

A, B, REGION = "111122223333", "222233334444", "eu-central-1"
PERIOD = (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
APPROVED = {"central": Approved("central", "s3", bucket="central")}
MATCHES: list[dict[str, Any] | None] = [
    None,
    {"service": "rds"},
    {"subject": "s-1"},
    {"resource_id": "eni-3"},
    {"interface_tags": {"team": "blue"}},
    {"interface_tags": {"team": ""}},
    {"any": [{"interface_tags": {"team": "red"}}, {"vpc_tags": {"scope": "pci"}}]},
    {"not": {"service": ["ec2"]}},
]


def refuse(loc: Any, message: str) -> None:
    raise AssertionError(f"{loc}: {message}")


def baselines(matches: list[Any]) -> list[Baseline]:
    """One for each match, each wanting something else."""
    parser = Parser(MATCH_COLUMNS, (), refuse)
    wants = [("ALL", ("srcaddr",)), ("REJECT", ()), ("ALL", ("tcp-flags",))]
    return [
        Baseline(
            f"b{n}",
            Baseline("").match if m is None else parser.condition(m, ()),
            wants[n % 3][0],
            ("central",),
            wants[n % 3][1],
        )
        for n, m in enumerate(matches)
    ]


def log(id_: str, on: str, traffic: str, bucket: str) -> FlowLog:
    return FlowLog(
        flow_log_id=id_, account_id=A, region=REGION, resource_id=on, kind="vpc", traffic_type=traffic, flow_log_status="ACTIVE", deliver_logs_status="SUCCESS",
        log_destination_type="s3", log_destination=f"s3://{bucket}", bucket=bucket, fields=("srcaddr",), flow_log_tags={},
    )  # fmt: skip


INTERFACES = st.lists(
    st.builds(
        lambda n, account, vpc, subnet, service, subject, tags: NetworkInterface(
            interface_id=f"eni-{n}", interface_arn=f"arn:{n}", account_id=account, region=REGION, vpc_id=vpc, subnet_id=subnet, service=service, service_evidence="",
            subject=subject, subject_type="", interface_tags=tags, seen_from=(account,),
        ),
        st.integers(0, 30), st.sampled_from([A, B]), st.sampled_from(["vpc-1", "vpc-2", "vpc-9"]), st.sampled_from(["subnet-1", "subnet-2"]), st.sampled_from(["ec2", "rds"]),
        st.sampled_from(["s-1", "s-2"]), st.dictionaries(st.sampled_from(["team", "x"]), st.sampled_from(["blue", "red", ""]), max_size=2),
    ),
    unique_by=lambda i: i.interface_id,
    max_size=12,
)  # fmt: skip
LOGS = st.lists(
    st.tuples(st.sampled_from(["vpc-1", "vpc-2", "subnet-1", *(f"eni-{n}" for n in range(8))]), st.sampled_from(["ALL", "ACCEPT", "REJECT"]), st.sampled_from(["central", "other"])),
    max_size=6,
)  # fmt: skip


@settings(deadline=None)
@given(
    interfaces=INTERFACES,
    logs=LOGS,
    matches=st.lists(st.sampled_from(MATCHES), min_size=1, max_size=4),
    tags_read=st.booleans(),
)
def test_each_row_is_what_it_is_alone(interfaces: Any, logs: Any, matches: Any, tags_read: bool) -> None:  # noqa: FBT001
    """Whatever tells two interfaces apart for a baseline or a flow log, they are told apart."""
    estate = Inventory(
        as_of=datetime(2026, 10, 1, tzinfo=UTC),
        accounts=tuple(Account(account_id=a, name="", status="in_scope", account_tags={} if tags_read else None) for a in (A, B)),
        regions={A: (REGION,), B: (REGION,)},
        vpcs=tuple(
            Vpc(vpc_id=v, vpc_arn=v, account_id=A, region=REGION, cidr_blocks=(), vpc_tags=t, seen_from=(A,)) for v, t in (("vpc-1", {"scope": "pci"}), ("vpc-2", {}))
        ),
        subnets=(Subnet(subnet_id="subnet-1", subnet_arn="", account_id=A, region=REGION, vpc_id="vpc-1", subnet_tags={}, seen_from=(A,)),),
        flow_logs=tuple(log(f"fl-{n}", *one) for n, one in enumerate(logs)),
        network_interfaces=tuple(interfaces),
    )  # fmt: skip
    estate, wanted = with_delivery(estate, {}), baselines(matches)
    together = judge(estate, wanted, APPROVED, PERIOD)
    keys = [(r.resource_type, r.account_id, r.region, r.resource_id) for r in together]
    assert keys == sorted(keys)
    kept = judge(
        replace(estate, network_interfaces=Rows.made_of(NetworkInterface, interfaces)), wanted, APPROVED, PERIOD
    )
    assert together == kept
    rows = {r.resource_id: r for r in together}
    for one in interfaces:
        (alone,) = (
            r
            for r in judge(replace(estate, network_interfaces=(one,)), wanted, APPROVED, PERIOD)
            if r.resource_id == one.interface_id
        )
        assert rows[one.interface_id] == alone
