"""The gate: an assessed run → pass, findings, or could not conclude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auditkit.audit.inference import statement
from auditkit.audit.options import EVERYTHING, Narrowing
from auditkit.model.assessment import Assessment, Result
from auditkit.model.control import SEVERITIES
from auditkit.model.errors import AuditkitError, nearest
from auditkit.run import Run

PASSES, FINDINGS, OPEN = 0, 1, 3


@dataclass(frozen=True)
class Decision:
    """What the gate says."""

    status: int
    """0 passes, 1 findings, 3 could not conclude; 1 wins over 3."""
    fail_on: str
    """The least severity that counts."""
    failed: tuple[tuple[str, int], ...]
    """Control id and its findings that count."""
    inconclusive: tuple[str, ...]
    """Controls that could not conclude."""
    examined: bool
    """Whether anything was in scope."""
    narrowed: dict[str, list[str]]
    """What the run itself was narrowed to."""

    def lines(self) -> list[str]:
        """For a terminal."""
        out = []
        if self.failed:
            total = sum(n for _, n in self.failed)
            worst = ", ".join(f"{control} ({n})" for control, n in self.failed[:5]) + (
                ", …" if len(self.failed) > 5 else ""
            )
            out.append(f"FAIL: {total:,} finding{'s' if total != 1 else ''} at or over {self.fail_on}: {worst}")
        elif self.status == PASSES:
            out.append(f"PASS: nothing at or over {self.fail_on} failed")
        if self.inconclusive:
            named = ", ".join(self.inconclusive[:5]) + (", …" if len(self.inconclusive) > 5 else "")
            out.append(
                f"INCONCLUSIVE: {len(self.inconclusive)} control{'s' if len(self.inconclusive) != 1 else ''} at or over {self.fail_on}: {named}"
            )
        if not self.examined:
            out.append("INCONCLUSIVE: nothing was in scope")
        if self.narrowed:
            only = "; ".join(f"{key} {', '.join(values)}" for key, values in sorted(self.narrowed.items()))
            out.append(f"note: the run was narrowed to {only}; nothing else was judged")
        return out

    def as_json(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "status": self.status, "fail_on": self.fail_on, "failed": [{"control": c, "findings": n} for c, n in self.failed],
            "inconclusive": list(self.inconclusive), "examined": self.examined, "narrowed": self.narrowed,
        }  # fmt: skip


def decide(
    run: Run, fail_on: str, *, inconclusive: str = "fail", narrowing: Narrowing = EVERYTHING, against: Run | None = None
) -> Decision:
    """Decide.

    Args:
        run: assessed.
        fail_on: the least severity that counts.
        inconclusive: fail, or report to leave inconclusive controls out of the exit status.
        narrowing: only these accounts, regions, tables and controls.
        against: an earlier run: findings that it has too do not count.

    Raises:
        AuditkitError: a run was not assessed.
    """
    assessment = run.assessment()
    _check(assessment, narrowing)
    if against is not None and against.path.resolve() == run.path.resolve():
        raise AuditkitError(
            "a run cannot be held against itself: nothing would be new", "Name an earlier run with --against."
        )
    counted = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    controls = [
        c for c in assessment.controls
        if (not narrowing.controls or c.id in narrowing.controls) and (not narrowing.tables or c.table in narrowing.tables)
    ]  # fmt: skip
    places = {c.id: [r for r in c.results if narrowing.place(r.account_id, r.region)] for c in controls}
    known = _failing(against) if against else set()
    news = dict.fromkeys(places, 0)
    for row in _failing_rows(run):
        if row["control_id"] in news and narrowing.place(row["account_id"], row["region"]):
            news[row["control_id"]] += row["fingerprint"] not in known
    failed = tuple((c.id, news[c.id]) for c in controls if c.severity in counted and news[c.id])
    undecided = tuple(c.id for c in controls if c.severity in counted and any(map(_undecided, places[c.id])))
    # What no control that counts was about was not cleared by one that does not count.
    counting = [places[c.id] for c in controls if c.severity in counted] or places.values()
    examined = any(r.status != "not_applicable" for results in counting for r in results)
    # A control that fails in one place can be undecided in another: both are said, 1 wins over 3.
    open_ends = (undecided if inconclusive == "fail" else ()) or not examined
    status = FINDINGS if failed else OPEN if open_ends else PASSES
    return Decision(status, fail_on, failed, undecided, examined, assessment.scope["narrowed"])


def _undecided(result: Result) -> bool:
    """Tell whether something stays open there, beside findings that fail too: these may all be known from an earlier run."""
    if result.status != "fail":
        return result.status == "inconclusive"
    said = statement(result.sample) if result.sample else None  # of a sample that suffices: no reason to doubt
    return bool(result.inconclusive) or any(reason != said for reason in result.reasons)


def _check(assessment: Assessment, narrowing: Narrowing) -> None:
    """Refuse flags that name what the run does not have: they would leave nothing to fail."""
    results = [r for c in assessment.controls for r in c.results]
    for what, given, known in (
        ("control", narrowing.controls, {c.id for c in assessment.controls}),
        ("table", narrowing.tables, {c.table for c in assessment.controls}),
        ("account", narrowing.accounts, {r.account_id for r in results}),
        ("region", narrowing.regions, {r.region for r in results}),
    ):
        for name in given:
            if name not in known:
                raise AuditkitError(f"the run did not judge the {what} {name!r}{nearest(name, known)}")


def _failing(run: Run) -> set[str]:
    return {row["fingerprint"] for row in _failing_rows(run)}


def _failing_rows(run: Run) -> list[dict[str, Any]]:
    """The findings that fail, of all controls; a table that does not agree with the assessment must not let anything pass."""
    rows = [row for row in run.rows("findings") if row["status"] == "fail" and not row["waived"]]
    said = sum(control.failed for control in run.assessment().controls)
    if len(rows) != said:
        raise AuditkitError(
            f"{run.path}: tables/findings.parquet has {len(rows):,} failing findings, assessment.json {said:,}",
            f"Run `auditkit assess {run.path}` again.",
        )
    return rows
