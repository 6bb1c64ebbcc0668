"""What is looked at before a capture, on made-up machines."""

import gzip
import os

import pytest

from pyscap.probe import doctor
from pyscap.probe.doctor import Machine
from pyscap.probe.errors import ProbeUnavailable


@pytest.fixture
def machine(tmp_path):
    for name in ("proc/self", "sys/kernel/security", "boot"):
        (tmp_path / name).mkdir(parents=True)
    return Machine(tmp_path / "proc", tmp_path / "sys", tmp_path / "boot", tmp_path / "vmlinux")


def only(look, machine):
    (check,) = look(machine)
    return check


def test_every_failed_check_says_what_to_do():
    checks = doctor.run_checks()
    assert len({check.name for check in checks}) == len(checks) > 12
    assert all(bool(check.fix) != check.ok for check in checks)


def test_missing_type_information(machine):
    check = only(doctor.check_btf, machine)
    assert not check.ok
    assert "no type information" in check.found
    assert "CONFIG_DEBUG_INFO_BTF" in check.fix


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ("000001ffffffffff", ""),
        ("000000c000000000", ""),
        ("0000000000200000", ""),
        ("0000008000000000", "CAP_PERFMON"),
        ("0000000000000000", "CAP_BPF, CAP_PERFMON"),
    ],
)
def test_capabilities_count_not_the_user(machine, held, missing):
    (machine.proc / "self/status").write_text(f"Name:\tx\nCapEff:\t{held}\n")
    check = only(doctor.check_capabilities, machine)
    assert check.ok == (not missing)
    assert missing in check.found


def test_capabilities_that_cannot_be_read(machine):
    assert not only(doctor.check_capabilities, machine).ok


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("[none] integrity confidentiality", True),
        ("none [integrity] confidentiality", True),
        ("none integrity [confidentiality]", False),
    ],
)
def test_lockdown(machine, text, ok):
    (machine.sys / "kernel/security/lockdown").write_text(text + "\n")
    assert only(doctor.check_lockdown, machine).ok == ok


def test_no_lockdown(machine):
    assert only(doctor.check_lockdown, machine).found == "not in use"


def test_kernel_options_compressed_and_in_boot(machine):
    lines = "".join(f"CONFIG_{name}=y\n" for name in doctor.KERNEL_OPTIONS)
    boot = machine.boot / f"config-{os.uname().release}"
    boot.write_text("# comment\n" + lines.replace("BPF_EVENTS=y", "BPF_EVENTS=m"))
    check = only(doctor.check_options, machine)
    assert (check.ok, check.found) == (False, "missing: CONFIG_BPF_EVENTS")
    (machine.proc / "config.gz").write_bytes(gzip.compress(lines.encode()))
    assert only(doctor.check_options, machine).ok


def test_kernel_options_that_are_not_shown(machine):
    check = only(doctor.check_options, machine)
    assert check.ok
    assert not check.needed


def test_a_missing_compiler(machine, monkeypatch):
    def none():
        msg = "bcc is not there"
        raise ProbeUnavailable(msg, "install it")

    monkeypatch.setattr(doctor, "find_bcc", none)
    check = only(doctor.check_bcc, machine)
    assert (check.ok, check.found, check.fix) == (False, "bcc is not there", "install it")
