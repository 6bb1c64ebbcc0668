//! Metadata blocks into the state, by the declared layouts.
//!
//! In: a block that is no event, and the layouts of the plan. Out: changes of [`State`].
//! Next: [`crate::state`].
//! Source: scap format specification, section 4. The rows come from the construct declarations
//! in `pyscap.format.blocks`; here stands only which field of the state each one fills.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustc_hash::FxHashMap;

use super::merged::shift_at;
use super::Block;
use crate::bytes::Cursor;
use crate::error::{Error, Result};
use crate::plan::{LayoutRow, LayoutRows};
use crate::state::{
    Fd, FdKind, Group, Interface, Machine, State, Text, TextList, Thread, Tuple, User, L4,
};

/// A value of a record on its way into the state.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Num(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn num(self) -> u64 {
        match self {
            Value::Num(n) => n,
            Value::Bytes(_) => 0,
        }
    }

    /// Signed numbers keep their bits on the way.
    #[allow(clippy::cast_possible_wrap)]
    fn int(self) -> i64 {
        self.num() as i64
    }

    /// Fields of 32 bits or fewer, by their declaration.
    #[allow(clippy::cast_possible_truncation)]
    fn word(self) -> u32 {
        self.num() as u32
    }

    #[allow(clippy::cast_possible_truncation)]
    fn half(self) -> u16 {
        self.num() as u16
    }

    #[allow(clippy::cast_possible_truncation)]
    fn byte(self) -> u8 {
        self.num() as u8
    }

    fn truth(self) -> bool {
        self.num() != 0
    }

    fn bytes(self) -> &'a [u8] {
        match self {
            Value::Num(_) => &[],
            Value::Bytes(b) => b,
        }
    }

    fn text(self, state: &mut State) -> Text {
        state.text(self.bytes())
    }

    /// Texts that each end with a NUL; the last one may lack it.
    fn list(self, state: &mut State) -> TextList {
        state.texts(self.bytes())
    }

    fn ip(self) -> Option<IpAddr> {
        let bytes = self.bytes();
        let v4 = <[u8; 4]>::try_from(bytes).map(|b| IpAddr::V4(Ipv4Addr::from(b)));
        v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|b| IpAddr::V6(Ipv6Addr::from(b)))).ok()
    }
}

/// How a field lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Uint(usize),
    Str16,
    Bytes(usize),
    /// As many bytes as the field in that row said.
    BytesOf(usize),
}

impl Wire {
    fn parse(row: &LayoutRow, before: &[&LayoutRow]) -> Result<Self> {
        let bad = || Error::Plan(format!("layout field {}: unknown wire {:?}", row.name, row.wire));
        Ok(match row.wire.as_str() {
            "u8" => Wire::Uint(1),
            "u16" => Wire::Uint(2),
            "u32" => Wire::Uint(4),
            "u64" | "i64" => Wire::Uint(8),
            "str16" => Wire::Str16,
            wire => match (wire.strip_prefix("bytes:"), wire.strip_prefix("bytes@")) {
                (Some(n), _) => Wire::Bytes(n.parse().map_err(|_| bad())?),
                (_, Some(name)) => Wire::BytesOf(
                    before.iter().position(|earlier| earlier.name == name).ok_or_else(bad)?,
                ),
                _ => return Err(bad()),
            },
        })
    }

    /// Bytes that must be left for the field to be there; lengths of texts are seen when read.
    fn room(self) -> usize {
        match self {
            Wire::Uint(n) | Wire::Bytes(n) => n,
            Wire::Str16 => 2,
            Wire::BytesOf(_) => 0,
        }
    }
}

/// Takes a value into the row; the state keeps the texts.
type Set<T> = fn(&mut T, Value<'_>, &mut State);

#[derive(Debug)]
struct Row<T> {
    wire: Wire,
    since: u32,
    tail: Option<usize>,
    default: i64,
    /// The number of a thread.
    is_thread: bool,
    set: Set<T>,
}

/// A record layout bound to what its fields fill.
#[derive(Debug)]
struct Record<T> {
    rows: Vec<Row<T>>,
    /// First version whose entries say how long they are, and how much of that is the length.
    sized: Option<(u32, usize)>,
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Record { rows: Vec::new(), sized: None }
    }
}

