//! How this API says no: one body for everything, with a code that stays the same for the same cause.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::{Error, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// Why a request was refused. The three codes that are published are the vendor's; the others are Certhold's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A permission is missing.
    Forbidden,
    /// The list cannot be ordered by this field.
    SortField,
    /// The header that chooses a format is missing or names none.
    Format,
    /// The request cannot be understood, or a value in it is wrong.
    Invalid,
    /// The header that browsers of other sites cannot send is missing.
    RequestedWith,
    /// There is no such version of the API.
    Version,
    /// The query cannot be understood.
    Query,
    /// There is no such object, or nothing at this address.
    NotFound,
    /// The state of things is in the way.
    Conflict,
    /// Larger than a limit.
    TooLarge,
    /// One permission includes another.
    Redundant,
    /// No credentials, or none that are valid.
    Unauthenticated,
    /// Too many failed sign-ins.
    LockedOut,
    /// Not by this method.
    Method,
    /// Something broke in the server.
    Fault,
    /// The server has too much to do, or is stopping.
    Busy,
}

impl Code {
    /// Every code as it stands in answers, with its cause, for documentation.
    pub const ALL: &[(Code, &str, &str)] = &[
        (Code::Forbidden, "0xA0140002", "a permission is missing"),
        (Code::SortField, "0xA011004A", "the list cannot be ordered by this field"),
        (Code::Format, "0xA0110007", "the header x-certificateformat is missing, or names no format of this call"),
        (Code::Invalid, "0xCE110001", "the request cannot be understood, or a value in it is wrong"),
        (Code::RequestedWith, "0xCE110002", "the header x-keyfactor-requested-with is missing"),
        (Code::Version, "0xCE110003", "there is no such version of the API"),
        (Code::Query, "0xCE110004", "the query cannot be understood"),
        (Code::NotFound, "0xCE110005", "there is no such object, or nothing at this address"),
        (Code::Conflict, "0xCE110006", "the state of an object, or a name that is taken, is in the way"),
        (Code::TooLarge, "0xCE110007", "something is larger than its limit"),
        (Code::Redundant, "0xCE110008", "one permission of a role includes another"),
        (Code::Method, "0xCE110009", "the address cannot be used with this method"),
        (Code::Unauthenticated, "0xCE140001", "no credentials, or none that are valid"),
        (Code::LockedOut, "0xCE140002", "too many failed sign-ins"),
        (Code::Fault, "0xCE150001", "something went wrong in the server"),
        (Code::Busy, "0xCE150002", "the server is busy or stopping: try again in a moment"),
    ];

    fn text(self) -> &'static str {
        Code::ALL.iter().find(|(code, ..)| *code == self).map_or("", |(_, text, _)| text)
    }
}

/// What every answer that is not a success says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ErrorBody {
    /// The cause; the same for the same cause.
    #[schema(example = "0xA0140002")]
    error_code: &'static str,
    /// What is wrong, for people.
    #[schema(example = "User kim does not have the required permissions: /metadata/types/modify/.")]
    message: String,
    /// What failed of a request for many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_operations: Vec<FailedOperation>,
}

/// One of many that failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct FailedOperation {
    /// Why.
    reason: String,
}

/// A refusal on its way out.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    body: Box<ErrorBody>,
    retry_after: Option<HeaderValue>,
    authenticate: bool,
}

/// What handlers of this API return.
pub type Answer<T> = Result<T, Refused>;

impl Refused {
    /// A refusal with a sentence.
    pub fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Refused {
        let body = ErrorBody { error_code: code.text(), message: sentence(message.into()), failed_operations: Vec::new() };
        Refused { status, body: Box::new(body), retry_after: None, authenticate: false }
    }

    /// A parameter or member that is wrong.
    pub fn invalid(what: &str, why: impl std::fmt::Display) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, format!("{what}: {why}"))
    }

    /// A request that cannot be understood.
    pub fn malformed(why: impl Into<String>) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, why)
    }

    /// No credentials, or none that are valid.
    pub fn unauthenticated(why: impl Into<String>) -> Refused {
        Refused { authenticate: true, ..Refused::new(StatusCode::UNAUTHORIZED, Code::Unauthenticated, why) }
    }

    /// There is no such object.
    pub fn not_found(noun: &str, id: impl std::fmt::Display) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, Code::NotFound, format!("Unable to find '{noun}' with Id '{id}'"))
    }

    /// There is no such object, in a sentence that clients know.
    pub fn missing(sentence: impl Into<String>) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, Code::NotFound, sentence)
    }

    /// Whether the server is in trouble, and not the request.
    pub fn is_fault(&self) -> bool {
        self.status.is_server_error()
    }

    /// With what failed of a request for many.
    pub fn with_failures(mut self, reasons: impl IntoIterator<Item = String>) -> Refused {
        self.body.failed_operations = reasons.into_iter().map(|reason| FailedOperation { reason }).collect();
        self
    }

    /// What the domain says of somebody's request; `who` is their name, empty when it is not known.
    pub fn of(error: Error, who: &str) -> Refused {
        match error {
            Error::Refused(refusal) => Refused::refusal(refusal, who),
            // Logged there, shown as a reference.
            fault @ Error::Fault(_) => Refused::from(Problem::from(fault)),
        }
    }

    fn refusal(refusal: Refusal, who: &str) -> Refused {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Unauthenticated(_) => Refused::unauthenticated(detail),
            Refusal::Forbidden { reason, missing } => {
                Refused::new(StatusCode::FORBIDDEN, Code::Forbidden, forbidden(who, &reason, &missing))
            }
            Refusal::NotFound { kind: "certificate store", id } => {
                Refused::missing(format!("Certificate store with id '{}' does not exist.", id.trim_matches('"')))
            }
            Refusal::NotFound { kind, id } => Refused::not_found(noun(kind), id.trim_matches('"')),
            Refusal::Conflict(_) | Refusal::LeaseLost(_) => Refused::new(StatusCode::CONFLICT, Code::Conflict, detail),
            Refusal::Invalid { field: "permissions", message } if message.starts_with("redundant") => {
                let message = format!("Redundant permissions detected: {}", message.trim_start_matches("redundant: "));
                Refused::new(StatusCode::BAD_REQUEST, Code::Redundant, message)
            }
            Refusal::Invalid { field: "query", message } => Refused::new(StatusCode::BAD_REQUEST, Code::Query, message),
            Refusal::Invalid { field, message } => Refused::invalid(spelled(field), message),
            Refusal::TooLarge(_) => Refused::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, detail),
            Refusal::LockedOut { .. } | Refusal::Busy | Refusal::Unavailable(_) => {
                let locked = matches!(refusal, Refusal::LockedOut { .. });
                let response = Problem::from(refusal).into_response();
                let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
                let code = if locked { Code::LockedOut } else { Code::Busy };
                Refused { retry_after, ..Refused::new(response.status(), code, detail) }
            }
        }
    }
}

