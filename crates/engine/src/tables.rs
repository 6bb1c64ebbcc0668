//! The declared tables, indexed and checked.
//!
//! In: [`crate::plan::TableRows`]. Out: [`Tables`]. Next: every stage looks things up here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::plan::{ParamRow, TableRows};
use crate::source::metadata::Layouts;

/// How a parameter is encoded and printed; names are those of the format without `PT_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, clippy::upper_case_acronyms)]
pub enum ParamType {
    None,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Charbuf,
    Bytebuf,
    Errno,
    Sockaddr,
    Socktuple,
    Fd,
    Pid,
    Fdlist,
    Fspath,
    Syscallid,
    Sigtype,
    Reltime,
    Abstime,
    Port,
    Dyn,
    Flags8,
    Flags16,
    Flags32,
    Uid,
    Gid,
    Sigset,
    Charbufarray,
    CharbufPairArray,
    Ipv4addr,
    Ipv6addr,
    Mode,
    Fsrelpath,
    Enumflags8,
    Enumflags16,
    Enumflags32,
    Fd32,
    Pid32,
}

/// Declared name, encoding and the fixed size in bytes (0: of any length).
pub const PARAM_TYPES: &[(&str, ParamType, usize)] = &[
    ("NONE", ParamType::None, 0),
    ("INT8", ParamType::Int8, 1),
    ("INT16", ParamType::Int16, 2),
    ("INT32", ParamType::Int32, 4),
    ("INT64", ParamType::Int64, 8),
    ("UINT8", ParamType::Uint8, 1),
    ("UINT16", ParamType::Uint16, 2),
    ("UINT32", ParamType::Uint32, 4),
    ("UINT64", ParamType::Uint64, 8),
    ("CHARBUF", ParamType::Charbuf, 0),
    ("BYTEBUF", ParamType::Bytebuf, 0),
    ("ERRNO", ParamType::Errno, 8),
    ("SOCKADDR", ParamType::Sockaddr, 0),
    ("SOCKTUPLE", ParamType::Socktuple, 0),
    ("FD", ParamType::Fd, 8),
    ("PID", ParamType::Pid, 8),
    ("FDLIST", ParamType::Fdlist, 0),
    ("FSPATH", ParamType::Fspath, 0),
    ("SYSCALLID", ParamType::Syscallid, 2),
    ("SIGTYPE", ParamType::Sigtype, 1),
    ("RELTIME", ParamType::Reltime, 8),
    ("ABSTIME", ParamType::Abstime, 8),
    ("PORT", ParamType::Port, 2),
    ("DYN", ParamType::Dyn, 0),
    ("FLAGS8", ParamType::Flags8, 1),
    ("FLAGS16", ParamType::Flags16, 2),
    ("FLAGS32", ParamType::Flags32, 4),
    ("UID", ParamType::Uid, 4),
    ("GID", ParamType::Gid, 4),
    ("SIGSET", ParamType::Sigset, 4),
    ("CHARBUFARRAY", ParamType::Charbufarray, 0),
    ("CHARBUF_PAIR_ARRAY", ParamType::CharbufPairArray, 0),
    ("IPV4ADDR", ParamType::Ipv4addr, 4),
    ("IPV6ADDR", ParamType::Ipv6addr, 16),
    ("MODE", ParamType::Mode, 4),
    ("FSRELPATH", ParamType::Fsrelpath, 0),
    ("ENUMFLAGS8", ParamType::Enumflags8, 1),
    ("ENUMFLAGS16", ParamType::Enumflags16, 2),
    ("ENUMFLAGS32", ParamType::Enumflags32, 4),
    ("FD32", ParamType::Fd32, 4),
    ("PID32", ParamType::Pid32, 4),
];

/// How numbers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Form {
    Na,
    Dec,
    Hex,
    Oct,
    PaddedDec,
    /// An int of the call whose 32 bits stand in 64.
    CInt,
    Id,
    Dir,
}

const FORMS: &[(&str, Form)] = &[
    ("NA", Form::Na),
    ("DEC", Form::Dec),
    ("HEX", Form::Hex),
    ("OCT", Form::Oct),
    ("10_PADDED_DEC", Form::PaddedDec),
    ("C_INT", Form::CInt),
    ("ID", Form::Id),
    ("DIR", Form::Dir),
];

/// Property bits of an event, as in the format's own numbering.
pub mod flag {
    #![allow(missing_docs)]
    pub const CREATES_FD: u32 = 1;
    pub const DESTROYS_FD: u32 = 2;
    pub const USES_FD: u32 = 4;
    pub const READS_FROM_FD: u32 = 8;
    pub const WRITES_TO_FD: u32 = 16;
    pub const MODIFIES_STATE: u32 = 32;
    pub const UNUSED: u32 = 64;
    pub const WAITS: u32 = 128;
    pub const SKIPPARSERESET: u32 = 256;
    pub const OLD_VERSION: u32 = 512;
    pub const LARGE_PAYLOAD: u32 = 2048;
    pub const CONVERTER_MANAGED: u32 = 4096;
}

