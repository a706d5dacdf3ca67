"""The policies that `auditkit iam` prints: enough for every call that is made, and for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

import auditkit.cli.options
from auditkit.audit import permissions, stackset
from auditkit.cli import run as command
from auditkit.scan import ACTIONS
from tests import aws
from tests.test_aws import CONFIG
from tests.wire import Wire, isolate, watched

WHERE = ("member", "hub", "logs")
READS = re.compile(r"(Get|List|Describe|Lookup|Head)[A-Z]")
ROOT = Path(__file__).resolve().parent.parent
ANY = permissions.Narrow()
OURS = permissions.Narrow(places=(("org-flow-logs", ""),))


def statements(narrow: permissions.Narrow, *where: str) -> Iterator[dict[str, Any]]:
    """All statements of some policies."""
    for one in where or WHERE:
        yield from permissions.policy(one, narrow)["Statement"]  # type: ignore[arg-type]


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def allows(narrow: permissions.Narrow, action: str, resource: str) -> bool:
    """Evaluate as IAM does, where everything is an Allow and the one condition (through S3) holds."""
    return any(
        action in one["Action"] and any(fnmatchcase(resource, pattern) for pattern in listed(one["Resource"]))
        for one in statements(narrow)
    )


# -- enough, and nothing else ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", WHERE)
def test_a_policy_holds_what_its_operations_need_and_nothing_else(where: str) -> None:
    allowed = [action for one in statements(ANY, where) for action in one["Action"]]
    assert sorted(allowed) == sorted({name for a in ACTIONS if a.where == where for name in a.actions})


def test_nothing_writes() -> None:
    """By the names of the actions, and by the methods of the requests where they tell."""
    for one in statements(ANY):
        for action in one["Action"]:
            name = action.partition(":")[2]
            assert READS.match(name) or action in ("kms:Decrypt", "sts:AssumeRole"), action
    session = boto3.Session()._session
    for action in ACTIONS:
        model = session.get_service_model(action.service)
        operation = model.operation_model(action.operation)
        if model.metadata["protocol"].startswith("rest"):
            assert operation.http["method"] in ("GET", "HEAD"), action
        assert READS.match(action.operation) or action.operation == "AssumeRole", action


def test_no_permission_is_for_a_call_that_nobody_makes() -> None:
    """Every operation of the table is named where it is asked."""
    files = [*(ROOT / "auditkit/scan").glob("*.py"), *(ROOT / "auditkit/sources").glob("*.py")]
    source = "\n".join(path.read_text() for path in files if path.name != "actions.py")
    for action in ACTIONS:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", action.operation).lower()
        assert re.search(rf"\b({action.operation}|{snake})\b", source), f"{action.service}:{action.operation}"


def requests(wire: Wire) -> list[tuple[str, str, dict[str, Any]]]:
    """Note service, operation and parameters of every request, by botocore's own names."""
    seen: list[tuple[str, str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        seen.append((model.service_model.service_name, model.name, params))

    wire.session.events.register("provide-client-params.*.*", note)
    return seen


def resource(service: str, params: dict[str, Any]) -> str:
    """The ARN that IAM would hold against a statement's Resource."""
    if service == "s3":
        return f"arn:aws:s3:::{params['Bucket']}" + (f"/{params['Key']}" if "Key" in params else "")
    if service == "iam":
        role = f"arn:aws:iam::111122223333:role/{params.get('RoleName')}"
        return str(params.get("PolicyArn") or role)
    named = {"sts": "RoleArn", "kms": "KeyId"}.get(service, "")
    stream = f"arn:aws:firehose:us-east-1:111122223333:deliverystream/{params.get('DeliveryStreamName')}"
    return stream if service == "firehose" else str(params.get(named, "*"))


def test_every_call_of_a_collection_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded while the scanner and the S3 source really run. Narrowed, only buckets that are not approved are closed."""
    estate = aws.estate()
    isolate(monkeypatch, estate.endpoint)
    wire = watched()
    seen = requests(wire)
    monkeypatch.setattr(auditkit.cli.options, "session", lambda: wire.session)
    (tmp_path / "auditkit.yaml").write_text(CONFIG % estate.archive)
    assert command(["collect", "-c", str(tmp_path / "auditkit.yaml"), "-o", str(tmp_path / "run"), "-q"]) == 0
    table = {(a.service, a.operation): a.actions for a in ACTIONS}
    made = {(service, operation) for service, operation, _ in seen}
    assert {("ec2", "DescribeFlowLogs"), ("s3", "GetObject"), ("sts", "AssumeRole")} <= made
    assert made <= table.keys()
    closed = set()
    for service, operation, params in seen:
        for action in table[service, operation]:
            target = (
                "arn:aws:kms:us-east-1:111122223333:key/any" if action == "kms:Decrypt" else resource(service, params)
            )
            assert allows(ANY, action, target), (action, target)
            closed |= set() if allows(OURS, action, target) else {target}
    assert closed <= {f"arn:aws:s3:::{aws.GONE}"}


@pytest.mark.parametrize(
    ("key", "readable"),
    [
        ("AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/07/01/x.log.gz", True),
        ("AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/x.log.gz", True),
        ("team/AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/07/01/x.log.parquet", True),
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/07/01/x.json.gz", False),
        ("secrets.txt", False),
    ],
)
def test_only_flow_logs_can_be_read(key: str, *, readable: bool) -> None:
    assert allows(OURS, "s3:GetObject", f"arn:aws:s3:::org-flow-logs/{key}") is readable
    assert not allows(OURS, "s3:GetObject", f"arn:aws:s3:::other/{key}")


def test_a_prefix_narrows_the_reading() -> None:
    narrow = permissions.Narrow(places=(("b", "eu"),))
    assert allows(narrow, "s3:GetObject", "arn:aws:s3:::b/eu/AWSLogs/1/vpcflowlogs/x")
    assert not allows(narrow, "s3:GetObject", "arn:aws:s3:::b/us/AWSLogs/1/vpcflowlogs/x")


# -- form --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("narrow", [ANY, OURS, permissions.Narrow("audit/Reader", "x", partition="aws-cn")])
def test_policies_are_what_iam_takes(narrow: permissions.Narrow) -> None:
    """Size, Sids, partition."""
    for where in WHERE:
        document = permissions.policy(where, narrow)  # type: ignore[arg-type]
        assert json.loads(permissions.as_json(document)) == document
        assert permissions.size(document) <= permissions.LARGEST
        sids = [one["Sid"] for one in document["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
        arns = [r for one in document["Statement"] for r in listed(one["Resource"]) if r != "*"]
        assert all(arn.startswith(f"arn:{narrow.partition}:") for arn in arns)
    assert f"arn:{narrow.partition}:iam::*:role/{narrow.role_name}" in json.dumps(permissions.policy("hub", narrow))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    """What a command prints, and what it says beside."""
    assert command(["iam", *arguments]) == status
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.out, said.err


def test_it_is_narrowed_by_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Role, external id, buckets and streams; without one, by nothing."""
    monkeypatch.chdir(tmp_path)
    assert "arn:aws:s3:::*" in printed(capsys)[0]
    (tmp_path / "mine.yaml").write_text(
        "organization: {role_name: audit/Reader, external_id: secret-1}\n"
        "destinations: {a: {type: s3, bucket: b, prefix: p}, s: {type: kinesis-data-firehose, delivery_stream: flow}}\n"
    )
    member, said = printed(capsys, "-c", "mine.yaml")
    assert "arn:aws:s3:::b" in member
    assert "arn:aws:s3:::*" not in member
    assert ":deliverystream/flow" in member
    assert "Narrowed to the approved buckets: b." in said
    assert "arn:aws:s3:::b/p/*AWSLogs" in printed(capsys, "-c", "mine.yaml", "--for", "logs")[0]
    assert "role/audit/Reader" in printed(capsys, "-c", "mine.yaml", "--for", "hub")[0]
    trust = json.loads(printed(capsys, "-c", "mine.yaml", "--for", "trust", "--hub-account", "111122223333")[0])
    assert trust["Statement"][0]["Condition"] == {"StringEquals": {"sts:ExternalId": "secret-1"}}


def test_whom_the_role_trusts(capsys: pytest.CaptureFixture[str]) -> None:
    """An account, or one role of it; of the organization only, if asked."""
    out, _ = printed(capsys, "--for", "trust", "--hub-account", "111122223333", "--org-id", "o-abcdefghij")
    [one] = json.loads(out)["Statement"]
    assert one["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert one["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    out, _ = printed(capsys, "--for", "trust", "--principal", "arn:aws:iam::111122223333:role/ci/Auditor")
    [one] = json.loads(out)["Statement"]
    assert one["Principal"] == {"AWS": "arn:aws:iam::111122223333:role/ci/Auditor"}
    assert "Condition" not in one


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--for", "trust"), "--hub-account"),
        (("--for", "trust", "--hub-account", "12"), "--hub-account"),
        (("--for", "trust", "--principal", "*"), "not the ARN"),
        (("--for", "trust", "--principal", "arn:aws:sts::111122223333:assumed-role/a/b"), "not the ARN"),
        (("--for", "hub", "--to", "cloudformation"), "no template"),
        (("-c", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert words in printed(capsys, *arguments, status=2)[1]


def test_too_many_buckets_are_refused() -> None:
    """Before IAM refuses them."""
    many = permissions.Narrow(places=tuple((f"a-bucket-with-a-long-name-{n:03}", "") for n in range(200)))
    with pytest.raises(permissions.AuditkitError, match="IAM takes 6,144"):
        permissions.as_json(permissions.policy("member", many))


# -- the template ------------------------------------------------------------------------------------------------------


class Tags(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: !Ref x is {Ref: x}, !Sub x is {Fn::Sub: x}."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value = (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)  # type: ignore[arg-type]
    )
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


Tags.add_multi_constructor("!", _function)


def references(node: Any) -> Iterator[str]:
    """Every parameter, resource or condition that a template refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::If":
                yield value[0]
            elif key == "Condition" and isinstance(value, str):
                yield value
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{([^}]+)\}", value)
            elif key == "Fn::GetAtt":
                yield value.split(".")[0]
            yield from references(value)
    elif isinstance(node, list):
        for one in node:
            yield from references(one)


def test_the_template_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    """It parses, refers only to what it has, and fits into a request; how to deploy it is said beside it."""
    out, said = printed(capsys, "--to", "cloudformation")
    template = yaml.load(out, Tags)
    there = {*template["Parameters"], *template["Resources"], *template["Conditions"], "AWS::NoValue"}
    assert set(references(template)) <= there
    assert set(template["Parameters"]) <= set(references(template))
    assert len(out.encode()) < 51_200
    assert {one["Type"] for one in template["Resources"].values()} == {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}
    assert "create-stack-set" in said
    assert "--permission-model SERVICE_MANAGED" in said
    assert "CAPABILITY_NAMED_IAM" in said


def test_what_is_known_becomes_a_default(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Text of a configuration stays text, whatever stands in it."""
    (tmp_path / "c.yaml").write_text(
        "organization: {role_name: audit/Reader, external_id: 'a\"b: {{ 1 }}'}\ndestinations: {a: {type: s3, bucket: b}}\n"
    )
    arguments = ("-c", str(tmp_path / "c.yaml"), "--to", "cloudformation", "--hub-account", "111122223333")
    parameters = yaml.load(printed(capsys, *arguments)[0], Tags)["Parameters"]
    defaults = {name: one.get("Default") for name, one in parameters.items()}
    assert (defaults["RoleName"], defaults["RolePath"], defaults["HubAccountId"]) == (
        "Reader",
        "/audit/",
        "111122223333",
    )
    assert (defaults["ExternalId"], defaults["BucketNames"]) == ('a"b: {{ 1 }}', "b")


@pytest.mark.parametrize("buckets", ["", "org-flow-logs,second-logs"])
def test_cloudformation_makes_the_role_of_it(buckets: str) -> None:
    """In an emulator: trust, session, and policies that allow just what `auditkit iam` prints."""
    estate = aws.estate()
    account = "999988887777" if buckets else "999988886666"
    name = "second" if buckets else "first"
    stacks = estate.client("cloudformation", account)
    given = {
        "HubAccountId": "111122223333",
        "ExternalId": "secret-1",
        "OrganizationId": "o-abcdefghij",
        "BucketNames": buckets,
    }
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    body = stackset.template(ANY)
    stacks.validate_template(TemplateBody=body)
    stacks.create_stack(StackName=name, TemplateBody=body, Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"])
    [stack] = stacks.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs["RoleArn"] == f"arn:aws:iam::{account}:role/AuditkitRead"
    iam = estate.client("iam", account)
    role = iam.get_role(RoleName="AuditkitRead")["Role"]
    assert role["MaxSessionDuration"] == 3600
    trusted = permissions.Narrow(external_id="secret-1")
    assert role["AssumeRolePolicyDocument"] == permissions.trust(
        trusted, hub_account="111122223333", organization="o-abcdefghij"
    )
    attached = iam.list_attached_role_policies(RoleName="AuditkitRead")["AttachedPolicies"]
    made = [
        one
        for policy in attached
        for one in iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId="v1")["PolicyVersion"]["Document"][
            "Statement"
        ]
    ]
    narrow = permissions.Narrow(places=tuple((b, "") for b in buckets.split(",") if b))
    wanted = [*statements(narrow, "member"), *(statements(narrow, "logs") if buckets else ())]
    assert sorted(map(plain, made)) == sorted(map(plain, wanted))


def plain(statement: dict[str, Any]) -> str:
    """A statement as text, whether it names one resource or a list of one."""
    return json.dumps({**statement, "Resource": sorted(listed(statement["Resource"]))}, sort_keys=True)


# -- the documentation -------------------------------------------------------------------------------------------------


def test_the_page_on_permissions_has_every_operation() -> None:
    """Who asks it, what it needs, and why."""
    page = (ROOT / "docs" / "permissions.md").read_text()
    table = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in page.splitlines() if line.startswith("|")
    ]
    assert table[2:] == list(permissions.rows())
    assert {row[1] for row in table[2:]} == {f"{a.service}:{a.operation}" for a in ACTIONS}
