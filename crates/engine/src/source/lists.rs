//! The state as the lists that stand at the head of a capture: the way back from [`metadata`].
//!
//! In: [`State`], and the layouts of the plan. Out: blocks of processes and descriptors. Next:
//! `sink::savefile` writes them at the head of each file of a rotation.
//! Source: scap format specification, section 4; the rows come from the construct declarations.
//!
//! [`metadata`]: super::metadata

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::frame::{push_block, push_text};
use crate::plan::{LayoutRow, LayoutRows};
use crate::state::{Fd, State, Text, Thread};

/// Most bytes of a list of texts and of any other text that every reader takes.
const MAX_LIST_BYTES: usize = 4096;
const MAX_TEXT_BYTES: usize = 1023;

/// Writes lists by the declared layouts.
#[derive(Debug, Default)]
pub struct ListWriter {
    process: Record<ThreadOf>,
    fd: Record<FdOf>,
    fd_payloads: FxHashMap<u8, Record<FdOf>>,
    process_block: (u32, u32),
    fd_block: (u32, u32),
}

/// A thread with the state around it.
type ThreadOf = for<'a> fn(&'a Thread, &'a State) -> Out<'a>;
/// A descriptor with its number.
type FdOf = for<'a> fn(i64, &'a Fd) -> Out<'a>;

/// A value on its way into a list.
enum Out<'a> {
    Num(u64),
    Text(&'a [u8]),
    List(&'a [Text]),
    Ip(Option<IpAddr>),
}

#[derive(Debug)]
struct Record<G> {
    rows: Vec<(Wire, G)>,
    /// How much of the length of an entry is the length itself; none for entries without.
    sized: Option<usize>,
}

impl<G> Default for Record<G> {
    fn default() -> Self {
        Record { rows: Vec::new(), sized: None }
    }
}

#[derive(Clone, Copy, Debug)]
enum Wire {
    Uint(usize),
    Text,
    Bytes(usize),
}

/// Numbers keep their bits on the way into the file.
#[allow(clippy::cast_sign_loss)]
fn int(value: i64) -> Out<'static> {
    Out::Num(value as u64)
}

fn num(value: impl Into<u64>) -> Out<'static> {
    Out::Num(value.into())
}

const PROCESS: &[(&str, ThreadOf)] = &[
    ("tid", |t, _| int(t.tid)),
    ("pid", |t, _| int(t.pid)),
    ("ptid", |t, _| int(t.ptid)),
    ("sid", |t, _| int(t.sid)),
    ("vpgid", |t, _| int(t.vpgid)),
    ("comm", |t, _| Out::Text(&t.comm)),
    ("exe", |t, _| Out::Text(&t.exe)),
    ("exepath", |t, _| Out::Text(&t.exepath)),
    ("args", |t, _| Out::List(&t.args)),
    ("cwd", |t, s| Out::Text(s.cwd_of(t))),
    ("fdlimit", |t, _| int(t.fdlimit)),
    ("flags", |t, _| num(t.flags)),
    ("uid", |t, _| num(t.uid)),
    ("gid", |t, _| num(t.gid)),
    ("vmsize_kb", |t, _| num(t.memory.vmsize_kb)),
    ("vmrss_kb", |t, _| num(t.memory.vmrss_kb)),
    ("vmswap_kb", |t, _| num(t.memory.vmswap_kb)),
    ("pfmajor", |t, _| num(t.memory.pfmajor)),
    ("pfminor", |t, _| num(t.memory.pfminor)),
    ("env", |t, _| Out::List(&t.env)),
    ("vtid", |t, _| int(t.vtid)),
    ("vpid", |t, _| int(t.vpid)),
    ("cgroups", |t, _| Out::List(&t.cgroups)),
    ("root", |t, _| Out::Text(&t.root)),
    // Stored since boot; 0 is no knowledge.
    ("pidns_init_start_ns", |t, s| {
        num(t.pidns_start_ns.saturating_sub(s.machine.boot_ts_ns.min(t.pidns_start_ns)))
    }),
    ("tty", |t, _| num(t.tty)),
    ("loginuid", |t, _| num(t.loginuid)),
    ("exe_writable", |t, _| num(t.exe_file.writable)),
    ("cap_inheritable", |t, _| num(t.caps.inheritable)),
    ("cap_permitted", |t, _| num(t.caps.permitted)),
    ("cap_effective", |t, _| num(t.caps.effective)),
    ("exe_upper_layer", |t, _| num(t.exe_file.upper_layer)),
    ("exe_ino", |t, _| num(t.exe_file.ino)),
    ("exe_ctime_ns", |t, _| num(t.exe_file.ctime_ns)),
    ("exe_mtime_ns", |t, _| num(t.exe_file.mtime_ns)),
    ("exe_from_memfd", |t, _| num(t.exe_file.from_memfd)),
    ("exe_lower_layer", |t, _| num(t.exe_file.lower_layer)),
    ("pgid", |t, _| int(t.pgid)),
];

