"""Text with a header, whole and hurt, in every packing, against a reader that goes line by line."""

from __future__ import annotations

import gzip
import ipaddress
import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.engines.reading import Reader, lines, ordered, pieces, reader, stored, unpack, values
from auditkit.engines.reading import unpacking as unpacked
from auditkit.model.addresses import address
from auditkit.model.records import BY_NAME, FIELDS
from tests.engines.given import GOOD, QUIET, V2, counts, lines_of, log_object, read, text
from tests.oracles import records as oracle
from tests.oracles.effort import bounded


def zstd(data: bytes) -> bytes:
    return pa.compress(data, "zstd", asbytes=True)


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def parted(data: bytes) -> list[bytes]:
    """Parts of some fifty bytes, none of which begins where a header might: two files, that would be."""
    parts = [data[at : at + 50] for at in range(0, len(data), 50)]
    for at in range(1, len(parts)):
        if parts[at].startswith(b"ver"):
            parts[at - 1], parts[at] = parts[at - 1] + parts[at][:1], parts[at][1:]
    return parts


PACKINGS = {
    "gzip": gz,
    "members": lambda data: b"".join(map(gz, parted(data))) or gz(b""),
    "padded": lambda data: gz(data) + b"\0" * 512,
    "zstd": zstd,
    "frames": lambda data: b"".join(zstd(data[at : at + 50]) for at in range(0, len(data), 50)) or zstd(b""),
    "plain": bytes,
}
SWAPPED = V2.replace("srcport dstport", "dstport srcport")
SNIPPETS = (
    V2, SWAPPED, GOOD, QUIET, GOOD.replace(" 22 ", " 0x16 "), GOOD.replace(" 22 ", "  22 "), GOOD.replace("10.0.0.5", "fe80::1%1"), "", " ", "\r",
    f"{V2} {V2}", GOOD.replace("10.0.0.5", "10.0.0.05"), GOOD.replace(" 6 ", " +6 "), GOOD.replace(" 10 ", " 1_0 "), GOOD.replace(" 6 ", " ٦ "),
    GOOD.replace(" 22 ", "\t22 "), GOOD.replace(" 22 ", " \v22 "), GOOD.replace("1782864", "1782864000", 1), f"{GOOD}\u00a0", f"{GOOD}\r",
)  # fmt: skip


@st.composite
def bodies(draw):
    """Lines of all sorts, put together, cut and changed."""
    data = bytearray("\n".join([V2, *draw(st.lists(st.sampled_from(SNIPPETS), max_size=12))]).encode())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(("byte", "cut", "splice", "insert")))
        if kind == "byte" and at < len(data):
            data[at] = draw(st.sampled_from(b"\0\t\n\r\x0b\x1c \xff-09ax+"))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "splice":
            data[at:at] = data[: draw(st.integers(0, 120))]
        else:
            data[at:at] = draw(st.sampled_from((b"\n", b" ", b"\xc2\xa0", b"\xff", b"-", b"\n\n")))
    return bytes(data)


@given(
    st.lists(st.tuples(bodies(), st.sampled_from(sorted(PACKINGS))), min_size=1, max_size=4), st.sampled_from((2, 64))
)
@bounded(100)
def test_every_line_is_counted_once_whatever_happened_to_the_text(made, leaf):
    """Small halves, so that the fast path is tried again in each of them."""
    whole, reader._LEAF = reader._LEAF, leaf
    try:
        objects, rows = read(*(PACKINGS[packing](body) for body, packing in made))
    finally:
        reader._LEAF = whole
    for number, (one, (body, packing)) in enumerate(zip(objects, made, strict=True)):
        if packing == "plain" and body[:4] == b"PAR1":
            continue
        right = oracle.read(gz(body))
        assert counts(one) == right.counts
        mine = [row for row in rows if row["obj"] == number]
        assert {row["line"]: row["log_status"] for row in mine if row["log_status"] != "OK"} == {
            line: status for line, (status, _, _) in right.silent.items()
        }
        assert {row["line"] for row in mine if row["log_status"] == "OK"} == right.ok.keys()
        for row in mine:
            for name, value in right.ok.get(row["line"], {}).items():
                assert row[BY_NAME[name].column] == value
        assert (one.first_damage == "") == (right.damaged == 0)


