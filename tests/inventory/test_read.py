"""Pages → rows: owners, shared resources, old answers, and that order does not matter."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.inventory import read
from auditkit.model.errors import AuditkitError
from auditkit.model.flow_logs import Approved

OWNER = "111122223333"
GUEST = "444455556666"
VPC = {
    "VpcId": "vpc-0a1b2c3d",
    "OwnerId": OWNER,
    "CidrBlock": "10.0.0.0/16",
    "IsDefault": True,
    "CidrBlockAssociationSet": [
        {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
        {"CidrBlock": "10.9.0.0/16", "CidrBlockState": {"State": "disassociated"}},
    ],
    "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2600:1f18::/56", "Ipv6CidrBlockState": {"State": "associated"}}],
    "Tags": [{"Key": "scope", "Value": "pci"}],
}
SUBNET = {"SubnetId": "subnet-0a1b2c3d", "OwnerId": OWNER, "VpcId": "vpc-0a1b2c3d", "CidrBlock": "10.0.1.0/24"}
ENI = {
    "NetworkInterfaceId": "eni-0a1b2c3d",
    "OwnerId": GUEST,
    "VpcId": "vpc-0a1b2c3d",
    "SubnetId": "subnet-0a1b2c3d",
    "InterfaceType": "interface",
    "Description": "orders\nof 2024",
    "Status": "in-use",
    "RequesterManaged": False,
    "Attachment": {"InstanceId": "i-0a1b2c3d", "InstanceOwnerId": GUEST, "AttachTime": "2026-01-02T03:04:05Z"},
    "PrivateIpAddress": "10.0.1.5",
    "PrivateIpAddresses": [
        {"PrivateIpAddress": "10.0.1.5", "Primary": True, "Association": {"PublicIp": "203.0.113.7"}},
        {"PrivateIpAddress": "10.0.1.6", "Primary": False, "Association": {"CarrierIp": "203.0.113.8"}},
    ],
    "Association": {"PublicIp": "203.0.113.7"},
    "Ipv6Addresses": [{"Ipv6Address": "2600:1f18::5"}],
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.16/28"}],
    "Groups": [{"GroupId": "sg-2", "GroupName": "b"}, {"GroupId": "sg-1", "GroupName": "a"}],
    "TagSet": [{"Key": "team", "Value": "x"}],
}


def test_network_rows_are_read_whole(inventory):
    built = inventory(Vpcs=[VPC], Subnets=[SUBNET | {"AvailabilityZoneId": "euc1-az1"}], NetworkInterfaces=[ENI])
    (vpc,), (subnet,), (eni,) = built.vpcs, built.subnets, built.network_interfaces
    assert vpc.vpc_arn == f"arn:aws:ec2:eu-central-1:{OWNER}:vpc/vpc-0a1b2c3d"
    assert vpc.cidr_blocks == ("10.0.0.0/16", "2600:1f18::/56")
    assert (vpc.is_default, vpc.vpc_tags) == (True, {"scope": "pci"})
    assert subnet.subnet_arn == f"arn:aws:ec2:eu-central-1:{OWNER}:subnet/subnet-0a1b2c3d"
    assert (subnet.availability_zone_id, subnet.cidr_blocks) == ("euc1-az1", ("10.0.1.0/24",))
    assert eni.interface_arn == f"arn:aws:ec2:eu-central-1:{GUEST}:network-interface/eni-0a1b2c3d"
    assert (eni.service, eni.subject, eni.subject_type) == ("ec2", "i-0a1b2c3d", "instance")
    assert eni.description == "orders\nof 2024"
    assert eni.attach_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert eni.addresses == ("10.0.1.5", "10.0.1.6", "2600:1f18::5", "10.0.1.16/28")
    assert eni.public_addresses == ("203.0.113.7", "203.0.113.8")
    assert (eni.security_group_ids, eni.interface_tags) == (("sg-1", "sg-2"), {"team": "x"})
    assert (eni.in_use, built.unread) == (True, ())


def test_an_old_interface_lacks_keys(inventory):
    """Before 2018 there was no InterfaceType; a half-made interface has no addresses."""
    built = inventory(NetworkInterfaces=[{"NetworkInterfaceId": "eni-12345678", "Status": "available"}])
    (eni,) = built.network_interfaces
    assert (eni.account_id, eni.interface_type, eni.vpc_id, eni.addresses) == (OWNER, "", "", ())
    assert (eni.attach_time, eni.interface_tags, eni.service, eni.in_use) == (None, {}, "unattached", False)
    assert built.unread == ()


def shared(aws):
    rows = {"Vpcs": [VPC], "Subnets": [SUBNET], "NetworkInterfaces": [ENI]}
    return [*aws.listings(OWNER, **rows), *aws.listings(GUEST, **rows)]


def test_a_shared_vpc_is_one_row_in_its_owners_account(aws):
    built = read(aws.meta(OWNER, GUEST), shared(aws))
    for rows, owner in ((built.vpcs, OWNER), (built.subnets, OWNER), (built.network_interfaces, GUEST)):
        (row,) = rows
        assert (row.account_id, row.seen_from) == (owner, (OWNER, GUEST))


@pytest.mark.parametrize(("owner", "other"), [(OWNER, GUEST), (GUEST, OWNER)])
def test_the_owners_own_view_wins(aws, owner, other):
    """A participant does not see the owner's tags."""
    mine = aws.listings(owner, Vpcs=[VPC | {"OwnerId": owner}])
    theirs = aws.listings(other, Vpcs=[VPC | {"OwnerId": owner, "Tags": []}])
    for calls in ([*theirs, *mine], [*mine, *theirs]):
        assert read(aws.meta(OWNER, GUEST), calls).vpcs[0].vpc_tags == {"scope": "pci"}