impl<T> Record<T> {
    /// Binds the rows called `name`; `head` are rows of the record that this one continues.
    fn new(rows: &LayoutRows, name: &str, head: &str, fields: &[(&str, Set<T>)]) -> Result<Self> {
        let declared =
            rows.records.get(name).ok_or_else(|| Error::Plan(format!("no layout of {name:?}")))?;
        let before: Vec<&LayoutRow> = rows.records.get(head).into_iter().flatten().collect();
        let mut record = Record { rows: Vec::with_capacity(declared.len()), sized: None };
        for row in declared {
            match row.wire.as_str() {
                "len_self" => record.sized = Some((row.since, 4)),
                "len_rest" => record.sized = Some((row.since, 0)),
                _ => record.rows.push(Row {
                    wire: Wire::parse(row, &before)?,
                    since: row.since,
                    tail: row.tail.map(|n| n as usize),
                    default: row.default,
                    is_thread: THREAD_NUMBERS.contains(&row.name.as_str()),
                    set: find_setter(fields, name, &row.name)?,
                }),
            }
        }
        Ok(record)
    }

    /// Reads the fields of `version` into `into`; `lengths` are the text lengths of the head.
    fn read(
        &self,
        version: u32,
        c: &mut Cursor<'_>,
        lengths: usize,
        into: &mut T,
        state: &mut State,
    ) -> Option<()> {
        let mut tail_len = None;
        for row in &self.rows {
            let value = if row.is_there(version, c, &mut tail_len) {
                row.take(c, lengths)?
            } else {
                #[allow(clippy::cast_sign_loss)]
                Value::Num(row.default as u64)
            };
            (row.set)(into, value, state);
        }
        Some(())
    }

    /// Where in `entry` the numbers of threads are.
    fn thread_numbers(&self, version: u32, entry: &[u8]) -> Vec<usize> {
        let (mut found, mut tail_len) = (Vec::new(), None);
        let sized = self.sized.is_some_and(|(since, _)| version >= since);
        let mut c = Cursor::new(entry.get(if sized { 4 } else { 0 }..).unwrap_or(&[]));
        for row in &self.rows {
            if !row.is_there(version, &c, &mut tail_len) {
                continue;
            }
            let at = entry.len() - c.rest().len();
            if row.take(&mut c, 0).is_none() {
                break;
            }
            if row.is_thread {
                found.push(at);
            }
        }
        found
    }

    /// Runs `take` for every entry of `body`, which has at least 4 bytes an entry.
    fn entries<'a>(
        &self,
        version: u32,
        body: &'a [u8],
        mut take: impl FnMut(&mut Cursor<'a>) -> Option<()>,
    ) -> std::result::Result<(), &'static str> {
        let mut c = Cursor::new(body);
        while c.rest().len() >= MIN_ENTRY_BYTES {
            self.entry(version, &mut c, &mut take)?;
        }
        Ok(())
    }

    /// Runs `take` for the next entry and passes over it; returns its bytes.
    fn entry<'a>(
        &self,
        version: u32,
        c: &mut Cursor<'a>,
        take: &mut impl FnMut(&mut Cursor<'a>) -> Option<()>,
    ) -> std::result::Result<&'a [u8], &'static str> {
        let before = c.rest();
        match self.sized {
            Some((since, own)) if version >= since => {
                let mut entry = sized_entry(c, own).ok_or(ENTRY_BEYOND_BLOCK)?;
                take(&mut entry)
            }
            _ => take(c),
        }
        .ok_or(ENTRY_TOO_SHORT)?;
        Ok(before.get(..before.len() - c.rest().len()).unwrap_or(&[]))
    }
}

/// Fewer bytes at the end of a list are padding.
const MIN_ENTRY_BYTES: usize = 4;

