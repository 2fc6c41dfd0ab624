//! Revocation at ACME issuers, as far as it is decided here, and what queries know of revocations.

use certhold_domain::access::paths;
use certhold_domain::collections::{self, Scope};
use certhold_domain::events::Event;
use certhold_domain::inventory::{self, Filter, Revocation, RevocationReason, Revoke};
use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::private_ca::KeySource;
use certhold_domain::query::{self, Catalogue, Query};
use certhold_domain::renewal::FailureClass;
use certhold_domain::renewal::managed;
use certhold_domain::renewal::revocation::{self, AtIssuer, Outlook, RevocationFailure, Standing};
use certhold_domain::{Actor, CertificateId, LineageId, Refusal};
use certhold_store::params;
use certhold_tests::postgres::Database;

use super::collecting::add;
use super::issuing::{enrol, make, request, wanted};
use super::renewing::{claim, local, managed as new_managed, obtain, worker};
use super::world::{DAY, START, World};

fn command(id: CertificateId, reason: RevocationReason) -> Revoke {
    let revocation = Revocation { effective_at: START, reason, comment: "the story wants it".into() };
    Revoke { certificates: vec![id], revocation }
}

pub(super) fn revoke_as(world: &World, who: &Actor, id: CertificateId) {
    let (who, command) = (who.clone(), command(id, RevocationReason::Superseded));
    world.write(move |tx, now| inventory::revoke(tx, &who, &command, Scope::everywhere(now), now)).unwrap();
}

fn revoke(world: &World, id: CertificateId, reason: RevocationReason) {
    let command = command(id, reason);
    world.write(move |tx, now| inventory::revoke(tx, &local(), &command, Scope::everywhere(now), now)).unwrap();
}

fn refused(world: &World, id: CertificateId, reason: RevocationReason) -> Refusal {
    let command = command(id, reason);
    world.refused(move |tx, now| inventory::revoke(tx, &local(), &command, Scope::everywhere(now), now))
}

fn whole(world: &World, id: CertificateId) -> (bool, Option<AtIssuer>) {
    let whole = world.read(move |tx| inventory::get_whole(tx, &local(), id, Scope::everywhere(0))).unwrap();
    (whole.revocation.is_some(), whole.at_issuer)
}

fn standing(world: &World, id: CertificateId) -> Standing {
    let at = whole(world, id).1.expect("an issuer");
    assert_eq!(at.issuer.1, "Lab CA");
    at.standing
}

fn obtained(world: &World) -> (LineageId, CertificateId) {
    let lineage = new_managed(world, &["example.com"]);
    (lineage, obtain(world, &["example.com"]).0)
}

fn history(world: &World, id: CertificateId) -> Vec<Event> {
    world.read(move |tx| inventory::history_in(tx, &local(), id, Scope::everywhere(0), None, 50)).unwrap().events
}

fn fails(world: &World, lease: Lease, class: FailureClass, retry_after: Option<i64>) {
    fails_with(world, lease, class, retry_after, "ca.example.com has trouble: it is asleep");
}

fn fails_with(world: &World, lease: Lease, class: FailureClass, retry_after: Option<i64>, sentence: &str) {
    let failure = RevocationFailure {
        outlook: if class == FailureClass::Rejected { Outlook::Refused } else { Outlook::Later },
        class,
        sentence: sentence.into(),
        detail: Some("{\"type\":\"urn:ietf:params:acme:error:serverInternal\"}".into()),
        retry_after,
    };
    world.write(move |tx, now| revocation::failed(tx, &worker(), &lease, &failure, now)).unwrap();
}

