use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Source, build, pack, package_binary};
use crate::artifact::{ZIP_NAME, existing_artifact, read_artifact};
use crate::diagnose::Cause;
use crate::elf::tests::program;
use crate::error::BuildError;
use crate::progress::Progress;
use crate::request::{Architecture, Assets, BuildRequest};
use crate::toolchain::Toolchain;

const MAIN: &str = r#"fn main() {
    let name = std::env::args().nth(1).expect("a name");
    println!("hello {name}");
}"#;

/// A package without any dependency; its name keeps it apart in a shared target folder.
fn project(root: &Path, name: &str, main: &str) -> BuildRequest {
    let architecture = if cfg!(target_arch = "aarch64") {
        Architecture::Arm64
    } else {
        Architecture::X86_64
    };
    fs::create_dir_all(root.join("src")).unwrap();
    let manifest = format!(
        "[workspace]\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"
    );
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    fs::write(root.join("src/main.rs"), main).unwrap();
    BuildRequest {
        root: root.to_owned(),
        package: None,
        binary: None,
        server_name: name.to_owned(),
        architecture,
        features: Vec::new(),
        no_default_features: false,
        profile: None,
        bridge: false,
        assets: Assets::default(),
        output: root.join(".pmcp/build/default"),
    }
}

fn cannot_compile(request: &BuildRequest) -> bool {
    let toolchain = Toolchain::probe(&request.root, request.architecture);
    toolchain.tools(request.architecture).is_empty()
}

#[cfg(target_os = "linux")]
#[test]
fn the_same_source_in_two_folders_is_the_same_zip() {
    let folder = tempfile::tempdir().unwrap();
    let mut artifacts = Vec::new();
    for place in ["one", "deep/er/two"] {
        let mut request = project(&folder.path().join(place), "mcpdeploy-build-twice", MAIN);
        if cannot_compile(&request) {
            return; // The Rust target is not installed here.
        }
        request.assets.include = vec!["notes".to_owned()];
        fs::create_dir(request.root.join("notes")).unwrap();
        fs::write(request.root.join("notes/a.md"), "a").unwrap();
        let mut steps = Vec::new();
        artifacts.push(build(&request, &mut |step| steps.push(step)).unwrap());
        assert!(
            matches!(&steps[0], Progress::Building { package, .. } if package == "mcpdeploy-build-twice")
        );
        assert!(steps.iter().any(
            |step| matches!(step, Progress::Compiling { line } if line.starts_with("Compiling"))
        ));
        assert_eq!(
            steps[steps.len() - 2..],
            [Progress::Zipping, Progress::Done]
        );
    }
    let (one, two) = (&artifacts[0], &artifacts[1]);
    assert_eq!(one.sha256, two.sha256);
    assert_eq!(one.code_sha256_base64.len(), 44);
    assert_eq!(one.package.as_deref(), Some("mcpdeploy-build-twice"));
    assert!(one.warnings.is_empty(), "{:?}", one.warnings);

    let hello = std::process::Command::new(&one.binary)
        .arg("world")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(hello.stdout).unwrap(), "hello world\n");
    let symbols = fs::read(&one.binary).unwrap();
    assert!(
        !symbols.windows(7).any(|window| window == b".symtab"),
        "it is stripped"
    );

    let read = read_artifact(&one.zip).unwrap();
    assert_eq!(
        (
            &read.sha256,
            read.size,
            read.unzipped_size,
            read.architecture,
            &read.binary
        ),
        (
            &one.sha256,
            one.size,
            one.unzipped_size,
            one.architecture,
            &one.binary
        )
    );
}

#[test]
fn what_does_not_compile_shows_the_first_error() {
    let folder = tempfile::tempdir().unwrap();
    let request = project(
        folder.path(),
        "mcpdeploy-build-broken",
        "fn main() { no_such_name }",
    );
    if cannot_compile(&request) {
        return; // The Rust target is not installed here.
    }
    let error = build(&request, &mut drop).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("compile mcpdeploy-build-broken with "),
        "{text}"
    );
    assert!(
        text.contains("no_such_name") && text.contains("src/main.rs:1"),
        "{text}"
    );
    assert!(!request.output.exists());
}

#[test]
fn a_missing_c_compiler_is_told_with_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let request = project(folder.path(), "mcpdeploy-build-c", MAIN);
    if cannot_compile(&request) {
        return; // The Rust target is not installed here.
    }
    let script = r#"fn main() { panic!("failed to find tool \"musl-gcc\": No such file") }"#;
    fs::write(request.root.join("build.rs"), script).unwrap();
    let error = build(&request, &mut drop).unwrap_err();
    let BuildError::Compile { cause, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(cause, &Some(Cause::NoCCompiler));
    assert!(error.help().unwrap().contains("cargo-zigbuild"));
}

/// A project whose executable is ready, with the given bytes.
fn ready(bytes: &[u8]) -> (TempDir, BuildRequest) {
    let folder = tempfile::tempdir().unwrap();
    let mut request = project(folder.path(), "ready", MAIN);
    request.architecture = Architecture::Arm64;
    request.binary = Some("dist/server".into());
    let binary = folder.path().join("dist/server");
    fs::create_dir(folder.path().join("dist")).unwrap();
    fs::write(&binary, bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    }
    (folder, request)
}

