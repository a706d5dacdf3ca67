"""Checks that the documentation agrees with the program: tools/check_docs.py.

Generated parts are current (so every command and every control is there), commands that the pages name exist with their
options, links resolve, and examples of YAML and JSON are valid. Prints each complaint; exits 1 when there is one.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from make_docs import ROOT, every_command, generated

from auditkit.config.schema import load_config
from auditkit.model.errors import AuditkitError

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CALL = re.compile(r"(?:^|[`\s$|;/])auditkit ((?:[a-z]+)(?: [a-z]+)?)([^`\n]*)")
_MAKE = re.compile(r"(?:^|`)make ([a-z][a-z -]*)", re.MULTILINE)


def main() -> int:
    """Print every complaint."""
    complaints = [*stale()]
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        where = page.relative_to(ROOT)
        complaints += [f"{where}: {what}" for check in (links, calls, targets, examples) for what in check(page, text)]
    print("\n".join(complaints) if complaints else f"{len(PAGES)} pages agree with the program")
    return 1 if complaints else 0


def stale() -> Iterator[str]:
    """Generated parts that are not what the program says now."""
    for path, text in generated().items():
        if path.read_text(encoding="utf-8") != text:
            yield f"{path.relative_to(ROOT)}: not what the program says now; run `make docs-write`"


def links(page: Path, text: str) -> Iterator[str]:
    """Relative links, and their anchors, that lead nowhere."""
    for target in _LINK.findall(_FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists():
            yield f"{target}: there is no such file"
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"{target}: {name or 'the page'} has no such heading"


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def calls(_page: Path, text: str) -> Iterator[str]:
    """Calls of auditkit, in code, whose command or option does not exist."""
    known = dict(every_command())
    for words, rest in _CALL.findall("\n".join(_code(text))):
        first = f"auditkit {words.split()[0]}"
        command = known.get(f"auditkit {words}") or known.get(first)
        if command is None or (isinstance(command, click.Group) and " " in words):
            yield f"`auditkit {words}`: there is no such command"
            continue
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest):
            if option not in {*options, "--help"}:
                yield f"`auditkit {words}` has no option {option}"


def targets(_page: Path, text: str) -> Iterator[str]:
    """Targets of make that do not exist."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for words in _MAKE.findall("\n".join(_code(text))):
        yield from (f"`make {word}`: there is no such target" for word in words.split() if word not in known)


def examples(page: Path, text: str) -> Iterator[str]:
    """YAML and JSON that is not valid; the first YAML of auditkit-yaml.md must load as a configuration."""
    fences = _FENCE.findall(text)
    for language, body in fences:
        if language == "json":
            try:
                json.loads(body)
            except ValueError as error:
                yield f"an example of JSON: {error}"
    if page.name == "auditkit-yaml.md":
        body = next(body for language, body in fences if language == "yaml")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "auditkit.yaml"
            path.write_text(body, encoding="utf-8")
            try:
                load_config(path)
            except AuditkitError as error:
                yield f"the example does not load: {error}"


def _code(text: str) -> Iterator[str]:
    """What a page shows as code: fences of shell, and `spans` outside of all fences."""
    yield from (body for language, body in _FENCE.findall(text) if language in {"", "sh", "bash", "yaml", "console"})
    yield from (f"`{span}`" for span in re.findall(r"`([^`\n]+)`", _FENCE.sub("", text)))


if __name__ == "__main__":
    sys.exit(main())
