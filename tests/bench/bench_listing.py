"""Listing a million keys: rate, peak memory, and what a kill costs.

    .venv/bin/python tests/bench/bench_listing.py [keys]

A process of its own stands in for S3 and makes pages of ListObjectsV2 as they are asked for, over HTTP on the loopback:
a quarter's days, each with as many objects of 39 flow logs as needed. Another lists them as `auditkit collect` does with
`records.mode: none`, and writes the index. Best of three runs; then one that is killed when half is listed, and goes on.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, REGION, BUCKET = "111122223333", "eu-west-1", "org-flow-logs"
FIRST = date(2026, 7, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(92)]
PAGE = 1000
CONTENTS = (
    "<Contents><Key>{}</Key><LastModified>2026-07-01T00:05:00.000Z</LastModified>"
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>20480</Size></Contents>"
)


def names(day: str, start: int, end: int) -> list[str]:
    """Keys of a day, in S3's order: by flow log, then by time."""
    folder = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{day}/"
    stamp = day.replace("/", "")
    return [
        f"{folder}{ACCOUNT}_vpcflowlogs_{REGION}_fl-{n // 288:017x}_{stamp}T{n % 288 // 12:02}{n % 12 * 5:02}Z_fe12{n % 288:04x}.log.gz"
        for n in range(start, end)
    ]


class S3(BaseHTTPRequestHandler):
    """A bucket that has only listings."""

    protocol_version = "HTTP/1.1"
    each = 0

    def do_GET(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        prefix = query["prefix"]
        root = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/"
        day = prefix.removeprefix(root).rstrip("/")
        each = self.each if prefix.startswith(root) else 0
        start = int(query.get("continuation-token", 0))
        most = int(query.get("max-keys", PAGE))
        keys = names(day or f"{FIRST:%Y/%m/%d}", start, min(start + most, each))
        more = start + most < each
        token = f"<NextContinuationToken>{start + most}</NextContinuationToken>" if more else ""
        rows = "".join(CONTENTS.format(quote(key, safe="/")) for key in keys)
        truncated = str(more).lower()
        body = (
            f"<ListBucketResult><Name>{BUCKET}</Name><EncodingType>url</EncodingType>"
            f"<IsTruncated>{truncated}</IsTruncated>{token}{rows}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(each: int) -> None:
    """Be the bucket, on a port that is said on standard output."""
    S3.each = each
    server = ThreadingHTTPServer(("127.0.0.1", 0), S3)
    server.daemon_threads = True
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


def collect(url: str, folder: Path) -> None:
    """List as collecting does; say seconds and memory."""
    import boto3
    import botocore.session
    from botocore.config import Config

    from auditkit.audit.fetching import Fetching
    from auditkit.audit.index import IndexWriter
    from auditkit.audit.listing import Listing
    from auditkit.run import Run
    from auditkit.scan.answers import Parsers
    from auditkit.sources import s3

    core = botocore.session.Session()
    core.register_component("response_parser_factory", Parsers())  # as for every client of a scan
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name=REGION, botocore_session=core)
    config = Config(max_pool_connections=16, s3={"addressing_style": "path"})
    client = session.client("s3", endpoint_url=url, config=config)
    source = s3.S3(lambda _: client, [s3.Place(BUCKET, "", ACCOUNT, REGION, ACCOUNT)])
    end = datetime(2026, 10, 2, tzinfo=UTC)
    base = peak()
    started = time.perf_counter()
    listing = Listing(folder / "records" / "listed")
    listing.run([source], DAYS, lambda obj: obj.slot < end, lambda _: None, lambda *_: None)
    listed = time.perf_counter()
    run = Run(folder)
    with IndexWriter(run.index) as index:
        for row in Fetching(run, [source], str).listed(listing.objects()):
            index.add(row)
    listing.forget()
    written = time.perf_counter()
    said = {
        "objects": listing.totals.objects,
        "requests": listing.totals.requests,
        "listing": listed - started,
        "index": written - listed,
        "over_base": peak() - base,
        "peak": peak(),
        "bytes": run.index.stat().st_size,
    }
    sys.stdout.write(json.dumps(said) + "\n")


def peak() -> int:
    """Peak memory of this process, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def child(*arguments: str) -> subprocess.Popen[str]:
    """Start this program in another part."""
    return subprocess.Popen(
        [sys.executable, __file__, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def told(process: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for what a process says."""
    out, _ = process.communicate()
    said: dict[str, float] = json.loads(out)
    return said


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(keys: int) -> None:
    """Measure."""
    server = child("serve", str(-(-keys // len(DAYS))))
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    try:
        with tempfile.TemporaryDirectory() as folder:
            say(f"{keys:,} keys in {len(DAYS)} days; {os.cpu_count()} cores")
            runs = [told(child("collect", url, f"{folder}/{n}")) for n in range(3)]
            best = min(runs, key=lambda one: one["listing"] + one["index"])
            rate = best["objects"] / best["listing"]
            say(f"listing  {best['listing']:.1f} s, {rate:,.0f} keys/s, {best['requests']:,} requests")
            say(f"index    {best['index']:.1f} s, {best['bytes'] / 1e6:.1f} MB")
            over = max(one["over_base"] for one in runs) / 2**20
            say(f"memory   {max(one['peak'] for one in runs) / 2**20:.0f} MiB at most, {over:.0f} over base")
            say(resumed(url, Path(folder), best))
    finally:
        server.kill()
        server.wait()


def resumed(url: str, folder: Path, best: dict[str, float]) -> str:
    """Kill when half of the days are listed, and go on."""
    journal = folder / "killed" / "records" / "listed" / "units.jsonl"
    process = child("collect", url, str(folder / "killed"))
    while not journal.exists() or journal.read_bytes().count(b"\n") < len(DAYS) // 2:
        time.sleep(0.05)
    process.kill()
    process.wait()
    again = told(child("collect", url, str(folder / "killed")))
    same = (folder / "killed" / "records" / "index.parquet").read_bytes() == (
        folder / "0" / "records" / "index.parquet"
    ).read_bytes()
    twice = again["requests"] / best["requests"]
    return (
        f"killed   at half: the rest took {again['listing']:.1f} s and {twice:.0%} of the requests; same bytes: {same}"
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", each]:
            serve(int(each))
        case ["collect", url, folder]:
            collect(url, Path(folder))
        case given:
            main(int(given[0]) if given else 1_000_000)
