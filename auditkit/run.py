"""The run directory: what each stage wrote, and with which inputs, so that a stage can be repeated anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditkit import __version__
from auditkit.model.assessment import Assessment
from auditkit.model.errors import AuditkitError

SCHEMA = "auditkit/run/1"


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

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Read a table; empty where the run has none of that name."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and only some commands read tables

        path = self.tables / f"{name}.parquet"
        out: list[dict[str, Any]] = pq.read_table(path).to_pylist(maps_as_pydicts="lossy") if path.exists() else []
        return out

    def table(self, name: str) -> Any:
        """Read a table into a pandas DataFrame.

        Raises:
            AuditkitError: the run has no such table; names those it has.
        """
        import pyarrow.parquet as pq  # noqa: PLC0415

        path = self.tables / f"{name}.parquet"
        if not path.exists():
            there = ", ".join(sorted(p.stem for p in self.tables.glob("*.parquet"))) or "none yet"
            raise AuditkitError(f"{self.path} has no table {name!r}", f"It has: {there}.")
        return pq.read_table(path).to_pandas()

    def take_inputs(self, config: Path, policies: Iterable[tuple[str, Path]], waivers: Path | None) -> None:
        """Copy what the assessment depends on.

        Args:
            config: auditkit.yaml; an empty one stands for a file that does not exist.
            policies: name of the copy and the policy file, in order.
            waivers: waivers.yaml, or None.
        """
        shutil.rmtree(self.inputs, ignore_errors=True)
        (self.inputs / "policies").mkdir(parents=True)
        if config.exists():
            shutil.copyfile(config, self.inputs / "auditkit.yaml")
        else:
            write_text(self.inputs / "auditkit.yaml", "{}\n")
        for name, path in policies:
            write_text(self.inputs / "policies" / name, path.read_text(encoding="utf-8"))
        if waivers is not None:
            shutil.copyfile(waivers, self.inputs / "waivers.yaml")

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


def write_text(path: Path, text: str) -> None:
    """Write a file at once and whole."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file at once and whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
