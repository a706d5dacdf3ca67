"""What AWS refuses, garbles or leaves unanswered is an error in the snapshot, and the rest is read."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from auditkit.model.errors import AuditkitError
from auditkit.scan import Wanted, scan
from auditkit.scan.network import LISTS
from auditkit.scan.sessions import ATTEMPTS
from tests import aws
from tests.scan.result import ALL
from tests.wire import answer, ec2_error, json_error, sts_error

BLOB = "EXAMPLEtoken" * 20


def test_a_refused_listing_leaves_the_others(run, wire, estate):
    wire.fault("ec2:DescribeVpcs", lambda _: ec2_error("UnauthorizedOperation", "You are not authorized."))
    found = run()
    assert {(c.operation, c.error["code"], c.error["message"]) for c in found.errors} == {
        ("DescribeVpcs", "UnauthorizedOperation", "You are not authorized.")
    }
    assert len(found.errors) == 8
    assert all(call.answer is None for call in found.errors)
    assert {call.request_id for call in found.errors} == {"r-1"}
    assert len(found.rows("DescribeFlowLogs", "FlowLogs")) == 6


@pytest.mark.parametrize("attempts", [1, 3])
def test_throttling_is_an_error_after_the_last_attempt(run, wire, monkeypatch, attempts):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", str(attempts))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    wire.fault("ec2:DescribeSubnets", lambda _: ec2_error("RequestLimitExceeded", status=503))
    found = run(replace(ALL, regions=("us-east-1",), only_accounts=(aws.MANAGEMENT,)))
    assert [(c.operation, c.error["code"]) for c in found.errors] == [("DescribeSubnets", "RequestLimitExceeded")]
    assert wire.counts["ec2:DescribeSubnets"] == attempts


def test_what_passes_on_the_second_attempt_is_no_error(run, wire, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    once = [ec2_error("RequestLimitExceeded", status=503)]
    wire.fault("ec2:DescribeSubnets", lambda _: once.pop() if once else None)
    assert run(replace(ALL, regions=("us-east-1",), only_accounts=(aws.MANAGEMENT,))).errors == []


def test_retries_are_many_unless_the_caller_says_otherwise(wire, monkeypatch, run):
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    wire.fault("ec2:DescribeSubnets", lambda _: ec2_error("RequestLimitExceeded", status=503))
    run(replace(ALL, regions=("us-east-1",), only_accounts=(aws.MANAGEMENT,)))
    assert wire.counts["ec2:DescribeSubnets"] == ATTEMPTS


def test_a_refused_role_leaves_its_account_unread_and_the_others_read(run, wire, estate):
    def refuse(request):
        body = request.body if isinstance(request.body, str) else request.body.decode()
        return sts_error("AccessDenied", "not allowed to assume") if estate.web in body else None

    wire.fault("sts:AssumeRole", refuse)
    found = run()
    (error,) = found.errors
    assert (error.name, error.account_id, error.region) == ("sts:AssumeRole", estate.web, "global")
    assert error.error == {"code": "AccessDenied", "message": "not allowed to assume"}
    assert error.answer is None
    assert found.meta["scope"]["accounts"] == estate.accounts
    assert found.meta["scope"]["regions"][estate.web] == []
    assert {c.account_id for c in found.of("DescribeVpcs")} == {*estate.accounts} - {estate.web}


def test_a_garbled_role_leaves_its_account_unread(run, wire, estate):
    wire.fault("sts:AssumeRole", lambda _: answer(200, PAGE))
    found = run(replace(ALL, only_regions=("us-east-1",)))
    assert [(c.operation, c.error["code"]) for c in found.errors] == [("AssumeRole", "ResponseParserError")] * 3
    assert {c.account_id for c in found.of("DescribeVpcs")} == {estate.management}


def test_an_account_whose_every_role_is_refused_is_still_a_snapshot(run, wire, estate):
    wire.fault("sts:AssumeRole", lambda _: sts_error("AccessDenied"))
    found = run(replace(ALL, only_accounts=(estate.web,)))
    assert found.meta["scope"]["regions"] == {estate.web: []}
    assert [c.name for c in found.errors] == ["sts:AssumeRole"]


def test_the_pages_before_a_failure_stand(run, wire, estate, monkeypatch):
    monkeypatch.setattr(aws.SWITCHES, "page_limit", 1)

    def second(request):
        return ec2_error("InternalError", status=500) if b"NextToken" in as_bytes(request.body) else None

    wire.fault("ec2:DescribeSubnets", second)
    found = run(replace(ALL, only_accounts=(estate.web,), only_regions=("us-east-1",)))
    first, failed = found.of("DescribeSubnets")
    assert (first.page, first.error, len(first.answer["Subnets"])) == (1, None, 1)
    assert (failed.page, failed.answer, failed.error["code"]) == (2, None, "InternalError")


def as_bytes(body):
    return body if isinstance(body, bytes) else body.encode()


PAGE = "<html><head><title>Sign in</title></head><body>Please sign in</body></html>"
VALID = "<DescribeVpcsResponse><requestId>r-1</requestId><vpcSet><item><vpcId>vpc-1</vpcId></item>"


@pytest.mark.parametrize(
    ("response", "code"),
    [
        pytest.param(lambda: answer(200, PAGE), "MalformedAnswer", id="a proxy's page"),
        pytest.param(
            lambda: answer(200, "<!doctype html><p>Sign in"), "ResponseParserError", id="a page that is no XML"
        ),
        pytest.param(lambda: answer(200, VALID), "ResponseParserError", id="cut off"),
        pytest.param(lambda: answer(200, ""), "ResponseParserError", id="nothing"),
        pytest.param(lambda: answer(200, "<DescribeVpcsResponse/>"), "MalformedAnswer", id="empty"),
        pytest.param(
            lambda: answer(200, "<DescribeVpcsResponse><requestId>r-1</requestId></DescribeVpcsResponse>"),
            "MalformedAnswer",
            id="without its list",
        ),
        pytest.param(lambda: answer(502, "<html>Bad gateway</html>"), "502", id="a gateway's error"),
    ],
)
def test_what_is_no_answer_is_not_an_empty_list(run, wire, response, code):
    wire.fault("ec2:DescribeVpcs", lambda _: response())
    found = run(replace(ALL, regions=("us-east-1",), only_accounts=(aws.MANAGEMENT,)))
    (call,) = found.of("DescribeVpcs")
    assert call.answer is None
    assert call.error["code"] == code
    assert len(call.error["message"]) <= 500
    assert [c.operation for c in found.errors] == ["DescribeVpcs"]


@pytest.mark.parametrize(
    "raised",
    [EndpointConnectionError(endpoint_url="http://ec2.example"), ReadTimeoutError(endpoint_url="http://ec2.example")],
    ids=lambda error: type(error).__name__,
)
def test_an_endpoint_that_does_not_answer_is_an_error(run, wire, estate, raised):
    def fail(_):
        raise raised

    wire.fault("ec2:DescribeFlowLogs", fail)
    found = run()
    assert {(c.operation, c.error["code"]) for c in found.errors} == {("DescribeFlowLogs", type(raised).__name__)}
    assert len(found.of("DescribeVpcs")) == 8


def test_a_fault_of_our_own_is_never_an_answer(run, wire):
    def fail(_):
        raise ZeroDivisionError

    wire.fault("ec2:DescribeFlowLogs", fail)
    with pytest.raises(ZeroDivisionError):
        run()


def test_a_region_whose_name_is_impossible_is_an_error(run):
    found = run(replace(ALL, regions=("us east 1",), only_accounts=(aws.MANAGEMENT,)))
    assert {c.error["code"] for c in found.errors} == {"InvalidRegionError"}
    assert len(found.errors) == len(LISTS)


def test_a_signature_error_does_not_give_the_token_away(run, wire):
    quoted = f"The signature does not match.\n\nThe Canonical String should have been\n'x-amz-security-token:{BLOB}'"
    wire.fault("ec2:DescribeVpcs", lambda _: ec2_error("SignatureDoesNotMatch", quoted))
    wire.fault("ec2:DescribeSubnets", lambda _: ec2_error("AuthFailure", f"key {aws.KEY} token {BLOB} is not known"))
    found = run(replace(ALL, regions=("us-east-1",), only_accounts=(aws.MANAGEMENT,)))
    messages = {c.operation: c.error["message"] for c in found.errors}
    assert messages == {
        "DescribeVpcs": "The signature does not match.",
        "DescribeSubnets": "key […] token […] is not known",
    }


# --- regions --------------------------------------------------------------------------------------------------------


def test_regions_are_asked_elsewhere_where_the_first_region_is_closed(run, wire, estate):
    wire.fault(
        "ec2:DescribeRegions",
        lambda r: ec2_error("UnauthorizedOperation") if b"us-east-1" in r.headers["Authorization"] else None,
    )
    found = run()
    assert found.errors == []
    assert set(map(tuple, found.meta["scope"]["regions"].values())) == {aws.REGIONS}


def test_regions_that_nobody_tells_leave_the_account_unread(run, wire, estate):
    wire.fault("ec2:DescribeRegions", lambda _: ec2_error("UnauthorizedOperation"))
    found = run()
    assert {(c.operation, c.region, c.account_id) for c in found.errors} == {
        ("DescribeRegions", "global", a) for a in estate.accounts
    }
    assert set(map(tuple, found.meta["scope"]["regions"].values())) == {()}
    assert found.of("DescribeVpcs") == []


# --- the organization -----------------------------------------------------------------------------------------------


def pages(*bodies):
    """Answer ListAccounts page by page."""
    return lambda request: answer(
        200, bodies[int(b'"NextToken"' in as_bytes(request.body))], **{"x-amzn-RequestId": "r-1"}
    )


def test_accounts_come_from_every_page_even_after_an_empty_one(run, wire, estate):
    account = f'{{"Id": "{estate.web}", "Name": "web", "State": "ACTIVE"}}'
    wire.fault(
        "organizations:ListAccounts", pages('{"Accounts": [], "NextToken": "t"}', f'{{"Accounts": [{account}]}}')
    )
    found = run(replace(ALL, only_regions=("us-east-1",)))
    assert found.meta["scope"]["accounts"] == [estate.web]
    assert [call.page for call in found.of("ListAccounts")] == [1, 2]


def test_accounts_that_are_not_active_are_out_of_scope_by_state_then_by_status(run, wire, estate):
    rows = ", ".join(
        f'{{"Id": "{account}", {said}}}'
        for account, said in (
            (estate.web, '"State": "ACTIVE", "Status": "SUSPENDED"'),
            (estate.data, '"State": "CLOSED", "Status": "ACTIVE"'),
            (estate.archive, '"Status": "SUSPENDED"'),
            (estate.management, '"Name": "says neither"'),
        )
    )
    wire.fault("organizations:ListAccounts", pages(f'{{"Accounts": [{rows}]}}'))
    found = run(replace(ALL, only_regions=("us-east-1",)))
    assert found.meta["scope"]["accounts"] == sorted([estate.web, estate.management])
    named = run(replace(ALL, accounts=(estate.data, estate.web), only_regions=("us-east-1",)))
    assert named.meta["scope"]["accounts"] == [estate.web]


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("AWSOrganizationsNotInUseException", "is in no organization", "Leave organization.role_name out"),
        (
            "AccessDeniedException",
            "organizations:ListAccounts failed",
            "management account or a delegated administrator",
        ),
        ("TooManyRequestsException", "organizations:ListAccounts failed", "or list organization.accounts"),
    ],
)
def test_accounts_that_cannot_be_listed_end_the_scan_unless_they_are_named(run, wire, estate, code, message, hint):
    wire.fault("organizations:ListAccounts", lambda _: json_error(code))
    with pytest.raises(AuditkitError, match=message) as raised:
        run()
    assert hint in raised.value.hint
    found = run(replace(ALL, accounts=(estate.web,), only_regions=("us-east-1",)))
    assert found.meta["scope"]["accounts"] == [estate.web]
    assert [c.error["code"] for c in found.of("ListAccounts")] == [code]


def test_a_listing_of_accounts_that_is_garbled_ends_the_scan(run, wire):
    wire.fault("organizations:ListAccounts", lambda _: answer(200, PAGE, **{"x-amzn-RequestId": "r-1"}))
    with pytest.raises(AuditkitError, match="MalformedAnswer: HTTP 200 without Accounts"):
        run()


# --- the caller -----------------------------------------------------------------------------------------------------


def refused_at_the_door(session):
    wanted = Wanted(None, None, None, (), None)
    with pytest.raises(AuditkitError, match=r"^sts:GetCallerIdentity failed, so nothing was audited: ") as raised:
        scan(session, wanted, lambda _: None, lambda *_: None)
    return raised.value.message.split(": ", 1)[1], raised.value.hint


def test_no_credentials_ends_the_scan(estate):
    message, hint = refused_at_the_door(boto3.Session(region_name="us-east-1"))
    assert message == "NoCredentialsError: Unable to locate credentials"
    assert hint == "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


def test_credentials_that_cannot_be_got_end_the_scan(estate, monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("[profile half]\naws_access_key_id = x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    message, hint = refused_at_the_door(boto3.Session(profile_name="half", region_name="us-east-1"))
    assert message.startswith("PartialCredentialsError: Partial credentials found in config-file")
    assert "AWS_PROFILE" in hint


def test_expired_credentials_end_the_scan(wire):
    wire.fault("sts:GetCallerIdentity", lambda _: sts_error("ExpiredToken", "The security token is expired"))
    message, hint = refused_at_the_door(wire.session)
    assert message == "ExpiredToken: The security token is expired"
    assert "log in again" in hint


def test_an_endpoint_that_nobody_serves_ends_the_scan(wire, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    message, hint = refused_at_the_door(wire.session)
    assert message.startswith("EndpointConnectionError: Could not connect to the endpoint URL")
    assert "AWS_ENDPOINT_URL" in hint


def test_a_page_instead_of_an_identity_ends_the_scan(wire):
    wire.fault("sts:GetCallerIdentity", lambda _: answer(200, PAGE))
    message, hint = refused_at_the_door(wire.session)
    assert message.startswith("ResponseParserError")
    assert "proxy" in hint


def test_keys_that_aws_does_not_know_end_the_scan(wire):
    wire.fault("sts:GetCallerIdentity", lambda _: sts_error("InvalidClientTokenId", "The security token is invalid"))
    message, hint = refused_at_the_door(wire.session)
    assert message == "InvalidClientTokenId: The security token is invalid"
    assert "aws sts get-caller-identity" in hint
