"""Log objects on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from auditkit.model.errors import AuditkitError
from auditkit.sources import SourceError
from auditkit.sources.local import Local
from tests.aws import folder, name

SLOT = datetime(2026, 7, 1, 0, 5, tzinfo=UTC)
DAY = SLOT.date()
ACCOUNT = "111122223333"
NAME = name(ACCOUNT, "us-east-1", "fl-1234abcd", SLOT)
KEY = folder(ACCOUNT, "us-east-1", SLOT) + NAME


def put(path: Path, body: bytes = b"log") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def uris(found):
    return [obj.uri for obj in found]


def test_a_mirror_is_read_at_any_depth(tmp_path, told, listing):
    path = put(tmp_path / "backup" / "org-flow-logs" / "eu" / KEY)
    (obj,) = listing(Local((tmp_path,)), [DAY])
    assert (obj.uri, obj.key, obj.size) == (str(path), KEY, 3)
    assert (obj.account_id, obj.region, obj.flow_log_id, obj.slot) == (ACCOUNT, "us-east-1", "fl-1234abcd", SLOT)
    assert told == []


def test_a_file_is_known_by_its_name_wherever_it_lies(tmp_path, told, listing):
    put(tmp_path / "downloads" / NAME)
    (obj,) = listing(Local((tmp_path,)), [DAY])
    assert obj.key == f"downloads/{NAME}"


def test_other_files_and_other_days_are_passed_over(tmp_path, told, listing):
    put(tmp_path / KEY)
    put(tmp_path / "notes.txt")
    put(tmp_path / KEY.replace(NAME, "test_file.log.gz"))
    local = Local((tmp_path,))
    assert listing(local, [date(2026, 7, 2)]) == []
    assert len(listing(local, [DAY])) == 1


def test_foreign_files_are_counted(tmp_path):
    put(tmp_path / KEY)
    put(tmp_path / "notes.txt")
    put(tmp_path / KEY.replace(NAME, "test_file.log.gz"))
    (unit,) = Local((tmp_path, tmp_path / "notes.txt")).units([DAY])
    assert unit.ask(lambda _: None).foreign == 2


def test_globs_files_and_directories_give_each_object_once_in_order(tmp_path, told, listing, monkeypatch):
    later = name(ACCOUNT, "us-east-1", "fl-1234abcd", SLOT.replace(minute=10))
    put(tmp_path / "b" / later)
    put(tmp_path / "a" / NAME)
    put(tmp_path / "copy" / NAME)
    everything = (tmp_path / "*" / "*.log.gz", tmp_path, tmp_path / "b" / later)
    found = listing(Local(everything), [DAY])
    assert uris(found) == [str(tmp_path / "a" / NAME), str(tmp_path / "b" / later)]
    assert [obj.key for obj in found] == [f"a/{NAME}", f"b/{later}"]
    deep = listing(Local((tmp_path / "**" / "*10Z*",)), [DAY])
    assert uris(deep) == [str(tmp_path / "b" / later)]
    monkeypatch.chdir(tmp_path)
    assert uris(listing(Local((Path("?"),)), [DAY])) == [f"a/{NAME}", f"b/{later}"]
    assert told == []


def test_two_copies_that_differ_are_said(tmp_path, told, listing):
    put(tmp_path / "a" / NAME)
    put(tmp_path / "b" / NAME, b"another log")
    assert len(listing(Local((tmp_path,)), [DAY])) == 1
    (unread,) = told
    assert unread.resource == str(tmp_path / "b" / NAME)
    assert unread.error == f"Conflict: {tmp_path / 'a' / NAME} has the same name and another size"


def test_links_that_lead_outside_are_not_followed(tmp_path, told, listing):
    put(tmp_path / "outside" / NAME)
    inside = tmp_path / "inside"
    real = put(inside / "real" / NAME)
    (inside / "file").mkdir()
    later = name(ACCOUNT, "us-east-1", "fl-1234abcd", SLOT.replace(minute=10))
    (inside / "file" / later).symlink_to(tmp_path / "outside" / NAME)
    (inside / "folder").symlink_to(tmp_path / "outside")
    assert uris(listing(Local((inside,)), [DAY])) == [str(real)]
    assert uris(listing(Local((inside / "*",)), [DAY])) == [str(real)]
    (tmp_path / "link").symlink_to(inside)
    assert uris(listing(Local((tmp_path / "link",)), [DAY])) == [str(tmp_path / "link" / "real" / NAME)]


def test_a_link_inside_is_followed_and_a_broken_one_is_said(tmp_path, told, listing):
    put(tmp_path / "z" / "blob")
    (tmp_path / NAME).symlink_to(tmp_path / "z" / "blob")
    later = name(ACCOUNT, "us-east-1", "fl-1234abcd", SLOT.replace(minute=10))
    (tmp_path / later).symlink_to(tmp_path / later)
    assert uris(listing(Local((tmp_path,)), [DAY])) == [str(tmp_path / NAME)]
    assert [(unread.resource, unread.account_id) for unread in told] == [(str(tmp_path / later), ACCOUNT)]


def test_a_path_that_is_not_there_is_an_error(tmp_path, told, listing):
    for path in (tmp_path / "none", tmp_path / "*.log.gz"):
        with pytest.raises(AuditkitError, match="does not exist, or matches nothing"):
            listing(Local((path,)), [DAY])


def test_a_file_is_fetched_as_it_is(tmp_path, told, listing):
    put(tmp_path / "in" / NAME)
    (obj,) = listing(Local((tmp_path / "in",)), [DAY])
    fetched = Local(()).fetch(obj, tmp_path / "out" / NAME)
    assert (tmp_path / "out" / NAME).read_bytes() == b"log"
    assert (fetched.sha256, fetched.size) == (hashlib.sha256(b"log").hexdigest(), 3)


def test_a_file_that_cannot_be_read_is_said(tmp_path, told, listing):
    path = put(tmp_path / "in" / NAME)
    (obj,) = listing(Local((tmp_path,)), [DAY])
    path.unlink()
    with pytest.raises(SourceError, match="FileNotFoundError: No such file or directory") as raised:
        Local(()).fetch(obj, tmp_path / "out")
    assert raised.value.unread.resource == str(path)
    path.mkdir()
    with pytest.raises(SourceError, match="IsADirectoryError"):
        Local(()).fetch(obj, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_changed_is_said(tmp_path, told, listing):
    put(tmp_path / "in" / NAME)
    (obj,) = listing(Local((tmp_path,)), [DAY])
    with pytest.raises(SourceError, match="Changed: 4 bytes when listed, 3 when read"):
        Local(()).fetch(replace(obj, size=4), tmp_path / "out")
    assert not (tmp_path / "out").exists()
