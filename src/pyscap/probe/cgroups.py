"""Control groups that certainly belong to no wanted container, for the filter in the kernel.

In:  short ids of containers, the cgroup v2 tree. Out: `groups_outside()`: ids of groups.
Next: `probe/loader.py` fills a set of the kernel program with them.

Only what exists when the capture starts can be left out: a group that is made later may be that of
a container, a restarted one as well, so its events pass and the engine decides.
Source: cgroups(7); a group's id is the inode number of its directory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyscap.model.containers import A_POD, CGROUP_PATTERNS, SHORT_ID_CHARS, CgroupPattern

if TYPE_CHECKING:
    from collections.abc import Iterator

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
OWN_NAMESPACE = Path("/proc/self/ns/cgroup")
FIRST_NAMESPACE = 0xEFFFFFFB
"""Inode number of the namespace in which paths are those that the kernel program sees."""
MOST_GROUPS = 65536
_DIGITS = frozenset("0123456789abcdef")
_LENGTHS = {"hex64": range(64, 65), "hex": range(12, 65)}


def groups_outside(
    wanted: frozenset[str] | None,
    tree: Path = CGROUPS,
    own: Path = OWN_GROUPS,
    namespace: Path = OWN_NAMESPACE,
) -> frozenset[int]:
    """Groups whose processes are in none of the containers.

    Args:
        wanted: Short ids of containers, none for any; None when containers do not matter.
        tree: Where cgroup v2 is mounted.
        own: The groups of this process.
        namespace: The cgroup namespace of this process.

    Returns:
        Ids of groups; none where the tree does not say enough: with groups of version 1, or in
        a cgroup namespace.
    """
    if wanted is None or not _is_whole(own, namespace):
        return frozenset()
    found = set()
    for group in _groups(tree):
        ids = container_ids(f"/{group.relative_to(tree)}")
        if not (ids & wanted if wanted else ids):
            found.add(group.stat().st_ino)
        if len(found) >= MOST_GROUPS:
            break
    return frozenset(found)


def _is_whole(own: Path, namespace: Path) -> bool:
    """Whether there is one hierarchy and it is seen from its root."""
    try:
        lines = own.read_text().splitlines()
        return all(line.startswith("0::") for line in lines) and (
            namespace.stat().st_ino == FIRST_NAMESPACE
        )
    except OSError:
        return False


def _groups(tree: Path) -> Iterator[Path]:
    for folder, _folders, _files in os.walk(tree):
        path = Path(folder)
        if path.exists():
            yield path


def container_ids(path: str) -> frozenset[str]:
    """Short ids of the containers that a group can be of; none for the host.

    The engine takes the first that fits; here it is enough that it is among them.
    """
    parts = path.replace(":", "/").split("/")
    pairs = zip(["", *parts], parts, strict=False)
    ids = (_id(pattern, above, part) for above, part in pairs for pattern in CGROUP_PATTERNS)
    return frozenset(found[:SHORT_ID_CHARS] for found in ids if found)


def _id(pattern: CgroupPattern, above: str, part: str) -> str:
    """The id in a component; empty when it has not the form."""
    inner = part.removeprefix(pattern.prefix).removesuffix(pattern.suffix)
    if pattern.prefix + inner + pattern.suffix != part or not _has_parent(pattern, above):
        return ""
    lengths = _LENGTHS.get(pattern.id_form)
    if lengths and (len(inner) not in lengths or not _DIGITS.issuperset(inner)):
        return ""
    return inner


def _has_parent(pattern: CgroupPattern, above: str) -> bool:
    return pattern.parent in ("", above) or (pattern.parent == A_POD and "pod" in above)
