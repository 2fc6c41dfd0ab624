use certhold_faces::web::view::account::{OwnAccountPage, PasswordForm, SessionRow};
use certhold_faces::web::view::form::{Choice, Input, Select};
use certhold_faces::web::view::frame::{Section, Theme};
use certhold_faces::web::view::people::*;
use certhold_faces::web::view::roles::*;
use certhold_faces::web::view::secret::ShownOnce;
use certhold_faces::web::view::table::Pager;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::Tone;

use super::home::event;
use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("users", &accounts(AccountKind::User)),
        page("service-accounts", &accounts(AccountKind::ServiceAccount)),
        page("service-accounts-empty", &AccountsPage { rows: Vec::new(), ..accounts(AccountKind::ServiceAccount) }),
        page("user-new", &new(AccountKind::User)),
        page("service-account-new", &new(AccountKind::ServiceAccount)),
        page("user", &user()),
        page("service-account", &service()),
        page("roles", &roles()),
        page("role", &role()),
        page("role-built-in", &built_in()),
        page("role-new", &NewRolePage { frame: frame("New role", Section::Roles).below("Roles", "/roles"), form: role_form() }),
        page("account", &own()),
        page("account-token", &own_token()),
    ]
}

fn accounts(kind: AccountKind) -> AccountsPage {
    let row = |name: &str, description: &str, roles: &[&str], state, seen: Option<i64>| AccountRow {
        href: format!("{}/3", kind.path()),
        name: name.into(),
        description: description.into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        state,
        last_seen: seen.map(|ago| at(-ago)),
    };
    let section = if kind.is_user() { Section::Users } else { Section::ServiceAccounts };
    AccountsPage {
        frame: frame(section.label(), section),
        kind,
        rows: vec![
            row("admin", "", &["Administrator"], AccountState::Active, Some(HOUR)),
            row(
                "marta.lindqvist",
                "Marta Lindqvist",
                &["Platform", "Payments team", "PKI operators"],
                AccountState::Active,
                Some(MINUTE),
            ),
            row("j.okafor", "Jide Okafor", &["Web shop"], AccountState::Disabled, Some(DAY)),
            row("former.colleague", "Somebody Else", &[], AccountState::Disabled, None),
            row(HOSTILE, HOSTILE, &[HOSTILE, RTL], AccountState::Active, None),
        ],
        pager: Pager { shown: 5, total: Some(5), ..Pager::default() },
        may_change: true,
    }
}

fn role_boxes() -> Vec<Choice> {
    let mut platform = Choice::new("6", "Platform").with_hint("Runs the clusters; owns what they serve.");
    platform.is_chosen = true;
    vec![
        platform,
        Choice::new("4", "Payments team"),
        Choice::new("1", "Administrator").barred("Grants more than you hold yourself."),
    ]
}

fn new(kind: AccountKind) -> NewAccountPage {
    let section = if kind.is_user() { Section::Users } else { Section::ServiceAccounts };
    NewAccountPage {
        frame: frame(&format!("New {}", kind.noun()), section).below(section.label(), section.href()),
        kind,
        error: None,
        name: Input::of("admin").refused("This name is taken."),
        description: Input::default(),
        password: Input::default().refused("This password is among the most common ones."),
        roles: role_boxes(),
    }
}

fn tokens() -> Vec<TokenRow> {
    vec![
        TokenRow {
            id: 1,
            name: "CI pipeline".into(),
            hint: "chd_3f9a…".into(),
            scopes: vec!["/certificates/import/".into(), "/certificates/read/".into()],
            created: at(-40 * DAY),
            expires: Some(at(50 * DAY)),
        },
        TokenRow {
            id: 2,
            name: HOSTILE.into(),
            hint: "chd_77b0…".into(),
            scopes: Vec::new(),
            created: at(-2 * DAY),
            expires: None,
        },
    ]
}

fn clients(place: &str) -> ClientCard {
    let row = |id, name: &str, scopes: &[&str]| ClientRow {
        id,
        client_id: "chc_q83vEjRWeJCrze8S".into(),
        name: name.into(),
        scopes: scopes.iter().map(|path| (*path).to_owned()).collect(),
        created: at(-3 * DAY),
    };
    ClientCard {
        action: format!("{place}/clients"),
        rows: vec![row(1, "owner updates", &["/certificates/"]), row(2, HOSTILE, &[])],
        made: Some(("chc_q83vEjRWeJCrze8S".into(), ShownOnce::new("chk_a-secret-of-samples".into()))),
        may_make: true,
        may_change: true,
        name: Input::default(),
        scopes: Input::default(),
    }
}

fn token_form(action: &str) -> TokenForm {
    TokenForm {
        action: action.into(),
        is_offered: true,
        name: Input::default(),
        expires: Select::of(vec![Choice::new("30", "in 30 days"), Choice::new("90", "in 90 days"), Choice::new("", "never")])
            .choose("90"),
        scopes: Input::default(),
    }
}

fn user() -> AccountDetailPage {
    AccountDetailPage {
        frame: frame("j.okafor", Section::Users).below("Users", "/users"),
        kind: AccountKind::User,
        id: 3,
        description: "Jide Okafor".into(),
        provider: None,
        state: AccountState::Disabled,
        created: at(-200 * DAY),
        last_seen: Some(at(-DAY)),
        roles: role_boxes(),
        password: Input::default(),
        tokens: tokens(),
        new_token: None,
        token_form: token_form("/users/3/tokens"),
        clients: clients("/users/3"),
        sessions: vec![SessionLine {
            id: 7,
            device: HOSTILE.into(),
            address: "2001:db8::17".into(),
            began: at(-DAY),
            last_used: at(-MINUTE),
        }],
        owned: Some(Link::new("owns 17 certificates", "/certificates?q=owner")),
        history: vec![
            event(48_300, 4 * MINUTE, "j.okafor", "was locked out after 5 wrong passwords", "lock", Tone::Warn),
            event(47_900, DAY, "j.okafor", "signed in", "person", Tone::Neutral),
        ],
        lacks: Some("/portal/read/".into()),
        may_change: true,
    }
}

