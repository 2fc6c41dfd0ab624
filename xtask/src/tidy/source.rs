//! Rust source seen without its comments and literals, so that a word in a string is not taken for code.

/// A source file, taken apart.
pub struct Source {
    /// The code alone: comments and the insides of literals are spaces; lines and columns are as they were (in characters).
    pub code: String,
    /// The text inside each string literal, with the line it begins on, from 1. Escapes are as written.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    /// Takes a file apart.
    pub fn of(text: &str) -> Self {
        let mut reader = Reader { rest: text.chars().collect(), at: 0, line: 1, code: String::new(), strings: Vec::new() };
        reader.read();
        Self { code: reader.code, strings: reader.strings }
    }

    /// The same without the items marked `#[cfg(test)]`: what the product is made of.
    pub fn product(text: &str) -> Self {
        let mut source = Self::of(text);
        let ranges = test_items(&source.code);
        let mut line = 1;
        let mut tests = Vec::new();
        let mut code = String::with_capacity(source.code.len());
        for (at, character) in source.code.char_indices() {
            let inside = ranges.iter().any(|range| range.contains(&at));
            if inside && tests.last() != Some(&line) {
                tests.push(line);
            }
            code.push(if inside && character != '\n' { ' ' } else { character });
            line += usize::from(character == '\n');
        }
        source.strings.retain(|(line, _)| tests.binary_search(line).is_err());
        source.code = code;
        source
    }

    /// The lines of code with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Where the items marked `#[cfg(test)]` are: from the attribute to the closing brace, or to the semicolon.
fn test_items(code: &str) -> Vec<std::ops::Range<usize>> {
    const MARK: &str = "#[cfg(test)]";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = code[from..].find(MARK).map(|at| from + at) {
        let after = start + MARK.len();
        let mut depth = 0usize;
        let mut end = code.len();
        for (at, character) in code[after..].char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(character, '}' | ';') {
                end = after + at + 1;
                break;
            }
        }
        found.push(start..end);
        from = end;
    }
    found
}

/// Whether `word` stands in `line` by itself, not as a part of a longer name. A word may end in `::`, `(` or `!`.
pub fn has_word(line: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    let mut from = 0;
    while let Some(start) = line[from..].find(word).map(|at| from + at) {
        let end = start + word.len();
        let opens = !word.starts_with(part) || !line[..start].ends_with(part);
        let closes = !word.ends_with(part) || !line[end..].starts_with(part);
        if opens && closes {
            return true;
        }
        from = start + word.chars().next().map_or(1, char::len_utf8);
    }
    false
}

struct Reader {
    rest: Vec<char>,
    at: usize,
    line: usize,
    code: String,
    strings: Vec<(usize, String)>,
}

impl Reader {
    fn read(&mut self) {
        while let Some(character) = self.peek(0) {
            match (character, self.peek(1)) {
                ('/', Some('/')) => self.line_comment(),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(),
                ('\'', _) => self.quote(),
                _ if character.is_alphanumeric() || character == '_' => self.name(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    /// Takes one character into the code.
    fn keep(&mut self) {
        self.take(true);
    }

    /// Takes one character, leaving a space (or the line's end) in the code.
    fn blank(&mut self) -> Option<char> {
        self.take(false)
    }

    fn take(&mut self, visible: bool) -> Option<char> {
        let character = self.peek(0)?;
        self.at += 1;
        self.line += usize::from(character == '\n');
        self.code.push(if visible || character == '\n' { character } else { ' ' });
        Some(character)
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|character| character != '\n') {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let line = self.line;
        let mut inside = String::new();
        self.keep();
        while let Some(character) = self.peek(0) {
            if character == '"' {
                self.keep();
                break;
            }
            if character == '\\' {
                inside.extend(self.blank());
            }
            inside.extend(self.blank());
        }
        self.strings.push((line, inside));
    }

    /// `r"…"` or `r##"…"##`; the position is at the first `#` or quote.
    fn raw_string(&mut self) {
        let line = self.line;
        let mut hashes = 0;
        while self.peek(0) == Some('#') {
            hashes += 1;
            self.keep();
        }
        self.keep();
        let mut inside = String::new();
        while let Some(character) = self.peek(0) {
            if character == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                (0..=hashes).for_each(|_| self.keep());
                break;
            }
            inside.extend(self.blank());
        }
        self.strings.push((line, inside));
    }

    /// A character literal, or a lifetime, which is code.
    fn quote(&mut self) {
        let literal = matches!((self.peek(1), self.peek(2)), (Some('\\'), _) | (Some(_), Some('\'')));
        self.keep();
        if !literal {
            return;
        }
        while let Some(character) = self.peek(0) {
            if character == '\'' {
                self.keep();
                return;
            }
            if character == '\\' {
                self.blank();
            }
            self.blank();
        }
    }

    /// A name or number; one that is the prefix of a literal leads into it.
    fn name(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(|character| character.is_alphanumeric() || character == '_') {
            self.keep();
        }
        let name: String = self.rest[start..self.at].iter().collect();
        let raw = matches!(name.as_str(), "r" | "br" | "cr");
        let mut hashes = 0;
        while self.peek(hashes) == Some('#') {
            hashes += 1;
        }
        if raw && self.peek(hashes) == Some('"') {
            self.raw_string();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_not_code() {
        let text = "let a = \"unsafe \\\" {\"; // async {\n/* one /* two */ { */ let b = 'x'; let c = '\\''; let d = '\"';";
        let source = Source::of(text);
        assert!(!source.code.contains("unsafe") && !source.code.contains("async") && !source.code.contains('{'));
        assert!(source.code.contains("let b") && source.code.contains("let c") && source.code.contains("let d"));
        assert_eq!(source.strings, [(1, "unsafe \\\" {".to_owned())]);
        assert_eq!(source.code.chars().count(), text.chars().count());
    }

    #[test]
    fn raw_strings_end_at_their_own_mark() {
        let source = Source::of("f(r#\"a \" b\"#, br\"c\", r##\"d \"# e\"##);\ng(\"h\")");
        let inside: Vec<(usize, &str)> = source.strings.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(inside, [(1, "a \" b"), (1, "c"), (1, "d \"# e"), (2, "h")]);
        assert!(source.code.ends_with("g(\" \")"));
    }

    #[test]
    fn lifetimes_are_code() {
        let source = Source::of("fn f<'a>(x: &'a str) -> &'a str { x } // '");
        assert_eq!(source.code.trim_end(), "fn f<'a>(x: &'a str) -> &'a str { x }");
    }

    #[test]
    fn the_product_is_without_its_tests() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c(\"in\"); }\n}\n#[cfg(test)]\nuse x::y;\nfn d() { e(\"out\") }\n";
        let source = Source::product(text);
        assert!(!source.code.contains("fn b") && !source.code.contains("x::y"));
        assert!(source.code.contains("fn a") && source.code.contains("fn d"));
        assert_eq!(source.strings, [(8, "out".to_owned())]);
        assert_eq!(source.lines().count(), text.lines().count());
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("unsafe {", "unsafe"));
        assert!(!has_word("#![forbid(unsafe_code)]", "unsafe"));
        assert!(has_word("unsafe_code unsafe", "unsafe"));
        assert!(has_word("std::fs::read", "fs::"));
        assert!(!has_word("dnfs::read", "fs::"));
        assert!(has_word("x.await;", ".await"));
        assert!(!has_word("x.awaited()", ".await"));
        assert!(!has_word("ünsafe", "unsafe"));
    }
}
