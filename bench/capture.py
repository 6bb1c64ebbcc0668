"""Measure what capturing costs the captured, and whether it keeps up.

In:  the pyscap beside this Python; the right to capture; dd, redis-server and redis-benchmark,
nginx and wrk, each left out when it is not installed.
Out: tables on standard output. Next: `docs/performance.md`.
Use: `python -m bench.capture overhead [--runs N] [dd] [redis] [nginx]`, `python -m bench.capture
soak [--seconds S] [--rate N]`.

Overhead is processor time of the work for each unit of it, client and server together, by runs that
alternate between no capture and each kind of capture: other programs of the machine disturb
processor time less than a clock. The soak paces itself to a rate of events, and looks at losses, at
the order of the file and at the processor time of pyscap itself.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PYSCAP = str(Path(sys.executable).with_name("pyscap"))
TICKS = os.sysconf("SC_CLK_TCK")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

KINDS: dict[str, list[str] | None] = {
    "no capture": None,
    "everything to a file": ["--overwrite", "-w", "{file}"],
    "evt.type=execve": ["evt.type=execve"],
    "successful execve": ["evt.type=execve and evt.failed=false"],
    "another name": ["proc.name=nobody and evt.type=read"],
}
"""What is captured; only the first two but for dd."""


@contextmanager
def captured(options: list[str] | None, folder: Path) -> Iterator[None]:
    """Capture with these options while the block runs; without options, nothing."""
    if options is None:
        yield
        return
    with capture([word.format(file=folder / "bench.scap") for word in options]) as run:
        yield
        run.send_signal(signal.SIGINT)
        _, said = run.communicate()
    print("   ", said.decode().strip().splitlines()[-1], file=sys.stderr)


@contextmanager
def capture(options: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A capture that is ready."""
    ready, wants = os.pipe()
    run = subprocess.Popen(
        [PYSCAP, f"--ready-fd={wants}", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[wants],
    )
    os.close(wants)
    try:
        if os.read(ready, 6) != b"ready\n":
            sys.exit(run.communicate()[1].decode())
        yield run
    finally:
        os.close(ready)
        if run.poll() is None:
            run.kill()
            run.communicate()


def spent(pid: int) -> float:
    """Seconds of processor time of a process."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def children_spent() -> float:
    """Seconds of processor time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# ---- work: each gives microseconds of processor time for a unit of it


def dd() -> float:
    """A read and a write of one byte."""
    count, before = 300_000, children_spent()
    argv = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", f"count={count}"]
    subprocess.run(argv, check=True, **QUIET)
    return (children_spent() - before) / count * 1e6


def redis() -> float:
    """A request of redis-benchmark."""
    count = 100_000
    port = "16379"
    server = subprocess.Popen(["redis-server", "--port", port, "--save", ""], **QUIET)
    try:
        client = ["redis-benchmark", "-p", port, "-t", "get", "-q", "-n"]
        time.sleep(0.5)
        before = children_spent() + spent(server.pid)
        subprocess.run([*client, str(count)], check=True, **QUIET)
        return (children_spent() + spent(server.pid) - before) / count * 1e6
    finally:
        server.terminate()
        server.wait()


NGINX = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{ }} http {{ access_log off; server {{ listen 127.0.0.1:18080; root {folder}; }} }}
"""


def nginx() -> float:
    """A request of wrk."""
    with tempfile.TemporaryDirectory() as name:
        Path(name, "conf").write_text(NGINX.format(folder=name))
        Path(name, "index.html").write_text("hello\n" * 100)
        server = subprocess.Popen(["nginx", "-c", f"{name}/conf", "-e", f"{name}/log"], **QUIET)
        try:
            time.sleep(0.5)
            before = children_spent() + spent(server.pid)
            argv = ["wrk", "-t1", "-c20", "-d3", "http://127.0.0.1:18080/index.html"]
            said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
            count = int(
                next(line for line in said.splitlines() if " requests in " in line).split()[0]
            )
            return (children_spent() + spent(server.pid) - before) / count * 1e6
        finally:
            server.terminate()
            server.wait()


@dataclass(frozen=True)
class Work:
    """Something to slow down."""

    run: Callable[[], float]
    programs: tuple[str, ...]
    kinds: tuple[str, ...] = ("no capture", "everything to a file")


WORKS = {
    "dd": Work(dd, ("dd",), tuple(KINDS)),
    "redis": Work(redis, ("redis-server", "redis-benchmark")),
    "nginx": Work(nginx, ("nginx", "wrk")),
}


def overhead(names: Sequence[str], runs: int) -> None:
    """The table of all work, medians and least of alternated runs."""
    print(f"load {os.getloadavg()[0]:.1f} at the start; {runs} runs in turn; least and median\n")
    print(
        "| work | captured | us a unit, median | factor, median | factor, least |\n"
        "|---|---|---|---|---|"
    )
    for name in names or WORKS:
        work = WORKS[name]
        if missing := [program for program in work.programs if not shutil.which(program)]:
            print(f"{name}: {', '.join(missing)} not installed", file=sys.stderr)
            continue
        seen: dict[str, list[float]] = {kind: [] for kind in work.kinds}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(runs):
                for kind in work.kinds:
                    with captured(KINDS[kind], Path(folder)):
                        seen[kind].append(work.run())
        for kind, times in seen.items():
            of = seen["no capture"]
            middle, least = statistics.median(times) / statistics.median(of), min(times) / min(of)
            print(
                f"| {name} | {kind} | {statistics.median(times):.2f} | {middle:.2f} | {least:.2f} |"
            )


# ---- soak

PACED = """
import os, sys, time
rate, seconds = float(sys.argv[1]), float(sys.argv[2])
step, calls, data = 0.002, 4, b"x" * 64
null = os.open("/dev/null", os.O_WRONLY)
start = time.monotonic()
done = 0
while (passed := time.monotonic() - start) < seconds:
    while done < passed * rate:
        for _ in range(25):
            fd = os.open("/etc/hostname", os.O_RDONLY)
            os.read(fd, 64)
            os.write(null, data)
            os.close(fd)
        done += 25 * calls
    time.sleep(step)
