//! `/patterns`: enrolment patterns, and who asks for owners.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::{self, paths, roles};
use certhold_domain::enrolment::{self, Kind, Kinds, OwnerRule, OwnerTerms, PARTS, PartRule, Pattern, PatternCommand, Rules};
use certhold_domain::metadata::{self, Enrolment, Field, FieldType, Override};
use certhold_domain::ownership::{self, Candidate, OwnerPolicy};
use certhold_domain::private_ca::{self, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{Actor, AuthorityId, PatternId, Refusal, Result as DomainResult, RoleId};
use certhold_store::Tx;

use super::Ids;
use crate::state::App;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Complaint, Sent};
use crate::web::shared::holds;
use crate::web::show::choices;
use crate::web::view::form::{Check, Choice, Input, Select};
use crate::web::view::frame::Section;
use crate::web::view::private_ca::{FieldRow, PartRow, PatternForm, PatternPage, PatternRow, PatternsPage, TemplateRow};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/patterns", get(list))
        .route("/patterns/new", get(show_new).post(create))
        .route("/patterns/owner-policy", post(set_policy))
        .route("/patterns/templates/{id}", post(set_template))
        .route("/patterns/{id}", get(show).post(update))
        .route("/patterns/{id}/remove", post(remove))
}

/// What the policies of owners are called.
const POLICIES: [(OwnerRule, &str); 3] =
    [(OwnerRule::Optional, "Optional"), (OwnerRule::Required, "Required"), (OwnerRule::Hidden, "Not asked for")];

fn policy_words(rule: OwnerRule) -> &'static str {
    POLICIES.iter().find(|(known, _)| *known == rule).map_or("", |(_, words)| words)
}

async fn list(visit: Visit) -> Result<Response, Refused> {
    let read = visit.read(|tx, actor| {
        let may = |path: &str| holds(&actor.access, path);
        let templates = if may(paths::TEMPLATES_READ) { enrolment::templates(tx, actor)? } else { Vec::new() };
        let rights = (may(paths::PATTERNS_MODIFY), may(paths::SYSTEM_MODIFY), may(paths::TEMPLATES_MODIFY));
        Ok((enrolment::list(tx, actor)?, ownership::policy(tx)?, templates, rights))
    });
    let (viewer, (all, policy, templates, (may_change, may_set, may_change_templates))) = read.await?;
    let row = |pattern: Pattern| PatternRow {
        href: format!("/patterns/{}", pattern.id),
        authority: pattern.authority_name.unwrap_or_default(),
        roles: pattern.role_names.join(", "),
        owner: policy_words(pattern.settings.owner.policy),
        template: pattern.settings.template.title().to_owned(),
        is_default: pattern.settings.is_default,
        name: pattern.settings.name,
        description: pattern.settings.description,
    };
    let policies = [(OwnerPolicy::Optional, "an owner is optional"), (OwnerPolicy::Required, "an owner is required")];
    let offered = Select::of(policies.iter().map(|(policy, words)| Choice::new(policy.name(), *words)).collect());
    let says = policies.iter().find(|(known, _)| *known == policy).map_or("", |(_, words)| words);
    let template = |one: enrolment::Template| TemplateRow {
        number: one.number,
        name: one.profile.title().to_owned(),
        required: one.owner_policy == OwnerRule::Required,
    };
    let page = PatternsPage {
        frame: visit.frame("Enrolment patterns", Section::Patterns, viewer),
        rows: all.into_iter().map(row).collect(),
        may_change,
        installation: may_set.then(|| offered.choose(policy.name())),
        installation_says: says.to_owned(),
        templates: templates.into_iter().map(template).collect(),
        may_change_templates,
    };
    visit.ok(&page)
}

async fn set_policy(sent: Sent) -> Result<Response, Refused> {
    let outcome = match OwnerPolicy::parse(sent.fields.text("owner_policy")) {
        Ok(policy) => sent.author.write(move |tx, actor, now| ownership::set_policy(tx, actor, policy, now)).await,
        Err(_) => return Err(sent.author.malformed("Choose one of the policies that are offered.")),
    };
    sent.author.done_or_said("/patterns", outcome, "The policy of owners was saved.")
}

async fn set_template(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let number = ids.first();
    let Ok(rule) = OwnerRule::parse(sent.fields.text("owner_policy")) else {
        return Err(sent.author.malformed("Choose one of the policies that are offered."));
    };
    let outcome = sent.author.write(move |tx, actor, now| {
        let template = enrolment::template_to_change(tx, actor, number)?;
        enrolment::set_template(tx, actor, template.profile, rule, now)
    });
    sent.author.done_or_said("/patterns", outcome.await, "The template was saved.")
}

