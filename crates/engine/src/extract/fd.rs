//! Fields of the descriptor that the event works on or makes.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: `fdlist`.
//! An event whose descriptor is not known has what its parameters say of it: an open that failed
//! has the name it asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Get::{Both, Text, Value as Val};
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::path;
use crate::render::num::dec;
use crate::render::param::{fd_text, Param};
use crate::render::{Style, ABSENT};
use crate::state::fds::{Tuple, L4};
use crate::state::{Fd, FdKind, Role};
use crate::tables::{flag, ParamType};
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("fd.num", Val(|c, _| num(c).map(Value::Int))),
    ("fd.type", Val(|c, _| type_name(c, known(c)?).map(Value::text))),
    ("fd.typechar", Val(typechar)),
    ("fd.name", Text(name)),
    ("fd.directory", Text(directory)),
    ("fd.filename", Text(filename)),
    ("fd.ip", Val(|c, s| ends(c, s, |t| Value::Ip(t.src), |t| Value::Ip(t.dst)))),
    ("fd.port", Val(|c, s| ends(c, s, |t| port(t.sport), |t| port(t.dport)))),
    ("fd.proto", Val(|c, s| ends(c, s, |t| port(t.sport), |t| port(t.dport)))),
    ("fd.net", Val(|c, s| ends(c, s, |t| Value::Ip(t.src), |t| Value::Ip(t.dst)))),
    ("fd.cip", Val(|c, _| Some(Value::Ip(client(c)?.0)))),
    ("fd.sip", Val(|c, _| Some(Value::Ip(server(c)?.0)))),
    ("fd.lip", Val(|c, _| Some(Value::Ip(side(c, Side::Local)?.0)))),
    ("fd.rip", Val(|c, _| Some(Value::Ip(side(c, Side::Remote)?.0)))),
    ("fd.cnet", Val(|c, _| Some(Value::Ip(client(c)?.0)))),
    ("fd.snet", Val(|c, _| Some(Value::Ip(server(c)?.0)))),
    ("fd.lnet", Val(|c, _| Some(Value::Ip(side(c, Side::Local)?.0)))),
    ("fd.rnet", Val(|c, _| Some(Value::Ip(side(c, Side::Remote)?.0)))),
    ("fd.cport", Val(|c, _| Some(port(client(c)?.1)))),
    ("fd.sport", Val(|c, _| Some(port(server(c)?.1)))),
    ("fd.lport", Val(|c, _| Some(port(side(c, Side::Local)?.1)))),
    ("fd.rport", Val(|c, _| Some(port(side(c, Side::Remote)?.1)))),
    ("fd.cproto", Text(client_port)),
    ("fd.sproto", Text(|c, _, _, out| port_text(c, server(c), out))),
    ("fd.lproto", Text(|c, _, _, out| port_text(c, side(c, Side::Local), out))),
    ("fd.rproto", Text(|c, _, _, out| port_text(c, side(c, Side::Remote), out))),
    ("fd.cip.name", Both(|c, _| hosts(c, client(c)), |c, _, y, out| host(c, client(c), y, out))),
    ("fd.sip.name", Both(|c, _| hosts(c, server(c)), |c, _, y, out| host(c, server(c), y, out))),
    (
        "fd.lip.name",
        Both(
            |c, _| hosts(c, side(c, Side::Local)),
            |c, _, y, out| host(c, side(c, Side::Local), y, out),
        ),
    ),
    (
        "fd.rip.name",
        Both(
            |c, _| hosts(c, side(c, Side::Remote)),
            |c, _, y, out| host(c, side(c, Side::Remote), y, out),
        ),
    ),
    ("fd.l4proto", Val(|c, _| known(c).map(|fd| Value::text(l4_of_role(fd))))),
    ("fd.sockfamily", Val(family)),
    ("fd.is_server", Val(|c, _| known(c).map(|fd| Value::Bool(is_server(c, fd))))),
    ("fd.uid", Text(uid)),
    ("fd.containername", Text(|c, s, style, out| in_container(c, s, style, out, name))),
    ("fd.containerdirectory", Text(|c, s, style, out| in_container(c, s, style, out, directory))),
    (
        "fd.connected",
        Val(|c, _| known(c).map(|fd| Value::Bool(fd.kind.is_socket() && fd.connected))),
    ),
    ("fd.name_changed", Val(|c, _| known(c).map(|_| Value::Bool(c.applied.fd_name_changed)))),
    ("fd.dev", Val(|c, _| known(c).map(|fd| Value::Int(i64::from(fd.dev as i32))))),
    ("fd.dev.major", Val(|c, _| known(c).map(|fd| Value::Int(i64::from(fd.dev >> 8 & 0xfff))))),
    ("fd.dev.minor", Val(|c, _| known(c).map(|fd| Value::Int(minor(fd.dev).into())))),
    ("fd.ino", Val(|c, _| known(c).map(|fd| Value::Int(fd.ino as i64)))),
    ("fd.nameraw", Text(name_as_given)),
    ("fd.types", Val(types)),
    ("fd.is_upper_layer", Val(|c, _| known(c).map(|fd| Value::Bool(fd.open_flags & UPPER != 0)))),
    ("fd.is_lower_layer", Val(|c, _| known(c).map(|fd| Value::Bool(fd.open_flags & LOWER != 0)))),
];

