"""A run that was killed goes on: the same command gives the same bytes, and asks again at most what was under way."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditkit.audit.fetching import THREADS
from auditkit.cli import run as command
from auditkit.lock import held
from auditkit.run import Run
from tests import aws
from tests.killing import Gate, Nursery
from tests.wire import isolate

CONFIG = """
period: {start: 2026-07-01, end: 2026-07-02}
destinations: {central: {type: s3, bucket: org-flow-logs}}
"""
SAVED = f"{CONFIG}snapshot: snapshot\nrecords: {{local: [logs]}}\n"
FROM_AWS = f"{CONFIG}organization: {{role_name: AuditkitRead}}\nregions: [eu-west-1, us-east-1]\n"
CONTROLS = ("--control", "no-public-ssh", "--control", "vpc-flow-logs-complete")


@dataclass
class Place:
    """Where the tests work: a saved snapshot, logs, and an undisturbed audit of them."""

    folder: Path
    nursery: Nursery

    def audit(self, run: Path, *more: str, config: str = "saved.yaml", **when: object):
        """Audit in a process of its own."""
        given = ("audit", "-c", str(self.folder / config), "-o", str(run), "-f", "json", "-q", *CONTROLS, *more)
        return self.nursery.run(*given, **when)

    @property
    def undisturbed(self) -> Path:
        """The run that nobody broke off."""
        return self.folder / "undisturbed"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The organization's snapshot and logs, saved once."""
    folder = tmp_path_factory.mktemp("resume")
    built = aws.estate()
    (folder / "aws.yaml").write_text(FROM_AWS)
    (folder / "saved.yaml").write_text(SAVED)
    with pytest.MonkeyPatch.context() as patch:
        reach(patch, built)
        assert command(["collect", "-c", str(folder / "aws.yaml"), "-o", str(folder / "collected"), "-q"]) == 0
    shutil.copytree(folder / "collected" / "snapshot", folder / "snapshot")
    shutil.copytree(folder / "collected" / "records" / "kept", folder / "logs")
    nursery = Nursery(folder)
    one = Place(folder, nursery)
    assert one.audit(one.undisturbed).status == 1
    yield one
    nursery.close()


def reach(patch: pytest.MonkeyPatch, built: aws.Estate, endpoint: str = "") -> None:
    isolate(patch, endpoint or built.endpoint)
    patch.setenv("AWS_ACCESS_KEY_ID", aws.KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", aws.SECRET)
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def files(run: Path) -> dict[str, bytes]:
    """Every file of a run; none of them temporary."""
    return {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}


def assert_same(run: Path, other: Path) -> None:
    mine, theirs = files(run), files(other)
    assert sorted(mine) == sorted(theirs)
    assert [name for name in mine if mine[name] != theirs[name]] == []


def test_an_undisturbed_run_leaves_nothing_temporary(place: Place) -> None:
    names = sorted(files(place.undisturbed))
    assert "MANIFEST.sha256" in names
    assert [n for n in names if "partial" in n or "listed" in n or "journal" in n or ".lock" in n] == []
    assert json.loads((place.undisturbed / "run.json").read_text())["done"] == ["collect", "assess", "report"]


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("before", 1),
        ("after", 6),
        ("before", 12),
        ("after", 20),
        ("before", 25),
        ("after", 32),
        ("before", 44),
        ("after", 55),
        ("half a file", 1),
        ("half a file", 9),
        ("half a file", 12),
        ("half a file", 14),
        ("half a file", 16),
        ("half a line", 1),
        ("half a line", 11),
        ("half a line", 25),
    ],
)
def test_killed_at_any_moment_the_same_command_gives_the_same_bytes(
    place: Place, tmp_path: Path, moment: str, number: int
) -> None:
    """Files and lines half written are done again; files that were in place are not, but for the last."""
    run = tmp_path / "run"
    first = place.audit(run, moment=moment, number=number)
    assert first.status == -signal.SIGKILL
    second = place.audit(run)
    assert second.status == 1, second.said
    assert_same(run, place.undisturbed)
    copies = [
        name for name in first.placed + second.placed if "/snapshot/accounts/" in name or "/records/kept/" in name
    ]
    assert len(copies) - len(set(copies)) <= 1


def test_killed_again_and_again_it_comes_to_its_end(place: Place, tmp_path: Path) -> None:
    """Each attempt gets a little further."""
    run = tmp_path / "run"
    ends = [place.audit(run, moment="after", number=25).status]
    while ends[-1] == -signal.SIGKILL and len(ends) < 12:
        ends.append(place.audit(run, moment="before", number=25).status)
    assert ends[-1] == 1
    assert len(ends) > 2
    assert_same(run, place.undisturbed)