/// What the form is made from.
struct Found {
    pattern: Option<Pattern>,
    authorities: Vec<(i64, String)>,
    roles: Vec<(RoleId, String)>,
    fields: Vec<Field>,
    may_change: bool,
}

fn find(tx: &mut Tx<'_>, actor: &Actor, id: Option<PatternId>, now: i64) -> DomainResult<Found> {
    let pattern = match id {
        Some(id) => Some(enrolment::get_to_change(tx, actor, id)?),
        None => {
            access::require_path(tx, actor, paths::PATTERNS_MODIFY)?;
            None
        }
    };
    let mut authorities: Vec<(i64, String)> = match holds(&actor.access, paths::ISSUERS_READ) {
        true => private_ca::list(tx, actor)?
            .into_iter()
            .filter(|one| one.active && one.not_after > now)
            .map(|one| (one.id.0, one.name))
            .collect(),
        false => Vec::new(),
    };
    let mut known: Vec<(RoleId, String)> = match holds(&actor.access, paths::SECURITY_READ) {
        true => roles::list(tx, actor)?.into_iter().map(|role| (role.id, role.name)).collect(),
        false => roles::assignable(tx, actor)?,
    };
    // What the pattern names stays to be chosen, whatever the viewer may see.
    if let Some(pattern) = &pattern {
        let settings = &pattern.settings;
        let own = settings.authority.zip(pattern.authority_name.clone()).map(|(id, name)| (id.0, name));
        authorities.extend(own.filter(|(id, _)| !authorities.iter().any(|(known, _)| known == id)));
        let named = settings.roles.iter().copied().zip(pattern.role_names.iter().cloned());
        let owner = settings.owner.default.zip(pattern.owner_name.clone());
        for (id, name) in named.chain(owner) {
            if !known.iter().any(|(role, _)| *role == id) {
                known.push((id, name));
            }
        }
    }
    let fields = metadata::list(tx, actor)?.into_iter().filter(|field| !field.removing).collect();
    let may_change = holds(&actor.access, paths::PATTERNS_MODIFY);
    Ok(Found { pattern, authorities, roles: known, fields, may_change })
}

/// The form's fields as they stand in a pattern.
fn known(settings: &PatternCommand) -> Fields {
    let rules = &settings.rules;
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    add("name", settings.name.clone());
    add("description", settings.description.clone());
    add("template", settings.template.name().to_owned());
    add("is_default", settings.is_default.to_string());
    add("authority", number(settings.authority.map(|id| id.0)));
    settings.roles.iter().for_each(|role| add("role", role.to_string()));
    for (kind, name, _) in KINDS {
        if rules.kinds.allow(kind) {
            add("kind", name.to_owned());
        }
    }
    add("days", number(rules.days));
    add("most_days", number(rules.most_days));
    rules.keys.iter().for_each(|kind| add("key", kind.name().to_owned()));
    add("wildcards", rules.wildcards.to_string());
    add("key_reuse", rules.key_reuse.to_string());
    add("rfc", rules.rfc.to_string());
    for rule in &rules.parts {
        add(&format!("default-{}", rule.part), rule.default.clone());
        add(&format!("regex-{}", rule.part), rule.regex.clone());
        add(&format!("message-{}", rule.part), rule.message.clone());
    }
    add("owner_policy", settings.owner.policy.name().to_owned());
    add("default_owner", number(settings.owner.default.map(|role| role.0)));
    add("owner_override", settings.owner.overridable.to_string());
    for other in &settings.fields {
        add(&format!("field-{}", other.field), other.enrolment.name().to_owned());
        add(&format!("value-{}", other.field), other.default.clone());
        add(&format!("check-{}", other.field), other.validation.clone());
        add(&format!("words-{}", other.field), other.message.clone());
    }
    Fields::of(all)
}

/// The ways of enrolling, with what boxes call them.
const KINDS: [(Kind, &str, &str); 3] = [
    (Kind::Pfx, "pfx", "With a key that is made here"),
    (Kind::Csr, "csr", "For a signing request"),
    (Kind::CsrGeneration, "csr_generation", "With a signing request that is made here"),
];

fn boxes<'a>(all: impl Iterator<Item = (String, &'a str)>, ticked: &[String]) -> Vec<Choice> {
    all.map(|(value, label)| {
        let mut choice = Choice::new(value.clone(), label);
        choice.is_chosen = ticked.contains(&value);
        choice
    })
    .collect()
}

fn part_row((place, (code, name)): (usize, &(&'static str, &'static str)), sent: &Fields) -> PartRow {
    let text = |what: &str| sent.text(&format!("{what}-{code}")).to_owned();
    // The first seven are parts of the subject.
    PartRow { code, name, has_default: place < 7, default: text("default"), regex: text("regex"), message: text("message") }
}

