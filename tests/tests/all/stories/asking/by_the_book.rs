//! The query language as `docs/query.md` has it, carried out the slow way on plain records. It is written from that page alone and
//! shares nothing with the product, so that both are wrong in the same way only if the page is.

use std::collections::BTreeMap;

const DAY: i64 = 86_400_000;

/// The values of a choice, by number and name.
type Choices = &'static [(i64, &'static str)];

/// What values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A distinguished name: spaces after commas do not matter.
    Name,
    Hex,
    /// With or without leading zeros.
    Serial,
    Digest,
    Number,
    Date,
    Flag,
    Choice(Choices),
    Ordered(Choices),
    Usage,
}

impl Kind {
    /// The operators of the page's table.
    pub fn operators(self) -> &'static [&'static str] {
        match self {
            Kind::Text | Kind::Name | Kind::Hex | Kind::Serial => {
                &["-eq", "-ne", "-contains", "-notcontains", "-startswith", "-endswith", "-in", "-like"]
            }
            Kind::Digest => &["-eq", "-ne", "-startswith", "-in"],
            Kind::Number | Kind::Ordered(_) => &["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-in"],
            Kind::Date => &["-eq", "-ne", "-lt", "-le", "-gt", "-ge"],
            Kind::Flag => &["-eq", "-ne"],
            Kind::Choice(_) => &["-eq", "-ne", "-in"],
            Kind::Usage => &["-eq", "-ne", "-contains", "-notcontains"],
        }
    }
}

const STATES: Choices = &[(1, "Active"), (2, "Revoked"), (6, "CertificateAuthority"), (3, "Denied")];
const KEY_TYPES: Choices = &[(0, "Unknown"), (1, "RSA"), (2, "DSA"), (3, "ECC"), (4, "DH")];
const SEVERITIES: Choices = &[(1, "info"), (2, "notice"), (3, "warning"), (4, "error")];

/// The key usages, as the octets of the extension number them.
pub const USAGES: Choices = &[
    (0x80, "digitalSignature"),
    (0x40, "nonRepudiation"),
    (0x20, "keyEncipherment"),
    (0x10, "dataEncipherment"),
    (0x08, "keyAgreement"),
    (0x04, "keyCertSign"),
    (0x02, "cRLSign"),
];

/// The fields of the page, each with all its names.
pub const FIELDS: &[(&[&str], Kind)] = &[
    (&["IssuedCN", "CN", "CommonName"], Kind::Text),
    (&["SAN", "SubjectAltName"], Kind::Text),
    (&["IssuedDN", "DN", "Subject"], Kind::Name),
    (&["IssuerDN", "Issuer"], Kind::Name),
    (&["IssuerCN"], Kind::Text),
    (&["OwnerRoleName", "Owner"], Kind::Text),
    (&["OwnerRoleId"], Kind::Number),
    (&["ExpirationDate", "NotAfter", "Expires"], Kind::Date),
    (&["IssuedDate", "NotBefore", "EffectiveDate"], Kind::Date),
    (&["ImportDate", "HeldSince"], Kind::Date),
    (&["SerialNumber", "Serial"], Kind::Serial),
    (&["Thumbprint", "SHA1"], Kind::Digest),
    (&["Fingerprint", "SHA256"], Kind::Digest),
    (&["PublicKey", "KeyFingerprint"], Kind::Digest),
    (&["SubjectKeyId", "SKI"], Kind::Hex),
    (&["AuthorityKeyId", "AKI"], Kind::Hex),
    (&["CertId", "Id", "CertificateId"], Kind::Number),
    (&["CertState", "State"], Kind::Choice(STATES)),
    (&["RevocationDate", "RevocationEffDate"], Kind::Date),
    (&["KeyType"], Kind::Choice(KEY_TYPES)),
    (&["KeyAlgorithm"], Kind::Text),
    (&["KeySize", "KeySizeInBits"], Kind::Number),
    (&["Curve"], Kind::Text),
    (&["SigningAlgorithm", "SignatureAlgorithm"], Kind::Text),
    (&["EKU", "EKUName", "ExtendedKeyUsage"], Kind::Text),
    (&["KeyUsage"], Kind::Usage),
    (&["OU", "OrganizationalUnit"], Kind::Text),
    (&["O", "Organization"], Kind::Text),
    (&["C", "Country"], Kind::Text),
    (&["IssuedEmail", "E", "Email"], Kind::Text),
    (&["Finding"], Kind::Text),
    (&["FindingSeverity", "Severity"], Kind::Ordered(SEVERITIES)),
    (&["HasPrivateKey"], Kind::Flag),
    (&["SelfSigned"], Kind::Flag),
    (&["IsCA"], Kind::Flag),
    (&["Managed"], Kind::Flag),
    (&["IsExcluded"], Kind::Flag),
    (&["ManagedName"], Kind::Text),
    (&["Source"], Kind::Text),
    (&["CertStoreFQDN", "StoreMachine"], Kind::Text),
    (&["CertStorePath", "StorePath"], Kind::Text),
    (&["CertStoreContainer", "StoreContainer"], Kind::Text),
    (&["CA"], Kind::Text),
    (&["TemplateShortName"], Kind::Text),
    (&["TemplateDisplayName"], Kind::Text),
    (&["Revoker"], Kind::Text),
    (&["ArchivedKey"], Kind::Flag),
    (&["CertRequestId"], Kind::Number),
    (&["NetBIOSPrincipal"], Kind::Text),
    (&["SSLDNSName"], Kind::Text),
    (&["SSLPort"], Kind::Number),
];

