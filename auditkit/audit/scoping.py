"""What is in scope: accounts, regions and days, as auditkit.yaml and the command line say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from auditkit import inventory
from auditkit.audit import feeding, lines, saved
from auditkit.audit.inputs import Inputs
from auditkit.audit.options import Narrowing
from auditkit.config.schema import Config, Exclusion
from auditkit.inventory.interfaces import Batch
from auditkit.model.errors import AuditkitError, NothingInScope
from auditkit.model.inventory import Call, Inventory
from auditkit.model.records import LogObject
from auditkit.policy import prefix_lists
from auditkit.run import iso
from auditkit.sources import Meter, Source
from auditkit.sources.local import Local

LATE = timedelta(minutes=15)
"""Records that start before midnight end, and lie, in objects of the next minutes."""
_ENTERING = ("AssumeRole", "GetCallerIdentity")
HISTORY = timedelta(days=90)
"""What CloudTrail's event history holds (CloudTrail user guide, Working with CloudTrail event history)."""


@dataclass(frozen=True)
class Days:
    """The period, and where its records lie."""

    start: datetime
    """UTC."""
    end: datetime
    """Exclusive."""

    def days(self, as_of: datetime) -> list[date]:
        """The UTC days whose objects may hold records of the period."""
        last = min(self.end + LATE, as_of)
        out, day = [], self.start.date()
        while datetime(day.year, day.month, day.day, tzinfo=UTC) < last:
            out.append(day)
            day += timedelta(days=1)
        return out

    def holds(self, obj: LogObject) -> bool:
        """Tell whether an object may hold records of it; of lines without a header, their own source has told."""
        return obj.carrier == "lines" or obj.slot < self.end + LATE

    def check(self, now: datetime, *, interim: bool) -> None:
        """Refuse a period that cannot be audited.

        Raises:
            AuditkitError: it is still to come, or has not ended and no interim result is wanted.
        """
        if self.start >= now:
            raise AuditkitError(
                f"the period begins on {iso(self.start)}, after what there is to audit",
                "Name an earlier one with --period.",
            )
        if self.end > now and not interim:
            raise AuditkitError(
                f"the period ends on {iso(self.end)}, which is still to come",
                "Pass --interim to audit what there is so far; the report will say so.",
            )


