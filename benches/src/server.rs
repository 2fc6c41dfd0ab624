//! The product itself, started as users start it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::load::Plan;

/// A server that was not ready by then will not be.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// PEM of the root of its TLS certificate, unless it speaks HTTP.
    pub root: Option<String>,
    /// From its start as a process until it said that it was ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts it on a data directory and waits until it is ready.
    pub fn start(program: &Path, data: &Path, database: Option<&str>, plain_http: bool) -> Result<Server> {
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        command.args(database.iter().flat_map(|url| ["--database", url]));
        if plain_http {
            command.arg("--plain-http");
        }
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CERTHOLD_")) {
            command.env_remove(name);
        }
        let log = std::fs::File::create(data.join("benchmark.log"))?;
        command
            .env("CERTHOLD_ADMIN_PASSWORD", "an Otter juggles 7 pebbles")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
        let output = child.stdout.take().context("the server's output")?;
        let (said, heard) = sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on ") {
                    let _ = said.send((address.to_owned(), Instant::now()));
                }
            }
        });
        let mut server = Server { child, address: String::new(), root: None, ready_after: Duration::ZERO };
        let heard = heard.recv_timeout(READY_WITHIN);
        let (url, at) =
            heard.map_err(|_| anyhow!("the server did not become ready: see {}", data.join("benchmark.log").display()))?;
        server.ready_after = at.duration_since(started);
        server.address = url.split_once("://").map_or(url.as_str(), |(_, address)| address).to_owned();
        if !plain_http {
            server.root = Some(std::fs::read_to_string(data.join("tls/root.pem"))?);
        }
        Ok(server)
    }

    /// Its resident memory now, in bytes.
    pub fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the system does not tell resident memory")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }

    /// Processor time it has used so far.
    pub fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(')').context("an unknown form of /proc/PID/stat")?.1;
        let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        // The kernel's interface counts in hundredths of a second on every architecture.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Lets a process of its own carry out a plan, and gives what came of it.
    pub fn load(&self, plan: &Plan) -> Result<Load> {
        let before = self.processor_time()?;
        let mut child =
            Command::new(std::env::current_exe()?).arg("load").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().context("the load generator's input")?;
        std::io::Write::write_all(&mut input, plan.to_json().to_string().as_bytes())?;
        drop(input);
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "the load generator ended with {}", output.status);
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let number =
            |name: &str| report[name].as_f64().with_context(|| format!("the load generator reports no {name}: {report}"));
        let statuses = report["statuses"].as_object().cloned().unwrap_or_default();
        ensure!(!statuses.is_empty() && statuses.keys().all(|status| status.starts_with('2')), "answers were refused: {report}");
        let answered: u64 = statuses.values().filter_map(Value::as_u64).sum();
        let us = |name: &str| Ok::<_, anyhow::Error>(Duration::from_micros(number(name)? as u64));
        Ok(Load {
            per_second: number("answers")? / number("seconds")?,
            latency: crate::measure::Latency { p50: us("p50_us")?, p99: us("p99_us")? },
            processor: (self.processor_time()? - before).div_f64(answered.max(1) as f64),
        })
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(asked.success(), "the server could not be asked to stop");
        let until = Instant::now() + READY_WITHIN;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(anyhow!("the server did not stop"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of a load.
pub struct Load {
    /// Answers per second.
    pub per_second: f64,
    /// How long each took.
    pub latency: crate::measure::Latency,
    /// What the server's processors needed for each.
    pub processor: Duration,
}

/// The `certhold` program, built now with the profile that this one was built with: never an old one.
pub fn program() -> Result<PathBuf> {
    let us = std::env::current_exe()?;
    let directory = us.parent().context("a program is in a directory")?;
    let release = directory.ends_with("release");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--quiet", "--package", "certhold", "--bin", "certhold"]);
    if release {
        command.arg("--release");
    }
    eprintln!("building certhold, if it has changed …");
    ensure!(command.status().context("cargo cannot be started")?.success(), "certhold could not be built");
    Ok(directory.join("certhold"))
}