pub fn an_issuer_is_asked_until_it_answers(world: &World) {
    let (lineage, id) = obtained(world);
    assert_eq!(
        whole(world, id),
        (false, Some(AtIssuer { issuer: whole(world, id).1.unwrap().issuer, standing: Standing::NotAsked, reason: None }))
    );
    // Only the reasons that authorities take, and only with the right.
    for reason in [RevocationReason::CaCompromise, RevocationReason::CertificateHold, RevocationReason::PrivilegeWithdrawn] {
        assert!(matches!(refused(world, id, reason), Refusal::Invalid { field: "reason", .. }));
    }
    let reader = world.somebody("reader", &[world.role("R", &[paths::CERTIFICATES_READ])]);
    let asking = command(id, RevocationReason::Superseded);
    world.refused(move |tx, now| inventory::revoke(tx, &reader, &asking, Scope::everywhere(now), now));
    assert!(!whole(world, id).0);

    revoke(world, id, RevocationReason::KeyCompromise);
    assert_eq!(standing(world, id), Standing::Asked { error: None, failures: 0, next_try: Some(world.now()) });
    let told = history(world, id).remove(0);
    assert_eq!(
        (told.operation.as_str(), &told.payload["at_issuer"]),
        ("certificate.revoked", &false.into()),
        "nothing is claimed"
    );
    assert_eq!(told.payload["issuer_name"], "Lab CA");
    revoke(world, id, RevocationReason::Superseded);
    let refusal = world.refused(move |tx, now| inventory::remove(tx, &local(), id, now));
    assert!(matches!(refusal, Refusal::Conflict(_)));
    let lease = claim(world, JobKind::Revoke);
    assert_eq!(lease.object, id.0);
    let work = world.read(move |tx| revocation::work(tx, id)).unwrap().unwrap();
    assert_eq!(work.reason, RevocationReason::KeyCompromise, "what was said first stands");
    assert_eq!(certhold_pki::Facts::of(&work.der).unwrap().common_name.as_deref(), Some("example.com"));

    // Trouble of the authority: told, and tried again later and later.
    fails(world, lease, FailureClass::Unreachable, None);
    let Standing::Asked { error: Some(error), failures: 1, next_try: Some(next) } = standing(world, id) else {
        panic!("{:?}", standing(world, id))
    };
    assert!(error.contains("it is asleep") && (15_000..20_000).contains(&(next - world.now())));
    assert_eq!(history(world, id)[0].operation, "certificate.revocation_failed");
    // Whoever revokes once more hurries it: asked at once, with the reason that was said first.
    revoke(world, id, RevocationReason::Superseded);
    assert!(matches!(standing(world, id), Standing::Asked { failures: 1, next_try: Some(at), .. } if at == world.now()));
    let told = history(world, id).remove(0);
    assert_eq!((told.operation.as_str(), told.payload["reason"].as_i64()), ("certificate.revocation_requested", Some(1)));
    assert_eq!(told.payload["comment"], "the story wants it");
    assert_eq!(whole(world, id).1.unwrap().reason, Some(RevocationReason::KeyCompromise));
    let events = world.events();
    revoke(world, id, RevocationReason::Superseded);
    assert_eq!(world.events(), events, "it is due");
    fails(world, claim(world, JobKind::Revoke), FailureClass::RateLimited, Some(world.now() + 3 * DAY));
    let Standing::Asked { failures: 2, next_try: Some(next), .. } = standing(world, id) else { panic!() };
    assert_eq!(next, world.now() + 3 * DAY);
    world.pass(3 * DAY);
    let lease = claim(world, JobKind::Revoke);
    world.write(|tx, now| jobs::release_all(tx, "node", now)).unwrap();
    let refusal = world.refused(move |tx, now| revocation::confirmed(tx, &worker(), &lease, false, now));
    assert!(matches!(refusal, Refusal::LeaseLost(_)));
    let lease = claim(world, JobKind::Revoke);
    world.write(move |tx, now| revocation::confirmed(tx, &worker(), &lease, true, now)).unwrap();
    assert_eq!(standing(world, id), Standing::Revoked { already: true });
    let told = history(world, id).remove(0);
    assert_eq!((told.operation.as_str(), &told.payload["already"]), ("certificate.revocation_confirmed", &true.into()));
    // It is over: nothing is asked again.
    let before = world.events();
    revoke(world, id, RevocationReason::Superseded);
    assert_eq!(world.events(), before);
    assert!(world.read(move |tx| revocation::work(tx, id)).unwrap().is_none());
    assert!(world.read(move |tx| jobs::live(tx, JobKind::Revoke, id.0)).unwrap().is_none());

    // Who obtained it is known also when nobody manages it any more, and forgotten with the certificate.
    let lease = claim_waiting(world, JobKind::Withdraw);
    world.write(move |tx, now| jobs::finish(tx, &lease, now)).unwrap();
    world.write(move |tx, now| managed::remove(tx, &local(), lineage, now)).unwrap();
    assert_eq!(standing(world, id), Standing::Revoked { already: true });
    world.write(move |tx, now| inventory::remove(tx, &local(), id, now)).unwrap();
    assert!(world.intact().intact());
}

/// A job of this kind, if one waits; else any lease of it that was finished before.
fn claim_waiting(world: &World, kind: JobKind) -> Lease {
    let object = world.read(move |tx| {
        let sql = "SELECT object FROM job WHERE kind = $1 ORDER BY id DESC LIMIT 1";
        Ok(tx.one(sql, params![kind.name()], |row| row.get::<i64>(0))?)
    });
    let object = object.unwrap().expect("a job");
    world.write(move |tx, now| jobs::enqueue(tx, kind, object, now, now)).unwrap();
    world.write(move |tx, now| jobs::claim_one(tx, kind, object, "node", now)).unwrap().expect("it waits")
}

