//! The declared transitions, checked and compiled into one rule an event code.
//!
//! In: [`TransitionRow`]s of the plan. Out: [`Rules`]. Next: `verbs` run them.

use crate::error::{Error, Result};
use crate::event::Event;
use crate::plan::TransitionRow;
use crate::tables::{flag, EventInfo, ParamType, Tables};

use super::verbs::Verb;

/// What an input of a verb wants of the parameter that feeds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A number of 1, 2, 4 or 8 bytes.
    Num,
    /// A string.
    Str,
    /// Bytes with a structure of their own.
    Raw,
}

impl InputKind {
    /// The name in the Python table.
    pub fn name(self) -> &'static str {
        match self {
            InputKind::Num => "num",
            InputKind::Str => "str",
            InputKind::Raw => "raw",
        }
    }

    fn takes(self, kind: ParamType, size: usize) -> bool {
        match self {
            InputKind::Num => size != 0,
            InputKind::Str => {
                matches!(kind, ParamType::Charbuf | ParamType::Fspath | ParamType::Fsrelpath)
            }
            InputKind::Raw => size == 0,
        }
    }
}

/// Position of a parameter that holds a number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Num(Option<u8>);

impl Num {
    /// The signed value; `None` when the parameter is absent or empty.
    pub fn int(self, ev: &Event<'_>) -> Option<i64> {
        ev.params.int(usize::from(self.0?))
    }

    /// The unsigned value.
    pub fn uint(self, ev: &Event<'_>) -> Option<u64> {
        ev.params.uint(usize::from(self.0?))
    }

    /// Whether it is a result that is no error.
    pub fn is_success(self, ev: &Event<'_>) -> bool {
        self.int(ev).is_some_and(|res| res >= 0)
    }

    /// The unsigned value, when it fits.
    pub fn u32(self, ev: &Event<'_>) -> Option<u32> {
        self.uint(ev).and_then(|n| u32::try_from(n).ok())
    }
}

/// Position of a parameter that holds a string.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Str(Option<u8>);

impl Str {
    /// The string without its NUL; `None` when it is unknown.
    pub fn get<'a>(self, ev: &Event<'a>) -> Option<&'a [u8]> {
        ev.params.text(usize::from(self.0?))
    }
}

/// Position of a parameter that holds other bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw(Option<u8>);

impl Raw {
    /// The bytes; `None` when the parameter is absent or empty.
    pub fn get<'a>(self, ev: &Event<'a>) -> Option<&'a [u8]> {
        ev.params.known(usize::from(self.0?))
    }
}

/// A position type that knows what it wants.
pub(crate) trait Input: Sized {
    /// What it wants.
    const KIND: InputKind;
    /// Wraps a checked position.
    fn at(position: Option<u8>) -> Self;
}

macro_rules! input {
    ($name:ident) => {
        impl Input for $name {
            const KIND: InputKind = InputKind::$name;
            fn at(position: Option<u8>) -> Self {
                $name(position)
            }
        }
    };
}
input!(Num);
input!(Str);
input!(Raw);

/// Declares the inputs of one verb: positions of parameters, then constants.
macro_rules! inputs {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ident),* $(,)? }
     $(consts { $($constant:ident),* $(,)? })?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name {
            $(pub $field: $crate::state::rules::$kind,)*
            $($(pub $constant: i64,)*)?
        }

        impl $crate::state::rules::Inputs for $name {
            const INPUTS: &'static [(&'static str, $crate::state::rules::InputKind)] = &[
                $((stringify!($field), <$crate::state::rules::$kind as
                    $crate::state::rules::Input>::KIND),)*
            ];
            const CONSTS: &'static [&'static str] = &[$($(stringify!($constant),)*)?];

            fn load(row: &$crate::state::rules::Row<'_>) -> $crate::error::Result<Self> {
                Ok($name {
                    $($field: row.input(stringify!($field))?,)*
                    $($($constant: row.constant(stringify!($constant)),)*)?
                })
            }
        }
    };
}
pub(crate) use inputs;

