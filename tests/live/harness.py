"""Captures a command with the probe and the engine, and gives its lines."""

import subprocess
import tempfile
from dataclasses import dataclass, field

from pyscap._engine import Session
from pyscap.output.lines import text_row
from pyscap.plan import FieldList, Options, Plan
from pyscap.probe.loader import Counters, Probe, ProbeConfig
from pyscap.probe.procfs import snapshot
from pyscap.probe.pushdown import Pushdown
from pyscap.request import Request

WAIT = ["/bin/sh", "-c", 'read go; exec "$@"', "sh"]
"""Starts a command when told to, in the process that waited."""
SLICE_MS = 20


@dataclass
class Captured:
    """What came of a capture."""

    lines: list[str]
    counters: Counters
    stats: dict
    pid: int
    warnings: list[str] = field(default_factory=list)


def text_plan(template, out):
    """Lines by `template` into an open file, buffers in full."""
    fields = FieldList()
    row = text_row(Request(print=template, verbose=True), fields)
    return Plan(fields, output={**row, "fd": out.fileno()}, options=Options(live=True))


def run(
    argv, template="%thread.tid %evt.type %evt.args", *, tree=True, while_running=None, **config
):
    """Capture `argv` and, with `tree`, nothing else.

    `config` are fields of `ProbeConfig`; `while_running` is called once with the probe before the
    rings are read for the first time.
    """
    child = subprocess.Popen([*WAIT, *argv], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    if tree:
        push = config.pop("pushdown", Pushdown())
        values = {name: getattr(push, name) for name in Pushdown.__slots__}
        values |= {"trees": frozenset({child.pid}), "only_trees": True}
        config["pushdown"] = Pushdown(**values)
    with tempfile.TemporaryFile("w+") as out:
        engine = Session(text_plan(template, out).to_json())
        with Probe(ProbeConfig(**config)) as probe:
            engine.add_bytes(snapshot())
            probe.add_rings(engine)
            child.stdin.write(b"go\n")
            child.stdin.close()
            if while_running:
                while_running(probe, child)
            while child.poll() is None:
                engine.run(SLICE_MS)
            probe.detach()
            engine.stop()
            while engine.run(SLICE_MS) != "done":
                pass
            counters = probe.counters()
        out.seek(0)
        lines = out.read().splitlines()
    return Captured(lines, counters, engine.stats(), child.pid, probe.warnings)
