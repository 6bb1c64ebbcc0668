//! Fields of the event itself.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: `latency`.

use super::Get::{Borrow, Formed, Int, OutputTime, Text, Time, Uint, Value as Val};
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::render::num::dec;
use crate::render::param::Param;
use crate::render::value::NumberForm;
use crate::render::{call, time, Style};
use crate::state::FdKind;
use crate::tables::{flag, Form, ParamType};
use crate::value::Value;

/// Codes whose meaning is not in the event table: calls without a decoder carry their name in a
/// parameter, and so do events of plugins.
const GENERIC: [u16; 2] = [0, 1];
const ASYNC: u16 = 402;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("evt.num", Uint(|c, _| Some(c.ev.num))),
    ("evt.time", Time(time::time_of_day)),
    ("evt.time.s", Time(time::time_of_day_s)),
    ("evt.time.iso8601", Time(time::iso8601)),
    ("evt.datetime", Time(time::date_time)),
    ("evt.datetime.s", Time(time::date_time_s)),
    ("evt.rawtime", Val(|c, _| Some(Value::Uint(c.ev.ts_ns)))),
    ("evt.rawtime.s", Val(|c, _| Some(Value::Uint(c.ev.ts_ns / NS)))),
    ("evt.rawtime.ns", Val(|c, _| Some(Value::Uint(c.ev.ts_ns % NS)))),
    ("evt.reltime", Val(|c, _| since_start_ns(c).map(Value::Uint))),
    ("evt.reltime.s", Val(|c, _| since_start_ns(c).map(|ns| Value::Uint(ns / NS)))),
    ("evt.reltime.ns", Val(|c, _| since_start_ns(c).map(|ns| Value::Uint(ns % NS)))),
    ("evt.deltatime", Val(|c, s| Some(Value::Uint(delta_ns(c, s))))),
    ("evt.deltatime.s", Val(|c, s| Some(Value::Uint(delta_ns(c, s) / NS)))),
    ("evt.deltatime.ns", Val(|c, s| Some(Value::Uint(delta_ns(c, s) % NS)))),
    ("evt.outputtime", OutputTime(output_time)),
    ("evt.pluginname", Val(|_, _| None)),
    ("evt.plugininfo", Val(|_, _| None)),
    ("evt.source", Val(source)),
    ("evt.is_async", Val(|c, _| Some(Value::Bool(c.ev.info.is_meta)))),
    ("evt.asynctype", Val(|c, _| async_name(c).map(Value::text))),
    ("evt.hostname", Val(hostname)),
    ("evt.dir", Borrow(|c, _| Some(if c.ev.info.is_enter { b">" } else { b"<" }))),
    ("evt.type", Borrow(|c, _| Some(type_name(c)))),
    ("evt.type.is", Val(type_is)),
    (
        "syscall.type",
        Val(|c, _| c.ev.info.in_category("SYSCALL").then(|| Value::text(type_name(c)))),
    ),
    ("evt.category", Val(|c, _| Some(Value::text(category(c))))),
    ("evt.cpu", Int(|c, _| Some(c.ev.cpu.into()))),
    ("evt.args", Text(args)),
    ("evt.info", Text(args)),
    ("evt.call", Text(as_call)),
    ("evt.arg", Text(arg)),
    ("evt.rawarg", Formed(rawarg, rawarg_form)),
    ("evt.buffer", Val(|c, _| buffer(c).map(Value::Bytes))),
    ("evt.buflen", Val(|c, _| buflen(c, Way::Any, |_| true))),
    ("evt.buflen.in", Val(|c, _| buflen(c, Way::In, |_| true))),
    ("evt.buflen.out", Val(|c, _| buflen(c, Way::Out, |_| true))),
    ("evt.buflen.file", Val(|c, _| buflen(c, Way::Any, is_file))),
    ("evt.buflen.file.in", Val(|c, _| buflen(c, Way::In, is_file))),
    ("evt.buflen.file.out", Val(|c, _| buflen(c, Way::Out, is_file))),
    ("evt.buflen.net", Val(|c, _| buflen(c, Way::Any, FdKind::is_ip))),
    ("evt.buflen.net.in", Val(|c, _| buflen(c, Way::In, FdKind::is_ip))),
    ("evt.buflen.net.out", Val(|c, _| buflen(c, Way::Out, FdKind::is_ip))),
    ("evt.res", Text(res)),
    ("evt.rawres", Val(|c, _| c.ev.retval().map(Value::Int))),
    ("evt.failed", Val(|c, _| c.ev.retval().map(|r| Value::Bool(r < 0)))),
    ("evt.is_io", Val(|c, _| Some(Value::Bool(Way::Any.is(c))))),
    ("evt.is_io_read", Val(|c, _| Some(Value::Bool(Way::In.is(c))))),
    ("evt.is_io_write", Val(|c, _| Some(Value::Bool(Way::Out.is(c))))),
    ("evt.io_dir", Val(io_dir)),
    ("evt.is_wait", Val(|c, _| Some(Value::Bool(c.ev.info.has(flag::WAITS))))),
    ("evt.is_syslog", Val(|c, _| Some(Value::Bool(is_syslog(c))))),
    ("evt.count", Val(|_, _| Some(Value::Uint(1)))),
    ("evt.count.error", Val(|c, _| errors(c, |_| true))),
    ("evt.count.error.file", Val(|c, _| errors(c, about_files))),
    ("evt.count.error.net", Val(|c, _| errors(c, about_network))),
    ("evt.count.error.memory", Val(|c, _| errors(c, about_memory))),
    ("evt.count.error.other", Val(|c, _| errors(c, about_others))),
    ("evt.count.exit", Val(|c, _| (!c.ev.info.is_enter).then_some(Value::Uint(1)))),
    ("evt.count.procinfo", Val(|c, _| Some(Value::Uint((is_procinfo(c) && is_main(c)).into())))),
    ("evt.count.threadinfo", Val(|c, _| Some(Value::Uint(is_procinfo(c).into())))),
    ("evt.around", Val(around)),
    ("evt.abspath", Text(abspath)),
    ("evt.is_open_read", Val(|c, _| open_flag(c, O_RDONLY))),
    ("evt.is_open_write", Val(|c, _| open_flag(c, O_WRONLY))),
    ("evt.is_open_exec", Val(|c, _| Some(Value::Bool(makes_executable(c))))),
    ("evt.is_open_create", Val(|c, _| Some(Value::Bool(creates_file(c))))),
    ("evt.infra.docker.name", Val(|c, _| named(c, "infra", "name"))),
    ("evt.infra.docker.container.id", Val(|c, _| docker(c, b"container.id"))),
    ("evt.infra.docker.container.name", Val(|c, _| docker(c, b"container.name"))),
    ("evt.infra.docker.container.image", Val(|c, _| docker(c, b"container.image"))),
    ("util.cnt", Val(|c, s| Some(Value::Uint(s.once(c, |m| m.result + 1))))),
];

