//! `certhold findings`, `certhold lint`: the rules, and what they say of files.

use std::path::PathBuf;

use certhold_pki::findings::{self, Finding, Severity};
use serde_json::{Value as Json, json};

use super::{Column, print_list};
use crate::failure::Failure;
use crate::output::{self, Output, text};
use crate::target::Target;

/// List the rules by which certificates are judged
#[derive(clap::Args)]
pub struct Findings {
    /// Only rules of this severity: error, warning, notice or info
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::parse(word).ok_or_else(|| "a severity is error, warning, notice or info".to_owned())
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("severity", |one| text(&one["severity"])),
    ("certificates", |one| text(&one["certificates"])),
    ("what is wrong", |one| text(&one["title"])),
    ("where it is written", |one| text(&one["citation"])),
];

impl Findings {
    /// Lists.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let wanted = |rule: &Json| self.severity.is_none_or(|severity| rule["severity"] == severity.as_str());
        let rules: Vec<Json> = target.all("/findings").await?.into_iter().filter(wanted).collect();
        print_list(&rules, COLUMNS, output)
    }
}

/// Judge certificates in files by the rules of findings, without importing them
///
/// Needs no server and no data directory. Fails when a rule of severity error is broken.
#[derive(clap::Args)]
pub struct Lint {
    /// Files with certificates in any format
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The password of encrypted files
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Lint {
    /// Judges.
    ///
    /// # Errors
    /// When a file cannot be read, holds no certificate, or holds one with an error.
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let password = self.password_file.as_deref().map(password).transpose()?;
        let (mut items, mut errors) = (Vec::new(), 0);
        for file in &self.files {
            let name = file.display().to_string();
            let content = std::fs::read(file).map_err(|error| Failure::io(&name, &error))?;
            let found = certhold_pki::read(&content, password.as_deref());
            let found = found.map_err(|error| Failure::new(format!("{name}: {error}")))?;
            if found.certificates.is_empty() {
                return Err(Failure::new(format!("{name}: there is no certificate in it")));
            }
            for certificate in found.certificates {
                let all = findings::of(&certificate.der).map_err(|error| Failure::new(format!("{name}: {error}")))?;
                errors += all.iter().filter(|finding| finding.rule.severity == Severity::Error).count();
                let subject = certhold_pki::Facts::of(&certificate.der).map(|facts| facts.subject).unwrap_or_default();
                items.push(json!({ "file": name, "place": certificate.place, "subject": subject,
                    "findings": all.iter().map(told).collect::<Vec<_>>() }));
            }
        }
        match output {
            Output::Json => output::print(&output::json(&items))?,
            Output::Csv => output::print(&output::csv(&items))?,
            Output::Table => items.iter().try_for_each(|item| output::print(&sheet(item)))?,
        }
        match errors {
            0 => Ok(()),
            1 => Err(Failure::new("there is 1 error".to_owned())),
            more => Err(Failure::new(format!("there are {more} errors"))),
        }
    }
}

fn password(file: &std::path::Path) -> Result<String, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::io(&name, &error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn told(finding: &Finding) -> Json {
    json!({ "rule": finding.rule.id, "severity": finding.rule.severity.as_str(), "sentence": finding.sentence,
        "remedy": finding.rule.remedy, "citation": finding.rule.citation(), "url": finding.rule.source.url() })
}

fn sheet(item: &Json) -> String {
    let tame = |value: &Json| output::tame(&text(value));
    let mut out = format!("{}, {}: {}\n", tame(&item["file"]), tame(&item["place"]), tame(&item["subject"]));
    let all = item["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        out.push_str("  nothing found\n");
    }
    for finding in all {
        out.push_str(&lines(finding));
    }
    out
}

/// One finding as lines for people.
pub(super) fn lines(finding: &Json) -> String {
    let tame = |member: &str| output::tame(&text(&finding[member]));
    format!(
        "  {:<7} {}: {}\n          {} ({})\n",
        tame("severity"),
        tame("rule"),
        tame("sentence"),
        tame("remedy"),
        tame("citation")
    )
}
