"""Does a bucket's policy let log delivery write, and does it let in more than that?

What delivery needs from day to day is s3:PutObject. AWS also asks for s3:GetBucketAcl when a flow log is created, so a
policy that lacks it stops the next flow log, not those that exist: it is not asked for here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from auditkit.inventory.grants import Caller, Request, allows
from auditkit.inventory.patterns import Context, Text, fits, plain
from auditkit.inventory.statements import Clause, Policy, Statement
from auditkit.inventory.writers import Organization, Writer, delivering, delivery, putting

_PUT = "s3:PutObject"
_ACCOUNT_DIGITS = 12
_ARN_ACCOUNT = 4
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_DIGITS = tuple(f"{digit}*" for digit in range(10))
_STRANGERS = 50
"""Accounts with wildcards that are tried at most."""
_FEW = 4
"""Writers with whose keys each of them is tried."""
_WHO = frozenset(
    {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:principalaccount", "aws:principalorgid"}
)
"""Condition keys that tell whose request it is."""
_COMPARE = frozenset(
    f"{kind}{negation}{how}"
    for kind, hows in {"String": ("Equals", "EqualsIgnoreCase", "Like"), "Arn": ("Equals", "Like")}.items()
    for negation in ("", "Not")
    for how in hows
)
"""Operators that compare texts."""


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

    That nobody may has to hold for whatever stranger, whatever he chooses: conditions that would take one stranger for
    another are left undecided. That somebody may is shown by one: an account that the policy does not mention, or one
    that fits an account that it writes with wildcards.
    """
    partition = organization.partition
    nobody, *others = _strangers(policy, {writer.account_id for writer in writers})
    anywhere = Text(top, open=True, without=":*")
    sure = replace(policy, statements=tuple(map(_of_any_stranger, policy.statements)))
    region = min(writers).region
    asks = (*_asks(nobody, region, partition), *_chosen(nobody, partition))
    if all(allows([sure], Request(caller, _PUT, anywhere, context)) is False for caller, context in asks):
        return False
    samples = _samples(writers)
    tries = [(one, nobody) for one in samples]
    tries += [(one, stranger) for stranger in others[:_STRANGERS] for one in samples[:_FEW]]
    for one, stranger in tries:
        key = Text(top + one.below, open=True, without=":*")
        for caller, context in _asks(stranger, one.region, partition):
            if allows([policy], Request(caller, _PUT, key, context)):
                return True
    return None


def _samples(writers: Iterable[Writer]) -> list[Writer]:
    """One writer of each account, and one of each region: together they touch what a statement can tell apart."""
    out: dict[tuple[str, str], Writer] = {}
    for writer in sorted(writers):
        out.setdefault(("account", writer.account_id), writer)
        out.setdefault(("region", writer.region), writer)
    return sorted(set(out.values()))


def _asks(stranger: str, region: str, partition: str) -> Iterator[tuple[Caller, Context]]:
    """Who else could ask, with an organization of his own and without one: whatever he may choose, as delivery does."""
    elsewhere = Organization(partition, f"o-{stranger}", frozenset({stranger}))
    for organization_id in ((Text(elsewhere.id),), ()):
        theirs = delivering(stranger, region, elsewhere)
        yield delivery(partition), putting({**theirs, "aws:sourceorgid": organization_id})
        person = {**_DIRECT, "aws:principalaccount": (Text(stranger),), "aws:principalorgid": organization_id}
        yield Caller(arn=f"arn:{partition}:iam::{stranger}:user/stranger", account=stranger), putting(person)
    yield Caller(), putting(_DIRECT)


def _chosen(stranger: str, partition: str) -> Iterator[tuple[Caller, Context]]:
    """Strangers who ask themselves, and choose how."""
    person = {**_DIRECT, "aws:principalaccount": (Text(stranger),), "aws:principalorgid": (Text(f"o-{stranger}"),)}
    for caller, context in (
        (Caller(arn=f"arn:{partition}:iam::{stranger}:user/stranger", account=stranger), person),
        (Caller(), _DIRECT),
    ):
        yield caller, {key: values for key, values in context.items() if key != "aws:securetransport"}


_DIRECT: Context = {
    "aws:principalaccount": (),
    "aws:principalorgid": (),
    "aws:principalisawsservice": (Text("false"),),
    "aws:securetransport": (Text("true"),),
    "aws:sourceaccount": (),
    "aws:sourcearn": (),
    "aws:sourceorgid": (),
}
"""What a request says that no service makes, and that nobody signed."""


def _of_any_stranger(statement: Statement) -> Statement:
    """The statement, less what it says of one stranger and not of another."""
    tests = (
        test if test.key not in _WHO or _same_for_all(test) else replace(test, operator="undecided")
        for test in statement.tests
    )
    return replace(statement, tests=tuple(tests))


def _same_for_all(test: Clause) -> bool:
    """Tell whether a condition says the same of all accounts and organizations that it does not name."""
    name = test.operator.rpartition(":")[2].removesuffix("IfExists")
    if name == "Null":
        return True
    if name not in _COMPARE:
        return False
    if name.startswith(("StringEquals", "StringNotEquals")):
        return not any("${" in value for value in test.values)
    if test.key == "aws:sourcearn" and name.startswith("Arn"):
        return all(value.count(":") > _ARN_ACCOUNT and plain(value.split(":")[_ARN_ACCOUNT]) for value in test.values)
    return all(map(plain, test.values))


def _strangers(policy: Policy, known: set[str]) -> list[str]:
    """Accounts that are not among those known; the first is named nowhere, and fits none that has wildcards if it can."""
    named = set(known)
    patterns: set[str] = set()
    for statement in policy.statements:
        for names in statement.principals.names.values() if statement.principals else ():
            named.update(account for name in names for account in _ACCOUNT.findall(name))
        for test in statement.tests:
            named.update(account for value in test.values for account in _ACCOUNT.findall(value))
            if test.key in ("aws:sourceaccount", "aws:sourcearn", "aws:principalaccount"):
                words = (v.split(":")[_ARN_ACCOUNT] if v.count(":") > _ARN_ACCOUNT else v for v in test.values)
                patterns.update(word for word in words if "*" in word or "?" in word)
    some = sorted(patterns)[:_STRANGERS]
    free = [word for word in (*_DIGITS, "*") if (one := _witness(word, named)) and not any(_fit(p, one) for p in some)]
    nobody = _witness((*free, "*")[0], named)
    others = {_witness(word, known) for word in (*some, *_DIGITS[:2])} - {"", nobody}
    return [nobody, *sorted(others)]


def _fit(word: str, account: str) -> bool:
    return fits(word, Text(account)) is not False


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
