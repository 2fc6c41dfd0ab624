//! The command line.

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::command::access::{Review, Why};
use crate::command::authority::Authority;
use crate::command::backup::{Backup, Move, Restore};
use crate::command::bulk::Bulk;
use crate::command::certificates::{List, Owner, Show};
use crate::command::chain::{Chain, Trust};
use crate::command::claim::Claim;
use crate::command::client::Client;
use crate::command::collection::Collection;
use crate::command::container::Container;
use crate::command::convert::Convert;
use crate::command::deploy::Deploy;
use crate::command::dns::Dns;
use crate::command::enrol::Enrol;
use crate::command::events::{Events, SaveCheckpoint, Verify};
use crate::command::exclusion::Exclusion;
use crate::command::export::Export;
use crate::command::findings::{Findings, Lint};
use crate::command::identity::IdentityProvider;
use crate::command::issuer::Issuer;
use crate::command::key::Key;
use crate::command::managed::{Managed, Renew};
use crate::command::metadata::Metadata;
use crate::command::pattern::{Pattern, Template};
use crate::command::query::Query;
use crate::command::rekey::Rekey;
use crate::command::revoke::{Release, Revocation, Revoke};
use crate::command::role::Role;
use crate::command::set::Set;
use crate::command::store::Store;
use crate::command::token::Token;
use crate::command::user::User;
use crate::command::view::View;
use crate::config::{LogFormat, Place, Settings};
use crate::failure::Failure;
use crate::import::Import;
use crate::output::{self, Output};
use crate::target::{Server, Target};
use crate::{logging, serve};

/// A self-hosted certificate lifecycle server
#[derive(Parser)]
#[command(name = "certhold", version, about, max_term_width = 110, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    server: Server,
    /// How results are printed: table for people, json for programs, csv for spreadsheets
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        value_name = "FORMAT",
        hide_possible_values = true,
        help_heading = "Everywhere"
    )]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<Settings>),
    Import(Import),
    List(List),
    Show(Show),
    Export(Export),
    Convert(Convert),
    #[command(subcommand)]
    Key(Key),
    Chain(Chain),
    Findings(Findings),
    Lint(Lint),
    #[command(subcommand)]
    Trust(Trust),
    #[command(subcommand)]
    Owner(Owner),
    Revoke(Revoke),
    Release(Release),
    Revocation(Revocation),
    #[command(subcommand)]
    Exclusion(Exclusion),
    #[command(subcommand)]
    Collection(Collection),
    #[command(subcommand)]
    View(View),
    #[command(subcommand)]
    Query(Query),
    #[command(subcommand)]
    Metadata(Metadata),
    #[command(subcommand)]
    Bulk(Bulk),
    Renew(Renew),
    #[command(subcommand)]
    Managed(Managed),
    #[command(subcommand)]
    Issuer(Issuer),
    #[command(subcommand)]
    Dns(Dns),
    #[command(subcommand)]
    Deploy(Deploy),
    #[command(subcommand)]
    Store(Store),
    #[command(subcommand)]
    Container(Container),
    Events(Events),
    Verify(Verify),
    Checkpoint(SaveCheckpoint),
    #[command(subcommand)]
    User(User),
    #[command(subcommand)]
    Role(Role),
    #[command(subcommand)]
    Set(Set),
    #[command(subcommand)]
    Claim(Claim),
    #[command(subcommand)]
    IdentityProvider(IdentityProvider),
    Why(Why),
    Review(Review),
    #[command(subcommand)]
    Token(Token),
    #[command(subcommand)]
    Client(Client),
    #[command(subcommand)]
    Authority(Authority),
    #[command(subcommand)]
    Pattern(Pattern),
    #[command(subcommand)]
    Template(Template),
    Enrol(Enrol),
    Backup(Backup),
    Restore(Restore),
    Move(Move),
    Rekey(Rekey),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the description of the native API (OpenAPI 3.1)
    Openapi,
}

/// Runs the program; the answer is for the shell.
pub fn run() -> ExitCode {
    let matches = Cli::command().get_matches();
    let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // A directory on the command line goes over a server in the environment.
    let said = |matches: &clap::ArgMatches, name| matches.value_source(name) == Some(ValueSource::CommandLine);
    let (_, inner) = matches.subcommand().unwrap_or(("", &matches));
    if [&matches, inner].iter().any(|matches| said(matches, "data"))
        && ![&matches, inner].iter().any(|matches| said(matches, "server"))
    {
        cli.server.forget();
    }
    let output = cli.output;
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            match output {
                Output::Table | Output::Csv => eprintln!("certhold: {}", output::tame_lines(failure.sentence())),
                Output::Json => eprint!("{}", output::json(failure.as_json())),
            }
            failure.exit_code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(settings) => serve::run(&cli.place, *settings),
        Command::Backup(_) | Command::Restore(_) | Command::Move(_) if cli.server.url().is_some() => {
            Err(Failure::usage("this command works on the data directory itself: name that with --data instead of a server"))
        }
        Command::Convert(convert) => convert.run(cli.output),
        Command::Backup(backup) => backup.run(&cli.place, cli.output),
        Command::Restore(restore) => restore.run(&cli.place, cli.output),
        Command::Move(moving) => moving.run(&cli.place, cli.output),
        Command::Verify(verify) if verify.is_offline() => verify.run_offline(cli.output),
        Command::Lint(lint) => lint.run(cli.output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "certhold", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
        Command::Openapi => {
            let document = certhold_faces::native::openapi().to_pretty_json();
            output::print(&(document.map_err(|error| Failure::new(error.to_string()))? + "\n"))
        }
        command => {
            let filter = std::env::var("CERTHOLD_LOG").unwrap_or_else(|_| "error".into());
            logging::start(&filter, LogFormat::Text)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Failure::io("runtime", &error))?;
            runtime.block_on(async {
                let target = Target::open(&cli.place, &cli.server, command.name())?;
                command.run(&target, cli.output).await
            })
        }
    }
}

