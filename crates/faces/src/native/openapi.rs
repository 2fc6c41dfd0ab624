//! The description of the native API (OpenAPI 3.1), made from its handlers.

use std::sync::LazyLock;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};

use super::{ROOT, compressed, described};
use crate::document;
use crate::problem;
use crate::state::{App, VERSION};

const ABOUT: &str = "Certificates, their owners, their renewal, and who may do what with them.\n\n\
    Send an API token with every request: `Authorization: Bearer cht_…`. Answers are JSON; times are RFC 3339 in UTC; identifiers are \
    whole numbers. A refusal is a problem document (RFC 9457) whose `type` says what kind, whose `detail` says what is wrong, and whose \
    `missing` names the permissions of which any one would have done. An object that you may not see and one that does not exist get \
    the same answer.\n\n\
    Lists come in pages: follow `next`, or the header `Link`, until there is none. With `Accept: text/csv` a list is answered as \
    comma-separated values, harmless in spreadsheets. Every answer carries `x-request-id`, under which \
    the server's log and the events know the request.";

/// What stands above the routes.
pub(super) fn introduction() -> OpenApi {
    let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("An API token, or a session's token.")).build();
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .schema("Problem", problem::Body::schema())
        .build();
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Certhold").version(VERSION).description(Some(ABOUT)).build())
        .components(Some(components))
        .security(Some([SecurityRequirement::new("bearer", Vec::<String>::new())]))
        .build()
}

/// The OpenAPI document of the native API.
pub fn openapi() -> OpenApi {
    let mut document = described().into_openapi();
    for (path, item) in &mut document.paths.paths {
        let methods = [
            (false, &mut item.get),
            (true, &mut item.put),
            (true, &mut item.post),
            (true, &mut item.patch),
            (true, &mut item.delete),
        ];
        for (changes, operation) in methods {
            if let Some(operation) = operation {
                complete(path, operation, changes);
            }
        }
    }
    document
}

/// A name of its own for client generators ("certificates_list"), and the refusals that every operation of this shape can
/// answer with.
fn complete(path: &str, operation: &mut Operation, changes: bool) {
    let tag = operation.tags.iter().flatten().next().map_or("", String::as_str).replace(' ', "_");
    operation.operation_id = operation.operation_id.take().map(|id| format!("{tag}_{id}"));
    let is_public = operation
        .security
        .as_ref()
        .is_some_and(|requirements| requirements.iter().all(|one| *one == SecurityRequirement::default()));
    let has_query = operation.parameters.iter().flatten().any(in_query);
    let has_body = operation.request_body.is_some();
    let refusals = [
        ("400", "A parameter or field is wrong", path.contains('{') || has_query || has_body),
        ("401", "No credentials, or none that are valid", true),
        ("403", "A permission is missing", !is_public),
        ("404", "There is no such object, or the caller may not see it", path.contains('{')),
        ("409", "The state of the object, or a name that is taken, is in the way", changes && !is_public),
        ("413", "The body is larger than the limit", has_body),
        ("415", "The body has a content type that is not taken here", has_body),
        ("429", "Too many failed sign-ins", is_public),
        ("500", "Something went wrong in the server", true),
        ("503", "The server is busy or stopping", true),
    ];
    for (status, description, applies) in refusals {
        if applies && !operation.responses.responses.contains_key(status) {
            operation.responses.responses.insert(status.to_owned(), RefOr::T(refusal(description)));
        }
    }
}

fn in_query(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query)
}

fn refusal(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

static TEXT: LazyLock<String> = LazyLock::new(|| openapi().to_pretty_json().unwrap_or_default());

/// `GET /api/v1/openapi.json`; the description is no secret.
pub(super) fn router() -> Router<App> {
    Router::new().route(&format!("{ROOT}/openapi.json"), get(described_here).layer(compressed()))
}

async fn described_here() -> impl IntoResponse {
    document::answer(&TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_document_is_this_one() {
        document::is_checked_in("openapi.json", &TEXT);
    }
}
