"""Compare what pyscap prints with what its peers printed, line by line.

In:  a folder of captures, a folder of expected outputs, `queries.tsv`, `known.toml`.
Out: a `Report` for each expected file: lines that differ for no known reason.

An expected file is called CAPTURE.QUERY.PEER.txt.gz. `queries.tsv` gives each QUERY a filter (`-`
for none) and a template; `default` and `json` are the lines without a template. Lines belong
together when they have the same event number, their first word.

`known.toml` lists the differences that are meant. Each has a reason and says how the peer's line
becomes ours: `theirs`, a regular expression, is replaced by `ours`. `peer`, `query` and `capture`
(patterns of file names) and `where` (a regular expression on the peer's line) limit it.
`only` says that just one side has the line: "theirs" or "ours".

Run by hand on other folders:

    python tests/differential/compare.py --captures DIR --expected DIR [--queries FILE]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import ClassVar

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
PYSCAP = Path(sys.executable).parent / "pyscap"


@dataclass(frozen=True)
class Expected:
    """An expected file."""

    path: Path
    capture: str
    query: str
    peer: str

    @classmethod
    def of(cls, path: Path) -> Expected:
        found = re.fullmatch(r"(.+)\.([a-z]+)\.([a-z]+-.+)\.txt\.gz", path.name)
        if found is None:
            msg = f"{path.name} is not CAPTURE.QUERY.PEER.txt.gz"
            raise ValueError(msg)
        return cls(path, *found.groups())

    @property
    def extra(self) -> list[str]:
        """Arguments that make us show what the peer shows: libs hides and cuts nothing."""
        return ["-D", "-v"] if self.peer.startswith("libs") else []


@dataclass
class Known:
    """A difference that is meant."""

    reason: str
    theirs: str = ""
    ours: str = ""
    peer: str = "*"
    query: str = "*"
    capture: str = "*"
    where: str = ""
    only: str = ""
    any: bool = False
    """Our value may be any where `theirs` is all of the peer's; of fields only."""
    uses: int = 0

    def concerns(self, expected: Expected) -> bool:
        patterns = (self.peer, self.query, self.capture)
        names = (expected.peer, expected.query, expected.capture)
        return all(fnmatch(name, pattern) for name, pattern in zip(names, patterns, strict=True))

    def apply(self, line: str) -> str:
        if self.only or self.any or not re.search(self.where, line):
            return line
        return re.sub(self.theirs, self.ours, line)


@dataclass
class Report:
    """What came out for one expected file."""

    expected: Expected
    lines: int = 0
    explained: int = 0
    unexplained: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Pairs of theirs (as it became through known differences) and ours."""
    shown: ClassVar[int] = 5
    """How many of them are printed."""

    def __str__(self) -> str:
        name = self.expected.path.name
        head = f"{name}: {self.lines} lines, {self.explained} differ as known"
        if not self.unexplained:
            return head
        pairs = self.unexplained[: Report.shown]
        shown = "".join(f"\n  theirs {theirs!r}\n  ours   {ours!r}" for theirs, ours in pairs)
        return f"{head}, {len(self.unexplained)} differ{shown}"


def load_known(path: Path) -> list[Known]:
    rows = tomllib.loads(path.read_text())["difference"]
    return [Known(**row) for row in rows]


def load_queries(path: Path) -> dict[str, list[str]]:
    """Query -> the arguments of pyscap."""
    queries = {"default": [], "json": ["-j"]}
    for line in path.read_text().splitlines():
        name, text, template = line.split("\t")
        queries[name] = ["-p", template, *([] if text == "-" else [text])]
    return queries


def find_capture(folder: Path, name: str) -> Path:
    """The capture called `name`, compressed or not."""
    found = [path for suffix in ("scap", "scap.gz") for path in folder.glob(f"{name}.{suffix}")]
    if not found:
        msg = f"{folder}: no capture {name}"
        raise FileNotFoundError(msg)
    return found[0]


def comparable(folder: Path, only: str = "*") -> list[Expected]:
    """The expected files of peers whose lines belong to ours.

    sysdig 0.29.3 numbers and prints the enter events that old captures hold; ours are joined with
    their exits, as in later releases.
    """
    found = [Expected.of(path) for path in sorted(folder.glob(f"{only}.txt.gz"))]
    return [expected for expected in found if expected.peer != "sysdig-0.29.3"]


def run(capture: Path, arguments: list[str]) -> list[str]:
    """The lines that pyscap prints, in UTC."""
    command = [str(PYSCAP), "-r", str(capture), *arguments]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "TZ": "UTC"}, check=True)
    return done.stdout.decode().splitlines()


def number(line: str) -> int:
    """The event number that a line begins with, or that its object has."""
    if line.startswith("{"):
        return int(json.loads(line)["evt.num"])
    found = re.match(r"\d+", line)
    return int(found.group()) if found else -1


def by_number(lines: list[str]) -> dict[int, str]:
    """Lines by event number; a line without one belongs to the line before."""
    numbered: dict[int, str] = {}
    last = -1
    for line in lines:
        found = number(line)
        if found < 0 and last in numbered:
            numbered[last] += f"\n{line}"
        else:
            numbered[found] = line
            last = found
    return numbered


def compare(expected: Expected, ours: list[str], known: list[Known]) -> Report:
    """Hold our lines against the expected ones."""
    applicable = [entry for entry in known if entry.concerns(expected)]
    left = by_number(gzip.decompress(expected.path.read_bytes()).decode().splitlines())
    right = by_number(ours)
    report = Report(expected, lines=len(left))
    for key in sorted(left.keys() | right.keys()):
        pair = left.get(key), right.get(key)
        if pair[0] != pair[1]:
            settle(pair, applicable, report)
    return report


def settle(pair: tuple[str | None, str | None], applicable: list[Known], report: Report) -> None:
    """Explain a difference by the known ones, or note it."""
    theirs, ours = pair
    if theirs is None or ours is None:
        side = "theirs" if ours is None else "ours"
        users = [e for e in applicable if e.only == side and re.search(e.where, theirs or ours)]
        became = ours if users else theirs
    else:
        became, users = theirs, []
        for entry in applicable:
            changed = entry.apply(became)
            if changed != became:
                users.append(entry)
            became = changed
        if became.startswith("{") and json.loads(became) == json.loads(ours):
            became = ours
    if became != ours:
        report.unexplained.append((became, ours))
        return
    report.explained += bool(users)
    for entry in users:
        entry.uses += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=Path, default=HERE / "captures")
    parser.add_argument("--expected", type=Path, default=HERE / "expected")
    parser.add_argument("--queries", type=Path, default=HERE / "queries.tsv")
    parser.add_argument("--known", type=Path, default=HERE / "known.toml")
    parser.add_argument("--only", default="*", help="pattern of expected files")
    parser.add_argument("--show", type=int, default=Report.shown, help="differences to print")
    options = parser.parse_args()
    Report.shown = options.show
    known, queries = load_known(options.known), load_queries(options.queries)
    bad = 0
    for expected in comparable(options.expected, options.only):
        capture = find_capture(options.captures, expected.capture)
        report = compare(expected, run(capture, [*queries[expected.query], *expected.extra]), known)
        bad += len(report.unexplained)
        print(report)
    for entry in known:
        if not entry.uses:
            print(f"known difference without a use: {entry.reason}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
