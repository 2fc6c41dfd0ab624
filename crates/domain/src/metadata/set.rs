//! Values of certificates: decided, written, inherited. One certificate and many go the same way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use certhold_store::{Tx, Value, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::field::{Enrolment, Field, FieldType};
use super::fields;
use super::value::{Rules, Typed, compile, why_no_regex};
use crate::access::paths;
use crate::actor::Actor;
use crate::collections::{self, Scope};
use crate::error::{Refusal, Result};
use crate::events::{self, NewEvent, Object, names};
use crate::ids::{CertificateId, CollectionId, MetadataFieldId};
use crate::{inventory, limits, text};

/// One field's new value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field's name, without regard to case.
    pub field: String,
    /// The value; empty clears.
    pub value: String,
    /// Whether a value that is there already gives way.
    pub overwrite: bool,
}

impl Change {
    /// A value that replaces what is there.
    pub fn new(field: impl Into<String>, value: impl Into<String>) -> Change {
        Change { field: field.into(), value: value.into(), overwrite: true }
    }
}

/// Change what is noted about one certificate: fields that are not named stay as they are.
#[derive(Clone, Debug)]
pub struct SetMetadata {
    /// The certificate.
    pub certificate: CertificateId,
    /// The collection through which the caller reaches it, if they name one.
    pub collection: Option<CollectionId>,
    /// The new values.
    pub changes: Vec<Change>,
}

/// A value as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its field.
    pub field: MetadataFieldId,
    /// That field's name.
    pub name: String,
    /// Of what type it is.
    pub kind: FieldType,
    /// The value.
    pub value: String,
}

/// What is noted about a certificate, in the order of the fields.
pub fn of(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId) -> Result<Vec<Held>> {
    of_in(tx, actor, id, Scope::everywhere(0))
}

/// [`of`] for whoever reaches the certificate through a collection.
pub fn of_in(tx: &mut Tx<'_>, actor: &Actor, id: CertificateId, scope: Scope) -> Result<Vec<Held>> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, id, scope)?;
    if titles(tx, &[id])?.remove(0).is_none() {
        return Err(Refusal::not_found("certificate", id).into());
    }
    held(tx, id)
}

/// The same of a certificate that was just read for them.
pub fn of_found(tx: &mut Tx<'_>, found: &inventory::Certificate) -> Result<Vec<Held>> {
    held(tx, found.summary.id)
}

pub(crate) fn held(tx: &mut Tx<'_>, id: CertificateId) -> Result<Vec<Held>> {
    let found = tx.rows(
        "SELECT metadata_field.id, metadata_field.name, metadata_field.kind, certificate_metadata.value FROM certificate_metadata \
         JOIN metadata_field ON metadata_field.id = certificate_metadata.field WHERE certificate_metadata.certificate = $1 \
         ORDER BY metadata_field.display_order, metadata_field.folded",
        params![id],
        |row| {
            let kind = FieldType::parse(row.text(2)?).unwrap_or(FieldType::BigText);
            Ok(Held { field: MetadataFieldId(row.get(0)?), name: row.get(1)?, kind, value: row.get(3)? })
        },
    )?;
    Ok(found)
}

