"""Does a policy let somebody do something? TRUE, FALSE, or None where what is known of the request does not decide.

IAM User Guide, "Policy evaluation logic": an explicit Deny wins, and what no Allow covers is refused. Policies of the
organization (SCPs, RCPs) are not read: TRUE says only that this policy allows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from auditkit.inventory.conditions import holds
from auditkit.inventory.patterns import Context, Text, fits
from auditkit.inventory.statements import Policy, Principals, Statement, Words
from auditkit.model.condition import kleene_and, kleene_not, kleene_or


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a service, or a role or user of an account."""

    services: frozenset[str] = frozenset()
    """The names of the service principal."""
    arn: str = ""
    """ARN of the role or user."""
    account: str = ""
    """Its account."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked."""

    caller: Caller | None
    """None where the policy is the caller's own."""
    action: str
    """s3:PutObject."""
    resource: Text | None
    """ARN; None where the policy is the resource's own and names none: a role's trust policy."""
    context: Context
    """Values of the condition keys."""


def allows(policies: Iterable[Policy], request: Request) -> bool | None:
    """Tell whether policies of one kind together allow a request."""
    allowed: list[bool | None] = []
    denied: list[bool | None] = []
    for policy in policies:
        for statement in policy.statements:
            verdict = applies(statement, request, variables=policy.variables)
            (allowed if statement.allows else denied).append(verdict)
    return kleene_and((kleene_or(allowed), kleene_not(kleene_or(denied))))


def applies(statement: Statement, request: Request, *, variables: bool) -> bool | None:
    """Tell whether a statement is about a request."""
    verdicts = [_actions(statement.actions, request)]
    if statement.resources is not None and request.resource is not None:
        verdicts.append(_resources(statement.resources, request.resource, request.context if variables else None))
    elif statement.resources is not None or request.resource is not None:
        # AWS takes no such policy, or gives the statement no effect: KMS does so with one that lacks its Resource.
        verdicts.append(None)
    if statement.principals is not None:
        verdicts.append(_principals(statement.principals, request.caller))
    # What no part of the rest can change need not be judged: conditions are the dear part.
    if False in verdicts:
        return False
    verdicts += (holds(test, request.context, variables=variables) for test in statement.tests)
    return kleene_and(verdicts)


def _unless(verdict: bool | None, *, but: bool) -> bool | None:  # noqa: FBT001  # the three values are what it is about
    return kleene_not(verdict) if but else verdict


def _actions(actions: Words, request: Request) -> bool | None:
    """Case does not count in the names of actions."""
    asked = Text(request.action.lower())
    return _unless(kleene_or(fits(word.lower(), asked) for word in actions.words), but=actions.but)


def _resources(resources: Words, resource: Text, context: Context | None) -> bool | None:
    return _unless(kleene_or(fits(word, resource, context) for word in resources.words), but=resources.but)


def _principals(principals: Principals, caller: Caller | None) -> bool | None:
    if caller is None:
        return None
    named = kleene_or(_is(kind, name, caller) for kind, names in principals.names.items() for name in names)
    return _unless(named, but=principals.but)


def _is(kind: str, name: str, caller: Caller) -> bool | None:
    """Tell whether a principal that a policy names is the caller."""
    if kind in ("*", "AWS") and name == "*":
        return True
    if kind == "Service":
        return None if "*" in name else name in caller.services
    if kind == "AWS":
        return _is_identity(name, caller)
    return False if kind in ("Federated", "CanonicalUser") else None


def _is_identity(name: str, caller: Caller) -> bool | None:
    """A service is no identity of an account; to name an account is to name all in it that its own policies let."""
    if not caller.arn:
        return False
    root = name.startswith("arn:") and name.endswith(f":iam::{caller.account}:root")
    if root or name in (caller.account, caller.arn):
        return True
    # A unique id (AROA…), or a session of a role: whose, is not told by its text.
    return False if name.isdigit() or ":iam:" in name else None
