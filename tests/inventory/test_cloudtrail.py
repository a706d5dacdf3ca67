"""CloudTrail's event history: flow logs made and deleted, in the shapes in which EC2's events are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from auditkit.inventory import read

OWNER = "111122223333"
REGION = "eu-central-1"
AT = datetime(2026, 9, 29, 10, 0, 5, tzinfo=UTC)
SINCE = "2026-09-28T00:00:00Z"
ALICE = "arn:aws:iam::111122223333:user/alice"
XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"


def event(name, request=None, response=None, **detail):
    told = {
        "eventVersion": "1.10",
        "userIdentity": {"type": "IAMUser", "arn": ALICE, "userName": "alice"},
        "eventTime": "2026-09-29T10:00:05Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "requestParameters": request,
        "responseElements": response,
    } | detail
    return {
        "EventId": "e",
        "EventName": name,
        "EventTime": "2026-09-29T10:00:05Z",
        "Username": "alice",
        "Resources": [],
        "CloudTrailEvent": json.dumps(told),
    }


def created(*flow_logs, on="vpc-0a1b2c3d", unsuccessful="", **detail):
    """As recorded: XML turned into JSON, where a list of one is its only member."""
    item = flow_logs[0] if len(flow_logs) == 1 else list(flow_logs)
    many = [{"tag": n, "content": one} for n, one in enumerate(on, 1)] if isinstance(on, list) else None
    return event(
        "CreateFlowLogs",
        {"CreateFlowLogsRequest": {"ResourceId": many or {"tag": 1, "content": on}, "ResourceType": "VPC"}},
        {
            "CreateFlowLogsResponse": {
                "xmlns": XMLNS,
                "requestId": "r",
                "unsuccessful": unsuccessful,
                "flowLogIdSet": {"item": item} if flow_logs else "",
            }
        },
        **detail,
    )


def deleted(*flow_logs, unsuccessful="", **detail):
    ids = [{"tag": n, "content": one} for n, one in enumerate(flow_logs, 1)]
    return event(
        "DeleteFlowLogs",
        {"DeleteFlowLogsRequest": {"FlowLogId": ids[0] if len(ids) == 1 else ids}},
        {"DeleteFlowLogsResponse": {"xmlns": XMLNS, "requestId": "r", "unsuccessful": unsuccessful}},
        **detail,
    )


def lookups(aws, made=(), gone=(), since=SINCE, **more):
    asked = {"StartTime": since, "EndTime": "2026-10-01T00:00:00Z"} if since else None
    return [
        aws.call("LookupEvents", {"Events": list(rows)}, service="cloudtrail", resource=name, asked=asked, **more)
        for name, rows in (("CreateFlowLogs", made), ("DeleteFlowLogs", gone))
    ]


def told(built):
    return [(one.name, one.flow_log_ids, one.resource_ids) for one in built.flow_log_events]


def test_events_as_ec2_writes_them(aws, inventory):
    built = inventory(*lookups(aws, [created("fl-0a1b2c3d")], [deleted("fl-0a1b2c3d")]))
    assert told(built) == [
        ("CreateFlowLogs", ("fl-0a1b2c3d",), ("vpc-0a1b2c3d",)),
        ("DeleteFlowLogs", ("fl-0a1b2c3d",), ()),
    ]
    first = built.flow_log_events[0]
    assert (first.account_id, first.region, first.at, first.by) == (OWNER, REGION, AT, ALICE)
    assert built.events_since == {(OWNER, REGION): datetime(2026, 9, 28, tzinfo=UTC)}
    assert built.unread == ()


# fmt: off
SHAPES = [
    ("several at once",
     created("fl-1", "fl-2", on=["vpc-1", "tgw-attach-1"]),
     ("CreateFlowLogs", ("fl-1", "fl-2"), ("tgw-attach-1", "vpc-1"))),
    ("without the structure around",
     event("DeleteFlowLogs", {"flowLogIds": ["fl-1", "fl-2"]}),
     ("DeleteFlowLogs", ("fl-1", "fl-2"), ())),
    ("as the API writes it",
     event("CreateFlowLogs", {"resourceIds": ["subnet-1"]}, {"flowLogIds": ["fl-1"]}),
     ("CreateFlowLogs", ("fl-1",), ("subnet-1",))),
    ("items of a set",
     event("DeleteFlowLogs", {"flowLogIdSet": {"items": [{"content": "fl-1"}]}}),
     ("DeleteFlowLogs", ("fl-1",), ())),
    ("a list of contents",
     event("DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"content": ["fl-1"]}}}),
     ("DeleteFlowLogs", ("fl-1",), ())),
    ("named as a resource alone",
     event("DeleteFlowLogs") | {"Resources": [{"ResourceType": "AWS::EC2::FlowLog", "ResourceName": "fl-1"},
                                              {"ResourceType": "AWS::EC2::VPC", "ResourceName": "vpc-1"}]},
     ("DeleteFlowLogs", ("fl-1",), ())),
    ("one of two did not succeed",
     deleted("fl-1", "fl-2", unsuccessful={"item": {"resourceId": "fl-2", "error": {"code": "x", "message": "y"}}}),
     ("DeleteFlowLogs", ("fl-1",), ())),
    ("made on one of two",
     created("fl-1", on=["vpc-1", "vpc-2"], unsuccessful={"item": [{"resourceId": "vpc-2", "error": {"code": "x"}}]}),
     ("CreateFlowLogs", ("fl-1",), ("vpc-1",))),
]
NONE = [
    deleted("fl-1", errorCode="Client.UnauthorizedOperation", errorMessage="no"),
    deleted("fl-1", errorCode="Client.DryRunOperation"),
    deleted("fl-1", unsuccessful={"item": {"resourceId": "fl-1", "error": {"code": "InvalidFlowLogId.NotFound"}}}),
    created(unsuccessful={"item": {"resourceId": "vpc-0a1b2c3d", "error": {"code": "FlowLogAlreadyExists"}}}),
]
# fmt: on


@pytest.mark.parametrize(("row", "expected"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES])
def test_other_shapes(aws, inventory, row, expected):
    rows = ([row], []) if expected[0] == "CreateFlowLogs" else ([], [row])
    built = inventory(*lookups(aws, *rows))
    assert (told(built), built.unread) == ([expected], ())


@pytest.mark.parametrize("row", NONE)
def test_what_did_not_happen_is_no_event(aws, inventory, row):
    rows = ([row], []) if row["EventName"] == "CreateFlowLogs" else ([], [row])
    built = inventory(*lookups(aws, *rows))
    assert (built.flow_log_events, built.unread) == ((), ())
    assert (OWNER, REGION) in built.events_since


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "broken",
    [
        {"CloudTrailEvent": None},
        {"CloudTrailEvent": {"eventName": "DeleteFlowLogs"}},
        {"CloudTrailEvent": "not json"},
        {"CloudTrailEvent": "[]"},
        {"CloudTrailEvent": DEEP},
        {"CloudTrailEvent": '{"a":' * 50_000 + "1" + "}" * 50_000},
        {"CloudTrailEvent": '"' + "x" * 2_000_000 + '"'},
        {"CloudTrailEvent": '{"n": ' + "9" * 5000 + "}"},
        {"EventName": "RunInstances"},
        {"EventTime": "9999-12-31T23:59:59Z", "CloudTrailEvent": event("x", eventTime=None)["CloudTrailEvent"]},
        {"EventName": 7},
    ],
)
def test_an_event_of_another_shape_is_unread_and_the_others_are_there(aws, inventory, broken):
    """What happened is not known any more, so the history is not whole."""
    built = inventory(*lookups(aws, gone=[deleted("fl-1"), deleted("fl-2") | broken]), Vpcs=[{"VpcId": "vpc-1"}])
    assert [one.flow_log_ids for one in built.flow_log_events] == [("fl-1",)]
    assert [(one.table, one.resource) for one in built.unread] == [("delivery", "DeleteFlowLogs")]
    assert built.events_since == {}
    assert len(built.vpcs) == 1


@pytest.mark.parametrize(
    "row",
    [
        event("DeleteFlowLogs"),
        event("DeleteFlowLogs", "fl-1"),
        event("DeleteFlowLogs", {"DeleteFlowLogsRequest": "fl-1"}),
        event("DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": 7}}),
        event("DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": [[[[[[[["fl-1"]]]]]]]]}}),
        deleted("vpc-1"),
        deleted("fl-1; drop"),
        created("fl-1", on="<script>"),
        deleted("fl-1", errorCode=403),
    ],
)
def test_an_event_that_names_no_flow_log_is_unread(aws, inventory, row):
    built = inventory(*lookups(aws, gone=[row]))
    assert (built.flow_log_events, [one.table for one in built.unread]) == ((), ["delivery"])


def test_a_refusal_hides_nothing_else(aws, inventory):
    refused = aws.call("LookupEvents", service="cloudtrail", resource="DeleteFlowLogs", error="AccessDeniedException")
    built = inventory(lookups(aws, [created("fl-1")])[0], refused)
    assert [one.name for one in built.flow_log_events] == ["CreateFlowLogs"]
    assert built.events_since == {}
    assert [(one.table, one.resource) for one in built.unread] == [("delivery", "DeleteFlowLogs")]
    assert not built.is_unread("delivery", OWNER, REGION)
    assert not built.is_unread("flow_logs", OWNER, REGION)


def test_the_history_that_nobody_asked_is_not_unread(inventory):
    built = inventory()
    assert (built.events_since, built.flow_log_events, built.unread) == ({}, (), ())


@pytest.mark.parametrize("lost", [0, 1])
def test_one_question_of_two_is_not_the_whole_history(aws, inventory, lost):
    calls = lookups(aws)
    del calls[lost]
    assert inventory(*calls).events_since == {}


def test_the_same_event_in_two_pages_is_one(aws, inventory):
    first, second = lookups(aws, gone=[deleted("fl-1")])
    more = [
        aws.call(**{**_fields(second), "answer": second.answer | {"NextToken": "2"}}),
        aws.call(**{**_fields(second), "page": 2}),
    ]
    built = inventory(first, *more)
    assert len(built.flow_log_events) == 1
    assert (OWNER, REGION) in built.events_since
    assert inventory(first, more[0]).events_since == {}, "cut short"


def _fields(call):
    names = ("service", "operation", "account_id", "region", "resource", "asked", "page", "at", "answer")
    return {name: getattr(call, name) for name in names}


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-09-15T00:00:00Z", datetime(2026, 9, 15, tzinfo=UTC)),
        ("2026-09-15T00:00:00", datetime(2026, 9, 15, tzinfo=UTC)),
        ("2020-01-01T00:00:00Z", datetime(2026, 7, 3, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(2026, 7, 3, tzinfo=UTC)),
        ("whenever", None),
        (None, None),
    ],
)
def test_since_when_the_history_is_known(aws, inventory, since, expected):
    """The history goes back ninety days, whatever is asked; a question without a start tells nothing."""
    assert inventory(*lookups(aws, since=since)).events_since.get((OWNER, REGION)) == expected


def test_events_are_in_the_order_of_time(aws, inventory):
    later = deleted("fl-1") | {"EventTime": "2026-09-30T01:00:00Z"}
    built = inventory(*lookups(aws, [created("fl-2")], [later, deleted("fl-3")]))
    assert [one.flow_log_ids[0] for one in built.flow_log_events] == ["fl-2", "fl-3", "fl-1"]


def test_who_did_it(aws, inventory):
    rows = [
        deleted("fl-1", userIdentity={"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}),
        deleted("fl-2", userIdentity=None),
    ]
    built = inventory(*lookups(aws, gone=rows))
    assert [one.by for one in built.flow_log_events] == ["cloudformation.amazonaws.com", "alice"]


def test_a_damaged_question_is_told(aws):
    (call, _) = lookups(aws)
    wrong = aws.call(**{**_fields(call), "asked": ["2026"]})
    built = read(aws.meta(OWNER), [*aws.listings(), wrong])
    assert [(one.table, one.error) for one in built.unread] == [
        ("delivery", "the snapshot is damaged: asked is not a mapping of texts")
    ]


def test_what_was_asked_earlier_proves_nothing_of_since(aws, inventory):
    """A flow log deleted between the last question and the end of collecting has left no trace."""
    for until, told in (("2026-09-30T12:00:00Z", True), ("2026-09-20T00:00:00Z", False)):
        asked = {"StartTime": "2026-09-01T00:00:00Z", "EndTime": until}
        calls = [
            aws.call("LookupEvents", {"Events": []}, service="cloudtrail", resource=name, asked=asked)
            for name in ("CreateFlowLogs", "DeleteFlowLogs")
        ]
        assert ((OWNER, REGION) in inventory(*calls).events_since) is told


def test_an_answer_to_the_other_question_is_none(aws, inventory):
    """Saved under the wrong name, it would hide every flow log that was deleted."""
    built = inventory(*lookups(aws, [], [created()]))
    assert (OWNER, REGION) not in built.events_since
    assert [one.resource for one in built.unread] == ["DeleteFlowLogs"]
