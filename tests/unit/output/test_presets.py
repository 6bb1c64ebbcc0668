"""Templates with names are those of sysdig 0.41.4."""

from __future__ import annotations

import pytest

from pyscap.output.presets import ALIASES, PRESETS, template_text
from pyscap.output.template import parse

DEFAULT = "*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.info"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (None, DEFAULT),
        ("", DEFAULT),
        ("default", DEFAULT),
        ("%evt.num", "%evt.num"),
        ("C", "C"),
        ("strace2", "strace2"),
    ],
)
def test_a_name_or_a_template(wanted, text):
    assert template_text(wanted) == text


@pytest.mark.parametrize(("short", "long"), [("c", "container"), ("k", "kubernetes")])
def test_long_names_mean_the_short_ones(short, long):
    assert template_text(long) == template_text(short) == PRESETS[short]


def test_containers_stand_between_processor_and_process():
    words = template_text("c").split()
    assert words[2:6] == ["%evt.cpu", "%container.name", "(%container.id)", "%proc.name"]
    assert template_text("k").split()[3:5] == ["%k8s.pod.name", "(%container.id)"]


@pytest.mark.parametrize("name", [*PRESETS, *ALIASES])
def test_every_preset_prints_lines_whose_fields_have_no_value(name):
    parsed = parse(template_text(name))
    assert parsed.star
    assert len(parsed.pieces) > 3
