//! Passwords, sessions and tokens.

use certhold_domain::access::claims::{self, ClaimKey, ClaimType};
use certhold_domain::access::{AccessCache, paths, roles};
use certhold_domain::people::{self, Credential, NewApiClient, NewSession, NewToken, Password, PrincipalKind, TokenRequest};
use certhold_domain::{Actor, Error, Face, PrincipalId, Refusal, access, limits, people::SignIn};
use secrecy::ExposeSecret as _;

use super::world::World;

const PASSWORD: &str = "correct horse battery";

fn local() -> Actor {
    Actor::local("story")
}

/// Signs in as a face does: look up, compare outside, complete. Returns the session's token hash.
fn sign_in(world: &World, name: &'static str, password: &str, address: &'static str) -> Result<([u8; 32], PrincipalId), Refusal> {
    let now = world.now();
    let attempt = match world.read(move |tx| people::attempt(tx, name, address, now)) {
        Ok(attempt) => attempt,
        Err(Error::Refused(refusal)) => return Err(refusal),
        Err(Error::Fault(fault)) => panic!("{fault}"),
    };
    let verified = attempt.verify(&Password::from(password.to_owned()));
    let anonymous = Actor::anonymous(Face::Web, name, "request", address);
    let token_hash = Credential::generate(&world.entropy, "").hash;
    let new = NewSession { token_hash, agent: "a browser\n".into() };
    let outcome: SignIn = world.write(move |tx, now| people::complete(tx, &anonymous, &attempt, verified, &new, now)).unwrap();
    outcome.map(|(_, principal)| (token_hash, principal))
}

fn session(world: &World, token_hash: [u8; 32]) -> certhold_domain::Result<Actor> {
    let now = world.now();
    world.read(move |tx| {
        people::actor_of_session(tx, &AccessCache::default(), &token_hash, Face::Web, now).map(|(actor, ..)| actor)
    })
}

pub fn a_password_opens_a_session(world: &World) {
    world.principal("Ada", PrincipalKind::Person, Some(PASSWORD));
    world.principal("robot", PrincipalKind::Service, None);
    let (token, ada) = sign_in(world, " aDA ", PASSWORD, "192.0.2.1").unwrap();
    let actor = session(world, token).unwrap();
    assert_eq!((actor.id, actor.name.as_str()), (Some(ada), "Ada"));
    for (name, password) in [("Ada", "correct horse batterz"), ("Ada", ""), ("nobody", PASSWORD), ("robot", ""), ("\0", PASSWORD)]
    {
        let refusal = sign_in(world, name, password, "192.0.2.1").unwrap_err();
        assert_eq!(refusal, Refusal::Unauthenticated("the name or the password is wrong".into()), "{name:?}");
    }
    assert!(session(world, [0; 32]).is_err());
    let mine = actor.clone();
    let now = world.now();
    let sessions = world.read(move |tx| people::sessions_of(tx, &mine, ada, now)).unwrap();
    assert_eq!(sessions.iter().map(|session| session.agent.as_str()).collect::<Vec<_>>(), ["a browser"]);

    // A person sees and changes themselves without any right, and nobody else.
    let (mine, other) = (actor.clone(), PrincipalId(ada.0 + 1));
    assert!(world.read(move |tx| people::get(tx, &mine, other)).is_err());
    let mine = actor.clone();
    assert_eq!(world.read(move |tx| people::roles_of(tx, &mine, ada)).unwrap(), []);
    let hash = Password::from("another good one".to_owned()).hash(&world.entropy).unwrap();
    let change = |world: &World, current: &str| {
        let now = world.now();
        let attempt = world.read(move |tx| people::attempt(tx, "Ada", "192.0.2.9", now)).unwrap();
        let verified = attempt.verify(&Password::from(current.to_owned()));
        let (mine, fresh) = (actor.clone().during("request", "192.0.2.9"), hash.clone());
        world.write(move |tx, now| people::change_own_password(tx, &mine, &attempt, verified, &fresh, now)).unwrap()
    };
    let events = world.events();
    assert!(matches!(change(world, "a guess at it"), Err(Refusal::Invalid { .. })));
    assert_eq!(world.events(), events + 1, "a wrong guess counts");
    change(world, PASSWORD).unwrap();
    assert!(session(world, token).is_err(), "a changed password ends the sessions");
    assert!(sign_in(world, "ada", PASSWORD, "192.0.2.1").is_err());
    assert!(sign_in(world, "ada", "another good one", "192.0.2.1").is_ok());
}

