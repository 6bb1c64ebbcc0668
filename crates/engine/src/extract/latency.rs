//! Fields of the time between a call's entry and its exit.
//!
//! In: a [`Ctx`] whose event carries a measured duration. Out: [`Value`]s, absent when nothing
//! was measured. Next: `proc`.
//!
//! DIFFERENCE(libs 0.25-dev): there, every one of these fields is 0.

use super::Get::{Text, Value as Val};
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::render::Style;
use crate::tables::flag;
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("evt.latency", Val(|c, _| c.ev.duration_ns.map(Value::Uint))),
    ("evt.latency.s", Val(|c, _| c.ev.duration_ns.map(|ns| Value::Uint(ns / NS)))),
    ("evt.latency.ns", Val(|c, _| c.ev.duration_ns.map(|ns| Value::Uint(ns % NS)))),
    ("evt.latency.quantized", Val(quantized)),
    ("evt.latency.human", Text(human)),
    ("evt.wait_latency", Val(waited)),
];

const NS: u64 = 1_000_000_000;

/// Units and their length in ns, the largest first.
const UNITS: &[(&str, u64)] = &[("s", NS), ("ms", 1_000_000), ("us", 1_000)];

/// The decade of the duration: 0 below 10 ns, 9 from a second on.
fn quantized<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    let ns = ctx.ev.duration_ns?;
    Some(Value::Uint(ns.checked_ilog10().unwrap_or(0).into()))
}

fn waited<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    ctx.ev.duration_ns.filter(|_| ctx.ev.info.has(flag::WAITS)).map(Value::Uint)
}

fn human(ctx: &Ctx<'_>, _: &Slot, _: &Style, out: &mut Vec<u8>) -> bool {
    let Some(ns) = ctx.ev.duration_ns else { return false };
    push_human(out, ns);
    true
}

/// Appends `ns` in the largest unit that fits, with up to two decimals.
pub fn push_human(out: &mut Vec<u8>, ns: u64) {
    let Some((unit, length)) = UNITS.iter().find(|(_, length)| ns >= *length) else {
        crate::render::num::udec(out, ns);
        out.extend_from_slice(b"ns");
        return;
    };
    let text = format!("{:.2}", ns as f64 / *length as f64);
    out.extend_from_slice(text.trim_end_matches('0').trim_end_matches('.').as_bytes());
    out.extend_from_slice(unit.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::push_human;

    #[test]
    fn durations_are_short() {
        let shown = |ns| {
            let mut out = Vec::new();
            push_human(&mut out, ns);
            String::from_utf8(out).unwrap_or_default()
        };
        assert_eq!(shown(0), "0ns");
        assert_eq!(shown(999), "999ns");
        assert_eq!(shown(10_300_000), "10.3ms");
        assert_eq!(shown(1_500), "1.5us");
        assert_eq!(shown(2_000_000_000), "2s");
    }
}
