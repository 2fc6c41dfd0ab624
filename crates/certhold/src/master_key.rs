//! Where the master key comes from: `CERTHOLD_MASTER_KEY`, a command's output, or the file `DIR/master.key`.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use certhold_domain::custody::{KeyKeeper, MasterKey};
use certhold_domain::{Entropy, Error, Fault, Refusal};
use zeroize::Zeroizing;

use crate::data_dir::write_whole;
use crate::failure::Failure;

/// The file inside the data directory.
pub const FILE: &str = "master.key";
/// The variable that goes over everything.
pub const VARIABLE: &str = "CERTHOLD_MASTER_KEY";

/// A key is a line of some 50 characters; more than this are no keys. Nothing is read in part: what is written back would be less.
const BYTES_MAX: u64 = 16_384;

/// What to do when there is no key anywhere.
#[derive(Clone, Copy)]
pub enum Absent<'a> {
    /// First start: make one and keep it in the file.
    Make(&'a dyn Entropy),
    /// Anything else: refuse.
    Refuse,
}

/// Finds the master key. Says also whether it was made just now.
///
/// # Errors
/// When there is none, or it is unreadable, malformed or open to others. Messages never repeat its text.
pub fn find(data: &Path, command: Option<&str>, absent: Absent<'_>) -> Result<(Vec<MasterKey>, bool), Failure> {
    if let Some(text) = std::env::var_os(VARIABLE) {
        let text = Zeroizing::new(text.into_string().unwrap_or_default());
        return parse(&text, VARIABLE);
    }
    if let Some(command) = command {
        return parse(&output(command)?, "the output of master_key_command");
    }
    let path = data.join(FILE);
    match std::fs::File::open(&path) {
        Ok(file) => parse(&read_private(file, &path)?, &path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match absent {
            Absent::Make(entropy) => {
                let key = MasterKey::generate(entropy);
                let text = Zeroizing::new(format!("{}\n", key.to_text().as_str()));
                write_whole(&path, text.as_bytes(), 0o600).map_err(|error| Failure::io(path.display(), &error))?;
                Ok((vec![key], true))
            }
            Absent::Refuse => Err(missing(data)),
        },
        Err(error) => Err(Failure::io(path.display(), &error)),
    }
}

/// The sentence for a data directory without its key.
pub fn missing(data: &Path) -> Failure {
    Failure::new(format!(
        "the master key {} is missing: put it back, or give it in {VARIABLE} or through master_key_command",
        data.join(FILE).display()
    ))
}

fn parse(text: &str, from: &str) -> Result<(Vec<MasterKey>, bool), Failure> {
    let keys = MasterKey::parse_ring(text)
        .map_err(|_| Failure::new(format!("{from} does not hold a master key: 32 bytes in base64, as in {FILE}")))?;
    Ok((keys, false))
}

/// Keeps master keys where they come from. Only a file can be written to: to variables and commands the administrator adds the
/// next key.
pub struct Keeper {
    data: PathBuf,
    command: Option<String>,
}

impl Keeper {
    /// The keeper of a data directory's keys.
    pub fn new(data: &Path, command: Option<&str>) -> Keeper {
        Keeper { data: data.to_owned(), command: command.map(str::to_owned) }
    }

    fn source(&self) -> Option<&'static str> {
        if std::env::var_os(VARIABLE).is_some() {
            return Some(VARIABLE);
        }
        self.command.as_ref().map(|_| "master_key_command")
    }

    fn rewrite(&self, keys: &[MasterKey]) -> Result<(), Error> {
        let path = self.data.join(FILE);
        let text = MasterKey::ring_to_text(keys);
        write_whole(&path, text.as_bytes(), 0o600).map_err(|error| fault(format!("{}: {error}", path.display())))
    }
}

impl KeyKeeper for Keeper {
    fn read(&self) -> Result<Vec<MasterKey>, Error> {
        let found = find(&self.data, self.command.as_deref(), Absent::Refuse);
        found.map(|(keys, _)| keys).map_err(|failure| fault(failure.sentence().to_owned()))
    }

    fn keep(&self, key: &MasterKey) -> Result<(), Error> {
        if let Some(source) = self.source() {
            let number = key.number();
            return Err(Refusal::Conflict(format!(
                "the master key comes from {source}, which this server cannot write to: make 32 random bytes in base64 (openssl rand \
                 -base64 32), add them there as a line `{number} BASE64`, and ask again"
            ))
            .into());
        }
        let mut keys = self.read()?;
        keys.retain(|kept| kept.number() != key.number());
        keys.push(key.clone());
        self.rewrite(&keys)
    }

    fn forget(&self, number: i64) -> Result<(), Error> {
        if let Some(source) = self.source() {
            tracing::warn!(number, "a master key was forgotten: remove it from {source}");
            return Ok(());
        }
        let mut keys = self.read()?;
        let before = keys.len();
        keys.retain(|key| key.number() != number);
        match keys.len() {
            0 => Err(fault(format!("{} would hold no key any more without master key {number}", self.data.join(FILE).display()))),
            left if left == before => Ok(()),
            _ => self.rewrite(&keys),
        }
    }
}

fn fault(sentence: String) -> Error {
    Error::Fault(Fault::Custody(sentence))
}

