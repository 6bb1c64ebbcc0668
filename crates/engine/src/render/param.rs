//! Event parameters as text.
//!
//! In: the bytes of a parameter and what the table says of it. Out: its raw text and, when there
//! is one, its resolved text, appended to a line. Next: `extract::evt`, `sink`.
//! Source: scap format specification, parameter types; observed: sysdig 0.41.4, libs 0.25-dev.

use super::num::{dec, general, hex, hex_lower, oct, udec};
use super::{addr, time, Style, ABSENT};
use crate::bytes::{read_int, read_uint, trim_nul, Cursor};
use crate::ctx::Ctx;
use crate::path;
use crate::state::fds::L4;
use crate::state::Fd;
use crate::tables::{Form, ParamInfo, ParamType, SymbolTable};

/// What the directory descriptor is when a path is relative to the working directory.
pub const AT_FDCWD: i64 = -100;

/// One parameter of the event at hand.
#[derive(Clone, Copy)]
pub struct Param<'c, 'a> {
    /// The event and what is around it.
    pub ctx: &'c Ctx<'a>,
    /// What the table says.
    pub info: &'a ParamInfo,
    /// Print format; of a typed union, that of the union.
    pub form: Form,
    /// Position in the event.
    pub index: usize,
    /// The value, not empty.
    pub bytes: &'a [u8],
}

/// Writes the raw text.
type Raw = fn(&Param<'_, '_>, &Style, &mut Vec<u8>);

/// Writes the resolved text; false (and nothing written) when there is none.
type Resolve = fn(&Param<'_, '_>, &Style, &mut Vec<u8>) -> bool;

/// Of types that have no resolved text.
const NOTHING: Option<Resolve> = None;

/// The two texts of each type, in the order of [`ParamType`].
const RENDERERS: &[(ParamType, Raw, Option<Resolve>)] = &[
    (ParamType::None, raw_nothing, NOTHING),
    (ParamType::Int8, raw_int, NOTHING),
    (ParamType::Int16, raw_int, NOTHING),
    (ParamType::Int32, raw_int, NOTHING),
    (ParamType::Int64, raw_int, NOTHING),
    (ParamType::Uint8, raw_uint, NOTHING),
    (ParamType::Uint16, raw_uint, NOTHING),
    (ParamType::Uint32, raw_uint_as_signed, NOTHING),
    (ParamType::Uint64, raw_uint_as_signed, NOTHING),
    (ParamType::Charbuf, raw_text, NOTHING),
    (ParamType::Bytebuf, raw_bytes, NOTHING),
    (ParamType::Errno, raw_dec, Some(errno_name)),
    (ParamType::Sockaddr, raw_sockaddr, NOTHING),
    (ParamType::Socktuple, raw_socktuple, NOTHING),
    (ParamType::Fd, raw_dec, Some(fd_name)),
    (ParamType::Pid, raw_dec, Some(comm)),
    (ParamType::Fdlist, raw_fdlist, NOTHING),
    (ParamType::Fspath, raw_text, Some(absolute_path)),
    (ParamType::Syscallid, raw_udec, Some(syscall_name)),
    (ParamType::Sigtype, raw_udec, Some(signal_name)),
    (ParamType::Reltime, raw_reltime, Some(reltime_seconds)),
    (ParamType::Abstime, raw_abstime, NOTHING),
    (ParamType::Port, raw_udec, NOTHING),
    (ParamType::Dyn, raw_dyn, Some(resolve_dyn)),
    (ParamType::Flags8, raw_udec, Some(flag_names)),
    (ParamType::Flags16, raw_udec, Some(flag_names)),
    (ParamType::Flags32, raw_udec, Some(flag_names)),
    (ParamType::Uid, raw_id, Some(user_name)),
    (ParamType::Gid, raw_id, Some(group_name)),
    (ParamType::Sigset, raw_sigset, NOTHING),
    (ParamType::Charbufarray, raw_bytes, NOTHING),
    (ParamType::CharbufPairArray, raw_bytes, NOTHING),
    (ParamType::Ipv4addr, raw_ip, NOTHING),
    (ParamType::Ipv6addr, raw_ip, NOTHING),
    (ParamType::Mode, raw_mode, Some(flag_names)),
    (ParamType::Fsrelpath, raw_text, Some(absolute_path)),
    (ParamType::Enumflags8, raw_udec, Some(enum_names)),
    (ParamType::Enumflags16, raw_udec, Some(enum_names)),
    (ParamType::Enumflags32, raw_udec, Some(enum_names)),
    (ParamType::Fd32, raw_dec, Some(fd_name)),
    (ParamType::Pid32, raw_dec, Some(comm)),
];

