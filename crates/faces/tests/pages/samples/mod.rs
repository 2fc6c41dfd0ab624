//! Sample values for every page.

mod access;
mod certificate;
mod collections;
mod home;
mod identity_providers;
mod inventory;
mod issuers;
mod managed;
mod metadata;
mod others;
mod people;
mod private_ca;
mod stores;
mod trust_sets;

use askama::Template;
use certhold_faces::web::view::frame::{Frame, Section, Viewer};
use certhold_faces::web::view::time::{DAY, Moment};
use certhold_faces::web::view::tone::Validity;

/// A rendered page.
pub struct Sample {
    /// File name without extension.
    pub name: &'static str,
    /// The page.
    pub html: String,
}

/// 2026-11-22 14:42:07 UTC, the now of every sample.
pub const NOW: i64 = 1_795_358_527_000;
pub const HOUR: i64 = DAY / 24;
pub const MINUTE: i64 = HOUR / 60;

/// Names that want to be more than names.
pub const HOSTILE: &str = "<script>alert(1)</script>\"onmouseover=\"x";
pub const RTL: &str = "\u{202e}moc.elpmaxe.\u{05e9}\u{05dc}\u{05d5}\u{05dd}.example";
pub const LONG: &str = "a-very-long-label-that-goes-on-and-on-until-it-is-sixty-three-x.\
    another-label-of-great-length-that-nobody-would-type-by-hand-xx.eu-central-1.internal.example.com";

pub fn all() -> Vec<Sample> {
    [
        access::samples(),
        home::samples(),
        inventory::samples(),
        certificate::samples(),
        collections::samples(),
        managed::samples(),
        metadata::samples(),
        issuers::samples(),
        people::samples(),
        identity_providers::samples(),
        others::samples(),
        trust_sets::samples(),
        stores::samples(),
        private_ca::samples(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn page(name: &'static str, template: &impl Template) -> Sample {
    Sample { name, html: template.render().expect("a template renders") }
}

fn frame(title: &str, section: Section) -> Frame {
    let mut viewer = Viewer::with_all_sections("marta.lindqvist");
    viewer.in_trouble = 3;
    Frame::new(title, section, viewer, "sample-csrf")
}

fn at(distance: i64) -> Moment {
    Moment::new(NOW + distance, NOW)
}

fn life(from_days: i64, to_days: i64) -> Validity {
    Validity::new(NOW + from_days * DAY, NOW + to_days * DAY, NOW)
}
