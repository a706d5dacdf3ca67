"""How long it takes to read flow records and judge them by every shipped control on traffic, against others on the same files.

    .venv/bin/python tests/bench/bench_records.py --dir /tmp/bench-records             # 2,000,000 records in 20 objects
    .venv/bin/python tests/bench/bench_records.py --dir /tmp/bench-records --times 10  # ten times as many: memory

`audit` is `auditkit collect` and `auditkit assess` on flow_records and interface_days: hashing, reading, interface-days, all
shipped controls on traffic, top talkers, findings with the text of their lines. `judge` is the same up to the verdicts.
`duckdb` is one query: the ten sources with most bytes accepted at port 22 from outside of private networks. Each runs in a
process of its own; its start and its imports do not count. Others are measured where they are installed:

    pip install isal polars flowlogs-reader
"""

# ruff: noqa: T201  # it talks to whoever runs it
from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

OBJECTS, RECORDS = 20, 100_000
LIMIT, MEMORY = 3.0, 1.5 * 2**30
PRIVATE = r"^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)"


def main() -> None:
    """Measure."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "auditkit-bench-records")
    arguments.add_argument("--times", type=int, default=1, help="so many times the objects")
    arguments.add_argument("--runs", type=int, default=3, help="the best of so many is told")
    arguments.add_argument("--only", choices=sorted(STAGES), action="append")
    arguments.add_argument("--stage", choices=sorted(STAGES), help="run one stage here and print its figures")
    given = arguments.parse_args()
    home: Path = given.dir / str(given.times)
    if given.stage:
        _stage(given.stage, home)
        return
    if not (home / "config" / "auditkit.yaml").exists():
        write(home, OBJECTS * given.times)
    size = sum(f.stat().st_size for f in (home / "logs").iterdir())
    print(
        f"{OBJECTS * given.times * RECORDS:,} records, {OBJECTS * given.times} objects, {size / 2**20:,.0f} MiB packed; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    base = 0.0
    for stage in STAGES:
        if given.only and stage not in given.only:
            continue
        runs = [run for _ in range(given.runs) if (run := _measure(stage, given))]
        if not runs:
            print(f"{stage:10} not installed")
            continue
        best = min(runs, key=lambda one: one["wall"])
        base = base or best["wall"]
        print(
            f"{stage:10} {best['wall']:7.2f} s wall {best['cpu']:7.2f} s CPU {best['peak'] / 2**30:5.2f} GiB {best['wall'] / base:6.2f} × {next(iter(STAGES))}   {best['said']}"
        )


def write(home: Path, objects: int) -> None:
    """Write the snapshot and the log objects."""
    import busy_estate

    from auditkit import snapshot

    print("writing the log objects, once", flush=True)
    busy_estate.write_logs(home / "logs", objects, RECORDS)
    snapshot.write(home / "snapshot", busy_estate.meta(), busy_estate.calls())
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "auditkit.yaml").write_text(busy_estate.CONFIG)


def _logs(home: Path) -> list[Path]:
    return sorted((home / "logs").iterdir())


def duckdb_query(home: Path) -> Callable[[], str]:
    """One query."""
    import duckdb

    def work() -> str:
        rows = (
            duckdb.connect()
            .execute(
                "SELECT srcaddr, sum(bytes) AS b FROM read_csv(?, delim=' ', header=true) WHERE action = 'ACCEPT' AND dstport = 22 "
                f"AND NOT regexp_matches(srcaddr, '{PRIVATE}') GROUP BY srcaddr ORDER BY b DESC LIMIT 10",
                [str(home / "logs" / "*.log.gz")],
            )
            .fetchall()
        )
        return f"{len(rows)} rows"

    return work


def judged(home: Path) -> Callable[[], str]:
    """Read the objects, derive interface-days and flows, judge them by every control on traffic."""
    from auditkit.audit.flows import Flows
    from auditkit.audit.inputs import saved_inputs
    from auditkit.audit.options import EVERYTHING, silent
    from auditkit.evaluate import evaluate
    from auditkit.run import open_run

    run = open_run(_collected(home))

    def work() -> str:
        inputs = saved_inputs(run)
        with Flows(run, inputs, EVERYTHING, silent, home / "spill") as flows:
            derived = flows.derive(flows.arriving())
            controls = [c for c in inputs.controls if c.table == "flow_records"]
            found = sum(len(evaluate(c, flows.engine, derived.networks).groups) for c in controls)
        return f"{len(controls)} controls, {found:,} groups"

    return work


def audited(home: Path) -> Callable[[], str]:
    """Collect and assess."""
    from auditkit.cli import run as cli

    def work() -> str:
        path = _collected(home)
        status = cli(["assess", str(path), "--table", "flow_records", "--table", "interface_days", "--quiet"])
        return f"exit {status}"

    return work


def _collected(home: Path) -> Path:
    from auditkit.cli import run as cli

    shutil.rmtree(home / "run", ignore_errors=True)
    cli(["collect", "-c", str(home / "config" / "auditkit.yaml"), "-o", str(home / "run"), "--quiet"])
    return home / "run"


def unpacked(home: Path) -> Callable[[], str]:
    """Only decompress, in two threads."""
    from isal import igzip

    def work() -> str:
        with ThreadPoolExecutor(2) as pool:
            total = sum(pool.map(lambda path: len(igzip.decompress(path.read_bytes())), _logs(home)))
        return f"{total / 1e6:.0f} MB"

    return work


def polars_query(home: Path) -> Callable[[], str]:
    """The same query."""
    import polars as pl

    def work() -> str:
        frames = (pl.read_csv(path, separator=" ") for path in _logs(home))
        wanted = (pl.col("action") == "ACCEPT") & (pl.col("dstport") == 22) & ~pl.col("srcaddr").str.contains(PRIVATE)
        some = pl.concat([frame.filter(wanted).select("srcaddr", "bytes") for frame in frames])
        return f"{len(some.group_by('srcaddr').agg(pl.col('bytes').sum()).top_k(10, by='bytes'))} rows"

    return work


def pandas_query(home: Path) -> Callable[[], str]:
    """The same query."""
    import pandas as pd

    def work() -> str:
        parts = []
        for path in _logs(home):
            frame = pd.read_csv(path, sep=" ")
            frame = frame[(frame["action"] == "ACCEPT") & (frame["dstport"] == 22)]
            parts.append(frame[~frame["srcaddr"].str.match(PRIVATE)][["srcaddr", "bytes"]])
        return f"{len(pd.concat(parts).groupby('srcaddr')['bytes'].sum().nlargest(10))} rows"

    return work


def flowlogs_reader(home: Path) -> Callable[[], str]:
    """Only read the records, as Python objects."""
    from flowlogs_reader import LocalDirectoryReader  # type: ignore[import-not-found]

    def work() -> str:
        return f"{sum(1 for _ in LocalDirectoryReader(str(home / 'logs'))):,} records"

    return work


STAGES = {
    "duckdb": duckdb_query, "judge": judged, "audit": audited, "isal": unpacked, "polars": polars_query, "pandas": pandas_query, "reader": flowlogs_reader,
}  # fmt: skip


def _stage(stage: str, home: Path) -> None:
    """Run one stage here; its figures are the last line printed."""
    try:
        work = STAGES[stage](home)
    except ImportError:
        return
    before, cpu = time.perf_counter(), time.process_time()
    said = work()
    wall, used = time.perf_counter() - before, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"wall": wall, "cpu": used, "peak": peak, "said": said}))


def _measure(stage: str, given: argparse.Namespace) -> dict[str, float] | None:
    command = [sys.executable, __file__, "--dir", str(given.dir), "--times", str(given.times), "--stage", stage]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    last = done.stdout.strip().rpartition("\n")[2]
    return json.loads(last) if last.startswith("{") else None


if __name__ == "__main__":
    main()