#[test]
fn a_ready_executable_is_packed_as_it_is() {
    let (_folder, mut request) = ready(&program(183, Some("/lib/ld-linux-aarch64.so.1")));
    request.assets.include = vec!["none/*".to_owned()];
    assert_eq!(existing_artifact(&request.output).unwrap(), None);
    let mut steps = Vec::new();
    let artifact = build(&request, &mut |step| steps.push(step)).unwrap();
    assert_eq!(steps, [Progress::Zipping, Progress::Done]);
    assert_eq!((artifact.package, artifact.warnings.len()), (None, 2));
    assert_eq!(
        fs::read(&artifact.binary).unwrap(),
        program(183, Some("/lib/ld-linux-aarch64.so.1"))
    );
    let left = fs::read_dir(&request.output)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.collect();
    left.sort();
    assert_eq!(left, ["bootstrap", ZIP_NAME]);
    let existing = existing_artifact(&request.output).unwrap().unwrap();
    assert_eq!(
        (existing.sha256, existing.warnings.len()),
        (artifact.sha256, 1)
    );
}

#[test]
fn what_lambda_could_not_run_leaves_nothing_behind() {
    let (_folder, request) = ready(&program(62, None));
    let error = package_binary(&request, Path::new("dist/server"), &mut drop).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it is made for x86_64, but the function runs on arm64")
    );
    let error = package_binary(&request, Path::new("dist/absent"), &mut drop).unwrap_err();
    assert!(error.to_string().starts_with("find the executable"));
    assert!(!request.output.exists());
}

/// What the build takes for the runtime: a program that reads its variable.
fn runtime() -> Vec<u8> {
    let mut runtime = program(183, None);
    runtime.extend(b"MCPDEPLOY_COMMAND");
    runtime
}

#[test]
fn a_server_that_knows_no_lambda_goes_beside_the_runtime() {
    let (folder, mut request) = ready(&program(183, Some("/lib/ld-linux-aarch64.so.1")));
    request.bridge = true;
    let source = Source {
        executable: folder.path().join("dist/server"),
        package: None,
        tool: "a test".to_owned(),
    };
    let packed = |request: &BuildRequest| {
        pack(request, &source, Some(runtime()), &mut drop).map(|artifact| {
            let zip = fs::read(&artifact.zip).unwrap();
            (artifact, zip)
        })
    };
    let (artifact, zip) = packed(&request).unwrap();
    assert!(artifact.bridge);
    assert_eq!(
        fs::read(request.output.join("bootstrap")).unwrap(),
        runtime()
    );
    let read = existing_artifact(&request.output).unwrap().unwrap();
    assert!(read.bridge);
    assert_eq!(read.warnings, artifact.warnings, "doubts about the server");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&zip)).unwrap();
    let modes: Vec<_> = (0..archive.len())
        .map(|index| {
            let file = archive.by_index(index).unwrap();
            (
                file.name().unwrap().into_owned(),
                file.unix_mode().unwrap() & 0o777,
            )
        })
        .collect();
    let expected = [("bootstrap", 0o755), ("server", 0o755)].map(|(n, m)| (n.to_owned(), m));
    assert_eq!(modes, expected);

    // The same again, from another folder.
    request.output = folder.path().join("elsewhere");
    assert_eq!(packed(&request).unwrap().1, zip);

    // A server made for the other processor is found where it was packed, too.
    let mut other = request.clone();
    other.architecture = Architecture::X86_64;
    let error = packed(&other).unwrap_err().to_string();
    assert!(error.contains("it is made for arm64"), "{error}");

    // Nothing else takes its name, nor that of a folder.
    for (file, taken) in [
        ("data/server", true),
        ("data/server/x", true),
        ("data/servers", false),
    ] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        request.assets = Assets {
            include: vec!["**".to_owned()],
            base_dir: Some("data".into()),
            ..Assets::default()
        };
        assert_eq!(packed(&request).is_err(), taken, "{file}");
        fs::remove_dir_all(folder.path().join("data")).unwrap();
    }
}

#[test]
fn a_zip_of_another_kind_is_refused() {
    let (folder, mut request) = ready(&program(183, None));
    let artifact = build(&request, &mut drop).unwrap();
    let whole = fs::read(&artifact.zip).unwrap();
    let zip = folder.path().join("damaged.zip");
    for (bytes, problem) in [
        (&b"no zip at all"[..], "read "),
        (&whole[..whole.len() / 2], "read "),
    ] {
        fs::write(&zip, bytes).unwrap();
        let error = read_artifact(&zip).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
    request.assets.include = vec!["src".to_owned()];
    let assets = crate::assets::collect(&request.root, &request.assets).unwrap();
    crate::archive::write(assets.entries, &zip).unwrap();
    let error = read_artifact(&zip).unwrap_err();
    assert!(matches!(error, BuildError::NoBootstrap { .. }), "{error}");
}
