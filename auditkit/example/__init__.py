"""The example organization: a snapshot and flow logs on which every command works without AWS.

`write` makes a directory with auditkit.yaml, waivers.yaml, snapshot/ and logs/. Everything in it
is invented; addresses come from documentation and private ranges. The tables in `plan`,
`logging_plan` and `story` say what exists, how it is logged, and what is wrong with it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random

from auditkit import snapshot
from auditkit.example import answers, estate, files, logs, story, traffic
from auditkit.example.accounts import IN_SCOPE, REFUSING
from auditkit.example.logging_plan import CENTRAL
from auditkit.example.things import Estate
from auditkit.model.errors import AuditkitError

MARK = ".auditkit-example"
"""The file that says that a directory may be overwritten: auditkit wrote it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written."""

    accounts: int
    """Accounts in scope, the one that refuses access among them."""
    vpcs: int
    """VPCs that the snapshot shows."""
    subnets: int
    """Subnets that the snapshot shows."""
    interfaces: int
    """Network interfaces that the snapshot shows."""
    flow_logs: int
    """Flow logs that exist in the accounts that were read."""
    objects: int
    """Log objects."""
    records: int
    """Lines in them."""


def write(directory: Path, *, seed: int = 20260930) -> Summary:
    """Write the example organization; the same seed gives the same bytes.

    Args:
        directory: made if missing; an earlier example in it is replaced.
        seed: of the ordinary traffic. Ids and what is planted do not depend on it.

    Raises:
        AuditkitError: the directory holds something else.
    """
    _clear(directory)
    built = estate.build()
    recorder = _record(built, Random(seed))  # noqa: S311 (repeatable on purpose, no secret comes of it)
    objects, records = logs.write(
        directory / "logs", recorder.journals.values(), missing=story.MISSING, torn=story.TORN, garbled=story.GARBLED
    )
    (directory / "logs" / CENTRAL / "AWSLogs" / "test_file.log.gz").write_bytes(
        b""
    )  # a foreign key, as people leave them
    (directory / "auditkit.yaml").write_text(files.CONFIG, encoding="utf-8")
    (directory / "waivers.yaml").write_text(files.waivers(built), encoding="utf-8")
    snapshot.write(directory / "snapshot", answers.meta(), answers.calls(built))
    return _summary(built, objects, records)


def _clear(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise AuditkitError(f"{directory} is not a directory", "Name a new or empty directory.")
    if directory.is_dir() and any(directory.iterdir()):
        if not (directory / MARK).is_file():
            raise AuditkitError(
                f"{directory} is not empty, and no example of auditkit", "Name a new or empty directory."
            )
        for name in ("logs", "snapshot"):
            shutil.rmtree(directory / name, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARK).write_text("Written by `auditkit example`; it may be overwritten by it.\n", encoding="utf-8")


def _record(built: Estate, rng: Random) -> logs.Recorder:
    recorder = logs.Recorder(built, rng)
    for talk in story.planted(built, rng):
        recorder.record(talk)
    for talk in traffic.ordinary(built, rng):
        recorder.record(talk)
    name, interface, tick = story.SKIPPED
    recorder.say(recorder.journals[name], built.interfaces[interface].id, tick, "SKIPDATA")
    recorder.silence()
    return recorder


def _summary(built: Estate, objects: int, records: int) -> Summary:
    def read(account: str) -> bool:
        return account not in REFUSING

    return Summary(
        accounts=len(IN_SCOPE),
        vpcs=sum(read(v.plan.account) for v in built.vpcs.values()),
        subnets=sum(read(s.vpc.plan.account) for s in built.subnets.values()),
        interfaces=sum(read(i.account) for i in built.interfaces.values()),
        flow_logs=sum(read(f.account) and not f.plan.deleted for f in built.flow_logs.values()),
        objects=objects,
        records=records,
    )
