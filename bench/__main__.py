"""Measure pyscap beside its peers: whole processes, in alternation, medians and ratios.

In:  a small capture, repeated to two million events; the pyscap beside this Python or on PATH;
sysdig on PATH or the command in `PYSCAP_PEER` (for example one in a chroot).
Out: a table on standard output; `--write FILE` puts it between the markers of that file.
Use: `make bench`. Next: `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.generate import generate

SOURCE = Path("tests/differential/captures/shell-schema-4.1.scap.gz")
"""Shell work, git and a compiler; in it, `git` is the process to filter for."""

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


@dataclass(frozen=True)
class Measure:
    """One thing measured; `{file}` stands for the capture."""

    name: str
    ours: str
    peer: str | None
    target: float | None
    """Least ratio peer / pyscap that is wanted."""


MEASURES = (
    Measure(
        "filter with state",
        '-r {file} "evt.type=openat and proc.name={name}"',
        '-r {file} "evt.type=openat and proc.name={name}"',
        4.0,
    ),
    Measure(
        "filter by descriptor name",
        '-r {file} "fd.name contains /etc/ld"',
        '-r {file} "fd.name contains /etc/ld"',
        None,
    ),
    Measure("every event as a line", "-r {file}", "-r {file}", 5.0),
    Measure("every event as JSON", "-r {file} -j", "-r {file} -j", 4.0),
    Measure("first ten events", "-r {file} -n 10", "-r {file} -n 10", None),
    Measure("version", "--version", "--version", None),
)


@dataclass(frozen=True)
class Run:
    """One finished process."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run_once(command: list[str]) -> Run:
    """Run `command` with its output thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{shlex.join(command)}: exit code {process.returncode}")
    wall = time.perf_counter() - start
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def alternate(ours: list[str], peer: list[str] | None, runs: int) -> tuple[list[Run], list[Run]]:
    """Warm up once, then run the two commands in turn."""
    run_once(ours)
    a, b = [], []
    for _ in range(runs):
        a.append(run_once(ours))
        if peer:
            b.append(run_once(peer))
    return a, b


def row(measure: Measure, a: list[Run], b: list[Run]) -> str:
    """One line of the table."""
    median = statistics.median
    ours, memory = median(r.wall_s for r in a), max(r.peak_mb for r in a)
    cells = [measure.name, f"{ours:.3f}", f"{memory:.0f}"]
    if b:
        peer = median(r.wall_s for r in b)
        ratio = median(y.wall_s / x.wall_s for x, y in zip(a, b, strict=True))
        cells += [f"{peer:.3f}", f"{max(r.peak_mb for r in b):.0f}", f"{ratio:.1f}"]
    else:
        cells += ["-", "-", "-"]
    cells.append(f"{measure.target:.0f}" if measure.target else "-")
    return "| " + " | ".join(cells) + " |"


def find_ours() -> list[str]:
    """The pyscap of this environment."""
    beside = Path(sys.executable).with_name("pyscap")
    return [str(beside)] if beside.exists() else ["pyscap"]


def find_peer() -> list[str] | None:
    """The sysdig to compare with, or None."""
    if os.environ.get("PYSCAP_PEER"):
        return shlex.split(os.environ["PYSCAP_PEER"])
    found = shutil.which("sysdig")
    return [found] if found else None


def peer_version(peer: list[str] | None) -> str:
    if peer is None:
        return "no sysdig found"
    done = subprocess.run([*peer, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown version"


def table(file: Path, name: str, runs: int, only: str | None) -> list[str]:
    ours, peer = find_ours(), find_peer()
    load = os.getloadavg()[0]
    lines = [
        f"{file.stat().st_size / 1e6:.0f} MB; {platform.machine()}, {os.cpu_count()} processors, "
        f"load {load:.1f} at the start; peer: {peer_version(peer)}; "
        f"medians of {runs} runs in turn.",
        "",
        "| measure | pyscap s | MB | peer s | MB | ratio | wanted |",
        "|---|---|---|---|---|---|---|",
    ]
    for measure in MEASURES:
        if only and only not in measure.name:
            continue
        fill = {"file": file, "name": name}
        a = ours + shlex.split(measure.ours.format(**fill))
        b = peer + shlex.split(measure.peer.format(**fill)) if peer and measure.peer else None
        lines.append(row(measure, *alternate(a, b, runs)))
        print(lines[-1], file=sys.stderr)
    return lines


def write_between_markers(path: Path, lines: list[str]) -> None:
    text = path.read_text()
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    path.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure pyscap beside sysdig.")
    parser.add_argument("--source", type=Path, default=SOURCE, help="capture to repeat")
    parser.add_argument("--name", default="git", help="process name to filter for")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", help="measures whose name contains this")
    parser.add_argument("--write", type=Path, help="file with bench markers")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.scap"
        events = generate(args.source, args.events, file)
        lines = [f"{events:,} events, " + (t := table(file, args.name, args.runs, args.only))[0]]
        lines += t[1:]
    print("\n".join(lines))
    if args.write:
        write_between_markers(args.write, lines)


if __name__ == "__main__":
    main()
