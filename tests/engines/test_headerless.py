"""Records without a header: in every envelope, against every candidate format, never guessed."""

from __future__ import annotations

import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.engines.reading import envelopes, pieces, stored
from tests.engines.given import FORMAT, GOOD, QUIET, counts, lines_of, log_object, read, text
from tests.oracles.effort import bounded

SHORT = "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${start} ${end} ${log-status}"
TURNED = SHORT.replace("${srcport} ${dstport}", "${dstport} ${srcport}")
SMALL = "eni-1 203.0.113.9 10.0.0.5 51000 22 1782864000 1782864060 OK"
STILL = "eni-1 - - - - 1782864000 1782864060 NODATA"
LINES = (
    GOOD,
    QUIET,
    GOOD.replace(" 22 ", " 443 "),
    "START RequestId: 1 Version: 2",
    GOOD.replace("OK", "ok"),
    GOOD.replace("22", "0x16"),
)


def lines(*messages: str) -> bytes:
    return text(*messages)


def events(*messages: str) -> bytes:
    return text(*(json.dumps({"timestamp": 1782864000000, "ingestionTime": 1, "message": one}) for one in messages))


def firehose(*messages: str) -> bytes:
    return "".join(json.dumps({"message": one}) for one in messages).encode()


def nested(*messages: str) -> bytes:
    return text(*(json.dumps({"message": json.dumps({"message": json.dumps(one)})}) for one in messages))


def payload(*messages: str) -> bytes:
    told = [{"id": str(at), "timestamp": 1, "message": one} for at, one in enumerate(messages)]
    return json.dumps(
        {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "g", "logStream": "s", "logEvents": told}
    ).encode()


def control(*messages: str) -> bytes:
    word = json.dumps(
        {"messageType": "CONTROL_MESSAGE", "logEvents": [{"id": "", "message": "CWL CONTROL MESSAGE"}]}
    ).encode()
    return word + b"".join(map(payload, messages))


def packed(*messages: str) -> bytes:
    return text(*(base64.b64encode(gzip.compress(payload(one), mtime=0)).decode() for one in messages))


def lambdas(*messages: str) -> bytes:
    return json.dumps(
        {"awslogs": {"data": base64.b64encode(gzip.compress(payload(*messages), mtime=0)).decode()}}
    ).encode()


def members(*messages: str) -> bytes:
    return b"".join(gzip.compress(payload(one), mtime=0) for one in messages)


def twice(*messages: str) -> bytes:
    return gzip.compress(members(*messages), mtime=0)


def export(*messages: str) -> bytes:
    return gzip.compress(text(*(f"2026-07-01T00:00:00.000Z {one}" for one in messages)), mtime=0)


def insights(*messages: str) -> bytes:
    return text("@timestamp,@message", *(f'2026-07-01 00:00:00.000,"{one}"' for one in messages))


def console(*messages: str) -> bytes:
    return text("timestamp,message", *(f"1782864000000,{one}" for one in messages))


ENVELOPES = (
    lines,
    events,
    firehose,
    nested,
    payload,
    control,
    packed,
    lambdas,
    members,
    twice,
    export,
    insights,
    console,
)


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=8), st.sampled_from(ENVELOPES))
@bounded(100)
def test_the_same_records_are_read_out_of_every_envelope(messages, envelope):
    (one,), rows = read(envelope(*messages), carrier="lines", formats=(FORMAT, SHORT), flow_log_ids=("fl-a", "fl-b"))
    (plain,), right = read(lines(*messages), carrier="lines", formats=(FORMAT, SHORT), flow_log_ids=("fl-a", "fl-b"))
    sound = [message for message in messages if message in LINES[:3]]
    assert counts(one) == counts(plain)
    assert counts(one) == (len(sound) - sound.count(QUIET), sound.count(QUIET), 0, len(messages) - len(sound))
    assert [row | {"line": 0} for row in rows] == [row | {"line": 0} for row in right]
    assert lines_of(rows) == [at + (envelope in (insights, console)) for at in lines_of(right)]
    assert {row["flow_log_id"] for row in rows} <= {"fl-a"}


