"""Count the instructions that an event costs the engine: a measure that no busy machine changes.

In:  a capture; valgrind, and the engine's example `drive` in a release build.
Out: instructions per event for each plan of `PLANS`, beside the most that is allowed.
Use: `make bench-instructions`; `tests/performance` holds the bounds. Next: `docs/performance.md`.

Each plan runs over a capture and over the same capture three times as long; the difference, divided
by the events more, has no start-up in it. Python takes no part.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.generate import generate

SOURCE = Path("tests/differential/captures/mix-schema-4.1.scap.gz")
"""Every kind of descriptor and process event; in it, `python3` does most."""

DRIVE = Path("target/release/examples/drive")


@dataclass(frozen=True)
class Budget:
    """What one kind of run may cost."""

    name: str
    options: tuple[str, ...]
    """The command line whose plan runs."""
    limit: int
    """Instructions per event at most: about a sixth more than was measured."""


PLANS = (
    Budget("decode and state", ("-q",), 1350),
    Budget("filter by type and name", ("-q", "evt.type=openat and proc.name=python3"), 560),
    Budget("filter by descriptor", ("-q", "fd.name contains /etc/ld"), 900),
    Budget("every line", (), 4300),
    Budget("every event as JSON", ("-j",), 5900),
)
"""What is measured; later ones contain the stages of the first."""


class MissingTool(Exception):
    """Something that counting needs is not here."""


def build() -> None:
    """Build the example.

    Raises:
        MissingTool: valgrind or cargo is not here.
    """
    for tool in ("valgrind", "cargo"):
        if shutil.which(tool) is None:
            msg = f"{tool} is not installed"
            raise MissingTool(msg)
    command = ["cargo", "build", "-q", "--release", "-p", "pyscap-engine", "--example", "drive"]
    subprocess.run(command, check=True)


def plan_of(options: tuple[str, ...], file: Path) -> None:
    """Write the plan of a command line to `file`."""
    pyscap = Path(sys.executable).with_name("pyscap")
    command = [str(pyscap), "--dump-plan", "-r", "x", *options]
    text = subprocess.run(command, check=True, capture_output=True).stdout
    file.write_bytes(text)


def count(plan: Path, capture: Path) -> tuple[int, int]:
    """Instructions and events of one run."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", DRIVE, plan, capture],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "UTC"},
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    events = re.match(r"(\d+) events", done.stdout)
    if not found or not events:
        msg = f"callgrind says nothing of use: {done.stderr[-300:]}"
        raise MissingTool(msg)
    return int(found[1]), int(events[1])


def per_event(budget: Budget, folder: Path) -> float:
    """Instructions that one more event costs in a run of this kind."""
    plan = folder / "plan.json"
    plan_of(budget.options, plan)
    (few, few_events), (many, many_events) = (count(plan, capture(folder, n)) for n in (1, 3))
    return (many - few) / (many_events - few_events)


def capture(folder: Path, times: int) -> Path:
    """The source repeated `times` times, made when it is not there yet."""
    file = folder / f"{times}.scap"
    if not file.exists():
        once = generate(SOURCE, 1, file)
        if times > 1:
            generate(SOURCE, times * once, file)
    return file


def main() -> int:
    """Print the table; 1 when a bound is passed."""
    build()
    print("| run | instructions per event | at most |\n|---|---|---|")
    over = 0
    with tempfile.TemporaryDirectory() as folder:
        for budget in PLANS:
            cost = per_event(budget, Path(folder))
            over += cost > budget.limit
            print(f"| {budget.name} | {cost:,.0f} | {budget.limit:,} |", flush=True)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