@given(bodies(), st.data())
@bounded(100)
def test_packed_bytes_cut_or_changed_lose_nothing_unsaid(body, data):
    packed = bytearray(PACKINGS[data.draw(st.sampled_from(("gzip", "members", "padded")))](body))
    if data.draw(st.booleans()):
        packed = packed[: data.draw(st.integers(0, len(packed)))]
    else:
        packed[data.draw(st.integers(2, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    one = read(bytes(packed))[0][0]
    assert counts(one) == oracle.read(bytes(packed)).counts


@given(st.binary(max_size=300), st.sampled_from((b"", b"PAR1", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08")))
@bounded(100)
def test_bytes_of_any_kind_are_damage_or_nothing(data, magic):
    one = read(magic + data)[0][0]
    assert (one.ok, one.nodata, one.skipdata) == (0, 0, 0)
    if magic or not data:
        assert one.damaged


def test_every_field_is_read_in_any_order():
    names = [f.name for f in FIELDS]
    random.Random(5).shuffle(names)
    value = {"integer": "7", "port": "7", "protocol": "7", "address": "10.0.0.7"}
    said = {"log-status": "OK", "action": "REJECT", "start": "1782864000", "end": "1782864000"}
    line = [said.get(n) or value.get(BY_NAME[n].type, "x") for n in names]
    (one,), (row,) = read(text(" ".join(names), " ".join(line)))
    assert counts(one) == (1, 0, 0, 0)
    assert set(row) == {BY_NAME[n].column for n in names} | {"obj", "line"}


def test_fields_that_are_not_known_are_kept_by_name():
    objects, rows = read(text(f"next-thing {V2} x", f"v1 {GOOD} -", f"- {GOOD}  a%20b"))
    assert counts(objects[0]) == (2, 0, 0, 0)
    assert [dict(row["other_fields"]) for row in rows] == [
        {"next-thing": "v1", "x": "-"},
        {"next-thing": "-", "x": "a%20b"},
    ]


def test_a_tag_is_decoded_and_none_stays_none():
    tags = ("instance-tag", "instance-tag-2", "interface-tag", "interface-tag-2", "asg-tag", "asg-tag-2")
    _, rows = read(text(f"{V2} {' '.join(tags)}", f"{GOOD} a%20b %41 A - %ff %2D"))
    assert [rows[0][BY_NAME[tag].column] for tag in tags] == ["a b", "A", "A", "-", "\ufffd", "%2D"]


def test_milliseconds_become_seconds_in_whole_bodies_too():
    _, rows = read(text(V2, *[GOOD.replace("1782864000 1782864060", "1782864000123 1782864060999")] * 3))
    assert {(row["start"], row["end"]) for row in rows} == {(1782864000, 1782864060)}


def test_a_header_in_the_middle_that_names_a_field_twice_reads_nothing():
    objects, _ = read(text(V2, GOOD, f"{V2} bytes", f"{GOOD} 9", V2, GOOD))
    assert counts(objects[0]) == (2, 0, 0, 1)
    assert objects[0].first_damage == "line 4: the header names a field twice"


def test_without_a_header_every_line_up_to_one_is_damaged_and_the_object_broken():
    objects, rows = read(text(GOOD, GOOD, V2, GOOD))
    assert counts(objects[0]) == (1, 0, 0, 2)
    assert objects[0].broken
    assert lines_of(rows) == [4]


@pytest.mark.parametrize("size", [1, 40, 200])
def test_pieces_of_any_size_give_the_same(monkeypatch, size):
    body = text(V2, GOOD, "", GOOD.replace(" 22 ", "  22 "), "bad", QUIET, SWAPPED, GOOD, end="")
    right = read(gz(body))
    monkeypatch.setattr(pieces, "PIECE", size)
    monkeypatch.setattr(unpacked, "_TEXT", 64)
    found = read(gz(body))
    assert found[1] == right[1]
    assert [counts(o) for o in found[0]] == [counts(o) for o in right[0]] == [(3, 1, 0, 1)]


def test_a_line_without_end_is_one_damage_and_those_after_it_are_read(monkeypatch):
    for module in (pieces, lines):
        monkeypatch.setattr(module, "LONGEST", 500)
    monkeypatch.setattr(pieces, "PIECE", 400)
    monkeypatch.setattr(unpacked, "_TEXT", 100)
    objects, rows = read(gz(text(V2, GOOD, "x" * 5000, GOOD, f"{GOOD}{'0' * 600}", GOOD)))
    assert counts(objects[0]) == (3, 0, 0, 2)
    assert lines_of(rows) == [2, 4, 6]
    assert objects[0].first_damage == "line 3: is longer than a record can be"


def test_what_unpacks_without_end_is_stopped(monkeypatch):
    monkeypatch.setattr(unpacked, "LARGEST", 10_000)
    monkeypatch.setattr(unpacked, "_TEXT", 4096)
    assert unpack(gz(b"\n" * 100_000), 10_000)[1] == "unpacks to more than an object may hold"
    objects, _ = read(gz(text(V2, GOOD) + b"\n" * 50_000), carrier="lines")
    assert not objects[0].ok


def test_members_by_the_thousand_are_read_in_their_order():
    whole = text(V2, *[GOOD] * 50)
    objects, rows = read(b"".join(gz(whole[at : at + 3]) + gz(b"") for at in range(0, len(whole), 3)))
    assert counts(objects[0]) == (50, 0, 0, 0)
    assert lines_of(rows) == list(range(2, 52))


def test_the_same_objects_give_the_same_batches(monkeypatch, tmp_path):
    """Though two threads read them."""
    monkeypatch.setattr(reader, "_UNIT", 1)
    given = []
    for at in range(12):
        path = tmp_path / str(at)
        path.write_bytes(gz(text(V2 if at % 3 else SWAPPED, *[GOOD] * (1 + at % 4), "bad")))
        given.append((log_object(at), path))
    told = [[batch.table.to_pydict() for batch in Reader().read(given)] for _ in range(3)]
    assert told[0] == told[1] == told[2]
    assert [row["obj"][0] for row in told[0]] == list(range(12))


def test_whoever_stops_listening_stops_the_work():
    begun = []

    def work(number):
        begun.append(number)
        yield from range(1000)

    results = ordered.ordered(range(1000), work)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    results.close()
    assert len(begun) <= 2


def test_what_goes_wrong_in_a_thread_is_raised_where_the_results_are_read():
    def work(number):
        if number == 2:
            raise LookupError("two")
        yield number

    results = ordered.ordered(range(5), work)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(LookupError, match="two"):
        next(results)


PARTS = st.sampled_from(
    ["0", "1", "00", "01", "255", "256", "ffff", "1ffff", "0000", "00000", "", "g", " ", "%1", "/8", "٣", "10.0.0.1"]
)


@given(st.one_of(
    st.ip_addresses().map(str), st.text(max_size=12), st.lists(PARTS, max_size=9).map(":".join), st.lists(PARTS, max_size=5).map(".".join),
    st.tuples(st.lists(PARTS, max_size=6), st.lists(PARTS, max_size=6)).map(lambda two: "::".join(map(":".join, two))),
))  # fmt: skip
@bounded(300)
def test_an_address_is_what_the_standard_library_calls_one_less_scopes(told):
    try:
        ipaddress.ip_address(told)
        right = None if "%" in told else address(told)
    except ValueError:
        right = None
    assert values.number(told) == right


def test_files_put_together_are_read_each_by_its_header(monkeypatch):
    """Also where one has another order, and blank lines stand around a header."""
    turned = GOOD.replace("51000 22", "22 51000")
    parts = [
        text(V2, *[GOOD] * 300),
        text("", V2, "", *[GOOD] * 299),
        text(SWAPPED, *[turned] * 300),
        text(V2, V2, GOOD),
    ]
    whole = read(gz(b"".join(parts)))
    monkeypatch.setattr(pieces, "PIECE", 1000)  # a piece for each file
    (one,), rows = read(b"".join(map(gz, parts)))
    assert rows == whole[1]
    assert counts(one) == (900, 0, 0, 0)
    assert {(row["srcport"], row["dstport"]) for row in rows} == {(51000, 22)}
    assert lines_of(rows) == [at for at, line in enumerate(b"".join(parts).split(b"\n"), 1) if line.startswith(b"2 ")]


def test_single_records_are_read_again_as_they_stand(tmp_path):
    path = tmp_path / "object"
    path.write_bytes(gz(text(V2, GOOD, "", f"{QUIET}\r", "broken")))
    assert stored(log_object(), path, [2, 4, 5, 9]) == {2: GOOD, 4: QUIET, 5: "broken"}


@pytest.mark.parametrize("beside", [(), ("broken",)], ids=["fast", "slow"])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace("1782864060", str(2**63 - 1)), "end is not a time it can be"),
        (GOOD.replace("1782864060", "253402300800000"), "end is not a time it can be"),
        (GOOD.replace("ACCEPT", "accept"), "action is neither ACCEPT nor REJECT"),
        (GOOD.replace("ACCEPT", "-"), "action is neither ACCEPT nor REJECT"),
        (GOOD.replace("ACCEPT", "ACCEPT\x1c"), "action is neither ACCEPT nor REJECT"),
        ("\ufeff" + GOOD, "version is not a number it can be"),
    ],
)
def test_what_no_record_says_is_damage_on_either_path(line, reason, beside):
    (one,), rows = read(text(V2, line, GOOD, QUIET, *beside))
    assert counts(one) == (1, 1, 0, 1 + len(beside))
    assert (one.damage[reason], one.first_damage, lines_of(rows)) == (1, f"line 2: {reason}", [3, 4])


def test_the_last_second_of_the_year_9999_is_a_time():
    (one,), (row,) = read(text(V2, GOOD.replace("1782864060", "253402300799999")))
    assert (counts(one), row["end"]) == ((1, 0, 0, 0), 253402300799)


def test_without_a_status_an_action_is_missing_only_where_all_is():
    """`-` alone says that something flowed, and not whether it was let through."""
    (one,), _ = read(text("interface-id srcaddr action start end", "eni-1 - - 5 6", "eni-1 10.0.0.5 - 5 6"))
    assert counts(one) == (0, 0, 1, 1)


def test_a_mark_before_a_record_whose_first_field_is_text_is_damage():
    (one,), _ = read(text("interface-id srcaddr action start end", "\ufeffeni-1 10.0.0.5 ACCEPT 5 6"))
    assert one.damage == {"begins with a byte order mark": 1}
