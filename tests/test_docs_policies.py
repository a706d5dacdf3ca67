"""The page on the language of controls: every example is one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from auditkit.audit.assets import check
from auditkit.config.conditions import OPERATORS
from auditkit.config.literals import NETWORKS
from auditkit.model.records import PROTOCOLS
from auditkit.policy import json_schema, load_policies

PAGE = (Path(__file__).parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONTROLS = [text for text in EXAMPLES if text.startswith("controls:")]
ASSETS = [text for text in EXAMPLES if not text.startswith("controls:")]
SCHEMA = Draft202012Validator(json_schema())


@pytest.mark.parametrize("text", CONTROLS, ids=lambda text: re.findall(r"id: (\S+)", text)[0])
def test_every_example_loads_and_fits_the_schema(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_policies([path], ("partners",))
    assert [error.message for error in SCHEMA.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize("text", ASSETS)
def test_every_asset_judges_its_control(tmp_path, text):
    name = re.match(r"# assets/(\S+)\.yaml\n", text)[1]
    (tmp_path / "p.yaml").write_text(next(c for c in CONTROLS if f"id: {name}\n" in c), encoding="utf-8")
    control = next(c for c in load_policies([tmp_path / "p.yaml"], ("partners",)) if c.id == name)
    asset = tmp_path / f"{name}.yaml"
    asset.write_text(text, encoding="utf-8")
    assert check(control, asset) == []


def test_the_page_names_every_operator_network_protocol_and_type():
    """What is not told is not found."""
    words = set(re.findall(r"`([^`\n]+)`", PAGE))
    assert {op for ops in OPERATORS.values() for op in ops} <= words
    assert {*NETWORKS, "corporate", *PROTOCOLS} <= words
    rows = re.findall(r"^\| ([a-z, ]+) \|", PAGE, re.MULTILINE)
    assert set(OPERATORS) <= {word for row in rows for word in row.split(", ")}


def test_the_schema_refuses_what_the_loader_refuses():
    """Wrong columns, operators and values are seen while they are written."""
    Draft202012Validator.check_schema(json_schema())
    head = {"id": "x", "title": "X", "severity": "low", "table": "flow_records"}
    fine = {"action": "ACCEPT"}
    for wrong in (
        {"fail_where": {"acton": "ACCEPT"}}, {"fail_where": {"action": "ACEPT"}}, {"fail_where": {"local_port": {"like": "2%"}}}, {"fail_where": {"local_port": 70000}},
        {"fail_where": {"any": []}}, {"fail_where": {}}, {"fail_where": []}, {"fail_where": {"not": {"actoin": "ACCEPT"}}}, {"fail_where": {"vpc_tags": "pci"}},
        {"fail_where": {"bytes": {"between": [1]}}}, {"fail_where": fine, "group_by": ["nobody"]}, {"fail_where": fine, "having": {"bytes": {"gt": 1}}},
        {"fail_where": fine, "having": {"bytes": {"lt": 1}, "per": "1d"}}, {"fail_where": fine, "having": {"distinct": {"port": {"ge": 1}}, "per": "1d"}},
        {"fail_where": {"state": "none"}}, {"fail_where": fine, "table": "coverage"},
    ):  # fmt: skip
        document = {"controls": [{**head, **wrong}]}
        assert list(SCHEMA.iter_errors(json.loads(json.dumps(document)))), wrong