/// What is noted about certificates, for whoever was found to may see them: names of fields with values, in the fields' order.
pub(crate) fn of_many(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<HashMap<CertificateId, Vec<(String, String)>>> {
    let (places, values) = inventory::among(ids);
    let sql = format!(
        "SELECT certificate_metadata.certificate, metadata_field.name, certificate_metadata.value FROM certificate_metadata \
         JOIN metadata_field ON metadata_field.id = certificate_metadata.field WHERE certificate_metadata.certificate IN ({places}) \
         ORDER BY metadata_field.display_order, metadata_field.folded"
    );
    let mut found: HashMap<CertificateId, Vec<(String, String)>> = HashMap::new();
    tx.each(&sql, &values, |row| {
        found.entry(CertificateId(row.get(0)?)).or_default().push((row.get(1)?, row.get(2)?));
        Ok(())
    })?;
    Ok(found)
}

/// Changes the fields that are named; says whether anything changed. An empty value clears, which a required field refuses.
pub fn set(tx: &mut Tx<'_>, actor: &Actor, command: &SetMetadata, now: i64) -> Result<bool> {
    require(tx, actor, command, now)?;
    let prepared = checked(tx, &command.changes)?;
    apply(tx, actor, command, &prepared, now)
}

/// [`set`] within a scope, which names the collection or container.
pub fn set_in(tx: &mut Tx<'_>, actor: &Actor, command: &SetMetadata, scope: Scope, now: i64) -> Result<bool> {
    collections::require(tx, actor, paths::CERTIFICATES_METADATA_MODIFY, command.certificate, scope)?;
    let prepared = checked(tx, &command.changes)?;
    apply(tx, actor, command, &prepared, now)
}

/// As [`set_in`] for callers that send every field of a certificate, empty where nothing is noted: that a field is required is said to
/// whoever adds certificates, and clears like any other here.
pub fn overwrite_in(tx: &mut Tx<'_>, actor: &Actor, command: &SetMetadata, scope: Scope, now: i64) -> Result<bool> {
    collections::require(tx, actor, paths::CERTIFICATES_METADATA_MODIFY, command.certificate, scope)?;
    let mut prepared = checked(tx, &command.changes)?;
    prepared.clears_required = true;
    apply(tx, actor, command, &prepared, now)
}

/// Refuses what [`set_in`] would refuse of these certificates as they are now, and writes nothing: for whoever changes many in pieces, of
/// which a later one should not be refused for what could be known before the first.
pub fn foresee(tx: &mut Tx<'_>, actor: &Actor, ids: &[CertificateId], changes: &[Change], scope: Scope) -> Result<()> {
    for id in ids {
        collections::require(tx, actor, paths::CERTIFICATES_METADATA_MODIFY, *id, scope)?;
    }
    let prepared = checked(tx, changes)?;
    let mut changing = BTreeSet::new();
    for piece in ids.chunks(limits::PAGE_ROWS) {
        for decision in decide(tx, &prepared, piece)? {
            match decision.verdict {
                Verdict::Gone => return Err(Refusal::not_found("certificate", decision.certificate).into()),
                Verdict::Refused(why) => return Err(Refusal::invalid("metadata", why).into()),
                Verdict::Same => {}
                Verdict::Change(deltas) => changing.extend(deltas.iter().map(|delta| delta.item)),
            }
        }
    }
    for item in changing {
        collections::require_metadata_change(tx, actor, prepared.items[item].field.id)?;
    }
    Ok(())
}

/// Changes all fields: those that are not named are cleared.
pub fn replace(tx: &mut Tx<'_>, actor: &Actor, command: &SetMetadata, now: i64) -> Result<bool> {
    require(tx, actor, command, now)?;
    let named: Vec<String> = command.changes.iter().map(|change| text::fold(&change.field)).collect();
    let others = fields::all(tx)?.into_iter().filter(|field| !field.removing && !named.contains(&text::fold(&field.name)));
    let cleared = others.map(|field| Change::new(field.name, ""));
    let changes: Vec<Change> = command.changes.iter().cloned().chain(cleared).collect();
    let prepared = checked(tx, &changes)?;
    apply(tx, actor, command, &prepared, now)
}

fn require(tx: &mut Tx<'_>, actor: &Actor, command: &SetMetadata, now: i64) -> Result<()> {
    let scope = Scope::of(command.collection, now);
    collections::require(tx, actor, paths::CERTIFICATES_METADATA_MODIFY, command.certificate, scope)
}

fn apply(tx: &mut Tx<'_>, actor: &Actor, command: &SetMetadata, prepared: &Prepared, now: i64) -> Result<bool> {
    let id = command.certificate;
    let decisions = decide(tx, prepared, &[id])?;
    match &decisions[0].verdict {
        Verdict::Gone => Err(Refusal::not_found("certificate", id).into()),
        Verdict::Refused(why) => Err(Refusal::invalid("metadata", why.clone()).into()),
        Verdict::Same => Ok(false),
        Verdict::Change(deltas) => {
            // Who names a field without changing it moves nothing.
            for delta in deltas {
                collections::require_metadata_change(tx, actor, prepared.items[delta.item].field.id)?;
            }
            let mut details = json!({});
            Scope::of(command.collection, now).tell(&mut details);
            write(tx, actor, prepared, &decisions, &details, now)?;
            Ok(true)
        }
    }
}

/// Changes that were held against their fields.
pub(crate) struct Prepared {
    items: Vec<Item>,
    /// Whether required fields are cleared, too.
    clears_required: bool,
}

struct Item {
    field: Field,
    to: Option<Typed>,
    overwrite: bool,
}

/// Checks values against their fields for an edit of many certificates; each refusal names the field. One that decides who may see
/// certificates needs what changing the queries needs that look at it, whether the values of these certificates change or not.
pub(crate) fn prepare(tx: &mut Tx<'_>, actor: &Actor, changes: &[Change]) -> Result<Prepared> {
    let prepared = checked(tx, changes)?;
    for item in &prepared.items {
        collections::require_metadata_change(tx, actor, item.field.id)?;
    }
    Ok(prepared)
}

fn checked(tx: &mut Tx<'_>, changes: &[Change]) -> Result<Prepared> {
    let fields = fields::all(tx)?;
    Ok(against(&fields, changes)?)
}

/// Changes held against these fields.
fn against(fields: &[Field], changes: &[Change]) -> Result<Prepared, Refusal> {
    if changes.len() as i64 > limits::METADATA_FIELDS {
        return Err(Refusal::TooLarge(format!("at most {} fields are changed at once", limits::METADATA_FIELDS)));
    }
    let mut items: Vec<Item> = Vec::with_capacity(changes.len());
    for change in changes {
        let field = named(fields, &change.field)?;
        if items.iter().any(|item| item.field.id == field.id) {
            return Err(Refusal::invalid("metadata", format!("{}: the field stands twice", field.name)));
        }
        let to = match change.value.trim() {
            "" => None,
            _ => Some(typed(field, &change.value)?),
        };
        items.push(Item { field: field.clone(), to, overwrite: change.overwrite });
    }
    Ok(Prepared { items, clears_required: false })
}

fn named<'a>(fields: &'a [Field], name: &str) -> Result<&'a Field, Refusal> {
    let folded = text::fold(name);
    let found = fields.iter().find(|field| text::fold(&field.name) == folded);
    let found = found.ok_or_else(|| Refusal::invalid("metadata", format!("there is no metadata field {name:?}")))?;
    if found.removing {
        return Err(Refusal::invalid("metadata", format!("{}: the field is being removed", found.name)));
    }
    Ok(found)
}