pub fn an_authority_that_stays_away_is_asked_once_a_day_and_told_once(world: &World) {
    let (_, id) = obtained(world);
    revoke(world, id, RevocationReason::Superseded);
    let asleep = "ca.example.com has trouble: it is asleep";
    let failing = |sentence: &str| {
        let before = world.events();
        fails_with(world, claim(world, JobKind::Revoke), FailureClass::Unreachable, None, sentence);
        let Standing::Asked { error: Some(error), failures, next_try: Some(next) } = standing(world, id) else { panic!() };
        assert_eq!(error, sentence);
        let pause = next - world.now();
        world.pass(pause);
        (failures, pause, world.events() - before)
    };
    assert_eq!(failing(asleep).2, 1);
    let mut last = 0;
    for expected in 2..=16 {
        let (failures, pause, events) = failing(asleep);
        assert_eq!((failures, events), (expected, 0), "the state goes on, and the log has been told");
        last = pause;
    }
    assert!((DAY..=DAY / 10 * 11).contains(&last), "{last}");
    // Other words are told, and so are the first ones after them.
    let refusing = "ca.example.com has trouble: it closes the connection";
    assert_eq!(failing(refusing).2, 1);
    let told = history(world, id).remove(0);
    assert_eq!((&told.payload["error"], &told.payload["failures"]), (&refusing.into(), &17.into()));
    assert_eq!((failing(refusing).2, failing(asleep).2, failing(asleep).2), (0, 1, 0));
    // That it is given up is told in any words; and whoever asks once more is told anew.
    fails_with(world, claim(world, JobKind::Revoke), FailureClass::Rejected, None, asleep);
    assert!(matches!(standing(world, id), Standing::Refused { .. }));
    assert_eq!(history(world, id)[0].payload["next_try"], serde_json::Value::Null);
    revoke(world, id, RevocationReason::Superseded);
    let (failures, pause, events) = failing(asleep);
    assert_eq!((failures, events), (1, 1));
    assert!(pause < 20_000, "{pause}");
    assert!(world.intact().intact());
}

pub fn what_an_issuer_refuses_is_asked_again_by_hand_only(world: &World) {
    let (lineage, id) = obtained(world);
    revoke(world, id, RevocationReason::Unspecified);
    fails(world, claim(world, JobKind::Revoke), FailureClass::Rejected, None);
    let Standing::Refused { error, detail: Some(_) } = standing(world, id) else { panic!("{:?}", standing(world, id)) };
    assert!(error.contains("it is asleep"));
    assert!(world.read(move |tx| jobs::live(tx, JobKind::Revoke, id.0)).unwrap().is_none(), "not by itself");
    assert_eq!(history(world, id)[0].payload["next_try"], serde_json::Value::Null);
    assert!(matches!(refused(world, id, RevocationReason::CertificateHold), Refusal::Invalid { field: "reason", .. }));
    revoke(world, id, RevocationReason::Superseded);
    assert_eq!(history(world, id)[0].operation, "certificate.revocation_requested");
    assert_eq!(world.read(move |tx| revocation::work(tx, id)).unwrap().unwrap().reason, RevocationReason::Superseded);
    // A certificate that expires meanwhile is not asked about for ever.
    world.pass(91 * DAY);
    fails(world, claim(world, JobKind::Revoke), FailureClass::Unreachable, None);
    let Standing::GivenUp { error, .. } = standing(world, id) else { panic!("{:?}", standing(world, id)) };
    assert!(error.contains("expired before its issuer revoked it"), "{error}");

    // What was recorded before Certhold could ask is asked on request.
    world.tamper("DELETE FROM acme_revocation");
    assert_eq!((whole(world, id).0, standing(world, id)), (true, Standing::NotAsked));
    revoke(world, id, RevocationReason::Unspecified);
    assert!(matches!(standing(world, id), Standing::Asked { failures: 0, .. }));
    // A certificate of somebody else is recorded as revoked, and nothing more is said.
    let foreign = world.certificate(&["foreign.example.com"], None);
    revoke(world, foreign, RevocationReason::PrivilegeWithdrawn);
    assert_eq!(whole(world, foreign), (true, None));
    assert!(world.read(move |tx| jobs::live(tx, JobKind::Revoke, foreign.0)).unwrap().is_none());
    let told = history(world, foreign).remove(0);
    assert_eq!((&told.payload["at_issuer"], &told.payload["issuer"]), (&false.into(), &serde_json::Value::Null));
    // An issuer goes when nothing that it issued is valid any more.
    let issuer = whole(world, id).1.unwrap().issuer.0.unwrap();
    let orders = world.read(move |tx| certhold_domain::renewal::order::list(tx, &local(), lineage, 9)).unwrap();
    assert_eq!(orders.len(), 1);
    let lease = claim_waiting(world, JobKind::Withdraw);
    world.write(move |tx, now| jobs::finish(tx, &lease, now)).unwrap();
    world.write(move |tx, now| managed::remove(tx, &local(), lineage, now)).unwrap();
    world.write(move |tx, now| certhold_domain::renewal::issuers::remove(tx, &local(), issuer, now)).unwrap();
    // How it stood is known also then; nobody is left to be asked.
    let at = whole(world, id).1.unwrap();
    assert_eq!((at.issuer.0, at.issuer.1.as_str(), at.may_be_asked()), (None, "Lab CA", false));
    assert!(matches!(at.standing, Standing::GivenUp { error, .. } if error.contains("was removed")));
    assert!(world.read(move |tx| jobs::live(tx, JobKind::Revoke, id.0)).unwrap().is_none());
    assert!(world.read(move |tx| revocation::work(tx, id)).unwrap().is_none());
    let told = history(world, id).remove(0);
    assert_eq!((told.operation.as_str(), &told.payload["issuer_name"]), ("certificate.revocation_failed", &"Lab CA".into()));
    let events = world.events();
    revoke(world, id, RevocationReason::Unspecified);
    assert_eq!(world.events(), events);
    world.write(move |tx, now| inventory::remove(tx, &local(), id, now)).unwrap();
    assert!(world.intact().intact());
}