@pytest.mark.parametrize("at", ["2026-09-30T11:00:00Z", "2026-09-30T13:00:00Z"])
def test_the_later_answer_of_one_account_wins(aws, inventory, at):
    another = aws.call("DescribeVpcs", {"Vpcs": [VPC | {"Tags": []}]}, at=at)
    assert inventory(another, Vpcs=[VPC]).vpcs[0].vpc_tags == ({} if "T13" in at else {"scope": "pci"})


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_arns_are_of_the_callers_partition(aws, partition):
    meta = aws.meta(OWNER, arn=f"arn:{partition}:sts::{OWNER}:assumed-role/a/b")
    built = read(meta, aws.listings(Vpcs=[VPC]))
    assert built.vpcs[0].vpc_arn.startswith(f"arn:{partition}:ec2:")


TGW = {"TransitGatewayId": "tgw-0a1b2c3d", "OwnerId": OWNER, "State": "available"}
ATTACHMENT = {
    "TransitGatewayAttachmentId": "tgw-attach-1",
    "TransitGatewayId": "tgw-0a1b2c3d",
    "TransitGatewayOwnerId": OWNER,
    "ResourceOwnerId": GUEST,
    "ResourceType": "vpc",
    "ResourceId": "vpc-0a1b2c3d",
    "State": "available",
    "Tags": [{"Key": "a", "Value": "b"}],
}
CONNECT = ATTACHMENT | {"TransitGatewayAttachmentId": "tgw-attach-2", "ResourceType": "connect", "ResourceId": ""}
CARRIED = {"TransitGatewayAttachmentId": "tgw-attach-2", "TransportTransitGatewayAttachmentId": "tgw-attach-1"}


def test_transit_gateways_and_attachments(inventory):
    built = inventory(
        TransitGateways=[TGW | {"TransitGatewayArn": "arn:aws:ec2:told"}, TGW | {"TransitGatewayId": "tgw-2"}],
        TransitGatewayAttachments=[ATTACHMENT, CONNECT],
        TransitGatewayConnects=[CARRIED],
    )
    arns = [one.transit_gateway_arn for one in built.transit_gateways]
    assert arns == ["arn:aws:ec2:told", f"arn:aws:ec2:eu-central-1:{OWNER}:transit-gateway/tgw-2"]
    first, second = built.transit_gateway_attachments
    assert (first.account_id, first.attached_account_id, first.attached_id) == (OWNER, GUEST, "vpc-0a1b2c3d")
    assert first.transit_gateway_attachment_arn.endswith(":transit-gateway-attachment/tgw-attach-1")
    assert (first.transport_attachment_id, second.transport_attachment_id) == ("", "tgw-attach-1")


def test_a_participants_attachment_belongs_to_the_gateways_owner(aws):
    built = read(aws.meta(GUEST), aws.listings(GUEST, TransitGatewayAttachments=[ATTACHMENT]))
    (row,) = built.transit_gateway_attachments
    assert (row.account_id, row.seen_from) == (OWNER, (GUEST,))


