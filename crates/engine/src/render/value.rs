//! Field values as text and as JSON.
//!
//! In: [`Value`]s and the print form of their field. Out: bytes appended to a line. Next: `sink`.

use super::num::{dec, hex, oct, padded, udec};
use super::{addr, escape, Style};
use crate::value::Value;

/// How numbers of a field are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberForm {
    /// Decimal.
    #[default]
    Dec,
    /// Decimal, nine digits.
    Dec9,
    /// Upper-case hexadecimal.
    Hex,
    /// Octal with a leading zero.
    Oct,
}

/// Appends a value as text.
pub fn text(out: &mut Vec<u8>, value: &Value<'_>, form: NumberForm, style: &Style) {
    match value {
        Value::Int(n) => signed(out, *n, form),
        Value::Uint(n) => unsigned(out, *n, form),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        // Writing to a vector cannot fail.
        Value::Double(x) => drop(std::io::Write::write_fmt(out, format_args!("{x:.1}"))),
        Value::Text(text) => style.text(out, text),
        Value::Bytes(bytes) => style.bytes(out, bytes),
        Value::Ip(ip) => addr::ip(out, *ip),
        Value::List(items) | Value::Ends(items) => list(out, items, form, style),
    }
}

fn list(out: &mut Vec<u8>, items: &[Value<'_>], form: NumberForm, style: &Style) {
    out.push(b'(');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        text(out, item, form, style);
    }
    out.push(b')');
}

/// Appends a signed number.
pub fn signed(out: &mut Vec<u8>, n: i64, form: NumberForm) {
    match form {
        NumberForm::Hex if i32::try_from(n).is_ok_and(|n| n < 0) => {
            hex(out, n as u64 & 0xffff_ffff)
        }
        NumberForm::Hex | NumberForm::Oct | NumberForm::Dec9 => unsigned(out, n as u64, form),
        NumberForm::Dec => dec(out, n),
    }
}

/// Appends an unsigned number.
pub fn unsigned(out: &mut Vec<u8>, n: u64, form: NumberForm) {
    match form {
        NumberForm::Dec => udec(out, n),
        NumberForm::Dec9 => padded(out, n, 9),
        NumberForm::Hex => hex(out, n),
        NumberForm::Oct => oct(out, n, false),
    }
}

/// Appends a value as JSON: numbers as numbers, but for those shown in hexadecimal or octal.
pub fn json(out: &mut Vec<u8>, value: &Value<'_>, form: NumberForm, style: &Style) {
    match value {
        Value::Int(n) if is_decimal(form) => dec(out, *n),
        Value::Uint(n) if is_decimal(form) => udec(out, *n),
        Value::Bool(_) => text(out, value, form, style),
        Value::Double(x) => double(out, *x),
        Value::Text(bytes) => escape::json(out, bytes),
        Value::List(items) | Value::Ends(items) => array(out, items, form, style),
        Value::Int(_) | Value::Uint(_) | Value::Bytes(_) | Value::Ip(_) => {
            let mut inner = Vec::new();
            text(&mut inner, value, form, style);
            escape::json(out, &inner);
        }
    }
}

fn is_decimal(form: NumberForm) -> bool {
    matches!(form, NumberForm::Dec | NumberForm::Dec9)
}

/// The shortest form that reads back as the same number; `null` for what JSON cannot say.
fn double(out: &mut Vec<u8>, x: f64) {
    if x.is_finite() {
        // Writing to a vector cannot fail.
        drop(std::io::Write::write_fmt(out, format_args!("{x:?}")));
    } else {
        out.extend_from_slice(b"null");
    }
}

fn array(out: &mut Vec<u8>, items: &[Value<'_>], form: NumberForm, style: &Style) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json(out, item, form, style);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(value: &Value<'_>, form: NumberForm) -> (String, String) {
        let (mut plain, mut quoted) = (Vec::new(), Vec::new());
        text(&mut plain, value, form, &Style::default());
        json(&mut quoted, value, form, &Style::default());
        (String::from_utf8_lossy(&plain).into(), String::from_utf8_lossy(&quoted).into())
    }

    #[test]
    fn numbers_are_numbers_unless_shown_otherwise() {
        assert_eq!(both(&Value::Uint(49), NumberForm::Dec9), ("000000049".into(), "49".into()));
        assert_eq!(both(&Value::Int(-1), NumberForm::Dec), ("-1".into(), "-1".into()));
        assert_eq!(
            both(&Value::Int(-1), NumberForm::Hex),
            ("FFFFFFFF".into(), "\"FFFFFFFF\"".into())
        );
        assert_eq!(both(&Value::Uint(0x1001), NumberForm::Hex).1, "\"1001\"");
    }

    #[test]
    fn doubles_are_short_in_text_and_whole_in_json() {
        assert_eq!(
            both(&Value::Double(0.09765625), NumberForm::Dec),
            ("0.1".into(), "0.09765625".into())
        );
        assert_eq!(both(&Value::Double(0.0), NumberForm::Dec).1, "0.0");
        assert_eq!(both(&Value::Double(f64::NAN), NumberForm::Dec).1, "null");
    }

    #[test]
    fn lists_are_parenthesised_or_arrays() {
        let value = Value::List(vec![Value::text(b"file"), Value::text(b"pipe")]);
        assert_eq!(
            both(&value, NumberForm::Dec),
            ("(file,pipe)".into(), "[\"file\",\"pipe\"]".into())
        );
    }
}
