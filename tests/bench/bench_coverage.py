"""How long it takes to judge the coverage of a large organization from its snapshot, and how much memory.

    .venv/bin/python tests/bench/bench_coverage.py --dir /tmp/bench            # 1,000,000 interfaces, 5,100 account-regions
    .venv/bin/python tests/bench/bench_coverage.py --dir /tmp/bench --interfaces 50000

The snapshot is written once below --dir. Each measurement runs in a process of its own: `bare` only decompresses and
parses the files, `judge` reads and judges them up to coverage.parquet, `assess` is the whole command. Seconds are the
wall's and the CPU's of the process and its children, memory is the peak of what they hold together.
"""

# ruff: noqa: T201  # it talks to whoever runs it
from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

import wide_estate  # noqa: E402 - the path is set above

LIMIT_SECONDS, LIMIT_BYTES = 15.0, 4 * 2**30
CONFIG = """\
period: 2026-09-30
snapshot: ../snapshot
destinations:
  central: {type: s3, bucket: central-logs}
baselines:
  - {name: strict, match: {vpc_tags: {scope: pci}}, traffic: ALL, destinations: [central], fields: [srcaddr, dstaddr, action, tcp-flags], max_aggregation_interval: 600}
  - {name: rest, traffic: ALL, destinations: [central]}
records: {mode: none}
"""


