//! Whether one certificate fulfils a condition, decided in memory: membership in collections, and the model that SQL is tested with.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::ast::{Condition, Expr, Predicate, Scalar, Test};
use super::field::FieldId;
use super::fold;
use super::usage::extended_key_usage_spellings;
use crate::ids::{CertificateId, MetadataFieldId, RoleId};
use crate::private_ca::Profile;

/// Everything of one certificate that queries can ask for, unfolded. Empty texts count as not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// [`FieldId::CertId`]
    pub id: i64,
    /// [`FieldId::IssuedCn`]
    pub common_name: Option<String>,
    /// [`FieldId::IssuedDn`]
    pub subject: String,
    /// [`FieldId::IssuerDn`]
    pub issuer: String,
    /// [`FieldId::IssuerCn`]
    pub issuer_common_name: Option<String>,
    /// [`FieldId::Thumbprint`], lower-case hex.
    pub sha1: String,
    /// [`FieldId::Fingerprint`], lower-case hex.
    pub sha256: String,
    /// [`FieldId::PublicKey`], lower-case hex.
    pub spki_sha256: String,
    /// [`FieldId::SerialNumber`], lower-case hex.
    pub serial: String,
    /// [`FieldId::SubjectKeyId`], lower-case hex.
    pub subject_key_id: Option<String>,
    /// [`FieldId::AuthorityKeyId`], lower-case hex.
    pub authority_key_id: Option<String>,
    /// [`FieldId::OwnerRoleId`], [`FieldId::OwnerRoleName`]
    pub owner: Option<(RoleId, String)>,
    /// [`FieldId::IssuedDate`], unix milliseconds.
    pub not_before: i64,
    /// [`FieldId::ExpirationDate`], unix milliseconds.
    pub not_after: i64,
    /// [`FieldId::ImportDate`], unix milliseconds.
    pub held_since: i64,
    /// [`FieldId::RevocationDate`], unix milliseconds.
    pub revoked_at: Option<i64>,
    /// [`FieldId::Eku`] as [`certhold_pki::Facts::extended_key_usage`] has them; spelled out on comparing.
    pub extended_key_usage: Vec<String>,
    /// [`FieldId::KeySize`]
    pub key_bits: Option<i64>,
    /// [`FieldId::KeyAlgorithm`]
    pub key_algorithm: String,
    /// [`FieldId::Curve`]
    pub key_curve: Option<String>,
    /// [`FieldId::KeyUsage`]; 0 counts as not set.
    pub key_usage: i64,
    /// [`FieldId::SigningAlgorithm`]
    pub signature_algorithm: String,
    /// [`FieldId::Ou`]
    pub units: Vec<String>,
    /// [`FieldId::Organization`]
    pub organizations: Vec<String>,
    /// [`FieldId::Country`]
    pub countries: Vec<String>,
    /// [`FieldId::IssuedEmail`]
    pub emails: Vec<String>,
    /// [`FieldId::San`]
    pub names: Vec<String>,
    /// [`FieldId::HasPrivateKey`]
    pub has_key: bool,
    /// [`FieldId::IsExcluded`]
    pub is_excluded: bool,
    /// [`FieldId::SelfSigned`]
    pub self_signed: bool,
    /// [`FieldId::IsCa`]
    pub is_ca: bool,
    /// [`FieldId::ManagedName`]; [`FieldId::Managed`] when there is one.
    pub managed: Option<String>,
    /// [`FieldId::Source`]
    pub source: String,
    /// [`FieldId::Finding`]
    pub findings: Vec<String>,
    /// [`FieldId::FindingSeverity`]: 1 info … 4 error.
    pub severity: Option<i64>,
    /// Of each certificate store that it is in: [`FieldId::StoreMachine`], [`FieldId::StorePath`], [`FieldId::StoreContainer`].
    pub stores: Vec<(String, String, Option<String>)>,
    /// [`FieldId::Authority`]
    pub authority: Option<String>,
    /// [`FieldId::TemplateName`], [`FieldId::TemplateTitle`]
    pub template: Option<Profile>,
    /// [`FieldId::Revoker`]
    pub revoker: Option<String>,
    /// [`FieldId::Requester`]
    pub requester: Option<String>,
    /// [`FieldId::Metadata`]: what is filled in.
    pub metadata: BTreeMap<MetadataFieldId, Scalar>,
}

