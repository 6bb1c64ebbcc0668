"""Control groups that belong to no wanted container."""

import pytest

from pyscap.probe.cgroups import FIRST_NAMESPACE, container_ids, groups_outside

ID, OTHER = "0123456789ab" + "c" * 52, "f" * 64


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/", set()),
        ("/system.slice/ssh.service", set()),
        (f"/docker/{ID}", {"0123456789ab"}),
        (f"/system.slice/docker-{ID}.scope/below", {"0123456789ab"}),
        (f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope", {"0123456789ab"}),
        (f"/kubepods/besteffort/pod1/{ID}", {"0123456789ab"}),
        ("/docker/short", set()),
        (f"/docker/{'z' * 64}", set()),
        ("/lxc.payload.web", {"web"}),
    ],
)
def test_ids_in_paths(path, ids):
    assert container_ids(path) == ids


class Machine:
    def __init__(self, tmp_path, groups="0::/x\n"):
        self.tree, self.own = tmp_path / "cgroup", tmp_path / "own"
        for path in (f"system.slice/docker-{ID}.scope/in", f"system.slice/docker-{OTHER}.scope"):
            (self.tree / path).mkdir(parents=True)
        self.own.write_text(groups)

    def left_out(self, wanted, monkeypatch, namespace=FIRST_NAMESPACE):
        monkeypatch.setattr("pyscap.probe.cgroups.FIRST_NAMESPACE", namespace)
        groups = groups_outside(wanted, self.tree, self.own, self.own)
        names = {p.stat().st_ino: p.name for p in (self.tree, *self.tree.rglob("*"))}
        return {names[group] for group in groups}

    def own_namespace(self):
        return self.own.stat().st_ino


def test_the_host_is_left_out(tmp_path, monkeypatch):
    machine = Machine(tmp_path)
    own = machine.own_namespace()
    host = {"cgroup", "system.slice"}
    assert machine.left_out(frozenset(), monkeypatch, own) == host
    others = host | {f"docker-{OTHER}.scope"}
    assert machine.left_out(frozenset({"0123456789ab"}), monkeypatch, own) == others
    assert machine.left_out(None, monkeypatch, own) == set()


def test_where_the_tree_does_not_say_enough_nothing_is_left_out(tmp_path, monkeypatch):
    machine = Machine(tmp_path, "1:cpu:/x\n0::/\n")
    assert not machine.left_out(frozenset(), monkeypatch, machine.own_namespace())
    machine.own.write_text("0::/\n")
    assert not machine.left_out(frozenset(), monkeypatch, 1)
    machine.own.unlink()
    assert not machine.left_out(frozenset(), monkeypatch, 1)