const NS: u64 = 1_000_000_000;
const NS_PER_MS: u64 = 1_000_000;

/// Open flags in the format's numbering.
const O_RDONLY: u64 = 1;
const O_WRONLY: u64 = 2;
const O_CREAT: u64 = 4;
const O_TMPFILE: u64 = 1 << 13;
const O_F_CREATED: u64 = 1 << 14;

/// Any execute bit of a file mode.
const EXECUTE_BITS: u64 = 0o111;

/// Time since the first visible event of the capture; none for internal events before it.
///
/// DIFFERENCE(libs 0.25-dev): there, the time of day for those.
fn since_start_ns(ctx: &Ctx<'_>) -> Option<u64> {
    ctx.clock.first_ns.map(|first| ctx.ev.ts_ns.saturating_sub(first))
}

fn relative_ns(ctx: &Ctx<'_>) -> u64 {
    since_start_ns(ctx).unwrap_or(0)
}

/// Time since the event for which this field was computed before.
fn delta_ns(ctx: &Ctx<'_>, slot: &Slot) -> u64 {
    slot.once(ctx, |memory| {
        let last = memory.last.replace(ctx.ev.ts_ns);
        ctx.ev.ts_ns.saturating_sub(last.unwrap_or(ctx.ev.ts_ns))
    })
}

