"""KMS keys: are they there, are they usable, and may whoever writes the logs use them?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from auditkit.inventory.answers import Malformed, part, required, text
from auditkit.inventory.grants import Caller, Request, allows
from auditkit.inventory.patterns import Context, Text
from auditkit.inventory.statements import read_policy
from auditkit.inventory.told import Told
from auditkit.model.condition import kleene_and
from auditkit.model.inventory import Call, Unread

ENCRYPTS = ("kms:GenerateDataKey",)
"""What S3 does with the key for an object that log delivery puts: the other actions of AWS's example are for reading."""
KEEPS = ("kms:GenerateDataKey", "kms:Decrypt")
"""What CloudWatch Logs does with the key of a group."""
NO_KEY: dict[str, Any] = {"kms_key_state": "-", "kms_key_manager": "-", "kms_key_policy": "-"}
"""Columns where nothing is encrypted with a KMS key."""

Ask = tuple[Caller, Context]
"""Who uses the key, and what is known of its requests."""


class Keys:
    """What KMS said of each key."""

    def __init__(self) -> None:
        self._told = Told()

    def note(self, call: Call) -> None:
        """Take note of one answer or refusal."""
        self._told.note(_which(call.resource, call.account_id, call.region), call)

    def unread(self) -> Iterator[Unread]:
        """Every question about a key that nobody was answered."""
        return self._told.unread()

    def columns(
        self, key_id: str, account_id: str, region: str, asks: Iterable[Ask], actions: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return what is known of a key; a column that could not be read is left out.

        Args:
            key_id: as configured: an ARN, an id or an alias.
            account_id: where it is, if it is no ARN.
            region: likewise.
            asks: who has to be let in, all of them.
            actions: what they do with it.
        """
        settled = self._told.settled(_which(key_id, account_id, region))
        first = settled.get("DescribeKey") or settled.get("GetKeyPolicy")
        if first is not None and first.error:
            return NO_KEY | {"kms_key_state": "absent"}
        told: dict[str, Any] = {}
        arn = key_id if ":key/" in key_id else ""
        if (call := settled.get("DescribeKey")) and not call.error:
            try:
                key = part(call.answer or {}, "KeyMetadata")
                if arn and text(key, "Arn") not in ("", arn):
                    raise Malformed("it tells of another key")  # noqa: TRY301  # told where all of its faults are
                told = {
                    "kms_key_state": required(key, "KeyState"),
                    "kms_key_manager": _manager(text(key, "KeyManager")),
                }
                arn = text(key, "Arn") or arn
            except Malformed as error:
                told = {}
                self._told.malformed(call, error)
        if (call := settled.get("GetKeyPolicy")) and not call.error:
            try:
                policy = read_policy(required(call.answer or {}, "Policy"))
                key_arn = Text(arn, open=not arn)
                verdict = kleene_and(
                    allows([policy], Request(caller, action, key_arn, context))
                    for caller, context in asks
                    for action in actions
                )
                told["kms_key_policy"] = {True: "allows", False: "refuses", None: None}[verdict]
            except Malformed as error:
                self._told.malformed(call, error)
        return told


def _which(key_id: str, account_id: str, region: str) -> Hashable:
    return key_id if key_id.startswith("arn:") else (account_id, region, key_id)


def _manager(word: str) -> str:
    if word not in ("CUSTOMER", "AWS"):
        raise Malformed("KeyManager is neither CUSTOMER nor AWS")
    return word