fn service() -> AccountDetailPage {
    let mut page = user();
    page.frame = frame("ci-importer", Section::ServiceAccounts).below("Service accounts", "/service-accounts");
    page.kind = AccountKind::ServiceAccount;
    page.state = AccountState::Disabled;
    page.description = "Imports what the build pipeline finds".into();
    page.new_token = Some(ShownOnce::new("chd_9d1c4be0a7f2550b613e88c40d927faa315e66d0182b4c9f".into()));
    page.token_form.name = Input::default().refused("A token needs a name.");
    page.history.clear();
    page
}

fn roles() -> RolesPage {
    let row = |name: &str, description: &str, is_built_in| RoleRow {
        href: "/roles/4".into(),
        name: name.into(),
        description: description.into(),
        permissions: 3,
        members: 6,
        owned: 1_212,
        is_built_in,
    };
    RolesPage {
        frame: frame("Roles", Section::Roles),
        rows: vec![
            row("Administrator", "May do everything.", true),
            row("Auditor", "Reads everything, changes nothing.", true),
            row("Payments team", "Answers for what takes money.", false),
            row(HOSTILE, RTL, false),
        ],
        may_change: true,
    }
}

fn permissions() -> Vec<Permission> {
    [
        ("/certificates/read/", "Read every certificate"),
        ("/certificates/collections/change_owner/12/", "Change the owner of certificates in the collection “Payments”"),
        ("/managed/renew/", "Renew, pause and resume managed certificates"),
    ]
    .map(|(path, meaning)| Permission { path: path.into(), meaning: meaning.into() })
    .to_vec()
}

fn role_form() -> RoleForm {
    RoleForm {
        error: None,
        name: Input::of("Payments team"),
        description: Input::of("Answers for what takes money."),
        email: Input::of("payments@example.com"),
        set: Select::of(vec![Choice::new("1", "Global"), Choice::new("2", HOSTILE)]).choose("2"),
        tree: tree(),
        permissions: Input::of("/certificates/read/\n/certificate/write/")
            .refused("/certificate/write/ is not a permission; did you mean /certificates/import/?"),
    }
}

pub fn tree() -> Vec<Node> {
    let node =
        |path: &str, meaning: &str, depth, is_chosen| Node { path: path.into(), meaning: meaning.into(), depth, is_chosen };
    vec![
        node("/", "Everything.", 0, false),
        node("/certificates/", "", 1, false),
        node("/certificates/collections/", "", 2, true),
        node("/certificates/collections/private_key/", "", 3, false),
        node("/certificates/collections/private_key/import/", "Put private keys into custody.", 4, false),
    ]
}

fn role() -> RoleDetailPage {
    RoleDetailPage {
        frame: frame("Payments team", Section::Roles).below("Roles", "/roles"),
        id: 4,
        description: "Answers for what takes money.".into(),
        is_built_in: false,
        set: Link::new(HOSTILE, "/permission-sets/2"),
        permissions: permissions(),
        without_effect: vec!["/certificates/import/".into()],
        holders: 3,
        claims: vec![Link::new(HOSTILE, "/claims/1")],
        members: [("marta.lindqvist", "/users/2"), ("j.okafor", "/users/3"), (HOSTILE, "/users/9")]
            .map(|(name, href)| Member {
                account: Link::new(name, href),
                remove_action: Some("/roles/4/members/2/remove".into()),
            })
            .to_vec(),
        new_member: Some(Input::of(HOSTILE).refused(HOSTILE)),
        accounts: vec!["eve".into(), HOSTILE.into()],
        owned: Some(Link::new("owns 1,212 certificates", "/certificates?q=owner")),
        form: Some(role_form()),
        remove_action: Some("/roles/4/remove".into()),
    }
}

fn built_in() -> RoleDetailPage {
    let mut page = role();
    page.frame.title = "Administrator".into();
    page.is_built_in = true;
    page.form = None;
    page.remove_action = None;
    page.without_effect.clear();
    page.claims.clear();
    page.holders = 0;
    page.members.clear();
    page.permissions = vec![Permission { path: "/".into(), meaning: "Everything".into() }];
    page
}

fn own() -> OwnAccountPage {
    let session = |id, device: &str, is_this| SessionRow {
        id,
        device: device.into(),
        address: "2001:db8::17".into(),
        began: at(-id * DAY),
        last_used: at(-id * MINUTE),
        is_this,
    };
    OwnAccountPage {
        frame: frame("Your account", Section::Account),
        roles: vec!["Platform".into(), "PKI operators".into()],
        password: PasswordForm { again: Input::default().refused("The two new passwords differ."), ..PasswordForm::default() },
        sessions: vec![
            session(1, "Firefox on Linux", true),
            session(2, "Chromium on Android", false),
            session(3, HOSTILE, false),
        ],
        tokens: Vec::new(),
        new_token: None,
        token_form: token_form("/account/tokens"),
        clients: clients("/account"),
    }
}

fn own_token() -> OwnAccountPage {
    let mut page = own();
    page.frame.theme = Theme::Dark;
    page.tokens = tokens();
    page.new_token = Some(ShownOnce::new("chd_9d1c4be0a7f2550b613e88c40d927faa315e66d0182b4c9f".into()));
    page
}
