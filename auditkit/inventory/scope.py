"""What was asked: snapshot.json's identity, clock and scope, checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditkit.inventory.answers import EC2_BEGAN, instant
from auditkit.model.errors import AuditkitError

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-iso-", "aws-iso"),
    ("eusc-", "aws-eusc"),
)
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
_HINT = "snapshot.json was not written by `auditkit collect`, or was changed since. Collect again."


@dataclass(frozen=True, slots=True)
class Scope:
    """What was asked, by whom, and when."""

    as_of: datetime
    """When collecting ended."""
    accounts: tuple[str, ...]
    """Accounts in scope, sorted."""
    regions: dict[str, tuple[str, ...]]
    """Account in scope → regions asked, sorted."""
    excluded: dict[str, dict[str, str]]
    """Account excluded → reason, owner, approved_by, approved_on, expires."""
    identity: dict[str, str]
    """account_id, arn, endpoint, provenance."""

    @property
    def partition(self) -> str:
        """aws, aws-cn, aws-us-gov: as in the caller's ARN; where nobody knows who asked, as the regions' names say."""
        parts = self.identity["arn"].split(":")
        if len(parts) > 1 and parts[1]:
            return parts[1]
        asked = {region for regions in self.regions.values() for region in regions}
        return next((partition for prefix, partition in _PARTITIONS if any(r.startswith(prefix) for r in asked)), "aws")


def scope(meta: dict[str, Any]) -> Scope:
    """Read the scope of a snapshot.

    Raises:
        AuditkitError: snapshot.json lacks something, or has it in another shape.
    """
    as_of = instant(meta.get("as_of"))
    if as_of is None or not EC2_BEGAN <= as_of < _NEVER:
        raise AuditkitError(f"snapshot.json: as_of is {meta.get('as_of')!r}, not a time", _HINT)
    asked = _structure(meta, "scope")
    accounts = _ids(asked.get("accounts"), "scope.accounts")
    regions = _structure(asked, "regions")
    return Scope(
        as_of=as_of,
        accounts=accounts,
        regions={account: _ids(regions.get(account, []), f"scope.regions[{account}]") for account in accounts},
        excluded=_excluded(asked.get("excluded") or []),
        identity=_identity(meta),
    )


def _structure(meta: dict[str, Any], key: str) -> dict[str, Any]:
    value = meta.get(key) or {}
    if not isinstance(value, dict):
        raise AuditkitError(f"snapshot.json: {key} is not a mapping", _HINT)
    return value


def _ids(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
        raise AuditkitError(f"snapshot.json: {key} is not a list of texts", _HINT)
    return tuple(sorted(set(value)))


def _excluded(value: object) -> dict[str, dict[str, str]]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, dict) for one in value):
        raise AuditkitError("snapshot.json: scope.excluded is not a list of mappings", _HINT)
    return {
        str(one["account"]): {str(key): str(word) for key, word in one.items() if word is not None}
        for one in value
        if one.get("account")
    }


def _identity(meta: dict[str, Any]) -> dict[str, str]:
    identity = _structure(meta, "identity")
    words = {key: str(identity.get(key) or "") for key in ("account_id", "arn", "endpoint")}
    return words | {"provenance": str(meta.get("provenance") or "")}
