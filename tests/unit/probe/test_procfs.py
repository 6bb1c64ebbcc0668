"""The snapshot shows this machine, and survives what vanishes while it looks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyscap._engine import Session
from pyscap.format import blocks
from pyscap.plan import Plan
from pyscap.probe import procfs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")


PAGE_LINES = 4096 // 150
"""Sockets in a page of `/proc/net/tcp`."""


@pytest.fixture
def own_fds():
    """The descriptor rows of this process by number, looked up on call."""
    return lambda: {r["fd"]: r for r in procfs.Proc().descriptors(str(os.getpid()))}


def test_the_thread_row_of_this_process():
    row = procfs.Proc().process(str(os.getpid()))
    assert row["tid"] == row["pid"] == os.getpid()
    assert (row["ptid"], row["sid"]) == (os.getppid(), os.getsid(0))
    assert row["comm"] == Path("/proc/self/comm").read_bytes().rstrip(b"\n")
    assert row["cwd"] == os.fsencode(Path.cwd()) + b"/"
    assert row["exepath"] == os.fsencode(Path("/proc/self/exe").readlink())
    assert (row["uid"], row["gid"]) == (os.geteuid(), os.getegid())
    assert row["exe_ino"] == Path("/proc/self/exe").stat().st_ino
    assert row["vmrss_kb"] > 1000


def test_arguments_and_environment_are_those_of_the_program():
    child = subprocess.Popen(["/bin/sleep", "30"], env={"A": "1"})
    try:
        # A program has its name first, then its arguments, then its environment.
        while not Path(f"/proc/{child.pid}/environ").read_bytes():
            time.sleep(0.01)
        row = procfs.Proc().process(str(child.pid))
        assert (row["exe"], row["args"], row["env"]) == (b"/bin/sleep", b"30\0", b"A=1\0")
    finally:
        child.kill()
        child.wait()


def test_tcp_sockets_have_both_ends(own_fds):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            rows = own_fds()
            listening, connected = rows[server.fileno()], rows[client.fileno()]
            own_port = client.getsockname()[1]
    loopback = bytes([127, 0, 0, 1])
    assert (listening["type"], listening["dip"], listening["dport"]) == (5, loopback, port)
    assert (connected["type"], connected["l4"]) == (3, 2)
    assert (connected["sip"], connected["sport"]) == (loopback, own_port)
    assert (connected["dip"], connected["dport"]) == (loopback, port)


def test_lists_of_more_than_a_page_are_read_to_their_end(own_fds):
    with ExitStack() as stack:
        servers = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            for _ in range(3 * PAGE_LINES)
        ]
        rows = own_fds()
        assert {rows[server.fileno()]["type"] for server in servers} == {5}


def test_ipv6_addresses_are_in_network_order(own_fds):
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        row = own_fds()[server.fileno()]
    assert (row["type"], row["dip"]) == (6, bytes(15) + b"\1")


def test_unix_sockets_have_their_path(own_fds, tmp_path):
    path = tmp_path / "s p"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(path))
        row = own_fds()[server.fileno()]
    assert (row["type"], row["name"]) == (8, os.fsencode(path))


def test_files_pipes_and_directories(own_fds, tmp_path):
    path = tmp_path / "f"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
    directory = os.open(tmp_path, os.O_RDONLY)
    reader, writer = os.pipe()
    try:
        rows = own_fds()
    finally:
        for number in (fd, directory, reader, writer):
            os.close(number)
    assert (rows[fd]["type"], rows[fd]["name"]) == (16, os.fsencode(path))
    assert rows[fd]["open_flags"] & ~2048 == 3 | 8 | 4096
    assert rows[directory]["type"] == 2
    assert rows[reader]["name"] == b"pipe:[%d]" % rows[reader]["ino"]


def test_epoll_and_eventfd_have_types_and_no_name(own_fds):
    import select

    with select.epoll() as poll:
        assert own_fds()[poll.fileno()] == {"type": 12, "name": b"", "fd": poll.fileno()}


def test_a_process_that_vanishes_is_left_out(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tx\nTgid:\t7\nPid:\t7\n")
    assert procfs.Proc(os.fspath(tmp_path)).threads() == ([], [])


def fake_process(root: Path, pid: int, name: str, nspid: str) -> None:
    """A process of which only `status` and `stat` can be read, as of a kernel thread."""
    (root / f"{pid}" / "task").mkdir(parents=True)
    status = {"Name": name, "Tgid": pid, "Pid": pid, "PPid": 1, "Uid": "5\t6\t7\t8"}
    status |= {"Gid": "0\t0\t0\t0", "NSpid": nspid, "NStgid": nspid, "NSpgid": nspid}
    status |= {"CapInh": "0", "CapPrm": "1ff", "CapEff": "0"}
    lines = "".join(f"{key}:\t{value}\n" for key, value in status.items())
    (root / f"{pid}" / "status").write_text(lines)
    numbers = " ".join(str(n) for n in range(1, 50))
    (root / f"{pid}" / "stat").write_text(f"{pid} (a) b) S {numbers}\n")


def test_a_kernel_thread_has_its_name_as_program(tmp_path):
    fake_process(tmp_path, 9, "kworker/0:1", "9")
    ((row,), fds) = procfs.Proc(os.fspath(tmp_path)).threads()
    assert (row["comm"], row["exe"], row["args"]) == (b"kworker/0:1", b"kworker/0:1", b"")
    assert (row["uid"], row["cap_permitted"], row["vmsize_kb"]) == (6, 0x1FF, 0)
    assert fds == [(9, [])]


def test_container_processes_have_the_inner_numbers_and_the_start_of_the_namespace(tmp_path):
    fake_process(tmp_path, 90, "init", "90\t1")
    fake_process(tmp_path, 91, "work", "91\t2")
    rows, _ = procfs.Proc(os.fspath(tmp_path)).threads()
    assert [(r["tid"], r["vtid"], r["vpid"]) for r in rows] == [(90, 1, 1), (91, 2, 2)]
    assert rows[1]["pidns_init_start_ns"] == rows[0]["start_ns"] > 0


def test_names_are_unescaped(tmp_path):
    fake_process(tmp_path, 9, r"a\nb\\c", "9")
    ((row,), _) = procfs.Proc(os.fspath(tmp_path)).threads()
    assert row["comm"] == b"a\nb\\c"


def test_control_groups_may_have_any_name(tmp_path):
    fake_process(tmp_path, 9, "x", "9")
    (tmp_path / "9" / "cgroup").write_bytes(b"2:cpu,cpuacct:/a:b\n1:name=systemd:/s\n0::/u\r/v\n")
    ((row,), _) = procfs.Proc(os.fspath(tmp_path)).threads()
    assert row["cgroups"] == b"cpu=/a:b\0cpuacct=/a:b\0name=systemd=/s\0=/u\r/v\0"


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        (b"Max open files            1024                 524288               files     \n", 1024),
        (b"Max open files            unlimited            unlimited            files     \n", 0),
        (b"Max processes             5                    5                    processes \n", 0),
        (b"", 0),
    ],
)
def test_the_limit_of_descriptors_is_the_soft_one(tmp_path, limits, count):
    fake_process(tmp_path, 9, "x", "9")
    (tmp_path / "9" / "limits").write_bytes(limits)
    assert procfs.Proc(os.fspath(tmp_path)).process("9")["fdlimit"] == count


@pytest.mark.parametrize("file", ["status", "stat"])
@pytest.mark.parametrize("kept", [0, 1, 40])
def test_a_process_of_which_too_little_is_told_is_left_out(tmp_path, file, kept):
    fake_process(tmp_path, 9, "x", "9")
    fake_process(tmp_path, 10, "y", "10")
    path = tmp_path / "9" / file
    path.write_bytes(path.read_bytes()[:kept])
    rows, _ = procfs.Proc(os.fspath(tmp_path)).threads()
    assert [row["tid"] for row in rows] == [10]


def test_the_snapshot_is_a_capture_that_the_engine_reads():
    data = procfs.snapshot([(1, "made by a test")])
    session = Session(Plan().to_json())
    session.add_bytes(data)
    while session.run(1000) != "done":
        pass
    stats = session.stats()
    assert (stats["events"], stats["damaged"]) == (0, 0)


def test_the_snapshot_leaves_its_own_process_out():
    data = procfs.snapshot(skip_pid=os.getpid())
    while data:
        head = blocks.BLOCK.parse(data)
        data = data[head.total_length :]
        if head.type == 0x215:
            assert os.getpid() not in list_tids(head.body)


def list_tids(body: bytes) -> list[int]:
    tids = []
    while len(body) >= 4:
        size = int.from_bytes(body[:4], "little")
        tids.append(blocks.PROCESS.parse(body[:size], version=9).tid)
        body = body[size:]
    return tids


def test_children_by_the_parent_that_they_have_now(tmp_path):
    for pid, parent in ((1, 0), (5, 1), (6, 5), (7, 5), (8, 1)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) b) S {parent} {pid}\n")
    (tmp_path / "9").mkdir()
    assert procfs.children_of({5}, str(tmp_path)) == {6, 7}
    assert procfs.children_of({1, 5}, str(tmp_path)) == {6, 7, 8}
