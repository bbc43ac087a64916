//! Writes the zip, the same bytes for the same files.
//!
//! Whatever may differ between two machines is fixed here: order, names, dates, permissions, the
//! system that the zip was made on, the compressor, its level, and the size of the pieces that it gets.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use crate::error::BuildError;

/// The name of the function's executable in the zip.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// The name of a server's executable in the zip, when the runtime is the function's: what the runtime
/// starts when it is told nothing else.
pub(crate) const SERVER: &str = "server";

/// What Lambda takes at most, unzipped.
pub(crate) const UNZIPPED_LIMIT: u64 = 250 * 1024 * 1024;

/// Level 9 takes twice the time, and makes programs only 0.2 to 0.5 % smaller.
const LEVEL: i64 = 6;

const PIECE: usize = 64 * 1024;
const BIGGEST: usize = 5;

/// A file to pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name in the zip.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Whether it may be run.
    pub(crate) executable: bool,
    /// Its bytes.
    pub(crate) size: u64,
}

/// A zip that has been written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) digest: [u8; 32],
    pub(crate) size: u64,
    pub(crate) unzipped_size: u64,
}

/// Refuses files that are too much for Lambda.
pub(crate) fn check_size(entries: &[Entry]) -> Result<(), BuildError> {
    let size = entries.iter().map(|entry| entry.size).sum();
    if size <= UNZIPPED_LIMIT {
        return Ok(());
    }
    let mut biggest: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name.clone(), entry.size))
        .collect();
    biggest.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    biggest.truncate(BIGGEST);
    Err(BuildError::TooLarge {
        size,
        limit: UNZIPPED_LIMIT,
        biggest,
    })
}

/// Writes the entries to `zip`: the executable first, then the others by name.
///
/// The zip appears whole or not at all, also when several builds write it at the same time.
pub(crate) fn write(mut entries: Vec<Entry>, zip: &Path) -> Result<Written, BuildError> {
    entries.sort_by(|one, other| {
        (one.name != BOOTSTRAP, &one.name).cmp(&(other.name != BOOTSTRAP, &other.name))
    });
    check_size(&entries)?;
    let mut file = temporary(zip)?;
    let mut writer = ZipWriter::new(file.as_file_mut());
    let mut unzipped_size = 0;
    for entry in &entries {
        unzipped_size += append(&mut writer, entry, zip)?;
    }
    writer.finish().map_err(BuildError::zip("write", zip))?;
    let digest = digest(file.as_file_mut()).map_err(BuildError::io("read", zip))?;
    let size = file
        .as_file()
        .metadata()
        .map_err(BuildError::io("read", zip))?
        .len();
    put(file, zip, false)?;
    Ok(Written {
        digest,
        size,
        unzipped_size,
    })
}

fn append<W: Write + Seek>(
    writer: &mut ZipWriter<W>,
    entry: &Entry,
    zip: &Path,
) -> Result<u64, BuildError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::DEFAULT)
        .system(System::Unix)
        .unix_permissions(if entry.executable { 0o755 } else { 0o644 });
    writer
        .start_file(entry.name.as_str(), options)
        .map_err(BuildError::zip("write", zip))?;
    let mut source = File::open(&entry.path).map_err(BuildError::io("read", &entry.path))?;
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    loop {
        let filled = fill(&mut source, &mut piece).map_err(BuildError::io("read", &entry.path))?;
        if filled == 0 {
            return Ok(size);
        }
        writer
            .write_all(&piece[..filled])
            .map_err(BuildError::io("write", zip))?;
        size += filled as u64;
    }
}

/// Reads a whole piece, however little the system gives at a time.
fn fill(source: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match source.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The SHA-256 of a file, from its start.
pub(crate) fn digest(file: &mut File) -> io::Result<[u8; 32]> {
    file.rewind()?;
    let mut hasher = Sha256::new();
    io::copy(file, &mut hasher)?;
    Ok(hasher.finalize().into())
}

/// A new file that may take the place of `path`.
pub(crate) fn temporary(path: &Path) -> Result<NamedTempFile, BuildError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(BuildError::io("create", folder))?;
    tempfile::Builder::new()
        .prefix(".building-")
        .tempfile_in(folder)
        .map_err(BuildError::io("write into", folder))
}

/// Puts the file in the place of `path`, in one step.
pub(crate) fn put(file: NamedTempFile, path: &Path, executable: bool) -> Result<(), BuildError> {
    set_permissions(file.as_file(), executable).map_err(BuildError::io("write", path))?;
    file.persist(path)
        .map(drop)
        .map_err(|error| BuildError::io("write", path)(error.error))
}

