//! Shows a page to the person.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A command that fails does so at once: what is still there after this shows the page.
const FAILS_WITHIN: Duration = Duration::from_millis(250);

/// Who shows the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Browser {
    /// What the desktop has for it.
    #[default]
    Desktop,
    /// A command, which gets the URL as its last argument, or where it says `%s`.
    Command(String),
    /// Nobody: the person opens the URL.
    None,
}

impl Browser {
    /// Shows the page, and does not wait for what becomes of it.
    pub(crate) fn open(&self, url: &str) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            // What the library says of it is the whole URL once more.
            Self::Desktop => open::that_detached(url)
                .map_err(|_| io::Error::other("nothing on this machine opens web pages")),
            Self::Command(line) => {
                let mut words = words(line, url);
                if words.is_empty() {
                    return Err(io::Error::other("the command is empty"));
                }
                let program = words.remove(0);
                let mut child = Command::new(program)
                    .args(words)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()?;
                match ended(&mut child)? {
                    Some(status) if !status.success() => {
                        Err(io::Error::other(format!("the command failed: {status}")))
                    }
                    Some(_) => Ok(()),
                    None => {
                        // A browser may live as long as it likes; somebody has to take note of its end.
                        thread::spawn(move || child.wait());
                        Ok(())
                    }
                }
            }
        }
    }
}

/// How the command ended, if it did so soon.
fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let until = Instant::now() + FAILS_WITHIN;
    loop {
        match child.try_wait()? {
            None if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            status => return Ok(status),
        }
    }
}

/// The command's words, with the URL in them. No shell reads it: a URL is full of its characters.
fn words(line: &str, url: &str) -> Vec<String> {
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    if words.iter().any(|word| word.contains("%s")) {
        for word in &mut words {
            *word = word.replace("%s", url);
        }
    } else if !words.is_empty() {
        words.push(url.to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_one_argument_whatever_is_in_it() {
        let url = "https://a.test/?x=1&y=$(id);z";
        assert_eq!(
            words("firefox --new-tab", url),
            ["firefox", "--new-tab", url]
        );
        assert_eq!(
            words("show --url=%s --wait", url),
            ["show", &format!("--url={url}"), "--wait"]
        );
        assert_eq!(words("  ", url), [""; 0]);
    }

    #[test]
    fn a_browser_that_is_not_there_is_told() {
        let browser = Browser::Command("/nowhere/browser".to_owned());
        assert!(browser.open("https://a.test/").is_err());
        assert!(
            Browser::Command(" ".to_owned())
                .open("https://a.test/")
                .is_err()
        );
        assert!(Browser::None.open("https://a.test/").is_ok());
        let fails = Browser::Command("false".to_owned()).open("https://a.test/");
        assert!(fails.unwrap_err().to_string().contains("exit status: 1"));
        // One that hands the page on, and one that stays; neither looks at the URL.
        for command in ["true", "timeout 2 tail -f /dev/null --retry"] {
            let browser = Browser::Command(command.to_owned());
            assert!(browser.open("https://a.test/").is_ok(), "{command}");
        }
    }
}
