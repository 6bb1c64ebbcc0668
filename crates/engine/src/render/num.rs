//! Numbers as text, written without allocation.
//!
//! In: numbers. Out: bytes appended to a line. Next: `time`, `param`.

use std::io::Write as _;

/// The decimal digits of 0 to 99, two each.
const PAIRS: [[u8; 2]; 100] = pairs();

const fn pairs() -> [[u8; 2]; 100] {
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
}

/// Most digits of a 64-bit number.
const MAX_DIGITS: usize = 20;

/// Decimal.
pub fn dec(out: &mut Vec<u8>, n: i64) {
    if n < 0 {
        out.push(b'-');
    }
    udec(out, n.unsigned_abs());
}

/// Decimal, unsigned.
pub fn udec(out: &mut Vec<u8>, n: u64) {
    if n < 10 {
        return out.push(b'0' + n as u8);
    }
    let len = n.ilog10() as usize + 1;
    let mut text = [0; MAX_DIGITS];
    digits(text.get_mut(..len).unwrap_or(&mut []), n);
    front(out, &text, len);
}

/// Decimal with leading zeros up to `width` digits, at most 20.
pub fn padded(out: &mut Vec<u8>, n: u64, width: usize) {
    let len = n.checked_ilog10().map_or(1, |log| log as usize + 1).max(width.min(MAX_DIGITS));
    let mut text = [0; MAX_DIGITS];
    digits(text.get_mut(..len).unwrap_or(&mut []), n);
    front(out, &text, len);
}

/// Fills `text` with the last digits of `n`, zeros in front.
pub(super) fn digits(text: &mut [u8], n: u64) {
    let mut rest = n;
    let mut pairs = text.rchunks_exact_mut(2);
    for pair in &mut pairs {
        pair.copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if let [digit] = pairs.into_remainder() {
        *digit = b'0' + (rest % 10) as u8;
    }
}

/// Appends the first `len` bytes of `text`. All of it is copied and the rest cut off again: a copy
/// whose size is constant is a few moves, any other is a call.
fn front<const SIZE: usize>(out: &mut Vec<u8>, text: &[u8; SIZE], len: usize) {
    let end = out.len() + len;
    out.extend_from_slice(text);
    out.truncate(end);
}

/// Upper-case hexadecimal without prefix.
pub fn hex(out: &mut Vec<u8>, n: u64) {
    hexadecimal(out, n, b'A');
}

/// Lower-case hexadecimal without prefix.
pub fn hex_lower(out: &mut Vec<u8>, n: u64) {
    hexadecimal(out, n, b'a');
}

/// Most hexadecimal digits of a 64-bit number.
const MAX_HEX: u32 = 16;

fn hexadecimal(out: &mut Vec<u8>, n: u64, ten: u8) {
    let len = n.checked_ilog2().map_or(1, |log| log / 4 + 1);
    let high = u128::from(hex_digits((n >> 32) as u32, ten));
    let low = u128::from(hex_digits(n as u32, ten));
    let digits = (high << 64 | low) << (8 * (MAX_HEX - len));
    front(out, &digits.to_be_bytes(), len as usize);
}

/// The eight digits of `n`, the first in the highest byte; all are made together: addresses are
/// the longest numbers of most events.
fn hex_digits(n: u32, ten: u8) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let n = u64::from(n);
    let n = (n | n << 16) & 0x0000_ffff_0000_ffff;
    let n = (n | n << 8) & 0x00ff_00ff_00ff_00ff;
    let n = (n | n << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let is_letter = (n + ONES * 6) >> 4 & ONES;
    n + ONES * u64::from(b'0') + is_letter * u64::from(ten - b'0' - 10)
}

/// Octal; `lead` puts a zero in front of everything but zero.
pub fn oct(out: &mut Vec<u8>, n: u64, lead: bool) {
    if lead && n != 0 {
        out.push(b'0');
    }
    let len = n.checked_ilog2().map_or(1, |log| log / 3 + 1) as usize;
    let mut text = [0u8; MAX_OCTAL];
    let mut rest = n;
    for place in text.iter_mut().take(len).rev() {
        *place = b'0' + (rest & 7) as u8;
        rest >>= 3;
    }
    front(out, &text, len);
}

/// Most octal digits of a 64-bit number.
const MAX_OCTAL: usize = 22;

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
        for n in (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, 0x9abc_def0_1234_5678 >> bit])
        {
            assert_eq!(text(|o| hex(o, n)), format!("{n:X}"));
            assert_eq!(text(|o| hex_lower(o, n)), format!("{n:x}"));
            assert_eq!(text(|o| oct(o, n, false)), format!("{n:o}"));
        }
        assert_eq!(text(|o| oct(o, 0o755, true)), "0755");
        assert_eq!(text(|o| oct(o, 0, true)), "0");
        assert_eq!(text(|o| hex_lower(o, u64::MAX)), "ffffffffffffffff");
    }

    #[test]
    fn padding_never_cuts_digits() {
        assert_eq!(text(|o| padded(o, 49551, 9)), "000049551");
        assert_eq!(text(|o| padded(o, 12_345, 2)), "12345");
        assert_eq!(text(|o| padded(o, 0, 4)), "0000");
        assert_eq!(text(|o| padded(o, u64::MAX, 3)), "18446744073709551615");
    }

    #[test]
    fn decimals_are_those_of_the_standard_library() {
        let powers = (0..20).map(|n| 10u64.pow(n));
        for n in powers.flat_map(|n| [n - 1, n, n + 1, n.wrapping_mul(7)]).chain([u64::MAX]) {
            assert_eq!(text(|o| udec(o, n)), n.to_string());
            assert_eq!(text(|o| dec(o, n as i64)), (n as i64).to_string());
        }
        assert_eq!(text(|o| dec(o, i64::MIN)), i64::MIN.to_string());
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
