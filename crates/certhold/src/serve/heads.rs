//! Signing the end of the event log, so that cutting it off is noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use certhold_domain::custody::{self, Custody, SecretKind};
use certhold_domain::events::{self, Head, KeptHead};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{Actor, Core, Error, Face};
use certhold_faces::SignHead;
use certhold_outside::keys::{self, heads};
use certhold_pki::PrivateKey;
use tokio_util::sync::CancellationToken;

use crate::data_dir::write_whole;
use crate::failure::Failure;

/// The secret's name in custody.
pub const SECRET: &str = "head";

/// Signs with the key in custody.
#[derive(Clone)]
pub struct HeadSigner {
    core: Core,
    key: Arc<PrivateKey>,
    public_key: [u8; heads::PUBLIC_KEY_LENGTH],
    kept: PathBuf,
}

/// Where the last head is kept: beside the database, not in it, so that whoever rewrites the database does not rewrite this.
pub fn file(dir: &Path) -> PathBuf {
    dir.join("head")
}

impl HeadSigner {
    /// Takes the key out of custody; at first start makes it.
    ///
    /// # Errors
    /// When the key in custody cannot be opened.
    pub async fn open(core: Core, dir: &Path) -> Result<HeadSigner, Failure> {
        let sealed = match core.store.read(|tx| custody::named(tx, SECRET)).await? {
            Some(sealed) => sealed,
            None => {
                let key = keys::generate(KeyKind::Ed25519).map_err(|error| Failure::new(error.to_string()))?;
                let new = core.custody.seal(core.entropy.as_ref(), SecretKind::HeadKey, key.pkcs8_der())?;
                let now = core.now();
                core.store.write(move |tx| custody::put_named(tx, SECRET, &new, now)).await?
            }
        };
        HeadSigner::of(core, dir, &sealed)
    }

    /// For commands on a data directory: the key in custody, if a server has made one. Blocks.
    ///
    /// # Errors
    /// When the key in custody cannot be opened.
    pub fn existing(core: &Core, dir: &Path) -> Result<Option<HeadSigner>, Failure> {
        let sealed = core.store.read_blocking(|tx| custody::named(tx, SECRET))?;
        sealed.map(|sealed| HeadSigner::of(core.clone(), dir, &sealed)).transpose()
    }

    fn of(core: Core, dir: &Path, sealed: &custody::SealedRow) -> Result<HeadSigner, Failure> {
        let key = open(&core.custody, sealed)?;
        let public_key = heads::public_key(&key).map_err(|error| Failure::new(error.to_string()))?;
        Ok(HeadSigner { core, key: Arc::new(key), public_key, kept: file(dir) })
    }

    /// What the faces sign with when they are asked to.
    pub fn on_demand(self) -> SignHead {
        SignHead(Arc::new(move || {
            let signer = self.clone();
            Box::pin(async move { signer.try_sign().await.map(drop) })
        }))
    }

    /// Writes a checkpoint to a directory at intervals until `stop`: one file each, never overwritten.
    pub async fn keep_checkpoints(self, directory: PathBuf, interval: Duration, stop: CancellationToken) {
        loop {
            self.sign().await;
            if let Err(error) = self.keep_checkpoint(&directory).await {
                tracing::error!(%error, directory = %directory.display(), "a checkpoint could not be kept; the next one is tried");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
        }
    }

    async fn keep_checkpoint(&self, directory: &Path) -> Result<(), Failure> {
        let server = Actor::system(Face::Server, "certhold");
        let found = self.core.store.read(move |tx| events::checkpoint(tx, &server)).await?;
        let path = directory.join(format!("checkpoint-{:012}.json", found.head.seq));
        if path.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(directory).map_err(|error| Failure::io(directory.display(), &error))?;
        let text = format!("{:#}\n", found.to_json());
        write_whole(&path, text.as_bytes(), 0o644).map_err(|error| Failure::io(path.display(), &error))
    }

    /// What heads are verified with.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The file in which the last head is kept.
    pub fn kept(&self) -> &Path {
        &self.kept
    }

    /// Signs the end of the log if it has grown. A failure is logged: the next time may do better.
    pub async fn sign(&self) {
        match self.try_sign().await {
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the end of the event log could not be signed"),
        }
    }

    async fn try_sign(&self) -> Result<Option<i64>, Error> {
        let Some((seq, hash, installation)) = self.core.store.read(events::head_to_sign).await? else { return Ok(None) };
        let at = self.core.now();
        let message = events::head_message(&installation, seq, &hash, at);
        let signature = match heads::sign(&self.key, &message) {
            Ok(signature) => signature.to_vec(),
            Err(error) => {
                tracing::error!(%error, "the head key does not sign");
                return Ok(None);
            }
        };
        let head = Head { seq, hash, at, public_key: self.public_key.to_vec(), signature };
        self.core.store.write(move |tx| events::record_head(tx, &head)).await?;
        if let Err(error) = write_whole(&self.kept, KeptHead { seq, hash }.to_text().as_bytes(), 0o600) {
            tracing::error!(%error, file = %self.kept.display(), "the head could not be kept outside the database");
        }
        tracing::info!(seq, hash = certhold_domain::hex(&hash), "the end of the event log was signed");
        Ok(Some(seq))
    }

    /// Signs at intervals until `stop`.
    pub async fn sign_at_intervals(self, interval: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(interval) => self.sign().await,
            }
        }
    }
}

fn open(custody: &Custody, sealed: &custody::SealedRow) -> Result<PrivateKey, Failure> {
    let der = custody.open(sealed, SecretKind::HeadKey)?;
    PrivateKey::of(&der).map_err(|error| Failure::new(format!("the key that signs the event log is damaged: {error}")))
}

/// The public key of a head key in custody.
///
/// # Errors
/// When it cannot be opened.
pub fn public_key(custody: &Custody, sealed: &custody::SealedRow) -> Result<Vec<u8>, Failure> {
    let key = open(custody, sealed)?;
    let public = heads::public_key(&key).map_err(|error| Failure::new(error.to_string()))?;
    Ok(public.to_vec())
}
