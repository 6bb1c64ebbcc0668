"""Rows of addresses from answers of the kernel, laid out as rtnetlink(7) and netlink(7) say."""

import socket
import struct
import sys

import pytest

from pyscap.probe import interfaces as module
from pyscap.probe.interfaces import interfaces

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's rtnetlink")

NEW_ADDRESS, ERROR, DONE = 20, 2, 3
ADDRESS, LOCAL, LABEL, BROADCAST = 1, 2, 3, 4


def padded(data):
    return data + bytes(-len(data) % 4)


def attribute(kind, value):
    return padded(struct.pack("=HH", 4 + len(value), kind) + value)


def message(kind, body):
    return padded(struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body)


def address(family, prefix, index, **attributes):
    head = struct.pack("=BBBBI", family, prefix, 0, 0, index)
    numbers = {"address": ADDRESS, "local": LOCAL, "label": LABEL, "broadcast": BROADCAST}
    return message(
        NEW_ADDRESS, head + b"".join(attribute(numbers[k], v) for k, v in attributes.items())
    )


END = message(DONE, bytes(4))


@pytest.fixture
def answered(monkeypatch):
    """The rows of what the kernel would answer, in packets; interfaces are `if` and index."""

    def rows(*packets):
        waiting = iter(packets)

        class Link:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

            def settimeout(self, seconds):
                assert 0 < seconds <= 5

            def send(self, request):
                size, kind, flags = struct.unpack_from("=IHH", request)
                assert (size, kind, flags) == (len(request), 22, 0x301)

            def recv(self, size):
                assert size >= 1 << 15
                return next(waiting)

        monkeypatch.setattr(module.socket, "socket", lambda *_: Link())
        monkeypatch.setattr(module.socket, "if_indextoname", lambda index: f"if{index}")
        return interfaces()

    return rows


def test_an_address_has_name_mask_and_broadcast(answered):
    ten = {"local": bytes([10, 1, 2, 3]), "broadcast": bytes([10, 1, 15, 255])}
    (row,) = answered(address(2, 20, 4, **ten, label=b"if4\0") + END)
    assert row == {
        "type": 1,
        "name": b"if4",
        "linkspeed": 0,
        "addr": bytes([10, 1, 2, 3]),
        "netmask": bytes([255, 255, 240, 0]),
        "bcast": bytes([10, 1, 15, 255]),
    }


def test_the_own_end_of_a_tunnel_is_the_address_not_the_peer(answered):
    ends = {"address": bytes([10, 0, 0, 9]), "local": bytes([10, 0, 0, 1])}
    (row,) = answered(address(2, 32, 1, **ends) + END)
    assert (row["addr"], row["netmask"]) == (bytes([10, 0, 0, 1]), b"\xff" * 4)
    assert row["bcast"] == bytes(4)


@pytest.mark.parametrize(
    ("prefix", "mask"),
    [
        (0, bytes(16)),
        (64, b"\xff" * 8 + bytes(8)),
        (127, b"\xff" * 15 + b"\xfe"),
        (128, b"\xff" * 16),
    ],
)
def test_ipv6_masks_have_as_many_bits_as_the_prefix(answered, prefix, mask):
    (row,) = answered(address(10, prefix, 1, address=bytes(15) + b"\1") + END)
    assert (row["type"], row["addr"], row["netmask"]) == (2, bytes(15) + b"\1", mask)


def test_other_families_and_messages_without_an_address_make_no_row(answered):
    bare = address(2, 8, 1) + address(28, 8, 1, address=bytes(4))
    assert answered(bare + END) == []


def test_answers_come_in_several_packets(answered):
    first, second = (address(2, 8, n, local=bytes([n] * 4)) for n in (1, 2))
    rows = answered(first, second + END, first)
    assert [row["name"] for row in rows] == [b"if1", b"if2"]


def test_an_error_ends_the_rows(answered):
    good = address(2, 8, 1, local=bytes(4))
    assert len(answered(good + message(ERROR, bytes(20)) + good)) == 1


@pytest.mark.parametrize(("length", "found"), [(0, 3), (3, 3), (15, 3), (17, 2), (1 << 31, 1)])
def test_messages_of_impossible_lengths_end(length, found):
    head = struct.pack("=IHHII", length, NEW_ADDRESS, 0, 0, 0)
    assert len(list(module._messages(head * 3 + b"rest"))) == found


@pytest.mark.parametrize(("length", "found"), [(0, 3), (3, 3), (5, 2), (0xFFFF, 1)])
def test_attributes_of_impossible_lengths_end(length, found):
    assert len(list(module._attributes(struct.pack("=HH", length, ADDRESS) * 3))) == found


def test_a_name_of_any_bytes_is_kept(answered, monkeypatch):
    def name(_index):
        return b"e\xff0".decode("utf-8", "surrogateescape")

    rows = answered(END)
    monkeypatch.setattr(module.socket, "if_indextoname", name)
    rows += module._row(address(2, 8, 1, local=bytes(4))[16:])
    assert rows[0]["name"] == b"e\xff0"


def test_an_interface_that_vanished_has_no_name(answered, monkeypatch):
    answered(END)

    def gone(_index):
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(module.socket, "if_indextoname", gone)
    assert module._row(address(2, 8, 1, local=bytes(4))[16:])[0]["name"] == b""


def test_a_kernel_that_refuses_or_is_silent_gives_no_rows(monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.socket, "socket", refused)
    assert interfaces() == []


def test_loopback_is_among_the_interfaces():
    rows = {(r["name"], r["addr"]): r for r in interfaces()}
    if not rows:
        pytest.skip("no address is configured here")
    loopback = rows[b"lo", bytes([127, 0, 0, 1])]
    assert loopback["netmask"] == bytes([255, 0, 0, 0])
    assert {socket.if_indextoname(index) for index, _ in socket.if_nameindex()} >= {"lo"}