const FLAGS: &[(&str, u32)] = &[
    ("CREATES_FD", flag::CREATES_FD),
    ("DESTROYS_FD", flag::DESTROYS_FD),
    ("USES_FD", flag::USES_FD),
    ("READS_FROM_FD", flag::READS_FROM_FD),
    ("WRITES_TO_FD", flag::WRITES_TO_FD),
    ("MODIFIES_STATE", flag::MODIFIES_STATE),
    ("UNUSED", flag::UNUSED),
    ("WAITS", flag::WAITS),
    ("SKIPPARSERESET", flag::SKIPPARSERESET),
    ("OLD_VERSION", flag::OLD_VERSION),
    ("LARGE_PAYLOAD", flag::LARGE_PAYLOAD),
    ("CONVERTER_MANAGED", flag::CONVERTER_MANAGED),
    ("NONE", 0),
];

/// A flag table: names and values in printing order.
pub type SymbolTable = Vec<(Box<str>, i64)>;

/// One parameter of an event.
#[derive(Clone, Debug)]
pub struct ParamInfo {
    /// User-facing name.
    pub name: Box<str>,
    /// What stands before the value among others: ` name=`.
    pub label: Box<str>,
    /// Encoding.
    pub kind: ParamType,
    /// Fixed size in bytes, 0 when any length is right.
    pub size: usize,
    /// Print format.
    pub form: Form,
    /// Position of its flag table in [`Tables::symbols`].
    pub symbols: Option<usize>,
    /// Position of its union table in [`Tables::variants`].
    pub variants: Option<usize>,
    /// Position of the directory descriptor of a relative path.
    pub dirfd: Option<u8>,
}

/// One event code.
#[derive(Clone, Debug)]
pub struct EventInfo {
    /// The code.
    pub code: u16,
    /// User-facing name.
    pub name: Box<str>,
    /// Whether its direction is `>`.
    pub is_enter: bool,
    /// Property bits, see [`flag`].
    pub flags: u32,
    /// Category names without their prefix; producers first.
    pub categories: Vec<Box<str>>,
    /// Parameters in order.
    pub params: Vec<ParamInfo>,
    /// Position of the descriptor the event works on.
    pub fd_param: Option<u8>,
    /// Positions of the parameters that are arguments of the call, in the order of the call.
    pub call: Vec<u8>,
    /// Whether parameter 0 is a return value.
    pub has_retval: bool,
    /// Whether sysdig counts it as internal: not shown unless asked.
    pub is_internal: bool,
    /// Whether it was put among the events by the capturing program.
    pub is_meta: bool,
}

impl EventInfo {
    /// Whether property `bit` is set.
    pub fn has(&self, bit: u32) -> bool {
        self.flags & bit != 0
    }

    /// Whether it belongs to `category`.
    pub fn in_category(&self, category: &str) -> bool {
        self.categories.iter().any(|c| **c == *category)
    }

    /// Width in bytes of one entry of the length table.
    pub fn len_width(&self) -> usize {
        if self.has(flag::LARGE_PAYLOAD) {
            4
        } else {
            2
        }
    }
}

/// All tables.
#[derive(Debug)]
pub struct Tables {
    /// Events; the position is the code.
    pub events: Vec<EventInfo>,
    /// Flag tables.
    pub symbols: Vec<SymbolTable>,
    /// Names of the flag tables.
    pub symbol_names: HashMap<String, usize>,
    /// Typed unions.
    pub variants: Vec<Vec<ParamInfo>>,
    /// System call names by the format's code.
    pub ppm_sc: Vec<Box<str>>,
    /// System call names by native number, per architecture.
    pub natives: BTreeMap<String, HashMap<u32, Box<str>>>,
    /// Upgrades of older schemas.
    pub conversions: crate::convert::Conversions,
    /// Error names by positive number.
    pub errno: Names,
    /// Signal names by number.
    pub signals: Names,
    /// Capability names by bit.
    pub capabilities: Names,
    /// Descriptor types; the position is the format's number.
    pub fd_types: Vec<FdType>,
    /// Offsets of local time from UTC.
    pub zone: crate::render::Zone,
    /// Names of ports; empty when ports are shown as numbers.
    pub services: crate::render::addr::Services,
    /// Names of addresses; empty when they are not wanted.
    pub hosts: FxHashMap<std::net::IpAddr, Vec<String>>,
    /// How containers are recognised.
    pub containers: crate::plan::ContainerRows,
    /// Metadata blocks.
    pub layouts: Arc<Layouts>,
    /// Writes the state as metadata blocks.
    pub lists: Arc<crate::source::lists::ListWriter>,
    /// Stand for the codes next beyond the table, with their number as name.
    newer: Vec<EventInfo>,
    /// Stands for codes further away.
    pub unknown: EventInfo,
    /// Stands for descriptor types beyond the table.
    pub unknown_fd: FdType,
}

