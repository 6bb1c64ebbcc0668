//! The filter program.
//!
//! In: the plan's program, and a [`Ctx`] an event. Out: whether the event is chosen.
//! Next: [`crate::sink`].
//!
//! [`row`] is the program on the wire, [`expr`] its operands, [`compare`] its comparisons. A
//! missing value makes every comparison false, `!=` and `exists` too; only `not` turns it over.

pub mod compare;
pub mod expr;
pub mod functions;
pub mod glob;
pub mod net;
pub mod path;
pub mod row;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;
use crate::value::Value;

use compare::Test;
use expr::{refused, Expr};
use row::OpRow;
pub use row::ProgramRow;

/// Most instructions of a program; a filter of the longest text allowed has fewer.
const MAX_OPS: usize = 1 << 23;

/// A program ready to run.
#[derive(Debug)]
pub struct Program {
    ops: Vec<Op>,
    /// By event code; none for "any".
    codes: Option<Vec<bool>>,
    /// By number of a call without an event of its own; none for "any".
    calls: Option<Vec<bool>>,
    /// First and last time of events that can match.
    span_ns: (u64, u64),
}

#[derive(Debug)]
enum Op {
    Check(Expr, Box<Test>),
    Not,
    /// Go on at the position when the register is this.
    JumpIf(bool, usize),
}

impl Program {
    /// Checks the program, which refers to `fields`, and compiles its patterns.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for an instruction, type or position that does not exist.
    pub fn new(row: &ProgramRow, fields: &Extractors) -> Result<Self> {
        Self::with_fields(row, fields.len())
    }

    fn with_fields(row: &ProgramRow, fields: usize) -> Result<Self> {
        if row.ops.len() > MAX_OPS {
            return Err(refused(format!("{} instructions", row.ops.len())));
        }
        let ops = row.ops.iter().enumerate();
        let ops = ops.map(|(at, op)| Op::new(op, at, row.ops.len(), fields));
        let (codes, calls) = (row.event_codes.as_deref(), row.calls.as_deref());
        let (codes, calls) = (codes.map(marked), calls.map(marked));
        let span_ns = row.span_ns.unwrap_or((0, u64::MAX));
        Ok(Program { ops: ops.collect::<Result<_>>()?, codes, calls, span_ns })
    }

    /// Whether events of `code` can match at all.
    pub fn can_match(&self, code: u16) -> bool {
        is_marked(self.codes.as_deref(), code)
    }

    /// First and last time, ns since the epoch, of the events that can match.
    pub fn span_ns(&self) -> (u64, u64) {
        self.span_ns
    }

    /// Whether the exit of call `number`, which has no event of its own, can match at all.
    pub fn can_match_call(&self, number: u16) -> bool {
        is_marked(self.calls.as_deref(), number)
    }

    /// Whether it is known of some calls that they cannot match.
    pub fn knows_calls(&self) -> bool {
        self.calls.is_some()
    }

    /// Whether the event of `ctx` is chosen; most are rejected by their code alone.
    pub fn accepts(&self, ctx: &Ctx<'_>, fields: &Extractors) -> bool {
        self.can_match(ctx.ev.code) && self.matches(ctx, fields)
    }

    /// Whether the event of `ctx`, whose code can match, is chosen.
    pub fn matches(&self, ctx: &Ctx<'_>, fields: &Extractors) -> bool {
        self.run(&|index| fields.extract(index, ctx))
    }

    /// Runs the program over the fields that `get` yields. Jumps only go forward, so it ends.
    fn run<'a>(&'a self, get: &impl Fn(usize) -> Option<Value<'a>>) -> bool {
        let mut truth = true;
        let mut at = 0;
        while let Some(op) = self.ops.get(at) {
            at += 1;
            match op {
                Op::Check(left, test) => {
                    truth = left.eval(get).is_some_and(|value| test.holds(&value, get));
                }
                Op::Not => truth = !truth,
                Op::JumpIf(when, to) if truth == *when => at = *to,
                Op::JumpIf(..) => {}
            }
        }
        truth
    }
}