const ENTRY_BEYOND_BLOCK: &str = "an entry of a list is longer than its block";
const ENTRY_TOO_SHORT: &str = "an entry of a list is shorter than its fields";
const BLOCK_TOO_SHORT: &str = "a metadata block is shorter than its fields";

fn sized_entry<'a>(c: &mut Cursor<'a>, own: usize) -> Option<Cursor<'a>> {
    let len = (c.u32()? as usize).checked_sub(own)?;
    c.take(len).map(Cursor::new)
}

fn find_setter<T>(fields: &[(&str, Set<T>)], record: &str, name: &str) -> Result<Set<T>> {
    fields
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, set)| *set)
        .ok_or_else(|| Error::Plan(format!("layout of {record}: unknown field {name:?}")))
}

impl<T> Row<T> {
    fn is_there(&self, version: u32, c: &Cursor<'_>, tail_len: &mut Option<usize>) -> bool {
        if version < self.since {
            return false;
        }
        let Some(more_than) = self.tail else { return true };
        let left = c.rest().len();
        *tail_len.get_or_insert(left) > more_than && left >= self.wire.room()
    }

    fn take<'a>(&self, c: &mut Cursor<'a>, lengths: usize) -> Option<Value<'a>> {
        Some(match self.wire {
            Wire::Uint(n) => Value::Num(crate::bytes::read_uint(c.take(n)?)?),
            Wire::Str16 => Value::Bytes(c.str16()?),
            Wire::Bytes(n) => Value::Bytes(c.take(n)?),
            Wire::BytesOf(_) => Value::Bytes(c.take(lengths)?),
        })
    }
}

/// Fields of a process list entry that hold the number of a thread.
const THREAD_NUMBERS: [&str; 8] = ["tid", "pid", "ptid", "sid", "vpgid", "vtid", "vpid", "pgid"];

const MACHINE: &[(&str, Set<Machine>)] = &[
    ("num_cpus", |m, v, _| m.num_cpus = v.word()),
    ("memory_size_bytes", |m, v, _| m.memory_bytes = v.num()),
    ("max_pid", |m, v, _| m.max_pid = v.num()),
    ("hostname", |m, v, _| {
        m.hostname = v.bytes().split(|b| *b == 0).next().unwrap_or_default().to_vec();
    }),
    ("boot_ts_ns", |m, v, _| m.boot_ts_ns = v.num()),
    ("flags", |_, _, _| {}),
    ("reserved_3", |_, _, _| {}),
    ("reserved_4", |_, _, _| {}),
];

