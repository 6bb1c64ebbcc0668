"""Containers of a real Docker are named, live and in the file on a machine without Docker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import pytest

PYSCAP = Path(sys.executable).with_name("pyscap")
IMAGE = "registry.test/tiny:1.2"
LOOP = "while true; do /bin/cat /etc/hostname; /bin/sleep 0.1; done"
START_S = 60

pytestmark = pytest.mark.skipif(
    not (shutil.which("dockerd") and shutil.which("docker")), reason="dockerd is not installed"
)


def libraries(program):
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [word for word in told.split() if word.startswith("/")]


def image(path):
    """A root file system of three programs and what they need."""
    programs = ["/bin/sh", "/bin/cat", "/bin/sleep"]
    with tarfile.open(path, "w", dereference=True) as tar:
        for name in sorted({*programs, *(lib for p in programs for lib in libraries(p))}):
            tar.add(name)


@pytest.fixture(scope="module")
def docker(tmp_path_factory):
    base = tmp_path_factory.mktemp("docker")
    socket = f"unix://{base}/docker.sock"
    options = [
        *("--iptables=false", "--bridge=none", "-H", socket, "--pidfile", f"{base}/pid"),
        *("--data-root", f"{base}/data", "--exec-root", f"{base}/exec"),
    ]
    with (base / "log").open("w") as log:
        daemon = subprocess.Popen(["dockerd", *options], stdout=log, stderr=log)

    def call(*words):
        command = ["docker", "-H", socket, *words]
        return subprocess.run(command, capture_output=True, timeout=60, check=True)

    deadline = time.monotonic() + START_S
    try:
        while True:
            try:
                call("info")
                break
            except subprocess.CalledProcessError:
                if daemon.poll() is not None or time.monotonic() > deadline:
                    pytest.skip(f"dockerd does not start: {(base / 'log').read_text()[-300:]}")
                time.sleep(0.2)
        image(base / "root.tar")
        call("import", str(base / "root.tar"), IMAGE)
        call.host = socket
        yield call
        call("rm", "-f", "web1")
    finally:
        daemon.terminate()
        daemon.wait(30)


SOME = "n=0; while [ $n -lt 400 ]; do cat /bin/cat > /dev/null; n=$((n + 1)); done"
"""Work that outlasts the question to the runtime: a container's first moments can go by before
its name is known."""


def counts(capture, template, text=""):
    """Lines of a capture, on a machine whose Docker does not answer."""
    env = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    command = [PYSCAP, "-r", capture, "-p", template, *([text] if text else [])]
    told = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    return Counter(told.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_containers_are_named_live_and_in_the_file(docker, tmp_path):
    run = ("run", "--network", "none", "--label", "io.kubernetes.pod.name=web-0")
    docker(*run, "-d", "--name", "web1", IMAGE, "/bin/sh", "-c", LOOP)
    reading, writing = os.pipe()
    capture = tmp_path / "x.scap"
    command = [PYSCAP, "-w", capture, "--ready-fd", str(writing), "container.id!=host"]
    env = {**os.environ, "DOCKER_HOST": docker.host}
    with subprocess.Popen(command, pass_fds=[writing], env=env, stderr=subprocess.PIPE) as pyscap:
        os.close(writing)
        try:
            with os.fdopen(reading) as ready:
                assert ready.readline() == "ready\n"
            docker(*run, "--rm", "--name", "web2", IMAGE, "/bin/sh", "-c", SOME)
            time.sleep(1)
            pyscap.send_signal(signal.SIGINT)
            _, told = pyscap.communicate(timeout=60)
        finally:
            pyscap.kill()
    assert b"0 lost" in told
    names = counts(capture, "%container.name %container.image %k8s.pod.name %proc.name")
    for name in ("web1", "web2"):
        assert names[f"{name} {IMAGE} web-0 cat"] > 10
    assert counts(capture, "%proc.name", "container.name=web2 and evt.type=openat")["cat"] > 0