fn renderer(kind: ParamType) -> (Raw, Option<Resolve>) {
    RENDERERS
        .get(kind as usize)
        .map_or((raw_nothing, NOTHING), |(_, raw, resolve)| (*raw, *resolve))
}

impl<'c, 'a> Param<'c, 'a> {
    /// Parameter `index`; `None` when the event or the table does not have it.
    pub fn new(ctx: &'c Ctx<'a>, index: usize) -> Option<Self> {
        let info = ctx.ev.info.params.get(index)?;
        let bytes = ctx.ev.params.get(index)?;
        Some(Param { ctx, info, form: info.form, index, bytes })
    }

    /// Appends `raw` or `raw(resolved)`, as in `evt.args`.
    pub fn both(&self, style: &Style, out: &mut Vec<u8>) {
        if self.write_absent(out) {
            return;
        }
        let (raw, resolve) = renderer(self.info.kind);
        raw(self, style, out);
        let Some(resolve) = resolve else { return };
        let mark = out.len();
        out.push(b'(');
        if resolve(self, style, out) && out.len() > mark + 1 {
            out.push(b')');
        } else {
            out.truncate(mark);
        }
    }

    /// Appends the resolved text, or the raw one when there is none, as in `evt.arg.NAME`.
    pub fn best(&self, style: &Style, out: &mut Vec<u8>) {
        if self.write_absent(out) {
            return;
        }
        let (raw, resolve) = renderer(self.info.kind);
        let start = out.len();
        if !resolve.is_some_and(|resolve| resolve(self, style, out)) || out.len() == start {
            raw(self, style, out);
        }
    }

    /// Appends the raw text.
    pub fn raw(&self, style: &Style, out: &mut Vec<u8>) {
        if !self.write_absent(out) {
            renderer(self.info.kind).0(self, style, out);
        }
    }

    /// Appends the resolved text; false when there is none.
    pub fn resolved(&self, style: &Style, out: &mut Vec<u8>) -> bool {
        let resolve = renderer(self.info.kind).1.filter(|_| !self.is_absent());
        resolve.is_some_and(|resolve| resolve(self, style, out))
    }

    /// Whether the value is not known.
    pub fn is_absent(&self) -> bool {
        self.bytes.is_empty() || (self.is_text() && trim_nul(self.bytes) == b"(NULL)")
    }

    fn is_text(&self) -> bool {
        matches!(self.info.kind, ParamType::Charbuf | ParamType::Fspath | ParamType::Fsrelpath)
    }

    fn write_absent(&self, out: &mut Vec<u8>) -> bool {
        let absent = self.is_absent();
        if absent {
            out.extend_from_slice(match self.info.kind {
                ParamType::Bytebuf
                | ParamType::Socktuple
                | ParamType::Fdlist
                | ParamType::Charbufarray
                | ParamType::CharbufPairArray
                | ParamType::Dyn => b"NULL",
                _ => ABSENT,
            });
        }
        absent
    }

    /// The value as a number of its own width.
    ///
    /// DIFFERENCE(sysdig 0.41.4): the timeout -1 of a poll is -1, not 4294967295.
    pub fn int(&self) -> Option<i64> {
        let number = read_int(self.bytes)?;
        Some(if self.form == Form::CInt { c_int(number) } else { number })
    }

    /// The value as an unsigned number of its own width.
    pub fn uint(&self) -> Option<u64> {
        read_uint(self.bytes)
    }

