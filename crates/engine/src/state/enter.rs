//! What an enter event said, kept for the exit event that follows it.
//!
//! In: enter events of the calls whose texts the program could change while the call runs.
//! Out: [`Enter`]. Next: `verbs`.

/// The values of an enter event that its exit prefers to its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enter {
    /// Code of the enter event.
    pub code: u16,
    /// Path, when it could be read.
    pub name: Option<Vec<u8>>,
    /// Directory descriptor of a relative path.
    pub dirfd: Option<i64>,
    /// Open or lookup flags.
    pub flags: Option<u32>,
    /// Socket address.
    pub addr: Option<Vec<u8>>,
}
