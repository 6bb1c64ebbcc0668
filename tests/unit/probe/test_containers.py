"""Runtimes are asked beside the capture, and never hold it up."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer

import pytest

from pyscap._engine import Session
from pyscap.plan import FieldList, Plan
from pyscap.probe import containers
from pyscap.probe.containers import ContainerWatch, DockerSocket, event_block, from_docker

ID = "106a6b9262cc6ddc83789b1a3443ac1cadac35f260ba4b773d70675c0b0adf73"
INSPECTED = {
    "Id": ID,
    "Created": "2026-11-23T07:30:29.480543199Z",
    "Image": "sha256:95d0",
    "Name": "/web1",
    "HostConfig": {"NetworkMode": "host", "PidMode": "", "IpcMode": "private", "Privileged": True},
    "Mounts": [{"Source": "/a", "Destination": "/b", "Mode": "", "RW": False, "Propagation": "p"}],
    "Config": {
        "Image": "registry:5000/nginx:1.27",
        "User": "7",
        "Env": ["PASSWORD=secret"],
        "Labels": {"app": "shop"},
    },
    "NetworkSettings": {"IPAddress": "", "Networks": {"a": {"IPAddress": "10.0.0.9"}}},
}


class Docker(BaseHTTPRequestHandler):
    """A Docker Engine API with one container."""

    def do_GET(self):
        if self.path == "/containers/json":
            self.answer([{"Id": ID}, {"Id": "gone"}])
        elif self.path == f"/containers/{ID}/json":
            self.answer(INSPECTED)
        elif self.path.startswith("/events"):
            self.events()
        elif self.path.startswith("/containers/broken"):
            self.send_error(500)
        else:
            self.send_error(404)

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self):
        self.send_response(200)
        self.end_headers()
        line = json.dumps({"status": "start", "id": ID}).encode() + b"\n"
        self.wfile.write(b"%x\r\n%b\r\nnonsense\r\n" % (len(line), line))

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


@pytest.fixture
def docker(tmp_path):
    path = str(tmp_path / "docker.sock")
    with ThreadingUnixStreamServer(path, Docker) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield DockerSocket(path, "docker")
        server.shutdown()


class Engine:
    """What the watch sees of the engine."""

    def __init__(self, new=()):
        self.new, self.injected = list(new), b""

    def new_containers(self):
        new, self.new = self.new, []
        return new

    def inject(self, data):
        self.injected += data


def wait_for(watch, engine, what):
    """Look until the engine has been told `what`."""
    deadline = time.monotonic() + 10
    while what not in engine.injected and time.monotonic() < deadline:
        watch.look(engine)
        time.sleep(0.01)
    assert what in engine.injected


def test_an_inspected_container_is_put_in_the_words_of_events():
    got = from_docker(INSPECTED, "docker")
    assert got == {
        **{"id": ID[:12], "full_id": ID, "type": 0, "name": "web1"},
        **{"image": "registry:5000/nginx:1.27", "imagerepo": "registry:5000/nginx"},
        **{"imagetag": "1.27", "imagedigest": "", "imageid": "95d0", "labels": {"app": "shop"}},
        **{"privileged": True, "host_pid": False, "host_network": True, "host_ipc": False},
        **{"ip": "10.0.0.9", "created_time": 1795419029, "User": "7"},
        **{"is_pod_sandbox": False, "pod_sandbox_id": ""},
        "Mounts": [
            {"Source": "/a", "Destination": "/b", "Mode": "", "RW": False, "Propagation": "p"}
        ],
    }
    assert "secret" not in json.dumps(got)


def test_an_answer_without_anything_is_still_a_container():
    assert from_docker({"Id": ID}, "podman")["type"] == 11


def test_the_docker_api_is_asked(docker):
    assert docker.describe(ID)["name"] == "web1"
    assert docker.describe("unknown") is None
    assert [row["id"] for row in docker.everything()] == [ID[:12]]
    with pytest.raises(ValueError, match="500"):
        docker.describe("broken")


def test_the_events_of_docker_name_containers(docker):
    assert list(docker.follow(threading.Event())) == [ID]


def test_containers_that_the_engine_met_are_described_to_it(docker):
    engine = Engine([(ID, "docker")])
    with ContainerWatch([docker]) as watch:
        wait_for(watch, engine, b'"name":"web1"')


def test_containers_that_start_are_described_before_the_engine_meets_them(docker):
    engine = Engine()
    with ContainerWatch([docker]) as watch:
        wait_for(watch, engine, b'"name":"web1"')


def test_the_engine_takes_what_the_watch_says(docker):
    fields = FieldList()
    output = {"kind": "none"}
    engine = Session(Plan(fields=fields, output=output).to_json())
    engine.inject(event_block(docker.describe(ID), 1))
    assert engine.stats()["events"] == 1
    assert engine.stats()["damaged"] == 0


def test_running_containers_stand_at_the_head(docker):
    with ContainerWatch([docker]) as watch:
        assert b'"name":"web1"' in watch.running()
    with ContainerWatch([]) as watch:
        assert watch.running() == b""


@pytest.mark.parametrize(
    ("path", "why"),
    [("absent.sock", "No such file or directory"), ("plain", "Connection refused")],
)
def test_a_runtime_that_does_not_answer_is_told_as_the_reason(tmp_path, path, why):
    (tmp_path / "plain").touch()
    runtime = DockerSocket(str(tmp_path / path), "docker")
    told = ContainerWatch([runtime]).ask(ID, "docker")
    assert told["lookup_error"] == f"{tmp_path / path}: {why}"
    assert (told["id"], told["name"]) == (ID[:12], "")


def test_reasons_name_every_runtime_that_was_asked(docker):
    told = ContainerWatch([docker]).ask("0" * 64, "docker")
    assert told["lookup_error"] == f"{docker.path}: no such container"
    assert "no socket of lxc" in ContainerWatch([]).ask("web", "lxc")["lookup_error"]


def test_a_runtime_that_hangs_does_not_hold_up_the_capture(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "FIRST_LIST_S", 0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        start = time.monotonic()
        with ContainerWatch([DockerSocket(str(tmp_path / "silent.sock"), "docker")]) as watch:
            watch.running()
            for turn in range(3000):
                watch.look(Engine([(f"{turn:064x}", "docker")]))
        assert time.monotonic() - start < 2


def test_sockets_are_where_docker_host_says(monkeypatch, docker):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{docker.path}")
    assert docker.path in [runtime.path for runtime in containers.default_runtimes()]
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    assert "tcp" not in "".join(runtime.path for runtime in containers.default_runtimes())
