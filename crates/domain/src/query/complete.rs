//! What could be written next: fields, operators, values, connectors.

use super::ast::Op;
use super::catalogue::{Catalogue, Entry, key};
use super::field::{FieldId, Kind};
use super::fold;
use super::scan::{is_dash, quote};
use super::syntax::{Expecting, Parser};
use super::usage::{extended_key_usage_names, key_usage_names};

/// Completions offered at most.
const OFFERED: usize = 50;

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// A field's name.
    Field,
    /// An operator.
    Operator,
    /// A value.
    Value,
    /// AND, OR, or a closing parenthesis.
    Connector,
}

impl CompletionKind {
    /// The word for it in APIs.
    pub fn word(self) -> &'static str {
        match self {
            CompletionKind::Field => "field",
            CompletionKind::Operator => "operator",
            CompletionKind::Value => "value",
            CompletionKind::Connector => "connector",
        }
    }
}

/// Something that could stand next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is written, as it must stand in the query.
    pub text: String,
    /// What it is.
    pub kind: CompletionKind,
    /// One line about it.
    pub detail: String,
}

/// Everything that could stand next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completions {
    /// The characters from here (counted from 0) to the cursor are replaced by what is chosen.
    pub from: usize,
    /// In the order in which they are offered.
    pub items: Vec<Completion>,
}

/// What could be written at `cursor` (characters before it). `values` gives values that certificates have in a field and that
/// begin with a text; it may give any.
pub fn complete(
    text: &str,
    cursor: usize,
    catalogue: &Catalogue,
    values: &mut dyn FnMut(FieldId, &str) -> Vec<String>,
) -> Completions {
    let written: Vec<char> = text.chars().take(cursor).collect();
    let before: String = written.iter().collect();
    let mut parser = Parser::new(&before);
    // What is wrong so far does not matter: what is expected where reading stopped does.
    let _ = parser.whole();
    let ends_in_space = written.last().is_none_or(|c| c.is_whitespace());
    let mut found = match parser.expecting {
        Expecting::Field { start } => field_or_operator(&written, start, catalogue),
        Expecting::Value { field, op, start } => value(&written, start, &field, op, catalogue, values),
        Expecting::Connector { start, open } => match parser.last_value {
            // A value without quotation marks may still be growing.
            Some((field, op, value_at)) if !ends_in_space && start == written.len() && is_bare(&written[value_at..]) => {
                value(&written, value_at, &field, op, catalogue, values)
            }
            _ => connector(&written, start, open),
        },
    };
    found.items.truncate(OFFERED);
    found
}

fn is_bare(value: &[char]) -> bool {
    value.first().is_some_and(|c| c.is_alphanumeric() || *c == '%')
}

/// A field's name, or what follows one that is complete.
fn field_or_operator(written: &[char], start: usize, catalogue: &Catalogue) -> Completions {
    let rest = &written[start.min(written.len())..];
    let ends = (1..=rest.len()).rev().filter(|end| rest.get(*end).is_some_and(|c| c.is_whitespace() || is_dash(*c)));
    for end in ends {
        let name: String = rest[..end].iter().collect();
        if let Some(entry) = catalogue.find(&name) {
            let gap = rest[end..].iter().take_while(|c| c.is_whitespace()).count();
            return operator(written, start + end + gap, entry);
        }
    }
    let typed: String = rest.iter().collect();
    Completions { from: start, items: fields(&typed, catalogue) }
}

