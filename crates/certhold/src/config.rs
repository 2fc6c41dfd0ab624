//! Configuration: a flag goes over the environment (`CERTHOLD_*`), which goes over `DIR/certhold.toml`, by the same names.
//!
//! `docs/configuration.md` explains every key.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use certhold_domain::events::retention::Rule;
use certhold_domain::stores::Roots;
use certhold_faces::arcgis;
use certhold_store::Location;
use clap::builder::BoolishValueParser;
use serde::Deserialize;
use url::Url;

use crate::duration;
use crate::failure::Failure;
use crate::serve::syslog::SyslogTarget;

/// The file inside the data directory.
pub const FILE: &str = "certhold.toml";

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Where the data is: all commands take these.
#[derive(Clone, Default, clap::Args)]
pub struct Place {
    /// Directory with everything Certhold keeps [default: certhold-data]
    #[arg(long, env = "CERTHOLD_DATA", hide_env_values = true, value_name = "DIR", global = true, help_heading = "Everywhere")]
    pub data: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME [default: sqlite:DIR/certhold.db]
    #[arg(
        long,
        env = "CERTHOLD_DATABASE",
        hide_env_values = true,
        value_name = "URL",
        global = true,
        help_heading = "Everywhere"
    )]
    pub database: Option<String>,
    /// Command whose output is the master key, instead of the file DIR/master.key
    #[arg(
        long,
        env = "CERTHOLD_MASTER_KEY_COMMAND",
        hide_env_values = true,
        value_name = "COMMAND",
        global = true,
        help_heading = "Everywhere"
    )]
    pub master_key_command: Option<String>,
}

impl Place {
    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new("certhold-data"))
    }
}

/// Every key of `certhold.toml`, and the flags and variables of `serve`.
#[derive(Clone, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Database: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`.
    #[arg(skip)]
    pub database: Option<String>,
    /// Command whose output is the master key.
    #[arg(skip)]
    pub master_key_command: Option<String>,
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:8443]
    #[arg(long, env = "CERTHOLD_LISTEN", hide_env_values = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Serve HTTP instead of HTTPS: behind a proxy that does TLS, or in tests
    #[arg(long, env = "CERTHOLD_PLAIN_HTTP", hide_env_values = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub plain_http: Option<bool>,
    /// The address people use, when it is not the one listened on: https://certs.example.com
    #[arg(long, env = "CERTHOLD_PUBLIC_URL", hide_env_values = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas
    #[arg(long, env = "CERTHOLD_TRUSTED_PROXIES", hide_env_values = true, value_name = "NETWORK", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<String>>,
    /// What is logged: a level, or levels by module: info,certhold_outside=debug [default: info]
    #[arg(long, env = "CERTHOLD_LOG", hide_env_values = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines are written: text or json [default: text]
    #[arg(long, env = "CERTHOLD_LOG_FORMAT", hide_env_values = true, value_name = "FORMAT", hide_possible_values = true)]
    pub log_format: Option<LogFormat>,
    /// Recursive resolvers, address or address:port, separated by commas [default: those of /etc/resolv.conf]
    #[arg(long, env = "CERTHOLD_DNS_RESOLVERS", hide_env_values = true, value_name = "ADDRESS", value_delimiter = ',')]
    pub dns_resolvers: Option<Vec<String>>,
    /// Port of authoritative name servers, for laboratories that cannot use port 53 [default: 53]
    #[arg(long, env = "CERTHOLD_DNS_AUTHORITATIVE_PORT", hide_env_values = true, value_name = "PORT")]
    pub dns_authoritative_port: Option<u16>,
    /// Renewals and deployments worked on at the same time [default: 4]
    #[arg(long, env = "CERTHOLD_WORKER_CONCURRENCY", hide_env_values = true, value_name = "NUMBER")]
    pub worker_concurrency: Option<usize>,
    /// How often the end of the event log is signed, if it has grown: 90s, 10m, 12h [default: 10m]
    #[arg(long, env = "CERTHOLD_HEAD_INTERVAL", hide_env_values = true, value_name = "DURATION")]
    pub head_interval: Option<String>,
    /// Directory to which signed checkpoints of the event log are written, for auditors [default: none]
    #[arg(long, env = "CERTHOLD_CHECKPOINT_DIR", hide_env_values = true, value_name = "DIR")]
    pub checkpoint_dir: Option<PathBuf>,
    /// How often a checkpoint is written there [default: 24h]
    #[arg(long, env = "CERTHOLD_CHECKPOINT_INTERVAL", hide_env_values = true, value_name = "DURATION")]
    pub checkpoint_interval: Option<String>,
    /// How long the contents of events are kept, by family: sign_in.=90d,session.=30d [default: for ever]
    #[arg(long, env = "CERTHOLD_EVENT_RETENTION", hide_env_values = true, value_name = "FAMILY=AGE", value_delimiter = ',')]
    pub event_retention: Option<Vec<String>>,
    /// Syslog server that every event is sent to: tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT [default: none]
    #[arg(long, env = "CERTHOLD_SYSLOG_TARGET", hide_env_values = true, value_name = "URL")]
    pub syslog_target: Option<String>,
    /// File with the certificates of the authorities that may vouch for a syslog server with TLS [default: none]
    #[arg(long, env = "CERTHOLD_SYSLOG_CA", hide_env_values = true, value_name = "FILE")]
    pub syslog_ca: Option<PathBuf>,
    /// First segment of the addresses of the ArcGIS Enterprise API [default: arcgis]
    #[arg(long, env = "CERTHOLD_ARCGIS_CONTEXT", hide_env_values = true, value_name = "NAME")]
    pub arcgis_context: Option<String>,
    /// Directories in which certificate stores may be, separated by commas [default: none]
    #[arg(long, env = "CERTHOLD_STORE_ROOTS", hide_env_values = true, value_name = "DIR", value_delimiter = ',')]
    pub store_roots: Option<Vec<String>>,
}

