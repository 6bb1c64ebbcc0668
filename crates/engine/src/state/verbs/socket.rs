//! Sockets: which end is which, and what they are called.
//!
//! In: socket, bind, connect, accept, the send and receive families, reads and writes.
//! Out: descriptor tables. Next: `lists`.
//! Source: scap format specification, event semantics 3.

use std::net::IpAddr;

use super::super::addr::{family, plain, unix_text, Address, Ends};
use super::super::fds::{Fd, FdKind, Role, Tuple, L4};
use super::super::rules::inputs;
use super::super::Interface;
use super::file::open_flag;
use super::Step;

/// What connect returns when it goes on in the background.
const EINPROGRESS: i64 = -115;

/// Code of the enter event of connect.
const CONNECT_ENTER: u16 = 22;

/// The system's own bit in a socket type that asks for closing at exec.
const SOCK_CLOEXEC: u32 = 0o2_000_000;

inputs! {
    /// Inputs of `make_socket`.
    SocketInputs { fd: Num, domain: Num, kind: Num, proto: Num, flags: Num }
}

inputs! {
    /// Inputs of `make_socket_pair`.
    PairInputs { res: Num, first: Num, second: Num, source: Num, peer: Num, kind: Num }
}

inputs! {
    /// Inputs of `bind`.
    BindInputs { res: Num, addr: Raw, fd: Num }
}

inputs! {
    /// Inputs of `connect`.
    ConnectInputs { res: Num, tuple: Raw, fd: Num, addr: Raw }
}

inputs! {
    /// Inputs of `accept`.
    AcceptInputs { fd: Num, tuple: Raw, flags: Num }
}

inputs! {
    /// Inputs of `transfer`.
    TransferInputs { res: Num, fd: Num, tuple: Raw }
    consts { is_send }
}

/// A socket without name or role.
pub(super) fn make_socket(step: &mut Step<'_, '_>, inputs: &SocketInputs) {
    let ev = step.ev;
    let Some(num) = inputs.fd.int(ev).filter(|n| *n >= 0) else { return };
    let kind = inputs.kind.u32(ev).unwrap_or(0);
    let flags = inputs.flags.u32(ev).unwrap_or(0);
    let domain = inputs.domain.u32(ev).and_then(|d| u8::try_from(d).ok()).unwrap_or(0);
    let mut fd = Fd {
        kind: kind_of_family(domain),
        open_flags: flags,
        cloexec: flags & open_flag::CLOEXEC != 0 || kind & SOCK_CLOEXEC != 0,
        ..Fd::default()
    };
    if fd.kind.is_ip() {
        fd.l4 = transport(kind & 0xff, inputs.proto.u32(ev).unwrap_or(0));
    }
    step.add_fd(num, fd);
}

fn kind_of_family(domain: u8) -> FdKind {
    match domain {
        family::UNIX => FdKind::Unix,
        family::INET => FdKind::Ipv4Sock,
        family::INET6 => FdKind::Ipv6Sock,
        family::NETLINK => FdKind::Netlink,
        _ => FdKind::Unknown,
    }
}

/// Transport by protocol number, or by socket type when the protocol is left to the system.
fn transport(kind: u32, proto: u32) -> L4 {
    const STREAM: u32 = 1;
    const DATAGRAM: u32 = 2;
    const RAW: u32 = 3;
    match (proto, kind) {
        (0, STREAM) => L4::Tcp,
        (0, DATAGRAM) => L4::Udp,
        (1 | 6 | 17, RAW) | (255, _) => L4::Raw,
        (1, _) => L4::Icmp,
        (6, _) => L4::Tcp,
        (17, _) => L4::Udp,
        _ => L4::Unknown,
    }
}

/// Two unix sockets that are each other's peer.
pub(super) fn make_pair(step: &mut Step<'_, '_>, inputs: &PairInputs) {
    let ev = step.ev;
    let (Some(first), Some(second)) = (inputs.first.int(ev), inputs.second.int(ev)) else { return };
    if !inputs.res.is_success(ev) || first == second {
        return;
    }
    let fd = Fd {
        kind: FdKind::Unix,
        unix: inputs.source.uint(ev).zip(inputs.peer.uint(ev)),
        cloexec: inputs.kind.u32(ev).is_some_and(|k| k & SOCK_CLOEXEC != 0),
        ..Fd::default()
    };
    step.add_fd(first, fd.clone());
    step.add_fd(second, fd);
}

/// A socket has an address of its own; with a port it is a server's.
pub(super) fn bind(step: &mut Step<'_, '_>, inputs: &BindInputs) {
    let ev = step.ev;
    let Some(num) = inputs.fd.int(ev) else { return };
    let Some(addr) = inputs.addr.get(ev).and_then(Address::parse) else { return };
    if !inputs.res.is_success(ev) {
        return;
    }
    let name = step.text(&addr.text());
    let Some(fd) = step.fds().and_then(|fds| fds.get_mut(num)) else { return };
    let named = fd.name.replace(name.clone());
    if let Address::Ip(ip, port) = addr {
        if port > 0 {
            // DIFFERENCE(libs 0.25-dev): `::` is an address of IPv6, not a mapped one.
            make_server(fd, plain(ip), port);
        }
    }
    step.applied.fd_name_changed = named != Some(name);
}

