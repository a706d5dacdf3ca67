"""Answers broken anywhere: never a crash, nothing else lost, and what is lost is said."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.inventory import read
from auditkit.model.schema import INVENTORY

OWNER = "111122223333"
GUEST = "444455556666"
REGION = "eu-central-1"
TIME = "2026-09-29T10:00:00Z"

VPC = {
    "VpcId": "vpc-0a1b2c3d",
    "OwnerId": OWNER,
    "CidrBlock": "10.0.0.0/16",
    "IsDefault": False,
    "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}}],
    "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
    "EncryptionControl": {"Mode": "monitor", "State": "available"},
    "Tags": [{"Key": "a", "Value": "b"}],
}
SUBNET = {"SubnetId": "subnet-0a1b2c3d", "OwnerId": OWNER, "VpcId": "vpc-0a1b2c3d", "CidrBlock": "10.0.1.0/24"}
ENI = {
    "NetworkInterfaceId": "eni-0a1b2c3d4e5f60718",
    "OwnerId": OWNER,
    "InterfaceType": "interface",
    "Description": "",
    "Status": "in-use",
    "RequesterManaged": False,
    "Attachment": {"InstanceId": "i-0a1b2c3d", "InstanceOwnerId": OWNER, "AttachTime": TIME},
    "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.5", "Association": {"PublicIp": "203.0.113.7"}}],
    "Groups": [{"GroupId": "sg-1"}],
    "Operator": {"Managed": False},
    "TagSet": [{"Key": "a", "Value": "b"}],
}
TGW = {"TransitGatewayId": "tgw-0a1b2c3d", "OwnerId": OWNER, "State": "available", "Tags": []}
ATTACHMENT = {
    "TransitGatewayAttachmentId": "tgw-attach-0a1b2c3d",
    "TransitGatewayId": "tgw-0a1b2c3d",
    "TransitGatewayOwnerId": OWNER,
    "ResourceType": "connect",
    "State": "available",
}
CONNECT = {
    "TransitGatewayAttachmentId": "tgw-attach-0a1b2c3d",
    "TransportTransitGatewayAttachmentId": "tgw-attach-1",
}
NAT = {"NatGatewayId": "nat-0a1b2c3d", "VpcId": "vpc-0a1b2c3d", "State": "available", "AvailabilityMode": "regional"}
FLOW_LOG = {
    "FlowLogId": "fl-0a1b2c3d",
    "ResourceId": "vpc-0a1b2c3d",
    "TrafficType": "ALL",
    "FlowLogStatus": "ACTIVE",
    "LogDestinationType": "cloud-watch-logs",
    "LogDestination": f"arn:aws:logs:{REGION}:{OWNER}:log-group:/vpc/flow",
    "LogFormat": "${version} ${account-id}",
    "MaxAggregationInterval": 60,
    "CreationTime": TIME,
    "DestinationOptions": {"FileFormat": "plain-text"},
    "Tags": [{"Key": "a", "Value": "b"}],
}
GROUP = {
    "GroupId": "sg-1",
    "GroupName": "g",
    "VpcId": "vpc-0a1b2c3d",
    "OwnerId": OWNER,
    "IpPermissions": [
        {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}],
            "PrefixListIds": [{"PrefixListId": "pl-0a1b2c3d"}],
        }
    ],
    "IpPermissionsEgress": [],
}
ENDPOINT = {
    "VpcEndpointId": "vpce-0a1b2c3d",
    "VpcEndpointType": "Interface",
    "OwnerId": OWNER,
    "State": "available",
    "NetworkInterfaceIds": ["eni-1"],
    "RouteTableIds": [],
}
PEERING = {
    "VpcPeeringConnectionId": "pcx-0a1b2c3d",
    "RequesterVpcInfo": {"OwnerId": OWNER, "VpcId": "vpc-0a1b2c3d", "Region": REGION},
    "AccepterVpcInfo": {"OwnerId": GUEST, "VpcId": "vpc-2", "Region": REGION},
    "Status": {"Code": "active"},
}
TABLE = {
    "RouteTableId": "rtb-0a1b2c3d",
    "VpcId": "vpc-0a1b2c3d",
    "OwnerId": OWNER,
    "Associations": [{"Main": True, "AssociationState": {"State": "associated"}}, {"SubnetId": "subnet-0a1b2c3d"}],
    "Routes": [
        {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable"},
        {"DestinationPrefixListId": "pl-0a1b2c3d", "GatewayId": "vpce-2"},
    ],
}
ACL = {
    "NetworkAclId": "acl-0a1b2c3d",
    "VpcId": "vpc-0a1b2c3d",
    "OwnerId": OWNER,
    "IsDefault": True,
    "Associations": [{"SubnetId": "subnet-0a1b2c3d"}],
    "Entries": [
        {
            "RuleNumber": 100,
            "Protocol": "6",
            "RuleAction": "deny",
            "Egress": False,
            "CidrBlock": "203.0.113.0/24",
            "PortRange": {"From": 22, "To": 22},
        },
        {"RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "Egress": False, "CidrBlock": "0.0.0.0/0"},
    ],
}
PREFIXES = {"PrefixListId": "pl-0a1b2c3d", "PrefixListName": "p", "OwnerId": "AWS", "State": "create-complete"}
OPTIONS = {"InternetGatewayBlockMode": "block-ingress", "State": "update-complete", "ExclusionsAllowed": "allowed"}
EXCLUSION = {
    "ExclusionId": "vpcbpa-exclude-1",
    "InternetGatewayExclusionMode": "allow-bidirectional",
    "ResourceArn": f"arn:aws:ec2:{REGION}:{OWNER}:subnet/subnet-0a1b2c3d",
    "State": "create-complete",
}
CONTROL = {"VpcId": "vpc-0a1b2c3d", "Mode": "enforce", "State": "available"}
EVENT = {
    "EventId": "e",
    "EventName": "DeleteFlowLogs",
    "EventTime": TIME,
    "Username": "alice",
    "Resources": [{"ResourceType": "AWS::EC2::FlowLog", "ResourceName": "fl-0a1b2c3d"}],
    "CloudTrailEvent": json.dumps(
        {
            "eventName": "DeleteFlowLogs",
            "eventTime": TIME,
            "requestParameters": {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-0a1b2c3d"}}},
            "responseElements": {"DeleteFlowLogsResponse": {"unsuccessful": ""}},
        }
    ),
}
STREAM = {"logStreamName": "eni-1-all", "lastEventTimestamp": 1790000000000, "lastIngestionTime": 1790000000000}
LOG_GROUP = {"logGroupName": "/vpc/flow", "arn": f"arn:aws:logs:{REGION}:{OWNER}:log-group:/vpc/flow:*"}

ROWS = {
    "Vpcs": [VPC, VPC | {"VpcId": "vpc-2"}],
    "Subnets": [SUBNET],
    "NetworkInterfaces": [ENI, ENI | {"NetworkInterfaceId": "eni-0a1b2c3d"}],
    "TransitGateways": [TGW],
    "TransitGatewayAttachments": [ATTACHMENT],
    "TransitGatewayConnects": [CONNECT],
    "NatGateways": [NAT],
    "FlowLogs": [FLOW_LOG],
    "SecurityGroups": [GROUP],
    "VpcEndpoints": [ENDPOINT],
    "VpcPeeringConnections": [PEERING],
    "RouteTables": [TABLE],
    "NetworkAcls": [ACL],
    "PrefixLists": [PREFIXES],
    "VpcBlockPublicAccessOptions": OPTIONS,
    "VpcBlockPublicAccessExclusions": [EXCLUSION],
    "VpcEncryptionControls": [CONTROL],
}


@pytest.fixture
def calls(aws):
    """Two accounts that were answered the same, the guest in its own ids, and every other call that is read here."""
    theirs = json.loads(json.dumps(ROWS).replace(OWNER, "_").replace(GUEST, OWNER).replace("_", GUEST))
    theirs = json.loads(json.dumps(theirs).replace("0a1b2c3d", "9f8e7d6c"))
    asked = {"StartTime": "2026-09-20T00:00:00Z", "EndTime": "2026-10-01T00:00:00Z"}
    trail = {"service": "cloudtrail", "asked": asked}
    organization = {"service": "organizations", "region": "global"}
    return [
        *aws.listings(OWNER, **ROWS),
        *aws.listings(GUEST, **theirs),
        aws.call("GetManagedPrefixListEntries", {"Entries": [{"Cidr": "3.5.0.0/19"}]}, resource="pl-0a1b2c3d"),
        aws.call("LookupEvents", {"Events": [EVENT]}, resource="DeleteFlowLogs", **trail),
        aws.call("LookupEvents", {"Events": []}, resource="CreateFlowLogs", **trail),
        aws.call("DescribeLogGroups", {"logGroups": [LOG_GROUP]}, service="logs"),
        aws.call("DescribeLogStreams", {"logStreams": [STREAM]}, service="logs", resource="/vpc/flow"),
        aws.call("ListAccounts", {"Accounts": [{"Id": OWNER, "State": "ACTIVE"}, {"Id": GUEST}]}, **organization),
        aws.call("ListTagsForResource", {"Tags": [{"Key": "a", "Value": "b"}]}, resource=OWNER, **organization),
    ]


@pytest.fixture
def whole(calls):
    """The inventory of what nobody broke."""
    return read(META, calls)


META = {
    "provenance": "collected",
    "as_of": "2026-10-01T00:00:00Z",
    "identity": {"account_id": OWNER, "arn": "", "endpoint": ""},
    "scope": {"accounts": [OWNER, GUEST], "regions": {OWNER: [REGION], GUEST: [REGION]}},
}
ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        10**40,
        1.5,
        float("nan"),
        "",
        "-",
        "\x00",
        "\ud800",
        "x" * 5000,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59+14:00",
        "2026-09-29T10:00:00",
        1790000000000,
        "vpc-0a1b2c3d",
        "vpc-0a1b2c3d4e5f60718",
        "10.0.0.1/8",
        "::/0",
        [],
        {},
        [[]],
        [{}],
        {"a": {}},
        ["vpc-1"],
    ]
).map(deepcopy)
JSON = ODD | st.lists(ODD, max_size=3) | st.dictionaries(st.sampled_from(["", "Id", "State"]), ODD, max_size=2)


def places(value, path=()):
    """Every path into an answer but the answer itself."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def broken(answer, path, how, value):
    """The answer with one value replaced, left out, or there twice; and whether it can no longer be a true answer."""
    answer = json.loads(json.dumps(answer))
    inside = answer
    for key in path[:-1]:
        inside = inside[key]
    old = inside[path[-1]]
    if how == "double" and isinstance(inside, list):
        inside.append(old)
        return answer, False
    if how == "drop":
        del inside[path[-1]]
        return answer, isinstance(inside, dict) and path[-1] not in MAY_LACK
    inside[path[-1]] = value
    if value is None and isinstance(inside, dict):
        return answer, path[-1] not in MAY_LACK
    return answer, type(value) is not type(old)


