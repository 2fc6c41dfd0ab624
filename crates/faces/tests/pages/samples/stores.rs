use certhold_faces::web::view::form::{Check, Choice, Input, SecretInput, Select};
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::stores::{
    AddForm, ContainerForm, ContainerPage, ContainerRow, ContainersPage, EntryRow, JobRow, LocationRow, NewStorePage,
    StoreDetailPage, StoreForm, StoreRow, StoresPage,
};
use certhold_faces::web::view::table::FilterLink;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::tone::{Badge, Tone};

use super::*;

pub fn samples() -> Vec<Sample> {
    let detail = detail();
    let hostile = StoreDetailPage {
        frame: frame(HOSTILE, Section::Stores).below("Certificate stores", "/stores"),
        path: LONG.into(),
        machine: RTL.into(),
        container: Some(Link::new(HOSTILE, "/containers/1")),
        trouble: Some((HOSTILE.into(), at(-HOUR))),
        problems: vec![(HOSTILE.into(), RTL.into())],
        entries: vec![entry(HOSTILE, RTL), entry(LONG, LONG)],
        jobs: vec![job(HOSTILE, true)],
        more: Some("/stores/3?after=%22%3E".into()),
        ..detail.clone()
    };
    let bare = StoreDetailPage {
        entries: Vec::new(),
        jobs: Vec::new(),
        problems: Vec::new(),
        container: None,
        inventoried: None,
        next: None,
        add: None,
        schedule: None,
        form: None,
        ..detail.clone()
    };
    let refused = StoreForm {
        error: Some("There is a certificate store at this path already.".into()),
        path: Input::of("../x").refused("Give an absolute path."),
        ..form(HOSTILE)
    };
    vec![
        page("stores", &list(vec![row("Shop front", "Web servers"), row("Mail", "Mail")], false)),
        page("stores-empty", &list(Vec::new(), true)),
        page("stores-hostile", &list(vec![row(HOSTILE, RTL), row(LONG, HOSTILE)], true)),
        page("store", &detail),
        page("store-bare", &bare),
        page("store-hostile", &hostile),
        page("store-new", &new(form(""))),
        page("store-refused", &new(refused)),
        page("containers", &containers(vec![container_row("Web servers"), container_row(HOSTILE)])),
        page("containers-empty", &containers(Vec::new())),
        page("container", &container(Some(3), "Web servers")),
        page("container-hostile", &container(Some(3), HOSTILE)),
        page("container-new", &container(None, "New container")),
    ]
}

pub fn location(name: &str, alias: &str, in_chain: bool) -> LocationRow {
    LocationRow {
        store: Link::new(name, "/stores/3"),
        alias: alias.into(),
        path: "/srv/tls/shop.p12".into(),
        in_chain,
        has_key: true,
    }
}

fn row(name: &str, container: &str) -> StoreRow {
    StoreRow {
        href: "/stores/3".into(),
        name: name.into(),
        kind: "PKCS#12 file".into(),
        path: "/srv/tls/shop.p12".into(),
        container: Some(Link::new(container, "/containers/1")),
        entries: 12,
        state: Badge::new("In order", Tone::Good),
        inventoried: Some(at(-HOUR)),
    }
}

fn list(rows: Vec<StoreRow>, has_no_roots: bool) -> StoresPage {
    let filter = |label: &str, is_current| FilterLink { label: label.into(), href: "/stores".into(), count: None, is_current };
    StoresPage {
        frame: frame("Certificate stores", Section::Stores),
        query: String::new(),
        filters: vec![filter("All", true), filter("In trouble", false)],
        is_narrowed: false,
        csv_href: "/stores.csv?q=shop".into(),
        next: (!rows.is_empty()).then(|| "/stores?after=3".into()),
        rows,
        may_add: true,
        has_no_roots,
    }
}

fn entry(alias: &str, title: &str) -> EntryRow {
    EntryRow {
        alias: alias.into(),
        certificate: Link::new(title, "/certificates/7"),
        validity: life(-30, 60),
        chain: 1,
        has_key: true,
    }
}