#[cfg(unix)]
fn set_permissions(file: &File, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_permissions(_file: &File, _executable: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{BOOTSTRAP, Entry, UNZIPPED_LIMIT, check_size, write};
    use crate::error::BuildError;
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    /// Words in an order that looks random: what the compressor finds depends on how hard it looks.
    fn bytes(length: usize) -> Vec<u8> {
        let words: [&[u8]; 5] = [b"calculator", b"call", b"late", b"later on", b"\x00\x01"];
        let mut seed = 1_u32;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.extend_from_slice(words[(seed >> 16) as usize % words.len()]);
        }
        bytes.truncate(length);
        bytes
    }

    fn entries(folder: &Path, names: &[&str], age: u64) -> Vec<Entry> {
        fs::create_dir_all(folder).unwrap();
        let write_one = |(index, name): (usize, &&str)| {
            let path = folder.join(name.replace('/', "_"));
            let length = if *name == BOOTSTRAP {
                300_000
            } else {
                1000 + name.len()
            };
            fs::write(&path, bytes(length)).unwrap();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(age + index as u64);
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(modified)
                .unwrap();
            Entry {
                name: (*name).to_owned(),
                path,
                executable: *name == BOOTSTRAP,
                size: length as u64,
            }
        };
        names.iter().enumerate().map(write_one).collect()
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let first = entries(&at("one"), &["bootstrap", "a.md", "b/c.md"], 1_000_000_000);
        let other = entries(
            &at("deeper/two"),
            &["b/c.md", "bootstrap", "a.md"],
            1_700_000_000,
        );
        let first = write(first, &at("first.zip")).unwrap();
        let other = write(other, &at("out/other.zip")).unwrap();
        assert_eq!(first.digest, other.digest);
        let (one, two) = (
            fs::read(at("first.zip")).unwrap(),
            fs::read(at("out/other.zip")).unwrap(),
        );
        assert_eq!(one, two);
        assert_eq!(first.size, one.len() as u64);
        assert_eq!(first.unzipped_size, 302_010);

        // A new version of the compressor would change every user's digest: not unnoticed.
        assert_eq!(
            hex::encode(first.digest),
            "08d52a01f296fed8d0efd7375bd80e7078cfe3111bd1770d4f8d1580ce3b9a1a"
        );
    }

    #[test]
    fn what_lambda_reads_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("x.zip");
        write(entries(folder.path(), &["z", "a/b", "bootstrap"], 0), &zip).unwrap();
        let mut archive = zip::ZipArchive::new(File::open(&zip).unwrap()).unwrap();
        let mut seen = Vec::new();
        for index in 0..archive.len() {
            let file = archive.by_index(index).unwrap();
            assert_eq!(file.last_modified(), Some(zip::DateTime::DEFAULT));
            assert!(file.extra_data().unwrap_or_default().is_empty());
            seen.push((file.name().unwrap().into_owned(), file.unix_mode()));
        }
        let mode = |mode: u32| Some(0o100_000 | mode);
        assert_eq!(
            seen,
            [
                ("bootstrap".to_owned(), mode(0o755)),
                ("a/b".to_owned(), mode(0o644)),
                ("z".to_owned(), mode(0o644)),
            ]
        );
    }

    #[test]
    fn many_builds_at_once_leave_one_whole_zip() {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("out/x.zip");
        let files = entries(folder.path(), &["bootstrap", "a"], 0);
        let digests: Vec<_> = std::thread::scope(|scope| {
            let build = || write(files.clone(), &zip).unwrap().digest;
            let builds: Vec<_> = (0..8).map(|_| scope.spawn(build)).collect();
            builds
                .into_iter()
                .map(|build| build.join().unwrap())
                .collect()
        });
        let left = super::digest(&mut File::open(&zip).unwrap()).unwrap();
        assert!(digests.iter().all(|digest| *digest == left));
        assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
    }

    #[test]
    fn too_much_is_refused_before_anything_is_read() {
        let entry = |name: &str, size| Entry {
            name: name.to_owned(),
            path: "/nowhere".into(),
            executable: false,
            size,
        };
        check_size(&[entry("bootstrap", UNZIPPED_LIMIT)]).unwrap();
        let many: Vec<_> = (0..9)
            .map(|n| entry(&format!("f{n}"), UNZIPPED_LIMIT / 8 + n))
            .collect();
        let Err(BuildError::TooLarge { biggest, .. }) = check_size(&many) else {
            panic!("it was accepted");
        };
        let names: Vec<_> = biggest.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["f8", "f7", "f6", "f5", "f4"]);
    }
}
