//! Fields out of an event and its surroundings.
//!
//! In: the plan's field uses, and a [`Ctx`] an event. Out: [`Value`]s. Next: `filter`, `render`.
//! Each field is one row of a table in the module of its class: its name and the function that
//! computes it. A function yields a [`Value`], writes text, or does both where the text is not
//! the value's own.

pub mod container;
pub mod evt;
pub mod fd;
pub mod fdlist;
pub mod fs_path;
pub mod k8s;
pub mod latency;
pub mod lineage;
pub mod proc;
pub mod thread;
pub mod user;

use std::sync::{Mutex, MutexGuard};

use rustc_hash::FxHashMap;

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::plan::{FieldArg, FieldUse};
use crate::render::value::NumberForm;
use crate::render::{value, Style, Zone};
use crate::tables::Tables;
use crate::value::Value;

/// Computes a value; `None` when the field does not apply.
pub type ValueFn = for<'a> fn(&Ctx<'a>, &Slot) -> Option<Value<'a>>;

/// Finds text in the capture or the tables; `None` when the field does not apply.
pub type BorrowFn = for<'a> fn(&Ctx<'a>, &Slot) -> Option<&'a [u8]>;

/// Computes a number; `None` when the field does not apply.
pub type NumberFn<N> = fn(&Ctx<'_>, &Slot) -> Option<N>;

/// Appends text; false (what was appended is cut off) when the field does not apply.
pub type TextFn = fn(&Ctx<'_>, &Slot, &Style, &mut Vec<u8>) -> bool;

/// Appends a time.
pub type TimeFn = fn(&mut Vec<u8>, u64, &Zone);

/// How a field is computed.
#[derive(Clone, Copy)]
pub enum Get {
    /// As a value; its text is that of the value.
    Value(ValueFn),
    /// As text that lies somewhere: fields of every line are written without becoming values.
    Borrow(BorrowFn),
    /// As a signed number, likewise.
    Int(NumberFn<i64>),
    /// As an unsigned number, likewise.
    Uint(NumberFn<u64>),
    /// As text; its value is that text.
    Text(TextFn),
    /// As the event's time, in a form of text; JSON has ns instead.
    Time(TimeFn),
    /// As a time that the output chooses; JSON has the event's in ns instead.
    OutputTime(TextFn),
    /// As a value, with a text of its own.
    Both(ValueFn, TextFn),
    /// As a value whose print form depends on the event.
    Formed(ValueFn, fn(&Ctx<'_>, &Slot) -> NumberForm),
}

/// A field and how it is computed.
pub type Row = (&'static str, Get);

/// Every field this engine computes.
const TABLES: &[&[Row]] = &[
    evt::FIELDS,
    latency::FIELDS,
    proc::FIELDS,
    lineage::FIELDS,
    thread::FIELDS,
    user::FIELDS,
    fd::FIELDS,
    fdlist::FIELDS,
    fs_path::FIELDS,
    container::FIELDS,
    k8s::FIELDS,
];

/// Names of all fields this engine computes.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().flat_map(|table| table.iter().map(|(name, _)| *name))
}

fn getter(name: &str) -> Option<Get> {
    TABLES.iter().flat_map(|table| table.iter()).find(|(n, _)| *n == name).map(|(_, get)| *get)
}

/// What a field remembers from one event to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// The event it was last computed for.
    pub event: u64,
    /// The result for that event.
    pub result: u64,
    /// What it compares the next event with.
    pub last: Option<u64>,
    /// The same by processor or thread.
    pub by_key: FxHashMap<i64, u64>,
}

/// One use of a field: its argument and its memory.
#[derive(Debug)]
pub struct Slot {
    /// The argument.
    pub arg: Option<FieldArg>,
    /// Whether a filter compares the values one by one.
    pub each: bool,
    /// Position of the parameter called by the argument, by event code; 255 for none.
    positions: Vec<u8>,
    memory: Mutex<Memory>,
}

impl Slot {
    /// The index argument.
    pub fn index(&self) -> Option<i64> {
        match self.arg {
            Some(FieldArg::Index(n)) => Some(n),
            _ => None,
        }
    }

    /// The key or name argument.
    pub fn word(&self) -> Option<&str> {
        match &self.arg {
            Some(FieldArg::Key(word) | FieldArg::Name(word)) => Some(word),
            _ => None,
        }
    }

    /// Position of the event's parameter that the argument means.
    pub fn param(&self, ctx: &Ctx<'_>) -> Option<usize> {
        if let Some(index) = self.index() {
            return usize::try_from(index).ok();
        }
        let position = *self.positions.get(usize::from(ctx.ev.code))?;
        (position != u8::MAX).then_some(usize::from(position))
    }

    /// What was remembered; a field that panicked in another run is forgotten.
    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Computes once an event and gives the same result when asked again.
    pub fn once(&self, ctx: &Ctx<'_>, compute: impl FnOnce(&mut Memory) -> u64) -> u64 {
        let mut memory = self.memory();
        if memory.event != ctx.ev.num {
            memory.event = ctx.ev.num;
            memory.result = compute(&mut memory);
        }
        memory.result
    }
}

/// Print form of a field whose values are compared one by one.
const EACH: &str = "EACH";

struct Field {
    get: Get,
    slot: Slot,
    form: NumberForm,
}

/// The fields of a plan, resolved to the functions that compute them.
pub struct Extractors {
    fields: Vec<Field>,
    plain: Style,
}

impl Extractors {
    /// Resolves the field uses of a plan.
    ///
    /// # Errors
    /// [`Error::Plan`] for a field that this engine does not compute.
    pub fn new(fields: &[FieldUse], tables: &Tables) -> Result<Self> {
        let fields = fields.iter().map(|field| resolve(field, tables)).collect::<Result<_>>()?;
        Ok(Extractors { fields, plain: Style::default() })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The value of field use `index`, or `None` when it does not apply.
    pub fn extract<'a>(&self, index: usize, ctx: &Ctx<'a>) -> Option<Value<'a>> {
        let field = self.fields.get(index)?;
        match field.get {
            Get::Value(get) | Get::Formed(get, _) => get(ctx, &field.slot),
            Get::Borrow(get) => get(ctx, &field.slot).map(Value::text),
            Get::Int(get) => get(ctx, &field.slot).map(Value::Int),
            Get::Uint(get) => get(ctx, &field.slot).map(Value::Uint),
            Get::Both(get, _) if field.is_single() => get(ctx, &field.slot),
            Get::Time(write) => {
                let mut out = Vec::new();
                write(&mut out, ctx.ev.ts_ns, &ctx.tables.zone);
                Some(Value::owned(out))
            }
            Get::Text(write) | Get::OutputTime(write) | Get::Both(_, write) => {
                let mut out = Vec::new();
                write(ctx, &field.slot, &self.plain, &mut out).then(|| Value::owned(out))
            }
        }
    }

    /// Appends the text of field use `index`; false (and nothing appended) when it does not apply.
    pub fn text(&self, index: usize, ctx: &Ctx<'_>, style: &Style, out: &mut Vec<u8>) -> bool {
        let Some(field) = self.fields.get(index) else { return false };
        match field.get {
            Get::Value(get) | Get::Formed(get, _) => {
                let Some(found) = shown(get(ctx, &field.slot)) else { return false };
                value::text(out, &found, field.form_of(ctx), style);
                true
            }
            Get::Borrow(get) => {
                let found = get(ctx, &field.slot);
                found.map(|text| style.text(out, text)).is_some()
            }
            Get::Int(get) => {
                let found = get(ctx, &field.slot);
                found.map(|n| value::signed(out, n, field.form)).is_some()
            }
            Get::Uint(get) => {
                let found = get(ctx, &field.slot);
                found.map(|n| value::unsigned(out, n, field.form)).is_some()
            }
            Get::Time(write) => {
                write(out, ctx.ev.ts_ns, &ctx.tables.zone);
                true
            }
            Get::Text(write) | Get::OutputTime(write) | Get::Both(_, write) => {
                let start = out.len();
                let written = write(ctx, &field.slot, style, out);
                if !written {
                    out.truncate(start);
                }
                written
            }
        }
    }

    /// Appends the JSON of field use `index`; false (and nothing appended) when it does not apply.
    pub fn json(
        &self,
        index: usize,
        ctx: &Ctx<'_>,
        style: &Style,
        line: &mut JsonLine<'_>,
    ) -> bool {
        let Some(field) = self.fields.get(index) else { return false };
        match field.get {
            Get::Borrow(get) => {
                let found = get(ctx, &field.slot);
                found.map(|text| crate::render::escape::json(line.out, text)).is_some()
            }
            Get::Value(_) | Get::Formed(..) | Get::Int(_) | Get::Uint(_) => {
                let Some(found) = shown(self.extract(index, ctx)) else { return false };
                value::json(line.out, &found, field.form_of(ctx), style);
                true
            }
            Get::Time(_) | Get::OutputTime(_) => {
                crate::render::num::udec(line.out, ctx.ev.ts_ns);
                true
            }
            Get::Text(_) | Get::Both(..) => {
                line.scratch.clear();
                let written = self.text(index, ctx, style, line.scratch);
                if written {
                    crate::render::escape::json(line.out, line.scratch);
                }
                written
            }
        }
    }
}

/// A value that can be shown. Fields that stand for both ends of a connection are absent: their
/// ends have fields of their own.
///
/// Source: observed: libs 0.25-dev.
fn shown(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| !matches!(value, Value::Ends(_)))
}

/// A line of JSON in the making.
pub struct JsonLine<'b> {
    /// The line.
    pub out: &'b mut Vec<u8>,
    /// Text before it is quoted.
    pub scratch: &'b mut Vec<u8>,
}

