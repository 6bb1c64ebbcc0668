"""Several files instead of one."""

import json

import builders as b
import pytest

from pyscap.cli import run
from pyscap.rotation import next_number

SECOND = 1_000_000_000


@pytest.fixture
def capture(tmp_path, monkeypatch):
    """A capture of nine reads, one a second, of a file that was opened before; its name."""
    monkeypatch.chdir(tmp_path)
    events = [b.openat(fd=3, name="/opened", tid=7, ts_ns=SECOND)]
    events += [
        b.read(res=500, data=bytes(500), fd=3, tid=7, ts_ns=n * SECOND) for n in range(2, 10)
    ]
    old = b.fd(4, name="/old")
    threads = [b.thread(7, "cat", args="a\0b\0", uid=5, fds=[old]), b.thread(8, "idle", fds=[old])]
    (tmp_path / "in.scap").write_bytes(
        b.capture(threads=threads, events=events, users=[b.user(5, "eve")])
    )
    return "in.scap"


def lines(capfd, name, template="%evt.type %fd.name %proc.name %proc.args %user.name"):
    capfd.readouterr()
    assert run(["-r", str(name), "-p", template]) == 0
    return capfd.readouterr().out.splitlines()


def files(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("out"))


def test_every_file_can_be_read_alone(capture, tmp_path, capfd):
    assert run(["-r", capture, "-w", "out", "-e", "4"]) == 0
    assert files(tmp_path) == ["out0", "out1", "out2"]
    one = "read /opened cat a b eve"
    assert lines(capfd, "out0") == ["openat /opened cat a b eve", one, one, one]
    assert lines(capfd, "out1") == [one] * 4
    assert lines(capfd, "out2") == [one]


def test_threads_and_descriptors_without_events_are_in_every_file(capture, tmp_path):
    run(["-r", capture, "-w", "out", "-e", "8"])
    for name in ("out0", "out1"):
        data = (tmp_path / name).read_bytes()
        assert b"/old" in data
        assert b"idle" in data


def test_numbers_go_on_after_files_that_exist(capture, tmp_path):
    (tmp_path / "out7").write_text("mine")
    run(["-r", capture, "-w", "out", "-e", "5"])
    assert files(tmp_path) == ["out7", "out8", "out9"]
    assert (tmp_path / "out7").read_text() == "mine"
    assert next_number("out") == 10


def test_only_the_last_files_are_kept_and_only_own_ones_removed(capture, tmp_path):
    (tmp_path / "out0").write_text("mine")
    run(["-r", capture, "-w", "out", "-e", "2", "-W", "2"])
    assert files(tmp_path) == ["out0", "out4", "out5"]


def test_time_begins_a_new_file_with_a_name_of_its_own(capture, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    run(["-r", capture, "-w", "out-%Y", "-G", "3"])
    made = files(tmp_path)
    assert len(made) == 3
    assert {"out-1970", "out-1970.1"} < set(made)


def test_time_with_a_limit_ends_the_run(capture, tmp_path, capfd):
    run(["-r", capture, "-w", "out", "-G", "2", "-W", "2"])
    assert files(tmp_path) == ["out0", "out1"]
    assert len(lines(capfd, "out1")) == 3


def test_total_size_is_kept(capture, tmp_path):
    run(["-r", capture, "-w", "out", "-e", "1", "--keep", "3KB"])
    total = sum((tmp_path / name).stat().st_size for name in files(tmp_path))
    assert 0 < total < 3000 + 2500
    assert "out8" in files(tmp_path)


def test_a_filter_keeps_other_processes_out_of_every_file(capture, tmp_path):
    run(["-r", capture, "-w", "out", "-e", "3", "proc.name=cat and evt.type=read"])
    for name in files(tmp_path):
        assert b"idle" not in (tmp_path / name).read_bytes()


def test_size_begins_a_new_file(capture, tmp_path):
    run(["-r", capture, "-w", "out", "-C", "1B"])
    assert len(files(tmp_path)) > 1


def test_containers_and_users_of_events_are_in_every_file(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    ident = "0123456789ab"
    said = {"container": {"id": ident, "type": 0, "name": "shop", "image": "i"}}
    named = [
        b.event("container", ">", json=json.dumps(said), tid=-1, ts_ns=SECOND),
        b.event("useradded", ">", uid=9, name="ann", container_id=ident, tid=-1, ts_ns=SECOND),
    ]
    reads = [b.read(res=1, data=b"x", fd=3, tid=7, ts_ns=n * SECOND) for n in range(2, 7)]
    thread = b.thread(7, "cat", uid=9, cgroups=[f"cpu=/docker/{ident * 5}abcd"])
    (tmp_path / "in").write_bytes(b.capture(threads=[thread], events=[*named, *reads]))
    assert run(["-r", "in", "-w", "out", "-e", "2"]) == 0
    assert files(tmp_path) == ["out0", "out1", "out2"]
    for name in files(tmp_path):
        shown = lines(capfd, name, "%evt.rawtime.s %container.name %user.name")
        assert {line.split(" ", 1)[1] for line in shown} == {"shop ann"}
