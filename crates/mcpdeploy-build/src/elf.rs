//! The little of the ELF format that tells where an executable can run.

use crate::request::Architecture;

/// The newest glibc symbols that the `provided.al2023` runtime has.
const AL2023_GLIBC: (u32, u32) = (2, 34);

const TYPE_EXECUTABLE: u16 = 2;
const TYPE_SHARED: u16 = 3;
const SEGMENT_INTERPRETER: u32 = 3;
const INTEL_64: u16 = 62;
const ARM_64: u16 = 183;

/// Why bytes are no program for Lambda.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ElfError {
    #[error("it is {0}, not a Linux program")]
    NotElf(&'static str),
    #[error("it is a damaged Linux program")]
    Damaged,
    #[error("it is a library or an object file, not a program")]
    NotProgram,
    #[error("it is made for {found}, but the function runs on {wanted}")]
    WrongMachine { found: String, wanted: Architecture },
    #[error("it needs the musl loader {0}, which Lambda does not have")]
    MuslLoader(String),
    #[error("it needs glibc {}.{}, but Lambda has {}.{}", .0.0, .0.1, AL2023_GLIBC.0, AL2023_GLIBC.1)]
    NewGlibc((u32, u32)),
}

/// Checks that the program runs on Lambda, and returns the doubts that remain.
pub(crate) fn check(bytes: &[u8], wanted: Architecture) -> Result<Vec<String>, ElfError> {
    let header = Header::parse(bytes)?;
    let machine = match wanted {
        Architecture::X86_64 => INTEL_64,
        Architecture::Arm64 => ARM_64,
    };
    if header.machine != machine || !header.wide {
        let found = machine_name(header.machine, header.wide);
        return Err(ElfError::WrongMachine { found, wanted });
    }
    let interpreter = header.interpreter(bytes)?;
    // A static program may be of the shared type too (it can be loaded anywhere), but has an entry.
    let program = header.kind == TYPE_EXECUTABLE || header.kind == TYPE_SHARED;
    if !program || header.entry == 0 {
        return Err(ElfError::NotProgram);
    }
    match interpreter {
        None => Ok(Vec::new()),
        Some(loader) if loader.contains("musl") => Err(ElfError::MuslLoader(loader)),
        Some(loader) => match newest_glibc(bytes) {
            Some(version) if version > AL2023_GLIBC => Err(ElfError::NewGlibc(version)),
            _ => Ok(vec![format!(
                "the executable is dynamically linked (it asks for {loader}): every library that it \
                 needs must be in Lambda's provided.al2023 runtime; a musl build needs none"
            )]),
        },
    }
}

/// The processor of a program, when it is one that Lambda has.
pub(crate) fn architecture(bytes: &[u8]) -> Option<Architecture> {
    let header = Header::parse(bytes).ok()?;
    match header.machine {
        INTEL_64 => Some(Architecture::X86_64),
        ARM_64 => Some(Architecture::Arm64),
        _ => None,
    }
}

fn machine_name(machine: u16, wide: bool) -> String {
    match (machine, wide) {
        (INTEL_64, true) => "x86_64".to_owned(),
        (ARM_64, true) => "arm64".to_owned(),
        (3, _) => "32-bit x86".to_owned(),
        (40, _) => "32-bit arm".to_owned(),
        (243, _) => "riscv".to_owned(),
        (other, true) => format!("another processor (ELF machine {other})"),
        (other, false) => format!("another 32-bit processor (ELF machine {other})"),
    }
}

/// What else a file may be, by its first bytes.
fn looks_like(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..]
        | [0xfe, 0xed, 0xfa, 0xcf | 0xce, ..]
        | [0xca, 0xfe, 0xba, 0xbe, ..] => "a macOS program",
        [b'M', b'Z', ..] => "a Windows program",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'#', b'!', ..] => "a script",
        [0x1f, 0x8b, ..] => "a gzip archive",
        [0, b'a', b's', b'm', ..] => "a WebAssembly module",
        _ => "an unknown file",
    }
}

