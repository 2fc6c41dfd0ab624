//! A second opinion on what a DNS server answers.

use crate::process::program;
use std::net::SocketAddr;
use std::process::Command;

/// The answers of `server` for `name` and record type `kind`, one per record in zone file syntax, sorted.
///
/// # Panics
/// If dig is missing or gets no answer.
pub async fn dig(server: SocketAddr, name: &str, kind: &str) -> Vec<String> {
    let mut command = Command::new(program("dig", "bind9-dnsutils"));
    command.arg(format!("@{}", server.ip())).arg("-p").arg(server.port().to_string());
    command.args(["+short", "+tries=2", "+time=3", "-t", kind, "-q", name]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "dig: {}", String::from_utf8_lossy(&output.stdout));
    let mut answers: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    answers.sort();
    answers
}

/// The TXT values that `server` shows at `name`, without quotation marks, sorted.
///
/// # Panics
/// If dig is missing or gets no answer.
pub async fn txt(server: SocketAddr, name: &str) -> Vec<String> {
    dig(server, name, "TXT").await.into_iter().map(|value| value.trim_matches('"').to_owned()).collect()
}
