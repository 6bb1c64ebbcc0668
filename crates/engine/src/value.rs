//! What a field yields.
//!
//! In: made by `extract`. Out: compared by `filter`, printed by `render`.

use std::borrow::Cow;
use std::net::IpAddr;

/// A field's value; `Option::None` around it means the field does not apply to the event.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Signed number.
    Int(i64),
    /// Unsigned number.
    Uint(u64),
    /// Truth.
    Bool(bool),
    /// Floating point, printed with one decimal.
    Double(f64),
    /// Text, not necessarily UTF-8.
    Text(Cow<'a, [u8]>),
    /// Byte buffer.
    Bytes(Cow<'a, [u8]>),
    /// Address.
    Ip(IpAddr),
    /// Several values of one field.
    List(Vec<Value<'a>>),
    /// Both ends of a connection, for `fd.ip`, `fd.port`, `fd.net`, `fd.proto`: a comparison
    /// holds when it holds for either end, `!=` when it holds for both.
    Ends(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// Borrowed text.
    pub fn text(bytes: &'a [u8]) -> Self {
        Value::Text(Cow::Borrowed(bytes))
    }

    /// Owned text.
    pub fn owned(bytes: Vec<u8>) -> Self {
        Value::Text(Cow::Owned(bytes))
    }
}
