//! Keys of a table: the values that events are grouped by, as bytes that compare equal.
//!
//! In: [`Value`]s and the buckets that the plan puts them in. Out: an encoded key, and [`Part`]s
//! to show it. Next: `super`.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::value::Value;

/// How values that differ fall into one group.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Groups of equal width from 0 on; the width grows when a run needs more than `span`
    /// groups, so that a graph of any length fits.
    Width {
        /// Width of a group, 1 or more.
        width: u64,
        /// Greatest distance between the first and the last group.
        span: u64,
    },
    /// Each power of two in so many equal steps, 1 to 256.
    Log2(u32),
}

/// One value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// The field does not apply.
    Absent,
    /// Number.
    Int(i64),
    /// Number, or the position of a bucket.
    Uint(u64),
    /// Text or bytes.
    Text(Vec<u8>),
}

impl Part {
    /// The part as JSON.
    pub fn json(&self) -> Json {
        match self {
            Part::Absent => Json::Null,
            Part::Int(n) => (*n).into(),
            Part::Uint(n) => (*n).into(),
            Part::Text(bytes) => readable(bytes).into(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Part::Absent => 0,
            Part::Int(_) | Part::Uint(_) => 1,
            Part::Text(_) => 2,
        }
    }

    fn number(&self) -> i128 {
        match self {
            Part::Int(n) => i128::from(*n),
            Part::Uint(n) => i128::from(*n),
            _ => 0,
        }
    }

    /// Order for display: absent, numbers, texts.
    pub fn compare(&self, other: &Part) -> Ordering {
        match (self, other) {
            (Part::Text(a), Part::Text(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()).then(self.number().cmp(&other.number())),
        }
    }
}

const ABSENT: u8 = 0;
const INT: u8 = 1;
const UINT: u8 = 2;
const TEXT: u8 = 3;

/// Appends the encoding of `value` to `out`.
pub fn encode(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Int(n) => encode_number(out, INT, *n as u64),
        Value::Uint(n) => encode_number(out, UINT, *n),
        Value::Bool(b) => encode_text(out, if *b { b"true" } else { b"false" }),
        Value::Double(x) => encode_text(out, format!("{x}").as_bytes()),
        Value::Text(text) => encode_text(out, text),
        Value::Bytes(bytes) => encode_text(out, bytes),
        Value::Ip(ip) => encode_text(out, ip.to_string().as_bytes()),
        Value::List(items) | Value::Ends(items) => encode_text(out, &listed(items)),
    }
}

/// Text for JSON: bytes that are no UTF-8 become the four characters `\xHH`.
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|b| text.push_str(&format!("\\x{b:02x}")));
    }
    text
}

/// Appends what stands for a field that does not apply.
pub fn encode_absent(out: &mut Vec<u8>) {
    out.push(ABSENT);
}

/// Appends the position of a bucket.
pub fn encode_bucket(out: &mut Vec<u8>, position: u64) {
    encode_number(out, UINT, position);
}

fn encode_number(out: &mut Vec<u8>, tag: u8, n: u64) {
    out.push(tag);
    out.extend_from_slice(&n.to_le_bytes());
}

fn encode_text(out: &mut Vec<u8>, text: &[u8]) {
    let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
    out.push(TEXT);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend(text.iter().take(len as usize));
}

/// The items of a list as one text, apart by commas.
fn listed(items: &[Value<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let mut one = Vec::new();
        encode(&mut one, item);
        out.extend(match decode(&one).pop() {
            Some(Part::Text(text)) => text,
            Some(part) => part.number().to_string().into_bytes(),
            None => Vec::new(),
        });
    }
    out
}

/// The parts of an encoded key.
pub fn decode(mut key: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some((part, rest)) = decode_one(key) {
        parts.push(part);
        key = rest;
    }
    parts
}

fn decode_one(key: &[u8]) -> Option<(Part, &[u8])> {
    let (tag, rest) = key.split_first()?;
    Some(match *tag {
        INT => {
            let (bytes, rest) = rest.split_first_chunk::<8>()?;
            (Part::Int(i64::from_le_bytes(*bytes)), rest)
        }
        UINT => {
            let (bytes, rest) = rest.split_first_chunk::<8>()?;
            (Part::Uint(u64::from_le_bytes(*bytes)), rest)
        }
        TEXT => {
            let (len, rest) = rest.split_first_chunk::<4>()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            (Part::Text(text.to_vec()), rest)
        }
        _ => (Part::Absent, rest),
    })
}