fn make_server(fd: &mut Fd, ip: IpAddr, port: u16) {
    let unset = if ip.is_ipv4() { IpAddr::V4([0; 4].into()) } else { IpAddr::V6([0; 16].into()) };
    fd.kind = if ip.is_ipv4() { FdKind::Ipv4Serv } else { FdKind::Ipv6Serv };
    fd.tuple = Some(Tuple { src: unset, dst: ip, sport: 0, dport: port });
    fd.role = Role::Server;
}

/// A socket has a peer, or asks for one.
pub(super) fn connect(step: &mut Step<'_, '_>, inputs: &ConnectInputs) {
    let ev = step.ev;
    let (Some(res), Some(num)) = (inputs.res.int(ev), inputs.fd.int(ev)) else { return };
    if (res < 0 && res != EINPROGRESS) || step.fd(num).is_none() {
        return;
    }
    let asked = step.enter_of(CONNECT_ENTER).and_then(|e| e.addr.clone());
    let asked = asked.as_deref().and_then(Address::parse);
    let ends = inputs.tuple.get(ev).and_then(Ends::parse);
    let told = inputs.addr.get(ev).and_then(Address::parse);
    let Some(fd) = step.fds().and_then(|fds| fds.get_mut(num)) else { return };
    fd.connected = res >= 0;
    fd.connecting = res < 0;
    let Some(ends) = ends else {
        set_destination(fd, asked.as_ref());
        return;
    };
    let old_name = fd.name.clone();
    set_ends(fd, ends, asked, told);
    if fd.role == Role::None {
        fd.role = Role::Client;
    }
    step.applied.fd_name_changed = fd.name != old_name;
}

/// Without a tuple, what the enter event asked for is all that is known; the name stays.
fn set_destination(fd: &mut Fd, asked: Option<&Address<'_>>) {
    let Some(Address::Ip(ip, port)) = asked else { return };
    let (ip, port) = (plain(*ip), *port);
    let unset = if ip.is_ipv4() { IpAddr::V4([0; 4].into()) } else { IpAddr::V6([0; 16].into()) };
    let (src, sport) = fd.tuple.map_or((unset, 0), |t| (t.src, t.sport));
    fd.tuple = Some(Tuple { src, dst: ip, sport, dport: port });
    fd.kind = if ip.is_ipv4() { FdKind::Ipv4Sock } else { FdKind::Ipv6Sock };
    // DIFFERENCE(libs 0.25-dev): who connects is a client, also when the tuple is missing.
    fd.role = Role::Client;
}

/// The ends that a connect event tells.
///
/// DIFFERENCE(libs 0.25-dev): a transport that is known stays known when both addresses turn
/// out to be mapped IPv4 addresses, so that the socket keeps its name.
fn set_ends(fd: &mut Fd, ends: Ends<'_>, asked: Option<Address<'_>>, told: Option<Address<'_>>) {
    let mut tuple = match ends {
        Ends::Unix(source, peer, path) => {
            set_unix(fd, source, peer, path);
            return;
        }
        Ends::V4(tuple) | Ends::V6(tuple) => tuple,
    };
    // The enter event's destination cannot have been changed while the call ran.
    if let (Some(Address::Ip(ip, port)), Some(Address::Ip(to, to_port))) = (asked, told) {
        if (plain(to), to_port) == (tuple.dst, tuple.dport) {
            (tuple.dst, tuple.dport) = (plain(ip), port);
        }
    }
    fd.kind = if tuple.dst.is_ipv4() { FdKind::Ipv4Sock } else { FdKind::Ipv6Sock };
    let is_new = fd.tuple != Some(tuple);
    let swaps = is_new && fd.role == Role::Server && fd.l4 == L4::Udp;
    fd.tuple = Some(if swaps { tuple.swapped() } else { tuple });
    fd.name_ends();
}

fn set_unix(fd: &mut Fd, source: u64, peer: u64, path: &[u8]) {
    fd.kind = FdKind::Unix;
    fd.unix = Some((source, peer));
    fd.name = Some(unix_text(source, peer, path).into());
}

/// A connection was taken: the remote end is its source.
pub(super) fn accept(step: &mut Step<'_, '_>, inputs: &AcceptInputs) {
    let ev = step.ev;
    let Some(num) = inputs.fd.int(ev).filter(|n| *n >= 0) else { return };
    let Some(ends) = inputs.tuple.get(ev).and_then(Ends::parse) else { return };
    let flags = inputs.flags.u32(ev).unwrap_or(0);
    let mut fd = Fd {
        role: Role::Server,
        open_flags: flags,
        cloexec: flags & open_flag::CLOEXEC != 0,
        connected: true,
        ..Fd::default()
    };
    match ends {
        Ends::Unix(source, peer, path) => set_unix(&mut fd, source, peer, path),
        Ends::V4(tuple) | Ends::V6(tuple) => {
            fd.kind = if tuple.src.is_ipv4() { FdKind::Ipv4Sock } else { FdKind::Ipv6Sock };
            fd.l4 = L4::Tcp;
            fd.tuple = Some(tuple);
            fd.name_ends();
        }
    }
    step.add_fd(num, fd);
}

