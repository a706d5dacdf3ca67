"""Merge: disjoint collected runs → one collected run, as if it had been collected in one go.

Its clock is the latest of the parts': what an earlier part saw arriving is then older, so less is proven, never more.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from auditkit import snapshot
from auditkit.audit import drawing
from auditkit.audit.joining import objects
from auditkit.audit.options import Tick, silent
from auditkit.audit.parts import EVERY, Part, check, part
from auditkit.audit.result import AWS_HOST
from auditkit.model.errors import AuditkitError
from auditkit.model.inventory import GLOBAL, Call
from auditkit.run import Run, iso

_LEFT_OUT = "No part read"


def merge(runs: Sequence[Run], out: Run, tick: Tick = silent) -> Run:
    """Join runs that read different accounts or regions into a new run, which is to be assessed then.

    The order of the runs does not matter. Log objects are hard-linked where the file system can.

    Args:
        runs: collected, of the same period, configuration, policies and waivers; they stay as they are.
        out: the new run; it does not exist yet.
        tick: progress.

    Returns:
        `out`, collected.

    Raises:
        AuditkitError: a run was not collected whole, they do not fit together, or `out` exists.
    """
    if out.path.exists() or out.path.is_symlink():
        raise AuditkitError(f"{out.path} exists already", "Name a new directory with -o.")
    parts = [part(run) for run in runs]
    check(parts)
    for one in parts:
        if out.path.resolve().is_relative_to(one.run.path.resolve()):
            raise AuditkitError(
                f"{out.path} lies in {one.run.path}, which is to stay as it is", "Name another directory with -o."
            )
    parts.sort(key=lambda one: sorted(one.places))
    out.path.parent.mkdir(parents=True, exist_ok=True)
    # Built beside it, and renamed when whole: what was broken off leaves no run.
    with tempfile.TemporaryDirectory(prefix=f".{out.path.name}.", dir=out.path.parent) as folder:
        fresh = Run(Path(folder) / "run")
        _join(parts, fresh, tick)
        fresh.path.rename(out.path)
    return out


def _join(parts: list[Part], out: Run, tick: Tick) -> None:
    tick("joining snapshots", 0, 0)
    meta = _meta(parts)
    _write_snapshot(parts, out, meta)
    unlisted = objects(parts, out, tick)
    first = parts[0]
    shutil.copytree(first.run.inputs, out.inputs)
    samples = [sample for one in parts if (sample := drawing.load(one.run)) is not None]
    if len(samples) == len(parts):
        drawing.write(out, drawing.joined(samples))
    elif samples:
        raise AuditkitError("some of the runs have read a sample and others have not", "Collect all parts alike.")
    out.note(
        options={
            "config_sha256": first.state["options"]["config_sha256"],
            "narrowed": {},
            "period": first.state["period"],
        },
        period=first.state["period"],
        started=min(one.state["started"] for one in parts),
        interim=any(one.state.get("interim") for one in parts),
        as_of=meta["as_of"],
        identity=meta["identity"],
        merged=meta["merged"],
        unlisted=sorted(unlisted, key=_json),
        foreign_keys=max(one.state.get("foreign_keys", 0) for one in parts),
        done=["collect"],
    )


# -- snapshot.json ---------------------------------------------------------------------------------------------------


def _meta(parts: list[Part]) -> dict[str, Any]:
    in_scope = sorted({account_id for one in parts for account_id in one.accounts})
    regions = {a: sorted({r for one in parts for b, r in one.places if b == a and r != EVERY}) for a in in_scope}
    excluded = {
        _json(entry): entry
        for one in parts
        for entry in one.meta["scope"].get("excluded", ())
        if entry.get("account") not in regions
    }
    meta: dict[str, Any] = {
        "provenance": "collected" if all(one.meta.get("provenance") == "collected" for one in parts) else "imported",
        "started": min((str(one.meta["started"]) for one in parts if one.meta.get("started")), default=""),
        "as_of": iso(max(one.as_of for one in parts)),
        "identity": _identity(parts),
        "scope": {"accounts": in_scope, "regions": regions, "excluded": [excluded[key] for key in sorted(excluded)]},
        "merged": [entry for one in parts for entry in _sources(one)],
    }
    for key in ("files", "ignored", "notes"):
        if found := {_json(entry): entry for one in parts for entry in one.meta.get(key, ())}:
            meta[key] = [found[text] for text in sorted(found)]
    notes = [note for note in meta.pop("notes", ()) if not str(note).startswith(_LEFT_OUT)]
    if left := _left_out(parts):
        meta["left_out"] = left
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        notes.append(f"{_LEFT_OUT} {', '.join(left[:5])}{more}: nothing is said of them.")
    return meta | ({"notes": notes} if notes else {})


def _left_out(parts: list[Part]) -> list[str]:
    """Accounts and regions that the parts were to read and were narrowed not to, and that no other part has read."""
    read = {"/".join(place) for one in parts for place in one.places}
    accounts = {account_id for one in parts for account_id in one.accounts}
    asked = {f"{a}/{r}" for one in parts for a in one.scope.accounts for r in one.scope.regions[a]}
    asked |= {a for one in parts for a in one.scope.accounts if not one.scope.regions[a] and a not in accounts}
    told = [entry for one in parts if isinstance(entry := one.meta.get("left_out"), list)]
    asked |= {place for entry in told for place in entry if isinstance(place, str)}
    return sorted(place for place in asked - read if place not in accounts)


def _sources(one: Part) -> list[dict[str, Any]]:
    """What a part was; of one that was joined itself, its own parts."""
    if found := one.meta.get("merged"):
        return list(found)
    facts = {key: one.meta.get(key) for key in ("identity", "provenance", "started", "as_of")}
    return [{**facts, "accounts": sorted(one.accounts), "regions": sorted({r for _, r in one.places} - {EVERY})}]


def _identity(parts: list[Part]) -> dict[str, str]:
    """Who collected: all of them; an endpoint that is not AWS's comes first, so that it is told."""
    said = [one.scope.identity for one in parts]
    whole = {key: sorted({one[key] for one in said if one[key]}) for key in ("account_id", "arn", "endpoint")}
    whole["endpoint"].sort(key=lambda url: (AWS_HOST.match(url) is not None, url))
    return {key: ", ".join(values) for key, values in whole.items()}


