"""Names, images and labels of containers, asked of their runtimes while a capture runs.

In:  complete ids that the engine met in control groups, and the runtimes' sockets.
Out: container events (code 324) for the engine and the file. Next: `session.capture` hands them in.

Asking happens on threads of its own: the capture never waits for a runtime. What cannot be found
out is told with the reason, so that "not in a container", "not known yet" and "not found" differ.
Source: Docker Engine API 1.24 (`/containers/json`, `/containers/ID/json`, `/events`), which Podman
serves as well; Kubernetes CRI, see `probe/cri.py`; container events of the scap format.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import struct
import threading
import time
from contextlib import suppress
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from pyscap.format.encode import block
from pyscap.probe.container_words import named, split_image
from pyscap.probe.cri import CriError, CriSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pyscap._engine import Session

Json = dict[str, Any]

ASK_TIMEOUT_S = 2.0
"""Longest wait for one answer."""
FIRST_LIST_S = 0.5
"""Longest wait for the list of running containers before a capture begins."""
LOOK_S = 0.5
"""How often a thread that waits looks whether the capture is over."""
RETRY_S = 5.0
"""Pause before the events of a runtime that went away are asked for again."""
MAX_ANSWER_BYTES = 4 << 20
"""Longest answer read; an inspected container is about 10 kB."""
MAX_WAITING = 1024
"""Questions and answers under way; more are dropped."""

CONTAINER_EVENT = 324
LARGE_EVENT_STATE_ONLY = 0x222
LARGE_EVENT = 0x221


class Runtime(Protocol):
    """A container runtime that can be asked."""

    path: str
    runtimes: tuple[str, ...]
    """Names of the runtimes whose containers it knows."""

    def describe(self, full_id: str) -> Json | None:
        """What it knows of a container, in the words of container events; None for nothing."""

    def everything(self) -> list[Json]:
        """What it knows of all running containers."""


class _UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class DockerSocket:
    """The Docker Engine API, of Docker or Podman."""

    def __init__(self, path: str, runtime: str) -> None:
        """Talk to the socket at `path`; its containers are of `runtime`."""
        self.path = path
        self.runtimes: tuple[str, ...] = (runtime,)

    def describe(self, full_id: str) -> Json | None:
        """Inspect one container.

        Raises:
            OSError: the socket does not answer.
            ValueError: the answer is none.
        """
        answer = self._get(f"/containers/{quote(full_id, safe='')}/json")
        return None if answer is None else from_docker(answer, self.runtimes[0])

    def everything(self) -> list[Json]:
        """Inspect every running container; those that end meanwhile are left out."""
        ids = [row["Id"] for row in self._get("/containers/json") or []]
        return [found for full_id in ids if (found := self.describe(full_id))]

    def _get(self, target: str) -> Any:  # noqa: ANN401 - whatever the JSON says
        connection = _UnixConnection(self.path, ASK_TIMEOUT_S)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            body = answer.read(MAX_ANSWER_BYTES)
        except HTTPException as error:
            msg = f"unexpected answer ({error})"
            raise ValueError(msg) from error
        finally:
            connection.close()
        if answer.status == 404:
            return None
        if answer.status != 200:
            msg = f"answers {answer.status} {answer.reason}"
            raise ValueError(msg)
        return json.loads(body)

    def follow(self, closing: threading.Event) -> Iterator[str]:
        """Ids of containers as they are made, started or renamed, until `closing` is set."""
        filters = json.dumps({"type": ["container"], "event": ["create", "start", "rename"]})
        request = f"GET /events?filters={quote(filters)} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(ASK_TIMEOUT_S)
            sock.connect(self.path)
            sock.sendall(request.encode())
            sock.settimeout(LOOK_S)
            yield from _ids(sock, closing)


def _ids(sock: socket.socket, closing: threading.Event) -> Iterator[str]:
    """The ids in a stream of events.

    Every event is an object on a line of its own and in a chunk of its own, so that the lines of
    the head and of the chunk lengths are those that are no objects.
    """
    rest = b""
    while not closing.is_set():
        try:
            piece = sock.recv(1 << 16)
        except TimeoutError:
            continue
        if not piece or len(rest) > MAX_ANSWER_BYTES:
            return
        *lines, rest = (rest + piece).split(b"\n")
        yield from filter(None, map(_event_id, lines))


def _event_id(line: bytes) -> str | None:
    """The id in an event; None for other lines."""
    try:
        row = json.loads(line) if line.startswith(b"{") else None
    except ValueError:
        return None
    full_id = row.get("id") if isinstance(row, dict) else None
    return full_id if isinstance(full_id, str) else None


def from_docker(row: Mapping[str, Any], runtime: str) -> Json:
    """An inspected container in the words of container events; its environment stays private.

    Args:
        row: the answer to `/containers/ID/json`.
        runtime: name of the runtime.
    """
    config, host = row.get("Config") or {}, row.get("HostConfig") or {}
    labels = config.get("Labels") or {}
    image = str(config.get("Image") or "")
    return {
        **named(str(row.get("Id", "")), runtime),
        "name": str(row.get("Name", "")).lstrip("/"),
        "image": image,
        **split_image(image),
        "imageid": str(row.get("Image", "")).removeprefix("sha256:"),
        "labels": {str(key): str(value) for key, value in labels.items()},
        "privileged": bool(host.get("Privileged")),
        "host_pid": host.get("PidMode") == "host",
        "host_network": host.get("NetworkMode") == "host",
        "host_ipc": host.get("IpcMode") == "host",
        "ip": _docker_address(row.get("NetworkSettings") or {}),
        "created_time": _epoch_s(str(row.get("Created", ""))),
        "User": str(config.get("User") or ""),
        "Mounts": [_docker_mount(mount) for mount in row.get("Mounts") or []],
        "is_pod_sandbox": labels.get("io.kubernetes.docker.type") == "podsandbox",
        "pod_sandbox_id": str(labels.get("io.kubernetes.sandbox.id", "")),
    }


def _docker_address(network: Mapping[str, Any]) -> str:
    networks = (network.get("Networks") or {}).values()
    found = (str(row.get("IPAddress") or "") for row in (network, *networks))
    return next(filter(None, found), "")


def _docker_mount(row: Mapping[str, Any]) -> Json:
    texts = {key: str(row.get(key) or "") for key in ("Source", "Destination", "Mode")}
    writable = bool(row.get("RW"))
    return {**texts, "RW": writable, "Propagation": str(row.get("Propagation") or "")}


def _epoch_s(text: str) -> int:
    """Seconds since the epoch of `2026-11-23T07:30:29.480543199Z`; 0 for anything else."""
    try:
        return int(datetime.fromisoformat(text[:19] + "+00:00").timestamp())
    except ValueError:
        return 0


def default_runtimes() -> list[Runtime]:
    """The runtimes whose sockets are where they usually are, or where DOCKER_HOST says."""
    docker = os.environ.get("DOCKER_HOST", "")
    path = docker.removeprefix("unix://") if docker.startswith("unix://") else "/run/docker.sock"
    sockets: list[Runtime] = [
        DockerSocket(path, "docker"),
        DockerSocket("/run/podman/podman.sock", "podman"),
        CriSocket("/run/containerd/containerd.sock", "containerd"),
        CriSocket("/run/k3s/containerd/containerd.sock", "containerd"),
        CriSocket("/run/crio/crio.sock", "cri-o"),
    ]
    return [runtime for runtime in sockets if os.path.exists(runtime.path)]  # noqa: PTH110


def event_block(container: Json, ts_ns: int, *, state_only: bool = True) -> bytes:
    """A container event as a block.

    Args:
        container: what is known, in the words of container events.
        ts_ns: time of the event, nanoseconds since the epoch.
        state_only: whether readers are to use it without showing it.
    """
    text = json.dumps({"container": container}, separators=(",", ":")).encode() + b"\0"
    flags = struct.pack("<I", 1) if state_only else b""
    head = struct.pack("<QqIHI", ts_ns, -1, 26 + 4 + len(text), CONTAINER_EVENT, 1)
    body = struct.pack("<H", 0) + flags + head + struct.pack("<I", len(text)) + text
    return block(LARGE_EVENT_STATE_ONLY if state_only else LARGE_EVENT, body)


class ContainerWatch:
    """Asks the runtimes about containers beside a capture."""

    def __init__(self, runtimes: Iterable[Runtime] | None = None) -> None:
        """Ask `runtimes`, by default those that have a socket here."""
        self.runtimes = default_runtimes() if runtimes is None else list(runtimes)
        self._wanted: queue.Queue[tuple[str, str]] = queue.Queue(MAX_WAITING)
        self._found: queue.Queue[Json] = queue.Queue(MAX_WAITING)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> ContainerWatch:
        """Begin to ask."""
        self._start(self._answer_questions)
        for runtime in self.runtimes:
            if isinstance(runtime, DockerSocket):
                self._start(self._follow, runtime)
        return self

    def __exit__(self, *_: object) -> None:
        """Ask no more; answers under way are not waited for."""
        self._closing.set()
        for thread in self._threads:
            thread.join(0.1)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, name="containers", daemon=True)
        thread.start()
        self._threads.append(thread)

    def running(self) -> bytes:
        """Container events of what runs now, for the head of a capture; waits a moment at most."""
        found: list[Json] = []
        thread = threading.Thread(target=self._list, args=(found,), daemon=True)
        if self.runtimes:
            thread.start()
            thread.join(FIRST_LIST_S)
        now = time.time_ns()
        return b"".join(event_block(row, now, state_only=False) for row in list(found))

    def _list(self, found: list[Json]) -> None:
        for runtime in self.runtimes:
            with suppress(OSError, ValueError, KeyError, TypeError):
                found += runtime.everything()

    def look(self, engine: Session) -> None:
        """Take the engine's questions and hand it the answers; never waits."""
        for full_id, runtime in engine.new_containers():
            self._put(self._wanted, (full_id, runtime))
        blocks = b"".join(event_block(row, time.time_ns()) for row in self._answers())
        if blocks:
            engine.inject(blocks)

    def _answers(self) -> Iterator[Json]:
        with suppress(queue.Empty):
            while True:
                yield self._found.get_nowait()

    @staticmethod
    def _put(into: queue.Queue[Any], item: object) -> None:
        with suppress(queue.Full):
            into.put_nowait(item)

    def _answer_questions(self) -> None:
        while not self._closing.is_set():
            with suppress(queue.Empty):
                self._put(self._found, self.ask(*self._wanted.get(timeout=LOOK_S)))

    def _follow(self, runtime: DockerSocket) -> None:
        while not self._closing.is_set():
            with suppress(OSError):
                for full_id in runtime.follow(self._closing):
                    self._put(self._wanted, (full_id, runtime.runtimes[0]))
            self._closing.wait(RETRY_S)

    def ask(self, full_id: str, runtime: str) -> Json:
        """What the runtimes know of a container, or why they do not.

        Args:
            full_id: its complete id.
            runtime: the runtime that its control group names.
        """
        reasons = []
        for candidate in self._order(runtime):
            try:
                found = candidate.describe(full_id)
            except (OSError, ValueError, KeyError, TypeError, CriError) as error:
                reasons.append(f"{candidate.path}: {_cause(error)}")
                continue
            if found is not None:
                return found
            reasons.append(f"{candidate.path}: no such container")
        why = "; ".join(reasons) or f"no socket of {runtime or 'a container runtime'} is here"
        return {**named(full_id, runtime), "name": "", "image": "", "lookup_error": why}

    def _order(self, runtime: str) -> list[Runtime]:
        """Those that make such containers first: Docker's may be containerd's as well."""
        return sorted(self.runtimes, key=lambda candidate: runtime not in candidate.runtimes)


def _cause(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "no answer"
