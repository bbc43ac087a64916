//! What the engine must not ask for itself: the time, the host, the process.

use mcpdeploy_engine::record::RunInfo;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Who runs this, for the lock and the journal.
pub(crate) fn run_info(command: &str) -> RunInfo {
    let now = OffsetDateTime::now_utc()
        .replace_nanosecond(0)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    RunInfo {
        run: uuid::Uuid::new_v4().simple().to_string()[..8].to_owned(),
        at: now.format(&Rfc3339).unwrap_or_default(),
        pid: std::process::id(),
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        command: command.to_owned(),
    }
}
