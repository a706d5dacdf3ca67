"""A plan of collecting, on the terminal."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import click

from auditkit.audit import prices

if TYPE_CHECKING:
    from rich.table import Table

    from auditkit.audit.plan import Plan

_MANY = 40
"""Accounts that are listed one by one; of more, only those that are not in scope."""


def show(plan: Plan, *, as_json: bool) -> None:
    """Print a plan."""
    if as_json:
        click.echo(json.dumps(plan.as_json(), indent=1, sort_keys=True))
        return
    from rich.console import Console
    from rich.text import Text

    from auditkit.formats.text import visible

    console = Console()
    if not console.is_terminal:
        console.width = 120

    def line(text: str, style: str = "") -> None:
        console.print(Text(visible(text, 4000), style), soft_wrap=True)

    line(f"{plan.period['start']} to {plan.period['end']} (UTC, end exclusive)", "bold")
    console.print(_accounts(plan))
    for text in _numbers(plan):
        line(text)
    for text in plan.records.told():
        line(text)
    if plan.counted.left:
        line(f"             {plan.counted.left:,} log objects are listed and not read")
    console.print(_calls(plan))
    for text in plan.not_known:
        line(f"not known: {text}", "yellow")
    for text in _assumptions():
        line(text, "dim")
    line("Nothing was read and nothing was written.")


def _accounts(plan: Plan) -> Table:
    from rich.text import Text

    from auditkit.audit.plan import reason, status
    from auditkit.formats.text import visible

    table = _table("account", "name", "scope", "regions", "by", "until", "why")
    counts = Counter(map(status, plan.accounts))
    for a in plan.accounts:
        if len(plan.accounts) > _MANY and status(a) == "in scope" and not reason(a):
            continue
        regions = len(plan.regions.get(a.account_id, ())) if a.status == "in_scope" else 0
        cells = (a.account_id, a.name, status(a), str(regions or ""), a.excluded_by, a.excluded_until, reason(a))
        table.add_row(*(Text(visible(cell, 200)) for cell in cells))
    table.caption = ", ".join(f"{n:,} {name}" for name, n in sorted(counts.items()))
    table.caption_justify = "left"
    return table


def _numbers(plan: Plan) -> list[str]:
    from auditkit.formats.text import size

    counted, minutes, cost = plan.counted, plan.minutes, plan.cost
    least = "at least " if plan.unlisted else ""
    objects, most = plan.budget
    parts = ", ".join(f"{name} {minutes[name]:.1f}" for name in ("asking", "listing", "reading"))
    priced = {"LIST": "list", "GET and others": "get", "transfer between regions": "transfer"}
    costs = ", ".join(f"{name} {cost[part]:.2f}" for name, part in priced.items())
    keys = f"; {counted.foreign:,} other keys beside them" if counted.foreign else ""
    return [
        f"log objects  {least}{counted.objects:,}, {size(counted.bytes)} ({counted.bytes:,} bytes){keys}",
        f"budget       {plan.verdict}: records.budget allows {objects:,} objects and {size(most)}",
        f"minutes      {least}{minutes['total']:.1f}: {parts}",
        f"cost         {least}{cost['total']:.2f} USD: {costs}",
        f"calls        at least {plan.calls.total():,}",
    ]


def _calls(plan: Plan) -> Table:
    table = _table("operation", "calls")
    table.columns[1].justify = "right"
    for name, n in sorted(plan.calls.items()):
        table.add_row(name, f"{n:,}")
    return table


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _assumptions() -> list[str]:
    told = [f"{a.name}: {a.value:,g} {a.unit}" for a in (*prices.PRICES, *prices.RATES)]
    return [
        "Assumed:",
        *(f"  {one}" for one in told),
        f"Prices: {prices.SOURCE}, {prices.AS_OF}.",
        prices.FREE,
        prices.NOT_COUNTED,
    ]
