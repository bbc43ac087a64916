//! `plan`: what apply would change, and why.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use mcpdeploy_engine::plan::Plan as EnginePlan;
use mcpdeploy_engine::seal::{Head, Keyring, What};
use tempfile::NamedTempFile;

use crate::cli::{Global, Plan};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::Need;
use crate::screen::Screen;
use crate::secrets;
use crate::session::Session;

pub(crate) async fn run(global: &Global, args: &Plan, screen: &Screen) -> Result<Exit, Failure> {
    if args.html.is_some() {
        return Err(Failure::usage("--html is not there yet in this version")
            .hint("mcpdeploy plan --json, or --out FILE and mcpdeploy show FILE"));
    }
    let session = Session::open(global, Need::Look, screen).await?;
    let plan = session
        .plan(global, &args.select, &mut screen.reading())
        .await?;
    if let Some(path) = &args.out {
        save(&plan, path, session.store.keyring())?;
    }
    let next = match &args.out {
        Some(path) => format!("mcpdeploy apply {}", path.display()),
        None => "mcpdeploy apply        (saved with --out FILE: apply exactly this)".to_owned(),
    };
    if args.select.refresh && !args.select.refresh_only && !args.select.destroy {
        secrets::missing(&session).await?.warn(screen);
    }
    screen.plan(&plan, &session, "plan", (!plan.is_noop()).then_some(next));
    Ok(if args.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// Saves a plan whole or not at all, and for nobody else to read: it names everything that is there.
fn save(plan: &EnginePlan, path: &Path, keyring: &Keyring) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("failed to save the plan in {}", path.display())).cause(error)
    };
    let bytes = serde_json::to_vec_pretty(plan).map_err(|e| failed(&e))?;
    let head = Head {
        lineage: plan.lineage.clone(),
        serial: plan.serial,
    };
    let bytes = keyring.seal(What::Plan, &head, &bytes);
    let bytes = bytes.map_err(|e| failed(&e))?;
    match fs::metadata(path) {
        // A pipe or a terminal cannot be replaced.
        Ok(there) if !there.is_file() => OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(&bytes))
            .map_err(|e| failed(&e)),
        // What a link leads to is replaced, not the link.
        Ok(_) => {
            let whole = fs::canonicalize(path).map_err(|e| failed(&e))?;
            replace(&whole, &bytes).map_err(|e| failed(&e))
        }
        Err(_) => replace(path, &bytes).map_err(|e| failed(&e)),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|parent| *parent != Path::new(""));
    // Readable for its owner only, and gone when it does not get to its place.
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Reads a saved plan.
pub(crate) fn read(path: &Path, keyring: &Keyring) -> Result<EnginePlan, Failure> {
    let bytes = fs::read(path).map_err(|error| {
        Failure::usage(format!("failed to read the plan {}", path.display())).cause(error)
    })?;
    let bytes = keyring.open(What::Plan, &bytes).map_err(|error| {
        let failure = Failure::usage(format!("failed to use the plan {}", path.display()));
        let failure = failure.cause(&error);
        error.hints().into_iter().fold(failure, Failure::hint)
    })?;
    EnginePlan::from_slice(&bytes).map_err(|error| {
        let failure = Failure::usage(format!("failed to use the plan {}", path.display()))
            .cause(&error)
            .next("mcpdeploy plan --out FILE");
        crate::failure::causes(&error)
            .into_iter()
            .fold(failure, |failure, cause| failure.cause(cause))
    })
}
