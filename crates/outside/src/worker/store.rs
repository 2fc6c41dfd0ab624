//! Work on certificate stores: inventories, entries put in and taken out, one job after the other.

use certhold_domain::custody::{SealedRow, SecretKind};
use certhold_domain::inventory::Candidate;
use certhold_domain::jobs::{self, Lease};
use certhold_domain::stores::work::{self, FoundEntry, Material, OpenStore, Task, What, Written};
use certhold_domain::{Error, limits};
use certhold_pki::{Facts, PrivateKey};
use zeroize::Zeroizing;

use super::Context;
use crate::stores::{Contents, LocalStore, NewEntry, StoreError, chain_to_install};

/// Wants the inventories whose time has come.
pub(super) async fn plan(context: &Context) {
    loop {
        match context.write(work::enqueue_due).await {
            Ok(enqueued) if enqueued < usize::try_from(limits::STORES_DUE).unwrap_or(usize::MAX) => return,
            Ok(_) => {}
            Err(error) => return tracing::error!(%error, "planning inventories failed; it is tried again"),
        }
    }
}

/// Works on a store until nothing is due; when the worker stops, the rest is put back.
pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    loop {
        if *context.stopping.borrow() {
            return context.write(move |tx, _, now| jobs::put_off(tx, &lease, now, None)).await;
        }
        let Some(task) = context.write(move |tx, actor, now| work::begin(tx, actor, &lease, now)).await? else { return Ok(()) };
        let job = task.job;
        if let Err(sentence) = perform(context, &lease, task).await? {
            tracing::warn!(store = lease.object, cause = %sentence, "work on a certificate store failed");
            context.write(move |tx, actor, now| work::failed(tx, actor, &lease, job, &sentence, now)).await?;
        }
    }
}

/// Does one job and records it; the inner error is a sentence for people.
async fn perform(context: &Context, lease: &Lease, task: Task) -> Result<Result<(), String>, Error> {
    let (lease, job) = (*lease, task.job);
    match task.what {
        What::Inventory => inventory(context, lease, task).await,
        What::Add { alias, overwrite, material } => match put(context, task.open, alias, overwrite, *material).await {
            Ok(written) => {
                context.write(move |tx, actor, now| work::added(tx, actor, &lease, job, &written, now)).await?;
                Ok(Ok(()))
            }
            Err(sentence) => Ok(Err(sentence)),
        },
        What::Remove { alias } => {
            let removed = with_store(context, task.open, move |store| store.remove(&alias)).await;
            match removed {
                Ok(before) => {
                    let before = Facts::of(&before).ok().map(|facts| facts.sha256);
                    context.write(move |tx, actor, now| work::removed(tx, actor, &lease, job, before, now)).await?;
                    Ok(Ok(()))
                }
                Err(sentence) => Ok(Err(sentence)),
            }
        }
    }
}