    /// The flag table, empty when none is declared.
    pub fn symbols(&self) -> &'a [(Box<str>, i64)] {
        self.info
            .symbols
            .and_then(|i| self.ctx.tables.symbols.get(i))
            .map_or(&[], SymbolTable::as_slice)
    }

    /// The member of a typed union that the first byte chooses.
    pub fn member(&self) -> Option<Param<'c, 'a>> {
        let (selector, bytes) = self.bytes.split_first()?;
        let members = self.ctx.tables.variants.get(self.info.variants?)?;
        let info = members.get(usize::from(*selector))?;
        Some(Param { info, bytes, ..*self })
    }

    /// Appends the path in this parameter, absolute and without `.` and `..`; a relative one behind
    /// `unknown` when it is not known where it starts.
    pub fn absolute_path(&self, unknown: &[u8], out: &mut Vec<u8>) {
        let given = trim_nul(self.bytes);
        let base = base_dir(self);
        if base.is_none() && given.first() != Some(&b'/') {
            out.extend_from_slice(unknown);
        }
        path::join(base.unwrap_or(b""), given, out);
    }

    /// The descriptor that the number in this parameter means.
    pub fn fd(&self) -> Option<&'a Fd> {
        let thread = self.ctx.thread?;
        self.ctx.state.fd(thread, self.int()?)
    }
}

/// The C int whose 32 bits stand in `number`; a number that has more is left as it is.
fn c_int(number: i64) -> i64 {
    u32::try_from(number).map_or(number, |bits| i64::from(bits as i32))
}

/// A value whose width is not that of its type.
fn misfit(out: &mut Vec<u8>) {
    out.extend_from_slice(b"INVALID");
}

fn raw_nothing(_: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    out.extend_from_slice(ABSENT);
}

fn in_form(p: &Param<'_, '_>, out: &mut Vec<u8>, decimal: fn(&mut Vec<u8>, i64)) {
    match (p.form, p.uint()) {
        (_, None) => misfit(out),
        (Form::Hex, Some(n)) => hex(out, n),
        (Form::Oct, Some(n)) => oct(out, n, true),
        _ => decimal(out, p.int().unwrap_or(0)),
    }
}

fn raw_int(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    in_form(p, out, dec);
}

/// Numbers of 32 and 64 bits are printed as signed ones: a limit of all ones is -1.
fn raw_uint_as_signed(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    in_form(p, out, dec);
}

fn raw_uint(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match (p.form, p.uint()) {
        (Form::Hex, Some(n)) => hex(out, n),
        (Form::Oct, Some(n)) => oct(out, n, true),
        (_, Some(n)) => udec(out, n),
        (_, None) => misfit(out),
    }
}

fn raw_dec(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match p.int() {
        Some(n) => dec(out, n),
        None => misfit(out),
    }
}

fn raw_udec(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match p.uint() {
        Some(n) => udec(out, n),
        None => misfit(out),
    }
}

fn raw_text(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    style.text(out, trim_nul(p.bytes));
}

fn raw_bytes(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    style.bytes(out, p.bytes);
}

fn raw_sockaddr(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    addr::sockaddr(out, p.bytes, style, ports(p.ctx, p.ctx.fd));
}

fn raw_socktuple(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    addr::socktuple(out, p.bytes, style, ports(p.ctx, p.ctx.fd));
}

fn raw_ip(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match p.bytes.len() {
        4 => addr::ip(out, <[u8; 4]>::try_from(p.bytes).unwrap_or_default().into()),
        16 => addr::ip(out, <[u8; 16]>::try_from(p.bytes).unwrap_or_default().into()),
        _ => misfit(out),
    }
}

/// Descriptors and event masks of a poll: `u16 count`, then `i64 descriptor, i16 mask` each.
pub fn fdlist(bytes: &[u8]) -> impl Iterator<Item = (i64, u16)> + '_ {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.u16().unwrap_or(0);
    (0..count).map_while(move |_| Some((cursor.i64()?, cursor.u16()?)))
}

fn raw_fdlist(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    for (i, (num, mask)) in fdlist(p.bytes).enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        let fd = p.ctx.thread.and_then(|t| p.ctx.state.fd(t, num));
        dec(out, num);
        out.push(b':');
        out.push(fd.map_or(b'?', |fd| p.ctx.tables.fd_type(fd.kind).char));
        hex_lower(out, u64::from(mask));
    }
}

fn raw_reltime(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match p.uint() {
        Some(u64::MAX) => out.extend_from_slice(b"none"),
        Some(n) => udec(out, n),
        None => misfit(out),
    }
}

fn reltime_seconds(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) -> bool {
    match p.uint() {
        None | Some(u64::MAX) => false,
        Some(ns) => {
            general(out, ns as f64 / 1e9);
            out.push(b's');
            true
        }
    }
}

