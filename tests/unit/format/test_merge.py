"""Captures of several machines, and packets, in one file."""

from __future__ import annotations

import os
import struct

import builders as b
import pytest
from engine import blocks, counts, lines

from pyscap._engine import EngineError
from pyscap.format.encode import block, section_header
from pyscap.format.merge import merge


def machine(name: str, comm: str, times: list[int], **fields) -> bytes:
    events = [b.lseek(fd=3, tid=5, ts_ns=b.START_NS + t) for t in times]
    thread = b.thread(5, comm, fds=[b.fd(3, name=f"/{comm}")], **fields)
    return b.capture(threads=[thread], events=events, machine={"hostname": name.encode()})


@pytest.fixture
def merged(tmp_path):
    def of(*captures: bytes) -> bytes:
        names = []
        for index, data in enumerate(captures):
            path = tmp_path / f"{index}.scap"
            path.write_bytes(data)
            names.append(os.fspath(path))
        out = tmp_path / "out.scap"
        merge(names, os.fspath(out), overwrite=True)
        return out.read_bytes()

    return of


def test_events_are_in_the_order_of_time_and_hosts_are_kept_apart(merged):
    data = merged(machine("a", "cat", [0, 20]), machine("b", "dog", [10, 30]))
    shown = lines(data)
    assert [line.split()[2] for line in shown] == ["cat", "dog", "cat", "dog"]
    assert [line.split()[3] for line in shown] == ["(5)", "(10000005)"] * 2
    assert "<f>/dog" in shown[1]
    assert counts(data)["sections"] == 1


def test_captures_of_one_machine_share_their_threads(merged):
    data = merged(machine("a", "cat", [0]), machine("a", "cat", [10]))
    assert [line.split()[3] for line in lines(data)] == ["(5)", "(5)"]


def test_the_third_machine_and_a_second_file_of_the_second(merged):
    names = ["a", "b", "c", "b"]
    data = merged(*(machine(name, name * 3, [i]) for i, name in enumerate(names)))
    tids = [line.split()[3] for line in lines(data)]
    assert tids == ["(5)", "(10000005)", "(20000005)", "(10000005)"]


def test_threads_that_parameters_name_are_shifted_too(merged):
    fork = b.clone(res=6, exe="dog", comm="dog", tid=5, pid=5, ptid=1, tid_=5, vtid=5, vpid=5)
    child = b.lseek(fd=3, tid=6, ts_ns=b.START_NS + 50)
    other = machine("b", "dog", [10])
    other += b.replace(fork, ts_ns=b.START_NS + 40).block() + child.block()
    data = merged(machine("a", "cat", [0]), other)
    assert "res=10000006(dog)" in lines(data)[2]
    assert " dog (10000006) " in lines(data)[3]
    assert "<f>/dog" in lines(data)[3], "the child has the descriptors of its parent"


@pytest.mark.parametrize("version", range(1, 10))
def test_all_numbers_of_a_process_entry_are_shifted(merged, version):
    old = min(version, 2)
    versions = b.Versions(process=version, fd=old, interface=old, user=old, event=old)
    threads = [b.thread(5, "dog", ptid=4, sid=4, pgid=4), b.thread(4, "parent")]
    events = [b.lseek(fd=3, tid=5)]
    host = {"hostname": b"b"}
    other = b.capture(threads=threads, events=events, machine=host, version=versions)
    data = merged(machine("a", "cat", [0]), other)
    template = "%evt.num %thread.tid %proc.ppid %proc.pname"
    assert lines(data, "proc.name=dog", template) == ["10000005 10000004 parent"]


def packets(times: list[int]) -> bytes:
    """A packet capture in pcapng with nanoseconds."""
    idb = block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HHI", 9, 1, 9) + bytes(4))
    data = section_header() + idb
    for t in times:
        ts = b.START_NS + t
        data += block(6, struct.pack("<IIIII", 0, ts >> 32, ts & 0xFFFFFFFF, 4, 4) + b"data")
    return data


def test_packets_are_carried_along_in_their_place(merged):
    data = merged(packets([5]), machine("a", "cat", [0, 10]), packets([15]))
    kinds = [kind for kind, _ in blocks(data)]
    assert kinds.count(1) == 2
    assert kinds[-4:] == [0x216, 6, 0x216, 6]
    interfaces = [struct.unpack_from("<I", raw, 8)[0] for kind, raw in blocks(data) if kind == 6]
    assert interfaces == [0, 1]
    assert [line.split()[2] for line in lines(data)] == ["cat", "cat"]


def test_an_input_that_is_cut_loses_nothing_of_the_others(merged, tmp_path):
    with pytest.raises(EngineError, match="cut short"):
        merged(machine("a", "cat", [0, 20])[:-8], machine("b", "dog", [10, 30]))
    data = (tmp_path / "out.scap").read_bytes()
    assert [line.split()[2] for line in lines(data)] == ["cat", "dog", "dog"]
