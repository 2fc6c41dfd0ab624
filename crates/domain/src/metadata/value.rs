//! Typed values: from what somebody wrote to the canonical text and the forms under which it is compared.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::{Regex, RegexBuilder};

use super::field::{Field, FieldType};
use crate::{limits, query, text};

/// A value that its field accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// Canonical: `7` for `+007`, an option as the field spells it.
    pub text: String,
    /// Its folded beginning.
    pub sort: String,
    /// For integers, dates (unix milliseconds of their begin in UTC) and booleans.
    pub number: Option<i64>,
}

/// What a field asks of its values, with the regular expression compiled once.
pub(crate) struct Rules<'a> {
    field: &'a Field,
    regex: Option<Regex>,
}

impl<'a> Rules<'a> {
    pub(crate) fn of(field: &'a Field) -> Rules<'a> {
        // A stored expression was compiled before it was stored.
        Rules { field, regex: (!field.validation.is_empty()).then(|| compile(&field.validation).ok()).flatten() }
    }

    /// The value, or why the field does not take it. `given` is not empty.
    pub(crate) fn check(&self, given: &str) -> Result<Typed, String> {
        let value = match self.field.kind {
            FieldType::BigText => given,
            _ => given.trim(),
        };
        let longest = longest(self.field.kind);
        if value.chars().count() > longest {
            return Err(format!("at most {longest} characters are allowed"));
        }
        let (text, number) = match self.field.kind {
            FieldType::String => (self.line(value)?, None),
            FieldType::Integer => integer(value)?,
            FieldType::Date => date(value)?,
            FieldType::Boolean => boolean(value)?,
            FieldType::MultipleChoice => (self.option(value)?, None),
            FieldType::BigText => (big_text(value)?, None),
            FieldType::Email => (email(value)?, None),
        };
        let sort = sort_form(&text);
        Ok(Typed { text, sort, number })
    }

    fn line(&self, value: &str) -> Result<String, String> {
        plain(value)?;
        match &self.regex {
            Some(regex) if !regex.is_match(value) => Err(match self.field.message.as_str() {
                "" => format!("the value does not match {}", self.field.validation),
                message => message.to_owned(),
            }),
            _ => Ok(value.to_owned()),
        }
    }

    fn option(&self, value: &str) -> Result<String, String> {
        let folded = text::fold(value);
        let known = self.field.options.iter().find(|option| text::fold(option) == folded);
        known.cloned().ok_or_else(|| {
            let shown: Vec<&str> = self.field.options.iter().take(20).map(String::as_str).collect();
            let more = if self.field.options.len() > shown.len() { ", …" } else { "" };
            format!("choose one of {}{more}", shown.join(", "))
        })
    }
}

/// Compiles a regular expression. It runs in time linear in the text, and its compiled form has a bounded size.
pub(crate) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .size_limit(limits::REGEX_BYTES)
        .dfa_size_limit(limits::REGEX_BYTES)
        .nest_limit(limits::REGEX_NESTING)
        .build()
}

/// Why an expression cannot be used.
pub(crate) fn why_no_regex(error: &regex::Error) -> String {
    let cause = match error {
        regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
        other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    format!("this is not a regular expression that can be used: {cause}")
}

fn longest(kind: FieldType) -> usize {
    match kind {
        FieldType::BigText => limits::METADATA_BIG_TEXT_CHARS,
        FieldType::Email => limits::METADATA_EMAIL_CHARS,
        _ => limits::METADATA_VALUE_CHARS,
    }
}

/// The form under which values of text are compared and ordered: lower case, its first characters.
pub fn sort_form(value: &str) -> String {
    query::fold(value).chars().take(limits::METADATA_SORT_CHARS).collect()
}

/// The number under which a value of this type is compared, if the text is one: what queries use.
pub fn number_form(kind: FieldType, value: &str) -> Option<i64> {
    let (_, number) = match kind {
        FieldType::Integer => integer(value.trim()),
        FieldType::Date => date(value.trim()),
        FieldType::Boolean => boolean(value.trim()),
        _ => return None,
    }
    .ok()?;
    number
}

fn plain(value: &str) -> Result<(), String> {
    match text::line("metadata", value, usize::MAX) {
        Ok(()) => Ok(()),
        Err(crate::error::Refusal::Invalid { message, .. }) => Err(message.replace(" in a name", "")),
        Err(other) => Err(other.to_string()),
    }
}

fn big_text(value: &str) -> Result<String, String> {
    let value = value.replace("\r\n", "\n");
    plain(&value.replace(['\n', '\t'], " "))?;
    if value.trim().is_empty() { Err("the value has nothing but white space".into()) } else { Ok(value) }
}

type Parsed = (String, Option<i64>);

fn integer(value: &str) -> Result<Parsed, String> {
    let number: i64 = value.parse().map_err(|_| format!("{value:?} is not a whole number of 64 bits"))?;
    Ok((number.to_string(), Some(number)))
}

/// A day, or an instant of which the day in UTC is taken.
fn date(value: &str) -> Result<Parsed, String> {
    let wrong = || format!("{value:?} is not a day: write it as 2026-11-22");
    let day = match value.len() {
        10 => Date::strptime("%Y-%m-%d", value).map_err(|_| wrong())?,
        _ => value.parse::<jiff::Timestamp>().map_err(|_| wrong())?.to_zoned(TimeZone::UTC).date(),
    };
    if !(1..=9999).contains(&day.year()) {
        return Err(wrong());
    }
    let begin = day.to_zoned(TimeZone::UTC).map_err(|_| wrong())?.timestamp().as_millisecond();
    Ok((day.strftime("%Y-%m-%d").to_string(), Some(begin)))
}

fn boolean(value: &str) -> Result<Parsed, String> {
    let truth = match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => true,
        "false" | "no" | "0" => false,
        _ => return Err(format!("{value:?} is neither true nor false")),
    };
    Ok((truth.to_string(), Some(i64::from(truth))))
}

/// One mail address as people write it (RFC 5321 section 4.1.2 without quoted strings and address literals).
fn email(value: &str) -> Result<String, String> {
    let wrong = || format!("{value:?} is not a mail address");
    let (local, host) = value.rsplit_once('@').ok_or_else(wrong)?;
    let is_local = |c: char| !c.is_whitespace() && !c.is_control() && !"()<>[]:;@\\,\"".contains(c);
    let local_is_right = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(is_local)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let host_is_right = host.contains('.') && !host.contains('*') && certhold_pki::normalise_dns_name(host).is_ok();
    if !local_is_right || !host_is_right || host.ends_with('.') || host.contains(char::is_whitespace) {
        return Err(wrong());
    }
    plain(value)?;
    Ok(value.to_owned())
}
