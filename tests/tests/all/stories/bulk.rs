//! Edits of many certificates: looked at, done in chunks, stopped, cancelled, gone on with.

use certhold_domain::access::{paths, roles};
use certhold_domain::bulk::{self, BulkEdit, BulkEditState, Command, Edit, Preview, Progress, Selection, Wanted};
use certhold_domain::collections::{self, CollectionCommand};
use certhold_domain::events::EventFilter;
use certhold_domain::inventory::{self, Candidate, ImportBatch, Outcome};
use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::metadata::{self, Change, FieldType, Removal, SetMetadata};
use certhold_domain::{Actor, BulkEditId, CertificateId, Error, MetadataFieldId, Refusal, RoleId, events};
use serde_json::json;

use super::metadata::{command as noted, simple, values};
use super::world::{DAY, START, World, issue, key};

fn local() -> Actor {
    Actor::local("story")
}

/// So many certificates, by one key, named `hN.example.com`.
fn many(world: &World, count: usize) -> Vec<CertificateId> {
    let pair = key();
    let ders: Vec<Vec<u8>> = (0..count)
        .map(|n| issue(&pair, &[&format!("h{n}.example.com")], START - DAY, START + (n as i64 % 50 + 1) * DAY))
        .collect();
    let mut ids = Vec::new();
    for chunk in ders.chunks(256) {
        let certificates = chunk.iter().map(|der| Candidate::of(der).unwrap()).collect();
        let batch = ImportBatch { certificates, keys: Vec::new(), owner: None, source: "story".into(), metadata: Vec::new() };
        for item in world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap() {
            let Outcome::Imported(id) = item.outcome else { panic!("{item:?}") };
            ids.push(id);
        }
    }
    ids
}

fn metadata_edit(changes: &[(&str, &str, bool)]) -> Edit {
    let change = |(field, value, overwrite): &(&str, &str, bool)| Change { overwrite: *overwrite, ..Change::new(*field, *value) };
    Edit::Metadata { changes: changes.iter().map(change).collect() }
}

fn everything(edit: Edit) -> Command {
    Command { selection: Selection::Filter(Wanted::default()), edit, confirmed: None }
}

pub(super) fn look(world: &World, actor: &Actor, command: &Command) -> Preview {
    let mut preview = Preview::default();
    while !preview.complete {
        let (actor, command) = (actor.clone(), command.clone());
        preview = world.read(move |tx| bulk::preview(tx, &actor, &command, preview, START)).unwrap();
    }
    preview
}

pub(super) fn start(world: &World, actor: &Actor, command: &Command) -> BulkEditId {
    let (actor, command) = (actor.clone(), command.clone());
    world.write(move |tx, now| bulk::start(tx, &actor, &command, now)).unwrap()
}

pub(super) fn claim(world: &World, id: BulkEditId) -> Lease {
    world.write(move |tx, now| jobs::claim_one(tx, JobKind::BulkEdit, id.0, "node", now)).unwrap().unwrap()
}

pub(super) fn step(world: &World, lease: Lease) -> Result<Progress, Error> {
    world.write(move |tx, now| bulk::step(tx, &lease, now))
}

pub(super) fn run(world: &World, id: BulkEditId) -> BulkEdit {
    let lease = claim(world, id);
    while step(world, lease).unwrap() == Progress::More {}
    assert_eq!(step(world, lease).unwrap(), Progress::Done, "a chunk that comes late finds nothing to do");
    let live = world.read(move |tx| jobs::live(tx, JobKind::BulkEdit, id.0)).unwrap();
    assert!(live.is_none(), "its job has ended");
    shown(world, id)
}

pub(super) fn shown(world: &World, id: BulkEditId) -> BulkEdit {
    world.read(move |tx| bulk::get(tx, &local(), id)).unwrap()
}

fn events_of(world: &World, operation: &'static str) -> Vec<events::Event> {
    let mut filter = EventFilter { operation: Some(operation.into()), limit: 1_000, ..EventFilter::default() };
    let mut found = Vec::new();
    loop {
        let asked = filter.clone();
        let page = world.read(move |tx| events::list(tx, &local(), &asked)).unwrap();
        found.extend(page.events);
        match page.next {
            Some(next) => filter.before = Some(next),
            None => return found,
        }
    }
}