/// Data passed through a descriptor; the event may tell the ends of the socket.
pub(super) fn transfer(step: &mut Step<'_, '_>, inputs: &TransferInputs) {
    let ev = step.ev;
    let Some(num) = inputs.fd.int(ev) else { return };
    if !inputs.res.is_success(ev) {
        return;
    }
    let is_send = inputs.is_send != 0;
    let ends = inputs.tuple.get(ev).and_then(Ends::parse);
    if step.fd(num).is_none() {
        let Some(tuple) = ends.as_ref().and_then(Ends::tuple).filter(|_| is_send) else { return };
        let kind = if tuple.src.is_ipv4() { FdKind::Ipv4Sock } else { FdKind::Ipv6Sock };
        step.add_fd(num, Fd { kind, l4: L4::Udp, ..Fd::default() });
    }
    let Some(fd) = step.fd(num) else { return };
    if fd.kind.is_ip() && !fd.connected {
        if let Some(fd) = step.fds().and_then(|fds| fds.get_mut(num)) {
            fd.connected = true;
        }
    }
    if let Some(ends) = ends {
        learn_ends(step, num, ends, is_send);
    }
}

/// Takes the ends that a transfer tells, unless they are those of a connection already named.
fn learn_ends(step: &mut Step<'_, '_>, num: i64, ends: Ends<'_>, is_send: bool) {
    let Some(fd) = step.fd(num) else { return };
    let is_named = fd.name.as_ref().is_some_and(|n| !n.is_empty());
    if is_named && fd.kind == FdKind::Ipv4Sock && fd.l4 == L4::Tcp || !tells_news(fd, &ends) {
        return;
    }
    let old_name = fd.name.clone();
    let mut fd = fd.clone();
    match ends {
        Ends::Unix(source, peer, path) => set_unix(&mut fd, source, peer, path),
        Ends::V4(tuple) | Ends::V6(tuple) => {
            if tuple.src.is_ipv4() {
                fd.kind = FdKind::Ipv4Sock;
            }
            fd.tuple = Some(fill_unset(tuple, &step.state.interfaces));
            orient(&mut fd, is_send);
        }
    }
    step.applied.fd_name_changed = fd.name != old_name;
    if let Some(place) = step.fds().and_then(|fds| fds.get_mut(num)) {
        *place = fd;
    }
}

fn tells_news(fd: &Fd, ends: &Ends<'_>) -> bool {
    match (*ends, fd.tuple) {
        (Ends::V4(tuple) | Ends::V6(tuple), Some(known)) => {
            tuple != known && tuple.swapped() != known
        }
        (Ends::Unix(source, peer, _), _) => {
            fd.unix != Some((source, peer)) || fd.name.is_none() || fd.kind != FdKind::Unix
        }
        _ => true,
    }
}

/// Decides which end is the server's and names the socket from client to server.
///
/// Who sends first is taken for the client.
/// DIFFERENCE(libs 0.25-dev): for IPv6 as well, where libs takes every process for a client.
fn orient(fd: &mut Fd, is_send: bool) {
    if fd.l4 == L4::Unknown {
        fd.l4 = L4::Udp;
    }
    let Some(tuple) = fd.tuple else { return };
    if fd.role == Role::None {
        fd.role = if is_send { Role::Client } else { Role::Server };
    }
    let other_way = if is_send { Role::Server } else { Role::Client };
    if fd.role == other_way {
        fd.tuple = Some(tuple.swapped());
    }
    fd.name_ends();
}

/// Fills an unset address with that of the interface that reaches the other end.
fn fill_unset(mut tuple: Tuple, interfaces: &[Interface]) -> Tuple {
    if tuple.src.is_unspecified() {
        tuple.src = local_address(tuple.dst, interfaces).unwrap_or(tuple.src);
    } else if tuple.dst.is_unspecified() {
        tuple.dst = local_address(tuple.src, interfaces).unwrap_or(tuple.dst);
    }
    tuple
}

fn local_address(remote: IpAddr, interfaces: &[Interface]) -> Option<IpAddr> {
    let family = || interfaces.iter().filter(|i| i.addr.is_ipv4() == remote.is_ipv4());
    family()
        .find(|i| same_subnet(i.addr, remote, i.netmask))
        .or_else(|| family().find(|i| !i.addr.is_loopback()))
        .map(|i| i.addr)
}

fn same_subnet(a: IpAddr, b: IpAddr, mask: IpAddr) -> bool {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    a.is_ipv4() == mask.is_ipv4() && (bits(a) & bits(mask)) == (bits(b) & bits(mask))
}
