//! From what was written to what is tested: clock and caller put in, operators reduced to few tests, sugar taken away.

use std::convert::Infallible;

use super::ast::{Compare, Condition, Expr, Op, Operand, Predicate, Scalar, Test};
use super::field::FieldId;
use super::pattern::{Pattern, Piece};

pub(super) struct Context<'a> {
    pub(super) now: i64,
    pub(super) me: &'a str,
    /// The form in which texts are compared by whoever tests them.
    pub(super) fold: fn(&str) -> String,
}

/// The condition that a tree of comparisons means.
pub(super) fn condition(tree: &Expr<Compare>, context: &Context<'_>) -> Condition {
    let resolved: Result<Condition, Infallible> = tree.replace(&mut |compare| Ok(context.compare(compare)));
    match resolved {
        Ok(condition) => condition,
    }
}

impl Context<'_> {
    fn compare(&self, compare: &Compare) -> Condition {
        let Compare { field, op, operand } = compare;
        let negated = matches!(op, Op::NotEqual | Op::NotContains);
        match (field, operand) {
            (FieldId::Absent, _) => {
                // Never set: only "is not set" and "is not this" hold.
                Expr::constant(if *operand == Operand::Null { *op == Op::Equal } else { negated })
            }
            (FieldId::AlwaysFalse, _) => {
                let holds = *operand == Operand::Flag(false);
                Expr::constant(holds != negated)
            }
            (FieldId::CertState, _) => choice(operand, negated, cert_state),
            (FieldId::KeyType, _) => choice(operand, negated, key_type),
            (_, Operand::Null) => leaf(*field, !negated, Test::Set),
            _ => self.test(*field, *op, operand, negated),
        }
    }

    fn test(&self, field: FieldId, op: Op, operand: &Operand, negated: bool) -> Condition {
        match operand {
            Operand::List(values) => self.one_of(field, values),
            Operand::Number(number) => leaf(field, negated, number_test(op, *number)),
            Operand::Flag(flag) => leaf(field, negated, Test::Equals(vec![Scalar::Flag(*flag)])),
            Operand::Bits(bits) => leaf(field, negated, Test::Bits(*bits)),
            Operand::When(when) => {
                let (from, to) = when.span(self.now);
                leaf(field, negated, span_test(op, from, to))
            }
            Operand::Pattern(pattern) => pattern_test(field, &pattern.folded(self.fold)),
            // HOST\\NAME: the host is this one, and authorities are kept by their names.
            Operand::Text(text) if field == FieldId::Authority => {
                let name = text.rsplit('\\').next().unwrap_or(text);
                text_test(field, op, &(self.fold)(name), negated)
            }
            Operand::Text(_) | Operand::Me | Operand::MeWithoutDomain => {
                text_test(field, op, &(self.fold)(&self.text(operand)), negated)
            }
            // NULL was dealt with before; it tests nothing else.
            Operand::Null => leaf(field, !negated, Test::Set),
        }
    }

    /// The text an operand stands for.
    fn text(&self, operand: &Operand) -> String {
        match operand {
            Operand::Text(text) => text.clone(),
            Operand::Me => self.me.to_owned(),
            Operand::MeWithoutDomain => {
                let after = self.me.rsplit('\\').next().unwrap_or(self.me);
                after.split('@').next().unwrap_or(after).to_owned()
            }
            _ => String::new(),
        }
    }

    /// `-in`: all plain values in one test, which an index answers at once.
    fn one_of(&self, field: FieldId, values: &[Operand]) -> Condition {
        let (mut plain, mut rest) = (Vec::new(), Vec::new());
        for value in values {
            match self.test(field, Op::Equal, value, false) {
                Expr::Leaf(Predicate { negated: false, test: Test::Equals(values), .. }) => plain.extend(values),
                other => rest.push(other),
            }
        }
        if !plain.is_empty() {
            plain.sort();
            plain.dedup();
            rest.insert(0, leaf(field, false, Test::Equals(plain)));
        }
        if rest.len() == 1 { rest.remove(0) } else { Expr::Or(rest) }
    }
}

fn leaf(field: FieldId, negated: bool, test: Test) -> Condition {
    Expr::Leaf(Predicate { field, negated, test })
}

fn number_test(op: Op, number: i64) -> Test {
    match op {
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => span_test(op, number, number),
        _ => Test::Equals(vec![Scalar::Number(number)]),
    }
}

/// A comparison with everything between `from` and `to`.
fn span_test(op: Op, from: i64, to: i64) -> Test {
    let nothing = Test::Within { from: 1, to: 0 };
    match op {
        Op::Less => from.checked_sub(1).map_or(nothing, |to| Test::Within { from: i64::MIN, to }),
        Op::Greater => to.checked_add(1).map_or(nothing, |from| Test::Within { from, to: i64::MAX }),
        Op::LessOrEqual => Test::Within { from: i64::MIN, to },
        Op::GreaterOrEqual => Test::Within { from, to: i64::MAX },
        _ => Test::Within { from, to },
    }
}