/// The settings that are in force, checked.
pub struct Configuration {
    /// Where the data is.
    pub data: PathBuf,
    /// Where the database is.
    pub database: Location,
    /// What prints the master key.
    pub master_key_command: Option<String>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether without TLS.
    pub plain_http: bool,
    /// What people use as address.
    pub public_url: Option<Url>,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<String>,
    /// What is logged.
    pub log: String,
    /// How.
    pub log_format: LogFormat,
    /// Whom to ask about the DNS; empty for the host's own.
    pub dns_resolvers: Vec<String>,
    /// Where authoritative servers listen.
    pub dns_authoritative_port: u16,
    /// Jobs at the same time.
    pub worker_concurrency: usize,
    /// How often the log's end is signed.
    pub head_interval: Duration,
    /// Where checkpoints are written to.
    pub checkpoint_dir: Option<PathBuf>,
    /// How often.
    pub checkpoint_interval: Duration,
    /// How long the contents of events are kept.
    pub event_retention: Vec<Rule>,
    /// Where events are sent to.
    pub syslog_target: Option<SyslogTarget>,
    /// The first segment of the addresses of the ArcGIS Enterprise API.
    pub arcgis_context: String,
    /// Where certificate stores may be.
    pub store_roots: Roots,
}

const WORKERS_MAX: usize = 256;

