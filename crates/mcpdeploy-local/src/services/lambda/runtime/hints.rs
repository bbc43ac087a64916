//! What a person should look at when a run failed: what, why, and how to mend it.
//!
//! The errors themselves are Lambda's, word for word; these are ours.

use super::Program;
use super::bootstrap::{Bootstrap, Form};
use super::failure::{Ending, Failure};

/// What is known about a failure besides itself.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) program: &'a Program,
    pub(super) bootstrap: &'a Bootstrap,
    /// Whether it failed before it asked for its first run.
    pub(super) starting: bool,
    /// What the process asked the Runtime API that is not there, in words.
    pub(super) mistake: Option<&'a str>,
    /// The end of the log.
    pub(super) log: &'a str,
}

/// How to mend a failure, when there is something to say.
pub(super) fn hint(failure: &Failure, facts: &Facts<'_>) -> Option<String> {
    let hint = match failure {
        Failure::NoBootstrap => missing(&facts.bootstrap.form),
        Failure::Exec(error) => not_executed(error, facts),
        Failure::Exited(ending) => exited(*ending, facts),
        Failure::OutOfMemory => format!(
            "it used more than its {} MB: raise server.memory_mb",
            facts.program.memory_mb
        ),
        Failure::TimedOut(after) => with_mistake(
            format!(
                "it was cut after {} s: raise server.timeout_seconds, or look at what it waits for",
                after.as_secs_f64()
            ),
            facts,
        ),
        Failure::InitTimedOut(after) => never_ready(after.as_secs_f64(), facts),
        Failure::TooLarge => {
            "an answer is at most 6 MB: return less, or stream it (lambda.enable_response_streaming)"
                .to_owned()
        }
        Failure::Truncated => {
            "its answer broke off before its end: look for a panic or an error in its log".to_owned()
        }
        Failure::ResponseMode => {
            "the header Lambda-Runtime-Function-Response-Mode is `streaming` or not there".to_owned()
        }
        Failure::Machine(_) => {
            "this machine has no room for another process: see `ulimit -n` and `ulimit -u`".to_owned()
        }
        // The function's own words say more than we could.
        Failure::Reported { .. } | Failure::Stopped => return None,
    };
    Some(hint)
}

/// What runs here and would not on Lambda.
pub(super) fn strange(bootstrap: &Bootstrap) -> Option<String> {
    let strange = bootstrap.strange.as_ref()?;
    Some(format!("`bootstrap` {strange}"))
}

/// Said instead of running anything where there is no Linux.
pub(super) fn not_linux() -> String {
    format!(
        "Lambda binaries are Linux programs, and this machine runs {}: use a Linux machine or virtual machine",
        std::env::consts::OS
    )
}

fn missing(form: &Form) -> String {
    let Form::Missing(names) = form else {
        return "`bootstrap` is gone from the unpacked code: deploy it again".to_owned();
    };
    if names.is_empty() {
        return "the package is empty: build it with `mcpdeploy build`".to_owned();
    }
    if let Some(path) = names.iter().find(|name| name.ends_with("/bootstrap")) {
        return format!(
            "it is at `{path}` in the package: zip what is in the folder, not the folder"
        );
    }
    if names.iter().any(|name| name == "bootstrap/") {
        return "`bootstrap` is a folder in the package: it must be the executable".to_owned();
    }
    format!(
        "the package has only {}: name the executable `bootstrap` (`mcpdeploy build` does)",
        names.join(", ")
    )
}

fn not_executed(error: &str, facts: &Facts<'_>) -> String {
    let architecture = &facts.program.architecture;
    let rebuild = format!("build with `mcpdeploy build --arch {architecture}`");
    if error == "permission denied" {
        return "`bootstrap` is not executable: run `chmod 755 bootstrap` before zipping it (`mcpdeploy build` keeps the mode)"
            .to_owned();
    }
    if error == "argument list too long" {
        return "its environment variables are too large: keep large values in a file or a secret"
            .to_owned();
    }
    match &facts.bootstrap.form {
        Form::Elf(elf) if elf.machine != *architecture => match elf.machine.as_str() {
            other @ ("x86_64" | "arm64") => format!(
                "the binary is for {other}, the function is {architecture}: {rebuild}, or set server.architecture = \"{other}\""
            ),
            other => {
                format!("the binary is for {other}, the function is {architecture}: {rebuild}")
            }
        },
        Form::Elf(elf) => match &elf.loader {
            Some(loader) if error == "no such file or directory" => format!(
                "the binary is loaded by {loader}, which is not here: link it statically (`mcpdeploy build` does)"
            ),
            Some(_) | None => format!(
                "the function is {architecture} and this machine is {}: install qemu-user with binfmt to run it here, or set server.architecture = \"{}\"",
                host(),
                host()
            ),
        },
        Form::Script {
            carriage_return: true,
            ..
        } => "the first line of `bootstrap` ends as on Windows: save it with Unix line ends"
            .to_owned(),
        Form::Script { interpreter, .. } => {
            format!("the script's interpreter `{interpreter}` is not here")
        }
        Form::Empty => format!("`bootstrap` is empty: {rebuild}"),
        Form::Foreign(what) => format!("`bootstrap` is {what}, Lambda is Linux: {rebuild}"),
        Form::Missing(_) | Form::Unreadable | Form::Unknown => {
            "`bootstrap` is neither a program nor a script that begins with `#!`".to_owned()
        }
    }
}

