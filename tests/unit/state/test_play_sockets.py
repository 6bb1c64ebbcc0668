"""Plays of sockets: events in, names, ends and roles out."""

from __future__ import annotations

from typing import Any

import builders as b
import pytest
from playbook import facts, run

TID = 100
UNIX, INET, INET6, NETLINK, PACKET = 1, 2, 10, 16, 17
STREAM, DGRAM, RAW = 1, 2, 3
HERE, THERE = "10.0.0.5:1234", "10.0.0.6:80"
MAPPED = "::ffff:10.0.0.5:1234->::ffff:10.0.0.6:80"


def nginx(*fds: dict[str, Any]) -> b.Thread:
    return b.thread(TID, "nginx", fds=fds)


def check(events: list[b.Event], fd: int, wanted: dict[str, Any], **where: Any) -> None:
    where = {"threads": [nginx()], "tid": TID, **where}
    assert facts(events, list(wanted), fd=fd, **where) == wanted


def shown(events: list[b.Event], fd: int, **where: Any) -> str:
    """The descriptor as arguments show it: `4(<4t>name)`."""
    where = {"threads": [nginx()], **where}
    threads = where.pop("threads")
    probe = b.read(res=-4, fd=fd, tid=TID)
    return (
        run(b.capture(threads, [*events, probe], **where), ["evt.args"])[-1]["evt.args"]
        .partition("fd=")[2]
        .partition(" size=")[0]
    )


def socket(domain: int = INET, kind: int = STREAM, proto: int = 0, fd: int = 4) -> b.Event:
    return b.socket(fd=fd, domain=domain, type=kind, proto=proto, tid=TID)


def connect(ends: str | None = f"{HERE}->{THERE}", **values: Any) -> b.Event:
    return b.connect(**{"res": 0, "tuple": ends, "fd": 4, "addr": None, "tid": TID, **values})


def bind(addr: str, **values: Any) -> b.Event:
    return b.bind(**{"res": 0, "addr": addr, "fd": 4, "tid": TID, **values})


def sendto(ends: str | None, **values: Any) -> b.Event:
    return b.sendto(**{"res": 5, "fd": 4, "tuple": ends, "tid": TID, **values})


def recvfrom(ends: str | None, **values: Any) -> b.Event:
    return b.recvfrom(**{"res": 5, "fd": 4, "tuple": ends, "tid": TID, **values})


# --- socket ---------------------------------------------------------------------------------

SOCKETS = [
    (socket(), "4(<4>)", "tcp"),
    (socket(kind=DGRAM), "4(<4>)", "udp"),
    (socket(kind=DGRAM | 0o2000000), "4(<4>)", "udp"),
    (socket(proto=6), "4(<4>)", "tcp"),
    (socket(kind=DGRAM, proto=17), "4(<4>)", "udp"),
    (socket(kind=DGRAM, proto=1), "4(<4>)", "icmp"),
    (socket(kind=RAW, proto=1), "4(<4r>)", "raw"),
    (socket(kind=RAW, proto=255), "4(<4r>)", "raw"),
    (socket(INET6), "4(<6>)", "tcp"),
    (socket(UNIX), "4(<u>)", None),
    (socket(NETLINK, RAW), "4(<n>)", None),
    (socket(PACKET, RAW), "4(<o>)", None),
]


@pytest.mark.parametrize(("event", "text", "l4"), SOCKETS, ids=lambda v: "")
def test_a_fresh_socket_has_a_kind_and_no_name(event: b.Event, text: str, l4: str | None) -> None:
    assert shown([event], 4) == text
    got = facts([event], ["fd.l4proto", "fd.name"], threads=[nginx()], tid=TID, fd=4)
    assert got["fd.l4proto"] in (l4, "<NA>")
    assert got["fd.name"] == ""


def test_a_failed_socket_is_none() -> None:
    check([socket(fd=-97)], 4, {"fd.typechar": "o"})


