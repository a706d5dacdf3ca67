"""Policies that mean harm, or nothing: complaints with file and line, and no text that gets out into SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from auditkit.audit.assets import check
from auditkit.cli import run as command
from auditkit.config.conditions import Parser
from auditkit.config.schema import load_config
from auditkit.config.yaml import parse
from auditkit.engines.duckdb import of_rows
from auditkit.model.addresses import Networks
from auditkit.model.condition import All, Test, truth
from auditkit.model.errors import InvalidInput
from auditkit.model.schema import TABLES
from auditkit.policy import load_policies, prefix_lists
from auditkit.query import Compiler, select
from tests.oracles.effort import bounded

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 40)}]\n" for n in range(1, 6))
HEAD = "controls:\n  - id: x\n    title: X\n    severity: low\n    table: flow_records\n"


def complaints(folder: Path, text: str | bytes) -> str:
    path = folder / "p.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInput) as caught:
        load_policies([path])
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: " + "[" * 1200, "is not YAML"),
        ("a: &a [*a]\n", "nested or repeated beyond reason"),
        (LAUGHS, "nested or repeated beyond reason"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ('a: "\\UFFFFFFFF"\n', "is not YAML"),
        ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", "is not YAML"),
        ("a: \x00\n", "is not YAML"),
        ("!!python/object/apply:os.system ['true']\n", "is not allowed here"),
        ("controls: !x []\n", "is not allowed here"),
        ("? [a]\n: b\n", "a key must be a word"),
        ("controls: []\ncontrols: []\n", "duplicate key 'controls' (first at line 1)"),
        (HEAD + "    fail_where: {action: ACCEPT, action: REJECT}\n", "p.yaml:6: duplicate key 'action'"),
        (HEAD + '    fail_where: {subject: "a\\0b"}\n', "p.yaml:6: a text holds a NUL"),
        (HEAD + '    fail_where: {vpc_tags: {"a\\0": b}}\n', "p.yaml:6: a text holds a NUL"),
        (HEAD + '    fail_where: {subject: "\\ud800"}\n', "half a surrogate pair"),
        (HEAD + "    <<: {fail_where: {action: ACCEPT}}\n", "unknown key '<<'"),
        (HEAD + "    fail_where: {not: {}}\n    fail_wher: 1\n", "unknown key 'fail_wher'; did you mean 'fail_where'?"),
        (HEAD + "    fail_where: {remot_address: internet}\n", "unknown column 'remot_address'; did you mean 'remote_address'?"),
    ],
)  # fmt: skip
def test_hostile_yaml_is_one_complaint(tmp_path, text, words):
    assert words in complaints(tmp_path, text)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    assert "is larger than 16 MiB" in complaints(tmp_path, b"#" + b"x" * 17 * 2**20)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("local_port: [22, 0-70000]", "is not a port or a range of ports"),
        ("local_port: 6010-6000", "is not a port or a range of ports"),
        ("local_port: {gt: 22-23}", "is not a port or a range of ports"),
        ("local_port: '\uff12\uff12'", "is not a port"),
        ("local_port: " + "9" * 5000, "is not a port"),
        ("bytes: {gt: " + "9" * 5000 + "}", "is not a number or a size"),
        ("bytes: {gt: 9223372036854775808}", "is larger than any number can be"),
        ("bytes: {gt: 9000000TiB}", "is larger than any number can be"),
        ("bytes: {gt: -1}", "is not a number or a size"),
        ("bytes: {gt: 1e9}", "is not a number or a size"),
        ("protocol: 256", "is not a protocol"),
        ("day: {gt: '0001-01-01T00:00:00+02:00'}", "is not a time such as"),
        ("day: {lt: '9999-12-31T23:59:59-05:00'}", "is not a time such as"),
        ("day: {lt: tomorrow}", "is not a time such as"),
        ("action: {like: 'accept%'}", "fits no value of action"),
        ("action: ACEPT", "did you mean 'ACCEPT'?"),
        ("pkt_src_aws_service: s3", "AWS writes its services in capitals"),
        ("remote_aws_service: {not_in: [S3, Ec2]}", "AWS writes its services in capitals"),
        ("remote_address: corporate", "the network 'corporate' is not defined"),
        ("remote_address: {in: [internet, corporate]}", "the network 'corporate' is not defined"),
        ("not: {remote_address: {not_in: corporate}}", "the network 'corporate' is not defined"),
        ("not: {not: {remote_address: {in: corporate}}}", "the network 'corporate' is not defined"),
        ("remote_address: offices", "unknown network 'offices'"),
        ("remote_address: inernet", "did you mean 'internet'?"),
        ("remote_address: pl-xyz", "is not the id of a prefix list"),
        ("remote_address: PL-63A5400A", "unknown network 'PL-63A5400A'"),
        ("remote_address: our-partners", "one of your own has no other name here"),
        ("remote_address: 10.0.0.0/33", "is not a network"),
        ("remote_address: 10.0.0.0/0.0.0.255", "unknown network"),
        ("remote_address: 'fe80::1%eth0'", "unknown network"),
        ("remote_address: 2001:db8::1/32", "has host bits set"),
        ("remote_address: " + "1" * 100_000, "…"),
        ("subject: {exists: maybe}", "is not true or false"),
        ("subject: {exists: [true, false]}", "takes one value"),
        ("subject: {like: [a, b]}", "takes one value"),
        ("bytes: {between: [1]}", "takes two values"),
        ("vpc_tags: pci", "takes a mapping of tag key to value"),
        ("vpc_tags: {}", "takes a mapping of tag key to value"),
        ("all: {action: ACCEPT}", "all: takes a list of conditions"),
        ("any: []", "any: takes a list of conditions"),
        ("not: []", "an empty list matches nothing"),
        ("subject: [[a]]", "a value is expected"),
        ("subject: {in: {a: b}}", "a value is expected"),
        ("subject: {in: null}", "what is not decided cannot be asked for"),
    ],
)  # fmt: skip
def test_a_rule_that_can_never_match_is_refused(tmp_path, wish, words):
    """Each is one complaint, and short."""
    said = complaints(tmp_path, HEAD + f"    fail_where: {{{wish}}}\n")
    assert words in said
    assert f"{tmp_path / 'p.yaml'}:6: " in said
    assert len(said) < 1200


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("having: {distinct: {local_port: {ge: 100}}, per: 1h}", "no group can have more than 1 of local_port"),
        ("group_by: [subject]\n    having: {distinct: {protocol: {gt: 256}}, per: 1h}", "no group can have more than 256 of protocol"),
        ("group_by: [subject]\n    having: {distinct: {action: {ge: 4}}, per: 1h}", "no group can have more than 3 of action"),
        ("having: {distinct: {day: {ge: 2}}, per: 1d}", "no group can have more than 1 of day"),
        ("having: {distinct: {vpc_tags: {ge: 2}}, per: 1d}", "holds many tags"),
        ("having: {distinct: {prot: {ge: 2}}, per: 1d}", "unknown column 'prot'"),
        ("having: {flows: {ge: 0}, per: 1d}", "every group has as many"),
        ("having: {bytes: {gt: 9223372036854775807}, per: 1d}", "no group can have more than"),
        ("having: {bytes: {gt: 1GiB}, packets: {gt: 1}, per: 1d}", "exactly one of"),
        ("having: {bytes: {gt: 1GiB, ge: 2}, per: 1d}", "takes gt or ge and a number"),
        ("having: {bytes: {gt: lots}, per: 1d}", "is not a number or a size"),
        ("having: {bytes: {gt: 1GiB}, per: 1w}", "per: is required, one of 1h, 1d, period"),
        ("having: {bytes: {gt: 1GiB}, per: [1d]}", "per: is required"),
        ("having: [bytes]", "having"),
        ("group_by: [vpc_tags]", "by which no group can be told"),
        ("group_by: [subject, subject]", "stands here twice"),
        ("group_by: subject", "group_by"),
        ("where: []", "where is empty"),
        ("where: ''", "where is empty"),
        ("where: {}", "where is empty"),
    ],
)  # fmt: skip
def test_a_group_or_threshold_that_says_nothing_is_refused(tmp_path, rest, words):
    assert words in complaints(tmp_path, HEAD + f"    fail_where: {{action: ACCEPT}}\n    {rest}\n")


def test_corporate_may_be_left_undefined_where_that_accuses_more(tmp_path):
    """Nobody is spared by a network that is empty."""
    for at, wish in enumerate(("{remote_address: {not_in: corporate}}", "{not: {remote_address: corporate}}")):
        (tmp_path / f"p{at}.yaml").write_text(HEAD.replace("id: x", f"id: x{at}") + f"    fail_where: {wish}\n")
    assert len(load_policies([tmp_path])) == 2
    text = HEAD + "    fail_where: {remote_address: corporate}\n"
    path = tmp_path / "q.yaml"
    path.write_text(text)
    assert len(load_policies([path], ("corporate",))) == 1


def test_every_complaint_of_every_file_comes_at_once(tmp_path):
    """With file and line, also where one of the files is no YAML."""
    (tmp_path / "a.yaml").write_text(HEAD + "    fail_where: {local_port: 70000, action: ACEPT}\n    fial: 1\n")
    (tmp_path / "b.yaml").write_text("controls: [\n")
    (tmp_path / "c.yaml").write_text(HEAD + "    fail_where: {remote_address: nowhere}\n    group_by: [nobody]\n")
    with pytest.raises(InvalidInput) as caught:
        load_policies([tmp_path])
    told = [(Path(p.file).name, p.line) for p in caught.value.problems]
    assert told == [("a.yaml", 6), ("a.yaml", 6), ("a.yaml", 7), ("b.yaml", 2), ("c.yaml", 6), ("c.yaml", 7)]


@pytest.mark.parametrize("name", ["internet", "vpc", "pl-63a5400a", "com.amazonaws.us-east-1.s3"])
def test_a_network_cannot_take_the_name_of_another(tmp_path, name):
    path = tmp_path / "auditkit.yaml"
    path.write_text(f"networks: {{{name}: [10.0.0.0/8]}}\n")
    with pytest.raises(InvalidInput, match="is taken"):
        load_config(path)


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("networks: {offices: 10.0.0.0/8}", "takes a list of CIDRs"),
        ("networks: {offices: [10.0.0.0/33]}", "takes a list of CIDRs"),
        ("networks: [a]", "takes a mapping"),
        ("networks: {offices: [10.0.0.0/8]}\nprefix_lists: {ours: [10.0.0.0/8]}", "is neither the id nor AWS's name"),
        ("vpcs: {vpc-1: [x]}", "takes a list of CIDRs"),
        ("{}", "names the network 'offices': say here what it is"),
    ],
)
def test_an_asset_says_what_its_networks_are(tmp_path, there, words):
    path = tmp_path / "p.yaml"
    path.write_text(HEAD + "    fail_where: {remote_address: offices}\n")
    (one,) = load_policies([path], ("offices",))
    asset = tmp_path / "x.yaml"
    head = "" if there == "{}" else there + "\n"
    asset.write_text(head + "fail: [{remote_address: 10.0.0.1}]\npass: [{remote_address: 192.0.2.1}]\n")
    with pytest.raises(InvalidInput) as caught:
        check(one, asset)
    assert words in str(caught.value)


def test_an_asset_may_say_what_a_prefix_list_holds(tmp_path, capsys):
    """And that its entries were not read."""
    path = tmp_path / "p.yaml"
    path.write_text(
        HEAD + "    fail_where: {remote_address: {not_in: [com.amazonaws.us-east-1.s3, pl-0123456789abcdef0]}}\n"
    )
    (tmp_path / "assets").mkdir()
    asset = tmp_path / "assets" / "x.yaml"
    body = "fail: [{remote_address: 192.0.2.1}]\npass: [{remote_address: 52.216.1.1}]\n"
    asset.write_text(
        "prefix_lists:\n  com.amazonaws.us-east-1.s3: [52.216.0.0/15]\n  pl-0123456789abcdef0: []\n" + body
    )
    assert command(["policies", "test", str(path)]) == 0
    asset.write_text("prefix_lists: {com.amazonaws.us-east-1.s3: [52.216.0.0/15], pl-0123456789abcdef0: null}\n" + body)
    assert command(["policies", "test", str(path)]) == 2
    assert "this row is undecided, but it stands under fail:" in capsys.readouterr().err
    asset.write_text(
        body.replace("fail:", "inconclusive:").replace("pass:", "fail:") + "pass: [{remote_address: '-'}]\n"
    )
    assert command(["policies", "test", str(path)]) == 2  # nobody said what the lists hold


# -- nothing gets out ----------------------------------------------------------------------------------------------

FLOWS = TABLES["flow_records"]
COLUMNS = {c.name: c for c in FLOWS.columns}
_SPITE = (
    "'", "''", "\\'", "'; DROP TABLE flow_records; --", "' OR 1=1 --", '"', '"; DROP TABLE canary; --', "{column}", "{0}", "{", "}", "%", "%s", "$1", "?", "/*", "*/", "--",
    "\\", "\n", "\r", "\u2028", "chr(0)", "' || (SELECT 'x') || '", "\u2018", "\u2019", "\u02bc", "\uff07", "x'", "e'\\''", "$$", "\x1a", "\x07", "🙂", "\uffff", "\u202e",
)  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(_SPITE),
    st.lists(st.sampled_from(_SPITE), max_size=4).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)


@pytest.fixture(scope="module")
def canary() -> Any:
    """One row for each, and a table that must stay."""
    engine = of_rows(FLOWS, [{"subject": "s", "vpc_tags": {"k": "v"}, "remote_address": "8.8.8.8", "vpc_id": "vpc-1"}])
    engine.execute("CREATE TABLE canary AS SELECT 1 AS alive")
    yield engine
    engine.close()


@given(st.lists(WORDS, min_size=1, max_size=4), WORDS, WORDS)
@bounded(25)
def test_no_text_gets_out_into_sql(canary, words, key, network):
    """In every place where a policy, a configuration or AWS may put one; the answer is that of the literal, and nothing else happens."""
    likes = [Test(c, "like", (w,), k, "text") for w in words for c, k in (("subject", None), ("vpc_tags", key))]
    trees = [
        Test("subject", "in", tuple(words), None, "aws"), Test("subject", "not_in", tuple(words), None, "aws"), *likes,
        Test("vpc_tags", "in", tuple(words), key, "text"), Test("vpc_tags", "not_in", tuple(words), key, "text"),
        Test("remote_address", "in", (network, "vpc"), None, "address"),
    ]  # fmt: skip
    networks = Networks.of_run({network: ["8.8.8.0/24"]}, {"vpc-1": ["10.0.0.0/8"], key: ["8.8.8.8/32"]})
    cells = {"subject": words[0], "vpc_tags": {key: words[-1]}, "remote_address": "8.8.8.8", "vpc_id": key}
    canary.db.execute(
        "UPDATE flow_records SET subject = ?, vpc_id = ?, vpc_tags = map([?], [?])", [words[0], key, key, words[-1]]
    )
    compiler = Compiler(networks)
    columns = {f"c{at}": compiler.sql(tree) for at, tree in enumerate(trees)} | {"all": compiler.sql(All(tuple(trees)))}
    (answer,) = canary.rows(select("flow_records", columns, "_row"))
    for at, tree in enumerate(trees):
        assert answer[f"c{at}"] is truth(tree, cells, networks), tree
    assert canary.rows("SELECT * FROM canary") == [{"alive": 1}]
    assert canary.rows("SELECT count(*) AS n FROM flow_records") == [{"n": 1}]


@given(WORDS, WORDS)
@bounded(8)
def test_no_text_of_a_policy_file_gets_out(canary, word, key):
    """Through YAML and the parser: it is refused, or it is a literal."""
    of_each_type = list({c.type: c.name for c in FLOWS.columns if c.type != "tags"}.values())
    wishes: list[Any] = [{c: word} for c in (*of_each_type, "action", "remote_aws_service")]
    wishes += [{c: {op: word}} for c in of_each_type for op in ("like", "in", "gt", "exists")]
    wishes += [{"vpc_tags": {key: word}}, {key: word}, {"not": {key: {word: word}}}, {"subject": {key: word}}]
    for wish in wishes:
        told: list[str] = []
        try:
            data = parse(yaml.safe_dump(wish, allow_unicode=True), "p.yaml").data
        except InvalidInput:
            continue
        tree = Parser(COLUMNS, (), lambda _, message, told=told: told.append(message)).condition(data, ())
        if not told:
            answer = canary.rows(select("flow_records", {"v": Compiler(Networks.of_run({}, {})).sql(tree)}, "_row"))
            assert answer[0]["v"] in (True, False, None)
    assert canary.rows("SELECT * FROM canary") == [{"alive": 1}]


def test_texts_that_no_literal_can_hold_are_told_apart():
    """A NUL from AWS's answer does not end the statement, and half a surrogate pair is what the tables hold for it."""
    networks = Networks.of_run({}, {"vpc-1\0": ["10.0.0.0/8"], "vpc-1": ["8.8.8.0/24"]})
    for vpc_id, right in (("vpc-1\0", False), ("vpc-1", True), ("vpc-1\0x", None)):
        engine = of_rows(FLOWS, [{"remote_address": "8.8.8.8", "vpc_id": vpc_id}])
        sql = Compiler(networks).sql(Test("remote_address", "in", ("vpc",), None, "address"))
        assert engine.rows(select("flow_records", {"v": sql}, "_row")) == [{"v": right}]
        engine.close()


