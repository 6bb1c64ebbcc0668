"""Asks a Kubernetes container runtime about containers: gRPC by hand, as little as it takes.

In:  the socket of containerd or CRI-O. Out: containers in the words of container events.
Next: `probe/containers.py`.
One call a connection: the request in one HEADERS and one DATA frame, the answer's DATA frames
joined. Header compression is not read: a call that fails has no DATA.
Source: RFC 9113 (HTTP/2) 4 and 6; RFC 7541 (HPACK) 6.2.2; gRPC over HTTP/2; protocol buffer
encoding; Kubernetes CRI, runtime/v1/api.proto.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

from pyscap.probe.container_words import named, split_image

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
Fields = dict[int, list[Any]]
"""Values of a protocol buffer by field number, in order; texts and messages as bytes."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
STREAM = 1
TIMEOUT_S = 2.0
MAX_ANSWER_BYTES = 4 << 20
SERVICE = "/runtime.v1.RuntimeService/"
VARINT_BYTES = 10
"""Longest number of a protocol buffer."""


class CriError(Exception):
    """The runtime refused, or answered nonsense."""


class CriSocket:
    """The CRI of one runtime."""

    def __init__(self, path: str, runtime: str) -> None:
        """Talk to the socket at `path`; its containers are of `runtime`."""
        self.path = path
        self.runtimes: tuple[str, ...] = (runtime, "cri")

    def describe(self, full_id: str) -> Json | None:
        """What the runtime knows of a container; None when it has none of that id.

        Raises:
            OSError: the socket does not answer.
            CriError: the answer is none.
        """
        asked = text_field(1, full_id)
        answer = self.call("ContainerStatus", asked)
        if answer is not None:
            return from_status(message(parse(answer), 1), full_id, self.runtimes[0])
        answer = self.call("PodSandboxStatus", asked)
        if answer is not None:
            return from_sandbox(message(parse(answer), 1), full_id, self.runtimes[0])
        return None

    def everything(self) -> list[Json]:
        """What the runtime knows of all its containers."""
        answer = self.call("ListContainers", b"") or b""
        rows = [parse(row) for row in parse(answer).get(1, [])]
        found = (self.describe(text(row, 1)) for row in rows)
        return [row for row in found if row]

    def call(self, method: str, request: bytes) -> bytes | None:
        """The answer to one call; None when the runtime says no."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(self.path)
            sock.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + call_frames(method, request))
            return answer_of(sock)


def call_frames(method: str, request: bytes) -> bytes:
    """The frames of a request."""
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", SERVICE + method),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
    packed = b"".join(b"\0" + literal(name) + literal(value) for name, value in headers)
    body = struct.pack(">BI", 0, len(request)) + request
    return frame(HEADERS, END_HEADERS, STREAM, packed) + frame(DATA, END_STREAM, STREAM, body)


def literal(value: str) -> bytes:
    """A header text, not compressed; ours are shorter than 127 bytes."""
    return bytes([len(value)]) + value.encode()


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def answer_of(sock: socket.socket) -> bytes | None:
    """The message in the answer; None when the stream ends without one.

    Raises:
        CriError: the answer is too long, cut, or the connection is refused.
    """
    data = b""
    for kind, flags, stream, payload in frames(sock):
        if kind == SETTINGS and not flags & ACK:
            sock.sendall(frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            sock.sendall(frame(PING, ACK, 0, payload))
        elif kind in (GOAWAY, RST_STREAM):
            msg = "ends the connection"
            raise CriError(msg)
        elif kind == DATA and payload:
            data += payload
            grant = struct.pack(">I", len(payload))
            windows = (frame(WINDOW_UPDATE, 0, number, grant) for number in (0, STREAM))
            sock.sendall(b"".join(windows))
        if stream == STREAM and kind in (DATA, HEADERS) and flags & END_STREAM:
            return grpc_message(data)
    msg = "closes the connection"
    raise CriError(msg)


def frames(sock: socket.socket) -> Iterator[tuple[int, int, int, bytes]]:
    """Kind, flags, stream and payload of what arrives, within the bound of one answer."""
    left = MAX_ANSWER_BYTES
    while head := read(sock, 9):
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        length = int.from_bytes(head[:3], "big")
        left -= length
        if left < 0:
            msg = "answers too much"
            raise CriError(msg)
        yield kind, flags, stream & 0x7FFFFFFF, read(sock, length)


def read(sock: socket.socket, length: int) -> bytes:
    """Exactly `length` bytes, or nothing at the end of the stream."""
    data = b""
    while len(data) < length:
        piece = sock.recv(length - len(data))
        if not piece:
            return b""
        data += piece
    return data


def grpc_message(data: bytes) -> bytes | None:
    """The one message of an answer; None for an answer without one."""
    if len(data) < 5:
        return None
    compressed, length = struct.unpack_from(">BI", data)
    if compressed or length != len(data) - 5:
        msg = "answers in a form that is not understood"
        raise CriError(msg)
    return data[5:]


def text_field(number: int, value: str) -> bytes:
    """A text of a protocol buffer, shorter than 128 bytes."""
    packed = value.encode()[:127]
    return bytes([number << 3 | 2, len(packed)]) + packed


def parse(data: bytes) -> Fields:
    """The fields of a protocol buffer message.

    Raises:
        CriError: the bytes are none.
    """
    fields: Fields = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value: Any
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            size = {1: 8, 5: 4}.get(key & 7, len(data))
            value, at = data[at : at + size], at + size
        if at > len(data):
            msg = "answers a message that is cut"
            raise CriError(msg)
        fields.setdefault(key >> 3, []).append(value)
    return fields


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and the position after it."""
    value = 0
    for shift, byte in enumerate(data[at : at + VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    msg = "answers a message that is cut"
    raise CriError(msg)


def text(fields: Fields, number: int) -> str:
    """A text field; empty when absent."""
    value = fields.get(number, [b""])[-1]
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def message(fields: Fields, number: int) -> Fields:
    """A message field; no fields when absent."""
    value = fields.get(number, [b""])[-1]
    return parse(value) if isinstance(value, bytes) else {}


def number_of(fields: Fields, number: int) -> int:
    """A number field; 0 when absent."""
    value = fields.get(number, [0])[-1]
    return value if isinstance(value, int) else 0


def labels_of(fields: Fields, number: int) -> dict[str, str]:
    """A map from text to text."""
    pairs = (parse(pair) for pair in fields.get(number, []))
    return {text(pair, 1): text(pair, 2) for pair in pairs}


def from_status(status: Fields, full_id: str, runtime: str) -> Json:
    """A container's status: fields of `ContainerStatus`."""
    image = text(message(status, 8), 1)
    return {
        **named(text(status, 1) or full_id, runtime),
        "name": text(message(status, 2), 1),
        "image": image,
        **split_image(image),
        "imageid": text(status, 9).rpartition("sha256:")[2],
        "labels": labels_of(status, 12),
        "created_time": number_of(status, 4) // 10**9,
        "Mounts": [mount_of(parse(row)) for row in status.get(14, [])],
    }


def mount_of(row: Fields) -> Json:
    """A mount: fields of `Mount`."""
    return {
        "Source": text(row, 2),
        "Destination": text(row, 1),
        "Mode": "",
        "RW": not number_of(row, 3),
        "Propagation": ("private", "hosttocontainer", "bidirectional")[number_of(row, 5) % 3],
    }


def from_sandbox(status: Fields, full_id: str, runtime: str) -> Json:
    """The status of the container that holds a pod's namespaces: `PodSandboxStatus`."""
    metadata = message(status, 2)
    return {
        **named(text(status, 1) or full_id, runtime),
        "name": text(metadata, 1),
        "image": "",
        "labels": labels_of(status, 7),
        "ip": text(message(status, 5), 1),
        "created_time": number_of(status, 4) // 10**9,
        "is_pod_sandbox": True,
        "pod_sandbox_id": full_id,
    }
