//! A throw-away PostgreSQL cluster for one test run: loopback only, its own directory, gone afterwards.
//!
//! Commits stay durable (`fsync` is on), because the tests kill processes and then look what is left. The cluster sorts
//! text as a European installation would (ICU), so that a query that forgot to say how it sorts is found here.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::guardian::{Guardian, User};
use crate::steps::succeed;

/// How the tests learn where the cluster is.
pub const VARIABLE: &str = "TEST_POSTGRES";

/// Memory that the sessions share when nothing else is asked for: enough for tests.
pub const SHARED: &str = "64MB";

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Starts the server given as `$2…` (its directory is `$1`).
const START: &str = r#"directory=$1; shift
"$@" >"$directory/log" 2>&1 </dev/null &
server=$!"#;

/// Fast shutdown; after 20 s an immediate one, after 25 s the hard one. The shell reaps its child while it sleeps.
const STOP: &str = r#"kill -INT "$server" 2>/dev/null
tenths=0
while kill -0 "$server" 2>/dev/null; do
  tenths=$((tenths + 1))
  case $tenths in
    200) kill -QUIT "$server" ;;
    250) kill -KILL "$server" ;;
  esac
  sleep 0.1
done
rm -rf "$directory""#;

/// A running cluster; dropping it stops the server and removes its files.
pub struct Cluster {
    url: String,
    _guardian: Guardian,
}

impl Cluster {
    /// Creates a cluster and starts its server on a free loopback port.
    pub fn start(shared: &str) -> Result<Self> {
        let programs = programs().context("PostgreSQL's initdb was not found (package postgresql)")?;
        let user = unprivileged()?;
        let password = secret()?;
        let directory = create_directory(user)?;
        if let Err(error) = initialise(&programs, &directory, user, &password) {
            let _ = fs::remove_dir_all(&directory);
            return Err(error);
        }
        let port = free_port()?;
        let guardian = serve(&programs, &directory, user, port, shared)?;
        wait_until_ready(&programs, &directory, port)?;
        Ok(Self { url: format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"), _guardian: guardian })
    }

    /// Where it is: an address with user, password and the maintenance database.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Starts a cluster for one command, whose environment names it as `TEST_POSTGRES`; without a command, until the end of
/// the input or Ctrl-C.
pub fn run(shared: &str, command: &[String]) -> Result<()> {
    let cluster = Cluster::start(shared)?;
    let Some((program, arguments)) = command.split_first() else {
        println!("{VARIABLE}={}", cluster.url());
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
        return Ok(());
    };
    succeed(Command::new(program).args(arguments).env(VARIABLE, cluster.url()))
}

/// The directory with the newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max()
        .map(|(_, bin)| bin);
    newest.or_else(|| crate::packages::program("initdb").and_then(|path| Some(path.parent()?.to_path_buf())))
}

/// `initdb` refuses root: as root we run it as `postgres`, or else as `nobody`; otherwise as ourselves.
fn unprivileged() -> Result<Option<User>> {
    if !crate::packages::is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").context("/etc/passwd could not be read")?;
    let user = account(&accounts, "postgres").or_else(|| account(&accounts, "nobody"));
    Ok(Some(user.context("neither of the users postgres and nobody exists, and PostgreSQL refuses to run as root")?))
}

fn account(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[..] {
            [found, _, uid, gid, ..] if found == name => Some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()? }),
            _ => None,
        }
    })
}

fn secret() -> Result<String> {
    let mut bytes = [0u8; 16];
    fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("/dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn create_directory(user: Option<User>) -> Result<PathBuf> {
    // Root's own temporary directory may be closed to the other user.
    let parent = if user.is_some() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let directory = parent.join(format!("certhold-postgres-{}-{}", std::process::id(), &secret()?[..8]));
    fs::create_dir(&directory).with_context(|| format!("{} could not be created", directory.display()))?;
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700))?;
    if let Some(user) = user {
        std::os::unix::fs::chown(&directory, Some(user.uid), Some(user.gid))?;
    }
    ensure!(fs::metadata(&directory)?.mode() & 0o777 == 0o700, "{} is open to others", directory.display());
    Ok(directory)
}

fn initialise(programs: &Path, directory: &Path, user: Option<User>, password: &str) -> Result<()> {
    let password_file = directory.join("password");
    fs::write(&password_file, password)?;
    fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))?;
    if let Some(user) = user {
        std::os::unix::fs::chown(&password_file, Some(user.uid), Some(user.gid))?;
    }
    let mut command = Command::new(programs.join("initdb"));
    command
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"])
        .args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"])
        .arg("--pwfile")
        .arg(&password_file)
        .arg("--pgdata")
        .arg(directory.join("data"))
        .current_dir("/");
    become_user(&mut command, user);
    let output = command.output().context("initdb could not be started")?;
    ensure!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    fs::remove_file(password_file)?;
    Ok(())
}

fn become_user(command: &mut Command, user: Option<User>) {
    use std::os::unix::process::CommandExt;
    if let Some(user) = user {
        // The standard library also drops the supplementary groups when a root process sets another user.
        command.uid(user.uid).gid(user.gid);
    }
}

fn serve(programs: &Path, directory: &Path, user: Option<User>, port: u16, shared: &str) -> Result<Guardian> {
    let utf8 = |path: PathBuf| path.into_os_string().into_string().ok().context("a path is not UTF-8");
    let directory_text = utf8(directory.to_path_buf())?;
    let server = utf8(programs.join("postgres"))?;
    let data = utf8(directory.join("data"))?;
    let port = port.to_string();
    let shared = format!("shared_buffers={shared}");
    let arguments = [
        directory_text.as_str(),
        &server,
        "-D",
        &data,
        "-p",
        &port,
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
        "-c",
        "max_connections=300",
        "-c",
        &shared,
        "-c",
        "fsync=on",
    ];
    Guardian::start(START, STOP, &arguments, user)
}

fn wait_until_ready(programs: &Path, directory: &Path, port: u16) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < READY_WITHIN {
        let ready = Command::new(programs.join("pg_isready"))
            .args(["--quiet", "--host=127.0.0.1", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .status()
            .context("pg_isready could not be started")?;
        if ready.success() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
    bail!("PostgreSQL was not ready within {} s; its log says:\n{log}", READY_WITHIN.as_secs())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_from_the_password_file() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres:x:114:121:,,,:/var/lib/postgresql:/bin/bash\nbad:x\n";
        assert_eq!(account(passwd, "postgres"), Some(User { uid: 114, gid: 121 }));
        assert_eq!(account(passwd, "nobody"), None);
        assert_eq!(account(passwd, "bad"), None);
    }

    #[test]
    fn a_cluster_answers_while_it_lives_and_leaves_nothing_behind() {
        let Some(programs) = programs() else {
            assert!(std::env::var("CI").is_err(), "PostgreSQL is missing");
            println!("left out: PostgreSQL is not installed");
            return;
        };
        let cluster = Cluster::start(SHARED).unwrap();
        let ask = |question: &str| {
            let output = Command::new(programs.join("psql"))
                .args([cluster.url(), "--no-psqlrc", "--tuples-only", "--no-align", "--command", question])
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        assert_eq!(ask("SHOW fsync"), "on");
        assert_eq!(ask("SHOW listen_addresses"), "127.0.0.1");
        let data = PathBuf::from(ask("SHOW data_directory"));
        let directory = data.parent().unwrap().to_path_buf();
        assert!(directory.exists());
        drop(cluster);
        assert!(!directory.exists(), "{} was left behind", directory.display());
    }
}
