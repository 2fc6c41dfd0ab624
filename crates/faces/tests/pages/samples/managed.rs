use certhold_faces::web::view::event::Change;
use certhold_faces::web::view::form::{Check, Choice, Input, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::managed::{
    DeployedFile, DeploymentRow, InService, ManagedActions, ManagedDetailPage, ManagedPage, ManagedRow, ManagedState, OrderStep,
    Plan, StepState, TroubleDetail,
};
use certhold_faces::web::view::managed_form::{NewDeploymentPage, NewManagedPage, NewPrivateManagedPage};
use certhold_faces::web::view::table::{FilterLink, Pager};
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};

use certhold_faces::web::view::certificate::Contact;

use super::certificate::version;
use super::home::event;
use super::inventory::filter;
use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("managed", &list()),
        page("managed-empty", &empty()),
        page("managed-detail", &detail()),
        page("managed-failing", &failing()),
        page("managed-hostile", &hostile()),
        page("managed-new", &new()),
        page("managed-new-refused", &refused()),
        page("managed-new-first", &first()),
        page("managed-new-adopt", &NewManagedPage { adopt: Some((812, HOSTILE.into())), ..new() }),
        page("managed-new-private", &new_private()),
        page("managed-new-private-none", &NewPrivateManagedPage { authority: None, ..new_private() }),
        page("managed-new-private-barred", &NewPrivateManagedPage { under: Select::default(), ..new_private() }),
        page("managed-private", &of_private_authority()),
        page("deployment-new", &deployment()),
    ]
}

fn row(
    id: i64,
    name: &str,
    more: i64,
    state: ManagedState,
    validity: Option<Validity>,
    next: Option<i64>,
    error: &str,
) -> ManagedRow {
    ManagedRow {
        href: format!("/managed/{id}"),
        name: name.into(),
        more_names: more,
        state,
        validity,
        next_renewal: next.map(at),
        issuer: "Let’s Encrypt".into(),
        owner: (id % 4 != 0).then(|| "Platform".into()),
        last_error: error.into(),
    }
}

fn list() -> ManagedPage {
    ManagedPage {
        frame: frame("Managed", Section::Managed),
        csv_href: "/managed.csv".into(),
        filters: vec![
            filter("All", "/managed", 312, true),
            filter("In trouble", "/managed?filter=trouble", 3, false),
            filter("In progress", "/managed?filter=progress", 2, false),
            filter("Paused", "/managed?filter=paused", 1, false),
        ],
        rows: vec![
            row(
                31,
                "*.intranet.example.com",
                1,
                ManagedState::Stuck,
                Some(life(-61, 29)),
                None,
                "The issuer refused the account: contact address missing.",
            ),
            row(
                12,
                "shop.example.com",
                3,
                ManagedState::Retrying,
                Some(life(-84, 6)),
                Some(4 * HOUR),
                "The TXT record _acme-challenge.shop.example.com did not appear at ns2.example.net within 10 minutes.",
            ),
            row(
                22,
                "mail.example.com",
                0,
                ManagedState::NotDeployed,
                Some(life(-5, 85)),
                Some(55 * DAY),
                "The deployment “nginx” failed. The command ended with status 1.",
            ),
            row(40, "new.example.org", 0, ManagedState::Obtaining, None, Some(20 * MINUTE), ""),
            row(41, "status.example.org", 0, ManagedState::Renewing, Some(life(-60, 30)), Some(-MINUTE), ""),
            row(7, "api.example.com", 5, ManagedState::InService, Some(life(-5, 85)), Some(55 * DAY), ""),
            row(8, "www.example.com", 2, ManagedState::InService, Some(life(-30, 60)), Some(30 * DAY), ""),
            row(9, "old.example.com", 0, ManagedState::Paused, Some(life(-50, 40)), None, ""),
        ],
        pager: Pager { next: Some("/managed?after=9".into()), shown: 8, total: Some(312), previous: Some("/managed".into()) },
        holds_nothing: false,
    }
}

fn empty() -> ManagedPage {
    ManagedPage { rows: Vec::new(), holds_nothing: true, pager: Pager::default(), ..list() }
}

fn step(label: &str, state: StepState, ago: Option<i64>, detail: &str) -> OrderStep {
    OrderStep { label: label.into(), state, at: ago.map(|ago| at(-ago)), detail: detail.into() }
}

