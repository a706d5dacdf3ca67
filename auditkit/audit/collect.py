"""Collect: AWS, or a saved snapshot, and log objects → the run. After it nothing needs AWS."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from auditkit import inventory, snapshot
from auditkit.audit.inputs import Inputs, save_inputs
from auditkit.audit.options import EVERYTHING, Narrowing, Tick, silent
from auditkit.config.schema import Config, Exclusion
from auditkit.engines.duckdb import write_parquet
from auditkit.model.errors import AuditkitError, NothingInScope
from auditkit.model.inventory import Inventory, Unread
from auditkit.model.records import LogObject
from auditkit.run import Run, iso, parse_time
from auditkit.sources import Source, SourceError
from auditkit.sources.local import Local

_FETCHERS = 8
"""Objects fetched at once."""
LATE = timedelta(minutes=15)
"""Records that start before midnight end, and lie, in objects of the next minutes."""
INDEX = pa.schema([
    ("uri", pa.string()), ("key", pa.string()), ("account_id", pa.string()), ("region", pa.string()), ("flow_log_id", pa.string()),
    ("slot", pa.timestamp("us", tz="UTC")), ("size", pa.int64()), ("etag", pa.string()), ("version_id", pa.string()),
    ("last_modified", pa.timestamp("us", tz="UTC")), ("sha256", pa.string()), ("kept", pa.string()), ("status", pa.string()), ("error", pa.string()),
])  # fmt: skip
"""records/index.parquet: each log object in scope. status: read, unread or listed (records.mode: none)."""


@dataclass(frozen=True)
class Collector:
    """Everything that collecting needs; the session and the clock are handed in."""

    run: Run
    """Where to."""
    inputs: Inputs
    """Configuration, controls, waivers."""
    narrowing: Narrowing = EVERYTHING
    """Flags."""
    interim: bool = False
    """The period may not have ended yet."""
    session: Callable[[], Any] | None = None
    """Makes the AWS session; not called for a saved snapshot with local logs."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The clock."""
    tick: Tick = silent
    """Progress."""
    _taken: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """auditkit.yaml."""
        return self.inputs.config

    def collect(self) -> None:
        """Collect, or do nothing where this run has been collected with the same configuration.

        Raises:
            AuditkitError: the run belongs to another configuration; the period has not ended; AWS knows no caller.
            NothingInScope: nothing is left to audit.
        """
        wanted = {
            "config_sha256": self.config.sha256,
            "narrowed": self.narrowing.as_json(),
            "period": self._period_text(),
        }
        state = self.run.state
        if state and state.get("options") != wanted:
            raise AuditkitError(
                f"{self.run.path} was begun with another auditkit.yaml, period or narrowing",
                "Name another directory with -o, or go back to what it was begun with.",
            )
        if self.run.done("collect"):
            return
        self._check_period()
        self.run.note(
            options=wanted,
            started=state.get("started", iso(self.now())),
            interim=self.interim,
            period=self._period_text(),
            done=[],
        )
        save_inputs(self.run, self.inputs)
        meta = self._snapshot()
        estate = inventory.read(meta, snapshot.read_calls(self.run.snapshot), self.inputs.approved)
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
        self._records(estate)
        self.run.note(as_of=meta["as_of"], identity=meta.get("identity", {}))
        self.run.mark("collect")

    def period(self) -> tuple[datetime, datetime]:
        """Start and exclusive end; without a period in auditkit.yaml, the last whole UTC day."""
        if self.config.period is not None:
            return self.config.period
        end = self._clock().replace(hour=0, minute=0, second=0, microsecond=0)
        return end - timedelta(days=1), end

    def _period_text(self) -> dict[str, str]:
        if saved := self.run.state.get("period"):
            return dict(saved)
        start, end = self.period()
        return {"start": iso(start), "end": iso(end)}

    def _clock(self) -> datetime:
        """Now; for a saved snapshot, when it was collected."""
        if self.config.model.snapshot is None:
            return self.now()
        return parse_time(snapshot.read_meta(self.config.local(self.config.model.snapshot))["as_of"])

    def _check_period(self) -> None:
        start, end = (parse_time(self._period_text()[key]) for key in ("start", "end"))
        if start >= self._clock():
            raise AuditkitError(
                f"the period begins on {iso(start)}, after what there is to audit", "Name an earlier one with --period."
            )
        if end > self._clock() and not self.interim:
            raise AuditkitError(
                f"the period ends on {iso(end)}, which is still to come",
                "Pass --interim to audit what there is so far; the report will say so.",
            )

    def _snapshot(self) -> dict[str, Any]:
        """Scan AWS, or copy the saved snapshot."""
        saved = self.config.model.snapshot
        if saved is not None:
            source = self.config.local(saved)
            meta = snapshot.read_meta(source)
            shutil.copytree(source, self.run.snapshot, dirs_exist_ok=True)
            return self._scoped(meta)
        from auditkit.scan import scan  # noqa: PLC0415 - boto3 is heavy, and a saved snapshot does without

        def keep(calls: list[Any]) -> None:
            if calls:
                snapshot.write_calls(self.run.snapshot / snapshot.path_of(calls[0]), calls)

        meta = scan(self._session(), self._wanted(), keep, self.tick, now=self.now)
        return self._scoped(meta)

    def _exclusions(self) -> list[Exclusion]:
        """Those in force; an expired exclusion brings its account back."""
        today = self._clock().date()
        return [e for e in self.config.model.organization.exclude if e.approved_on <= today < e.expires]

    def _scoped(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Note who is excluded, by whom and why, and leave them out of the scope."""
        excluded = [e.model_dump(mode="json") for e in self._exclusions()]
        out = {e["account"] for e in excluded}
        scope = meta.get("scope", {})
        model = self.config.model
        accounts = (
            list(scope.get("accounts", []))
            if model.organization.accounts == "all"
            else list(model.organization.accounts)
        )
        # An account that was left out when the snapshot was made, and is not any more, is in scope and not read.
        accounts += [
            e["account"]
            for e in scope.get("excluded", [])
            if model.organization.accounts == "all" and e["account"] not in out
        ]
        accounts = sorted({a for a in accounts if a not in out})
        asked = scope.get("regions", {})
        regions = {
            a: sorted(asked.get(a, [])) if model.regions == "enabled" else sorted(model.regions) for a in accounts
        }
        scope = {**scope, "excluded": excluded, "accounts": accounts, "regions": regions}
        snapshot.write_meta(self.run.snapshot, {**meta, "scope": scope})
        return snapshot.read_meta(self.run.snapshot)

    def _session(self) -> Any:
        if self.session is None:
            raise AuditkitError("no AWS session was handed in")
        return self.session()

    def _wanted(self) -> Any:
        from auditkit.scan import Wanted  # noqa: PLC0415 - as above

        organization = self.config.model.organization
        return Wanted(
            role_name=organization.role_name,
            external_id=organization.external_id,
            accounts=None if organization.accounts == "all" else tuple(organization.accounts),
            excluded=tuple(e.account for e in self._exclusions()),
            regions=None if self.config.model.regions == "enabled" else tuple(self.config.model.regions),
            only_accounts=self.narrowing.accounts,
            only_regions=self.narrowing.regions,
            bucket_accounts={
                d.bucket: d.account for d in self.config.model.destinations.values() if d.bucket and d.account
            },
        )

    # -- log objects ---------------------------------------------------------------------------------------------

    def days(self, as_of: datetime) -> list[date]:
        """The UTC days whose objects may hold records of the period."""
        start, end = (parse_time(self._period_text()[key]) for key in ("start", "end"))
        last = min(end + LATE, as_of)
        out, day = [], start.date()
        while datetime(day.year, day.month, day.day, tzinfo=UTC) < last:
            out.append(day)
            day += timedelta(days=1)
        return out

    def _records(self, estate: Inventory) -> None:
        unread: list[Unread] = []
        listed: list[tuple[Source, LogObject]] = []
        end = parse_time(self._period_text()["end"]) + LATE
        for source in self._sources(estate):
            for obj in source.list(self.days(estate.as_of), unread.append):
                if obj.slot < end and self.narrowing.place(obj.account_id, obj.region):
                    listed.append((source, obj))
                    if len(listed) % 1000 == 0:
                        self.tick("log objects listed", len(listed), 0)
        listed.sort(key=lambda one: (one[1].uri, one[1].version_id))
        self._check_budget([obj for _, obj in listed])
        named = [(source, obj, self._kept_name(obj)) for source, obj in listed]
        # Waiting for S3 is worth threads; copying files is not.
        away = any(not isinstance(source, Local) for source, _ in listed)
        with ThreadPoolExecutor(_FETCHERS if away else 1) as pool:
            fetched = pool.map(lambda one: self._fetch(*one), named)
            rows = [self._told(row, at, len(listed)) for at, row in enumerate(fetched, 1)]
        write_parquet(pa.Table.from_pylist(rows, INDEX), self.run.index)
        self.run.note(
            unlisted=[
                _unread_json(u) for u in sorted(unread, key=lambda u: (u.account_id, u.region, u.resource, u.call))
            ]
        )

    def _sources(self, estate: Inventory) -> Iterator[Source]:
        records = self.config.model.records
        if records.local:
            yield Local(self.config.local(one) for one in records.local)
        if "s3" in records.sources and self.config.model.snapshot is None:
            from auditkit.scan import s3_clients  # noqa: PLC0415 - boto3 again
            from auditkit.sources.s3 import S3  # noqa: PLC0415

            absent = {d.log_destination for d in estate.destinations if d.exists is False}
            owners = {d.bucket: d.account for d in self.config.model.destinations.values() if d.bucket and d.account}
            wanted = sorted(
                {
                    (log.bucket, log.prefix, log.account_id, log.region, owners.get(log.bucket, log.account_id))
                    for log in estate.flow_logs
                    if log.bucket
                    and log.log_destination not in absent
                    and self.narrowing.place(log.account_id, log.region)
                }
            )
            if wanted:
                yield S3(s3_clients(self._session(), self._wanted(), now=self.now), tuple(wanted))

    def _check_budget(self, objects: list[LogObject]) -> None:
        budget, mode = self.config.model.records.budget, self.config.model.records.mode
        size = sum(obj.size for obj in objects)
        if mode != "none" and (len(objects) > budget.objects or size > budget.bytes):
            raise AuditkitError(
                f"reading {len(objects):,} log objects of {size:,} bytes is over the budget of {budget.objects:,} objects and {budget.bytes:,} bytes",
                "Raise records.budget in auditkit.yaml, shorten the period, or set records.mode: none. Nothing was read.",
            )

    def _told(self, row: dict[str, Any], at: int, total: int) -> dict[str, Any]:
        if at % 100 == 0 or at == total:
            self.tick("log objects read", at, total)
        return row

    def _fetch(self, source: Source, obj: LogObject, kept: str) -> dict[str, Any]:
        row = {name: getattr(obj, name, "") for name in INDEX.names}
        row |= {"uri": self._shown(obj.uri), "sha256": "", "kept": "", "status": "listed", "error": ""}
        if self.config.model.records.mode == "none":
            return row
        try:
            got = source.fetch(obj, self.run.kept / kept)
        except SourceError as error:
            row |= {"status": "unread", "error": error.unread.error}
        else:
            row |= {
                "status": "read",
                "kept": kept,
                "sha256": got.sha256,
                "etag": got.etag or obj.etag,
                "version_id": got.version_id or obj.version_id,
            }
        return row

    def _shown(self, uri: str) -> str:
        """A local path as seen from auditkit.yaml, so that a run says the same wherever it was made."""
        folder = f"{self.config.path.parent}/"
        return uri.removeprefix("./").removeprefix(folder if folder != "./" else "")

    def _kept_name(self, obj: LogObject) -> str:
        """Where the copy goes: made of parts that the layout has checked, never of the key as it came."""
        name = f"{obj.account_id}/{obj.region}/{obj.slot:%Y/%m/%d}/{obj.filename}"
        at = 1
        while self._taken.get(name, obj.uri) != obj.uri:
            at += 1
            name = f"{obj.account_id}/{obj.region}/{obj.slot:%Y/%m/%d}/{at}-{obj.filename}"
        self._taken[name] = obj.uri
        return name


def _unread_json(unread: Unread) -> dict[str, str]:
    return {name: getattr(unread, name) for name in unread.__dataclass_fields__}
