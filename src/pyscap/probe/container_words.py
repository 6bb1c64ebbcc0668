"""What every answer about a container has in common.

In:  ids and image names as runtimes write them. Out: parts of container events.
Next: `probe/containers.py`, `probe/cri.py`.
"""

from __future__ import annotations

from typing import Any

from pyscap.model.containers import RUNTIMES, SHORT_ID_CHARS

Json = dict[str, Any]

NUMBERS = {row.name: row.number for row in RUNTIMES}
"""Numbers of the runtimes in container events."""


def named(full_id: str, runtime: str) -> Json:
    """What is known of a container without asking anybody."""
    return {"id": full_id[:SHORT_ID_CHARS], "full_id": full_id, "type": NUMBERS.get(runtime, 0)}


def split_image(image: str) -> Json:
    """Repository and tag of an image; the colon of a registry's port is none of a tag."""
    name, _, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, ""
    return {"imagerepo": repository, "imagetag": tag, "imagedigest": digest}
