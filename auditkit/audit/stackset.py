"""The member role as a CloudFormation template, and the commands that bring it to every account."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from textwrap import indent
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from auditkit.audit.permissions import LARGEST, TAIL, Narrow, policy, size
from auditkit.data import templates_dir

TEMPLATE = "audit-role.yaml.j2"
STACK = "auditkit-audit-role"
_DEPTH = " " * 10
_BUCKETS, _OBJECTS, _NAMED = "@buckets", "@objects", "@named"


def template(narrow: Narrow, *, hub_account: str = "", principal: str = "", organization: str = "") -> str:
    """Return the template; what is not known yet is a parameter without a default."""
    path, _, name = narrow.role_name.rpartition("/")
    source = (templates_dir() / "cloudformation" / TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - YAML, not HTML; every value passes tojson
    return environment.from_string(source).render(
        hub_account=hub_account or (principal.split(":")[4] if principal else ""),
        principal=principal,
        external_id=narrow.external_id,
        organization=organization,
        role_name=name,
        role_path=f"/{path}/" if path.strip("/") else "/",
        buckets=narrow.buckets,
        partition=narrow.partition,
        member=_statements(policy("member", narrow), narrow, {"ReadSettingsOfLogBuckets": _BUCKETS}),
        logs=_statements(policy("logs", narrow), narrow, {"ListLogObjects": _NAMED, "ReadLogObjects": _OBJECTS}),
    )


def _statements(document: dict[str, Any], narrow: Narrow, by_parameter: dict[str, str]) -> str:
    """Write a policy's statements, the resources of some of them made of the parameter BucketNames."""
    assert size(document) <= LARGEST, "the member role's policy outgrew a managed policy"
    statements = [one | {"Resource": by_parameter.get(one["Sid"], one["Resource"])} for one in document["Statement"]]
    text = indent(yaml.safe_dump(statements, sort_keys=False, width=110).rstrip(), _DEPTH)
    for placeholder, expression in _expressions(narrow).items():
        text = text.replace(f"'{placeholder}'", expression)
    return text


def _expressions(narrow: Narrow) -> dict[str, str]:
    arn = f"arn:{narrow.partition}:s3:::"
    named = f'!Split [",", !Join ["", ["{arn}", !Join [",{arn}", !Ref BucketNames]]]]'
    objects = f'!Split [",", !Join ["", ["{arn}", !Join ["/{TAIL},{arn}", !Ref BucketNames], "/{TAIL}"]]]'
    return {_NAMED: named, _OBJECTS: objects, _BUCKETS: f'!If [NamesBuckets, {named}, "{arn}*"]'}


def commands(
    narrow: Narrow, *, hub_account: str = "", principal: str = "", file: str = "audit-role.yaml"
) -> Iterator[str]:
    """The commands that deploy the template, for whoever administers the organization."""
    hub = hub_account or (principal.split(":")[4] if principal else "")
    parameters = "" if hub else " --parameters ParameterKey=HubAccountId,ParameterValue=ACCOUNT_THAT_AUDITS"
    region = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[narrow.partition]
    body = f"--template-body file://{quote(file)} --capabilities CAPABILITY_NAMED_IAM{parameters}"
    yield (
        f"aws cloudformation create-stack-set --stack-set-name {STACK} --permission-model SERVICE_MANAGED "
        f"--auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false {body}"
    )
    yield (
        f"aws cloudformation create-stack-instances --stack-set-name {STACK} "
        f"--deployment-targets OrganizationalUnitIds=ROOT_ID --regions {region}"
    )
    yield f"aws cloudformation create-stack --stack-name {STACK} --region {region} {body}"
