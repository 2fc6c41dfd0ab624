//! Private authorities, and what they issue: `/authorities`, `/enrol`, `/certificates/{id}/revoke`.

use askama::Template;

use super::filters;
use super::form::{Check, Input, Select};
use super::frame::Frame;
use super::metadata::NotedField;
use super::text::Link;
use super::time::Moment;
use super::tone::{Badge, Validity};

/// The list of private authorities.
#[derive(Clone, Debug, Template)]
#[template(path = "web/authorities.html")]
pub struct AuthoritiesPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The authorities.
    pub rows: Vec<AuthorityRow>,
    /// Whether the viewer may make authorities.
    pub may_change: bool,
}

/// One authority.
#[derive(Clone, Debug)]
pub struct AuthorityRow {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its distinguished name.
    pub subject: String,
    /// How it is doing.
    pub state: Badge,
    /// Its key.
    pub key: String,
    /// Begin and end of its certificate.
    pub validity: Validity,
    /// How many certificates it issued.
    pub issued: i64,
    /// How many authorities stand above it: the list shows what is below what.
    pub depth: usize,
}

/// One private authority.
#[derive(Clone, Debug, Template)]
#[template(path = "web/authority.html")]
pub struct AuthorityPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Its number.
    pub id: i64,
    /// How it is doing.
    pub state: Badge,
    /// Its distinguished name.
    pub subject: String,
    /// Its certificate in the inventory.
    pub certificate: Link,
    /// Who signed it; `None`: itself.
    pub parent: Option<Link>,
    /// Its key.
    pub key: String,
    /// Begin and end of its certificate.
    pub validity: Validity,
    /// What certificates below it may be, in words.
    pub bounds: Vec<String>,
    /// Where clients find its certificate and list; empty: certificates name no place.
    pub base_url: String,
    /// How many days a revocation list holds.
    pub list_days: i64,
    /// The number of the revocation list that stands, and until when it holds.
    pub list: Option<(i64, Moment)>,
    /// How many certificates it issued.
    pub issued: i64,
    /// The certificates that it issued.
    pub issued_href: String,
    /// Where certificates are issued; `None`: it does not issue, or the viewer may not.
    pub enrol: Option<String>,
    /// Whether the viewer may retire it.
    pub may_retire: bool,
}

impl AuthorityPage {
    fn retire(&self) -> String {
        format!("/authorities/{}/retire", self.id)
    }
}

/// The form for a new authority.
#[derive(Clone, Debug, Template)]
#[template(path = "web/authority_new.html")]
pub struct NewAuthorityPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `subject`.
    pub subject: Input,
    /// `parent`.
    pub parent: Select,
    /// `key`.
    pub key: Select,
    /// `days`.
    pub days: Input,
    /// `path_length`.
    pub path_length: Input,
    /// `permitted`, one a line.
    pub permitted: Input,
    /// `excluded`, one a line.
    pub excluded: Input,
    /// `base_url`.
    pub base_url: Input,
    /// `list_days`.
    pub list_days: Input,
}

/// What can be enrolled for.
#[derive(Clone, Debug, Template)]
#[template(path = "web/enrol.html")]
pub struct EnrolPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The patterns that the viewer may use.
    pub patterns: Vec<EnrolChoice>,
    /// The templates that may be named alone.
    pub templates: Vec<EnrolChoice>,
    /// Whether any authority issues here; without one nothing can be enrolled for.
    pub has_authority: bool,
}

/// A pattern or a template that can be chosen.
#[derive(Clone, Debug)]
pub struct EnrolChoice {
    /// Its form.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What its certificates are for.
    pub template: String,
    /// From which authority it issues; empty: whoever enrols chooses.
    pub authority: String,
}

/// The form made from a pattern's rules.
#[derive(Clone, Debug, Template)]
#[template(path = "web/enrol_form.html")]
pub struct EnrolFormPage {
    /// Title (the pattern's or template's name) and navigation.
    pub frame: Frame,
    /// What it is for.
    pub description: String,
    /// Hidden `pattern`; empty for a template.
    pub pattern: String,
    /// Hidden `template`; empty for a pattern.
    pub template: String,
    /// What is asked of requests, a sentence each.
    pub rules: Vec<String>,
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `way`.
    pub way: Select,
    /// `csr`.
    pub csr: Input,
    /// `key`.
    pub key: Select,
    /// `authority`; `None`: the pattern says it.
    pub authority: Option<Select>,
    /// `subject`.
    pub subject: Input,
    /// What the subject gets where it leaves it out, such as `O=Example`.
    pub defaults: String,
    /// `names`, one a line.
    pub names: Input,
    /// `days`.
    pub days: Input,
    /// How many days when nobody says, and at most.
    pub life: (i64, i64),
    /// `owner`; `None`: the pattern decides.
    pub owner: Option<Select>,
    /// `noted-…`.
    pub noted: Vec<NotedField>,
}

impl EnrolFormPage {
    fn days_hint(&self) -> String {
        format!("{} days otherwise, at most {}. It ends with its authority at the latest.", self.life.0, self.life.1)
    }

    fn subject_hint(&self) -> String {
        let own = "Whom it is for: CN=shop.example.org, OU=Shop. Of a signing request its own, if you leave it empty.";
        if self.defaults.is_empty() { own.to_owned() } else { format!("{own} What it leaves out is {}.", self.defaults) }
    }
}

