//! This node among the others: its name in leases, the same after a restart, so that it takes back what it held; and the
//! announcement of the master keys that it holds.

use std::path::Path;
use std::time::Duration;

use certhold_domain::custody::rekey;
use certhold_domain::{Core, hex};
use certhold_outside::worker;
use tokio_util::sync::CancellationToken;

use crate::data_dir::write_whole;
use crate::failure::Failure;

const FILE: &str = "node";

/// Reads the name, or makes one at first start.
///
/// # Errors
/// When the file cannot be read or written.
pub fn name(dir: &Path, core: &Core) -> Result<String, Failure> {
    let path = dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if is_name(text.trim()) => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::io(path.display(), &error)),
    }
    let name = hex(&core.random::<16>());
    write_whole(&path, format!("{name}\n").as_bytes(), 0o600).map_err(|error| Failure::io(path.display(), &error))?;
    Ok(name)
}

/// Several chances before a silent node is no longer waited for.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(rekey::NODE_SILENT_MS as u64 / 5);

/// Announces this node until `stop`, and then that it has gone.
pub async fn announce(core: Core, node: String, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(ANNOUNCE_EVERY) => {}
        }
        if let Err(error) = worker::rekey::announce(&core, &node).await {
            tracing::error!(%error, "this node could not tell which master keys it holds; it tries again");
        }
    }
    if let Err(error) = core.store.write(move |tx| rekey::leave(tx, &node)).await {
        tracing::debug!(%error, "this node could not take its leave");
    }
}

fn is_name(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
