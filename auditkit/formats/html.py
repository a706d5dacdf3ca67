"""report.html: one file that opens anywhere, asks the network for nothing, and stays quick with 100,000 findings."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from typing import Any

from markupsafe import Markup

from auditkit.formats import Tables
from auditkit.formats.page import FONTS, STATE, STATUS, asset, data_uri, environment
from auditkit.formats.text import clip, plain
from auditkit.formats.view import Json, View, view
from auditkit.model.assessment import Assessment
from auditkit.model.control import SEVERITIES

STATIC = 100
"""Rows that stand in the page without its script."""
RESOURCES = 50_000
"""Resources that the page holds, those that are not complete first: a browser has to open it."""
CAP = 500
"""Rows of a listing that is not searchable."""


def build(assessment: Assessment, tables: Tables, made: datetime) -> bytes:
    """Make the page."""
    v = view(assessment, tables, made)
    style = "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};src:url("{data_uri(file)}")}}\n'
        for file, (family, weight) in FONTS.items()
    ) + asset("report.css")
    script = asset("report.js")
    troubled = v.rows("coverage", [("state", "!=", "complete")], RESOURCES)
    resources = sorted(
        map(_resource, troubled + v.rows("coverage", [("state", "==", "complete")], RESOURCES - len(troubled))),
        key=lambda r: (r["state"] == "complete", r["state"], r["type"], r["account"], r["region"], r["id"]),
    )
    page = (
        environment()
        .get_template("report.j2")
        .render(
            v=v,
            pdf=False,
            cap=CAP,
            policy=f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'",
            style=Markup(style),  # noqa: S704  # our own file; the policy above names its hash
            script=Markup(script),  # noqa: S704  # likewise
            static=v.findings[:STATIC],
            resources=resources,
            more=sum(sum(states.values()) for _, states in v.coverage) - len(resources),
            packed={
                "findings": pack({"rows": list(map(_finding, v.findings)), **_words(v)}),
                "resources": pack({"rows": resources, **_words(v)}),
            },
        )
    )
    return page.encode("utf-8", "backslashreplace")


def pack(value: Any) -> str:
    """Compress JSON for the script to unpack: the base64 alphabet has nothing that a parser of HTML would see."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=plain)
    return b64encode(gzip.compress(text.encode("utf-8", "backslashreplace"), 9, mtime=0)).decode()


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _words(v: View) -> Json:
    """What the script needs to write statuses, states and names."""
    return {
        "names": v.names,
        "controls": {c["id"]: c["title"] for c in v.controls},
        "status": {k: [symbol, word] for k, (symbol, word, _) in STATUS.items()},
        "state": {k: [symbol, word] for k, (symbol, word, _) in STATE.items()},
        "severities": list(SEVERITIES),
    }


def _finding(f: Json) -> Json:
    """Keep what the page shows of a finding."""
    return {
        "label": f["label"],
        "id": f["fingerprint"],
        "status": f["shown_status"],
        "severity": f["severity"],
        "control": f["control_id"],
        "account": f["account_id"],
        "region": f["region"],
        "type": f["resource_type"],
        "resource": f["resource_id"],
        "arn": f["resource_arn"],
        "group": {k: plain(x) if not isinstance(x, int) else str(x) for k, x in f["group"].items()},
        "detail": f["detail"],
        "facts": f["facts"],
        "evidence": [[e["kind"], e["source"], e["line"], e["text"], e["sha256"]] for e in f["evidence"]],
        "cause": f["cause"],
        "waiver": f["waiver"],
    }


def _resource(r: Json) -> Json:
    """Keep what the page shows of a coverage row."""
    tags = dict(
        r.get("interface_tags") or r.get("subnet_tags") or r.get("vpc_tags") or {}
    )  # Parquet gives maps as pairs
    return {
        "type": r["resource_type"],
        "id": r["resource_id"],
        "arn": r.get("resource_arn", ""),
        "account": r["account_id"],
        "region": r["region"],
        "vpc": r.get("vpc_id", ""),
        "name": clip(tags.get("Name", ""), 120),
        "state": r["state"],
        "facts": {k: plain(r[k]) for k in SHOWN if r.get(k) not in ("", "-", [], ())},
        "reasons": "; ".join(r.get("reasons") or ()),
    }


SHOWN = (
    "service",
    "subject",
    "baseline",
    "at_least",
    "delivered",
    "approved",
    "conforming",
    "via",
    "members",
    "flow_log_ids",
    "redundant_flow_log_ids",
    "covered_from",
    "period_state",
)
"""Columns of coverage that a resource's detail lists."""
