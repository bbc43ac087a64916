//! Finds the `bootstrap` of a package and looks at it before it is run, once a revision.
//!
//! Lambda finds out by running it. Looking first refuses what Lambda would refuse though this
//! machine could run it (another processor's program under binfmt), and knows why.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::elf::Elf;
use super::failure::Failure;

/// What Lambda looks for, in the words of its error.
pub(super) const PLACES: &str = "[/var/task/bootstrap /opt/bootstrap]";

const NO_EXEC_FORMAT: &str = "exec format error";

/// A package's `bootstrap`, looked at.
#[derive(Debug)]
pub(super) struct Bootstrap {
    /// Where it is.
    pub(super) path: PathBuf,
    pub(super) form: Form,
    /// Why it cannot run, when that is clear without running it.
    pub(super) refused: Option<Failure>,
    /// What it needs that is here but not in Lambda, in words.
    pub(super) strange: Option<String>,
}

/// What `bootstrap` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// It is not there, or a folder; with the names of what is there.
    Missing(Vec<String>),
    /// It may not be read: whether it runs is the system's to say.
    Unreadable,
    Elf(Elf),
    Script {
        /// The program after `#!`.
        interpreter: String,
        /// Whether the first line ends as Windows ends lines, which makes part of the name.
        carriage_return: bool,
    },
    Empty,
    /// A program for another system: `a macOS program`.
    Foreign(&'static str),
    /// Text without a `#!` line, or anything else.
    Unknown,
}

impl Bootstrap {
    /// Looks at the `bootstrap` in the folder `code` for a function of this architecture.
    pub(super) fn examine(code: &Path, architecture: &str) -> Self {
        let path = code.join("bootstrap");
        let form = if path.is_file() {
            File::open(&path).map_or(Form::Unreadable, form)
        } else {
            Form::Missing(names(code))
        };
        let foreign = match &form {
            Form::Elf(elf) => elf.machine != architecture,
            Form::Empty | Form::Foreign(_) | Form::Unknown => true,
            Form::Missing(_) | Form::Unreadable | Form::Script { .. } => false,
        };
        // As execve does, it looks at the mode before the content.
        let refused = if matches!(form, Form::Missing(_)) {
            Some(Failure::NoBootstrap)
        } else if !executable(&path) {
            Some(Failure::Exec("permission denied"))
        } else {
            foreign.then_some(Failure::Exec(NO_EXEC_FORMAT))
        };
        let strange = match &form {
            Form::Elf(elf) => {
                let places = [code.to_owned(), code.join("lib")];
                let carried = |name: &str| places.iter().any(|place| place.join(name).is_file());
                elf.strange_to_lambda(carried).map(|strange| {
                    format!(
                        "{strange}, so it would fail on AWS: link it statically (`mcpdeploy build` does)"
                    )
                })
            }
            Form::Script { interpreter, .. } => strange_script(interpreter),
            Form::Missing(_)
            | Form::Unreadable
            | Form::Empty
            | Form::Foreign(_)
            | Form::Unknown => None,
        };
        Self {
            path,
            form,
            refused,
            strange,
        }
    }
}

#[cfg(unix)]
fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o111 != 0)
}

fn form(mut file: File) -> Form {
    let mut start = Vec::new();
    if (&mut file).take(256).read_to_end(&mut start).is_err() {
        return Form::Unreadable;
    }
    match start.as_slice() {
        [] => Form::Empty,
        [0x7f, b'E', b'L', b'F', ..] => Elf::read(file).map_or(Form::Unknown, Form::Elf),
        [b'#', b'!', rest @ ..] => script(rest),
        [b'M', b'Z', ..] => Form::Foreign("a Windows program"),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            Form::Foreign("a macOS program")
        }
        _ => Form::Unknown,
    }
}

/// Reads what comes after `#!`. Of `/usr/bin/env python3` the interpreter is `python3`.
fn script(rest: &[u8]) -> Form {
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let carriage_return = line.ends_with(b"\r");
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split_whitespace().filter(|word| *word != "-S");
    let mut interpreter = words.next().unwrap_or_default();
    if interpreter.ends_with("/env")
        && let Some(word) = words.next()
    {
        interpreter = word;
    }
    Form::Script {
        interpreter: interpreter.to_owned(),
        carriage_return,
    }
}

/// `provided.al2023` has a shell and no other interpreter.
fn strange_script(interpreter: &str) -> Option<String> {
    let name = interpreter.rsplit('/').next().unwrap_or(interpreter);
    (!["sh", "bash"].contains(&name)).then(|| {
        format!(
            "is a script for {name}, which is here but not in provided.al2023: it would fail on AWS"
        )
    })
}

/// The names at the root of a package, and where a `bootstrap` lies deeper: at most a few.
fn names(code: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(code).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().join("bootstrap").is_file() {
            names.push(format!("{name}/bootstrap"));
        } else if entry.path().is_dir() {
            names.push(format!("{name}/"));
        } else {
            names.push(name);
        }
    }
    names.sort_unstable();
    names.truncate(8);
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn look(content: &[u8], mode: u32) -> Bootstrap {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap");
        File::create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, content))
            .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Bootstrap::examine(folder.path(), "x86_64")
    }

    fn elf(machine: u8) -> Vec<u8> {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(64, 0);
        header[18] = machine;
        header
    }

    #[test]
    fn what_is_refused_without_running_it() {
        for (content, mode, refused) in [
            (b"".to_vec(), 0o755, Some(NO_EXEC_FORMAT)),
            (b"echo hello\n".to_vec(), 0o755, Some(NO_EXEC_FORMAT)),
            (b"MZ\x90\0".to_vec(), 0o755, Some(NO_EXEC_FORMAT)),
            (b"\xcf\xfa\xed\xfe".to_vec(), 0o755, Some(NO_EXEC_FORMAT)),
            (elf(183), 0o755, Some(NO_EXEC_FORMAT)),
            (elf(183), 0o644, Some("permission denied")),
            (elf(62), 0o755, None),
            (b"#!/bin/sh\n".to_vec(), 0o755, None),
        ] {
            let bootstrap = look(&content, mode);
            assert_eq!(
                bootstrap.refused,
                refused.map(Failure::Exec),
                "{bootstrap:?}"
            );
        }
    }

    #[test]
    fn scripts_and_who_runs_them() {
        for (line, name, carriage_return, strange) in [
            ("#!/bin/sh\n", "/bin/sh", false, false),
            ("#! /bin/bash -eu\n", "/bin/bash", false, false),
            ("#!/usr/bin/env python3\n", "python3", false, true),
            ("#!/usr/bin/env -S node --x\n", "node", false, true),
            ("#!/bin/sh\r\n", "/bin/sh", true, false),
        ] {
            let bootstrap = look(line.as_bytes(), 0o755);
            let expected = Form::Script {
                interpreter: name.to_owned(),
                carriage_return,
            };
            assert_eq!(bootstrap.form, expected);
            assert_eq!(bootstrap.strange.is_some(), strange, "{line}");
        }
    }

    #[test]
    fn a_package_without_a_bootstrap_says_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/bootstrap", "lib/x", "README"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap();
        }
        let bootstrap = Bootstrap::examine(folder.path(), "x86_64");
        let names = ["README", "a/bootstrap", "lib/"].map(str::to_owned);
        assert_eq!(bootstrap.form, Form::Missing(names.to_vec()));
        assert_eq!(bootstrap.refused, Some(Failure::NoBootstrap));
    }
}
