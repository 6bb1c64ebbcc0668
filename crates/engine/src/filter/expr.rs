//! Operands: fields, constants and functions of them.
//!
//! In: steps in postfix order, and the fields of an event. Out: a [`Value`], or none. Next:
//! [`super::compare`].

use crate::error::{Error, Result};
use crate::value::Value;

use super::functions::{self, Call};
use super::row::{CallRow, StepRow, ValueRow};

/// An operand; its steps are known to leave one value.
#[derive(Debug)]
pub struct Expr {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Field(usize),
    Const(Value<'static>),
    Array(usize),
    Call(Call),
}

/// A constant that is a [`Value`]; networks are none.
///
/// # Errors
/// [`Error::Plan`] for a network, and for base64 that is not.
pub fn constant(row: &ValueRow) -> Result<Value<'static>> {
    Ok(match row {
        ValueRow::Text(text) => Value::owned(text.clone().into_bytes()),
        ValueRow::Raw(text) => Value::owned(decoded(text)?),
        ValueRow::Bytes(text) => Value::Bytes(decoded(text)?.into()),
        ValueRow::I64(number) => Value::Int(*number),
        ValueRow::U64(number) => Value::Uint(*number),
        ValueRow::F64(number) => Value::Double(*number),
        ValueRow::Bool(truth) => Value::Bool(*truth),
        ValueRow::Ip(ip) => Value::Ip(*ip),
        ValueRow::Net(text) => return Err(refused(format!("{text:?} is no value"))),
    })
}

fn decoded(text: &str) -> Result<Vec<u8>> {
    functions::decode_base64(text.as_bytes()).ok_or_else(|| refused(format!("{text:?}: base64")))
}

/// The program is not one.
pub fn refused(what: String) -> Error {
    Error::Plan(format!("filter: {what}"))
}

impl Expr {
    /// Checks that the steps leave one value.
    ///
    /// # Errors
    /// [`Error::Plan`] for steps that do not fit together.
    pub fn new(rows: &[StepRow], fields: usize) -> Result<Self> {
        let mut depth: usize = 0;
        let mut steps = Vec::with_capacity(rows.len());
        for row in rows {
            let (step, taken) = Step::new(row, fields)?;
            depth = depth.checked_sub(taken).ok_or_else(|| refused("stack".into()))? + 1;
            steps.push(step);
        }
        if depth != 1 {
            return Err(refused(format!("an operand leaves {depth} values")));
        }
        Ok(Expr { steps })
    }

    /// The value for an event, whose fields `get` yields.
    pub fn eval<'a>(&'a self, get: &impl Fn(usize) -> Option<Value<'a>>) -> Option<Value<'a>> {
        if let [Step::Field(index)] = self.steps.as_slice() {
            return get(*index);
        }
        let mut stack: Vec<Option<Value<'a>>> = Vec::new();
        for step in &self.steps {
            let value = match step {
                Step::Field(index) => get(*index),
                Step::Const(value) => Some(borrowed(value)),
                Step::Array(count) => taken(&mut stack, *count).map(Value::List),
                Step::Call(call) => taken(&mut stack, call.args).and_then(|args| call.run(args)),
            };
            stack.push(value);
        }
        stack.pop().flatten()
    }
}

impl Step {
    /// The step, and how many values it takes off the stack.
    fn new(row: &StepRow, fields: usize) -> Result<(Self, usize)> {
        Ok(match row {
            StepRow::Field(index) if *index < fields => (Step::Field(*index), 0),
            StepRow::Field(index) => return Err(refused(format!("there is no field {index}"))),
            StepRow::Const(value) => (Step::Const(constant(value)?), 0),
            StepRow::Array(count) => (Step::Array(*count), *count),
            StepRow::Call(row) => (Step::Call(call(row)?), row.args),
        })
    }
}

fn call(row: &CallRow) -> Result<Call> {
    let index = row.index.as_deref().map(str::as_bytes).map(Into::into);
    Call::new(row.function, row.args, index)
        .ok_or_else(|| refused(format!("{} arguments of {:?}", row.args, row.function)))
}

/// The topmost `count` values; none when one of them is missing.
fn taken<'a>(stack: &mut Vec<Option<Value<'a>>>, count: usize) -> Option<Vec<Value<'a>>> {
    let rest = stack.len().checked_sub(count)?;
    stack.drain(rest..).collect()
}

fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Text(text) => Value::text(text),
        Value::Bytes(bytes) => Value::Bytes(bytes.as_ref().into()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(json: &str) -> Vec<StepRow> {
        serde_json::from_str(json).unwrap()
    }

    fn eval(json: &str) -> Option<Value<'static>> {
        let expr = Expr::new(&rows(json), 2).unwrap();
        let get = |index| (index == 0).then(|| Value::text(b"curl"));
        let found = expr.eval(&get)?;
        Some(match found {
            Value::Text(text) => Value::owned(text.into_owned()),
            Value::Int(number) => Value::Int(number),
            Value::Uint(number) => Value::Uint(number),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn steps_are_run_in_postfix_order() {
        let json = r#"[{"field":0},{"const":{"text":"-X"}},{"call":{"fn":"concat","args":2}},
            {"call":{"fn":"tolower","args":1}}]"#;
        assert_eq!(eval(json), Some(Value::text(b"curl-x")));
    }

    #[test]
    fn a_missing_argument_makes_the_result_missing() {
        let json = r#"[{"field":0},{"field":1},{"call":{"fn":"concat","args":2}}]"#;
        assert_eq!(eval(json), None);
        let json = r#"[{"const":{"text":","}},{"field":0},{"field":1},{"array":2},
            {"call":{"fn":"join","args":2}}]"#;
        assert_eq!(eval(json), None);
    }

    #[test]
    fn steps_that_do_not_fit_are_refused() {
        for json in [
            "[]",
            r#"[{"field":0},{"field":0}]"#,
            r#"[{"field":2}]"#,
            r#"[{"call":{"fn":"len","args":1}}]"#,
            r#"[{"field":0},{"call":{"fn":"join","args":1}}]"#,
            r#"[{"array":1}]"#,
            r#"[{"const":{"net":"10.0.0.0/8"}}]"#,
            r#"[{"const":{"raw":"*"}}]"#,
        ] {
            assert!(Expr::new(&rows(json), 2).is_err(), "{json}");
        }
    }
}
