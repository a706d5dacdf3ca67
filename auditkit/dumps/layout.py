"""A directory of saved answers → which file is whose answer to what. Nothing is opened here but about.json."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from auditkit.dumps.commands import BUCKET, KINDS, ORGANIZATION, REGION, TAGS, TOP, WORDS, WORLD, Command, at, known
from auditkit.model.errors import InvalidInput, Problem, nearest
from auditkit.model.inventory import GLOBAL

ABOUT = "about.json"
ACCOUNT = re.compile(r"\d{12}", re.ASCII)
REGION_NAME = re.compile(r"[a-z]{2,6}(-[a-z]+){1,3}-\d{1,2}")
_ENDINGS = re.compile(r"\.(json|jsonl|ndjson|ya?ml|txt|text|table|out)(\.gz)?$", re.IGNORECASE)
_TELLS = {
    TOP: ("account_id", "region", "as_of", "events_from", "events_until"),
    REGION: ("events_from", "events_until"),
    BUCKET: ("account_id", "expected_bucket_owner"),
}
_DEEP = 8
_HINT = "docs/offline.md shows how such a directory is laid out."


@dataclass(frozen=True, slots=True)
class Dump:
    """One file, and the question that it answers."""

    path: Path
    """Where it lies."""
    name: str
    """Its path below the directory."""
    command: Command
    """What was asked."""
    account_id: str = ""
    """Of which account; empty where the folder does not tell."""
    region: str = GLOBAL
    """In which region."""
    folder: str = ""
    """The one thing asked about: the name of its folder, decoded."""
    outside: bool = False
    """A link that leads out of the directory."""


@dataclass(slots=True)
class Layout:
    """What lies in a directory."""

    root: Path
    """The directory."""
    dumps: list[Dump] = field(default_factory=list)
    """Sorted by name."""
    places: set[tuple[str, str]] = field(default_factory=set)
    """Accounts and regions that have a folder; `global` for the account's own."""
    about: dict[str, dict[str, str]] = field(default_factory=dict)
    """Folder → what its about.json says."""
    ignored: list[str] = field(default_factory=list)
    """What is not known, with the nearest right word."""
    problems: list[Problem] = field(default_factory=list)
    """What must be put right by a person."""


def looks_like(root: Path) -> bool:
    """Tell whether a directory could hold saved answers."""
    if not root.is_dir():
        return False
    return any(
        name in (ABOUT, "organizations", "buckets") or ACCOUNT.fullmatch(name) or _word(name)
        for name in os.listdir(root)  # noqa: PTH208 - names suffice
    )


def scan(root: Path) -> Layout:
    """Find every file and what it answers.

    Raises:
        InvalidInput: a folder's name is no account or region, answers lie where they tell nothing, about.json is wrong.
    """
    walk = _Walk(Layout(root))
    walk.top()
    found = walk.found
    if found.problems:
        raise InvalidInput(found.problems, _HINT)
    found.dumps.sort(key=lambda dump: dump.name)
    return found


def _word(name: str) -> str:
    return known(_ENDINGS.sub("", name)) if _ENDINGS.search(name) else ""


