"""The stages in order: collect, assess, report. Each is a pure function of files; `audit` runs all three."""

from __future__ import annotations

from auditkit.audit.assess import assess
from auditkit.audit.collect import Collector
from auditkit.audit.inputs import Inputs, load_inputs, save_inputs, saved_inputs
from auditkit.audit.merge import merge
from auditkit.audit.options import Narrowing, Tick, silent
from auditkit.audit.report import report

__all__ = [
    "Collector",
    "Inputs",
    "Narrowing",
    "Tick",
    "assess",
    "load_inputs",
    "merge",
    "report",
    "save_inputs",
    "saved_inputs",
    "silent",
]
