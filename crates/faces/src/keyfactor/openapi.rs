//! The description of this API (OpenAPI 3.1), made from its handlers.

use std::sync::LazyLock;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::PartialSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ClientCredentials, Flow, Http, HttpAuthScheme, OAuth2, Scopes, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder, ServerBuilder,
};

use super::ROOT;
use super::refused::ErrorBody;
use super::routes::described;
use crate::document;
use crate::state::{App, VERSION};

const ABOUT: &str = "The API of Keyfactor Command, as far as Certhold has what it is about.\n\n\
    Send `x-keyfactor-requested-with: APIClient` with every request, and credentials: `Authorization: Basic` with a name and a \
    password, or `Bearer` with an API token or an access token from `/oauth2/token`. Paths and names of parameters are the same in any \
    letter case. Lists have pages by number; the header `x-total-count` says how many records there are. `SortAscending=0` is \
    ascending, `1` descending. A refusal has `ErrorCode` and `Message`.";

/// What stands above the routes.
pub(super) fn introduction() -> OpenApi {
    let basic =
        Http::builder().scheme(HttpAuthScheme::Basic).description(Some("A name, also DOMAIN\\name or name@domain.")).build();
    let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("An API token or an access token.")).build();
    let credentials = Flow::ClientCredentials(ClientCredentials::new("/oauth2/token", Scopes::new()));
    let components = ComponentsBuilder::new()
        .security_scheme("basic", SecurityScheme::Http(basic))
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([credentials])))
        .schema("ErrorBody", ErrorBody::schema())
        .build();
    let none = Vec::<String>::new;
    let any = ["basic", "bearer", "oauth2"].map(|scheme| SecurityRequirement::new(scheme, none()));
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Certhold: Keyfactor Command API").version(VERSION).description(Some(ABOUT)).build())
        .servers(Some([ServerBuilder::new().url(ROOT).build()]))
        .components(Some(components))
        .security(Some(any))
        .build()
}

/// The OpenAPI document of this API.
pub fn openapi() -> OpenApi {
    let mut document = described().into_openapi();
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
            complete(operation);
        }
    }
    document
}

/// A name of its own for client generators, and the refusals that every operation can answer with.
fn complete(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next().map_or("", String::as_str).to_owned();
    operation.operation_id = operation.operation_id.take().map(|id| format!("{tag}_{id}"));
    let refusals = [
        ("400", "A header, parameter or member is missing or wrong"),
        ("401", "No credentials, or none that are valid"),
        ("403", "A permission is missing"),
        ("404", "There is no such object"),
        ("409", "The state of an object, or a name that is taken, is in the way"),
        ("500", "Something went wrong in the server"),
    ];
    for (status, description) in refusals {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let refusal: Response = ResponseBuilder::new().description(description).content("application/json", content).build();
        operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(refusal));
    }
}

static TEXT: LazyLock<String> = LazyLock::new(|| openapi().to_pretty_json().unwrap_or_default());

/// `GET /KeyfactorAPI/openapi.json`; the description is no secret.
pub(super) fn router() -> Router<App> {
    Router::new().route(&format!("{ROOT}/openapi.json"), get(described_here))
}

async fn described_here() -> impl IntoResponse {
    document::answer(&TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_document_is_this_one() {
        document::is_checked_in("openapi-keyfactor.json", &TEXT);
    }
}
