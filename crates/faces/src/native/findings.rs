//! `/findings`: the rules by which certificates are judged.

use axum::extract::State;
use certhold_domain::inventory;
use certhold_pki::findings;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::Page;
use crate::auth::Bearer;
use crate::problem::Answer;
use crate::state::App;

/// The routes of findings.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A rule.
#[derive(Serialize, ToSchema)]
pub struct Rule {
    /// Its stable name.
    #[schema(example = "weak-rsa-key")]
    id: &'static str,
    /// `error`, `warning`, `notice` or `info`.
    #[schema(example = "error")]
    severity: &'static str,
    /// What is wrong when it is broken.
    title: &'static str,
    /// What to do.
    remedy: &'static str,
    /// Where it is written.
    #[schema(example = "RFC 5280 section 4.1.2.2")]
    citation: String,
    /// The address of that.
    url: String,
    /// How many certificates break it; only for whoever may see certificates.
    certificates: Option<i64>,
}

impl Rule {
    fn of(rule: &findings::Rule, certificates: Option<i64>) -> Rule {
        Rule {
            certificates,
            id: rule.id,
            severity: rule.severity.as_str(),
            title: rule.title,
            remedy: rule.remedy,
            citation: rule.citation(),
            url: rule.source.url(),
        }
    }
}

/// What is wrong with a certificate.
#[derive(Serialize, ToSchema)]
pub struct Finding {
    /// The rule that was broken.
    #[schema(example = "weak-rsa-key")]
    rule: &'static str,
    /// `error`, `warning`, `notice` or `info`.
    #[schema(example = "error")]
    severity: &'static str,
    /// What is wrong, with the values of the certificate.
    #[schema(example = "The RSA key has 1024 bits.")]
    sentence: String,
    /// What to do.
    remedy: &'static str,
    /// Where the rule is written.
    citation: String,
    /// The address of that.
    url: String,
}

impl From<findings::Finding> for Finding {
    fn from(finding: findings::Finding) -> Finding {
        Finding {
            rule: finding.rule.id,
            severity: finding.rule.severity.as_str(),
            sentence: finding.sentence.into_owned(),
            remedy: finding.rule.remedy,
            citation: finding.rule.citation(),
            url: finding.rule.source.url(),
        }
    }
}

/// List the rules of findings
///
/// Every rule by which certificates are judged, the worst first. The certificates that break one are found by it.
#[utoipa::path(get, path = "/findings", tag = "findings", responses((status = 200, description = "All rules", body = Page<Rule>)))]
pub async fn list(State(app): State<App>, Bearer(caller): Bearer) -> Answer<Page<Rule>> {
    let broken = app.read_as(caller, inventory::broken_rules).await?;
    let count = |rule: &findings::Rule| {
        let known = broken.as_ref()?.iter().find(|counted| counted.value == rule.id);
        Some(known.map_or(0, |counted| counted.count))
    };
    let mut rules: Vec<&findings::Rule> = findings::RULES.iter().collect();
    rules.sort_by_key(|rule| rule.severity);
    Ok(Page::whole(rules.into_iter().map(|rule| Rule::of(rule, count(rule))).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[tokio::test]
    async fn the_rules_are_listed_the_worst_first() {
        let test = TestApp::new().await;
        let rules = test.get("/api/v1/findings").await.expect(200);
        let items = rules["items"].as_array().unwrap();
        assert!(items.len() >= 60);
        assert_eq!(items[0]["severity"], "error");
        assert_eq!(items[items.len() - 1]["severity"], "info");
        let weak = items.iter().find(|item| item["id"] == "weak-rsa-key").unwrap();
        assert!(weak["citation"].as_str().unwrap().contains("SP 800-131A"), "{weak}");
        test.call("GET", "/api/v1/findings", "", None).await.expect(401);
    }

    #[tokio::test]
    async fn a_certificate_tells_its_findings() {
        let test = TestApp::new().await;
        let parameters = rcgen::CertificateParams::new(vec!["*.com".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        let answer = test.post("/api/v1/certificates", json!({ "content": pem })).await.expect(200);
        let id = &answer["items"][0]["certificate"];
        let findings = test.get(&format!("/api/v1/certificates/{id}")).await.expect(200)["findings"].clone();
        let rules: Vec<&str> = findings.as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
        assert!(rules.contains(&"san-wildcard-too-wide") && rules.contains(&"self-signed"), "{findings}");
        let all = test.get("/api/v1/findings").await.expect(200);
        let broken =
            |id: &str| all["items"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap()["certificates"].clone();
        assert_eq!((broken("self-signed"), broken("weak-rsa-key")), (json!(1), json!(0)));
        let nobody = test.service("nobody", &[]).await.2;
        let all = test.call("GET", "/api/v1/findings", &nobody, None).await.expect(200);
        assert_eq!(all["items"][0]["certificates"], json!(null));
        let list = test.get("/api/v1/certificates").await.expect(200);
        assert!(list["items"][0].get("findings").is_none(), "only in the answer for one");
    }
}
