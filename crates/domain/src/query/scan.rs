//! Walks over the characters of a query.

use super::ast::Op;
use super::error::QueryError;

/// A dash of any of the kinds that word processors make.
pub(super) fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The quotation mark that ends a text which begins with this one.
fn closing(open: char) -> Option<&'static [char]> {
    match open {
        '"' => Some(&['"']),
        '\u{201C}' | '\u{201D}' | '\u{201E}' => Some(&['\u{201D}', '\u{201C}']),
        _ => None,
    }
}

/// What other languages make operators of.
pub(super) fn is_sign(character: char) -> bool {
    matches!(character, '=' | '<' | '>' | '!' | '~' | '&' | '|')
}

pub(super) fn is_quote(character: char) -> bool {
    closing(character).is_some()
}

/// A place in a query.
#[derive(Clone)]
pub(super) struct Scan {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
}

impl Scan {
    pub(super) fn new(text: &str) -> Scan {
        Scan { chars: text.chars().collect(), at: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|c| c.is_whitespace() || c == '\0' || c == '\u{FEFF}') {
            self.at += 1;
        }
    }

    /// Takes this character after spaces.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        self.skip_spaces();
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> String {
        self.chars[from..to].iter().collect()
    }

    /// The word that begins here, without moving.
    pub(super) fn word_at(&self, from: usize) -> String {
        self.chars[from.min(self.chars.len())..].iter().take_while(|c| is_word(**c)).collect()
    }

    /// The signs that stand here, without moving.
    pub(super) fn signs_at(&self, from: usize) -> String {
        self.chars[from.min(self.chars.len())..].iter().take_while(|c| is_sign(**c)).collect()
    }

    /// The words of a part, parted by spaces, each with its place.
    pub(super) fn words(&self, from: usize, to: usize) -> Vec<(usize, String)> {
        let begins = |at: &usize| {
            let before = at.checked_sub(1).filter(|before| *before >= from).and_then(|before| self.chars.get(before));
            !self.chars[*at].is_whitespace() && before.is_none_or(|before| before.is_whitespace())
        };
        let word = |at: usize| (at, self.chars[at..to].iter().take_while(|c| !c.is_whitespace()).collect());
        (from..to).filter(begins).map(word).collect()
    }

    /// Takes the word `AND` or `OR`, in any letter case.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        self.skip_spaces();
        let found = self.word_at(self.at).eq_ignore_ascii_case(keyword);
        if found {
            self.at += keyword.len();
        }
        found
    }

    /// What stands here, for sentences.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(character) if !is_word(character) => format!("{character:?}").replace('\'', "\""),
            Some(_) => format!("{:?}", self.word_at(self.at)),
        }
    }

    /// The operator whose dash is at `at`, and where it ends.
    pub(super) fn operator_at(&self, at: usize) -> Option<(Op, usize)> {
        self.chars.get(at).filter(|c| is_dash(**c))?;
        let word = self.word_at(at + 1);
        Some((Op::parse(&word)?, at + 1 + word.chars().count()))
    }

    /// The next operator before a quotation mark or a parenthesis: its place, itself, and where it ends.
    pub(super) fn next_operator(&self) -> Option<(usize, Op, usize)> {
        let stop = |c: char| is_quote(c) || c == '(' || c == ')';
        let places = (self.at..self.chars.len()).take_while(|at| !stop(self.chars[*at]));
        places.filter_map(|at| self.operator_at(at).map(|(op, end)| (at, op, end))).next()
    }

    /// A text in quotation marks. A doubled mark stands for one. Backslashes are ordinary unless directly before a mark: then
    /// two stand for one, and a single one makes the mark part of the text.
    pub(super) fn quoted(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        let closing = self.peek().and_then(closing).unwrap_or(&['"']);
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            let backslashes = self.chars[self.at..].iter().take_while(|c| **c == '\\').count();
            let mark = self.chars.get(self.at + backslashes).copied().filter(|c| closing.contains(c));
            if let (1.., Some(mark)) = (backslashes, mark) {
                text.extend(std::iter::repeat_n('\\', backslashes / 2));
                self.at += backslashes;
                if backslashes % 2 == 1 {
                    text.push(mark);
                    self.at += 1;
                }
                continue;
            }
            self.at += 1;
            if !closing.contains(&character) {
                text.push(character);
            } else if self.peek() == Some(character) {
                text.push(character);
                self.at += 1;
            } else {
                return Ok(text);
            }
        }
        let message = "the text that begins here has no closing quotation mark; a backslash directly before a mark makes it part of \
                       the text, and two stand for one";
        Err(QueryError::new(start, message))
    }

    /// A value without quotation marks: up to a space, parenthesis, comma or quotation mark.
    pub(super) fn bare(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | ',') && !is_quote(c)) {
            self.at += 1;
        }
        self.slice(start, self.at)
    }

    /// `%TOKEN%`, and the days after it: `%TODAY% - 7`.
    pub(super) fn token(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|c| c != '%' && !is_quote(c) && !matches!(c, '(' | ')' | ',')) {
            self.at += 1;
        }
        if self.peek() != Some('%') {
            return Err(QueryError::new(start, "this has no closing %: write %TODAY%, %TODAY+30% or %ME%"));
        }
        self.at += 1;
        let mut end = self.at;
        let mut after = self.clone();
        after.skip_spaces();
        if after.peek().is_some_and(|c| c == '+' || is_dash(c)) {
            after.at += 1;
            after.skip_spaces();
            let digits = after.chars[after.at..].iter().take_while(|c| c.is_ascii_digit()).count();
            if digits > 0 {
                end = after.at + digits;
            }
        }
        self.at = end;
        let plain = |c: char| if is_dash(c) { '-' } else { c };
        Ok(self.slice(start, end).chars().map(plain).collect())
    }
}

/// A text in quotation marks, so that it means itself.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    let mut backslashes = 0;
    for character in text.chars() {
        if character == '"' {
            out.push_str(&"\\".repeat(backslashes));
            out.push('"');
        }
        backslashes = if character == '\\' { backslashes + 1 } else { 0 };
        out.push(character);
    }
    out.push_str(&"\\".repeat(backslashes));
    out.push('"');
    out
}

/// Whether an operator, or a word that is meant for one, occurs outside quotation marks, with something before it.
pub(super) fn has_operator(text: &str) -> bool {
    let mut scan = Scan::new(text);
    scan.skip_spaces();
    let start = scan.at;
    while let Some(character) = scan.peek() {
        if is_quote(character) {
            if scan.quoted().is_err() {
                return false;
            }
            continue;
        }
        if scan.at > start && is_dash(character) && scan.means_operator() {
            return true;
        }
        scan.at += 1;
    }
    false
}

impl Scan {
    /// Whether the dash here begins an operator: a known one apart from what is before it or with a value behind it, or any word of
    /// letters with both.
    fn means_operator(&self) -> bool {
        let apart = self.chars[self.at - 1].is_whitespace();
        let word = self.word_at(self.at + 1);
        let end = self.at + 1 + word.chars().count();
        let parted = self.chars.get(end).is_none_or(|c| c.is_whitespace() || is_quote(*c) || *c == '(');
        let valued = self.chars[end..].iter().any(|c| !c.is_whitespace());
        let is_word = word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic());
        parted && (if self.operator_at(self.at).is_some() { apart || valued } else { apart && valued && is_word })
    }
}
