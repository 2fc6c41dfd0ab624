//! `certhold convert`: from one file format to another, without a server and without a data directory.

use std::path::PathBuf;

use certhold_domain::{Clock, Entropy};
use certhold_outside::keys::SystemEntropy;
use certhold_pki::{Bundle, Entry, Facts, FoundKey, OutputFormat, Reading, order_chain};
use serde_json::json;
use zeroize::Zeroizing;

use super::print_done;
use crate::failure::Failure;
use crate::opening::SystemClock;
use crate::output::Output;
use crate::{new_file, secrets};

/// Convert certificates and private keys to another file format
///
/// Reads PEM, DER, PKCS#7, PKCS#12, Java keystores and keys in any form; what each file is, its content says. Keys are put
/// together with their certificates and chains.
#[derive(clap::Args)]
pub struct Convert {
    /// Files to read
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// pem, der, pkcs7, pkcs7-der, pkcs12, pkcs12-legacy or jks
    #[arg(long, value_name = "FORMAT")]
    to: String,
    /// File to write: readable by its owner only, and never over an existing one
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// File with the password of what is read; give it several times for several passwords
    #[arg(long, value_name = "FILE")]
    password_file: Vec<PathBuf>,
    /// File with the password of what is written; asked for where the format needs one
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Leave private keys out
    #[arg(long)]
    no_keys: bool,
}

impl Convert {
    /// Converts.
    ///
    /// # Errors
    /// When a file cannot be read, holds nothing that can be converted, or the format cannot hold it.
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let format = OutputFormat::parse(&self.to).ok_or_else(|| {
            let names: Vec<&str> = OutputFormat::ALL.iter().map(|format| format.name()).collect();
            Failure::usage(format!("{:?} is no format; choose one of {}", self.to, names.join(", ")))
        })?;
        new_file::require_absent(&self.file)?;
        let mut bundles = self.read()?;
        if self.no_keys {
            bundles.iter_mut().for_each(|bundle| bundle.keys.clear());
        }
        let (keys, certificates): (Vec<_>, Vec<_>) = bundles.into_iter().map(|bundle| (bundle.keys, bundle.certificates)).unzip();
        let (keys, certificates) = (keys.concat(), certificates.concat());
        let password = match (&self.new_password_file, format.needs_password()) {
            (None, false) => None,
            (file, _) => Some(secrets::new_password(file.as_deref())?),
        };
        let entries = entries(&keys, &certificates);
        let random = &mut |out: &mut [u8]| SystemEntropy.fill(out);
        let bytes = certhold_pki::write(format, &entries, password.as_ref().map(|text| text.as_str()), SystemClock.now(), random);
        new_file::write(&self.file, &bytes.map_err(|error| Failure::new(error.to_string()))?)?;
        let sentence = format!(
            "{}: {} with {} and {}",
            self.file.display(),
            format.describe(),
            count(certificates.len(), "certificate"),
            count(keys.len(), "private key")
        );
        let object = json!({ "file": self.file, "format": format.name(), "certificates": certificates.len(),
            "private_keys": keys.len() });
        print_done(&sentence, &object, output)
    }

    /// Everything in the files; a part that cannot be read is an error, because a conversion that loses something is none.
    fn read(&self) -> Result<Vec<Bundle>, Failure> {
        let passwords: Vec<Zeroizing<String>> =
            self.password_file.iter().map(|file| secrets::from_file(file)).collect::<Result<_, _>>()?;
        let mut reading = Reading::new(passwords.iter().map(|password| password.as_str()));
        let mut bundles = Vec::new();
        for file in &self.files {
            let bytes = Zeroizing::new(std::fs::read(file).map_err(|error| Failure::io(file.display(), &error))?);
            let shown = file.display();
            let bundle = reading.read(&bytes).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
            if let Some(refused) = bundle.refused.first() {
                let place = if refused.place.is_empty() { String::new() } else { format!("{}: ", refused.place) };
                return Err(Failure::new(format!("{shown}: {place}{}", refused.reason)));
            }
            if bundle.certificates.is_empty() && bundle.keys.is_empty() {
                return Err(Failure::new(format!("{shown}: this is {}", bundle.summary())));
            }
            bundles.push(bundle);
        }
        Ok(bundles)
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Each key with its certificate and that one's chain; then every certificate that is in none of these.
fn entries<'a>(keys: &'a [FoundKey], certificates: &'a [certhold_pki::Found]) -> Vec<Entry<'a>> {
    let mut all: Vec<&[u8]> = Vec::new();
    for found in certificates {
        if !all.contains(&&found.der[..]) {
            all.push(&found.der);
        }
    }
    let alias_of = |der: &[u8]| certificates.iter().find(|found| found.der == der).and_then(|found| found.alias.clone());
    let mut names = Names::default();
    let (mut entries, mut used) = (Vec::new(), Vec::new());
    for found in keys {
        let leaf = all.iter().copied().find(|der| found.key.matches(der).unwrap_or(false));
        let chain: Vec<&[u8]> = leaf.map(|leaf| in_order(leaf, &all)).unwrap_or_default();
        used.extend(chain.iter().copied());
        let alias = found.alias.clone().or_else(|| leaf.and_then(alias_of)).or_else(|| leaf.and_then(common_name));
        entries.push(Entry { alias: names.distinct(alias), key: Some(&found.key), certificates: chain });
    }
    for der in all.into_iter().filter(|der| !used.contains(der)) {
        let alias = alias_of(der).or_else(|| common_name(der));
        entries.push(Entry { alias: names.distinct(alias), key: None, certificates: vec![der] });
    }
    entries
}

/// The certificate and those that issued it, of `all`.
fn in_order<'a>(leaf: &'a [u8], all: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let chain = order_chain(leaf, all);
    chain.iter().filter_map(|der| all.iter().copied().find(|one| one == der)).collect()
}

fn common_name(der: &[u8]) -> Option<String> {
    Facts::of(der).ok()?.common_name
}

/// Names of entries, each once, letter case aside.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn distinct(&mut self, wanted: Option<String>) -> String {
        let base = wanted.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "entry".to_owned());
        let mut name = base.clone();
        let mut number = 1;
        while self.0.contains(&name.to_lowercase()) {
            number += 1;
            name = format!("{base} {number}");
        }
        self.0.push(name.to_lowercase());
        name
    }
}
