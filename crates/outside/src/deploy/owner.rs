//! Users and groups by name: from the local files, else from what the host's name service switch knows (LDAP, SSSD).

use super::{DeployError, refuse};
use std::fs;
use std::process::{Command, Stdio};

/// The number of a user given by name or number.
pub(super) fn user(name: &str) -> Result<u32, DeployError> {
    id("passwd", name).ok_or_else(|| refuse(name, "there is no such user on this machine"))
}

/// The number of a group given by name or number.
pub(super) fn group(name: &str) -> Result<u32, DeployError> {
    id("group", name).ok_or_else(|| refuse(name, "there is no such group on this machine"))
}

fn id(database: &str, name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '@');
    if name.is_empty() || name.len() > 256 || name.starts_with('-') || !name.chars().all(plain) {
        return None;
    }
    let local = fs::read_to_string(format!("/etc/{database}")).ok();
    local.and_then(|text| find(&text, name)).or_else(|| {
        let known = Command::new("getent").args([database, name]).stdin(Stdio::null()).output().ok()?;
        find(&String::from_utf8(known.stdout).ok()?, name)
    })
}

/// The third field of the line whose first field is `name`: `name:password:number:…` in both databases.
fn find(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(user("root").unwrap(), 0);
        assert_eq!(group("root").unwrap(), 0);
        assert_eq!(user("4711").unwrap(), 4711);
        assert_eq!(find("a:x:1:2\nab:x:77:2\n", "ab"), Some(77));
        assert_eq!(find("ab:x\nab:x:y:z\n", "ab"), None);
    }

    #[test]
    fn what_does_not_exist_or_is_no_name_is_refused() {
        for bad in
            ["", "nobody-of-this-name", "-x", "a b", "root;id", "$(id)", "root\0", "root:x:0", "4294967296", "../passwd", "-1"]
        {
            assert!(user(bad).is_err() && group(bad).is_err(), "{bad:?}");
        }
    }
}