print(done)
"""
"""Opens, reads, writes and closes at a rate; tells how many calls it made."""


def soak(seconds: float, rate: float) -> None:
    """A long capture to a file, at a rate of events, on all processors."""
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(dir=".") as folder:
        file = f"{folder}/soak.scap"
        with capture(["-w", file]) as run:
            before, load = spent(run.pid), os.getloadavg()[0]
            argv = [sys.executable, "-c", PACED, str(rate / workers), str(seconds)]
            work = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(workers)]
            made = sum(int(one.communicate()[0]) for one in work)
            own = spent(run.pid) - before
            run.send_signal(signal.SIGINT)
            said = run.communicate()[1].decode()
        print(f"{seconds:.0f} s, {made} calls made, {made / seconds:.0f} a second; load {load:.1f}")
        print(f"pyscap: {said.strip()}")
        print(f"pyscap's own processor time: {own:.1f} s, {100 * own / seconds:.1f} % of a core")
        late, worst, events = order(file)
        print(f"{events} events in the file, {late} out of order, by at most {worst / 1e6:.1f} ms")


def order(file: str) -> tuple[int, int, int]:
    """Events before which a later one stands, the greatest distance in ns, and all events."""
    argv = [PYSCAP, "-r", file, "-p", "%evt.rawtime"]
    late = worst = count = last = 0
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        for line in run.stdout or ():
            ts_ns = int(line)
            count += 1
            if ts_ns < last:
                late, worst = late + 1, max(worst, last - ts_ns)
            last = max(last, ts_ns)
    return late, worst, count


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.capture")
    parts = parser.add_subparsers(dest="part", required=True)
    slow = parts.add_parser("overhead", help="what capturing costs the captured")
    slow.add_argument("names", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}")
    slow.add_argument("--runs", type=int, default=5)
    long = parts.add_parser("soak", help="a long capture at a rate of events")
    long.add_argument("--seconds", type=float, default=120)
    long.add_argument("--rate", type=float, default=200_000)
    args = parser.parse_args()
    if args.part == "overhead":
        overhead(args.names, args.runs)
    else:
        soak(args.seconds, args.rate)


if __name__ == "__main__":
    main()