/// `folded` may be empty: empty text counts as not set, and every text contains it.
fn text_test(field: FieldId, op: Op, folded: &str, negated: bool) -> Condition {
    let text = folded.to_owned();
    match op {
        Op::Contains | Op::NotContains if text.is_empty() => leaf(field, negated, Test::Set),
        Op::StartsWith | Op::EndsWith if text.is_empty() => leaf(field, false, Test::Set),
        Op::Contains | Op::NotContains => leaf(field, negated, Test::Contains(text)),
        Op::StartsWith => leaf(field, false, Test::StartsWith(text)),
        Op::EndsWith => leaf(field, false, Test::EndsWith(text)),
        _ if text.is_empty() => leaf(field, !negated, Test::Set),
        _ if field == FieldId::SerialNumber => leaf(field, negated, Test::Equals(serial_forms(&text))),
        _ => leaf(field, negated, Test::Equals(vec![Scalar::Text(text)])),
    }
}

/// A serial number as written, and as DER writes the same number: whole octets, the first bit of a positive number zero.
fn serial_forms(written: &str) -> Vec<Scalar> {
    let digits = written.trim_start_matches('0');
    let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
    let der = if even.starts_with(|c: char| c >= '8') || even.is_empty() { format!("00{even}") } else { even.clone() };
    let mut forms: Vec<Scalar> =
        [written.to_owned(), even, der].into_iter().filter(|form| !form.is_empty()).map(Scalar::Text).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// `-like`, as a simpler test where one means the same.
fn pattern_test(field: FieldId, pattern: &Pattern) -> Condition {
    let test = match pattern.pieces() {
        [] => return leaf(field, true, Test::Set),
        [Piece::Any] => Test::Set,
        [Piece::Text(text)] => return text_test(field, Op::Equal, text, false),
        [Piece::Any, Piece::Text(text), Piece::Any] => Test::Contains(text.clone()),
        [Piece::Text(text), Piece::Any] => Test::StartsWith(text.clone()),
        [Piece::Any, Piece::Text(text)] => Test::EndsWith(text.clone()),
        _ => Test::Like(pattern.clone()),
    };
    leaf(field, false, test)
}

/// A choice that is always set and made of other fields.
fn choice(operand: &Operand, negated: bool, meaning: fn(i64) -> Condition) -> Condition {
    let positive = match operand {
        Operand::Null => Expr::never(),
        Operand::Number(number) => meaning(*number),
        Operand::List(values) => Expr::Or(values.iter().map(|value| choice(value, false, meaning)).collect()),
        // The types let no other value through.
        _ => Expr::never(),
    };
    if negated { not(positive) } else { positive }
}

/// The negation, which logic with two values always has.
fn not(condition: Condition) -> Condition {
    match condition {
        Expr::And(parts) => Expr::Or(parts.into_iter().map(not).collect()),
        Expr::Or(parts) => Expr::And(parts.into_iter().map(not).collect()),
        Expr::Leaf(predicate) => Expr::Leaf(Predicate { negated: !predicate.negated, ..predicate }),
    }
}

/// Of what is not revoked, an authority's certificate is in state 6, every other in state 1: Certhold has no other states.
fn cert_state(number: i64) -> Condition {
    let revoked = |revoked: bool| leaf(FieldId::RevocationDate, !revoked, Test::Set);
    let alive = |is_ca: bool| {
        let kind = leaf(FieldId::IsCa, false, Test::Equals(vec![Scalar::Flag(is_ca)]));
        Expr::And(vec![kind, revoked(false)])
    };
    match number {
        1 => alive(false),
        2 => revoked(true),
        6 => alive(true),
        _ => Expr::never(),
    }
}

/// Key algorithms by Keyfactor's key types.
const KEY_TYPES: &[(i64, &[&str])] = &[(1, &["RSA", "RSASSA-PSS", "RSAES-OAEP"]), (2, &["DSA"]), (3, &["EC"]), (4, &["DH"])];

fn key_type(number: i64) -> Condition {
    let texts = |names: &[&str]| names.iter().map(|name| Scalar::Text(super::fold(name))).collect::<Vec<_>>();
    match KEY_TYPES.iter().find(|(known, _)| *known == number) {
        Some((_, names)) => leaf(FieldId::KeyAlgorithm, false, Test::Equals(texts(names))),
        None if number == 0 => {
            let known = KEY_TYPES.iter().flat_map(|(_, names)| texts(names)).collect();
            leaf(FieldId::KeyAlgorithm, true, Test::Equals(known))
        }
        None => Expr::never(),
    }
}
