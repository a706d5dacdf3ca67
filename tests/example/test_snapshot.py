"""The snapshot: AWS's shapes, refusals where they were planted, and every coverage state at every level."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from auditkit import snapshot
from auditkit.inventory import read

LEVELS = {"none": 0, "failing": 1, "partial": 2, "misdirected": 3, "malformed": 4, "complete": 5}
CDE_FIELDS = {"${pkt-srcaddr}", "${pkt-dstaddr}", "${tcp-flags}"}


def _name(item: dict[str, Any]) -> str:
    return next((tag["Value"] for tag in item.get("Tags", ()) if tag["Key"] == "Name"), "")


def _sets(log: dict[str, Any], *, cde: bool) -> tuple[set[str], set[str], set[str]]:
    """What one flow log delivers, delivers to an approved place, and in the right form: DESIGN's three sets, by brute force."""
    bucket = log["LogDestination"].removeprefix("arn:aws:s3:::") if log["LogDestinationType"] == "s3" else ""
    if "DeliverLogsErrorMessage" in log or bucket == "core-old-flow-logs":
        return set(), set(), set()
    traffic = {"ACCEPT", "REJECT"} if log.get("TrafficType", "ALL") == "ALL" else {log["TrafficType"]}
    approved = traffic if bucket == "org-flow-logs" or (log.get("LogGroupName") == "/vpc/flow" and not cde) else set()
    wanted = CDE_FIELDS if "tgw-" not in log["ResourceId"] else {"${tcp-flags}"}
    fits = not cde or (set(log["LogFormat"].split()) >= wanted and log["MaxAggregationInterval"] == 60)
    return traffic, approved, approved if fits else set()


def _state(logs: list[dict[str, Any]], *, cde: bool) -> str:
    delivered, approved, conforming = (
        (set().union(*sets) for sets in zip(*(_sets(log, cde=cde) for log in logs), strict=True))
        if logs
        else (set(), set(), set())
    )
    both = {"ACCEPT", "REJECT"}
    for state, holds in (
        ("complete", conforming == both),
        ("malformed", approved == both),
        ("misdirected", delivered == both),
        ("partial", bool(delivered)),
    ):
        if holds:
            return state
    return "failing" if logs else "none"


@pytest.fixture(scope="module")
def states(example: Any) -> dict[str, Counter[str]]:
    """Resource type → states of its resources outside core-prod us-east-1 and partner-drop-logs, which nobody can decide."""
    vpcs = {
        id_: vpc
        for id_, vpc in _listed(example, "DescribeVpcs", "Vpcs").items()
        if vpc["OwnerId"] != "444455556666" or vpc["CidrBlock"] not in UNREAD
    }
    logs: dict[str, list[dict[str, Any]]] = {}
    for log in example.listed("DescribeFlowLogs", "FlowLogs").values():
        logs.setdefault(log["ResourceId"], []).append(log)
    cde = {id_ for id_, vpc in vpcs.items() if {"Key": "scope", "Value": "pci"} in vpc["Tags"]}
    out: dict[str, Counter[str]] = {kind: Counter() for kind in ("vpc", "subnet", "network-interface")}
    undecided = {
        log["ResourceId"]
        for log in example.listed("DescribeFlowLogs", "FlowLogs").values()
        if "partner-drop-logs" in log["LogDestination"]
    }
    for id_ in vpcs.keys() - undecided:
        out["vpc"][_state(logs.get(id_, []), cde=id_ in cde)] += 1
    for id_, subnet in example.listed("DescribeSubnets", "Subnets").items():
        if subnet["VpcId"] in vpcs.keys() - undecided:
            out["subnet"][_state(logs.get(id_, []) + logs.get(subnet["VpcId"], []), cde=subnet["VpcId"] in cde)] += 1
    for id_, one in example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").items():
        if one["VpcId"] in vpcs.keys() - undecided:
            above = logs.get(id_, []) + logs.get(one["SubnetId"], []) + logs.get(one["VpcId"], [])
            out["network-interface"][_state(above, cde=one["VpcId"] in cde)] += 1
    return out


