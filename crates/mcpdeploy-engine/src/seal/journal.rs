//! Journals, sealed line by line.
//!
//! The first line is a sealed document whose content is the journal's first record. Each later one
//! is sealed under the same data key with its number in the nonce, and is bound to the first line:
//! a line that is moved, repeated, left out or taken from another journal does not open. Only
//! leaving out the last ones cannot be told from a crash.

use std::borrow::Cow;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::cipher::{self, DataKey, NONCE};
use super::envelope::{RecordLine, closed};
use super::error::At;
use super::frame::{self, Framed};
use super::{Envelope, Head, Keyring, SealError, What};

/// The part of a journal's nonce that is drawn at random; the rest is the line's number.
const DRAWN: usize = NONCE - size_of::<u64>();

/// Seals the lines of one journal, or leaves them as they are when encryption is off.
///
/// There is one for each journal and it cannot be had again: a number that was used twice would
/// give both lines away. A journal is never continued by another run, so nothing is lost.
#[derive(Debug)]
pub struct JournalSealer(Option<Lines>);

/// What is common to all lines of a sealed journal.
#[derive(Debug)]
struct Lines {
    key: DataKey,
    drawn: [u8; DRAWN],
    /// The SHA-256 of the first line.
    first: [u8; 32],
    next: u64,
}

/// A journal as it was before it was sealed.
#[derive(Debug)]
pub struct OpenedJournal<'a> {
    /// What it shows without a key; `None` when it is not sealed, or ends within its first line.
    pub head: Option<Head>,
    /// Its sound lines, each with its end. A plain journal is here as it is.
    pub text: Cow<'a, [u8]>,
    /// The last line was cut short. Of a plain journal it is still in the text.
    pub torn: bool,
}

#[derive(Serialize)]
struct Clear {
    line: u64,
}

impl Lines {
    fn nonce(&self) -> [u8; NONCE] {
        nonce(self.drawn, self.next)
    }

    /// What is authenticated with a line.
    fn context(&self, clear: &[u8]) -> Vec<u8> {
        [&self.first, clear].concat()
    }
}

fn nonce(drawn: [u8; DRAWN], line: u64) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce[..DRAWN].copy_from_slice(&drawn);
    nonce[DRAWN..].copy_from_slice(&line.to_be_bytes());
    nonce
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl JournalSealer {
    /// Seals the next line: `line` has no line end, what comes back has one.
    ///
    /// # Panics
    /// When there is a line end in the line.
    pub fn seal(&mut self, line: &[u8]) -> Vec<u8> {
        check_line(line);
        let Some(lines) = &mut self.0 else {
            return [line, b"\n"].concat();
        };
        let clear = frame::clear(&Clear { line: lines.next });
        let context = lines.context(&clear);
        let ciphertext = lines.key.seal(&lines.nonce(), &context, line);
        lines.next += 1;
        frame::write(clear, &ciphertext)
    }
}

/// A line end within a line would make two records of one.
fn check_line(line: &[u8]) {
    assert!(
        !line.contains(&b'\n'),
        "a journal's line has a line end in it"
    );
}

impl Keyring {
    /// Begins a journal: its first line, sealed, and what seals the others.
    ///
    /// # Errors
    /// When a key service does not wrap the data key. Nothing is then to be written.
    ///
    /// # Panics
    /// When there is a line end in the line.
    pub fn begin_journal(
        &self,
        head: &Head,
        line: &[u8],
    ) -> Result<(Vec<u8>, JournalSealer), SealError> {
        check_line(line);
        let Some(sealing) = self.sealing()? else {
            return Ok(([line, b"\n"].concat(), JournalSealer(None)));
        };
        let drawn = cipher::random();
        let first = sealing.seal(What::Journal, head, &nonce(drawn, 0), line);
        let lines = Lines {
            key: sealing.key.clone(),
            drawn,
            first: sha256(&first),
            next: 1,
        };
        Ok((first, JournalSealer(Some(lines))))
    }

    /// Opens a journal. A last line that was cut short is left out; so is a first one that is.
    ///
    /// # Errors
    /// When no key opens it, or a line of it is not what was sealed in that place.
    pub fn open_journal<'a>(&self, bytes: &'a [u8]) -> Result<OpenedJournal<'a>, SealError> {
        let mut lines = bytes.split_inclusive(|&b| b == b'\n').peekable();
        let torn = |line: &[u8], last: bool| last && frame::is_torn(line);
        let first = lines.next().unwrap_or_default();
        // A disk that never wrote the line may have left zeros.
        let unwritten = bytes.iter().all(|&b| b == 0);
        let is_cut = unwritten || frame::begins_sealed(first);
        if !is_cut && !frame::looks_sealed(first) {
            if !self.opens_plain() {
                return Err(SealError::NotSealed(What::Journal));
            }
            return Ok(OpenedJournal {
                head: None,
                text: Cow::Borrowed(bytes),
                torn: bytes
                    .split_inclusive(|&b| b == b'\n')
                    .next_back()
                    .is_some_and(frame::is_torn),
            });
        }
        if is_cut || torn(first, first.len() == bytes.len()) {
            return Ok(OpenedJournal {
                head: None,
                text: Cow::Borrowed(&[]),
                torn: !bytes.is_empty(),
            });
        }
        let envelope = Envelope::read(What::Journal, first)?;
        let (key, mut text) = self.open_envelope(&envelope)?;
        text.push(b'\n');
        let (drawn, number) = envelope.nonce.split_at(DRAWN);
        let drawn = drawn.try_into().ok().filter(|_| number == [0; 8]);
        let mut opener = Lines {
            key,
            drawn: drawn.ok_or(SealError::Altered(At::line(1)))?,
            first: sha256(first),
            next: 1,
        };
        let mut cut = false;
        for index in 1.. {
            let Some(line) = lines.next() else { break };
            if torn(line, lines.peek().is_none()) && Framed::read(line).is_none() {
                cut = true;
                break;
            }
            text.extend_from_slice(&opener.open(line, At::line(index + 1))?);
            text.push(b'\n');
        }
        Ok(OpenedJournal {
            head: Some(envelope.head().clone()),
            text: Cow::Owned(text),
            torn: cut,
        })
    }
}

impl Lines {
    fn open(&mut self, line: &[u8], at: At) -> Result<Vec<u8>, SealError> {
        let framed = Framed::read(line).ok_or(SealError::Damaged(at))?;
        let clear: RecordLine =
            serde_json::from_slice(&closed(framed.clear)).map_err(|_| SealError::Damaged(at))?;
        let ciphertext = framed.ciphertext().ok_or(SealError::Damaged(at))?;
        let context = self.context(framed.clear);
        let opened = self.key.open(&self.nonce(), &context, &ciphertext);
        let is_next = clear.line == self.next;
        self.next += 1;
        opened.filter(|_| is_next).ok_or(SealError::Altered(at))
    }
}
