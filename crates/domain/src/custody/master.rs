//! The master key.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_store::{Tx, params};
use zeroize::Zeroizing;

use super::Custody;
use crate::core::Entropy;
use crate::error::{Error, Fault, Result};

/// 256 bits that open everything else. Kept outside the database: a file of mode 0600, the environment, or what a command prints.
pub struct MasterKey {
    number: i64,
    bytes: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// The key with its number (the first is 1).
    pub fn new(number: i64, bytes: Zeroizing<[u8; 32]>) -> MasterKey {
        MasterKey { number, bytes }
    }

    /// A fresh key.
    pub fn generate(entropy: &dyn Entropy) -> MasterKey {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut());
        MasterKey { number: 1, bytes }
    }

    /// Reads what [`MasterKey::to_text`] wrote: 32 bytes in base64. The message never repeats the text.
    pub fn parse(text: &str) -> Result<MasterKey> {
        let fault = || Error::Fault(Fault::Custody("the master key is not 32 bytes in base64: restore the right one".into()));
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| fault())?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| fault())?;
        Ok(MasterKey { number: 1, bytes: Zeroizing::new(bytes) })
    }

    /// The text to keep.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes.as_ref()))
    }

    pub(super) fn number(&self) -> i64 {
        self.number
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// A value by which the key is recognised without telling it.
    fn check_value(&self) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes.as_ref());
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&key, b"certhold master key check 1").as_ref());
        out
    }
}

/// Binds the database to the master key at first start, and refuses a different one ever after.
pub fn adopt(tx: &mut Tx<'_>, custody: &Custody, now: i64) -> Result<()> {
    let master = custody.master();
    let known: Option<Vec<u8>> =
        tx.one("SELECT check_value FROM master_key WHERE number = $1", params![master.number], |row| row.get(0))?;
    let check = master.check_value();
    match known {
        Some(value) if aws_lc_rs::constant_time::verify_slices_are_equal(&value, &check).is_ok() => Ok(()),
        Some(_) => Err(Error::Fault(Fault::Custody(
            "this master key is not the one this database was sealed with: give the right master.key file or CERTHOLD_MASTER_KEY"
                .into(),
        ))),
        None => {
            tx.execute(
                "INSERT INTO master_key (number, check_value, created_at) VALUES ($1, $2, $3)",
                params![master.number, &check, now],
            )?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_a_bad_text_is_not_repeated() {
        let key = MasterKey::new(1, Zeroizing::new([7; 32]));
        assert_eq!(MasterKey::parse(&format!(" {}\n", *key.to_text())).unwrap().bytes, key.bytes);
        let Err(error) = MasterKey::parse("c2VjcmV0LWJ1dC1zaG9ydA==") else { panic!("short key accepted") };
        assert!(!error.to_string().contains("c2Vj"));
    }
}