pub fn an_issuer_goes_when_it_has_revoked_what_it_issued(world: &World) {
    let (lineage, id) = obtained(world);
    let issuer = whole(world, id).1.unwrap().issuer.0.unwrap();
    let lease = claim_waiting(world, JobKind::Withdraw);
    world.write(move |tx, now| jobs::finish(tx, &lease, now)).unwrap();
    world.write(move |tx, now| managed::remove(tx, &local(), lineage, now)).unwrap();
    revoke(world, id, RevocationReason::Superseded);
    let remove = move |tx: &mut certhold_store::Tx<'_>, now| certhold_domain::renewal::issuers::remove(tx, &local(), issuer, now);
    let refusal = world.refused(remove);
    assert!(refusal.to_string().contains("is not revoked there"), "{refusal}");
    // It was not asked: that is not a refusal of the issuer's.
    let lease = claim(world, JobKind::Revoke);
    let failure = RevocationFailure {
        outlook: Outlook::Hopeless,
        class: FailureClass::Rejected,
        sentence: "its account is gone".into(),
        detail: None,
        retry_after: None,
    };
    world.write(move |tx, now| revocation::failed(tx, &worker(), &lease, &failure, now)).unwrap();
    assert_eq!(standing(world, id), Standing::GivenUp { error: "its account is gone".into(), detail: None });
    assert!(world.read(move |tx| jobs::live(tx, JobKind::Revoke, id.0)).unwrap().is_none());
    revoke(world, id, RevocationReason::KeyCompromise);
    let lease = claim(world, JobKind::Revoke);
    world.write(move |tx, now| revocation::confirmed(tx, &worker(), &lease, false, now)).unwrap();
    world.write(remove).unwrap();
    let at = whole(world, id).1.unwrap();
    assert_eq!((at.issuer, at.standing), ((None, "Lab CA".into()), Standing::Revoked { already: false }));
    assert_eq!(at.reason, Some(RevocationReason::KeyCompromise));
    world.write(move |tx, now| inventory::remove(tx, &local(), id, now)).unwrap();
    assert!(world.intact().intact());
}

