"""The run directory: what each stage wrote, and with which inputs, so that a stage can be repeated anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from auditkit import __version__
from auditkit.lock import held
from auditkit.model.assessment import Assessment
from auditkit.model.errors import AuditkitError

SCHEMA = "auditkit/run/1"
PARTIAL = ".partial"
"""Ends the name of what is being written; found without its writer, it is left over and goes."""

P = ParamSpec("P")
T = TypeVar("T")


def iso(moment: datetime) -> str:
    """Write a time as everywhere in a run: 2026-07-01T00:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Read what `iso` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True)
class Run:
    """One run directory."""

    path: Path
    """Where it lies."""

    @property
    def snapshot(self) -> Path:
        """What AWS answered."""
        return self.path / "snapshot"

    @property
    def kept(self) -> Path:
        """The log objects read."""
        return self.path / "records" / "kept"

    @property
    def index(self) -> Path:
        """Each log object in scope, read or not."""
        return self.path / "records" / "index.parquet"

    @property
    def tables(self) -> Path:
        """The tables."""
        return self.path / "tables"

    @property
    def reports(self) -> Path:
        """The documents."""
        return self.path / "reports"

    @property
    def inputs(self) -> Path:
        """Copies of auditkit.yaml, policies and waivers, so that the assessment can be repeated."""
        return self.path / "inputs"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one who writes; what a killed process has left half written goes.

        Raises:
            AuditkitError: another process is writing.
        """
        with held(self.path) as died:
            if died:
                self.sweep()
            yield

    def sweep(self) -> None:
        """Remove what a process that ended early has left half written; the lock is held."""
        for path in [*self.path.rglob(f"*{PARTIAL}"), self.path / "tmp"]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    @property
    def state(self) -> dict[str, Any]:
        """run.json, or empty where there is none yet.

        Raises:
            AuditkitError: it is damaged, or of another version.
        """
        path = self.path / "run.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise AuditkitError(f"{path} is damaged: {error}", "Start again in another directory with -o.") from None
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise AuditkitError(f"{path} is not an {SCHEMA}", "It may come from another version of auditkit.")
        return data

    def note(self, **facts: Any) -> None:
        """Add to run.json, at once and whole."""
        self.path.mkdir(parents=True, exist_ok=True)
        state = {"schema": SCHEMA, "tool": {"name": "auditkit", "version": __version__}, **self.state, **facts}
        write_text(self.path / "run.json", json.dumps(state, indent=1, sort_keys=True) + "\n")

    def done(self, stage: str) -> bool:
        """Tell whether a stage has ended well."""
        return stage in self.state.get("done", ())

    def mark(self, stage: str) -> None:
        """Say that a stage has ended well; what comes after it has to be done anew."""
        order = ("collect", "assess", "report")
        self.note(done=[s for s in order[: order.index(stage)] if self.done(s)] + [stage])

    def check_whole(self) -> None:
        """Refuse to judge anew what has let go of log objects that it read: it would be judged by less.

        Raises:
            AuditkitError: it has.
        """
        removed = self.state.get("removed")
        if removed:
            raise AuditkitError(
                f"{self.path} cannot be assessed again: {removed['objects']:,} of the {removed['of']:,} log objects "
                f"that it read were not kept ({removed['by']})",
                "What was assessed and written stands. To judge by other policies or flags, collect again into another "
                "directory with -o.",
            )

    def assessment(self) -> Assessment:
        """Read assessment.json.

        Raises:
            AuditkitError: there is none, or it is damaged.
        """
        path = self.path / "assessment.json"
        if path.exists() and not self.done("assess"):
            raise AuditkitError(
                f"{path} is older than the run's inputs: assessing was begun again and did not end",
                f"Run `auditkit assess {self.path}` again.",
            )
        try:
            return Assessment.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AuditkitError(
                f"{self.path} has no assessment.json", f"Run `auditkit assess {self.path}` first."
            ) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise AuditkitError(f"{path} is damaged: {error}", f"Run `auditkit assess {self.path}` again.") from None

    def rows(
        self, name: str, keep: Sequence[tuple[str, str, Any]] = (), limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Read a table; empty where the run has none of that name.

        Args:
            name: of the table.
            keep: conditions that all hold: column, operator (==, !=, in), value.
            limit: so many rows at most.
        """
        import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and only some commands read tables

        path = self.tables / f"{name}.parquet"
        if not path.exists():
            return []
        table = pq.read_table(path, filters=list(keep) or None)
        out: list[dict[str, Any]] = table.slice(0, limit).to_pylist(maps_as_pydicts="lossy")
        return out

    def take_inputs(self, config: Path, policies: Iterable[tuple[str, Path]], waivers: Path | None) -> None:
        """Copy what the assessment depends on, all of it or nothing.

        Args:
            config: auditkit.yaml; an empty one stands for a file that does not exist.
            policies: name of the copy and the policy file, in order.
            waivers: waivers.yaml, or None.
        """
        fresh = self.inputs.with_name(f"inputs{PARTIAL}")
        shutil.rmtree(fresh, ignore_errors=True)
        (fresh / "policies").mkdir(parents=True)
        if config.exists():
            shutil.copyfile(config, fresh / "auditkit.yaml")
        else:
            write_text(fresh / "auditkit.yaml", "{}\n")
        for name, path in policies:
            write_text(fresh / "policies" / name, path.read_text(encoding="utf-8"))
        if waivers is not None:
            shutil.copyfile(waivers, fresh / "waivers.yaml")
        if _contents(fresh) == _contents(self.inputs):
            shutil.rmtree(fresh)
            return
        if self.done("collect"):
            try:
                self.check_whole()  # before the result that stands is given up for one that cannot be made
            except AuditkitError:
                shutil.rmtree(fresh)
                raise
            self.mark("collect")  # what was judged by the old ones is no longer this run's result
        # Whole or missing at any moment: with half of the policies a run would pass what it should not.
        old = self.inputs.with_name(f"inputs.old{PARTIAL}")
        if self.inputs.exists():
            shutil.rmtree(old, ignore_errors=True)
            self.inputs.rename(old)
        fresh.rename(self.inputs)
        shutil.rmtree(old, ignore_errors=True)

    def policy_files(self) -> Iterator[Path]:
        """The copies of the policies."""
        yield from sorted(path for path in (self.inputs / "policies").iterdir() if path.is_file())


def open_run(path: Path) -> Run:
    """Open a run that exists.

    Raises:
        AuditkitError: there is none.
    """
    run = Run(path)
    if not run.state:
        raise AuditkitError(f"{path} is not a run", "Name the directory that `auditkit audit -o` wrote.")
    return run


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def writes(stage: Callable[Concatenate[Run, P], T]) -> Callable[Concatenate[Run, P], T]:
    """Let a stage hold the lock of the run that it writes."""

    @wraps(stage)
    def locked(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with run.lock():
            return stage(run, *args, **kwargs)

    return locked


def write_text(path: Path, text: str) -> None:
    """Write a file at once and whole."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file at once and whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    partial.write_bytes(data)
    partial.replace(path)