/// Opens the store with its password, and works with it where waiting is allowed.
async fn with_store<T: Send + 'static>(
    context: &Context,
    open: OpenStore,
    work: impl FnOnce(&LocalStore<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, String> {
    let password = open.password.as_ref().map(|row| password(context, row)).transpose()?;
    let roots = context.settings.store_roots.clone();
    let working = tokio::task::spawn_blocking(move || {
        let store = LocalStore {
            kind: open.store.kind,
            path: open.store.path.into(),
            properties: &open.store.properties,
            password: password.as_ref().map(|password| password.as_str()),
            create_if_missing: open.store.create_if_missing,
            roots: &roots,
        };
        work(&store).map_err(|error| error.to_string())
    });
    working.await.map_err(|_| "the work was interrupted inside this process".to_owned())?
}

fn password(context: &Context, row: &SealedRow) -> Result<Zeroizing<String>, String> {
    let bytes = context.core.custody.open(row, SecretKind::StorePassword).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "the password of the store is not text".to_owned())?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Puts an entry into a store; what was written, or a sentence for people.
pub(super) async fn put(
    context: &Context,
    open: OpenStore,
    alias: String,
    overwrite: bool,
    material: Material,
) -> Result<Written, String> {
    let key = match &material.key {
        Some(row) => {
            let pkcs8 = context.core.custody.open(row, SecretKind::PrivateKey).map_err(|error| error.to_string())?;
            let key = PrivateKey::of(&pkcs8).map_err(|error| format!("the private key in custody is unusable: {error}"))?;
            if !key.matches(&material.der).unwrap_or(false) {
                return Err("the private key in custody is not the key of this certificate: nothing was written".into());
            }
            Some(key)
        }
        None => None,
    };
    let done = with_store(context, open, move |store| {
        let chain = chain_to_install(&material.der, &material.above);
        store.put(&NewEntry { alias: &alias, certificate: &material.der, chain, key: key.as_ref() }, overwrite)
    });
    let done = done.await?;
    let digest = |der: &Vec<u8>| Facts::of(der).ok().map(|facts| facts.sha256);
    let report = match (done.changed, &done.replaced) {
        (false, _) => "it was in place already",
        (true, None) => "the entry is new",
        (true, Some(_)) => "the entry is replaced",
    };
    Ok(Written {
        certificates: done.certificates.iter().filter_map(digest).collect(),
        has_key: done.has_key,
        replaced: done.replaced.as_ref().and_then(digest),
        report: report.into(),
    })
}

async fn inventory(context: &Context, lease: Lease, task: Task) -> Result<Result<(), String>, Error> {
    let job = task.job;
    let found = with_store(context, task.open, |store| store.inventory().map(described)).await;
    let (entries, problems) = match found {
        Ok((entries, _)) if entries.len() > limits::STORE_ENTRIES => {
            return Ok(Err(format!("it has {} entries; at most {} are kept", entries.len(), limits::STORE_ENTRIES)));
        }
        Ok(found) => found,
        Err(sentence) => return Ok(Err(sentence)),
    };
    let mut part: Vec<FoundEntry> = Vec::new();
    let mut certificates = 0;
    for entry in entries {
        if certificates + entry.certificates.len() > limits::IMPORT_CHUNK {
            record(context, lease, job, std::mem::take(&mut part)).await?;
            certificates = 0;
        }
        certificates += entry.certificates.len();
        part.push(entry);
    }
    record(context, lease, job, part).await?;
    context.write(move |tx, actor, now| work::inventoried(tx, actor, &lease, job, &problems, now)).await?;
    Ok(Ok(()))
}

/// Records a part of what was found, in the lane that delays nobody.
async fn record(context: &Context, lease: Lease, job: certhold_domain::StoreJobId, part: Vec<FoundEntry>) -> Result<(), Error> {
    if part.is_empty() {
        return Ok(());
    }
    let (actor, now) = (context.actor(), context.core.now());
    context.core.store.write_bulk(move |tx| work::found(tx, &actor, &lease, job, &part, now)).await
}

type Described = (Vec<FoundEntry>, Vec<certhold_domain::stores::Problem>);

/// The entries as they enter the inventory; one whose certificate cannot be held is a problem.
fn described(contents: Contents) -> Described {
    let mut problems = contents.problems;
    let mut entries = Vec::with_capacity(contents.entries.len());
    for entry in contents.entries {
        let candidates: Result<Vec<Candidate>, _> = entry.certificates.iter().map(|der| Candidate::of(der)).collect();
        let too_large = entry.certificates.iter().any(|der| der.len() > limits::CERTIFICATE_BYTES);
        let alias: String = entry.alias.chars().filter(|c| !c.is_control()).take(limits::ALIAS_CHARS).collect();
        match candidates {
            Ok(certificates) if !too_large && !certificates.is_empty() && !alias.is_empty() => {
                entries.push(FoundEntry { alias, certificates, has_key: entry.has_key });
            }
            Ok(_) => problems.push(problem(entry.alias, "it holds no certificate that can be kept")),
            Err(error) => problems.push(problem(entry.alias, &error.to_string())),
        }
    }
    (entries, problems)
}

fn problem(place: String, reason: &str) -> certhold_domain::stores::Problem {
    certhold_domain::stores::Problem { place, reason: reason.to_owned() }
}