const FD: &[(&str, FdOf)] = &[
    ("fd", |n, _| int(n)),
    ("ino", |_, f| num(f.ino)),
    ("type", |_, f| num(f.kind as u8)),
    ("sip", |_, f| Out::Ip(f.tuple.map(|t| t.src))),
    ("dip", |_, f| Out::Ip(f.tuple.map(|t| t.dst))),
    ("sport", |_, f| num(f.tuple.map_or(0, |t| t.sport))),
    ("dport", |_, f| num(f.tuple.map_or(0, |t| t.dport))),
    ("l4", |_, f| num(f.l4 as u8)),
    ("source", |_, f| num(f.unix.map_or(0, |ends| ends.0))),
    ("destination", |_, f| num(f.unix.map_or(0, |ends| ends.1))),
    ("open_flags", |_, f| num(f.open_flags)),
    ("name", |_, f| Out::Text(f.name.as_deref().unwrap_or(&[]))),
    ("dev", |_, f| num(f.dev)),
];

impl ListWriter {
    /// Binds the newest layouts.
    ///
    /// # Errors
    /// [`Error::Plan`] for a field that nothing here can fill.
    pub fn new(rows: &LayoutRows) -> Result<Self> {
        let mut fd_payloads = FxHashMap::default();
        for name in rows.records.keys() {
            if let Some(kind) = name.strip_prefix("fd_").and_then(|n| n.parse().ok()) {
                fd_payloads.insert(kind, Record::new(rows, name, FD)?);
            }
        }
        Ok(ListWriter {
            process: Record::new(rows, "process", PROCESS)?,
            fd: Record::new(rows, "fd", FD)?,
            fd_payloads,
            process_block: newest(rows, "process")?,
            fd_block: newest(rows, "fd")?,
        })
    }

    /// Whole blocks of the threads for which `keep` holds, and of their descriptors.
    pub fn blocks(&self, state: &State, keep: impl Fn(&Thread) -> bool) -> Vec<u8> {
        let mut threads: Vec<&Thread> =
            state.threads.iter().filter(|t| t.is_known() && !t.is_dead() && keep(t)).collect();
        threads.sort_by_key(|t| (t.tid != t.pid, t.tid));
        let mut body = Vec::new();
        for thread in &threads {
            self.process.entry(&mut body, |out, wire, get| put(out, wire, &get(thread, state)));
        }
        let mut blocks = Vec::new();
        push_block(&mut blocks, self.process_block.0, &body);
        for thread in threads.iter().filter(|t| t.is_main()) {
            let body = self.descriptors(thread, state);
            if body.len() > 8 {
                push_block(&mut blocks, self.fd_block.0, &body);
            }
        }
        blocks
    }

