//! `certhold pattern …` and `certhold template …`: who may have which certificates issued, and by what rules.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::{Column, created, find, print_done, print_list, print_one, role};
use crate::failure::Failure;
use crate::output::{Output, text, time};
use crate::target::{Method, Target};

/// Where patterns are.
pub(super) const PATH: &str = "/enrolment-patterns";
pub(super) const NOUN: &str = "enrolment pattern";
const TEMPLATES: &str = "/certificate-templates";

/// Enrolment patterns: who may have which certificates issued by private authorities, and by what rules
#[derive(clap::Subcommand)]
pub enum Pattern {
    /// List the patterns
    List,
    /// Show a pattern; as JSON, with everything that "set --file" takes
    Show {
        /// Its name or number
        #[arg(value_name = "PATTERN")]
        pattern: String,
    },
    /// Add a pattern
    Add {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        /// What its certificates are for: server, client, server_client, mail or code_signing
        #[arg(long, value_name = "TEMPLATE", default_value = "server")]
        template: String,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Change a pattern; what is not given stays
    Set {
        /// Its name or number
        #[arg(value_name = "PATTERN")]
        pattern: String,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Another template
        #[arg(long, value_name = "TEMPLATE")]
        template: Option<String>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Remove a pattern
    Remove {
        /// Its name or number
        #[arg(value_name = "PATTERN")]
        pattern: String,
        /// Also when certificates were issued with it: they forget it
        #[arg(long)]
        force: bool,
    },
}

/// What a pattern asks.
#[derive(clap::Args)]
pub struct Settings {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// From which private authority it issues: name or number; "" lets whoever enrols choose
    #[arg(long, value_name = "AUTHORITY")]
    authority: Option<String>,
    /// A role whose holders may use it, in place of those before; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Whether requests that name the template alone mean it, in place of another pattern
    #[arg(long, value_name = "YES|NO", value_parser = clap::builder::BoolishValueParser::new())]
    default: Option<bool>,
    /// The ways to ask: pfx, csr, csr_generation; comma-separated
    #[arg(long, value_name = "WAYS", value_delimiter = ',')]
    kinds: Option<Vec<String>>,
    /// How many days a certificate lives when nobody says; 0: as the template says
    #[arg(long, value_name = "DAYS")]
    days: Option<i64>,
    /// How many days at most; 0: as the template says
    #[arg(long, value_name = "DAYS")]
    most_days: Option<i64>,
    /// The keys that certificates may have, such as p256,rsa3072; "" for every one
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    keys: Option<Vec<String>>,
    /// What is asked of owners: optional, required, or hidden (then nobody names one)
    #[arg(long, value_name = "POLICY")]
    owner_policy: Option<String>,
    /// Who owns what is issued when nobody is named: name or number; "" for nobody
    #[arg(long, value_name = "ROLE")]
    default_owner: Option<String>,
    /// Whether somebody else than the default owner may be named
    #[arg(long, value_name = "YES|NO", value_parser = clap::builder::BoolishValueParser::new())]
    owner_override: Option<bool>,
    /// A file with these settings and all others, as the API takes them: JSON; other options go over it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

const COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("template", |one| text(&one["template"])),
    ("default", |one| text(&one["is_default"])),
    ("authority", |one| text(&one["authority_name"])),
    ("roles", roles),
    ("description", |one| text(&one["description"])),
];
const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("description", |one| text(&one["description"])),
    ("template", |one| text(&one["template"])),
    ("default", |one| text(&one["is_default"])),
    ("authority", |one| text(&one["authority_name"])),
    ("roles", roles),
    ("ways", |one| words(&one["kinds"])),
    ("days", |one| text(&one["days"])),
    ("days at most", |one| text(&one["most_days"])),
    ("keys", |one| words(&one["keys"])),
    ("wildcards", |one| text(&one["wildcards"])),
    ("key reuse", |one| text(&one["key_reuse"])),
    ("names needed", |one| text(&one["rfc"])),
    ("parts", |one| members(&one["parts"], "part")),
    ("owner", |one| text(&one["owner_policy"])),
    ("default owner", |one| text(&one["default_owner_name"])),
    ("another owner", |one| text(&one["owner_override"])),
    ("metadata fields", |one| members(&one["metadata"], "field")),
    ("created", |one| time(&one["created_at"])),
];

fn roles(one: &Json) -> String {
    members(&one["roles"], "name")
}

fn words(list: &Json) -> String {
    list.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ")
}

fn members(list: &Json, member: &str) -> String {
    list.as_array().into_iter().flatten().map(|one| text(&one[member])).collect::<Vec<_>>().join(", ")
}

/// A pattern that was read, as the API takes it.
fn as_input(mut known: Json) -> Json {
    if let Some(pattern) = known.as_object_mut() {
        for shown in ["id", "authority_name", "default_owner_name", "created_at"] {
            pattern.remove(shown);
        }
        let numbers = pattern.get("roles").and_then(Json::as_array).into_iter().flatten();
        let numbers = numbers.map(|role| if role.is_object() { role["id"].clone() } else { role.clone() }).collect();
        pattern.insert("roles".into(), Json::Array(numbers));
    }
    known
}

fn read(path: &Path) -> Result<Json, Failure> {
    let content = std::fs::read_to_string(path).map_err(|error| Failure::io(path.display(), &error))?;
    let found: Json =
        serde_json::from_str(&content).map_err(|error| Failure::usage(format!("{} is not JSON: {error}", path.display())))?;
    if found.is_object() { Ok(found) } else { Err(Failure::usage(format!("{} is not an object", path.display()))) }
}

impl Settings {
    /// What was known, with what is given over it.
    async fn over(self, target: &Target, known: Json) -> Result<Json, Failure> {
        let mut input = match &self.file {
            Some(path) => as_input(read(path)?),
            None => known.clone(),
        };
        if self.file.is_some() {
            // The name and the template of the command line, or those that are there.
            for member in ["name", "template"] {
                if input[member].is_null() {
                    input[member] = known[member].clone();
                }
            }
        }
        let authorities = super::authority::PATH;
        let found = |path, noun, named: String| async move {
            if named.is_empty() { Ok(Json::Null) } else { find(target, path, noun, &named).await.map(Json::from) }
        };
        let some = |days: i64| if days == 0 { Json::Null } else { Json::from(days) };
        let filled = |list: Vec<String>| Json::from(list.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>());
        let mut put = |member: &str, value: Option<Json>| {
            if let Some(value) = value {
                input[member] = value;
            }
        };
        put("description", self.description.map(Json::from));
        if let Some(named) = self.authority {
            put("authority", Some(found(authorities, "private authority", named).await?));
        }
        if let Some(named) = self.default_owner {
            put("default_owner", Some(found(role::PATH, "role", named).await?));
        }
        if !self.roles.is_empty() {
            let mut numbers = Vec::new();
            for named in self.roles {
                numbers.push(find(target, role::PATH, "role", &named).await?);
            }
            put("roles", Some(Json::from(numbers)));
        }
        put("is_default", self.default.map(Json::from));
        put("take_default", self.default.map(Json::from));
        put("kinds", self.kinds.map(filled));
        put("days", self.days.map(some));
        put("most_days", self.most_days.map(some));
        put("keys", self.keys.map(filled));
        put("owner_policy", self.owner_policy.map(Json::from));
        put("owner_override", self.owner_override.map(Json::from));
        Ok(input)
    }
}

impl Pattern {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Pattern::List => print_list(&target.all(PATH).await?, COLUMNS, output),
            Pattern::Show { pattern } => {
                let id = find(target, PATH, NOUN, &pattern).await?;
                print_one(&target.get(&format!("{PATH}/{id}")).await?, LINES, output)
            }
            Pattern::Add { name, template, settings } => {
                let mut input = settings.over(target, json!({ "name": name, "template": template })).await?;
                input["name"] = json!(name);
                let answer = target.put(Method::Post, PATH, &input).await?;
                print_done(&format!("pattern {name} is added as number {}", created(&answer)), &answer, output)
            }
            Pattern::Set { pattern, name, template, settings } => {
                let id = find(target, PATH, NOUN, &pattern).await?;
                let known = as_input(target.get(&format!("{PATH}/{id}")).await?);
                let mut input = settings.over(target, known).await?;
                for (member, value) in [("name", name), ("template", template)] {
                    if let Some(value) = value {
                        input[member] = json!(value);
                    }
                }
                target.put(Method::Put, &format!("{PATH}/{id}"), &input).await?;
                print_done(&format!("pattern {pattern} is changed"), &json!({ "pattern": id, "done": "changed" }), output)
            }
            Pattern::Remove { pattern, force } => {
                let id = find(target, PATH, NOUN, &pattern).await?;
                let how = if force { "?force=true" } else { "" };
                target.send(Method::Delete, &format!("{PATH}/{id}{how}"), None).await?;
                print_done(&format!("pattern {pattern} is removed"), &json!({ "pattern": id, "done": "removed" }), output)
            }
        }
    }
}

