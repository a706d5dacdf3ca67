"""What flow logs are delivered with: streams, keys and roles, each asked once."""

from __future__ import annotations

from auditkit.model.inventory import GLOBAL, Call
from auditkit.scan.calls import Line, refused
from auditkit.scan.found import Thing, rows

_NO_ROLE = "NoSuchEntity"


def stream(line: Line, thing: Thing) -> list[Call]:
    """Ask about a delivery stream."""
    return line.ask(
        "DescribeDeliveryStream",
        resource=thing.name,
        needs="DeliveryStreamDescription",
        DeliveryStreamName=thing.name,
    )


def stream_key(calls: list[Call]) -> str:
    """Return the key that a stream encrypts with; empty for none."""
    told = [call.answer["DeliveryStreamDescription"] for call in calls if call.answer]
    return next((str(one.get("DeliveryStreamEncryptionConfiguration", {}).get("KeyARN") or "") for one in told), "")


def key(line: Line, thing: Thing) -> list[Call]:
    """Ask about a key; of an alias, the policy of the key behind it."""
    calls = line.ask("DescribeKey", resource=thing.name, needs="KeyMetadata", KeyId=thing.name)
    behind = next((call.answer["KeyMetadata"].get("Arn") for call in calls if call.answer), None)
    return calls + line.ask(
        "GetKeyPolicy",
        resource=thing.name,
        needs="Policy",
        asked={"PolicyName": "default"},
        KeyId=behind or thing.name,
        PolicyName="default",
    )


def role(line: Line, thing: Thing) -> list[Call]:
    """Ask who may assume a role, what its inline policies say, and which managed ones it has."""
    calls = line.ask("GetRole", resource=thing.name, needs="Role", RoleName=thing.name)
    if (calls[-1].error or {}).get("code") == _NO_ROLE:
        return calls
    inline = line.ask("ListRolePolicies", resource=thing.name, needs="PolicyNames", RoleName=thing.name)
    calls += inline
    for name in [name for call in inline if call.answer for name in call.answer["PolicyNames"]]:
        calls += line.ask(
            "GetRolePolicy",
            resource=f"{thing.name}/{name}",
            needs="PolicyDocument",
            RoleName=thing.name,
            PolicyName=name,
        )
    return calls + line.ask(
        "ListAttachedRolePolicies", resource=thing.name, needs="AttachedPolicies", RoleName=thing.name
    )


def attached(calls: list[Call]) -> list[Thing]:
    """Return the managed policies that roles have: one of AWS's own counts for each account that uses it."""
    found = {
        Thing(call.account_id, GLOBAL, str(row["PolicyArn"]))
        for call, row in rows(calls, "ListAttachedRolePolicies", "AttachedPolicies")
        if row.get("PolicyArn")
    }
    return sorted(found)


def policy(line: Line, thing: Thing) -> list[Call]:
    """Ask for a managed policy as it is in force."""
    calls = line.ask("GetPolicy", resource=thing.name, needs="Policy", PolicyArn=thing.name)
    version = None if refused(calls) else (calls[0].answer or {})["Policy"].get("DefaultVersionId")
    if not version:
        return calls
    return calls + line.ask(
        "GetPolicyVersion", resource=thing.name, needs="PolicyVersion", PolicyArn=thing.name, VersionId=version
    )
