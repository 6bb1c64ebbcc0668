//! The filter program as it stands in the plan.
//!
//! In: JSON. Out: rows whose keys and words are known. Next: [`super::Program`] checks how they
//! fit together.

use serde::Deserialize;

/// A program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramRow {
    /// Instructions over one truth register.
    pub ops: Vec<OpRow>,
    /// Codes of the events that can match; none for "any".
    pub event_codes: Option<Vec<u16>>,
    /// Numbers of the calls whose exits can match where they have no event of their own; none for
    /// "any".
    #[serde(default)]
    pub calls: Option<Vec<u16>>,
    /// First and last time of events that can match, ns since the epoch; none for "any".
    #[serde(default)]
    pub span_ns: Option<(u64, u64)>,
}

/// One instruction.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum OpRow {
    /// Set the register to the answer of a comparison.
    Check {
        /// Left operand, in postfix order.
        lhs: Vec<StepRow>,
        /// The comparison.
        cmp: Cmp,
        /// Right side; none for `exists`.
        rhs: Option<RhsRow>,
        /// Which of the elements of a set must satisfy the comparison.
        quant: Option<Quant>,
    },
    /// Turn the register over.
    Not {},
    /// Go on at `to` when the register is false.
    JumpIfFalse {
        /// Position of an instruction after this one, or the end.
        to: usize,
    },
    /// Go on at `to` when the register is true.
    JumpIfTrue {
        /// Position of an instruction after this one, or the end.
        to: usize,
    },
}

/// One step of an operand: pushes a value, or replaces the topmost ones by one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StepRow {
    /// Push the value of a field of the plan.
    Field(usize),
    /// Push a constant.
    Const(ValueRow),
    /// Replace the topmost so many values by a list of them.
    Array(usize),
    /// Replace the arguments by the result.
    Call(CallRow),
}

/// A call of a function.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRow {
    /// The function.
    #[serde(rename = "fn")]
    pub function: Function,
    /// Number of arguments.
    pub args: usize,
    /// The option that `getopt()[c]` selects.
    pub index: Option<String>,
}

/// A right side.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RhsRow {
    /// A constant.
    Const(ValueRow),
    /// Constants.
    Set(Vec<ValueRow>),
    /// An operand that is computed for each event.
    Expr(Vec<StepRow>),
}

/// A constant of a decided type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ValueRow {
    /// Text.
    Text(String),
    /// Text that is not UTF-8, as base64.
    Raw(String),
    /// Bytes, as base64.
    Bytes(String),
    /// Signed number.
    I64(i64),
    /// Unsigned number.
    U64(u64),
    /// Floating point.
    F64(f64),
    /// Truth.
    Bool(bool),
    /// Address.
    Ip(std::net::IpAddr),
    /// Network: address and prefix length.
    Net(String),
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $word)] $item,)*
        }

        impl $name {
            /// Every word, for the comparison with the declared ones.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];
        }
    };
}

words! {
    /// A comparison.
    Cmp {
        /// Equal.
        Eq = "eq",
        /// Not equal.
        Ne = "ne",
        /// Less.
        Lt = "lt",
        /// Less or equal.
        Le = "le",
        /// Greater.
        Gt = "gt",
        /// Greater or equal.
        Ge = "ge",
        /// Has a part.
        Contains = "contains",
        /// Has a part, ASCII case aside.
        Icontains = "icontains",
        /// Begins with.
        StartsWith = "startswith",
        /// Ends with.
        EndsWith = "endswith",
        /// Matches a shell pattern.
        Glob = "glob",
        /// Matches a shell pattern, ASCII case aside.
        Iglob = "iglob",
        /// Matches a regular expression as a whole.
        Regex = "regex",
        /// Every value is in a set.
        In = "in",
        /// A value is in a set.
        Intersects = "intersects",
        /// Is one of the paths, or below one.
        Pmatch = "pmatch",
        /// There is a value.
        Exists = "exists",
    }
}

words! {
    /// How many elements must satisfy a comparison.
    Quant {
        /// Exactly one.
        One = "oneof",
        /// At least one.
        Any = "anyof",
        /// Every one, and there is one.
        All = "allof",
    }
}

words! {
    /// A function of values.
    Function {
        /// ASCII letters made small.
        ToLower = "tolower",
        /// ASCII letters made capital.
        ToUpper = "toupper",
        /// Base64, decoded.
        B64 = "b64",
        /// What follows the last slash.
        Basename = "basename",
        /// Bytes of a text, items of a list.
        Len = "len",
        /// Items with a text between them.
        Join = "join",
        /// Texts one after the other.
        Concat = "concat",
        /// Short options among arguments.
        Getopt = "getopt",
    }
}