struct Header {
    wide: bool,
    kind: u16,
    machine: u16,
    entry: u64,
    segments: usize,
    segment_size: usize,
    segment_count: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, ElfError> {
        let [0x7f, b'E', b'L', b'F', class, order, ..] = bytes else {
            return Err(ElfError::NotElf(looks_like(bytes)));
        };
        // Lambda's processors are little-endian; the machine field still tells what another one is.
        let kind = number::<2>(bytes, 16, *order)?;
        let machine = number::<2>(bytes, 18, *order)?;
        let mut header = Self {
            wide: *class == 2 && *order == 1,
            kind: u16::try_from(kind).map_err(|_| ElfError::Damaged)?,
            machine: u16::try_from(machine).map_err(|_| ElfError::Damaged)?,
            entry: 0,
            segments: 0,
            segment_size: 0,
            segment_count: 0,
        };
        if header.wide {
            header.entry = number::<8>(bytes, 24, 1)?;
            header.segments = size(number::<8>(bytes, 32, 1)?)?;
            header.segment_size = size(number::<2>(bytes, 54, 1)?)?;
            header.segment_count = size(number::<2>(bytes, 56, 1)?)?;
        }
        Ok(header)
    }

    /// The loader that the program asks for, which a static program does not.
    fn interpreter(&self, bytes: &[u8]) -> Result<Option<String>, ElfError> {
        for index in 0..self.segment_count {
            let at = index
                .checked_mul(self.segment_size)
                .and_then(|offset| offset.checked_add(self.segments))
                .ok_or(ElfError::Damaged)?;
            if number::<4>(bytes, at, 1)? != u64::from(SEGMENT_INTERPRETER) {
                continue;
            }
            let start = size(number::<8>(bytes, at.saturating_add(8), 1)?)?;
            let length = size(number::<8>(bytes, at.saturating_add(32), 1)?)?;
            let path = start
                .checked_add(length)
                .and_then(|end| bytes.get(start..end))
                .ok_or(ElfError::Damaged)?;
            let path = String::from_utf8_lossy(path);
            return Ok(Some(path.trim_end_matches('\0').to_owned()));
        }
        Ok(None)
    }
}

fn size(number: u64) -> Result<usize, ElfError> {
    usize::try_from(number).map_err(|_| ElfError::Damaged)
}

/// The number of `N` bytes at `at`; `order` is ELF's: 1 for the smallest byte first.
fn number<const N: usize>(bytes: &[u8], at: usize, order: u8) -> Result<u64, ElfError> {
    let end = at.checked_add(N).ok_or(ElfError::Damaged)?;
    let bytes = bytes.get(at..end).ok_or(ElfError::Damaged)?;
    let join = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    Ok(if order == 1 {
        bytes.iter().rev().fold(0, join)
    } else {
        bytes.iter().fold(0, join)
    })
}