def main() -> None:
    """Measure."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "auditkit-bench")
    arguments.add_argument("--interfaces", type=int, default=1_000_000)
    arguments.add_argument("--runs", type=int, default=3, help="the best of so many is told")
    arguments.add_argument(
        "--stage", choices=sorted(STAGES), help="run one stage in this process and print its figures"
    )
    arguments.add_argument("--only", choices=sorted(STAGES), action="append", help="measure only these")
    given = arguments.parse_args()
    home: Path = given.dir / str(given.interfaces)
    if given.stage:
        _stage(given.stage, home)
        return
    if not (home / "snapshot" / "snapshot.json").exists():
        write(home, given.interfaces)
    size = sum(f.stat().st_size for f in (home / "snapshot").rglob("*.gz"))
    print(
        f"{given.interfaces:,} interfaces, {len(wide_estate.REGIONS) * wide_estate.ACCOUNTS:,} account-regions, {size / 2**20:,.0f} MiB; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    bare = 0.0
    for stage in STAGES:
        if given.only and stage not in given.only:
            continue
        runs = [_measure(stage, given) for _ in range(given.runs)]
        best = min(runs, key=lambda one: one["wall"])
        bare = bare or best["wall"]
        print(
            f"{stage:8} {best['wall']:7.1f} s wall {best['cpu']:7.1f} s CPU {best['peak'] / 2**30:6.2f} GiB"
            f"   {best['wall'] / bare:5.1f} × {next(iter(STAGES))}, {best['wall'] / LIMIT_SECONDS:4.0%} of 15 s, {best['peak'] / LIMIT_BYTES:4.0%} of 4 GiB   {best['said']}"
        )


def write(home: Path, interfaces: int) -> None:
    """Write the snapshot."""
    print("writing the snapshot, once", flush=True)
    with ProcessPoolExecutor(os.cpu_count(), initializer=wide_estate.sizes_cached, initargs=(interfaces,)) as pool:
        list(pool.map(_write_account, [home] * wide_estate.ACCOUNTS, wide_estate.accounts()))
    snapshot_module().write(home / "snapshot", wide_estate.meta(), wide_estate.organization())


def _write_account(home: Path, account: str) -> None:
    for region in wide_estate.REGIONS:
        calls = list(wide_estate.place(account, region, wide_estate.sizes_cached()[account, region]))
        snapshot_module().write_calls(home / "snapshot" / snapshot_module().path_of(calls[0]), calls)


def snapshot_module() -> Any:
    """Import late: a stage pays for what it imports."""
    from auditkit import snapshot

    return snapshot


def bare(home: Path) -> str:
    """Only decompress and parse."""
    lines = 0
    for path in sorted((home / "snapshot").rglob("*.jsonl.gz")):
        with gzip.open(path, "rb") as file:
            for line in file:
                json.loads(line)
                lines += 1
    return f"{lines:,} pages"


def judged(home: Path) -> str:
    """Read, judge, write coverage.parquet."""
    from auditkit import inventory, reading, snapshot
    from auditkit.audit.inputs import load_inputs
    from auditkit.config.schema import load_config
    from auditkit.coverage import judge, with_delivery
    from auditkit.engines.duckdb import arrow_table, write_parquet
    from auditkit.model.schema import TABLES

    inputs = load_inputs(load_config(config(home)))
    meta = snapshot.read_meta(home / "snapshot")
    said = _Lap()
    estate = inventory.read(meta, reading.calls(home / "snapshot", meta), inputs.approved)
    said("read")
    estate = with_delivery(estate, {})
    rows = judge(
        estate,
        inputs.config.baselines,
        inputs.approved,
        (datetime(2026, 9, 30, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)),
    )
    said("judge")
    write_parquet(arrow_table(TABLES["coverage"].columns, rows), home / "coverage.parquet")
    said("write")
    return f"{len(rows):,} rows {said}"


def assessed(home: Path) -> str:
    """The whole of `auditkit assess --table coverage`."""
    from auditkit.cli import run as cli

    status = cli(["assess", str(collected(home)), "--table", "coverage", "--quiet"])
    return f"exit {status}"


def config(home: Path) -> Path:
    """Write auditkit.yaml."""
    path = home / "config" / "auditkit.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CONFIG)
    return path


def collected(home: Path) -> Path:
    """A run of that snapshot that was collected, as `auditkit collect` leaves it, without a second copy of the snapshot."""
    import pyarrow as pa

    from auditkit.audit.index import INDEX
    from auditkit.audit.inputs import load_inputs, save_inputs
    from auditkit.config.schema import load_config
    from auditkit.engines.duckdb import write_parquet
    from auditkit.run import Run

    run = Run(home / "run")
    if not run.done("collect"):
        run.note(
            as_of=wide_estate.AS_OF,
            period={"start": "2026-09-30T00:00:00Z", "end": "2026-10-01T00:00:00Z"},
            unlisted=[],
            done=[],
        )
        save_inputs(run, load_inputs(load_config(config(home))))
        if not run.snapshot.exists():
            run.snapshot.symlink_to(home / "snapshot", target_is_directory=True)
        write_parquet(pa.Table.from_pylist([], INDEX), run.index)
        run.mark("collect")
    return run.path


class _Lap:
    """Names seconds since the last call."""

    def __init__(self) -> None:
        self.laps: list[str] = []
        self.since = time.perf_counter()

    def __call__(self, what: str) -> None:
        now = time.perf_counter()
        self.laps.append(f"{what} {now - self.since:.1f}")
        self.since = now

    def __str__(self) -> str:
        return f"({', '.join(self.laps)})"


STAGES = {"bare": bare, "judge": judged, "assess": assessed}


def _stage(stage: str, home: Path) -> None:
    """Run one stage here; its figures are the last line printed."""
    start = time.perf_counter()
    said = STAGES[stage](home)
    wall = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "wall": wall,
                "cpu": sum(u.ru_utime + u.ru_stime for u in used),
                "said": said,
                "own": used[0].ru_maxrss * 1024,
                "child": used[1].ru_maxrss * 1024,
            }
        )
    )


def _measure(stage: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run one stage in a fresh process, and watch the memory of all its processes together."""
    command = [
        sys.executable,
        __file__,
        "--dir",
        str(given.dir),
        "--interfaces",
        str(given.interfaces),
        "--stage",
        stage,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.2)
        out = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"{stage} ended with {process.returncode}")
    figures: dict[str, Any] = json.loads(out.splitlines()[-1])
    return {**figures, "peak": max(peak, figures["own"])}


def _memory(pid: int) -> int:
    """Resident memory of a process and its children (Linux); pages that several share count for each of them."""
    try:
        total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):  # it has ended meanwhile
        return 0
    return total + sum(_memory(int(child)) for child in children)


if __name__ == "__main__":
    main()
