"""What the C code is told about kernels of several ages, all made up."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pyscap.probe import btf, layout
from pyscap.probe.errors import ProbeUnavailable

NEW = {"percpu_counter.count": 8, "mm_struct.rss_stat": 100, "mm_struct.binfmt": 260}
OLD = {"mm_struct.rss_stat": 100, "mm_struct.binfmt": 140}


class Kernel:
    """Type information in which every newest path exists, at an offset of its own."""

    def __init__(self, offsets: dict[str, int], sizes: dict[str, int], without: str = "") -> None:
        paths = [*layout.OFFSETS.values(), *layout.OPTIONAL.values()]
        paths += [path for rows in layout.ARCH_OFFSETS.values() for path in rows.values()]
        self.offsets = {names[0]: 8 * n for n, names in enumerate(paths)} | offsets
        self.sizes = {"upid": 16} | sizes
        for path in filter(None, without.split()):
            del self.offsets[path]

    def offset(self, path: str) -> int | None:
        return self.offsets.get(path)

    def size(self, name: str) -> int | None:
        return self.sizes.get(name)

    def enumerator(self, enum: str, name: str) -> int | None:
        known = {("pid_type", "PIDTYPE_PGID"): 2, ("cgroup_subsys_id", "cpuset_cgrp_id"): 0}
        known["cgroup_subsys_id", "memory_cgrp_id"] = 4
        return known.get((enum, name))


def constants(arch="x86_64", offsets=NEW, sizes=None, without=""):
    sizes = {"percpu_counter": 40} if sizes is None else sizes
    return layout.constants(Kernel(offsets, sizes, without), arch)


def test_every_constant_is_a_name_of_c_and_a_number_that_is_not_negative():
    found = constants()
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in found)
    assert all(isinstance(value, int) and value >= 0 for value in found.values())
    assert (found["SIZE_UPID"], found["PIDTYPE_PGID"], found["ARCH_X86_64"]) == (16, 2, 1)


def test_moved_fields_are_found_where_they_were_before():
    older = {"kernfs_node.parent": 16, "task_struct.real_start_time": 24, "inode.i_ctime.tv_sec": 7}
    found = constants(
        offsets=NEW | older,
        without="kernfs_node.__parent task_struct.start_boottime inode.i_ctime_sec",
    )
    places = ("O_KERNFS_PARENT", "O_TASK_START_TIME", "O_INODE_CTIME_SEC")
    assert [found[name] for name in places] == [16, 24, 7]


def test_the_newest_place_wins_where_both_exist():
    found = constants(offsets=NEW | {"kernfs_node.__parent": 1, "kernfs_node.parent": 2})
    assert found["O_KERNFS_PARENT"] == 1


def test_an_offset_of_zero_is_an_offset():
    assert constants(offsets=NEW | {"task_struct.pid": 0})["O_TASK_PID"] == 0


def test_memory_counters_of_both_kinds_of_kernels():
    names = ("SIZE_RSS_COUNTER", "O_RSS_COUNT")
    assert [constants()[name] for name in names] == [40, 8]
    assert [constants(offsets=OLD)[name] for name in names] == [8, 0]
    assert [constants(offsets=OLD, sizes={})[name] for name in names] == [8, 0]


def test_control_groups_that_a_kernel_lacks_are_left_out():
    found = {name: value for name, value in constants().items() if name.startswith("CGROUP_")}
    assert found == {"CGROUP_CPUSET": 0, "CGROUP_MEMORY": 4}


def test_optional_fields_may_be_missing():
    found = constants(without="task_struct.loginuid ovl_inode.vfs_inode")
    assert "O_TASK_LOGINUID" not in found
    assert "O_OVL_INODE_UPPER" in found


def test_arguments_of_arm_lie_behind_each_other():
    found = constants("aarch64", NEW | {"pt_regs.regs": 0, "pt_regs.orig_x0": 272})
    arguments = [found[f"O_REGS_ARG{n}"] for n in range(6)]
    assert arguments == [272, 8, 16, 24, 32, 40]
    assert found["ARCH_AARCH64"] == 1
    assert "TASK_COMPAT_BIT" not in found


def test_missing_fields_are_named_all_at_once():
    with pytest.raises(ProbeUnavailable, match=r"TASK_PID, SK_FAMILY$") as caught:
        constants(without="task_struct.pid sock.__sk_common.skc_family")
    assert "5.8" in caught.value.hint


def test_unknown_architectures_are_refused():
    with pytest.raises(ProbeUnavailable, match="sparc") as caught:
        constants("sparc")
    assert caught.value.hint == "use x86_64 or aarch64"


def test_the_c_code_uses_no_offset_that_is_not_declared():
    folder = Path(layout.__file__).parent / "programs"
    used = {
        name
        for path in folder.glob("*.c")
        for name in re.findall(r"\bO_[A-Z]\w+", path.read_text())
    }
    declared = {f"O_{name}" for name in layout.OFFSETS | layout.OPTIONAL}
    declared |= {f"O_{name}" for rows in layout.ARCH_OFFSETS.values() for name in rows}
    flags = {name for name in used if hasattr(os, name)}
    assert used - declared - flags - {f"O_REGS_ARG{n}" for n in range(6)} == {"O_RSS_COUNT"}


def test_the_running_kernel_has_every_field():
    if not btf.VMLINUX.exists():
        pytest.skip("this kernel has no type information")
    found = layout.constants(btf.Btf.of_running_kernel())
    assert found["O_TASK_TGID"] == found["O_TASK_PID"] + 4
    assert found["SIZE_UPID"] == 16
