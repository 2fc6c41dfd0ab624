use certhold_faces::web::view::chart::{ExpiryBar, ExpiryChart, Span};
use certhold_faces::web::view::event::{Change, EventLine};
use certhold_faces::web::view::frame::{Frame, Notice, Section, Viewer};
use certhold_faces::web::view::home::{Heartbeat, HomePage, Totals, Trouble, UnownedCertificate, UrgentCard, UrgentCertificate};
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::Tone;

use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("home", &rich()),
        page("home-fresh", &fresh()),
        page("home-calm", &calm()),
        page("home-hostile", &hostile()),
        page("home-barred", &barred()),
    ]
}

fn chart(weeks: [(i64, i64); 13], expired: (i64, i64), later: (i64, i64)) -> ExpiryChart {
    let bar = |span, label: &str, description: &str, (managed, unmanaged)| ExpiryBar {
        span,
        label: label.into(),
        description: description.into(),
        managed,
        unmanaged,
        href: "/certificates?filter=expiring".into(),
    };
    let mut bars = vec![bar(Span::Expired, "Expired", "Before 2026-11-22", expired)];
    for (week, counts) in weeks.into_iter().enumerate() {
        let from = at(i64::try_from(week).expect("13 weeks") * 7 * DAY);
        let (span, label) = match week {
            0 => (Span::NextSevenDays, "7 days".to_owned()),
            1..4 => (Span::NearWeek, from.date()[5..].to_owned()),
            _ => (Span::Week, from.date()[5..].to_owned()),
        };
        bars.push(bar(span, &label, &format!("Week from {}", from.date()), counts));
    }
    bars.push(bar(Span::Later, "Later", "After 2027-02-20", later));
    ExpiryChart::new(bars)
}

pub fn event(number: i64, ago: i64, actor: &str, summary: &str, icon: &'static str, tone: Tone) -> EventLine {
    EventLine {
        number,
        at: at(-ago),
        actor: actor.into(),
        through: if actor == "Certhold" { "through Certhold’s worker" } else { "through the pages" },
        operation: "certificate.owner.changed".into(),
        summary: summary.into(),
        object: None,
        rest: String::new(),
        tone,
        icon,
        detail: if icon == "stop" { format!("The TXT record did not appear. {HOSTILE}") } else { String::new() },
        changes: Vec::new(),
        record: (number % 2 == 0).then(|| format!("/events?from={number}")),
        digest: "9d1c4be0a7f2".into(),
    }
}

fn rich() -> HomePage {
    let mut changed = event(48_211, 9 * MINUTE, "marta.lindqvist", "changed the owner of", "people", Tone::Neutral);
    changed.object = Some(Link::new("payments.example.com", "/certificates/812"));
    changed.changes = vec![Change { field: "owner".into(), before: None, after: Some("Payments team".into()) }];
    let mut renewed = event(48_210, 26 * MINUTE, "Certhold", "renewed", "renew", Tone::Good);
    renewed.object = Some(Link::new("api.example.com", "/managed/7"));
    let mut failed = event(48_207, 2 * HOUR, "Certhold", "could not renew", "stop", Tone::Bad);
    failed.object = Some(Link::new("shop.example.com", "/managed/12"));
    let mut imported =
        event(48_112, 5 * HOUR, "ci-importer", "imported 214 certificates, 9 were already held", "import", Tone::Neutral);
    imported.through = "through the API";
    HomePage {
        frame: frame("Home", Section::Home),
        totals: Totals { held: 12_408, managed: 312, expired: 46, expiring: 173, unowned: 213, in_trouble: 3 },
        collections: vec![
            (Link::new("Web shop", "/certificates?collection=3"), Some(1_204)),
            (Link::new(HOSTILE, "/certificates?collection=4"), None),
        ],
        urgent: urgent(),
        chart: chart(
            [
                (3, 2),
                (11, 14),
                (22, 9),
                (31, 40),
                (27, 22),
                (38, 31),
                (45, 12),
                (24, 52),
                (30, 18),
                (33, 26),
                (18, 61),
                (12, 22),
                (6, 35),
            ],
            (0, 46),
            (12, 11_706),
        ),
        troubles: Some(vec![
            Trouble {
                name: "shop.example.com".into(),
                href: "/managed/12".into(),
                cause: "The TXT record _acme-challenge.shop.example.com did not appear at ns2.example.net within 10 minutes."
                    .into(),
                failed: at(-2 * HOUR),
                next_try: Some(at(4 * HOUR)),
                validity: Some(life(-84, 6)),
            },
            Trouble {
                name: "*.intranet.example.com".into(),
                href: "/managed/31".into(),
                cause: "The issuer refused the account: contact address missing (urn:ietf:params:acme:error:invalidContact)."
                    .into(),
                failed: at(-19 * HOUR),
                next_try: None,
                validity: Some(life(-61, 29)),
            },
            Trouble {
                name: "new.example.org".into(),
                href: "/managed/40".into(),
                cause: "CAA of example.org names another authority (pki.goog); this issuer may not issue.".into(),
                failed: at(-40 * MINUTE),
                next_try: Some(at(20 * MINUTE)),
                validity: None,
            },
        ]),
        unowned: vec![
            UnownedCertificate { name: "legacy-vpn.example.com".into(), href: "/certificates/3".into(), validity: life(-360, 4) },
            UnownedCertificate {
                name: "printers.branch-02.example.com".into(),
                href: "/certificates/4".into(),
                validity: life(-340, 19),
            },
            UnownedCertificate { name: "ldap.example.com".into(), href: "/certificates/5".into(), validity: life(-300, 65) },
            UnownedCertificate { name: "grafana.example.com".into(), href: "/certificates/6".into(), validity: life(-10, 80) },
            UnownedCertificate { name: LONG.into(), href: "/certificates/7".into(), validity: life(-10, 380) },
        ],
        heartbeat: Heartbeat { seen: Some(at(-MINUTE / 10)), is_late: false, jobs_waiting: Some(0) },
        recent: vec![
            changed,
            renewed,
            failed,
            imported,
            event(48_110, 6 * HOUR, "marta.lindqvist", "signed in", "person", Tone::Neutral),
        ],
    }
}