/// What a certificate has in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// None, one or several; empty ones count as not set.
    Texts(Vec<String>),
    /// A number, a choice, key usages, or unix milliseconds.
    Number(Option<i64>),
    Flag(Option<bool>),
}

impl Cell {
    fn is_set(&self) -> bool {
        match self {
            Cell::Texts(texts) => texts.iter().any(|text| !text.is_empty()),
            Cell::Number(number) => number.is_some(),
            Cell::Flag(flag) => flag.is_some(),
        }
    }
}

/// A certificate, by the first name of each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: i64,
    pub cells: BTreeMap<&'static str, Cell>,
}

/// Who asks when, and what fields there are.
pub struct Asking {
    pub fields: Vec<(&'static [&'static str], Kind)>,
    pub now: i64,
    pub me: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Comma,
    Operator(&'static str),
    Word(String),
    Quoted(String),
}

const OPERATORS: [&str; 12] =
    ["-eq", "-ne", "-contains", "-notcontains", "-startswith", "-endswith", "-lt", "-le", "-gt", "-ge", "-in", "-like"];

/// The operator that begins here, with its length: a dash of any kind, and a word that ends.
fn operator(rest: &[char]) -> Option<(&'static str, usize)> {
    if !['-', '\u{2010}', '\u{2013}', '\u{2014}'].contains(rest.first()?) {
        return None;
    }
    let word: String = rest[1..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
    let known = OPERATORS.into_iter().find(|known| known[1..].eq_ignore_ascii_case(&word))?;
    Some((known, 1 + word.len()))
}

/// A text in quotation marks, from behind the first of them, and how many characters it took.
fn quoted(rest: &[char]) -> (String, usize) {
    let (mut text, mut at) = (String::new(), 0);
    loop {
        let backslashes = rest[at..].iter().take_while(|c| **c == '\\').count();
        if rest[at + backslashes] == '"' {
            // Directly before a mark, two are one, and one that is left makes the mark a part of the text.
            text.extend(std::iter::repeat_n('\\', backslashes / 2));
            at += backslashes;
            if backslashes % 2 == 1 {
                text.push('"');
            } else if rest.get(at + 1) == Some(&'"') {
                text.push('"');
                at += 1;
            } else {
                return (text, at + 1);
            }
            at += 1;
        } else {
            text.extend(std::iter::repeat_n('\\', backslashes));
            at += backslashes;
            if backslashes == 0 {
                text.push(rest[at]);
                at += 1;
            }
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let text: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let rest = &text[at..];
        let (token, length) = match rest[0] {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '"' => {
                let (inside, length) = quoted(&rest[1..]);
                (Token::Quoted(inside), length + 1)
            }
            _ => match operator(rest) {
                Some((word, length)) => (Token::Operator(word), length),
                None => {
                    let ends = |place: usize| {
                        let c = rest[place];
                        c.is_whitespace() || "(),\"".contains(c) || operator(&rest[place..]).is_some()
                    };
                    let length = (1..rest.len()).find(|place| ends(*place)).unwrap_or(rest.len());
                    (Token::Word(rest[..length].iter().collect()), length)
                }
            },
        };
        tokens.push(token);
        at += length;
    }
    tokens
}

/// A value as it was written.
#[derive(Clone, Debug)]
pub struct Value {
    text: String,
    is_quoted: bool,
}

/// A query that was read.
#[derive(Clone, Debug)]
pub enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Compare { field: String, operator: &'static str, values: Vec<Value> },
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Token {
        self.at += 1;
        self.tokens[self.at - 1].clone()
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word))
    }

    fn any(&mut self) -> Tree {
        let mut parts = vec![self.all()];
        while self.is_word("OR") {
            self.at += 1;
            parts.push(self.all());
        }
        Tree::Any(parts)
    }

    fn all(&mut self) -> Tree {
        let mut parts = vec![self.term()];
        while self.is_word("AND") {
            self.at += 1;
            parts.push(self.term());
        }
        Tree::All(parts)
    }

    fn term(&mut self) -> Tree {
        if self.tokens[self.at] != Token::Open {
            return self.comparison();
        }
        self.at += 1;
        let inside = self.any();
        assert_eq!(self.next(), Token::Close);
        inside
    }

    fn comparison(&mut self) -> Tree {
        let mut words = Vec::new();
        let operator = loop {
            match self.next() {
                Token::Word(word) => words.push(word),
                Token::Operator(operator) => break operator,
                other => panic!("{other:?} in the name of a field"),
            }
        };
        let mut values = Vec::new();
        if operator == "-in" {
            assert_eq!(self.next(), Token::Open);
            loop {
                values.push(self.value());
                if self.next() == Token::Close {
                    break;
                }
            }
        } else {
            values.push(self.value());
        }
        Tree::Compare { field: words.join(" "), operator, values }
    }

    fn value(&mut self) -> Value {
        match self.next() {
            Token::Word(text) => Value { text, is_quoted: false },
            Token::Quoted(text) => Value { text, is_quoted: true },
            other => panic!("{other:?} is no value"),
        }
    }
}