impl Configuration {
    /// Merges flags and environment (`given`) over the file in the data directory, and checks every value.
    ///
    /// # Errors
    /// A sentence that names the key, and the file and line where it stands.
    pub fn load(place: &Place, given: Settings) -> Result<Configuration, Failure> {
        let data = place.data().to_owned();
        let file = Settings::from_file(&data.join(FILE))?;
        let database = match place.database.as_ref().or(file.database.as_ref()) {
            Some(url) => url.parse().map_err(|error| key("database", error))?,
            None => Location::Sqlite(data.join("certhold.db")),
        };
        let head_interval = given.head_interval.or(file.head_interval);
        let head_interval = head_interval.map_or(Ok(Duration::from_secs(600)), |text| duration::parse(&text));
        let checkpoint_interval = given.checkpoint_interval.or(file.checkpoint_interval);
        let checkpoint_interval = checkpoint_interval.map_or(Ok(Duration::from_secs(86_400)), |text| duration::parse(&text));
        let event_retention = given.event_retention.or(file.event_retention).unwrap_or_default();
        let syslog_target = syslog(given.syslog_target.or(file.syslog_target), given.syslog_ca.or(file.syslog_ca))?;
        let public_url = given.public_url.or(file.public_url);
        let worker_concurrency = given.worker_concurrency.or(file.worker_concurrency).unwrap_or(4);
        if worker_concurrency > WORKERS_MAX {
            return Err(key("worker_concurrency", format!("{worker_concurrency} is more than the {WORKERS_MAX} allowed")));
        }
        Ok(Configuration {
            database,
            master_key_command: place.master_key_command.clone().or(file.master_key_command),
            listen: listen(&given.listen.or(file.listen).unwrap_or_else(|| "127.0.0.1:8443".into()))?,
            plain_http: given.plain_http.or(file.plain_http).unwrap_or(false),
            public_url: public_url.map(|text| parse_public_url(&text)).transpose()?,
            trusted_proxies: given.trusted_proxies.or(file.trusted_proxies).unwrap_or_default(),
            log: given.log.or(file.log).unwrap_or_else(|| "info".into()),
            log_format: given.log_format.or(file.log_format).unwrap_or_default(),
            dns_resolvers: given.dns_resolvers.or(file.dns_resolvers).unwrap_or_default(),
            dns_authoritative_port: given.dns_authoritative_port.or(file.dns_authoritative_port).unwrap_or(53),
            worker_concurrency,
            head_interval: head_interval
                .map_err(|error| key("head_interval", error))
                .and_then(|interval| at_least_a_second("head_interval", interval))?,
            checkpoint_dir: given.checkpoint_dir.or(file.checkpoint_dir),
            checkpoint_interval: checkpoint_interval
                .map_err(|error| key("checkpoint_interval", error))
                .and_then(|interval| at_least_a_second("checkpoint_interval", interval))?,
            event_retention: event_retention.iter().map(|text| retention_rule(text)).collect::<Result<_, _>>()?,
            syslog_target,
            arcgis_context: arcgis_context(given.arcgis_context.or(file.arcgis_context))?,
            store_roots: store_roots(given.store_roots.or(file.store_roots).unwrap_or_default())?,
            data,
        })
    }
}

impl Settings {
    /// The file's settings; none when there is no file.
    fn from_file(path: &Path) -> Result<Settings, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| in_file(path, &text, &error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(Failure::io(path.display(), &error)),
        }
    }
}

/// Names file, line and key. Never repeats the line itself, which may hold the database's password.
fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let name = text.lines().nth(line - 1).and_then(|line| line.split_once('=')).map(|(name, _)| name.trim());
    let name = name.filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
    // What stands in quotation marks is a value of the file.
    let message = error.message().split(", expected").next().unwrap_or_default();
    let shown = if message.contains('"') { "this value is of the wrong type" } else { error.message() };
    Failure::new(format!("{}, line {line}: {name}{shown}", path.display()))
}

fn key(name: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{name}: {why}"))
}

fn listen(text: &str) -> Result<SocketAddr, Failure> {
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| key("listen", format!("{text:?} is not an address with a port, such as 127.0.0.1:8443 or [::]:8443")))
}

fn parse_public_url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    url.ok_or_else(|| key("public_url", "write scheme and host, and a port if need be: https://certs.example.com"))
}

fn retention_rule(text: &str) -> Result<Rule, Failure> {
    let wrong = || key("event_retention", format!("{text:?} is not a family and an age, such as sign_in.=90d"));
    let (family, age) = text.split_once('=').ok_or_else(wrong)?;
    let age = duration::parse(age.trim()).map_err(|error| key("event_retention", error))?;
    Rule::new(family.trim(), duration::milliseconds(age)).map_err(|refusal| Failure::new(refusal.to_string()))
}

