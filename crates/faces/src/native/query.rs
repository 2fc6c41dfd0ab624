//! `/query`: the language of searches and collections.

use axum::Json;
use axum::extract::State;
use certhold_domain::query::{self, Completion, Entry, QueryError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as Body, Query};
use super::page::Page;
use crate::auth::Bearer;
use crate::problem::Answer;
use crate::state::App;

/// The routes of the language.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(fields)).routes(routes!(check)).routes(routes!(complete))
}

/// A field that queries can ask for.
#[derive(Serialize, ToSchema)]
pub struct QueryField {
    /// Its name, in any letter case.
    #[schema(example = "IssuedCN")]
    name: String,
    /// Its other names.
    #[schema(example = json!(["CN", "CommonName"]))]
    aliases: Vec<String>,
    /// `text`, `hex`, `number`, `date`, `boolean`, `choice` or `key usage`.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    kind: &'static str,
    /// Whether a certificate may have several values: one that fits is enough.
    several: bool,
    /// The operators it has.
    #[schema(example = json!(["-eq", "-ne", "-contains"]))]
    operators: Vec<&'static str>,
    /// The values of a choice.
    values: Vec<String>,
    /// What it is.
    description: String,
}

impl From<&Entry> for QueryField {
    fn from(entry: &Entry) -> QueryField {
        let choices = entry.kind.choices().iter().map(|choice| choice.names[0].to_owned());
        QueryField {
            name: entry.name.clone(),
            aliases: entry.aliases.clone(),
            kind: entry.kind.word(),
            several: entry.several,
            operators: entry.kind.operators().iter().map(|op| op.word()).collect(),
            values: choices.chain(entry.options.iter().cloned()).collect(),
            description: entry.sentence.clone(),
        }
    }
}

/// List the fields of the query language
#[utoipa::path(get, path = "/query/fields", tag = "query",
    responses((status = 200, description = "Built-in fields and metadata fields", body = Page<QueryField>)))]
pub async fn fields(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<QueryField>> {
    let catalogue = app.read_as(caller, |tx, _| query::catalogue(tx)).await?;
    Ok(Page::whole(catalogue.entries().iter().map(QueryField::from).collect()))
}

/// A query to look at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryText {
    /// The query.
    #[schema(example = "IssuedCN -endswith \".example.com\" AND ExpirationDate -le %TODAY+30%")]
    query: String,
}

/// What is wrong with a query.
#[derive(Serialize, ToSchema)]
pub struct QueryProblem {
    /// The first character concerned, counted from 1.
    column: usize,
    /// What is wrong there.
    message: String,
    /// What could be meant, the likeliest first.
    suggestions: Vec<String>,
}

impl From<QueryError> for QueryProblem {
    fn from(error: QueryError) -> QueryProblem {
        QueryProblem { column: error.column, message: error.message, suggestions: error.suggestions }
    }
}

/// Whether a query can be understood.
#[derive(Serialize, ToSchema)]
pub struct Checked {
    /// Whether it can.
    valid: bool,
    /// Why not.
    error: Option<QueryProblem>,
    /// Whether the answer depends on who asks (`%ME%`).
    uses_me: bool,
}

/// Check a query
#[utoipa::path(post, path = "/query/check", tag = "query", request_body = QueryText,
    responses((status = 200, description = "Whether it can be understood, and else why not", body = Checked)))]
pub async fn check(State(app): State<App>, Bearer(caller): Bearer, Body(given): Body<QueryText>) -> Answer<Json<Checked>> {
    let checked = app.read_as(caller, move |tx, _| query::check(tx, &given.query)).await?;
    Ok(Json(match checked {
        Ok(query) => Checked { valid: true, error: None, uses_me: query.uses_me() },
        Err(error) => Checked { valid: false, error: Some(error.into()), uses_me: false },
    }))
}

/// Where somebody is writing.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Writing {
    /// The query so far.
    #[serde(default)]
    text: String,
    /// Characters before the cursor; all of them if left out.
    cursor: Option<usize>,
}

