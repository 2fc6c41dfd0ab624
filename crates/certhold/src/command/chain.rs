//! `certhold chain`, `certhold trust`: who issued a certificate, and who trusts it.

use serde_json::{Value as Json, json};

use super::through::Through;
use super::{Column, certificates, created, find, print_done, print_list};
use crate::failure::Failure;
use crate::output::{self, Output, text, time};
use crate::target::{Method, Target};

/// Show who issued a certificate, up to the roots, and which trust sets accept it
#[derive(clap::Args)]
pub struct Chain {
    /// Its number, or its SHA-256 fingerprint
    #[arg(value_name = "ID")]
    id: String,
    /// Judge as a certificate that a TLS client shows, not a server
    #[arg(long)]
    client: bool,
    /// A host name or address for which it shall be valid
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Judge by this trust set only, by name or number
    #[arg(long, value_name = "SET")]
    set: Option<String>,
    #[command(flatten)]
    through: Through,
}

impl Chain {
    /// Shows.
    ///
    /// # Errors
    /// When there is no such certificate.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let one = self.through.reach(target, &self.id).await?;
        let chains = target.get(&one.path("/chains", [])).await?;
        let usage = if self.client { "client" } else { "server" };
        let set = match &self.set {
            Some(set) => Some(find(target, PATH, NOUN, set).await?.to_string()),
            None => None,
        };
        let judged = one.path("/trust", [("usage", Some(usage.to_owned())), ("name", self.name), ("set", set)]);
        let answer = target.get(&judged).await?;
        let (trust, left_out) = (list(&answer["items"]).to_vec(), &answer["left_out"]);
        if output == Output::Json {
            return output::print(&output::json(&json!({ "chains": chains, "trust": trust, "left_out": left_out })));
        }
        output::print(&(paths(&chains) + &verdicts(&trust) + &not_judged(list(left_out))))
    }
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn paths(chains: &Json) -> String {
    let members = list(&chains["certificates"]);
    let member = |step: &Json| members.iter().find(|one| one["sha256"] == step["sha256"]).unwrap_or(&Json::Null);
    let mut out = String::new();
    for (number, path) in list(&chains["paths"]).iter().enumerate() {
        let ends = match (text(&path["end"]).as_str(), path["sound"] == true) {
            ("root", true) => "reaches a root",
            ("root", false) => "reaches a root, with problems",
            ("missing", _) => "incomplete",
            ("unfinished", _) => "incomplete: there are more authorities of the issuer's name than are looked at",
            ("loop", _) => "goes round in a circle",
            _ => "too long",
        };
        out.push_str(&format!("path {}: {ends}\n", number + 1));
        for step in list(&path["steps"]) {
            let one = member(step);
            let problems = list(&step["problems"]).iter().map(|problem| text(problem).replace('_', " ")).collect::<Vec<_>>();
            let problems = if problems.is_empty() { String::new() } else { format!("  !! {}", problems.join(", ")) };
            let subject = output::tame(&text(&one["subject"]));
            out.push_str(&format!("  {:>6}  {subject}  (until {}){problems}\n", text(&step["id"]), time(&one["not_after"])));
        }
        let missing = &path["missing"];
        if !missing.is_null() {
            out.push_str(&format!("          not held: {}\n", output::tame(&text(&missing["subject"]))));
            for url in list(&missing["urls"]) {
                out.push_str(&format!("          it can be had at {}\n", output::tame(&text(url))));
            }
        }
    }
    if chains["unfinished"] == true {
        out.push_str("There are more paths than these.\n");
    }
    out
}

fn verdicts(trust: &[Json]) -> String {
    let mut out = String::new();
    for verdict in trust {
        let set = output::tame(&text(&verdict["set"]["name"]));
        let reasons = list(&verdict["reasons"]).iter().map(|reason| output::tame(&text(reason))).collect::<Vec<_>>();
        match verdict["trusted"] == true {
            true => out.push_str(&format!("trusted by {set}\n")),
            false => out.push_str(&format!("not trusted by {set}: {}\n", reasons.join(" "))),
        }
    }
    out
}

/// Which trust sets were not looked at.
fn not_judged(left_out: &[Json]) -> String {
    let names = left_out.iter().map(|name| output::tame(&text(name))).collect::<Vec<_>>();
    match names.as_slice() {
        [] => String::new(),
        names => {
            format!("not looked at, since there are more than are judged at once (name one with --set): {}\n", names.join(", "))
        }
    }
}

const PATH: &str = "/trust-sets";
const NOUN: &str = "trust set";

/// Trust sets: named sets of authorities that somebody trusts
#[derive(clap::Subcommand)]
pub enum Trust {
    /// List trust sets
    List,
    /// List the certificates of a trust set
    Show {
        /// Its name or number
        #[arg(value_name = "SET")]
        set: String,
    },
    /// Add a trust set
    Add {
        /// What it is called
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        /// A certificate of an authority, by number or fingerprint; may be given several times
        #[arg(long = "certificate", value_name = "ID")]
        certificates: Vec<String>,
    },
    /// Add a trust set of the authorities in a file, importing them; by default those that this machine trusts
    Import {
        /// What it is called
        name: String,
        /// A file of certificates
        #[arg(value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
        file: std::path::PathBuf,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Remove a trust set; its certificates stay
    Remove {
        /// Its name or number
        #[arg(value_name = "SET")]
        set: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("certificates", |one| text(&one["members"])),
    ("description", |one| text(&one["description"])),
];

const MEMBERS: &[Column] =
    &[("id", |one| text(&one["id"])), ("subject", |one| text(&one["subject"])), ("expires", |one| time(&one["not_after"]))];

impl Trust {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Trust::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Trust::Show { set } => {
                let id = find(target, PATH, NOUN, &set).await?;
                print_list(&target.all(&format!("{PATH}/{id}/certificates")).await?, MEMBERS, output)
            }
            Trust::Add { name, description, certificates } => {
                let mut ids = Vec::with_capacity(certificates.len());
                for certificate in &certificates {
                    ids.push(certificates::find(target, certificate).await?);
                }
                add(target, &name, &description, &ids, output).await
            }
            Trust::Import { name, file, description } => {
                let shown = file.display().to_string();
                let content = std::fs::read_to_string(&file).map_err(|error| Failure::io(&shown, &error))?;
                let answer = target.put(Method::Post, "/certificates", &json!({ "content": content })).await?;
                let ids: Vec<i64> = list(&answer["items"]).iter().filter_map(|item| item["certificate"].as_i64()).collect();
                add(target, &name, &description, &ids, output).await
            }
            Trust::Remove { set } => {
                let id = find(target, PATH, NOUN, &set).await?;
                target.send(Method::Delete, &format!("{PATH}/{id}"), None).await?;
                print_done(&format!("trust set {set} is removed"), &json!({ "trust_set": id, "done": "removed" }), output)
            }
        }
    }
}

async fn add(target: &Target, name: &str, description: &str, ids: &[i64], output: Output) -> Result<(), Failure> {
    let input = json!({ "name": name, "description": description, "certificates": ids });
    let answer = target.put(Method::Post, PATH, &input).await?;
    let sentence = format!("trust set {name} is added as number {} with {} certificates", created(&answer), ids.len());
    print_done(&sentence, &answer, output)
}
