//! Deployment packages: read, checked and unpacked once each, and kept by their digest.
//!
//! `<folder>/<digest>/` is the unpacked package, `<folder>/<digest>.zip` what was uploaded. A
//! package is there when its folder is: both are made aside and then renamed.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Cursor, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::faults::invalid;
use super::model::Package;
use crate::storage::{ReadError, Storage, StorageError};
use crate::wire::Fault;

/// The largest zip in a call, in bytes. Source: "Lambda quotas".
pub(super) const LARGEST_ZIP: u64 = 50 * 1024 * 1024;
/// The largest package when it is unpacked, in bytes. Source: "Lambda quotas".
pub(super) const LARGEST_UNPACKED: u64 = 250 * 1024 * 1024;
/// What the folders of packages on their way begin with.
const ASIDE: &str = ".unpack-";

/// Where packages are kept.
#[derive(Debug, Clone)]
pub(super) struct Packages {
    folder: PathBuf,
}

/// Why a zip is not taken.
#[derive(Debug)]
enum Unpack {
    /// It is no zip, or not one of those that Lambda reads.
    Unreadable,
    /// It has no files.
    Empty,
    /// It is too large.
    TooLarge,
    /// It could not be written.
    Write(io::Error),
}

impl From<io::Error> for Unpack {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl Packages {
    pub(super) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let folder = storage.folder("lambda.code")?;
        Ok(Self { folder })
    }

    /// Removes the packages that nothing uses, and what was left halfway.
    pub(super) fn sweep(&self, used: &BTreeSet<&str>) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let digest = name.strip_suffix(".zip").unwrap_or(&name);
            if used.contains(digest) {
                continue;
            }
            let path = entry.path();
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            if let Err(error) = removed {
                tracing::debug!(path = %path.display(), %error, "an unused package stays");
            }
        }
    }

    /// The folder of the unpacked package.
    pub(super) fn unpacked(&self, package: &Package) -> PathBuf {
        self.folder.join(&package.digest)
    }

    /// The zip of this digest, when there is one.
    pub(super) fn zip(&self, digest: &str) -> Option<PathBuf> {
        let is_digest = digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit());
        let path = self.folder.join(format!("{digest}.zip"));
        (is_digest && path.is_file()).then_some(path)
    }

    /// Checks and keeps an uploaded zip.
    ///
    /// # Errors
    /// As Lambda words them, and when it cannot be written.
    pub(super) async fn keep(&self, zip: Bytes) -> Result<Package, Fault> {
        let packages = self.clone();
        let kept = tokio::task::spawn_blocking(move || packages.keep_blocking(&zip)).await;
        kept.map_err(|error| Fault::internal(format!("unpacking the code: {error}")))?
    }

    fn keep_blocking(&self, zip: &Bytes) -> Result<Package, Fault> {
        let package = Package {
            digest: hex::encode(Sha256::digest(zip)),
            size: zip.len() as u64,
        };
        let target = self.unpacked(&package);
        if target.is_dir() {
            return Ok(package);
        }
        self.unpack(zip, &target).map_err(|error| match error {
            Unpack::Unreadable => invalid(
                "Could not unzip uploaded file. Please check your file, then try to upload again.",
            ),
            Unpack::Empty => invalid("Uploaded file must be a non-empty zip"),
            Unpack::TooLarge => invalid(format!(
                "Unzipped size must be smaller than {LARGEST_UNPACKED} bytes"
            )),
            Unpack::Write(error) => StorageError::new(&target, error).into(),
        })?;
        Ok(package)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "files of the cloud's own folder: made aside and put in place at once"
    )]
    fn unpack(&self, zip: &Bytes, target: &Path) -> Result<(), Unpack> {
        let aside = tempfile::Builder::new()
            .prefix(ASIDE)
            .tempdir_in(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(aside.path())?;
        file.write_all(zip)?;
        let folder = aside.path().join("code");
        fs::create_dir(&folder)?;
        extract(zip, &folder, LARGEST_UNPACKED)?;
        file.persist(target.with_extension("zip"))
            .map_err(|error| error.error)?;
        match fs::rename(&folder, target) {
            // Another call was faster with the same package.
            Err(_) if target.is_dir() => Ok(()),
            renamed => Ok(renamed?),
        }
    }
}

