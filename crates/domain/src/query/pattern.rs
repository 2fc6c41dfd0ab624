//! Patterns of `-like`: `*` stands for any text, `?` for one character, a backslash before either takes its meaning away.

/// A pattern in pieces; two [`Piece::Any`] and two texts never follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// `*`
    Any,
    /// `?`
    One,
    /// Itself.
    Text(String),
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Pattern {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' if pieces.last() == Some(&Piece::Any) => {}
                '*' => pieces.push(Piece::Any),
                '?' => pieces.push(Piece::One),
                _ => {
                    let escaped =
                        if character == '\\' { characters.next_if(|next| matches!(next, '*' | '?' | '\\')) } else { None };
                    let character = escaped.unwrap_or(character);
                    match pieces.last_mut() {
                        Some(Piece::Text(text)) => text.push(character),
                        _ => pieces.push(Piece::Text(character.into())),
                    }
                }
            }
        }
        Pattern { pieces }
    }

    /// The pattern of just this text.
    pub(super) fn of_text(text: &str) -> Pattern {
        Pattern { pieces: vec![Piece::Text(text.to_owned())] }
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The same pattern on folded text.
    pub(super) fn folded(&self, fold: fn(&str) -> String) -> Pattern {
        let fold_piece = |piece: &Piece| match piece {
            Piece::Text(text) => Piece::Text(fold(text)),
            other => other.clone(),
        };
        Pattern { pieces: self.pieces.iter().map(fold_piece).collect() }
    }

    /// Whether the whole of `text` fits. Time is at most the product of both lengths.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let pattern: Vec<Step> = self.pieces.iter().flat_map(steps).collect();
        let (mut at, mut step) = (0, 0);
        // Where to take up again after the last `*`: one character later than before.
        let mut again: Option<(usize, usize)> = None;
        loop {
            match pattern.get(step) {
                Some(Step::Any) => {
                    again = Some((step + 1, at));
                    step += 1;
                    continue;
                }
                Some(wanted) if at < text.len() && wanted.fits(text[at]) => {
                    at += 1;
                    step += 1;
                    continue;
                }
                None if at == text.len() => return true,
                _ => {}
            }
            match again {
                Some((after, from)) if from < text.len() => {
                    again = Some((after, from + 1));
                    (step, at) = (after, from + 1);
                }
                _ => return false,
            }
        }
    }

    /// The pattern for SQL's `LIKE … ESCAPE '\'`.
    pub fn to_sql(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Any => "%".to_owned(),
            Piece::One => "_".to_owned(),
            Piece::Text(text) => text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"),
        };
        self.pieces.iter().map(piece).collect()
    }
}

#[derive(Clone, Copy)]
enum Step {
    Any,
    One,
    Exactly(char),
}

impl Step {
    fn fits(self, character: char) -> bool {
        match self {
            Step::Any => false,
            Step::One => true,
            Step::Exactly(wanted) => wanted == character,
        }
    }
}

fn steps(piece: &Piece) -> Vec<Step> {
    match piece {
        Piece::Any => vec![Step::Any],
        Piece::One => vec![Step::One],
        Piece::Text(text) => text.chars().map(Step::Exactly).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, written down as recursion.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((character, rest)) => text.first() == Some(character) && naive(rest, &text[1..]),
        }
    }

    #[test]
    fn escaped_signs_stand_for_themselves() {
        let pattern = Pattern::parse(r"a\*b\?c\\d\e");
        assert!(pattern.matches(r"a*b?c\d\e"));
        assert!(!pattern.matches(r"axb?c\d\e"));
        assert_eq!(Pattern::parse("50%_*?").to_sql(), "50\\%\\_%_");
    }

    #[test]
    fn many_stars_cost_little() {
        assert!(!Pattern::parse(&"*a".repeat(500)).matches(&"a".repeat(499)));
    }

    proptest! {
        #[test]
        fn matching_is_the_definition(pattern in "[ab*?]{0,8}", text in "[abc]{0,10}") {
            let definition = naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(Pattern::parse(&pattern).matches(&text), definition);
        }
    }
}
