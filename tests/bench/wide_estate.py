"""A seeded organization of any size, as the answers that AWS would give: what `bench_coverage.py` reads.

The answers have every key that botocore returns today. Sizes are uneven, as they are anywhere: most regions of an
account hold a default VPC and little in it, a few hold thousands of interfaces.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from auditkit.model.inventory import Call

ACCOUNTS, PAGE = 300, 1000
REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
    "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
AS_OF = "2026-10-01T06:00:00Z"
AUDITOR = "arn:aws:sts::100000000000:assumed-role/Auditor/bench"
EMPTY = {
    "TransitGateways": "DescribeTransitGateways", "TransitGatewayAttachments": "DescribeTransitGatewayAttachments",
    "TransitGatewayConnects": "DescribeTransitGatewayConnects", "NatGateways": "DescribeNatGateways",
    "VpcEndpoints": "DescribeVpcEndpoints", "VpcPeeringConnections": "DescribeVpcPeeringConnections", "RouteTables": "DescribeRouteTables",
    "NetworkAcls": "DescribeNetworkAcls", "PrefixLists": "DescribeManagedPrefixLists", "VpcEncryptionControls": "DescribeVpcEncryptionControls",
    "VpcBlockPublicAccessExclusions": "DescribeVpcBlockPublicAccessExclusions",
}  # fmt: skip
FORMAT = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${tcp-flags} ${flow-direction}"

# weight, description, requester, managed, owner, type, whether an instance, whether public
KINDS = (
    (40, "", "", False, "{account}", "interface", True, False),
    (4, "", "", False, "{account}", "interface", True, True),
    (12, "aws-k8s-branch-eni", "{account}", False, "", "branch", False, False),
    (9, "AWS Lambda VPC ENI-fn-{n}-{uuid}", "AROAEXAMPLE{h}:{account}", False, "amazon-aws", "lambda", False, False),
    (8, "ELB app/front-{n}/{h}", "amazon-elb", True, "amazon-elb", "interface", False, True),
    (3, "ELB net/edge-{n}/{h}", "amazon-elb", True, "amazon-aws", "network_load_balancer", False, True),
    (6, "RDSNetworkInterface", "amazon-rds", True, "amazon-rds", "interface", False, False),
    (8, "VPC Endpoint Interface vpce-{h}", "{account}", True, "amazon-aws", "vpc_endpoint", False, False),
    (5, "arn:aws:ecs:{region}:{account}:attachment/{uuid}", "{account}", True, "{account}", "interface", False, False),
    (2, "Interface for NAT Gateway nat-{h}", "{account}", True, "amazon-aws", "nat_gateway", False, True),
    (2, "ElastiCache cache-{n}", "amazon-elasticache", True, "amazon-elasticache", "interface", False, False),
    (1, "", "", False, "", "interface", False, False),
)
_WEIGHTS = [kind[0] for kind in KINDS]


def accounts() -> list[str]:
    """The account ids."""
    return [str(100000000000 + 7919 * n) for n in range(ACCOUNTS)]


def meta() -> dict[str, Any]:
    """What snapshot.json says."""
    return {
        "provenance": "imported",
        "started": "2026-10-01T05:00:00Z",
        "as_of": AS_OF,
        "identity": {"account_id": accounts()[0], "arn": AUDITOR, "endpoint": ""},
        "scope": {"accounts": accounts(), "regions": {a: list(REGIONS) for a in accounts()}, "excluded": []},
    }


def sizes(interfaces: int) -> dict[tuple[str, str], int]:
    """How many interfaces stand in each account and region."""
    dice = random.Random(1)
    weight = {(a, r): min(dice.paretovariate(1.1), 60.0) for a in accounts() for r in REGIONS}
    total, out, share = sum(weight.values()), {}, 0.0
    for place, one in weight.items():
        before = round(interfaces * share / total)
        share += one
        out[place] = round(interfaces * share / total) - before
    return out


def organization() -> Iterator[Call]:
    """What Organizations and STS answered, and the buckets."""
    first = accounts()[0]
    yield _call(
        "GetCallerIdentity", first, "global", {"UserId": "AROA:bench", "Account": first, "Arn": AUDITOR}, service="sts"
    )
    yield _call(
        "DescribeOrganization",
        first,
        "global",
        {"Organization": {"Id": "o-bench", "MasterAccountId": first}},
        service="organizations",
    )
    listed = [
        {
            "Id": a,
            "Arn": f"arn:aws:organizations::{first}:account/o-bench/{a}",
            "Email": f"{a}@example.com",
            "Name": f"account {n}",
            "Status": "ACTIVE",
            "State": "ACTIVE",
            "JoinedMethod": "CREATED",
        }
        for n, a in enumerate(accounts())
    ]
    yield _call("ListAccounts", first, "global", {"Accounts": listed}, service="organizations")
    for n, a in enumerate(accounts()):
        tags = [{"Key": "env", "Value": ("prod", "test")[n % 2]}, {"Key": "owner", "Value": f"team-{n % 40}"}]
        yield _call("ListTagsForResource", a, "global", {"Tags": tags}, service="organizations", resource=a)
        yield _call(
            "AssumeRole",
            a,
            "global",
            {"AssumedRoleUser": {"AssumedRoleId": "AROA:auditkit", "Arn": AUDITOR}},
            service="sts",
        )
        yield _call(
            "DescribeRegions",
            a,
            "global",
            {"Regions": [{"RegionName": r, "OptInStatus": "opt-in-not-required"} for r in REGIONS]},
        )
    for operation, answer in (
        ("HeadBucket", {"BucketRegion": "eu-central-1"}),
        (
            "GetBucketEncryption",
            {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                }
            },
        ),
        ("GetBucketVersioning", {"Status": "Enabled"}),
        (
            "GetPublicAccessBlock",
            {
                "PublicAccessBlockConfiguration": dict.fromkeys(
                    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
                )
            },
        ),
    ):
        yield _call(operation, first, "global", answer, service="s3", resource="central-logs")


def place(account: str, region: str, interfaces: int) -> Iterator[Call]:
    """Everything that one account and region answered; a shared VPC's interfaces are another account's too."""
    dice = random.Random(f"{account} {region}")
    at = accounts().index(account)
    vpcs = [_Vpc(dice, account, region, n) for n in range(2 + interfaces // 400 if interfaces > 40 else 1)]
    rows = [_interface(dice, account, region, dice.choice(vpcs)) for _ in range(interfaces)]
    # Every tenth account takes part in a VPC of the account before it: both list the VPC and what stands in it.
    if at % 10 == 1 and interfaces > 20:
        shared = _Vpc(random.Random(f"shared {accounts()[at - 1]} {region}"), accounts()[at - 1], region, 0)
        rows[: interfaces // 5] = _shared_rows(account, region, shared, interfaces // 5)
        vpcs.append(shared)
    if at % 10 == 0:
        guest, count = accounts()[at + 1], sizes_cached()[accounts()[at + 1], region]
        if count > 20:
            shared = _Vpc(random.Random(f"shared {account} {region}"), account, region, 0)
            rows += _shared_rows(guest, region, shared, count // 5)
            vpcs.append(shared)
    yield from _pages("DescribeVpcs", "Vpcs", account, region, [v.answer(account) for v in vpcs])
    yield from _pages(
        "DescribeSubnets", "Subnets", account, region, [s for v in vpcs for s in v.subnet_answers(account)]
    )
    yield from _pages("DescribeNetworkInterfaces", "NetworkInterfaces", account, region, rows)
    own = [v for v in vpcs if v.account == account]
    yield from _pages(
        "DescribeSecurityGroups", "SecurityGroups", account, region, [g for v in own for g in v.group_answers()]
    )
    yield from _pages("DescribeFlowLogs", "FlowLogs", account, region, list(_flow_logs(dice, own, rows)))
    for key, operation in EMPTY.items():
        yield _call(operation, account, region, {key: []})
    yield _call(
        "DescribeVpcBlockPublicAccessOptions",
        account,
        region,
        {
            "VpcBlockPublicAccessOptions": {
                "AwsAccountId": account,
                "AwsRegion": region,
                "State": "default-state",
                "InternetGatewayBlockMode": "off",
            }
        },
    )


_SIZES: dict[tuple[str, str], int] = {}


def sizes_cached(interfaces: int = 0) -> dict[tuple[str, str], int]:
    """`sizes`, computed when given a number, remembered after."""
    if interfaces:
        _SIZES.update(sizes(interfaces))
    return _SIZES


class _Vpc:
    """A VPC with its subnets and groups; the same dice give the same VPC."""

    def __init__(self, dice: random.Random, account: str, region: str, n: int) -> None:
        self.account, self.region, self.net = account, region, f"10.{dice.randrange(256)}"
        self.id = _id(dice, "vpc")
        self.default = n == 0
        self.subnets = [_id(dice, "subnet") for _ in range(3 if self.default else 6)]
        self.groups = [_id(dice, "sg") for _ in range(1 if self.default else 6)]
        self.tags = {"Name": f"vpc-{n}", "scope": dice.choice(("pci", "other", "other", "other"))}
        self.logged = dice.random()

    def answer(self, seen_by: str) -> dict[str, Any]:
        own = seen_by == self.account
        state = {
            "AssociationId": f"vpc-cidr-assoc-{self.id[4:]}",
            "CidrBlock": f"{self.net}.0.0/16",
            "CidrBlockState": {"State": "associated"},
        }
        return {
            "VpcId": self.id, "OwnerId": self.account, "State": "available", "CidrBlock": f"{self.net}.0.0/16", "CidrBlockAssociationSet": [state], "Ipv6CidrBlockAssociationSet": [],
            "DhcpOptionsId": "dopt-0a1b2c3d4e5f60718", "InstanceTenancy": "default", "IsDefault": self.default, "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"}, "Tags": _tags(self.tags) if own else [],
        }  # fmt: skip

    def subnet_answers(self, seen_by: str) -> Iterator[dict[str, Any]]:
        for n, subnet in enumerate(self.subnets):
            yield {
                "SubnetId": subnet, "SubnetArn": f"arn:aws:ec2:{self.region}:{self.account}:subnet/{subnet}", "VpcId": self.id, "OwnerId": self.account, "State": "available", "CidrBlock": f"{self.net}.{n * 16}.0/20",
                "Ipv6CidrBlockAssociationSet": [], "AssignIpv6AddressOnCreation": False, "Ipv6Native": False, "EnableDns64": False, "MapCustomerOwnedIpOnLaunch": False,
                "AvailabilityZone": f"{self.region}{'abc'[n % 3]}", "AvailabilityZoneId": f"az{n % 3}", "AvailableIpAddressCount": 4000, "DefaultForAz": self.default, "MapPublicIpOnLaunch": self.default,
                "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"}, "Tags": _tags({"Name": f"subnet-{n}"}) if seen_by == self.account else [],
            }  # fmt: skip

    def group_answers(self) -> Iterator[dict[str, Any]]:
        out = [
            {
                "IpProtocol": "-1",
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
        ]
        for n, group in enumerate(self.groups):
            into = [
                {
                    "IpProtocol": "tcp",
                    "FromPort": p,
                    "ToPort": p,
                    "IpRanges": [{"CidrIp": f"{self.net}.0.0/16"}],
                    "Ipv6Ranges": [],
                    "PrefixListIds": [],
                    "UserIdGroupPairs": [],
                }
                for p in (22, 443)
            ]
            yield {
                "GroupId": group, "GroupName": f"group-{n}", "Description": "made by the benchmark", "OwnerId": self.account, "VpcId": self.id,
                "SecurityGroupArn": f"arn:aws:ec2:{self.region}:{self.account}:security-group/{group}", "IpPermissions": into, "IpPermissionsEgress": out, "Tags": [],
            }  # fmt: skip


def _interface(dice: random.Random, account: str, region: str, vpc: _Vpc) -> dict[str, Any]:
    _, description, requester, managed, owner, type_, instance, public = dice.choices(KINDS, _WEIGHTS)[0]
    h, n = f"{dice.getrandbits(68):017x}", dice.randrange(len(vpc.subnets))
    names = {
        "h": h,
        "n": dice.randrange(500),
        "account": account,
        "region": region,
        "uuid": f"{h[:8]}-1111-4222-8333-{h[:12]}",
    }
    ip = f"{vpc.net}.{n * 16 + dice.randrange(16)}.{dice.randrange(1, 255)}"
    name = "ip-" + ip.replace(".", "-") + f".{region}.compute.internal"
    association = {
        "PublicIp": f"52.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(256)}",
        "PublicDnsName": f"ec2-52-0-0-1.{region}.compute.amazonaws.com",
        "IpOwnerId": "amazon" if managed else account,
    }
    also = {"Association": association} if public else {}
    answer: dict[str, Any] = {
        "NetworkInterfaceId": f"eni-{h}", "OwnerId": account, "InterfaceType": type_, "Description": description.format(**names), "RequesterManaged": managed,
        "Status": "in-use", "VpcId": vpc.id, "SubnetId": vpc.subnets[n], "AvailabilityZone": f"{region}{'abc'[n % 3]}", "AvailabilityZoneId": f"az{n % 3}",
        "PrivateIpAddress": ip, "PrivateDnsName": name, "PrivateIpAddresses": [{"PrivateIpAddress": ip, "PrivateDnsName": name, "Primary": True, **also}], "Ipv6Addresses": [], **also,
        "Groups": [{"GroupId": g, "GroupName": f"group-{vpc.groups.index(g)}"} for g in dice.sample(vpc.groups, min(len(vpc.groups), 1 + dice.randrange(2)))],
        "MacAddress": ":".join(h[i : i + 2] for i in range(0, 12, 2)), "SourceDestCheck": True, "DenyAllIgwTraffic": False, "ConnectionTrackingConfiguration": {}, "Operator": {"Managed": False},
        "NetworkInterfaceArn": f"arn:aws:ec2:{region}:{account}:network-interface/eni-{h}",
        "TagSet": _tags({"Name": f"node-{names['n']}", "team": f"team-{names['n'] % 40}", "cost-center": f"cc-{names['n'] % 90}"} if instance else {"team": f"team-{names['n'] % 40}"}),
    }  # fmt: skip
    if requester:
        answer["RequesterId"] = requester.format(**names)
    if owner:
        answer["Attachment"] = {
            "AttachmentId": f"eni-attach-{h}", "InstanceOwnerId": owner.format(**names), **({"InstanceId": f"i-{h[::-1]}"} if instance else {}), "DeviceIndex": 0 if instance else 1, "NetworkCardIndex": 0,
            "Status": "attached", "AttachTime": f"2026-{dice.randrange(1, 10):02}-{dice.randrange(1, 29):02}T{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}Z", "DeleteOnTermination": True,
        }  # fmt: skip
    elif type_ == "interface":
        answer["Status"] = "available"
    return answer


def _shared_rows(account: str, region: str, vpc: _Vpc, count: int) -> list[dict[str, Any]]:
    dice = random.Random(f"guest {account} {region}")
    return [_interface(dice, account, region, vpc) for _ in range(count)]


def _flow_logs(dice: random.Random, vpcs: list[_Vpc], rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for vpc in vpcs:
        if vpc.logged < 0.95:
            yield _flow_log(dice, vpc.id, "ALL", "central-logs" if vpc.logged < 0.93 else "elsewhere")
        elif vpc.logged < 0.96:
            yield _flow_log(dice, vpc.id, "REJECT", "central-logs")
        elif vpc.logged < 0.98:
            yield from (_flow_log(dice, s, "ALL", "central-logs") for s in vpc.subnets[:2])
    for row in rows[::100]:
        yield _flow_log(dice, row["NetworkInterfaceId"], "ALL", "central-logs")


def _flow_log(dice: random.Random, resource: str, traffic: str, bucket: str) -> dict[str, Any]:
    return {
        "FlowLogId": _id(dice, "fl"), "ResourceId": resource, "TrafficType": traffic, "FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "SUCCESS" if dice.random() < 0.97 else "FAILED",
        "LogDestinationType": "s3", "LogDestination": f"arn:aws:s3:::{bucket}", "LogFormat": FORMAT, "MaxAggregationInterval": dice.choice((60, 600)), "CreationTime": "2025-11-02T10:00:00Z",
        "DestinationOptions": {"FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False}, "Tags": [],
    }  # fmt: skip


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": k, "Value": v} for k, v in tags.items()]


def _id(dice: random.Random, kind: str) -> str:
    return f"{kind}-{dice.getrandbits(68):017x}"


def _pages(operation: str, key: str, account: str, region: str, rows: list[Any]) -> Iterator[Call]:
    for page, first in enumerate(range(0, max(len(rows), 1), PAGE), 1):
        more = {"NextToken": f"page-{page + 1}"} if first + PAGE < len(rows) else {}
        yield _call(operation, account, region, {key: rows[first : first + PAGE], **more}, page=page)


def _call(
    operation: str,
    account: str,
    region: str,
    answer: dict[str, Any],
    *,
    service: str = "ec2",
    resource: str = "",
    page: int = 1,
) -> Call:
    return Call(
        service=service, operation=operation, account_id=account, region=region, resource=resource, page=page, at="2026-10-01T05:30:00Z",
        endpoint=f"https://{service}.{region}.amazonaws.com", request_id="8d6f4e1c-0000-4000-8000-000000000000", answer=answer,
    )  # fmt: skip
