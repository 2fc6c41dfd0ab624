use serde_json::{Value, json};

use crate::testing::TestApp;

async fn house() -> TestApp {
    let test = TestApp::new().await;
    test.post("/api/v1/issuers", json!({ "name": "CA", "directory": "https://acme.example/dir" })).await.expect(201);
    let settings = json!({ "url": "http://127.0.0.1:8081", "api_key": "key" });
    let provider = json!({ "name": "DNS", "kind": "powerdns", "settings": settings });
    test.post("/api/v1/dns-providers", provider).await.expect(201);
    test
}

fn plan(names: &[&str]) -> Value {
    json!({ "names": names, "issuer": 1, "dns_provider": 1 })
}

#[tokio::test]
async fn a_plan_is_made_paused_resumed_asked_for_and_removed() {
    let test = house().await;
    let reply = test.post("/api/v1/managed-certificates", plan(&["WWW.Example.com", "*.example.com"])).await;
    let location = reply.headers["location"].to_str().unwrap().to_owned();
    reply.expect(201);
    let told = test.get(&location).await.expect(200);
    assert_eq!((&told["name"], &told["names"]), (&json!("www.example.com"), &json!(["www.example.com", "*.example.com"])));
    assert_eq!((&told["health"], &told["key_kind"], &told["current"]), (&json!("renewing"), &json!("p256"), &Value::Null));
    assert_eq!((&told["issuer"]["name"], &told["dns_provider"]["name"]), (&json!("CA"), &json!("DNS")));
    test.post(&format!("{location}/pause"), json!(null)).await.expect(204);
    assert_eq!(test.get(&location).await.expect(200)["health"], "paused");
    test.post(&format!("{location}/resume"), json!(null)).await.expect(204);
    test.post(&format!("{location}/renew"), json!(null)).await.expect(202);
    let log = test.get(&format!("{location}/log?limit=2")).await.expect(200);
    let operations: Vec<&Value> = log["items"].as_array().unwrap().iter().map(|event| &event["operation"]).collect();
    assert_eq!(operations, ["renewal.requested", "managed.resumed"]);
    let jobs = test.get("/api/v1/jobs").await.expect(200);
    assert_eq!((&jobs["items"][0]["kind"], &jobs["items"][0]["state"]), (&json!("renew"), &json!("waiting")));
    assert_eq!(test.get(&format!("{location}/orders")).await.expect(200)["items"], json!([]));
    test.delete(&location).await.expect(204);
    for below in ["", "/log", "/orders", "/versions", "/deployments"] {
        test.get(&format!("{location}{below}")).await.expect(404);
    }
}

#[tokio::test]
async fn an_adopted_certificate_is_the_first_version() {
    let test = house().await;
    let id = test.import_samples(1).await[0];
    let mut new = plan(&[]);
    new["adopt"] = json!(id);
    let made = test.post("/api/v1/managed-certificates", new.clone()).await.expect(201)["id"].clone();
    let told = test.get(&format!("/api/v1/managed-certificates/{made}")).await.expect(200);
    assert_eq!((&told["current"], &told["versions"]), (&json!(id), &json!(1)));
    let versions = test.get(&format!("/api/v1/managed-certificates/{made}/versions")).await.expect(200);
    assert_eq!(versions["items"][0]["managed"], json!({ "id": made, "version": 1 }));
    test.post("/api/v1/managed-certificates", new).await.expect(409);
    test.delete(&format!("/api/v1/certificates/{id}")).await.expect(409);
    assert_eq!(test.get("/api/v1/certificates?managed=true&total=true").await.expect(200)["total"], 1);
}

