"""Plays of containers: control groups and container events in, container fields out."""

from __future__ import annotations

import json
from typing import Any

import builders as b
import pytest
from playbook import facts, run

TID = 100
ID = "106a6b9262cc6ddc83789b1a3443ac1cadac35f260ba4b773d70675c0b0adf73"
SHORT = ID[:12]
POD = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
SLICE = f"kubepods-besteffort-pod{POD.replace('-', '_')}.slice"

PATHS = [
    (f"/docker/{ID}", "docker", SHORT),
    (f"/system.slice/docker-{ID}.scope", "docker", SHORT),
    (f"/docker/{'0' * 64}/docker/{ID}", "docker", SHORT),
    (f"/docker/{ID}/init", "docker", SHORT),
    (f"/kubepods/burstable/pod{POD}/{ID}", "cri", SHORT),
    (f"/kubepods.slice/{SLICE}/cri-containerd-{ID}.scope", "containerd", SHORT),
    (f"/system.slice/containerd.service/{SLICE}:cri-containerd:{ID}", "containerd", SHORT),
    (f"/kubepods.slice/{SLICE}/docker-{ID}.scope", "docker", SHORT),
    (f"/kubepods.slice/{SLICE}/crio-{ID}.scope", "cri-o", SHORT),
    (f"/kubepods/pod{POD}/crio-{ID}", "cri-o", SHORT),
    (f"/system.slice/nerdctl-{ID}.scope", "containerd", SHORT),
    (f"/default/{ID}", "containerd", SHORT),
    (f"/machine.slice/libpod-{ID}.scope", "podman", SHORT),
    (f"/user.slice/user-1000.slice/user@1000.service/libpod-{ID}.scope/container", "podman", SHORT),
    ("/system.slice/runc-mybox.scope", "runc", "mybox"),
    ("/lxc.payload.web", "lxc", "web"),
    ("/lxc.payload/web", "lxc", "web"),
    ("/lxc/web", "lxc", "web"),
    (r"/machine.slice/machine-lxc\x2d7\x2dweb.scope", "libvirt-lxc", "7-web"),
    (r"/machine.slice/machine-my\x2dbox.scope", "nspawn", "my-box"),
    ("/machine.slice/systemd-nspawn@box.service/payload", "nspawn", "box"),
]
NO_CONTAINER = [
    "/",
    "/user.slice/user-1000.slice/session-4.scope",
    "/system.slice/docker.service",
    "/lxc.monitor.web",
    r"/machine.slice/machine-qemu\x2d1\x2dvm.scope",
    f"/machine.slice/libpod-conmon-{ID}.scope",
    f"/kubepods.slice/{SLICE}/crio-conmon-{ID}.scope",
    f"/process_api/{ID[:32]}",
    f"/docker/{ID[:63]}",
]


def check(events: list[b.Event], wanted: dict[str, Any], cgroups: list[str] = ()) -> None:
    threads = [b.thread(TID, "cat", cgroups=list(cgroups) or [f"cpu=/docker/{ID}"])]
    assert facts(events, list(wanted), threads=threads, tid=TID) == wanted


def described(**values: Any) -> b.Event:
    container = {"id": SHORT, "full_id": ID, "type": 0, "name": "web1", **values}
    return b.event("container", ">", json=json.dumps({"container": container}), tid=-1)


@pytest.mark.parametrize("form", ["cpu=/{}", "={}"], ids=["v1", "v2"])
@pytest.mark.parametrize(("path", "runtime", "short"), PATHS)
def test_a_path_names_a_container(form: str, path: str, runtime: str, short: str) -> None:
    cgroups = ["cpuset=/", form.format(path.removeprefix("/") if "/{}" in form else path)]
    check([], {"container.id": short, "container.type": runtime}, cgroups)


@pytest.mark.parametrize("path", NO_CONTAINER)
def test_other_paths_are_the_hosts(path: str) -> None:
    check([], {"container.id": "host", "container.name": "host"}, [f"cpu={path}"])


@pytest.mark.parametrize("path", [path for path, *_ in PATHS if "pod" + POD[:4] in path])
def test_a_path_names_the_pod(path: str) -> None:
    check([], {"k8s.pod.uid": POD}, [f"cpu={path}"])


def test_a_container_of_which_only_the_id_is_known_has_no_name() -> None:
    wanted = {"container.full_id": ID, "container.name": None, "container.image": None}
    check([], wanted)


def test_a_container_event_tells_name_image_and_the_rest() -> None:
    event = described(
        image="registry:5000/shop/nginx:1.27",
        imageid="abc",
        privileged=True,
        host_pid=False,
        ip="10.0.0.9",
        labels={"app": "shop", "io.kubernetes.pod.name": "web-0"},
        Mounts=[{"Source": "/a", "Destination": "/b", "Mode": "z", "RW": True, "Propagation": "p"}],
    )
    wanted = {
        **{"container.name": "web1", "container.image": "registry:5000/shop/nginx:1.27"},
        "container.image.repository": "registry:5000/shop/nginx",
        **{"container.image.tag": "1.27", "container.image.id": "abc"},
        **{"container.privileged": True, "container.host_pid": False, "container.ip": "10.0.0.9"},
        **{"container.host_network": None, "container.label[app]": "shop"},
        **{"container.mounts": "/a:/b:z:true:p", "k8s.pod.name": "web-0"},
    }
    check([event], wanted)


def test_events_of_other_readers_make_are_understood() -> None:
    text = json.dumps({"container": {"id": SHORT, "type": 7, "name": "n", "image": "i"}}) + "\0"
    event = b.event("asyncevent", ">", plugin_id=0, name="container", data=text.encode(), tid=-1)
    check([event], {"container.name": "n", "container.type": "containerd"})
    other = b.event("asyncevent", ">", plugin_id=0, name="else", data=text.encode(), tid=-1)
    check([other], {"container.name": None})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"container":{"id":7}}', '{"container":null}'])
def test_a_container_event_that_is_none_changes_nothing(text: str) -> None:
    event = b.event("container", ">", json=text, tid=-1)
    check([event], {"container.id": SHORT, "container.name": None})


def test_a_process_keeps_its_container_until_its_control_group_changes() -> None:
    moved = b.execve(res=0, exe="x", comm="x", pid=TID, cgroups=["cpu=/"], tid=TID)
    check([described(), moved], {"container.id": "host"})
    child = b.clone(
        res=0, tid=101, pid=101, ptid=TID, vtid=101, vpid=101, cgroups=[f"cpu=/docker/{ID}"]
    )
    threads = [b.thread(TID, "cat", cgroups=[f"cpu=/docker/{ID}"])]
    got = facts([described(), child], ["container.name"], threads=threads, tid=101)
    assert got == {"container.name": "web1"}


def test_users_of_a_container_belong_to_its_processes() -> None:
    event = b.event("useradded", ">", uid=0, gid=0, name="boss", container_id=SHORT, tid=-1)
    check([event], {"user.name": "boss"})


def test_a_description_for_the_state_alone_is_not_shown() -> None:
    hidden = b.event("container", ">", json='{"container":{"id":"x"}}', tid=-1, block_flags=1)
    events = [b.close(res=0, fd=3, tid=TID), hidden]
    assert len(run(b.capture([b.thread(TID, "cat")], events), ["evt.num"])) == 1