/// Extracts a zip into a folder. Links are made last, so that nothing is written through one.
fn extract(zip: &Bytes, folder: &Path, limit: u64) -> Result<(), Unpack> {
    let mut archive = ZipArchive::new(Cursor::new(zip.as_ref())).map_err(|_| Unpack::Unreadable)?;
    let mut left = limit;
    let mut links = Vec::new();
    let mut files = 0_u64;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| Unpack::Unreadable)?;
        let path = folder.join(entry.enclosed_name().ok_or(Unpack::Unreadable)?);
        if entry.is_dir() {
            fs::create_dir_all(&path)?;
            continue;
        }
        files += 1;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        if entry.is_symlink() {
            let mut link = String::new();
            entry
                .by_ref()
                .take(4096)
                .read_to_string(&mut link)
                .map_err(|_| Unpack::Unreadable)?;
            links.push((link, path));
            continue;
        }
        let mut file = File::create(&path)?;
        let copied = copy(&mut entry.by_ref().take(left), &mut file)?;
        left -= copied;
        if left == 0 {
            return Err(Unpack::TooLarge);
        }
        // Zips of systems without modes have files that nobody can execute, as on AWS.
        let mode = entry.unix_mode().unwrap_or(0o644);
        file.set_permissions(Permissions::from_mode((mode & 0o777) | 0o600))?;
    }
    for (link, path) in links {
        symlink(link, path).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                Unpack::Unreadable
            } else {
                Unpack::Write(error)
            }
        })?;
    }
    if files == 0 {
        return Err(Unpack::Empty);
    }
    Ok(())
}

/// Copies, and tells a zip that does not read from a disk that does not take it.
fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<u64, Unpack> {
    let mut buffer = [0; 64 * 1024];
    let mut copied = 0;
    loop {
        let read = from.read(&mut buffer).map_err(|_| Unpack::Unreadable)?;
        if read == 0 {
            return Ok(copied);
        }
        to.write_all(&buffer[..read])?;
        copied += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn packages() -> (tempfile::TempDir, Packages) {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(Some(folder.path())).unwrap();
        let packages = Packages::open(&storage).unwrap();
        (folder, packages)
    }

    fn zip(files: &[(&str, u32, &[u8])]) -> Bytes {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, mode, content) in files {
            let options = SimpleFileOptions::default().unix_permissions(*mode);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner().into()
    }

    #[tokio::test]
    async fn a_package_is_unpacked_once_with_its_modes() {
        let (_folder, packages) = packages();
        let bytes = zip(&[("bootstrap", 0o755, b"#!"), ("lib/data", 0o640, b"x")]);
        let package = packages.keep(bytes.clone()).await.unwrap();
        assert_eq!(package.size, bytes.len() as u64);
        let code = packages.unpacked(&package);
        let mode = |name: &str| code.join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("bootstrap"), 0o755);
        assert_eq!(mode("lib/data"), 0o640);
        assert_eq!(packages.keep(bytes.clone()).await.unwrap(), package);
        let zip = packages.zip(&package.digest).unwrap();
        assert_eq!(fs::read(zip).unwrap(), bytes);

        packages.sweep(&BTreeSet::from([package.digest.as_str()]));
        assert!(code.is_dir());
        packages.sweep(&BTreeSet::new());
        assert!(!code.exists() && packages.zip(&package.digest).is_none());
    }

    #[tokio::test]
    async fn what_is_no_package_leaves_nothing_behind() {
        let (_folder, packages) = packages();
        for (bytes, text) in [
            (Bytes::from_static(b"no zip"), "Could not unzip"),
            (zip(&[]), "non-empty zip"),
            (zip(&[("../out", 0o644, b"x")]), "Could not unzip"),
        ] {
            let fault = packages.keep(bytes).await.unwrap_err();
            assert_eq!(fault.code, "InvalidParameterValueException");
            assert!(fault.message.contains(text), "{}", fault.message);
        }
        assert_eq!(fs::read_dir(&packages.folder).unwrap().count(), 0);
    }

    #[test]
    fn a_package_that_grows_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = zip(&[("a", 0o644, &[0; 600]), ("b", 0o644, &[0; 400])]);
        let refused = extract(&bytes, folder.path(), 1000).unwrap_err();
        assert!(matches!(refused, Unpack::TooLarge));
        assert!(extract(&bytes, folder.path(), 1001).is_ok());
    }

    #[tokio::test]
    async fn nothing_is_written_through_a_link() {
        let (folder, packages) = packages();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let options = SimpleFileOptions::default();
        writer
            .add_symlink("link", outside.to_str().unwrap(), options)
            .unwrap();
        writer.start_file("link/x", options).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        // The link's place is a folder by then.
        let fault = packages.keep(bytes.into()).await.unwrap_err();
        assert_eq!(fault.code, "InvalidParameterValueException");
        assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
    }
}
