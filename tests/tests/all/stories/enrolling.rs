//! Enrolment as policy: patterns, their rules and refusals, owners, and certificates that are issued again.

use certhold_domain::access::paths;
use certhold_domain::bulk::{Command, Edit, Selection};
use certhold_domain::collections::Scope;
use certhold_domain::custody::{self, RemoveKeyRequest, SecretKind};
use certhold_domain::enrolment::{
    self, Kind, OwnerRule, OwnerTerms, PartRule, PatternCommand, RenewalKind, RequestWanted, Rules, Under,
};
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::metadata::{self, Change, Enrolment, FieldCommand, FieldType, Override};
use certhold_domain::ownership::{self, ChangeOwner, OwnerPolicy};
use certhold_domain::private_ca::{self, EnrolmentRequest, KeySource, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{Actor, AuthorityId, CertificateId, PatternId, Refusal, Result, RoleId};
use certhold_outside::keys::{certificate_request, generate};
use certhold_pki::Facts;
use certhold_pki::issue::GeneralName;

use super::bulk::look;
use super::issuing::{enrol, hands, local, make, refusal, wanted};
use super::world::World;

/// A pattern of which nothing is asked but that somebody of these roles uses it.
pub(super) fn pattern(name: &str, authority: AuthorityId, roles: &[RoleId]) -> PatternCommand {
    PatternCommand {
        name: name.into(),
        description: String::new(),
        template: Profile::Server,
        is_default: false,
        authority: Some(authority),
        roles: roles.to_vec(),
        rules: Rules { wildcards: true, key_reuse: true, rfc: false, ..Rules::default() },
        owner: OwnerTerms::default(),
        fields: Vec::new(),
    }
}

pub(super) fn create(world: &World, command: PatternCommand) -> PatternId {
    world.write(move |tx, now| enrolment::create(tx, &local(), &command, false, now)).unwrap()
}

pub(super) fn update(world: &World, id: PatternId, change: impl FnOnce(&mut PatternCommand)) {
    let mut command = world.read(move |tx| enrolment::get(tx, &local(), id)).unwrap().settings;
    change(&mut command);
    world.write(move |tx, now| enrolment::update(tx, &local(), id, &command, false, now)).unwrap();
}

pub(super) fn request(under: Under, names: &[&str]) -> EnrolmentRequest {
    EnrolmentRequest {
        under,
        authority: None,
        key: KeySource::Made(None),
        subject: None,
        names: names.iter().map(|name| GeneralName::host(name).unwrap()).collect(),
        days: None,
        owner: None,
        metadata: Vec::new(),
        delivered: false,
        renews: None,
    }
}

pub(super) fn csr(kind: KeyKind, names: &[&str]) -> KeySource {
    KeySource::Request(certificate_request(&generate(kind).unwrap(), names).unwrap())
}

pub(super) fn facts(world: &World, id: CertificateId) -> Facts {
    world.read(move |tx| inventory::get(tx, &local(), id)).unwrap().facts().unwrap()
}

fn owner(world: &World, id: CertificateId) -> Option<RoleId> {
    world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap().owner.map(|(role, _)| role)
}

pub(super) fn said<T>(result: Result<T>) -> String {
    refusal(result).to_string()
}

pub fn a_template_means_its_default_pattern(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let web = world.role("Web", &[paths::ENROLLMENT_PFX]);
    let free = world.role("Free", &[paths::ENROLLMENT_PFX]);
    let (kim, eve) = (world.somebody("kim", &[web]), world.somebody("eve", &[free]));
    let by_template = || request(Under::Template(Profile::Server), &["a.example.org"]);
    let open = |who: &Actor| {
        let who = who.clone();
        let found = world.read(move |tx| enrolment::open_templates(tx, &who, Kind::Pfx)).unwrap();
        found.into_iter().map(|open| (open.template.name(), open.pattern.is_some())).collect::<Vec<_>>()
    };
    // While a template has no pattern, it is open to everybody with the right.
    enrol(world, &eve, by_template()).unwrap();
    assert!(open(&eve).contains(&("server", false)));
    // With one, it is closed to whoever names no pattern, until one of them is the default.
    let first = create(world, pattern("First", root, &[web]));
    for who in [&kim, &eve] {
        let refused = said(enrol(world, who, by_template()));
        assert!(refused.contains("has no default enrolment pattern"), "{refused}");
        assert!(open(who).iter().all(|(name, _)| *name != "server"));
    }
    enrol(world, &eve, EnrolmentRequest { subject: Some("CN=Kim".into()), ..request(Under::Template(Profile::Client), &[]) })
        .unwrap();
    update(world, first, |command| command.is_default = true);
    let issued = enrol(world, &kim, by_template()).unwrap().certificate;
    let whole = world.read(move |tx| inventory::get_whole(tx, &local(), issued, Scope::everywhere(0))).unwrap();
    assert_eq!(whole.issuance.unwrap().pattern, Some(first));
    assert!(said(enrol(world, &eve, by_template())).contains("none of the roles"));
    assert!(open(&kim).contains(&("server", true)) && open(&eve).iter().all(|(name, _)| *name != "server"));
    // There is one default, and another one takes its place only when that is said.
    let second = PatternCommand { is_default: true, ..pattern("Second", root, &[free]) };
    let asked = second.clone();
    let refused = world.refused(move |tx, now| enrolment::create(tx, &local(), &asked, false, now));
    assert!(refused.to_string().contains("\"First\" is the default"), "{refused}");
    let second = world.write(move |tx, now| enrolment::create(tx, &local(), &second, true, now)).unwrap();
    let all = world.read(|tx| enrolment::list(tx, &local())).unwrap();
    let defaults: Vec<PatternId> = all.iter().filter(|one| one.settings.is_default).map(|one| one.id).collect();
    assert_eq!(defaults, [second]);
    enrol(world, &eve, by_template()).unwrap();
    let default = world.read(|tx| enrolment::default_pattern(tx, &local(), Profile::Server)).unwrap();
    assert_eq!(default.map(|pattern| pattern.id), Some(second));
    assert_eq!(world.read(|tx| enrolment::default_pattern(tx, &local(), Profile::Mail)).unwrap(), None);
}

pub fn an_owner_is_as_the_pattern_says(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let web = world.role("Web", &[paths::ENROLLMENT_PFX, paths::CERTIFICATES_CHANGE_OWNER, paths::CERTIFICATES_READ]);
    let house = world.role("House", &[]);
    let kim = world.somebody("kim", &[web]);
    let id = create(world, pattern("Web servers", root, &[web]));
    let asked = |owner: Option<RoleId>| EnrolmentRequest { owner, ..request(Under::Pattern(id), &["a.example.org"]) };
    let issue = |owner| enrol(world, &kim, asked(owner));
    let set = |policy, default, overridable| {
        update(world, id, |command| command.owner = OwnerTerms { policy, default, overridable });
    };

    // Optional: nobody, or a role that the caller holds.
    let free = issue(None).unwrap().certificate;
    assert_eq!(owner(world, free), None);
    let owned = issue(Some(web)).unwrap().certificate;
    assert!(said(issue(Some(house))).contains("role of the new owner"));
    assert_eq!(owner(world, owned), Some(web));
    // A default owner is the pattern's decision, also for a role that the caller does not hold; another one only where that is allowed.
    set(OwnerRule::Optional, Some(house), true);
    assert_eq!(owner(world, issue(None).unwrap().certificate), Some(house));
    assert_eq!(owner(world, issue(Some(house)).unwrap().certificate), Some(house));
    assert_eq!(owner(world, issue(Some(web)).unwrap().certificate), Some(web));
    set(OwnerRule::Optional, Some(house), false);
    assert!(said(issue(Some(web))).contains("cannot be overridden"));
    set(OwnerRule::Hidden, None, true);
    assert!(said(issue(Some(web))).contains("name no owner"));
    assert_eq!(owner(world, issue(None).unwrap().certificate), None);
}

pub fn owners_are_asked_for_on_three_levels(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let web = world.role("Web", &[paths::ENROLLMENT_PFX, paths::CERTIFICATES_CHANGE_OWNER, paths::CERTIFICATES_READ]);
    let kim = world.somebody("kim", &[web]);
    let id = create(world, pattern("Web servers", root, &[web]));
    let asked = |owner: Option<RoleId>| EnrolmentRequest { owner, ..request(Under::Pattern(id), &["a.example.org"]) };
    let issue = |owner| enrol(world, &kim, asked(owner));
    let clear = |certificate| {
        let command = ChangeOwner { certificate, scope: ownership::Scope::default(), to: None };
        world.write(move |tx, now| ownership::change(tx, &local(), &command, now))
    };
    let free = issue(None).unwrap().certificate;
    let owned = issue(Some(web)).unwrap().certificate;
    clear(owned).unwrap();

    // Required, on each level: an enrolment without an owner is refused, and the owner of what was issued cannot be cleared.
    let role_of = |certificate: CertificateId| {
        let command = ChangeOwner { certificate, scope: ownership::Scope::default(), to: Some(web) };
        world.write(move |tx, now| ownership::change(tx, &local(), &command, now)).unwrap();
    };
    role_of(owned);
    let imported = world.certificate(&["b.example.org"], Some(web));
    let template =
        |policy| world.write(move |tx, now| enrolment::set_template(tx, &local(), Profile::Server, policy, now)).unwrap();
    let system = |policy| world.write(move |tx, now| ownership::set_policy(tx, &local(), policy, now)).unwrap();
    let level = |number: usize, on: bool| match number {
        0 => update(world, id, |command| command.owner.policy = if on { OwnerRule::Required } else { OwnerRule::Optional }),
        1 => template(if on { OwnerRule::Required } else { OwnerRule::Optional }),
        _ => system(if on { OwnerPolicy::Required } else { OwnerPolicy::Optional }),
    };
    for (number, words) in
        [(0, "the enrolment pattern \"Web servers\""), (1, "the template \"server\""), (2, "every certificate")]
    {
        level(number, true);
        let refused = said(issue(None));
        assert!(refused.contains(words) && refused.contains("name one"), "{refused}");
        issue(Some(web)).unwrap();
        let refused = said(clear(owned));
        assert!(refused.contains(words) && refused.contains("not cleared"), "{refused}");
        // What no pattern issued only the installation asks for.
        assert_eq!(clear(imported).is_err(), number == 2, "{words}");
        role_of(imported);
        role_of(owned);
        level(number, false);
    }
    clear(owned).unwrap();
    assert_eq!(clear(free).unwrap(), ownership::OwnerChange::Unchanged, "what has no owner keeps having none");

    // Many at once: those that need one are refused one by one.
    role_of(owned);
    role_of(imported);
    level(1, true);
    let command =
        Command { selection: Selection::Certificates(vec![owned, imported]), edit: Edit::Owner { to: None }, confirmed: None };
    let tally = look(world, &local(), &command).tally;
    assert_eq!((tally.changed, tally.refused), (1, 1));
    assert!(tally.reasons[0].reason.contains("the template \"server\""), "{:?}", tally.reasons);

    // Templates are changed by whoever may change templates, and hide nothing.
    let asking = kim.clone();
    let refused = world.refused(move |tx, now| enrolment::set_template(tx, &asking, Profile::Mail, OwnerRule::Required, now));
    assert!(matches!(refused, Refusal::Forbidden { .. }));
    let refused = world.refused(|tx, now| enrolment::set_template(tx, &local(), Profile::Mail, OwnerRule::Hidden, now));
    assert!(matches!(refused, Refusal::Invalid { field: "owner_policy", .. }));
    let all = world.read(|tx| enrolment::templates(tx, &local())).unwrap();
    let required: Vec<i64> = all.iter().filter(|one| one.owner_policy == OwnerRule::Required).map(|one| one.number).collect();
    assert_eq!((all.len(), required), (5, vec![1]));
    assert!(world.read(|tx| enrolment::template_by_number(tx, &local(), 6)).is_err());
    assert!(matches!(refusal(world.read(move |tx| enrolment::template(tx, &kim, Profile::Mail))), Refusal::Forbidden { .. }));
}

pub fn a_pattern_says_more_of_metadata_fields(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let field = |name: &'static str, default: &'static str| {
        let command = FieldCommand { default: default.into(), ..FieldCommand::new(name, FieldType::String) };
        world.write(move |tx, now| metadata::create(tx, &local(), &command, now)).unwrap()
    };
    let (team, tier, cost) = (field("Team", ""), field("Tier", "bronze"), field("Cost", ""));
    let over = |field, enrolment, default: &str, validation: &str| Override {
        field,
        enrolment,
        default: default.into(),
        validation: validation.into(),
        message: if validation.is_empty() { String::new() } else { "four digits".into() },
    };
    let fields = vec![
        over(team, Enrolment::Required, "", ""),
        over(tier, Enrolment::Hidden, "gold", ""),
        over(cost, Enrolment::Optional, "", "^[0-9]{4}$"),
    ];
    let id = create(world, PatternCommand { fields: fields.clone(), ..pattern("Web servers", root, &[]) });
    let noted = |certificate| {
        let held = world.read(move |tx| metadata::of(tx, &local(), certificate)).unwrap();
        held.into_iter().map(|held| (held.name, held.value)).collect::<Vec<_>>()
    };
    let asked = |under, values: &[(&str, &str)]| {
        let metadata = values.iter().map(|(field, value)| Change::new(*field, *value)).collect();
        enrol(world, &local(), EnrolmentRequest { metadata, ..request(under, &["a.example.org"]) })
    };
    let under = Under::Pattern(id);
    assert!(said(asked(under, &[])).contains("Team: the field is required"));
    assert!(said(asked(under, &[("Team", "a"), ("Tier", "silver")])).contains("Tier: no value may be given"));
    assert!(said(asked(under, &[("Team", "a"), ("Cost", "12")])).contains("four digits"));
    let issued = asked(under, &[("Team", "a"), ("Cost", "1234")]).unwrap().certificate;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(noted(issued), [pair("Cost", "1234"), pair("Team", "a"), pair("Tier", "gold")]);
    let free = asked(Under::Template(Profile::Client), &[("Tier", "silver")]).unwrap().certificate;
    assert_eq!(noted(free), [pair("Tier", "silver")], "other templates ask what the fields ask");
    let shown = world.read(move |tx| {
        let pattern = enrolment::get(tx, &local(), id)?;
        enrolment::fields(tx, Some(&pattern))
    });
    let shown: Vec<(String, Enrolment)> = shown.unwrap().into_iter().map(|field| (field.name, field.enrolment)).collect();
    assert_eq!(shown[1..], [("Team".into(), Enrolment::Required), ("Tier".into(), Enrolment::Hidden)]);
    // A renewal takes over what was noted, but for what the pattern decides.
    let (scope, now) = (Scope::everywhere(world.now()), world.now());
    let again = world.read(move |tx| enrolment::renewal_request(tx, &local(), issued, scope, None, None)).unwrap();
    assert_eq!(noted(enrol(world, &local(), again).unwrap().certificate), noted(issued), "at {now}");
    let wrong = |other: Override, sentence: &str| {
        let command = PatternCommand { fields: vec![other], ..pattern("Another", root, &[]) };
        let refused = world.refused(move |tx, now| enrolment::create(tx, &local(), &command, false, now));
        assert!(refused.to_string().contains(sentence), "{refused}");
    };
    wrong(over(cost, Enrolment::Optional, "x", "^[0-9]{4}$"), "four digits");
    wrong(over(cost, Enrolment::Optional, "", "("), "not a regular expression");
    wrong(Override { message: "why".into(), ..over(cost, Enrolment::Optional, "", "") }, "beside it");
    // A field that is removed is asked for no more.
    world.write(move |tx, now| metadata::remove(tx, &local(), cost, true, now)).unwrap();
    let left = world.read(move |tx| enrolment::get(tx, &local(), id)).unwrap().settings.fields;
    assert_eq!(left, fields[..2]);
}

pub fn a_request_made_here_meets_its_certificate(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let makers = world.role("Makers", &[paths::ENROLLMENT_CSR, paths::ENROLLMENT_CSR_GENERATION]);
    let (kim, eve) = (world.somebody("kim", &[makers]), world.somebody("eve", &[makers]));
    let rules = Rules {
        keys: vec![KeyKind::P384],
        parts: vec![PartRule { part: "O".into(), default: "Example".into(), ..PartRule::default() }],
        ..Rules::default()
    };
    let id = create(world, PatternCommand { rules, ..pattern("Web servers", root, &[makers]) });
    let wanted = |under, subject: &str, key| RequestWanted { under, subject: Some(subject.into()), names: Vec::new(), key };
    let generate = |who: &Actor, wanted: RequestWanted| {
        let (asking, asked) = (who.clone(), wanted.clone());
        let draft = world.read(move |tx| enrolment::draft_request(tx, &asking, &asked))?;
        let made = draft.make(hands(world))?;
        let who = who.clone();
        world.write(move |tx, now| enrolment::keep_request(tx, &who, &wanted, &made, now))
    };
    let under = Some(Under::Pattern(id));
    let made = generate(&kim, wanted(under, "CN=a.example.org", None)).unwrap();
    let free = generate(&kim, wanted(None, "CN=Kim Doe", Some(KeyKind::Rsa2048))).unwrap();
    for (asked, sentence) in [
        (wanted(under, "CN=a.example.org", Some(KeyKind::P256)), "not among the keys"),
        (wanted(under, "CN=Kim Doe", None), "at least one host name"),
        (wanted(None, "", None), "say who it is for"),
        (wanted(None, "CN", None), "expected an attribute"),
    ] {
        let refused = said(generate(&kim, asked));
        assert!(refused.contains(sentence), "{refused}");
    }
    let stranger = world.somebody("stranger", &[world.role("Others", &[paths::KEY_REQUESTS_READ])]);
    assert!(matches!(refusal(generate(&stranger, wanted(None, "CN=a", None))), Refusal::Forbidden { .. }));

    // Everybody sees their own, and whoever may see all of them all.
    let pending = |who: &Actor| {
        let who = who.clone();
        let (rows, total) = world.read(move |tx| custody::pending_key_requests(tx, &who, 0, 50)).unwrap();
        assert_eq!(rows.len() as i64, total);
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!((pending(&kim), pending(&eve), pending(&stranger)), (vec![free, made], vec![], vec![free, made]));
    let listed = |who: &Actor| {
        let who = who.clone();
        world.read(move |tx| custody::list_key_requests(tx, &who, None, 50)).unwrap().len()
    };
    assert_eq!((listed(&kim), listed(&eve), listed(&local())), (2, 0, 2));
    let asking = eve.clone();
    assert!(matches!(refusal(world.read(move |tx| custody::key_request(tx, &asking, made))), Refusal::NotFound { .. }));
    let remove = |who: &Actor, id| {
        let nothing = world.custody.seal(&world.entropy, SecretKind::PrivateKey, &[]).unwrap();
        let (who, command) = (who.clone(), RemoveKeyRequest { id, nothing });
        world.write(move |tx, now| custody::remove_key_request(tx, &who, &command, now))
    };
    assert!(matches!(refusal(remove(&eve, made)), Refusal::NotFound { .. }));
    assert!(matches!(refusal(remove(&stranger, made)), Refusal::Forbidden { .. }));

    // The certificate that is issued for the request finds its key.
    let asking = kim.clone();
    let request_made = world.read(move |tx| custody::key_request(tx, &asking, made)).unwrap();
    assert_eq!((request_made.pattern, request_made.name.as_str()), (Some(id), "a.example.org"));
    let signing = EnrolmentRequest { key: KeySource::Request(request_made.csr), ..request(Under::Pattern(id), &[]) };
    let issued = enrol(world, &kim, signing.clone()).unwrap().certificate;
    assert!(world.read(move |tx| inventory::summary(tx, &local(), issued)).unwrap().has_key);
    assert_eq!(facts(world, issued).subject, "CN=a.example.org,O=Example");
    assert_eq!(pending(&kim), [free]);
    assert!(said(enrol(world, &kim, signing)).contains("for no key twice"));
    remove(&kim, made).unwrap();
    assert!(world.read(move |tx| inventory::summary(tx, &local(), issued)).unwrap().has_key, "the key of a certificate stays");
    remove(&kim, free).unwrap();
    assert_eq!(pending(&local()), []);
}

pub fn what_was_issued_is_issued_again(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let web = world.role("Web", &[paths::ENROLLMENT_PFX, paths::ENROLLMENT_CSR, paths::CERTIFICATES_READ]);
    let house = world.role("House", &[]);
    let kim = world.somebody("kim", &[web]);
    let owner_terms = OwnerTerms { default: Some(house), ..OwnerTerms::default() };
    let id = create(world, PatternCommand { owner: owner_terms, ..pattern("Web servers", root, &[web]) });
    let names = ["a.example.org", "192.0.2.1"];
    let made = EnrolmentRequest {
        subject: Some("CN=a.example.org,O=Example".into()),
        key: KeySource::Made(Some(KeyKind::Rsa2048)),
        ..request(Under::Pattern(id), &names)
    };
    let first = enrol(world, &kim, made).unwrap().certificate;
    let scope = Scope::everywhere(world.now());
    let how = |certificate| world.read(move |tx| enrolment::available_renewal(tx, &local(), certificate, scope)).unwrap();
    assert_eq!(how(first).kind, RenewalKind::OneClick);
    let again = |who: &Actor, certificate, under| {
        let who = who.clone();
        world.read(move |tx| enrolment::renewal_request(tx, &who, certificate, scope, None, under))
    };
    // The pattern's default owner stays although it is another one by now, and although kim does not hold its role.
    update(world, id, |command| command.owner = OwnerTerms::default());
    let second = enrol(world, &kim, again(&kim, first, None).unwrap()).unwrap().certificate;
    let (old, new) = (facts(world, first), facts(world, second));
    assert_eq!((&old.subject, &old.names, old.key_bits), (&new.subject, &new.names, Some(2_048)));
    assert_ne!(old.spki_sha256, new.spki_sha256);
    assert_eq!((owner(world, second), new.key_bits), (Some(house), Some(2_048)));
    let other = again(&kim, first, Some(Under::Template(Profile::ServerAndClient))).unwrap();
    enrol(world, &kim, other).unwrap();
    // A signing request renews, too, and keeps the owner; what nobody here issued does not.
    let renewing = |certificate| EnrolmentRequest {
        key: csr(KeyKind::P256, &["a.example.org"]),
        renews: Some((certificate, scope)),
        ..request(Under::Pattern(id), &[])
    };
    let third = enrol(world, &kim, renewing(first)).unwrap().certificate;
    assert_eq!((owner(world, third), how(third).kind), (Some(house), RenewalKind::Seeded));
    assert!(said(again(&kim, third, None)).contains("not in custody"));
    let imported = world.certificate(&["b.example.org"], None);
    assert_eq!(how(imported).kind, RenewalKind::None);
    assert!(said(again(&kim, imported, None)).contains("No private authority issued it"));
    assert!(said(enrol(world, &kim, renewing(imported))).contains("no private authority issued it here"));
    assert_eq!(how(imported).message, "No private authority issued it here: renew it where it was issued.");
    let own = world.read(move |tx| private_ca::get(tx, &local(), root)).unwrap().certificate;
    assert_eq!(how(own).kind, RenewalKind::None, "an authority is not renewed by enrolling");
    // Nor what is revoked, nor what one may not read or enrol for.
    let revocation = Revocation { effective_at: world.now(), reason: RevocationReason::Superseded, comment: "a story".into() };
    let command = Revoke { certificates: vec![first], revocation };
    world.write(move |tx, now| inventory::revoke(tx, &local(), &command, Scope::everywhere(now), now)).unwrap();
    assert_eq!(how(first).kind, RenewalKind::None);
    for refused in [said(again(&kim, first, None)), said(enrol(world, &kim, renewing(first)))] {
        assert!(refused.contains("t is revoked: enrol for a new certificate instead"), "{refused}");
    }
    let blind = world.somebody("blind", &[world.role("Blind", &[paths::ENROLLMENT_PFX])]);
    let idle = world.somebody("idle", &[world.role("Idle", &[paths::CERTIFICATES_READ])]);
    for who in [&blind, &idle] {
        assert!(matches!(refusal(again(who, second, None)), Refusal::Forbidden { .. }));
    }
}

pub fn what_changes_meanwhile_stops_what_was_drafted(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let web = world.role("Web", &[paths::ENROLLMENT_PFX, paths::ENROLLMENT_CSR]);
    let kim = world.somebody("kim", &[web]);
    let id = create(world, PatternCommand { rules: Rules::default(), ..pattern("Web servers", root, &[web]) });
    let signed = |asked: EnrolmentRequest| {
        let (asking, now) = (kim.clone(), world.now());
        let draft = world.read(move |tx| private_ca::draft_enrolment(tx, &asking, &asked, now)).unwrap();
        draft.sign(hands(world), now).unwrap()
    };
    let record = |signed: private_ca::SignedEnrolment| {
        let who = kim.clone();
        world.write(move |tx, now| private_ca::enrol(tx, &who, &signed, now))
    };
    let asked = request(Under::Pattern(id), &["a.example.org"]);
    // Another life, another role, no pattern any more: what was signed is not recorded.
    let drafted = signed(asked.clone());
    update(world, id, |command| command.rules.days = Some(7));
    let refused = said(record(drafted));
    assert!(refused.contains("changed in the meantime"), "{refused}");
    let drafted = signed(asked.clone());
    update(world, id, |command| command.roles = Vec::new());
    assert!(said(record(drafted)).contains("none of the roles"));
    update(world, id, |command| command.roles = vec![web]);
    // Of two requests with one key only the first is recorded.
    let twice = EnrolmentRequest { key: csr(KeyKind::P256, &["a.example.org"]), ..request(Under::Pattern(id), &[]) };
    let (one, other) = (signed(twice.clone()), signed(twice));
    record(one).unwrap();
    assert!(said(record(other)).contains("for no key twice"));
    let drafted = signed(asked);
    world.write(move |tx, now| enrolment::remove(tx, &local(), id, true, now)).unwrap();
    assert!(matches!(refusal(record(drafted)), Refusal::Forbidden { .. }));
}
