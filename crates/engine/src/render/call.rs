//! A call as strace writes it: `openat(AT_FDCWD, "/x", O_RDONLY) = 3</x> <0.000012>`.
//!
//! In: an event, and which of its parameters are arguments of the call. Out: text appended to a
//! line. Next: `extract::evt`.
//! Source: strace(1).

use super::num::{dec, hex_lower, oct, padded, udec};
use super::param::{each_flag, Param};
use super::{escape, BufferMode, Style};
use crate::bytes::trim_nul;
use crate::ctx::Ctx;
use crate::tables::{flag, Form, ParamType};

/// Stands for a value that is not known.
const UNKNOWN: &[u8] = b"?";

/// Appends the event as a call; kernel events as strace writes signals and exits.
pub fn call(ctx: &Ctx<'_>, style: &Style, out: &mut Vec<u8>) {
    if !ctx.ev.info.in_category("SYSCALL") {
        return note(ctx, style, out);
    }
    out.extend_from_slice(crate::extract::evt::type_name(ctx));
    if crate::extract::evt::is_generic(ctx) {
        return out.extend_from_slice(b"(...)");
    }
    out.push(b'(');
    arguments(ctx, style, out);
    if ctx.ev.info.is_enter {
        return out.extend_from_slice(b" <unfinished ...>");
    }
    out.extend_from_slice(b") = ");
    result(ctx, style, out);
    if let Some(ns) = ctx.ev.duration_ns {
        duration(ns, out);
    }
}

fn duration(ns: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b" <");
    udec(out, ns / 1_000_000_000);
    out.push(b'.');
    padded(out, ns % 1_000_000_000 / 1000, 6);
    out.push(b'>');
}

/// `+++ exited with 0 +++`, or `--- name arg=value ---`.
fn note(ctx: &Ctx<'_>, style: &Style, out: &mut Vec<u8>) {
    let number = |name| ctx.ev.params.uint(crate::extract::evt::position(ctx, name)?);
    match (&*ctx.ev.info.name, number("ret"), number("sig")) {
        ("procexit", Some(_), Some(sig)) if sig != 0 => {
            out.extend_from_slice(b"+++ killed by ");
            match ctx.tables.signals.name(sig) {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => udec(out, sig),
            }
            out.extend_from_slice(b" +++");
        }
        ("procexit", Some(code), _) => {
            out.extend_from_slice(b"+++ exited with ");
            udec(out, code);
            out.extend_from_slice(b" +++");
        }
        _ => {
            out.extend_from_slice(b"--- ");
            out.extend_from_slice(crate::extract::evt::type_name(ctx));
            out.push(b' ');
            crate::extract::evt::write_args(ctx, style, out);
            out.extend_from_slice(b" ---");
        }
    }
}

fn arguments(ctx: &Ctx<'_>, style: &Style, out: &mut Vec<u8>) {
    for (i, position) in ctx.ev.info.call.iter().filter(|at| !is_needless(ctx, **at)).enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        match Param::new(ctx, usize::from(*position)) {
            Some(param) => argument(&param, style, out),
            None => out.extend_from_slice(UNKNOWN),
        }
    }
}

/// Whether an argument is the mode of an open that makes no file.
fn is_needless(ctx: &Ctx<'_>, at: u8) -> bool {
    let is_open = ctx.ev.info.has(flag::CREATES_FD);
    let mode = Param::new(ctx, usize::from(at)).filter(|p| is_open && *p.info.name == *"mode");
    mode.is_some_and(|p| p.uint() == Some(0))
}

fn result(ctx: &Ctx<'_>, style: &Style, out: &mut Vec<u8>) {
    let Some(param) = Param::new(ctx, 0).filter(|p| !p.is_absent()) else {
        return out.extend_from_slice(UNKNOWN);
    };
    match param.int() {
        Some(n) if n < 0 && param.info.kind != ParamType::Uid => {
            match ctx.tables.errno.name(n.unsigned_abs()) {
                Some(name) => {
                    out.extend_from_slice(b"-1 ");
                    out.extend_from_slice(name.as_bytes());
                }
                None => dec(out, n),
            }
        }
        _ => argument(&param, style, out),
    }
}

fn argument(param: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    use ParamType as T;
    if param.is_absent() {
        return out.extend_from_slice(match param.info.kind {
            T::Bytebuf | T::Socktuple | T::Sockaddr | T::Dyn => b"NULL",
            _ => UNKNOWN,
        });
    }
    match param.info.kind {
        T::Charbuf | T::Fspath | T::Fsrelpath => quoted(out, trim_nul(param.bytes), None),
        T::Bytebuf => buffer(param, style, out),
        T::Fd => descriptor(param, style, out),
        T::Flags8 | T::Flags16 | T::Flags32 | T::Mode => flags(param, out),
        T::Dyn => match param.member() {
            Some(member) => argument(&member, style, out),
            None => out.extend_from_slice(UNKNOWN),
        },
        T::Fdlist => wrapped(param, *b"[]", style, out),
        T::Socktuple | T::Sockaddr => wrapped(param, *b"{}", style, out),
        T::Enumflags8 | T::Enumflags16 | T::Enumflags32 => enumeration(param, style, out),
        T::Sigtype => param.best(style, out),
        _ if !param.symbols().is_empty() => flags(param, out),
        _ => number(param, style, out),
    }
}

