"""Names of addresses, for `fd.sip.name` and its like.

In:  a plan whose user asked for names (`-R`), the system's table of hosts. Out: the same plan with
the names in its options. Next: the engine's `render/addr`.

Nothing is looked up while events pass. The table of hosts is read once, before the run; names that
the filter compares with are looked up then too, by the system's resolver, which may ask DNS.
DIFFERENCE(sysdig 0.41.4): it asks DNS beside the run, so the first events have no names.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyscap.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyscap.plan import Plan

HOST_FIELDS = ("fd.cip.name", "fd.sip.name", "fd.lip.name", "fd.rip.name")
"""Fields whose values are names of hosts."""

DATABASE = Path("/etc/hosts")
"""Source: hosts(5)."""

MOST_NAMES = 32
"""Most names of a filter that are looked up, since each can take seconds; more are not known."""

Hosts = dict[str, list[str]]
"""Names by address; the first one is shown."""


def with_hosts(plan: Plan, *, wanted: bool) -> Plan:
    """The plan with the names of hosts, when it uses them and they are wanted.

    Args:
        plan: A plan whose fields are complete.
        wanted: The user asked for names.
    """
    uses = {i for i, entry in enumerate(plan.fields.entries) if entry["name"] in HOST_FIELDS}
    if not uses:
        return plan
    if not wanted:
        sys.stderr.write("warning: fields such as fd.sip.name have values only with -R\n")
        return plan
    hosts = table(DATABASE)
    for name in islice(compared(plan.filter, uses), MOST_NAMES):
        add(hosts, name, addresses(name, hosts))
    return replace(plan, options=replace(plan.options, hosts=list(hosts.items())))


def table(database: Path) -> Hosts:
    """The names of a file in the form of hosts(5); none where there is no such file."""
    hosts: Hosts = {}
    with suppress(OSError):
        for line in database.read_text("ascii", "replace").splitlines():
            words = line.partition("#")[0].split()
            address = plain(words[0]) if words else None
            if address:
                hosts.setdefault(address, []).extend(words[1:])
    return {address: names for address, names in hosts.items() if names}


def plain(text: str) -> str | None:
    """An address in the one form that names are kept under; None for what is none."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def compared(program: dict[str, Any] | None, uses: set[int]) -> Iterator[str]:
    """The texts that a filter compares whole names with, in the order of the filter."""
    for op in (program or {"ops": ()})["ops"]:
        if op.get("cmp") in ("eq", "ne", "in", "intersects") and op["lhs"][0].get("field") in uses:
            right = op["rhs"]
            for value in right.get("set", [right.get("const", {})]):
                if "text" in value:
                    yield value["text"]


def addresses(name: str, hosts: Hosts) -> list[str]:
    """The addresses of a host: those of the table, else what the system's resolver says."""
    listed = [address for address, names in hosts.items() if name in names]
    if listed:
        return listed
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        sys.stderr.write(f"warning: no address is known for the host {printable(name)}\n")
        return []
    return [plain(str(row[4][0])) or "" for row in found]


def add(hosts: Hosts, name: str, found: list[str]) -> None:
    """Give the addresses in `found` the name."""
    for address in found:
        names = hosts.setdefault(address, [])
        if name not in names:
            names.append(name)
