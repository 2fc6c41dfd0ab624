//! The name of this node in leases: the same after a restart, so that it takes back what it held.

use std::path::Path;

use certhold_domain::{Core, hex};

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

fn is_name(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
