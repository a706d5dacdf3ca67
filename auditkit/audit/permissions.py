"""The permissions that an audit needs, as IAM policies: those of the operations that are asked, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.config.schema import ConfigModel
from auditkit.model.errors import AuditkitError
from auditkit.scan.actions import ACTIONS, Action, Where

Policy = dict[str, Any]

ROLE = "AuditkitRead"
"""The role's name where nothing names another."""
LARGEST = 6144
"""Characters, white space aside, that a managed policy may have (IAM and AWS STS quotas)."""

_SIDS = {
    "ec2": "ReadNetworksAndFlowLogs",
    "logs": "ReadLogGroupsOfFlowLogs",
    "cloudtrail": "ReadWhenFlowLogsChanged",
    "s3": "ReadSettingsOfLogBuckets",
    "s3control": "ReadPublicAccessBlockOfAccount",
    "kms": "ReadKeysOfLogs",
    "firehose": "ReadDeliveryStreamsOfFlowLogs",
    "iam": "ReadRolesThatDeliverFlowLogs",
    "organizations": "ListAccountsOfOrganization",
    "sts": "EnterAccounts",
}
"""Service → the Sid of its statement, which says what it is for; IAM takes letters and digits only."""


@dataclass(frozen=True)
class Narrow:
    """What the policies can be narrowed to."""

    role_name: str = ROLE
    """The role in every account, with its path where it has one: audit/AuditkitRead."""
    external_id: str = ""
    """What the caller must present; empty for nothing."""
    places: tuple[tuple[str, str], ...] = ()
    """Bucket and prefix of the approved destinations; empty: any bucket."""
    streams: tuple[str, ...] = ()
    """Names of the approved delivery streams; empty: any."""
    groups: tuple[str, ...] = ()
    """Names of the approved log groups; empty: any."""
    files: tuple[tuple[str, str], ...] = ()
    """Bucket and prefix of places whose files AWS has not named."""
    partition: str = "aws"
    """aws, aws-cn or aws-us-gov."""

    @property
    def buckets(self) -> list[str]:
        """The buckets, each once."""
        return sorted({bucket for bucket, _ in self.places})

    @property
    def read(self) -> list[str]:
        """The buckets whose objects are read, each once."""
        return sorted({bucket for bucket, _ in (*self.places, *self.files)} if self.places else ())


def narrowed(config: ConfigModel, *, role_name: str = "", external_id: str = "", partition: str = "aws") -> Narrow:
    """Return what auditkit.yaml, and what is said instead of it, narrow the policies to."""
    approved = config.destinations.values()
    return Narrow(
        role_name or config.organization.role_name or ROLE,
        external_id or config.organization.external_id or "",
        tuple(sorted({(d.bucket, d.prefix.strip("/")) for d in approved if d.bucket})),
        tuple(sorted({d.delivery_stream for d in approved if d.delivery_stream})),
        tuple(sorted({d.log_group for d in approved if d.log_group})),
        tuple(sorted({_place(one.s3) for one in config.records.lines if one.s3})),
        partition,
    )


def _place(uri: str) -> tuple[str, str]:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return bucket, prefix.strip("/")


def policy(where: Where, narrow: Narrow) -> Policy:
    """Return the policy of the member role, of the caller (`hub`), or of whoever reads the log objects (`logs`)."""
    asked = [action for action in ACTIONS if action.where == where and action.actions]
    statements = _of_logs(asked, narrow) if where == "logs" else _by_service(asked, narrow)
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _by_service(asked: Sequence[Action], narrow: Narrow) -> Iterator[Policy]:
    for service in dict.fromkeys(action.service for action in asked):
        actions = {name for action in asked if action.service == service for name in action.actions}
        yield _allow(_SIDS[service], actions, _resources(service, narrow))


def _resources(service: str, narrow: Narrow) -> list[str]:
    """The resources of a service's statement; operations that list take only `*`."""
    arn = f"arn:{narrow.partition}"
    match service:
        case "s3":
            return [f"{arn}:s3:::{bucket}" for bucket in narrow.buckets or ["*"]]
        case "kms":
            return [f"{arn}:kms:*:*:key/*"]
        case "firehose":
            return [f"{arn}:firehose:*:*:deliverystream/{name}" for name in narrow.streams or ["*"]]
        case "iam":
            return [f"{arn}:iam::*:role/*", f"{arn}:iam::*:policy/*"]
        case "sts":
            return [f"{arn}:iam::*:role/{narrow.role_name}"]
        case _:
            return ["*"]