/// The minor number in a device number, whose low byte stands apart from the rest.
///
/// Source: include/linux/kdev_t.h, new_encode_dev.
fn minor(dev: u32) -> u32 {
    dev & 0xff | dev >> 12 & 0xf_ff00
}

/// Overlay layers among the open flags of the format.
const UPPER: u32 = 1 << 15;
const LOWER: u32 = 1 << 16;

/// Whether the event makes, uses or ends a descriptor.
fn concerns_fd(ctx: &Ctx<'_>) -> bool {
    const BITS: u32 = flag::CREATES_FD | flag::USES_FD | flag::DESTROYS_FD;
    ctx.thread.is_some() && ctx.ev.info.flags & BITS != 0
}

/// The number; -1 for a descriptor that was not made.
fn num(ctx: &Ctx<'_>) -> Option<i64> {
    concerns_fd(ctx).then(|| ctx.fd_num.unwrap_or(-1))
}

fn known<'a>(ctx: &Ctx<'a>) -> Option<&'a Fd> {
    ctx.fd.filter(|_| concerns_fd(ctx))
}

/// The name of the descriptor's type.
pub fn type_name<'a>(ctx: &Ctx<'a>, fd: &Fd) -> Option<&'a [u8]> {
    ctx.tables.fd_type(fd.kind).name.as_deref().map(str::as_bytes)
}

/// The character of the transport that follows the type's; sockets without a role have none.
///
/// Source: scap format specification, descriptor types.
pub fn l4_char(fd: &Fd) -> Option<u8> {
    let known = fd.kind.is_ip() && (fd.kind.is_server() || fd.role != Role::None);
    match fd.l4 {
        L4::Raw if fd.kind.is_ip() => Some(b'r'),
        L4::Tcp if known => Some(b't'),
        L4::Udp if known => Some(b'u'),
        L4::Icmp if known => Some(b'i'),
        _ => None,
    }
}

/// The name of a transport.
pub fn l4_name(l4: L4) -> &'static [u8] {
    match l4 {
        L4::Tcp => b"tcp",
        L4::Udp => b"udp",
        L4::Icmp => b"icmp",
        L4::Raw => b"raw",
        L4::Unknown | L4::Na => ABSENT,
    }
}

/// The transport of a socket that has a role; before, it has no connection to speak of.
fn l4_of_role(fd: &Fd) -> &'static [u8] {
    l4_name(if fd.role == Role::None { L4::Unknown } else { fd.l4 })
}

/// The type that calls make, for those that failed; `o` of the others.
///
/// Source: observed: libs 0.25-dev, which has no open and open_by_handle_at here.
const MAKERS: &[(&[&str], &[u8])] = &[
    (&["openat", "openat2", "creat"], b"f"),
    (&["socket", "accept", "accept4"], b"4"),
    (&["pipe", "pipe2"], b"p"),
    (&["eventfd", "eventfd2"], b"e"),
    (&["signalfd", "signalfd4"], b"s"),
    (&["timerfd_create"], b"t"),
    (&["inotify_init", "inotify_init1"], b"i"),
];

fn typechar<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    if let Some(fd) = known(ctx) {
        return Some(Value::text(std::slice::from_ref(&ctx.tables.fd_type(fd.kind).char)));
    }
    let name = &*ctx.ev.info.name;
    let made = MAKERS.iter().find(|(calls, _)| calls.contains(&name));
    concerns_fd(ctx).then(|| Value::text(made.map_or(b"o", |(_, char)| char)))
}

/// What calls that failed wanted a descriptor of: the parameter that says it.
const WANTED: &[(&str, &str)] = &[
    ("open", "name"),
    ("openat", "name"),
    ("openat2", "name"),
    ("creat", "name"),
    ("open_by_handle_at", "path"),
    ("connect", "tuple"),
    ("accept", "tuple"),
    ("accept4", "tuple"),
];