class _Walk:
    def __init__(self, found: Layout) -> None:
        self.found = found
        self._inside = found.root.resolve()

    def top(self) -> None:
        root = self.found.root
        about = self._about(root, TOP)
        flat = Dump(root, "", at(REGION, "describe-vpcs"), about.get("account_id", ""), about.get("region", ""))  # type: ignore[arg-type]  # it is there
        for path in self._entries(root):
            if not path.is_dir():
                if self._file(path, flat, (REGION, WORLD, ORGANIZATION)):
                    self._flat(flat, path)
            elif ACCOUNT.fullmatch(path.name):
                self._account(path)
            elif path.name == ORGANIZATION:
                self._organization(path)
            elif path.name == "buckets":
                self._things(path, BUCKET, Dump(root, "", flat.command))
            elif kind := KINDS[REGION].get(path.name) or KINDS[WORLD].get(path.name):
                self._flat(flat, path)
                self._things(path, kind, flat)
            else:
                self._strange(path, "not an account id of 12 digits", (ORGANIZATION, "buckets"))

    def _flat(self, flat: Dump, path: Path) -> None:
        """Answers that lie flat need about.json to tell whose they are."""
        if path.name.split(".")[0] in ("list-accounts", "describe-organization"):
            return
        for key, value, right in (("account_id", flat.account_id, ACCOUNT), ("region", flat.region, REGION_NAME)):
            if not right.fullmatch(value):
                said = f"{value!r} is not one" if value else "it does not say it"
                self._problem(self.found.root / ABOUT, f"{key} is needed for answers that lie flat; {said}")
        self.found.places.add((flat.account_id, flat.region))

    def _account(self, folder: Path) -> None:
        account_id = folder.name
        self.found.places.add((account_id, GLOBAL))
        for path in self._entries(folder):
            if not path.is_dir():
                self._stray(path, f"belongs into a folder of its region, as {account_id}/eu-west-1, or of {GLOBAL}")
            elif path.name == GLOBAL:
                self._place(path, WORLD, account_id, GLOBAL)
            elif REGION_NAME.fullmatch(path.name):
                self.found.places.add((account_id, path.name))
                self._about(path, REGION)
                self._place(path, REGION, account_id, path.name)
            else:
                self._strange(path, "not the name of a region", (GLOBAL,))

    def _place(self, folder: Path, place: str, account_id: str, region: str) -> None:
        whose = Dump(folder, "", at(REGION, "describe-vpcs"), account_id, region)  # type: ignore[arg-type]  # it is there
        for path in self._entries(folder):
            if not path.is_dir():
                self._file(path, whose, (place,))
            elif path.name in KINDS[place]:
                self._things(path, KINDS[place][path.name], whose)
            else:
                self._strange(path, "not a folder that is known here", KINDS[place])

    def _organization(self, folder: Path) -> None:
        whose = Dump(folder, "", at(REGION, "describe-vpcs"))  # type: ignore[arg-type]  # it is there
        for path in self._entries(folder):
            if not path.is_dir():
                self._file(path, whose, (ORGANIZATION, WORLD))
            elif ACCOUNT.fullmatch(path.name):
                self._thing(path, TAGS, Dump(path, "", whose.command, path.name))
            else:
                self._strange(path, "not an account id of 12 digits", ())

    def _things(self, folder: Path, place: str, whose: Dump) -> None:
        for path in self._entries(folder):
            if path.is_dir():
                self._thing(path, place, whose)
            else:
                self._stray(path, f"belongs into a folder of its own, as {place.replace('NAME', 'its-name')}")

    def _thing(self, folder: Path, place: str, whose: Dump) -> None:
        if place == BUCKET:
            self._about(folder, BUCKET)
        world = place in KINDS[WORLD].values() or place in (BUCKET, TAGS)
        region = GLOBAL if world else whose.region
        named = Dump(folder, "", whose.command, whose.account_id, region, unquote(_clean(folder.name)))
        for path in self._entries(folder):
            if path.is_dir():
                self._strange(path, "not a folder that is known here", ())
            else:
                self._file(path, named, (place,))

    def _file(self, path: Path, whose: Dump, places: Iterable[str]) -> bool:
        """Take a file, and tell whether it says something of the account and region that it lies in."""
        if path.name == ABOUT:
            return False
        word = _word(path.name)
        command = next((one for place in places if (one := at(place, word))), None)
        if command is None:
            self._stray(path, "lies where it does not tell what it is about")
            return False
        outside = path.is_symlink() and not path.resolve().is_relative_to(self._inside)
        region = GLOBAL if command.place in (WORLD, ORGANIZATION) else whose.region
        account_id = "" if command.place == ORGANIZATION else whose.account_id
        self.found.dumps.append(Dump(path, self._name(path), command, account_id, region, whose.folder, outside))
        return True

    def _stray(self, path: Path, where: str) -> None:
        if path.name == ABOUT:
            self._problem(path, "tells nothing here")
        elif _word(path.name):
            self._problem(path, where)
        else:
            word = nearest(_ENDINGS.sub("", path.name).lower(), WORDS)
            self.found.ignored.append(f"{self._name(path)}{word}")

    def _strange(self, folder: Path, why: str, right: Iterable[str]) -> None:
        """A folder of an unknown name: a mistake if answers lie in it, else none of ours."""
        inside = (name for _, _, names in _bounded(folder) for name in names)
        if any(map(_word, inside)):
            self._problem(folder, f"holds saved answers, but its name is {why}{nearest(folder.name, right)}")
        else:
            self.found.ignored.append(f"{self._name(folder)}/")

    def _entries(self, folder: Path) -> list[Path]:
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            self._problem(folder, f"cannot be listed: {error.strerror}")
            return []
        links = [path for path in paths if path.is_symlink() and path.is_dir()]
        for path in links:
            self._problem(path, "is a link to a folder, which is not followed: copy what it leads to")
        return [path for path in paths if path not in links]

    def _about(self, folder: Path, place: str) -> dict[str, str]:
        path = folder / ABOUT
        if not path.exists() and not path.is_symlink():
            return {}
        said = self._said(path)
        for key, value in said.items():
            if key not in _TELLS[place]:
                self._problem(path, f"unknown key {key!r}{nearest(key, _TELLS[place])}")
            elif not isinstance(value, str):
                self._problem(path, f"{key} is not text: put it in quotes")
            elif wrong := _wrong(key, value):
                self._problem(path, wrong)
        self.found.about[self._name(folder)] = said
        return {key: value for key, value in said.items() if isinstance(value, str)}

    def _said(self, path: Path) -> dict[str, Any]:
        try:
            if path.is_symlink() or path.stat().st_size > 10_000:
                raise ValueError("a link, or too large")  # noqa: TRY301 - told in one place
            said = json.loads(path.read_text(encoding="utf-8-sig"))
            if isinstance(said, dict):
                return said
            self._problem(path, "is not a mapping")
        except (OSError, ValueError, RecursionError) as error:
            self._problem(path, f"is not JSON: {error}")
        return {}

    def _name(self, path: Path) -> str:
        name = _clean(path.relative_to(self.found.root).as_posix())
        return "" if name == "." else name

    def _problem(self, path: Path, message: str) -> None:
        self.found.problems.append(Problem(_clean(str(path)), 0, message))


def _wrong(key: str, value: str) -> str:
    if key in ("account_id", "expected_bucket_owner"):
        return "" if ACCOUNT.fullmatch(value) else f"{key}: {value!r} is not an account id of 12 digits"
    if key == "region":
        return "" if REGION_NAME.fullmatch(value) else f"{key}: {value!r} is not the name of a region"
    return "" if moment(value) else f"{key}: {value!r} is not a time as 2026-10-01T06:00:00Z"


def moment(text: str) -> datetime | None:
    """Read a time that a person wrote; without a zone it is UTC."""
    try:
        told = datetime.fromisoformat(text)
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return told if 2006 <= told.year < 9000 else None  # EC2 is not older, and no answer that young


def _bounded(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for path, folders, names in os.walk(folder):
        if len(Path(path).relative_to(folder).parts) >= _DEEP:
            folders.clear()
        yield path, folders, names


def _clean(name: str) -> str:
    """A name that can be written anywhere: a file's name may be no UTF-8."""
    return name.encode("utf-8", "replace").decode()
