"""auditkit top."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditkit.cli.options import narrowing, opened, quiet_options, run_argument
from auditkit.cli.progress import progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from auditkit.engines.talkers import Amount, Talkers

SCHEMA = "auditkit/top/1"


@click.command(short_help="Top talkers: who moved the most bytes, packets or flows.")
@run_argument
@click.option(
    "--by",
    "by",
    multiple=True,
    metavar="KEY[,KEY…]",
    help="Count by this column of flow_records; several with commas are counted together. May be repeated: a list for each.",
)
@click.option(
    "--metric",
    type=click.Choice(["bytes", "packets", "flows"]),
    default="bytes",
    show_default=True,
    help="What is ranked by.",
)
@click.option(
    "--action", type=click.Choice(["ACCEPT", "REJECT"]), default=None, help="Only accepted, or only rejected flows."
)
@click.option(
    "--where",
    metavar="CONDITION",
    default=None,
    help="Only flows of which this holds: YAML, as under where: of a policy.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=10, show_default=True, help="Contributors of each list."
)
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account (may be repeated).")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Only this region (may be repeated).")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@quiet_options
def top(
    run_path: Path,
    by: tuple[str, ...],
    *,
    metric: str,
    action: str | None,
    where: str | None,
    limit: int,
    accounts: tuple[str, ...],
    regions: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Show the top contributors to a run's flows: what CloudWatch Contributor Insights shows, from the records, exact.

    Without any option the lists of the report are shown, at once. Anything else is counted anew over all flows that
    were read, which takes as long as assessing them; the log objects must still lie in RUN/records/kept.

    \b
    Keys are the columns of flow_records (docs/tables.md), one tag as in vpc_tags.env, and these words:
      source, destination, port, source-port, interface, account, vpc, subnet, instance, flow-log,
      remote, remote-vpc, remote-account, remote-interface, aws-service
      rejected-KEY: of the rejected flows only, as in rejected-source

    \b
    A list always adds up: what comes after the first --limit, and flows of which a key is not known, are said.
    A flow between two interfaces of yours is told by both of them, and counts for each.

    \b
    Examples:
      auditkit top reports/q3
      auditkit top reports/q3 --by source --by destination --by rejected-source
      auditkit top reports/q3 --by srcaddr,dstaddr,dstport --metric flows --limit 25
      auditkit top reports/q3 --by subject --where '{direction: egress, remote_address: internet}'
      auditkit top reports/q3 --by aws-service,vpc_tags.env --account 111122223333 --json | jq '.lists[0].items'
    """
    from auditkit.audit.top import Ask, reported
    from auditkit.audit.top import top as count
    from auditkit.engines.talkers import DEFAULT

    run = opened(run_path)
    chosen = narrowing(accounts, regions, (), ())
    ask = Ask(_keys(by) or DEFAULT, metric, action or "", where, limit)
    asked = by or accounts or regions or action or where is not None or metric != "bytes" or limit != 10
    found = None if asked else reported(run)
    if found is None:
        with progress(quiet=quiet or as_json) as tick:
            found = count(run, ask, chosen, tick)
    lists, sampled = found
    if as_json:
        _print_json(lists, sampled=sampled)
    else:
        _print(lists, sampled=sampled)
    return 0


def _keys(by: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.strip() for word in one.split(",")) for one in by)


def _print_json(lists: tuple[Talkers, ...], *, sampled: bool) -> None:
    import json

    click.echo(json.dumps({"schema": SCHEMA, "sampled": sampled, "lists": [one.as_json() for one in lists]}, indent=1))


def _print(lists: tuple[Talkers, ...], *, sampled: bool) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 140
    for one in lists:
        _print_list(console, one)
    if sampled:
        console.print("These are the flows of the records read: a sample, not the whole.", style="yellow")


def _print_list(console: Console, found: Talkers) -> None:
    from rich.text import Text

    from auditkit.formats.text import number, plural, visible

    kind = {"ACCEPT": "accepted ", "REJECT": "rejected "}.get(found.action, "")
    console.print(Text(visible(f"{kind}flows by {', '.join(found.by)}, most {found.metric} first", 400), "bold"))
    if not found.total.flows:
        console.print("No such flow was read.")
    else:
        console.print(_table(found))
    if found.untold:
        flows = plural(found.untold, "flow does not tell its", "flows do not tell their")
        console.print(f"{flows} {found.metric}: the format of its log lacks the field.", style="yellow")
    if found.undecided.flows:
        told = f"{number(found.undecided.flows)} flows ({number(found.undecided.bytes)} bytes)"
        console.print(f"Left out: {told} of which it is not known whether they are asked for.", style="yellow")
    console.print()


def _table(found: Talkers) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from auditkit.formats.text import number, plural, visible

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for key in found.by:
        table.add_column(visible(key, 100), overflow="fold")
    for name in ("bytes", "packets", "flows", "share"):
        table.add_column(name, justify="right")

    def add(cells: list[str], amount: Amount, style: str = "") -> None:
        share = found.share(amount)
        numbers = [number(amount.bytes), number(amount.packets), number(amount.flows)]
        part = "" if share is None else f"{100 * share:.1f} %"
        table.add_row(*(Text(cell, style) for cell in (*cells, *numbers, part)))

    blank = [""] * (len(found.by) - 1)
    for talker in found.items:
        pairs = zip(found.by, talker.keys, strict=True)
        add([visible(_cell(key, value), 200) for key, value in pairs], talker.amount)
    rest = found.groups - len(found.items)
    if rest:
        add([f"{plural(rest, 'other')}", *blank], found.others, "dim")
    if found.not_known.flows:
        add(["not known", *blank], found.not_known, "yellow")
    add(["all", *blank], found.total, "bold")
    return table


def _cell(key: str, value: Any) -> str:
    from auditkit.model.records import PROTOCOLS

    if key == "protocol" and (names := [n for n, p in PROTOCOLS.items() if p == value]):
        return f"{value} ({names[0]})"
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d}"
    return "(none)" if value == "" else str(value)
