"""Does a bucket's policy let log delivery write, and does it let in more than that?

What delivery needs from day to day is s3:PutObject. AWS also asks for s3:GetBucketAcl when a flow log is created, so a
policy that lacks it stops the next flow log, not those that exist: it is not asked for here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from auditkit.inventory.grants import Caller, Request, allows
from auditkit.inventory.patterns import Context, Text
from auditkit.inventory.statements import Policy
from auditkit.inventory.writers import Organization, Writer, delivering, delivery, putting

_PUT = "s3:PutObject"
_ACCOUNT_DIGITS = 12
_ARN_ACCOUNT = 4
_STRANGERS = 50
"""Who is asked for at most: a policy that writes more accounts with wildcards is not decided."""


def lets_write(policy: Policy, writer: Writer, top: str, organization: Organization) -> bool | None:
    """Tell whether the policy lets log delivery write for a writer.

    Args:
        policy: of the bucket; `NOTHING` where it has none: then delivery may not write, in its owner's account either.
        writer: whose flow logs.
        top: ARN of the bucket and the prefix, up to AWSLogs/.
        organization: what is known of it.
    """
    context = putting(delivering(writer.account_id, writer.region, organization))
    key = Text(top + writer.below, open=True, without=":*")
    return allows([policy], Request(delivery(organization.partition), _PUT, key, context))


def is_wide(policy: Policy, writers: Collection[Writer], top: str, organization: Organization) -> bool | None:
    """Tell whether somebody else may write there too: delivery for an account that the policy does not name, or anybody.

    It is asked for strangers, one by one: an account that the policy does not mention, and one that fits each account
    that it writes with wildcards.
    """
    strangers = _strangers(policy, {writer.account_id for writer in writers})
    verdicts: set[bool | None] = {None} if len(strangers) > _STRANGERS else set()
    for writer in _samples(writers):
        key = Text(top + writer.below, open=True, without=":*")
        for stranger in strangers[:_STRANGERS]:
            for caller, context in _asks(stranger, writer.region, organization.partition):
                verdict = allows([policy], Request(caller, _PUT, key, context))
                if verdict:
                    return True
                verdicts.add(verdict)
    return None if None in verdicts else False


def _samples(writers: Iterable[Writer]) -> list[Writer]:
    """One writer of each account, and one of each region: together they touch what a statement can tell apart."""
    out: dict[tuple[str, str], Writer] = {}
    for writer in sorted(writers):
        out.setdefault(("account", writer.account_id), writer)
        out.setdefault(("region", writer.region), writer)
    return sorted(set(out.values()))


def _asks(stranger: str, region: str, partition: str) -> Iterator[tuple[Caller, Context]]:
    elsewhere = Organization(partition, f"o-{stranger}", frozenset({stranger}))
    yield delivery(partition), putting(delivering(stranger, region, elsewhere))
    # A person of that account: whatever the request may choose to say, it says as delivery does.
    direct: Context = {
        "aws:principalaccount": (Text(stranger),),
        "aws:principalorgid": (Text(elsewhere.id),),
        "aws:principalisawsservice": (Text("false"),),
        "aws:securetransport": (Text("true"),),
        "aws:sourceaccount": (),
        "aws:sourcearn": (),
        "aws:sourceorgid": (),
    }
    yield Caller(arn=f"arn:{partition}:iam::{stranger}:user/stranger", account=stranger), putting(direct)


def _strangers(policy: Policy, known: set[str]) -> list[str]:
    """Accounts that are not among those known, one of them named nowhere."""
    named = set(known)
    patterns: set[str] = set()
    for statement in policy.statements:
        for test in statement.tests:
            if test.key not in ("aws:sourceaccount", "aws:sourcearn"):
                continue
            for value in test.values:
                word = value.split(":")[_ARN_ACCOUNT] if value.count(":") > _ARN_ACCOUNT else value
                (patterns if "*" in word or "?" in word else named).add(word)
    found = {_witness(word, known) for word in patterns} | {_witness("*", named)}
    return sorted(found - {""})


def _witness(word: str, known: set[str]) -> str:
    """An account that fits a pattern and is not known, or nothing."""
    rest = word.replace("*", "")
    missing, digits_only = _ACCOUNT_DIGITS - len(rest), rest.replace("?", "0")
    if missing < 0 or ("*" not in word and missing) or (digits_only and not digits_only.isdecimal()):
        return ""
    # As many digits to choose as there are wildcards: more tries than accounts known find a free one, if there is one.
    for number in range(len(known) + 1):
        filled = word.replace("*", "?" * missing, 1).replace("*", "")
        digits = iter(str(number).rjust(filled.count("?"), "0"))
        if len(str(number)) > filled.count("?"):
            return ""
        one = "".join(next(digits) if char == "?" else char for char in filled)
        if one not in known:
            return one
    return ""