/// Appends the encoding of `part` to `out`.
pub fn encode_part(out: &mut Vec<u8>, part: &Part) {
    match part {
        Part::Absent => encode_absent(out),
        Part::Int(n) => encode_number(out, INT, *n as u64),
        Part::Uint(n) => encode_number(out, UINT, *n),
        Part::Text(text) => encode_text(out, text),
    }
}

/// A value as a number; fractions are cut, texts are none.
pub fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::Uint(n) => Some(i64::try_from(*n).unwrap_or(i64::MAX)),
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Double(x) if x.is_finite() => Some(*x as i64),
        _ => None,
    }
}

/// By how much a width grows, so that widths of 1 stay 1 or 2 times a power of ten.
pub fn coarser(width: u64) -> u64 {
    let mut head = width.max(1);
    while head % 10 == 0 {
        head /= 10;
    }
    if head == 2 {
        5
    } else {
        2
    }
}

/// Which of `steps` equal steps of its power of two `n` lies in, counted from 0.
///
/// The first number of position `p` is `2^o + (p % steps) * 2^o / steps` with `o = p / steps`.
pub fn log2_position(n: u64, steps: u32) -> u64 {
    let octave = u64::from(n.max(1).ilog2());
    let above = n.max(1) - (1 << octave);
    let step = (u128::from(above) * u128::from(steps)) >> octave;
    octave * u64::from(steps) + step as u64
}

/// The first number of a position of [`log2_position`].
pub fn log2_start(position: u64, steps: u32) -> u64 {
    let steps = u64::from(steps.max(1));
    let octave = (position / steps).min(63);
    let part = (u128::from(position % steps) << octave).div_ceil(u128::from(steps));
    (1u64 << octave).saturating_add(part as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back() {
        let mut key = Vec::new();
        encode(&mut key, &Value::text(b"a\0b"));
        encode(&mut key, &Value::Int(-3));
        encode_absent(&mut key);
        encode(&mut key, &Value::Uint(u64::MAX));
        encode(&mut key, &Value::List(vec![Value::Int(1), Value::text(b"x")]));
        let parts = decode(&key);
        assert_eq!(
            parts,
            [
                Part::Text(b"a\0b".to_vec()),
                Part::Int(-3),
                Part::Absent,
                Part::Uint(u64::MAX),
                Part::Text(b"1,x".to_vec()),
            ]
        );
        let mut again = Vec::new();
        parts.iter().for_each(|p| encode_part(&mut again, p));
        assert_eq!(again, key);
    }

    #[test]
    fn texts_that_share_bytes_are_different_keys() {
        let two = |a: &'static [u8], b: &'static [u8]| {
            let mut key = Vec::new();
            encode(&mut key, &Value::text(a));
            encode(&mut key, &Value::text(b));
            key
        };
        assert_ne!(two(b"ab", b"c"), two(b"a", b"bc"));
    }

    #[test]
    fn every_number_lies_in_the_step_that_it_is_given() {
        for steps in [1, 4, 16] {
            for n in (0..2000).chain([1 << 20, (1 << 40) + 12345, u64::MAX]) {
                let at = log2_position(n, steps);
                let first = log2_start(at, steps);
                assert!(first <= n.max(1), "{n} {steps} {at} {first}");
                if at + 1 < 64 * u64::from(steps) {
                    assert!(n.max(1) < log2_start(at + 1, steps), "{n} {steps} {at}");
                }
            }
        }
    }

    #[test]
    fn widths_grow_to_round_numbers() {
        let mut width = 1;
        let mut seen = Vec::new();
        for _ in 0..5 {
            width *= coarser(width);
            seen.push(width);
        }
        assert_eq!(seen, [2, 10, 20, 100, 200]);
        assert_eq!(coarser(500), 2);
    }

    #[test]
    fn parts_are_shown_in_order() {
        let mut parts = [Part::Text(b"b".into()), Part::Uint(7), Part::Int(-1), Part::Absent];
        parts.sort_by(Part::compare);
        assert_eq!(parts, [Part::Absent, Part::Int(-1), Part::Uint(7), Part::Text(b"b".into())]);
    }
}
