//! `/access`: why somebody may do something, and who may do what.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use certhold_domain::access::Path as PermissionPath;
use certhold_domain::access::review::{self, Filter, Reach, Review};
use certhold_domain::access::why::{self, Object, Question, Subject};
use certhold_domain::{ApiClientId, CertificateId, ClaimId, CollectionId, ContainerId, PrincipalId, Refusal, RoleId, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::certificates::Owner;
use super::extract::{Json as Body, Query};
use super::page::{Page, rows};
use crate::auth::{Author, Bearer};
use crate::problem::{Answer, Problem};
use crate::review as counting;
use crate::state::App;

/// The routes of access.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(explain)).routes(routes!(review)).routes(routes!(export))
}

/// About whom, what and which action.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhyParameters {
    /// The permission that the action asks for: `/certificates/collections/change_owner/`.
    action: Option<String>,
    /// About this account; about oneself without it.
    principal: Option<i64>,
    /// About this API token.
    token: Option<i64>,
    /// About this API client.
    client: Option<i64>,
    /// About whoever signs in with this claim.
    claim: Option<i64>,
    /// To this certificate.
    certificate: Option<i64>,
    /// To the certificates of this collection.
    collection: Option<i64>,
    /// To the stores of this container, and the certificates in them.
    container: Option<i64>,
}

impl WhyParameters {
    fn subject(&self) -> Result<Subject, Problem> {
        match (self.principal, self.token, self.client, self.claim) {
            (None, None, None, None) => Ok(Subject::Oneself),
            (Some(id), None, None, None) => Ok(Subject::Principal(PrincipalId(id))),
            (None, Some(id), None, None) => Ok(Subject::Token(TokenId(id))),
            (None, None, Some(id), None) => Ok(Subject::Client(ApiClientId(id))),
            (None, None, None, Some(id)) => Ok(Subject::Claim(ClaimId(id))),
            _ => Err(Problem::invalid("principal", "name one of an account, a token, an API client and a claim")),
        }
    }

    fn object(&self) -> Result<Object, Problem> {
        match (self.certificate, self.collection, self.container) {
            (None, None, None) => Ok(Object::Everything),
            (Some(id), None, None) => Ok(Object::Certificate(CertificateId(id))),
            (None, Some(id), None) => Ok(Object::Collection(CollectionId(id))),
            (None, None, Some(id)) => Ok(Object::Container(ContainerId(id))),
            _ => Err(Problem::invalid("collection", "name one of a certificate, a collection and a container")),
        }
    }
}

/// Why somebody may do something, or may not.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// About whom.
    subject: String,
    /// The permission that was asked about.
    action: String,
    /// What it allows.
    meaning: String,
    /// Whether they may.
    allowed: bool,
    /// One sentence that says why.
    #[schema(example = "Allowed by role Web operations through collection 7, Payments (set Global bounds it).")]
    sentence: String,
    /// Permission paths, any one of which would have allowed it.
    missing: Vec<String>,
    /// Every role that is held, with what it contributes.
    roles: Vec<Considered>,
}

/// What one role contributes.
#[derive(Serialize, ToSchema)]
pub struct Considered {
    /// The role.
    role: Owner,
    /// The permission set that bounds it.
    permission_set: String,
    /// Whether it brings the permission.
    brings: bool,
    /// Why, or why not.
    verdict: String,
}

impl From<why::Explanation> for Explanation {
    fn from(found: why::Explanation) -> Explanation {
        let considered = |one: why::Considered| Considered {
            role: Owner { id: one.role.0, name: one.name },
            permission_set: one.set,
            brings: one.brings,
            verdict: one.verdict,
        };
        Explanation {
            subject: found.subject,
            action: found.action,
            meaning: found.meaning,
            allowed: found.allowed,
            sentence: found.sentence,
            missing: found.missing,
            roles: found.roles.into_iter().map(considered).collect(),
        }
    }
}

/// Explain why somebody may do something, or may not
///
/// About oneself everybody may ask. About others it needs the right to read security, and about a certificate the right to see it.
#[utoipa::path(get, path = "/access/why", tag = "access", params(WhyParameters),
    responses((status = 200, description = "The explanation", body = Explanation)))]
