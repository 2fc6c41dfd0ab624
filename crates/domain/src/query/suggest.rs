//! Names that are close to one that is not known.

use super::fold;

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
