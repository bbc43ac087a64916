//! Values that nobody may see: from a variable, from standard input, or typed unseen.

use std::io::{self, IsTerminal as _, Read as _};

use crate::failure::Failure;
use crate::screen::Screen;

/// Such a value.
pub(crate) struct SecretText(String);

impl SecretText {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Reads a value: `what` says which.
pub(crate) fn read(
    what: &str,
    variable: Option<&str>,
    screen: &Screen,
) -> Result<SecretText, Failure> {
    if let Some(name) = variable {
        return std::env::var(name)
            .map(SecretText)
            .map_err(|_| Failure::usage(format!("the variable {name} is not set")));
    }
    if io::stdin().is_terminal() {
        return screen.ask_hidden(what).map(SecretText);
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| Failure::failed(format!("failed to read {what}")).cause(error))?;
    Ok(SecretText(text.trim_end_matches(['\r', '\n']).to_owned()))
}
