//! Every page rendered from sample values: rich ones, empty ones, hostile ones.
//!
//! Each run also writes the pages to `target/ui/*.html`, to be opened in a browser and looked at.

#![expect(clippy::expect_used, reason = "a sample that cannot be made is a failed test")]

mod contrast;
mod rules;
mod samples;

use std::fs;
use std::path::PathBuf;

use samples::Sample;

fn gallery() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../ui");
    fs::create_dir_all(directory.join("assets")).expect("the gallery's directory can be made");
    directory
}

/// File addresses have no root, so the gallery's pages name their assets relatively.
fn for_files(html: &str) -> String {
    html.replace("=\"/assets/", "=\"assets/")
}

#[test]
fn gallery_is_written() {
    let directory = gallery();
    for name in ["certhold.css", "pages.css", "certhold.js", "favicon.svg"] {
        let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
        let url = certhold_faces::web::assets::url(name);
        let to = directory.join(url.strip_prefix('/').expect("asset URLs are absolute"));
        fs::copy(&from, &to).expect("an asset can be copied");
    }
    let mut index = String::from("<!doctype html><meta charset=utf-8><title>Pages</title><ul>");
    for Sample { name, html } in samples::all() {
        fs::write(directory.join(format!("{name}.html")), for_files(&html)).expect("a page can be written");
        index.push_str(&format!("<li><a href=\"{name}.html\">{name}</a>"));
    }
    fs::write(directory.join("index.html"), index).expect("the index can be written");
}
