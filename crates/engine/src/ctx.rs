//! One event with everything that is known around it.
//!
//! In: an event and the state after it was applied. Out: what `extract`, `filter` and `sink` read.

use crate::event::Event;
use crate::state::{Applied, Fd, State, Thread};
use crate::tables::Tables;

/// Times that some fields are relative to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Time of the first visible event of the capture.
    pub first_ns: Option<u64>,
    /// Time of the last event that was shown.
    pub shown_ns: Option<u64>,
}

/// The view of one event.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// The event.
    pub ev: &'a Event<'a>,
    /// The state after the event.
    pub state: &'a State,
    /// The declared tables.
    pub tables: &'a Tables,
    /// The event's thread.
    pub thread: Option<&'a Thread>,
    /// Number of the descriptor the event works on or made.
    pub fd_num: Option<i64>,
    /// That descriptor, when it is known.
    pub fd: Option<&'a Fd>,
    /// Descriptor name before the event changed it.
    pub applied: &'a Applied,
    /// Reference times.
    pub clock: Clock,
}

impl<'a> Ctx<'a> {
    /// Looks around `ev` in the state that it left behind.
    pub fn new(
        ev: &'a Event<'a>,
        state: &'a State,
        tables: &'a Tables,
        applied: &'a Applied,
        clock: Clock,
    ) -> Self {
        let thread = if applied.attached { state.thread(ev.tid) } else { None };
        let fd_num = applied.fd_num;
        let fd = thread.zip(fd_num).and_then(|(t, n)| state.fd(t, n));
        Ctx { ev, state, tables, thread, fd_num, fd, applied, clock }
    }
}
