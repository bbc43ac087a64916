use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{AssetError, Collected, collect};
use crate::request::Assets;

fn project(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    folder
}

fn assets(include: &[&str], exclude: &[&str], base: Option<&str>) -> Assets {
    let owned = |patterns: &[&str]| {
        patterns
            .iter()
            .map(|pattern| (*pattern).to_owned())
            .collect()
    };
    Assets {
        include: owned(include),
        exclude: owned(exclude),
        base_dir: base.map(Into::into),
    }
}

fn try_names(root: &Path, assets: &Assets) -> Result<Vec<String>, AssetError> {
    let Collected { entries, .. } = collect(root, assets)?;
    Ok(entries.into_iter().map(|entry| entry.name).collect())
}

#[test]
fn globs_take_and_leave_out() {
    let folder = project(&[
        "README.md",
        "prompts/a.md",
        "prompts/deep/b.md",
        "prompts/deep/c.txt",
        "data/target/d.csv",
        "target/release/e.md",
        "crates/x/target/CACHEDIR.TAG",
        "crates/x/target/f.md",
        ".git/g.md",
        "sub/.git/h.md",
        ".pmcp/i.md",
        ".env",
    ]);
    for (include, exclude, base, expected) in [
        (&[][..], &[][..], None, &[][..]),
        (&["*.md"], &[], None, &["README.md"]),
        (
            &["**/*.md"],
            &[],
            None,
            &["README.md", "prompts/a.md", "prompts/deep/b.md"],
        ),
        (
            &["prompts"],
            &[],
            None,
            &["prompts/a.md", "prompts/deep/b.md", "prompts/deep/c.txt"],
        ),
        (
            &["./prompts/"],
            &["**/*.txt"],
            None,
            &["prompts/a.md", "prompts/deep/b.md"],
        ),
        (&["prompts/*"], &["prompts/deep"], None, &["prompts/a.md"]),
        (
            &["**/*.{csv,txt}"],
            &[],
            None,
            &["data/target/d.csv", "prompts/deep/c.txt"],
        ),
        (
            &["*"],
            &["*.md", "crates", "data", "prompts"],
            None,
            &[".env"],
        ),
        (
            &["**/b.md", "a.md"],
            &[],
            Some("prompts"),
            &["a.md", "deep/b.md"],
        ),
    ] {
        let got = try_names(folder.path(), &assets(include, exclude, base)).unwrap();
        assert_eq!(got, expected, "{include:?} without {exclude:?}");
    }
}

#[test]
fn a_pattern_that_takes_nothing_is_told() {
    let folder = project(&["a.md"]);
    let collected = collect(folder.path(), &assets(&["a.md", "missing/*"], &[], None)).unwrap();
    assert_eq!(collected.warnings.len(), 1);
    assert!(collected.warnings[0].contains("\"missing/*\" takes no file"));
}

#[test]
fn what_cannot_be_packed_is_an_error_that_can_be_mended() {
    let folder = project(&["bootstrap", "a/bootstrap", "file"]);
    for (include, base, problem) in [
        ("**", None, "the executable of the function has that name"),
        (
            "[",
            None,
            "understand the pattern \"[\" of [assets] include",
        ),
        ("../*", None, "leads out of the base folder"),
        ("a/../../*", None, "leads out of the base folder"),
        ("/etc/*", None, "leads out of the base folder"),
        ("*", Some("nowhere"), "find the folder"),
        ("*", Some("file"), "find the folder"),
    ] {
        let error = try_names(folder.path(), &assets(&[include], &[], base)).unwrap_err();
        assert!(error.to_string().contains(problem), "{include}: {error}");
        assert!(error.help().is_some(), "{include}");
    }
    let inner = try_names(folder.path(), &assets(&["a/**"], &[], None)).unwrap();
    assert_eq!(
        inner,
        ["a/bootstrap"],
        "only the one at the top is the executable's"
    );
}

#[cfg(unix)]
mod links {
    use super::{assets, collect, project, try_names};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn links_within_are_followed_and_links_out_refused() {
        let outside = project(&["secret/key.pem"]);
        let folder = project(&["real/a.md", "other.md"]);
        let at = |name: &str| folder.path().join(name);
        symlink(at("real"), at("linked")).unwrap();
        symlink(at("real"), at("real/loop")).unwrap();
        symlink(outside.path().join("secret/key.pem"), at("key.pem")).unwrap();
        symlink(outside.path().join("secret"), at("escape")).unwrap();
        symlink(at("gone"), at("broken.md")).unwrap();

        for (include, exclude, expected) in [
            (&["linked/*.md"][..], &[][..], Ok(&["linked/a.md"][..])),
            (&["real"], &[], Ok(&["real/a.md"])),
            (&["other.md"], &[], Ok(&["other.md"])),
            (&["*.md"], &["broken.md"], Ok(&["other.md"])),
            (&["*.md"], &[], Err("read the assets")),
            (&["*.pem"], &[], Err("its symbolic link leads out")),
            (&["escape"], &[], Err("its symbolic link leads out")),
            (&["escape/*"], &[], Err("its symbolic link leads out")),
            (
                &["**/*.md"],
                &["broken.md"],
                Ok(&["linked/a.md", "other.md", "real/a.md"]),
            ),
            (
                &["**"],
                &["broken.md", "key.pem", "escape"],
                Ok(&["linked/a.md", "other.md", "real/a.md"]),
            ),
        ] {
            let got = try_names(folder.path(), &assets(include, exclude, None));
            match (got, expected) {
                (Ok(names), Ok(expected)) => assert_eq!(names, expected, "{include:?}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (got, _) => panic!("{include:?}: {got:?}"),
            }
        }
    }

    #[test]
    fn the_permission_to_run_is_kept() {
        let folder = project(&["tool", "text"]);
        let tool = folder.path().join("tool");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o700)).unwrap();
        let collected = collect(folder.path(), &assets(&["*"], &[], None)).unwrap();
        let seen: Vec<_> = collected
            .entries
            .iter()
            .map(|e| (e.name.as_str(), e.executable))
            .collect();
        assert_eq!(seen, [("text", false), ("tool", true)]);
    }
}