fn typed(field: &Field, value: &str) -> Result<Typed, Refusal> {
    Rules::of(field).check(value).map_err(|why| Refusal::invalid("metadata", format!("{}: {why}", field.name)))
}

/// What would become of one certificate.
pub(crate) struct Decision {
    pub certificate: CertificateId,
    pub title: String,
    pub verdict: Verdict,
}

pub(crate) enum Verdict {
    /// There is no such certificate.
    Gone,
    /// A rule forbids it; nothing of it is done.
    Refused(String),
    /// It is so already, or may not be overwritten.
    Same,
    /// Which items change, from what.
    Change(Vec<Delta>),
}

/// One item that changes.
pub(crate) struct Delta {
    item: usize,
    before: Option<String>,
}

impl Prepared {
    /// What stands in an event: the fields that change, as they were and as they will be.
    pub(crate) fn before_after(&self, deltas: &[Delta]) -> (Json, Json) {
        let (mut before, mut after) = (Map::new(), Map::new());
        for delta in deltas {
            let item = &self.items[delta.item];
            before.insert(item.field.name.clone(), delta.before.clone().into());
            after.insert(item.field.name.clone(), item.to.as_ref().map(|typed| typed.text.clone()).into());
        }
        (before.into(), after.into())
    }

    fn verdict(&self, current: &[Option<String>]) -> Verdict {
        let mut deltas = Vec::new();
        for (item, (wanted, before)) in self.items.iter().zip(current).enumerate() {
            let same = match (&wanted.to, before) {
                (None, None) => true,
                (Some(to), Some(before)) => to.text == *before || !wanted.overwrite,
                (None, Some(_)) => !wanted.overwrite,
                (Some(_), None) => false,
            };
            if same {
                continue;
            }
            if wanted.to.is_none() && wanted.field.enrolment == Enrolment::Required && !self.clears_required {
                return Verdict::Refused(format!("{}: the field is required and cannot be cleared", wanted.field.name));
            }
            deltas.push(Delta { item, before: before.clone() });
        }
        if deltas.is_empty() { Verdict::Same } else { Verdict::Change(deltas) }
    }
}

