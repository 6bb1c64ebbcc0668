"""The CRI is asked over a connection of our own making."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from pyscap.probe import cri
from pyscap.probe.cri import CriError, CriSocket, frame, parse, text, text_field, varint

ID = "7" * 64


def field(number, value):
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return bytes([number << 3]) + number_bytes(value)
    value = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + number_bytes(len(value)) + value


def number_bytes(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


STATUS = b"".join(
    [
        field(1, ID),
        field(2, field(1, "web")),
        field(4, 1_700_000_000 * 10**9),
        field(8, field(1, "registry.k8s.io/nginx:1.27")),
        field(9, "registry.k8s.io/nginx@sha256:00ff"),
        field(12, field(1, "io.kubernetes.pod.name") + field(2, "web-0")),
        field(14, field(1, "/data") + field(2, "/host/data") + field(3, 1) + field(5, 2)),
    ]
)


class Server:
    """Answers one call a connection with what `answers` has for its path."""

    def __init__(self, path, answers):
        self.path, self.answers = path, answers
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.answer(connection)

    def answer(self, connection):
        assert cri.read(connection, len(cri.PREFACE)) == cri.PREFACE
        called, request = "", b""
        for kind, flags, _, payload in cri.frames(connection):
            if kind == cri.HEADERS:
                called = next(m for m in self.answers if f"/{m}".encode() in payload)
            if kind == cri.DATA:
                request += payload
            if kind == cri.DATA and flags & cri.END_STREAM:
                break
        connection.sendall(self.answers[called](request))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


def replied(message):
    """The frames of an answer, in two pieces and with a window update between them."""
    data = struct.pack(">BI", 0, len(message)) + message
    return b"".join(
        [
            frame(cri.SETTINGS, 0, 0, b""),
            frame(cri.SETTINGS, cri.ACK, 0, b""),
            frame(cri.PING, 0, 0, bytes(8)),
            frame(cri.HEADERS, cri.END_HEADERS, 1, b"\x88"),
            frame(cri.DATA, 0, 1, data[:7]),
            frame(cri.WINDOW_UPDATE, 0, 0, bytes(4)),
            frame(cri.DATA, 0, 1, data[7:]),
            frame(cri.HEADERS, cri.END_HEADERS | cri.END_STREAM, 1, b""),
        ]
    )


REFUSED = frame(cri.SETTINGS, 0, 0, b"") + frame(
    cri.HEADERS, cri.END_HEADERS | cri.END_STREAM, 1, b"\x88"
)


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(**answers):
        defaults = {"ContainerStatus": REFUSED, "PodSandboxStatus": REFUSED}
        given = {name: (lambda _, a=answer: a) for name, answer in {**defaults, **answers}.items()}
        servers.append(Server(str(tmp_path / f"{len(servers)}.sock"), given))
        return CriSocket(servers[-1].path, "containerd")

    yield start
    for server in servers:
        server.listener.close()


def test_a_container_is_described(serve):
    got = serve(ContainerStatus=replied(field(1, STATUS))).describe(ID)
    assert got == {
        **{"id": ID[:12], "full_id": ID, "type": 7, "name": "web", "imageid": "00ff"},
        **{"image": "registry.k8s.io/nginx:1.27", "imagerepo": "registry.k8s.io/nginx"},
        **{"imagetag": "1.27", "imagedigest": "", "labels": {"io.kubernetes.pod.name": "web-0"}},
        "created_time": 1_700_000_000,
        "Mounts": [
            {
                **{"Source": "/host/data", "Destination": "/data", "Mode": "", "RW": False},
                "Propagation": "bidirectional",
            }
        ],
    }


def test_the_sandbox_of_a_pod_is_described(serve):
    status = field(1, ID) + field(2, field(1, "web-0")) + field(5, field(1, "10.1.2.3"))
    got = serve(PodSandboxStatus=replied(field(1, status))).describe(ID)
    assert (got["name"], got["ip"], got["is_pod_sandbox"]) == ("web-0", "10.1.2.3", True)


def test_an_unknown_container_is_none(serve):
    assert serve().describe(ID) is None


def test_all_containers_are_described(serve):
    listed = replied(field(1, field(1, ID)))
    server = serve(ListContainers=listed, ContainerStatus=replied(field(1, STATUS)))
    assert [row["name"] for row in server.everything()] == ["web"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        frame(cri.GOAWAY, 0, 0, bytes(8)),
        frame(cri.RST_STREAM, 0, 1, bytes(4)),
        frame(cri.DATA, cri.END_STREAM, 1, b"\x01\0\0\0\x01x"),
        b"\xff\xff\xff\0\0\0\0\0\1",
        replied(b"\x0a\xff"),
        replied(b"\x0f"),
    ],
    ids=["closed", "goaway", "reset", "compressed", "endless", "cut", "group"],
)
def test_an_answer_that_is_none_is_an_error(serve, answer):
    with pytest.raises(CriError):
        serve(ContainerStatus=answer).describe(ID)


def test_numbers_and_fields_of_every_kind_are_read():
    assert varint(b"\xac\x02", 0) == (300, 2)
    with pytest.raises(CriError):
        varint(b"\xff" * 11, 0)
    fields = parse(b"\x08\x01\x11" + bytes(8) + b"\x1a\x01x\x25" + bytes(4) + b"\x08\x02")
    assert fields == {1: [1, 2], 2: [bytes(8)], 3: [b"x"], 4: [bytes(4)]}
    assert text(fields, 1) == ""
    assert parse(text_field(1, "id")) == {1: [b"id"]}
