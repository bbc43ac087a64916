//! A line that is typed without being shown.

use std::io::{self, Read};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Gives the terminal back as it was.
struct Restored<'a>(&'a io::Stdin, Termios);

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(self.0, OptionalActions::Flush, &self.1);
    }
}

/// Reads a line from the terminal; none when it was interrupted. Signals by keys are off meanwhile: one
/// of them would end the process and leave a terminal that shows nothing.
pub(super) fn line() -> io::Result<Option<String>> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut quiet = before.clone();
    quiet
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(&stdin, OptionalActions::Flush, &quiet)?;
    let _restored = Restored(&stdin, before);
    read(stdin.lock())
}

fn read(mut input: impl Read) -> io::Result<Option<String>> {
    let mut typed = Vec::new();
    let mut byte = [0];
    loop {
        if input.read(&mut byte)? == 0 {
            break;
        }
        match byte[0] {
            b'\r' | b'\n' => break,
            // Ctrl-C, Ctrl-\ and, on an empty line, Ctrl-D.
            0x03 | 0x1c => return Ok(None),
            0x04 if typed.is_empty() => return Ok(None),
            0x04 => break,
            // Backspace, and Ctrl-U.
            0x7f | 0x08 => {
                // A character may be several bytes, of which all but the first begin with 10.
                while typed.pop().is_some_and(|last| last & 0xc0 == 0x80) {}
            }
            0x15 => typed.clear(),
            typed_byte => typed.push(typed_byte),
        }
    }
    String::from_utf8(typed)
        .map(Some)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn keys_do_what_they_do_elsewhere() {
        for (typed, expected) in [
            ("s3cret\nrest", Some("s3cret")),
            ("ab\u{7f}c\r", Some("ac")),
            ("aä\u{7f}\n", Some("a")),
            ("abc\u{15}x\n", Some("x")),
            ("\u{7f}x\n", Some("x")),
            ("x\u{4}", Some("x")),
            ("abc\u{3}", None),
            ("\u{4}", None),
            ("no end", Some("no end")),
        ] {
            assert_eq!(read(typed.as_bytes()).unwrap().as_deref(), expected);
        }
    }
}