pub async fn explain(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(asked): Query<WhyParameters>,
) -> Answer<Json<Explanation>> {
    let now = app.now();
    let (subject, object) = (asked.subject()?, asked.object()?);
    let Some(action) = asked.action else {
        app.known(caller).await?;
        return Err(Problem::invalid("action", "name the permission that the action asks for"));
    };
    let action = self::action(&action)?;
    let question = Question { subject, object, action };
    let found = app.read_as(caller, move |tx, actor| why::why(tx, actor, &question, now)).await?;
    Ok(Json(found.into()))
}

fn action(text: &str) -> Result<PermissionPath, Problem> {
    PermissionPath::parse(text).map_err(|refusal| match refusal {
        Refusal::Invalid { message, .. } => Problem::invalid("action", message),
        other => other.into(),
    })
}

/// Which lines of the review.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewParameters {
    /// Only this permission, or those below it; all that concern certificates without it.
    action: Option<String>,
    /// Only this account.
    principal: Option<i64>,
    /// Only lines to which this role contributes.
    role: Option<i64>,
    /// Also disabled accounts, with what they would hold again; `false` by default.
    disabled: Option<bool>,
    /// Where the page begins: taken from `next`.
    after: Option<String>,
    /// Accounts whose lines the page holds, 1 to 1,000; 100 by default.
    limit: Option<i64>,
}

/// The filter of an export.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewExport {
    /// Only this permission, or those below it; null for all that concern certificates.
    #[serde(deserialize_with = "Option::deserialize")]
    action: Option<String>,
    /// Only this account.
    principal: Option<i64>,
    /// Only lines to which this role contributes.
    role: Option<i64>,
    /// Also disabled accounts, with what they would hold again.
    #[serde(default)]
    disabled: bool,
}

fn filter(action: Option<&str>, principal: Option<i64>, role: Option<i64>, disabled: bool) -> Result<Filter, Problem> {
    let action = action.map(self::action).transpose()?;
    Ok(Filter { action, principal: principal.map(PrincipalId), role: role.map(RoleId), disabled })
}

/// Somebody can do something to some certificates.
#[derive(Serialize, ToSchema)]
pub struct ReviewLine {
    /// `person`, `service` or `claim`.
    holder_kind: String,
    /// The account or claim.
    holder: Owner,
    /// Whether the account is disabled.
    disabled: bool,
    /// The permission.
    action: &'static str,
    /// What it allows.
    meaning: &'static str,
    /// `everywhere`, `stores` (certificates in certificate stores), `collection`, `container` or `permission_set`.
    reach: &'static str,
    /// The collection, container or permission set.
    within: Option<Owner>,
    /// The owner roles to which it is restricted, beside certificates that nobody owns; null for no restriction.
    owners: Option<Vec<String>>,
    /// The roles that bring it.
    roles: Vec<Owner>,
    /// How many certificates are within reach; null where they are not counted.
    certificates: Option<i64>,
}

impl From<review::Line> for ReviewLine {
    fn from(line: review::Line) -> ReviewLine {
        let (reach, within) = match line.reach {
            Reach::Everywhere => ("everywhere", None),
            Reach::Collection(id, name) => ("collection", Some(Owner { id: id.0, name })),
            Reach::Stores => ("stores", None),
            Reach::Container(id, name) => ("container", Some(Owner { id: id.0, name })),
            Reach::Set(id, name) => ("permission_set", Some(Owner { id: id.0, name })),
        };
        ReviewLine {
            holder_kind: line.holder.kind,
            holder: Owner { id: line.holder.id, name: line.holder.name },
            disabled: line.holder.disabled,
            action: line.action,
            meaning: line.meaning,
            reach,
            within,
            owners: line.owners,
            roles: line.roles.into_iter().map(|(id, name, _)| Owner { id: id.0, name }).collect(),
            certificates: line.certificates,
        }
    }
}

/// Review who can do what to which certificates
///
/// One line for each account or claim, action and reach. A page holds the lines of up to 100 accounts. Certificates of collections and
/// in stores are counted as far as that takes not too long: null where it does.
#[utoipa::path(get, path = "/access/review", tag = "access", params(ReviewParameters),
    responses((status = 200, description = "A page of the review", body = Page<ReviewLine>)))]
