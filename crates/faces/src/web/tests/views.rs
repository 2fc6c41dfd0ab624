//! Saved views, columns of metadata, order and facets of the inventory.

use super::{Visitor, attributes, gist, location};
use crate::testing::TestApp;

fn rows(page: &str) -> Vec<String> {
    let names = page.split("class=\"cell-name\"><a href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_view_keeps_everything_about_a_list() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(5).await;
    let list = "q=example&filter=unowned&where=KeySize+-gt+1&columns=serial&sort=-name";
    let reply = admin.post("/views", &[("name", "Ours"), ("list", list)]).await;
    let saved = location(&reply).to_owned();
    assert!(saved.starts_with("/certificates?q=example&filter=unowned"), "{saved}");
    for part in ["where=KeySize+-gt+1", "columns=serial", "sort=-name"] {
        assert!(saved.contains(part), "{part}: {saved}");
    }
    let page = admin.page(&saved).await;
    let link = format!("<a href=\"{}\" aria-current=\"true\"><span class=\"value\" title=\"Ours\">", saved.replace('&', "&#38;"));
    assert!(page.contains(&link), "{link}: {}", gist(&page));
    let page = admin.page("/certificates").await;
    assert!(attributes(&page, "href").contains(&saved), "{}", gist(&page));
    // Views are one's own.
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/certificates/collections/read/"]).await;
    assert!(!eve.page("/certificates").await.contains("Ours") && !eve.page("/views").await.contains("Ours"));
    let events = server.events().await;
    for path in ["/views/1", "/views/1/remove"] {
        assert_eq!(eve.post(path, &[("name", "Hers")]).await.status, 404, "{path}");
    }
    for (name, list) in [("Ours", ""), ("ours", "filter=expired"), ("17", ""), ("", ""), ("a\u{202E}b", "")] {
        let page = admin.follow("/views", &[("name", name), ("list", list)]).await;
        assert!(page.contains("class=\"notice tone-bad"), "{name:?}: {}", gist(&page));
    }
    assert_eq!(admin.post("/views", &[("name", "Odd"), ("list", "filter=nonsense")]).await.status, 400);
    assert_eq!(server.events().await, events, "nothing was saved");

    let page = admin.page("/views").await;
    assert!(page.contains("“example”, without owner, KeySize -gt 1"), "{}", gist(&page));
    let page = admin.follow("/views/1", &[("name", "Theirs")]).await;
    assert!(page.contains(">Theirs</bdi>") && page.contains("has another name"), "{}", gist(&page));
    let page = admin.follow("/views/1/remove", &[]).await;
    assert!(page.contains("No saved views yet"), "{}", gist(&page));
}

#[tokio::test]
async fn what_is_noted_is_a_column_and_in_the_file() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(3).await;
    admin.follow("/metadata/new", &[("name", "Team"), ("type", "string"), ("enrolment", "optional")]).await;
    admin.follow(&format!("/certificates/{}/metadata", ids[1]), &[("noted-1", "Web & Mail")]).await;
    let page = admin.page("/certificates?column-noted-1=on").await;
    assert!(page.contains("<th scope=\"col\"><bdi>Team</bdi></th>"), "{}", gist(&page));
    assert_eq!(page.matches("title=\"Web &#38; Mail\"").count(), 1, "{}", gist(&page));
    assert!(!admin.page("/certificates").await.contains("Web &#38; Mail"));
    let csv = admin.page("/certificates.csv").await;
    assert!(csv.lines().next().unwrap().ends_with(",metadata.Team"), "{csv}");
    let noted: Vec<&str> = csv.lines().filter(|line| line.ends_with(",Web & Mail")).collect();
    assert!(noted.len() == 1 && noted[0].starts_with(&format!("{},", ids[1])), "{csv}");
    // A field that there is no more is no column.
    assert!(admin.page("/certificates?columns=noted-4711").await.contains("cell-name"));
}