const PROCESS: &[(&str, Set<Thread>)] = &[
    ("tid", |t, v, _| t.tid = v.int()),
    ("pid", |t, v, _| t.pid = v.int()),
    ("ptid", |t, v, _| t.ptid = v.int()),
    ("sid", |t, v, _| t.sid = v.int()),
    ("vpgid", |t, v, _| t.vpgid = v.int()),
    ("comm", |t, v, s| t.comm = v.text(s)),
    ("exe", |t, v, s| t.exe = v.text(s)),
    ("exepath", |t, v, s| t.exepath = v.text(s)),
    ("args", |t, v, s| t.args = v.list(s)),
    ("cwd", |t, v, s| t.cwd = v.text(s)),
    ("fdlimit", |t, v, _| t.fdlimit = v.int()),
    ("flags", |t, v, _| t.flags = v.word()),
    ("uid", |t, v, _| t.uid = v.word()),
    ("gid", |t, v, _| t.gid = v.word()),
    ("vmsize_kb", |t, v, _| t.memory.vmsize_kb = v.word()),
    ("vmrss_kb", |t, v, _| t.memory.vmrss_kb = v.word()),
    ("vmswap_kb", |t, v, _| t.memory.vmswap_kb = v.word()),
    ("pfmajor", |t, v, _| t.memory.pfmajor = v.num()),
    ("pfminor", |t, v, _| t.memory.pfminor = v.num()),
    ("env", |t, v, s| t.env = v.list(s)),
    ("vtid", |t, v, _| t.vtid = v.int()),
    ("vpid", |t, v, _| t.vpid = v.int()),
    ("cgroups", |t, v, s| t.cgroups = v.list(s)),
    ("root", |t, v, s| t.root = v.text(s)),
    ("pidns_init_start_ns", |t, v, s| {
        // Stored since boot; 0 is no knowledge.
        let since_boot = v.num();
        let known = since_boot != 0;
        t.pidns_start_ns = if known { s.machine.boot_ts_ns.wrapping_add(since_boot) } else { 0 };
    }),
    ("tty", |t, v, _| t.tty = v.word()),
    ("loginuid", |t, v, _| t.loginuid = v.word()),
    ("exe_writable", |t, v, _| t.exe_file.writable = v.truth()),
    ("cap_inheritable", |t, v, _| t.caps.inheritable = v.num()),
    ("cap_permitted", |t, v, _| t.caps.permitted = v.num()),
    ("cap_effective", |t, v, _| t.caps.effective = v.num()),
    ("exe_upper_layer", |t, v, _| t.exe_file.upper_layer = v.truth()),
    ("exe_ino", |t, v, _| t.exe_file.ino = v.num()),
    ("exe_ctime_ns", |t, v, _| t.exe_file.ctime_ns = v.num()),
    ("exe_mtime_ns", |t, v, _| t.exe_file.mtime_ns = v.num()),
    ("exe_from_memfd", |t, v, _| t.exe_file.from_memfd = v.truth()),
    ("exe_lower_layer", |t, v, _| t.exe_file.lower_layer = v.truth()),
    ("pgid", |t, v, _| t.pgid = v.int()),
];

/// A descriptor list entry.
#[derive(Debug, Default)]
struct FdRow {
    num: i64,
    kind: u8,
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    sport: u16,
    dport: u16,
    unix: (u64, u64),
    fd: Fd,
}

const FD: &[(&str, Set<FdRow>)] = &[
    ("fd", |f, v, _| f.num = v.int()),
    ("ino", |f, v, _| f.fd.ino = v.num()),
    ("type", |f, v, _| f.kind = v.byte()),
    ("sip", |f, v, _| f.src = v.ip()),
    ("dip", |f, v, _| f.dst = v.ip()),
    ("sport", |f, v, _| f.sport = v.half()),
    ("dport", |f, v, _| f.dport = v.half()),
    ("l4", |f, v, _| f.fd.l4 = l4(v.byte())),
    ("source", |f, v, _| f.unix.0 = v.num()),
    ("destination", |f, v, _| f.unix.1 = v.num()),
    ("open_flags", |f, v, _| f.fd.open_flags = v.word()),
    ("name", |f, v, s| f.fd.name = Some(v.text(s))),
    ("dev", |f, v, _| f.fd.dev = v.word()),
];

fn l4(number: u8) -> L4 {
    [L4::Unknown, L4::Na, L4::Tcp, L4::Udp, L4::Icmp, L4::Raw]
        .get(usize::from(number))
        .copied()
        .unwrap_or_default()
}

/// An interface list entry.
#[derive(Debug, Default)]
struct InterfaceRow {
    kind: u16,
    name_len: u16,
    addr: Option<IpAddr>,
    netmask: Option<IpAddr>,
    broadcast: Option<IpAddr>,
    linkspeed: u64,
    name: Option<Text>,
}

const INTERFACE: &[(&str, Set<InterfaceRow>)] = &[
    ("type", |i, v, _| i.kind = v.half()),
    ("name_len", |i, v, _| i.name_len = v.half()),
    ("addr", |i, v, _| i.addr = v.ip()),
    ("netmask", |i, v, _| i.netmask = v.ip()),
    ("bcast", |i, v, _| i.broadcast = v.ip()),
    ("linkspeed", |i, v, _| i.linkspeed = v.num()),
    ("name", |i, v, s| i.name = Some(v.text(s))),
];

