"""Rows of sockets, from lists as the kernel prints them.

The samples are of proc(5) and of a machine with a little-endian processor.
"""

import sys

import pytest

from pyscap.probe.sockets import SocketTables

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="samples of such a machine")

IP_HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
IP_LINE = (
    b"   0: %b %b 01 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n"
)
UNIX_HEAD = b"Num       RefCount Protocol Flags    Type St Inode Path\n"
NETLINK = (
    b"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
    b"ffff888003e71000 0   1          00000113 0        0        0     2        0        77\n"
)
ANY, ANY6 = b"00000000:0000", b"0" * 32 + b":0000"
LOOPBACK6 = b"00000000000000000000000001000000"


def ip_list(*lines):
    return IP_HEAD + b"".join(IP_LINE % line for line in lines)


def unix_line(inode, path=None, pointer=b"ffff888004b53c00"):
    line = b"%b: 00000002 00000000 00010000 0001 01 %5d" % (pointer, inode)
    return line + (b"" if path is None else b" " + path) + b"\n"


class Files:
    """What can be read below `/proc`; counts the looks."""

    def __init__(self, **lists):
        self.lists = {"netlink": NETLINK, **lists}
        self.looks = []

    def read(self, path):
        pid, net, name = path.split("/")
        assert (pid, net) == ("7", "net")
        self.looks.append(name)
        return self.lists.get(name, b"")


def find(inode, **lists):
    return SocketTables(Files(**lists).read).find("7", 1, inode)


def test_a_connected_socket_has_both_ends_in_network_order():
    lists = ip_list((b"0500000A:A028", b"0600000A:01BB", 12345))
    ends = {"sip": bytes([10, 0, 0, 5]), "sport": 41000, "dip": bytes([10, 0, 0, 6]), "dport": 443}
    assert find(12345, tcp=lists) == {"type": 3, "l4": 2, **ends}


@pytest.mark.parametrize(("name", "l4"), [("tcp", 2), ("udp", 3), ("icmp", 4), ("raw", 5)])
def test_without_a_remote_end_a_socket_is_bound(name, l4):
    lists = {name: ip_list((b"0100007F:0050", ANY, 5))}
    bound = {"dip": bytes([127, 0, 0, 1]), "dport": 80}
    assert find(5, **lists) == {"type": 5, "l4": l4, **bound}
    lists = {f"{name}6": ip_list((LOOPBACK6 + b":0050", ANY6, 5))}
    assert find(5, **lists) == {"type": 6, "l4": l4, "dip": bytes(15) + b"\1", "dport": 80}


def test_a_remote_port_or_address_alone_is_a_remote_end():
    assert find(5, udp=ip_list((ANY, b"00000000:0035", 5)))["type"] == 3
    assert find(5, raw6=ip_list((ANY6, LOOPBACK6 + b":0000", 5)))["type"] == 4


@pytest.mark.parametrize(
    "path", [b"/run/x", b"@abstract", b"/with a  space ", b"  leads", b"\xff\x1b[2J\r", None]
)
def test_a_unix_socket_has_its_kernel_address_and_any_path(path):
    row = find(9, unix=UNIX_HEAD + unix_line(9, path))
    assert row == {"type": 8, "source": 0xFFFF888004B53C00, "destination": 0, "name": path or b""}


def test_netlink_sockets_are_known_by_their_inode():
    assert find(77) == {"type": 15, "name": b""}
    assert find(78) is None


def test_a_line_feed_in_a_path_hides_no_other_socket():
    lists = UNIX_HEAD + unix_line(8, b"/a\nno line: of a list x y z w v\n\n") + unix_line(9, b"/b")
    assert find(8, unix=lists)["name"] == b"/a"
    assert find(9, unix=lists)["name"] == b"/b"


def test_a_forged_line_takes_no_socket_of_another_list():
    forged = UNIX_HEAD + unix_line(8, b"/a\n" + unix_line(5, b"/forged"))
    assert find(5, unix=forged, tcp=ip_list((b"0100007F:0050", ANY, 5)))["type"] == 5


@pytest.mark.parametrize(
    "cut",
    [b"", IP_HEAD, IP_HEAD[:20], ip_list((ANY, ANY, 5))[:-60], IP_HEAD + b"\n   1: x y z\n"],
)
def test_lists_that_are_cut_or_strange_have_fewer_rows(cut):
    good = ip_list((ANY, ANY, 6))
    assert find(6, tcp=cut, udp=good)["l4"] == 3
    assert find(5, tcp=cut, udp=good) is None


def test_a_namespace_is_read_once():
    files = Files(tcp=ip_list((ANY, ANY, 5), (ANY, ANY, 6)))
    tables = SocketTables(files.read)
    assert [tables.find("7", 1, inode) is not None for inode in (5, 6, 99)] == [True, True, False]
    assert files.looks.count("tcp") == 1
    tables.find("7", 2, 5)
    assert files.looks.count("tcp") == 2


def test_lists_of_a_process_that_vanished_meanwhile_are_not_kept():
    files = Files(tcp=b"", netlink=b"")
    tables = SocketTables(files.read)
    assert tables.find("7", 1, 5) is None
    files.lists = {"tcp": ip_list((ANY, ANY, 5)), "netlink": NETLINK}
    assert tables.find("7", 1, 5)["type"] == 5
