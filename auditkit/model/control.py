"""A control selects the rows of one table that break it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from auditkit.model.condition import TRUE, Condition

SEVERITIES = ("critical", "high", "medium", "low", "info")
"""From worst."""
STATUSES = ("fail", "inconclusive", "excepted", "pass", "not_applicable")
"""From worst."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a control means to a framework."""

    framework: str
    """Name and version: pci-dss-4.0.1."""
    id: str
    """The framework's own number, as text."""
    strength: str
    """direct, supporting or weak."""
    source: str = ""
    """Where the mapping was read."""


@dataclass(frozen=True, slots=True)
class Having:
    """A threshold on a group."""

    measure: str
    """bytes, packets, flows, or distinct."""
    op: str
    """gt or ge."""
    threshold: int
    """Bytes, packets, flows or distinct values."""
    per: str
    """1h, 1d or period."""
    column: str = ""
    """For distinct, the column counted."""


@dataclass(frozen=True, slots=True)
class Control:
    """One rule."""

    id: str
    """The same everywhere: YAML, SARIF rule, docs anchor, test assets."""
    title: str
    """What holds when it passes."""
    severity: str
    """One of SEVERITIES."""
    table: str
    """The table whose rows it judges."""
    fail_where: Condition
    """TRUE: breaks the control."""
    where: Condition = TRUE
    """The rows it is about."""
    group_by: tuple[str, ...] = ()
    """One finding per group."""
    having: Having | None = None
    """Threshold on the group."""
    tolerance: str = "rate"
    """rate (of auditkit.yaml) or zero."""
    rationale: str = ""
    """Why it matters."""
    remediation: str = ""
    """What closes a finding."""
    undecidable_when: str = ""
    """When it is inconclusive, in words."""
    frameworks: tuple[Mapping, ...] = ()
    """What it means to frameworks."""
    monitor: bool = False
    """A live alarm must exist for it."""
    where_text: str = ""
    """`where` as written, for people."""
    fail_where_text: str = ""
    """`fail_where` as written, for people."""
    file: str = ""
    """The file it came from."""
    line: int = 0
    """And its line."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted finding, with an end."""

    control: str
    """Control id."""
    resource: str
    """Resource id, ARN, or a glob over them."""
    reason: str
    """Why it is accepted."""
    owner: str
    """Who asked."""
    approved_by: str
    """Who approved: somebody else."""
    approved_on: date
    """When."""
    expires: date
    """First day on which it no longer counts; at most 366 days after approved_on."""
    ticket: str = ""
    """Where it is discussed."""
    account: str = ""
    """Only in this account; empty for any. Names of functions, services and clusters are unique only per account."""
    region: str = ""
    """Only in this region; empty for any."""
    file: str = ""
    """The file it came from."""
    line: int = 0
    """And its line."""

    def covers(self, control_id: str, account_id: str, region: str, *resources: str) -> bool:
        """Tell whether the waiver speaks of this finding's control, place and resource (by id or ARN)."""
        if self.control != control_id or self.account not in ("", account_id) or self.region not in ("", region):
            return False
        return any(one and fnmatchcase(one, self.resource) for one in resources)