def test_a_pair_of_sockets_has_two_descriptors() -> None:
    event = b.socketpair(res=0, fd1=4, fd2=5, source=0x1A, peer=0x2B, domain=UNIX, tid=TID)
    for fd in (4, 5):
        check([event], fd, {"fd.type": "unix", "fd.name": ""})
    assert shown([b.socketpair(res=0, fd1=4, fd2=4, tid=TID)], 4) == "4"


# --- bind, connect, accept ------------------------------------------------------------------


def test_a_bound_socket_is_a_server() -> None:
    events = [socket(), bind("0.0.0.0:80")]
    assert shown(events, 4) == "4(<4t>0.0.0.0:80)"
    check(events, 4, {"fd.sip": "0.0.0.0", "fd.sport": 80, "fd.is_server": True})
    assert shown([socket(INET6), bind(":::80")], 4) == "4(<6t>:::80)"
    assert shown([socket(kind=DGRAM), bind("127.0.0.1:53")], 4) == "4(<4u>127.0.0.1:53)"


def test_a_mapped_address_makes_an_ipv4_server() -> None:
    check([socket(INET6), bind("::ffff:10.0.0.5:80")], 4, {"fd.type": "ipv4", "fd.sport": 80})


def test_a_socket_bound_to_any_port_is_no_server_yet() -> None:
    assert shown([socket(), bind("127.0.0.1:0")], 4) == "4(<4>127.0.0.1:0)"


def test_a_unix_socket_is_bound_to_a_path() -> None:
    assert shown([socket(UNIX), bind("/run/srv")], 4) == "4(<u>/run/srv)"


def test_a_failed_bind_changes_nothing() -> None:
    assert shown([socket(), bind("0.0.0.0:80", res=-98)], 4) == "4(<4>)"


@pytest.mark.parametrize("res", [0, -115])
def test_a_connected_socket_is_named_by_its_ends(res: int) -> None:
    events = [socket(), connect(res=res)]
    assert shown(events, 4) == f"4(<4t>{HERE}->{THERE})"
    wanted = {"fd.cip": "10.0.0.5", "fd.cport": 1234, "fd.sip": "10.0.0.6", "fd.sport": 80}
    check(events, 4, wanted | {"fd.connected": res == 0})


def test_a_failed_connect_changes_nothing() -> None:
    assert shown([socket(), connect(res=-111)], 4) == "4(<4>)"


def test_transports_without_ports_show_none() -> None:
    assert shown([socket(kind=RAW, proto=1), connect()], 4) == "4(<4r>10.0.0.5->10.0.0.6)"
    assert shown([socket(kind=DGRAM, proto=1), connect()], 4) == "4(<4i>10.0.0.5->10.0.0.6)"


def test_an_ipv6_socket_is_connected() -> None:
    assert shown([socket(INET6), connect("::1:5->::2:6")], 4) == "4(<6t>::1:5->::2:6)"


def test_a_socket_connected_to_a_mapped_address_keeps_its_transport() -> None:
    assert shown([socket(INET6), connect(MAPPED)], 4) == f"4(<4t>{HERE}->{THERE})"


def test_a_udp_server_that_connects_names_the_client_first() -> None:
    events = [socket(kind=DGRAM), bind(HERE), connect()]
    assert shown(events, 4) == f"4(<4u>{THERE}->{HERE})"


def test_a_unix_socket_is_named_by_both_addresses_and_the_path() -> None:
    assert shown([socket(UNIX), connect("1a->2b /run/z")], 4) == "4(<u>1a->2b /run/z)"


def test_the_destination_of_the_enter_event_wins() -> None:
    enter = b.event("connect", ">", fd=4, addr="10.9.9.9:99", tid=TID)
    events = [socket(), enter, connect(addr=THERE)]
    assert shown(events, 4) == f"4(<4t>{HERE}->10.9.9.9:99)"
    events = [socket(), enter, connect(addr="1.1.1.1:1")]
    assert shown(events, 4) == f"4(<4t>{HERE}->{THERE})"