def test_a_copy_that_was_lost_or_cut_is_fetched_again(place: Place, tmp_path: Path) -> None:
    """The journal alone is not believed."""
    run = tmp_path / "run"
    assert place.audit(run, moment="half a line", number=20).status == -signal.SIGKILL
    kept = sorted((run / "records" / "kept").rglob("*.log.gz"))
    assert len(kept) > 10
    kept[0].unlink()
    kept[1].write_bytes(kept[1].read_bytes()[:-1])
    again = place.audit(run)
    assert_same(run, place.undisturbed)
    assert {str(kept[0]), str(kept[1])} <= set(again.placed)


def test_stopped_by_a_person_it_says_how_to_go_on(place: Place, tmp_path: Path) -> None:
    """Exit status 130, one sentence, no traceback, and a run to go on with."""
    run = tmp_path / "run"
    stopped = place.audit(run, moment="after", number=30, sent=signal.SIGINT)
    assert stopped.status == 130
    assert f"auditkit: stopped. `auditkit audit … -o {run}` goes on where this stopped.\n" in stopped.said
    assert "Traceback" not in stopped.said
    assert not (run / ".lock").exists()
    assert place.audit(run).status == 1
    assert_same(run, place.undisturbed)


# -- one writer ------------------------------------------------------------------------------------------------------


def test_a_run_that_is_being_written_is_refused(place: Place, tmp_path: Path) -> None:
    """By another process: it says which, touches nothing, and the run goes on when that one has ended."""
    run = tmp_path / "run"
    code = "import sys; from pathlib import Path; from auditkit.lock import held\nwith held(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(run)],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    refused = place.audit(run)
    assert refused.status == 2
    assert f"{run} is being written by another auditkit (process {holder.pid}, since 20" in refused.said
    assert sorted(files(run)) == [".lock"]
    holder.communicate()
    assert not run.exists()


def test_the_lock_of_the_dead_holds_nobody_up(place: Place, tmp_path: Path) -> None:
    run = tmp_path / "run"
    place.audit(run, moment="before", number=8)
    assert (run / ".lock").read_text().strip().isdecimal()
    with held(run) as died:
        assert died
        with held(run) as again:
            assert not again
    assert not (run / ".lock").exists()


@pytest.mark.parametrize("stage", ["collect", "assess", "report"])
def test_every_stage_holds_the_lock(place: Place, tmp_path: Path, capsys, stage: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(place.undisturbed, run)
    given = (
        ["collect", "-c", str(place.folder / "saved.yaml"), "-o", str(run), *CONTROLS]
        if stage == "collect"
        else [stage, str(run)]
    )
    release, thread = hold_elsewhere(run)
    assert command([*given, "-q"]) == 2
    assert "is being written by another auditkit" in capsys.readouterr().err
    release()
    thread.join()


def hold_elsewhere(run: Path):
    """Hold the lock in another thread, which is as strange to this one as another process."""
    import threading

    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with held(run):
            taken.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    return over.set, thread


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"), held(tmp_path / "run"):
        pass
    assert (tmp_path / "precious").read_text() == "keep"


# -- the same command ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "edit", "named"),
    [
        (("--period", "2026-06"), "", "another period"),
        (("--account", "111122223333"), "", "another narrowing (--account, --region, --table, --control)"),
        ((), "\n# a word\n", "another auditkit.yaml"),
        (("--period", "2026-06"), "\n# a word\n", "another auditkit.yaml and another period"),
    ],
)
def test_another_command_is_refused_and_what_differs_is_named(
    place: Place, tmp_path: Path, more: tuple[str, ...], edit: str, named: str
) -> None:
    run = tmp_path / "run"
    place.audit(run, moment="before", number=30)
    before = files(run)
    (place.folder / "edited.yaml").write_text(SAVED + edit)
    refused = place.audit(run, *more, config="edited.yaml")
    assert refused.status == 2
    assert f"{run} was begun with {named}\n" in refused.said
    left_over = {name for name in before if name.endswith(".partial") or name == ".lock"}
    assert files(run) == {name: data for name, data in before.items() if name not in left_over}


def test_policies_of_today_judge_what_was_begun_before(place: Place, tmp_path: Path) -> None:
    """They decide nothing about collecting; the run keeps those that judged, so that `assess` repeats the result."""
    run = tmp_path / "run"
    (place.folder / "own.yaml").write_text(SAVED + "policies: [own-policies.yaml]\n")
    own = place.folder / "own-policies.yaml"
    control = "controls:\n  - {id: mine, title: %s, severity: low, table: vpcs, fail_where: {is_default: true}}\n"
    given = ("audit", "-c", str(place.folder / "own.yaml"), "-o", str(run), "-f", "json", "-q")
    own.write_text(control % "Old")
    assert place.nursery.run(*given, moment="half a line", number=20).status == -signal.SIGKILL
    own.write_text(control % "New")
    place.nursery.run(*given)
    result = (run / "assessment.json").read_bytes()
    assert b'"New"' in result
    own.write_text(control % "Newest")
    place.nursery.run(*given)
    assert b'"Newest"' in (run / "assessment.json").read_bytes()
    assert command(["assess", str(run), "-q"]) in (0, 1)
    assert b'"Newest"' in (run / "assessment.json").read_bytes()