fn raw_abstime(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match p.uint() {
        Some(ns) => time::date_time(out, ns, &p.ctx.tables.zone),
        None => misfit(out),
    }
}

fn raw_id(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match p.uint() {
        Some(0xffff_ffff) => out.extend_from_slice(b"-1"),
        Some(n) => udec(out, n),
        None => misfit(out),
    }
}

fn raw_mode(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    match p.uint() {
        Some(n) => oct(out, n, true),
        None => misfit(out),
    }
}

fn raw_dyn(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    match p.member() {
        Some(member) => member.raw(style, out),
        None => out.extend_from_slice(b"INVALID DYNAMIC PARAMETER"),
    }
}

fn resolve_dyn(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) -> bool {
    p.member().is_some_and(|member| member.resolved(style, out))
}

fn push_name(out: &mut Vec<u8>, name: Option<&str>) -> bool {
    out.extend_from_slice(name.unwrap_or("").as_bytes());
    name.is_some()
}

fn errno_name(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) -> bool {
    let number = p.int().filter(|n| *n < 0);
    push_name(out, number.and_then(|n| p.ctx.tables.errno.name(n.unsigned_abs())))
}

/// The type and name of the descriptor; what a negative number means instead.
///
/// DIFFERENCE(sysdig 0.41.4): only a return value is an error number; elsewhere -1 is no EPERM.
fn fd_name(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) -> bool {
    match p.int() {
        Some(AT_FDCWD) => push_name(out, Some("AT_FDCWD")),
        Some(n) if n < 0 && p.index == 0 => errno_name(p, style, out),
        Some(n) if n >= 0 => match p.fd() {
            Some(fd) => {
                descriptor(p.ctx, fd, style, out);
                true
            }
            None => false,
        },
        _ => false,
    }
}

/// Appends `<TYPE>name`.
pub fn descriptor(ctx: &Ctx<'_>, fd: &Fd, style: &Style, out: &mut Vec<u8>) {
    out.push(b'<');
    out.push(ctx.tables.fd_type(fd.kind).char);
    out.extend(crate::extract::fd::l4_char(fd));
    out.push(b'>');
    fd_text(ctx, fd, style, out);
}

/// How the ports of `fd` are shown.
fn ports<'a>(ctx: &Ctx<'a>, fd: Option<&Fd>) -> addr::Ports<'a> {
    addr::Ports { services: &ctx.tables.services, l4: fd.map_or(L4::Tcp, |fd| fd.l4) }
}

/// Appends the name of a descriptor, with names for ports when they are wanted.
pub fn fd_text(ctx: &Ctx<'_>, fd: &Fd, style: &Style, out: &mut Vec<u8>) {
    match fd.tuple {
        Some(tuple) if fd.kind.is_ip() && !ctx.tables.services.is_empty() => {
            addr::socket(out, &tuple, fd.kind.is_server(), ports(ctx, Some(fd)));
        }
        _ => style.text(out, fd.name.as_deref().unwrap_or(b"")),
    }
}

fn comm(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(thread) = p.int().and_then(|tid| p.ctx.state.thread(tid)) else { return false };
    style.text(out, &thread.comm);
    true
}

/// The directory that a relative path starts from; `None` when it is not known.
fn base_dir<'a>(p: &Param<'_, 'a>) -> Option<&'a [u8]> {
    let thread = p.ctx.thread?;
    let Some(position) = p.info.dirfd else { return Some(cwd(p.ctx)) };
    match p.ctx.ev.params.int(usize::from(position))? {
        AT_FDCWD => Some(cwd(p.ctx)),
        num => p.ctx.state.fd(thread, num)?.name.as_deref(),
    }
}

/// The working directory of the event's process.
pub fn cwd<'a>(ctx: &Ctx<'a>) -> &'a [u8] {
    ctx.thread.map_or(&[][..], |t| &ctx.state.main_thread(t).cwd)
}

fn absolute_path(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) -> bool {
    let given = trim_nul(p.bytes);
    if given.is_empty() || given[0] == b'/' || given == ABSENT || p.ctx.thread.is_none() {
        return false;
    }
    if style.escape {
        let mut joined = Vec::new();
        p.absolute_path(b"", &mut joined);
        style.text(out, &joined);
    } else {
        p.absolute_path(b"", out);
    }
    true
}