    fn descriptors(&self, thread: &Thread, state: &State) -> Vec<u8> {
        let mut body = thread.tid.to_le_bytes().to_vec();
        for (number, fd) in state.fd_table(thread).iter() {
            let Some(payload) = self.fd_payloads.get(&(fd.kind as u8)) else { continue };
            let start = body.len();
            self.fd.entry(&mut body, |out, wire, get| put(out, wire, &get(number, fd)));
            for (wire, get) in &payload.rows {
                put(&mut body, *wire, &get(number, fd));
            }
            self.fd.set_len(&mut body, start);
        }
        body
    }
}

impl<G: Copy> Record<G> {
    fn new(rows: &LayoutRows, name: &str, fields: &[(&str, G)]) -> Result<Self> {
        let unknown = |row: &LayoutRow| Error::Plan(format!("{name}: cannot write {:?}", row.name));
        let declared = rows.records.get(name).map_or(&[][..], Vec::as_slice);
        let mut record = Record { rows: Vec::with_capacity(declared.len()), sized: None };
        for row in declared {
            let wire = match row.wire.as_str() {
                "len_self" => {
                    record.sized = Some(4);
                    continue;
                }
                "len_rest" => {
                    record.sized = Some(0);
                    continue;
                }
                "u8" => Wire::Uint(1),
                "u16" => Wire::Uint(2),
                "u32" => Wire::Uint(4),
                "u64" | "i64" => Wire::Uint(8),
                "str16" => Wire::Text,
                other => {
                    let len = other.strip_prefix("bytes:").and_then(|n| n.parse().ok());
                    Wire::Bytes(len.ok_or_else(|| unknown(row))?)
                }
            };
            let found = fields.iter().find(|(field, _)| *field == row.name);
            record.rows.push((wire, found.map(|(_, get)| *get).ok_or_else(|| unknown(row))?));
        }
        Ok(record)
    }

    fn entry(&self, out: &mut Vec<u8>, put: impl Fn(&mut Vec<u8>, Wire, &G)) {
        let start = out.len();
        if self.sized.is_some() {
            out.extend([0; 4]);
        }
        for (wire, get) in &self.rows {
            put(out, *wire, get);
        }
        self.set_len(out, start);
    }

    /// Writes the length of the entry that begins at `start` and ends here.
    fn set_len(&self, out: &mut [u8], start: usize) {
        let Some(own) = self.sized else { return };
        let len = u32::try_from(out.len() - start - 4 + own).unwrap_or(u32::MAX);
        if let Some(place) = out.get_mut(start..start + 4) {
            place.copy_from_slice(&len.to_le_bytes());
        }
    }
}

fn newest(rows: &LayoutRows, record: &str) -> Result<(u32, u32)> {
    let blocks = rows.blocks.iter().filter(|(_, name, _)| name == record);
    blocks
        .map(|(number, _, version)| (*number, *version))
        .max_by_key(|(_, version)| *version)
        .ok_or_else(|| Error::Plan(format!("no block of {record:?}")))
}

fn put(out: &mut Vec<u8>, wire: Wire, value: &Out<'_>) {
    match (wire, value) {
        (Wire::Uint(len), Out::Num(number)) => {
            out.extend(number.to_le_bytes().iter().take(len));
        }
        (Wire::Text, Out::Text(text)) => push_text(out, text, MAX_TEXT_BYTES),
        (Wire::Text, Out::List(texts)) => {
            let joined: Vec<u8> =
                texts.iter().flat_map(|t| t.iter().chain(&[0])).copied().collect();
            push_text(out, &joined, MAX_LIST_BYTES);
        }
        (Wire::Bytes(4), Out::Ip(Some(IpAddr::V4(ip)))) => out.extend(ip.octets()),
        (Wire::Bytes(16), Out::Ip(Some(IpAddr::V6(ip)))) => out.extend(ip.octets()),
        (Wire::Bytes(16), Out::Ip(Some(IpAddr::V4(ip)))) => {
            out.extend(ip.to_ipv6_mapped().octets());
        }
        (Wire::Uint(len) | Wire::Bytes(len), _) => out.resize(out.len() + len, 0),
        (Wire::Text, _) => push_text(out, &[], 0),
    }
}