/// A table that has true at each of `numbers`.
fn marked(numbers: &[u16]) -> Vec<bool> {
    let mut table = vec![false; numbers.iter().max().map_or(0, |max| usize::from(*max) + 1)];
    for number in numbers {
        if let Some(mark) = table.get_mut(usize::from(*number)) {
            *mark = true;
        }
    }
    table
}

fn is_marked(table: Option<&[bool]>, number: u16) -> bool {
    table.map_or(true, |table| table.get(usize::from(number)).copied().unwrap_or(false))
}

impl Op {
    fn new(row: &OpRow, at: usize, len: usize, fields: usize) -> Result<Self> {
        let jump = |when, to: usize| {
            if to <= at || to > len {
                return Err(refused(format!("jump from {at} to {to}")));
            }
            Ok(Op::JumpIf(when, to))
        };
        match row {
            OpRow::Check { lhs, cmp, rhs, quant } => Ok(Op::Check(
                Expr::new(lhs, fields)?,
                Box::new(Test::new(*cmp, rhs.as_ref(), *quant, fields)?),
            )),
            OpRow::Not {} => Ok(Op::Not),
            OpRow::JumpIfFalse { to } => jump(false, *to),
            OpRow::JumpIfTrue { to } => jump(true, *to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(ops: &str) -> Result<Program> {
        let text = format!(r#"{{"ops":{ops},"event_codes":[3,307]}}"#);
        Program::with_fields(&serde_json::from_str(&text).unwrap(), 2)
    }

    fn check(field: usize, value: &str) -> String {
        format!(
            r#"{{"op":"check","lhs":[{{"field":{field}}}],"cmp":"eq",
                "rhs":{{"const":{{"text":"{value}"}}}},"quant":null}}"#
        )
    }

    fn run(ops: &str) -> bool {
        let get = |index| (index == 0).then(|| Value::text(b"curl"));
        program(ops).unwrap().run(&get)
    }

    #[test]
    fn a_missing_value_is_false_until_it_is_turned_over() {
        assert!(!run(&format!("[{}]", check(1, "curl"))));
        assert!(run(&format!(r#"[{},{{"op":"not"}}]"#, check(1, "curl"))));
    }

    #[test]
    fn jumps_skip_what_is_decided() {
        let (yes, no) = (check(0, "curl"), check(0, "wget"));
        assert!(run(&format!(r#"[{yes},{{"op":"jump_if_true","to":3}},{no}]"#)));
        assert!(!run(&format!(r#"[{no},{{"op":"jump_if_false","to":3}},{yes}]"#)));
        assert!(run(&format!(r#"[{no},{{"op":"jump_if_true","to":3}},{yes}]"#)));
    }

    #[test]
    fn jumps_go_forward_and_not_beyond_the_end() {
        for to in [0, 1, 3] {
            let ops = format!(r#"[{},{{"op":"jump_if_true","to":{to}}}]"#, check(0, "a"));
            assert!(program(&ops).is_err(), "{to}");
        }
    }

    #[test]
    fn only_the_listed_codes_can_match() {
        let program = program("[]").unwrap();
        assert!(program.can_match(3) && program.can_match(307));
        assert!(!program.can_match(4) && !program.can_match(u16::MAX));
    }

    #[test]
    fn unknown_words_are_refused() {
        for ops in [
            r#"[{"op":"jump","to":1}]"#,
            r#"[{"op":"not","to":1}]"#,
            r#"[{"op":"check","lhs":[],"cmp":"like","rhs":null,"quant":null}]"#,
        ] {
            let text = format!(r#"{{"ops":{ops},"event_codes":null}}"#);
            assert!(serde_json::from_str::<ProgramRow>(&text).is_err(), "{ops}");
        }
    }
}
