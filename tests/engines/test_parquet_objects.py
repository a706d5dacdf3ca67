"""Objects in Parquet, as AWS and others write them, against reading value by value."""

from __future__ import annotations

import io
import ipaddress
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.engines.reading import stored
from auditkit.model.records import FIELDS
from tests.engines.given import counts, log_object, read
from tests.oracles.effort import bounded

T0 = 1782864000


def parquet(columns: dict[str, pa.Array], **how) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **how)
    return out.getvalue()


def aws(rows: int = 1, **more) -> dict[str, pa.Array]:
    """A file of the default format, typed as AWS types it."""
    return {
        "version": pa.array([2] * rows, pa.int32()),
        "account_id": pa.array(["111122223333"] * rows),
        "interface_id": pa.array(["eni-1"] * rows),
        "srcaddr": pa.array(["203.0.113.9"] * rows),
        "dstaddr": pa.array(["10.0.0.5"] * rows),
        "srcport": pa.array([51000] * rows, pa.int32()),
        "dstport": pa.array([22] * rows, pa.int32()),
        "protocol": pa.array([6] * rows, pa.int32()),
        "packets": pa.array([10] * rows, pa.int64()),
        "bytes": pa.array([840] * rows, pa.int64()),
        "start": pa.array([T0] * rows, pa.int64()),
        "end": pa.array([T0 + 60] * rows, pa.int64()),
        "action": pa.array(["ACCEPT"] * rows),
        "log_status": pa.array(["OK"] * rows),
    } | more


NUMBERS = st.sampled_from((None, 0, 6, 22, 255, 256, 65535, 65536, -1, 2**31 - 1))
WRITTEN = st.sampled_from(
    (
        None,
        "-",
        "",
        "0",
        "007",
        "22",
        "255",
        "256",
        "65536",
        "+5",
        "0x16",
        "1_0",
        " 22",
        "٣",
        "1e3",
        "9" * 19,
        "9" * 25,
        "nan",
        "0" * 30 + "5",
    )
)
ADDRESSES = st.sampled_from((None, "-", "", "10.0.0.1", "2001:db8::1", "010.0.0.1", "fe80::1%1", "host", "10.0.0.1 "))
STATUSES = st.sampled_from((None, "OK", "OK", "OK", "NODATA", "SKIPDATA", "ok", "-"))


def number(value, limit):
    """What a cell says: a number, None for nothing, or that it is wrong."""
    if value in (None, "-", ""):
        return None
    if isinstance(value, str):
        value = int(value) if value and set(value) <= set("0123456789") else -1
    return value if 0 <= value <= limit else LookupError


def is_address(value):
    try:
        return value in (None, "-", "") or ("%" not in value and bool(ipaddress.ip_address(value)))
    except ValueError:
        return False


@given(
    st.lists(st.tuples(ADDRESSES, NUMBERS, WRITTEN, WRITTEN, STATUSES, st.sampled_from((None, T0, T0 + 1, T0 * 1000))), min_size=1, max_size=9),
    st.booleans(), st.sampled_from((pa.int32(), pa.int64())), st.sampled_from((pa.string(), pa.large_string(), pa.binary())), st.integers(1, 4),
)  # fmt: skip
@bounded(100)
def test_every_row_is_read_or_damaged(rows, coded, width, kind, group):
    addresses, ports, protocols, sizes, statuses, starts = zip(*rows, strict=True)

    def texts(values):
        made = pa.array([v if v is None or kind != pa.binary() else v.encode() for v in values], kind)
        return made.dictionary_encode() if coded and kind == pa.string() else made

    count = len(rows)
    columns = aws(
        count,
        srcaddr=texts(addresses),
        srcport=pa.array(ports, width),
        protocol=texts(protocols),
        bytes=texts(sizes),
        log_status=texts(statuses),
        start=pa.array(starts, pa.int64()),
        end=pa.array([T0 + 60] * count, pa.int64()),
    )
    (one,), found = read(parquet(columns, row_group_size=group))
    right = {}
    for line, (addr, port, protocol, size, status, start) in enumerate(rows, 1):
        told = (number(port, 65535), number(protocol, 255), number(size, 2**63 - 1))
        if (
            is_address(addr)
            and LookupError not in told
            and status in ("OK", "NODATA", "SKIPDATA")
            and start is not None
        ):
            right[line] = (addr or "-", *told, status, start // 1000 if start > 10**11 else start)
    assert {
        r["line"]: (r["srcaddr"], r["srcport"], r["protocol"], r["bytes"], r["log_status"], r["start"]) for r in found
    } == right
    assert sum(counts(one)) == count
    assert one.damaged == count - len(right)
    assert not one.broken


@given(st.integers(0, 3000), st.integers(0, 255), st.booleans())
@bounded(120)
def test_a_file_torn_or_changed_is_broken_or_whole(at, bits, cut):
    whole = parquet(aws(50), row_group_size=10)
    at %= len(whole)
    data = whole[:at] if cut else whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :]
    (one,), rows = read(data)
    assert one.ok + one.nodata + one.skipdata == len(rows)
    if cut:
        assert one.broken
        assert one.damaged
        assert not rows