pub fn guessing_locks_the_account_for_that_address(world: &World) {
    world.principal("ada", PrincipalKind::Person, Some(PASSWORD));
    for _ in 1..limits::SIGN_IN_FAILURES {
        assert!(matches!(sign_in(world, "ada", "wrong", "192.0.2.1"), Err(Refusal::Unauthenticated(_))));
    }
    let Err(Refusal::LockedOut { until }) = sign_in(world, "ada", "wrong", "192.0.2.1") else { panic!("not locked") };
    assert_eq!(until, world.now() + limits::LOCK_OUT_MS);
    assert!(matches!(sign_in(world, "ada", PASSWORD, "192.0.2.1"), Err(Refusal::LockedOut { .. })), "even with the password");
    assert!(sign_in(world, "ada", PASSWORD, "192.0.2.2").is_ok(), "elsewhere she gets in");
    world.pass(limits::LOCK_OUT_MS);
    assert!(sign_in(world, "ada", PASSWORD, "192.0.2.1").is_ok(), "the lock ends by itself");
    for _ in 0..limits::SIGN_IN_FAILURES {
        sign_in(world, "nobody at all", "wrong", "192.0.2.1").unwrap_err();
    }
    assert!(
        matches!(sign_in(world, "nobody at all", "wrong", "192.0.2.1"), Err(Refusal::LockedOut { .. })),
        "unknown names look alike"
    );

    let administrators = world.read(|tx| access::roles::list(tx, &local())).unwrap().remove(0).id;
    let admin = world.principal("admin", PrincipalKind::Person, Some(PASSWORD));
    world.write(move |tx, now| access::roles::assign(tx, &local(), administrators, admin, now)).unwrap();
    for _ in 0..2 * limits::SIGN_IN_FAILURES {
        assert!(matches!(sign_in(world, "admin", "wrong", "127.0.0.1"), Err(Refusal::Unauthenticated(_))));
    }
    assert!(sign_in(world, "admin", PASSWORD, "127.0.0.1").is_ok(), "an administrator at the machine is never locked out");
    for _ in 0..limits::SIGN_IN_FAILURES {
        sign_in(world, "admin", "wrong", "192.0.2.1").unwrap_err();
    }
    assert!(matches!(sign_in(world, "admin", PASSWORD, "192.0.2.1"), Err(Refusal::LockedOut { .. })));
}

pub fn sessions_end(world: &World) {
    let ada = world.principal("ada", PrincipalKind::Person, Some(PASSWORD));
    let fresh = |world: &World| sign_in(world, "ada", PASSWORD, "192.0.2.1").unwrap().0;

    let idle = fresh(world);
    world.pass(limits::SESSION_IDLE_MS - 1);
    let now = world.now();
    let (_, id, touch) =
        world.read(move |tx| people::actor_of_session(tx, &AccessCache::default(), &idle, Face::Web, now)).unwrap();
    assert!(touch);
    world.write(move |tx, now| people::touch(tx, id, now)).unwrap();
    world.pass(limits::SESSION_IDLE_MS - 1);
    assert!(session(world, idle).is_ok(), "used meanwhile");
    world.pass(1);
    assert!(session(world, idle).is_err(), "idle for too long");

    let ended = fresh(world);
    let actor = session(world, ended).unwrap();
    let now = world.now();
    let listing = actor.clone();
    let id = world.read(move |tx| people::sessions_of(tx, &listing, ada, now)).unwrap()[0].id;
    let stranger = world.somebody("stranger", &[]);
    world.refused(move |tx, now| people::end_session(tx, &stranger, id, now));
    world.write(move |tx, now| people::end_session(tx, &actor, id, now)).unwrap();
    assert!(session(world, ended).is_err());
    world.refused(move |tx, now| people::end_session(tx, &local(), id, now));

    let (one, two) = (fresh(world), fresh(world));
    world.write(move |tx, now| people::end_all_sessions(tx, &local(), ada, now)).unwrap();
    assert!(session(world, one).is_err() && session(world, two).is_err());

    let disabled = fresh(world);
    world.write(move |tx, now| people::set_disabled(tx, &local(), ada, true, now)).unwrap();
    assert!(session(world, disabled).is_err());
    assert!(sign_in(world, "ada", PASSWORD, "192.0.2.1").is_err());
    world.write(move |tx, now| people::set_disabled(tx, &local(), ada, false, now)).unwrap();
    assert!(session(world, disabled).is_err(), "enabling does not bring sessions back");
    let hash = Password::from("set by somebody else".to_owned()).hash(&world.entropy).unwrap();
    world.write(move |tx, now| people::set_password(tx, &local(), ada, &hash, now)).unwrap();
    assert!(sign_in(world, "ada", "set by somebody else", "192.0.2.1").is_ok());
}

