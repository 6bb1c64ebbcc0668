//! The mirror of the system: threads, descriptors, users, machine.
//!
//! In: metadata records and events, with the declared transitions. Out: [`State`], read through
//! [`crate::ctx::Ctx`]. Next: [`crate::filter`].
//! Source: scap format specification, event semantics.

mod enter;
pub mod fds;
mod lists;
pub mod text;
pub mod threads;
pub mod users;

pub use fds::{Fd, FdKind, FdTable, Role, Tuple, L4};
pub use text::{Text, TextList};
pub use threads::{Thread, ThreadGroup, ThreadTable};
pub use users::{Group, User, UserTable};

use std::net::IpAddr;

use crate::error::Result;
use crate::event::Event;
use crate::plan::{Options, TransitionRow};
use crate::tables::Tables;

/// The captured machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Processors.
    pub num_cpus: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Largest process id; 0 in current files.
    pub max_pid: u64,
    /// Host name.
    pub hostname: Vec<u8>,
    /// Time of boot, ns since the epoch; 0 when unknown.
    pub boot_ts_ns: u64,
}

/// A network interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Address.
    pub addr: IpAddr,
    /// Mask; the unspecified address when the format does not say.
    pub netmask: IpAddr,
    /// Broadcast address.
    pub broadcast: IpAddr,
    /// Bits per second, 0 when unknown.
    pub linkspeed: u64,
    /// Name.
    pub name: Text,
}

/// What applying an event left behind for the fields of that event.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// The descriptor the event works on or made.
    pub fd_num: Option<i64>,
    /// Whether the event gave its descriptor another name.
    pub fd_name_changed: bool,
    /// The event changed nothing that may be shown: an enter event that only protects the
    /// values of its exit, or one consumed to build the initial state.
    pub hidden: bool,
}

/// The state of one section of a capture.
#[derive(Debug, Default)]
pub struct State {
    /// Threads.
    pub threads: ThreadTable,
    /// Users and groups.
    pub users: UserTable,
    /// Interfaces.
    pub interfaces: Vec<Interface>,
    /// Machine.
    pub machine: Machine,
    interner: text::Interner,
    listed: lists::Listed,
}

impl State {
    /// An empty state that follows `transitions`.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a verb, input or event that does not exist.
    pub fn new(
        _transitions: &[TransitionRow],
        _tables: &Tables,
        _options: &Options,
    ) -> Result<Self> {
        Ok(State::default())
    }

    /// Applies one event; `applied` receives what its fields need.
    pub fn apply(&mut self, ev: &Event<'_>, _tables: &Tables, applied: &mut Applied) {
        *applied = Applied::default();
        if self.has_listed() {
            self.settle_lists();
        }
        applied.fd_num = ev.info.fd_param.and_then(|i| ev.params.int(usize::from(i)));
    }

    /// Forgets everything, as at the start of a section.
    pub fn reset(&mut self) {
        *self = State::default();
    }

    /// The thread `tid`.
    pub fn thread(&self, tid: i64) -> Option<&Thread> {
        self.threads.get(tid)
    }

    /// The main thread of `thread`'s process; the thread itself when it is not known.
    pub fn main_thread<'a>(&'a self, thread: &'a Thread) -> &'a Thread {
        if thread.tid == thread.pid {
            return thread;
        }
        self.threads.get(thread.pid).unwrap_or(thread)
    }

    /// The parent thread.
    pub fn parent<'a>(&'a self, thread: &Thread) -> Option<&'a Thread> {
        self.threads.get(thread.ptid)
    }

    /// The descriptor table that `thread` uses.
    pub fn fd_table<'a>(&'a self, thread: &'a Thread) -> &'a FdTable {
        if thread.flags & threads::flag::CLONE_FILES != 0 {
            &self.main_thread(thread).fds
        } else {
            &thread.fds
        }
    }

    /// Descriptor `num` of `thread`.
    pub fn fd<'a>(&'a self, thread: &'a Thread, num: i64) -> Option<&'a Fd> {
        self.fd_table(thread).get(num)
    }
}