# -- from AWS --------------------------------------------------------------------------------------------------------


@pytest.fixture
def gate(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The stand-in for AWS, behind a gate that counts."""
    built = aws.estate()
    one = Gate(built.endpoint)
    reach(monkeypatch, built, one.url)
    place.nursery.begun = one.begun
    yield one
    one.close()


def read(run: Path) -> list[tuple[str, str, str]]:
    table = pq.read_table(run / "records" / "index.parquet").to_pylist()
    return [(row["uri"], row["sha256"], row["status"]) for row in table]


def test_killed_inside_a_download_only_what_was_under_way_is_fetched_again(
    place: Place, gate: Gate, tmp_path: Path
) -> None:
    """Nothing is listed again, no network is asked again."""
    run = tmp_path / "run"
    gate.at = ("GetObject", 15)
    assert place.audit(run, config="aws.yaml").status == -signal.SIGKILL
    first = dict(gate.counts)
    assert gate.total("GetObject") >= 15
    gate.at = ("", 0)
    assert place.audit(run, config="aws.yaml").status == 1
    again = [n for n in gate.counts if n.startswith("GetObject") and gate.counts[n] > 1]
    assert len(again) <= 2 * THREADS
    assert gate.total("GetObject") <= 24 + len(again)
    assert gate.total("ListObjectsV2") == sum(n for name, n in first.items() if name.startswith("ListObjectsV2"))
    assert gate.total("DescribeVpcs") == sum(n for name, n in first.items() if name.startswith("DescribeVpcs"))
    assert read(run) == read(place.folder / "collected")
    assert [p for p in run.rglob("*") if "partial" in p.name or "listed" in p.name or "journal" in p.name] == []


def test_stopped_while_threads_fetch_it_waits_for_none(place: Place, gate: Gate, tmp_path: Path) -> None:
    """Exit status 130 and no traceback, of no thread; what was fetched is kept."""
    run = tmp_path / "run"
    stopped = place.audit(run, config="aws.yaml", moment="half a line", number=7 + 12, sent=signal.SIGINT)
    assert stopped.status == 130
    assert "goes on where this stopped" in stopped.said
    assert "Traceback" not in stopped.said
    assert place.audit(run, config="aws.yaml").status == 1
    assert gate.total("GetObject") < 24 + 24 - 8
    assert read(run) == read(place.folder / "collected")
    assert [p for p in run.rglob("*") if "partial" in p.name or "journal" in p.name] == []


def test_killed_while_listing_goes_on_with_the_rest(place: Place, gate: Gate, tmp_path: Path) -> None:
    """Only folders under way are listed again; the snapshot, finished, is not asked again at all."""
    run = tmp_path / "run"
    gate.at = ("ListObjectsV2", 12)
    assert place.audit(run, config="aws.yaml").status == -signal.SIGKILL
    asked = Run(run).state["as_of"]
    gate.at = ("", 0)
    assert place.audit(run, config="aws.yaml").status == 1
    assert Run(run).state["as_of"] == asked
    assert gate.total("GetCallerIdentity") == 3  # to scan, to read, to read again
    probed = [count for name, count in gate.counts.items() if name.startswith("ListObjectsV2") and "max-keys=1" in name]
    assert probed == [1] * 9
    assert read(run) == read(place.folder / "collected")


def test_killed_while_asking_goes_on_with_the_regions_left(place: Place, gate: Gate, tmp_path: Path) -> None:
    """An account's region that was answered is not asked again."""
    run = tmp_path / "run"
    gate.at = ("HEAD", 1)  # the first bucket: every region has been asked
    assert place.audit(run, config="aws.yaml").status == -signal.SIGKILL
    before = gate.total("DescribeSubnets")
    assert before == 8
    gate.at = ("", 0)
    assert place.audit(run, config="aws.yaml").status == 1
    assert gate.total("DescribeSubnets") <= before + 1  # where a log group is missing: what was refused is asked again
    assert read(run) == read(place.folder / "collected")


@pytest.fixture(autouse=True)
def _unlinked(place: Place) -> Iterator[Callable[[], None]]:
    """No process is told of another test's children."""
    yield lambda: None
    place.nursery.begun = lambda _pid: None