def test_what_carries_a_connect_attachment_is_unknown_when_it_was_not_read(aws):
    calls = [one for one in aws.listings(TransitGatewayAttachments=[CONNECT]) if not one.operation.endswith("Connects")]
    built = read(aws.meta(OWNER), [*calls, aws.call("DescribeTransitGatewayConnects", error="UnauthorizedOperation")])
    assert built.transit_gateway_attachments[0].transport_attachment_id is None
    assert [one.table for one in built.unread] == ["transit_gateway_attachments"]


def test_both_sides_of_a_peering_are_kept(inventory):
    other = ATTACHMENT | {"TransitGatewayId": "tgw-2", "ResourceType": "peering"}
    assert len(inventory(TransitGatewayAttachments=[ATTACHMENT, other]).transit_gateway_attachments) == 2


@pytest.mark.parametrize("state", ["deleted", "deleting", "rejected", "failed", "Deleted"])
def test_what_is_gone_is_left_out(inventory, state):
    built = inventory(
        TransitGateways=[TGW | {"State": state}],
        TransitGatewayAttachments=[ATTACHMENT | {"State": state}],
        NatGateways=[{"NatGatewayId": "nat-1", "State": state}],
    )
    assert (built.transit_gateways, built.transit_gateway_attachments, built.nat_gateways) == ((), (), ())


def test_nat_gateways_are_zonal_unless_aws_says_regional(inventory):
    rows = [
        {"NatGatewayId": "nat-1", "VpcId": "vpc-1", "State": "available"},
        {"NatGatewayId": "nat-2", "AvailabilityMode": "regional", "State": "pending"},
    ]
    first, second = inventory(NatGateways=rows).nat_gateways
    assert (first.availability_mode, second.availability_mode) == ("zonal", "regional")
    assert first.nat_gateway_arn == f"arn:aws:ec2:eu-central-1:{OWNER}:natgateway/nat-1"


def test_the_clock_the_regions_and_the_identity_are_the_snapshots(aws):
    built = read(aws.meta(OWNER, GUEST, regions={OWNER: ["b", "a"], GUEST: ["a"]}), [])
    assert built.as_of == datetime(2026, 10, 1, tzinfo=UTC)
    assert built.regions == {OWNER: ("a", "b"), GUEST: ("a",)}
    assert built.identity["provenance"] == "collected"


@pytest.mark.parametrize(
    "wrong",
    [
        {"as_of": None},
        {"as_of": "soon"},
        {"as_of": "0001-01-01T00:00:00Z"},
        {"as_of": "9999-12-31T23:59:59Z"},
        {"scope": "everything"},
        {"scope": {"accounts": OWNER}},
        {"scope": {"accounts": [1]}},
        {"scope": {"accounts": [OWNER], "regions": {OWNER: "eu-central-1"}}},
        {"scope": {"accounts": [OWNER], "excluded": ["x"]}},
        {"identity": "me"},
    ],
)
def test_a_damaged_meta_is_an_error_with_a_next_step(aws, wrong):
    with pytest.raises(AuditkitError, match=r"^snapshot\.json: ") as caught:
        read(aws.meta(OWNER) | wrong, [])
    assert "Collect again" in caught.value.hint


