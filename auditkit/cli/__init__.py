"""The command line: arguments → stages → exit status. It alone prints, reads the environment and exits.

Heavy things are imported inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback

import click

from auditkit import __version__
from auditkit.cli.assess import assess
from auditkit.cli.audit import audit
from auditkit.cli.collect import collect
from auditkit.cli.doctor import doctor
from auditkit.cli.example import example
from auditkit.cli.gate import gate
from auditkit.cli.iam import iam
from auditkit.cli.merge import merge
from auditkit.cli.policies import policies
from auditkit.cli.query import query
from auditkit.cli.report import report
from auditkit.cli.top import top
from auditkit.model.errors import AuditkitError, InvalidInput

EPILOG = """\b
Exit status:
  0  nothing failed
  1  findings at or over --fail-on that no waiver covers
  2  wrong usage, configuration or policy: nothing was audited
  3  could not conclude: a control at or over --fail-on is inconclusive, or nothing was in scope

\b
-vv anywhere shows the traceback of an internal error.

\b
Try it without AWS:
  auditkit example demo
  auditkit audit -c demo/auditkit.yaml -o demo/run
"""
INTERNAL = 70
"""EX_SOFTWARE of sysexits.h: a fault of the program, which must not look like a finding."""
STOPPED = 130
"""As a shell says of what SIGINT ended."""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="auditkit %(version)s")
def cli() -> None:
    """Audit the VPC Flow Logs of an AWS organization: are they complete, in the right place, and what do they show?"""


for command in (audit, collect, assess, report, gate, top, query, merge, policies, iam, doctor, example):
    cli.add_command(command)


def main() -> None:
    """Run the program and exit."""
    gc.set_threshold(100_000, 50, 50)  # one short run makes many objects and no garbage worth a search each time
    status = run(sys.argv[1:])
    if status == STOPPED:  # at once: a thread that waits for an answer is not waited for
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status; no error reaches the caller."""
    traced = "-vv" in arguments
    arguments = [one for one in arguments if one != "-vv"]
    try:
        status = cli.main(args=arguments, prog_name="auditkit", standalone_mode=False)
        return int(status or 0)
    except click.ClickException as error:
        error.show()
        return 2
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("stopped. The same command goes on where the run can be resumed.")
        return STOPPED
    except BrokenPipeError:
        # The reader of our output has gone; keep Python from complaining while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except AuditkitError as error:
        _explain(error)
        return error.exit_status
    except OSError as error:
        say(f"error: {error.filename or ''}: {error.strerror or error}".replace(": : ", ": "))
        return 2
    except Exception as error:  # noqa: BLE001 - the last line of defence: a fault is named, and is no verdict
        say(f"internal error: {type(error).__name__}: {error}")
        say("This is a fault of auditkit, not a finding. Run the command again with -vv for details to report.")
        if traced:
            traceback.print_exc()
        return INTERNAL


def say(text: str) -> None:
    """Write one line for a person."""
    from auditkit.formats.text import visible

    click.echo(f"auditkit: {visible(text, 4000)}", err=True)


def _explain(error: AuditkitError) -> None:
    if isinstance(error, InvalidInput):
        from auditkit.formats.text import visible

        for problem in error.problems:
            click.echo(visible(str(problem), 1000), err=True)
        count = len(error.problems)
        say(f"error: {count} problem{'s' if count != 1 else ''} found; nothing was done")
    else:
        say(f"error: {error.message}")
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