impl Field {
    /// Whether the values of ancestors are wanted one by one, or of one ancestor only.
    fn is_single(&self) -> bool {
        self.slot.each || self.slot.arg.is_some()
    }

    fn form_of(&self, ctx: &Ctx<'_>) -> NumberForm {
        match self.get {
            Get::Formed(_, form) => form(ctx, &self.slot),
            _ => self.form,
        }
    }
}

fn resolve(field: &FieldUse, tables: &Tables) -> Result<Field> {
    let get = getter(&field.name)
        .ok_or_else(|| Error::Plan(format!("there is no field {:?}", field.name)))?;
    let slot = Slot {
        arg: field.arg.clone(),
        each: field.form == EACH,
        positions: positions(field, tables),
        memory: Mutex::default(),
    };
    Ok(Field { get, slot, form: number_form(&field.form)? })
}

/// For fields that name an event parameter: its position by event code.
fn positions(field: &FieldUse, tables: &Tables) -> Vec<u8> {
    let Some(FieldArg::Name(name)) = &field.arg else { return Vec::new() };
    let find = |event: &crate::tables::EventInfo| {
        let position = event.params.iter().position(|p| *p.name == **name);
        position.and_then(|i| u8::try_from(i).ok()).unwrap_or(u8::MAX)
    };
    tables.events.iter().map(find).collect()
}

fn number_form(name: &str) -> Result<NumberForm> {
    Ok(match name {
        "DEC9" => NumberForm::Dec9,
        "HEX" => NumberForm::Hex,
        "OCT" => NumberForm::Oct,
        EACH | "DEC" | "ID" | "DIR" | "TEXT" | "BYTES" | "BOOL" | "FLOAT" | "ADDR" | "PARAM" => {
            NumberForm::Dec
        }
        _ => return Err(Error::Plan(format!("there is no print form {name:?}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut all: Vec<_> = names().collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    #[test]
    fn an_unknown_print_form_is_refused() {
        assert!(number_form("ROMAN").is_err());
    }
}