def test_without_a_tuple_the_enter_event_tells_the_destination() -> None:
    enter = b.event("connect", ">", fd=4, addr="10.9.9.9:99", tid=TID)
    check([socket(), enter, connect(None)], 4, {"fd.sip": "10.9.9.9", "fd.name": ""})


def test_an_accepted_connection_is_the_servers() -> None:
    event = b.accept4(fd=4, tuple=f"{HERE}->{THERE}", flags=0, tid=TID)
    assert shown([event], 4) == f"4(<4t>{HERE}->{THERE})"
    check([event], 4, {"fd.connected": True, "fd.cip": "10.0.0.5", "fd.sport": 80})
    old = b.accept(fd=4, tuple="1a->2b /run/z", tid=TID)
    assert shown([old], 4) == "4(<u>1a->2b /run/z)"
    assert shown([b.accept4(fd=4, tuple=MAPPED, tid=TID)], 4) == f"4(<4t>{HERE}->{THERE})"


@pytest.mark.parametrize("ends", [None, bytes([38, 1, 2])])
def test_an_accepted_connection_without_ends_is_not_known(ends: bytes | None) -> None:
    assert shown([b.accept4(fd=4, tuple=ends, tid=TID)], 4) == "4"


def test_listen_and_shutdown_change_nothing() -> None:
    events = [socket(), b.listen(res=0, fd=4, backlog=5, tid=TID)]
    assert shown(events, 4) == "4(<4>)"


# --- send and receive -----------------------------------------------------------------------

SENDS = ["sendto", "sendmsg", "send", "sendmmsg"]
RECEIVES = ["recvfrom", "recvmsg", "recv", "recvmmsg"]


@pytest.mark.parametrize("name", SENDS)
def test_who_sends_first_is_the_client(name: str) -> None:
    event = b.event(name, res=5, fd=4, tuple=f"{HERE}->{THERE}", tid=TID)
    assert shown([socket(kind=DGRAM), event], 4) == f"4(<4u>{HERE}->{THERE})"


@pytest.mark.parametrize("name", RECEIVES)
def test_who_receives_first_is_the_server(name: str) -> None:
    event = b.event(name, res=5, fd=4, tuple=f"{HERE}->{THERE}", tid=TID)
    assert shown([socket(kind=DGRAM), event], 4) == f"4(<4u>{HERE}->{THERE})"
    v6 = b.event(name, res=5, fd=4, tuple="::1:5->::2:6", tid=TID)
    assert shown([socket(INET6, DGRAM), v6], 4) == "4(<6u>::1:5->::2:6)"


def test_names_read_from_client_to_server_in_both_directions() -> None:
    ask, answer = f"{HERE}->{THERE}", f"{THERE}->{HERE}"
    client = [socket(kind=DGRAM), sendto(ask), recvfrom(answer)]
    assert shown(client, 4) == f"4(<4u>{ask})"
    server = [socket(kind=DGRAM), bind(THERE), recvfrom(ask), sendto(answer)]
    assert shown(server, 4) == f"4(<4u>{ask})"


def test_the_next_client_of_a_server_gives_it_another_name() -> None:
    second = f"10.0.0.7:99->{THERE}"
    events = [socket(kind=DGRAM), bind(THERE), recvfrom(f"{HERE}->{THERE}"), recvfrom(second)]
    assert shown(events, 4) == f"4(<4u>{second})"
    rows = run(b.capture([nginx()], events), ["fd.name_changed"])
    assert [row["fd.name_changed"] for row in rows][-2:] == [True, True]
    again = run(b.capture([nginx()], [*events, recvfrom(second)]), ["fd.name_changed"])
    assert again[-1] == {"fd.name_changed": False}


def test_a_named_tcp_connection_keeps_its_name() -> None:
    events = [socket(), connect(), sendto("1.1.1.1:1->2.2.2.2:2")]
    assert shown(events, 4) == f"4(<4t>{HERE}->{THERE})"