/// As Lambda names this machine's processor.
pub(super) fn host() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

fn exited(ending: Ending, facts: &Facts<'_>) -> String {
    let log = facts.log;
    let linkage = log.contains("error while loading shared libraries") || log.contains("GLIBC_");
    let hint = match ending {
        Ending::Code(0) if facts.starting => {
            "it ended before it asked for a run: `bootstrap` must go on asking the Runtime API \
             (lambda_runtime::run does); for a server on HTTP or stdio set server.transport"
                .to_owned()
        }
        Ending::Code(0) => {
            "it ended in the middle of a run: return from the handler instead of exiting".to_owned()
        }
        Ending::Code(_) if linkage => {
            "it needs libraries that are not there: link it statically (`mcpdeploy build` does)"
                .to_owned()
        }
        Ending::Code(101) => "it panicked: its log has the message and the place".to_owned(),
        Ending::Code(127) => {
            "a command of the script was not found: Lambda has a shell and few programs".to_owned()
        }
        Ending::Code(_) if facts.starting => {
            "it ended at its start: look at its log, and whether all its environment variables are set"
                .to_owned()
        }
        Ending::Code(_) => "it ended in the middle of a run: look at its log".to_owned(),
        Ending::Signal(4) => {
            "it is built for a newer processor: build it without target-cpu=native".to_owned()
        }
        Ending::Signal(6) => {
            "it aborted: with panic = \"abort\" any panic does that; its log has the message".to_owned()
        }
        Ending::Signal(7 | 8 | 11) => {
            "it crashed in machine code: look at unsafe code and C libraries (a stack overflow, too)"
                .to_owned()
        }
        Ending::Signal(9) => {
            "it was killed from outside: perhaps this machine itself ran out of memory".to_owned()
        }
        Ending::Signal(_) => "it was ended by a signal from outside".to_owned(),
    };
    with_mistake(hint, facts)
}

fn never_ready(seconds: f64, facts: &Facts<'_>) -> String {
    if let Some(mistake) = facts.mistake {
        return format!(
            "{mistake}, and never for a run: see GET /2018-06-01/runtime/invocation/next"
        );
    }
    format!(
        "it did not ask the Runtime API for a run within {seconds} s: for a server on HTTP or stdio \
         set server.transport, else do slow things in the first run"
    )
}

fn with_mistake(hint: String, facts: &Facts<'_>) -> String {
    match facts.mistake {
        Some(mistake) => format!("{mistake}; {hint}"),
        None => hint,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::services::lambda::runtime::elf::Elf;

    fn program(architecture: &str) -> Program {
        Program {
            function: "f".to_owned(),
            version: "1".to_owned(),
            arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
            region: "us-east-1".to_owned(),
            revision: "1".to_owned(),
            code: PathBuf::new(),
            architecture: architecture.to_owned(),
            handler: "h".to_owned(),
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            environment: BTreeMap::new(),
            role: "r".to_owned(),
            log_group: "g".to_owned(),
        }
    }

    /// What a test with processes cannot show on every machine.
    #[test]
    fn programs_that_this_machine_cannot_load() {
        let format = "exec format error";
        let absent = "no such file or directory";
        let musl = "/lib/ld-musl-x86_64.so.1";
        for (loader, error, expected) in [
            (
                None,
                format,
                format!(
                    "the function is s390x and this machine is {host}: install qemu-user with binfmt to run it here, or set server.architecture = \"{host}\"",
                    host = host()
                ),
            ),
            (
                Some(musl),
                absent,
                format!(
                    "the binary is loaded by {musl}, which is not here: link it statically (`mcpdeploy build` does)"
                ),
            ),
        ] {
            let bootstrap = Bootstrap {
                path: PathBuf::new(),
                form: Form::Elf(Elf {
                    machine: "s390x".to_owned(),
                    loader: loader.map(str::to_owned),
                    needed: Vec::new(),
                    glibc: None,
                }),
                refused: None,
                strange: None,
            };
            let program = program("s390x");
            let facts = Facts {
                program: &program,
                bootstrap: &bootstrap,
                starting: true,
                mistake: None,
                log: "",
            };
            assert_eq!(hint(&Failure::Exec(error), &facts), Some(expected));
        }
    }
}
