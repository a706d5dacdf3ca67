"""What an assessment depends on beside the snapshot: configuration, controls, waivers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditkit.config.schema import Config, load_config
from auditkit.data import policies_dir
from auditkit.model.control import Control, Waiver
from auditkit.model.errors import InvalidInput, Problem
from auditkit.model.flow_logs import Approved
from auditkit.policy import digest, load_policies, load_waivers, policy_files
from auditkit.run import Run, writes


@dataclass(frozen=True)
class Inputs:
    """Configuration, controls and waivers, all checked."""

    config: Config
    """auditkit.yaml."""
    controls: tuple[Control, ...]
    """By severity, then id."""
    waivers: tuple[Waiver, ...]
    """As in waivers.yaml."""
    policies_sha256: str
    """Over the policy files."""

    @property
    def approved(self) -> dict[str, Approved]:
        """Name → approved destination."""
        return {
            name: Approved(name, d.type, d.bucket, d.prefix, d.log_group, d.delivery_stream, d.account)
            for name, d in self.config.model.destinations.items()
        }


def policy_paths(config: Config) -> list[Path]:
    """The policy files that auditkit.yaml names, `builtin` being those that ship."""
    return [Path(str(policies_dir())) if one == "builtin" else config.local(one) for one in config.model.policies]


def load_inputs(config: Config) -> Inputs:
    """Load what a configuration names.

    Raises:
        InvalidInput: every complaint of every file.
    """
    problems: list[Problem] = []
    controls: tuple[Control, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    paths = policy_paths(config)
    hint = ""
    try:
        controls = load_policies(paths, tuple(config.networks))
    except InvalidInput as error:
        problems += error.problems
        hint = error.hint
    if not problems and config.model.waivers is not None:
        try:
            waivers = load_waivers(config.local(config.model.waivers), [c.id for c in controls])
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems, hint)
    return Inputs(config, controls, waivers, digest(paths))


@writes
def save_inputs(run: Run, inputs: Inputs) -> None:
    """Copy the inputs into the run."""
    files = [
        (f"{at:02}-{file.name}", file)
        for at, path in enumerate(policy_paths(inputs.config))
        for file in policy_files([path])
    ]
    waivers = inputs.config.model.waivers
    run.take_inputs(inputs.config.path, files, inputs.config.local(waivers) if waivers else None)


def saved_inputs(run: Run) -> Inputs:
    """Load the inputs that a run was made with."""
    config = load_config(run.inputs / "auditkit.yaml")
    files = list(run.policy_files())
    controls = load_policies(files, tuple(config.networks))
    path = run.inputs / "waivers.yaml"
    return Inputs(
        config, controls, load_waivers(path if path.exists() else None, [c.id for c in controls]), digest(files)
    )