pub fn tokens_are_bounded(world: &World) {
    let role = world.role("Certificates", &["/certificates/"]);
    let robot = world.somebody("robot", &[role]);
    let id = robot.id.unwrap();
    let make = |world: &World, actor: &Actor, scopes: &[&str], expires_at: Option<i64>| {
        let credential = Credential::generate(&world.entropy, "cht_");
        assert!(credential.text.expose_secret().starts_with("cht_"));
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let command =
            NewToken { principal: id, name: "ci".into(), hash: credential.hash, hint: "cht_abcd".into(), scopes, expires_at };
        let actor = actor.clone();
        world.write(move |tx, now| people::create_token(tx, &actor, &command, now)).map(|token| (token, credential.hash))
    };
    let actor_of = |world: &World, hash: [u8; 32]| {
        let now = world.now();
        world.read(move |tx| people::actor_of_token(tx, &AccessCache::default(), &hash, Face::Native, now))
    };
    let allows = |world: &World, actor: &Actor, path: &'static str| {
        let actor = actor.clone();
        world.read(move |tx| access::allows(tx, &actor, path)).unwrap()
    };

    let (_, narrow) = make(world, &local(), &[paths::CERTIFICATES_READ], Some(world.now() + 1_000)).unwrap();
    let actor = actor_of(world, narrow).unwrap();
    assert!(allows(world, &actor, paths::CERTIFICATES_READ));
    assert!(!allows(world, &actor, paths::CERTIFICATES_IMPORT), "outside the token's scopes");
    assert!(make(world, &actor, &["/certificates/"], None).is_err(), "a token makes no wider token");
    assert!(make(world, &robot, &["/"], None).is_ok(), "the account itself may");
    world.role("Unrelated", &[]);
    assert!(!allows(world, &actor, paths::CERTIFICATES_IMPORT), "scopes survive a change of the access tables");
    assert!(!allows(world, &actor, paths::SECURITY_READ), "a scope grants nothing");
    world.pass(1_000);
    assert!(actor_of(world, narrow).is_err(), "expired");

    for (scopes, expires_at) in [(&[][..], None), (&["no path!"][..], None), (&["/"][..], Some(world.now()))] {
        assert!(make(world, &local(), scopes, expires_at).is_err(), "{scopes:?}");
    }
    let (owned, narrow) = make(world, &local(), &[paths::CERTIFICATES_READ], None).unwrap();
    let actor = actor_of(world, narrow).unwrap();
    world.refused(move |tx, now| people::revoke_token(tx, &actor, owned, now));
    let person = world.principal("a person", PrincipalKind::Person, Some(PASSWORD));
    let managers = world.role("Managers", &["/security/"]);
    let manager = world.somebody("manager", &[managers]);
    let command = NewToken {
        principal: person,
        name: "not theirs".into(),
        hash: [1; 32],
        hint: "cht_1111".into(),
        scopes: vec!["/".into()],
        expires_at: None,
    };
    world.refused(move |tx, now| people::create_token(tx, &manager, &command, now));
    let (token, wide) = make(world, &local(), &["/"], None).unwrap();
    assert!(allows(world, &actor_of(world, wide).unwrap(), paths::CERTIFICATES_IMPORT));
    let stranger = world.somebody("stranger", &[]);
    world.refused(move |tx, now| people::revoke_token(tx, &stranger, token, now));
    world.write(move |tx, now| people::revoke_token(tx, &robot, token, now)).unwrap();
    assert!(actor_of(world, wide).is_err(), "revoked");
    let events = world.events();
    world.write(move |tx, now| people::revoke_token(tx, &local(), token, now)).unwrap();
    assert_eq!(world.events(), events);

    let (_, last) = make(world, &local(), &["/"], None).unwrap();
    world.write(move |tx, now| people::set_disabled(tx, &local(), id, true, now)).unwrap();
    assert!(actor_of(world, last).is_err(), "its account is disabled");
    assert!(make(world, &local(), &["/"], None).is_err());
    let before = world.read(move |tx| people::tokens_of(tx, &local(), id)).unwrap().len();
    let later = world.now() + 1;
    world.write(move |tx, _| people::purge_expired(tx, later)).unwrap();
    assert_eq!(world.read(move |tx| people::tokens_of(tx, &local(), id)).unwrap().len(), before - 2);
}

