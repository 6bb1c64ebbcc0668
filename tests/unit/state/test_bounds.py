"""Memory stays flat, whatever comes; a live capture looks for threads it was not told of."""

from __future__ import annotations

import os
import struct
import sys
import threading
from pathlib import Path

import builders as b
import pytest
from playbook import run

from pyscap._engine import Session
from pyscap.format.encode import section_header
from pyscap.plan import Options, Plan

PROCESSES = 1_000_000
PER_WRITE = 2_000
MARK = 7_700_001


def short_life() -> bytes:
    """A process that begins, becomes another program, opens a file and ends."""
    name = f"worker-{MARK:08d}"
    born = b.clone(
        res=0, exe="sh", comm="sh", tid_=MARK, pid=MARK, ptid=1, vtid=MARK, vpid=MARK, tid=MARK
    )
    execed = b.execve(
        res=0, exe=name, comm="worker", args=[name], tid_=MARK, pid=MARK, ptid=1, tid=MARK
    )
    opened = b.openat(fd=3, dirfd=-100, name=f"/tmp/{name}", tid=MARK)
    left = b.event("procexit", ">", tid=MARK)
    return b"".join(event.block() for event in (born, execed, opened, left))


def many_lives(pipe: int, count: int) -> None:
    """Write `count` short lives, each under another number, and the marks for looking."""
    life = short_life()
    offsets = [at for at in range(len(life)) if life.startswith(struct.pack("<Q", MARK), at)]
    texts = [at for at in range(len(life)) if life.startswith(b"%08d" % MARK, at)]
    assert len(offsets) >= 8
    assert len(texts) >= 3
    buffer, put = bytearray(life), struct.Struct("<Q").pack_into
    with os.fdopen(pipe, "wb", buffering=1 << 20) as out:
        out.write(section_header())
        out.write(b.metadata("process", [b.thread(1, "init").fields], 9))
        for tid in range(1000, 1000 + count):
            for at in offsets:
                put(buffer, at, tid)
            text = b"%08d" % tid
            for at in texts:
                buffer[at : at + 8] = text
            out.write(buffer)


def resident_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_short_lived_processes_leave_nothing_behind() -> None:
    reading, writing = os.pipe()
    session = Session(Plan().to_json())
    writer = threading.Thread(target=many_lives, args=(writing, PROCESSES), daemon=True)
    writer.start()
    with os.fdopen(reading, "rb") as pipe:
        session.add_fd(pipe.fileno())
        early = 0
        while session.run(50) != "done":
            if not early and session.stats()["events"] > PROCESSES:
                early = resident_kb()
    writer.join()
    assert session.stats()["events"] == 4 * PROCESSES
    assert early
    assert resident_kb() <= early * 1.1


@pytest.mark.skipif(sys.platform != "linux", reason="threads are looked for in /proc")
def test_a_live_capture_looks_for_a_thread_it_was_not_told_of() -> None:
    me = os.getpid()
    with Path(__file__).open() as file:
        events = [b.read(res=1, fd=file.fileno(), tid=me)]
        names = ["proc.pid", "proc.exepath", "fd.name", "proc.ppid"]
        rows = run(b.capture([], events), names, Options(live=True))
    exe = str(Path(sys.executable).resolve())
    wanted = {"proc.exepath": exe, "fd.name": __file__, "proc.ppid": os.getppid(), "proc.pid": me}
    assert rows == [wanted]


def test_a_file_is_of_another_time_and_nothing_is_looked_for() -> None:
    rows = run(b.capture([], [b.read(res=1, fd=0, tid=os.getpid())]), ["proc.name"])
    assert rows == [{"proc.name": "<NA>"}]
