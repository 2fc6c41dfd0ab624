//! The master key.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_store::{Tx, params};
use zeroize::Zeroizing;

use super::{Custody, KeyMark, KeyState};
use crate::core::Entropy;
use crate::error::{Error, Fault, Refusal, Result};

/// 256 bits that open everything else. Kept outside the database: a file of mode 0600, the environment, or what a command prints.
#[derive(Clone)]
pub struct MasterKey {
    number: i64,
    bytes: Arc<Zeroizing<[u8; 32]>>,
}

/// Master keys that are kept at the same time: the current one, the next one, and old ones that something still needs. Asked for
/// before one is made; whatever is kept is read.
pub(super) const RING_MAX: usize = 64;

/// Refuses to make one more key than is kept at the same time.
pub(super) fn require_room(kept: usize) -> Result<()> {
    if kept < RING_MAX {
        return Ok(());
    }
    let sentence =
        format!("{kept} master keys are kept, as many as may be: forget old ones first (certhold rekey --forget NUMBER)");
    Err(Refusal::Conflict(sentence).into())
}

impl MasterKey {
    /// The key with its number (the first is 1).
    pub fn new(number: i64, bytes: Zeroizing<[u8; 32]>) -> MasterKey {
        MasterKey { number, bytes: Arc::new(bytes) }
    }

    /// A fresh key, the first.
    pub fn generate(entropy: &dyn Entropy) -> MasterKey {
        MasterKey::generate_numbered(1, entropy)
    }

    /// A fresh key with this number.
    pub fn generate_numbered(number: i64, entropy: &dyn Entropy) -> MasterKey {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut());
        MasterKey::new(number, bytes)
    }

    /// Reads what [`MasterKey::to_text`] wrote: 32 bytes in base64. The message never repeats the text.
    pub fn parse(text: &str) -> Result<MasterKey> {
        MasterKey::parse_numbered(1, text)
    }

    fn parse_numbered(number: i64, text: &str) -> Result<MasterKey> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| unreadable())?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| unreadable())?;
        Ok(MasterKey::new(number, Zeroizing::new(bytes)))
    }

    /// Reads several keys, one a line as `NUMBER BASE64`; a line without a number is key 1. Empty lines and lines that begin
    /// with `#` are passed over. The message never repeats the text.
    pub fn parse_ring(text: &str) -> Result<Vec<MasterKey>> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let key = match line.split_once(char::is_whitespace) {
                None => MasterKey::parse(line)?,
                Some((number, base64)) => {
                    let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(unreadable)?;
                    MasterKey::parse_numbered(number, base64)?
                }
            };
            if keys.iter().any(|present| present.number == key.number) {
                return Err(unreadable());
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(unreadable()) } else { Ok(keys) }
    }

    /// What [`MasterKey::parse_ring`] reads.
    pub fn ring_to_text(keys: &[MasterKey]) -> Zeroizing<String> {
        // Room from the start: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(keys.len() * 80));
        for key in keys {
            text.push_str(&key.number.to_string());
            text.push(' ');
            text.push_str(key.to_text().as_str());
            text.push('\n');
        }
        text
    }

    /// The text to keep.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes.as_ref().as_ref()))
    }

    /// Its number.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// By what the key is recognised.
    pub fn mark(&self) -> KeyMark {
        KeyMark { number: self.number, check_value: self.check_value() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref().as_ref()
    }

    /// A value by which the key is recognised without telling it.
    pub fn check_value(&self) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&key, b"certhold master key check 1").as_ref());
        out
    }
}

fn unreadable() -> Error {
    Error::Fault(Fault::Custody("the master key is not 32 bytes in base64: restore the right one".into()))
}

/// Binds the database to the master key at first start, and refuses a different one ever after. The key that the database
/// calls current is the one that this custody seals with from then on.
pub fn adopt(tx: &mut Tx<'_>, custody: &Custody, now: i64) -> Result<()> {
    let known = super::rekey::keys(tx)?;
    if known.is_empty() {
        let master = custody.sealing_key();
        tx.execute(
            "INSERT INTO master_key (number, check_value, created_at, state) VALUES ($1, $2, $3, 'current')",
            params![master.number, &master.check_value(), now],
        )?;
        return Ok(());
    }
    for row in &known {
        let held = custody.key(row.number);
        if held.as_ref().is_some_and(|held| same(&row.check_value, &held.check_value())) {
            continue;
        }
        // What nothing is sealed under may be missing, and another key may stand under its number: two nodes may have made one
        // each. Custody lets go of that.
        let current = row.state == KeyState::Current;
        if !current && (row.state != KeyState::Retired || !super::rekey::is_used(tx, row.number)?) {
            continue;
        }
        if held.is_some() {
            return Err(custody_fault(
                "this master key is not the one this database was sealed with: give the right master.key file or CERTHOLD_MASTER_KEY",
            ));
        }
        let why = if current { "this database seals with it" } else { "secrets are still sealed under it" };
        let number = row.number;
        return Err(custody_fault(&format!(
            "master key {number} is not at hand, and {why}: give the master.key file that holds it"
        )));
    }
    custody.use_known(&known);
    Ok(())
}

fn same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

fn custody_fault(sentence: &str) -> Error {
    Error::Fault(Fault::Custody(sentence.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_a_bad_text_is_not_repeated() {
        let key = MasterKey::new(1, Zeroizing::new([7; 32]));
        assert_eq!(MasterKey::parse(&format!(" {}\n", *key.to_text())).unwrap().bytes(), key.bytes());
        let Err(error) = MasterKey::parse("c2VjcmV0LWJ1dC1zaG9ydA==") else { panic!("short key accepted") };
        assert!(!error.to_string().contains("c2Vj"));
    }

    #[test]
    fn a_ring_survives_its_text_and_odd_rings_are_refused() {
        let keys = [MasterKey::new(1, Zeroizing::new([7; 32])), MasterKey::new(12, Zeroizing::new([9; 32]))];
        let text = MasterKey::ring_to_text(&keys);
        let read = MasterKey::parse_ring(&format!("# kept by hand\n\n{}", *text)).unwrap();
        let plain = |keys: &[MasterKey]| keys.iter().map(|key| (key.number, key.bytes().to_vec())).collect::<Vec<_>>();
        assert_eq!(plain(&read), plain(&keys));
        let bare = MasterKey::parse_ring(&format!("{}\n", *keys[1].to_text())).unwrap();
        assert_eq!((bare.len(), bare[0].number, bare[0].bytes()), (1, 1, keys[1].bytes()), "a line without number is key 1");
        let line = keys[0].to_text();
        for odd in [
            String::new(),
            "#".into(),
            format!("0 {}", *line),
            format!("x {}", *line),
            format!("1 {0}\n{0}", *line),
            format!("-1 {}", *line),
        ] {
            let Err(error) = MasterKey::parse_ring(&odd) else { panic!("accepted: {odd}") };
            assert!(!error.to_string().contains(line.as_str()), "{error}");
        }
        // More than are made any more, by an older version: they are read all the same.
        let many: Vec<MasterKey> = (1..=80).map(|number| MasterKey::new(number, Zeroizing::new([7; 32]))).collect();
        assert_eq!(MasterKey::parse_ring(&MasterKey::ring_to_text(&many)).unwrap().len(), 80);
    }
}