fn urgent() -> UrgentCard {
    let row = |name: &str, validity, owner: Option<&str>, is_managed| UrgentCertificate {
        name: name.into(),
        href: "/certificates/3".into(),
        validity,
        owner: owner.map(String::from),
        is_managed,
    };
    UrgentCard {
        rows: vec![
            row("shop.example.com", life(-90, -1), Some("Web shop"), true),
            row("legacy-vpn.example.com", life(-400, -12), None, false),
            row("mail.example.com", life(-84, 6), Some("Platform"), false),
        ],
        has_more: true,
        href: "/certificates?from=2026-10-23T00%3A02%3A07Z&until=2026-11-29T00%3A02%3A07Z&sort=expiry".into(),
    }
}

fn fresh() -> HomePage {
    let viewer = Viewer::with_all_sections("admin");
    HomePage {
        frame: Frame::new("Home", Section::Home, viewer, "sample-csrf"),
        totals: Totals::default(),
        collections: Vec::new(),
        urgent: UrgentCard { rows: Vec::new(), has_more: false, href: String::new() },
        chart: ExpiryChart::default(),
        troubles: Some(Vec::new()),
        unowned: Vec::new(),
        heartbeat: Heartbeat::default(),
        recent: Vec::new(),
    }
}

fn calm() -> HomePage {
    let mut home = rich();
    home.frame = home.frame.with_notice(Notice::good("payments.example.com now belongs to Payments team."));
    home.totals = Totals { held: 41, managed: 39, expired: 0, expiring: 6, unowned: 0, in_trouble: 0 };
    home.chart = chart(
        [(0, 0), (1, 0), (2, 0), (3, 0), (5, 0), (4, 1), (6, 0), (7, 0), (2, 1), (3, 0), (4, 0), (0, 0), (2, 0)],
        (0, 0),
        (0, 0),
    );
    home.troubles = Some(Vec::new());
    home.urgent.rows.clear();
    home.urgent.has_more = false;
    home.unowned.clear();
    home.recent.truncate(2);
    home
}

/// For whoever may not see renewals.
fn barred() -> HomePage {
    HomePage { troubles: None, ..calm() }
}

fn hostile() -> HomePage {
    let mut home = rich();
    home.heartbeat = Heartbeat { seen: Some(at(-3 * DAY)), is_late: true, jobs_waiting: Some(1_204) };
    home.frame.notice = Some(Notice::bad(format!("{HOSTILE} could not be renewed.")));
    for (trouble, name) in home.troubles.iter_mut().flatten().zip([HOSTILE, RTL, LONG]) {
        trouble.name = name.into();
        trouble.cause = format!("{name}: {HOSTILE}");
    }
    for (certificate, name) in home.unowned.iter_mut().zip([HOSTILE, RTL, LONG]) {
        certificate.name = name.into();
    }
    for (certificate, name) in home.urgent.rows.iter_mut().zip([HOSTILE, RTL, LONG]) {
        certificate.name = name.into();
        certificate.owner = Some(name.into());
    }
    for event in &mut home.recent {
        event.actor = HOSTILE.into();
        event.object = Some(Link::new(RTL, "/certificates/1"));
        event.changes = vec![Change { field: HOSTILE.into(), before: Some(RTL.into()), after: Some(LONG.into()) }];
    }
    home
}
