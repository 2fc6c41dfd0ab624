//! Gives names and values their meaning: fields of the catalogue, operators the field has, values of its type.

use super::ast::{Compare, Expr, Op, Operand};
use super::catalogue::{Catalogue, Entry, key};
use super::error::QueryError;
use super::field::{Choice, FieldId, Kind};
use super::fold;
use super::pattern::Pattern;
use super::scan::quote;
use super::suggest::{closest, operators};
use super::syntax::{Raw, RawValue, out_of_place};
use super::usage::{key_usage_bit, key_usage_names};
use super::when::When;
use crate::limits;

/// The same tree with every comparison understood.
pub(super) fn typed(tree: Expr<Raw>, catalogue: &Catalogue) -> Result<Expr<Compare>, QueryError> {
    tree.replace(&mut |raw| compare(raw, catalogue).map(Expr::Leaf))
}

fn compare(raw: &Raw, catalogue: &Catalogue) -> Result<Compare, QueryError> {
    let entry = catalogue.find(&raw.field).ok_or_else(|| unknown_field(raw, catalogue))?;
    if !entry.kind.operators().contains(&raw.op) {
        return Err(unfit_operator(raw, entry));
    }
    let operand = match (&raw.value, raw.op) {
        (RawValue::List(values), _) => {
            let one = |(value, at): &(RawValue, usize)| match one_value(value, *at, raw.op, entry)? {
                Operand::Null => Err(QueryError::new(*at, "NULL cannot stand among the values of -in: write OR … -eq NULL")),
                operand => Ok(operand),
            };
            Operand::List(values.iter().map(one).collect::<Result<_, _>>()?)
        }
        (value, _) => one_value(value, raw.value_at, raw.op, entry)?,
    };
    if operand == Operand::Null && !matches!(raw.op, Op::Equal | Op::NotEqual) {
        return Err(
            QueryError::new(raw.op_at, "NULL is compared with -eq (not set) and -ne (set) only").suggesting(["-eq", "-ne"])
        );
    }
    require_short(raw, &operand)?;
    Ok(Compare { field: entry.id, op: raw.op, operand })
}

/// Refuses what would be too long as a pattern once it is folded and escaped, whether or not this field is asked for it by one.
fn require_short(raw: &Raw, operand: &Operand) -> Result<(), QueryError> {
    let pattern = match (operand, raw.op) {
        (Operand::Text(text), Op::Contains | Op::NotContains | Op::StartsWith | Op::EndsWith) => {
            Pattern::of_text(&fold(text)).to_sql()
        }
        (Operand::Pattern(pattern), _) => pattern.folded(fold).to_sql(),
        _ => return Ok(()),
    };
    // Around it stand a sign for any text and a line feed, on both sides.
    if pattern.len() + 4 <= limits::PATTERN_BYTES {
        return Ok(());
    }
    let message =
        format!("this is too long to be looked for with {}: it has more than {} bytes", raw.op.word(), limits::PATTERN_BYTES - 4);
    Err(QueryError::new(raw.value_at, message))
}

/// An unknown name, or a known one with more behind it than a name.
fn unknown_field(raw: &Raw, catalogue: &Catalogue) -> QueryError {
    let starts = raw.field.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    if let Some((name, rest)) = starts.map(|at| raw.field.split_at(at)).rfind(|(name, _)| catalogue.find(name).is_some()) {
        let gap = rest.chars().take_while(|c| c.is_whitespace()).count();
        let at = raw.field_at + name.chars().count() + gap;
        let word = rest.split_whitespace().next().unwrap_or_default();
        let message = format!("an operator such as -eq was expected after {name}, not {:?}", cut(word));
        return QueryError::new(at, message).suggesting(operators(word));
    }
    if let Some(error) = out_of_place(&raw.field, raw.field_at) {
        return error;
    }
    let names = catalogue.entries().iter().flat_map(|entry| std::iter::once(&entry.name).chain(&entry.aliases));
    let near = closest(&key(&raw.field), names.map(String::as_str));
    QueryError::new(raw.field_at, format!("there is no field {:?}", cut(&raw.field))).suggesting(near)
}

fn unfit_operator(raw: &Raw, entry: &Entry) -> QueryError {
    let words: Vec<&str> = entry.kind.operators().iter().map(|op| op.word()).collect();
    let (name, word) = (&entry.name, entry.kind.word());
    let message = format!("{name} ({word}) has no operator {}; it has {}", raw.op.word(), words.join(", "));
    QueryError::new(raw.op_at, message)
}