/// What was issued, for whoever may not see certificates.
#[derive(Clone, Debug, Template)]
#[template(path = "web/enrolled.html")]
pub struct EnrolledPage {
    /// Title and navigation.
    pub frame: Frame,
    /// It and those above it, PEM.
    pub chain: String,
    /// Whether its key was made here, and is in custody.
    pub key_made: bool,
}

/// The question before a certificate is revoked.
#[derive(Clone, Debug, Template)]
#[template(path = "web/revoke.html")]
pub struct RevokePage {
    /// Title and navigation.
    pub frame: Frame,
    /// The certificate's number.
    pub id: i64,
    /// `collection`: the collection through which the viewer came.
    pub within: Option<i64>,
    /// The page of the certificate.
    pub back: String,
    /// The certificate's title.
    pub certificate: String,
    /// The authority that tells of it; `None`: nobody here issued it.
    pub authority: Option<String>,
    /// The ACME issuer that is asked to revoke it.
    pub issuer: Option<String>,
    /// Why the whole was refused.
    pub error: Option<String>,
    /// `reason`.
    pub reason: Select,
    /// `comment`.
    pub comment: Input,
}

/// The list of enrolment patterns, and who asks for owners.
#[derive(Clone, Debug, Template)]
#[template(path = "web/patterns.html")]
pub struct PatternsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// The patterns.
    pub rows: Vec<PatternRow>,
    /// Whether the viewer may change patterns.
    pub may_change: bool,
    /// `owner_policy` of the installation; `None`: the viewer may not change it.
    pub installation: Option<Select>,
    /// What the installation asks, in words.
    pub installation_says: String,
    /// What templates ask; empty: the viewer may not see them.
    pub templates: Vec<TemplateRow>,
    /// Whether the viewer may change templates.
    pub may_change_templates: bool,
}

/// One pattern.
#[derive(Clone, Debug)]
pub struct PatternRow {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// What it is for.
    pub description: String,
    /// What its certificates are for.
    pub template: String,
    /// Whether it is the default of its template.
    pub is_default: bool,
    /// From which authority it issues; empty: any.
    pub authority: String,
    /// Who may use it.
    pub roles: String,
    /// What it says about owners.
    pub owner: &'static str,
}

/// One template.
#[derive(Clone, Debug)]
pub struct TemplateRow {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Whether its certificates need an owner.
    pub required: bool,
}

/// One enrolment pattern, or a new one.
#[derive(Clone, Debug, Template)]
#[template(path = "web/pattern.html")]
pub struct PatternPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Its number; `None` for a new one.
    pub id: Option<i64>,
    /// Whether the viewer may change it.
    pub may_change: bool,
    /// The form.
    pub form: PatternForm,
}

impl PatternPage {
    fn slug(&self, what: &str, field: &i64) -> String {
        format!("{what}-{field}")
    }

    fn target(&self) -> String {
        self.id.map_or_else(|| "/patterns/new".to_owned(), |id| format!("/patterns/{id}"))
    }
}

/// Fields of a pattern.
#[derive(Clone, Debug, Default)]
pub struct PatternForm {
    /// Why the whole was refused, where no single field is to blame.
    pub error: Option<String>,
    /// `name`.
    pub name: Input,
    /// `description`.
    pub description: Input,
    /// `template`.
    pub template: Select,
    /// `is_default`.
    pub is_default: Check,
    /// `authority`.
    pub authority: Select,
    /// `role`.
    pub roles: Vec<super::form::Choice>,
    /// `kind`.
    pub kinds: Vec<super::form::Choice>,
    /// `days`.
    pub days: Input,
    /// `most_days`.
    pub most_days: Input,
    /// `key`.
    pub keys: Vec<super::form::Choice>,
    /// `wildcards`.
    pub wildcards: Check,
    /// `key_reuse`.
    pub key_reuse: Check,
    /// `rfc`.
    pub rfc: Check,
    /// What is asked of each part.
    pub parts: Vec<PartRow>,
    /// Why a part was refused.
    pub parts_error: Option<String>,
    /// `owner_policy`.
    pub owner_policy: Select,
    /// `default_owner`.
    pub default_owner: Select,
    /// `owner_override`.
    pub owner_override: Check,
    /// What is asked of each metadata field.
    pub fields: Vec<FieldRow>,
    /// Why a field was refused.
    pub fields_error: Option<String>,
}

/// What is asked of a part of subjects or names.
#[derive(Clone, Debug)]
pub struct PartRow {
    /// Its code: fields are `default-CN`, `regex-CN`, `message-CN`.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether it may have a default.
    pub has_default: bool,
    /// Its default.
    pub default: String,
    /// Its expression.
    pub regex: String,
    /// What is said when that does not match.
    pub message: String,
}

/// What is asked of a metadata field.
#[derive(Clone, Debug)]
pub struct FieldRow {
    /// Its number: fields are `field-7`, `value-7`, `check-7`, `words-7`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What is asked; empty: what the field asks by itself.
    pub enrolment: Select,
    /// Its default.
    pub default: String,
    /// Whether it may have an expression.
    pub has_regex: bool,
    /// Its expression.
    pub regex: String,
    /// What is said when that does not match.
    pub message: String,
}