MAY_LACK = {"OwnerId", "TransitGatewayOwnerId", "IpPermissionsEgress", "IpRanges", "PrefixListIds"}
"""Keys without which there are fewer rows, or rows of another account, and nothing is damaged."""


def identities(built, account_id):
    """What an inventory has of one account: table → ids of its rows."""
    return {
        table: sorted(str(getattr(row, IDS[table])) for row in getattr(built, table) if row.account_id == account_id)
        for table in IDS
    }


IDS = {
    "vpcs": "vpc_id",
    "subnets": "subnet_id",
    "network_interfaces": "interface_id",
    "transit_gateways": "transit_gateway_id",
    "transit_gateway_attachments": "transit_gateway_attachment_id",
    "nat_gateways": "nat_gateway_id",
    "flow_logs": "flow_log_id",
    "security_group_rules": "peer",
    "network_acl_entries": "cidr_block",
    "routes": "destination",
    "vpc_endpoints": "vpc_endpoint_id",
    "vpc_peering_connections": "vpc_peering_connection_id",
    "flow_log_events": "name",
    "log_streams": "log_group",
}


def test_the_estate_has_something_of_everything(whole):
    assert whole.unread == ()
    assert {name for name in INVENTORY if not getattr(whole, name)} == set()
    assert whole.log_streams
    assert whole.flow_log_events
    assert whole.events_since
    assert [one.internet_gateway_block_mode for one in whole.subnets] == ["off", "off"]


