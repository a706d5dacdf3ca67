"""Whatever goes wrong with a question beside the listings of EC2 is a call with its error, and stops nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ReadTimeoutError

from auditkit.scan import ACTIONS
from auditkit.scan.calls import Line
from auditkit.scan.network import LISTS
from tests import aws
from tests.scan.result import ALL, NOW
from tests.wire import answer, ec2_error, json_error, s3_error, sts_error

NAMES = {"logs": "cloudwatch-logs", "s3control": "s3-control"}
"""boto3's name of a service → botocore's in events."""
LEADING = ("ListRolePolicies", "ListAttachedRolePolicies", "GetPolicy")
"""Operations whose answer leads to the next question."""
FEW = replace(ALL, regions=("us-east-1",), events_from=NOW - timedelta(days=1))

DENIED = "is not authorized to perform this with an explicit deny in a service control policy"


def said(service, code, message="no"):
    """An error as the service writes it."""
    if service == "ec2":
        return ec2_error(code, message)
    if service in ("s3", "s3control"):
        return s3_error(code)
    return sts_error(code, message) if service == "iam" else json_error(code, message)


def timeout(_service):
    raise ReadTimeoutError(endpoint_url="http://x")


KINDS = {
    "denied": lambda service: said(service, "AccessDeniedException", DENIED),
    "throttled": lambda service: said(service, "ThrottlingException"),
    "closed region": lambda service: said(service, "UnrecognizedClientException", "The security token is invalid"),
    "opt in": lambda service: said(service, "OptInRequired"),
    "5xx": lambda _: answer(503, ""),
    "timeout": timeout,
    "garbled": lambda _: answer(200, "<html><body>Please sign in</body></html>", **{"x-amzn-RequestId": "r"}),
    "nothing": lambda _: answer(200, ""),
}


def members(leading):
    """Operations asked of the accounts, beside the first that are asked everywhere."""
    return [
        action
        for action in ACTIONS
        if action.where == "member"
        and action.operation != "DescribeRegions"
        and (action.service != "ec2" or action.operation not in LISTS or action.operation == "DescribeNetworkAcls")
        and (action.operation in LEADING) == leading
        # Without these two nothing is known that the next questions could be about.
        and action.operation not in ("GetBucketEncryption", "HeadBucket")
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leading", [False, True])
def test_every_question_may_fail_in_every_way(run, wire, estate, kind, leading):
    failing = members(leading)
    for action in failing:
        service = NAMES.get(action.service, action.service)
        wire.fault(f"{service}:{action.operation}", lambda _, service=action.service: KINDS[kind](service))
    found = run(replace(FEW, only_accounts=(estate.web,), bucket_accounts={aws.BUCKET: estate.archive}))
    for action in failing:
        calls = [c for c in found.of(action.operation) if c.service == action.service]
        # A managed policy is known by its role's list alone, a delivery stream by a flow log.
        if action.operation in ("GetPolicy", "DescribeDeliveryStream"):
            continue
        if not (leading is False and action.operation == "GetPolicyVersion") or calls:
            assert calls, action.operation
        # Of these two S3's answer may be empty, and a policy is any text: the reader has to see to that.
        if kind == "garbled" and action.operation in ("GetBucketVersioning", "GetBucketLogging", "GetBucketPolicy"):
            continue
        for call in calls:
            assert call.error is not None, (action, call)
            assert call.answer is None
    assert len(found.rows("DescribeFlowLogs", "FlowLogs")) == 3
    assert found.of("HeadBucket")[-1].answer is not None


@pytest.mark.parametrize("kind", KINDS)
def test_a_bucket_that_nobody_can_tell_of(run, wire, estate, kind):
    for operation in ("HeadBucket", "GetBucketEncryption"):
        wire.fault(f"s3:{operation}", lambda _: KINDS[kind]("s3"))
    found = run(replace(FEW, only_accounts=(estate.web,)))
    heads = found.of("HeadBucket")
    if kind in ("garbled", "nothing"):
        # HeadBucket's answer has no body, so only its request id tells it from a proxy's page.
        assert all((c.error or {}).get("code") in (None, "MalformedAnswer") for c in heads)
    else:
        assert all(c.error for c in heads)
    assert found.of("DescribeKey") == []
    assert all(c.error for c in found.of("GetBucketEncryption"))


@pytest.mark.parametrize("code", ["OptInRequired", "AuthFailure", "UnauthorizedOperation", "RequestExpired"])
def test_a_region_that_is_closed_is_errors_and_the_other_is_read(run, wire, estate, code):
    for name in LISTS:
        wire.fault(f"ec2:{name}", lambda r: ec2_error(code) if b"/eu-west-1/" in r.headers["Authorization"] else None)
    found = run(replace(ALL, only_accounts=(estate.data,)))
    assert {(c.region, c.error["code"]) for c in found.errors} == {("eu-west-1", code)}
    assert len(found.errors) == len(LISTS)
    assert len(found.of("DescribeVpcs", region="us-east-1")) == 1


@pytest.mark.parametrize(("seconds", "code"), [(30, "AccessDenied"), (-30, "CredentialRetrievalError")])
def test_a_role_whose_renewal_is_refused_is_errors_from_then_on(run, wire, estate, seconds, code):
    ending = datetime.now(UTC) + timedelta(seconds=seconds)
    seen = []

    def shorten(parsed, **_):
        if "Credentials" in parsed:
            parsed["Credentials"]["Expiration"] = ending.isoformat()

    def refuse(_):
        seen.append(1)
        return sts_error("AccessDenied", "no longer") if len(seen) > 1 else None

    wire.session.events.register("after-call.sts.AssumeRole", shorten)
    wire.fault("sts:AssumeRole", refuse)
    found = run(replace(FEW, only_accounts=(estate.web,)))
    assert found.of("AssumeRole", account_id=estate.web)[0].error is None
    told = [c for c in found.calls if c.account_id == estate.web and c.service == "ec2"]
    assert len(told) == len(LISTS)
    # The first request goes out with what is at hand, while that has not ended.
    assert code in {c.error["code"] for c in told if c.error} <= {"AccessDenied", "CredentialRetrievalError"}
    assert sum(1 for c in told if c.error) >= len(LISTS) - 1


def test_an_operation_that_is_not_in_the_table_is_never_asked():
    line = Line(lambda: pytest.fail("a client was made"), "ec2", "1" * 12, "us-east-1", lambda: NOW)
    with pytest.raises(LookupError, match=r"ec2:TerminateInstances is not in auditkit\.scan\.actions"):
        line.ask("TerminateInstances")