fn fields(typed: &str, catalogue: &Catalogue) -> Vec<Completion> {
    let wanted = key(typed);
    let rank = |entry: &Entry| {
        let names: Vec<String> = std::iter::once(&entry.name).chain(&entry.aliases).map(|name| key(name)).collect();
        let offered = !matches!(entry.id, FieldId::Absent | FieldId::AlwaysFalse);
        if names.iter().any(|name| name.starts_with(&wanted)) && (offered || !wanted.is_empty()) {
            Some(0)
        } else {
            names.iter().any(|name| name.contains(&wanted)).then_some(1).filter(|_| offered)
        }
    };
    let mut found: Vec<(i32, &Entry)> = catalogue.entries().iter().filter_map(|entry| Some((rank(entry)?, entry))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    let completion = |entry: &Entry| Completion {
        text: entry.name.clone(),
        kind: CompletionKind::Field,
        detail: format!("{}: {}", entry.kind.word(), entry.sentence),
    };
    found.into_iter().map(|(_, entry)| completion(entry)).collect()
}

fn operator(written: &[char], from: usize, entry: &Entry) -> Completions {
    let typed: String = written[from..].iter().map(|c| if is_dash(*c) { '-' } else { *c }).collect();
    let typed = fold(typed.trim());
    let known = entry.kind.operators().iter().filter(|op| op.word().starts_with(&typed));
    let items = known.map(|op| Completion {
        text: op.word().to_owned(),
        kind: CompletionKind::Operator,
        detail: op.sentence().to_owned(),
    });
    Completions { from, items: items.collect() }
}

fn connector(written: &[char], start: usize, open: usize) -> Completions {
    let gap = written[start..].iter().take_while(|c| c.is_whitespace()).count();
    let typed: String = written[start + gap..].iter().collect();
    let space = if gap == 0 { " " } else { "" };
    let all =
        [("AND", "both must hold; binds tighter than OR"), ("OR", "one of both must hold"), (")", "closes the parenthesis")];
    let offered = all.iter().filter(|(word, _)| *word != ")" || open > 0);
    let fitting = offered.filter(|(word, _)| word.to_lowercase().starts_with(&fold(&typed)));
    let items = fitting.map(|(word, detail)| Completion {
        text: if *word == ")" { (*word).to_owned() } else { format!("{space}{word}") },
        kind: CompletionKind::Connector,
        detail: (*detail).to_owned(),
    });
    Completions { from: start + gap, items: items.collect() }
}

fn value(
    written: &[char],
    start: usize,
    field: &str,
    op: Op,
    catalogue: &Catalogue,
    values: &mut dyn FnMut(FieldId, &str) -> Vec<String>,
) -> Completions {
    let Some(entry) = catalogue.find(field) else { return Completions { from: start, items: Vec::new() } };
    let rest: String = written[start..].iter().collect();
    let quoted = rest.starts_with(['"', '\u{201C}', '\u{201E}', '\u{201D}']);
    let typed = if quoted { rest.chars().skip(1).collect::<String>().replace("\"\"", "\"") } else { rest.trim_end().to_owned() };
    let wanted = fold(&typed);
    let mut all = fixed_values(entry, op, quoted);
    let searched = matches!(entry.kind, Kind::Text | Kind::Dn | Kind::Hex | Kind::Digest(_) | Kind::Number);
    if searched {
        let held = entry.options.iter().cloned().chain(values(entry.id, &typed));
        let is_number = entry.kind == Kind::Number;
        all.extend(held.map(|text| (if is_number { text.clone() } else { quote(&text) }, text, String::new())));
    }
    let mut found: Vec<(bool, (String, String, String))> = Vec::new();
    for (text, plain, detail) in all {
        let folded = fold(&plain);
        if folded.contains(&wanted) && !found.iter().any(|(_, (known, _, _))| *known == text) {
            found.push((!folded.starts_with(&wanted), (text, plain, detail)));
        }
    }
    found.sort_by_key(|(later, _)| *later);
    // The list of -in begins with a parenthesis that nobody has written yet.
    let opens = op == Op::In && !in_list(written, start);
    let items = found.into_iter().map(|(_, (text, _, detail))| Completion {
        text: if opens { format!("({text}") } else { text },
        kind: CompletionKind::Value,
        detail,
    });
    Completions { from: start, items: items.collect() }
}

/// Whether the value at `start` stands behind the parenthesis or a comma of a list.
fn in_list(written: &[char], start: usize) -> bool {
    written[..start].iter().rev().find(|c| !c.is_whitespace()).is_some_and(|c| matches!(c, '(' | ','))
}

/// Values that do not depend on the inventory: as written, as compared with what was typed, and a line about each.
fn fixed_values(entry: &Entry, op: Op, quoted: bool) -> Vec<(String, String, String)> {
    let plain = |text: &str, detail: &str| (text.to_owned(), text.to_owned(), detail.to_owned());
    let in_marks = |text: &str, detail: &str| (quote(text), text.to_owned(), detail.to_owned());
    let mut all = Vec::new();
    if !quoted && matches!(op, Op::Equal | Op::NotEqual) {
        all.push(plain("NULL", "not set"));
    }
    match entry.kind {
        Kind::Flag => all.extend([plain("true", ""), plain("false", "")]),
        Kind::Choice(choices) | Kind::Ordered(choices) => {
            all.extend(choices.iter().map(|choice| plain(choice.names[0], &format!("number {}", choice.number))));
        }
        Kind::Usage => all.extend(key_usage_names().map(|name| plain(name, ""))),
        Kind::Time => all.extend([
            in_marks("%TODAY%", "today, in UTC"),
            in_marks("%TODAY+30%", "in 30 days"),
            in_marks("%TODAY-30%", "30 days ago"),
            in_marks("2026-01-31", "a day, year first"),
        ]),
        Kind::Text if entry.id == FieldId::Eku => all.extend(extended_key_usage_names().map(|name| in_marks(name, ""))),
        Kind::Text if matches!(entry.id, FieldId::Metadata(_)) => {
            all.extend([in_marks("%ME%", "your name"), in_marks("%ME-AN%", "your name without its domain")]);
        }
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::Query;
    use super::super::testing::catalogue;
    use super::*;

    fn offered(text: &str) -> (usize, Vec<String>) {
        let mut values = |field: FieldId, typed: &str| {
            let held: &[&str] = match field {
                FieldId::IssuedCn => &["shop.example.org", "say \"hi\"", "www.example.org"],
                FieldId::OwnerRoleName => &["Web Operations", "DNS"],
                _ => &[],
            };
            held.iter().filter(|value| fold(value).contains(&fold(typed))).map(|value| (*value).to_owned()).collect()
        };
        let found = complete(text, text.chars().count(), &catalogue(), &mut values);
        (found.from, found.items.into_iter().map(|item| item.text).collect())
    }

    #[test]
    fn each_place_has_its_words() {
        for (text, from, expected) in [
            ("Iss", 0, &["IssuedCN", "IssuedDN", "IssuerDN", "IssuerCN", "IssuedDate", "IssuedEmail"][..]),
            ("CertId -eq 1 AND (Cost", 18, &["Cost Centre"]),
            ("HasPrivateKey ", 14, &["-eq", "-ne"]),
            ("HasPrivateKey -", 14, &["-eq", "-ne"]),
            ("cost centre -st", 12, &["-startswith"]),
            ("KeySize-g", 7, &["-gt", "-ge"]),
            ("HasPrivateKey -eq ", 18, &["NULL", "true", "false"]),
            ("HasPrivateKey -eq t", 18, &["true"]),
            ("KeyType -eq R", 12, &["RSA"]),
            ("CN -eq \"shop", 7, &["\"shop.example.org\""]),
            ("CN -contains hi", 13, &["\"say \"\"hi\"\"\""]),
            ("Owner -in ", 10, &["(\"Web Operations\"", "(\"DNS\""]),
            ("Owner -in (\"DNS\", ", 18, &["\"Web Operations\"", "\"DNS\""]),
            ("Owner -in (\"DNS\", w", 18, &["\"Web Operations\""]),
            ("ExpirationDate -lt \"%TODAY+", 19, &["\"%TODAY+30%\""]),
            ("KeyUsage -contains key", 19, &["keyEncipherment", "keyAgreement", "keyCertSign"]),
            ("CN -eq \"a\" ", 11, &["AND", "OR"]),
            ("CN -eq \"a\"", 10, &[" AND", " OR"]),
            ("(CN -eq \"a\" ", 12, &["AND", "OR", ")"]),
            ("CN -eq \"a\" an", 11, &["AND"]),
            ("Nonsense -eq ", 13, &[]),
            ("CN -nonsense ", 3, &[]),
        ] {
            assert_eq!(offered(text), (from, expected.iter().map(|text| (*text).to_owned()).collect()), "{text}");
        }
        assert!(offered("").1.len() > 20, "every field that has data");
        assert!(!offered("").1.contains(&"SSLPort".to_owned()));
        assert_eq!(offered("SSLP").1, ["SSLPort"]);
    }

    /// Walks: whatever is offered, one after the other, becomes a query.
    #[test]
    fn what_is_offered_can_be_written() {
        for entry in catalogue().entries() {
            for op in entry.kind.operators() {
                let text = format!("{} {} ", entry.name, op.word());
                let (from, values) = offered(&text);
                for value in values {
                    let mut whole: String = text.chars().take(from).collect();
                    whole.push_str(&value);
                    if *op == Op::In {
                        whole.push(')');
                    }
                    if let Err(error) = Query::parse(&whole, &catalogue()) {
                        panic!("{whole}: {error}");
                    }
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_place_is_survived(text in "([-a-zA-Z0-9%\"\\\\(), ]|-eq |-in |CN|AND|\\PC){0,40}", cursor in 0usize..60) {
            let found = complete(&text, cursor, &catalogue(), &mut |_, _| vec!["x".to_owned()]);
            proptest::prop_assert!(found.from <= cursor.min(text.chars().count()));
        }
    }
}