fn detail() -> ManagedDetailPage {
    let mut renewed = event(48_210, 26 * MINUTE, "Certhold", "renewed: version 4 is in service", "renew", Tone::Good);
    renewed.changes = vec![
        Change { field: "serial".into(), before: Some("03:7f:11:ab".into()), after: Some("04:c2:90:0e".into()) },
        Change { field: "until".into(), before: Some("2026-12-20".into()), after: Some("2027-02-20".into()) },
    ];
    ManagedDetailPage {
        frame: frame("api.example.com", Section::Managed).below("Managed certificates", "/managed"),
        id: 7,
        state: ManagedState::InService,
        is_paused: false,
        trouble: None,
        in_service: Some(InService { href: "/certificates/804".into(), validity: life(-5, 85) }),
        next_renewal: Some(at(55 * DAY)),
        next_renewal_reason: "two thirds of the life, less up to 12 hours of jitter".into(),
        names: ["api.example.com", "api.eu.example.com", "api.us.example.com", "*.tenants.example.com", "v1.api.example.com", "v2.api.example.com"].map(String::from).to_vec(),
        plan: Plan {
            issuer: Link::new("Let’s Encrypt", "/issuers/1"),
            parts: vec![("DNS provider", Link::new("PowerDNS, Frankfurt", "/dns-providers/2"))],
            orders: true,
            key: "EC P-256, new at each renewal".into(),
            profile: "tlsserver".into(),
            policy: "At two thirds of the life".into(),
            owner: Some(Link::new("Platform", "/roles/6")),
            contact: Contact { email: "platform@example.com".into(), ..Contact::default() },
        },
        steps: vec![
            step("Make a key and a request", StepState::Done, Some(29 * MINUTE), "EC P-256"),
            step("Place the order", StepState::Done, Some(29 * MINUTE), "6 names"),
            step("Publish TXT for 6 names", StepState::Done, Some(28 * MINUTE), "PowerDNS, Frankfurt; followed a CNAME to acme.example.net"),
            step("Wait until every server of the zone shows it", StepState::Done, Some(27 * MINUTE), "ns1, ns2 and ns3.example.net after 41 s"),
            step("Let the authority check", StepState::Done, Some(27 * MINUTE), ""),
            step("Download and check the certificate", StepState::Done, Some(26 * MINUTE), "our key, our names, chain to ISRG Root X2"),
            step("Withdraw TXT", StepState::Done, Some(26 * MINUTE), ""),
            step("Deploy", StepState::Done, Some(26 * MINUTE), "2 of 2"),
        ],
        versions: vec![version(4, life(-5, 85), false, true), version(3, life(-65, 25), false, false), version(2, life(-125, -35), false, false)],
        deployments: vec![
            DeploymentRow {
                id: 1,
                name: "nginx".into(),
                files: vec![
                    DeployedFile { content: "certificate and chain".into(), path: "/etc/ssl/api/fullchain.pem".into(), access: "root:ssl-cert 0644".into() },
                    DeployedFile { content: "private key".into(), path: "/etc/ssl/api/privkey.pem".into(), access: "root:ssl-cert 0640".into() },
                ],
                command: "systemctl reload nginx".into(),
                state: Badge::new("Deployed", Tone::Good),
                at: Some(at(-26 * MINUTE)),
                error: String::new(),
            },
            DeploymentRow {
                id: 2,
                name: HOSTILE.into(),
                files: vec![DeployedFile { content: "certificate and chain".into(), path: "/srv/haproxy/api.pem".into(), access: "haproxy:haproxy 0600".into() }],
                command: "/usr/local/bin/reload-haproxy --soft".into(),
                state: Badge::new("Failed", Tone::Bad),
                at: Some(at(-26 * MINUTE)),
                error: "The command ended with status 1: “[ALERT] parsing [/srv/haproxy/haproxy.cfg:31]: unknown keyword”. The files are in place.".into(),
            },
        ],
        history: vec![renewed, event(47_000, 20 * DAY, "marta.lindqvist", "added a deployment", "deploy", Tone::Neutral)],
        may: ManagedActions { renew: true, change: true, deploy: true },
    }
}

fn failing() -> ManagedDetailPage {
    let mut page = detail();
    page.frame.title = "shop.example.com".into();
    page.state = ManagedState::Retrying;
    page.in_service = Some(InService { href: "/certificates/3".into(), validity: life(-84, 6) });
    page.next_renewal = Some(at(4 * HOUR));
    page.next_renewal_reason = "the fourth try, after waiting twice as long as before".into();
    page.trouble = Some(TroubleDetail {
        cause: "The TXT record _acme-challenge.shop.example.com did not appear at ns2.example.net within 10 minutes.".into(),
        headline: "Renewal has failed since 2026-11-21 12:00:00 UTC.".into(),
        remedy: "See that the DNS provider writes into the zone that these name servers serve, and that the change reaches all of them.".into(),
        place: Some(Link::new("PowerDNS, Frankfurt", "/dns-providers/2")),
        next_try: "It is tried again in 4 hours.".into(),
        answer: "{\n  \"type\": \"urn:ietf:params:acme:error:dns\",\n  \"detail\": \"DNS problem: NXDOMAIN looking up TXT for _acme-challenge.shop.example.com\",\n  \"status\": 400\n}".into(),
        failed: Some(at(-2 * HOUR)),
        tries: 3,
    });
    page.steps.truncate(3);
    page.steps.push(step(
        "Wait until every server of the zone shows it",
        StepState::Failed,
        Some(2 * HOUR),
        "ns2.example.net answers NXDOMAIN, serial 2026112104",
    ));
    page.steps.push(step("Let the authority check", StepState::Waiting, None, ""));
    page.steps.push(step("Withdraw TXT", StepState::Running, Some(MINUTE), ""));
    page.deployments.clear();
    page
}

