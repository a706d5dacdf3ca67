"""Log objects, well and badly made, against a reader that goes line by line."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from auditkit.engines.duckdb import DuckDB
from auditkit.model.records import BY_NAME, LogObject
from tests.oracles.effort import bounded
from tests.oracles.records import ADDRESSES, KNOWN, NUMBERS, OF_TRANSIT_GATEWAYS, OF_VPCS, Held, read, stored

ALWAYS = ("start", "end", "log-status")
UNKNOWN = ("new-field", "next-thing", "x")
V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
GOOD = "2 111122223333 eni-1 203.0.113.9 10.0.0.5 51000 22 6 10 840 1782864000 1782864060 ACCEPT OK"


@st.composite
def formats(draw: Any) -> tuple[str, ...]:
    """A header: some fields in some order, a few of them from a later version than this program knows."""
    transit = draw(st.sampled_from([False, False, False, True]))
    pool = sorted(KNOWN - {*ALWAYS, *(OF_VPCS if transit else (*OF_TRANSIT_GATEWAYS, "packets-lost-no-route"))})
    names = draw(st.lists(st.sampled_from(pool), min_size=6, max_size=16, unique=True))
    names += ["tgw-id"] if transit and "tgw-id" not in names else []
    names += [n for n in ALWAYS if n == "log-status" or draw(st.integers(0, 9))]
    names += draw(st.lists(st.sampled_from(UNKNOWN), max_size=2, unique=True))
    return tuple(draw(st.permutations(names)))


_TEXT = st.sampled_from(
    ("-", "eni-1", "111122223333", "vpc-1", "a%20b", "unknown", "é", "nan", "NULL", '"q"', "a,b", "1e5")
)
_ADDRESS = st.sampled_from(("-", "10.0.0.5", "203.0.113.9", "2001:db8::1", "::ffff:10.0.0.5", "0.0.0.0"))
_BAD_ADDRESS = st.sampled_from(("10.0.0", "10.0.0.256", "010.0.0.1", "2001:db8::1::", "host", "10.0.0.5/32"))
_BAD_NUMBER = st.sampled_from(
    (
        "+5",
        "-1",
        "0x10",
        "1.5",
        "1e3",
        "٣",
        "abc",
        "9223372036854775808",
        "99999999999999999999999",
        "nan",
        "1_000",
        "²",
    )
)
_NO_TIME = st.sampled_from(("-", "0", "253402300800000", "999999999999999", "9223372036854775807"))
_ACTION = st.sampled_from(("ACCEPT", "ACCEPT", "ACCEPT", "REJECT", "REJECT", "-", "accept"))
_T0 = 1782864000


@st.composite
def tokens(draw: Any, header: tuple[str, ...], *, bad: str = "") -> list[str]:
    """One line's tokens; `bad` names the field to spoil."""
    status = draw(st.sampled_from(("OK", "OK", "OK", "OK", "NODATA", "SKIPDATA")))
    silent, begin = status != "OK" and draw(st.integers(0, 3)) > 0, _T0 + draw(st.integers(0, 86000))
    unit = 1000 if draw(st.integers(0, 15)) == 0 else 1
    out = []
    for name in header:
        if name == "log-status":
            token = "ok" if bad == name else status
        elif name in ("start", "end"):
            token = str((begin + (60 if name == "end" else 0)) * unit)
            token = draw(st.one_of(_BAD_NUMBER, _NO_TIME)) if bad == name else token
        elif bad == name and name in ADDRESSES:
            token = draw(_BAD_ADDRESS)
        elif bad == name:
            token = draw(_BAD_NUMBER)
        elif name in NUMBERS:
            limit = NUMBERS[name]
            token = (
                "-"
                if silent
                else draw(st.sampled_from(("0", "6", "22", "007", "-", str(limit - 1), str(limit) if bad else "1")))
            )
        elif name == "action":
            token = draw(_ACTION)
        else:
            token = draw(_ADDRESS) if name in ADDRESSES else draw(_TEXT)
        out.append(token)
    return out


