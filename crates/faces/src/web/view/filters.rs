//! Filters of the templates: numbers as people read them, descriptions as paragraphs.

use askama::filters::Safe;
use askama::{Result, Values, filter_fn};

use super::{prose as prose_html, text};

/// Whatever counts something. Templates hand numbers over by value or through references, as it happens.
pub trait Number {
    /// The number.
    fn get(&self) -> i64;
}

impl Number for i64 {
    fn get(&self) -> i64 {
        *self
    }
}

impl Number for usize {
    fn get(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }
}

impl<N: Number + ?Sized> Number for &N {
    fn get(&self) -> i64 {
        (**self).get()
    }
}

/// `{{ totals.held|count }}`: `12,408`.
#[filter_fn]
pub fn count<N: Number>(number: N, _: &dyn Values) -> Result<String> {
    Ok(text::count(number.get()))
}

/// `{{ versions|plural("version", "versions") }}`: `3 versions`.
#[filter_fn]
pub fn plural<N: Number>(number: N, _: &dyn Values, one: &str, many: &str) -> Result<String> {
    Ok(text::plural(number.get(), one, many))
}

/// `{{ description|prose }}`: paragraphs and code.
#[filter_fn]
pub fn prose<T: AsRef<str>>(text: T, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(prose_html::html(text.as_ref())?))
}