/// The inputs of one verb.
pub(crate) trait Inputs: Sized {
    /// Names and kinds of the parameters it may be given.
    const INPUTS: &'static [(&'static str, InputKind)];
    /// Names of its constants, 0 when not given.
    const CONSTS: &'static [&'static str];

    /// Takes the positions from a row.
    fn load(row: &Row<'_>) -> Result<Self>;
}

/// A transition row and the event it is for.
pub(crate) struct Row<'a> {
    row: &'a TransitionRow,
    event: &'a EventInfo,
}

impl Row<'_> {
    /// The position that feeds input `name`, checked for range and type.
    pub fn input<I: Input>(&self, name: &str) -> Result<I> {
        let Some(position) = self.row.params.get(name) else { return Ok(I::at(None)) };
        let param = self.event.params.get(usize::from(*position));
        let param = param.ok_or_else(|| self.error(name, "has no such parameter"))?;
        if !I::KIND.takes(param.kind, param.size) {
            return Err(self.error(name, "has a parameter of another type there"));
        }
        Ok(I::at(Some(*position)))
    }

    /// The constant `name`, 0 when the row does not give it.
    pub fn constant(&self, name: &str) -> i64 {
        self.row.consts.get(name).copied().unwrap_or(0)
    }

    fn error(&self, input: &str, what: &str) -> Error {
        let (code, verb) = (self.row.event, &self.row.verb);
        Error::Plan(format!("transition {verb}, input {input}: event {code} {what}"))
    }

    /// Checks that the row gives nothing that the verb does not know.
    pub fn check_names<I: Inputs>(&self) -> Result<()> {
        for name in self.row.params.keys() {
            if !I::INPUTS.iter().any(|(n, _)| n == name) {
                return Err(self.error(name, "is given an input that the verb does not have"));
            }
        }
        for name in self.row.consts.keys() {
            if !I::CONSTS.contains(&name.as_str()) {
                return Err(self.error(name, "is given a constant that the verb does not have"));
            }
        }
        Ok(())
    }
}

/// Whose event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attach {
    /// The thread of the header; one that is not known is created.
    Create,
    /// The thread of the header, when it is known.
    Known,
    /// Nobody's.
    Nobody,
}

/// What one event code does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Whose event it is.
    pub attach: Attach,
    /// What to do.
    pub verb: Option<Verb>,
}

/// The rules by event code.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    by_code: Vec<Rule>,
}

impl Rules {
    /// Checks and compiles the declared rows.
    pub fn new(rows: &[TransitionRow], tables: &Tables) -> Result<Self> {
        let mut by_code: Vec<Rule> = tables.events.iter().map(without_verb).collect();
        for row in rows {
            let event = tables.events.get(usize::from(row.event));
            let rule = by_code.get_mut(usize::from(row.event));
            let (Some(event), Some(rule)) = (event, rule) else {
                return Err(Error::Plan(format!("transition for unknown event {}", row.event)));
            };
            if rule.verb.is_some() {
                return Err(Error::Plan(format!("two transitions for event {}", row.event)));
            }
            let (verb, attach) = Verb::compile(&row.verb, &Row { row, event })?;
            *rule = Rule { attach, verb: Some(verb) };
        }
        Ok(Rules { by_code })
    }

    /// Leaves out what the events with these codes do; their threads are made as before.
    pub fn ignore(&mut self, codes: &[u16]) {
        for code in codes {
            if let Some(rule) = self.by_code.get_mut(usize::from(*code)) {
                rule.verb = None;
            }
        }
    }

    /// The rule of `code`.
    pub fn get(&self, code: u16) -> Rule {
        let unknown = Rule { attach: Attach::Nobody, verb: None };
        self.by_code.get(usize::from(code)).copied().unwrap_or(unknown)
    }
}

fn without_verb(event: &EventInfo) -> Rule {
    // Events of the capture itself: a thread in their header need not have done anything.
    let is_internal = event.has(flag::SKIPPARSERESET);
    Rule { attach: if is_internal { Attach::Known } else { Attach::Create }, verb: None }
}
