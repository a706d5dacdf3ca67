"""auditkit iam."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditkit.cli.options import config_option

if TYPE_CHECKING:
    from auditkit.audit.permissions import Narrow
    from auditkit.config.schema import ConfigModel

_FOR = click.Choice(["member", "hub", "logs", "trust"])


@click.command(short_help="The least permissions that an audit needs, as a policy.")
@config_option
@click.option(
    "--for",
    "whose",
    type=_FOR,
    default="member",
    show_default=True,
    help="Whose: the role in each account, the caller who enters them, whoever reads the log objects; or who is trusted.",
)
@click.option(
    "--to",
    "to",
    type=click.Choice(["policy", "cloudformation"]),
    default="policy",
    show_default=True,
    help="An IAM policy, or a template with the role for every account, trust and reading of the logs included.",
)
@click.option(
    "--hub-account", metavar="ID", default="", help="Who is trusted: the account that the audit is called from."
)
@click.option(
    "--principal", metavar="ARN", default="", help="Who is trusted: one role or user, instead of a whole account."
)
@click.option(
    "--org-id", "organization", metavar="ID", default="", help="Trust only callers of this organization (o-…)."
)
@click.option(
    "--role-name",
    metavar="NAME",
    default="",
    help="The role in each account.  [default: organization.role_name, or AuditkitRead]",
)
@click.option(
    "--external-id",
    metavar="TEXT",
    default="",
    help="What the caller must present.  [default: organization.external_id]",
)
@click.option("--partition", type=click.Choice(["aws", "aws-cn", "aws-us-gov"]), default="aws", show_default=True,
              help="The part of AWS that the accounts are in.")  # fmt: skip
def iam(
    config_path: Path,
    whose: str,
    to: str,
    *,
    hub_account: str,
    principal: str,
    organization: str,
    role_name: str,
    external_id: str,
    partition: str,
) -> int:
    """Print what an audit may do in AWS, and nothing more: reading only.

    Where auditkit.yaml names them, the policies are narrowed to the approved buckets and delivery streams.
    """
    from auditkit.audit import permissions

    narrow = permissions.narrowed(
        _config(config_path), role_name=role_name, external_id=external_id, partition=partition
    )
    who = {"hub_account": hub_account, "principal": principal, "organization": organization}
    trust = permissions.trust(narrow, **who) if whose == "trust" or hub_account or principal else None
    if to == "cloudformation":
        return _template(narrow, whose, who)
    document = trust if whose == "trust" else permissions.policy(whose, narrow)  # type: ignore[arg-type]  # one of _FOR
    assert document is not None
    click.echo(permissions.as_json(document))
    _note(narrow, whose)
    return 0


def _template(narrow: Narrow, whose: str, who: dict[str, str]) -> int:
    from auditkit.audit import stackset
    from auditkit.model.errors import AuditkitError

    if whose != "member":
        raise AuditkitError(
            f"there is no template --for {whose}",
            "The one --for member holds the role, whom it trusts, and its policies.",
        )
    click.echo(stackset.template(narrow, **who), nl=False)
    where = {"hub_account": who["hub_account"], "principal": who["principal"]}
    everywhere, instances, alone = stackset.commands(narrow, **where)
    click.echo("Saved as audit-role.yaml, to every member account of the organization:", err=True)
    click.echo(f"  {everywhere}\n  {instances}", err=True)
    click.echo("To the management account, which stack sets leave out, or to a single account:", err=True)
    click.echo(f"  {alone}", err=True)
    return 0


def _note(narrow: Narrow, whose: str) -> None:
    if whose == "hub":
        note = (
            "In its own account the caller assumes no role: there it also needs the policies "
            "`--for member` and `--for logs`."
        )
    elif whose in ("member", "logs") and narrow.places:
        note = (
            f"Narrowed to the approved buckets: {', '.join(narrow.buckets)}. "
            "Of others that flow logs may write to, nothing will be read."
        )
    elif whose == "logs":
        note = "Any bucket: approve destinations in auditkit.yaml to narrow it."
    else:
        return
    click.echo(note, err=True)


def _config(path: Path) -> ConfigModel:
    from auditkit.config.schema import default_config, load_config

    given = click.get_current_context().get_parameter_source("config_path")
    missing = not path.exists() and given is click.core.ParameterSource.DEFAULT
    return (default_config(path) if missing else load_config(path)).model
