"""Templates with names.

In:  nothing. Out: `PRESETS`, `DEFAULT`, `template_text()`. Next: `lines`.
"""

from __future__ import annotations

DEFAULT = "default"
"""The preset of a run without `-p`."""

_HEAD = "*%evt.num %evt.outputtime %evt.cpu"
_TAIL = "%evt.dir %evt.type %evt.info"
_THREAD = "%proc.name (%thread.tid:%thread.vtid)"

PRESETS: dict[str, str] = {
    DEFAULT: f"{_HEAD} %proc.name (%thread.tid) {_TAIL}",
    "c": f"{_HEAD} %container.name (%container.id) {_THREAD} {_TAIL}",
    "strace": "*%proc.name(%thread.tid) %evt.call",
    "k": f"{_HEAD} %k8s.pod.name (%container.id) {_THREAD} {_TAIL}",
}
"""Name -> template. Source: observed: sysdig 0.41.4, options `-pc` and `-pk`."""

ALIASES: dict[str, str] = {"container": "c", "kubernetes": "k"}
"""Longer names of presets."""


def template_text(wanted: str | None) -> str:
    """The template that `-p` means.

    Args:
        wanted: The name of a preset, a template, or None when there is no `-p`.

    Returns:
        The text of the template.
    """
    name = wanted or DEFAULT
    return PRESETS.get(ALIASES.get(name, name), name)
