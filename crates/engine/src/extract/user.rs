//! Fields of users and groups.
//!
//! In: a [`Ctx`]. Out: [`Value`]s. Next: `fd`.

use super::Get::Value as Val;
use super::Row;
use crate::ctx::Ctx;
use crate::render::ABSENT;
use crate::state::{Group, Thread, User};
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("user.uid", Val(|c, _| Some(Value::Uint(c.thread?.uid.into())))),
    ("user.name", Val(|c, _| text(user_name(c, c.thread?.uid)))),
    ("user.homedir", Val(|c, _| text(homedir(c, c.thread?.uid)))),
    ("user.shell", Val(|c, _| text(user(c, c.thread?.uid).map(|u| &*u.shell)))),
    ("user.loginuid", Val(|c, _| Some(Value::Int(login_uid(c.thread?))))),
    ("user.loginname", Val(|c, _| text(user_name(c, c.thread?.loginuid)))),
    ("group.gid", Val(|c, _| Some(Value::Uint(c.thread?.gid.into())))),
    ("group.name", Val(|c, _| text(group_name(c, c.thread?.gid)))),
];

/// A name that is not known is shown as such; the field itself is there.
fn text(name: Option<&[u8]>) -> Option<Value<'_>> {
    Some(Value::text(name.unwrap_or(ABSENT)))
}

/// The container whose users are meant; empty for the host.
fn container<'a>(ctx: &Ctx<'a>) -> &'a [u8] {
    super::container::user_table(ctx)
}

fn user<'a>(ctx: &Ctx<'a>, uid: u32) -> Option<&'a User> {
    ctx.state.users.user(container(ctx), uid)
}

fn group<'a>(ctx: &Ctx<'a>, gid: u32) -> Option<&'a Group> {
    ctx.state.users.group(container(ctx), gid)
}

/// The name of user `uid`; 0 is root everywhere.
pub fn user_name<'a>(ctx: &Ctx<'a>, uid: u32) -> Option<&'a [u8]> {
    user(ctx, uid).map(|u| &*u.name).or((uid == 0).then_some(b"root"))
}

/// The name of group `gid`; 0 is root everywhere.
pub fn group_name<'a>(ctx: &Ctx<'a>, gid: u32) -> Option<&'a [u8]> {
    group(ctx, gid).map(|g| &*g.name).or((gid == 0).then_some(b"root"))
}

fn homedir<'a>(ctx: &Ctx<'a>, uid: u32) -> Option<&'a [u8]> {
    user(ctx, uid).map(|u| &*u.homedir).or((uid == 0).then_some(b"/root"))
}

/// -1 when no user has logged in.
fn login_uid(thread: &Thread) -> i64 {
    match thread.loginuid {
        u32::MAX => -1,
        uid => i64::from(uid),
    }
}