#[tokio::test]
async fn heads_of_columns_order_the_list() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(60).await;
    for sort in ["name", "issuer", "held", "expiry"] {
        let mut ways = Vec::new();
        for sort in [sort.to_owned(), format!("-{sort}")] {
            let page = admin.page(&format!("/certificates?sort={sort}&columns=held")).await;
            let direction = if sort.starts_with('-') { "descending" } else { "ascending" };
            assert_eq!(page.matches(&format!("aria-sort=\"{direction}\"")).count(), 1, "{sort}: {}", gist(&page));
            let next = attributes(&page, "href").into_iter().find(|href| href.contains("after=")).expect("a second page");
            let second = admin.page(&next).await;
            let both = [rows(&page), rows(&second)].concat();
            let each: std::collections::BTreeSet<&String> = both.iter().collect();
            assert_eq!((both.len(), each.len()), (60, 60), "{sort}: each once");
            ways.push(both);
        }
        let back: Vec<String> = ways[1].iter().rev().cloned().collect();
        assert_eq!(ways[0], back, "{sort}");
    }
}

#[tokio::test]
async fn a_list_goes_on_where_its_last_row_was() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let link = |page: &str, rel: &str| {
        let link = page.split(&format!("rel=\"{rel}\" href=\"")).nth(1).and_then(|rest| rest.split('"').next());
        link.map(|link| link.replace("&#38;", "&")).expect("a neighbour")
    };
    server.import_samples(130).await;
    for sort in ["name", "-name", "issuer", "-issuer", "held", "-held", "expiry", "-expiry", ""] {
        let first = admin.page(&format!("/certificates?sort={sort}")).await;
        let last = rows(&first).pop().expect("rows");
        let before = rows(&admin.page(&link(&first, "next")).await);
        server.delete(&format!("/api/v1{last}")).await.expect(204);
        let second = admin.page(&link(&first, "next")).await;
        assert_eq!(rows(&second), before, "{sort}: nothing is left out, and nothing comes twice");
        // The way back leads over the place, too.
        let third = admin.page(&link(&second, "next")).await;
        assert_eq!(rows(&admin.page(&link(&third, "prev")).await), before, "{sort}");
        // A cursor belongs to its order.
        let other = if sort == "name" { "sort=held" } else { "sort=name" };
        let wrong = admin.page(&format!("{}&{other}", link(&first, "next").replace(&format!("sort={sort}"), "columns="))).await;
        assert!(rows(&wrong).is_empty() && wrong.contains("This is not a cursor of this list"), "{}", gist(&wrong));
    }
}

#[tokio::test]
async fn whatever_filter_and_order_the_list_offers_can_be_saved() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(3).await;
    let mut offered = std::collections::BTreeSet::new();
    // The head of a column orders by it where it is shown.
    let page = admin.page("/certificates?columns=held").await;
    for href in attributes(&page, "href") {
        let list = href.strip_prefix("/certificates?").unwrap_or_default().replace("columns=held", "").replace("&", "");
        if list.starts_with("filter=") || list.starts_with("sort=") {
            let turned = list.replace("sort=", "sort=-");
            offered.extend([list, turned]);
        }
    }
    assert_eq!(offered.len(), 4 + 2 * 4, "{offered:?}");
    for list in &offered {
        let saved = admin.post("/views", &[("name", list), ("list", list)]).await;
        assert!(location(&saved).starts_with(&format!("/certificates?{list}")), "{list}: {}", location(&saved));
    }
    let page = admin.page("/views").await;
    for list in &offered {
        assert!(page.contains(&format!("href=\"/certificates?{list}\"")), "{list}: {}", gist(&page));
    }
}

#[tokio::test]
async fn facets_lead_to_as_many_as_they_say() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(40).await;
    for begin in ["/certificates", "/certificates?filter=unowned", "/certificates?where=KeySize+-gt+1"] {
        let page = admin.page(begin).await;
        let aside = page.split("class=\"facets\"").nth(1).and_then(|rest| rest.split("</aside>").next()).expect("facets");
        assert!(aside.contains("<summary>Expires</summary>"), "{begin}: {}", gist(&page));
        let hrefs = attributes(aside, "href");
        let counts: Vec<&str> = aside.split("<span class=\"count\">").skip(1).filter_map(|rest| rest.split('<').next()).collect();
        assert_eq!(hrefs.len(), counts.len(), "{begin}");
        for (href, count) in hrefs.iter().zip(counts) {
            let shown = rows(&admin.page(href).await).len();
            assert_eq!(shown.to_string(), count, "{begin}: {href}");
        }
    }
}
