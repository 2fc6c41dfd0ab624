//! The grammar: AND binds tighter than OR, parentheses, `field -operator value`. What fields exist is not known here.

use super::ast::{Expr, Op};
use super::error::QueryError;
use super::scan::{Scan, is_dash, is_quote, is_sign};
use super::suggest::{self, closest};
use crate::limits;

/// A comparison as it stands in the text; places are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) field: String,
    pub(super) field_at: usize,
    pub(super) op: Op,
    pub(super) op_at: usize,
    pub(super) value: RawValue,
    pub(super) value_at: usize,
}

/// A value as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawValue {
    /// In quotation marks.
    Quoted(String),
    /// Without.
    Bare(String),
    /// In parentheses, each with its place.
    List(Vec<(RawValue, usize)>),
}

/// What could follow where reading stopped; for completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expecting {
    /// A field, or an opening parenthesis.
    Field { start: usize },
    /// A value of this field under this operator.
    Value { field: String, op: Op, start: usize },
    /// AND, OR, or a closing parenthesis.
    Connector { start: usize, open: usize },
}

/// Reads a query; `None` when there is nothing in it.
pub(super) fn parse(text: &str) -> Result<Option<Expr<Raw>>, QueryError> {
    let mut parser = Parser::new(text);
    parser.whole()
}

pub(super) struct Parser {
    scan: Scan,
    depth: usize,
    terms: usize,
    pub(super) expecting: Expecting,
    /// Field, operator and place of the last value.
    pub(super) last_value: Option<(String, Op, usize)>,
}

impl Parser {
    pub(super) fn new(text: &str) -> Parser {
        Parser { scan: Scan::new(text), depth: 0, terms: 0, expecting: Expecting::Field { start: 0 }, last_value: None }
    }

    pub(super) fn whole(&mut self) -> Result<Option<Expr<Raw>>, QueryError> {
        if self.scan.chars.len() > limits::QUERY_CHARS {
            let message = format!("a query has at most {} characters", limits::QUERY_CHARS);
            return Err(QueryError::new(limits::QUERY_CHARS, message));
        }
        self.scan.skip_spaces();
        self.expecting = Expecting::Field { start: self.scan.at };
        if self.scan.peek().is_none() {
            return Ok(None);
        }
        let tree = self.any_of()?;
        self.scan.skip_spaces();
        match self.scan.peek() {
            None => Ok(Some(tree)),
            Some(')') => Err(QueryError::new(self.scan.at, "this parenthesis closes nothing")),
            Some(',') => Err(QueryError::new(self.scan.at, "several values stand in parentheses after -in: -in (\"a\", \"b\")")),
            Some(_) => Err(self.no_connector()),
        }
    }

    fn no_connector(&self) -> QueryError {
        let at = self.scan.at;
        let (word, signs) = (self.scan.word_at(at), self.scan.signs_at(at));
        let found = if signs.is_empty() { self.scan.found() } else { format!("{signs:?}") };
        let message = format!("AND, OR or the end was expected here, not {found}; text with spaces stands in quotation marks");
        match suggest::of_signs(&signs) {
            [] => QueryError::new(at, message).suggesting(closest(&word, ["AND", "OR"].into_iter())),
            near => QueryError::new(at, message).suggesting(near.iter().copied()),
        }
    }

    fn any_of(&mut self) -> Result<Expr<Raw>, QueryError> {
        let mut parts = vec![self.all_of()?];
        while self.scan.take_keyword("OR") {
            parts.push(self.all_of()?);
        }
        Ok(joined(parts, Expr::Or))
    }

    fn all_of(&mut self) -> Result<Expr<Raw>, QueryError> {
        let mut parts = vec![self.term()?];
        while self.scan.take_keyword("AND") {
            parts.push(self.term()?);
        }
        Ok(joined(parts, Expr::And))
    }

    fn term(&mut self) -> Result<Expr<Raw>, QueryError> {
        self.scan.skip_spaces();
        let start = self.scan.at;
        self.expecting = Expecting::Field { start };
        if !self.scan.take('(') {
            let raw = self.comparison()?;
            self.after_term();
            return Ok(Expr::Leaf(raw));
        }
        self.depth += 1;
        if self.depth > limits::QUERY_DEPTH {
            let message = format!("parentheses stand in each other at most {} deep", limits::QUERY_DEPTH);
            return Err(QueryError::new(start, message));
        }
        let inside = self.any_of()?;
        self.scan.skip_spaces();
        if !self.scan.take(')') {
            return Err(match self.scan.peek() {
                None => QueryError::new(start, "this parenthesis is not closed"),
                Some(_) => self.no_connector(),
            });
        }
        self.depth -= 1;
        self.after_term();
        Ok(inside)
    }

    fn after_term(&mut self) {
        self.expecting = Expecting::Connector { start: self.scan.at, open: self.depth };
    }

    fn comparison(&mut self) -> Result<Raw, QueryError> {
        self.count_term(self.scan.at)?;
        let field_at = self.scan.at;
        let Some((op_at, op, op_end)) = self.scan.next_operator() else {
            return Err(self.no_operator());
        };
        let field = self.scan.slice(field_at, op_at).trim().to_owned();
        if field.is_empty() {
            return Err(QueryError::new(op_at, format!("a field was expected before {}", op.word())));
        }
        self.scan.at = op_end;
        self.scan.skip_spaces();
        self.expecting = Expecting::Value { field: field.clone(), op, start: self.scan.at };
        let value_at = self.scan.at;
        self.last_value = Some((field.clone(), op, value_at));
        let value = self.value(op)?;
        Ok(Raw { field, field_at, op, op_at, value, value_at })
    }