fn syslog(target: Option<String>, ca: Option<PathBuf>) -> Result<Option<SyslogTarget>, Failure> {
    match target {
        Some(text) => {
            let target: SyslogTarget = text.parse().map_err(|why| key("syslog_target", why))?;
            target.trusting(ca.as_deref()).map(Some).map_err(|(name, why)| key(name, why))
        }
        None if ca.is_some() => Err(key("syslog_ca", "there is no syslog_target for which it could vouch")),
        None => Ok(None),
    }
}

fn arcgis_context(given: Option<String>) -> Result<String, Failure> {
    let context = given.unwrap_or_else(|| arcgis::CONTEXT.into());
    if !arcgis::context_fits(&context) {
        let why = "is not one plain segment of an address that nothing else here has, such as arcgis or portal";
        return Err(key("arcgis_context", format!("{context:?} {why}")));
    }
    Ok(context)
}

fn store_roots(given: Vec<String>) -> Result<Roots, Failure> {
    for root in &given {
        let plain = root.starts_with('/') && !root.split('/').any(|part| part == ".." || part == ".");
        if !plain || root.chars().any(char::is_control) {
            return Err(key("store_roots", format!("{root:?} is not an absolute path without '..', such as /srv/tls")));
        }
    }
    Ok(Roots(given))
}

