"""What a configuration needs of the kernel, and the parts of starting that need no kernel."""

import struct

import pytest

from pyscap.probe import generate, loader
from pyscap.probe.errors import ProbeError
from pyscap.probe.loader import Counters, ProbeConfig, select
from pyscap.probe.pushdown import Pushdown


def wanted(*codes, **more):
    return ProbeConfig(pushdown=Pushdown(events=frozenset(codes), **more))


def test_everything_is_watched_unless_less_is_asked_for():
    chosen = select(ProbeConfig(), "x86_64")
    assert len(chosen.calls) > 300
    assert chosen.calls[0] == 7
    assert {"on_exec", "on_exit", "on_fork", "on_rename", "on_signal"} == chosen.hooks


def test_options_add_their_tracepoints():
    chosen = select(ProbeConfig(switches=True, page_faults=True, signals=False), "x86_64")
    assert {"on_switch", "on_fault_user", "on_fault_kernel"} <= chosen.hooks
    assert "on_signal" not in chosen.hooks


def test_a_pushed_event_needs_only_its_calls():
    chosen = select(wanted(7), "x86_64")
    assert chosen.calls == {0: 7}
    assert chosen.hooks == frozenset()


def test_executed_programs_need_no_call_unless_failures_are_wanted():
    assert select(wanted(293), "x86_64").calls == {59: 293}
    assert select(wanted(293, succeeded=True), "x86_64").calls == {}


def test_the_state_is_captured_beside_what_is_wanted():
    chosen = select(wanted(7, state=frozenset({5, 293})), "x86_64")
    assert chosen.calls == {0: 7, 3: 5, 59: 293}
    assert {"on_exec", "on_fork"} == chosen.hooks


def test_the_state_can_live_on_tracepoints_alone():
    state = frozenset({293, 186, 223, 401})
    chosen = select(wanted(293, state=state, succeeded=True, state_by_calls=False), "x86_64")
    assert chosen.calls == {}
    assert chosen.hooks == {"on_exec", "on_exit", "on_fork", "on_rename"}


def test_generic_calls_are_wanted_by_the_generic_code():
    chosen = select(wanted(1), "x86_64")
    assert set(chosen.calls.values()) == {1}
    assert 39 in chosen.calls


def test_a_tree_follows_forks_whatever_is_wanted():
    chosen = select(wanted(7, trees=frozenset({1})), "x86_64")
    assert {"on_fork", "on_process_free"} == chosen.hooks


def test_later_events_are_written_as_generic():
    codes = {
        spec.name: code
        for spec in loader.generate.SYSCALLS["x86_64"]
        for code in [select(ProbeConfig(), "x86_64").calls.get(spec.nr)]
    }
    assert codes["close_range"] == codes["keyctl"] == 1


@pytest.mark.parametrize(
    ("asked", "made"), [(1, 4096), (4096, 4096), (4097, 8192), (8 << 20, 8 << 20)]
)
def test_rings_are_powers_of_two(asked, made):
    assert loader._ring_size(asked) == made


def test_snaplens_by_kind():
    config = ProbeConfig(snaplen=100, snaplen_by_kind={"net": 4096})
    assert loader.snaplens(config) == [100, 4096, 4096, 100]


@pytest.mark.parametrize(
    "config",
    [ProbeConfig(snaplen=65001), ProbeConfig(snaplen=-1), ProbeConfig(snaplen_by_kind={"disk": 1})],
)
def test_impossible_snaplens_are_refused(config):
    with pytest.raises(ProbeError):
        loader.snaplens(config)


def test_flags_say_which_filters_are_in_use():
    bits = generate.FLAGS
    push = Pushdown(events=frozenset({7}), state=frozenset({293}), pids=frozenset({1}))
    config = ProbeConfig(pushdown=push, durations=True, snaplen_by_kind={"net": 1})
    used = ("PIDS", "DURATIONS", "SNAP_BY_KIND", "STATE_ON_EXEC")
    assert loader.flags_of(config) == sum(bits[name] for name in used)
    assert loader.flags_of(ProbeConfig()) == 0


def test_counters_add_up():
    both = Counters(10, 5, 2, 1, 1, 1, 0) + Counters(1, 1)
    assert both == Counters(11, 6, 2, 1, 1, 1, 0)
    assert both.produced == both.delivered + both.filtered + both.dropped


def test_possible_cpus(tmp_path):
    path = tmp_path / "possible"
    for text, count in (("0\n", 1), ("0-7\n", 8), ("0-3,8-11\n", 12)):
        path.write_text(text)
        assert loader.possible_cpus(path) == count


def test_map_references_are_put_in():
    reference = struct.pack("<BBhi", 0x18, 0x11, 0, 1) + bytes(8)
    number = struct.pack("<BBhi", 0x18, 0x01, 0, 1) + bytes(8)
    made = loader._with_maps(reference + number, [30, 40])
    assert struct.unpack_from("<i", made, 4)[0] == 40
    assert struct.unpack_from("<i", made, 20)[0] == 1
