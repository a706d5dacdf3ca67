"""Conditions as people write them → tree → SQL, row by row against a Kleene evaluator that reads the text itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from auditkit.config.conditions import OPERATORS, Parser
from auditkit.config.yaml import parse
from auditkit.engines.duckdb import of_rows
from auditkit.model.addresses import Network, Networks
from auditkit.model.condition import COVERAGE_STATES, truth
from auditkit.model.schema import Table
from auditkit.model.tables import Column
from auditkit.query import Compiler
from tests.oracles.effort import bounded
from tests.oracles.kleene import WORDS, Kleene

COLUMNS = {
    name: Column(name, type_, "", values=values)
    for name, type_, values in (
        ("name", "text", ()),
        ("action", "aws", ("ACCEPT", "REJECT")),
        ("az_id", "aws", ()),
        ("bytes", "integer", ()),
        ("port", "port", ()),
        ("protocol", "protocol", ()),
        ("peer", "address", ()),
        ("pkt_peer", "address", ()),
        ("exists_there", "boolean", ()),
        ("born", "time", ()),
        ("vpc_tags", "tags", ()),
        ("remote_vpc_tags", "tags", ()),
        ("remote_aws_service", "aws", ()),
        ("arrival", "open", tuple(WORDS)),
        ("fields", "list", ()),
        ("state", "state", COVERAGE_STATES),
        ("at_least", "text", COVERAGE_STATES),
        ("vpc_id", "text", ()),
    )
}
TABLE = Table("things", "thing", tuple(COLUMNS.values()), ("name",), ())
CONFIGURED = {"corporate": ["198.51.100.0/24", "2001:db8::/32"], "six": ["2600::/12"], "shaky": ["203.0.113.0/28"]}
VPCS = {"vpc-1": ["10.0.0.0/16", "2001:db8:1::/56"], "vpc-2": ["203.0.113.64/26"], "vpc-3": []}
LISTS = (
    "pl-63a5400a",
    "pl-0123456789abcdef0",
    "com.amazonaws.us-east-1.s3",
    "com.amazonaws.global.cloudfront.origin-facing",
)


@dataclass(frozen=True)
class Listed:
    """A prefix list."""

    prefix_list_id: str
    prefix_list_name: str
    cidrs: tuple[str, ...] | None


@dataclass(frozen=True)
class World:
    """The same networks, for the program and for the oracle."""

    networks: Networks
    oracle: Kleene


def world(configured: dict[str, list[str]], vpcs: dict[str, list[str]], lists: list[Listed]) -> World:
    """`shaky` has a member that could not be read."""
    made = Networks.of_run(dict(configured), dict(vpcs), lists)
    shaky = Network("shaky", made.named["shaky"].ranges, whole=False)
    told: dict[str, list[list[str] | None]] = {}
    for one in lists:
        for name in (one.prefix_list_id, one.prefix_list_name):
            told.setdefault(name, []).append(None if one.cidrs is None else list(one.cidrs))
    return World(
        replace(made, named={**made.named, "shaky": shaky}),
        Kleene(
            {c.name: c.type for c in COLUMNS.values()},
            {n: (c, n != "shaky") for n, c in configured.items()},
            vpcs,
            told,
        ),
    )


PLAIN = world(
    CONFIGURED,
    VPCS,
    [
        Listed("pl-63a5400a", "com.amazonaws.us-east-1.s3", ("198.51.100.0/25", "8.8.8.0/24")),
        Listed("pl-0123456789abcdef0", "ours", None),
        Listed("pl-3b927c52", "com.amazonaws.global.cloudfront.origin-facing", ("203.0.113.0/24", "8.8.8.8/32")),
        Listed("pl-3b927c53", "com.amazonaws.global.cloudfront.origin-facing", ("203.0.113.0/25",)),
    ],
)
_BLOCKS = (
    "10.0.0.0/16", "10.0.0.0/15", "198.51.100.0/24", "198.51.100.7/32", "203.0.113.0/28", "203.0.113.0/24", "8.8.8.0/24", "8.8.8.8/32", "0.0.0.0/0", "2001:db8::/32",
    "2001:db8:1::/56", "2600::/12", "::/0", "172.31.0.0/16", "2001:db8::1/128",
)  # fmt: skip
_SOME = st.lists(st.sampled_from(_BLOCKS), max_size=3)
WORLDS = st.builds(
    world,
    st.fixed_dictionaries(dict.fromkeys(CONFIGURED, _SOME)),
    st.fixed_dictionaries(dict.fromkeys(VPCS, _SOME)),
    st.lists(
        st.builds(Listed, st.sampled_from(LISTS[:2]), st.sampled_from((*LISTS[2:], "ours")), st.one_of(st.none(), _SOME.map(tuple), _SOME.map(tuple))),
        max_size=4,
    ),
)  # fmt: skip

NAMES = (
    "",
    "a",
    "A",
    "ab",
    "a%b",
    "a_b",
    "it's",
    'a"b',
    "é",
    "aéb",
    "a*b",
    "[a]",
    "x\ny",
    "NO",
    "4.10",
    "a\\b",
    "\\",
    "👍b",
    "a\0b",
    "e\u0301",
)
PATTERNS = (
    "",
    "%",
    "_",
    "a%",
    "%b",
    "a_b",
    "a%b%",
    "é",
    "_é_",
    "it's%",
    "a*b",
    "[a]",
    "x_y",
    "A%",
    "%.10",
    "\\%",
    "a\\_",
    "%_%_%",
    "%a%_%b",
    "_%%_%_",
    "a_%b%_%",
    "%'_%s%",
)
ADDRESSES = (
    "-", "10.0.0.5", "10.1.0.5", "198.51.100.7", "203.0.113.9", "203.0.113.70", "203.0.113.200", "8.8.8.8", "100.64.1.1", "172.31.255.255", "172.32.0.0",
    "127.0.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255", "0.0.0.0", "0.0.0.1", "2001:db8::1", "2001:db8:1::5", "2600::1", "fc00::1", "fdff::1",
    "fe80::1", "ff02::1", "::1", "::", "::2", "::ffff:10.0.0.5", "::ffff:8.8.8.8", "fec0::1", "64:ff9b::808:808",
)  # fmt: skip
CIDRS = (
    "internet", "private", "vpc", "corporate", "shaky", "six", "8.8.8.8", "10.0.0.0/8", "203.0.113.0/25", "0.0.0.0/0", "198.51.100.7/32", "2001:db8::/32", "2001:db8::1",
    "fe80::/10", *LISTS,
)  # fmt: skip
TIMES = ("2026-07-01", "2026-07-01T12:00:00Z", "2026-07-01T14:00:01+02:00", "2026-06-30T23:59:59Z", "1999-12-31")
MOMENTS = tuple(
    datetime.fromisoformat(t).replace(tzinfo=UTC) if "T" not in t else datetime.fromisoformat(t) for t in TIMES
)
CELLS: dict[str, Any] = {
    "name": st.sampled_from(NAMES), "action": st.sampled_from(("ACCEPT", "REJECT", "-")), "az_id": st.sampled_from(("-", "use1-az1", "-a")),
    "bytes": st.sampled_from((0, 1, 999, 1000, 1024, 10 * 2**30, 2**63 - 1)), "port": st.sampled_from((0, 22, 6000, 6005, 6010, 6011, 65535)),
    "protocol": st.sampled_from((0, 1, 6, 17, 255)), "peer": st.sampled_from(ADDRESSES), "pkt_peer": st.sampled_from(ADDRESSES), "exists_there": st.booleans(),
    "born": st.sampled_from((*MOMENTS, datetime(2026, 7, 1, 12, 0, 0, 1, UTC))),
    "vpc_tags": st.dictionaries(st.sampled_from(("scope", "env", "it's")), st.sampled_from(("", "pci", "it's", "p")), max_size=2),
    "remote_vpc_tags": st.dictionaries(st.sampled_from(("scope", "env")), st.sampled_from(("", "pci")), max_size=2),
    "remote_aws_service": st.sampled_from(("-", "S3", "EC2_INSTANCE_CONNECT")), "arrival": st.sampled_from(WORDS),
    "fields": st.lists(st.sampled_from(("start", "end", "it's")), max_size=2), "state": st.sampled_from((*COVERAGE_STATES, "unknown", "unknown")),
    "at_least": st.sampled_from(COVERAGE_STATES), "vpc_id": st.sampled_from(("vpc-1", "vpc-2", "vpc-3", "vpc-9", "")),
}  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries({c: st.one_of(st.none(), v, v, v) for c, v in CELLS.items()}),
    min_size=1,
    max_size=12,
)

_NUMBERS = st.sampled_from(
    (
        "0",
        "1",
        "999",
        "1K",
        "1KiB",
        "1024",
        "10GiB",
        "10 GiB",
        "1kb",
        "9223372036854775807",
    )
)
_PORTS = st.sampled_from(("0", "22", "6000", "6005", "65535"))
_TEXT = {
    "text": st.sampled_from([n for n in NAMES if "\0" not in n]), "aws": st.sampled_from(("-", "use1-az1", "-a", "it's")), "integer": _NUMBERS,
    "port": st.one_of(_PORTS, st.sampled_from(("6000-6010", "0-22", "22 - 22"))), "protocol": st.sampled_from(("tcp", "udp", "icmp", "6", "255", "0")),
    "address": st.sampled_from(CIDRS), "boolean": st.sampled_from(("true", "false")), "time": st.sampled_from(TIMES), "list": st.sampled_from(("start", "end", "it's")),
    "state": st.sampled_from(COVERAGE_STATES), "service": st.sampled_from(("-", "S3", "EC2_INSTANCE_CONNECT", "AMAZON")), "tag": st.sampled_from(("", "pci", "it's", "p")),
}  # fmt: skip
_TAKES = {
    "text": ("in", "not_in", "like", "exists"), "aws": ("in", "not_in", "like", "exists"), "tag": ("in", "not_in", "like", "exists"),
    "integer": ("in", "not_in", "gt", "ge", "lt", "le", "between", "exists"), "port": ("in", "not_in", "gt", "ge", "lt", "le", "between", "exists"),
    "protocol": ("in", "not_in", "exists"), "address": ("in", "not_in", "exists"), "boolean": ("in", "not_in"), "time": ("gt", "ge", "lt", "le", "between"),
    "list": ("in", "not_in", "exists"), "state": ("in", "not_in"), "open": ("in", "not_in"),
}  # fmt: skip


@st.composite
def _wish(draw: Any, type_: str, values: tuple[str, ...], *, service: bool = False, only: str = "") -> Any:
    """What stands beside a column: a scalar, a list, or a mapping of operators."""
    words = st.sampled_from(values) if values else _TEXT["service" if service else type_]
    form = (
        draw(st.sampled_from(("scalar", "list", "operators", "operators")))
        if "in" in _TAKES[type_] and not only
        else "operators"
    )
    if form == "scalar":
        return draw(words)
    if form == "list":
        return draw(st.lists(words, min_size=1, max_size=3))
    out = {}
    for op in [only] if only else draw(st.lists(st.sampled_from(_TAKES[type_]), min_size=1, max_size=2, unique=True)):
        if op in ("in", "not_in"):
            out[op] = draw(st.one_of(words, st.lists(words, min_size=1, max_size=3)))
        elif op == "exists":
            out[op] = draw(st.sampled_from(("true", "false")))
        elif op == "like":
            fits = [
                p
                for p in PATTERNS
                if not values or any(PLAIN.oracle.like(p, v) for v in (*values, "-" if type_ == "aws" else ""))
            ]
            out[op] = draw(st.sampled_from(fits))
        else:
            single = _PORTS if type_ == "port" else words
            pair = [draw(single), draw(single)] if op == "between" else []
            out[op] = sorted(pair, key=lambda t: PLAIN.oracle.number(type_, t)) if pair else draw(single)
    return out


@st.composite
def conditions(draw: Any, depth: int = 3) -> Any:
    """A mapping or a list, as YAML would give it: text all the way down."""
    if depth and draw(st.integers(0, 4)) == 0:
        return draw(st.lists(conditions(depth - 1), min_size=1, max_size=3))
    out: dict[str, Any] = {}
    for column in draw(st.lists(st.sampled_from(tuple(COLUMNS)), min_size=0 if depth else 1, max_size=3, unique=True)):
        type_ = COLUMNS[column].type
        if type_ == "tags":
            out[column] = {
                k: draw(_wish("tag", ()))
                for k in draw(st.lists(st.sampled_from(("scope", "env", "it's")), min_size=1, max_size=2, unique=True))
            }
        else:
            out[column] = draw(_wish(type_, COLUMNS[column].values, service=column.endswith("_service")))
    words = (
        draw(st.lists(st.sampled_from(("not", "all", "any")), min_size=0 if out else 1, max_size=2, unique=True))
        if depth
        else []
    )
    for word in words:
        out[word] = (
            draw(conditions(depth - 1))
            if word == "not"
            else draw(st.lists(conditions(depth - 1), min_size=1, max_size=3))
        )
    return out


def tree_of(data: Any) -> Any:
    """Through YAML text and the parser, which must not complain."""
    document = parse(yaml.safe_dump(data, default_style="'", allow_unicode=True, width=10_000), "policy.yaml")
    assert document.data == data

    def refuse(loc: Any, message: str) -> None:
        raise AssertionError(f"{loc}: {message}")

    return Parser(COLUMNS, CONFIGURED, refuse).condition(document.data, ())


def row_of(**cells: Any) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS) | cells


def compare(trees: list[Any], rows: list[dict[str, Any]], there: World = PLAIN, hidden: str = "") -> None:
    """Judge each row by each tree three times over; what is hidden is NULL in every row."""
    rows = [{**row, hidden: None} if hidden else row for row in rows]
    engine = of_rows(TABLE, rows)
    compiled = [tree_of(data) for data in trees]
    compiler = Compiler(there.networks, {hidden: "NULL"} if hidden else {})
    columns = ", ".join(f"({compiler.sql(tree)}) AS c{at}" for at, tree in enumerate(compiled))
    answers = engine.rows(f"SELECT {columns} FROM things ORDER BY _row")
    engine.close()
    for answer, row in zip(answers, rows, strict=True):
        for at, data in enumerate(trees):
            right = there.oracle.judge(data, row)
            assert answer[f"c{at}"] is right, f"SQL of {data} on {row}"
            assert truth(compiled[at], row, there.networks) is right, f"truth() of {data} on {row}"


@given(st.lists(conditions(), min_size=1, max_size=6), ROWS, WORLDS)
@bounded(15)
def test_sql_and_python_judge_every_row_as_kleene_would(trees, rows, there):
    compare(trees, rows, there)


@given(st.lists(conditions(0), min_size=1, max_size=10), ROWS, WORLDS)
@bounded(25)
def test_single_tests_are_judged_as_kleene_would(trees, rows, there):
    compare(trees, rows, there)


@given(st.lists(conditions(1), min_size=1, max_size=6), ROWS, st.sampled_from(tuple(COLUMNS)))
@bounded(8)
def test_a_column_that_is_not_known_beforehand_is_as_null(trees, rows, hidden):
    """As where only what is known of an interface-day is judged."""
    compare(trees, rows, hidden=hidden)


@given(ROWS, WORLDS, st.data())
@bounded(6)
def test_every_operator_on_every_column(rows, there, data):
    """None is left to chance; each in both polarities."""
    trees = []
    for column in COLUMNS.values():
        for op in _TAKES["tag" if column.type == "tags" else column.type]:
            wish = data.draw(
                _wish(
                    "tag" if column.type == "tags" else column.type,
                    column.values,
                    service=column.name.endswith("_service"),
                    only=op,
                )
            )
            trees.append({column.name: {"scope": wish} if column.type == "tags" else wish})
    compare([*trees, *({"not": one} for one in trees)], rows, there)


def test_the_operators_are_those_that_the_parser_takes():
    assert {type_: set(ops) for type_, ops in OPERATORS.items()} == {
        "tags" if type_ == "tag" else type_: set(ops) for type_, ops in _TAKES.items()
    }


def test_every_address_against_every_network():
    """All pairs: the borders of the named networks are where mistakes live."""
    trees = [{"peer": {op: one}} for one in CIDRS for op in ("in", "not_in")]
    compare(trees, [row_of(peer=a, vpc_id=v) for a in (*ADDRESSES, None) for v in ("vpc-1", "vpc-3", "vpc-9", None)])


def test_every_pattern_against_every_text():
    """Letters as they are, lines across, nothing escaped."""
    patterns = (
        *PATTERNS,
        "%a%_",
        "%a%a_%",
        "A_b",
        "a%B",
        "\\_b",
        "%\ny",
        "x%",
        "_%b%_%",
        "%_a%_%",
        "%b%_%_",
        "a%_%b%b",
        "b%_%_%a",
    )
    texts = (*NAMES, "xaby", "abab", "x\ny\nb", "bxbyb", "xaabbbz", "aabbb", "bbbaa", "xbbbaay")
    compare([{"name": {"like": p}} for p in patterns], [row_of(name=t) for t in (*texts, None)])


def test_every_state_against_every_question_about_states():
    trees = [
        {"state": {op: list(some)}}
        for op in ("in", "not_in")
        for n in range(1, 7)
        for some in (COVERAGE_STATES[:n], COVERAGE_STATES[n - 1 :])
    ]
    compare(
        trees,
        [row_of(state=s, at_least=a) for s in (*COVERAGE_STATES, "unknown", None) for a in (*COVERAGE_STATES, None)],
    )


def test_an_ipv4_address_is_not_in_a_network_of_ipv6():
    """`::/0` is every IPv6 address; that IPv4 stands inside it on the number line is nobody's wish."""
    compare([{"peer": "::/0"}, {"peer": {"not_in": "::/0"}}, {"peer": "::/64"}], [row_of(peer=a) for a in ADDRESSES])


def test_fractions_of_a_second_count():
    """The literal is as exact as the column."""
    moments = [datetime(2026, 7, 1, 12, 0, 0, us, UTC) for us in (0, 250_000, 500_000, 750_000)]
    trees = [{"born": {op: "2026-07-01T12:00:00.500Z"}} for op in ("gt", "ge", "lt", "le")]
    compare(trees, [row_of(born=m) for m in moments])
