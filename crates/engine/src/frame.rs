//! Blocks and their options, as bytes.
//!
//! In: the number and the body of a block, or the code and the value of an option. Out: bytes as
//! they stand in a file. Next: [`crate::sink::savefile`], and sources that change blocks.
//! Source: scap format specification 1; pcapng, sections 3.1 and 3.5.

/// Bytes before the body of a block: its number and its length.
pub const HEAD_BYTES: usize = 8;

/// Bytes behind the body and its padding: the length again.
pub const TRAILER_BYTES: usize = 4;

/// Appends a whole block around `body`, padded to words of four bytes.
pub fn push_block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let len = (HEAD_BYTES + body.len() + TRAILER_BYTES).next_multiple_of(4);
    let len_bytes = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let end = out.len() + len;
    out.reserve(len);
    out.extend(kind.to_le_bytes());
    out.extend(len_bytes);
    out.extend_from_slice(body);
    out.resize(end - TRAILER_BYTES, 0);
    out.extend(len_bytes);
}

/// A whole block around `body`.
pub fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_block(&mut out, kind, body);
    out
}

/// Appends an option, padded; a value that is too long for its length is cut.
pub fn push_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend(code.to_le_bytes());
    push_text(out, value, usize::from(u16::MAX));
    out.resize(out.len().next_multiple_of(4), 0);
}

/// Appends the length of a text in 16 bits, and of the text at most `most` bytes.
pub fn push_text(out: &mut Vec<u8>, text: &[u8], most: usize) {
    let text = text.get(..most.min(usize::from(u16::MAX))).unwrap_or(text);
    out.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_padded_and_says_its_length_twice() {
        let mut out = vec![0xee];
        push_block(&mut out, 0x216, &[1, 2, 3]);
        assert_eq!(out, [0xee, 0x16, 2, 0, 0, 16, 0, 0, 0, 1, 2, 3, 0, 16, 0, 0, 0]);
        assert_eq!(block(1, &[]), [1, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0]);
    }

    #[test]
    fn an_option_is_padded_but_its_length_is_not() {
        let mut out = Vec::new();
        push_option(&mut out, 4, b"scap!");
        assert_eq!(out, [4, 0, 5, 0, b's', b'c', b'a', b'p', b'!', 0, 0, 0]);
    }

    #[test]
    fn texts_are_cut_at_what_their_length_can_say() {
        let mut out = Vec::new();
        push_text(&mut out, &[b'x'; 70_000], usize::MAX);
        assert_eq!((out.len(), &out[..2]), (2 + 65_535, &[0xff, 0xff][..]));
        out.clear();
        push_text(&mut out, b"abc", 2);
        assert_eq!(out, [2, 0, b'a', b'b']);
    }
}