fn counts(edit: &BulkEdit) -> (i64, i64, i64, i64) {
    (edit.total, edit.tally.changed, edit.tally.unchanged, edit.tally.refused)
}

pub fn what_is_looked_at_is_what_is_done(world: &World) {
    simple(world, "Tier", FieldType::Integer);
    simple(world, "Team", FieldType::String);
    let ids = many(world, 700);
    // A naive model beside it: 100 have tier 2 already, 50 have another one, which is not overwritten.
    for (index, id) in ids.iter().enumerate().take(150) {
        let change = noted(*id, &[("Tier", if index < 100 { "2" } else { "9" }), ("Team", "Old")]);
        world.write(move |tx, now| metadata::set(tx, &local(), &change, now)).unwrap();
    }
    let command = everything(metadata_edit(&[("tier", "+2", false)]));
    let before = world.events();
    let preview = look(world, &local(), &command);
    assert_eq!((preview.total, preview.tally.changed, preview.tally.unchanged, preview.tally.refused), (700, 550, 150, 0));
    assert_eq!(preview.sample.len(), 100);
    let first = &preview.sample[0];
    assert_eq!((first.certificate, first.title.as_str()), (ids[150], "h150.example.com"));
    assert_eq!((&first.before, &first.after), (&json!({ "Tier": null }), &json!({ "Tier": "2" })));
    assert_eq!(world.events(), before, "looking changes nothing");

    let id = start(world, &local(), &Command { confirmed: Some(preview.digest), ..command });
    let done = run(world, id);
    assert_eq!((done.state, counts(&done)), (BulkEditState::Done, (700, 550, 150, 0)));
    assert!(done.finished_at.is_some() && done.error.is_none());
    for (index, id) in ids.iter().enumerate() {
        let tier = if (100..150).contains(&index) { "9" } else { "2" };
        assert_eq!(values(world, *id)["Tier"], tier, "{index}");
    }
    let events = events_of(world, "certificate.metadata_changed");
    let of_edit: Vec<_> = events.iter().filter(|event| event.payload["bulk_edit"] == id.0).collect();
    let mut objects: Vec<i64> = of_edit.iter().map(|event| event.object.unwrap()).collect();
    objects.sort_unstable();
    assert_eq!(objects, ids[150..].iter().map(|id| id.0).collect::<Vec<_>>(), "one event for each, none twice");
    assert_eq!(of_edit[0].actor_name, "story");
    assert_eq!(events_of(world, "bulk_edit.started").len(), 1);
    let end = events_of(world, "bulk_edit.finished").remove(0);
    assert_eq!((&end.payload["changed"], &end.payload["unchanged"]), (&json!(550), &json!(150)));

    // Clearing, over a filter, with overwriting.
    let wanted = Wanted { query: "IssuedCN -contains \"h1\"".into(), ..Wanted::default() };
    let clear = Command {
        selection: Selection::Filter(wanted),
        ..everything(metadata_edit(&[("Tier", "", true), ("Team", "New", true)]))
    };
    let preview = look(world, &local(), &clear);
    let matching = (0..700).filter(|n| format!("h{n}.").contains("h1")).count() as i64;
    assert_eq!((preview.total, preview.tally.changed), (matching, matching));
    let cleared_id = start(world, &local(), &clear);
    let cleared = run(world, cleared_id);
    assert_eq!(counts(&cleared), (matching, matching, 0, 0));
    assert_eq!(values(world, ids[1]).into_iter().collect::<Vec<_>>(), [("Team".into(), "New".into())]);
    assert_eq!(values(world, ids[2])["Tier"], "2");
    world.intact();
}

