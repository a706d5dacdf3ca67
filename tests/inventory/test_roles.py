"""Roles by which flow logs deliver: who gets in, what they may do, and what is not known."""

from __future__ import annotations

import json

import pytest

OWN, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{OWN}:role/team/flow-logs"
MANAGED = f"arn:aws:iam::{OWN}:policy/flow-logs"
GROUP = f"arn:aws:logs:eu-central-1:{OWN}:log-group:/vpc/flow"
LOG = {"FlowLogId": "fl-1", "ResourceId": "vpc-1", "TrafficType": "ALL"}
TO_GROUP = LOG | {"LogGroupName": "/vpc/flow", "DeliverLogsPermissionArn": ROLE}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service="vpc-flow-logs.amazonaws.com", **more):
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"} | more)


ACTIONS = ["CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogGroups", "DescribeLogStreams"]


def may(*actions, resource="*", **more):
    names = [f"logs:{name}" for name in actions or ACTIONS]
    return document({"Effect": "Allow", "Action": names, "Resource": resource} | more)


@pytest.fixture
def iam(aws):
    def ask(operation, answer=None, **more):
        defaults = {"service": "iam", "region": "global", "resource": "flow-logs"}
        return aws.call(operation, answer, **(defaults | more))

    return ask


@pytest.fixture
def calls(iam):
    """Calls about a role: its trust policy, its inline policy, its managed policy."""

    def build(trusts=None, inline=None, managed=None, **role):
        answered = [
            iam("GetRole", {"Role": {"AssumeRolePolicyDocument": trusts or trust()} | role}),
            iam("ListRolePolicies", {"PolicyNames": ["deliver"] if inline else [], "IsTruncated": False}),
            iam(
                "ListAttachedRolePolicies",
                {
                    "AttachedPolicies": [{"PolicyName": "x", "PolicyArn": MANAGED}] if managed else [],
                    "IsTruncated": False,
                },
            ),
        ]
        if inline:
            answered.append(iam("GetRolePolicy", {"PolicyDocument": inline}, resource="flow-logs/deliver"))
        if managed:
            version = {"VersionId": "v2", "IsDefaultVersion": True, "Document": managed}
            answered.append(iam("GetPolicy", {"Policy": {"DefaultVersionId": "v2"}}, resource=MANAGED))
            answered.append(iam("GetPolicyVersion", {"PolicyVersion": version}, resource=MANAGED))
        return answered

    return build


@pytest.fixture
def groups(aws):
    """The listing of log groups: with the group in use, or without it."""

    def build(*, there=True):
        rows = [{"logGroupName": "/vpc/flow"}] if there else []
        return aws.call("DescribeLogGroups", {"logGroups": rows}, service="logs")

    return build


def judged(inventory, *calls, log=TO_GROUP):
    built = inventory(*calls, FlowLogs=[log])
    return built.flow_logs[0].deliver_role, sorted({one.call for one in built.unread})


def test_a_role_as_aws_writes_it(inventory, calls, groups):
    assert judged(inventory, groups(), *calls(inline=may())) == ("works", [])
    assert judged(inventory, groups(), *calls(managed=may())) == ("works", [])


def test_policies_may_be_text(inventory, calls, groups):
    """botocore decodes them; another recorder may not."""
    texts = calls(trusts=json.dumps(trust()), inline=json.dumps(may()))
    assert judged(inventory, groups(), *texts) == ("works", [])


