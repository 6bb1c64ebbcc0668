//! Shared text: equal strings and equal lists are stored once.
//!
//! In: bytes of parameters and metadata records. Out: [`Text`], [`TextList`]. Next: `threads`.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

/// Shared text, not necessarily UTF-8; cloning is cheap.
pub type Text = Arc<[u8]>;

/// A shared list of texts; cloning is cheap.
pub type TextList = Arc<[Text]>;

/// Most bytes kept for finding equal texts again; beyond it the memory starts anew, and texts
/// in use live on in their owners.
const MAX_BYTES: usize = 16 << 20;

/// Finds the stored copy of a text or list.
#[derive(Debug, Default)]
pub struct Interner {
    texts: FxHashSet<Text>,
    lists: FxHashMap<Box<[u8]>, TextList>,
    held_bytes: usize,
}

impl Interner {
    /// The shared copy of `bytes`.
    pub fn text(&mut self, bytes: &[u8]) -> Text {
        if let Some(text) = self.texts.get(bytes) {
            return text.clone();
        }
        self.make_room(bytes.len());
        let text: Text = bytes.into();
        self.texts.insert(text.clone());
        text
    }

    /// The shared list of the NUL-terminated strings in `bytes`; a missing last NUL is added.
    pub fn list(&mut self, bytes: &[u8]) -> TextList {
        if let Some(list) = self.lists.get(bytes) {
            return list.clone();
        }
        self.make_room(2 * bytes.len());
        let list: TextList = split_nul(bytes).map(|s| self.text(s)).collect();
        self.lists.insert(bytes.into(), list.clone());
        list
    }

    fn make_room(&mut self, bytes: usize) {
        const OVERHEAD_BYTES: usize = 64;
        self.held_bytes += bytes + OVERHEAD_BYTES;
        if self.held_bytes > MAX_BYTES {
            *self = Interner { held_bytes: bytes + OVERHEAD_BYTES, ..Interner::default() };
        }
    }
}

/// The NUL-terminated strings in `bytes`; a single NUL is no string.
pub fn split_nul(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let is_empty = whole.is_empty();
    whole.split(|b| *b == 0).filter(move |_| !is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_their_bytes() {
        let mut interner = Interner::default();
        let (a, b) = (interner.text(b"bash"), interner.text(b"bash"));
        assert!(Arc::ptr_eq(&a, &b));
    }

    #[test]
    fn lists_split_at_nul_with_or_without_the_last_one() {
        let split = |bytes: &'static [u8]| split_nul(bytes).collect::<Vec<_>>();
        assert_eq!(split(b"-l\0/tmp\0"), [&b"-l"[..], b"/tmp"]);
        assert_eq!(split(b"-l\0/tmp"), [&b"-l"[..], b"/tmp"]);
        assert_eq!(split(b"a\0\0"), [&b"a"[..], b""]);
        assert!(split(b"").is_empty() && split(b"\0").is_empty());
    }

    #[test]
    fn memory_for_finding_texts_again_is_bounded() {
        let mut interner = Interner::default();
        for i in 0..600_000u32 {
            interner.text(&i.to_le_bytes());
        }
        assert!(interner.held_bytes <= MAX_BYTES);
        assert!(interner.texts.len() < 300_000);
    }
}