/// The newest version among the glibc symbols that the program names.
fn newest_glibc(bytes: &[u8]) -> Option<(u32, u32)> {
    const MARK: &[u8] = b"GLIBC_2.";
    let digits = |rest: &[u8]| {
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
    };
    bytes
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, window)| *window == MARK)
        .filter_map(|(at, _)| digits(&bytes[at + MARK.len()..]))
        .max()
        .map(|minor: u32| (2, minor))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{ElfError, architecture, check};
    use crate::request::Architecture::{self, Arm64, X86_64};

    /// A program of one segment, which names `interpreter` when there is one.
    pub(crate) fn program(machine: u16, interpreter: Option<&str>) -> Vec<u8> {
        let mut bytes = vec![0_u8; 64 + 56];
        bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
        bytes[16..18].copy_from_slice(&3_u16.to_le_bytes());
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[24..32].copy_from_slice(&0x1000_u64.to_le_bytes());
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
        bytes[64] = 1;
        if let Some(interpreter) = interpreter {
            bytes[64] = 3;
            bytes[72..80].copy_from_slice(&120_u64.to_le_bytes());
            bytes[96..104].copy_from_slice(&(interpreter.len() as u64 + 1).to_le_bytes());
            bytes.extend_from_slice(interpreter.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    fn with(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
        bytes[at] = byte;
        bytes
    }

    #[test]
    fn what_runs_on_lambda_and_what_does_not() {
        let glibc = |symbols: &str| {
            let mut bytes = program(62, Some("/lib64/ld-linux-x86-64.so.2"));
            bytes.extend_from_slice(symbols.as_bytes());
            bytes
        };
        let wrong = |found: &str, wanted: Architecture| {
            Err(ElfError::WrongMachine {
                found: found.to_owned(),
                wanted,
            })
        };
        for (name, bytes, wanted, expected) in [
            ("static x86_64", program(62, None), X86_64, Ok(0)),
            ("static arm64", program(183, None), Arm64, Ok(0)),
            (
                "fixed address",
                with(program(62, None), 16, 2),
                X86_64,
                Ok(0),
            ),
            (
                "arm64 for x86_64",
                program(183, None),
                X86_64,
                wrong("arm64", X86_64),
            ),
            (
                "x86_64 for arm64",
                program(62, None),
                Arm64,
                wrong("x86_64", Arm64),
            ),
            (
                "32 bits",
                with(program(3, None), 4, 1),
                X86_64,
                wrong("32-bit x86", X86_64),
            ),
            ("riscv", program(243, None), X86_64, wrong("riscv", X86_64)),
            (
                "x32",
                with(program(62, None), 4, 1),
                X86_64,
                wrong("another 32-bit processor (ELF machine 62)", X86_64),
            ),
            (
                "old glibc",
                glibc("GLIBC_2.2.5\0GLIBC_2.34\0"),
                X86_64,
                Ok(1),
            ),
            (
                "new glibc",
                glibc("GLIBC_2.4\0GLIBC_2.39\0"),
                X86_64,
                Err(ElfError::NewGlibc((2, 39))),
            ),
            (
                "glibc at the end",
                glibc("GLIBC_2.35"),
                X86_64,
                Err(ElfError::NewGlibc((2, 35))),
            ),
            (
                "no glibc at all",
                program(62, Some("/lib/other.so")),
                X86_64,
                Ok(1),
            ),
            (
                "musl loader",
                program(62, Some("/lib/ld-musl-x86_64.so.1")),
                X86_64,
                Err(ElfError::MuslLoader("/lib/ld-musl-x86_64.so.1".to_owned())),
            ),
            (
                "object file",
                with(program(62, None), 16, 1),
                X86_64,
                Err(ElfError::NotProgram),
            ),
            (
                "library",
                with(program(62, None), 25, 0),
                X86_64,
                Err(ElfError::NotProgram),
            ),
            (
                "cut header",
                program(62, None)[..40].to_vec(),
                X86_64,
                Err(ElfError::Damaged),
            ),
            (
                "cut segments",
                program(62, None)[..100].to_vec(),
                X86_64,
                Ok(0),
            ),
            (
                "no segments",
                program(62, None)[..64].to_vec(),
                X86_64,
                Err(ElfError::Damaged),
            ),
            (
                "wild offset",
                with(program(62, None), 39, 255),
                X86_64,
                Err(ElfError::Damaged),
            ),
            (
                "wild interpreter",
                with(program(62, Some("/x")), 79, 255),
                X86_64,
                Err(ElfError::Damaged),
            ),
            (
                "mac",
                b"\xcf\xfa\xed\xfe1234".to_vec(),
                Arm64,
                Err(ElfError::NotElf("a macOS program")),
            ),
            (
                "windows",
                b"MZ12".to_vec(),
                X86_64,
                Err(ElfError::NotElf("a Windows program")),
            ),
            (
                "zip",
                b"PK\x03\x04".to_vec(),
                X86_64,
                Err(ElfError::NotElf("a zip archive")),
            ),
            (
                "script",
                b"#!/bin/sh".to_vec(),
                X86_64,
                Err(ElfError::NotElf("a script")),
            ),
            (
                "text",
                b"hello".to_vec(),
                X86_64,
                Err(ElfError::NotElf("an unknown file")),
            ),
            (
                "nothing",
                Vec::new(),
                X86_64,
                Err(ElfError::NotElf("an unknown file")),
            ),
            (
                "magic alone",
                b"\x7fELF".to_vec(),
                X86_64,
                Err(ElfError::NotElf("an unknown file")),
            ),
        ] {
            let got = check(&bytes, wanted).map(|warnings| warnings.len());
            assert_eq!(got, expected, "{name}");
        }
    }

    #[test]
    fn any_byte_may_be_wrong_without_harm() {
        let whole = program(62, Some("/lib64/ld-linux-x86-64.so.2"));
        for at in 0..whole.len() {
            for byte in [0, 1, 127, 255] {
                drop(check(&with(whole.clone(), at, byte), X86_64));
            }
            drop(check(&whole[..at], X86_64));
        }
    }

    #[test]
    fn the_processor_of_a_program() {
        assert_eq!(architecture(&program(62, None)), Some(X86_64));
        assert_eq!(architecture(&program(183, None)), Some(Arm64));
        assert_eq!(architecture(&program(3, None)), None);
        assert_eq!(architecture(b"text"), None);
    }
}
