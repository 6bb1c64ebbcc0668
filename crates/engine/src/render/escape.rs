//! Hostile text made harmless, for terminals and for JSON.
//!
//! In: bytes of names, paths and arguments. Out: bytes appended to a line. Next: `param`, `sink`.
//!
//! In text, control characters become `\n`, `\t`, `\r` or `\xHH`; characters that turn the
//! writing direction or end a line become `\uHHHH`; bytes that are not UTF-8 become `\xHH`. A
//! backslash stays one: ordinary names look as they are. JSON has its own escapes; only bytes
//! that are not UTF-8, which JSON cannot carry, appear as the four characters `\xHH`.
//!
//! DIFFERENCE(sysdig 0.41.4): there, every byte goes to the terminal as it is.

use super::num::{hex_byte, padded};

/// Text for a terminal.
#[inline]
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        text_slow(out, bytes);
    }
}

fn text_slow(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for ch in chunk.valid().chars() {
            char_for_terminal(out, ch);
        }
        for byte in chunk.invalid() {
            escaped_byte(out, *byte);
        }
    }
}

/// A JSON string with its quotes.
pub fn json(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    if is_plain(bytes) && !bytes.iter().any(|b| matches!(b, b'"' | b'\\')) {
        out.extend_from_slice(bytes);
    } else {
        json_slow(out, bytes);
    }
    out.push(b'"');
}

fn json_slow(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for ch in chunk.valid().chars() {
            json_char(out, ch);
        }
        for byte in chunk.invalid() {
            out.push(b'\\');
            escaped_byte(out, *byte);
        }
    }
}

/// Whether every byte is printable ASCII; eight are looked at together.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let mut words = bytes.chunks_exact(8);
    let words_are = words.by_ref().all(|word| word.try_into().is_ok_and(is_plain_word));
    words_are && words.remainder().iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// The same for eight bytes: in the sum, a byte has its highest bit when it is 0x7f or more and,
/// in the difference, when it is below 0x20. A carry between bytes only follows such a byte.
fn is_plain_word(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    let word = u64::from_le_bytes(bytes);
    let bad = word | word.wrapping_add(ONES) | word.wrapping_sub(ONES * 0x20);
    bad & (ONES * 0x80) == 0
}

/// Characters that reorder or break a line without being control characters.
///
/// Source: Unicode Standard Annex 9 (explicit directional formatting), section 5.8 (separators).
fn is_treacherous(ch: char) -> bool {
    matches!(ch, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn char_for_terminal(out: &mut Vec<u8>, ch: char) {
    match ch {
        '\n' => out.extend_from_slice(b"\\n"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\0'..='\x1f' | '\x7f' => escaped_byte(out, ch as u8),
        '\u{80}'..='\u{9f}' => unicode_escape(out, ch as u32),
        _ if is_treacherous(ch) => unicode_escape(out, ch as u32),
        _ => push_char(out, ch),
    }
}

fn json_char(out: &mut Vec<u8>, ch: char) {
    match ch {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => unicode_escape(out, ch as u32),
        _ if is_treacherous(ch) => unicode_escape(out, ch as u32),
        _ => push_char(out, ch),
    }
}

fn push_char(out: &mut Vec<u8>, ch: char) {
    out.extend_from_slice(ch.encode_utf8(&mut [0; 4]).as_bytes());
}

fn escaped_byte(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(b"\\x");
    hex_byte(out, byte);
}

fn unicode_escape(out: &mut Vec<u8>, code: u32) {
    out.extend_from_slice(b"\\u");
    let at = out.len();
    super::num::hex_lower(out, u64::from(code));
    let digits = out.len() - at;
    if digits < 4 {
        let value = out.split_off(at);
        padded(out, 0, 4 - digits);
        out.extend_from_slice(&value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_terminal(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        text(&mut out, bytes);
        String::from_utf8(out).unwrap_or_else(|_| "not UTF-8".into())
    }

    fn in_json(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        json(&mut out, bytes);
        out
    }

    #[test]
    fn ordinary_text_is_untouched() {
        assert_eq!(on_terminal(b"/usr/bin/caf\xc3\xa9 a\\b"), "/usr/bin/café a\\b");
    }

    #[test]
    fn every_byte_is_judged_alike_at_every_place() {
        for byte in 0..=u8::MAX {
            for (length, at) in (1..20).flat_map(|n| (0..n).map(move |at| (n, at))) {
                let mut text = vec![b' '; length];
                text[at] = byte;
                assert_eq!(is_plain(&text), (0x20..0x7f).contains(&byte), "{byte} at {at}");
            }
        }
        assert!(is_plain(b"~~~~~~~~        "));
    }

    #[test]
    fn nothing_reaches_a_terminal_raw() {
        assert_eq!(on_terminal(b"\x1b[31m\n\x07\x7f"), "\\x1b[31m\\n\\x07\\x7f");
        assert_eq!(on_terminal("a\u{202e}b\u{9b}c".as_bytes()), "a\\u202eb\\u009bc");
        assert_eq!(on_terminal(b"\xff\xc3"), "\\xff\\xc3");
    }

    #[test]
    fn json_is_parsed_back_to_the_text() {
        for input in ["plain", "q\"\\\n\u{1b}\u{202e}é\u{0}", "\u{10ffff}"] {
            let back: String =
                serde_json::from_slice(&in_json(input.as_bytes())).unwrap_or_default();
            assert_eq!(back, input);
        }
    }

    #[test]
    fn json_of_any_bytes_is_parseable() {
        let every: Vec<u8> = (0..=255).collect();
        let back: String = serde_json::from_slice(&in_json(&every)).unwrap_or_default();
        assert!(back.ends_with("\\xfe\\xff"));
    }
}
