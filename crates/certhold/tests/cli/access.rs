//! Roles, permission sets, claims, reasons and the access review at the command line, on a directory and on a server.

use serde_json::json;

use super::nouns::both;
use super::support::bundle;

#[test]
fn roles_and_sets_are_changed_and_say_what_stops() {
    both(|place, _| {
        place.run(&["set", "add", "Web", "--permission", "/certificates/"]).ok();
        place
            .run(&["role", "add", "Ops", "--set", "web", "--permission", "/certificates/import/", "--email", "ops@example.com"])
            .ok();
        place
            .run(&["role", "update", "ops", "--grant", "/certificates/collections/read/", "--description", "who runs the web"])
            .ok();
        let role = place.json(&["role", "show", "Ops"]);
        assert_eq!(role["permissions"], json!(["/certificates/collections/read/", "/certificates/import/"]));
        assert_eq!((&role["permission_set"]["name"], &role["email"]), (&json!("Web"), &json!("ops@example.com")));
        place.run(&["role", "update", "ops", "--revoke", "certificates/collections/read"]).ok();
        assert_eq!(place.json(&["role", "show", "Ops"])["permissions"], json!(["/certificates/import/"]));
        let wrong = place.run(&["role", "update", "ops", "--grant", "/certificates/imports/"]);
        assert!(wrong.refused(1).contains("did you mean /certificates/import/?"));

        let change = place.run(&["set", "update", "Web", "--permission", "/certificates/collections/"]).ok();
        assert!(change.out.contains("role Ops (0 holders): /certificates/import/ has no effect any more"), "{}", change.out);
        assert!(place.run(&["set", "remove", "Web"]).refused(1).contains("roles are inside"));
        assert!(place.run(&["set", "update", "Global", "--nothing"]).refused(1).contains("cannot be changed"));
        place.run(&["role", "remove", "Ops"]).ok();
        place.run(&["set", "remove", "Web"]).ok();
        assert_eq!(place.json(&["set", "list"]).as_array().unwrap().len(), 1);
        assert_eq!(place.json(&["set", "show", "Global"])["permissions"], json!(["/"]));
    });
}

#[test]
fn claims_reasons_and_the_review_are_told() {
    both(|place, data| {
        let path = data.outside("bundle.pem", bundle(0, 3));
        place.run(&["import", path.to_str().unwrap()]).ok();
        place.run(&["user", "add", "robot", "--service"]).ok();
        place.run(&["role", "add", "Readers", "--permission", "/certificates/collections/read/"]).ok();
        let why = place.run(&["why", "robot", "/certificates/collections/read/", "1"]).ok();
        assert_eq!(why.out, "Missing /certificates/collections/read/.\n");
        place.run(&["role", "assign", "Readers", "robot"]).ok();
        let why = place.run(&["why", "robot", "/certificates/collections/read/", "--certificate", "1"]).ok();
        assert!(why.out.starts_with("Allowed by role Readers (set Global bounds it).\n  role Readers: Brings it"), "{}", why.out);
        let why = place.json(&["why", "robot", "/certificates/collections/change_owner/", "--collection", "7"]);
        assert_eq!(why["missing"][1], "/certificates/collections/change_owner/7/");
        place.run(&["collection", "add", "Payments", "CertId -ge 1"]).ok();
        let why = place.json(&["why", "robot", "/certificates/collections/change_owner/", "--collection", "payments"]);
        assert_eq!(why["missing"][1], "/certificates/collections/change_owner/1/");
        let none = place.run(&["why", "robot", "/certificates/collections/change_owner/", "--collection", "Payrolls"]);
        assert!(none.refused(1).contains("there is no collection \"Payrolls\""), "{none:?}");
        place.run(&["container", "add", "Edge"]).ok();
        let change = "/certificate_stores/change_owner/";
        let why = place.json(&["why", "robot", change, "--container", "edge"]);
        assert_eq!(why["missing"][1], "/certificate_stores/change_owner/1/");
        place.run(&["role", "add", "Edge keepers", "--permission", "/certificate_stores/change_owner/1/"]).ok();
        place.run(&["role", "assign", "Edge keepers", "robot"]).ok();
        let why = place.run(&["why", "robot", change, "--container", "Edge"]).ok();
        assert!(why.out.starts_with("Allowed by role Edge keepers through container 1, Edge (set"), "{}", why.out);
        let review = place.run(&["review", "--role", "Edge keepers"]).ok();
        assert!(review.out.contains("container Edge"), "{}", review.out);
        assert!(place.run(&["owner", "clear", "1", "--container", "Edge"]).refused(1).contains("in no certificate store"));
        for wrong in
            [&["why", "robot"][..], &["why", "robot", change, "1", "--container", "Edge"], &["why", "robot", change, "x"]]
        {
            place.run(wrong).refused(2);
        }
        assert!(place.run(&["why", "robot", "/nothing/"]).refused(1).contains("did you mean"));
        assert!(place.run(&["why", "nobody", "/"]).refused(1).contains("there is no account"));
        assert_eq!(place.json(&["role", "members", "Readers"])[0]["name"], "robot");
        assert_eq!(place.json(&["user", "show", "robot"])["kind"], "service");
        assert_eq!(place.json(&["user", "sessions", "robot"]), json!([]));
        place.run(&["user", "end-sessions", "robot"]).ok();

        let token = place.json(&["token", "create", "robot", "--name", "nightly"])["id"].to_string();
        let why = place.run(&["why", "--api-token", &token, "/certificates/collections/read/", "1"]).ok();
        assert!(why.out.starts_with("Allowed by role Readers"), "{}", why.out);
        let claim = place.json(&["claim", "add", "group", "EXAMPLE\\readers", "--provider", "corporate"]);
        let claim = claim["id"].to_string();
        place.run(&["claim", "assign", &claim, "Readers"]).ok();
        place.run(&["claim", "describe", &claim, "everybody"]).ok();
        assert_eq!(place.json(&["claim", "list"])[0]["description"], "everybody");
        let why = place.run(&["why", "--claim", &claim, "/certificates/collections/read/", "1"]).ok();
        assert!(why.out.starts_with("Allowed by role Readers (set Global bounds it).\n"), "{}", why.out);
        let review = place.json(&["review", "--role", "Readers"]);
        let holders: Vec<&str> = review.as_array().unwrap().iter().map(|line| line["holder_kind"].as_str().unwrap()).collect();
        assert_eq!(holders, ["service", "claim"]);
        assert_eq!(review[0]["certificates"], 3);
        let csv = place.run(&["review", "--user", "robot", "--csv"]).ok().out;
        assert!(csv.starts_with("holder_kind,") && csv.contains(",container,1 Edge,") && csv.lines().count() == 3, "{csv}");
        place.run(&["claim", "withdraw", &claim, "Readers"]).ok();
        place.run(&["claim", "remove", &claim]).ok();
        assert_eq!(place.json(&["claim", "list"]), json!([]));
    });
}

