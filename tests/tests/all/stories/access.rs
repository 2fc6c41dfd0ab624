//! Who may do what.

use certhold_domain::access::sets::{self, SetCommand};
use certhold_domain::access::{self, paths, roles};
use certhold_domain::people::{self, NewPrincipal, PrincipalKind};
use certhold_domain::{Actor, Face, PermissionSetId, Refusal, RoleId, inventory};
use certhold_store::Tx;

use super::world::World;

fn bounded(name: &str, permission: &str) -> SetCommand {
    SetCommand { name: name.into(), permissions: vec![permission.into()] }
}

fn administrator_role(world: &World) -> RoleId {
    let roles = world.read(|tx| roles::list(tx, &Actor::local("story"))).unwrap();
    roles.iter().find(|role| role.built_in).unwrap().id
}

pub fn a_new_installation_has_one_administrator(world: &World) {
    let command = |world: &World| NewPrincipal {
        kind: PrincipalKind::Person,
        name: "admin".into(),
        display_name: String::new(),
        email: None,
        password: None,
        uuid: world.uuid(),
    };
    let server = Actor::system(Face::Server, "certhold");
    let first = command(world);
    let actor = server.clone();
    assert!(world.write(move |tx, now| people::create_first_administrator(tx, &actor, &first, now)).unwrap());
    let second = NewPrincipal { name: "intruder".into(), ..command(world) };
    assert!(!world.write(move |tx, now| people::create_first_administrator(tx, &server, &second, now)).unwrap());

    let people = world.read(|tx| people::list(tx, &Actor::local("story"))).unwrap();
    assert_eq!(people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["admin"]);
    let admin = world.actor(people[0].id, "admin");
    assert!(world.read(move |tx| access::allows(tx, &admin, "/anything/at/all/")).unwrap());
}

pub fn rights_come_and_go_at_once(world: &World) {
    let readers = world.role("Readers", &[paths::CERTIFICATES_READ]);
    let reader = world.somebody("reader", &[readers]);
    let id = reader.id.unwrap();
    let allowed = |world: &World, actor: &Actor| {
        let actor = actor.clone();
        world.read(move |tx| access::allows(tx, &actor, paths::CERTIFICATES_READ)).unwrap()
    };
    assert!(allowed(world, &reader));

    // The actor was loaded before the role was taken away: what it carries is out of date, and that is noticed.
    world.write(move |tx, now| roles::withdraw(tx, &Actor::local("story"), readers, id, now)).unwrap();
    assert!(!allowed(world, &reader));
    world.write(move |tx, now| roles::assign(tx, &Actor::local("story"), readers, id, now)).unwrap();
    assert!(allowed(world, &reader));
    world.write(move |tx, now| people::set_disabled(tx, &Actor::local("story"), id, true, now)).unwrap();
    assert!(!allowed(world, &reader));
    world.write(move |tx, now| people::set_disabled(tx, &Actor::local("story"), id, false, now)).unwrap();
    assert!(allowed(world, &reader));

    // Within one write, too: what was read of the rights before they changed is not believed after.
    let carried = reader.clone();
    let seen = world.write(move |tx, now| {
        let asked = |tx: &mut Tx<'_>| access::allows(tx, &carried, paths::CERTIFICATES_READ);
        let before = asked(tx)?;
        roles::withdraw(tx, &Actor::local("story"), readers, id, now)?;
        let between = asked(tx)?;
        roles::assign(tx, &Actor::local("story"), readers, id, now)?;
        Ok((before, between, asked(tx)?))
    });
    assert_eq!(seen.unwrap(), (true, false, true));
    // And what was undone is not remembered.
    let carried = reader.clone();
    world.refused(move |tx, now| {
        roles::withdraw(tx, &Actor::local("story"), readers, id, now)?;
        access::require_path(tx, &carried, paths::CERTIFICATES_READ)
    });
    assert!(allowed(world, &reader));

    let command = roles::RoleCommand { name: "Readers".into(), permissions: vec!["/portal/".into()], ..Default::default() };
    world.write(move |tx, now| roles::update(tx, &Actor::local("story"), readers, &command, now)).unwrap();
    assert!(!allowed(world, &reader));
    let refusal = world.read(move |tx| inventory::list(tx, &reader, &inventory::Filter { limit: 1, ..Default::default() }));
    let Err(certhold_domain::Error::Refused(Refusal::Forbidden { missing, .. })) = refusal else { panic!("listed") };
    assert_eq!(missing, [paths::CERTIFICATES_READ]);

    world.write(move |tx, now| roles::remove(tx, &Actor::local("story"), readers, now)).unwrap();
    assert!(world.read(move |tx| roles::get(tx, &Actor::local("story"), readers)).is_err());
}

