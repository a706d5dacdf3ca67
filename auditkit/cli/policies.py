"""auditkit policies: list, show, lint, test, schema, init."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from auditkit.model.control import Control

_paths = click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
_config = click.option("-c", "--config", "config_path", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=None,
                       help="Take the policies and networks that this auditkit.yaml names.")  # fmt: skip


@click.group(short_help="The controls: list, show, lint, test, schema, init.")
def policies() -> None:
    """Look at the controls, and check your own.

    PATH is a policy file or a folder of them; without one, the controls that ship with auditkit.
    """


def _load(
    paths: tuple[Path, ...], config_path: Path | None
) -> tuple[tuple[Control, ...], list[Path], dict[str, object]]:
    from auditkit.audit.inputs import policy_paths
    from auditkit.config.schema import load_config
    from auditkit.data import policies_dir
    from auditkit.policy import load_policies

    networks: dict[str, object] = {}
    chosen = list(paths)
    if config_path is not None:
        config = load_config(config_path)
        networks = dict(config.networks)
        chosen = chosen or policy_paths(config)
    chosen = chosen or [Path(str(policies_dir()))]
    return load_policies(chosen, tuple(networks)), chosen, networks


@policies.command(name="list", short_help="One line per control.")
@_paths
@_config
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(paths: tuple[Path, ...], config_path: Path | None, *, as_json: bool) -> int:
    """List the controls by severity."""
    controls, _, _ = _load(paths, config_path)
    if as_json:
        click.echo(
            json.dumps(
                [{"id": c.id, "title": c.title, "severity": c.severity, "table": c.table} for c in controls], indent=1
            )
        )
        return 0
    wide = max((len(c.id) for c in controls), default=0)
    for c in controls:
        click.echo(f"{c.severity:<9} {c.id:<{wide}}  {c.table:<13} {c.title}")
    return 0


@policies.command(short_help="One control in full.")
@click.argument("control_id", metavar="CONTROL")
@_paths
@_config
def show(control_id: str, paths: tuple[Path, ...], config_path: Path | None) -> int:
    """Show what a control asks, why, what closes a finding, and which frameworks it speaks to."""
    from auditkit.model.errors import AuditkitError, nearest

    controls, _, _ = _load(paths, config_path)
    found = next((c for c in controls if c.id == control_id), None)
    if found is None:
        raise AuditkitError(
            f"there is no control {control_id!r}{nearest(control_id, [c.id for c in controls])}",
            "Run `auditkit policies list`.",
        )
    for title, text in (
        ("", f"{found.id}  [{found.severity}]\n{found.title}"),
        ("table", found.table),
        ("where", found.where_text),
        ("fails where", found.fail_where_text),
        ("one finding per", ", ".join(found.group_by)),
        ("why", found.rationale),
        ("what to do", found.remediation),
        ("undecidable when", found.undecidable_when),
        (
            "frameworks",
            "\n".join(
                f"{m.framework} {m.id} ({m.strength}" + (f"; {m.source})" if m.source else ")")
                for m in found.frameworks
            ),
        ),
        ("from", f"{found.file}:{found.line}"),
    ):
        if text:
            click.echo(f"\n{title}:\n{_indent(text)}" if title else text)
    return 0


def _indent(text: str) -> str:
    import textwrap

    return "\n".join(
        textwrap.fill(line, 96, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
        for line in text.splitlines()
    )


@policies.command(short_help="Check policy files.")
@_paths
@_config
def lint(paths: tuple[Path, ...], config_path: Path | None) -> int:
    """Check policy files: every complaint of every file at once, with file:line."""
    controls, _, _ = _load(paths, config_path)
    bare = [c for c in controls if not (c.rationale and c.remediation)]
    for c in bare:
        click.echo(
            f"{c.file}:{c.line}: note: {c.id} has no rationale or no remediation: a reader of the report will miss it",
            err=True,
        )
    click.echo(f"{len(controls)} controls are sound")
    return 0


@policies.command(name="test", short_help="Run each control on its assets.")
@_paths
@_config
def test(paths: tuple[Path, ...], config_path: Path | None) -> int:
    """Judge the rows in assets/<control>.yaml beside each policy file: those under fail must fail, those under pass must pass."""
    from auditkit.audit.assets import asset_path, check
    from auditkit.model.errors import InvalidInput, Problem

    controls, _, _ = _load(paths, config_path)
    problems: list[Problem] = []
    bad: set[str] = set()
    for c in controls:
        try:
            found = check(c, asset_path(c, Path(c.file).parent))
        except InvalidInput as error:
            found = list(error.problems)
        problems += found
        if found:
            bad.add(c.id)
    if problems:
        raise InvalidInput(problems)
    click.echo(f"{len(controls)} controls judged their assets as they must")
    return 0


@policies.command(short_help="The JSON Schema of policy files, or the column contract.")
@click.option("--tables", is_flag=True, help="Print every table's columns: type, absence, when NULL, source.")
@click.option("--json", "as_json", is_flag=True, help="With --tables: as JSON.")
def schema(*, tables: bool, as_json: bool) -> int:
    """Print the JSON Schema for editors; with --tables, what conditions may name."""
    from auditkit.config.conditions import OPERATORS
    from auditkit.model.schema import TABLES
    from auditkit.policy import json_schema

    if not tables:
        click.echo(json.dumps(json_schema(), indent=1, sort_keys=True))
        return 0
    if as_json:
        columns = ("name", "type", "doc", "source", "null", "values", "absence")
        click.echo(
            json.dumps(
                {t.name: [{k: getattr(c, k) for k in columns} for c in t.columns] for t in TABLES.values()}, indent=1
            )
        )
        return 0
    for t in TABLES.values():
        click.echo(f"{t.name}: one row per {t.row}")
        for c in t.columns:
            values = f"  [{', '.join(c.values)}]" if c.values else ""
            click.echo(f"  {c.name:<30} {c.type:<9} {c.doc}{values}")
            click.echo(f"  {'':<30} {'':<9} absent: {c.absence!r}; NULL: {c.null}; from: {c.source}")
        click.echo()
    click.echo("operators by type (a value or a list alone means in)")
    for type_, operators in OPERATORS.items():
        click.echo(f"  {type_:<9} {', '.join(operators)}")
    return 0


@policies.command(short_help="Write policies of your own to begin with.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def init(directory: Path) -> int:
    """Write a commented auditkit.yaml, waivers and a few controls with their assets into DIR, to be changed.

    A file that is there already is never overwritten: then nothing is written at all.
    """
    from auditkit.data import policies_dir
    from auditkit.model.errors import AuditkitError

    files = dict(_files(policies_dir() / "starter", Path()))
    there = sorted(str(directory / name) for name in files if (directory / name).exists())
    if there:
        raise AuditkitError(
            f"{there[0]} is there already"
            + (f", and {len(there) - 1} more" if there[1:] else "")
            + ": nothing was written",
            "Name another folder.",
        )
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        with (directory / name).open("xb") as file:
            file.write(content)
    click.echo(
        f"{directory}: {len(files)} files. auditkit.yaml says what is audited, policies/ holds controls of your own"
    )
    config = shlex.quote(str(directory / "auditkit.yaml"))
    for does, what in (
        ("lint", "are they sound?"),
        ("test", "do they judge their assets as they must?"),
    ):
        click.echo(f"Now: auditkit policies {does} -c {config} {shlex.quote(str(directory / 'policies'))}   # {what}")
    click.echo(f"Then, with your accounts and period in it: auditkit audit -c {config}")
    return 0


def _files(folder: Traversable, name: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder, by its path."""
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _files(entry, name / entry.name)
        elif entry.name.endswith(".yaml"):
            yield name / entry.name, entry.read_bytes()