#[test]
fn identity_providers_are_configured() {
    both(|place, data| {
        let add = ["identity-provider", "add", "Corporate", "--issuer", "https://sso.example.org/realms/corporate"];
        assert!(place.run(&add).refused(1).contains("audience"));
        let roots = data.outside("roots.pem", bundle(0, 1));
        let rest = ["--audience", "certhold", "--role-claim", "/realm_access/roles", "--roots", roots.to_str().unwrap()];
        let made = place.json(&[&add[..], &rest[..]].concat());
        assert_eq!(made["id"], 1);
        let show = || place.json(&["identity-provider", "show", "corporate"]);
        assert_eq!((&show()["audiences"], &show()["role_claims"]), (&json!(["certhold"]), &json!(["/realm_access/roles"])));
        assert_eq!((&show()["subject_claims"], &show()["roots"]), (&json!(["sub"]), &json!(bundle(0, 1).trim())));
        let said = place.run(&["identity-provider", "set", "Corporate", "--audience", "a", "--audience", "b"]).ok().out;
        assert_eq!(said, "identity provider Corporate is changed\n");
        place.run(&["identity-provider", "disable", "Corporate"]).ok();
        let told = show();
        assert_eq!(
            (&told["audiences"], &told["enabled"], &told["roots"]),
            (&json!(["a", "b"]), &json!(false), &json!(bundle(0, 1).trim()))
        );
        place.run(&["identity-provider", "enable", "Corporate"]).ok();
        assert_eq!(place.json(&["identity-provider", "list"])[0]["enabled"], true);
        let account = place.json(&["identity-provider", "add-account", "Corporate", "7", "--service"]);
        assert_eq!(place.json(&["identity-provider", "accounts", "Corporate"])[0]["id"], account["id"]);
        assert_eq!(place.json(&["user", "show", "Corporate\\7"])["provider"], "Corporate");
        assert!(place.run(&["token", "create", "Corporate\\7"]).refused(1).contains("Corporate"));
        place.run(&["identity-provider", "remove", "Corporate"]).ok();
        assert_eq!(place.json(&["identity-provider", "list"]), json!([]));
        assert!(place.run(&["identity-provider", "show", "Corporate"]).refused(1).contains("there is no identity provider"));
    });
}

#[test]
fn excluded_certificates_do_not_come_back_by_an_import() {
    both(|place, data| {
        let path = data.outside("bundle.pem", bundle(0, 3));
        place.run(&["import", path.to_str().unwrap()]).ok();
        let said = place.run(&["exclusion", "add", "2"]).ok().out;
        assert_eq!(said, "certificate 2 is removed and excluded\n");
        let again = place.run(&["--output", "json", "import", path.to_str().unwrap()]);
        assert!(again.out.contains("excluded from imports"), "{again:?}");
        assert_eq!(place.json(&["list"]).as_array().unwrap().len(), 2);
        let listed = place.json(&["exclusion", "list"]);
        place.run(&["exclusion", "remove", &listed[0]["id"].to_string()]).ok();
        assert_eq!(place.json(&["import", path.to_str().unwrap()])["imported"], 1);
    });
}
