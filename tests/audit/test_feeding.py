"""Which flow logs may have written to a stream."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from auditkit.audit.feeding import Feeding, log_format
from auditkit.audit.hurting import hurt, unlisted
from auditkit.config.schema import FromModel
from auditkit.model.inventory import Inventory, TransitGatewayAttachment
from auditkit.model.records import TGW_DEFAULT, LogObject
from tests.coverage import made

V2 = ("version", "interface-id")
LOGS = {
    "fl-vpc": {"resource_id": "vpc-1"},
    "fl-subnet": {"resource_id": "subnet-1"},
    "fl-other-subnet": {"resource_id": "subnet-2"},
    "fl-eni": {"resource_id": "eni-a1"},
    "fl-other-eni": {"resource_id": "eni-b2"},
    "fl-accept": {"resource_id": "vpc-1", "traffic_type": "ACCEPT"},
    "fl-reject": {"resource_id": "vpc-1", "traffic_type": "REJECT"},
    "fl-unsaid": {"resource_id": "vpc-1", "traffic_type": None},
    "fl-young": {"resource_id": "vpc-1", "creation_time": made.at(2, "12:00")},
    "fl-tgw": {"resource_id": "tgw-a1", "kind": "transit-gateway"},
    "fl-other-tgw": {"resource_id": "tgw-b2", "kind": "transit-gateway"},
    "fl-attachment": {"resource_id": "tgw-attach-c3", "kind": "transit-gateway"},
}
ALL = {"fl-vpc", "fl-subnet", "fl-eni"}


def estate(**more) -> Inventory:
    logs = [made.to_group(flow_log_id=name, fields=V2, **given) for name, given in LOGS.items()]
    attachment = TransitGatewayAttachment(
        transit_gateway_attachment_id="tgw-attach-c3",
        transit_gateway_attachment_arn="",
        transit_gateway_id="tgw-a1",
        account_id=made.ACCOUNT,
        region=made.REGION,
        attached_type="vpc",
        transit_gateway_attachment_tags={},
        seen_from=(),
    )
    given = {
        "flow_logs": tuple(logs),
        "network_interfaces": (made.interface(interface_id="eni-a1", subnet_id="subnet-1"),),
        "transit_gateway_attachments": (attachment,),
    }
    return replace(Inventory(as_of=made.AS_OF, accounts=(), regions={}), **{**given, **more})


def writers(stream: str, day: int = 1, inventory: Inventory | None = None) -> set[str]:
    feeding = Feeding(inventory or estate())
    ((where, logs),) = feeding.groups.items()
    assert where == (made.ACCOUNT, made.REGION, made.GROUP)
    found = feeding.writers(logs, stream, made.at(day) + timedelta(days=1))
    assert all(one.format == "${version} ${interface-id}" for one in found)
    return {one.flow_log_id for one in found}


@pytest.mark.parametrize(
    ("stream", "ids"),
    [
        ("eni-a1-all", {*ALL, "fl-unsaid"}),
        ("eni-a1-accept", {"fl-accept", "fl-unsaid"}),
        ("eni-a1-reject", {"fl-reject", "fl-unsaid"}),
        ("eni-a1", {*ALL, "fl-accept", "fl-reject", "fl-unsaid"}),
        ("eni-a1-else", {*ALL, "fl-accept", "fl-reject", "fl-unsaid"}),
        ("eni-b2-all", {"fl-vpc", "fl-subnet", "fl-other-subnet", "fl-other-eni", "fl-unsaid"}),
        ("eni-c3-all", {"fl-vpc", "fl-subnet", "fl-other-subnet", "fl-unsaid"}),
        ("tgw-a1", {"fl-tgw", "fl-attachment"}),
        ("tgw-attach-c3", {"fl-tgw", "fl-attachment"}),
        ("tgw-b2", {"fl-other-tgw"}),
        ("nat-d4-all", {"fl-vpc", "fl-subnet", "fl-other-subnet", "fl-unsaid"}),
        ("whatever", set(LOGS) - {"fl-young"}),
    ],
)
def test_who_covers_the_interface_and_logs_such_traffic(stream: str, ids: set[str]) -> None:
    """Of an interface that is not known every log may speak, but one of another interface."""
    assert writers(stream) == ids


def test_a_flow_log_has_written_nothing_before_it_was_made() -> None:
    assert "fl-young" not in writers("eni-a1-all", 1)
    assert "fl-young" in writers("eni-a1-all", 2), "later on that day it may have"


def test_an_interface_that_only_records_show_is_not_known() -> None:
    seen = made.interface(interface_id="eni-a1", subnet_id="", vpc_id="", seen_in="records")
    assert "fl-other-subnet" in writers("eni-a1-all", inventory=estate(network_interfaces=(seen,)))


def test_a_group_that_is_missing_is_not_asked() -> None:
    gone = made.group(exists=False)
    assert Feeding(estate(destinations=(gone,))).groups == {}


def test_fields_in_an_order_that_aws_did_not_tell_are_no_format() -> None:
    assert log_format(made.to_group(fields=V2)) == "${version} ${interface-id}"
    assert log_format(made.to_group(fields=TGW_DEFAULT, kind="transit-gateway")) == ""


# -- what is lost with it ----------------------------------------------------------------------------------------------

DAYS = [made.at(1), made.at(2), made.at(3)]


def obj(uri: str, **more) -> LogObject:
    given = {
        "uri": uri,
        "key": "k",
        "account_id": made.ACCOUNT,
        "region": made.REGION,
        "flow_log_id": "",
        "slot": made.at(1),
        "size": 1,
    }
    return LogObject(**{**given, **more})  # fmt: skip


def days(found) -> set[tuple[str, str]]:
    """The days that are hurt: of the slot, and of the quarter of an hour before it."""
    return {(log, f"{moment:%d}") for log, slot in found for moment in (slot, slot - timedelta(minutes=15))}


def test_a_lost_object_hurts_every_flow_log_that_may_have_written_it_on_every_day_that_it_may_tell_of() -> None:
    aws = obj("s3://b/k", flow_log_id="fl-1")
    assert list(hurt(aws, DAYS)) == [("fl-1", aws.slot)]
    stream = obj("logs://1/r/g/s/2026-07-01", carrier="lines", flow_log_ids=("fl-1", "fl-2"))
    assert days(hurt(stream, DAYS)) == {("fl-1", "01"), ("fl-1", "02"), ("fl-2", "01"), ("fl-2", "02")}
    file = obj("hose/part", carrier="lines", flow_log_ids=("fl-1",), flow_log_id="fl-1")
    assert days(hurt(file, DAYS)) == {("fl-1", "01"), ("fl-1", "02"), ("fl-1", "03")}


def test_what_could_not_be_listed_hurts_who_writes_there() -> None:
    logs = [made.to_group(flow_log_id="fl-1"), made.flow_log(flow_log_id="fl-2")]
    places = [
        FromModel(s3="s3://hose/a", flow_log=["fl-0000000a"]),
        FromModel(local=["x"], flow_log=["fl-0000000b"]),
    ]
    group = f"logs://{made.ACCOUNT}/{made.REGION}/{made.GROUP}"
    assert days(unlisted(group, logs, places, DAYS[:1])) == {("fl-1", "01")}
    assert days(unlisted(f"{group}/eni-1/2026-07-01", logs, places, DAYS[:1])) == {("fl-1", "01")}
    assert days(unlisted(f"{group}-other", logs, places, DAYS)) == set()
    assert days(unlisted("s3://hose/a/2026/", logs, places, DAYS[:1])) == {("fl-0000000a", "01")}
    assert days(unlisted("s3://other/a/", logs, places, DAYS)) == set()
    assert days(unlisted("/some/path", logs, places, DAYS[:1])) == {("fl-0000000b", "01")}