FILLS = {
    "DescribeVpcs": "vpcs",
    "DescribeSubnets": "subnets",
    "DescribeNetworkInterfaces": "network_interfaces",
    "DescribeTransitGateways": "transit_gateways",
    "DescribeTransitGatewayAttachments": "transit_gateway_attachments",
    "DescribeNatGateways": "nat_gateways",
    "DescribeFlowLogs": "flow_logs",
    "DescribeSecurityGroups": "security_group_rules",
    "DescribeNetworkAcls": "network_acl_entries",
    "DescribeRouteTables": "routes",
    "DescribeVpcEndpoints": "vpc_endpoints",
    "DescribeVpcPeeringConnections": "vpc_peering_connections",
    "LookupEvents": "flow_log_events",
    "DescribeLogStreams": "log_streams",
}
"""Operation → the table that it alone fills."""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), how=st.sampled_from(["replace", "replace", "drop", "double"]), value=JSON)
def test_an_answer_broken_anywhere(calls, whole, data, how, value):
    """One value of one answer becomes anything: no crash, all else is there, and what is lost is said to be unread."""
    at = data.draw(st.integers(0, len(calls) - 1))
    path = data.draw(st.sampled_from(list(places(calls[at].answer))))
    answer, damaged = broken(calls[at].answer, path, how, value)
    built = read(META, [*calls[:at], replace(calls[at], answer=answer), *calls[at + 1 :]])
    told = {one.call for one in built.unread}
    assert told <= {calls[at].name}, "nothing else is unread"
    for account_id in (OWNER, GUEST):
        now, before = identities(built, account_id), identities(whole, account_id)
        for table, ids in before.items():
            if table != FILLS.get(calls[at].operation):
                assert now[table] == ids, "what other calls say is all there"
            elif account_id != calls[at].account_id:
                assert set(ids) <= set(now[table]), "what other accounts say is all there"
            elif damaged and not told:
                assert len(now[table]) >= len(ids), "what is lost is said"