pub fn an_edit_goes_on_where_it_was_and_does_nothing_twice(world: &World) {
    simple(world, "Team", FieldType::String);
    let ids = many(world, 600);
    let id = start(world, &local(), &everything(metadata_edit(&[("Team", "Web", true)])));
    let first = claim(world, id);
    // Selection, and one chunk.
    assert_eq!(step(world, first).unwrap(), Progress::More);
    assert_eq!((shown(world, id).state, shown(world, id).total), (BulkEditState::Running, 600));
    assert_eq!(step(world, first).unwrap(), Progress::More);
    assert_eq!((shown(world, id).done(), events_of(world, "certificate.metadata_changed").len()), (256, 256));
    // The node dies; another one takes the job over when its lease has run out. The first one writes nothing any more.
    world.pass(2 * certhold_domain::limits::LEASE_MS);
    let second = world.write(|tx, now| jobs::claim(tx, "other", now)).unwrap().unwrap();
    assert!(second.fence > first.fence && second.kind == JobKind::BulkEdit);
    assert!(matches!(step(world, first), Err(Error::Refused(Refusal::LeaseLost(_)))));
    assert_eq!(shown(world, id).done(), 256);
    // One of the certificates that are left is removed meanwhile, one is edited by hand.
    let (gone, edited) = (ids[500], ids[501]);
    world.write(move |tx, now| inventory::remove(tx, &local(), gone, now)).unwrap();
    let by_hand = SetMetadata { ..noted(edited, &[("Team", "Web")]) };
    world.write(move |tx, now| metadata::set(tx, &local(), &by_hand, now)).unwrap();
    while step(world, second).unwrap() == Progress::More {}
    let done = shown(world, id);
    assert_eq!((done.state, counts(&done)), (BulkEditState::Done, (600, 598, 1, 1)));
    assert_eq!(done.tally.reasons[0].examples, [gone]);
    assert_eq!(events_of(world, "certificate.metadata_changed").len(), 599);
}