/// A user list entry.
#[derive(Debug, Default)]
struct UserRow {
    kind: u8,
    uid: u32,
    gid: u32,
    name: Option<Text>,
    homedir: Option<Text>,
    shell: Option<Text>,
}

const USER: &[(&str, Set<UserRow>)] = &[
    ("type", |u, v, _| u.kind = v.byte()),
    ("uid", |u, v, _| u.uid = v.word()),
    ("gid", |u, v, _| u.gid = v.word()),
    ("name", |u, v, s| u.name = Some(v.text(s))),
    ("homedir", |u, v, s| u.homedir = Some(v.text(s))),
    ("shell", |u, v, s| u.shell = Some(v.text(s))),
];

/// Which record a block holds.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Machine,
    Process,
    Fd,
    Interface,
    User,
}

const KINDS: &[(&str, Kind)] = &[
    ("machine", Kind::Machine),
    ("process", Kind::Process),
    ("fd", Kind::Fd),
    ("interface", Kind::Interface),
    ("user", Kind::User),
];

/// The declared record layouts, indexed.
#[derive(Debug, Default)]
pub struct Layouts {
    blocks: FxHashMap<u32, (Kind, u32)>,
    machine: Record<Machine>,
    process: Record<Thread>,
    fd: Record<FdRow>,
    fd_payloads: FxHashMap<u16, Record<FdRow>>,
    interface: Record<InterfaceRow>,
    interface_payloads: FxHashMap<u16, Record<InterfaceRow>>,
    user: Record<UserRow>,
    user_payload: Record<UserRow>,
    group_payload: Record<UserRow>,
}

impl Layouts {
    /// Checks and indexes the rows.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for an unknown record, field or wire type.
    pub fn new(rows: &LayoutRows) -> Result<Self> {
        Ok(Layouts {
            blocks: rows.blocks.iter().map(block_kind).collect::<Result<_>>()?,
            machine: Record::new(rows, "machine", "", MACHINE)?,
            process: Record::new(rows, "process", "", PROCESS)?,
            fd: Record::new(rows, "fd", "", FD)?,
            fd_payloads: payloads(rows, "fd", FD)?,
            interface: Record::new(rows, "interface", "", INTERFACE)?,
            interface_payloads: payloads(rows, "interface", INTERFACE)?,
            user: Record::new(rows, "user", "", USER)?,
            user_payload: Record::new(rows, "user_0", "user", USER)?,
            group_payload: Record::new(rows, "user_1", "user", USER)?,
        })
    }

