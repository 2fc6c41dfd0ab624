//! `certhold import`: files and directories into the inventory, streaming.
//!
//! One thread walks and cuts ([`feed`]), all cores parse ([`parse`]), and this task puts the results back in the input's order
//! and sends them on in chunks, several under way at a time. Nothing is held that a million files would make large.

mod destination;
mod feed;
mod parse;
mod pieces;
mod report;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certhold_domain::inventory::Outcome;
use certhold_domain::limits;
use certhold_pki::PrivateKey;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::destination::{Destination, Sent};
use self::feed::{Counts, Feed};
use self::parse::{Parsed, Reading, Ready, Refused, Task};
use self::report::Report;
use crate::command::metadata::pair;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::secrets;
use crate::target::Target;

/// Import certificates and private keys from files and directories
#[derive(clap::Args)]
pub struct Import {
    /// Files and directories; their content decides what they are. `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Role that owns the new certificates
    #[arg(long, value_name = "ROLE")]
    owner: Option<String>,
    /// File with the password of PKCS#12 files and encrypted keys
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Where they come from, for people
    #[arg(long, value_name = "TEXT", default_value = "certhold import")]
    source: String,
    /// What is noted about new certificates; may be given several times
    #[arg(long = "metadata", value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Leave private keys where they are
    #[arg(long)]
    no_keys: bool,
}

/// Tasks that may be under way: what a slow one can hold up in memory.
const UNDER_WAY: usize = 32;
/// Chunks on their way to the database.
const CHUNKS: usize = 16;
/// Private keys whose certificates are still awaited.
const KEYS_MAX: usize = 100_000;

impl Import {
    /// Imports and reports.
    ///
    /// # Errors
    /// When the import could not be carried through, or when something was refused.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let password = self.password_file.as_deref().map(secrets::from_file).transpose()?;
        let destination = Destination::new(target, self.owner.as_deref(), &self.source, &self.metadata).await?;
        let reading = Reading { password, describe: destination.wants_candidates(), keys: !self.no_keys };
        let bar = progress(output);
        let mut import = Running { destination, report: Report::default(), keys: Vec::new(), sending: JoinSet::new(), bar };
        let done = import.all(self.paths, reading).await;
        import.bar.finish_and_clear();
        let report = import.report;
        match output {
            Output::Table | Output::Csv => output::print(&report.text())?,
            Output::Json => output::print(&output::json(&report))?,
        }
        done?;
        match report.refused {
            0 => Ok(()),
            1 => Err(Failure::new("one part of the input was refused")),
            many => Err(Failure::new(format!("{many} parts of the input were refused"))),
        }
    }
}

