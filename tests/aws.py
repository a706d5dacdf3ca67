"""An organization of four accounts in the stand-in for AWS, with the log objects that AWS would have written.

`estate()` builds it once for the whole test process; treat what it built as read-only. moto's state is the process's,
so nothing may reset it. A test that wants resources of its own makes them under names of its own.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.request import Request, urlopen

import boto3

from tests.standin import REGIONS, SWITCHES, server

__all__ = ["REGIONS", "SWITCHES", "estate", "organization", "server"]

ROLE = "AuditkitRead"
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BUCKET = "org-flow-logs"
GONE = "gone-flow-logs"
GROUP = "/vpc/flow"
MANAGEMENT = "123456789012"
DAY = date(2026, 7, 1)

V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
V5 = f"{V2} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region flow-direction"

CREDENTIALS = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}


@dataclass
class Estate:
    """What was built."""

    endpoint: str
    management: str
    archive: str
    web: str
    data: str
    ids: dict[str, str] = field(default_factory=dict)
    """Name → id of a resource or flow log."""
    keys: list[str] = field(default_factory=list)
    """Keys of the log objects in BUCKET."""
    clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    """Clients made so far."""

    @property
    def accounts(self) -> list[str]:
        """All four, sorted."""
        return sorted([self.management, self.archive, self.web, self.data])

    def session(self, account: str = "", region: str = "us-east-1") -> boto3.Session:
        """Return a session in an account; of the management account, whose caller audits, by default."""
        if account in ("", self.management):
            return boto3.Session(**CREDENTIALS, region_name=region)
        sts = self.client("sts")
        arn = f"arn:aws:iam::{account}:role/{ROLE}"
        given = sts.assume_role(RoleArn=arn, RoleSessionName="build")["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region)

    def client(self, service: str, account: str = "", region: str = "us-east-1") -> Any:
        """Return a client in an account."""
        wanted = (service, account, region)
        if wanted not in self.clients:
            self.clients[wanted] = self.session(account, region).client(service, endpoint_url=self.endpoint)
        return self.clients[wanted]


@cache
def estate() -> Estate:
    """The organization, built once in a process."""
    return organization(server())


def organization(endpoint: str, day: date = DAY) -> Estate:
    """Fill a moto server with an organization.

    - management: nothing but the caller.
    - log-archive: the bucket `org-flow-logs` (KMS, versions, Object Lock, no public access, 400 days).
    - web, us-east-1: a PCI VPC logged to the bucket (version 5 fields, 60 s), a subnet logged to CloudWatch Logs
      (REJECT), an interface logged to a log group that is missing; a NAT gateway; SSH open to the world.
    - data, us-east-1: a VPC without any flow log, a transit gateway with an attachment, logged to the bucket;
      eu-west-1: a VPC logged to the bucket below `eu/` (Hive, by the hour), another to a bucket that is gone.
    - log objects of `day` for the flow logs of web and eu-west-1, and keys that are not AWS's.
    """
    urlopen(Request(f"{endpoint}/moto-api/seed?a=42", method="POST")).close()
    organizations = boto3.client("organizations", **CREDENTIALS, region_name="us-east-1", endpoint_url=endpoint)
    organizations.create_organization(FeatureSet="ALL")
    made = [
        organizations.create_account(
            AccountName=name, Email=f"{name}@example.org", Tags=[{"Key": "tier", "Value": name}]
        )
        for name in ("log-archive", "web", "data")
    ]
    built = Estate(endpoint, MANAGEMENT, *(one["CreateAccountStatus"]["AccountId"] for one in made))
    for account in built.accounts:
        for region in REGIONS:
            _no_default_vpc(built.client("ec2", account, region))
    _archive(built)
    _web(built)
    _data(built)
    _logs(built, day)
    return built


def _no_default_vpc(ec2: Any) -> None:
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        ec2.delete_vpc(VpcId=vpc["VpcId"])


def _archive(built: Estate) -> None:
    s3 = built.client("s3", built.archive)
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = built.client("kms", built.archive).create_key(Description="flow logs")["KeyMetadata"]["Arn"]
    built.ids["key"] = key
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}}}
    s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=lock)
    switches = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(switches, True))
    expiry = {"ID": "keep", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 400}}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [expiry]})


def _vpc(ec2: Any, built: Estate, name: str, block: str, subnets: int, **tags: str) -> str:
    vpc = ec2.create_vpc(CidrBlock=f"{block}.0.0/16", TagSpecifications=_tags("vpc", Name=name, **tags))["Vpc"]["VpcId"]
    built.ids[name] = vpc
    for number in range(subnets):
        cidr = f"{block}.{number}.0/24"
        subnet = ec2.create_subnet(
            VpcId=vpc, CidrBlock=cidr, TagSpecifications=_tags("subnet", Name=f"{name}-{number}")
        )
        built.ids[f"{name}-subnet-{number}"] = subnet["Subnet"]["SubnetId"]
        interface = ec2.create_network_interface(
            SubnetId=subnet["Subnet"]["SubnetId"], PrivateIpAddress=f"{block}.{number}.10"
        )
        built.ids[f"{name}-eni-{number}"] = interface["NetworkInterface"]["NetworkInterfaceId"]
    return vpc


def _tags(kind: str, **tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def _flow_log(ec2: Any, built: Estate, name: str, kind: str, resource: str, **params: Any) -> None:
    made = ec2.create_flow_logs(
        ResourceType=kind, ResourceIds=[resource], TagSpecifications=_tags("vpc-flow-log", Name=name), **params
    )
    assert not made["Unsuccessful"], made
    built.ids[name] = made["FlowLogIds"][0]


def _to_s3(bucket: str = BUCKET, prefix: str = "") -> dict[str, Any]:
    return {"LogDestinationType": "s3", "LogDestination": f"arn:aws:s3:::{bucket}{prefix and '/'}{prefix}"}


def _to_group(account: str, name: str) -> dict[str, Any]:
    role = f"arn:aws:iam::{account}:role/flow"
    return {"LogDestinationType": "cloud-watch-logs", "LogGroupName": name, "DeliverLogsPermissionArn": role}


def log_format(fields: str) -> str:
    """Return fields as LogFormat has them."""
    return " ".join(f"${{{name}}}" for name in fields.split())


def _web(built: Estate) -> None:
    ec2 = built.client("ec2", built.web)
    built.client("logs", built.web).create_log_group(logGroupName=GROUP)
    vpc = _vpc(ec2, built, "pci", "10.1", 2, scope="pci")
    group = ec2.create_security_group(GroupName="open", Description="SSH for all", VpcId=vpc)["GroupId"]
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh])
    entries = [{"Cidr": "192.0.2.0/24", "Description": "partners"}]
    partners = ec2.create_managed_prefix_list(
        PrefixListName="partners", AddressFamily="IPv4", MaxEntries=5, Entries=entries
    )["PrefixList"]["PrefixListId"]
    out = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": partners}]}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[out])
    built.ids["partners"] = partners
    _role(built)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=built.ids["pci-subnet-0"], AllocationId=address)["NatGateway"]["NatGatewayId"]
    built.ids |= {"open": group, "nat": nat}
    _flow_log(
        ec2,
        built,
        "pci-log",
        "VPC",
        vpc,
        TrafficType="ALL",
        MaxAggregationInterval=60,
        LogFormat=log_format(V5),
        **_to_s3(),
    )
    rejected = _to_group(built.web, GROUP)
    _flow_log(ec2, built, "subnet-log", "Subnet", built.ids["pci-subnet-1"], TrafficType="REJECT", **rejected)
    failing = _to_group(built.web, "/vpc/missing")
    _flow_log(ec2, built, "eni-log", "NetworkInterface", built.ids["pci-eni-1"], TrafficType="ACCEPT", **failing)


def _role(built: Estate) -> None:
    """The role that delivers to the log group, as the user guide has it, with a managed policy beside."""
    iam = built.client("iam", built.web)
    trust = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.create_role(
        RoleName="flow", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    iam.put_role_policy(RoleName="flow", PolicyName="deliver", PolicyDocument=document)
    policy = iam.create_policy(PolicyName="more", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="flow", PolicyArn=policy)


def _data(built: Estate) -> None:
    ec2 = built.client("ec2", built.data)
    vpc = _vpc(ec2, built, "bare", "10.2", 1)
    gateway = ec2.create_transit_gateway(Description="core")["TransitGateway"]["TransitGatewayId"]
    attached = ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[built.ids["bare-subnet-0"]]
    )
    built.ids |= {"tgw": gateway, "attachment": attached["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]}
    _flow_log(ec2, built, "tgw-log", "TransitGateway", gateway, MaxAggregationInterval=60, **_to_s3())

    key = built.client("kms", built.data).create_key(Description="stream")["KeyMetadata"]["Arn"]
    built.client("firehose", built.data).create_delivery_stream(
        DeliveryStreamName="flow",
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": key},
        S3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{built.data}:role/firehose",
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
        },
    )
    built.ids["stream-key"] = key

    west = built.client("ec2", built.data, "eu-west-1")
    vpc = _vpc(west, built, "eu", "10.3", 1)
    hive = {"FileFormat": "plain-text", "HiveCompatiblePartitions": True, "PerHourPartition": True}
    _flow_log(west, built, "eu-log", "VPC", vpc, TrafficType="ALL", DestinationOptions=hive, **_to_s3(prefix="eu"))
    s3 = built.client("s3", built.data)
    s3.create_bucket(Bucket=GONE)
    lost = _vpc(west, built, "lost", "10.4", 1)
    _flow_log(west, built, "lost-log", "VPC", lost, TrafficType="ALL", **_to_s3(GONE))
    s3.delete_bucket(Bucket=GONE)


def folder(
    account: str, region: str, slot: datetime, prefix: str = "", *, hive: bool = False, hourly: bool = False
) -> str:
    """Return the folder under which AWS writes, in one of its four layouts."""
    top = f"{prefix}{prefix and '/'}AWSLogs/"
    if hive:
        where = f"aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}"
        return f"{top}{where}/year={slot:%Y}/month={slot:%m}/day={slot:%d}/" + (f"hour={slot:%H}/" if hourly else "")
    return f"{top}{account}/vpcflowlogs/{region}/{slot:%Y/%m/%d}/" + (f"{slot:%H}/" if hourly else "")


def name(account: str, region: str, flow_log_id: str, slot: datetime, token: str = "fe123456") -> str:
    """Return the name of a log object."""
    return f"{account}_vpcflowlogs_{region}_{flow_log_id}_{slot:%Y%m%dT%H%MZ}_{token}.log.gz"


def log(fields: str, *rows: dict[str, Any]) -> bytes:
    """Return a log object's bytes: a header, and a line for each row; what a row does not say is `-`."""
    names = fields.split()
    lines = [fields, *(" ".join(str(row.get(field.replace("-", "_"), "-")) for field in names) for row in rows)]
    return gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)