    /// Loads `block` into `state`; blocks of other kinds are left alone.
    ///
    /// # Errors
    /// What contradicts itself in the block; entries before that place are loaded.
    pub fn load(
        &self,
        block: &Block<'_>,
        state: &mut State,
    ) -> std::result::Result<(), &'static str> {
        let Some(&(kind, version)) = self.blocks.get(&block.kind) else { return Ok(()) };
        match kind {
            Kind::Machine => {
                let mut c = Cursor::new(block.body);
                let mut machine = Machine::default();
                let read = self.machine.read(version, &mut c, 0, &mut machine, state);
                state.machine = machine;
                read.ok_or(BLOCK_TOO_SHORT)
            }
            Kind::Process => self.load_threads(version, block.body, state),
            Kind::Fd => self.load_fds(version, block.body, state),
            Kind::Interface => self.load_interfaces(version, block.body, state),
            Kind::User => self.load_users(version, block.body, state),
        }
    }

    /// Whether blocks of this type hold metadata.
    pub fn is_metadata(&self, block_kind: u32) -> bool {
        self.blocks.contains_key(&block_kind)
    }

    /// Whether blocks of this type hold threads or descriptors.
    pub fn is_of_threads(&self, block_kind: u32) -> bool {
        matches!(self.blocks.get(&block_kind), Some((Kind::Process | Kind::Fd, _)))
    }

    /// The body of a process list or descriptor list with the threads for which `keep` holds;
    /// other blocks as they are, and nothing for a descriptor list of another thread.
    ///
    /// `keep` gets the thread id, and the process id where the entry has one. What follows an
    /// entry that contradicts itself is left out.
    pub fn prune(
        &self,
        block: &Block<'_>,
        mut keep: impl FnMut(i64, Option<i64>) -> bool,
    ) -> Option<Vec<u8>> {
        match self.blocks.get(&block.kind) {
            Some(&(Kind::Process, version)) => {
                Some(self.prune_threads(version, block.body, &mut keep))
            }
            Some((Kind::Fd, _)) => {
                let tid = Cursor::new(block.body).i64()?;
                keep(tid, None).then(|| block.body.to_vec())
            }
            _ => Some(block.body.to_vec()),
        }
    }

    /// Adds `shift` to the numbers of threads in the block `raw`, a copy of `block`.
    pub fn renumber(&self, block: &Block<'_>, shift: i64, raw: &mut [u8]) {
        const HEAD_BYTES: usize = 8;
        let Some(&(kind, version)) = self.blocks.get(&block.kind).filter(|_| shift != 0) else {
            return;
        };
        match kind {
            Kind::Fd => shift_at(raw, HEAD_BYTES, shift),
            Kind::Process => {
                let (mut scratch, mut thread) = (State::default(), Thread::new(0));
                let mut c = Cursor::new(block.body);
                while c.rest().len() >= MIN_ENTRY_BYTES {
                    let at = HEAD_BYTES + block.body.len() - c.rest().len();
                    let mut read = |c: &mut Cursor<'_>| {
                        self.process.read(version, c, 0, &mut thread, &mut scratch)
                    };
                    let Ok(entry) = self.process.entry(version, &mut c, &mut read) else { break };
                    for field in self.process.thread_numbers(version, entry) {
                        shift_at(raw, at + field, shift);
                    }
                }
            }
            _ => {}
        }
    }

    fn prune_threads(
        &self,
        version: u32,
        body: &[u8],
        mut keep: impl FnMut(i64, Option<i64>) -> bool,
    ) -> Vec<u8> {
        let (mut kept, mut scratch) = (Vec::new(), State::default());
        let mut c = Cursor::new(body);
        let mut thread = Thread::new(0);
        while c.rest().len() >= MIN_ENTRY_BYTES {
            let mut read =
                |c: &mut Cursor<'_>| self.process.read(version, c, 0, &mut thread, &mut scratch);
            let Ok(entry) = self.process.entry(version, &mut c, &mut read) else { break };
            if keep(thread.tid, Some(thread.pid)) {
                kept.extend_from_slice(entry);
            }
        }
        kept
    }

    fn load_threads(
        &self,
        version: u32,
        body: &[u8],
        state: &mut State,
    ) -> std::result::Result<(), &'static str> {
        self.process.entries(version, body, |c| {
            let mut thread = Thread::new(0);
            self.process.read(version, c, 0, &mut thread, state)?;
            state.add_thread_from_list(thread);
            Some(())
        })
    }

    fn load_fds(
        &self,
        version: u32,
        body: &[u8],
        state: &mut State,
    ) -> std::result::Result<(), &'static str> {
        let mut c = Cursor::new(body);
        let tid = c.i64().ok_or(BLOCK_TOO_SHORT)?;
        self.fd.entries(version, c.rest(), |c| {
            let mut row = FdRow::default();
            self.fd.read(version, c, 0, &mut row, state)?;
            match self.fd_payloads.get(&u16::from(row.kind)) {
                Some(payload) => payload.read(version, c, 0, &mut row, state)?,
                // Only an entry that says how long it is can be passed over.
                None if self.fd.sized.is_none_or_later(version) => return None,
                None => {}
            }
            let num = row.num;
            state.add_fd_from_list(tid, num, row.finish());
            Some(())
        })
    }

    fn load_interfaces(
        &self,
        version: u32,
        body: &[u8],
        state: &mut State,
    ) -> std::result::Result<(), &'static str> {
        self.interface.entries(version, body, |c| {
            let mut row = InterfaceRow::default();
            self.interface.read(version, c, 0, &mut row, state)?;
            let payload = self.interface_payloads.get(&row.kind);
            match payload {
                Some(payload) => {
                    payload.read(version, c, usize::from(row.name_len), &mut row, state)?;
                    state.interfaces.extend(row.finish());
                }
                None if self.interface.sized.is_none_or_later(version) => return None,
                None => {}
            }
            Some(())
        })
    }

    fn load_users(
        &self,
        version: u32,
        body: &[u8],
        state: &mut State,
    ) -> std::result::Result<(), &'static str> {
        self.user.entries(version, body, |c| {
            let mut row = UserRow::default();
            self.user.read(version, c, 0, &mut row, state)?;
            let payload = if row.kind == 0 { &self.user_payload } else { &self.group_payload };
            payload.read(version, c, 0, &mut row, state)?;
            row.finish(state);
            Some(())
        })
    }
}