fn output_time(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    use crate::render::TimeStyle;
    let (now, zone) = (ctx.ev.ts_ns, &ctx.tables.zone);
    match style.time {
        TimeStyle::Clock => time::time_of_day(out, now, zone),
        // DIFFERENCE(sysdig 0.41.4): the fraction keeps its leading zeros.
        TimeStyle::Epoch => time::seconds(out, now),
        TimeStyle::Relative => time::seconds(out, relative_ns(ctx)),
        // DIFFERENCE(libs 0.25-dev): absent, not zero, where it was not measured.
        TimeStyle::Duration => match ctx.ev.duration_ns {
            Some(ns) => time::seconds(out, ns),
            None => return false,
        },
        TimeStyle::Delta => {
            time::seconds(out, now.saturating_sub(ctx.clock.shown_ns.unwrap_or(now)));
        }
        TimeStyle::Iso => time::iso8601(out, now, zone),
    }
    true
}

fn source<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    (!ctx.ev.info.in_category("PLUGIN")).then(|| Value::text(b"syscall"))
}

fn async_name<'a>(ctx: &Ctx<'a>) -> Option<&'a [u8]> {
    if ctx.ev.code == ASYNC {
        ctx.ev.params.text(1)
    } else {
        ctx.ev.info.is_meta.then_some(ctx.ev.info.name.as_bytes())
    }
}

/// DIFFERENCE(sysdig 0.41.4): the name in the file, not nothing.
fn hostname<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    let name = &ctx.state.machine.hostname;
    (!name.is_empty()).then(|| Value::text(name))
}

/// The name of the event as users know it.
pub fn type_name<'a>(ctx: &Ctx<'a>) -> &'a [u8] {
    let own = ctx.ev.info.name.as_bytes();
    if is_generic(ctx) {
        return generic_name(ctx).map_or(own, str::as_bytes);
    }
    async_name(ctx).unwrap_or(own)
}

/// The name of a call without a decoder; by its number on the machine, taken to be of this
/// architecture, when whoever wrote the file did not know it.
fn generic_name<'a>(ctx: &Ctx<'a>) -> Option<&'a str> {
    let params = &ctx.ev.params;
    match params.uint(0)? {
        0 => {
            let number = params.uint(1).and_then(|n| u32::try_from(n).ok());
            let known = number.and_then(|n| ctx.tables.native(std::env::consts::ARCH, n));
            known.or_else(|| ctx.tables.syscall(0))
        }
        id => ctx.tables.syscall(id),
    }
}

fn type_is<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    let wanted = slot.word()?.as_bytes();
    Some(Value::Uint((type_name(ctx) == wanted).into()))
}

/// What the table says the event is about.
fn own_category<'a>(ctx: &Ctx<'a>) -> &'a str {
    ctx.ev.info.categories.last().map_or("UNKNOWN", |c| c)
}

/// What an event is about; calls that transfer data are about their descriptor.
fn category<'a>(ctx: &Ctx<'a>) -> &'a [u8] {
    match own_category(ctx) {
        "FILE" => b"file",
        "NET" => b"net",
        "IPC" => b"IPC",
        "MEMORY" => b"memory",
        "PROCESS" => b"process",
        "SLEEP" => b"sleep",
        "SYSTEM" => b"system",
        "SIGNAL" => b"signal",
        "USER" => b"user",
        "TIME" => b"time",
        "PROCESSING" => b"processing",
        "IO_READ" | "IO_WRITE" | "IO_OTHER" => io_category(ctx),
        "WAIT" => b"wait",
        "SCHEDULER" => b"scheduler",
        "INTERNAL" => b"internal",
        "UNKNOWN" => b"unknown",
        _ => b"other",
    }
}

