use certhold_faces::web::view::form::Input;
use certhold_faces::web::view::frame::Section;
use certhold_faces::web::view::text::Link;
use certhold_faces::web::view::trust_sets::{NewTrustSetPage, TrustSetDetailPage, TrustSetForm, TrustSetRow, TrustSetsPage};

use super::*;

pub fn samples() -> Vec<Sample> {
    let list =
        |rows: Vec<TrustSetRow>| TrustSetsPage { frame: frame("Trust sets", Section::Certificates), rows, may_change: true };
    let row = |name: &str, members: i64| TrustSetRow {
        href: "/trust-sets/1".into(),
        name: name.into(),
        description: "What it is for".into(),
        members,
    };
    let detail = |name: &str, members: Vec<Link>| TrustSetDetailPage {
        frame: frame(name, Section::Certificates).below("Trust sets", "/trust-sets"),
        id: 1,
        description: name.into(),
        members,
        form: Some(form(name)),
    };
    let refused =
        TrustSetForm { certificates: Input::of("x").refused("Write the numbers of certificates, one a line."), ..form(HOSTILE) };
    vec![
        page("trust-sets", &list(vec![row("This machine", 142), row("Partners", 3)])),
        page("trust-sets-empty", &list(Vec::new())),
        page("trust-sets-hostile", &list(vec![row(HOSTILE, 0), row(RTL, 1), row(LONG, 2)])),
        page("trust-set", &detail("This machine", vec![Link::new("ISRG Root X1", "/certificates/7")])),
        page("trust-set-empty", &detail("Nobody", Vec::new())),
        page("trust-set-hostile", &detail(HOSTILE, vec![Link::new(RTL, "/certificates/7"), Link::new(LONG, "/certificates/8")])),
        page("trust-set-new", &NewTrustSetPage { frame: frame("New trust set", Section::Certificates), form: form("") }),
        page("trust-set-refused", &NewTrustSetPage { frame: frame("New trust set", Section::Certificates), form: refused }),
    ]
}

fn form(name: &str) -> TrustSetForm {
    TrustSetForm { error: None, name: Input::of(name), description: Input::of(""), certificates: Input::of("7") }
}
