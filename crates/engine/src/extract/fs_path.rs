//! Fields of the paths that a successful call worked on.
//!
//! In: a [`Ctx`]. Out: text. Next: `container`.

use super::Get::Text;
use super::Row;
use crate::ctx::Ctx;
use crate::render::param::Param;
use crate::render::Style;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("fs.path.name", Text(|c, _, style, out| write(c, Which::Name, Form::Absolute, style, out))),
    ("fs.path.nameraw", Text(|c, _, style, out| write(c, Which::Name, Form::AsGiven, style, out))),
    (
        "fs.path.source",
        Text(|c, _, style, out| write(c, Which::Source, Form::Absolute, style, out)),
    ),
    (
        "fs.path.sourceraw",
        Text(|c, _, style, out| write(c, Which::Source, Form::AsGiven, style, out)),
    ),
    (
        "fs.path.target",
        Text(|c, _, style, out| write(c, Which::Target, Form::Absolute, style, out)),
    ),
    (
        "fs.path.targetraw",
        Text(|c, _, style, out| write(c, Which::Target, Form::AsGiven, style, out)),
    ),
];

#[derive(Clone, Copy)]
enum Form {
    Absolute,
    AsGiven,
}

#[derive(Clone, Copy)]
enum Which {
    Name,
    Source,
    Target,
}

/// Calls on one path, and the parameter that holds it.
const ONE_PATH: &[(&str, &str)] = &[
    ("open", "name"),
    ("openat", "name"),
    ("openat2", "name"),
    ("creat", "name"),
    ("open_by_handle_at", "path"),
    ("mkdir", "path"),
    ("mkdirat", "path"),
    ("rmdir", "path"),
    ("unlink", "path"),
    ("unlinkat", "name"),
    ("chmod", "filename"),
    ("fchmodat", "filename"),
    ("chown", "path"),
    ("lchown", "path"),
    ("fchownat", "pathname"),
    ("mknod", "path"),
    ("mknodat", "path"),
    ("umount", "name"),
    ("umount2", "name"),
    ("quotactl", "special"),
];

/// Calls on two paths, and the parameters that hold them.
const TWO_PATHS: &[(&str, &str, &str)] = &[
    ("rename", "oldpath", "newpath"),
    ("renameat", "oldpath", "newpath"),
    ("renameat2", "oldpath", "newpath"),
    ("link", "oldpath", "newpath"),
    ("linkat", "oldpath", "newpath"),
    ("symlink", "target", "linkpath"),
    ("symlinkat", "target", "linkpath"),
    ("mount", "dev", "dir"),
];

fn param_name(call: &str, which: Which) -> Option<&'static str> {
    if let Which::Name = which {
        return ONE_PATH.iter().find(|(name, _)| *name == call).map(|(_, param)| *param);
    }
    let (_, source, target) = TWO_PATHS.iter().find(|(name, ..)| *name == call)?;
    Some(if let Which::Source = which { source } else { target })
}

fn write(ctx: &Ctx<'_>, which: Which, form: Form, style: &Style, out: &mut Vec<u8>) -> bool {
    if !ctx.ev.retval().is_some_and(|value| value >= 0) {
        return false;
    }
    let position = param_name(&ctx.ev.info.name, which).and_then(|p| super::evt::position(ctx, p));
    let Some(param) = position.and_then(|i| Param::new(ctx, i)).filter(|p| !p.is_absent()) else {
        return false;
    };
    match form {
        Form::Absolute => param.best(style, out),
        Form::AsGiven => param.raw(style, out),
    }
    true
}
