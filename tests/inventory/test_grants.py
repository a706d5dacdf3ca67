"""Policies: what they let whom do, and that nothing is claimed which the rest of the request could overturn."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.inventory.answers import Malformed
from auditkit.inventory.grants import Caller, Request, allows
from auditkit.inventory.patterns import Text, fits
from auditkit.inventory.statements import NOTHING, read_policy
from tests.oracles import iam

OWN, OTHER = "111122223333", "444455556666"
SERVICE = "delivery.logs.amazonaws.com"
KEY = f"arn:aws:s3:::logs/AWSLogs/{OWN}/vpcflowlogs/eu-west-1/"
CONTEXT = {
    "aws:sourceaccount": (Text(OWN),),
    "aws:sourcearn": (Text(f"arn:aws:logs:eu-west-1:{OWN}:", open=True),),
    "aws:securetransport": (Text("true"),),
    "aws:principalorgid": (),
    "s3:x-amz-acl": (Text("bucket-owner-full-control"),),
    "s3:tlsversion": (Text("1.2"), Text("1.3")),
}
PUT = Request(Caller(frozenset({SERVICE})), "s3:PutObject", Text(KEY, open=True), CONTEXT)


def statement(**more):
    base = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    return {key: value for key, value in (base | more).items() if value is not None}


def deny(**more):
    return statement(Effect="Deny", Principal="*", Action="s3:*", **more)


def judged(*statements, version="2012-10-17", request=PUT):
    return allows([read_policy({"Version": version, "Statement": list(statements)})], request)


def when(operator, key, *values):
    return {"Condition": {operator: {key: list(values)}}}


# fmt: off
ALLOWS = [
    ({}, True),
    ({"Action": "s3:*"}, True),
    ({"Action": ["s3:GetObject", "S3:putobject"]}, True),
    ({"Action": "s3:Put?bject"}, True),
    ({"Action": "s3:PutObjectAcl"}, False),
    ({"Action": None, "NotAction": "s3:GetObject"}, True),
    ({"Action": None, "NotAction": "s3:Put*"}, False),
    ({"Resource": f"arn:aws:s3:::logs/AWSLogs/{OWN}/*"}, True),
    ({"Resource": f"arn:aws:s3:::logs/AWSLogs/{OTHER}/*"}, False),
    ({"Resource": "arn:aws:s3:::logs"}, False),
    ({"Resource": "arn:aws:s3:::Logs/*"}, False),
    ({"Resource": "arn:aws:s3:::*"}, True),
    ({"Resource": "*"}, True),
    ({"Resource": KEY}, None),
    ({"Resource": KEY + "2026/*"}, None),
    ({"Resource": KEY + "*.log.gz"}, None),
    ({"Resource": None, "NotResource": "arn:aws:s3:::other/*"}, True),
    ({"Resource": None, "NotResource": "arn:aws:s3:::logs/*"}, False),
    ({"Resource": "arn:aws:s3:::logs/AWSLogs/${aws:SourceAccount}/*"}, True),
    ({"Resource": "arn:aws:s3:::logs/AWSLogs/${aws:PrincipalAccount}/*"}, None),
    ({"Resource": "arn:aws:s3:::other/${aws:PrincipalAccount}/*"}, False),
    ({"Principal": "*"}, True),
    ({"Principal": {"AWS": "*"}}, True),
    ({"Principal": {"AWS": [OWN, f"arn:aws:iam::{OWN}:root"]}}, False),
    ({"Principal": {"AWS": OWN, "Service": ["cloudtrail.amazonaws.com", SERVICE]}}, True),
    ({"Principal": {"Service": "cloudtrail.amazonaws.com"}}, False),
    ({"Principal": {"Federated": "accounts.google.com", "CanonicalUser": "79a5"}}, False),
    ({"Principal": {"Mystery": "x"}}, None),
    ({"Principal": None, "NotPrincipal": {"Service": SERVICE}}, False),
    ({"Principal": None, "NotPrincipal": {"AWS": OWN}}, True),
    (when("StringEquals", "aws:SourceAccount", OTHER, OWN), True),
    (when("StringEquals", "AWS:sourceaccount", OTHER), False),
    (when("StringEquals", "aws:SourceAccount"), None),
    (when("StringNotEquals", "aws:SourceAccount", OTHER), True),
    (when("StringLike", "aws:SourceAccount", "1111*"), True),
    (when("StringEquals", "aws:SourceAccount", "1111*"), False),
    (when("StringNotLike", "aws:SourceAccount", "1111*"), False),
    (when("StringEqualsIgnoreCase", "s3:x-amz-acl", "Bucket-Owner-Full-Control"), True),
    (when("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"), True),
    (when("StringEquals", "s3:x-amz-acl", "private"), False),
    (when("ArnLike", "aws:SourceArn", f"arn:aws:logs:eu-west-1:{OWN}:*"), True),
    (when("ArnLike", "aws:SourceArn", f"arn:aws:logs:*:{OWN}:*"), True),
    (when("ArnEquals", "aws:SourceArn", f"arn:aws:logs:us-east-1:{OWN}:*"), False),
    (when("ArnLike", "aws:SourceArn", f"arn:aws:logs:eu-west-1:{OWN}:delivery-source:*"), None),
    (when("ArnLike", "aws:SourceArn", f"arn:aws:ec2:eu-west-1:{OWN}:*"), False),
    (when("ArnLike", "aws:SourceArn", "arn:aws:*"), None),
    (when("ArnLike", "aws:SourceArn", "arn:aws:*:*"), None),
    (when("ArnNotLike", "aws:SourceArn", f"arn:aws:logs:*:{OTHER}:*"), True),
    (when("StringLike", "aws:SourceArn", "arn:aws:*"), True),
    (when("Bool", "aws:SecureTransport", "true"), True),
    ({"Condition": {"Bool": {"aws:SecureTransport": True}}}, True),
    (when("Bool", "aws:SecureTransport", "perhaps"), None),
    (when("Null", "aws:SourceAccount", "false"), True),
    (when("Null", "aws:PrincipalOrgID", "true"), True),
    (when("Null", "s3:x-amz-server-side-encryption", "true"), None),
    (when("StringEquals", "aws:PrincipalOrgID", "o-1"), False),
    (when("StringNotEquals", "aws:PrincipalOrgID", "o-1"), True),
    (when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1"), True),
    (when("StringEqualsIfExists", "aws:SourceAccount", OTHER), False),
    (when("StringEqualsIfExists", "aws:SourceVpce", "vpce-1"), None),
    (when("ForAllValues:StringEquals", "aws:PrincipalOrgID", "o-1"), True),
    (when("ForAnyValue:StringEquals", "aws:PrincipalOrgID", "o-1"), False),
    (when("ForAnyValue:StringNotEquals", "aws:PrincipalOrgID", "o-1"), False),
    (when("ForAnyValue:StringLike", "aws:SourceAccount", "1111*"), True),
    (when("IpAddress", "aws:SourceIp", "192.0.2.0/24"), None),
    (when("IpAddress", "aws:SourceAccount", "192.0.2.0/24"), None),
    (when("StringRhymes", "aws:SourceAccount", OWN), None),
    (when("NumericGreaterThanEquals", "s3:TlsVersion", "1.2"), True),
    (when("NumericGreaterThan", "s3:TlsVersion", "1.2"), None),
    (when("NumericLessThan", "s3:TlsVersion", "one"), None),
    (when("DateLessThan", "aws:CurrentTime", "2030-01-01"), None),
    (when("StringEquals", "aws:SourceAccount", "${aws:SourceAccount}"), True),
    (when("StringEquals", "aws:SourceAccount", "${aws:userid}"), None),
    (when("StringEquals", "aws:SourceAccount", "${aws:userid"), None),
    (when("StringLike", "aws:SourceAccount", "*?*" * 20), None),
]
# fmt: on


@pytest.mark.parametrize(("more", "verdict"), ALLOWS, ids=lambda one: json.dumps(one)[:70])
def test_what_one_allow_says(more, verdict):
    assert judged(statement(**more)) is verdict


@pytest.mark.parametrize(
    ("refusal", "verdict"),
    [
        (deny(**when("Bool", "aws:SecureTransport", "false")), True),
        (deny(**when("NumericLessThan", "s3:TlsVersion", "1.2")), True),
        (deny(**when("StringNotEquals", "s3:x-amz-server-side-encryption", "aws:kms")), None),
        (deny(**when("Null", "s3:x-amz-server-side-encryption", "true")), None),
        (deny(**when("StringNotEquals", "aws:PrincipalOrgID", "o-1")), False),
        (
            deny(
                Condition={
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"},
                    "BoolIfExists": {"aws:SecureTransport": "false"},
                }
            ),
            True,
        ),
        (deny(), False),
        (deny(Resource="arn:aws:s3:::other/*"), True),
        (deny(Resource=None, NotResource="arn:aws:s3:::logs/*"), True),
    ],
)
def test_a_deny_beside_an_allow(refusal, verdict):
    """That delivery sends a header of encryption is not documented: who asks for one cannot be told."""
    assert judged(statement(), refusal) is verdict


def test_nothing_is_allowed_by_no_policy():
    assert allows([NOTHING], PUT) is False
    assert allows([], PUT) is False
    assert judged(deny(**when("Bool", "aws:MultiFactorAuthPresent", "false"))) is False


def test_a_statement_may_stand_alone_and_a_policy_may_be_text():
    text = json.dumps({"Version": "2012-10-17", "Statement": statement()})
    assert allows([read_policy(text)], PUT) is True


def test_variables_are_text_before_2012():
    assert judged(statement(Resource="arn:aws:s3:::logs/AWSLogs/${aws:SourceAccount}/*"), version="2008-10-17") is False


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        (OWN, True),
        (f"arn:aws:iam::{OWN}:root", True),
        (f"arn:aws:iam::{OWN}:role/flow", True),
        (f"arn:aws:iam::{OWN}:role/other", False),
        (OTHER, False),
        (f"arn:aws:iam::{OTHER}:root", False),
        ("AROAEXAMPLE", None),
        (f"arn:aws:sts::{OWN}:assumed-role/flow/x", None),
        ("*", True),
    ],
)
def test_a_role_is_named_by_its_arn_or_its_account(name, verdict):
    role = Caller(arn=f"arn:aws:iam::{OWN}:role/flow", account=OWN)
    request = Request(role, "sts:AssumeRole", None, {})
    trust = statement(Principal={"AWS": name}, Action="sts:AssumeRole", Resource=None)
    assert judged(trust, request=request) is verdict


@pytest.mark.parametrize(
    "document",
    [
        None,
        "",
        "yes",
        "[]",
        "{}",
        '{"Statement": ["x"]}',
        '{"Statement": [], "Statement": []}',
        "[" * 100_000,
        '{"Statement": {"Effect": "Allow"}}' + " " * 100_000,
        {"Statement": [statement(Effect="allow")]},
        {"Statement": [statement(Effect=["Allow"])]},
        {"Statement": [statement(Action=None)]},
        {"Statement": [statement(Action=[])]},
        {"Statement": [statement(Action=7)]},
        {"Statement": [statement(NotAction="s3:*")]},
        {"Statement": [statement(NotResource="x")]},
        {"Statement": [statement(Principal=None)]},
        {"Statement": [statement(Principal={})]},
        {"Statement": [statement(Principal=["*"])]},
        {"Statement": [statement(Principal=SERVICE)]},
        {"Statement": [statement(Resources="x")]},
        {"Statement": [statement(Condition=[])]},
        {"Statement": [statement(Condition={"StringEquals": "x"})]},
        {"Statement": [statement(Condition={"StringEquals": {"aws:SourceAccount": {"x": 1}}})]},
        {"Statement": [statement(Resource="x" * 100_000)]},
        {"Statement": [statement()] * 2_000},
    ],
    ids=range(26),
)
def test_what_is_no_policy_gives_no_verdict(document):
    with pytest.raises(Malformed):
        read_policy(document)


@pytest.mark.parametrize(
    "row",
    [statement(), {"Effect": "Allow", "Action": "logs:*"}, {"Effect": "Allow", "Action": "logs:*", "Principal": "*"}],
)
def test_a_policy_of_a_role_names_a_resource_and_nobody(row):
    with pytest.raises(Malformed):
        read_policy({"Statement": row}, of_role=True)


def test_a_word_made_to_be_slow_is_quick():
    began = time.perf_counter()
    assert fits("*a" * 1_000, Text("a" * 1_000)) is None
    assert fits("*" + "a?" * 500 + "b", Text("a" * 1_000)) is False
    assert time.perf_counter() - began < 5


def test_what_follows_may_lack_some_characters():
    """The name of a log stream has no colon: a star in the region cannot reach over it."""
    text = Text("arn:logs:eu:group:/vpc:", open=True, without=":*")
    assert fits("arn:logs:*:group:/scratch/*", text) is False
    assert fits("arn:logs:*:group:/vpc:*", text) is True
    assert fits("arn:logs:*:group:/vpc:x*", text) is None
    assert fits("arn:logs:*:group:/scratch/*", text._replace(without="")) is None


PATTERNS = st.text("ab*?:/", max_size=6)


@given(PATTERNS, st.text("ab:/", max_size=6), st.booleans(), st.sampled_from(["", "b", "b/"]))
def test_a_pattern_is_judged_as_a_regular_expression_does(word, known, is_open, without):
    verdict = fits(word, Text(known, open=is_open, without=without))
    tails = ["".join(some) for n in range(4) for some in itertools.product("ab/", repeat=n)] if is_open else [""]
    seen = {iam.glob(word, known + tail) for tail in tails if not set(tail) & set(without)}
    assert verdict in ((True, None) if seen == {True} else (False, None) if seen == {False} else (None,))
    if not is_open:
        assert verdict is not None


# -- random policies ---------------------------------------------------------------------------------------------------

WORDS = ["x", "xy", "X", "*", "x*", "?y", "${k:one}", "${k:two}x", "a:b:c:d:e:f", "a:b:*:d:e:*", "true", "1.2"]
VALUES = ["x", "xy", "a:b:c:d:e:f", "a:b:c:d:x:f"]
KEYS = ["k:one", "k:two", "k:three"]
OPERATORS = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "ArnLike",
    "ArnNotEquals",
    "Bool",
    "StringEqualsIfExists",
    "StringNotLikeIfExists",
    "ForAnyValue:StringLike",
    "ForAllValues:StringNotEquals",
]
SOME = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)
TESTS = st.one_of(
    st.tuples(st.sampled_from(OPERATORS), st.sampled_from(KEYS), SOME),
    st.tuples(st.just("Null"), st.sampled_from(KEYS), st.sampled_from([["true"], ["false"]])),
)


@st.composite
def statements(draw):
    row = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    row[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(
        st.sampled_from(["*", {"Service": "s"}, {"Service": ["t", "s"]}, {"AWS": "1"}, {"AWS": "*", "Service": "t"}])
    )
    row[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(
        st.sampled_from(["p:Put", "p:*", ["p:Get", "P:PUT"], "*", "p:Get"])
    )
    row[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(
        st.lists(st.sampled_from(["*", "r/*", "r/a*", "r/a", "q/*", "r/${k:one}*", "r/?/*"]), min_size=1, max_size=2)
    )
    for operator, key, values in draw(st.lists(TESTS, max_size=2)):
        row.setdefault("Condition", {}).setdefault(operator, {})[key] = values
    return row


@given(
    st.lists(statements(), min_size=1, max_size=3),
    st.fixed_dictionaries({key: st.sampled_from([*VALUES, None, "?", "?"]) for key in KEYS}),
    st.booleans(),
)
def test_no_completion_of_a_request_overturns_a_verdict(rows, told, is_open):
    """What is not known is tried out; where all is known there is a verdict."""
    policy = {"Version": "2012-10-17", "Statement": rows}
    context = {key: () if value is None else (Text(value),) for key, value in told.items() if value != "?"}
    request = Request(Caller(frozenset({"s"})), "p:Put", Text("r/a", open=is_open), context)
    verdict = allows([read_policy(policy)], request)
    choices = [[*VALUES, None] if told[key] == "?" else [told[key]] for key in KEYS]
    seen = set()
    for values in itertools.product(*choices):
        for tail in ["", "/", "b", "bc"] if is_open else [""]:
            whole = {
                "caller": "s",
                "action": "p:Put",
                "resource": "r/a" + tail,
                "context": dict(zip(KEYS, values, strict=True)),
            }
            seen.add(iam.allows(policy, whole))
    if verdict is not None:
        assert seen == {verdict}
    absent_variable = any(value is None for value in told.values()) and "${" in json.dumps(rows)
    odd = any(word in json.dumps(rows) for word in ("Arn", "Bool"))
    if "?" not in told.values() and not is_open and not absent_variable and not odd:
        assert verdict is not None