/// What a call that failed wanted: paths made absolute, unless they are wanted as they were given.
fn wanted(ctx: &Ctx<'_>, as_given: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let call = WANTED.iter().find(|(call, _)| *call == &*ctx.ev.info.name);
    let position = call.and_then(|(_, param)| super::evt::position(ctx, param));
    if let Some(param) = position.and_then(|i| Param::new(ctx, i)) {
        match param.info.kind {
            ParamType::Fspath | ParamType::Fsrelpath if param.is_absent() => {}
            ParamType::Fspath | ParamType::Fsrelpath if !as_given => {
                param.absolute_path(b"<UNKNOWN>", &mut out)
            }
            _ => param.raw(&Style::default(), &mut out),
        }
    }
    out
}

fn name(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    match known(ctx) {
        Some(fd) => fd_text(ctx, fd, style, out),
        None if concerns_fd(ctx) => style.text(out, &wanted(ctx, false)),
        None => return false,
    }
    true
}

/// The path as it was given; empty for descriptors that have none.
fn name_as_given(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let mut given = Vec::new();
    match known(ctx) {
        Some(fd) => given.extend_from_slice(fd.raw_name.as_deref().unwrap_or(b"")),
        None => path::collapse_slashes(&wanted(ctx, true), &mut given),
    }
    style.text(out, &given);
    concerns_fd(ctx)
}

fn is_file(fd: &Fd) -> bool {
    matches!(fd.kind, FdKind::File | FdKind::FileV2)
}

/// Everything before the last slash; the root for a name that has none.
fn parent_path(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|b| *b == b'/') {
        None | Some(0) => b"/",
        Some(at) if at + 1 == path.len() => path,
        Some(at) => &path[..at],
    }
}

fn directory(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(fd) = known(ctx) else {
        style.text(out, parent_path(&wanted(ctx, false)));
        return concerns_fd(ctx);
    };
    let path = fd.name.as_deref().unwrap_or(b"");
    match fd.kind {
        FdKind::Directory => style.text(out, path),
        _ if is_file(fd) => style.text(out, parent_path(path)),
        _ => return false,
    }
    true
}

fn filename(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(fd) = known(ctx).filter(|fd| is_file(fd)) else { return false };
    let path = fd.name.as_deref().unwrap_or(b"");
    let file = match path.iter().rposition(|b| *b == b'/') {
        None => b"/",
        Some(at) if at + 1 == path.len() => path,
        Some(at) => &path[at + 1..],
    };
    style.text(out, file);
    true
}

fn port<'a>(number: u16) -> Value<'a> {
    Value::Uint(number.into())
}

fn tuple<'a>(ctx: &Ctx<'a>) -> Option<(&'a Fd, Tuple)> {
    let fd = known(ctx).filter(|fd| fd.kind.is_ip())?;
    Some((fd, fd.tuple?))
}

/// Both ends of a connection, the one end of a bound socket. For a filter, an IP socket that is
/// not connected has the unspecified address and port 0 at both ends, as in the kernel.
///
/// Source: observed: libs 0.25-dev.
fn ends<'a>(
    ctx: &Ctx<'a>,
    slot: &Slot,
    src: fn(&Tuple) -> Value<'a>,
    dst: fn(&Tuple) -> Value<'a>,
) -> Option<Value<'a>> {
    let fd = known(ctx).filter(|fd| fd.kind.is_ip())?;
    let tuple = fd.tuple.or_else(|| slot.each.then(|| unconnected(fd.kind)))?;
    Some(Value::Ends(if fd.kind.is_server() {
        vec![dst(&tuple)]
    } else {
        vec![src(&tuple), dst(&tuple)]
    }))
}

fn unconnected(kind: FdKind) -> Tuple {
    let is_v4 = matches!(kind, FdKind::Ipv4Sock | FdKind::Ipv4Serv);
    let ip = if is_v4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    Tuple { src: ip, dst: ip, sport: 0, dport: 0 }
}

/// The connecting end of a connection whose roles are known.
fn client(ctx: &Ctx<'_>) -> Option<(IpAddr, u16)> {
    let (fd, tuple) = tuple(ctx)?;
    (fd.role != Role::None && !fd.kind.is_server()).then_some((tuple.src, tuple.sport))
}

