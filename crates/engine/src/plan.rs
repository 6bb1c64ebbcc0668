//! The plan: everything Python decided, as data.
//!
//! In: JSON text. Out: [`Plan`], checked for version and unknown keys. Next: [`crate::tables`]
//! turns its rows into indexed tables; `filter`, `sink` and `state` take their own parts.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};

/// The plan version this engine runs; a different major is refused.
pub const VERSION: [u32; 2] = [1, 0];

/// Everything the engine is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Major and minor.
    pub version: [u32; 2],
    /// The declared tables.
    pub tables: TableRows,
    /// Which event does what to the state.
    pub transitions: Vec<TransitionRow>,
    /// Metadata blocks and their records.
    pub layouts: LayoutRows,
    /// Fields that the filter and the output use; both refer to them by position.
    pub fields: Vec<FieldUse>,
    /// The filter, or none to take every event.
    pub filter: Option<crate::filter::ProgramRow>,
    /// What to do with the chosen events.
    pub output: crate::sink::OutputRow,
    /// Send the state, not the chosen events, to the output, whenever a walk is asked for.
    pub walk: Option<crate::walk::WalkRow>,
    /// What must not be seen of the events and lists; absent when there is nothing.
    #[serde(default)]
    pub redact: Option<crate::source::redact::RedactRow>,
    /// Codes of events whose transitions nothing in this run looks at: their threads are made,
    /// and that is all.
    #[serde(default)]
    pub unseen: Vec<u16>,
    /// Choices of this run.
    pub options: Options,
}

/// The declared tables of `pyscap.model`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// Events in code order.
    pub events: Vec<EventRow>,
    /// Typed unions.
    pub variants: BTreeMap<String, Vec<ParamRow>>,
    /// Upgrades of older schemas: code, parameter count, action, new code, fills.
    pub conversions: Vec<(u16, u32, String, i32, String)>,
    /// Flag and enumeration tables, rows in printing order.
    pub symbols: BTreeMap<String, Vec<(String, i64)>>,
    /// System call names by the format's own code.
    pub ppm_sc: Vec<String>,
    /// System call names by native number, per architecture.
    pub natives: BTreeMap<String, Vec<(u32, String)>>,
    /// Descriptor types: number, character, name.
    pub fd_types: Vec<(i8, String, Option<String>)>,
    /// How containers are recognised; not at all without rows.
    #[serde(default)]
    pub containers: ContainerRows,
}

/// How containers are recognised.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerRows {
    /// Number and name of each runtime.
    pub runtimes: Vec<(u32, String)>,
    /// Forms of control group paths, tried in this order.
    pub patterns: Vec<CgroupRow>,
}

/// Runtime, prefix, suffix, form of the id, component before it.
pub type CgroupRow = (String, String, String, String, String);

/// One event code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRow {
    /// User-facing name.
    pub name: String,
    /// `>` or `<`.
    pub direction: String,
    /// Category names joined by `|`.
    pub categories: String,
    /// Property names joined by `|`.
    pub flags: String,
    /// Parameters in order.
    pub params: Vec<ParamRow>,
    /// Position of the descriptor the event works on.
    pub fd_param: Option<u8>,
    /// Positions of the parameters that are arguments of the call, in the order of the call.
    #[serde(default)]
    pub call: Vec<u8>,
}

/// One parameter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamRow {
    /// User-facing name.
    pub name: String,
    /// Wire type, see [`crate::tables::ParamType`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Print format.
    pub form: String,
    /// Flag table.
    pub symbols: Option<String>,
    /// Typed union table.
    pub variants: Option<String>,
    /// Position of the directory descriptor of a relative path.
    pub dirfd: Option<u8>,
}

/// One state transition: when `event` comes, run `verb` with these parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitionRow {
    /// Event code.
    pub event: u16,
    /// Name of the verb, see [`crate::state`].
    pub verb: String,
    /// Names of the verb's inputs and the parameter positions that feed them.
    pub params: BTreeMap<String, u8>,
    /// Names of the verb's settings and their numbers.
    pub consts: BTreeMap<String, i64>,
}

/// The metadata blocks of the format.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutRows {
    /// Block type number, name of the record, version of the record.
    pub blocks: Vec<(u32, String, u32)>,
    /// Fields of each record in file order.
    pub records: BTreeMap<String, Vec<LayoutRow>>,
}

/// One field of a metadata record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutRow {
    /// Field name.
    pub name: String,
    /// `u8`, `u16`, `u32`, `u64`, `i64`; `str16`: length and bytes; `bytes:N`; `bytes@NAME`: as
    /// many as an earlier field says; `len_self`, `len_rest`: length of the entry with and
    /// without its own four bytes.
    pub wire: String,
    /// First version of the block that has it.
    pub since: u32,
    /// None: always there. Else: there if the entry has room for it and more than so many bytes
    /// follow the entry's fixed part.
    pub tail: Option<u32>,
    /// Value of a number that is not there.
    pub default: i64,
}

/// One use of a field by the filter or the output.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(deny_unknown_fields)]
pub struct FieldUse {
    /// Catalogue name, as `evt.arg`.
    pub name: String,
    /// The argument, as in `evt.arg.fd` or `proc.aname[2]`.
    pub arg: Option<FieldArg>,
    /// Print form of the field's catalogue row.
    pub form: String,
}

/// Argument of a field.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum FieldArg {
    /// `[N]`
    Index(i64),
    /// `[KEY]`
    Key(String),
    /// `.NAME`
    Name(String),
}

/// Choices of a run that more than one stage looks at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Show enter events of older files as they were written.
    pub enter: bool,
    /// Show internal events (drop, procinfo).
    pub internal: bool,
    /// Live capture: unknown threads may be looked up in `/proc`.
    pub live: bool,
    /// Local time: when each offset from UTC began, and the offset, in seconds; none is UTC.
    pub zone: Vec<(i64, i32)>,
    /// Names of ports, for whoever wants them: port, whether it is one of UDP, name.
    pub services: Vec<(u16, bool, String)>,
    /// Names of addresses, for whoever wants them; the first of each is shown.
    pub hosts: Vec<(std::net::IpAddr, Vec<String>)>,
    /// Stop after this many events that passed the filter.
    pub max_events: Option<u64>,
    /// Stop when event time passes the first event's by so much.
    pub max_event_ns: Option<u64>,
    /// Greatest number of threads kept.
    pub max_threads: Option<u32>,
    /// Greatest number of descriptors kept per process.
    pub max_fds: Option<u32>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`Error::Plan`] for text that is not a plan of this version.
    pub fn from_json(text: &str) -> Result<Self> {
        let plan: Plan = serde_json::from_str(text).map_err(|e| Error::Plan(e.to_string()))?;
        if plan.version[0] != VERSION[0] {
            return Err(Error::Plan(format!(
                "version {}.{} cannot be run by this engine ({}.{})",
                plan.version[0], plan.version[1], VERSION[0], VERSION[1]
            )));
        }
        Ok(plan)
    }
}
