//! Enrolment patterns: what requests are held against, and how patterns are kept.

use certhold_domain::access::{paths, roles};
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::{self, Kind, Kinds, OwnerTerms, PartRule, PatternCommand, Rules, Under};
use certhold_domain::inventory;
use certhold_domain::metadata::{Enrolment, Override};
use certhold_domain::private_ca::{self, EnrolmentRequest, KeySource, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{Actor, AuthorityId, PatternId, Refusal, RoleId};

use super::enrolling::{create, csr, facts, pattern, request, said, update};
use super::issuing::{enrol, local, make, refusal, wanted};
use super::world::World;

fn web_rules() -> Rules {
    Rules {
        kinds: Kinds { pfx: true, csr: true, csr_generation: false },
        days: Some(30),
        most_days: Some(60),
        keys: vec![KeyKind::P384, KeyKind::Rsa2048],
        parts: vec![
            PartRule { part: "O".into(), default: "Example".into(), ..PartRule::default() },
            PartRule {
                part: "DNS".into(),
                regex: r"\.example\.org$".into(),
                message: "a host of ours".into(),
                ..PartRule::default()
            },
        ],
        ..Rules::default()
    }
}

pub fn a_pattern_is_what_requests_are_held_against(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let other = make(world, wanted("Other Root", None)).unwrap();
    let web = world.role("Web", &[paths::ENROLLMENT_CSR, paths::ENROLLMENT_PFX]);
    let mail = world.role("Mail", &[paths::ENROLLMENT_PFX]);
    let (kim, eve) = (world.somebody("kim", &[web]), world.somebody("eve", &[mail]));
    let asking = kim.clone();
    let now = world.now();
    let offered = world.read(move |tx| private_ca::issuing_authorities(tx, &asking, now)).unwrap();
    assert_eq!(offered.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [root, other]);
    let id = create(world, PatternCommand { rules: web_rules(), ..pattern("Web servers", root, &[web]) });
    let under = Under::Pattern(id);
    let with = |subject: &str, names: &[&str]| EnrolmentRequest { subject: Some(subject.into()), ..request(under, names) };

    // What is allowed gets what the pattern says: its authority, its key, its life, its defaults, and is remembered.
    let issued = enrol(world, &kim, with("CN=a.example.org", &[])).unwrap();
    let leaf = facts(world, issued.certificate);
    assert_eq!((leaf.subject.as_str(), leaf.key_curve.as_deref()), ("CN=a.example.org,O=Example", Some("P-384")));
    assert_eq!((leaf.not_after - world.now() + 1_000) / 86_400_000, 30);
    assert_eq!(leaf.dns_names().collect::<Vec<_>>(), ["a.example.org"], "the common name is among the names");
    let certificate = issued.certificate;
    let whole = world.read(move |tx| inventory::get_whole(tx, &local(), certificate, Scope::everywhere(0))).unwrap();
    let issuance = whole.issuance.unwrap();
    assert_eq!((issuance.pattern, issuance.template, issuance.authority_id), (Some(id), Some(Profile::Server), root));
    let longer = EnrolmentRequest { days: Some(60), authority: Some(root), ..with("CN=b.example.org", &[]) };
    enrol(world, &kim, longer).unwrap();
    let by_request = EnrolmentRequest { key: csr(KeyKind::Rsa2048, &["c.example.org"]), ..request(under, &[]) };
    enrol(world, &kim, by_request.clone()).unwrap();

    // Whoever has no role of the pattern may not use it, and does not learn whether it exists.
    let missing = request(Under::Pattern(PatternId(4_711)), &["a.example.org"]);
    let stranger = said(enrol(world, &eve, with("CN=a.example.org", &[])));
    assert!(stranger.contains("none of the roles"), "{stranger}");
    assert_eq!(said(enrol(world, &eve, missing.clone())), stranger);
    assert!(matches!(refusal(enrol(world, &local(), missing)), Refusal::NotFound { .. }));
    let asking = eve.clone();
    assert!(matches!(refusal(world.read(move |tx| enrolment::list(tx, &asking))), Refusal::Forbidden { .. }));
    let (mine, theirs) = (kim.clone(), eve.clone());
    let usable = |who: Actor| world.read(move |tx| enrolment::usable(tx, &who, &[Kind::Pfx, Kind::Csr])).unwrap();
    assert_eq!((usable(mine).len(), usable(theirs).len()), (1, 0));
    let asking = kim.clone();
    assert_eq!(world.read(move |tx| enrolment::usable_one(tx, &asking, id)).unwrap().id, id);
    let asking = eve.clone();
    assert_eq!(said(world.read(move |tx| enrolment::usable_one(tx, &asking, id))), stranger);
    let nobody = world.somebody("nobody", &[]);
    assert!(matches!(refusal(world.read(move |tx| enrolment::usable(tx, &nobody, &[Kind::Csr]))), Refusal::Forbidden { .. }));

    // Each rule refuses in its own words.
    for (asked, sentence) in [
        (with("CN=a.example.com", &[]), "a host of ours"),
        (with("CN=a.example.org", &["*.example.org"]), "no wildcards"),
        (with("CN=Kim Doe", &["a.example.org"]), "must be among"),
        (EnrolmentRequest { days: Some(61), ..with("CN=a.example.org", &[]) }, "1 to 60 days"),
        (EnrolmentRequest { key: KeySource::Made(Some(KeyKind::P256)), ..with("CN=a.example.org", &[]) }, "not among the keys"),
        (EnrolmentRequest { key: csr(KeyKind::Ed25519, &["a.example.org"]), ..request(under, &[]) }, "Ed25519"),
        (by_request, "for no key twice"),
        (EnrolmentRequest { authority: Some(other), ..with("CN=a.example.org", &[]) }, "issues from \"Example Root\""),
        (with("CN=a.example.org,C=Germany", &[]), "at most 2"),
    ] {
        let events = world.events();
        let refused = said(enrol(world, &kim, asked));
        assert!(refused.contains(sentence), "{sentence}: {refused}");
        assert_eq!(world.events(), events);
    }
    update(world, id, |command| command.rules.kinds = Kinds { pfx: false, csr: true, csr_generation: false });
    let refused = said(enrol(world, &kim, with("CN=a.example.org", &[])));
    assert!(refused.contains("issues nothing with a key that is made here"), "{refused}");
    update(world, id, |command| (command.rules.kinds, command.rules.key_reuse) = (Kinds::ALL, true));
    let twice = csr(KeyKind::P384, &["d.example.org"]);
    for _ in 0..2 {
        enrol(world, &kim, EnrolmentRequest { key: twice.clone(), ..request(under, &[]) }).unwrap();
    }
    // Without an authority of its own, whoever enrols names one where there are several.
    update(world, id, |command| command.authority = None);
    assert!(said(enrol(world, &kim, with("CN=a.example.org", &[]))).contains("name one"));
    enrol(world, &kim, EnrolmentRequest { authority: Some(other), ..with("CN=a.example.org", &[]) }).unwrap();
    assert!(world.intact().problems.is_empty());
}

pub fn patterns_are_checked_and_removed_with_care(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let (web, foreign) = (world.role("Web", &[paths::ENROLLMENT_PFX]), world.role("Foreign", &[]));
    let editor = world.role("Editor", &[paths::PATTERNS_MODIFY]);
    let ed = world.somebody("ed", &[editor]);
    let id = create(world, pattern("Web servers", root, &[web, web]));
    let found = world.read(move |tx| enrolment::get(tx, &local(), id)).unwrap();
    assert_eq!((found.role_names.as_slice(), found.authority_name.as_deref()), (&["Web".to_owned()][..], Some("Example Root")));
    assert_eq!(world.read(|tx| enrolment::by_name(tx, &local(), " web SERVERS ")).unwrap(), id);
    assert!(world.read(|tx| enrolment::by_name(tx, &local(), "Other")).is_err());
    let events = world.events();
    update(world, id, |_| {});
    assert_eq!(world.events(), events, "nothing changed");

    let wrong = |change: &dyn Fn(&mut PatternCommand)| {
        let mut command = pattern("Another", root, &[]);
        change(&mut command);
        world.refused(move |tx, now| enrolment::create(tx, &local(), &command, false, now)).to_string()
    };
    let field = |id| Override {
        field: certhold_domain::MetadataFieldId(id),
        enrolment: Enrolment::Optional,
        default: String::new(),
        validation: String::new(),
        message: String::new(),
    };
    assert!(wrong(&|command| command.name = "WEB servers".into()).contains("already"));
    assert!(wrong(&|command| command.name = " ".into()).contains("a name is required"));
    assert!(wrong(&|command| command.authority = Some(AuthorityId(99))).contains("no private authority 99"));
    assert!(wrong(&|command| command.roles = vec![RoleId(99)]).contains("no role 99"));
    assert!(wrong(&|command| command.owner.default = Some(RoleId(99))).contains("no role 99"));
    assert!(wrong(&|command| command.rules.most_days = Some(4_000)).contains("398 days"));
    assert!(wrong(&|command| command.fields = vec![field(7)]).contains("no metadata field 7"));

    // A default owner is somebody whom whoever sets it could make one.
    let command =
        PatternCommand { owner: OwnerTerms { default: Some(foreign), ..OwnerTerms::default() }, ..pattern("Given", root, &[]) };
    let (asking, asked) = (ed.clone(), command.clone());
    let refused = world.refused(move |tx, now| enrolment::create(tx, &asking, &asked, false, now)).to_string();
    assert!(refused.contains("role of the new owner") && !refused.contains("Foreign"), "{refused}");
    let given = create(world, command.clone());
    // Others may change such a pattern in every other respect.
    let renamed = PatternCommand { description: "changed".into(), ..command };
    let asking = ed.clone();
    world.write(move |tx, now| enrolment::update(tx, &asking, given, &renamed, false, now)).unwrap();
    for refused in [
        world.refused(move |tx, now| roles::remove(tx, &local(), foreign, now)),
        world.refused(move |tx, now| roles::remove(tx, &local(), web, now)),
    ] {
        assert!(refused.to_string().contains("names the role"), "{refused}");
    }

    // With certificates it stays, unless they may forget it.
    let issued = enrol(world, &local(), request(Under::Pattern(id), &["a.example.org"])).unwrap().certificate;
    let refused = world.refused(move |tx, now| enrolment::remove(tx, &local(), id, false, now));
    assert!(refused.to_string().contains("1 certificates were issued"), "{refused}");
    let asking = world.somebody("reader", &[world.role("Reader", &[paths::PATTERNS_READ])]);
    let refused = world.refused(move |tx, now| enrolment::remove(tx, &asking, id, true, now));
    assert!(matches!(refused, Refusal::Forbidden { .. }));
    world.write(move |tx, now| enrolment::remove(tx, &local(), id, true, now)).unwrap();
    world.write(move |tx, now| enrolment::remove(tx, &ed, given, false, now)).unwrap();
    assert!(matches!(refusal(world.read(move |tx| enrolment::get(tx, &local(), id))), Refusal::NotFound { .. }));
    let whole = world.read(move |tx| inventory::get_whole(tx, &local(), issued, Scope::everywhere(0))).unwrap();
    assert_eq!(whole.issuance.unwrap().pattern, None);
    world.write(move |tx, now| roles::remove(tx, &local(), web, now)).unwrap();
}
