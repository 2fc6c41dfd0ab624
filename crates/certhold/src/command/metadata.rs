//! `certhold metadata …`: what is noted about certificates, and the fields for it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::certificates::find as find_certificate;
use super::{Column, created, find, print_done, print_list, print_one};
use crate::failure::Failure;
use crate::output::{Output, text};
use crate::target::{Method, Target};

const PATH: &str = "/metadata-fields";
const NOUN: &str = "metadata field";

/// What is noted about certificates, and the fields for it
#[derive(clap::Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one, read once from the command line")]
pub enum Metadata {
    /// The fields: names, types, rules
    #[command(subcommand)]
    Field(Field),
    /// Show what is noted about a certificate
    Show {
        /// The certificate: its number, or its SHA-256 fingerprint
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Change what is noted about a certificate; fields that are not named stay as they are
    Set {
        /// The certificate: its number, or its SHA-256 fingerprint
        #[arg(value_name = "ID")]
        id: String,
        /// Field and value; an empty value clears
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
    },
}

/// The fields: names, types, rules
#[derive(clap::Subcommand)]
pub enum Field {
    /// List the fields
    List,
    /// Show a field, and how many certificates have a value in it
    Show {
        /// Its name or number
        #[arg(value_name = "FIELD")]
        field: String,
    },
    /// Add a field
    Add {
        /// Letters, digits, _ and -, beginning with a letter
        name: String,
        #[command(flatten)]
        rules: Rules,
    },
    /// Change a field; what is not named stays as it is
    Change {
        /// Its name or number
        #[arg(value_name = "FIELD")]
        field: String,
        /// What it is called from now on
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        rules: Rules,
        /// Only say how many values would not fit
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove a field
    Remove {
        /// Its name or number
        #[arg(value_name = "FIELD")]
        field: String,
        /// Also when certificates have values in it, which are erased
        #[arg(long)]
        force: bool,
    },
}

/// What a field asks of its values.
#[derive(clap::Args)]
pub struct Rules {
    /// string, integer, date, boolean, multiple_choice, big_text or email
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What forms show beside it
    #[arg(long, value_name = "TEXT")]
    hint: Option<String>,
    /// A regular expression that values match somewhere; strings only
    #[arg(long, value_name = "REGEX")]
    validation: Option<String>,
    /// What is said when it does not match
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// What can be chosen; may be given several times
    #[arg(long = "option", value_name = "TEXT")]
    options: Vec<String>,
    /// The value of new certificates for which none is given
    #[arg(long, value_name = "VALUE")]
    default: Option<String>,
    /// optional, required or hidden
    #[arg(long, value_name = "SETTING")]
    enrolment: Option<String>,
    /// Fields are shown in ascending order
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    display_order: Option<i64>,
}

impl Rules {
    /// The field with these rules in the place of its own.
    fn over(self, field: &mut Json) {
        let texts = [
            ("type", self.kind),
            ("description", self.description),
            ("hint", self.hint),
            ("validation", self.validation),
            ("message", self.message),
            ("default", self.default),
            ("enrolment", self.enrolment),
        ];
        for (member, value) in texts {
            if let Some(value) = value {
                field[member] = value.into();
            }
        }
        if !self.options.is_empty() {
            field["options"] = self.options.into();
        }
        if let Some(order) = self.display_order {
            field["display_order"] = order.into();
        }
    }
}

/// `NAME=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// What is noted about a new certificate: `FIELD=VALUE`, each.
///
/// # Errors
/// When one is not written so.
pub fn noted(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let read = |text: &String| match text.split_once('=') {
        Some((field, value)) => Ok((field.to_owned(), value.to_owned())),
        None => Err(Failure::usage(format!("expected FIELD=VALUE, not {text:?}"))),
    };
    given.iter().map(read).collect()
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("type", |one| text(&one["type"])),
    ("enrolment", |one| text(&one["enrolment"])),
    ("default", |one| text(&one["default"])),
    ("options", |one| text(&one["options"])),
    ("description", |one| text(&one["description"])),
];

const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("type", |one| text(&one["type"])),
    ("description", |one| text(&one["description"])),
    ("hint", |one| text(&one["hint"])),
    ("validation", |one| text(&one["validation"])),
    ("message", |one| text(&one["message"])),
    ("options", |one| text(&one["options"])),
    ("default", |one| text(&one["default"])),
    ("enrolment", |one| text(&one["enrolment"])),
    ("certificates", |one| text(&one["certificates"])),
];

const VALUES: &[Column] = &[("field", |one| text(&one["field"])), ("value", |one| text(&one["value"]))];

impl Metadata {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Metadata::Field(field) => field.run(target, output).await,
            Metadata::Show { id } => {
                let id = find_certificate(target, &id).await?;
                let noted = target.get(&format!("/certificates/{id}/metadata")).await?;
                let row = |(field, value): (&String, &Json)| json!({ "field": field, "value": value });
                let rows: Vec<Json> = noted["metadata"].as_object().into_iter().flatten().map(row).collect();
                print_list(&rows, VALUES, output)
            }
            Metadata::Set { id, values } => {
                let id = find_certificate(target, &id).await?;
                let values: Map<String, Json> = values.into_iter().map(|(name, value)| (name, value.into())).collect();
                let body = json!({ "metadata": values });
                target.put(Method::Patch, &format!("/certificates/{id}/metadata"), &body).await?;
                let answer = json!({ "certificate": id, "metadata": values });
                print_done(&format!("what is noted about certificate {id} is changed"), &answer, output)
            }
        }
    }
}