    fn count_term(&mut self, at: usize) -> Result<(), QueryError> {
        self.terms += 1;
        if self.terms > limits::QUERY_TERMS {
            let message = format!("a query has at most {} comparisons and values", limits::QUERY_TERMS);
            return Err(QueryError::new(at, message));
        }
        Ok(())
    }

    /// Why there is no operator: nothing, a word that is none, a value at once, or another place's sign.
    fn no_operator(&self) -> QueryError {
        let scan = &self.scan;
        let start = scan.at;
        let name_end = (start..scan.chars.len())
            .find(|at| is_quote(scan.chars[*at]) || is_sign(scan.chars[*at]) || matches!(scan.chars[*at], '(' | ')' | ','))
            .unwrap_or(scan.chars.len());
        // A dash after a space begins an operator that is not known; one inside a word belongs to a name.
        let after_space = |at: &usize| *at > start && is_dash(scan.chars[*at]) && scan.chars[*at - 1].is_whitespace();
        if let Some(dash) = (start..name_end).find(after_space) {
            let word = scan.word_at(dash + 1);
            let near = suggest::operators(&word);
            let all = || Op::ALL.iter().map(|(_, word, _)| *word).collect::<Vec<_>>().join(", ");
            let known = if near.is_empty() { format!(": there are {}", all()) } else { String::new() };
            return QueryError::new(dash, format!("-{word} is no operator{known}")).suggesting(near);
        }
        let name = scan.slice(start, name_end).trim().to_owned();
        if let Some(error) = out_of_place(&name, start) {
            return error;
        }
        // The first word belongs to the field.
        let mut others = scan.words(start, name_end).into_iter().skip(1);
        if let Some((at, word, near)) = others.find_map(|(at, word)| {
            let near = suggest::operators(&word);
            (!near.is_empty()).then_some((at, word, near))
        }) {
            let message = format!("an operator such as -eq was expected here, not {word:?}: operators begin with a dash");
            return QueryError::new(at, message).suggesting(near);
        }
        let signs = scan.signs_at(name_end);
        match scan.chars.get(name_end) {
            _ if name.is_empty() && scan.peek().is_none() => {
                QueryError::new(start, "a comparison was expected here, such as IssuedCN -contains \"example\"")
            }
            Some(quote) if name.is_empty() && is_quote(*quote) => {
                QueryError::new(start, "a field was expected here: fields stand without quotation marks")
            }
            _ if name.is_empty() => QueryError::new(start, format!("a field was expected here, not {}", scan.found())),
            Some(sign) if is_sign(*sign) => {
                QueryError::new(name_end, format!("{signs} is no operator")).suggesting(suggest::of_signs(&signs).iter().copied())
            }
            _ => QueryError::new(
                name_end.min(scan.chars.len()),
                format!("an operator such as -eq or -contains was expected after {name:?}"),
            ),
        }
    }

    fn value(&mut self, op: Op) -> Result<RawValue, QueryError> {
        if op != Op::In {
            return self.single();
        }
        let start = self.scan.at;
        if matches!(self.scan.peek(), Some('[' | '{')) {
            return Err(QueryError::new(start, "the values of -in stand in parentheses: -in (\"a\", \"b\")"));
        }
        if !self.scan.take('(') {
            // One value without parentheses is a list of one.
            return Ok(RawValue::List(vec![(self.single()?, start)]));
        }
        let mut values = Vec::new();
        loop {
            self.scan.skip_spaces();
            let at = self.scan.at;
            if let Expecting::Value { start, .. } = &mut self.expecting {
                *start = at;
            }
            self.count_term(at)?;
            values.push((self.single()?, at));
            if self.scan.take(',') {
                continue;
            }
            if self.scan.take(')') {
                return Ok(RawValue::List(values));
            }
            return Err(match self.scan.peek() {
                None => QueryError::new(start, "the list that begins here is not closed"),
                Some(_) => QueryError::new(self.scan.at, format!("a comma or ) was expected here, not {}", self.scan.found())),
            });
        }
    }

    fn single(&mut self) -> Result<RawValue, QueryError> {
        let at = self.scan.at;
        match self.scan.peek() {
            None => Err(QueryError::new(at, "a value was expected here, such as \"text\", 2048, true or NULL")),
            Some('\'') => Err(QueryError::new(at, "text stands in double quotation marks: \"text\"")),
            Some('(') => Err(QueryError::new(at, "only -in takes values in parentheses")),
            Some(')' | ',') => Err(QueryError::new(at, format!("a value was expected here, not {}", self.scan.found()))),
            Some('%') => self.scan.token().map(RawValue::Bare),
            Some(quote) if is_quote(quote) => self.scan.quoted().map(RawValue::Quoted),
            Some(_) => Ok(RawValue::Bare(self.scan.bare())),
        }
    }
}

/// What is wrong with a field that begins with a word that joins or negates comparisons; nothing for others.
pub(super) fn out_of_place(name: &str, at: usize) -> Option<QueryError> {
    let first = name.split_whitespace().next()?.to_uppercase();
    match first.as_str() {
        "AND" | "OR" => Some(QueryError::new(at, format!("a comparison was expected here: {first} stands between two"))),
        "NOT" => {
            let message = "there is no NOT: ask for the contrary, with -ne for -eq and -notcontains for -contains";
            Some(QueryError::new(at, message).suggesting(["-ne", "-notcontains"]))
        }
        _ => None,
    }
}

fn joined(mut parts: Vec<Expr<Raw>>, join: fn(Vec<Expr<Raw>>) -> Expr<Raw>) -> Expr<Raw> {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}