impl Command {
    /// The word on the command line, for whoever wants to know who holds the directory.
    fn name(&self) -> &'static str {
        match self {
            Command::Serve(_) => "serve",
            Command::Import(_) => "import",
            Command::List(_) => "list",
            Command::Show(_) => "show",
            Command::Export(_) => "export",
            Command::Convert(_) => "convert",
            Command::Key(_) => "key",
            Command::Chain(_) => "chain",
            Command::Findings(_) => "findings",
            Command::Lint(_) => "lint",
            Command::Trust(_) => "trust",
            Command::Owner(_) => "owner",
            Command::Exclusion(_) => "exclusion",
            Command::Revoke(_) => "revoke",
            Command::Release(_) => "release",
            Command::Revocation(_) => "revocation",
            Command::Collection(_) => "collection",
            Command::View(_) => "view",
            Command::Query(_) => "query",
            Command::Metadata(_) => "metadata",
            Command::Bulk(_) => "bulk",
            Command::Renew(_) => "renew",
            Command::Managed(_) => "managed",
            Command::Issuer(_) => "issuer",
            Command::Dns(_) => "dns",
            Command::Deploy(_) => "deploy",
            Command::Store(_) => "store",
            Command::Container(_) => "container",
            Command::Events(_) => "events",
            Command::Verify(_) => "verify",
            Command::Checkpoint(_) => "checkpoint",
            Command::User(_) => "user",
            Command::Role(_) => "role",
            Command::Set(_) => "set",
            Command::Claim(_) => "claim",
            Command::IdentityProvider(_) => "identity-provider",
            Command::Why(_) => "why",
            Command::Review(_) => "review",
            Command::Token(_) => "token",
            Command::Client(_) => "client",
            Command::Authority(_) => "authority",
            Command::Pattern(_) => "pattern",
            Command::Template(_) => "template",
            Command::Enrol(_) => "enrol",
            Command::Backup(_) => "backup",
            Command::Restore(_) => "restore",
            Command::Move(_) => "move",
            Command::Rekey(_) => "rekey",
            Command::Completions { .. } => "completions",
            Command::Openapi => "openapi",
        }
    }

    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Command::Import(import) => import.run(target, output).await,
            Command::List(list) => list.run(target, output).await,
            Command::Show(show) => show.run(target, output).await,
            Command::Export(export) => export.run(target, output).await,
            Command::Key(key) => key.run(target, output).await,
            Command::Chain(chain) => chain.run(target, output).await,
            Command::Findings(findings) => findings.run(target, output).await,
            Command::Trust(trust) => trust.run(target, output).await,
            Command::Owner(owner) => owner.run(target, output).await,
            Command::Exclusion(exclusion) => exclusion.run(target, output).await,
            Command::Revoke(revoke) => revoke.run(target, output).await,
            Command::Release(release) => release.run(target, output).await,
            Command::Revocation(revocation) => revocation.run(target, output).await,
            Command::Collection(collection) => collection.run(target, output).await,
            Command::View(view) => view.run(target, output).await,
            Command::Query(query) => query.run(target, output).await,
            Command::Metadata(metadata) => metadata.run(target, output).await,
            Command::Bulk(bulk) => bulk.run(target, output).await,
            Command::Renew(renew) => renew.run(target, output).await,
            Command::Managed(managed) => managed.run(target, output).await,
            Command::Issuer(issuer) => issuer.run(target, output).await,
            Command::Dns(dns) => dns.run(target, output).await,
            Command::Deploy(deploy) => deploy.run(target, output).await,
            Command::Store(store) => store.run(target, output).await,
            Command::Container(container) => container.run(target, output).await,
            Command::Events(events) => events.run(target, output).await,
            Command::Verify(verify) => verify.run(target, output).await,
            Command::Checkpoint(checkpoint) => checkpoint.run(target, output).await,
            Command::Rekey(rekey) => rekey.run(target, output).await,
            Command::User(user) => user.run(target, output).await,
            Command::Role(role) => role.run(target, output).await,
            Command::Set(set) => set.run(target, output).await,
            Command::Claim(claim) => claim.run(target, output).await,
            Command::IdentityProvider(provider) => provider.run(target, output).await,
            Command::Why(why) => why.run(target, output).await,
            Command::Review(review) => review.run(target, output).await,
            Command::Token(token) => token.run(target, output).await,
            Command::Client(client) => client.run(target, output).await,
            Command::Authority(authority) => authority.run(target, output).await,
            Command::Pattern(pattern) => pattern.run(target, output).await,
            Command::Template(template) => template.run(target, output).await,
            Command::Enrol(enrol) => enrol.run(target, output).await,
            Command::Serve(_)
            | Command::Lint(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::Move(_)
            | Command::Convert(_)
            | Command::Completions { .. }
            | Command::Openapi => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