/// What was sent may stand in a message, and may be anything: so many characters are enough to know it again.
const MESSAGE_CHARS: usize = 2_000;

/// Every message is one sentence with its full stop, except those whose shape clients know.
fn sentence(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
    let ends = |text: &str| text.ends_with(['.', '!', '?', '\'', '"']);
    if message.is_empty() || ends(&message) { message } else { message + "." }
}

/// The nouns of the domain in the words of this API.
fn noun(kind: &str) -> &str {
    match kind {
        "certificate" => "Certificate",
        "role" => "Security Role",
        "collection" => "Certificate Collection",
        "metadata field" => "Metadata Field",
        "claim" => "Claim",
        "identity" => "Security Identity",
        "permission set" => "Permission Set",
        "event" => "Audit Entry",
        "container" => "Certificate Store Container",
        "enrolment pattern" => "Enrollment Pattern",
        "certificate template" => "Template",
        "private authority" => "Certificate Authority",
        "exclusion" => "Excluded Certificate",
        "key request" => "Pending CSR",
        "identity provider" => "Identity Provider",
        other => other,
    }
}

/// The fields of the domain's commands in the words of this API.
fn spelled(field: &str) -> &str {
    match field {
        "name" => "Name",
        "description" => "Description",
        "permissions" => "Permissions",
        "permission_set" => "PermissionSetId",
        "email" => "EmailAddress",
        "metadata" => "Metadata",
        "owner" => "Owner",
        "comment" => "Comment",
        "certificates" => "CertificateIds",
        "password" => "Password",
        "value" => "ClaimValue",
        "provider" => "ProviderAuthenticationScheme",
        "issuer" => "Authority",
        "audiences" => "OIDCAudience",
        "role_claims" => "RoleClaimType",
        "subject_claims" => "UniqueClaimType",
        "display_name" => "DisplayName",
        "validation" => "Validation",
        "message" => "Message",
        "options" => "Options",
        "default" => "DefaultValue",
        "hint" => "Hint",
        "type" => "DataType",
        "path" => "Storepath",
        "machine" => "ClientMachine",
        "kind" => "CertStoreType",
        "properties" => "Properties",
        "schedule" => "Schedule",
        "alias" => "Alias",
        "pattern" => "EnrollmentPatternId",
        "authority" => "CertificateAuthority",
        "names" => "SANs",
        "subject" => "Subject",
        "csr" => "CSR",
        "renews" => "RenewalCertificateId",
        "key" => "Key",
        "key_kind" => "KeyType",
        "roles" => "AssociatedRoles",
        "owner_policy" => "CertificateOwnerRole",
        "default_owner" => "DefaultCertificateOwnerRoleId",
        other => other,
    }
}

fn forbidden(who: &str, reason: &str, missing: &[String]) -> String {
    let who = if who.is_empty() { "The user".to_owned() } else { format!("User {who}") };
    let paths = missing.join(" or ");
    let scope = match missing {
        [only] if certhold_domain::access::tree::takes(only) == certhold_domain::access::tree::Takes::Collection => {
            " A right on a collection counts when the request names it (CollectionId)."
        }
        _ => "",
    };
    match (reason, missing.is_empty()) {
        ("", true) => format!("{who} does not have the required permissions."),
        ("", false) => format!("{who} does not have the required permissions: {paths}.{scope}"),
        (reason, true) => format!("{who} does not have the required permissions: {reason}."),
        (reason, false) => format!("{who} does not have the required permissions: {paths}. {reason}.{scope}"),
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::of(error, "")
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused::refusal(refusal, "")
    }
}

/// What the layers around every face say: a panic, a time-out, a body that is too large, a fault.
impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        let status = problem.status();
        let code = match status {
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Code::Method,
            StatusCode::CONFLICT => Code::Conflict,
            StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            StatusCode::TOO_MANY_REQUESTS => Code::LockedOut,
            StatusCode::SERVICE_UNAVAILABLE => Code::Busy,
            status if status.is_server_error() => Code::Fault,
            _ => Code::Invalid,
        };
        let message = problem.sentence();
        let response = problem.into_response();
        let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
        let authenticate = code == Code::Unauthenticated;
        Refused { retry_after, authenticate, ..Refused::new(status, code, message) }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, super::protocol::JSON);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if self.authenticate {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="certhold""#));
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="certhold", charset="UTF-8""#));
        }
        response
    }
}
