//! BIND, as a primary server that takes dynamic updates with TSIG, or as a resolver that knows only the test's zones.

use crate::dig::dig;
use crate::ports;
use crate::process::{Process, program};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A running server.
pub struct Bind {
    /// Where it answers DNS questions and takes updates.
    pub dns: SocketAddr,
    /// The name of the TSIG key that may change TXT records in every zone.
    pub key_name: String,
    /// The key's algorithm.
    pub algorithm: String,
    /// The key's secret in base64.
    pub secret: String,
    /// A key with the same algorithm and secret that no zone's policy mentions.
    pub powerless_key: String,
    process: Process,
    directory: TempDir,
}

/// A zone to serve: its name and further records in zone file syntax.
pub struct Zone<'a> {
    /// The apex, without trailing dot.
    pub name: &'a str,
    /// Records besides SOA, NS (`ns1`) and the address of `ns1`.
    pub records: &'a str,
}

impl Bind {
    /// Starts a primary server for `zones`, with a TSIG key for `hmac-sha256`.
    ///
    /// # Panics
    /// If it is not installed or does not come up.
    pub async fn primary(zones: &[Zone<'_>]) -> Self {
        Self::primary_at(ports::loopback(), "hmac-sha256", zones).await
    }

    /// Starts a primary server at `dns` with a TSIG key for `algorithm`. BIND listens only on addresses that an interface
    /// has, so of loopback it takes 127.0.0.1 alone.
    ///
    /// # Panics
    /// If it is not installed or does not come up.
    pub async fn primary_at(dns: SocketAddr, algorithm: &str, zones: &[Zone<'_>]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key_name = format!("certhold-{}", dns.port());
        let output = Command::new(program("tsig-keygen", "bind9")).args(["-a", algorithm, &key_name]).output().unwrap();
        let key = String::from_utf8(output.stdout).unwrap();
        let secret = key.split('"').nth(3).expect("tsig-keygen prints name and secret in quotation marks").to_owned();
        let powerless = key.replace(&key_name, &format!("powerless-{key_name}"));
        let mut configuration = format!(
            "{key}\n{powerless}\noptions {{ {} recursion no; dnssec-validation no; check-names primary ignore; }};\n",
            options(directory.path(), dns)
        );
        for Zone { name, records } in zones {
            let file = format!("$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 5\n@ NS ns1\nns1 A {}\n{records}\n", dns.ip());
            std::fs::write(directory.path().join(name), file).unwrap();
            writeln!(
                configuration,
                "zone \"{name}\" {{ type primary; file \"{name}\"; update-policy {{ grant {key_name} zonesub TXT; }}; }};"
            )
            .unwrap();
        }
        Self::start(dns, directory, &configuration, (key_name, algorithm.to_owned(), secret)).await
    }

    /// Starts a resolver that sends questions below each name to the given server, and remembers nothing.
    ///
    /// # Panics
    /// If it is not installed or does not come up.
    pub async fn resolver(forward: &[(&str, SocketAddr)]) -> Self {
        let dns = ports::loopback();
        let directory = tempfile::tempdir().unwrap();
        let mut configuration = format!(
            "options {{ {} recursion yes; dnssec-validation no; empty-zones-enable no; max-cache-ttl 0; max-ncache-ttl 0; }};\n",
            options(directory.path(), dns)
        );
        // No root hints: what is not forwarded below fails at once instead of leaving the machine.
        configuration.push_str("zone \".\" { type primary; file \"root\"; };\n");
        let mut root = "$TTL 0\n@ SOA ns hostmaster 1 3600 600 86400 0\n@ NS ns\nns A 127.0.0.1\n".to_owned();
        for (name, server) in forward {
            // A delegation in the local root lets the forward zone below take effect.
            writeln!(root, "{name}. NS ns.").unwrap();
            writeln!(
                configuration,
                "zone \"{name}\" {{ type forward; forward only; forwarders {{ {} port {}; }}; }};",
                server.ip(),
                server.port()
            )
            .unwrap();
        }
        std::fs::write(directory.path().join("root"), root).unwrap();
        Self::start(dns, directory, &configuration, Default::default()).await
    }

    async fn start(dns: SocketAddr, directory: TempDir, configuration: &str, key: (String, String, String)) -> Self {
        std::fs::write(directory.path().join("named.conf"), configuration).unwrap();
        let process = Self::launch(&directory);
        let (key_name, algorithm, secret) = key;
        let powerless_key = format!("powerless-{key_name}");
        let mut server = Self { dns, powerless_key, key_name, algorithm, secret, process, directory };
        server.wait().await;
        server
    }

    fn launch(directory: &TempDir) -> Process {
        let mut command = Command::new(program("named", "bind9"));
        command.args(["-g", "-n", "1", "-c"]).arg(directory.path().join("named.conf"));
        Process::start(&mut command, &directory.path().join("log"))
    }

    async fn wait(&mut self) {
        let address = self.dns;
        self.process.wait_until(async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        // Connected is not loaded: named listens before its zones are read.
        let log = self.directory.path().join("log");
        self.process.wait_until(async || std::fs::read_to_string(&log).is_ok_and(|text| text.contains(" running\n"))).await;
        dig(address, "version.bind", "TXT").await;
    }

    /// Kills the server; its zones stay.
    pub fn stop(&mut self) {
        self.process.kill();
    }

    /// Starts the server again after [`stop`](Self::stop).
    pub async fn restart(&mut self) {
        std::fs::write(self.directory.path().join("log"), "").unwrap();
        self.process = Self::launch(&self.directory);
        self.wait().await;
    }
}

fn options(directory: &Path, dns: SocketAddr) -> String {
    let home = directory.display();
    format!(
        "directory \"{home}\"; pid-file none; session-keyfile \"{home}/session.key\"; managed-keys-directory \"{home}\"; \
         listen-on port {} {{ {}; }}; listen-on-v6 {{ none; }}; notify no; allow-transfer {{ none; }};",
        dns.port(),
        dns.ip()
    )
}
