"""What AWS said of things, by thing and operation: of a bucket, a key, a role.

Several accounts may have asked: one answer is enough, refusals count only where there is none.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from auditkit.inventory.unread import is_answer, refused, unread
from auditkit.model.inventory import Call, Unread


class Told:
    """Answers and refusals about things of one kind."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, dict[str, list[Call]]] = {}
        self._malformed: set[Unread] = set()

    def note(self, thing: Hashable, call: Call) -> None:
        """Take note of one answer or refusal."""
        self._calls.setdefault(thing, {}).setdefault(call.operation, []).append(call)

    def asked(self, thing: Hashable, operation: str) -> list[Call]:
        """Every call of one operation about a thing, in an order of their own."""
        return sorted(self._calls.get(thing, {}).get(operation, []), key=_order)

    def settled(self, thing: Hashable) -> dict[str, Call]:
        """Return operation → the call that answered it; deterministic where several did."""
        out = {}
        for operation in self._calls.get(thing, {}):
            answers = [call for call in self.asked(thing, operation) if call.error is None or is_answer(call)]
            if answers:
                out[operation] = answers[0]
        return out

    def malformed(self, call: Call, why: object) -> None:
        """Take note of an answer that could not be read."""
        self._malformed.add(unread(call, f"not as AWS writes it: {why}"))

    def unread(self) -> Iterator[Unread]:
        """Every question that nobody was answered, or not as AWS writes it."""
        for thing, operations in self._calls.items():
            settled = self.settled(thing)
            for operation, calls in operations.items():
                # Of a listing, a page that was refused is missing, whatever the others say.
                missed = [call for call in calls if call.error is not None and not is_answer(call)]
                if operation == "HeadBucket":
                    # Candidates for the owner are asked in turn: the first refusal stands for all.
                    missed = sorted(missed, key=lambda call: (call.at, call.account_id))[:1]
                if operation not in settled or any(call.page > 1 for call in missed):
                    yield from map(refused, missed)
        yield from self._malformed


def _order(call: Call) -> tuple[bool, int, str, str, str, str]:
    return call.error is not None, call.page, call.account_id, call.at, _spelled(call.answer), _spelled(call.error)


def _spelled(value: object) -> str:
    try:
        return repr(value)
    except RecursionError:  # nested deeper than anything of AWS's: it will be malformed to whoever reads it
        return ""