fn client_of(principal: PrincipalId, client_id: &str) -> NewApiClient {
    let (name, client_id) = ("script".into(), client_id.into());
    NewApiClient { principal, name, client_id, secret_hash: [7; 32], scopes: vec!["/".into()] }
}

/// Rights that only a client brings count for its account: another secret would hand them out.
pub fn who_takes_a_client_over_holds_what_it_brings(world: &World) {
    let desk = world.role("Helpdesk", &["/security/"]);
    let helpdesk = world.somebody("helpdesk", &[desk]);
    let robot = world.principal("robot", PrincipalKind::Service, None);
    let (new, second) = (client_of(robot, "chc_1"), client_of(robot, "chc_2"));
    let client = world.write(move |tx, now| people::create_client(tx, &local(), &new, now)).unwrap();
    let other = world.write(move |tx, now| people::create_client(tx, &local(), &second, now)).unwrap();
    let actor = helpdesk.clone();
    world.write(move |tx, now| people::renew_client(tx, &actor, client, &[8; 32], now)).unwrap();

    let keys = world.role("Keys", &[paths::PRIVATE_KEY_READ]);
    let key = ClaimKey { kind: ClaimType::OauthClientId, value: "chc_1".into(), provider: people::OWN_PROVIDER.into() };
    let claim = world.write(move |tx, now| claims::create(tx, &local(), &key, "", now)).unwrap();
    world.write(move |tx, now| claims::assign(tx, &local(), claim, keys, now)).unwrap();
    let events = world.events();
    let above = |refusal: Refusal| match refusal {
        Refusal::Forbidden { missing, .. } => assert_eq!(missing, [paths::PRIVATE_KEY_READ]),
        other => panic!("{other}"),
    };
    let actor = helpdesk.clone();
    above(world.refused(move |tx, now| people::renew_client(tx, &actor, client, &[9; 32], now)));
    let actor = helpdesk.clone();
    above(world.refused(move |tx, now| people::revoke_client(tx, &actor, client, now)));
    let actor = helpdesk.clone();
    above(world.refused(move |tx, now| people::revoke_client(tx, &actor, other, now)));
    let actor = helpdesk.clone();
    above(world.refused(move |tx, now| people::set_disabled(tx, &actor, robot, true, now)));
    let actor = helpdesk.clone();
    let token = NewToken {
        principal: robot,
        name: "ci".into(),
        hash: [3; 32],
        hint: "cht_abcd".into(),
        scopes: vec!["/".into()],
        expires_at: None,
    };
    above(world.refused(move |tx, now| people::create_token(tx, &actor, &token, now)));
    assert_eq!(world.events(), events);

    // Whoever holds it may, and so may everybody once the client is gone.
    let chief = world.somebody("chief", &[desk, keys]);
    let actor = chief.clone();
    world.write(move |tx, now| people::renew_client(tx, &actor, client, &[9; 32], now)).unwrap();
    world.write(move |tx, now| people::revoke_client(tx, &chief, client, now)).unwrap();
    let actor = helpdesk.clone();
    world.write(move |tx, now| people::revoke_client(tx, &actor, other, now)).unwrap();
    world.write(move |tx, now| people::set_disabled(tx, &helpdesk, robot, true, now)).unwrap();
}