fn one_value(raw: &RawValue, at: usize, op: Op, entry: &Entry) -> Result<Operand, QueryError> {
    let (text, quoted) = match raw {
        RawValue::Quoted(text) => (text, true),
        RawValue::Bare(text) => (text, false),
        // The grammar puts lists behind -in only, and none inside another.
        RawValue::List(_) => return Err(QueryError::new(at, "a list was not expected here")),
    };
    if !quoted && text.eq_ignore_ascii_case("NULL") {
        return Ok(Operand::Null);
    }
    if entry.kind != Kind::Time {
        let is_text = matches!(entry.kind, Kind::Text);
        match text.trim().to_uppercase().replace('\u{2013}', "-").as_str() {
            "%ME%" if is_text => return Ok(Operand::Me),
            "%ME-AN%" if is_text => return Ok(Operand::MeWithoutDomain),
            token if !quoted && token.starts_with('%') => return Err(unfit_token(text, at, op, entry)),
            _ => {}
        }
    }
    let wrong = |what: &str| QueryError::new(at, format!("{} is {what}, not {:?}", entry.name, cut(text)));
    match entry.kind {
        Kind::Text if op == Op::Like => Ok(Operand::Pattern(Pattern::parse(&without_nul(text)))),
        Kind::Text => Ok(Operand::Text(without_nul(text))),
        Kind::Dn if op == Op::Like => Ok(Operand::Pattern(Pattern::parse(&without_spaces_after_commas(&without_nul(text))))),
        Kind::Dn => Ok(Operand::Text(without_spaces_after_commas(&without_nul(text)))),
        Kind::Hex if op == Op::Like => Ok(Operand::Pattern(Pattern::parse(&hex_digits(text)))),
        Kind::Hex | Kind::Digest(_) => hexadecimal(text, at, op, entry).map(Operand::Text),
        Kind::Number => {
            let number = text.trim().parse::<i64>();
            number.map(Operand::Number).map_err(|_| wrong("a whole number"))
        }
        Kind::Time => When::parse(text)
            .map(Operand::When)
            .ok_or_else(|| wrong("a date").suggesting(["\"2026-01-31\"", "\"2026-01-31T08:30:00Z\"", "\"%TODAY+30%\""])),
        Kind::Flag => flag(text).map(Operand::Flag).ok_or_else(|| wrong("a yes or no").suggesting(["true", "false"])),
        Kind::Choice(choices) | Kind::Ordered(choices) => {
            choice(text, choices).map(Operand::Number).ok_or_else(|| not_among(text, at, entry, choices))
        }
        Kind::Usage => usage(text, op).ok_or_else(|| {
            let near = closest(text, key_usage_names());
            wrong("a key usage such as digitalSignature, or their number").suggesting(near)
        }),
    }
}

fn unfit_token(text: &str, at: usize, op: Op, entry: &Entry) -> QueryError {
    let upper = text.to_uppercase();
    let message = if upper.starts_with("%ME") {
        format!("{text} is a person; {} is a {}", entry.name, entry.kind.word())
    } else if upper.starts_with("%TODAY") {
        format!("{text} is a date; {} is a {}", entry.name, entry.kind.word())
    } else if op == Op::Like {
        let pattern = quote(&text.replace('%', "*"));
        return QueryError::new(at, format!("{text} is no pattern: any text is written as *")).suggesting([pattern]);
    } else {
        format!("there is no {text}: there are %TODAY%, %TODAY+30%, %ME% and %ME-AN%; text with a % stands in quotation marks")
    };
    QueryError::new(at, message)
}

fn not_among(text: &str, at: usize, entry: &Entry, choices: &'static [Choice]) -> QueryError {
    let all: Vec<&str> = choices.iter().map(|choice| choice.names[0]).collect();
    let near = closest(text, choices.iter().flat_map(|choice| choice.names).copied());
    let message = format!("{} is one of {}, not {:?}", entry.name, all.join(", "), cut(text));
    QueryError::new(at, message).suggesting(near)
}

fn choice(text: &str, choices: &[Choice]) -> Option<i64> {
    let text = text.trim();
    let named = |choice: &&Choice| choice.names.iter().any(|name| name.eq_ignore_ascii_case(text));
    let numbered = |choice: &&Choice| text.parse::<i64>() == Ok(choice.number);
    choices.iter().find(|choice| named(choice) || numbered(choice)).map(|choice| choice.number)
}

fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// A number is all usages together; `-contains` with a number asks for its bits, and a name always asks for its bit.
fn usage(text: &str, op: Op) -> Option<Operand> {
    if let Some(bit) = key_usage_bit(text) {
        return Some(Operand::Bits(bit));
    }
    let number = text.trim().parse::<i64>().ok().filter(|number| (0..=0xffff).contains(number))?;
    match op {
        Op::Contains | Op::NotContains => (number != 0).then_some(Operand::Bits(number)),
        _ => Some(Operand::Number(number)),
    }
}

fn hexadecimal(text: &str, at: usize, op: Op, entry: &Entry) -> Result<String, QueryError> {
    let digits = hex_digits(text);
    let digits = digits.strip_prefix("0x").unwrap_or(&digits);
    if !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(QueryError::new(at, format!("{} is hexadecimal, not {:?}", entry.name, cut(text))));
    }
    if let Kind::Digest(length) = entry.kind {
        let count = digits.len();
        let fits = count == length || count == 0 || op == Op::StartsWith && count < length;
        if !fits {
            let other: &[&str] = match (entry.id, count) {
                (FieldId::Thumbprint, 64) => &["Fingerprint"],
                (FieldId::Fingerprint, 40) => &["Thumbprint"],
                _ => &[],
            };
            let message = format!("{} has {length} hexadecimal digits, these are {count}", entry.name);
            return Err(QueryError::new(at, message).suggesting(other.iter().copied()));
        }
    }
    Ok(digits.to_owned())
}

/// Lower-case, without what people put between digits.
fn hex_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '\0')).collect::<String>().to_ascii_lowercase()
}

/// The form in which Certhold writes names: no spaces after a comma that separates parts; after an escaped one they stay.
fn without_spaces_after_commas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut escaped, mut after_comma) = (false, false);
    for character in text.chars() {
        if after_comma && character == ' ' {
            continue;
        }
        after_comma = character == ',' && !escaped;
        escaped = character == '\\' && !escaped;
        out.push(character);
    }
    out
}

/// No text that is held has NUL, and PostgreSQL cannot be asked for it; what cannot be there is asked for as U+FFFD.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// The beginning of what somebody wrote, for sentences.
fn cut(text: &str) -> String {
    if text.chars().nth(60).is_none() { text.to_owned() } else { text.chars().take(60).chain("…".chars()).collect() }
}