fn field_row(field: &Field, sent: &Fields) -> FieldRow {
    let text = |what: &str| sent.text(&format!("{what}-{}", field.id)).to_owned();
    let own = Choice::new("", "As the field asks by itself");
    let names = [("optional", "Optional"), ("required", "Required"), ("hidden", "Not to be given")];
    let enrolment = std::iter::once(own).chain(names.iter().map(|(name, label)| Choice::new(*name, *label))).collect();
    FieldRow {
        id: field.id.0,
        name: field.name.clone(),
        enrolment: Select::of(enrolment).choose(&text("field")),
        default: text("value"),
        has_regex: field.kind == FieldType::String,
        regex: text("check"),
        message: text("words"),
    }
}

fn form(found: &Found, sent: &Fields, complaint: Option<Complaint>) -> PatternForm {
    let input = |name: &str| Input::of(sent.text(name));
    let check = |name: &str| Check::of(sent.is_ticked(name));
    let templates = Profile::ALL.iter().map(|row| Choice::new(row.0, row.1)).collect();
    let any = std::iter::once(Choice::new("", "Whichever is named"));
    let authorities = found.authorities.iter().map(|(id, name)| Choice::new(id.to_string(), name));
    let owner = |(role, name): &(RoleId, String)| Candidate { role: *role, name: name.clone(), barred: None };
    let owners: Vec<Candidate> = found.roles.iter().map(owner).collect();
    let policies = POLICIES.iter().map(|(rule, words)| Choice::new(rule.name(), *words)).collect();
    let mut form = PatternForm {
        error: None,
        name: input("name"),
        description: input("description"),
        template: Select::of(templates).choose(sent.text("template")),
        is_default: check("is_default"),
        authority: Select::of(any.chain(authorities).collect()).choose(sent.text("authority")),
        roles: boxes(found.roles.iter().map(|(id, name)| (id.to_string(), name.as_str())), &sent.all("role")),
        kinds: boxes(KINDS.iter().map(|(_, name, label)| ((*name).to_owned(), *label)), &sent.all("kind")),
        days: input("days"),
        most_days: input("most_days"),
        keys: boxes(KeyKind::ALL.iter().map(|(name, label, _)| ((*name).to_owned(), *label)), &sent.all("key")),
        wildcards: check("wildcards"),
        key_reuse: check("key_reuse"),
        rfc: check("rfc"),
        parts: PARTS.iter().enumerate().map(|part| part_row(part, sent)).collect(),
        parts_error: None,
        owner_policy: Select::of(policies).choose(sent.text("owner_policy")),
        default_owner: choices::owners(&owners, sent.text("default_owner")),
        owner_override: check("owner_override"),
        fields: found.fields.iter().map(|field| field_row(field, sent)).collect(),
        fields_error: None,
    };
    if let Some(complaint) = complaint {
        let mut places = [
            ("name", &mut form.name.error),
            ("description", &mut form.description.error),
            ("days", &mut form.days.error),
            ("most_days", &mut form.most_days.error),
            ("authority", &mut form.authority.error),
            ("subject", &mut form.parts_error),
            ("metadata", &mut form.fields_error),
            ("default_owner", &mut form.default_owner.error),
            ("owner_policy", &mut form.owner_policy.error),
        ];
        complaint.place(&mut form.error, &mut places);
    }
    form
}

async fn show(visit: Visit, ids: Ids) -> Result<Response, Refused> {
    page(&visit, Some(PatternId(ids.first())), StatusCode::OK, None).await
}

async fn show_new(visit: Visit) -> Result<Response, Refused> {
    page(&visit, None, StatusCode::OK, None).await
}

async fn page(
    visit: &Visit,
    id: Option<PatternId>,
    status: StatusCode,
    refused: Option<(&Fields, Complaint)>,
) -> Result<Response, Refused> {
    let now = visit.app.now();
    let (viewer, found) = visit.read(move |tx, actor| find(tx, actor, id, now)).await?;
    let fresh = || {
        let ticked = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let kinds = KINDS.iter().map(|(_, name, _)| ticked("kind", name));
        Fields::of(kinds.chain([ticked("rfc", "true"), ticked("owner_override", "true"), ticked("template", "server")]).collect())
    };
    let form = match refused {
        Some((sent, complaint)) => form(&found, sent, Some(complaint)),
        None => {
            let fields = found.pattern.as_ref().map_or_else(fresh, |pattern| known(&pattern.settings));
            form(&found, &fields, None)
        }
    };
    let title = found.pattern.as_ref().map_or("New pattern", |pattern| &pattern.settings.name);
    let frame = visit.frame(title, Section::Patterns, viewer).below("Enrolment patterns", "/patterns");
    Ok(visit.page(status, &PatternPage { frame, id: id.map(|id| id.0), may_change: found.may_change, form }))
}