def estate(aws):
    """Two accounts with something of everything, in several pages and twice told."""
    flow = {
        "FlowLogId": "fl-1",
        "ResourceId": "vpc-0a1b2c3d",
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::logs/",
    }
    group = {
        "GroupId": "sg-1",
        "OwnerId": OWNER,
        "GroupName": "g",
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    }
    s3 = {"service": "s3", "region": "global", "resource": "logs"}
    orgs = {"service": "organizations", "region": "global"}
    return [
        *shared(aws),
        *(
            aws.call(
                "DescribeVpcs", {"Vpcs": [{"VpcId": f"vpc-{page}{n}"} for n in range(3)]} | more, page=page, region="x"
            )
            for page, more in ((1, {"NextToken": "2"}), (2, {"NextToken": "3"}), (3, {}))
        ),
        aws.call("DescribeFlowLogs", {"FlowLogs": [flow, flow | {"FlowLogId": "fl-2", "LogGroupName": "x"}]}, at="2"),
        aws.call("DescribeFlowLogs", {"FlowLogs": [flow | {"TrafficType": "ACCEPT"}]}, account_id=GUEST, at="2"),
        aws.call("DescribeFlowLogs", {"FlowLogs": [flow | {"TrafficType": "REJECT"}]}, at="2"),
        aws.call("DescribeVpcs", {"Vpcs": [VPC | {"IsDefault": False}]}, account_id="000011112222", at="3"),
        aws.call("DescribeSecurityGroups", {"SecurityGroups": [group]}),
        aws.call("DescribeSecurityGroups", {"SecurityGroups": [group | {"IpPermissions": []}]}, account_id=GUEST),
        aws.call("DescribeTransitGatewayAttachments", {"TransitGatewayAttachments": [CONNECT]}),
        aws.call("DescribeTransitGatewayConnects", {"TransitGatewayConnects": [CARRIED]}),
        aws.call(
            "DescribeTransitGatewayConnects",
            {"TransitGatewayConnects": [CARRIED | {"TransportTransitGatewayAttachmentId": "tgw-attach-9"}]},
            account_id=GUEST,
        ),
        aws.call("DescribeSubnets", {"Subnets": [{"SubnetId": 7}, "x"]}),
        aws.call("HeadBucket", {}, **s3),
        aws.call("HeadBucket", error="404", account_id=GUEST, **s3),
        aws.call("GetBucketVersioning", error="AccessDenied", **s3),
        aws.call("ListAccounts", {"Accounts": [{"Id": OWNER, "Name": "a"}], "NextToken": "2"}, **orgs),
        aws.call("ListAccounts", {"Accounts": [{"Id": GUEST, "Name": "b", "State": "ACTIVE"}]}, page=2, **orgs),
        aws.call("ListTagsForResource", {"Tags": [{"Key": "a", "Value": "b"}]}, resource=OWNER, **orgs),
        aws.call("AssumeRole", service="sts", error="AccessDenied", account_id=GUEST, region="global"),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_the_calls_does_not_matter(aws, random):
    approved = {"logs": Approved(name="logs", type="s3", bucket="logs")}
    calls = estate(aws)
    expected = read(aws.meta(OWNER, GUEST), calls, approved)
    random.shuffle(calls)
    assert read(aws.meta(OWNER, GUEST), calls, approved) == expected


def test_every_table_is_sorted_by_id(aws):
    built = read(aws.meta(OWNER, GUEST), reversed(estate(aws)))
    ids = [one.vpc_id for one in built.vpcs]
    assert ids == sorted(ids)
    assert len(ids) == 10
    assert [one.flow_log_id for one in built.flow_logs] == ["fl-1", "fl-2"]
    assert list(built.unread) == sorted(
        built.unread, key=lambda u: (u.account_id, u.region, u.table, u.resource, u.call, u.error)
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["vpc-1", "tcp", "10.0.0.0/33"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """Every path into an answer."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_answer_broken_anywhere_is_told_and_never_a_crash(aws, data):
    """One value of one answer is replaced by anything: the inventory is made, and what is lost is said to be unread."""
    calls = estate(aws)
    at = data.draw(st.sampled_from([n for n, one in enumerate(calls) if one.answer]))
    answer = json.loads(json.dumps(calls[at].answer))
    path = data.draw(st.sampled_from([one for one in places(answer) if one]))
    inside = answer
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = data.draw(JSON)
    broken = [
        *calls[:at],
        aws.call(**{f: getattr(calls[at], f) for f in FIELDS} | {"answer": answer}),
        *calls[at + 1 :],
    ]
    whole, built = read(aws.meta(OWNER, GUEST), calls), read(aws.meta(OWNER, GUEST), broken)
    for table in ("vpcs", "subnets", "network_interfaces", "flow_logs"):
        if len(getattr(built, table)) < len(getattr(whole, table)):
            assert len(path) == 1 or len(built.unread) >= len(whole.unread)


FIELDS = ("service", "operation", "account_id", "region", "resource", "page", "at")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from([*FIELDS, "answer", "error"]), value=JSON)
def test_a_line_broken_anywhere_is_never_a_crash(aws, field, value):
    broken = {f: getattr(aws.call("DescribeVpcs", {"Vpcs": [VPC]}), f) for f in FIELDS} | {"answer": {"Vpcs": []}}
    read(aws.meta(OWNER), [*aws.listings(), aws.call(**broken | {field: value})])


def test_reading_is_linear(aws):
    """Twenty thousand interfaces take about half a second; quadratic work would take minutes."""
    pages = [
        aws.call(
            "DescribeNetworkInterfaces",
            {"NetworkInterfaces": [ENI | {"NetworkInterfaceId": f"eni-{page:04x}{n:04x}"} for n in range(1000)]}
            | ({"NextToken": "x"} if page < 20 else {}),
            page=page,
        )
        for page in range(1, 21)
    ]
    start = time.perf_counter()
    assert len(read(aws.meta(OWNER), pages).network_interfaces) == 20_000
    assert time.perf_counter() - start < 10