def _logs(built: Estate, day: date) -> None:
    """Twelve slots each: an SSH login from the internet, web traffic, a rejected packet, and a quiet interface."""
    s3 = built.client("s3", built.archive)
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    for number in range(12):
        slot = midnight + timedelta(minutes=5 * number)
        pci = name(built.web, "us-east-1", built.ids["pci-log"], slot)
        eu = name(built.data, "eu-west-1", built.ids["eu-log"], slot)
        _put(s3, built, folder(built.web, "us-east-1", slot) + pci, log(V5, *_pci(built, slot)))
        _put(
            s3,
            built,
            folder(built.data, "eu-west-1", slot, "eu", hive=True, hourly=True) + eu,
            log(V2, *_eu(built, slot)),
        )
    for foreign in ("AWSLogs/aws-account-id", f"{folder(built.web, 'us-east-1', midnight)}test_file.log.gz"):
        s3.put_object(Bucket=BUCKET, Key=foreign, Body=b"not a flow log")
    built.keys.sort()


def _put(s3: Any, built: Estate, key: str, body: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    built.keys.append(key)


def _record(
    account: str, interface: str, slot: datetime, src: str, dst: str, ports: tuple[int, int], action: str
) -> dict[str, Any]:
    start = int(slot.timestamp())
    flow = {
        "srcaddr": src,
        "dstaddr": dst,
        "srcport": ports[0],
        "dstport": ports[1],
        "protocol": 6,
        "packets": 10,
        "bytes": 4000,
    }
    return {
        "version": 2,
        "account_id": account,
        "interface_id": interface,
        **flow,
        "start": start,
        "end": start + 59,
        "action": action,
        "log_status": "OK",
    }


def _pci(built: Estate, slot: datetime) -> list[dict[str, Any]]:
    more = {
        "version": 5,
        "vpc_id": built.ids["pci"],
        "subnet_id": built.ids["pci-subnet-0"],
        "type": "IPv4",
        "region": "us-east-1",
        "flow_direction": "ingress",
    }
    eni = built.ids["pci-eni-0"]
    rows = [
        _record(built.web, eni, slot, "203.0.113.7", "10.1.0.10", (51000, 22), "ACCEPT"),
        _record(built.web, eni, slot, "198.51.100.9", "10.1.0.10", (40000, 443), "ACCEPT"),
        _record(built.web, eni, slot, "203.0.113.8", "10.1.0.10", (41000, 3389), "REJECT"),
    ]
    seen = [row | more | {"tcp_flags": 2, "pkt_srcaddr": row["srcaddr"], "pkt_dstaddr": row["dstaddr"]} for row in rows]
    return [*seen, _quiet(built.web, built.ids["pci-eni-1"], slot) | {"version": 5}]


def _eu(built: Estate, slot: datetime) -> list[dict[str, Any]]:
    return [_record(built.data, built.ids["eu-eni-0"], slot, "10.3.0.10", "192.0.2.1", (42000, 443), "ACCEPT")]


def _quiet(account: str, interface: str, slot: datetime) -> dict[str, Any]:
    start = int(slot.timestamp())
    return {
        "version": 2,
        "account_id": account,
        "interface_id": interface,
        "start": start,
        "end": start + 59,
        "log_status": "NODATA",
    }
