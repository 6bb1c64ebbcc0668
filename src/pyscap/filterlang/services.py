"""Port numbers by service name, and names by number.

In:  the system's services database, or the few names below where there is none. Out:
`service_port()`, `port_names()`. Next: `check.py`, for `fd.port=http`; the plan's options, for
`-R`.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path

WELL_KNOWN: dict[str, int] = {
    "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67,
    "bootpc": 68, "tftp": 69, "http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "ntp": 123,
    "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap2": 143, "snmp": 161,
    "snmp-trap": 162, "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445,
    "submissions": 465, "syslog": 514, "submission": 587, "ldaps": 636, "domain-s": 853,
    "rsync": 873, "ftps": 990, "imaps": 993, "pop3s": 995, "nfs": 2049, "mysql": 3306,
    "postgresql": 5432, "mdns": 5353, "amqp": 5672, "redis": 6379, "http-alt": 8080,
}  # fmt: skip
"""Source: IANA service name and port number registry."""


def service_port(name: str) -> int | None:
    """The port of a service.

    Args:
        name: Its name, e.g. `http`.

    Returns:
        The port, or None for a name that neither the system nor `WELL_KNOWN` has.
    """
    try:
        return socket.getservbyname(name)
    except (OSError, UnicodeError, ValueError):
        return WELL_KNOWN.get(name)


DATABASE = Path("/etc/services")
"""Source: services(5)."""

_ENTRY = re.compile(r"([!-\"$-~]+)[ \t]+(\d+)/(tcp|udp)\b")


def port_names(database: Path = DATABASE) -> list[tuple[int, bool, str]]:
    """The names of ports.

    Args:
        database: A file in the form of services(5); its first entry of a port counts.

    Returns:
        Port, whether it is one of UDP, and name; those of `WELL_KNOWN` where there is no file.
    """
    names = {(port, udp): name for name, port in WELL_KNOWN.items() for udp in (False, True)}
    try:
        lines = database.read_text("ascii", "replace").splitlines()
    except OSError:
        lines = []
    for line in reversed(lines):
        found = _ENTRY.match(line)
        if found and int(found[2]) < 65536:
            names[int(found[2]), found[3] == "udp"] = found[1]
    return [(port, udp, name) for (port, udp), name in names.items()]
