//! Names that are close to one that is not known.

use super::ast::Op;
use super::fold;

/// Words by which other languages call operators, with what they are called here.
const OTHER_WORDS: &[(&[&str], &[&str])] = &[
    (&["equals", "equal", "is"], &["-eq"]),
    (&["notequals", "notequal", "neq", "isnot", "not", "differs"], &["-ne"]),
    (&["has", "includes", "include"], &["-contains"]),
    (&["excludes", "exclude", "lacks"], &["-notcontains"]),
    (&["begins", "beginswith", "starts", "prefix"], &["-startswith"]),
    (&["ends", "suffix"], &["-endswith"]),
    (&["less", "before", "below", "under"], &["-lt"]),
    (&["lte", "until"], &["-le"]),
    (&["more", "greater", "after", "above", "over"], &["-gt"]),
    (&["gte", "since"], &["-ge"]),
    (&["between", "within"], &["-ge", "-le"]),
    (&["anyof", "oneof", "among"], &["-in"]),
    (&["match", "matches", "regex", "glob"], &["-like"]),
];

/// Signs by which other languages write operators.
const OTHER_SIGNS: &[(&[&str], &[&str])] = &[
    (&["=", "==", "===", ":="], &["-eq"]),
    (&["!", "!=", "!==", "<>"], &["-ne"]),
    (&["<"], &["-lt"]),
    (&["<=", "=<"], &["-le"]),
    (&[">"], &["-gt"]),
    (&[">=", "=>"], &["-ge"]),
    (&["~", "=~", "~="], &["-contains", "-like"]),
    (&["!~"], &["-notcontains"]),
    (&["&", "&&"], &["AND"]),
    (&["|", "||"], &["OR"]),
];

fn called(written: &str, known: &[(&[&str], &'static [&'static str])]) -> Option<&'static [&'static str]> {
    known.iter().find(|(others, _)| others.contains(&written)).map(|(_, ours)| *ours)
}

/// What signs of other languages are written as.
pub(super) fn of_signs(signs: &str) -> &'static [&'static str] {
    called(signs, OTHER_SIGNS).unwrap_or_default()
}

/// The operators that a word without a dash may stand for: itself, what other languages mean by it, and those that are close to it.
pub(super) fn operators(word: &str) -> Vec<&'static str> {
    let folded = fold(word);
    if let Some(op) = Op::parse(&folded) {
        return vec![op.word()];
    }
    if let Some(ours) = called(&folded, OTHER_WORDS) {
        return ours.to_vec();
    }
    let known = || Op::ALL.iter().map(|(_, word, _)| *word);
    let near = closest(&folded, known().map(|word| &word[1..]));
    known().filter(|word| near.contains(&&word[1..])).collect()
}

const OFFERED: usize = 3;

/// The names closest to `wanted`, at most three; none that is far from it.
pub(super) fn closest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = fold(wanted).chars().take(64).collect();
    let near = |name: &'a str| {
        let folded: Vec<char> = fold(name).chars().collect();
        let distance = distance(&wanted, &folded);
        // A third of the letters may differ; a name that begins so is near as well.
        let begins = wanted.len() >= 2 && folded.starts_with(&wanted);
        let near = distance * 3 <= wanted.len().max(folded.len()) || begins;
        near.then_some((if begins { 0 } else { distance }, name))
    };
    let mut found: Vec<(usize, &str)> = names.filter_map(near).collect();
    found.sort();
    found.dedup_by_key(|(_, name)| *name);
    let best = found.first().map_or(0, |(distance, _)| *distance);
    found.into_iter().filter(|(distance, _)| *distance == best).take(OFFERED).map(|(_, name)| name).collect()
}

/// Letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(left != right);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let between = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(between("kitten", "sitting"), 3);
        assert_eq!(between("isseudcn", "issuedcn"), 1);
        assert_eq!(between("", "abc"), 3);
    }

    #[test]
    fn only_what_is_near_is_offered() {
        let names = ["IssuedCN", "IssuedDN", "IssuerDN", "KeySize"];
        assert_eq!(closest("IsuedCN", names.into_iter())[0], "IssuedCN");
        assert_eq!(closest("keysiz", names.into_iter()), ["KeySize"]);
        assert!(closest("Colour", names.into_iter()).is_empty());
    }
}