/// Reads a query that is not empty.
pub fn read(text: &str) -> Tree {
    let mut reader = Reader { tokens: tokens(text), at: 0 };
    let tree = reader.any();
    assert_eq!(reader.at, reader.tokens.len(), "{text} goes on");
    tree
}

/// Letters are compared in lower case.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Without the spaces after commas that separate parts; a comma that belongs to a value has a backslash before it.
fn tight(text: &str) -> String {
    let (mut out, mut is_behind) = (String::new(), false);
    for character in text.chars() {
        if is_behind && character == ' ' {
            continue;
        }
        is_behind = character == ',' && !out.ends_with('\\');
        out.push(character);
    }
    out
}

/// Whether a text fits a pattern: `*` is any text, `?` one character, `\*` a star.
fn fits(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['\\', '*', rest @ ..] => text.first() == Some(&'*') && fits(rest, &text[1..]),
        ['*', rest @ ..] => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
        ['?', rest @ ..] => !text.is_empty() && fits(rest, &text[1..]),
        [one, rest @ ..] => text.first() == Some(one) && fits(rest, &text[1..]),
    }
}

/// Days from 1970-01-01 to a day, counted one by one.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let of_year = |year: i64| if is_leap(year) { 366 } else { 365 };
    let of_month = |month: i64| match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1970..year).map(of_year).sum::<i64>() + (1..month).map(of_month).sum::<i64>() + day - 1
}