UNREAD = ("10.36.0.0/16", "10.37.0.0/16", "10.38.0.0/16", "10.10.0.0/16")
"""CIDRs of core-prod's VPCs in us-east-1, where DescribeFlowLogs is refused."""


def _listed(example: Any, operation: str, key: str) -> dict[str, dict[str, Any]]:
    """As the owner sees them: a participant's answer has no tags."""
    rows = [
        (call.account_id, item)
        for call in example.calls
        if call.operation == operation and call.answer
        for item in call.answer[key]
    ]
    return {item["VpcId"]: item for account, item in rows if item["OwnerId"] == account}


def test_every_state_at_every_level(states: dict[str, Counter[str]]) -> None:
    """Counted by brute force from the answers; what is undecided is tested below."""
    assert states == {
        "vpc": {"complete": 15, "none": 6, "failing": 3, "malformed": 1, "misdirected": 1, "partial": 1},
        "subnet": {"complete": 88, "none": 11, "failing": 10, "malformed": 6, "misdirected": 5, "partial": 4},
        "network-interface": {
            "complete": 706,
            "none": 20,
            "failing": 32,
            "malformed": 14,
            "misdirected": 26,
            "partial": 22,
        },
    }


def test_most_of_the_estate_is_well_logged(example: Any, states: dict[str, Counter[str]]) -> None:
    """A believable organization, with exceptions."""
    assert 0.7 <= states["network-interface"]["complete"] / example.summary.interfaces <= 0.8


