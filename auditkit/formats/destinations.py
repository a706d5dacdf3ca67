"""Destinations as a reader asks of them: can the flow logs deliver there, and how is it kept?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.formats.text import plain
from auditkit.model.tables import NEVER

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a destination, or not known."""

    label: str
    """What it is."""
    status: str
    """pass, fail, inconclusive (could not be read), or empty: a fact that is no verdict."""
    text: str
    """What was found."""


@dataclass(frozen=True, slots=True)
class Place:
    """One destination."""

    name: str
    """Canonical destination."""
    owner: str
    """Account and region."""
    approved: str
    """Under which name, or empty."""
    used_by: int
    """Flow logs that write there."""
    delivers: tuple[Fact, ...]
    """Whether delivery can work."""
    kept: tuple[Fact, ...]
    """How the logs are kept there."""


_KIND = {"s3": "bucket", "cloud-watch-logs": "log group", "kinesis-data-firehose": "delivery stream"}
_BAD_KEYS = ("Disabled", "PendingDeletion", "PendingReplicaDeletion", "PendingImport", "Unavailable", "absent")


def places(rows: Sequence[Row], flow_logs: Sequence[Row]) -> list[Place]:
    """Read the destinations table, with the roles that the flow logs deliver by."""
    roles: dict[str, dict[str | None, int]] = {}
    for log in flow_logs:
        of = roles.setdefault(log.get("log_destination") or "", {})
        of[log.get("deliver_role", "-")] = of.get(log.get("deliver_role", "-"), 0) + 1
    return [_place(row, roles.get(row["log_destination"], {})) for row in rows]


def _place(row: Row, roles: Mapping[str | None, int]) -> Place:
    return Place(
        row["log_destination"],
        f"{row['account_id']} {row['region']}",
        (row.get("approved_as") or "any") if row.get("approved") else "",
        len(row.get("flow_log_ids") or ()),
        tuple(_delivers(row, roles)),
        tuple(_kept(row)),
    )


def _told(label: str, value: Any, good: Any = (), bad: Any = (), word: str = "") -> Fact:
    """Judge one cell by the values that are good or bad; NULL is not read."""
    if value is None:
        return Fact(label, "inconclusive", "not read")
    status = "fail" if value in bad else "pass" if value in good else ""
    return Fact(label, status, word or plain(value))


def _delivers(row: Row, roles: Mapping[str | None, int]) -> Iterator[Fact]:
    kind = row["log_destination_type"]
    exists = row.get("exists")
    yield _told(_KIND.get(kind, "place"), exists, (True,), (False,), "exists" if exists else "does not exist")
    if exists is False:
        return
    if kind == "s3":
        yield _policy(row)
        if row.get("delivery_policy_width") == "wide":
            yield Fact("Policy width", "fail", "lets others write, too: it does not name whose logs")
    if kind == "kinesis-data-firehose":
        yield _told("Stream", row.get("delivery_stream_status"), ("ACTIVE",))
    for role, count in sorted(roles.items(), key=lambda one: str(one[0])):
        if role != "-":
            many = f" ({count} flow logs)" if count > 1 else ""
            words = {
                "works": "may deliver",
                "absent": "does not exist",
                "untrusted": "does not trust the flow logs service",
            }
            word = words.get(str(role), "lacks permissions") if role else "not read"
            status = "inconclusive" if role is None else "pass" if role == "works" else "fail"
            yield Fact("Role", status, word + many)
    if row.get("kms_key_id"):
        yield _told("Key", row.get("kms_key_state"), ("Enabled",), _BAD_KEYS)
        policy = row.get("kms_key_policy")
        yield _told(
            "Key policy",
            policy,
            ("allows",),
            ("refuses",),
            "lets the service use it" if policy == "allows" else "does not let the service use it",
        )


def _policy(row: Row) -> Fact:
    policy, refused = row.get("delivery_policy"), row.get("refused_accounts") or ()
    if policy == "refuses" and refused:
        return Fact(
            "Bucket policy",
            "fail",
            f"does not let {plain(list(refused)[:3])}{' and more' if len(refused) > 3 else ''} write",
        )  # room for three
    return _told(
        "Bucket policy",
        policy,
        ("allows",),
        ("refuses",),
        "lets every account write" if policy == "allows" else "does not let them write",
    )


def _kept(row: Row) -> Iterator[Fact]:
    kind = row["log_destination_type"]
    if row.get("exists") is False:
        return
    key = str(row.get("kms_key_id") or "").rsplit(":", 1)[-1]
    by = f" {row.get('kms_key_manager')}" if row.get("kms_key_manager") in ("AWS", "CUSTOMER") else ""
    yield _told(
        "Encryption", row.get("encryption"), (), ("none",), f"{row.get('encryption')}{by}{f' {key}' if key else ''}"
    )
    if kind != "kinesis-data-firehose":
        days = row.get("retention_days")
        yield _told("Kept", days, (), (), "never deleted" if days == NEVER else f"{plain(days)} days")
    if kind == "s3":
        owner, ours = row.get("owner_account_id"), row.get("owner_in_organization")
        yield _told("Owner", owner, (), (), f"{owner}{' outside the organization' if ours is False else ''}")
        yield _told("Versioning", row.get("versioning"))
        lock, locked = row.get("object_lock"), row.get("object_lock_days")
        yield _told("Object Lock", lock, (), (), f"{lock}{f', {plain(locked)} days' if locked else ''}")
        blocked = row.get("public_access_blocked")
        yield _told("Public access", blocked, (), (), "blocked" if blocked else "not blocked")
        if row.get("public"):
            yield Fact("Policy", "fail", "public")
        yield _told("Access log", row.get("access_logging"), (), (), "written" if row.get("access_logging") else "none")
    if kind == "cloud-watch-logs":
        yield _told("Class", row.get("log_group_class"))
    if kind == "kinesis-data-firehose":
        yield Fact("Ends in", "" if row.get("ends_in") else "inconclusive", plain(row.get("ends_in") or "not read"))
