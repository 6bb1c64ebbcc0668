"""Each decoded system call, made with telling values, prints exactly the line it must."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest
from harness import run

WORKLOADS = Path(__file__).with_name("workloads.py")
CASES = [
    node.name
    for node in ast.parse(WORKLOADS.read_text()).body
    if isinstance(node, ast.FunctionDef)
    and any(isinstance(d, ast.Name) and d.id == "case" for d in node.decorator_list)
]
MARK = re.compile(r"openat fd=-2\(ENOENT\) .* name=\S*/begin-(\w+) ")

PLACES = {
    "#comm#": r"[^)]*",
    "#fd#": r"[^)]*",
    "#fcntl#": r"\d+",
    "#hex#": r"[0-9a-fA-F]+",
    "#rest#": r".*",
    "#time#": r"\d+\([^)]*\)",
    "#tuple#": r"\S+(?: \S*)?",
    "#": r"-?\d+(?:\(\w+\))?",
}
"""What stands for values that only the kernel knows."""


def pattern(line):
    """A line with its places as a regular expression."""
    parts = re.split("(" + "|".join(PLACES) + ")", line)
    return re.compile("".join(PLACES.get(part) or re.escape(part) for part in parts))


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    """Expected and printed lines of each case."""
    folder = tmp_path_factory.mktemp("live")
    said = folder / "said.json"
    argv = [sys.executable, str(WORKLOADS), str(folder / "work")]
    result = run(["/bin/sh", "-c", f'exec "$@" > {said}', "sh", *argv])
    assert result.counters.dropped == 0
    cases = [json.loads(line) for line in said.read_text().splitlines()]
    wanted = {case["case"]: case["lines"] for case in cases}
    return wanted, by_case(result)


def by_case(result):
    """The lines of the workload's thread, by the case whose mark stands before them."""
    printed, lines = {}, None
    for text in result.lines:
        tid, _, line = text.partition(" ")
        mark = MARK.match(line)
        if mark:
            lines = printed.setdefault(mark[1], [])
        elif lines is not None and int(tid) == result.pid:
            lines.append(line)
    return printed


@pytest.mark.parametrize("name", CASES)
def test_lines(captured, name):
    wanted, printed = captured
    remaining = iter(printed[name])
    for line in wanted[name]:
        want = pattern(line)
        kind = line.partition(" ")[0]
        seen = []
        for got in remaining:
            if want.fullmatch(got):
                break
            seen.append(got)
        else:
            pytest.fail(f"not printed: {line}\n" + "\n".join(s for s in seen if s.startswith(kind)))