/// The serving end of a connection whose roles are known, or a bound address.
fn server(ctx: &Ctx<'_>) -> Option<(IpAddr, u16)> {
    let (fd, tuple) = tuple(ctx)?;
    (fd.role != Role::None).then_some((tuple.dst, tuple.dport))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Local,
    Remote,
}

/// Whether an interface of the captured machine has the address.
fn is_local(ctx: &Ctx<'_>, ip: IpAddr) -> bool {
    ip.is_loopback() || ctx.state.interfaces.iter().any(|i| i.addr == ip)
}

/// One end, told apart by where the client's address lives.
fn side(ctx: &Ctx<'_>, side: Side) -> Option<(IpAddr, u16)> {
    let (client, server) = (client(ctx)?, server(ctx)?);
    Some(if is_local(ctx, client.0) == (side == Side::Local) { client } else { server })
}

fn port_text(ctx: &Ctx<'_>, end: Option<(IpAddr, u16)>, out: &mut Vec<u8>) -> bool {
    let (Some((_, port)), Some(fd)) = (end, known(ctx)) else { return false };
    ctx.tables.services.port(out, port, fd.l4);
    true
}

/// The client's port; empty for a socket that has a role, but no client's end.
fn client_port(ctx: &Ctx<'_>, _: &Slot, _: &Style, out: &mut Vec<u8>) -> bool {
    port_text(ctx, client(ctx), out);
    known(ctx).is_some_and(|fd| fd.role != Role::None)
}

/// All names of an address, for a filter: none of them may be the one for `!=` to hold.
fn hosts<'a>(ctx: &Ctx<'a>, end: Option<(IpAddr, u16)>) -> Option<Value<'a>> {
    let names = ctx.tables.hosts.get(&end?.0)?;
    Some(Value::Ends(names.iter().map(|name| Value::text(name.as_bytes())).collect()))
}

/// The first name of an address.
fn host(ctx: &Ctx<'_>, end: Option<(IpAddr, u16)>, style: &Style, out: &mut Vec<u8>) -> bool {
    let name = end.and_then(|(ip, _)| ctx.tables.hosts.get(&ip)?.first());
    name.map(|name| style.text(out, name.as_bytes())).is_some()
}

fn family<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    match known(ctx)?.kind {
        kind if kind.is_ip() => Some(Value::text(b"ip")),
        FdKind::Unix => Some(Value::text(b"unix")),
        _ => None,
    }
}

/// Bound sockets, and connections whose serving end is this machine; the unspecified address of a
/// socket that is not connected is this machine too.
///
/// Source: observed: libs 0.25-dev.
fn is_server(ctx: &Ctx<'_>, fd: &Fd) -> bool {
    match fd.kind {
        FdKind::Ipv4Serv | FdKind::Ipv6Serv => true,
        FdKind::Ipv4Sock => fd.tuple.is_some_and(|tuple| is_local(ctx, tuple.dst)),
        FdKind::Ipv6Sock => {
            fd.tuple.map_or(true, |tuple| tuple.dst.is_unspecified() || is_local(ctx, tuple.dst))
        }
        _ => false,
    }
}

fn uid(ctx: &Ctx<'_>, _: &Slot, _: &Style, out: &mut Vec<u8>) -> bool {
    let (Some(thread), Some(num)) = (ctx.thread, num(ctx)) else { return false };
    dec(out, thread.tid);
    dec(out, num);
    true
}

fn in_container(
    ctx: &Ctx<'_>,
    slot: &Slot,
    style: &Style,
    out: &mut Vec<u8>,
    write: super::TextFn,
) -> bool {
    style.text(out, super::container::id(ctx));
    out.push(b':');
    write(ctx, slot, style, out)
}

/// The types among the open descriptors of the process, or the one of descriptor `[N]`.
///
/// DIFFERENCE(libs 0.25-dev): in the order of their names; of descriptor N, not of the event's.
fn types<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    let thread = ctx.thread.filter(|_| concerns_fd(ctx))?;
    if let Some(num) = slot.index() {
        let name = type_name(ctx, ctx.state.fd(thread, num)?)?;
        return Some(Value::List(vec![Value::text(name)]));
    }
    let table = ctx.state.fd_table(thread);
    let mut names: Vec<_> = table.iter().filter_map(|(_, fd)| type_name(ctx, fd)).collect();
    names.sort_unstable();
    names.dedup();
    Some(Value::List(names.into_iter().map(Value::text).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_number_has_its_minor_in_two_parts() {
        assert_eq!(minor(0xfe00), 0);
        assert_eq!(minor(0x8_03), 3);
        assert_eq!(minor(0x1230_0845), 0x12345);
    }
}