fn read_private(file: std::fs::File, path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mode = file.metadata().map_err(|error| Failure::io(path.display(), &error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(Failure::new(format!(
            "{path} is open to other users (mode {mode:04o}): chmod 600 {path}, and consider it known to them"
        )));
    }
    read(file).map_err(|error| Failure::io(path.display(), &error))
}

fn read(from: impl Read) -> std::io::Result<Zeroizing<String>> {
    // Room from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(BYTES_MAX as usize + 64));
    from.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > BYTES_MAX {
        true => Err(std::io::Error::other(format!("it has more than {BYTES_MAX} bytes, too many for master keys"))),
        false => Ok(text),
    }
}

/// What the command prints. It is the administrator's own text, so a shell reads it.
fn output(command: &str) -> Result<Zeroizing<String>, Failure> {
    let failed = |why: String| Failure::new(format!("master_key_command {why}"));
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("could not be started: {error}")))?;
    let text = child.stdout.take().map(read).transpose().map_err(|error| failed(format!("gave no text: {error}")))?;
    let status = child.wait().map_err(|error| failed(format!("could not be waited for: {error}")))?;
    if !status.success() {
        return Err(failed(format!("failed: {status}")));
    }
    Ok(text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn refusal(data: &Path, command: Option<&str>) -> String {
        find(data, command, Absent::Refuse).err().expect("a refusal").to_string()
    }

    #[test]
    fn the_first_start_makes_a_private_file_and_later_ones_read_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(refusal(dir.path(), None).contains("is missing"));
        let (made, new) = find(dir.path(), None, Absent::Make(&Sevens)).unwrap();
        assert!(new);
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let (again, new) = find(dir.path(), None, Absent::Make(&Sevens)).unwrap();
        assert!(!new);
        assert_eq!(*made[0].to_text(), *again[0].to_text());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        find(dir.path(), None, Absent::Make(&Sevens)).unwrap();
        let path = dir.path().join(FILE);
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(refusal(dir.path(), None).contains("chmod 600"), "{mode:o}");
        }
    }

    #[test]
    fn a_damaged_key_is_refused_without_repeating_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for text in ["", "SECRETSECRET", "U0VDUkVU"] {
            write_whole(&path, text.as_bytes(), 0o600).unwrap();
            let why = refusal(dir.path(), None);
            assert!(why.contains("does not hold a master key") && (text.is_empty() || !why.contains(text)), "{why}");
        }
    }

    #[test]
    fn a_command_may_print_it() {
        let dir = tempfile::tempdir().unwrap();
        let (made, _) = find(dir.path(), None, Absent::Make(&Sevens)).unwrap();
        let command = format!("cat '{}'", dir.path().join(FILE).display());
        let (read, new) = find(Path::new("/nowhere"), Some(&command), Absent::Refuse).unwrap();
        assert_eq!((made[0].to_text().as_str(), new), (read[0].to_text().as_str(), false));
        assert!(refusal(dir.path(), Some("exit 3")).contains("failed"));
        assert!(refusal(dir.path(), Some("true")).contains("does not hold a master key"));
    }

    #[test]
    fn a_key_is_kept_beside_the_others_and_forgotten_again() {
        let dir = tempfile::tempdir().unwrap();
        let (made, _) = find(dir.path(), None, Absent::Make(&Sevens)).unwrap();
        let keeper = Keeper::new(dir.path(), None);
        let next = MasterKey::new(2, Zeroizing::new([9; 32]));
        keeper.keep(&next).unwrap();
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let texts = |keys: &[MasterKey]| keys.iter().map(|key| (key.number(), key.to_text().to_string())).collect::<Vec<_>>();
        assert_eq!(texts(&keeper.read().unwrap()), texts(&[made[0].clone(), next.clone()]));
        keeper.forget(1).unwrap();
        assert_eq!(texts(&keeper.read().unwrap()), texts(std::slice::from_ref(&next)));
        let command = Keeper::new(Path::new("/nowhere"), Some(&format!("cat '{}'", path.display())));
        assert_eq!(texts(&command.read().unwrap()), texts(&[next]));
        let refusal = command.keep(&MasterKey::new(3, Zeroizing::new([1; 32]))).unwrap_err().to_string();
        assert!(refusal.contains("add them there as a line `3 BASE64`"), "{refusal}");
    }

    #[test]
    fn a_key_takes_the_place_of_one_of_its_number_and_the_last_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        find(dir.path(), None, Absent::Make(&Sevens)).unwrap();
        let keeper = Keeper::new(dir.path(), None);
        for byte in [8, 9] {
            keeper.keep(&MasterKey::new(2, Zeroizing::new([byte; 32]))).unwrap();
        }
        let kept = keeper.read().unwrap();
        assert_eq!(kept.iter().map(MasterKey::number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(kept[1].check_value(), MasterKey::new(2, Zeroizing::new([9; 32])).check_value());
        keeper.forget(7).unwrap();
        keeper.forget(1).unwrap();
        assert!(keeper.forget(2).unwrap_err().to_string().contains("would hold no key any more"));
        assert_eq!(keeper.read().unwrap().len(), 1);
    }

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let (made, _) = find(dir.path(), None, Absent::Make(&Sevens)).unwrap();
        let text = |comments: usize| format!("{}\n{}", "# kept by hand".repeat(comments), *made[0].to_text());
        let path = dir.path().join(FILE);
        write_whole(&path, text(1_000).as_bytes(), 0o600).unwrap();
        assert!(find(dir.path(), None, Absent::Refuse).is_ok());
        write_whole(&path, text(2_000).as_bytes(), 0o600).unwrap();
        assert!(refusal(dir.path(), None).contains("too many for master keys"));
    }
}
