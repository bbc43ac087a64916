//! Questions to the person at the terminal.

use std::io::{self, BufRead};

use serde_json::Value;

use super::{Screen, hidden};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::views::style::Paint;
use crate::views::text;

impl Screen {
    /// Whether there is somebody to ask.
    pub(crate) fn can_ask(&self) -> bool {
        self.asks
    }

    /// Asks for a line.
    pub(crate) fn ask(&self, question: &str) -> Result<String, Failure> {
        if !self.asks {
            return Err(
                Failure::usage("this has to be confirmed, and there is nobody to ask")
                    .hint("say --auto-approve to go on without a question"),
            );
        }
        self.on_stderr(&format!("\n{} ", self.question(question)));
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(_) => Ok(answer),
            Err(error) => Err(Failure::failed("failed to read the answer").cause(error)),
        }
    }

    /// Asks a question that is answered with yes or no.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        let answer = self.ask(&format!("{question} [y/N]"))?;
        Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
    }

    /// Asks for what nobody may see; `otherwise` says how it is given where there is nobody to ask.
    pub(crate) fn ask_hidden(&self, question: &str, otherwise: &str) -> Result<String, Failure> {
        if !self.asks {
            return Err(
                Failure::usage(format!("{question}: there is nobody to ask")).hint(otherwise),
            );
        }
        self.on_stderr(&format!("{} ", self.question(question)));
        let answer = hidden::line();
        self.on_stderr("\n");
        match answer {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Failure::told(Exit::Interrupted)),
            Err(error) => Err(Failure::failed("failed to read the answer").cause(error)),
        }
    }

    fn question(&self, question: &str) -> String {
        let question = self.err.paint(Paint::Strong, format!("{question}:"));
        question.into_owned()
    }

    /// Something that a person has to do, whatever else is to be said.
    pub(crate) fn ask_to(&self, command: &str, text: &str, data: Value) {
        if self.is_json() {
            self.result(command, "", data);
            return;
        }
        // An address has to stay in one piece, to be taken as a whole.
        let lines = text.split('\n').flat_map(|line| {
            if line.contains("://") && line.starts_with(' ') {
                vec![line.to_owned()]
            } else {
                text::wrap(line, self.err.width)
            }
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        self.on_stderr(&format!("{}\n", self.err.ours(&text)));
    }
}
