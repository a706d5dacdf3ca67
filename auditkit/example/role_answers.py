"""What IAM answers about the roles by which flow logs reach their log groups: one may write to the wrong groups only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditkit.example.accounts import REFUSED, REFUSING
from auditkit.example.bucket_answers import Line
from auditkit.example.things import Estate, FlowLog
from auditkit.model.inventory import GLOBAL

GOOD, BAD = "flow-logs", "flow-logs-stream"
_ACTIONS = [
    f"logs:{name}"
    for name in ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogGroups", "DescribeLogStreams")
]


def role_of(log: FlowLog) -> str:
    """Name of the role by which a flow log delivers to its log group."""
    return BAD if log.plan.error == "Access error" else GOOD


def roles(estate: Estate) -> Iterator[Line]:
    """Yield the calls about each role, then those about the managed policies that roles have."""
    used = {
        (log.account, role_of(log))
        for log in estate.flow_logs.values()
        if log.plan.log_group
        and not log.plan.deleted
        and log.account not in REFUSING
        and (log.account, log.region, "DescribeFlowLogs") not in REFUSED
    }
    for account, role in sorted(used):
        yield from _role(account, role)
    for account in sorted({account for account, role in used if role == GOOD}):
        arn = f"arn:aws:iam::{account}:policy/{GOOD}"
        policy = {"PolicyName": GOOD, "Arn": arn, "Path": "/", "DefaultVersionId": "v2", "AttachmentCount": 1}
        version = {"Document": _document(_ACTIONS, "*"), "VersionId": "v2", "IsDefaultVersion": True}
        yield "iam", "GetPolicy", account, GLOBAL, arn, 1, {"Policy": policy}, None
        yield "iam", "GetPolicyVersion", account, GLOBAL, arn, 1, {"PolicyVersion": version}, None


def _role(account: str, role: str) -> Iterator[Line]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        ],
    }
    told = {
        "Path": "/",
        "RoleName": role,
        "Arn": f"arn:aws:iam::{account}:role/{role}",
        "CreateDate": "2024-03-11T09:20:14Z",
        "AssumeRolePolicyDocument": trust,
    }
    yield "iam", "GetRole", account, GLOBAL, role, 1, {"Role": told}, None
    inline = ["deliver"] if role == BAD else []
    yield "iam", "ListRolePolicies", account, GLOBAL, role, 1, {"PolicyNames": inline, "IsTruncated": False}, None
    for name in inline:
        document = _document(_ACTIONS, f"arn:aws:logs:*:{account}:log-group:/scratch/*")
        answer = {"RoleName": role, "PolicyName": name, "PolicyDocument": document}
        yield "iam", "GetRolePolicy", account, GLOBAL, f"{role}/{name}", 1, answer, None
    arn = f"arn:aws:iam::{account}:policy/{GOOD}"
    attached = [] if role == BAD else [{"PolicyName": GOOD, "PolicyArn": arn}]
    listed = {"AttachedPolicies": attached, "IsTruncated": False}
    yield "iam", "ListAttachedRolePolicies", account, GLOBAL, role, 1, listed, None


def _document(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
