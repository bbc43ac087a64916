//! What an ELF program says about itself: for which processor it is, and what it needs to be loaded.

use std::fs::File;

use object::elf::{DT_NEEDED, EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadCache, ReadRef};

/// The C library that Lambda's Amazon Linux 2023 has.
const GLIBC: (u32, u32) = (2, 34);

/// Shared libraries that `provided.al2023` has.
const LIBRARIES: [&str; 20] = [
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libanl.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libz.so.1",
    "libbz2.so.1",
    "liblzma.so.5",
    "libzstd.so.1",
    "libssl.so.3",
    "libcrypto.so.3",
    "libcurl.so.4",
    "libnghttp2.so.14",
];

/// Loaders that `provided.al2023` has.
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];

/// An ELF program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elf {
    /// As Lambda calls it where Lambda has it: `x86_64`, `arm64`; else a common name of it.
    pub(super) machine: String,
    /// The program that loads it, when it is linked dynamically.
    pub(super) loader: Option<String>,
    /// The shared libraries that it asks for.
    pub(super) needed: Vec<String>,
    /// The newest version of glibc that one of its symbols asks for.
    pub(super) glibc: Option<(u32, u32)>,
}

impl Elf {
    /// Reads one, as far as it can be read: what is behind the header may be missing.
    pub(super) fn read(file: File) -> Option<Self> {
        let cache = ReadCache::new(file);
        Self::parse(&cache)
    }

    fn parse<'data>(data: impl ReadRef<'data>) -> Option<Self> {
        let start = data.read_bytes_at(0, 20).ok()?;
        if !start.starts_with(b"\x7fELF") {
            return None;
        }
        let machine = u16::from_le_bytes([*start.get(18)?, *start.get(19)?]);
        let mut elf = Self {
            machine: name(machine),
            loader: None,
            needed: Vec::new(),
            glibc: None,
        };
        // Only 64-bit programs run on Lambda; of others the name is enough.
        if let Ok(header) = FileHeader64::<Endianness>::parse(data) {
            elf.read_linkage(header, data);
        }
        Some(elf)
    }

    /// Fills in how it is linked; what does not read stays empty.
    fn read_linkage<'data, R: ReadRef<'data>>(
        &mut self,
        header: &'data FileHeader64<Endianness>,
        data: R,
    ) {
        let Ok(endian) = header.endian() else { return };
        let segments = header.program_headers(endian, data).unwrap_or_default();
        self.loader = segments.iter().find_map(|segment| {
            let path = segment.interpreter(endian, data).ok()??;
            Some(String::from_utf8_lossy(path).into_owned())
        });
        let Ok(sections) = header.sections(endian, data) else {
            return;
        };
        if let Ok(dynamic) = sections.dynamic_table(endian, data) {
            let needed = dynamic.iter().filter(|entry| entry.tag == DT_NEEDED);
            let names = needed.filter_map(|entry| dynamic.string(entry).ok());
            self.needed = names
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect();
        }
        let Ok(Some((needs, link))) = sections.gnu_verneed(endian, data) else {
            return;
        };
        let Ok(strings) = sections.strings(endian, data, link) else {
            return;
        };
        for (_, versions) in needs.flatten() {
            for version in versions.flatten() {
                let Ok(name) = version.name(endian, strings) else {
                    continue;
                };
                self.glibc = self.glibc.max(glibc_version(name));
            }
        }
    }

    /// What it asks for that Lambda does not have, in words; `carried` says which libraries are in
    /// the package.
    pub(super) fn strange_to_lambda(&self, carried: impl Fn(&str) -> bool) -> Option<String> {
        if let Some(loader) = &self.loader
            && !LOADERS.contains(&loader.as_str())
        {
            return Some(format!("is loaded by {loader}, which Lambda does not have"));
        }
        if let Some((major, minor)) = self.glibc
            && (major, minor) > GLIBC
        {
            return Some(format!(
                "needs glibc {major}.{minor}, Lambda's Amazon Linux 2023 has {}.{}",
                GLIBC.0, GLIBC.1
            ));
        }
        let strange = |name: &&String| !LIBRARIES.contains(&name.as_str()) && !carried(name);
        self.needed
            .iter()
            .find(strange)
            .map(|name| format!("needs {name}, which Lambda does not have"))
    }
}

fn name(machine: u16) -> String {
    match machine {
        EM_X86_64 => "x86_64".to_owned(),
        EM_AARCH64 => "arm64".to_owned(),
        EM_386 => "32-bit x86".to_owned(),
        EM_ARM => "32-bit arm".to_owned(),
        EM_RISCV => "riscv".to_owned(),
        other => format!("machine number {other}"),
    }
}

/// `GLIBC_2.34` as numbers; `GLIBC_PRIVATE` and others are none.
fn glibc_version(name: &[u8]) -> Option<(u32, u32)> {
    let name = str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?;
    let mut parts = name.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dynamic(loader: &str, needed: &[&str], glibc: Option<(u32, u32)>) -> Elf {
        Elf {
            machine: "x86_64".to_owned(),
            loader: Some(loader.to_owned()),
            needed: needed.iter().map(|&name| name.to_owned()).collect(),
            glibc,
        }
    }

    #[test]
    fn what_lambda_does_not_have() {
        let gnu = LOADERS[0];
        let carried = |name: &str| name == "libown.so";
        for (elf, expected) in [
            (
                dynamic(gnu, &["libc.so.6", "libown.so"], Some((2, 34))),
                None,
            ),
            (
                dynamic(gnu, &["libc.so.6"], Some((2, 39))),
                Some("needs glibc 2.39, Lambda's Amazon Linux 2023 has 2.34"),
            ),
            (
                dynamic("/lib/ld-musl-x86_64.so.1", &["libc.so"], None),
                Some("is loaded by /lib/ld-musl-x86_64.so.1, which Lambda does not have"),
            ),
            (
                dynamic(gnu, &["libc.so.6", "libpq.so.5"], Some((2, 17))),
                Some("needs libpq.so.5, which Lambda does not have"),
            ),
        ] {
            assert_eq!(elf.strange_to_lambda(carried).as_deref(), expected);
        }
    }

    #[test]
    fn versions_of_glibc() {
        assert_eq!(glibc_version(b"GLIBC_2.34"), Some((2, 34)));
        assert_eq!(glibc_version(b"GLIBC_2.3.4"), Some((2, 3)));
        assert_eq!(glibc_version(b"GLIBC_PRIVATE"), None);
        assert_eq!(glibc_version(b"GCC_3.0"), None);
    }

    /// The test's own executable is a dynamic program of this machine.
    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn a_real_program_reads() {
        let elf = Elf::read(File::open(std::env::current_exe().unwrap()).unwrap()).unwrap();
        assert!(elf.needed.iter().any(|name| name == "libc.so.6"), "{elf:?}");
        assert!(elf.glibc > Some((2, 2)), "{elf:?}");
        assert!(elf.loader.is_some_and(|path| path.contains("ld-linux")));
    }

    #[test]
    fn a_header_alone_is_enough_for_the_machine() {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(20, 0);
        header[18] = 183;
        assert_eq!(Elf::parse(header.as_slice()).unwrap().machine, "arm64");
        assert_eq!(Elf::parse(b"#!/bin/sh".as_slice()), None);
    }
}