/// Names by small number.
#[derive(Clone, Debug, Default)]
pub struct Names {
    by_number: Vec<Option<Box<str>>>,
}

impl Names {
    /// Greatest number of a table; the largest error number is 531.
    const MAX: usize = 4096;

    fn new(rows: &[(String, i64)]) -> Self {
        let mut by_number = Vec::new();
        for (name, number) in rows {
            let Some(number) = usize::try_from(*number).ok().filter(|n| *n < Self::MAX) else {
                continue;
            };
            if number >= by_number.len() {
                by_number.resize(number + 1, None);
            }
            by_number[number] = Some(name.as_str().into());
        }
        Names { by_number }
    }

    /// The name of `number`.
    pub fn name(&self, number: u64) -> Option<&str> {
        self.by_number.get(usize::try_from(number).ok()?)?.as_deref()
    }
}

/// A descriptor type.
#[derive(Clone, Debug)]
pub struct FdType {
    /// Character shown in arguments.
    pub char: u8,
    /// Name, as in `fd.type`; `None` for types that have none.
    pub name: Option<Box<str>>,
}

fn fd_types(rows: &[(i8, String, Option<String>)]) -> Vec<FdType> {
    let mut types = Vec::new();
    for (number, char, name) in rows {
        let Ok(number) = usize::try_from(*number) else { continue };
        if number >= types.len() {
            types.resize(number + 1, unknown_fd());
        }
        let char = char.bytes().next().unwrap_or(b'?');
        types[number] = FdType { char, name: name.as_deref().map(Into::into) };
    }
    types
}

fn unknown_fd() -> FdType {
    FdType { char: b'?', name: None }
}

impl Tables {
    /// Checks and indexes the declared rows.
    ///
    /// # Errors
    /// [`Error::Plan`] for a name or position that does not exist.
    pub fn new(rows: &TableRows) -> Result<Self> {
        let (symbols, symbol_names) = index_symbols(&rows.symbols);
        let mut variants = Vec::new();
        let mut variant_names = HashMap::new();
        for (name, members) in &rows.variants {
            variant_names.insert(name.clone(), variants.len());
            variants.push(param_infos(members, &symbol_names, &HashMap::new())?);
        }
        let mut events = Vec::with_capacity(rows.events.len());
        for (code, row) in rows.events.iter().enumerate() {
            let params = param_infos(&row.params, &symbol_names, &variant_names)?;
            events.push(event_info(code, row, params)?);
        }
        let conversions = crate::convert::Conversions::new(&rows.conversions, &events)?;
        Ok(Tables {
            events,
            symbols,
            symbol_names,
            variants,
            ppm_sc: rows.ppm_sc.iter().map(|s| s.as_str().into()).collect(),
            natives: rows.natives.iter().map(|(k, v)| (k.clone(), native_names(v))).collect(),
            conversions,
            errno: names_of(rows, "errno"),
            signals: names_of(rows, "signals"),
            capabilities: names_of(rows, "capabilities"),
            fd_types: fd_types(&rows.fd_types),
            zone: crate::render::Zone::default(),
            services: crate::render::addr::Services::default(),
            hosts: FxHashMap::default(),
            containers: rows.containers.clone(),
            layouts: Arc::default(),
            lists: Arc::default(),
            newer: newer_events(rows.events.len()),
            unknown: unknown_event("unknown"),
            unknown_fd: unknown_fd(),
        })
    }

    /// What the table says of `code`; codes beyond it get a nameless row.
    pub fn event(&self, code: u16) -> &EventInfo {
        let code = usize::from(code);
        let newer = || self.newer.get(code.wrapping_sub(self.events.len()));
        self.events.get(code).or_else(newer).unwrap_or(&self.unknown)
    }

    /// What is shown of descriptors of `kind`.
    pub fn fd_type(&self, kind: crate::state::FdKind) -> &FdType {
        self.fd_types.get(kind as usize).unwrap_or(&self.unknown_fd)
    }

    /// The name of the system call with the format's code `id`.
    pub fn syscall(&self, id: u64) -> Option<&str> {
        self.ppm_sc.get(usize::try_from(id).ok()?).map(|name| &**name)
    }

    /// The name of the system call with the native number on an architecture.
    pub fn native(&self, architecture: &str, number: u32) -> Option<&str> {
        self.natives.get(architecture)?.get(&number).map(|name| &**name)
    }

    /// The flag table called `name`.
    pub fn symbols_named(&self, name: &str) -> Option<&SymbolTable> {
        self.symbol_names.get(name).and_then(|i| self.symbols.get(*i))
    }
}