fn at_least_a_second(name: &str, interval: Duration) -> Result<Duration, Failure> {
    match interval {
        Duration::ZERO => Err(key(name, "at least one second")),
        fine => Ok(fine),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        settings: Settings,
    }

    fn load(toml: &str, flags: &[&str]) -> Result<Configuration, Failure> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), toml).unwrap();
        let flags = ["certhold", "--data", dir.path().to_str().unwrap()].into_iter().chain(flags.iter().copied());
        let parsed = Flags::try_parse_from(flags).unwrap_or_else(|error| panic!("{error}"));
        Configuration::load(&parsed.place, parsed.settings)
    }

    fn refusal(toml: &str, flags: &[&str]) -> String {
        load(toml, flags).err().expect("a refusal").to_string()
    }

    #[test]
    fn defaults_are_as_documented() {
        let found = load("", &[]).unwrap();
        assert_eq!(found.listen.to_string(), "127.0.0.1:8443");
        assert_eq!(found.database, Location::Sqlite(found.data.join("certhold.db")));
        assert_eq!((found.log.as_str(), found.log_format, found.plain_http), ("info", LogFormat::Text, false));
        assert_eq!((found.worker_concurrency, found.head_interval.as_secs(), found.dns_authoritative_port), (4, 600, 53));
        assert!(found.trusted_proxies.is_empty() && found.dns_resolvers.is_empty() && found.public_url.is_none());
    }

    #[test]
    fn a_flag_goes_over_the_file() {
        let toml = "listen = '127.0.0.1:1'\nplain_http = true\nlog = 'warn'\nlog_format = 'json'\nworker_concurrency = 9\n\
            dns_resolvers = ['192.0.2.1']\nhead_interval = '1h'\ndatabase = 'sqlite:/x'\npublic_url = 'https://a.example'\n";
        let file = load(toml, &[]).unwrap();
        assert_eq!((file.listen.port(), file.plain_http, file.log_format), (1, true, LogFormat::Json));
        assert_eq!((file.dns_resolvers[0].as_str(), file.head_interval.as_secs()), ("192.0.2.1", 3_600));
        assert_eq!((file.database.to_string().as_str(), file.worker_concurrency), ("sqlite:/x", 9));
        let flags =
            ["--listen=127.0.0.1:2", "--plain-http=false", "--log-format", "text", "--dns-resolvers", "192.0.2.2,192.0.2.3"];
        let both = load(toml, &flags).unwrap();
        assert_eq!((both.listen.port(), both.plain_http, both.log_format), (2, false, LogFormat::Text));
        assert_eq!(both.dns_resolvers, ["192.0.2.2", "192.0.2.3"]);
        assert_eq!((both.log.as_str(), both.worker_concurrency), ("warn", 9), "the rest stays");
    }

    #[test]
    fn a_wrong_key_names_file_line_and_key() {
        let unknown = refusal("log = 'info'\n\nlisen = 'x'\n", &[]);
        assert!(unknown.contains("certhold.toml, line 3: lisen: unknown field `lisen`"), "{unknown}");
        assert!(unknown.contains("`listen`"), "{unknown}");
        let kind = refusal("worker_concurrency = 'many'\n", &[]);
        assert!(kind.contains("certhold.toml, line 1: worker_concurrency: "), "{kind}");
        let syntax = refusal("log = 'info'\nlog_format\n", &[]);
        assert!(syntax.contains("certhold.toml, line 2"), "{syntax}");
    }

    #[test]
    fn wrong_values_name_their_key() {
        for (toml, start) in [
            ("listen = 'nowhere'", "listen: "),
            ("listen = '127.0.0.1'", "listen: "),
            ("public_url = 'certs.example.com'", "public_url: "),
            ("public_url = 'https://u@a.example/'", "public_url: "),
            ("head_interval = '5'", "head_interval: "),
            ("head_interval = '0s'", "head_interval: "),
            ("checkpoint_interval = '0s'", "checkpoint_interval: "),
            ("event_retention = ['sign_in.']", "event_retention: "),
            ("event_retention = ['sign_in.=1h']", "event_retention: "),
            ("event_retention = ['retention.=90d']", "event_retention: "),
            ("syslog_target = 'https://192.0.2.1:514'", "syslog_target: "),
            ("syslog_target = 'tls://192.0.2.1:6514'", "syslog_ca: "),
            ("syslog_target = 'tls://192.0.2.1:6514'\nsyslog_ca = '/nowhere/root.pem'", "syslog_ca: "),
            ("syslog_target = 'udp://192.0.2.1:514'\nsyslog_ca = '/nowhere/root.pem'", "syslog_ca: "),
            ("syslog_ca = '/nowhere/root.pem'", "syslog_ca: "),
            ("syslog_target = 'tcp://192.0.2.1'", "syslog_target: "),
            ("arcgis_context = 'a/b'", "arcgis_context: "),
            ("arcgis_context = 'certificates'", "arcgis_context: "),
            ("arcgis_context = 'KEYFACTORAPI'", "arcgis_context: "),
            ("store_roots = ['tls']", "store_roots: "),
            ("store_roots = ['/srv/../etc']", "store_roots: "),
            ("worker_concurrency = 257", "worker_concurrency: "),
            ("database = 'mysql://x'", "database: "),
        ] {
            let found = refusal(toml, &[]);
            assert!(found.starts_with(start), "{toml}: {found}");
        }
    }

    #[test]
    fn no_message_repeats_a_password() {
        for toml in [
            "database = 'mysql://u:Pa55@h/d'",
            "database = 'postgres://u:Pa55@h:port/d'",
            "plain_http = 'postgres://u:Pa55@h/d'",
            "worker_concurrency = 'Pa55'",
            "database = 'postgres://u:Pa55@h/d",
        ] {
            let found = refusal(toml, &[]);
            assert!(!found.contains("Pa55"), "{found}");
        }
    }

    #[test]
    fn every_key_has_the_same_name_as_flag_variable_and_in_the_file() {
        use clap::CommandFactory;
        let command = Flags::command();
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            let id = argument.get_id().as_str();
            assert_eq!(argument.get_long(), Some(id.replace('_', "-").as_str()));
            let variable = argument.get_env().unwrap_or_default().to_string_lossy().into_owned();
            assert_eq!(variable, format!("CERTHOLD_{}", id.to_uppercase()));
            if id != "data" {
                let why = refusal(&format!("{id} = {{}}"), &[]);
                assert!(!why.contains("unknown field"), "{why}");
            }
        }
    }
}
