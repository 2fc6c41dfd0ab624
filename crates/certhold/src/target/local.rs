//! A data directory: the native API in this process.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use certhold_domain::access::roles;
use certhold_domain::{Actor, BulkEditId, Core, RoleId};
use certhold_faces::App;
use certhold_faces::in_process::{self, InProcess};
use certhold_outside::bulk;
use certhold_outside::keys::SoftwareKeys;
use certhold_store::Tx;

use super::{Body, Method};
use crate::config::{Configuration, Place, Settings};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::opening;
use crate::serve::heads::{self, HeadSigner};
use crate::serve::node;

/// Nobody waits behind a command; it may take its time.
const DAY: Duration = Duration::from_secs(86_400);

/// A data directory, under its lock.
pub struct Local {
    /// The database and what belongs to it.
    pub core: Core,
    /// Whoever runs this program.
    pub actor: Actor,
    /// This node's name.
    pub node: String,
    api: InProcess,
    _dir: DataDir,
}

impl Local {
    /// Opens a data directory for the command of this name.
    ///
    /// # Errors
    /// When there is none, or it is in use, or its database cannot be opened.
    pub fn open(place: &Place, command: &str) -> Result<Local, Failure> {
        let dir = DataDir::open(place.data(), command)?;
        let configuration = Configuration::load(place, Settings::default())?;
        let core = opening::existing(dir.path(), &configuration.database, configuration.master_key_command.as_deref())?;
        let signer = HeadSigner::existing(&core, dir.path())?;
        let settings = certhold_faces::Settings {
            head_key: signer.as_ref().map(|signer| signer.public_key().to_vec()),
            sign_head: signer.map(HeadSigner::on_demand),
            head_file: Some(heads::file(dir.path())),
            key_maker: Some(Arc::new(SoftwareKeys)),
            store_roots: configuration.store_roots.clone(),
            request_time: DAY,
            import_time: DAY,
            ..certhold_faces::Settings::default()
        };
        let actor = Actor::local(&user());
        let api = InProcess::new(App::new(core.clone(), settings, Arc::new(AtomicI64::new(0))), actor.clone());
        let node = node::name(dir.path(), &core)?;
        Ok(Local { core, actor, node, api, _dir: dir })
    }

    /// Asks the native API; the answer's body.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn fetch(&self, method: Method, path: &str, body: Option<Body>) -> Result<Vec<u8>, Failure> {
        let method = match method {
            Method::Get => in_process::Method::GET,
            Method::Post => in_process::Method::POST,
            Method::Put => in_process::Method::PUT,
            Method::Patch => in_process::Method::PATCH,
            Method::Delete => in_process::Method::DELETE,
        };
        let body = body.map(|(kind, bytes)| (kind, bytes.into()));
        let answer = self.api.ask(method, path, body).await;
        let answer = answer.map_err(|_| Failure::new("the command failed because of a defect in this program"))?;
        if answer.status.is_success() {
            return Ok(answer.body.to_vec());
        }
        Err(Failure::problem(serde_json::from_slice(&answer.body).unwrap_or_default()))
    }

    /// [`Local::fetch`] to read a long answer.
    ///
    /// # Errors
    /// As there, and what `visit` fails with.
    pub async fn follow(&self, path: &str, mut visit: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut failed = None;
        let followed = self
            .api
            .follow(path, |bytes| {
                failed = visit(bytes).err();
                failed.is_none()
            })
            .await;
        match (failed, followed) {
            (Some(failure), _) => Err(failure),
            (None, Ok(answer)) if answer.status.is_success() => Ok(()),
            (None, Ok(answer)) => Err(Failure::problem(serde_json::from_slice(&answer.body).unwrap_or_default())),
            (None, Err(_)) => Err(Failure::new("the answer was cut short")),
        }
    }

    /// Runs a read of the domain.
    ///
    /// # Errors
    /// What the domain refuses.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Actor) -> certhold_domain::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let actor = self.actor.clone();
        Ok(self.core.store.read(move |tx| work(tx, &actor)).await?)
    }

    /// Does an edit of many certificates here, or goes on with one that was interrupted.
    ///
    /// # Errors
    /// What the domain refuses.
    pub async fn edit(&self, id: BulkEditId) -> Result<(), Failure> {
        bulk::run(&self.core, id, &self.node).await?;
        Ok(())
    }

    /// The role of this number or name, as the API reads it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn role(&self, named: &str) -> Result<RoleId, Failure> {
        let named = named.to_owned();
        self.read(move |tx, actor| match named.parse() {
            Ok(id) => roles::get(tx, actor, RoleId(id)).map(|role| role.id),
            Err(_) => roles::by_name(tx, actor, &named),
        })
        .await
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.core.store.close();
    }
}

/// The name of the user this process runs as: from the user database, because variables can say anything.
pub fn user() -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(id) = std::fs::metadata("/proc/self").map(|process| process.uid()) else { return "local user".into() };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {id}"))
}
