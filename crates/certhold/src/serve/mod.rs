//! `certhold serve`: the server, from its first start to its orderly end.

mod administrator;
pub mod heads;
mod housekeeping;
mod identity_providers;
mod indexing;
mod local_tls;
pub mod node;
pub mod syslog;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use certhold_domain::Core;
use certhold_faces::listener::{self, Bounds, Listener};
use certhold_faces::{App, arcgis, presenting};
use certhold_outside::dns::Resolvers;
use certhold_outside::identity_providers::ProviderKeys;
use certhold_outside::keys::SoftwareKeys;
use certhold_outside::worker;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::heads::HeadSigner;
use self::local_tls::ServerTls;
use crate::config::{Configuration, Place, Settings};
use crate::data_dir::DataDir;
use crate::failure::{Failure, plain};
use crate::{logging, opening};

/// How long steps of jobs may still run when the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the server until it is told to stop.
///
/// # Errors
/// Every reason for which it cannot start, in a sentence.
pub fn run(place: &Place, settings: Settings) -> Result<(), Failure> {
    let configuration = Configuration::load(place, settings)?;
    logging::start(&configuration.log, configuration.log_format)?;
    let mut dir = DataDir::create(&configuration.data)?;
    if let Some(warning) = dir.warning() {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io("the server's threads could not be started", &error))?;
    let tls = match configuration.plain_http {
        true => None,
        false => Some(ServerTls::ensure(dir.path(), &configuration)?),
    };
    // Before the database, so that an address that is taken leaves nothing behind.
    let listener = runtime.block_on(listen(configuration.listen, tls.as_ref()))?;
    let core = opening::serve(&dir, &configuration.database, configuration.master_key_command.as_deref())?;
    let served = runtime.block_on(serve(&configuration, &mut dir, core.clone(), listener, tls));
    core.store.close();
    runtime.shutdown_timeout(Duration::from_secs(1));
    tracing::info!("stopped");
    served
}

async fn listen(address: SocketAddr, tls: Option<&ServerTls>) -> Result<Listener, Failure> {
    let bound = match tls {
        Some(tls) => Listener::tls(address, tls.assignment.clone(), Bounds::default()).await,
        None => Listener::plain(address, Bounds::default()).await,
    };
    bound.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::new(format!("{address} is in use by another program: stop that, or choose another address with --listen"))
        }
        std::io::ErrorKind::PermissionDenied => {
            Failure::new(format!("this user may not listen on {address}: choose a port above 1023 with --listen"))
        }
        _ => Failure::new(format!("{address} cannot be listened on: {}", plain(&error))),
    })
}