/// What people call each of these certificates; `None` for one that is not there.
pub(crate) fn titles(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<Option<String>>> {
    let lists: Vec<[Value<'_>; 1]> = ids.iter().map(|id| [(*id).into()]).collect();
    let found = tx.one_of_each("SELECT common_name, subject, serial FROM certificate WHERE id = $1", &lists, |row| {
        let (common_name, subject): (Option<String>, String) = (row.get(0)?, row.get(1)?);
        let subject = if subject.is_empty() { row.get(2)? } else { subject };
        Ok(common_name.unwrap_or(subject))
    })?;
    Ok(found)
}

/// Decides for each certificate; writes nothing.
pub(crate) fn decide(tx: &mut Tx<'_>, prepared: &Prepared, ids: &[CertificateId]) -> Result<Vec<Decision>> {
    let titles = titles(tx, ids)?;
    let lists: Vec<[Value<'_>; 2]> =
        ids.iter().flat_map(|id| prepared.items.iter().map(|item| [Value::from(*id), item.field.id.into()])).collect();
    let current =
        tx.one_of_each("SELECT value FROM certificate_metadata WHERE certificate = $1 AND field = $2", &lists, |row| {
            row.get::<String>(0)
        })?;
    let each = prepared.items.len();
    let decisions = ids.iter().zip(titles).enumerate().map(|(index, (id, title))| {
        let verdict = match title {
            None => Verdict::Gone,
            Some(_) => prepared.verdict(&current[index * each..(index + 1) * each]),
        };
        Decision { certificate: *id, title: title.unwrap_or_default(), verdict }
    });
    Ok(decisions.collect())
}

/// Writes what was decided, with an event for each certificate that changes. `details` go into each event.
pub(crate) fn write(
    tx: &mut Tx<'_>,
    actor: &Actor,
    prepared: &Prepared,
    decisions: &[Decision],
    details: &Json,
    now: i64,
) -> Result<()> {
    let (mut inserts, mut updates, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
    let mut events = Vec::new();
    for decision in decisions {
        let Verdict::Change(deltas) = &decision.verdict else { continue };
        for delta in deltas {
            let item = &prepared.items[delta.item];
            let key: [Value<'_>; 2] = [decision.certificate.into(), item.field.id.into()];
            let [certificate, field] = key;
            match &item.to {
                None => deletes.push([certificate, field]),
                Some(to) => {
                    let row = [(&to.text).into(), (&to.sort).into(), to.number.into(), certificate, field];
                    if delta.before.is_some() { updates.push(row) } else { inserts.push(row) }
                }
            }
        }
        let (before, after) = prepared.before_after(deltas);
        let mut payload = details.clone();
        payload["before"] = before;
        payload["after"] = after;
        let object = Object::new("certificate", decision.certificate.0, &decision.title);
        events.push(NewEvent::new(names::CERTIFICATE_METADATA_CHANGED, object, payload));
    }
    insert(tx, &inserts)?;
    tx.execute_many(
        "UPDATE certificate_metadata SET value = $1, sort = $2, number = $3 WHERE certificate = $4 AND field = $5",
        &updates,
    )?;
    tx.execute_many("DELETE FROM certificate_metadata WHERE certificate = $1 AND field = $2", &deletes)?;
    if !events.is_empty() {
        events::append_many(tx, actor, now, &events)?;
    }
    Ok(())
}

fn insert(tx: &mut Tx<'_>, rows: &[[Value<'_>; 5]]) -> Result<()> {
    tx.execute_many(
        "INSERT INTO certificate_metadata (value, sort, number, certificate, field) VALUES ($1, $2, $3, $4, $5)",
        rows,
    )?;
    Ok(())
}

/// What new certificates are given: what somebody said, else the defaults of the fields.
pub(crate) struct Initial {
    values: Vec<(MetadataFieldId, String, Typed)>,
}

impl Initial {
    /// Names and values for events; `None` when there are none.
    pub(crate) fn described(&self) -> Option<Json> {
        let map: BTreeMap<&String, &String> = self.values.iter().map(|(_, name, typed)| (name, &typed.text)).collect();
        (!map.is_empty()).then(|| json!(map))
    }
}

/// What is asked of a field where certificates are added in a certain way, in place of what the field asks by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The field.
    pub field: MetadataFieldId,
    /// Whether a value must be given. Of a hidden field none may be given.
    pub enrolment: Enrolment,
    /// The value when none is given; empty for that of the field.
    pub default: String,
    /// A regular expression; empty for that of the field. Fields of type string only.
    pub validation: String,
    /// What is said when it does not match; empty for a sentence of ours.
    pub message: String,
}

impl Override {
    /// The field as it is then.
    pub fn apply(&self, field: &Field) -> Field {
        let mut field = Field { enrolment: self.enrolment, ..field.clone() };
        if !self.default.is_empty() {
            field.default.clone_from(&self.default);
        }
        if !self.validation.is_empty() {
            field.validation.clone_from(&self.validation);
            field.message.clone_from(&self.message);
        }
        field
    }
}

/// An override in its normal form, if it can be one of this field.
pub(crate) fn check_override(field: &Field, given: &Override) -> Result<Override, Refusal> {
    let wrong = |why: &str| Refusal::invalid("metadata", format!("{}: {why}", field.name));
    let mut checked = Override { message: given.message.trim().to_owned(), ..given.clone() };
    if !checked.validation.is_empty() {
        if field.kind != FieldType::String {
            return Err(wrong("only a field of type string has a regular expression"));
        }
        text::line("metadata", &checked.validation, limits::REGEX_CHARS)?;
        compile(&checked.validation).map_err(|error| wrong(&why_no_regex(&error)))?;
    } else if !checked.message.is_empty() {
        return Err(wrong("a message needs a regular expression beside it"));
    }
    text::line("metadata", &checked.message, limits::NAME_CHARS)?;
    if !checked.default.trim().is_empty() {
        let changed = checked.apply(field);
        checked.default = Rules::of(&changed).check(&checked.default).map_err(|why| wrong(&why))?.text;
    }
    Ok(checked)
}

/// Checks what somebody says about certificates that they add. A required field needs a value, unless it has a default;
/// `asked` is false where nobody can be asked.
///
/// Unlike [`prepare`] it does not ask whether a scope looks at a field. Whoever brings a certificate decides all that it says, its names
/// included, and so in which collections it is from the first moment; nobody had a right on it before that its being there could give
/// away. Defaults are asked for where they are set.
pub(crate) fn initial(tx: &mut Tx<'_>, given: &[Change], asked: bool) -> Result<Initial> {
    initial_under(tx, given, &[], asked)
}

/// [`initial`] where some fields ask something else.
pub(crate) fn initial_under(tx: &mut Tx<'_>, given: &[Change], overrides: &[Override], asked: bool) -> Result<Initial> {
    let mut fields = fields::all(tx)?;
    for field in &mut fields {
        if let Some(other) = overrides.iter().find(|other| other.field == field.id) {
            *field = other.apply(field);
        }
    }
    let mut prepared = against(&fields, given)?;
    let is_hidden = |item: &&Item| {
        item.to.is_some() && overrides.iter().any(|other| other.field == item.field.id && other.enrolment == Enrolment::Hidden)
    };
    if let Some(hidden) = prepared.items.iter().find(is_hidden) {
        return Err(
            Refusal::invalid("metadata", format!("{}: no value may be given for this field here", hidden.field.name)).into()
        );
    }
    let mut values = Vec::new();
    for field in fields.into_iter().filter(|field| !field.removing) {
        let said = prepared.items.iter_mut().find(|item| item.field.id == field.id).and_then(|item| item.to.take());
        let value = match said {
            Some(typed) => Some(typed),
            None if field.default.is_empty() => None,
            // A default was checked when it was set; options may be fewer now.
            None => Rules::of(&field).check(&field.default).ok(),
        };
        match value {
            Some(typed) => values.push((field.id, field.name, typed)),
            None if asked && field.enrolment == Enrolment::Required => {
                let message = format!("{}: the field is required: give a value", field.name);
                return Err(Refusal::invalid("metadata", message).into());
            }
            None => {}
        }
    }
    Ok(Initial { values })
}

/// Holds what is noted about a certificate against what is asked of somebody who adds one: what is required is there, what is there fits.
pub(crate) fn require_held(tx: &mut Tx<'_>, certificate: CertificateId, overrides: &[Override]) -> Result<()> {
    let noted = held(tx, certificate)?;
    for field in fields::all(tx)?.into_iter().filter(|field| !field.removing) {
        let field = overrides.iter().find(|other| other.field == field.id).map_or(field.clone(), |other| other.apply(&field));
        let why = match noted.iter().find(|one| one.field == field.id) {
            Some(one) => Rules::of(&field).check(&one.value).err(),
            None if field.enrolment == Enrolment::Required && field.default.is_empty() => {
                Some("the field is required".to_owned())
            }
            None => None,
        };
        if let Some(why) = why {
            let message = format!("{}: {why}: change what is noted about certificate {certificate} first", field.name);
            return Err(Refusal::invalid("metadata", message).into());
        }
    }
    Ok(())
}

/// Gives new certificates their first values. The caller records the event.
pub(crate) fn put_initial(tx: &mut Tx<'_>, ids: &[CertificateId], initial: &Initial) -> Result<()> {
    let mut rows: Vec<[Value<'_>; 5]> = Vec::with_capacity(ids.len() * initial.values.len());
    for id in ids {
        for (field, _, typed) in &initial.values {
            rows.push([(&typed.text).into(), (&typed.sort).into(), typed.number.into(), (*id).into(), (*field).into()]);
        }
    }
    if rows.is_empty() { Ok(()) } else { insert(tx, &rows) }
}

/// A new version of a managed certificate takes over what was noted about the one before.
pub(crate) fn inherit(tx: &mut Tx<'_>, from: CertificateId, to: CertificateId) -> Result<()> {
    tx.execute(
        "INSERT INTO certificate_metadata (certificate, field, value, sort, number) \
         SELECT $2, field, value, sort, number FROM certificate_metadata WHERE certificate = $1 \
         ON CONFLICT (certificate, field) DO NOTHING",
        params![from, to],
    )?;
    Ok(())
}

/// Before a certificate is removed: erases what was noted about it, and says what that was.
pub(crate) fn forget(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Json>> {
    let values = held(tx, id)?;
    if values.is_empty() {
        return Ok(None);
    }
    tx.execute("DELETE FROM certificate_metadata WHERE certificate = $1", params![id])?;
    let map: Map<String, Json> = values.into_iter().map(|held| (held.name, held.value.into())).collect();
    Ok(Some(map.into()))
}
