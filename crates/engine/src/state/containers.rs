//! Containers: which one a thread runs in, and what is known of each.
//!
//! In: control groups of threads, container events. Out: [`Container`]. Next: `extract`.

use rustc_hash::FxHashMap;

use super::text::{Interner, Text, TextList};
use super::threads::Thread;

/// One container.
#[derive(Clone, Debug)]
pub struct Container {
    /// Complete id.
    pub full_id: Text,
}

/// Containers by complete id.
#[derive(Clone, Debug, Default)]
pub struct ContainerTable {
    by_id: FxHashMap<Text, Container>,
}

impl ContainerTable {
    /// The container with the complete id `full_id`.
    pub fn get(&self, full_id: &[u8]) -> Option<&Container> {
        self.by_id.get(full_id)
    }

    /// Takes what a container event tells.
    pub(super) fn describe(&mut self, _json: &[u8]) {}
}

/// Lists of control groups, and the container that each names.
#[derive(Debug, Default)]
pub(super) struct Cgroups {
    interner: Interner,
    known: FxHashMap<Box<[u8]>, (TextList, Text)>,
}

impl Cgroups {
    /// Gives `thread` the control groups of an event or record.
    pub fn give(&mut self, thread: &mut Thread, bytes: &[u8]) {
        thread.cgroups = self.interner.list(bytes);
    }
}
