"""Where records lie, as auditkit.yaml says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit.config.schema import RecordsModel, load_config
from auditkit.model.errors import InvalidInput


def records(tmp_path: Path, text: str) -> RecordsModel:
    path = tmp_path / "auditkit.yaml"
    path.write_text(f"records:\n{text}")
    return load_config(path).model.records


@pytest.mark.parametrize(
    ("text", "sources", "local"),
    [
        ("  mode: all", ("s3",), ()),
        ("  from: s3", ("s3",), ()),
        ("  from: [s3, cloud-watch-logs]", ("s3", "cloud-watch-logs"), ()),
        ("  from: [{local: logs}]", (), ("logs",)),
        ("  from: {local: [a, b]}", (), ("a", "b")),
        ("  local: [a]", (), ("a",)),
        ("  local: a\n  from: s3", ("s3",), ("a",)),
        ("  from: [s3, {local: b}]\n  local: a", ("s3",), ("a", "b")),
    ],
)
def test_what_aws_has_named(tmp_path, text: str, sources: tuple, local: tuple) -> None:
    model = records(tmp_path, text)
    assert (model.sources, model.local, model.lines) == (sources, local, ())


def test_what_others_have_named(tmp_path) -> None:
    model = records(
        tmp_path,
        "  from:\n  - {local: hose, flow_log: fl-0a1b2c3d}\n  - {s3: s3://bucket/a/b, flow_log: [fl-0a1b2c3d, fl-1a1b2c3d]}\n"
        "  - {local: [x], format: '${version} ${interface-id}', account: '111122223333', region: us-east-1}\n",
    )
    assert (model.sources, model.local) == ((), ())
    hose, bucket, said = model.lines
    assert (hose.local, hose.flow_log) == (("hose",), ("fl-0a1b2c3d",))
    assert (bucket.s3, bucket.flow_log) == ("s3://bucket/a/b", ("fl-0a1b2c3d", "fl-1a1b2c3d"))
    assert (said.format, said.account) == ("${version} ${interface-id}", "111122223333")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("cloudwatch", "'s3' or 'cloud-watch-logs'"),
        ("{}", "say one of s3, cloud-watch-logs"),
        ("{local: a, s3: s3://bucket}", "say one of"),
        ("{local: a, acount: '1'}", "unknown key 'acount'; did you mean 'account'?"),
        ("{local: a, account: '111122223333'}", "lines without a header need flow_log"),
        ("{s3: s3://bucket/a}", "lines without a header need flow_log"),
        ("{s3: bucket/a, flow_log: fl-0a1b2c3d}", "is not a place such as s3://bucket/prefix"),
        ("{local: a, flow_log: eni-1}", "'eni-1' is not the id of a flow log"),
        ("{local: a, format: '${version}'}", "needs account: and region:"),
        ("{local: a, flow_log: fl-0a1b2c3d, format: version}", "'version' is not a field such as ${srcaddr}"),
        ("{local: a, flow_log: fl-0a1b2c3d, format: '${srcadr}'}", "did you mean 'srcaddr'?"),
        ("{local: a, flow_log: fl-0a1b2c3d, format: '${start} ${start}'}", "${start} stands in it twice"),
        ("{local: a, flow_log: [fl-0a1b2c3d, fl-1a1b2c3d], format: '${start}'}", "several are named"),
        ("{service: s3, flow_log: fl-0a1b2c3d}", "s3 takes no flow_log"),
        ("[a]", "from.1"),
        ("{local: {a: b}, flow_log: fl-0a1b2c3d}", "from.1.local"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path, entry: str, words: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        records(tmp_path, f"  from:\n  - s3\n  - {entry}\n")
    assert words in str(raised.value)
    assert f"{tmp_path / 'auditkit.yaml'}:4: " in str(raised.value)


def test_what_stays_of_what_was_read(tmp_path) -> None:
    model = records(tmp_path, "  keep: matched\n  keep_limit: 2GiB")
    assert (model.keep, model.keep_limit) == ("matched", 2 * 2**30)
    assert records(tmp_path, "  mode: all").keep_limit is None
    with pytest.raises(InvalidInput, match="keep_limit"):
        records(tmp_path, "  keep_limit: lots")


def test_the_example_of_the_documentation_loads(tmp_path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "records.md"
    path = tmp_path / "auditkit.yaml"
    path.write_text(page.read_text().partition("```yaml\n")[2].partition("```")[0])
    model = load_config(path).model.records
    assert model.sources == ("s3", "cloud-watch-logs")
    assert model.local == ("mirror",)
    assert [bool(one.s3) for one in model.lines] == [False, True, False]