/// Something that could stand next.
#[derive(Serialize, ToSchema)]
pub struct Offer {
    /// What is written.
    #[schema(example = "-contains")]
    text: String,
    /// `field`, `operator`, `value` or `connector`.
    #[schema(example = "operator")]
    kind: &'static str,
    /// One line about it.
    detail: String,
}

impl From<Completion> for Offer {
    fn from(item: Completion) -> Offer {
        Offer { text: item.text, kind: item.kind.word(), detail: item.detail }
    }
}

/// Everything that could stand next.
#[derive(Serialize, ToSchema)]
pub struct Offers {
    /// The characters from here (counted from 0) to the cursor are replaced by what is chosen.
    from: usize,
    /// In the order in which they are offered.
    items: Vec<Offer>,
}

impl From<query::Completions> for Offers {
    fn from(found: query::Completions) -> Offers {
        Offers { from: found.from, items: found.items.into_iter().map(Offer::from).collect() }
    }
}

/// Complete a query
///
/// What could stand next where somebody is writing: fields, operators, values, AND and OR. Values that certificates have are offered
/// to callers who may see every certificate.
#[utoipa::path(get, path = "/query/complete", tag = "query", params(Writing),
    responses((status = 200, description = "What could stand next", body = Offers)))]
pub async fn complete(State(app): State<App>, Bearer(caller): Bearer, Query(given): Query<Writing>) -> Answer<Json<Offers>> {
    let cursor = given.cursor.unwrap_or(usize::MAX);
    let found = app.read_as(caller, move |tx, actor| query::completions(tx, actor, &given.text, cursor)).await?;
    Ok(Json(found.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_query_is_checked_and_completed() {
        let test = TestApp::new().await;
        test.import_samples(1).await;
        let (_, _, nobody) = test.service("nobody", &[]).await;
        let check = |query: &str| json!({ "query": query });
        let good = test.call("POST", "/api/v1/query/check", &nobody, Some(&check("Owner -eq %ME%"))).await.expect(200);
        assert_eq!(good, json!({ "valid": true, "error": null, "uses_me": true }));
        let bad = test.call("POST", "/api/v1/query/check", &nobody, Some(&check("IsuedCN -eq 1"))).await.expect(200);
        assert_eq!((&bad["valid"], &bad["error"]["column"]), (&json!(false), &json!(1)));
        assert_eq!(bad["error"]["suggestions"], json!(["IssuedCN"]));
        let offers = test.get("/api/v1/query/complete?text=HasPrivateKey+").await.expect(200);
        assert_eq!(offers["from"], 14);
        assert_eq!(offers["items"].as_array().unwrap().iter().map(|item| &item["text"]).collect::<Vec<_>>(), ["-eq", "-ne"]);
        // The cursor stands after "Has".
        let offers = test.get("/api/v1/query/complete?text=HasP+-eq+true&cursor=3").await.expect(200);
        assert_eq!(offers["items"][0]["text"], "HasPrivateKey");
    }

    #[tokio::test]
    async fn values_are_offered_to_those_who_see_them() {
        let test = TestApp::new().await;
        let id = test.import_samples(1).await[0];
        let name = test.get(&format!("/api/v1/certificates/{id}")).await.expect(200)["common_name"].as_str().unwrap().to_owned();
        let (_, _, nobody) = test.service("nobody", &[]).await;
        let begin: String = name.chars().take(3).collect();
        let path = format!("/api/v1/query/complete?text=CN+-eq+%22{begin}");
        let offers = test.get(&path).await.expect(200);
        assert_eq!(offers["items"][0]["text"], format!("\"{name}\""));
        assert_eq!(test.call("GET", &path, &nobody, None).await.expect(200)["items"], json!([]));
    }

    #[tokio::test]
    async fn the_fields_are_told() {
        let test = TestApp::new().await;
        let fields = test.get("/api/v1/query/fields").await.expect(200);
        let find = |name: &str| fields["items"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
        assert_eq!(find("HasPrivateKey")["operators"], json!(["-eq", "-ne"]));
        assert_eq!(find("KeyType")["values"], json!(["Unknown", "RSA", "DSA", "ECC", "DH"]));
        assert_eq!((&find("SAN")["several"], &find("SAN")["type"]), (&json!(true), &json!("text")));
    }
}