fn hostile() -> ManagedDetailPage {
    let mut page = failing();
    page.frame.title = HOSTILE.into();
    page.names = vec![HOSTILE.into(), RTL.into(), LONG.into()];
    page.deployments = detail().deployments;
    for deployment in &mut page.deployments {
        deployment.command = format!("$(rm -rf /) ; {HOSTILE}");
        deployment.error = HOSTILE.into();
    }
    if let Some(trouble) = &mut page.trouble {
        trouble.cause = HOSTILE.into();
        trouble.place = Some(Link::new(HOSTILE, "/dns-providers/2"));
        trouble.answer = HOSTILE.repeat(20);
    }
    page
}

fn new() -> NewManagedPage {
    NewManagedPage {
        frame: frame("New managed certificate", Section::Managed).below("Managed certificates", "/managed"),
        kinds: vec![
            FilterLink { label: "By an ACME issuer".into(), href: "/managed/new?by=acme".into(), count: None, is_current: true },
            FilterLink {
                label: "By a private authority".into(),
                href: "/managed/new?by=private".into(),
                count: None,
                is_current: false,
            },
        ],
        error: None,
        names: Input::default(),
        issuer: Select::of(vec![Choice::new("1", "Let’s Encrypt"), Choice::new("2", "Example Issuing CA 2")]),
        dns_provider: Select::of(vec![Choice::new("2", "PowerDNS, Frankfurt"), Choice::new("3", "BIND, office")]),
        key: Select::of(vec![
            Choice::new("ec-p256", "EC P-256").with_hint("Small and fast; understood everywhere."),
            Choice::new("ec-p384", "EC P-384").with_hint("Where a policy asks for it."),
            Choice::new("rsa-2048", "RSA 2048").with_hint("For old clients."),
            Choice::new("rsa-4096", "RSA 4096").with_hint("For old clients with strict policies; slow."),
        ])
        .choose("ec-p256"),
        reuse_key: Check::of(false),
        owner: Select::of(vec![Choice::new("", "Nobody"), Choice::new("6", "Platform")]),
        profile: Input::default(),
        adopt: None,
    }
}

fn new_private() -> NewPrivateManagedPage {
    let form = new();
    NewPrivateManagedPage {
        frame: form.frame,
        kinds: form.kinds,
        error: None,
        under: Select::of(vec![Choice::new("pattern-1", format!("{HOSTILE}, TLS server")), Choice::new("client", RTL)])
            .refused("This pattern issues nothing with a key that is made here."),
        authority: Some(Select::of(vec![Choice::new("", "As the pattern says, or the only one"), Choice::new("1", HOSTILE)])),
        names: Input::of("db1.internal\n192.0.2.7"),
        subject: Input::of(HOSTILE),
        days: Input::of("4000").refused("A certificate of this pattern lives 1 to 60 days."),
        key: form.key,
        reuse_key: form.reuse_key,
        owner: form.owner,
        noted: Vec::new(),
        adopt: Some((812, HOSTILE.into())),
    }
}

fn of_private_authority() -> ManagedDetailPage {
    let mut page = detail();
    page.plan.issuer = Link::new(HOSTILE, "/authorities/1");
    page.plan.parts = vec![
        ("Pattern", Link::new(HOSTILE, "/patterns/1")),
        ("Template", Link::new("TLS server", "")),
        ("Subject", Link::new(RTL, "")),
    ];
    page.plan.orders = false;
    page
}

fn refused() -> NewManagedPage {
    let mut page = new();
    page.error = Some("Nothing was ordered: one name cannot be certified.".into());
    page.names = Input::of(format!("shop.example.com\nshop_example.com\n{HOSTILE}")).refused(
        "Line 2: shop_example.com has an underscore, which no authority certifies. Write shop-example.com if that is meant.",
    );
    page.issuer = page.issuer.refused("This issuer’s account is not registered.");
    page
}

fn first() -> NewManagedPage {
    NewManagedPage { issuer: Select::default(), dns_provider: Select::default(), ..new() }
}

fn deployment() -> NewDeploymentPage {
    NewDeploymentPage {
        frame: frame("New deployment", Section::Managed)
            .below("Managed certificates", "/managed")
            .below("api.example.com", "/managed/7"),
        managed_id: 7,
        error: None,
        name: Input::of("nginx"),
        full_chain: Input::of("/etc/ssl/api/fullchain.pem"),
        certificate: Input::default(),
        chain: Input::default(),
        private_key: Input::of("../privkey.pem").refused("The path must be absolute."),
        owner: Input::of("root:ssl-cert"),
        mode: Input::of("0644"),
        key_mode: Input::of("0640"),
        command: Input::of("systemctl reload nginx"),
        store: Some(Select::of(vec![Choice::new("", "None: into files"), Choice::new("3", "Shop front")])),
        alias: Input::of(""),
    }
}
