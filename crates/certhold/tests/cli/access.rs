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
        assert_eq!(why.out.trim_end(), "Missing /certificates/collections/read/.");
        place.run(&["role", "assign", "Readers", "robot"]).ok();
        let why = place.run(&["why", "robot", "/certificates/collections/read/", "--certificate", "1"]).ok();
        assert!(why.out.starts_with("Allowed by role Readers (set Global bounds it).\n  role Readers: Brings it"), "{}", why.out);
        let why = place.json(&["why", "robot", "/certificates/collections/change_owner/", "--collection", "7"]);
        assert_eq!(why["missing"][1], "/certificates/collections/change_owner/7/");
        assert!(place.run(&["why", "robot", "/nothing/"]).refused(1).contains("did you mean"));
        assert!(place.run(&["why", "nobody", "/"]).refused(1).contains("there is no account"));
        assert_eq!(place.json(&["role", "members", "Readers"])[0]["name"], "robot");
        assert_eq!(place.json(&["user", "show", "robot"])["kind"], "service");
        assert_eq!(place.json(&["user", "sessions", "robot"]), json!([]));
        place.run(&["user", "end-sessions", "robot"]).ok();

        let claim = place.json(&["claim", "add", "group", "EXAMPLE\\readers", "--provider", "corporate"]);
        let claim = claim["id"].to_string();
        place.run(&["claim", "assign", &claim, "Readers"]).ok();
        place.run(&["claim", "describe", &claim, "everybody"]).ok();
        assert_eq!(place.json(&["claim", "list"])[0]["description"], "everybody");
        let review = place.json(&["review", "--role", "Readers"]);
        let holders: Vec<&str> = review.as_array().unwrap().iter().map(|line| line["holder_kind"].as_str().unwrap()).collect();
        assert_eq!(holders, ["service", "claim"]);
        assert_eq!(review[0]["certificates"], 3);
        let csv = place.run(&["review", "--user", "robot", "--csv"]).ok().out;
        assert!(csv.starts_with("holder_kind,") && csv.contains(",robot,") && csv.lines().count() == 2, "{csv}");
        place.run(&["claim", "withdraw", &claim, "Readers"]).ok();
        place.run(&["claim", "remove", &claim]).ok();
        assert_eq!(place.json(&["claim", "list"]), json!([]));
    });
}