pub fn rights_count_as_of_each_chunk(world: &World) {
    simple(world, "Team", FieldType::String);
    let ids = many(world, 600);
    let editors = world.role("Editors", &[paths::CERTIFICATES_METADATA_MODIFY, paths::CERTIFICATES_READ]);
    let editor = world.somebody("editor", &[editors]);
    let nobody = world.somebody("nobody", &[]);
    let command = everything(metadata_edit(&[("Team", "Web", true)]));

    let (who, asked) = (nobody.clone(), command.clone());
    let refusal = world.refused(move |tx, now| bulk::start(tx, &who, &asked, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    let (who, asked) = (nobody.clone(), command.clone());
    let refusal = world.refused(move |tx, _| bulk::preview(tx, &who, &asked, Preview::default(), START));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");

    let id = start(world, &editor, &command);
    let lease = claim(world, id);
    step(world, lease).unwrap();
    step(world, lease).unwrap();
    let principal = editor.id.unwrap();
    world.write(move |tx, now| roles::withdraw(tx, &local(), editors, principal, now)).unwrap();
    while step(world, lease).unwrap() == Progress::More {}
    let stopped = shown(world, id);
    assert_eq!((stopped.state, counts(&stopped)), (BulkEditState::Stopped, (600, 256, 0, 0)));
    assert!(stopped.error.as_deref().unwrap().contains("missing permission"), "{stopped:?}");
    assert_eq!(events_of(world, "certificate.metadata_changed").len(), 256);
    assert_eq!(events_of(world, "bulk_edit.stopped")[0].actor_name, "editor");
    assert_eq!(values(world, ids[300]).len(), 0);
    // Nothing is left of what was not done.
    let sql = "SELECT count(*) FROM bulk_edit_item";
    let left: Option<i64> = world.read(move |tx| Ok(tx.one(sql, &[], |row| row.get(0))?)).unwrap();
    assert_eq!(left, Some(0));

    // Whoever may not see the server's jobs sees their own edits, and no others.
    let who = editor.clone();
    assert_eq!(world.read(move |tx| bulk::list(tx, &who, None, 10)).unwrap().len(), 1);
    assert_eq!(world.read(move |tx| bulk::list(tx, &local(), None, 10)).unwrap()[0], stopped);
    assert_eq!(world.read(move |tx| bulk::list(tx, &local(), Some(id.0), 10)).unwrap(), []);
    let who = nobody.clone();
    assert_eq!(world.read(move |tx| bulk::list(tx, &who, None, 10)).unwrap().len(), 0);
    let who = nobody.clone();
    let refusal = world.refused(move |tx, _| bulk::get(tx, &who, id));
    assert!(matches!(refusal, Refusal::NotFound { .. }), "{refusal}");
    let refusal = world.refused(move |tx, now| bulk::cancel(tx, &nobody, id, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
}

pub fn an_edit_is_cancelled_and_one_for_other_certificates_stops(world: &World) {
    simple(world, "Team", FieldType::String);
    let ids = many(world, 600);
    let command = everything(metadata_edit(&[("Team", "Web", true)]));
    let preview = look(world, &local(), &command);
    let confirmed = Command { confirmed: Some(preview.digest), ..command.clone() };
    let cancelled = start(world, &local(), &confirmed);
    let lease = claim(world, cancelled);
    step(world, lease).unwrap();
    step(world, lease).unwrap();
    world.write(move |tx, now| bulk::cancel(tx, &local(), cancelled, now)).unwrap();
    while step(world, lease).unwrap() == Progress::More {}
    let edit = shown(world, cancelled);
    assert_eq!((edit.state, counts(&edit)), (BulkEditState::Cancelled, (600, 256, 0, 0)));
    let events = world.events();
    world.write(move |tx, now| bulk::cancel(tx, &local(), cancelled, now)).unwrap();
    assert_eq!(world.events(), events, "cancelling twice is cancelling once");

    // Somebody adds a certificate after the preview: the edit that was confirmed is not this one.
    world.certificate(&["late.example.com"], None);
    let stale = start(world, &local(), &confirmed);
    let stopped = run(world, stale);
    assert_eq!((stopped.state, counts(&stopped)), (BulkEditState::Stopped, (601, 0, 0, 0)));
    assert!(stopped.error.unwrap().contains("the selection has changed"));

    // Certificates that are named one by one: each once, in any order; those that are not there are refused.
    let named = |ids: Vec<CertificateId>| Command { selection: Selection::Certificates(ids), ..command.clone() };
    let some = named(vec![ids[599], ids[300], ids[599], CertificateId(99_999)]);
    let preview = look(world, &local(), &some);
    assert_eq!((preview.total, preview.tally.changed, preview.tally.refused), (3, 2, 1));
    let some = Command { confirmed: Some(preview.digest), ..some };
    let id = start(world, &local(), &some);
    assert_eq!(counts(&run(world, id)), (3, 2, 0, 1));
    let other = Command { confirmed: Some([7; 32]), ..some };
    let refusal = world.refused(move |tx, now| bulk::start(tx, &local(), &other, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    for wrong in [
        named(Vec::new()),
        named((0..10_001).map(CertificateId).collect()),
        Command { selection: Selection::Filter(Wanted { query: "Nonsense -eq".into(), ..Wanted::default() }), ..command.clone() },
        everything(metadata_edit(&[])),
        everything(metadata_edit(&[("Nonsense", "x", true)])),
        everything(Edit::Owner { to: Some(RoleId(4711)) }),
        everything(Edit::RemoveField { field: MetadataFieldId(1), name: "Team".into() }),
        Command { selection: Selection::Filter(Wanted { text: "x ".repeat(100), ..Wanted::default() }), ..command.clone() },
    ] {
        let refusal = world.refused(move |tx, now| bulk::start(tx, &local(), &wrong, now));
        assert!(!matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    }
}

pub fn owners_of_many_change_between_roles_one_holds(world: &World) {
    let rights = [paths::CERTIFICATES_READ, paths::CERTIFICATES_CHANGE_OWNER];
    let (web, mail, other) = (world.role("Web", &rights), world.role("Mail", &[]), world.role("Other", &[]));
    let ids = many(world, 30);
    for (index, id) in ids.iter().enumerate() {
        let to = [None, Some(web), Some(mail), Some(other)][index % 4];
        let change = certhold_domain::ownership::ChangeOwner { certificate: *id, scope: Default::default(), to };
        world.write(move |tx, now| certhold_domain::ownership::change(tx, &local(), &change, now)).unwrap();
    }
    let somebody = world.somebody("somebody", &[web, mail]);
    let command = everything(Edit::Owner { to: Some(mail) });
    let preview = look(world, &somebody, &command);
    // Of 30: 8 of nobody, 8 of Web, 7 of Mail, 7 of Other.
    assert_eq!((preview.tally.changed, preview.tally.unchanged, preview.tally.refused), (16, 7, 7));
    assert!(preview.tally.reasons[0].reason.contains("\"Other\""), "{:?}", preview.tally.reasons);
    assert_eq!(preview.sample[0].after, json!({ "owner_role": mail, "owner_name": "Mail" }));
    let id = start(world, &somebody, &command);
    assert_eq!(counts(&run(world, id)), (30, 16, 7, 7));
    for (index, id) in ids.iter().enumerate() {
        let id = *id;
        let owner = world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap().owner.map(|(role, _)| role);
        assert_eq!(owner, Some(if index % 4 == 3 { other } else { mail }), "{index}");
    }
    let events = events_of(world, "certificate.owner_changed");
    assert_eq!(events.iter().filter(|event| event.payload["bulk_edit"] == id.0).count(), 16);
    // Nobody gives certificates to a role they do not hold.
    let (who, wrong) = (somebody, everything(Edit::Owner { to: Some(other) }));
    let refusal = world.refused(move |tx, now| bulk::start(tx, &who, &wrong, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
}

pub fn many_are_removed_except_what_is_needed(world: &World) {
    let ids = many(world, 300);
    let inside =
        collections::CollectionCommand { name: "First".into(), query: format!("CertId -le {}", ids[99]), ..Default::default() };
    let collection = world.write(move |tx, now| collections::create(tx, &local(), &inside, now)).unwrap();
    // Of the hundred inside, one is an issuer that another one names in its chain.
    let (member, leaf) = (ids[7], ids[200]);
    world.write(move |tx, _| inventory_chain(tx, leaf, member)).unwrap();
    let wanted = Wanted { collection: Some(collection), ..Wanted::default() };
    let command = Command { selection: Selection::Filter(wanted), edit: Edit::Remove, confirmed: None };
    let before = world.events();
    let preview = look(world, &local(), &command);
    assert_eq!((preview.total, preview.tally.changed, preview.tally.refused), (100, 99, 1));
    assert!(preview.tally.reasons[0].reason.contains("part of the chain"), "{:?}", preview.tally.reasons);
    assert_eq!(preview.tally.reasons[0].examples, [member]);
    assert_eq!((preview.sample[0].certificate, &preview.sample[0].after), (ids[0], &json!(null)));
    assert_eq!(world.events(), before, "looking changes nothing");

    // Whoever may edit but not remove does neither look nor start.
    let somebody =
        world.somebody("reader", &[world.role("Reader", &[paths::CERTIFICATES_READ, paths::CERTIFICATES_METADATA_MODIFY])]);
    let wrong = command.clone();
    let refusal = world.refused(move |tx, now| bulk::start(tx, &somebody, &wrong, now));
    assert!(
        matches!(&refusal, Refusal::Forbidden { missing, .. } if missing.iter().any(|path| path == paths::CERTIFICATES_DELETE)),
        "{refusal}"
    );

    let id = start(world, &local(), &Command { confirmed: Some(preview.digest), ..command });
    let done = run(world, id);
    assert_eq!((done.state, counts(&done)), (BulkEditState::Done, (100, 99, 0, 1)));
    assert_eq!(world.read(inventory::count_all).unwrap(), 201);
    assert!(world.read(move |tx| inventory::summary(tx, &local(), member)).is_ok());
    let gone = ids[0];
    assert!(world.read(move |tx| inventory::summary(tx, &local(), gone)).is_err());
    let events = events_of(world, "certificate.deleted");
    assert_eq!(events.iter().filter(|event| event.payload["bulk_edit"] == id.0).count(), 99);
    assert!(events.iter().all(|event| event.payload["before"]["sha256"].is_string()), "what was removed is known by its digest");
    // Words and names find nothing of it any more.
    let filter = inventory::Filter { text: "h0.example.com".into(), count: true, limit: 10, ..inventory::Filter::default() };
    assert_eq!(world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap().total, Some(0));
    world.intact();
}

/// Notes that a certificate is part of the path that an authority delivered with another one.
fn inventory_chain(tx: &mut certhold_store::Tx<'_>, leaf: CertificateId, member: CertificateId) -> certhold_domain::Result<()> {
    let sql = "INSERT INTO certificate_chain (certificate, position, member) VALUES ($1, 0, $2)";
    tx.execute(sql, certhold_store::params![leaf, member])?;
    Ok(())
}

pub fn a_field_with_many_values_is_removed_by_a_job(world: &World) {
    let field = simple(world, "Team", FieldType::String);
    let ids = many(world, 300);
    let id = start(world, &local(), &everything(metadata_edit(&[("Team", "Web", true)])));
    run(world, id);
    let removal = world.write(move |tx, now| metadata::remove(tx, &local(), field, true, now)).unwrap();
    let Removal::Started(job) = removal else { panic!("{removal:?}") };
    let change = noted(ids[0], &[("Team", "Other")]);
    let refusal = world.refused(move |tx, now| metadata::set(tx, &local(), &change, now));
    assert!(refusal.to_string().contains("being removed"), "{refusal}");
    let refusal = world.refused(move |tx, now| metadata::remove(tx, &local(), field, true, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    let refusal = world.refused(move |tx, now| bulk::cancel(tx, &local(), job, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    let done = run(world, job);
    assert_eq!((done.state, counts(&done)), (BulkEditState::Done, (300, 300, 0, 0)));
    assert!(world.read(|tx| metadata::list(tx, &local())).unwrap().is_empty());
    assert_eq!(events_of(world, "certificate.metadata_changed").len(), 600);
    let end = events_of(world, "metadata_field.deleted").remove(0);
    assert_eq!(end.payload["values_erased"], 300);
    world.intact();
}

pub fn an_edit_ends_at_the_edge_of_its_collection(world: &World) {
    simple(world, "Team", FieldType::String);
    let ids = many(world, 300);
    let query = format!("CertId -le {}", ids[279].0);
    let made = CollectionCommand { name: "Mine".into(), query, ..CollectionCommand::default() };
    let mine = world.write(move |tx, now| collections::create(tx, &local(), &made, now)).unwrap();
    let granted = [paths::CERTIFICATES_READ, paths::CERTIFICATES_METADATA_MODIFY].map(|path| format!("{path}{mine}/"));
    let role = world.role("Scoped", &granted.each_ref().map(String::as_str));
    let eve = world.somebody("eve", &[role]);
    let edit = metadata_edit(&[("Team", "Web", true)]);
    let everywhere = everything(edit.clone());
    let author = eve.clone();
    let refusal = world.refused(move |tx, now| bulk::start(tx, &author, &everywhere, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");

    let wanted = Wanted { collection: Some(mine), ..Wanted::default() };
    let command = Command { selection: Selection::Filter(wanted), ..everything(edit) };
    assert_eq!(look(world, &eve, &command).total, 280);
    let id = start(world, &eve, &command);
    let lease = claim(world, id);
    assert_eq!(step(world, lease).unwrap(), Progress::More, "it selects");
    assert_eq!(step(world, lease).unwrap(), Progress::More, "a chunk of 256");
    // The last ones leave the collection before their turn comes: the right to edit them leaves with them.
    let query = format!("CertId -le {}", ids[269].0);
    let narrower = CollectionCommand { name: "Mine".into(), query, ..CollectionCommand::default() };
    world.write(move |tx, now| collections::update(tx, &local(), mine, &narrower, now)).unwrap();
    while step(world, lease).unwrap() == Progress::More {}
    let done = shown(world, id);
    assert_eq!((done.state, counts(&done)), (BulkEditState::Done, (280, 270, 0, 10)));
    assert!(done.tally.reasons[0].reason.contains("not in collection"), "{:?}", done.tally.reasons);
    for (index, id) in ids.iter().enumerate() {
        let team = values(world, *id).get("Team").cloned();
        assert_eq!(team.as_deref(), (index < 270).then_some("Web"), "{index}");
    }
    let events = events_of(world, "certificate.metadata_changed");
    assert!(events.len() == 270 && events.iter().all(|event| event.payload["collection"] == mine.0));

    // Without the right on the collection the next edit stops before its first certificate.
    let id = start(world, &eve, &command);
    let narrowed = roles::RoleCommand { name: "Scoped".into(), ..roles::RoleCommand::default() };
    world.write(move |tx, now| roles::update(tx, &local(), role, &narrowed, now)).unwrap();
    let done = run(world, id);
    assert_eq!((done.state, done.tally.changed), (BulkEditState::Stopped, 0), "{done:?}");
}

/// The field of a removal that could not go on can be changed again, and removed by whoever may.
pub fn a_removal_that_stops_lets_go_of_its_field(world: &World) {
    let field = simple(world, "Team", FieldType::String);
    let ids = many(world, 300);
    let id = start(world, &local(), &everything(metadata_edit(&[("Team", "Web", true)])));
    run(world, id);
    let keepers = world.role("Keepers", &[paths::METADATA_TYPES_MODIFY]);
    let keeper = world.somebody("keeper", &[keepers]);
    let who = keeper.clone();
    let removal = world.write(move |tx, now| metadata::remove(tx, &who, field, true, now)).unwrap();
    let Removal::Started(job) = removal else { panic!("{removal:?}") };
    let lease = claim(world, job);
    step(world, lease).unwrap();
    let principal = keeper.id.unwrap();
    world.write(move |tx, now| roles::withdraw(tx, &local(), keepers, principal, now)).unwrap();
    while step(world, lease).unwrap() == Progress::More {}
    assert_eq!(shown(world, job).state, BulkEditState::Stopped);
    let change = noted(ids[0], &[("Team", "Other")]);
    world.write(move |tx, now| metadata::set(tx, &local(), &change, now)).unwrap();
    let removal = world.write(move |tx, now| metadata::remove(tx, &local(), field, true, now)).unwrap();
    assert!(matches!(removal, Removal::Done), "{removal:?}");
    assert!(world.read(|tx| metadata::list(tx, &local())).unwrap().is_empty());
    // One that was left behind before is removed once more, too.
    let left = simple(world, "Left", FieldType::String);
    world.tamper("UPDATE metadata_field SET removing = TRUE");
    let removal = world.write(move |tx, now| metadata::remove(tx, &local(), left, true, now)).unwrap();
    assert!(matches!(removal, Removal::Done), "{removal:?}");
    world.intact();
}

/// Whoever neither sees an edit nor could start it is told the same of it as of one that is not there.
pub fn an_edit_of_others_is_not_told_of(world: &World) {
    simple(world, "Team", FieldType::String);
    many(world, 3);
    let noting = start(world, &local(), &everything(metadata_edit(&[("Team", "Web", true)])));
    let removing = start(world, &local(), &everything(Edit::Remove));
    let owning = start(world, &local(), &everything(Edit::Owner { to: None }));
    let unknown = BulkEditId(987_654);
    let who = |name: &str, rights: &[&str]| world.somebody(name, &[world.role(name, rights)]);
    let nobody = who("nobody", &[paths::CERTIFICATES_READ]);
    let noter = who("noter", &[paths::CERTIFICATES_READ, paths::CERTIFICATES_METADATA_MODIFY]);
    let remover = who("remover", &[paths::CERTIFICATES_READ, paths::CERTIFICATES_DELETE]);
    let told = |who: &Actor, id: BulkEditId| {
        let who = who.clone();
        world.refused(move |tx, now| bulk::cancel(tx, &who, id, now)).to_string().replace(&id.to_string(), "N")
    };
    for (who, hidden) in [
        (&nobody, [noting, removing, owning].as_slice()),
        (&noter, [removing, owning].as_slice()),
        (&remover, [noting, owning].as_slice()),
    ] {
        let of_none = told(who, unknown);
        for id in hidden {
            assert_eq!(told(who, *id), of_none, "{} {id}", who.name);
        }
    }
    // Whoever sees it is told which right is missing.
    let seer = who("seer", &[paths::SYSTEM_READ]);
    assert!(told(&seer, removing).contains(paths::CERTIFICATES_DELETE));
    for (who, id) in [(noter, noting), (remover, removing)] {
        world.write(move |tx, now| bulk::cancel(tx, &who, id, now)).unwrap();
        assert_eq!(shown(world, id).state, BulkEditState::Cancelled);
    }
}