fn io_category(ctx: &Ctx<'_>) -> &'static [u8] {
    match ctx.fd.map(|fd| fd.kind) {
        Some(FdKind::File | FdKind::FileV2 | FdKind::Directory) => b"file",
        Some(kind) if kind.is_ip() => b"net",
        Some(
            FdKind::Fifo
            | FdKind::Unix
            | FdKind::Event
            | FdKind::Signalfd
            | FdKind::Inotify
            | FdKind::Userfaultfd,
        ) => b"ipc",
        _ => b"unknown",
    }
}

fn args(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    write_args(ctx, style, out);
    true
}

/// Whether the event is a call without a decoder: its one parameter is its name.
pub fn is_generic(ctx: &Ctx<'_>) -> bool {
    GENERIC.contains(&ctx.ev.code)
}

/// Appends `name=value name=value`; nothing for calls without a decoder.
pub fn write_args(ctx: &Ctx<'_>, style: &Style, out: &mut Vec<u8>) {
    if is_generic(ctx) {
        return;
    }
    for index in 0..ctx.ev.params.len() {
        let Some(param) = Param::new(ctx, index) else { break };
        let label = param.info.label.as_bytes();
        out.extend_from_slice(&label[usize::from(index == 0)..]);
        param.both(style, out);
    }
}

/// The event as strace writes it.
fn as_call(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    call::call(ctx, style, out);
    true
}

fn arg(ctx: &Ctx<'_>, slot: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(param) = slot.param(ctx).and_then(|i| Param::new(ctx, i)) else { return false };
    param.best(style, out);
    true
}

fn known_arg<'c, 'a>(ctx: &'c Ctx<'a>, slot: &Slot) -> Option<Param<'c, 'a>> {
    Param::new(ctx, slot.param(ctx)?).filter(|p| !p.is_absent())
}

/// A parameter in its own type; where that is none that can be compared, its text.
///
/// DIFFERENCE(sysdig 0.41.4): tuples, lists, modes, signals and system calls have a value, too.
fn rawarg<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    let param = known_arg(ctx, slot)?;
    let param = param.member().unwrap_or(param);
    raw_value(&param)
}

fn raw_value<'a>(param: &Param<'_, 'a>) -> Option<Value<'a>> {
    use ParamType as T;
    match param.info.kind {
        T::Int8
        | T::Int16
        | T::Int32
        | T::Int64
        | T::Errno
        | T::Fd
        | T::Pid
        | T::Fd32
        | T::Pid32 => param.int().map(Value::Int),
        T::Charbuf | T::Fspath | T::Fsrelpath => {
            Some(Value::text(crate::bytes::trim_nul(param.bytes)))
        }
        T::Bytebuf => Some(Value::Bytes(param.bytes.into())),
        T::Sockaddr
        | T::Socktuple
        | T::Fdlist
        | T::Sigset
        | T::Dyn
        | T::None
        | T::Charbufarray
        | T::CharbufPairArray
        | T::Ipv4addr
        | T::Ipv6addr => {
            let mut out = Vec::new();
            param.raw(&Style::default(), &mut out);
            Some(Value::owned(out))
        }
        _ => param.uint().map(Value::Uint),
    }
}

/// The print form of the parameter.
fn rawarg_form(ctx: &Ctx<'_>, slot: &Slot) -> NumberForm {
    match known_arg(ctx, slot).map(|param| param.form) {
        Some(Form::Hex) => NumberForm::Hex,
        Some(Form::Oct) => NumberForm::Oct,
        _ => NumberForm::Dec,
    }
}

fn named<'a>(ctx: &Ctx<'a>, event: &str, param: &str) -> Option<Value<'a>> {
    if *ctx.ev.info.name != *event {
        return None;
    }
    ctx.ev.params.text(position(ctx, param)?).map(Value::text)
}

/// Position of the event's parameter called `name`.
pub fn position(ctx: &Ctx<'_>, name: &str) -> Option<usize> {
    ctx.ev.info.params.iter().position(|p| *p.name == *name)
}

