"""The table of filters that the peers accept or refuse, and where we decide otherwise.

`cases.tsv`: filter, what sysdig 0.41.4 and libs 0.25-dev decide, the events of 939 in
`curl_google.scap` that libs finds, a remark. U+2424 and U+2409 stand for a line feed and a tab.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent


class Case(NamedTuple):
    """One row of the table."""

    text: str
    expected: str
    events: int | None
    note: str


def read_cases() -> list[Case]:
    rows = (HERE / "cases.tsv").read_text(encoding="utf-8").split("\n")[1:-1]
    cases = []
    for row in rows:
        text, expected, events, note = row.split("\t")
        text = text.replace("\u2424", "\n").replace("\u2409", "\t")
        cases.append(Case(text, expected, int(events) if events else None, note))
    return cases


def read_known() -> dict[str, dict[str, Any]]:
    """Known differences by filter: `ours` (valid, invalid) or `events`, and `reason`."""
    table = tomllib.loads((HERE / "known_differences.toml").read_text(encoding="utf-8"))
    return {row["text"]: row for row in table["filter"]}
