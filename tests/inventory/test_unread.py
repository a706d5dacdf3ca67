"""What could not be read: an error or an absence never looks like an empty table."""

from __future__ import annotations

import pytest

from auditkit.inventory import read
from auditkit.inventory.unread import LISTINGS, table_of

OWNER = "111122223333"
GUEST = "444455556666"
REGION = "eu-central-1"


def told(built):
    return [(one.account_id, one.region, one.table, one.call, one.error) for one in built.unread]


def without(calls, operation):
    return [one for one in calls if one.operation != operation]


def test_whole_listings_leave_nothing_unread(inventory):
    assert inventory().unread == ()


@pytest.mark.parametrize("name", LISTINGS)
def test_a_refused_listing_is_unread_and_not_empty(aws, name):
    operation = name.removeprefix("ec2:")
    calls = [*without(aws.listings(), operation), aws.call(operation, error="UnauthorizedOperation")]
    built = read(aws.meta(OWNER), calls)
    assert told(built) == [(OWNER, REGION, LISTINGS[name], name, "UnauthorizedOperation: told so")]
    assert built.is_unread(LISTINGS[name], OWNER, REGION)
    assert built.accounts[0].read == "partial"
    assert built.accounts[0].reason == f"{name}: UnauthorizedOperation: told so"


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_that_is_not_there_is_unread(aws, name):
    built = read(aws.meta(OWNER), without(aws.listings(), name.removeprefix("ec2:")))
    assert told(built) == [(OWNER, REGION, LISTINGS[name], name, "not in the snapshot")]


def test_a_region_without_any_call_is_unread(aws):
    built = read(aws.meta(OWNER, regions={OWNER: [REGION, "eu-west-1"]}), aws.listings())
    assert {(one.region, one.error) for one in built.unread} == {("eu-west-1", "not in the snapshot")}
    assert {one.table for one in built.unread} == set(LISTINGS.values())


def test_an_account_without_regions_is_unread(aws):
    built = read(aws.meta(OWNER, regions={}), [])
    assert told(built) == [(OWNER, "*", "*", "ec2:DescribeRegions", "not in the snapshot")]
    assert built.accounts[0].read == "unread"


def test_a_listing_cut_short_is_unread(aws):
    half = aws.call("DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-1"}], "NextToken": "more"})
    built = read(aws.meta(OWNER), [*without(aws.listings(), "DescribeVpcs"), half])
    assert told(built) == [
        (OWNER, REGION, "vpcs", "ec2:DescribeVpcs", "the snapshot ends at page 1, which AWS said is not the last")
    ]
    assert len(built.vpcs) == 1, "what is there is read"


@pytest.mark.parametrize("pages", [(1, 3), (2, 3), (2,), (0, 2)])
def test_a_listing_that_lacks_a_page_is_unread(aws, pages):
    some = [aws.call("DescribeVpcs", {"Vpcs": []}, page=page) for page in pages]
    built = read(aws.meta(OWNER), [*without(aws.listings(), "DescribeVpcs"), *some])
    assert [one.error for one in built.unread] == [f"the snapshot lacks pages: {len(pages)} of {max(pages)} are there"]


def test_a_role_that_cannot_be_assumed_hides_everything_of_its_account(aws):
    """Said once, not once for every listing of every region."""
    denied = aws.call("AssumeRole", service="sts", account_id=GUEST, region="global", error="AccessDenied")
    built = read(aws.meta(OWNER, GUEST), [*aws.listings(), denied])
    assert told(built) == [(GUEST, "*", "*", "sts:AssumeRole", "AccessDenied: told so")]
    assert built.is_unread("flow_logs", GUEST, "us-east-1")
    assert not built.is_unread("flow_logs", OWNER, REGION)
    assert [(one.read, one.reason) for one in built.accounts] == [
        ("read", ""),
        ("unread", "sts:AssumeRole: AccessDenied: told so"),
    ]


def test_regions_that_could_not_be_listed_hide_everything_of_their_account(aws):
    denied = aws.call("DescribeRegions", account_id=GUEST, region="global", error="UnauthorizedOperation")
    built = read(aws.meta(OWNER, GUEST, regions={OWNER: [REGION], GUEST: []}), [*aws.listings(), denied])
    assert told(built) == [(GUEST, "*", "*", "ec2:DescribeRegions", "UnauthorizedOperation: told so")]
    assert built.accounts[1].read == "unread"