impl Subject {
    /// The certificate's handle.
    pub fn certificate(&self) -> CertificateId {
        CertificateId(self.id)
    }

    /// [`FieldId::Rfc2818`]
    fn names_itself(&self) -> bool {
        let within = |name: &String| {
            let names: String = self.names.iter().map(|name| format!("{name}\n")).collect();
            fold(&format!("\n{names}")).contains(&fold(&format!("\n{name}\n")))
        };
        !self.names.is_empty() && self.common_name.as_ref().is_none_or(within)
    }

    fn values(&self, field: FieldId) -> Values<'_> {
        let text = |text: &'_ str| Values::Texts(vec![Cow::Owned(text.to_owned())]);
        let maybe = |text: &'_ Option<String>| Values::Texts(text.iter().cloned().map(Cow::Owned).collect());
        let texts = |texts: &'_ [String]| Values::Texts(texts.iter().cloned().map(Cow::Owned).collect());
        match field {
            FieldId::CertId => Values::Number(Some(self.id)),
            FieldId::IssuedCn => maybe(&self.common_name),
            FieldId::IssuedDn => text(&self.subject),
            FieldId::IssuerDn => text(&self.issuer),
            FieldId::IssuerCn => maybe(&self.issuer_common_name),
            FieldId::Thumbprint => text(&self.sha1),
            FieldId::Fingerprint => text(&self.sha256),
            FieldId::PublicKey => text(&self.spki_sha256),
            FieldId::SerialNumber => text(&self.serial),
            FieldId::SubjectKeyId => maybe(&self.subject_key_id),
            FieldId::AuthorityKeyId => maybe(&self.authority_key_id),
            FieldId::OwnerRoleName => Values::Texts(self.owner.iter().map(|(_, name)| Cow::Borrowed(name.as_str())).collect()),
            FieldId::OwnerRoleId => Values::Number(self.owner.as_ref().map(|(id, _)| id.0)),
            FieldId::IssuedDate => Values::Number(Some(self.not_before)),
            FieldId::RevocationDate => Values::Number(self.revoked_at),
            FieldId::ExpirationDate => Values::Number(Some(self.not_after)),
            FieldId::ImportDate => Values::Number(Some(self.held_since)),
            FieldId::Eku => {
                let spelled = self.extended_key_usage.iter().flat_map(|usage| extended_key_usage_spellings(usage));
                Values::Texts(spelled.map(Cow::Borrowed).collect())
            }
            FieldId::KeySize => Values::Number(self.key_bits),
            FieldId::KeyAlgorithm => text(&self.key_algorithm),
            FieldId::Curve => maybe(&self.key_curve),
            FieldId::KeyUsage => Values::Number(Some(self.key_usage).filter(|bits| *bits != 0)),
            FieldId::SigningAlgorithm => text(&self.signature_algorithm),
            FieldId::Ou => texts(&self.units),
            FieldId::Organization => texts(&self.organizations),
            FieldId::Country => texts(&self.countries),
            FieldId::IssuedEmail => texts(&self.emails),
            FieldId::San => texts(&self.names),
            FieldId::HasPrivateKey => Values::Flag(self.has_key),
            FieldId::IsExcluded => Values::Flag(self.is_excluded),
            FieldId::SelfSigned => Values::Flag(self.self_signed),
            FieldId::IsCa => Values::Flag(self.is_ca),
            FieldId::Managed => Values::Flag(self.managed.is_some()),
            FieldId::ManagedName => maybe(&self.managed),
            FieldId::Source => text(&self.source),
            FieldId::Finding => texts(&self.findings),
            FieldId::FindingSeverity => Values::Number(self.severity),
            FieldId::Authority => maybe(&self.authority),
            FieldId::TemplateName => Values::Texts(self.template.iter().map(|template| Cow::Borrowed(template.name())).collect()),
            FieldId::TemplateTitle => {
                Values::Texts(self.template.iter().map(|template| Cow::Borrowed(template.title())).collect())
            }
            FieldId::Revoker => maybe(&self.revoker),
            FieldId::Requester => maybe(&self.requester),
            FieldId::Rfc2818 => Values::Flag(self.names_itself()),
            FieldId::StoreMachine => {
                Values::Texts(self.stores.iter().map(|(machine, ..)| Cow::Borrowed(machine.as_str())).collect())
            }
            FieldId::StorePath => Values::Texts(self.stores.iter().map(|(_, path, _)| Cow::Borrowed(path.as_str())).collect()),
            FieldId::StoreContainer => {
                Values::Texts(self.stores.iter().filter_map(|(.., container)| container.as_deref().map(Cow::Borrowed)).collect())
            }
            FieldId::Metadata(id) => match self.metadata.get(&id) {
                Some(Scalar::Text(value)) => text(value),
                Some(Scalar::Number(value)) => Values::Number(Some(*value)),
                Some(Scalar::Flag(value)) => Values::Flag(*value),
                None => Values::Number(None),
            },
            // Replaced on resolving.
            FieldId::CertState | FieldId::KeyType | FieldId::AlwaysFalse | FieldId::Absent => Values::Number(None),
        }
    }
}

