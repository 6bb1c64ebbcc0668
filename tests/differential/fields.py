"""Compare every field that an installed sysdig lists, event by event, with ours.

In:  sysdig (on PATH or the command in `PYSCAP_PEER`), captures, `known_fields.toml`.
Out: a `Report` of the values that differ for no known reason.

`known_fields.toml` is as `known.toml`; `query` is the pattern of fields, and `any` says that our
value may be any where `theirs` is all of the peer's.

By hand, on other captures: `PYTHONPATH=tests python -m differential.fields FILE...`
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from differential.compare import HERE, PYSCAP, Expected, Known, load_known

from pyscap.model.events import EVENTS

BETWEEN, END = "\x01", "\x03"
AT_ONCE = 30
"""Fields of one run: the peer shows all or none of them."""

ARGUMENTS = {
    "evt.arg": [f"[{n}]" for n in range(6)],
    "evt.rawarg": [],
    "evt.around": [],
    "evt.type.is": [".open", ".read"],
    "evt.abspath": ["", ".src", ".dst"],
    "proc.env": ["", "[PATH]", "[NOT_SET]"],
    "proc.aenv": ["", "[PATH]", "[1]", "[2]"],
    "thread.cgroup": [".cpu", ".memory", ".blkio", ".none"],
}
"""Arguments to try, of fields that do not take numbers of an ancestor or a word."""

NUMBERS = ["[0]", "[1]", "[2]", "[3]"]


def find_peer() -> list[str] | None:
    """The sysdig to compare with, or None."""
    command = os.environ.get("PYSCAP_PEER") or shutil.which("sysdig")
    return shlex.split(command) if command else None


def listed(peer: list[str]) -> Iterator[tuple[str, str]]:
    """Names and marks of the fields in the peer's own list."""
    done = subprocess.run([*peer, "-lv"], capture_output=True, text=True, check=True)
    text = re.sub(r"\n +(\(Type: )", r" \1", done.stdout)
    yield from re.findall(r"^([a-z][\w.]+) +\(Type: \w+\)(?: \(([A-Z_,]+)\))?", text, re.M)


def parameters() -> list[str]:
    """Names of parameters that do not begin with another: sysdig 0.41.4 reads the shorter one."""
    names = {p.name for spec in EVENTS if "METAEVENT" not in spec.categories for p in spec.params}
    return sorted(n for n in names if not any(n != m and n.startswith(m) for m in names))


def with_arguments(fields: Iterator[tuple[str, str]]) -> list[str]:
    """The fields to show, each with all its arguments."""
    found = [f"evt.arg.{name}" for name in parameters()]
    for name, marks in fields:
        if "FILTER_ONLY" in marks:
            continue
        usual = NUMBERS if "ARG_REQUIRED" in marks else ["", *NUMBERS]
        found += [
            name + argument for argument in ARGUMENTS.get(name, usual if "ARG" in marks else [""])
        ]
    return found


def values(command: list[str], capture: Path, fields: list[str]) -> dict[int, list[str]] | None:
    """Event number -> values; None where the program refuses one of the fields."""
    template = BETWEEN.join(["*%evt.num", *(f"%{name}" for name in fields)]) + BETWEEN + END
    done = subprocess.run(
        [*command, "-r", str(capture), "-p", template],
        capture_output=True,
        env={**os.environ, "TZ": "UTC"},
        check=False,
    )
    if done.returncode or b"rror" in done.stderr:
        return None
    rows = done.stdout.decode(errors="replace").split(f"{BETWEEN}{END}\n")
    split = [row.split(BETWEEN) for row in rows if row]
    return {int(number): shown for number, *shown in split}


@dataclass
class Report:
    """What came out for one capture."""

    capture: str
    fields: int = 0
    """How many were compared; those that the peer refuses are not."""
    explained: int = 0
    unexplained: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often a field was theirs and ours, which differ."""

    def __str__(self) -> str:
        head = f"{self.capture}: {self.fields} fields, {self.explained} values differ as known"
        rows = [f"\n  {n} {' '.join(map(repr, key))}" for key, n in self.unexplained.most_common()]
        return head + "".join(rows)


def compare(peer: list[str], capture: Path, fields: list[str], known: list[Known]) -> Report:
    """Hold our values against the peer's."""
    report = Report(capture.name.split(".")[0])
    for start in range(0, len(fields), AT_ONCE):
        compare_some(peer, capture, fields[start : start + AT_ONCE], known, report)
    return report


def compare_some(
    peer: list[str], capture: Path, fields: list[str], known: list[Known], report: Report
) -> None:
    """Compare fields in one run, or in runs of fewer where the peer refuses one."""
    theirs = values(peer, capture, fields)
    if theirs is None:
        if len(fields) > 1:
            middle = len(fields) // 2
            compare_some(peer, capture, fields[:middle], known, report)
            compare_some(peer, capture, fields[middle:], known, report)
        return
    ours = values([str(PYSCAP)], capture, fields)
    assert ours is not None, f"pyscap refuses one of {fields}"
    assert ours.keys() == theirs.keys(), f"{capture.name}: other events"
    report.fields += len(fields)
    for position, name in enumerate(fields):
        pairs = Counter((theirs[n][position], ours[n][position]) for n in theirs)
        concerned = [e for e in known if e.concerns(Expected(capture, report.capture, name, ""))]
        for (their, our), count in pairs.items():
            if their != our:
                settle(name, (their, our), count, concerned, report)


def settle(
    name: str, pair: tuple[str, str], count: int, known: list[Known], report: Report
) -> None:
    """Explain a difference by the known ones, or note it."""
    became, ours = pair
    users = []
    for entry in known:
        changed = ours if entry.any and re.fullmatch(entry.theirs, became) else entry.apply(became)
        if changed != became:
            users.append(entry)
        became = changed
    if became != ours:
        report.unexplained[(name, *pair)] += count
        return
    report.explained += count
    for entry in users:
        entry.uses += 1


def main() -> int:
    peer = find_peer()
    if peer is None:
        print("no sysdig found; PYSCAP_PEER names one", file=sys.stderr)
        return 2
    known, fields = load_known(HERE / "known_fields.toml"), with_arguments(listed(peer))
    reports = [compare(peer, Path(name), fields, known) for name in sys.argv[1:]]
    print(*reports, sep="\n")
    return int(any(report.unexplained for report in reports))


if __name__ == "__main__":
    sys.exit(main())