def test_a_failed_transfer_changes_nothing() -> None:
    assert shown([socket(kind=DGRAM), sendto(f"{HERE}->{THERE}", res=-1)], 4) == "4(<4>)"


def test_sending_makes_an_unknown_socket_known_and_receiving_does_not() -> None:
    assert shown([sendto(f"{HERE}->{THERE}")], 4) == f"4(<4u>{HERE}->{THERE})"
    assert shown([recvfrom(f"{HERE}->{THERE}")], 4) == "4"


def test_an_unset_address_is_that_of_the_interface() -> None:
    where = {
        "interfaces": [
            b.interface("lo", "127.0.0.1", "255.0.0.0"),
            b.interface("eth1", "192.168.7.2", "255.255.255.0"),
            b.interface("eth0", "10.0.0.5", "255.255.255.0"),
        ]
    }
    near = [socket(kind=DGRAM), sendto("0.0.0.0:5->10.0.0.9:53")]
    assert shown(near, 4, **where) == "4(<4u>10.0.0.5:5->10.0.0.9:53)"
    far = [socket(kind=DGRAM), sendto("0.0.0.0:5->8.8.8.8:53")]
    assert shown(far, 4, **where) == "4(<4u>192.168.7.2:5->8.8.8.8:53)"
    assert shown(near, 4) == "4(<4u>0.0.0.0:5->10.0.0.9:53)"


def test_unix_sockets_learn_their_ends() -> None:
    assert shown([socket(UNIX), sendto("1a->2b /run/z")], 4) == "4(<u>1a->2b /run/z)"
    assert shown([socket(UNIX), sendto("1a->2b")], 4) == "4(<u>1a->2b )"


def test_data_makes_a_socket_connected() -> None:
    events = [socket(), connect(res=-115)]
    check(events, 4, {"fd.connected": False})
    check([*events, b.read(res=1, fd=4, tid=TID)], 4, {"fd.connected": True})
    check([*events, b.writev(res=1, fd=4, tid=TID)], 4, {"fd.connected": True})


# --- the descriptor list --------------------------------------------------------------------


def test_listed_connections_of_a_listed_server_port_are_the_servers() -> None:
    threads = [
        nginx(
            b.fd(3, "ipv4_server", dip=bytes(4), dport=80, l4=2),
            b.fd(4, "ipv4", src=THERE, dst=HERE, l4=2),
            b.fd(5, "ipv4", src="10.0.0.5:999", dst="10.0.0.9:22", l4=2),
        )
    ]
    assert shown([], 3, threads=threads) == "3(<4t>0.0.0.0:80)"
    assert shown([], 4, threads=threads) == f"4(<4t>{HERE}->{THERE})"
    assert shown([], 5, threads=threads) == "5(<4t>10.0.0.5:999->10.0.0.9:22)"
    check([], 4, {"fd.connected": True, "fd.sport": 80}, threads=threads)


def test_listed_ipv6_connections_have_a_role_too() -> None:
    threads = [
        nginx(
            b.fd(3, "ipv6_server", dip=bytes(16), dport=80, l4=2),
            b.fd(4, "ipv6", src="::2:80", dst="::1:5", l4=2),
            b.fd(5, "ipv6", src="::1:5", dst="::2:81", l4=3),
        )
    ]
    assert shown([], 3, threads=threads) == "3(<6t>:::80)"
    assert shown([], 4, threads=threads) == "4(<6t>::1:5->::2:80)"
    assert shown([], 5, threads=threads) == "5(<6u>::1:5->::2:81)"


def test_a_listed_mapped_connection_is_ipv4() -> None:
    threads = [nginx(b.fd(4, "ipv6", src=f"::ffff:{HERE}", dst=f"::ffff:{THERE}", l4=2))]
    assert shown([], 4, threads=threads) == f"4(<4t>{HERE}->{THERE})"