fn find(world: &World, text: &str) -> Vec<CertificateId> {
    let query = Query::parse(text, &Catalogue::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let filter = Filter { condition: Some(query.resolve(world.now(), "Kim Doe")), limit: 100, count: true, ..Filter::default() };
    let page = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap();
    assert_eq!(page.total, Some(page.certificates.len() as i64), "{text}");
    page.certificates.into_iter().map(|found| found.id).collect()
}

/// `LIKE` would walk the table on SQLite.
#[test]
fn beginnings_of_names_of_revokers_are_looked_up_in_their_index() {
    let world = World::open(Database::sqlite());
    find(&world, "Revoker -startswith \"kim\"");
    let counted = "SELECT count(*) FROM (SELECT certificate FROM revocation WHERE";
    let ran = world.store.executed_sql().into_iter().filter(|sql| sql.starts_with(counted)).collect::<Vec<_>>();
    assert!(!ran.is_empty());
    for sql in ran {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let steps = world.read(move |tx| Ok(tx.rows(&explain, params!["kim", "kin"], |row| row.get::<String>(3))?)).unwrap();
        let looked_up = |step: &String| step.contains("revocation_revoker (revoker_folded>? AND revoker_folded<?)");
        assert!(steps.iter().any(looked_up), "{sql}: {steps:?}");
    }
}

pub fn what_is_revoked_is_found_by_who_revoked_it(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let root_certificate = world.read(move |tx| certhold_domain::private_ca::get(tx, &local(), root)).unwrap().certificate;
    let mut client = request(root, KeySource::Made(None), &["kim.example.org"]);
    client.under = certhold_domain::enrolment::Under::Template(certhold_domain::private_ca::Profile::Client);
    let client = enrol(world, &local(), client).unwrap().certificate;
    let server = enrol(world, &local(), request(root, KeySource::Made(None), &["shop.example.org"])).unwrap().certificate;
    let foreign = world.certificate(&["foreign.example.org"], None);
    let all = [root_certificate, client, server, foreign];
    let revoker = world.role("Revokers", &[paths::CERTIFICATES_REVOKE]);
    for (name, id) in [("Kim Doe", client), ("MÜLLER", foreign)] {
        revoke_as(world, &world.somebody(name, &[revoker]), id);
    }
    let but = |left_out: &[CertificateId]| all.iter().copied().filter(|id| !left_out.contains(id)).collect::<Vec<_>>();
    for (text, expected) in [
        ("Revoker -eq \"kim doe\"", vec![client]),
        ("Revoker -eq %ME%", vec![client]),
        ("Revoker -ne \"KIM DOE\"", but(&[client])),
        ("Revoker -contains \"müll\"", vec![foreign]),
        ("Revoker -startswith \"k\" OR Revoker -endswith \"LER\"", vec![client, foreign]),
        ("Revoker -startswith \"Mü\"", vec![foreign]),
        ("Revoker -startswith \"kim_\" OR Revoker -startswith \"kim doe \"", vec![]),
        ("Revoker -like \"*i?*\"", vec![client]),
        ("Revoker -in (\"kim doe\", \"müller\")", vec![client, foreign]),
        ("Revoker -eq NULL", but(&[client, foreign])),
        ("Revoker -ne NULL AND CertState -eq Revoked", vec![client, foreign]),
        ("Revoker -eq \"nobody\"", vec![]),
        ("TemplateShortName -eq \"CLIENT\"", vec![client]),
        ("TemplateShortName -ne \"client\"", but(&[client])),
        ("TemplateShortName -in (\"client\", \"server\")", vec![client, server]),
        ("TemplateShortName -eq \"server_client\"", vec![]),
        ("TemplateShortName -eq \"authority\"", vec![]),
        ("TemplateDisplayName -eq \"tls server\"", vec![server]),
        ("TemplateDisplayName -contains \"TLS\"", vec![client, server]),
        ("TemplateDisplayName -eq NULL", but(&[client, server])),
        ("TemplateDisplayName -ne NULL AND Revoker -eq NULL", vec![server]),
        ("TemplateDisplayName -like \"*client\" OR Revoker -eq \"MÜLLER\"", vec![client, foreign]),
    ] {
        assert_eq!(find(world, text), expected, "{text}");
        // The same, decided in memory: what is inside a collection.
        if text.contains("%ME%") {
            continue;
        }
        let collection = add(world, text, text);
        for id in all {
            let now = world.now();
            let inside = world.read(move |tx| collections::containing(tx, &local(), id, now)).unwrap();
            assert_eq!(inside.iter().any(|one| one.id == collection), expected.contains(&id), "{text} of {id}");
        }
    }
    // Names that an earlier version recorded are found after the next start.
    world.tamper("UPDATE revocation SET revoker_folded = NULL");
    assert_eq!(find(world, "Revoker -endswith \"üller\""), []);
    world.write(|tx, now| certhold_domain::prepare(tx, &[uuid::Uuid::nil(); 2], now)).unwrap();
    assert_eq!(find(world, "Revoker -eq \"müller\""), [foreign]);
    let offered = |text: &'static str| {
        let found = world.read(move |tx| query::completions(tx, &local(), text, usize::MAX)).unwrap();
        found.items.into_iter().map(|item| item.text).collect::<Vec<_>>()
    };
    assert!(offered("TemplateShortName -eq ser").contains(&"\"server_client\"".to_owned()));
    assert!(offered("TemplateDisplayName -eq tls").contains(&"\"TLS client\"".to_owned()));
}
