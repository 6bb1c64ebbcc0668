"""The checks of `pyscap doctor`, as people and programs read them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pyscap.errors import ExitCode
from pyscap.output import diagnosis
from pyscap.probe.doctor import Check

GOOD = Check("BTF", ok=True, found="5 MB")
ABSENT = Check("lockdown", ok=False, found="unknown", fix="mount securityfs", needed=False)
MISSING = Check("bcc", ok=False, found="not found", fix="apt install python3-bpfcc")


def run(monkeypatch: pytest.MonkeyPatch, checks: list[Check], *args: str):
    monkeypatch.setattr("pyscap.probe.doctor.run_checks", lambda: checks)
    return CliRunner().invoke(diagnosis.command, args, standalone_mode=False)


def test_a_machine_that_can_capture_is_success(monkeypatch):
    result = run(monkeypatch, [GOOD, ABSENT])
    assert result.return_value == ExitCode.OK
    assert result.output.splitlines() == [
        "ok      BTF       5 MB",
        "absent  lockdown  unknown",
        "                  -> mount securityfs",
    ]


def test_a_missing_need_is_the_exit_code_of_captures(monkeypatch):
    result = run(monkeypatch, [GOOD, MISSING])
    assert result.return_value == ExitCode.CAPTURE
    assert "-> apt install python3-bpfcc" in result.output


def test_json_has_every_check(monkeypatch):
    found = json.loads(run(monkeypatch, [GOOD, MISSING], "--json").output)
    assert [row["name"] for row in found] == ["BTF", "bcc"]
    assert found[1]["fix"] == "apt install python3-bpfcc"


def test_table_names_the_fix(capsys):
    diagnosis.print_table([GOOD, MISSING])
    assert "python3-bpfcc" in capsys.readouterr().out