def test_the_columns_of_aws_are_read_as_they_are():
    (one,), (row,) = read(parquet(aws(), compression="gzip"))
    assert counts(one) == (1, 0, 0, 0)
    assert row["srcaddr"] == "203.0.113.9"
    assert (row["srcport"], row["bytes"], row["start"], row["line"]) == (51000, 840, T0, 1)


def test_every_field_has_its_column():
    value = {"integer": "7", "port": "7", "protocol": "7", "address": "10.0.0.7"}
    columns = {f.column: pa.array([value.get(f.type, "x")]) for f in FIELDS}
    columns |= {"log_status": pa.array(["OK"]), "action": pa.array(["REJECT"])}
    (one,), (row,) = read(parquet(columns))
    assert counts(one) == (1, 0, 0, 0)
    assert set(row) == set(columns) | {"obj", "line"}


def test_times_may_be_timestamps_and_accounts_numbers():
    begin = datetime.fromtimestamp(T0, UTC)
    stamps = {kind: pa.array([begin], pa.timestamp(kind, tz)) for kind, tz in (("us", "UTC"), ("ns", None))}
    account = pa.array([1122223333], pa.int64())
    _, (row,) = read(parquet(aws(start=stamps["us"], end=stamps["ns"], account_id=account)))
    assert (row["start"], row["end"], row["account_id"]) == (T0, T0, "001122223333")


def test_numbers_may_be_floats_if_they_are_whole():
    (one,), rows = read(
        parquet(aws(3, dstport=pa.array([22.0, float("nan"), 22.5]), bytes=pa.array([1e300, 1.0, 1.0])))
    )
    assert [(row["line"], row["dstport"]) for row in rows] == [(2, None)]
    assert dict(one.damage) == {"dstport is not a number it can be": 1, "bytes is not a number it can be": 1}


def test_columns_that_are_not_known_are_kept_by_name():
    _, (row,) = read(
        parquet(aws(next_thing=pa.array([None], pa.string()), count=pa.array([5]), instance_tag=pa.array(["a%20b"])))
    )
    assert dict(row["other_fields"]) == {"next-thing": "-", "count": "5"}
    assert row["instance_tag"] == "a b"


def test_without_a_status_a_row_of_nothing_may_stand_for_skipped_records():
    columns = {
        "tgw_attachment_id": ["a", "a"],
        "srcaddr": ["-", "10.0.0.1"],
        "dstaddr": [None, "10.0.0.2"],
        "bytes": [None, 5],
        "start": [T0, T0],
        "end": [T0, T0],
    }
    assert counts(read(parquet({n: pa.array(v) for n, v in columns.items()}))[0][0]) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"message": pa.array(["x", "y"])}, "no column is named as a field"),
        (aws(2, **{"account-id": pa.array(["1", "2"])}), "a column is there twice"),
        (aws(2, action=pa.array([True, False])), "action is not text"),
        (aws(2, action=pa.array(["accept", None])), "action is neither ACCEPT nor REJECT"),
        (aws(2, end=pa.array([2**63 - 1, 253402300800000])), "end is not a time it can be"),
        (aws(2, start=pa.array([[1], [2]])), "start is not a number it can be"),
        (aws(2, account_id=pa.array([b"\xff", b"\xfe"])), "account-id is not text"),
    ],
)  # fmt: skip
def test_what_no_row_can_be_damages_each(columns, reason):
    (one,), rows = read(parquet(columns))
    assert (dict(one.damage), rows) == ({reason: 2}, [])
    assert one.first_damage == f"line 1: {reason}"


def test_a_file_that_claims_too_many_rows_is_not_read(monkeypatch):
    from auditkit.engines.reading import parquet as reading

    monkeypatch.setattr(reading, "ROWS", 10)
    (one,), rows = read(parquet(aws(11)))
    assert (one.broken, one.damaged, rows) == (True, 1, [])


def test_single_rows_are_read_again_as_the_lines_they_would_be(tmp_path):
    path = tmp_path / "object"
    path.write_bytes(parquet(aws(5, dstport=pa.array([1, 2, 3, None, 5], pa.int32())), row_group_size=2))
    assert stored(log_object(), path, [4, 9]) == {
        4: f"2 111122223333 eni-1 203.0.113.9 10.0.0.5 51000 - 6 10 840 {T0} {T0 + 60} ACCEPT OK"
    }