pub fn nobody_grants_what_they_do_not_hold(world: &World) {
    let managers = world.role("Managers", &["/security/", paths::CERTIFICATES_READ]);
    let owners = world.role("Owners", &[paths::CERTIFICATES_CHANGE_OWNER]);
    let manager = world.somebody("manager", &[managers]);
    let target = world.somebody("target", &[owners]).id.unwrap();
    let administrator = administrator_role(world);

    let command = |permissions: &[&str]| roles::RoleCommand {
        name: format!("Made of {permissions:?}"),
        permissions: permissions.iter().map(|path| (*path).to_owned()).collect(),
        ..Default::default()
    };
    for wider in [&["/"][..], &["/certificates/"], &[paths::CERTIFICATES_IMPORT]] {
        let (actor, command) = (manager.clone(), command(wider));
        let refusal = world.refused(move |tx, now| roles::create(tx, &actor, &command, now));
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{wider:?}: {refusal}");
    }
    let (actor, fine) = (manager.clone(), command(&["/security/read/", "/certificates/collections/read/12/"]));
    world.write(move |tx, now| roles::create(tx, &actor, &fine, now)).unwrap();

    for role in [administrator, owners] {
        let actor = manager.clone();
        let refusal = world.refused(move |tx, now| roles::assign(tx, &actor, role, target, now));
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    }
    let actor = manager.clone();
    world.refused(move |tx, now| roles::withdraw(tx, &actor, owners, target, now));
    let (actor, change) = (manager.clone(), command(&["/security/read/"]));
    world.refused(move |tx, now| roles::update(tx, &actor, owners, &change, now));
    let actor = manager.clone();
    world.refused(move |tx, now| people::set_disabled(tx, &actor, target, true, now));
    let hash = people::Password::from("a new password".to_owned()).hash(&world.entropy).unwrap();
    let actor = manager.clone();
    world.refused(move |tx, now| people::set_password(tx, &actor, target, &hash, now));
    // An owner role may hold no permission at all and yet be worth something.
    let (bare, me) = (world.role("Bare", &[]), manager.id.unwrap());
    world.certificate(&["owned.example.com"], Some(bare));
    let actor = manager.clone();
    world.refused(move |tx, now| roles::assign(tx, &actor, bare, me, now));
    let uuid = world.uuid();
    world.refused(move |tx, now| sets::create(tx, &manager, &bounded("Wide", "/"), uuid, now));
}

pub fn somebody_stays_administrator(world: &World) {
    let administrator = administrator_role(world);
    let local = || Actor::local("story");
    let admin = world.principal("admin", PrincipalKind::Person, Some("correct horse battery"));
    world.write(move |tx, now| roles::assign(tx, &local(), administrator, admin, now)).unwrap();
    let refusal = world.refused(move |tx, now| roles::withdraw(tx, &local(), administrator, admin, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    let refusal = world.refused(move |tx, now| people::set_disabled(tx, &local(), admin, true, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    let command = roles::RoleCommand { name: "Administrator".into(), ..Default::default() };
    world.refused(move |tx, now| roles::update(tx, &local(), administrator, &command, now));
    world.refused(move |tx, now| roles::remove(tx, &local(), administrator, now));
    world.somebody("a program", &[administrator]);
    world.refused(move |tx, now| roles::withdraw(tx, &local(), administrator, admin, now));
    let second = world.principal("second", PrincipalKind::Person, Some("correct horse battery"));
    world.write(move |tx, now| roles::assign(tx, &local(), administrator, second, now)).unwrap();

    // Whoever only manages accounts does not become administrator by way of one that is disabled.
    world.write(move |tx, now| people::set_disabled(tx, &local(), second, true, now)).unwrap();
    let manager = world.somebody("manager", &[world.role("Managers", &["/security/"])]);
    let hash = people::Password::from("taken over by me".to_owned()).hash(&world.entropy).unwrap();
    let actor = manager.clone();
    world.refused(move |tx, now| people::set_password(tx, &actor, second, &hash, now));
    world.refused(move |tx, now| people::set_disabled(tx, &manager, second, false, now));
    world.write(move |tx, now| people::set_disabled(tx, &local(), second, false, now)).unwrap();
    world.write(move |tx, now| roles::withdraw(tx, &local(), administrator, admin, now)).unwrap();
}

pub fn sets_bound_roles(world: &World) {
    let uuid = world.uuid();
    let local = || Actor::local("story");
    let set = world.write(move |tx, now| sets::create(tx, &local(), &bounded("Web", "/certificates/"), uuid, now)).unwrap();
    world.refused(move |tx, now| sets::create(tx, &local(), &bounded(" wEB", "/certificates/"), uuid, now));
    let command = |set, permissions: &str| roles::RoleCommand {
        name: "Web Ops".into(),
        permission_set: Some(set),
        permissions: vec![permissions.into()],
        ..Default::default()
    };
    let outside = command(set, "/security/read/");
    let refusal = world.refused(move |tx, now| roles::create(tx, &local(), &outside, now));
    assert!(refusal.to_string().contains("outside"), "{refusal}");
    let unknown = command(PermissionSetId(99), "/certificates/");
    world.refused(move |tx, now| roles::create(tx, &local(), &unknown, now));
    let fine = command(set, "/certificates/import/");
    world.write(move |tx, now| roles::create(tx, &local(), &fine, now)).unwrap();
    let again = command(set, "/certificates/import/");
    let refusal = world.refused(move |tx, now| roles::create(tx, &local(), &again, now));
    assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal}");
    let sets = world.read(move |tx| sets::list(tx, &local())).unwrap();
    assert_eq!(sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>(), ["Global", "Web"]);
    let names = world.read(move |tx| roles::assignable(tx, &local())).unwrap();
    assert_eq!(names.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["Administrator", "Web Ops"]);
    assert_eq!(world.read(move |tx| roles::by_name(tx, &local(), " WEB ops ")).unwrap(), names[1].0);
    assert!(world.read(move |tx| roles::by_name(tx, &local(), "nobody")).is_err());
}
