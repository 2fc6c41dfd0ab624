use certhold_faces::web::view::address::Address;
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::inventory::{BulkBar, CertificateRow, InventoryPage, QueryError, ViewLink, ViewRow, ViewsPage};
use certhold_faces::web::view::narrow::{Chip, FacetLink, FacetView};
use certhold_faces::web::view::table::{FilterLink, Pager, Sorting};

use super::*;

pub fn samples() -> Vec<Sample> {
    vec![
        page("inventory", &rich()),
        page("inventory-none", &none()),
        page("inventory-empty", &empty()),
        page("inventory-error", &wrong_query()),
        page("inventory-hostile", &hostile()),
        page("views", &views()),
        page("views-empty", &ViewsPage { rows: Vec::new(), ..views() }),
    ]
}

fn views() -> ViewsPage {
    let row = |id, name: &str, shows: &str| ViewRow {
        id,
        name: name.into(),
        href: "/certificates?filter=expiring&sort=expiry".into(),
        shows: shows.into(),
        created: at(-3 * DAY),
    };
    ViewsPage {
        frame: frame("Saved views", Section::Certificates).below("Certificates", "/certificates"),
        rows: vec![row(1, "Ends soon", "expiring"), row(2, HOSTILE, RTL), row(3, LONG, LONG)],
    }
}

type Line<'a> = (&'a str, i64, &'a str, Validity, &'a str, &'a str, bool);

fn row(id: i64, (name, more, issuer, life, owner, key, managed): Line<'_>) -> CertificateRow {
    CertificateRow {
        id,
        href: format!("/certificates/{id}"),
        name: name.into(),
        more_names: more,
        issuer: issuer.into(),
        validity: life,
        owner: (!owner.is_empty()).then(|| owner.to_owned()),
        key: key.into(),
        is_managed: managed,
        has_key: managed || id % 3 == 0,
        more: Vec::new(),
    }
}

pub fn filter(label: &str, href: &str, count: i64, is_current: bool) -> FilterLink {
    FilterLink { label: label.into(), href: href.into(), count: Some(count), is_current }
}

fn rich() -> InventoryPage {
    let here = Address::new("/certificates").with("sort", "expiry");
    let base = [
        ("mail.old.example.com", 2, "R3", life(-100, -10), "Infrastructure", "RSA 2048", false),
        ("legacy-vpn.example.com", 0, "Example Issuing CA 2", life(-360, 4), "", "RSA 1024", false),
        ("shop.example.com", 3, "Let’s Encrypt E7", life(-84, 6), "Web shop", "EC P-256", true),
        ("printers.branch-02.example.com", 0, "Example Issuing CA 2", life(-340, 19), "", "RSA 2048", false),
        ("*.intranet.example.com", 1, "Example Issuing CA 2", life(-61, 29), "Workplace", "EC P-384", true),
        ("payments.example.com", 63, "DigiCert TLS RSA SHA256 2020 CA1", life(-160, 38), "Payments team", "RSA 4096", false),
        ("api.example.com", 5, "Let’s Encrypt E7", life(-5, 85), "Platform", "EC P-256", true),
        ("grafana.example.com", 0, "Let’s Encrypt E8", life(-10, 80), "", "Ed25519", false),
        (
            LONG,
            12,
            "A Certification Authority With A Name That Does Not End Where It Should, S.p.A.",
            life(-10, 380),
            "The department with the very long name",
            "RSA 3072",
            false,
        ),
        ("Example Root CA 2019", 0, "Example Root CA 2019", life(-2_500, 4_800), "PKI operators", "ML-DSA-65", false),
        ("future.example.com", 0, "Example Issuing CA 2", life(3, 368), "Platform", "EC P-256", false),
    ];
    let rows = (0..33).zip(base.iter().cycle()).map(|(id, line)| row(id, *line));
    InventoryPage {
        frame: frame("Certificates", Section::Certificates),
        query: String::new(),
        query_error: None,
        kept: vec![("sort".into(), "expiry".into())],
        filters: vec![
            filter("All", "/certificates", 12_408, true),
            filter("Expiring in 30 days", "/certificates?filter=expiring", 173, false),
            filter("Expired", "/certificates?filter=expired", 46, false),
            filter("No owner", "/certificates?filter=unowned", 213, false),
            filter("Managed", "/certificates?filter=managed", 312, false),
        ],
        sorting: Sorting::new(&here, "expiry", false),
        facets: vec![FacetView {
            label: "Key",
            values: vec![
                FacetLink { label: "EC P-256".into(), count: 9_120, href: "/certificates?where=a".into(), is_current: true },
                FacetLink { label: LONG.into(), count: 3, href: "/certificates?where=b".into(), is_current: false },
                FacetLink { label: HOSTILE.into(), count: 1, href: "/certificates?where=c".into(), is_current: false },
            ],
            is_exact: false,
            is_open: true,
        }],
        chips: vec![Chip { text: format!("OwnerRoleName -eq \"{HOSTILE}\""), without: "/certificates".into() }],
        collect_href: Some("/collections/new?query=a".into()),
        csv_href: "/certificates.csv".into(),
        columns: vec![("serial".into(), "Serial number".into(), false), ("noted-1".into(), HOSTILE.into(), false)],
        views: vec![
            ViewLink { name: "Ends soon".into(), href: "/certificates?filter=expiring".into(), is_current: true },
            ViewLink { name: HOSTILE.into(), href: "/certificates?q=x".into(), is_current: false },
        ],
        view_list: "sort=expiry".into(),
        columns_kept: vec![("sort".into(), "expiry".into())],
        rows: rows.collect(),
        pager: Pager { previous: None, next: Some("/certificates?after=50".into()), shown: 33, total: Some(12_408) },
        all_href: "/certificates".into(),
        bulk: BulkBar {
            list: "sort=expiry".into(),
            page: "1 2 3".into(),
            on_page: 33,
            total: Some(12_408),
            may_own: true,
            may_note: true,
            may_remove: true,
        },
        holds_nothing: false,
    }
}

fn none() -> InventoryPage {
    let mut page = rich();
    page.query = "no-such-name".into();
    page.rows.clear();
    page.pager = Pager::default();
    page
}

fn empty() -> InventoryPage {
    let mut page = none();
    page.query.clear();
    page.holds_nothing = true;
    page
}

fn wrong_query() -> InventoryPage {
    let mut page = none();
    page.query = "CN -equals \"shop\"".into();
    page.query_error = Some(QueryError { message: "There is no operator -equals. Did you mean -eq?".into(), column: Some(4) });
    page
}

fn hostile() -> InventoryPage {
    let mut page = rich();
    page.columns[0].2 = true;
    page.rows.iter_mut().for_each(|row| row.more = vec![HOSTILE.into()]);
    page.query = HOSTILE.into();
    page.query_error = Some(QueryError { message: HOSTILE.into(), column: Some(2) });
    page.kept = vec![(HOSTILE.into(), HOSTILE.into())];
    for (row, text) in page.rows.iter_mut().zip([HOSTILE, RTL, LONG]) {
        row.name = text.into();
        row.issuer = text.into();
        row.owner = Some(text.into());
        row.key = text.into();
    }
    page
}
