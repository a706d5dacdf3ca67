"""What is to be scanned."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Wanted:
    """The scope, as auditkit.yaml and the command line say it."""

    role_name: str | None
    """The role to assume in every account; None: the caller's account alone."""
    external_id: str | None
    """The external id that the role asks for."""
    accounts: tuple[str, ...] | None
    """Account ids; None: all of the organization."""
    excluded: tuple[str, ...]
    """Account ids out of scope by configuration."""
    regions: tuple[str, ...] | None
    """Regions; None: those enabled in each account."""
    only_accounts: tuple[str, ...] = ()
    """Narrowing: of the accounts in scope, these."""
    only_regions: tuple[str, ...] = ()
    """Narrowing: of the regions in scope, these."""
    bucket_accounts: dict[str, str] = field(default_factory=dict)
    """Bucket → the account that owns it, where that is known: S3 is asked first whether it is so, with that account's
    credentials."""
    events_from: datetime | None = None
    """Since when CloudTrail is asked for flow logs made and deleted; None: it is not asked."""
    prefix_lists: tuple[str, ...] = ()
    """Ids and names of prefix lists whose entries are asked, beside those that rules and routes refer to."""