# fmt: off
TRUSTS = [
    (trust("ec2.amazonaws.com"), "untrusted"),
    (trust("delivery.logs.amazonaws.com"), "untrusted"),
    (trust(["ec2.amazonaws.com", "vpc-flow-logs.amazonaws.com"]), "works"),
    (trust(Action="sts:*"), "works"),
    (trust(Action="sts:TagSession"), "untrusted"),
    (trust(Condition={"StringEquals": {"aws:SourceAccount": OWN}}), "works"),
    (trust(Condition={"StringEquals": {"aws:SourceAccount": OTHER}}), "untrusted"),
    (trust(Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-central-1:{OWN}:vpc-flow-log/*"}}), "works"),
    (trust(Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-central-1:{OWN}:vpc-flow-log/fl-1"}}), "works"),
    (trust(Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-central-1:{OWN}:vpc-flow-log/fl-2"}}), "untrusted"),
    (trust(Condition={"StringEquals": {"sts:ExternalId": "x"}}), None),
]
PERMISSIONS = [
    (may(resource=[GROUP, f"{GROUP}:*"]), "works"),
    (may(resource=f"{GROUP}:*"), "works"),
    (may(resource=GROUP), "unpermitted"),
    (may(resource=f"arn:aws:logs:*:{OWN}:log-group:/vpc/*"), "works"),
    (may(resource=f"arn:aws:logs:*:{OWN}:log-group:/scratch/*"), "unpermitted"),
    (may(resource=f"arn:aws:logs:eu-central-1:{OTHER}:*"), "unpermitted"),
    (may("PutLogEvents"), "unpermitted"),
    (may(*ACTIONS[1:]), "works"),
    (may(*ACTIONS[:-1]), "unpermitted"),
    (document({"Effect": "Allow", "Action": "logs:*", "Resource": "*"}), "works"),
    (may(Condition={"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}), "works"),
    (may(Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), "unpermitted"),
    (may(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), None),
    (document(*may()["Statement"], {"Effect": "Deny", "Action": "logs:Put*", "Resource": "*"}), "unpermitted"),
]
# fmt: on


@pytest.mark.parametrize(("trusts", "verdict"), TRUSTS)
def test_who_may_assume_it(inventory, calls, groups, trusts, verdict):
    assert judged(inventory, groups(), *calls(trusts=trusts, inline=may())) == (verdict, [])


@pytest.mark.parametrize(("policy", "verdict"), PERMISSIONS)
def test_what_it_may_do(inventory, calls, groups, policy, verdict):
    assert judged(inventory, groups(), *calls(inline=policy)) == (verdict, [])


@pytest.mark.parametrize(("there", "verdict"), [(True, "works"), (False, "unpermitted"), (None, None)])
def test_a_group_that_is_there_need_not_be_created(inventory, calls, groups, there, verdict):
    listed = [] if there is None else [groups(there=there)]
    assert judged(inventory, *listed, *calls(inline=may(*ACTIONS[1:])))[0] == verdict


def test_a_role_that_is_gone_is_absent(inventory, iam, groups):
    assert judged(inventory, groups(), iam("GetRole", error="NoSuchEntity")) == ("absent", [])


def test_a_role_that_may_do_nothing(inventory, calls, groups):
    assert judged(inventory, groups(), *calls()) == ("unpermitted", [])


@pytest.mark.parametrize("operation", ["GetRole", "ListRolePolicies", "ListAttachedRolePolicies", "GetRolePolicy"])
def test_what_was_refused_leaves_it_undecided(inventory, iam, calls, groups, operation):
    """But for a trust that does not hold, which no permission makes good."""
    answered = [one for one in calls(inline=may("PutLogEvents")) if one.operation != operation]
    resource = "flow-logs/deliver" if operation == "GetRolePolicy" else "flow-logs"
    answered.append(iam(operation, error="AccessDenied", resource=resource))
    verdict, unread = judged(inventory, groups(), *answered)
    assert (verdict, unread) == (None, [f"iam:{operation}"])


def test_a_managed_policy_that_was_refused_leaves_it_undecided(inventory, iam, calls, groups):
    answered = [one for one in calls(managed=may()) if one.operation != "GetPolicyVersion"]
    answered.append(iam("GetPolicyVersion", error="AccessDenied", resource=MANAGED))
    assert judged(inventory, groups(), *answered) == (None, ["iam:GetPolicyVersion"])


def test_a_known_deny_wins_whatever_was_refused(inventory, iam, calls, groups):
    deny = document({"Effect": "Deny", "Action": "*", "Resource": "*"})
    answered = [one for one in calls(inline=deny) if one.operation != "ListAttachedRolePolicies"]
    answered.append(iam("ListAttachedRolePolicies", error="AccessDenied"))
    assert judged(inventory, groups(), *answered)[0] == "unpermitted"


def test_only_the_version_in_force_counts(inventory, iam, calls, groups):
    old = {"VersionId": "v1", "IsDefaultVersion": False, "Document": may()}
    answered = [one for one in calls(managed=may()) if one.operation != "GetPolicyVersion"]
    answered.append(iam("GetPolicyVersion", {"PolicyVersion": old}, resource=MANAGED))
    assert judged(inventory, groups(), *answered)[0] is None


def test_policies_on_two_pages(inventory, iam, calls, groups):
    rest = [one for one in calls(inline=may("PutLogEvents")) if one.operation != "ListRolePolicies"]
    pages = [
        iam("ListRolePolicies", {"PolicyNames": ["deliver"], "IsTruncated": True, "Marker": "2"}),
        iam("ListRolePolicies", {"PolicyNames": ["more"], "IsTruncated": False}, page=2),
        iam("GetRolePolicy", {"PolicyDocument": may()}, resource="flow-logs/more"),
    ]
    assert judged(inventory, groups(), *rest, *pages) == ("works", [])
    assert judged(inventory, groups(), *rest, pages[0]) == (None, ["iam:ListRolePolicies"])
    refused = iam("ListRolePolicies", error="Throttling", page=2)
    assert judged(inventory, groups(), *rest, pages[0], refused) == (None, ["iam:ListRolePolicies"])


def test_a_boundary_may_take_away_what_policies_give(inventory, calls, groups):
    boundary = {"PermissionsBoundary": {"PermissionsBoundaryArn": MANAGED}}
    assert judged(inventory, groups(), *calls(inline=may(), **boundary)) == (None, [])
    assert judged(inventory, groups(), *calls(**boundary))[0] == "unpermitted"


@pytest.mark.parametrize("bad", ["{", 7, {"Statement": "x"}, "[" * 5000])
def test_a_policy_that_is_none_is_unread(inventory, calls, groups, bad):
    assert judged(inventory, groups(), *calls(trusts=bad, inline=may())) == (None, ["iam:GetRole"])
    assert judged(inventory, groups(), *calls(inline=bad)) == (None, ["iam:GetRolePolicy"])


def test_unread_policies_of_a_role_touch_nothing_else(inventory, iam):
    built = inventory(iam("GetRole", error="AccessDenied"), FlowLogs=[TO_GROUP])
    assert [one.table for one in built.unread] == ["flow_logs_roles"]


@pytest.mark.parametrize("arn", ["", "flow-logs", "arn:aws:iam::x:role/y", f"arn:aws:iam::{OWN}:user/flow-logs"])
def test_a_role_without_an_arn_is_not_known(inventory, calls, groups, arn):
    log = TO_GROUP | {"DeliverLogsPermissionArn": arn}
    assert judged(inventory, groups(), *calls(inline=may()), log=log)[0] is None


@pytest.mark.parametrize(
    ("type_", "arn"),
    [
        ("s3", "arn:aws:s3:::logs"),
        ("kinesis-data-firehose", f"arn:aws:firehose:eu-central-1:{OWN}:deliverystream/flow"),
    ],
)
def test_to_a_bucket_or_a_stream_of_its_own_it_needs_none(inventory, type_, arn):
    assert judged(inventory, log=LOG | {"LogDestinationType": type_, "LogDestination": arn})[0] == "-"


THERE = f"arn:aws:iam::{OTHER}:role/AWSLogDeliveryFirehoseCrossAccountRole"
ACROSS = LOG | {
    "LogDestinationType": "kinesis-data-firehose",
    "LogDestination": f"arn:aws:firehose:eu-central-1:{OTHER}:deliverystream/flow",
    "DeliverLogsPermissionArn": ROLE,
    "DeliverCrossAccountRole": THERE,
}
GO = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": THERE})


@pytest.mark.parametrize(
    ("trusts", "policy", "theirs", "verdict"),
    [
        (trust("delivery.logs.amazonaws.com"), GO, {"AWS": ROLE}, "works"),
        (trust("delivery.logs.amazonaws.com"), GO, {"AWS": f"arn:aws:iam::{OWN}:root"}, "works"),
        (trust("vpc-flow-logs.amazonaws.com"), GO, {"AWS": ROLE}, "untrusted"),
        (trust("delivery.logs.amazonaws.com"), may(), {"AWS": ROLE}, "unpermitted"),
        (trust("delivery.logs.amazonaws.com"), GO, {"AWS": OTHER}, "untrusted"),
        (trust("delivery.logs.amazonaws.com"), GO, "absent", "absent"),
        (trust("delivery.logs.amazonaws.com"), GO, None, None),
    ],
)
def test_to_another_accounts_stream_two_roles_are_needed(inventory, iam, calls, trusts, policy, theirs, verdict):
    place = {"account_id": OTHER, "resource": "AWSLogDeliveryFirehoseCrossAccountRole"}
    other = []
    if theirs == "absent":
        other = [iam("GetRole", error="NoSuchEntity", **place)]
    elif theirs:
        row = {"Effect": "Allow", "Principal": theirs, "Action": "sts:AssumeRole"}
        other = [iam("GetRole", {"Role": {"AssumeRolePolicyDocument": document(row)}}, **place)]
    assert judged(inventory, *calls(trusts=trusts, inline=policy), *other, log=ACROSS)[0] == verdict


def test_an_answer_nested_without_end_is_unread(inventory, calls, groups):
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Condition": {"Bool": {"x": deep}}}
    assert judged(inventory, groups(), *calls(trusts=document(statement), inline=may())) == (None, ["iam:GetRole"])