@dataclass(frozen=True)
class Scoping:
    """What one configuration, with its narrowing, puts in scope."""

    inputs: Inputs
    """Configuration, controls, waivers."""
    narrowing: Narrowing
    """Flags."""
    now: Callable[[], datetime]
    """The clock."""
    _entered: set[str] = field(default_factory=set)
    """Accounts whose credentials can be had."""

    @property
    def config(self) -> Config:
        """auditkit.yaml."""
        return self.inputs.config

    @cached_property
    def clock(self) -> datetime:
        """Now; for a saved snapshot, when it was collected."""
        given = self.config.model.snapshot
        return self.now() if given is None else saved.as_of(self.config.local(given))

    def period(self) -> tuple[datetime, datetime]:
        """Start and exclusive end; without a period in auditkit.yaml, the last whole UTC day."""
        if self.config.period is not None:
            return self.config.period
        end = self.clock.replace(hour=0, minute=0, second=0, microsecond=0)
        return end - timedelta(days=1), end

    def exclusions(self) -> list[Exclusion]:
        """Those in force; an expired exclusion brings its account back."""
        today = self.clock.date()
        return [e for e in self.config.model.organization.exclude if e.approved_on <= today < e.expires]

    def wanted(self) -> Any:
        """The scope, as scanning takes it; CloudTrail is asked for what of the period its event history still has."""
        from auditkit.scan import Wanted  # noqa: PLC0415 - boto3 is heavy, and a saved snapshot does without

        organization = self.config.model.organization
        return Wanted(
            role_name=organization.role_name,
            external_id=organization.external_id,
            accounts=None if organization.accounts == "all" else tuple(organization.accounts),
            excluded=tuple(e.account for e in self.exclusions()),
            regions=None if self.config.model.regions == "enabled" else tuple(self.config.model.regions),
            only_accounts=self.narrowing.accounts,
            only_regions=self.narrowing.regions,
            bucket_accounts=self.owners(),
            events_from=self._events_from(),
            prefix_lists=prefix_lists(self.inputs.controls),
        )

    def _events_from(self) -> datetime | None:
        start, end = self.period()
        oldest = self.clock - HISTORY
        return max(start, oldest) if end > oldest else None

    def scoped(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Return a snapshot's meta that says who is excluded, by whom and why, and leaves them out of the scope."""
        excluded = [e.model_dump(mode="json") for e in self.exclusions()]
        out = {e["account"] for e in excluded}
        scope = meta.get("scope", {})
        model = self.config.model
        everybody = model.organization.accounts == "all"
        accounts = list(scope.get("accounts", []) if everybody else model.organization.accounts)
        if everybody:
            # An account that was left out when the snapshot was made, and is not any more, is in scope and not read.
            accounts += [e["account"] for e in scope.get("excluded", []) if e["account"] not in out]
        accounts = sorted({a for a in accounts if a not in out})
        asked = scope.get("regions", {})
        regions = {
            a: sorted(asked.get(a, [])) if model.regions == "enabled" else sorted(model.regions) for a in accounts
        }
        return {**meta, "scope": {**scope, "excluded": excluded, "accounts": accounts, "regions": regions}}

    def estate(self, meta: dict[str, Any], calls: Iterable[Call | Batch]) -> Inventory:
        """Read a snapshot.

        Raises:
            NothingInScope: no account is left, or one or a region that was named is not in it.
        """
        estate = inventory.read(meta, self._watched(calls), self.inputs.approved)
        there = {a.account_id for a in estate.accounts if a.status == "in_scope"}
        if not there or not there.issuperset(self.narrowing.accounts):
            strange = ", ".join(sorted(set(self.narrowing.accounts) - there))
            raise NothingInScope(
                f"no account {strange} is in scope" if strange else "no account is in scope",
                "Look at organization: and at --account.",
            )
        regions = {r for some in estate.regions.values() for r in some}
        if regions and not regions.issuperset(self.narrowing.regions):
            strange = ", ".join(sorted(set(self.narrowing.regions) - regions))
            raise NothingInScope(f"no region {strange} is in scope", "Look at regions: and at --region.")
        return estate

    def sources(
        self,
        estate: Inventory,
        session: Callable[[], Any],
        days: Days | None = None,
        meter: Meter | None = None,
    ) -> list[Source]:
        """Return the sources that hold the log objects.

        Args:
            estate: with the flow logs.
            session: makes the AWS session.
            days: the period; as auditkit.yaml says it, unless given.
            meter: is told of what comes without having been announced; by default nothing may come.

        Raises:
            AuditkitError: a flow log that auditkit.yaml names for lines without a header is not known.
        """
        records = self.config.model.records
        out: list[Source] = []
        if records.local:
            out.append(Local(self.config.local(one) for one in records.local))
        out += lines.sources(self, estate, session)
        if "s3" in records.sources and self.config.model.snapshot is None and (places := self._places(estate)):
            from auditkit.scan import s3_clients  # noqa: PLC0415 - boto3 again
            from auditkit.sources.s3 import S3, Place  # noqa: PLC0415

            clients = s3_clients(session(), self.wanted(), now=self.now)
            out.append(S3(clients, [Place(*place) for place in sorted(places)]))
        groups = "cloud-watch-logs" in records.sources and records.mode != "none"  # streams alone tell nothing of a day
        if groups and self.config.model.snapshot is None:
            period = days or Days(*self.period())
            out += feeding.sources(self, estate, session, (period.start, period.end), meter or Meter(-1))
        return out

    def reader(self, account_id: str, owner: str) -> str:
        """Return the account whose credentials read a bucket: its owner's where they can be had, else the flow logs'."""
        return owner if owner in self._entered else account_id

    def holds(self, obj: LogObject) -> bool:
        """Tell whether the narrowing leaves an object."""
        return self.narrowing.place(obj.account_id, obj.region)

    def shown(self, uri: str) -> str:
        """A local path as seen from auditkit.yaml, so that a run says the same wherever it was made."""
        folder = f"{self.config.path.parent}/"
        return uri.removeprefix("./").removeprefix(folder if folder != "./" else "")

    def owners(self) -> dict[str, str]:
        """Bucket → account that owns it, as auditkit.yaml says."""
        return {d.bucket: d.account for d in self.config.model.destinations.values() if d.bucket and d.account}

    def _places(self, estate: Inventory) -> set[tuple[str, str, str, str, str, str]]:
        """Bucket, prefix, flow log account, region, account that reads, and owner where it is known."""
        absent = {d.log_destination for d in estate.destinations if d.exists is False}
        proven = {
            d.log_destination.removeprefix("s3://").partition("/")[0]: d.owner_account_id
            for d in estate.destinations
            if d.log_destination_type == "s3" and d.owner_account_id
        }
        owners = self.owners() | proven
        out = set()
        for log in estate.flow_logs:
            if not log.bucket or log.log_destination in absent or not self.narrowing.place(log.account_id, log.region):
                continue
            owner = owners.get(log.bucket, "")
            reader = self.reader(log.account_id, owner)
            out.add((log.bucket, log.prefix, log.account_id, log.region, reader, owner))
        return out

    def _watched(self, calls: Iterable[Call | Batch]) -> Iterator[Call | Batch]:
        for call in calls:
            if isinstance(call, Call) and call.operation in _ENTERING and call.answer:
                self._entered.add(call.account_id)
            yield call