@given(st.sampled_from(ENVELOPES), st.lists(st.sampled_from(LINES), max_size=4), st.data())
@bounded(100)
def test_envelopes_cut_or_changed_are_read_to_the_end(envelope, messages, data):
    """Whatever comes of it: no error, and no more records than lines of text could hold."""
    made = bytearray(envelope(*messages))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(made)))
        made[at : at + data.draw(st.integers(0, 9))] = data.draw(
            st.sampled_from((b"", b"{", b'"', b"\n", b"\\", b"[", b"\xff", b"\0", b"}{"))
        )
    (one,), rows = read(bytes(made), carrier="lines", formats=(FORMAT,), flow_log_ids=("fl-a",))
    assert one.ok + one.nodata + one.skipdata == len(rows)
    assert len(set(lines_of(rows))) == len(rows)
    assert {row["bytes"] for row in rows} <= {840, 84, 8, 40, 4, 0, None}


@pytest.mark.parametrize(
    ("formats", "line", "right"),
    [
        ((SHORT,), SMALL, "fl-0"),
        ((SHORT, FORMAT), SMALL, "fl-0"),
        ((SHORT, SHORT), SMALL, ""),
        ((SHORT, TURNED), SMALL, "fits several formats"),
        ((SHORT, TURNED), STILL, ""),
        ((FORMAT,), SMALL, "fits no format"),
        ((), SMALL, "no flow log's format is known"),
        ((SHORT, TURNED), SMALL.replace("OK", "NO"), "fits no format"),
        ((SHORT, SHORT.replace("${interface-id} ${srcaddr}", "${vpc-id} ${srcaddr}")), SMALL, "fl-0"),
        ((SHORT.replace("interface-id", "vpc-id"),), SMALL, "fits no format"),
        ((SHORT.replace("interface-id", "new-thing"),), SMALL, "fl-0"),
        ((SHORT,), SMALL.replace("1782864000", "1782864"), "fits no format"),
    ],
)  # fmt: skip
def test_a_record_has_the_one_format_that_it_fits(formats, line, right):
    ids = tuple(f"fl-{at}" for at in range(len(formats)))
    (one,), rows = read(text(line), carrier="lines", formats=formats, flow_log_ids=ids)
    told = [row["flow_log_id"] for row in rows] or list(one.damage)
    assert told == [right]
    assert sum(counts(one)) == 1


def test_formats_may_take_turns_in_one_object():
    (one,), rows = read(
        text(SMALL, GOOD, "", "x", GOOD, STILL), carrier="lines", formats=(SHORT, FORMAT), flow_log_ids=("fl-a", "fl-b")
    )
    assert counts(one) == (3, 1, 0, 1)
    assert [(row["line"], row["flow_log_id"]) for row in rows] == [(1, "fl-a"), (2, "fl-b"), (5, "fl-b"), (6, "fl-a")]
    assert one.first_damage == "line 4: fits no format"