def test_an_account_that_answers_nothing_is_unread(aws):
    calls = [aws.call(name.removeprefix("ec2:"), error="RequestExpired") for name in LISTINGS]
    assert read(aws.meta(OWNER), calls).accounts[0].read == "unread"


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (None, "Vpcs is missing"),
        ({}, "Vpcs is not a list"),
        (["vpc-1"], "Vpcs[]: not a structure"),
        ([{}], "Vpcs[]: VpcId is missing"),
        ([{"VpcId": 7}], "Vpcs[]: VpcId is a number, not text"),
        ([{"VpcId": "vpc-1", "IsDefault": "no"}], "Vpcs[]: IsDefault is text, not a boolean"),
        ([{"VpcId": "vpc-1", "Tags": {"a": "b"}}], "Vpcs[]: Tags is a structure, not a list"),
        ([{"VpcId": "vpc-1", "Tags": ["a"]}], "Vpcs[]: Tags[] is text, not a structure"),
        ([{"VpcId": "vpc-1", "CidrBlock": "10.0.0.1/8"}], "Vpcs[]: '10.0.0.1/8' is not a CIDR"),
    ],
)
def test_an_answer_of_another_shape_is_unread(aws, rows, wrong):
    """One odd row does not hide the others, nor does it go unsaid."""
    good = [{"VpcId": "vpc-good"}]
    answer = {} if rows is None else {"Vpcs": [*rows, *good] if isinstance(rows, list) else rows}
    built = read(aws.meta(OWNER), [*without(aws.listings(), "DescribeVpcs"), aws.call("DescribeVpcs", answer)])
    assert told(built) == [(OWNER, REGION, "vpcs", "ec2:DescribeVpcs", f"not as AWS writes it: {wrong}")]
    assert [one.vpc_id for one in built.vpcs] == (["vpc-good"] if isinstance(rows, list) else [])


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({"answer": None}, (OWNER, REGION, "vpcs", "ec2:DescribeVpcs", "neither an answer nor an error")),
        ({"answer": []}, (OWNER, REGION, "vpcs", "ec2:DescribeVpcs", "neither an answer nor an error")),
        ({"error": {"code": 403}}, (OWNER, REGION, "vpcs", "ec2:DescribeVpcs", "error is not a mapping of texts")),
        ({"page": "1"}, (OWNER, REGION, "vpcs", "ec2:DescribeVpcs", "page is not a number")),
        ({"asked": "2026"}, (OWNER, REGION, "vpcs", "ec2:DescribeVpcs", "asked is not a mapping of texts")),
        ({"asked": {"a": 1}}, (OWNER, REGION, "vpcs", "ec2:DescribeVpcs", "asked is not a mapping of texts")),
        ({"account_id": 111122223333}, ("*", REGION, "vpcs", "ec2:DescribeVpcs", "account_id is not text")),
        ({"service": None}, (OWNER, "*", "*", "?", "service is not text")),
    ],
)
def test_a_damaged_line_is_unread_as_wide_as_it_may_have_spoken(aws, broken, expected):
    built = read(
        aws.meta(OWNER), [*aws.listings(), aws.call(**{"operation": "DescribeVpcs", "answer": {"Vpcs": []}} | broken)]
    )
    assert told(built) == [(*expected[:4], f"the snapshot is damaged: {expected[4]}")]


def test_a_failing_call_that_nothing_here_reads_touches_no_table(aws):
    unknown = aws.call("DescribeAlarms", service="cloudwatch", error="AccessDenied")
    built = read(aws.meta(OWNER), [*aws.listings(), unknown])
    assert [one.table for one in built.unread] == ["cloudwatch:DescribeAlarms"]


@pytest.mark.parametrize(
    ("call", "table"),
    [
        ("ec2:DescribeTransitGatewayConnects", "transit_gateway_attachments"),
        ("ec2:DescribeSecurityGroups", "security_groups"),
        ("ec2:DescribeRouteTables", "routes"),
        ("ec2:GetManagedPrefixListEntries", "prefix_lists"),
        ("ec2:DescribeVpcBlockPublicAccessExclusions", "block_public_access"),
        ("logs:DescribeLogGroups", "destinations"),
        ("logs:DescribeLogStreams", "delivery"),
        ("cloudtrail:LookupEvents", "delivery"),
        ("s3:GetBucketPolicy", "destinations"),
        ("s3control:GetPublicAccessBlock", "destinations"),
        ("kms:GetKeyPolicy", "destinations"),
        ("firehose:DescribeDeliveryStream", "destinations"),
        ("iam:GetRole", "flow_logs_roles"),
        ("s3:GetObject", "flow_records"),
        ("sts:AssumeRole", "*"),
        ("organizations:ListTagsForResource", "accounts"),
    ],
)
def test_each_call_has_its_table(call, table):
    assert table_of(call) == table