/// DIFFERENCE(libs 0.25-dev): no data are empty, not "NULL" and what follows in memory.
fn buffer<'a>(ctx: &Ctx<'a>) -> Option<std::borrow::Cow<'a, [u8]>> {
    let index = position(ctx, "data")?;
    let is_buffer = ctx.ev.info.params.get(index)?.kind == ParamType::Bytebuf;
    let bytes = ctx.ev.params.get(index)?;
    is_buffer.then_some(bytes.into())
}

/// Direction of a transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Any,
    In,
    Out,
}

impl Way {
    fn is(self, ctx: &Ctx<'_>) -> bool {
        let (read, write) = (flag::READS_FROM_FD, flag::WRITES_TO_FD);
        let bits = match self {
            Way::Any => read | write,
            Way::In => read,
            Way::Out => write,
        };
        ctx.ev.info.flags & bits != 0
    }
}

fn is_file(kind: FdKind) -> bool {
    matches!(kind, FdKind::File | FdKind::FileV2)
}

/// The result of a call about data, which is the number of bytes where it moves some.
fn buflen<'a>(ctx: &Ctx<'a>, way: Way, wanted: fn(FdKind) -> bool) -> Option<Value<'a>> {
    let kind = ctx.fd?.kind;
    let result = u64::try_from(ctx.ev.retval()?).ok()?;
    let is_way = match (own_category(ctx), way) {
        ("IO_READ", Way::In | Way::Any) | ("IO_WRITE", Way::Out | Way::Any) => true,
        (category, way) => category == "IO_OTHER" && way == Way::Any,
    };
    (is_way && wanted(kind)).then_some(Value::Uint(result))
}

/// "SUCCESS", or the name of the error.
///
/// DIFFERENCE(libs 0.25-dev): also of calls that return a process.
fn res(ctx: &Ctx<'_>, _: &Slot, _: &Style, out: &mut Vec<u8>) -> bool {
    let Some(value) = ctx.ev.retval() else { return false };
    if value >= 0 {
        out.extend_from_slice(b"SUCCESS");
    } else {
        match ctx.tables.errno.name(value.unsigned_abs()) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => dec(out, value),
        }
    }
    true
}

fn io_dir<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    if Way::Out.is(ctx) {
        Some(Value::text(b"write"))
    } else {
        Way::In.is(ctx).then(|| Value::text(b"read"))
    }
}

fn is_syslog(ctx: &Ctx<'_>) -> bool {
    let name = ctx.fd.and_then(|fd| fd.name.as_deref());
    Way::Out.is(ctx) && name.is_some_and(|n| memchr::memmem::find(n, b"/dev/log").is_some())
}

/// Whether a call that failed was about files: by its descriptor, or as one that opens some.
fn about_files(ctx: &Ctx<'_>) -> bool {
    let opens = ["open", "openat", "openat2", "creat", "open_by_handle_at"];
    match ctx.fd.map(|fd| fd.kind) {
        Some(kind) => is_file(kind) || kind == FdKind::Directory,
        None => opens.contains(&&*ctx.ev.info.name),
    }
}

/// Whether a call that failed was about the network.
fn about_network(ctx: &Ctx<'_>) -> bool {
    match ctx.fd.map(|fd| fd.kind) {
        Some(kind) => kind.is_ip() || kind == FdKind::Unix,
        None => matches!(&*ctx.ev.info.name, "accept" | "accept4" | "connect"),
    }
}

fn about_memory(ctx: &Ctx<'_>) -> bool {
    own_category(ctx) == "MEMORY"
}

fn about_others(ctx: &Ctx<'_>) -> bool {
    !about_files(ctx) && !about_network(ctx) && (ctx.fd.is_some() || !about_memory(ctx))
}