async fn serve(
    configuration: &Configuration,
    dir: &mut DataDir,
    core: Core,
    listener: Listener,
    tls: Option<ServerTls>,
) -> Result<(), Failure> {
    administrator::create_first(&core).await?;
    let signer = HeadSigner::open(core.clone(), dir.path()).await?;
    let node = node::name(dir.path(), &core)?;
    // What fails here is tried again at intervals: a forgotten key that its file keeps is no reason to serve nobody.
    if let Err(error) = worker::rekey::announce(&core, &node).await {
        tracing::warn!(%error, "the master keys of this node could not be brought up to date");
    }
    let worker_seen = Arc::new(AtomicI64::new(0));
    let keys = ProviderKeys::new(core.clock.clone());
    let settings = certhold_faces::Settings {
        provider_keys: Some(identity_providers::handle(keys.clone())),
        ..faces_settings(configuration, &signer, tls.as_ref())?
    };
    let app = App::new(core.clone(), settings, worker_seen.clone());
    let worker = worker::start(core.clone(), worker_settings(configuration, dir.path(), &core)?, worker_seen);

    let stop = CancellationToken::new();
    let signals = signals(stop.clone())?;
    let mut beside = tokio::task::JoinSet::new();
    beside.spawn(signer.clone().sign_at_intervals(configuration.head_interval, stop.clone()));
    beside.spawn(housekeeping::run(core.clone(), configuration.event_retention.clone(), stop.clone()));
    beside.spawn(node::announce(core.clone(), node.clone(), stop.clone()));
    if let Some(directory) = &configuration.checkpoint_dir {
        beside.spawn(signer.clone().keep_checkpoints(directory.clone(), configuration.checkpoint_interval, stop.clone()));
    }
    if let Some(target) = &configuration.syslog_target {
        beside.spawn(syslog::deliver(core.clone(), node.clone(), target.clone(), stop.clone()));
    }
    beside.spawn(indexing::run(core.clone(), stop.clone()));
    beside.spawn(keys.keep_fresh(core.clone(), stop.clone()));
    beside.spawn(arcgis::describe_all(app.clone()));
    if let Some(tls) = tls {
        beside.spawn(tls.keep_fresh(stop.clone()));
        // Before the first connection, if it can be; whoever watches tells why, if it cannot.
        let _ = presenting::show(&app).await;
        beside.spawn(presenting::watch(app.clone(), stop.clone()));
    }

    let address = listener.address().map_err(|error| Failure::io("the listener's address", &error))?;
    let scheme = if configuration.plain_http { "http" } else { "https" };
    dir.tell("server", &format!("{scheme}://{address}"))?;
    announce(&format!("listening on {scheme}://{address}\n"));
    tracing::info!(%address, database = %configuration.database, version = env!("CARGO_PKG_VERSION"), "ready");
    listener::serve(listener, certhold_faces::router(app), stop.cancelled_owned()).await;

    worker.stop(PATIENCE).await;
    while beside.join_next().await.is_some() {}
    signals.abort();
    signer.sign().await;
    Ok(())
}

/// The one line that says that the server is ready. Whoever started it may not listen any more; that is no reason to stop.
fn announce(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

fn faces_settings(
    configuration: &Configuration,
    signer: &HeadSigner,
    tls: Option<&ServerTls>,
) -> Result<certhold_faces::Settings, Failure> {
    let proxies = configuration.trusted_proxies.iter().map(|network| network.trim().parse());
    let trusted_proxies = proxies.collect::<Result<_, _>>().map_err(|error| Failure::new(format!("trusted_proxies: {error}")))?;
    Ok(certhold_faces::Settings {
        public_url: configuration.public_url.clone(),
        plain_http: configuration.plain_http,
        trusted_proxies,
        head_key: Some(signer.public_key().to_vec()),
        key_maker: Some(Arc::new(SoftwareKeys)),
        head_file: Some(signer.kept().to_owned()),
        sign_head: Some(signer.clone().on_demand()),
        retention: configuration.event_retention.clone(),
        checkpoints: configuration
            .checkpoint_dir
            .clone()
            .map(|directory| certhold_faces::Checkpoints { directory, interval: configuration.checkpoint_interval }),
        store_roots: configuration.store_roots.clone(),
        tls: tls.map(|tls| tls.assignment.clone()),
        arcgis_context: configuration.arcgis_context.clone(),
        ..certhold_faces::Settings::default()
    })
}

fn worker_settings(configuration: &Configuration, dir: &Path, core: &Core) -> Result<worker::Settings, Failure> {
    let resolvers =
        Resolvers::new(&configuration.dns_resolvers).map_err(|error| Failure::new(format!("dns_resolvers: {error}")))?;
    Ok(worker::Settings {
        holder: node::name(dir, core)?,
        concurrency: configuration.worker_concurrency,
        resolvers: resolvers.with_authoritative_port(configuration.dns_authoritative_port),
        store_roots: configuration.store_roots.clone(),
    })
}

/// Cancels `stop` at the first SIGTERM or SIGINT; a second one ends the process at once.
fn signals(stop: CancellationToken) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let catch = |kind| signal(kind).map_err(|error| Failure::io("signals cannot be caught", &error));
    let (mut terminate, mut interrupt) = (catch(SignalKind::terminate())?, catch(SignalKind::interrupt())?);
    Ok(tokio::spawn(async move {
        for first in [true, false] {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if !first {
                tracing::warn!(signal = name, "stopping at once");
                std::process::exit(1);
            }
            tracing::info!(signal = name, "stopping: requests and steps under way may end");
            stop.cancel();
        }
    }))
}
