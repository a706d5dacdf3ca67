"""All flows of a collected run, rebuilt from what it kept, to be looked at."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from auditkit.audit.flows import Flows
from auditkit.audit.inputs import Inputs, saved_inputs
from auditkit.audit.options import EVERYTHING, Narrowing, Tick, silent
from auditkit.engines.duckdb import DuckDB
from auditkit.model.addresses import Networks
from auditkit.model.errors import AuditkitError
from auditkit.model.garbage import no_search
from auditkit.run import Run


@dataclass(frozen=True)
class Rebuilt:
    """The flows of a run."""

    engine: DuckDB
    """Holds flow_records and interface_days."""
    networks: Networks
    """The networks of the run."""


def ready(run: Run) -> Inputs:
    """Tell that all flows of a run can be rebuilt.

    Returns:
        the run's configuration, controls and waivers.

    Raises:
        AuditkitError: the run was not collected, or its log objects were not read or not kept.
    """
    if not run.done("collect"):
        raise AuditkitError(
            f"{run.path} has not been collected whole", f"Run `auditkit audit -o {run.path}` to go on with it."
        )
    _check_kept(run)
    return saved_inputs(run)


@contextmanager
def rebuilt(run: Run, inputs: Inputs, narrowing: Narrowing = EVERYTHING, tick: Tick = silent) -> Iterator[Rebuilt]:
    """Rebuild all flows of a run; nothing is written into it.

    Args:
        run: collected.
        inputs: as `ready` gave them.
        narrowing: accounts and regions whose flows are wanted.
        tick: progress.
    """
    with (
        tempfile.TemporaryDirectory(prefix="auditkit-") as folder,
        Flows(run, inputs, EVERYTHING, tick, Path(folder) / "tmp") as flows,
        no_search(),
    ):
        derived = flows.derive(flows.arriving())
        # The far side may lie in an account that is not asked for: it is found first, and narrowed then.
        flows.engine.narrow(narrowing.accounts, narrowing.regions)
        yield Rebuilt(flows.engine, derived.networks)


def sampled(inputs: Inputs) -> bool:
    """Tell whether only some log objects were drawn to be read."""
    return str(inputs.config.model.records.mode) == "random"


def _check_kept(run: Run) -> None:
    index = pq.read_table(run.index, columns=["status", "kept"])
    pairs = list(zip(index["status"].to_pylist(), index["kept"].to_pylist(), strict=True))
    counts = Counter(status for status, _ in pairs)
    if counts["listed"] and not counts["read"]:
        raise AuditkitError(
            f"the log objects of {run.path} were listed, not read (records.mode: none)",
            "Collect again into another directory, with records.mode: all in auditkit.yaml.",
        )
    lost = sum(status == "read" and not (kept and (run.kept / kept).is_file()) for status, kept in pairs)
    if lost:
        removed = run.state.get("removed")
        why = f" ({removed['by']})" if isinstance(removed, dict) and "by" in removed else ""
        raise AuditkitError(
            f"{lost:,} of {counts['read']:,} log objects that were read are not in {run.kept}{why}",
            "All flows can only be shown where they were kept (records.keep: read): collect again into another directory.",
        )
