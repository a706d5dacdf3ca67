"""What `auditkit policies init` writes works as it says, and is never taken for controls that ship."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from auditkit.audit.assets import asset_path, check
from auditkit.cli import run as command
from auditkit.config.schema import load_config
from auditkit.data import policies_dir
from auditkit.policy import load_policies, load_waivers, policy_files

STARTER = Path(str(policies_dir())) / "starter"


@pytest.fixture
def kit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, list[str]]:
    """The kit in a folder whose name needs quoting, and what was said."""
    directory = tmp_path / "demo policies"
    assert command(["policies", "init", str(directory)]) == 0
    return directory, capsys.readouterr().out.splitlines()


def test_the_steps_that_it_prints_work(kit: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Word by word, as a shell reads them."""
    _, said = kit
    steps = [shlex.split(line.removeprefix("Now: "), comments=True) for line in said if line.startswith("Now: ")]
    assert [step[:3] for step in steps] == [["auditkit", "policies", "lint"], ["auditkit", "policies", "test"]]
    for step in steps:
        assert command(step[1:]) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    assert "4 controls are sound" in out
    assert "4 controls judged their assets as they must" in out


def test_its_configuration_loads_with_the_controls_that_ship_beside_its_own(kit: tuple[Path, list[str]]) -> None:
    """No id of the kit is one that ships, and every network that it names exists."""
    directory, _ = kit
    config = load_config(directory / "auditkit.yaml")
    assert config.model.policies == ("builtin", "policies")
    ids = [c.id for c in load_policies([Path(str(policies_dir())), directory / "policies"], tuple(config.networks))]
    assert sum(one.startswith("own-") for one in ids) == 4
    assert load_waivers(directory / "waivers.yaml", ids) == ()


def test_the_waiver_that_it_shows_is_a_sound_one(kit: tuple[Path, list[str]]) -> None:
    """Taken out of its comment it loads, and names a control that ships."""
    directory, _ = kit
    text = (directory / "waivers.yaml").read_text(encoding="utf-8")
    shown = text[text.index("# waivers:") : text.index("\nwaivers: []")]
    path = directory / "shown.yaml"
    path.write_text("\n".join(line.removeprefix("# ").removeprefix("#") for line in shown.splitlines()) + "\n")
    (waiver,) = load_waivers(path, [c.id for c in load_policies([Path(str(policies_dir()))])])
    assert (waiver.control, waiver.ticket) == ("no-public-mail-servers", "SEC-1234")


def test_it_overwrites_nothing(kit: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Where one of its files is there already, none is written."""
    directory, _ = kit
    before = {p: p.read_bytes() for p in directory.rglob("*") if p.is_file()}
    kept = directory / "policies" / "own.yaml"
    for path in before:
        if path != kept:
            path.unlink()
    kept.write_text("mine")
    assert command(["policies", "init", str(directory)]) == 2
    assert f"{kept} is there already: nothing was written" in capsys.readouterr().err.replace("\n", " ")
    assert [p for p in directory.rglob("*") if p.is_file()] == [kept]
    assert kept.read_text() == "mine"


def test_what_is_in_the_folder_stays_beside_it(tmp_path: Path) -> None:
    """A folder with other things in it is fine."""
    (tmp_path / "notes.txt").write_text("mine")
    assert command(["policies", "init", str(tmp_path)]) == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "auditkit.yaml").is_file()


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, not a fault."""
    (tmp_path / "demo").write_text("mine")
    assert command(["policies", "init", str(tmp_path / "demo")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_the_kit_does_not_ship_as_controls() -> None:
    """A folder of policies is its own files; what lies below is not read."""
    assert not [p for p in policy_files([Path(str(policies_dir()))]) if "starter" in p.parts]
    own = load_policies([STARTER / "policies"], ["partners", "corporate"])
    assert not {c.id for c in own} & {c.id for c in load_policies([Path(str(policies_dir()))])}


def test_each_asset_of_the_kit_belongs_to_a_control() -> None:
    """And each control says what a reader of the report needs."""
    own = load_policies([STARTER / "policies"], ["partners", "corporate"])
    assets = {p.stem for p in (STARTER / "policies" / "assets").iterdir()}
    assert assets == {c.id for c in own}
    for control in own:
        assert control.rationale
        assert control.remediation
        assert check(control, asset_path(control, STARTER / "policies")) == []


def test_everything_in_it_is_explained() -> None:
    """Each file that a person will edit begins with a comment, and holds YAML."""
    for path in [*STARTER.glob("*.yaml"), *(STARTER / "policies").glob("*.yaml")]:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# "), path
        assert yaml.safe_load(text), path
