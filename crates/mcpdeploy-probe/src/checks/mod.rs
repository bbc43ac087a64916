//! The checks, by what they are about. Each looks at one thing and tells what came of it.

mod calls;
mod discovery;
mod errors;
mod handshake;
mod lists;
pub(crate) mod login;
mod metadata;
pub(crate) mod methods;
pub(crate) mod opening;
pub(crate) mod transport;

use crate::catalog::Era;
use crate::run::Run;

/// The checks of an era that the server speaks.
pub(crate) fn era(run: &mut Run<'_>, era: Era) {
    let Some(spoken) = run.spoken(era) else {
        return;
    };
    match era {
        Era::Legacy => handshake::all(run, &spoken),
        Era::Modern => discovery::all(run, &spoken),
    }
    lists::all(run, &spoken);
    calls::all(run, &spoken);
    errors::all(run, &spoken);
    methods::all(run, &spoken);
}
