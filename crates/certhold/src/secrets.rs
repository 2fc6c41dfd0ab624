//! Secrets that people hand over: in a file, or typed without being shown.

use std::io::{IsTerminal, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// More than any password has.
const BYTES_MAX: u64 = 64 * 1024;

/// The content of a file without the line end at its end.
///
/// # Errors
/// When it cannot be read, or is no short text.
pub fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(4_096));
    let read = std::fs::File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| Failure::io(path.display(), &error))?;
    if text.len() as u64 > BYTES_MAX {
        return Err(Failure::new(format!("{}: this is too long for a password", path.display())));
    }
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}

/// A new password: from a file, or typed twice at the terminal.
///
/// # Errors
/// When there is no terminal and no file, or the two do not agree.
pub fn new_password(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = file {
        return from_file(path);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("give the password in a file: --password-file FILE"));
    }
    let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| Failure::io("terminal", &error));
    let first = ask("New password: ")?;
    let second = ask("Again: ")?;
    if *first == *second { Ok(first) } else { Err(Failure::new("the two passwords are not the same")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_end_at_the_end_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        for (content, password) in [(" two words \n", " two words "), ("x\r\n\n", "x"), ("a\nb", "a\nb"), ("", "")] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(*from_file(&path).unwrap(), password);
        }
        std::fs::write(&path, "x".repeat(100_000)).unwrap();
        assert!(from_file(&path).unwrap_err().to_string().contains("too long"));
        assert!(from_file(&dir.path().join("none")).is_err());
    }
}