# -- calls -----------------------------------------------------------------------------------------------------------


def _write_snapshot(parts: list[Part], out: Run, meta: dict[str, Any]) -> None:
    everybody = {account_id for one in parts for account_id in one.scope.accounts}
    late: list[tuple[int, Call]] = []
    for number, one in enumerate(parts):
        own: dict[str, list[Call]] = {}
        for call in snapshot.read_calls(one.run.snapshot):
            name = _file(call)
            if name.startswith("accounts/") and (call.account_id, call.region) in one.places:
                own.setdefault(name, []).append(call)  # nobody else's
            elif _stays(call, one, everybody):
                late.append((number, call))
        for name, calls in own.items():
            snapshot.write_calls(out.snapshot / name, calls)
    rest: dict[str, list[Call]] = {}
    for call in _newest(late, parts):
        rest.setdefault(_file(call), []).append(call)
    for name, calls in rest.items():
        snapshot.write_calls(out.snapshot / name, calls)
    snapshot.write_meta(out.snapshot, meta)


def _file(call: Any) -> str:
    """The file of a call; of one that is damaged, and so of nobody, the organization's."""
    texts = (call.service, call.account_id, call.region)
    return snapshot.path_of(call) if all(isinstance(text, str) for text in texts) else "organization.jsonl.gz"


def _stays(call: Any, one: Part, everybody: set[str]) -> bool:
    """Tell whether a part may speak of it: of its own accounts, of what all share, of nobody's account."""
    if _file(call) == "destinations.jsonl.gz" or not isinstance(call.account_id, str):
        return True
    if call.service in ("organizations", "sts") and call.operation not in ("AssumeRole", "ListTagsForResource"):
        return True
    if call.region == GLOBAL or not isinstance(call.region, str):
        return call.account_id in one.accounts or call.account_id not in everybody
    # A region that a part was narrowed not to read is not in scope any more.
    return call.account_id not in everybody


def _newest(late: list[tuple[int, Call]], parts: list[Part]) -> Iterator[Call]:
    """Of what several parts were told, the latest answer holds; refusals, and what is the same in all, come once."""
    answered: dict[str, int] = {}
    for number, call in late:
        if call.error is None:
            question = _question(call)
            best = answered.setdefault(question, number)
            if (parts[number].as_of, number) > (parts[best].as_of, best):
                answered[question] = number
    seen: set[str] = set()
    for number, call in late:
        if call.error is None and answered[_question(call)] != number:
            continue
        if (text := _json(asdict(call))) not in seen:
            seen.add(text)
            yield _writable(call)


def _writable(call: Any) -> Call:
    """A call whose place was lost cannot be written as it is, and must not be lost itself."""
    lost = [key for key in ("service", "operation", "account_id", "region", "at") if getattr(call, key) in ("", None)]
    if not lost:
        return cast("Call", call)
    error = {"code": "Damaged", "message": f"the snapshot of a part is damaged: {', '.join(lost)} is missing"}
    whole: Call = replace(call, **dict.fromkeys(lost, EVERY), answer=None, error=error)
    return whole


def _question(call: Call) -> str:
    """What was asked, whoever asked: the name of a bucket is the same for all."""
    whose = "" if call.service == "s3" else call.account_id
    return _json([call.service, call.operation, whose, call.region, call.resource, call.asked])


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
