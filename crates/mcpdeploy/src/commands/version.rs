//! `version`: of this program, and of the runtime in it.

use mcpdeploy_build::runtime::{self, Runtime};
use serde_json::json;

use crate::cli::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

pub(crate) fn run(global: &Global, screen: &Screen) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let runtimes = runtime::runtimes().map_err(mcpdeploy_build::BuildError::from)?;
    let mut text = format!("mcpdeploy {version}");
    if global.verbose > 0 {
        for runtime in &runtimes {
            text.push('\n');
            text.push_str(&line(runtime));
        }
        if runtimes.is_empty() {
            text.push_str("\n  built without mcpdeploy-runtime");
        }
    }
    let runtimes: Vec<_> = runtimes
        .iter()
        .map(|runtime| {
            json!({
                "architecture": runtime.architecture.as_str(),
                "sha256": runtime.sha256,
                "size": runtime.size,
                "from": runtime.from,
                "stale": runtime.stale,
            })
        })
        .collect();
    screen.result(
        "version",
        &text,
        json!({"version": version, "runtimes": runtimes}),
    );
    Ok(Exit::Done)
}

fn line(runtime: &Runtime) -> String {
    let from = runtime
        .from
        .as_ref()
        .map_or_else(String::new, |from| format!(", from {}", from.display()));
    let stale = if runtime.stale {
        ", made of another source than this mcpdeploy"
    } else {
        ""
    };
    format!(
        "  mcpdeploy-runtime for {}: sha256:{}, {} bytes{from}{stale}",
        runtime.architecture, runtime.sha256, runtime.size
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcpdeploy_build::Architecture;

    #[test]
    fn a_runtime_in_words() {
        let mut runtime = Runtime {
            architecture: Architecture::Arm64,
            sha256: "ab12".to_owned(),
            size: 1_017_064,
            from: None,
            stale: false,
        };
        let expected = "  mcpdeploy-runtime for arm64: sha256:ab12, 1017064 bytes";
        assert_eq!(line(&runtime), expected);
        runtime.from = Some("/r".into());
        assert_eq!(line(&runtime), format!("{expected}, from /r"));
        (runtime.from, runtime.stale) = (None, true);
        assert!(line(&runtime).ends_with(", made of another source than this mcpdeploy"));
    }
}