def test_refusals(example: Any) -> None:
    """Exactly these calls were refused."""
    assert [
        (c.name, c.account_id, c.region, c.resource, c.error["code"])
        for c in sorted(example.calls, key=lambda c: c.at)
        if c.error
    ] == [
        ("sts:AssumeRole", "666677778888", "global", "", "AccessDenied"),
        ("ec2:DescribeFlowLogs", "444455556666", "us-east-1", "", "UnauthorizedOperation"),
        (
            "s3:GetBucketEncryption",
            "555566667777",
            "global",
            "lake-scratch-logs",
            "ServerSideEncryptionConfigurationNotFoundError",
        ),
        (
            "s3:GetObjectLockConfiguration",
            "555566667777",
            "global",
            "lake-scratch-logs",
            "ObjectLockConfigurationNotFoundError",
        ),
        (
            "s3:GetPublicAccessBlock",
            "555566667777",
            "global",
            "lake-scratch-logs",
            "NoSuchPublicAccessBlockConfiguration",
        ),
        (
            "s3:GetBucketOwnershipControls",
            "555566667777",
            "global",
            "lake-scratch-logs",
            "OwnershipControlsNotFoundError",
        ),
        ("s3:HeadBucket", "555566667777", "global", "core-old-flow-logs", "404"),
        *(
            ("s3:HeadBucket", account, "global", "partner-drop-logs", "403")
            for account in ("555566667777", "111122223333", "222233334444", "333344445555", "444455556666")
        ),
        ("s3:GetBucketEncryption", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetBucketVersioning", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetObjectLockConfiguration", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetPublicAccessBlock", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetBucketLifecycleConfiguration", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetBucketPolicy", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetBucketPolicyStatus", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetBucketOwnershipControls", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        ("s3:GetBucketLogging", "555566667777", "global", "partner-drop-logs", "AccessDenied"),
        (
            "s3control:GetPublicAccessBlock",
            "555566667777",
            "global",
            "555566667777",
            "NoSuchPublicAccessBlockConfiguration",
        ),
        ("cloudtrail:LookupEvents", "555566667777", "us-east-1", "CreateFlowLogs", "AccessDeniedException"),
        ("cloudtrail:LookupEvents", "555566667777", "us-east-1", "DeleteFlowLogs", "AccessDeniedException"),
    ]


def test_unknown_with_something_known(example: Any) -> None:
    """In a shared VPC whose owner's flow logs were not read, two interfaces have flow logs of their own."""
    shared = {
        s["SubnetId"]
        for s in example.listed("DescribeSubnets", "Subnets").values()
        if s["CidrBlock"].startswith("10.38.")
    }
    own = {
        i["NetworkInterfaceId"]
        for i in example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").values()
        if i["SubnetId"] in shared
    }
    known = [
        (log["TrafficType"], _name(log))
        for log in example.listed("DescribeFlowLogs", "FlowLogs").values()
        if log["ResourceId"] in own
    ]
    assert sorted(known) == [("ACCEPT", "pay-guest-accept"), ("ALL", "pay-guest-full")]


def test_nothing_of_the_account_that_refuses(example: Any) -> None:
    """Its log objects lie in the bucket; of its network, the snapshot knows nothing."""
    assert [c.name for c in example.calls if c.account_id == "666677778888"] == [
        "organizations:ListTagsForResource",
        "sts:AssumeRole",
    ]
    assert any((example.path / "logs").rglob("666677778888_vpcflowlogs_*"))


def test_shared_vpc_is_seen_from_both_accounts(example: Any) -> None:
    """The participant sees VPC and subnets without tags, and its own interfaces only; the owner sees all."""
    seen = {
        call.account_id: [vpc for vpc in call.answer["Vpcs"] if vpc["CidrBlock"] == "10.30.0.0/16"]
        for call in example.calls
        if call.operation == "DescribeVpcs" and call.region == "eu-west-1"
    }
    assert [(account, bool(vpc["Tags"])) for account, vpcs in sorted(seen.items()) for vpc in vpcs] == [
        ("333344445555", False),
        ("444455556666", True),
    ]
    owners = Counter(
        (call.account_id, i["OwnerId"])
        for call in example.calls
        if call.operation == "DescribeNetworkInterfaces" and call.answer
        for i in call.answer["NetworkInterfaces"]
        if i["PrivateIpAddress"].startswith("10.30.")
    )
    assert owners["333344445555", "333344445555"] == owners["444455556666", "333344445555"] == 20
    assert ("333344445555", "444455556666") not in owners


def test_interfaces_of_every_service(example: Any) -> None:
    """The shapes by which a service is told: type, requester, and whether AWS manages it."""
    interfaces = example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").values()
    shapes = {
        (i["InterfaceType"], i["Description"].split(" ")[0].split("-")[0], i["RequesterManaged"]) for i in interfaces
    }
    assert shapes >= {
        ("interface", "", False), ("interface", "ELB", True), ("network_load_balancer", "ELB", True), ("nat_gateway", "Interface", True),
        ("transit_gateway", "Network", False), ("vpc_endpoint", "VPC", True), ("gateway_load_balancer_endpoint", "VPC", True), ("lambda", "AWS", False),
        ("interface", "RDSNetworkInterface", True), ("interface", "ElastiCache", True), ("interface", "RedshiftNetworkInterface", True), ("efs", "EFS", True),
        ("interface", "Created", False), ("interface", "Amazon", True), ("branch", "aws", False), ("interface", "Route", True),
    }  # fmt: skip
    assert any(i["Description"].startswith("arn:aws:ecs:") for i in interfaces)
    assert sum(i["Status"] == "available" for i in interfaces) == 12
    assert all(i["Status"] == "in-use" or "Attachment" not in i for i in interfaces)


def test_addresses_are_unique_in_their_subnet(example: Any) -> None:
    """No two interfaces of a subnet have an address in common."""
    taken = Counter(
        (i["SubnetId"], a["PrivateIpAddress"])
        for i in example.listed("DescribeNetworkInterfaces", "NetworkInterfaces").values()
        for a in i["PrivateIpAddresses"]
    )
    assert max(taken.values()) == 1


def test_attachments_of_each_kind(example: Any) -> None:
    """VPCs, a peering seen from both gateways under one id, and Connect attachments on their transport."""
    rows = [
        a
        for call in example.calls
        if call.operation == "DescribeTransitGatewayAttachments"
        for a in call.answer["TransitGatewayAttachments"]
    ]
    kinds = Counter(
        a["ResourceType"] for a in {(a["TransitGatewayId"], a["TransitGatewayAttachmentId"]): a for a in rows}.values()
    )
    assert kinds == {"vpc": 16, "peering": 2, "connect": 2}
    peerings = {a["TransitGatewayAttachmentId"] for a in rows if a["ResourceType"] == "peering"}
    assert len(peerings) == 1
    connects = [
        c
        for call in example.calls
        if call.operation == "DescribeTransitGatewayConnects"
        for c in call.answer["TransitGatewayConnects"]
    ]
    assert {c["TransportTransitGatewayAttachmentId"] for c in connects} <= {
        a["TransitGatewayAttachmentId"] for a in rows if a["ResourceType"] == "vpc"
    }


def test_long_listings_have_pages(example: Any) -> None:
    """Pages are numbered from one, and all but the last name the next."""
    pages = [
        c
        for c in example.calls
        if (c.operation, c.account_id, c.region) == ("DescribeNetworkInterfaces", "444455556666", "eu-west-1")
    ]
    assert [c.page for c in pages] == [1, 2, 3]
    assert ["NextToken" in c.answer for c in pages] == [True, True, False]


def test_meta_says_that_nobody_collected_it(example: Any) -> None:
    """An invented snapshot does not claim to come from AWS."""
    meta = snapshot.read_meta(example.path / "snapshot")
    assert meta["provenance"] == "imported"
    assert meta["scope"]["regions"]["666677778888"] == []
    assert [e["account"] for e in meta["scope"]["excluded"]] == ["888899990000"]
    assert meta["as_of"] == "2026-10-01T06:00:00Z" >= max(c.at for c in example.calls)
    assert not any("amazonaws.com" in c.endpoint for c in example.calls)


def _destinations(example: Any) -> tuple[dict[str, Any], dict[str, str | None], list[tuple[str, str]]]:
    """The destinations, the verdicts on roles of flow logs, and what could not be read of either."""
    meta = snapshot.read_meta(example.path / "snapshot")
    built = read(meta, example.calls)
    names = {log.flow_log_id: log.flow_log_tags["Name"] for log in built.flow_logs}
    roles = {names[log.flow_log_id]: log.deliver_role for log in built.flow_logs}
    missed = [(u.call, u.resource) for u in built.unread if u.table in ("destinations", "flow_logs_roles")]
    return {d.log_destination: d for d in built.destinations}, roles, missed


def test_destinations_as_planted(example: Any) -> None:
    """The approved bucket is in order; the careless one takes anybody's logs; one key is about to be deleted."""
    rows, _, _ = _destinations(example)
    central, scratch = rows["s3://org-flow-logs"], rows["s3://lake-scratch-logs/ml"]
    assert (central.account_id, central.owner_in_organization) == ("222233334444", True)
    assert (central.delivery_policy, central.delivery_policy_width) == ("allows", "exact")
    assert (central.kms_key_state, central.kms_key_policy, central.public_access_blocked) == ("Enabled", "allows", True)
    assert (central.object_lock_days, central.access_logging, central.public) == (400, True, False)
    assert (scratch.delivery_policy, scratch.delivery_policy_width) == ("allows", "wide")
    assert (scratch.public_access_blocked, scratch.object_ownership, scratch.retention_days) == (
        False,
        "ObjectWriter",
        14,
    )
    assert rows["s3://core-old-flow-logs"].exists is False
    foreign = rows["s3://partner-drop-logs"]
    assert (foreign.exists, foreign.owner_account_id, foreign.delivery_policy) == (None, None, None)
    groups = {name: row for name, row in rows.items() if name.startswith("log-group:")}
    assert {(row.exists, row.kms_key_policy) for row in groups.values()} == {(True, "allows"), (True, "-")}
    deleted = [name for name, row in groups.items() if row.kms_key_state == "PendingDeletion"]
    assert deleted == ["log-group:444455556666:eu-west-1:/vpc/flow"]


def test_roles_as_planted(example: Any) -> None:
    """The two flow logs with an access error deliver by a role that may write elsewhere only."""
    _, roles, _ = _destinations(example)
    assert [name for name, verdict in roles.items() if verdict == "unpermitted"] == ["lake-stream-us", "nat-stream"]
    assert set(roles.values()) == {"works", "unpermitted", "-"}


def test_nothing_of_destinations_is_unread_but_the_foreign_bucket(example: Any) -> None:
    """And its owner is asked for once, whoever was tried."""
    _, _, missed = _destinations(example)
    assert {resource for _, resource in missed} == {"partner-drop-logs"}
    assert [call for call, _ in missed].count("s3:HeadBucket") == 1