/// Whether entries of a version do not say how long they are.
trait Unsized {
    fn is_none_or_later(&self, version: u32) -> bool;
}

impl Unsized for Option<(u32, usize)> {
    fn is_none_or_later(&self, version: u32) -> bool {
        self.map_or(true, |(since, _)| version < since)
    }
}

fn block_kind(row: &(u32, String, u32)) -> Result<(u32, (Kind, u32))> {
    let (number, record, version) = row;
    KINDS
        .iter()
        .find(|(name, _)| name == record)
        .map(|(_, kind)| (*number, (*kind, *version)))
        .ok_or_else(|| Error::Plan(format!("block {number:#x}: unknown record {record:?}")))
}

fn payloads<T>(
    rows: &LayoutRows,
    head: &str,
    fields: &[(&str, Set<T>)],
) -> Result<FxHashMap<u16, Record<T>>> {
    let mut found = FxHashMap::default();
    for name in rows.records.keys() {
        let number = name.strip_prefix(head).and_then(|n| n.strip_prefix('_'));
        let Some(number) = number else { continue };
        let number = number
            .parse()
            .map_err(|_| Error::Plan(format!("layout {name:?} has no payload number")))?;
        found.insert(number, Record::new(rows, name, head, fields)?);
    }
    Ok(found)
}

impl FdRow {
    fn finish(mut self) -> Fd {
        match FdKind::ALL.get(usize::from(self.kind)) {
            Some(FdKind::Unknown) | None => {
                self.fd.kind = FdKind::Unsupported;
                let name = format!("unknown-type:[{}]", self.kind);
                self.fd.name = Some(name.into_bytes().into());
            }
            Some(kind) => self.fd.kind = *kind,
        }
        if self.fd.kind == FdKind::Unix {
            self.fd.unix = Some(self.unix);
        }
        self.finish_ip();
        self.fd
    }

    /// A bound socket has its one address as the destination.
    fn finish_ip(&mut self) {
        let Some(dst) = self.dst else { return };
        let src = self.src.unwrap_or(match dst {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        });
        self.fd.tuple = Some(Tuple { src, dst, sport: self.sport, dport: self.dport });
    }
}

impl InterfaceRow {
    fn finish(self) -> Option<Interface> {
        let addr = self.addr?;
        Some(Interface {
            addr,
            netmask: self.netmask?,
            broadcast: self.broadcast?,
            linkspeed: self.linkspeed,
            name: self.name?,
        })
    }
}

impl UserRow {
    fn finish(self, state: &mut State) {
        let text = |t: Option<Text>| t.unwrap_or_else(|| Text::from([]));
        if self.kind == 0 {
            let user = User {
                uid: self.uid,
                gid: self.gid,
                name: text(self.name),
                homedir: text(self.homedir),
                shell: text(self.shell),
            };
            state.users.insert_user(b"", user);
        } else {
            state.users.insert_group(b"", Group { gid: self.gid, name: text(self.name) });
        }
    }
}