fn syscall_name(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) -> bool {
    push_name(out, p.uint().and_then(|id| p.ctx.tables.syscall(id)))
}

fn signal_name(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) -> bool {
    push_name(out, p.uint().and_then(|n| p.ctx.tables.signals.name(n)))
}

fn raw_sigset(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) {
    let Some(set) = p.uint() else { return misfit(out) };
    let start = out.len();
    for number in (1..=32u64).filter(|n| set >> (n - 1) & 1 == 1) {
        if let Some(name) = p.ctx.tables.signals.name(number) {
            if out.len() > start {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
        }
    }
}

/// Names of the set bits; each bit is named once, and an entry for the whole value ends the list.
fn flag_names(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) -> bool {
    let Some(value) = p.uint() else { return false };
    let start = out.len();
    each_flag(value, p.symbols(), |name| push_joined(out, start, name));
    out.len() > start
}

/// Calls `found` for every named part of `value`; what remains is returned.
pub fn each_flag(value: u64, table: &[(Box<str>, i64)], mut found: impl FnMut(&str)) -> u64 {
    let mut rest = value;
    for (name, bits) in table {
        let bits = *bits as u64;
        let whole = bits == value;
        if whole || (bits != 0 && rest & bits == bits) {
            found(name);
            rest &= !bits;
        }
        if whole {
            break;
        }
    }
    rest
}

fn push_joined(out: &mut Vec<u8>, start: usize, name: &str) {
    if out.len() > start {
        out.push(b'|');
    }
    out.extend_from_slice(name.as_bytes());
}

fn enum_names(p: &Param<'_, '_>, _: &Style, out: &mut Vec<u8>) -> bool {
    let Some(value) = p.uint() else { return false };
    let start = out.len();
    for (name, _) in p.symbols().iter().filter(|(_, n)| *n as u64 == value) {
        push_joined(out, start, name);
    }
    out.len() > start
}

fn user_name(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(uid) = p.uint().and_then(|n| u32::try_from(n).ok()) else { return false };
    id_name(uid, crate::extract::user::user_name(p.ctx, uid), style, out)
}

fn group_name(p: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(gid) = p.uint().and_then(|n| u32::try_from(n).ok()) else { return false };
    id_name(gid, crate::extract::user::group_name(p.ctx, gid), style, out)
}

fn id_name(id: u32, name: Option<&[u8]>, style: &Style, out: &mut Vec<u8>) -> bool {
    match name {
        _ if id == u32::MAX => out.extend_from_slice(b"<NONE>"),
        Some(name) => style.text(out, name),
        None => out.extend_from_slice(ABSENT),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_types() {
        for (position, (kind, _, _)) in RENDERERS.iter().enumerate() {
            assert_eq!(*kind as usize, position, "{kind:?}");
        }
        assert_eq!(RENDERERS.len(), crate::tables::PARAM_TYPES.len());
    }

    fn names(value: u64, table: &[(&str, i64)]) -> (String, u64) {
        let table: Vec<_> = table.iter().map(|(n, v)| (Box::from(*n), *v)).collect();
        let mut found = Vec::new();
        let rest = each_flag(value, &table, |n| found.push(n.to_owned()));
        (found.join("|"), rest)
    }

    #[test]
    fn flags_are_named_once_and_leave_the_rest() {
        let table = [("DIRECTORY", 1024), ("RDWR", 3), ("WRONLY", 2), ("RDONLY", 1), ("NONE", 0)];
        assert_eq!(names(1027, &table), ("DIRECTORY|RDWR".into(), 0));
        assert_eq!(names(0, &table), ("NONE".into(), 0));
        assert_eq!(names(1 << 20 | 1, &table), ("RDONLY".into(), 1 << 20));
        assert_eq!(names(4, &table), (String::new(), 4));
    }

    #[test]
    fn a_c_int_in_a_wide_field_has_its_sign() {
        assert_eq!(c_int(0xffff_ffff), -1);
        assert_eq!(c_int(1000), 1000);
        assert_eq!(c_int(-1), -1);
        assert_eq!(c_int(1 << 33), 1 << 33);
    }

    #[test]
    fn a_lying_descriptor_list_ends_early() {
        let bytes = [9, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 7];
        assert_eq!(fdlist(&bytes).collect::<Vec<_>>(), [(4, 1)]);
    }
}