@st.composite
def untidy(draw: Any, header: tuple[str, ...]) -> bytes:
    """A line that AWS should not have written, or wrote once; or a header again."""
    kind = draw(
        st.sampled_from(
            (
                "double",
                "crlf",
                "edge",
                "tab",
                "header",
                "other header",
                "blank",
                "spaces",
                "short",
                "long",
                "spoiled",
                "spoiled",
                "bytes",
                "nothing",
            )
        )
    )
    if kind == "header":
        return " ".join(header).encode() + draw(st.sampled_from((b"", b"\r", b" ")))
    if kind == "other header":
        return " ".join(draw(st.permutations(header))).encode()
    if kind in ("blank", "spaces"):
        return b"" if kind == "blank" else draw(st.sampled_from((b" ", b"\r", b"  \t")))
    spoil = (
        draw(st.sampled_from([n for n in header if n in (*NUMBERS, *ADDRESSES, "log-status")]))
        if kind == "spoiled"
        else ""
    )
    words = draw(tokens(header, bad=spoil))
    at = draw(st.integers(0, len(words) - 1))
    if kind in ("short", "long"):
        words[at : at + 1] = [] if kind == "short" else [words[at], words[at]]
    joint = {"double": "  ", "tab": "\t"}.get(kind)
    line = (
        (" ".join(words[: at + 1]) + (joint or " ") + " ".join(words[at + 1 :])).encode()
        if joint
        else " ".join(words).encode()
    )
    if kind == "bytes":
        return line.replace(words[at].encode(), b"\xff\xfe", 1)
    return {"crlf": line + b"\r", "edge": b" " + line + b" "}.get(kind, line)


@dataclass(frozen=True)
class Made:
    """An object's bytes."""

    packed: bytes
    text: bytes


@st.composite
def objects(draw: Any, choice: list[tuple[str, ...]]) -> Made:
    header = draw(st.sampled_from(choice))
    lines = [" ".join(header).encode()]
    for _ in range(draw(st.integers(0, 6))):
        lines += [" ".join(draw(tokens(header))).encode()]
    if draw(st.booleans()):
        for _ in range(draw(st.integers(1, 3))):
            lines.insert(draw(st.integers(1, len(lines))), draw(untidy(header)))
    text = b"\n".join(lines) + draw(st.sampled_from((b"\n", b"\n", b"", b"\n\n")))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=2)) if draw(st.integers(0, 4)) == 0 else [])
    packed = b"".join(gzip.compress(text[a:b], mtime=0) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True))
    if draw(st.integers(0, 5)) == 0:
        packed = packed[: draw(st.integers(1, len(packed) - 1))]
    return Made(packed, text)


def log_object(number: int) -> LogObject:
    return LogObject(
        uri=f"s3://b/{number}",
        key=f"{number}",
        account_id="111122223333",
        region="eu-central-1",
        flow_log_id="fl-1",
        slot=datetime(2026, 7, 1, tzinfo=UTC),
        size=0,
    )


def load(packed: list[bytes]) -> list[Held]:
    """Read objects with the engine; what it holds in the oracle's shape, columns for names."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{at}.log.gz" for at in range(len(packed))]
        for path, data in zip(paths, packed, strict=True):
            path.write_bytes(data)
        engine = DuckDB()
        done = engine.load([(log_object(at), path) for at, path in enumerate(paths)])
        held = [Held(damaged=r.damaged) for r in done]
        for row in engine.rows("SELECT * FROM lines ORDER BY obj, line"):
            held[row["obj"]].ok[row["line"]] = row
        for row in engine.rows("SELECT * FROM silences ORDER BY obj, line"):
            held[row["obj"]].silent[row["line"]] = (row["log_status"], row["start"], row["end"])
        engine.close()
    for one, r in zip(held, done, strict=True):
        assert (r.ok, r.nodata, r.skipdata, r.damaged) == one.counts
    return held


def same(found: Held, right: Held) -> None:
    assert found.counts == right.counts, "ok, nodata, skipdata, damaged"
    assert found.silent == right.silent
    assert found.ok.keys() == right.ok.keys()
    for number, record in right.ok.items():
        row = found.ok[number]
        told = {name: row[BY_NAME[name].column] for name in KNOWN if name != "log-status"}
        assert told == {name: stored(record, name) for name in told}, f"line {number}"


@given(st.data())
@bounded(60)
def test_objects_are_read_as_line_by_line(data):
    """Together, so that neighbours of one format share a batch: neither counts nor cells nor line numbers change."""
    choice = data.draw(st.lists(formats(), min_size=1, max_size=2))
    made = data.draw(st.lists(objects(choice), min_size=1, max_size=4))
    for found, one in zip(load([m.packed for m in made]), made, strict=True):
        right = read(one.packed)
        event("damaged" if right.damaged else "sound")
        same(found, right)


@given(st.data())
@bounded(8)
def test_an_object_alone_and_among_others_holds_the_same(data):
    choice = data.draw(st.lists(formats(), min_size=1, max_size=1))
    made = [m.packed for m in data.draw(st.lists(objects(choice), min_size=2, max_size=4))]
    assert [f.counts for f in load(made)] == [load([one])[0].counts for one in made]


def text(*lines: str, end: str = "\n") -> bytes:
    return gzip.compress("\n".join(lines).encode() + end.encode(), mtime=0)


@pytest.mark.parametrize(
    "lines", [(V2,), (V2, ""), ("",), ("", "")], ids=["header only", "header and a blank line", "empty", "blank"]
)
def test_nothing_in_an_object_is_no_damage(lines):
    assert load([text(*lines)])[0].counts == (0, 0, 0, 0)


def test_a_file_of_no_bytes_is_a_download_cut_short():
    """Not even gzip's ten bytes of header are there: what it held is not known."""
    assert load([b""])[0].damaged == 1