pub async fn review(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Query(asked): Query<ReviewParameters>,
    OriginalUri(uri): OriginalUri,
) -> Answer<Page<ReviewLine>> {
    let filter = filter(asked.action.as_deref(), asked.principal, asked.role, asked.disabled.unwrap_or(false))?;
    let holders = rows(asked.limit)?;
    let work = move |tx: &mut certhold_store::Tx<'_>, actor: &certhold_domain::Actor| {
        let review = Review::begin(tx, actor, filter)?;
        let page = review.page(tx, actor, asked.after.as_deref(), holders)?;
        Ok((actor.clone(), review, page))
    };
    let (actor, review, page) = app.read_as(caller, work).await?;
    let page = counting::counted(&app, actor, review, page).await;
    Ok(Page::of(page.lines.into_iter().map(ReviewLine::from).collect(), &uri, "after", page.next))
}

/// Export the access review
///
/// CSV (RFC 4180) of all lines, sent as it is read. What a spreadsheet would take for a formula is made text. The export is an event.
#[utoipa::path(post, path = "/access/review/export", tag = "access", request_body = ReviewExport,
    responses((status = 200, description = "The review", content_type = "text/csv", body = String)))]
pub async fn export(State(app): State<App>, author: Author, Body(asked): Body<ReviewExport>) -> Answer<Response> {
    let filter = filter(asked.action.as_deref(), asked.principal, asked.role, asked.disabled)?;
    Ok(counting::file(&app, author.actor, filter).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn reasons_are_told_about_oneself_and_with_the_right_about_others() {
        let test = TestApp::new().await;
        let certificate = test.import_samples(1).await[0];
        let (reader, role, token) = test.service("reader", &["/certificates/collections/read/"]).await;
        let why = async |token: &str, query: &str| test.call("GET", &format!("/api/v1/access/why?{query}"), token, None).await;
        let read = "action=/certificates/collections/read/";
        let told = why(&token, &format!("{read}&certificate={certificate}")).await.expect(200);
        assert_eq!(told["allowed"], true);
        assert_eq!(told["sentence"], "Allowed by role role of reader (set Global bounds it).");
        assert_eq!(told["roles"][0]["role"], json!({ "id": role.unwrap().0, "name": "role of reader" }));
        let told =
            why(&token, &format!("action=/certificates/collections/change_owner/&certificate={certificate}")).await.expect(200);
        assert_eq!(
            (&told["allowed"], &told["sentence"]),
            (&json!(false), &json!("Missing /certificates/collections/change_owner/."))
        );
        let told = why(&token, "action=/certificates/collections/change_owner/&collection=7").await.expect(200);
        let missing = json!(["/certificates/collections/change_owner/", "/certificates/collections/change_owner/7/"]);
        assert_eq!(told["missing"], missing);
        assert_eq!(why(&test.admin, &format!("{read}&principal={reader}")).await.expect(200)["allowed"], true);

        // Others are none of one's business, nor is what one may not see.
        why(&token, &format!("{read}&principal={}", test.admin_id)).await.expect(403);
        why(&token, &format!("{read}&principal=98765")).await.expect(403);
        why(&test.admin, &format!("{read}&principal=98765")).await.expect(404);
        why(&test.admin, &format!("{read}&certificate=98765")).await.expect(404);
        let (_, _, nobody) = test.service("nobody", &[]).await;
        let there = why(&nobody, &format!("{read}&certificate={certificate}")).await.expect(200);
        assert_eq!(why(&nobody, &format!("{read}&certificate=98765")).await.expect(200), there);
        let (_, _, security) = test.service("security", &["/security/read/"]).await;
        why(&security, &format!("{read}&principal={reader}")).await.expect(200);
        why(&security, &format!("{read}&principal={reader}&certificate={certificate}")).await.expect(403);
        for wrong in [
            "",
            "action=",
            "action=/nothing/",
            &format!("{read}&principal=1&token=1"),
            &format!("{read}&client=1&claim=1"),
            &format!("{read}&certificate=1&collection=1"),
            &format!("{read}&container=1&collection=1"),
            &format!("{read}&certificate=x"),
        ] {
            why(&test.admin, wrong).await.expect(400);
        }
    }

    #[tokio::test]
    async fn reasons_are_about_containers_clients_and_claims() {
        let test = TestApp::new().await;
        let container = test.post("/api/v1/containers", json!({ "name": "Web" })).await.expect(201)["id"].clone();
        let keeps = format!("/certificate_stores/change_owner/{container}/");
        let (id, role, _) = test.service("keeper", &[&keeps]).await;
        let why = async |query: &str| {
            test.get(&format!("/api/v1/access/why?action=/certificate_stores/change_owner/&{query}")).await.expect(200)
        };
        let told = why(&format!("principal={id}&container={container}")).await;
        let sentence = format!("Allowed by role role of keeper through container {container}, Web (set Global bounds it).");
        assert_eq!((&told["allowed"], &told["sentence"]), (&json!(true), &json!(sentence)));
        let told = why(&format!("principal={id}")).await;
        assert_eq!(told["roles"][0]["verdict"], format!("Grants it in container {container} only."));
        let claim = json!({ "type": "group", "value": "EXAMPLE\\web", "provider": "corporate" });
        let claim = test.post("/api/v1/claims", claim).await.expect(201)["id"].clone();
        assert_eq!(why(&format!("claim={claim}&container={container}")).await["allowed"], false);
        test.put(&format!("/api/v1/claims/{claim}/roles/{}", role.unwrap().0), json!(null)).await.expect(204);
        let told = why(&format!("claim={claim}&container={container}")).await;
        assert_eq!(
            (&told["allowed"], &told["subject"]),
            (&json!(true), &json!("whoever signs in with group \"EXAMPLE\\\\web\" of corporate"))
        );
        let client = json!({ "name": "nightly", "scopes": ["/portal/"] });
        let client = test.post(&format!("/api/v1/principals/{id}/api-clients"), client).await.expect(201)["id"].clone();
        let told = why(&format!("client={client}&container={container}")).await;
        assert!(told["sentence"].as_str().unwrap().contains("the token's scopes do not include it"), "{told}");

        // The review has the container's line, with a number.
        let review = test.get(&format!("/api/v1/access/review?principal={id}")).await.expect(200);
        assert_eq!(review["items"].as_array().unwrap().len(), 1);
        let line = &review["items"][0];
        assert_eq!(
            (&line["reach"], &line["within"], &line["certificates"]),
            (&json!("container"), &json!({ "id": container, "name": "Web" }), &json!(0))
        );
        let csv = test.post("/api/v1/access/review/export", json!({ "action": null, "principal": id })).await.text();
        assert!(csv.contains(",container,1 Web,"), "{csv}");
    }

    #[tokio::test]
    async fn tokens_and_disabled_accounts_say_what_stops_them() {
        let test = TestApp::new().await;
        let (id, _, _) = test.service("reader", &["/certificates/"]).await;
        test.token(id, &["/portal/"], None).await;
        let tokens = test.get(&format!("/api/v1/principals/{id}/tokens")).await.expect(200);
        let narrow = tokens["items"][0]["id"].clone();
        let ask = format!("/api/v1/access/why?action=/certificates/import/&token={narrow}");
        let told = test.get(&ask).await.expect(200);
        assert!(told["sentence"].as_str().unwrap().contains("the token's scopes do not include it"), "{told}");
        test.delete(&format!("/api/v1/tokens/{narrow}")).await.expect(204);
        assert_eq!(test.get(&ask).await.expect(200)["sentence"], "The token test is revoked, so it may do nothing.");
        test.post(&format!("/api/v1/principals/{id}/disable"), json!(null)).await.expect(204);
        let told = test.get(&format!("/api/v1/access/why?action=/certificates/import/&principal={id}")).await.expect(200);
        assert_eq!(
            (&told["allowed"], &told["sentence"]),
            (&json!(false), &json!("The account reader is disabled, so it may do nothing."))
        );
    }

    #[tokio::test]
    async fn the_review_counts_by_owner_and_is_exported_with_an_event() {
        let test = TestApp::new().await;
        let ids = test.import_samples(5).await;
        let change = ["/certificates/collections/change_owner/", "/certificates/collections/read/9/"];
        let (id, role, _) = test.service("=HYPERLINK(\"x\")", &change).await;
        let (other, ..) = test.service("other", &["/certificates/expanded_change_owner/", "/security/read/"]).await;
        for certificate in &ids[..2] {
            test.put(&format!("/api/v1/certificates/{certificate}/owner"), json!({ "owner": role.unwrap().0 })).await.expect(204);
        }
        let admins = test.get("/api/v1/roles").await.expect(200)["items"][0]["id"].clone();
        test.put(&format!("/api/v1/certificates/{}/owner", ids[2]), json!({ "owner": admins })).await.expect(204);
        let mine = test.get(&format!("/api/v1/access/review?principal={id}")).await.expect(200);
        let lines = mine["items"].as_array().unwrap();
        assert_eq!(lines.len(), 2, "{mine}");
        let line = |action: &str| lines.iter().find(|line| line["action"] == action).unwrap();
        let owner = line("/certificates/collections/change_owner/");
        assert_eq!(
            (&owner["reach"], &owner["certificates"]),
            (&json!("everywhere"), &json!(4)),
            "two of its own and two of nobody"
        );
        assert_eq!(owner["owners"], json!(["role of =HYPERLINK(\"x\")"]));
        let read = line("/certificates/collections/read/");
        assert_eq!((&read["reach"], &read["within"]["id"]), (&json!("collection"), &json!(9)));
        let theirs = test.get(&format!("/api/v1/access/review?principal={other}")).await.expect(200);
        assert_eq!((&theirs["items"][0]["reach"], &theirs["items"][0]["certificates"]), (&json!("permission_set"), &json!(5)));
        let everybody = test.get("/api/v1/access/review?action=/certificates/import/").await.expect(200);
        assert_eq!(everybody["items"].as_array().unwrap().len(), 1, "only the administrator: {everybody}");

        let before = test.events().await;
        let reply = test.post("/api/v1/access/review/export", json!({ "action": null, "principal": id })).await;
        assert_eq!(reply.headers["content-disposition"], "attachment; filename=\"access-review.csv\"");
        let text = reply.text();
        assert!(text.contains("\"'=HYPERLINK(\"\"x\"\")\"") && !text.contains(",=HYPERLINK"), "{text}");
        assert_eq!(text.matches("\r\n").count(), 3, "{text}");
        assert_eq!(test.events().await, before + 1);
        let event = test.get("/api/v1/events?limit=1").await.expect(200)["items"][0].clone();
        assert_eq!((&event["operation"], &event["payload"]["principal"]), (&json!("access_review.exported"), &json!(id.0)));
        for wrong in ["action=/nothing/", "after=claim:x", "principal=x", "disabled=maybe"] {
            test.get(&format!("/api/v1/access/review?{wrong}")).await.expect(400);
        }
    }

    #[tokio::test]
    async fn pages_of_the_review_hold_everybody_once() {
        let test = TestApp::new().await;
        let role = json!({ "name": "readers", "permissions": ["/certificates/collections/read/"] });
        let role = test.post("/api/v1/roles", role).await.expect(201)["id"].as_i64().unwrap();
        test.as_system(move |tx, actor| {
            for number in 0..230 {
                let new = certhold_domain::people::NewPrincipal {
                    kind: certhold_domain::people::PrincipalKind::Service,
                    name: format!("robot {number}"),
                    display_name: String::new(),
                    email: None,
                    password: None,
                    uuid: uuid::Uuid::from_u128(number),
                };
                let id = certhold_domain::people::create(tx, actor, &new, 1)?;
                certhold_domain::access::roles::assign(tx, actor, certhold_domain::RoleId(role), id, 1)?;
            }
            Ok(())
        })
        .await;
        let claim = json!({ "type": "group", "value": "readers", "provider": "corporate" });
        let claim = test.post("/api/v1/claims", claim).await.expect(201)["id"].clone();
        test.put(&format!("/api/v1/claims/{claim}/roles/{role}"), json!(null)).await.expect(204);
        let (mut path, mut seen) = (format!("/api/v1/access/review?role={role}"), std::collections::BTreeSet::new());
        loop {
            let page = test.get(&path).await.expect(200);
            for line in page["items"].as_array().unwrap() {
                assert!(seen.insert((line["holder_kind"].to_string(), line["holder"]["id"].as_i64())), "{line}");
            }
            let Some(next) = page["next"].as_str() else { break };
            path = next.to_owned();
        }
        assert_eq!(seen.len(), 231);
    }
}
