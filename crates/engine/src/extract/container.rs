//! Fields of the container that the event's process runs in.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: `k8s`.

use super::Get::Value as Val;
use super::Row;
use crate::ctx::Ctx;
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[("container.id", Val(|c, _| Some(Value::text(id(c)))))];

/// What processes outside containers have as `container.id`.
const HOST: &[u8] = b"host";

/// The short id of the container.
pub fn id<'a>(_ctx: &Ctx<'a>) -> &'a [u8] {
    HOST
}

/// The name of the user table that applies: the container's id, nothing for the host.
pub fn user_table<'a>(_ctx: &Ctx<'a>) -> &'a [u8] {
    b""
}