/// The name of a value; of several, the last and usual one, as `AF_UNIX` beside `AF_LOCAL`.
fn enumeration(param: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    let value = param.uint();
    match param.symbols().iter().rfind(|(_, n)| Some(*n as u64) == value) {
        Some((name, _)) => out.extend_from_slice(name.as_bytes()),
        None => param.best(style, out),
    }
}

fn wrapped(param: &Param<'_, '_>, [open, close]: [u8; 2], style: &Style, out: &mut Vec<u8>) {
    out.push(open);
    param.raw(style, out);
    out.push(close);
}

fn number(param: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    match (param.form, param.uint()) {
        (Form::Hex, Some(0)) if *param.info.name == *"addr" => out.extend_from_slice(b"NULL"),
        (_, Some(n)) if *param.info.name == *"mode" => oct(out, n, true),
        (Form::Hex, Some(n)) => {
            out.extend_from_slice(b"0x");
            hex_lower(out, n);
        }
        (Form::Oct, Some(n)) => oct(out, n, true),
        _ => param.raw(style, out),
    }
}

fn descriptor(param: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    match param.int() {
        Some(super::param::AT_FDCWD) => out.extend_from_slice(b"AT_FDCWD"),
        Some(n) => {
            dec(out, n);
            if let Some(name) = param.fd().and_then(|fd| fd.name.as_deref()) {
                out.push(b'<');
                style.text(out, name);
                out.push(b'>');
            }
        }
        None => out.extend_from_slice(UNKNOWN),
    }
}

/// Names of the set bits, then what has no name.
fn flags(param: &Param<'_, '_>, out: &mut Vec<u8>) {
    let Some(value) = param.uint() else { return out.extend_from_slice(UNKNOWN) };
    if param.info.kind == ParamType::Mode {
        return oct(out, value, true);
    }
    let start = out.len();
    let rest = each_flag(value, param.symbols(), |name| {
        if out.len() > start {
            out.push(b'|');
        }
        out.extend_from_slice(name.as_bytes());
    });
    if out.len() == start {
        return if value == 0 { out.push(b'0') } else { hexadecimal(out, value) };
    }
    if rest != 0 {
        out.push(b'|');
        hexadecimal(out, rest);
    }
}

fn hexadecimal(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(b"0x");
    hex_lower(out, n);
}

/// Arguments as a list, the environment as a count, other buffers as a string.
fn buffer(param: &Param<'_, '_>, style: &Style, out: &mut Vec<u8>) {
    match (&*param.info.name, style.buffer) {
        ("args", _) => list(out, param.bytes),
        ("env", _) => {
            out.extend_from_slice(b"/* ");
            udec(out, split_nul(param.bytes).count() as u64);
            out.extend_from_slice(b" vars */");
        }
        (_, BufferMode::Dots) => quoted(out, param.bytes, style.cut),
        _ => param.raw(style, out),
    }
}

fn split_nul(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    trim_nul(bytes).split(|b| *b == 0)
}

fn list(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'[');
    for (i, word) in split_nul(bytes).enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        quoted(out, word, None);
    }
    out.push(b']');
}

/// A string in quotes, always escaped; what is beyond `cut` bytes is shown as an ellipsis.
fn quoted(out: &mut Vec<u8>, bytes: &[u8], cut: Option<usize>) {
    let shown = cut.and_then(|cut| bytes.get(..cut)).unwrap_or(bytes);
    out.push(b'"');
    let mut rest = shown;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        escape::text(out, &rest[..at]);
        out.extend_from_slice(&[b'\\', rest[at]]);
        rest = &rest[at + 1..];
    }
    escape::text(out, rest);
    out.push(b'"');
    if shown.len() < bytes.len() {
        out.extend_from_slice(b"...");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn strings_are_quoted_and_cut() {
        assert_eq!(shown(|o| quoted(o, b"a\"b\\\n\x7f", None)), r#""a\"b\\\n\x7f""#);
        assert_eq!(shown(|o| quoted(o, b"abcdef", Some(3))), "\"abc\"...");
        assert_eq!(shown(|o| quoted(o, b"abc", Some(3))), "\"abc\"");
    }

    #[test]
    fn arguments_are_a_list() {
        assert_eq!(shown(|o| list(o, b"-6\0http://x\0")), r#"["-6", "http://x"]"#);
    }

    #[test]
    fn durations_have_microseconds() {
        assert_eq!(shown(|o| duration(1_000_012_999, o)), " <1.000012>");
    }
}
