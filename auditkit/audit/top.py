"""Top: the contributors to a run's flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditkit.audit.options import EVERYTHING, Narrowing, Tick, silent
from auditkit.audit.rebuilt import ready, rebuilt, sampled
from auditkit.config.asked import asked
from auditkit.engines.talkers import METRICS, Talkers, keys_of, talkers
from auditkit.model.condition import TRUE
from auditkit.model.errors import AuditkitError, nearest
from auditkit.model.schema import TABLES
from auditkit.query import Compiler
from auditkit.run import Run


@dataclass(frozen=True)
class Ask:
    """What is to be counted."""

    by: tuple[tuple[str, ...], ...]
    """Keys that are counted together, each group of them a list of its own."""
    metric: str = "bytes"
    """bytes, packets or flows."""
    action: str = ""
    """ACCEPT, REJECT, or empty for both."""
    where: Any = None
    """A condition on flow_records: YAML, or Python's mappings."""
    most: int = 10
    """Contributors of each list."""


def top(run: Run, ask: Ask, narrowing: Narrowing = EVERYTHING, tick: Tick = silent) -> tuple[tuple[Talkers, ...], bool]:
    """Count the flows of a run, all that were read, by some keys.

    Args:
        run: collected; its log objects were kept.
        ask: what is to be counted.
        narrowing: accounts and regions.
        tick: progress.

    Returns:
        a list of contributors for each group of keys, and whether the records are a sample.

    Raises:
        AuditkitError: a key or the metric does not exist, or the records were not kept.
        InvalidInput: the condition cannot be read.
    """
    if ask.metric not in METRICS:
        raise AuditkitError(
            f"there is no metric {ask.metric!r}{nearest(ask.metric, METRICS)}", f"Metrics: {', '.join(METRICS)}."
        )
    keys = [keys_of(words, ask.action) for words in ask.by]
    inputs = ready(run)
    condition = TRUE
    if ask.where is not None:
        condition = asked(ask.where, TABLES["flow_records"].columns, tuple(inputs.config.networks), "--where")
    with rebuilt(run, inputs, narrowing, tick) as flows:
        where = Compiler(flows.networks).sql(condition)
        found = []
        for at, (by, action) in enumerate(keys, 1):
            tick("counting", at, len(keys))
            found.append(talkers(flows.engine, by, action, ask.metric, where, ask.most))
        return tuple(found), sampled(inputs)


def reported(run: Run) -> tuple[tuple[Talkers, ...], bool] | None:
    """Read the lists of the report; None where the run was not assessed.

    Raises:
        AuditkitError: assessment.json is damaged, or another version wrote it.
    """
    if not run.done("assess"):
        return None
    assessment = run.assessment()
    try:
        return tuple(map(Talkers.of_json, assessment.top)), assessment.sampling is not None
    except (KeyError, TypeError, ValueError):
        raise AuditkitError(
            f"the top talkers of {run.path / 'assessment.json'} cannot be read",
            f"Run `auditkit assess {run.path}` again.",
        ) from None