impl Asking {
    /// From this millisecond to that one, both included.
    fn span(&self, text: &str) -> (i64, i64) {
        let plain: String = text.chars().filter(|c| *c != ' ').collect();
        if let Some(rest) = plain.to_uppercase().strip_prefix("%TODAY") {
            let offset: i64 = rest.replace('%', "").parse().unwrap_or(0);
            let from = (self.now.div_euclid(DAY) + offset) * DAY;
            return (from, from + DAY - 1);
        }
        let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
        let day = days(number(0, 4), number(5, 7), number(8, 10)) * DAY;
        if text.len() == 10 {
            return (day, day + DAY - 1);
        }
        let seconds = number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19);
        let offset = match &text[19..] {
            "" | "Z" => 0,
            zone => {
                let minutes = zone[1..3].parse::<i64>().unwrap() * 60 + zone[4..6].parse::<i64>().unwrap();
                if zone.starts_with('-') { -minutes } else { minutes }
            }
        };
        let from = day + (seconds - offset * 60) * 1_000;
        (from, from + 999)
    }

    /// Whether a certificate is what a query asks for.
    pub fn holds(&self, tree: &Tree, record: &Record) -> bool {
        match tree {
            Tree::All(parts) => parts.iter().all(|part| self.holds(part, record)),
            Tree::Any(parts) => parts.iter().any(|part| self.holds(part, record)),
            Tree::Compare { field, operator, values } => {
                let known = |(names, _): &&(&[&str], Kind)| names.iter().any(|name| name.eq_ignore_ascii_case(field));
                let (names, kind) = self.fields.iter().find(known).unwrap_or_else(|| panic!("there is no field {field}"));
                self.compare(&record.cells[names[0]], *kind, operator, values)
            }
        }
    }

    fn compare(&self, cell: &Cell, kind: Kind, operator: &str, values: &[Value]) -> bool {
        match operator {
            "-ne" => return !self.compare(cell, kind, "-eq", values),
            "-notcontains" => return !self.compare(cell, kind, "-contains", values),
            "-in" => return values.iter().any(|value| self.compare(cell, kind, "-eq", std::slice::from_ref(value))),
            _ => {}
        }
        let Value { text, is_quoted } = &values[0];
        if !is_quoted && text.eq_ignore_ascii_case("NULL") {
            return !cell.is_set();
        }
        match (cell, kind) {
            (Cell::Texts(texts), _) => self.compare_texts(texts, kind, operator, text),
            (Cell::Flag(flag), _) => *flag == Some(text.eq_ignore_ascii_case("true")),
            (Cell::Number(None), _) => false,
            (Cell::Number(Some(number)), Kind::Usage) => {
                match USAGES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(bit, _)| *bit) {
                    Some(bit) => number & bit != 0,
                    None if operator == "-eq" => text.parse() == Ok(*number),
                    None => text.parse::<i64>().is_ok_and(|bits| number & bits == bits),
                }
            }
            (Cell::Number(Some(number)), _) => {
                let (from, to) = match kind {
                    Kind::Date => self.span(text),
                    Kind::Choice(choices) | Kind::Ordered(choices) => {
                        let named = choices.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
                        let number = named.map_or_else(|| text.parse().unwrap(), |(number, _)| *number);
                        (number, number)
                    }
                    _ => (text.parse().unwrap(), text.parse().unwrap()),
                };
                match operator {
                    "-eq" => (from..=to).contains(number),
                    "-lt" => *number < from,
                    "-le" => *number <= to,
                    "-gt" => *number > to,
                    "-ge" => *number >= from,
                    other => panic!("{other} compares no numbers"),
                }
            }
        }
    }

    fn compare_texts(&self, texts: &[String], kind: Kind, operator: &str, wanted: &str) -> bool {
        let wanted = match (wanted.to_uppercase().as_str(), kind) {
            ("%ME%", Kind::Text) => self.me.to_owned(),
            ("%ME-AN%", Kind::Text) => self.me.rsplit('\\').next().unwrap().split('@').next().unwrap().to_owned(),
            (_, Kind::Name) => tight(wanted),
            (_, Kind::Hex | Kind::Serial | Kind::Digest) => wanted.replace([':', ' '], ""),
            _ => wanted.to_owned(),
        };
        let wanted = lower(&wanted);
        let mut held = texts.iter().filter(|text| !text.is_empty()).map(|text| lower(text));
        let plain = |number: &str| number.trim_start_matches('0').to_owned();
        match operator {
            // An empty text counts as not set.
            "-eq" if wanted.is_empty() => held.next().is_none(),
            "-eq" if kind == Kind::Serial => held.any(|text| plain(&text) == plain(&wanted)),
            "-eq" => held.any(|text| text == wanted),
            "-contains" => held.any(|text| text.contains(&wanted)),
            "-startswith" => held.any(|text| text.starts_with(&wanted)),
            "-endswith" => held.any(|text| text.ends_with(&wanted)),
            "-like" => {
                let pattern: Vec<char> = wanted.chars().collect();
                held.any(|text| fits(&pattern, &text.chars().collect::<Vec<_>>()))
            }
            other => panic!("{other} compares no texts"),
        }
    }
}

/// The model itself, where the page gives an example or a rule.
#[test]
fn the_model_reads_what_the_page_says() {
    assert_eq!(
        tokens("(CN-eq\"a\")AND KeySize \u{2013}GT 1"),
        [
            Token::Open,
            Token::Word("CN".into()),
            Token::Operator("-eq"),
            Token::Quoted("a".into()),
            Token::Close,
            Token::Word("AND".into()),
            Token::Word("KeySize".into()),
            Token::Operator("-gt"),
            Token::Word("1".into()),
        ]
    );
    for (written, meant) in [
        (r#""EXAMPLE\kim""#, r"EXAMPLE\kim"),
        (r#""a""b""#, "a\"b"),
        (r#""a\"b""#, "a\"b"),
        (r#""a\\""#, r"a\"),
        (r#""a\\b""#, r"a\\b"),
        (r#""""#, ""),
    ] {
        assert_eq!(tokens(written), [Token::Quoted(meant.into())], "{written}");
    }
    let asking = Asking { fields: FIELDS.to_vec(), now: 20_513 * DAY + 5, me: "EXAMPLE\\kim" };
    assert_eq!(asking.span("2026-03-01"), (20_513 * DAY, 20_514 * DAY - 1));
    assert_eq!(asking.span("%TODAY% - 7"), asking.span("2026-02-22"));
    assert_eq!(asking.span("2026-03-01T09:30:00+01:00"), (1_772_353_800_000, 1_772_353_800_999));
    let like = |pattern: &str, text: &str| fits(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
    assert!(like("a*b?c", "axxbyc") && like("\\*.b", "*.b") && !like("\\*.b", "a.b") && !like("a?", "a"));
}
