//! Fields of the paths that a successful call worked on.
//!
//! In: a [`Ctx`]. Out: text. Next: `container`.

use super::proc::on;
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
///
/// DIFFERENCE(libs 0.25-dev): those that make files and nodes have one, too; a relative path starts
/// from the directory of its parameter, not from `<UNKNOWN>` or the working directory.
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

/// Calls on the file of a descriptor.
const ON_DESCRIPTOR: &[&str] = &["fchmod", "fchown"];

/// Calls on two paths, and the parameters that hold the source and the target. The target of a link
/// is what it leads to.
///
/// Source: observed: libs 0.25-dev.
const TWO_PATHS: &[(&str, &str, &str)] = &[
    ("rename", "oldpath", "newpath"),
    ("renameat", "oldpath", "newpath"),
    ("renameat2", "oldpath", "newpath"),
    ("link", "newpath", "oldpath"),
    ("linkat", "newpath", "oldpath"),
    ("symlink", "linkpath", "target"),
    ("symlinkat", "linkpath", "target"),
    ("mount", "dev", "dir"),
];

fn param_name(call: &str, which: Which) -> Option<&'static str> {
    if let Which::Name = which {
        return ONE_PATH.iter().find(|(name, _)| *name == call).map(|(_, param)| *param);
    }
    let (_, source, target) = TWO_PATHS.iter().find(|(name, ..)| *name == call)?;
    Some(if let Which::Source = which { source } else { target })
}

/// Calls that failed have no path, but for those that open: whatever was not found was asked for.
///
/// Source: observed: libs 0.25-dev, which tests for the descriptor -1.
fn applies(ctx: &Ctx<'_>) -> bool {
    let opens = ["open", "openat", "openat2"].contains(&&*ctx.ev.info.name);
    ctx.ev.retval().is_some_and(|value| value >= 0 || (opens && value != -1))
}

fn write(ctx: &Ctx<'_>, which: Which, form: Form, style: &Style, out: &mut Vec<u8>) -> bool {
    if !applies(ctx) {
        return false;
    }
    if let (Which::Name, true) = (which, ON_DESCRIPTOR.contains(&&*ctx.ev.info.name)) {
        return on(ctx.fd, |fd| style.text(out, fd.name.as_deref().unwrap_or(b"")));
    }
    let position = param_name(&ctx.ev.info.name, which).and_then(|p| super::evt::position(ctx, p));
    let Some(param) = position.and_then(|i| Param::new(ctx, i)).filter(|p| !p.is_absent()) else {
        return false;
    };
    match form {
        Form::Absolute => {
            let mut path = Vec::new();
            param.absolute_path(b"<UNKNOWN>", &mut path);
            style.text(out, &path);
        }
        Form::AsGiven => param.raw(style, out),
    }
    true
}