fn job(what: &str, has_failed: bool) -> JobRow {
    JobRow {
        id: 9,
        what: what.into(),
        author: "marta.lindqvist".into(),
        state: if has_failed { Badge::new("Failed", Tone::Bad) } else { Badge::new("Done", Tone::Good) },
        at: at(-MINUTE),
        outcome: if has_failed { what.into() } else { "the entry is new".into() },
        has_failed,
        may_retry: has_failed,
        may_cancel: !has_failed,
    }
}

fn detail() -> StoreDetailPage {
    StoreDetailPage {
        frame: frame("Shop front", Section::Stores).below("Certificate stores", "/stores"),
        id: 3,
        kind: "PKCS#12 file".into(),
        path: "/srv/tls/shop.p12".into(),
        machine: "web-1".into(),
        container: Some(Link::new("Web servers", "/containers/1")),
        state: Badge::new("Partly readable", Tone::Warn),
        inventoried: Some(at(-HOUR)),
        next: Some(at(HOUR)),
        trouble: None,
        problems: vec![("entry 3".into(), "this is a secret that is neither certificate nor private key".into())],
        total: 2,
        entries: vec![entry("shop", "shop.example.com"), entry("api", "api.example.com")],
        more: None,
        jobs: vec![job("Put in shop with its key", false), job("Inventory", true)],
        add: Some(AddForm {
            error: None,
            certificate: Input::of("x").refused("Write the number of a certificate."),
            alias: Input::of("shop"),
            with_key: Check::of(true),
            overwrite: Check::of(false),
        }),
        schedule: Some(Input::of("daily 03:15")),
        form: Some(form("Shop front")),
    }
}

fn form(name: &str) -> StoreForm {
    let select = |chosen: &str| Select::of(vec![Choice::new("", "None"), Choice::new("1", "Web servers")]).choose(chosen);
    StoreForm {
        error: None,
        name: Input::of(name),
        path: Input::of("/srv/tls/shop.p12"),
        machine: Input::of(""),
        container: select("1"),
        password: SecretInput { is_set: true, error: None },
        create_if_missing: Check::of(true),
        schedule: Input::of("off"),
        chain: Some(select("")),
        key: Some(select("")),
        encryption: Some(select("")),
    }
}

fn new(form: StoreForm) -> NewStorePage {
    NewStorePage {
        frame: frame("New certificate store", Section::Stores).below("Certificate stores", "/stores"),
        form,
        kind: Select::of(vec![Choice::new("pkcs12", "PKCS#12 file"), Choice::new("jks", "Java key store (JKS)")]).choose("jks"),
        roots: "/srv/tls".into(),
    }
}

fn container_row(name: &str) -> ContainerRow {
    ContainerRow {
        href: "/containers/1".into(),
        name: name.into(),
        description: name.into(),
        schedule: "daily 03:15".into(),
        stores: (4, "/stores?container=1".into()),
    }
}

fn containers(rows: Vec<ContainerRow>) -> ContainersPage {
    ContainersPage { frame: frame("Containers", Section::Stores).below("Certificate stores", "/stores"), rows, may_add: true }
}

fn container(id: Option<i64>, name: &str) -> ContainerPage {
    ContainerPage {
        frame: frame(name, Section::Stores).below("Containers", "/containers"),
        id,
        stores: id.map(|_| (4, "/stores?container=3".into())),
        description: name.into(),
        form: Some(ContainerForm {
            error: None,
            name: Input::of(name),
            description: Input::of(""),
            kind: Select::of(vec![Choice::new("", "Any"), Choice::new("jks", "Java key store (JKS)")]),
            schedule: Input::of("x").refused("This is not a schedule."),
            overwrite_schedules: Check::of(true),
        }),
        rights: id.map(|_| super::collections::rights("/containers/3/rights", "container", name)),
    }
}