#[tokio::test]
async fn wrong_plans_are_refused() {
    let test = house().await;
    let before = test.events().await;
    let wrong_names =
        ["", "a b", "*.*.example.com", "a.*.example.com", "-a.example.com", "xn--", "a..b", "a\0b", "\u{202e}moc", "<b>"];
    for name in wrong_names {
        assert_eq!(test.post("/api/v1/managed-certificates", plan(&[name])).await.expect(400)["field"], "names", "{name:?}");
    }
    let many: Vec<String> = (0..101).map(|n| format!("n{n}.example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(test.post("/api/v1/managed-certificates", plan(&many)).await.expect(400)["field"], "names");
    assert_eq!(test.post("/api/v1/managed-certificates", plan(&[])).await.expect(400)["field"], "names");
    for (field, value, status) in [
        ("issuer", json!(4711), 404),
        ("dns_provider", json!(4711), 404),
        ("key_kind", json!("rsa1024"), 400),
        ("adopt", json!(4711), 404),
        ("owner", json!(4711), 404),
        ("name", json!("a\u{202e}b"), 400),
    ] {
        let mut new = plan(&["www.example.com"]);
        new[field] = value;
        test.post("/api/v1/managed-certificates", new).await.expect(status);
    }
    assert_eq!(test.events().await, before);
}

#[tokio::test]
async fn pages_lead_through_all_plans() {
    let test = house().await;
    for n in 0..7 {
        test.post("/api/v1/managed-certificates", plan(&[&format!("n{n}.example.com")])).await.expect(201);
    }
    let (mut path, mut found) = ("/api/v1/managed-certificates?limit=3".to_owned(), 0);
    loop {
        let page = test.get(&path).await.expect(200);
        found += page["items"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { break };
        path = next.to_owned();
    }
    assert_eq!(found, 7);
    assert_eq!(test.get("/api/v1/managed-certificates?troubled=true").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn deployments_name_plain_paths_only() {
    let test = house().await;
    let id = test.post("/api/v1/managed-certificates", plan(&["www.example.com"])).await.expect(201)["id"].clone();
    let all = format!("/api/v1/managed-certificates/{id}/deployments");
    let settings =
        json!({ "full_chain": "/etc/ssl/www.pem", "private_key": "/etc/ssl/www.key", "command": ["/bin/true", "; rm -rf /"] });
    let made = test.post(&all, json!({ "name": "web", "settings": settings })).await.expect(201)["id"].clone();
    let told = test.get(&all).await.expect(200)["items"][0].clone();
    assert_eq!((&told["id"], &told["state"], &told["settings"]["command"][1]), (&made, &json!("waiting"), &json!("; rm -rf /")));
    test.post(&all, json!({ "name": "web", "settings": settings })).await.expect(409);
    test.post(&format!("/api/v1/deployments/{made}/run"), json!(null)).await.expect(409);
    let before = test.events().await;
    for wrong in [
        json!({}),
        json!({ "certificate": "../x" }),
        json!({ "certificate": "/etc/../x" }),
        json!({ "certificate": "/a\u{0}b" }),
        json!({ "certificate": "/x", "chain": "/x" }),
        json!({ "certificate": "/x", "mode": "4777" }),
        json!({ "certificate": "/x", "owner": "a;b" }),
        json!({ "command": ["relative"] }),
        json!({ "certificate": "/x", "unknown": 1 }),
    ] {
        test.post(&all, json!({ "name": "y", "settings": wrong })).await.expect(400);
    }
    assert_eq!(test.events().await, before);
    test.delete(&format!("/api/v1/deployments/{made}")).await.expect(204);
}

#[tokio::test]
async fn a_private_authority_issues_by_the_rules_of_a_pattern() {
    let test = house().await;
    let root = json!({ "name": "Root", "subject": "CN=Root, O=Example" });
    let authority = test.post("/api/v1/authorities", root).await.expect(201)["id"].clone();
    let pattern = json!({ "name": "Databases", "template": "server", "authority": authority, "most_days": 60, "keys": ["p384"] });
    let pattern = test.post("/api/v1/enrolment-patterns", pattern).await.expect(201)["id"].clone();
    let before = test.events().await;
    let plans = "/api/v1/managed-certificates";
    for (new, field) in [
        (json!({ "names": ["db1.internal"] }), "issuer"),
        (json!({ "names": ["db1.internal"], "issuer": 1 }), "dns_provider"),
        (json!({ "names": ["db1.internal"], "issuer": 1, "dns_provider": 1, "pattern": pattern }), "issuer"),
        (json!({ "names": ["db1.internal"], "profile": "short", "authority": authority }), "issuer"),
        (json!({ "names": ["db1.internal"], "pattern": pattern, "template": "server" }), "template"),
        (json!({ "names": ["db1.internal"], "template": "nothing" }), "profile"),
        (json!({ "names": ["a b"], "pattern": pattern }), "names"),
        (json!({ "names": [], "pattern": pattern }), "names"),
        (json!({ "names": ["db1.internal"], "pattern": pattern, "days": 61 }), "days"),
        (json!({ "names": ["db1.internal"], "pattern": pattern, "key_kind": "p256" }), "key_kind"),
        (json!({ "names": ["db1.internal"], "pattern": pattern, "subject": "nonsense" }), "subject"),
        (json!({ "names": ["db1.internal"], "pattern": pattern, "metadata": { "Nothing": "x" } }), "metadata"),
    ] {
        assert_eq!(test.post(plans, new.clone()).await.expect(400)["field"], field, "{new}");
    }
    assert_eq!(test.events().await, before);
    let (_, _, planner) = test.service("planner", &["/renewal/"]).await;
    let new = json!({ "names": ["DB1.internal", "ip:192.0.2.7"], "pattern": pattern, "subject": "CN=db1.internal", "days": 30 });
    let refused = test.call("POST", plans, &planner, Some(&new)).await.expect(403);
    assert!(refused["detail"].as_str().unwrap().contains("/certificates/enrollment/pfx/"), "{refused}");
    let strange = json!({ "names": ["db1.internal"], "pattern": 4711 });
    let (_, _, enroller) = test.service("enroller", &["/renewal/", "/certificates/enrollment/pfx/"]).await;
    for body in [&new, &strange] {
        let refused = test.call("POST", plans, &enroller, Some(body)).await.expect(403);
        assert!(refused["detail"].as_str().unwrap().contains("none of the roles"), "{refused}");
    }
    assert_eq!(test.post(plans, json!({ "names": ["a.internal"], "authority": 4711, "template": "client" })).await.status, 404);

    let reply = test.post(plans, new).await;
    let location = reply.headers["location"].to_str().unwrap().to_owned();
    reply.expect(201);
    let told = test.get(&location).await.expect(200);
    assert_eq!((&told["names"], &told["key_kind"]), (&json!(["db1.internal", "192.0.2.7"]), &json!("p384")));
    assert_eq!((&told["authority"]["name"], &told["pattern"]["name"]), (&json!("Root"), &json!("Databases")));
    assert_eq!((&told["template"], &told["subject"], &told["days"]), (&json!("server"), &json!("CN=db1.internal"), &json!(30)));
    assert_eq!([&told["issuer"], &told["dns_provider"], &told["profile"]], [&Value::Null; 3]);
    assert_eq!(test.get(plans).await.expect(200)["items"], json!([told]));
    assert_eq!(test.delete(&format!("/api/v1/enrolment-patterns/{pattern}?force=true")).await.status, 409);
}
