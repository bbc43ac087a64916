//! Where a value comes from.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use mcpdeploy_aws::secrets::Value;

use crate::cli::SecretsSet;
use crate::failure::Failure;
use crate::screen::Screen;

/// What Secrets Manager takes at most, in bytes.
const MOST: u64 = 65_536;

/// The value that the command line points to.
pub(super) fn read(args: &SecretsSet, screen: &Screen) -> Result<Value, Failure> {
    let text = if let Some(variable) = &args.from_env {
        match std::env::var(variable) {
            Ok(value) => value,
            Err(std::env::VarError::NotPresent) => {
                return Err(Failure::usage(format!("there is no variable `{variable}`")));
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(no_text(&format!("the variable `{variable}`")));
            }
        }
    } else if let Some(path) = &args.from_file {
        whole_lines(file(path)?, args.keep_newline)
    } else if args.dash.is_some() || !io::stdin().is_terminal() {
        whole_lines(stdin()?, args.keep_newline)
    } else {
        screen.ask_hidden(
            &format!("Value of {}", args.name),
            "give it on standard input, or with --from-env or --from-file",
        )?
    };
    checked(text, &args.name)
}

/// That the value is not on the command line.
pub(super) fn not_an_argument(args: &SecretsSet) -> Result<(), Failure> {
    // What it is, is not said: it may be the value.
    if args.dash.as_deref().is_some_and(|dash| dash != "-") {
        return Err(
            Failure::usage("a value is never an argument: it would be in the shell's history and in the list of processes")
                .hint(format!("leave it out and it is asked for: mcpdeploy secrets set {}", args.name))
                .hint("or give it on standard input, with --from-env VAR or with --from-file PATH"),
        );
    }
    Ok(())
}

/// What no service takes, or no variable can hold.
pub(super) fn checked(text: String, name: &str) -> Result<Value, Failure> {
    if text.is_empty() {
        return Err(Failure::usage(format!("the value of {name} is empty"))
            .hint("nothing was changed; to take a value away: mcpdeploy secrets rm"));
    }
    if text.contains('\0') {
        return Err(
            Failure::usage(format!("the value of {name} has a NUL character in it"))
                .hint("nothing was changed; write it in Base64"),
        );
    }
    Ok(Value::new(text))
}

/// A file as text.
pub(super) fn file(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let failed = |error: io::Error| Failure::usage(format!("failed to read {shown}")).cause(error);
    let file = fs::File::open(path).map_err(failed)?;
    text(file, &shown.to_string())
}

/// Standard input as text.
pub(in crate::commands) fn stdin() -> Result<String, Failure> {
    text(io::stdin().lock(), "standard input")
}

fn text(from: impl Read, what: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(16 * MOST)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("failed to read {what}")).cause(error))?;
    String::from_utf8(bytes).map_err(|_| no_text(what))
}

fn no_text(what: &str) -> Failure {
    Failure::usage(format!("{what} is not text in UTF-8")).hint("write it in Base64")
}

/// Without the line break that editors and `echo` put at the end.
pub(in crate::commands) fn whole_lines(mut text: String, keep: bool) -> String {
    if !keep && text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_taken_off() {
        for (text, keep, left) in [
            ("a\n", false, "a"),
            ("a\r\n", false, "a"),
            ("a\n\n", false, "a\n"),
            ("a\nb", false, "a\nb"),
            ("a\n", true, "a\n"),
        ] {
            assert_eq!(whole_lines(text.to_owned(), keep), left);
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(text(&b"\xff\xfe"[..], "it").is_err());
        assert!(checked(String::new(), "X").is_err());
        assert!(checked("a\0b".to_owned(), "X").is_err());
        assert!(checked("a".to_owned(), "X").is_ok());
    }
}
