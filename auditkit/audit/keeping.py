"""Which log objects stay with a run once it was assessed: records.keep and records.keep_limit.

What is assessed is what was read; a run that has lost some of it is never assessed again, since it would be judged by less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq

from auditkit.audit.inputs import Inputs, saved_inputs
from auditkit.audit.options import Narrowing
from auditkit.config.schema import RecordsModel
from auditkit.model.assessment import Assessment
from auditkit.run import Run


def again(run: Run, inputs: Inputs | None, narrowing: Narrowing) -> Assessment:
    """Return what a run that has let go of log objects was assessed to be, if the same is asked for.

    Args:
        run: assessed, and not whole.
        inputs: instead of those saved in the run.
        narrowing: of what is asked for.

    Raises:
        AuditkitError: something else is asked for: only what is no longer there could tell.
    """
    if not run.done("assess"):
        run.check_whole()
    assessment, saved = run.assessment(), saved_inputs(run)
    given = inputs or saved
    if _asked(given) != _asked(saved) or assessment.scope["narrowed"] != narrowing.as_json():
        run.check_whole()
    let_go(run, saved.config.model.records)  # of what a process that was killed had begun
    return assessment


def asked_alike(run: Run, narrowing: Narrowing) -> bool:
    """Tell whether a run is assessed for all that it was collected for: a merged run for everything."""
    collected: dict[str, list[str]] = run.state.get("options", {}).get("narrowed", {})
    return collected == narrowing.as_json()


def let_go(run: Run, records: RecordsModel) -> None:
    """Remove the copies of log objects that are not to stay; run.json says so before the first is gone.

    Args:
        run: assessed.
        records: keep: read leaves all, matched those that hold a record that broke a control, none none of them;
            of these as many stay, in the order of the index, as keep_limit has room for.
    """
    rows = list(_copies(run))
    matched = {row["object"] for row in run.rows("flow_records")} if records.keep == "matched" else set()
    left = records.keep_limit
    going = []
    for row in rows:
        stays = records.keep == "read" or (records.keep == "matched" and row["uri"] in matched)
        if stays and left is not None:
            stays = row["size"] <= left
            left -= row["size"] if stays else 0
        if not stays:
            going.append(row["kept"])
    if not going:
        return
    limit = "" if records.keep_limit is None else f", keep_limit: {records.keep_limit}"
    run.note(removed={"objects": len(going), "of": len(rows), "by": f"records.keep: {records.keep}{limit}"})
    finish(run, going)


def finish(run: Run, going: list[str]) -> None:
    """Remove copies, and the folders that they leave empty."""
    top = run.kept.resolve()
    for kept in going:
        path = run.kept / kept
        if ".." in path.parts or not path.resolve().is_relative_to(top):
            continue
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == run.kept or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


def _asked(inputs: Inputs) -> tuple[Any, ...]:
    """What an assessment depends on, wherever its files lie."""
    controls = tuple(replace(control, file="", line=0) for control in inputs.controls)
    return controls, inputs.waivers, inputs.config.sha256


def _copies(run: Run) -> Iterator[dict[str, Any]]:
    """The objects that were read, in the order of the index."""
    with pq.ParquetFile(run.index) as index:
        for batch in index.iter_batches(columns=["uri", "size", "kept", "status"]):
            yield from (row for row in batch.to_pylist() if row["status"] == "read")
