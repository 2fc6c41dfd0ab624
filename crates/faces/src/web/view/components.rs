//! The components of `templates/web/ui.html`, rendered alone and kept as snapshots.

use askama::Template;

use super::chart::{ExpiryBar, ExpiryChart, Span};
use super::event::{Change, EventLine};
use super::form::{Choice, Input, SecretInput, Select};
use super::table::Pager;
use super::time::{DAY, Moment};
use super::tone::{Badge, Tone, Validity};

const NOW: i64 = 1_795_305_727_000;

fn rendered(component: &impl Template) -> String {
    component.render().expect("a component renders")
}

#[derive(Template)]
#[template(source = "{% import \"web/ui.html\" as ui %}{{ ui::badge(badge) }}", ext = "html")]
struct BadgeAlone {
    badge: Badge,
}

#[test]
fn badge() {
    insta::assert_snapshot!(rendered(&BadgeAlone { badge: Badge::new("Needs <you>", Tone::Bad) }));
}

#[derive(Template)]
#[template(
    source = "{% import \"web/ui.html\" as ui %}{{ ui::expiry(validity) }}\n{{ ui::life(validity, renewal) }}",
    ext = "html"
)]
struct LifeAlone {
    validity: Validity,
    renewal: Option<Moment>,
}

#[test]
fn life_with_renewal() {
    let validity = Validity::new(NOW - 30 * DAY, NOW + 60 * DAY, NOW);
    insta::assert_snapshot!(rendered(&LifeAlone { validity, renewal: Some(Moment::new(NOW + 30 * DAY, NOW)) }));
}

#[derive(Template)]
#[template(
    source = "{% import \"web/ui.html\" as ui %}{{ ui::field(\"name\", \"Name\", name, \"A hint.\") }}\n{{ ui::secret(\"key\", \"Key\", key) }}\n{{ ui::select(\"owner\", \"Owner\", owner) }}",
    ext = "html"
)]
struct FieldsAlone {
    name: Input,
    key: SecretInput,
    owner: Select,
}

#[test]
fn refused_fields_say_why_and_secrets_say_nothing() {
    insta::assert_snapshot!(rendered(&FieldsAlone {
        name: Input::of("a \"quoted\" name").refused("No quotes, please."),
        key: SecretInput { is_set: true, error: None },
        owner: Select::of(vec![Choice::new("1", "A"), Choice::new("2", "B").barred("not yours")]).choose("1"),
    }));
}

#[derive(Template)]
#[template(source = "{% import \"web/ui.html\" as ui %}{{ ui::pager(pager, \"event\", \"events\") }}", ext = "html")]
struct PagerAlone {
    pager: Pager,
}

#[test]
fn pager() {
    let next = Some("/events?before=7&q=a".to_owned());
    insta::assert_snapshot!(rendered(&PagerAlone { pager: Pager { next, previous: None, shown: 50, total: Some(1_204) } }));
}

#[derive(Template)]
#[template(source = "{% import \"web/events_lines.html\" as lines %}{{ lines::timeline(events) }}", ext = "html")]
struct TimelineAlone {
    events: Vec<EventLine>,
}

#[test]
fn timeline() {
    let owner = Change { field: "owner".into(), before: None, after: Some("Payments".into()) };
    insta::assert_snapshot!(rendered(&TimelineAlone {
        events: vec![EventLine {
            number: 7,
            at: Moment::new(NOW - DAY / 24, NOW),
            actor: "marta".into(),
            through: "through the pages",
            operation: "certificate.owner.changed".into(),
            summary: "changed the owner".into(),
            object: None,
            rest: String::new(),
            tone: Tone::Neutral,
            icon: "people",
            detail: String::new(),
            changes: vec![owner],
            record: Some("/events?from=7".into()),
            digest: String::new(),
        }],
    }));
}

#[derive(Template)]
#[template(source = "{% include \"web/chart.html\" %}", ext = "html")]
struct ChartAlone {
    chart: ExpiryChart,
}

#[test]
fn chart() {
    let bar = |span, label: &str, managed, unmanaged| ExpiryBar {
        span,
        label: label.into(),
        description: format!("{label} in full"),
        managed,
        unmanaged,
        href: "/certificates?from=1&to=2".into(),
    };
    let bars = vec![bar(Span::Expired, "Expired", 0, 3), bar(Span::Week, "12-06", 4, 4), bar(Span::Later, "Later", 900, 0)];
    insta::assert_snapshot!(rendered(&ChartAlone { chart: ExpiryChart::new(bars) }));
}