impl Field {
    async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Field::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Field::Show { field } => {
                let id = find(target, PATH, NOUN, &field).await?;
                let mut one = target.get(&format!("{PATH}/{id}")).await?;
                one["certificates"] = target.get(&format!("{PATH}/{id}/usage")).await?["certificates"].take();
                print_one(&one, LINES, output)
            }
            Field::Add { name, rules } => {
                let mut input = json!({ "name": name, "type": "string" });
                rules.over(&mut input);
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("metadata field {name} is added as number {}", created(&answer)), &answer, output)
            }
            Field::Change { field, name, rules, dry_run } => change(target, &field, name, rules, dry_run, output).await,
            Field::Remove { field, force } => {
                let id = find(target, PATH, NOUN, &field).await?;
                let answer = target.send(Method::Delete, &format!("{PATH}/{id}?force={force}"), None).await?;
                if let Some(edit) = answer["bulk_edit"].as_i64() {
                    return super::bulk::follow(target, edit, output).await;
                }
                print_done(&format!("metadata field {field} is removed"), &json!({ "field": id, "done": "removed" }), output)
            }
        }
    }
}

async fn change(
    target: &Target,
    named: &str,
    name: Option<String>,
    rules: Rules,
    dry_run: bool,
    output: Output,
) -> Result<(), Failure> {
    let id = find(target, PATH, NOUN, named).await?;
    let mut field = target.get(&format!("{PATH}/{id}")).await?;
    if let Some(members) = field.as_object_mut() {
        members.remove("id");
        members.remove("removing");
    }
    // Options and expressions belong to one type each.
    if rules.kind.as_ref().is_some_and(|kind| field["type"] != kind.as_str()) {
        field["options"] = json!([]);
        field["validation"] = "".into();
        field["message"] = "".into();
    }
    if let Some(name) = name {
        field["name"] = name.into();
    }
    rules.over(&mut field);
    if dry_run {
        let found = target.put(Method::Post, &format!("{PATH}/{id}/conversion"), &field).await?;
        let sentence = format!("{} of {} values would not fit", text(&found["misfits"]), text(&found["values"]));
        return print_done(&sentence, &found, output);
    }
    target.put(Method::Put, &format!("{PATH}/{id}"), &field).await?;
    print_done(&format!("metadata field {named} is changed"), &json!({ "field": id, "done": "changed" }), output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_contain_equals_signs() {
        assert_eq!(pair("Team=a=b").unwrap(), ("Team".to_owned(), "a=b".to_owned()));
        assert_eq!(pair("Team=").unwrap(), ("Team".to_owned(), String::new()));
        assert!(pair("Team").is_err());
    }
}