fn names_of(rows: &TableRows, table: &str) -> Names {
    rows.symbols.get(table).map(|entries| Names::new(entries)).unwrap_or_default()
}

fn index_symbols(
    rows: &BTreeMap<String, Vec<(String, i64)>>,
) -> (Vec<SymbolTable>, HashMap<String, usize>) {
    let mut names = HashMap::new();
    let mut tables = Vec::new();
    for (name, entries) in rows {
        names.insert(name.clone(), tables.len());
        tables.push(entries.iter().map(|(s, v)| (s.as_str().into(), *v)).collect());
    }
    (tables, names)
}

fn native_names(rows: &[(u32, String)]) -> HashMap<u32, Box<str>> {
    rows.iter().map(|(nr, name)| (*nr, name.as_str().into())).collect()
}

fn find<T: Copy>(table: &[(&str, T)], name: &str, what: &str) -> Result<T> {
    table
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, v)| *v)
        .ok_or_else(|| Error::Plan(format!("unknown {what} {name:?}")))
}

fn lookup(
    names: &HashMap<String, usize>,
    wanted: Option<&String>,
    what: &str,
) -> Result<Option<usize>> {
    wanted
        .map(|n| names.get(n).copied().ok_or_else(|| Error::Plan(format!("unknown {what} {n:?}"))))
        .transpose()
}

fn param_infos(
    rows: &[ParamRow],
    symbols: &HashMap<String, usize>,
    variants: &HashMap<String, usize>,
) -> Result<Vec<ParamInfo>> {
    rows.iter()
        .map(|row| {
            let (_, kind, size) = *PARAM_TYPES
                .iter()
                .find(|(n, _, _)| *n == row.kind)
                .ok_or_else(|| Error::Plan(format!("unknown parameter type {:?}", row.kind)))?;
            if row.dirfd.is_some_and(|d| usize::from(d) >= rows.len()) {
                return Err(Error::Plan(format!("{}: dirfd out of range", row.name)));
            }
            Ok(ParamInfo {
                name: row.name.as_str().into(),
                label: format!(" {}=", row.name).into(),
                kind,
                size,
                form: find(FORMS, &row.form, "print format")?,
                symbols: lookup(symbols, row.symbols.as_ref(), "flag table")?,
                variants: lookup(variants, row.variants.as_ref(), "union table")?,
                dirfd: row.dirfd,
            })
        })
        .collect()
}

fn event_info(
    code: usize,
    row: &crate::plan::EventRow,
    params: Vec<ParamInfo>,
) -> Result<EventInfo> {
    let mut flags = 0;
    for name in row.flags.split('|').filter(|n| !n.is_empty()) {
        flags |= find(FLAGS, name, "event flag")?;
    }
    if row.fd_param.is_some_and(|i| usize::from(i) >= params.len()) {
        return Err(Error::Plan(format!("{}: fd_param out of range", row.name)));
    }
    if row.call.iter().any(|i| usize::from(*i) >= params.len()) {
        return Err(Error::Plan(format!("{}: call argument out of range", row.name)));
    }
    let categories: Vec<Box<str>> = row.categories.split('|').map(Into::into).collect();
    let is_enter = row.direction == ">";
    Ok(EventInfo {
        code: u16::try_from(code).map_err(|_| Error::Plan("too many events".into()))?,
        name: row.name.as_str().into(),
        is_enter,
        flags,
        has_retval: has_retval(row, &params),
        is_internal: categories.iter().any(|c| &**c == "INTERNAL"),
        is_meta: categories.iter().any(|c| &**c == "METAEVENT"),
        categories,
        params,
        fd_param: row.fd_param,
        call: row.call.clone(),
    })
}

/// What a call returns is the first parameter of its exit event. A call without a decoder has none:
/// its parameter is its number.
fn has_retval(row: &crate::plan::EventRow, params: &[ParamInfo]) -> bool {
    let is_call = row.categories.split('|').any(|category| category == "SYSCALL");
    is_call
        && row.direction == "<"
        && params.first().is_some_and(|p| p.kind != ParamType::Syscallid)
}

/// How many codes of newer schemas are known by their number.
const NEWER_CODES: usize = 512;

/// Rows for the codes from `first` on.
fn newer_events(first: usize) -> Vec<EventInfo> {
    (first..first + NEWER_CODES).map(|code| unknown_event(&format!("[{code}]"))).collect()
}

fn unknown_event(name: &str) -> EventInfo {
    EventInfo {
        code: u16::MAX,
        name: name.into(),
        is_enter: false,
        flags: 0,
        categories: vec!["UNKNOWN".into()],
        params: Vec::new(),
        fd_param: None,
        call: Vec::new(),
        has_retval: false,
        is_internal: false,
        is_meta: false,
    }
}