def test_long_lists_and_deep_trees_are_judged(tmp_path):
    """As many as a file may reasonably hold."""
    ports = ", ".join(f"{n}-{n + 1}" for n in range(1, 1500, 3))
    names = ", ".join(f"i-{n:017x}" for n in range(5000))
    deep = "{not: " * 30 + "{action: ACCEPT}" + "}" * 30
    path = tmp_path / "p.yaml"
    path.write_text(
        HEAD + f"    fail_where:\n      local_port: [{ports}]\n      subject: [{names}]\n      all: [{deep}]\n"
    )
    (one,) = load_policies([path])
    rows = [
        {"local_port": p, "subject": s, "action": "ACCEPT"}
        for p, s in ((4, f"i-{1:017x}"), (3, f"i-{1:017x}"), (4, "i-x"))
    ]
    engine = of_rows(FLOWS, rows)
    told = engine.rows(select("flow_records", {"v": Compiler(Networks.of_run({}, {})).sql(one.fail_where)}, "_row"))
    engine.close()
    assert [row["v"] for row in told] == [True, False, False]


def test_a_pattern_cannot_take_forever():
    """`%` beside `_` many times over, against a text that almost fits."""
    spite, text = "%a_" * 20 + "b", "a" * 256
    test = Test("subject", "like", (spite,), None, "text")
    assert truth(test, {"subject": text}) is False
    engine = of_rows(FLOWS, [{"subject": text}, {"subject": "ac" * 20 + "b"}])
    told = engine.rows(select("flow_records", {"v": Compiler(Networks.of_run({}, {})).sql(test)}, "_row"))
    engine.close()
    assert [row["v"] for row in told] == [False, True]


def test_the_prefix_lists_that_controls_name_are_known_before_collecting(tmp_path):
    """So that their entries are asked, though nothing in the account refers to them."""
    path = tmp_path / "p.yaml"
    path.write_text(
        HEAD + "    where: {not: {remote_address: [pl-63a5400a, internet, 10.0.0.0/8]}}\n"
        "    fail_where: {remote_address: com.amazonaws.us-east-1.s3, local_address: {exists: true}}\n"
    )
    assert prefix_lists(load_policies([path])) == ("com.amazonaws.us-east-1.s3", "pl-63a5400a")
