//! Saved views at the command line, and what a collection's lists leave out.

use serde_json::json;

use super::support::{Data, Server, with_key};

#[test]
fn views_are_ones_own_and_lists_follow_them() {
    let data = Data::new();
    for name in ["b.example.com", "a.example.com"] {
        let path = data.outside(&format!("{name}.pem"), with_key(name).0);
        data.json(&["import", path.to_str().unwrap()]);
    }
    data.run(&["collection", "add", "Newest", "--duplicates", "common_name"]).ok();
    assert_eq!(data.json(&["collection", "show", "newest"])["duplicates"], "common_name");
    data.run(&["collection", "set", "newest", "--duplicates", "distinguished_name"]).ok();
    data.run(&["collection", "set", "newest", "--description", "stays"]).ok();
    assert_eq!(data.json(&["collection", "show", "newest"])["duplicates"], "distinguished_name");
    data.run(&["collection", "add", "Odd", "--duplicates", "some"]).refused(2);

    let local = data.run(&["view", "add", "Mine"]);
    assert!(local.refused(1).contains("only somebody who signs in has views"), "{local:?}");
    data.run(&["role", "add", "Readers", "--permission", "/certificates/collections/read/"]).ok();
    for robot in ["robot", "other"] {
        data.run(&["user", "add", robot, "--service"]).ok();
        data.run(&["role", "assign", "Readers", robot]).ok();
    }
    let [robot, other] = ["robot", "other"].map(|name| data.run(&["token", "create", name]).ok().out.trim().to_owned());
    let server = Server::on(data.path());
    let run = |arguments: &[&str]| server.run(&robot, arguments);
    let names = |arguments: &[&str]| {
        let listed = run(&[&["--output", "json", "list"], arguments].concat()).ok().json();
        listed.as_array().unwrap().iter().map(|one| one["common_name"].as_str().unwrap()[..1].to_owned()).collect::<String>()
    };
    run(&["view", "add", "By name", "--query", "example", "--sort", "name"]).ok();
    assert_eq!((names(&["--view", "by name"]).as_str(), names(&["--sort", "name"]).as_str()), ("ab", "ab"));
    run(&["view", "set", "by name", "--sort", "-name", "--where", "CertId -ge 1", "--where", "IsCA -eq false"]).ok();
    assert_eq!(names(&["--view", "By name"]), "ba");
    let shown = run(&["--output", "json", "view", "show", "By name"]).ok().json();
    let kept = json!({ "q": "example", "sort": "-name", "where": "CertId -ge 1\nIsCA -eq false" });
    assert_eq!(shown["parameters"], kept);
    run(&["view", "add", "BY NAME"]).refused(1);
    run(&["list", "--view", "by name", "--no-owner"]).refused(2);
    assert!(server.run(&other, &["list", "--view", "by name"]).refused(1).contains("there is no view"));
    assert_eq!(server.run(&other, &["--output", "json", "view", "list"]).ok().json(), json!([]));
    run(&["view", "remove", "By name"]).ok();
    run(&["list", "--view", "1"]).refused(1);
}