enum Values<'a> {
    Texts(Vec<Cow<'a, str>>),
    Number(Option<i64>),
    Flag(bool),
}

/// Whether `subject` fulfils the condition.
pub fn evaluate(condition: &Condition, subject: &Subject) -> bool {
    match condition {
        Expr::And(parts) => parts.iter().all(|part| evaluate(part, subject)),
        Expr::Or(parts) => parts.iter().any(|part| evaluate(part, subject)),
        Expr::Leaf(Predicate { field, negated, test }) => fits(test, &subject.values(*field)) != *negated,
    }
}

/// Whether some test of the condition answers differently once a text of this field is another one; `None`: the certificate has none.
pub(crate) fn tells_apart(condition: &Condition, field: FieldId, before: Option<&str>, after: Option<&str>) -> bool {
    let answer = |test: &Test, text: Option<&str>| match field {
        FieldId::Managed | FieldId::HasPrivateKey | FieldId::IsExcluded => fits(test, &Values::Flag(text.is_some())),
        _ => fits(test, &Values::Texts(text.map(Cow::Borrowed).into_iter().collect())),
    };
    let tells = |leaf: &Predicate| leaf.field == field && answer(&leaf.test, before) != answer(&leaf.test, after);
    condition.leaves().any(tells)
}

fn fits(test: &Test, values: &Values<'_>) -> bool {
    match values {
        Values::Texts(texts) => texts.iter().any(|text| !text.is_empty() && text_fits(test, &fold(text))),
        Values::Number(None) => false,
        Values::Number(Some(number)) => match test {
            Test::Set => true,
            Test::Equals(wanted) => wanted.contains(&Scalar::Number(*number)),
            Test::Within { from, to } => from <= number && number <= to,
            Test::Bits(bits) => number & bits == *bits,
            _ => false,
        },
        Values::Flag(flag) => match test {
            Test::Set => true,
            Test::Equals(wanted) => wanted.contains(&Scalar::Flag(*flag)),
            _ => false,
        },
    }
}

/// Whether a folded text passes the test.
pub(crate) fn text_fits(test: &Test, text: &str) -> bool {
    match test {
        Test::Set => true,
        Test::Equals(wanted) => wanted.iter().any(|wanted| matches!(wanted, Scalar::Text(wanted) if wanted == text)),
        Test::Contains(part) => text.contains(part.as_str()),
        Test::StartsWith(part) => text.starts_with(part.as_str()),
        Test::EndsWith(part) => text.ends_with(part.as_str()),
        Test::Like(pattern) => pattern.matches(text),
        Test::Within { .. } | Test::Bits(_) => false,
    }
}
