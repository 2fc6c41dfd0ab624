//! Filters of the templates: numbers as people read them.

use std::borrow::Borrow;

use askama::{Result, Values, filter_fn};

use super::text;

/// `{{ totals.held|count }}`: `12,408`.
#[filter_fn]
pub fn count<N: Borrow<i64>>(number: N, _: &dyn Values) -> Result<String> {
    Ok(text::count(*number.borrow()))
}

/// `{{ versions|plural("version", "versions") }}`: `3 versions`.
#[filter_fn]
pub fn plural<N: Borrow<i64>>(number: N, _: &dyn Values, one: &str, many: &str) -> Result<String> {
    Ok(text::plural(*number.borrow(), one, many))
}