fn errors<'a>(ctx: &Ctx<'a>, wanted: fn(&Ctx<'_>) -> bool) -> Option<Value<'a>> {
    let failed = ctx.ev.retval()? < 0;
    wanted(ctx).then_some(Value::Uint(failed.into()))
}

fn is_procinfo(ctx: &Ctx<'_>) -> bool {
    *ctx.ev.info.name == *"procinfo"
}

fn is_main(ctx: &Ctx<'_>) -> bool {
    ctx.thread.is_some_and(|t| t.tid == t.pid)
}

/// Milliseconds between the event and the time in the argument, rounded up.
fn around<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    let centre = u64::try_from(slot.index()?).ok()?;
    Some(Value::Uint(ctx.ev.ts_ns.abs_diff(centre).div_ceil(NS_PER_MS)))
}

/// Calls whose path starts from a descriptor, and the parameter that holds it.
const AT_CALLS: &[(&str, &str)] = &[
    ("renameat", "oldpath"),
    ("renameat2", "oldpath"),
    ("symlinkat", "linkpath"),
    ("openat", "name"),
    ("openat2", "name"),
    ("open_by_handle_at", "path"),
    ("linkat", "oldpath"),
    ("unlinkat", "name"),
    ("mkdirat", "path"),
    ("fchmodat", "filename"),
    ("fchownat", "pathname"),
];

/// The path of the call, with the argument `dst` of one on two paths the second, made absolute.
fn abspath(ctx: &Ctx<'_>, slot: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let call = &*ctx.ev.info.name;
    let Some((_, first)) = AT_CALLS.iter().find(|(name, _)| *name == call) else { return false };
    let wanted = if slot.word() == Some("dst") && *first == "oldpath" { "newpath" } else { first };
    let param = position(ctx, wanted).and_then(|i| Param::new(ctx, i)).filter(|p| !p.is_absent());
    let has_path = call != "open_by_handle_at" || ctx.ev.retval().is_some_and(|fd| fd > 0);
    let Some(param) = param.filter(|_| has_path) else { return false };
    let mut path = Vec::new();
    param.absolute_path(b"<UNKNOWN>/", &mut path);
    style.text(out, &path);
    true
}

fn is_open(ctx: &Ctx<'_>) -> bool {
    matches!(&*ctx.ev.info.name, "open" | "openat" | "openat2" | "open_by_handle_at")
}

fn open_flags(ctx: &Ctx<'_>) -> Option<u64> {
    ctx.ev.params.uint(position(ctx, "flags")?)
}

fn open_flag<'a>(ctx: &Ctx<'a>, bit: u64) -> Option<Value<'a>> {
    Some(Value::Bool(is_open(ctx) && open_flags(ctx).is_some_and(|flags| flags & bit != 0)))
}

/// The call made a file, in a directory or without a name.
fn creates_file(ctx: &Ctx<'_>) -> bool {
    let succeeded = ctx.ev.retval().is_some_and(|fd| fd >= 0);
    let bits = if succeeded { O_F_CREATED | O_TMPFILE } else { O_F_CREATED };
    is_open(ctx) && open_flags(ctx).is_some_and(|flags| flags & bits != 0)
}

/// A file is made with an execute bit in its mode.
fn makes_executable(ctx: &Ctx<'_>) -> bool {
    let creates = *ctx.ev.info.name == *"creat"
        || is_open(ctx) && open_flags(ctx).is_some_and(|f| f & (O_CREAT | O_TMPFILE) != 0);
    let mode = position(ctx, "mode").and_then(|i| ctx.ev.params.uint(i));
    creates && mode.is_some_and(|mode| mode & EXECUTE_BITS != 0)
}

/// A value of the scope of an infrastructure event, which is `key='value'` terms.
fn docker<'a>(ctx: &Ctx<'a>, key: &[u8]) -> Option<Value<'a>> {
    if *ctx.ev.info.name != *"infra" {
        return None;
    }
    let scope = ctx.ev.params.text(position(ctx, "scope")?)?;
    let at = memchr::memmem::find(scope, key)? + key.len();
    let value = scope.get(at..)?.strip_prefix(b"=")?;
    let value = value.strip_prefix(b"'").unwrap_or(value);
    let end = value.iter().position(|b| matches!(b, b'\'' | b' ')).unwrap_or(value.len());
    value.get(..end).map(Value::text)
}