fn typed(fields: &Fields, name: &'static str) -> Result<Option<i64>, Refusal> {
    let Some(text) = fields.given(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Refusal::invalid(name, "give a number of days"))
}

fn rules(sent: &Fields) -> DomainResult<Rules> {
    let ticked = sent.all("kind");
    let has = |kind: Kind| KINDS.iter().any(|row| row.0 == kind && ticked.iter().any(|name| name == row.1));
    let keys = sent.all("key");
    let part = |(code, _): &(&str, &str)| PartRule {
        part: (*code).to_owned(),
        default: sent.text(&format!("default-{code}")).to_owned(),
        regex: sent.text(&format!("regex-{code}")).to_owned(),
        message: sent.text(&format!("message-{code}")).to_owned(),
    };
    Ok(Rules {
        kinds: Kinds { pfx: has(Kind::Pfx), csr: has(Kind::Csr), csr_generation: has(Kind::CsrGeneration) },
        days: typed(sent, "days")?,
        most_days: typed(sent, "most_days")?,
        keys: keys.iter().map(|name| KeyKind::parse(name)).collect::<Result<_, _>>()?,
        wildcards: sent.is_ticked("wildcards"),
        key_reuse: sent.is_ticked("key_reuse"),
        rfc: sent.is_ticked("rfc"),
        parts: PARTS.iter().map(part).collect(),
    })
}

fn overrides(sent: &Fields, fields: &[Field]) -> DomainResult<Vec<Override>> {
    let asked = fields.iter().filter(|field| !sent.text(&format!("field-{}", field.id)).is_empty());
    let read = |field: &Field| {
        let text = |what: &str| sent.text(&format!("{what}-{}", field.id)).to_owned();
        let enrolment = Enrolment::parse(&text("field"))?;
        Ok(Override { field: field.id, enrolment, default: text("value"), validation: text("check"), message: text("words") })
    };
    asked.map(read).collect()
}

/// The command that was sent. The order of keys, which the boxes do not show, stays where the same keys are ticked.
fn command(sent: &Sent, found: &Found) -> Result<DomainResult<PatternCommand>, Refused> {
    let (authority, owner) = (sent.number("authority")?.map(AuthorityId), sent.number("default_owner")?.map(RoleId));
    let roles = sent.numbers("role")?.into_iter().map(RoleId).collect();
    let fields = &sent.fields;
    let read = || {
        let mut rules = rules(fields)?;
        if let Some(before) = found.pattern.as_ref().map(|pattern| &pattern.settings.rules.keys) {
            let same = before.len() == rules.keys.len() && before.iter().all(|kind| rules.keys.contains(kind));
            rules.keys = if same { before.clone() } else { rules.keys };
        }
        Ok(PatternCommand {
            name: fields.text("name").to_owned(),
            description: fields.text("description").to_owned(),
            template: Profile::parse(fields.text("template"))?,
            is_default: fields.is_ticked("is_default"),
            authority,
            roles,
            rules,
            owner: OwnerTerms {
                policy: OwnerRule::parse(fields.text("owner_policy"))?,
                default: owner,
                overridable: fields.is_ticked("owner_override"),
            },
            fields: overrides(fields, &found.fields)?,
        })
    };
    Ok(read())
}

async fn save(sent: &Sent, id: Option<PatternId>) -> Result<Response, Refused> {
    let author = &sent.author;
    author.require(paths::PATTERNS_MODIFY)?;
    let now = author.visit.app.now();
    let (_, found) = author.visit.read(move |tx, actor| find(tx, actor, id, now)).await?;
    let outcome = match command(sent, &found)? {
        Err(error) => Err(error),
        Ok(command) => {
            let write = author.write(move |tx, actor, now| match id {
                Some(id) => enrolment::update(tx, actor, id, &command, true, now).map(|()| id),
                None => enrolment::create(tx, actor, &command, true, now),
            });
            write.await
        }
    };
    match outcome {
        Ok(id) => Ok(author.done(&format!("/patterns/{id}"), "The pattern was saved.")),
        Err(error) => {
            let complaint = author.complaint(error)?;
            page(&author.visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some((&sent.fields, complaint))).await
        }
    }
}

async fn create(sent: Sent) -> Result<Response, Refused> {
    save(&sent, None).await
}

async fn update(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    save(&sent, Some(PatternId(ids.first()))).await
}

async fn remove(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (id, force) = (PatternId(ids.first()), sent.fields.is_ticked("force"));
    let outcome = sent.author.write(move |tx, actor, now| enrolment::remove(tx, actor, id, force, now)).await;
    let back = if outcome.is_ok() { "/patterns".to_owned() } else { format!("/patterns/{id}") };
    sent.author.done_or_said(&back, outcome, "The pattern was removed.")
}