/// Certificate templates: the profiles of private authorities, and what is asked of all their certificates
#[derive(clap::Subcommand)]
pub enum Template {
    /// List the templates
    List,
    /// Say what is asked of the owners of a template's certificates
    Set {
        /// Its name or number: server, client, server_client, mail or code_signing
        #[arg(value_name = "TEMPLATE")]
        template: String,
        /// optional, or required: then every certificate needs an owner, which can be changed but not cleared
        #[arg(long, value_name = "POLICY")]
        owner_policy: String,
    },
}

const TEMPLATE_COLUMNS: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("name", |one| text(&one["name"])),
    ("title", |one| text(&one["title"])),
    ("days", |one| text(&one["days"])),
    ("days at most", |one| text(&one["most_days"])),
    ("owner", |one| text(&one["owner_policy"])),
];

impl Template {
    /// Does it.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        match self {
            Template::List => print_list(&target.all(TEMPLATES).await?, TEMPLATE_COLUMNS, output),
            Template::Set { template, owner_policy } => {
                let id = find(target, TEMPLATES, "template", &template).await?;
                target.put(Method::Put, &format!("{TEMPLATES}/{id}"), &json!({ "owner_policy": owner_policy })).await?;
                print_done(&format!("template {template} is changed"), &json!({ "template": id, "done": "changed" }), output)
            }
        }
    }
}
