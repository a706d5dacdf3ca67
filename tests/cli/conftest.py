"""What the tests of commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditkit import snapshot
from auditkit.model.inventory import Call
from tests.cli.saved import DAY
from tests.wire import isolate


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot of an organization of four accounts, of which one is in scope, and two logs of it; no AWS."""
    isolate(monkeypatch, "http://127.0.0.1:9")
    ids = ["111111111111", "222222222222", "333333333333", "444444444444"]
    rows = [{"Id": one, "Name": f"n{one[0]}", "State": "ACTIVE"} for one in ids]
    rows[2]["State"] = "SUSPENDED"
    call = Call(
        service="organizations", operation="ListAccounts", account_id=ids[0], region="global", at=DAY, request_id="r",
        answer={"Accounts": rows},
    )  # fmt: skip
    meta = {
        "provenance": "collected",
        "as_of": DAY,
        "identity": {"account_id": ids[0], "arn": f"arn:aws:iam::{ids[0]}:user/u", "endpoint": ""},
        "scope": {"accounts": [ids[0], ids[1]], "regions": {ids[0]: ["us-east-1"], ids[1]: ["us-east-1"]}},
    }
    snapshot.write(tmp_path / "snapshot", meta, [call])
    for minute in ("0005", "0020"):
        log = tmp_path / "logs" / f"{ids[0]}_vpcflowlogs_us-east-1_fl-1234abcd_20260701T{minute}Z_aa.log.gz"
        log.parent.mkdir(exist_ok=True)
        log.write_bytes(b"12345")
    (tmp_path / "logs" / "notes.txt").write_text("no log")
    return tmp_path
