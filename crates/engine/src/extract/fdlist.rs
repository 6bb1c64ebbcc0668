//! Fields of the descriptors that a poll waits for.
//!
//! In: a [`Ctx`]. Out: text, items joined by commas. Next: `fs_path`.

use super::Get::Text;
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::render::num::dec;
use crate::render::{addr, param, Style, ABSENT};
use crate::state::fds::Tuple;
use crate::state::Fd;
use crate::tables::ParamType;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("fdlist.nums", Text(|c, _, style, out| joined(c, style, out, |n, _, _, o| dec(o, n)))),
    ("fdlist.names", Text(|c, _, style, out| joined(c, style, out, name))),
    ("fdlist.cips", Text(|c, s, style, out| ends(c, s, style, out, cip))),
    ("fdlist.sips", Text(|c, s, style, out| ends(c, s, style, out, sip))),
    ("fdlist.cports", Text(|c, s, style, out| ends(c, s, style, out, cport))),
    ("fdlist.sports", Text(|c, s, style, out| ends(c, s, style, out, sport))),
];

/// Appends what is known of a descriptor; nothing when that is nothing.
type Item = fn(i64, Option<&Fd>, &Style, &mut Vec<u8>);

/// Appends the items of the event's list, those of which something is known; false for none.
fn joined(ctx: &Ctx<'_>, style: &Style, out: &mut Vec<u8>, write: Item) -> bool {
    let params = &ctx.ev.info.params;
    let position = params.iter().position(|p| p.kind == ParamType::Fdlist);
    let Some(bytes) = position.and_then(|i| ctx.ev.params.known(i)) else { return false };
    let start = out.len();
    for (num, _) in param::fdlist(bytes) {
        let before = out.len();
        if before > start {
            out.push(b',');
        }
        let item = out.len();
        write(num, ctx.thread.and_then(|t| ctx.state.fd(t, num)), style, out);
        if out.len() == item {
            out.truncate(before);
        }
    }
    out.len() > start
}

fn name(_: i64, fd: Option<&Fd>, style: &Style, out: &mut Vec<u8>) {
    match fd.and_then(|fd| fd.name.as_deref()).filter(|name| !name.is_empty()) {
        Some(name) => style.text(out, name),
        None => out.extend_from_slice(ABSENT),
    }
}

fn ends(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>, write: Item) -> bool {
    joined(ctx, style, out, write)
}

fn on_tuple(fd: Option<&Fd>, client: bool, out: &mut Vec<u8>, write: fn(&mut Vec<u8>, &Tuple)) {
    // DIFFERENCE(libs 0.25-dev): nothing, not the other end, where there is no such end.
    let usable = fd.filter(|fd| fd.kind.is_ip() && !(client && fd.kind.is_server()));
    if let Some(tuple) = usable.and_then(|fd| fd.tuple) {
        write(out, &tuple);
    }
}

fn cip(_: i64, fd: Option<&Fd>, _: &Style, out: &mut Vec<u8>) {
    on_tuple(fd, true, out, |out, tuple| addr::ip(out, tuple.src));
}

fn sip(_: i64, fd: Option<&Fd>, _: &Style, out: &mut Vec<u8>) {
    on_tuple(fd, false, out, |out, tuple| addr::ip(out, tuple.dst));
}

fn cport(_: i64, fd: Option<&Fd>, _: &Style, out: &mut Vec<u8>) {
    on_tuple(fd, true, out, |out, tuple| dec(out, tuple.sport.into()));
}

fn sport(_: i64, fd: Option<&Fd>, _: &Style, out: &mut Vec<u8>) {
    on_tuple(fd, false, out, |out, tuple| dec(out, tuple.dport.into()));
}
