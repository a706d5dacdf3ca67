"""The commands of the AWS CLI whose answers are read: what each asks, and where its file lies."""

from __future__ import annotations

from dataclasses import dataclass

REGION, WORLD, ORGANIZATION, TOP = "region", "global", "organizations", "top"
"""Places: an account's region, what an account has once, the organization, the directory itself."""
TAGS, BUCKET, ROLE, POLICY = "organizations/ID", "buckets/NAME", "global/roles/NAME", "global/policies/NAME"
KEY, GROUP, STREAM, PREFIX_LIST = "keys/NAME", "log-groups/NAME", "delivery-streams/NAME", "prefix-lists/NAME"
"""Places: the folder of one thing, named after it."""
KINDS = {
    REGION: {"keys": KEY, "log-groups": GROUP, "delivery-streams": STREAM, "prefix-lists": PREFIX_LIST},
    WORLD: {"roles": ROLE, "policies": POLICY},
}
"""Where folders of things lie: folder → place."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `aws ec2 describe-vpcs`."""

    cli: str
    """The CLI's name of the service: ec2, s3api."""
    word: str
    """The CLI's name of the operation, and the file's: describe-vpcs."""
    operation: str
    """AWS's name of the operation: DescribeVpcs."""
    key: str
    """What its answer must hold; empty where an answer may be empty."""
    place: str
    """Where its file lies."""
    listing: bool = True
    """Whether it answers in pages."""
    resource: str = ""
    """The one thing asked about, where neither folder nor answer tells."""
    may: tuple[str, ...] = ()
    """What an answer that may be empty can hold; whatever else stands there, it is none."""

    @property
    def service(self) -> str:
        """boto3's name of the service."""
        return "s3" if self.cli == "s3api" else self.cli

    @property
    def name(self) -> str:
        """`ec2:DescribeVpcs`."""
        return f"{self.service}:{self.operation}"


_EC2 = {
    "describe-vpcs": "Vpcs", "describe-subnets": "Subnets", "describe-network-interfaces": "NetworkInterfaces",
    "describe-transit-gateways": "TransitGateways", "describe-transit-gateway-attachments": "TransitGatewayAttachments",
    "describe-transit-gateway-connects": "TransitGatewayConnects", "describe-nat-gateways": "NatGateways",
    "describe-flow-logs": "FlowLogs", "describe-security-groups": "SecurityGroups", "describe-vpc-endpoints": "VpcEndpoints",
    "describe-vpc-peering-connections": "VpcPeeringConnections", "describe-route-tables": "RouteTables",
    "describe-network-acls": "NetworkAcls", "describe-managed-prefix-lists": "PrefixLists",
    "describe-vpc-block-public-access-options": "VpcBlockPublicAccessOptions",
    "describe-vpc-block-public-access-exclusions": "VpcBlockPublicAccessExclusions",
    "describe-vpc-encryption-controls": "VpcEncryptionControls",
}  # fmt: skip


def _operation(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("-"))


def _one(cli: str, word: str, key: str, place: str, *may: str) -> Command:
    return Command(cli, word, _operation(word), key, place, listing=False, may=may)


def _events(name: str) -> Command:
    return Command("cloudtrail", f"lookup-events-{name}", "LookupEvents", "Events", REGION, resource=name)


COMMANDS = (
    *(Command("ec2", word, _operation(word), key, REGION) for word, key in _EC2.items()),
    Command("ec2", "get-managed-prefix-list-entries", "GetManagedPrefixListEntries", "Entries", PREFIX_LIST),
    Command("logs", "describe-log-groups", "DescribeLogGroups", "logGroups", REGION),
    Command("logs", "describe-log-streams", "DescribeLogStreams", "logStreams", GROUP, listing=False),
    _events("CreateFlowLogs"),
    _events("DeleteFlowLogs"),
    _one("firehose", "describe-delivery-stream", "DeliveryStreamDescription", STREAM),
    _one("kms", "describe-key", "KeyMetadata", KEY),
    _one("kms", "get-key-policy", "Policy", KEY),
    Command("ec2", "describe-regions", "DescribeRegions", "Regions", WORLD),
    _one("s3control", "get-public-access-block", "PublicAccessBlockConfiguration", WORLD),
    _one("sts", "get-caller-identity", "Account", WORLD),
    _one("iam", "get-role", "Role", ROLE),
    Command("iam", "list-role-policies", "ListRolePolicies", "PolicyNames", ROLE),
    Command("iam", "list-attached-role-policies", "ListAttachedRolePolicies", "AttachedPolicies", ROLE),
    _one("iam", "get-role-policy", "PolicyDocument", ROLE),
    _one("iam", "get-policy", "Policy", POLICY),
    _one("iam", "get-policy-version", "PolicyVersion", POLICY),
    _one("organizations", "describe-organization", "Organization", ORGANIZATION),
    Command("organizations", "list-accounts", "ListAccounts", "Accounts", ORGANIZATION),
    Command("organizations", "list-tags-for-resource", "ListTagsForResource", "Tags", TAGS),
    _one("s3api", "head-bucket", "", BUCKET, "BucketArn", "BucketLocationType", "BucketLocationName", "BucketRegion", "AccessPointAlias"),
    _one("s3api", "get-bucket-encryption", "ServerSideEncryptionConfiguration", BUCKET),
    _one("s3api", "get-bucket-versioning", "", BUCKET, "Status", "MFADelete"),
    _one("s3api", "get-object-lock-configuration", "ObjectLockConfiguration", BUCKET),
    _one("s3api", "get-public-access-block", "PublicAccessBlockConfiguration", BUCKET),
    Command("s3api", "get-bucket-lifecycle-configuration", "GetBucketLifecycleConfiguration", "Rules", BUCKET, listing=False),
    _one("s3api", "get-bucket-policy", "Policy", BUCKET),
    _one("s3api", "get-bucket-policy-status", "PolicyStatus", BUCKET),
    _one("s3api", "get-bucket-ownership-controls", "OwnershipControls", BUCKET),
    _one("s3api", "get-bucket-logging", "", BUCKET, "LoggingEnabled"),
)  # fmt: skip
"""Every command that is read."""

KEYS = {command.key: command.name for command in reversed(COMMANDS) if command.listing and command.key}
"""What a listing's answer holds → who answers so."""
WORDS = frozenset(command.word for command in COMMANDS)
"""Every file name that is known, less its ending."""


def known(stem: str) -> str:
    """Return the command's word that a file is named after, or nothing: `EC2-describe-vpcs` is `describe-vpcs`."""
    lower = stem.lower()
    for command in COMMANDS:
        for before in ("", f"{command.cli}-", f"{command.service}-"):
            if lower == f"{before}{command.word}".lower():
                return command.word
    return ""


def at(place: str, word: str) -> Command | None:
    """Return the command of a file in a place."""
    return next((command for command in COMMANDS if command.place == place and command.word == word), None)