/// A token that ends, has scopes or was given to a client leaves nothing behind that opens more, or for longer.
pub fn what_ends_makes_nothing_that_outlives_it(world: &World) {
    let ada = world.principal("ada", PrincipalKind::Person, Some(PASSWORD));
    let role = world.role("Everything here", &["/security/", "/certificates/"]);
    world.write(move |tx, now| roles::assign(tx, &local(), role, ada, now)).unwrap();
    let robot = world.principal("robot", PrincipalKind::Service, None);
    let token = |of: PrincipalId, scopes: &[&str], expires_at: Option<i64>| NewToken {
        principal: of,
        name: "made".into(),
        hash: Credential::generate(&world.entropy, "cht_").hash,
        hint: "cht_abcd".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_at,
    };
    let make = |actor: &Actor, new: NewToken| {
        let actor = actor.clone();
        let hash = new.hash;
        match world.write(move |tx, now| people::create_token(tx, &actor, &new, now)) {
            Ok(_) => Ok(hash),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(Error::Fault(fault)) => panic!("{fault}"),
        }
    };
    let who = |hash: [u8; 32]| {
        let now = world.now();
        world.read(move |tx| people::actor_of_token(tx, &AccessCache::default(), &hash, Face::Native, now))
    };
    let end = world.now() + 4_000;
    let signed_in = world.actor(ada, "ada");
    let ending = who(make(&signed_in, token(ada, &["/"], Some(end))).unwrap()).unwrap();
    let scoped = who(make(&signed_in, token(ada, &["/security/"], None)).unwrap()).unwrap();
    let lasting = who(make(&signed_in, token(ada, &["/"], None)).unwrap()).unwrap();
    assert_eq!((ending.ends_at, scoped.ends_at, lasting.ends_at), (Some(end), None, None));

    let new = client_of(ada, "chc_1");
    let client = world.write(move |tx, now| people::create_client(tx, &local(), &new, now)).unwrap();
    let anonymous = Actor::anonymous(Face::Native, "anonymous", "request", "192.0.2.1");
    let request = TokenRequest { client_id: "chc_1".into(), secret_hash: [7; 32], token_hash: [5; 32] };
    world.write(move |tx, now| people::issue_access_token(tx, &anonymous, &request, now)).unwrap().unwrap();
    let now = world.now();
    let of_client = world.read(move |tx| people::actor_of_access_token(tx, &AccessCache::default(), &[5; 32], Face::Native, now));
    let of_client = of_client.unwrap();

    let word = Password::from("a word of their own".to_owned()).hash(&world.entropy).unwrap();
    let events = world.events();
    let forbidden = |refusal: Refusal| assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    for actor in [&ending, &scoped, &of_client] {
        forbidden(make(actor, token(ada, &["/security/"], Some(end))).unwrap_err());
        let (author, new) = (actor.clone(), client_of(ada, "chc_2"));
        forbidden(world.refused(move |tx, now| people::create_client(tx, &author, &new, now)));
        let author = actor.clone();
        forbidden(world.refused(move |tx, now| people::renew_client(tx, &author, client, &[8; 32], now)));
        let (author, hash) = (actor.clone(), word.clone());
        forbidden(world.refused(move |tx, now| people::set_password(tx, &author, ada, &hash, now)));
    }
    // For a service account it is a matter of rights; what is made ends with the token at the latest, and stays within its scopes.
    for actor in [&ending, &of_client] {
        forbidden(make(actor, token(robot, &["/"], None)).unwrap_err());
        forbidden(make(actor, token(robot, &["/"], Some(actor.ends_at.unwrap() + 1))).unwrap_err());
        let (author, new) = (actor.clone(), client_of(robot, "chc_3"));
        forbidden(world.refused(move |tx, now| people::create_client(tx, &author, &new, now)));
    }
    forbidden(make(&scoped, token(robot, &["/"], None)).unwrap_err());
    assert_eq!(world.events(), events, "nothing was made");
    let child = make(&ending, token(robot, &["/"], Some(end))).unwrap();
    make(&scoped, token(robot, &["/security/"], None)).unwrap();
    make(&lasting, token(ada, &["/"], None)).unwrap();
    assert!(who(child).is_ok());
    world.pass(4_000);
    assert!(who(child).is_err(), "it has ended, too");
}
