//! Numbers as text, written without allocation.
//!
//! In: numbers. Out: bytes appended to a line. Next: `time`, `param`.

use std::io::Write as _;

/// Decimal.
pub fn dec(out: &mut Vec<u8>, n: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

/// Decimal, unsigned.
pub fn udec(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

/// Decimal with leading zeros up to `width` digits, at most 20.
pub fn padded(out: &mut Vec<u8>, n: u64, width: usize) {
    const ZEROS: &[u8; 20] = b"00000000000000000000";
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(n).as_bytes();
    let missing = width.saturating_sub(digits.len()).min(ZEROS.len());
    out.extend_from_slice(&ZEROS[..missing]);
    out.extend_from_slice(digits);
}

/// Upper-case hexadecimal without prefix.
pub fn hex(out: &mut Vec<u8>, n: u64) {
    radix(out, n, 4, b"0123456789ABCDEF");
}

/// Lower-case hexadecimal without prefix.
pub fn hex_lower(out: &mut Vec<u8>, n: u64) {
    radix(out, n, 4, b"0123456789abcdef");
}

/// Octal; `lead` puts a zero in front of everything but zero.
pub fn oct(out: &mut Vec<u8>, n: u64, lead: bool) {
    if lead && n != 0 {
        out.push(b'0');
    }
    radix(out, n, 3, b"01234567");
}

fn radix(out: &mut Vec<u8>, n: u64, bits: u32, digits: &[u8]) {
    let mut buf = [0u8; 24];
    let mut at = buf.len();
    let mut rest = n;
    loop {
        at -= 1;
        buf[at] = digits[(rest & ((1 << bits) - 1)) as usize];
        rest >>= bits;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&buf[at..]);
}

/// Two lower-case hexadecimal digits.
pub fn hex_byte(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

/// Six significant digits in the shorter of the plain and the exponent form.
///
/// Source: `printf(3)`, conversion `%g`.
pub fn general(out: &mut Vec<u8>, x: f64) {
    let text = format!("{x:.5e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        out.extend_from_slice(without_zeros(&format!("{x:.decimals$}")).as_bytes());
        return;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a vector cannot fail.
    let _ = write!(out, "{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn radixes_are_as_the_peers_print_them() {
        assert_eq!(text(|o| hex(o, 0x7FA6_93F9)), "7FA693F9");
        assert_eq!(text(|o| hex(o, 0)), "0");
        assert_eq!(text(|o| oct(o, 0o755, true)), "0755");
        assert_eq!(text(|o| oct(o, 0, true)), "0");
        assert_eq!(text(|o| hex_lower(o, u64::MAX)), "ffffffffffffffff");
    }

    #[test]
    fn padding_never_cuts_digits() {
        assert_eq!(text(|o| padded(o, 49551, 9)), "000049551");
        assert_eq!(text(|o| padded(o, 12_345, 2)), "12345");
    }

    #[test]
    fn general_form_is_that_of_printf() {
        assert_eq!(text(|o| general(o, 1.5)), "1.5");
        assert_eq!(text(|o| general(o, 1.23e-7)), "1.23e-07");
        assert_eq!(text(|o| general(o, 0.001)), "0.001");
        assert_eq!(text(|o| general(o, 1_234_567.0)), "1.23457e+06");
        assert_eq!(text(|o| general(o, 0.0)), "0");
        assert_eq!(text(|o| general(o, 100_000.0)), "100000");
    }
}