fn progress(output: Output) -> ProgressBar {
    if output == Output::Json {
        return ProgressBar::hidden();
    }
    // Hidden by itself when standard error is no terminal.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} certificates, {msg}, {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

struct Running {
    destination: Destination,
    report: Report,
    keys: Vec<(Arc<str>, PrivateKey)>,
    sending: JoinSet<Result<Vec<Sent>, Failure>>,
    bar: ProgressBar,
}

impl Running {
    async fn all(&mut self, paths: Vec<PathBuf>, reading: Reading) -> Result<(), Failure> {
        let counts = Arc::new(Counts::default());
        let (mut parsed, under_way) = start(paths, reading, counts.clone());
        let mut early = BTreeMap::new();
        let mut next = 0;
        let mut chunk: Vec<Ready> = Vec::with_capacity(limits::IMPORT_CHUNK);
        let mut bytes = 0;
        while let Some(one) = parsed.recv().await {
            early.insert(one.number, one);
            while let Some(one) = early.remove(&next) {
                next += 1;
                bytes += one.bytes;
                let _ = under_way.try_recv();
                self.take(one, &mut chunk).await?;
            }
            self.bar.set_message(format!("{} MB read", bytes / 1_000_000));
        }
        self.send(chunk).await?;
        while let Some(sent) = self.sending.join_next().await {
            self.record(sent)?;
        }
        self.send_keys().await?;
        self.report.passed_over += counts.passed_over.load(Relaxed);
        self.report.links_not_followed = counts.links.load(Relaxed);
        Ok(())
    }

    /// Takes what one task gave, and sends full chunks on.
    async fn take(&mut self, parsed: Parsed, chunk: &mut Vec<Ready>) -> Result<(), Failure> {
        self.report.passed_over += u64::from(parsed.passed_over);
        for refused in parsed.refused {
            self.report.refuse(refused);
        }
        for (path, key) in parsed.keys {
            if self.keys.len() < KEYS_MAX {
                self.keys.push((path, key));
            } else {
                let reason = format!("more than {KEYS_MAX} private keys at once: import this one again by itself");
                self.report.refuse(Refused { path: path.to_string(), place: String::new(), reason });
            }
        }
        for ready in parsed.certificates {
            chunk.push(ready);
            if chunk.len() == limits::IMPORT_CHUNK {
                self.send(std::mem::replace(chunk, Vec::with_capacity(limits::IMPORT_CHUNK))).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, chunk: Vec<Ready>) -> Result<(), Failure> {
        if chunk.is_empty() {
            return Ok(());
        }
        while self.sending.len() >= CHUNKS {
            if let Some(sent) = self.sending.join_next().await {
                self.record(sent)?;
            }
        }
        let destination = self.destination.clone();
        self.sending.spawn(async move { destination.certificates(chunk).await });
        // The database answers chunks together: take all answers that are there.
        while let Some(sent) = self.sending.try_join_next() {
            self.record(sent)?;
        }
        Ok(())
    }

    fn record(&mut self, sent: Result<Result<Vec<Sent>, Failure>, tokio::task::JoinError>) -> Result<(), Failure> {
        let sent =
            sent.map_err(|error| Failure::new(format!("an import stopped because of a defect in this program: {error}")))??;
        for Sent { path, place, note, outcome } in sent {
            match outcome {
                Ok(outcome) => self.report.certificate(&outcome, &path, place, note),
                Err(reason) => self.report.refuse(Refused { path: path.to_string(), place, reason }),
            }
        }
        self.bar.set_position(self.report.certificates());
        Ok(())
    }

    /// Keys go last: their certificates may stand anywhere in the input, or be in the inventory already.
    async fn send_keys(&mut self) -> Result<(), Failure> {
        let mut keys = std::mem::take(&mut self.keys).into_iter();
        loop {
            let some: Vec<_> = keys.by_ref().take(limits::IMPORT_CHUNK).collect();
            if some.is_empty() {
                return Ok(());
            }
            let (paths, some): (Vec<Arc<str>>, Vec<PrivateKey>) = some.into_iter().unzip();
            let outcomes = self.destination.keys(some).await?;
            for (path, outcome) in paths.iter().zip(outcomes) {
                self.report.key(outcome, path);
            }
        }
    }
}

/// Starts the walker's and the parsers' threads. They end when the input does, or when nobody listens any more.
fn start(paths: Vec<PathBuf>, reading: Reading, counts: Arc<Counts>) -> (mpsc::Receiver<Parsed>, Receiver<()>) {
    let (under_way, done) = sync_channel(UNDER_WAY);
    let (tasks, waiting) = sync_channel::<Task>(UNDER_WAY);
    let (parsed, results) = mpsc::channel(UNDER_WAY);
    std::thread::spawn(move || Feed { tasks, under_way, counts, number: 0 }.run(&paths));
    let (reading, waiting) = (Arc::new(reading), Arc::new(Mutex::new(waiting)));
    for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
        let (reading, waiting, parsed) = (reading.clone(), waiting.clone(), parsed.clone());
        std::thread::spawn(move || {
            loop {
                let task = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(task) = task else { return };
                if parsed.blocking_send(reading.parse(task)).is_err() {
                    return;
                }
            }
        });
    }
    (results, done)
}

/// What a destination says of a certificate: its outcome, or why it was refused.
type Answer = Result<Outcome, String>;