def test_an_object_without_records_holds_nothing():
    assert counts(read(b"", carrier="lines", size=0)[0][0]) == (0, 0, 0, 0)
    assert counts(read(b"", carrier="lines", size=5)[0][0]) == (0, 0, 0, 1)
    assert counts(read(control(), carrier="lines")[0][0]) == (0, 0, 0, 0)
    assert counts(read(gzip.compress(b""), carrier="lines")[0][0]) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"timestamp": 1}', "has no message"),
        ('{"message": 5}', "has no message"),
        ('{"message": ""}', "the message is empty"),
        ('{"message": "a\\nb"}', "holds more than one line"),
        ('{"message": "a", "message": "b"}', "names message twice"),
        ('{"message": "a', "is not JSON"),
        ('{"a":' * 100_000, "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"messageType": "OTHER", "logEvents": []}', "is a payload without events"),
        ('{"message": "\\ud800"}', "is not JSON"),
        ('{"message": "a", "messag\\u0065": "b"}', "names message twice"),
        ('[{"message": "a", "message": "b"}]', "names message twice"),
        ('{"messageType": "DATA_MESSAGE", "logEvents": [{"message": "a", "message": "b"}]}', "names message twice"),
        ('{"messageType": "DATA_MESSAGE", "logEvents": [{"message": "a"}], "logEvents": []}', "names logEvents twice"),
        ('{"message": "a", "messageType": "DATA_MESSAGE", "logEvents": []}', "has a message beside other records"),
        ('{"message": "a", "awslogs": {"data": "H4sIAAAA"}}', "has a message beside other records"),
        ('{"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "a"}]}', "is a control message with records"),
        ('{"messageType": "CONTROL_MESSAGE", "logEvents": "a"}', "is a control message with records"),
        ('{"messageType": "DATA_MESSAGE", "owner": "999900009999", "logEvents": [{"message": "a"}]}', "is of another account's log group"),
        ("H4sIAAAA!", "is not base64"),
        ("H4sIAAAA", "the payload is damaged: the gzip data is truncated"),
        (json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(json.dumps("x")))))), "stands in too many envelopes"),
    ],
)  # fmt: skip
def test_what_holds_no_record_says_why(line, reason):
    (one,), rows = read(text(line, GOOD), carrier="lines", formats=(FORMAT,), flow_log_ids=("fl-a",))
    assert dict(one.damage) == {reason: 1}
    assert lines_of(rows) == [2]


def test_a_payload_that_unpacks_without_end_is_stopped(monkeypatch):
    monkeypatch.setattr(envelopes, "_UNPACKED", 10_000)
    bomb = base64.b64encode(gzip.compress(b" " * 100_000)).decode()
    (one,), _ = read(text(bomb, GOOD), carrier="lines", formats=(FORMAT,), flow_log_ids=("fl-a",))
    assert counts(one) == (1, 0, 0, 1)


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_pieces_of_any_size_give_the_same(monkeypatch, envelope):
    """A delivery stream writes no line ends at all: pieces end between objects."""
    made = envelope(*[GOOD, QUIET, "x"] * 5)
    right = read(made, carrier="lines", formats=(FORMAT,), flow_log_ids=("fl-a",))
    monkeypatch.setattr(pieces, "PIECE", 300)
    monkeypatch.setattr(envelopes, "_PIECE", 300)
    found = read(made, carrier="lines", formats=(FORMAT,), flow_log_ids=("fl-a",))
    assert found[1] == right[1]
    assert counts(found[0][0]) == counts(right[0][0]) == (5, 5, 0, 5)


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_single_records_are_read_again_as_they_stand(tmp_path, envelope):
    path = tmp_path / "object"
    path.write_bytes(envelope(GOOD, "x", QUIET))
    first = 2 if envelope in (insights, console) else 1
    told = stored(log_object(carrier="lines", formats=(FORMAT,)), path, [first, first + 2, 99])
    assert [told[first].endswith(GOOD), told[first + 2].endswith(QUIET), len(told)] == [True, True, 2]


def test_a_header_that_names_other_fields_makes_the_object_broken():
    """Its records fit the format that was configured by their shape alone: source and destination would change places."""
    names = [name.strip("${}") for name in FORMAT.split()]
    turned = [{"srcaddr": "dstaddr", "dstaddr": "srcaddr"}.get(name, name) for name in names]
    for header, broken in ((names, False), (turned, True)):
        (one,), _ = read(text(" ".join(header), GOOD), carrier="lines", formats=(FORMAT,), flow_log_ids=("fl-a",))
        assert (one.broken, one.damaged) == (broken, int(broken))
