//! Byte buffers as text: dots, ASCII, hexadecimal dumps, base64.
//!
//! In: the bytes of a buffer parameter. Out: bytes appended to a line. Next: `param`.
//! Source: observed: sysdig 0.41.4, options `-A -x -X -b`.

use serde::Deserialize;

use super::num::hex_byte;

/// How buffers are shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BufferMode {
    /// Printable ASCII, a dot for everything else.
    #[default]
    Dots,
    /// Printable ASCII and line feeds, everything else dropped.
    Ascii,
    /// Rows of eight groups of two bytes.
    Hex,
    /// The same with an ASCII column.
    HexAscii,
    /// Base64 with padding.
    Base64,
}

const ROW: usize = 16;
const GROUP_WIDTH: usize = 5;
const ELLIPSIS: &[u8] = b"...";

/// Appends `bytes`; `cut` is the greatest number of characters in [`BufferMode::Dots`].
pub fn buffer(out: &mut Vec<u8>, bytes: &[u8], mode: BufferMode, cut: Option<usize>) {
    match mode {
        BufferMode::Dots => dots(out, bytes, cut),
        BufferMode::Ascii => ascii(out, bytes),
        BufferMode::Hex => dump(out, bytes, false),
        BufferMode::HexAscii => dump(out, bytes, true),
        BufferMode::Base64 => base64(out, bytes),
    }
}

fn is_printable(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

fn push_dots(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes.iter().map(|b| if is_printable(*b) { *b } else { b'.' }));
}

fn dots(out: &mut Vec<u8>, bytes: &[u8], cut: Option<usize>) {
    match cut {
        Some(limit) if bytes.len() > limit => {
            push_dots(out, &bytes[..limit.saturating_sub(ELLIPSIS.len())]);
            out.extend_from_slice(ELLIPSIS);
        }
        _ => push_dots(out, bytes),
    }
}

fn ascii(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'\n');
    let mut previous = 0;
    for byte in bytes {
        match byte {
            b'\r' => out.push(b'\n'),
            b'\n' if previous != b'\r' => out.push(b'\n'),
            b if is_printable(*b) => out.push(*b),
            _ => {}
        }
        previous = *byte;
    }
}

fn dump(out: &mut Vec<u8>, bytes: &[u8], with_ascii: bool) {
    for (number, row) in bytes.chunks(ROW).enumerate() {
        out.extend_from_slice(b"\n\t0x");
        offset(out, number * ROW);
        out.push(b':');
        let start = out.len();
        for pair in row.chunks(2) {
            out.push(b' ');
            pair.iter().for_each(|b| hex_byte(out, *b));
        }
        if with_ascii {
            // DIFFERENCE(sysdig 0.41.4): there, the text of a row with an odd number of bytes
            // stands two characters further left.
            out.resize(start + ROW / 2 * GROUP_WIDTH, b' ');
            out.extend_from_slice(b"  ");
            push_dots(out, row);
        }
    }
    out.push(b'\n');
}

fn offset(out: &mut Vec<u8>, at: usize) {
    for byte in u32::try_from(at).unwrap_or(u32::MAX).to_be_bytes().iter().skip(
        // Four digits are enough for the buffers of ordinary captures.
        if at > 0xffff { 0 } else { 2 },
    ) {
        hex_byte(out, *byte);
    }
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], mode: BufferMode, cut: Option<usize>) -> String {
        let mut out = Vec::new();
        buffer(&mut out, bytes, mode, cut);
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn dots_are_cut_with_an_ellipsis_that_counts() {
        assert_eq!(shown(b"a\0\xff~", BufferMode::Dots, None), "a..~");
        let long = shown(&[b'x'; 81], BufferMode::Dots, Some(80));
        assert_eq!((long.len(), &long[76..]), (80, "x..."));
        assert_eq!(shown(&[b'x'; 80], BufferMode::Dots, Some(80)).len(), 80);
    }

    #[test]
    fn ascii_keeps_one_line_feed_a_line() {
        assert_eq!(shown(b"GET\r\nHost\n\rx\x01", BufferMode::Ascii, None), "\nGET\nHost\n\nx");
    }

    #[test]
    fn dumps_have_rows_of_sixteen() {
        let text = b"ccept: */*\r\n\r\nGET";
        assert_eq!(
            shown(text, BufferMode::Hex, None),
            "\n\t0x0000: 6363 6570 743a 202a 2f2a 0d0a 0d0a 4745\n\t0x0010: 54\n"
        );
        assert_eq!(
            shown(&text[..14], BufferMode::HexAscii, None),
            "\n\t0x0000: 6363 6570 743a 202a 2f2a 0d0a 0d0a       ccept: */*....\n"
        );
    }

    #[test]
    fn base64_is_padded() {
        assert_eq!(shown(b"GET /", BufferMode::Base64, None), "R0VUIC8=");
    }
}