@pytest.mark.parametrize("cut", [1, 9, 10, 11, 40])
def test_a_cut_anywhere_is_one_damage(cut):
    assert load([text(V2, GOOD, GOOD)[:cut]])[0].damaged == 1


def test_a_cut_in_the_last_bytes_keeps_every_whole_line():
    assert load([text(V2, GOOD, GOOD)[:-4]])[0].counts == (2, 0, 0, 1)


def test_every_line_counts_though_the_first_line_is_blank():
    """Lines in = ok + nodata + skipdata + damaged, whatever stands on top."""
    assert sum(load([text("", V2, GOOD, GOOD)])[0].counts) == 2


def test_every_line_counts_though_the_header_names_a_field_twice():
    assert sum(load([text(V2 + " action", GOOD + " ACCEPT", GOOD + " ACCEPT")])[0].counts) == 2


def test_a_space_that_is_no_blank_is_read_alike_whatever_stands_beside_it():
    """Whether a token holding U+00A0 is one or two must not depend on another line of the object."""
    odd = f"{V2} new-field"
    line = f"{GOOD} a\u00a0b"
    alone, beside = load([text(odd, line)])[0], load([text(odd, line, "broken")])[0]
    assert alone.counts[0] == beside.counts[0]


def test_bytes_that_are_no_text_are_read_alike_whatever_stands_beside_them():
    """In a field that this program does not know as well."""
    line = f"{V2} new-field\n{GOOD} ".encode() + b"\xff"
    alone, beside = load([gzip.compress(line)])[0], load([gzip.compress(line + b"\nbroken")])[0]
    assert alone.counts[0] == beside.counts[0]


def test_without_log_status_and_srcaddr_a_record_is_a_record():
    """A custom format may lack both; what it accepted must not vanish as NODATA."""
    held = load(
        [text("interface-id dstport action packets bytes start end", "eni-1 22 ACCEPT 10 840 1782864000 1782864060")]
    )[0]
    assert held.counts == (1, 0, 0, 0)


def test_without_log_status_a_line_of_nothing_may_stand_for_skipped_records():
    """NODATA and SKIPDATA look alike but for log-status: the line is no proof that nothing flowed."""
    held = load(
        [
            text(
                "interface-id srcaddr dstaddr srcport dstport protocol action start end",
                "eni-1 - - - - - - 1782864000 1782864060",
            )
        ]
    )[0]
    assert held.counts[1] == 0


def test_a_transit_gateway_is_known_by_any_field_that_only_it_has():
    """`tgw-attachment-id` says whose record it is, with or without `tgw-id`."""
    held = load(
        [
            text(
                "tgw-attachment-id srcaddr dstaddr start end log-status",
                "tgw-attach-1 10.0.0.1 10.1.0.1 1782864000 1782864060 OK",
            )
        ]
    )[0]
    assert {(r["kind"], r["unit"]) for r in held.ok.values()} == {("transit-gateway", "tgw-attach-1")}


def test_an_encryption_status_that_is_not_known_is_not_zero():
    """AWS: 0 is not encrypted, `-` is unknown or controls off."""
    held = load([text(f"{V2} encryption-status", f"{GOOD} -", f"{GOOD} 0")])[0]
    assert [r["encryption_status"] for r in held.ok.values()] == [None, 0]


def test_a_member_that_begins_with_another_header_is_read_by_it():
    """Members written one after the other, the first without a final newline: its last line and the next header stand on one line."""
    swapped = V2.replace("srcport dstport", "dstport srcport")
    joined = text(V2, GOOD, end="") + text(swapped, GOOD.replace("51000 22", "22 51000"))
    assert {(r["srcport"], r["dstport"]) for r in load([joined])[0].ok.values()} <= {(51000, 22)}


def test_reading_needs_nothing_that_another_module_happens_to_import(tmp_path):
    """In a fresh interpreter, where pandas has not brought pyarrow.compute along."""
    code = (
        "import sys, datetime, pathlib; from auditkit.engines.reading import Reader; from auditkit.model.records import LogObject\n"
        "one = LogObject(uri='u', key='k', account_id='', region='', flow_log_id='', slot=datetime.datetime.now(datetime.UTC), size=0)\n"
        "print(sum(batch.table.num_rows for batch in Reader().read([(one, pathlib.Path(sys.argv[1]))])))"
    )
    path = tmp_path / "object.log.gz"
    path.write_bytes(text(V2, GOOD, GOOD))
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2\n", "")