def _of_logs(asked: Sequence[Action], narrow: Narrow) -> Iterator[Policy]:
    """Listing is asked of a bucket, reading of its objects, decrypting of a key, and then only through S3."""
    arn = f"arn:{narrow.partition}"
    names = {name for action in asked for name in action.actions}
    lists = names & {"s3:ListBucket"}
    decrypts = {name for name in names if name.startswith("kms:")}
    events = {name for name in names if name.startswith("logs:")}
    buckets = [f"{arn}:s3:::{bucket}" for bucket in narrow.read or ["*"]]
    yield _allow("ListLogObjects", lists, buckets)
    yield _allow("ReadLogObjects", names - lists - decrypts - events, objects(narrow))
    via = {"StringLike": {"kms:ViaService": _via_s3(narrow.partition)}}
    groups = [f"{arn}:logs:*:*:log-group:{name}:*" for name in narrow.groups or ["*"]]
    yield _allow("ReadLogGroups", events, groups)
    yield _allow("DecryptLogObjects", decrypts, [f"{arn}:kms:*:*:key/*"]) | {"Condition": via}


def objects(narrow: Narrow) -> list[str]:
    """The ARNs of the flow logs' objects: in every layout of AWS, below the approved prefixes, and nothing beside them.

    And those of the places that auditkit.yaml names because AWS's layout is not followed there.
    """
    arn = f"arn:{narrow.partition}:s3:::"
    ours = [f"{arn}{bucket}/{prefix}{prefix and '/'}{TAIL}" for bucket, prefix in narrow.places or [("*", "")]]
    return ours + [f"{arn}{bucket}/{prefix}{prefix and '/'}*" for bucket, prefix in narrow.files]


TAIL = "*AWSLogs/*vpcflowlogs/*"
"""What keys of flow logs have in common, whether a destination's own prefix stands before it or not."""


def _via_s3(partition: str) -> list[str]:
    return ["s3.*.amazonaws.com", *(["s3.*.amazonaws.com.cn"] if partition == "aws-cn" else [])]


def trust(narrow: Narrow, *, hub_account: str = "", principal: str = "", organization: str = "") -> Policy:
    """Return the trust policy of the member role.

    Args:
        narrow: with the external id.
        hub_account: the account that the audit is called from: any principal of it that may assume the role.
        principal: the ARN of the one role or user that calls, instead.
        organization: id of the organization that the caller must belong to; empty for any.

    Raises:
        AuditkitError: neither account nor principal, or one that is none.
    """
    if principal:
        if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:(role|user|root)(/[\w+=,.@/-]+)?", principal):
            raise AuditkitError(
                f"{principal!r} is not the ARN of a role or user",
                "It looks like arn:aws:iam::111122223333:role/Name; the role, not a session of it.",
            )
    elif not re.fullmatch(r"\d{12}", hub_account):
        raise AuditkitError(
            "the trust policy needs to know who calls",
            "Name the account with --hub-account, or a role with --principal.",
        )
    equal = {"sts:ExternalId": narrow.external_id, "aws:PrincipalOrgID": organization}
    condition = {"StringEquals": {key: value for key, value in equal.items() if value}}
    statement = {
        "Sid": "TrustWhoAudits",
        "Effect": "Allow",
        "Principal": {"AWS": principal or f"arn:{narrow.partition}:iam::{hub_account}:root"},
        "Action": "sts:AssumeRole",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [statement | ({"Condition": condition} if any(equal.values()) else {})],
    }


def _allow(sid: str, actions: Iterable[str], resources: Sequence[str]) -> Policy:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources[0] if len(resources) == 1 else list(resources),
    }


def as_json(document: Policy) -> str:
    """Write a policy.

    Raises:
        AuditkitError: it is larger than IAM takes.
    """
    if (long := size(document)) > LARGEST:
        raise AuditkitError(
            f"the policy has {long:,} characters, and IAM takes {LARGEST:,}",
            "Too many buckets are named: leave -c out for a policy that is not narrowed to them.",
        )
    return json.dumps(document, indent=2)


def size(document: Policy) -> int:
    """Characters as IAM counts them: without white space."""
    return len(re.sub(r"\s", "", json.dumps(document)))


WHO = {"hub": "caller", "member": "role in each account", "logs": "reader of the logs"}
"""Where of an action → the same in words."""


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Every operation that is asked: who asks it, its name, the IAM actions it needs, and why."""
    for where in ("hub", "member", "logs"):
        for action in ACTIONS:
            if action.where == where:
                needs = ", ".join(action.actions) or "none"
                yield WHO[where], f"{action.service}:{action.operation}", needs, action.why
