//! Random queries of a random inventory, on both engines: what SQL finds, and what is inside a collection, against the model that is
//! written from the page of the language.

mod by_the_book;
mod house;

use std::collections::BTreeSet;

use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::inventory::{self, Filter};
use certhold_domain::{Actor, CertificateId};
use certhold_tests::dice::Dice;
use certhold_tests::postgres::engines;

use self::by_the_book::{Asking, Cell, FIELDS, Kind, Record, days, read};
use self::house::{ME, NOTED, filled};
use super::searching::{fill_index, forget_the_frequent};
use super::world::{DAY, World};

fn asker() -> Actor {
    Actor::local(ME)
}

/// What the product finds, in the order of the numbers.
fn find(world: &World, text: &str) -> Vec<i64> {
    let (query, now) = (text.to_owned(), world.now());
    let page = world.read(move |tx| {
        let condition = inventory::question(tx, &asker(), &query, Scope::everywhere(now))?;
        inventory::list(tx, &asker(), &Filter { condition, limit: 1_000, count: true, ..Filter::default() })
    });
    let page = page.unwrap_or_else(|error| panic!("{text}: {error}"));
    let ids: Vec<i64> = page.certificates.iter().map(|found| found.id.0).collect();
    assert_eq!(page.total, Some(ids.len() as i64), "the count of {text}");
    ids
}

/// Queries out of what certificates have, so that they find something and yet not everything.
struct Questions<'a> {
    dice: Dice,
    records: &'a [Record],
    asking: &'a Asking,
}

/// A text in quotation marks, in one of the ways in which it can be written.
fn quoted(dice: &mut Dice, text: &str) -> String {
    let (mut out, mut backslashes) = (String::from("\""), 0);
    for character in text.chars() {
        match character {
            '"' if backslashes > 0 || dice.below(2) == 0 => out.push_str(&format!("{}\\\"", "\\".repeat(backslashes))),
            '"' => out.push_str("\"\""),
            other => out.push(other),
        }
        backslashes = if character == '\\' { backslashes + 1 } else { 0 };
    }
    out + &"\\".repeat(backslashes) + "\""
}

fn in_any_case(dice: &mut Dice, word: &str) -> String {
    match dice.below(4) {
        0 => word.to_uppercase(),
        1 => word.to_lowercase(),
        _ => word.to_owned(),
    }
}

/// A day as it is written.
fn day(at: i64) -> String {
    let day = at.div_euclid(DAY);
    let year = (1970..).find(|year| days(year + 1, 1, 1) > day).unwrap();
    let month = (1..=12).rfind(|month| days(year, *month, 1) <= day).unwrap();
    format!("{year:04}-{month:02}-{:02}", day - days(year, month, 1) + 1)
}

impl Questions<'_> {
    fn cells(&self, name: &str) -> Vec<&Cell> {
        self.records.iter().map(|record| &record.cells[name]).collect()
    }

    /// A text that some certificate has in the field.
    fn held(&mut self, name: &str) -> String {
        let texts = self.cells(name).into_iter().flat_map(|cell| match cell {
            Cell::Texts(texts) => texts.clone(),
            _ => Vec::new(),
        });
        let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
        if texts.is_empty() { "nothing".into() } else { self.dice.pick(&texts).clone() }
    }

    /// A number that some certificate has in the field, or one close by.
    fn number(&mut self, name: &str) -> i64 {
        let numbers = self.cells(name).into_iter().filter_map(|cell| match cell {
            Cell::Number(number) => *number,
            _ => None,
        });
        let numbers: Vec<i64> = numbers.collect();
        if numbers.is_empty() { 7 } else { *self.dice.pick(&numbers) }
    }

    /// The part of a text that fits the operator.
    fn part(&mut self, text: &str, operator: &str) -> String {
        let whole: Vec<char> = text.chars().collect();
        let from = self.dice.below(whole.len().max(1));
        let (from, to) = match operator {
            "-eq" | "-ne" | "-in" => (0, whole.len()),
            "-startswith" => (0, 1 + from),
            "-endswith" => (from, whole.len()),
            _ => (from, from + 1 + self.dice.below(6)),
        };
        whole[from..to.min(whole.len())].iter().collect()
    }

    fn pattern(&mut self, text: &str) -> String {
        // The page does not say what a backslash means before other characters than a star.
        let text = text.replace(['\\', '?'], "");
        let part = self.part(&text, "-like").replace('*', "\\*");
        match self.dice.below(6) {
            0 => format!("*{part}*"),
            1 => format!("{}*", self.part(&text, "-startswith").replace('*', "\\*")),
            2 => format!("*{}", self.part(&text, "-endswith").replace('*', "\\*")),
            3 => format!("*{part}?*"),
            4 => format!("?*{part}*"),
            _ => format!("{}*", text.replace('*', "\\*").replace(['e', 'a'], "?")),
        }
    }

    fn text(&mut self, name: &str, kind: Kind, operator: &str) -> String {
        if kind == Kind::Text && !["-like", "-in"].contains(&operator) && self.dice.below(16) == 0 {
            return (*self.dice.pick(&["%ME%", "%me-an%"])).into();
        }
        if operator != "-like" && self.dice.below(30) == 0 {
            return "\"\"".into();
        }
        let name = if kind == Kind::Text && self.dice.below(6) == 0 { "IssuedCN" } else { name };
        let held = self.held(name);
        let written = match (operator, kind) {
            ("-like", Kind::Text | Kind::Name) => self.pattern(&held),
            ("-like", _) => format!("*{}*", self.part(&held, operator)),
            _ => self.part(&held, operator),
        };
        let written = match (kind, self.dice.below(4)) {
            (Kind::Text, 0) => written.to_uppercase(),
            (Kind::Name, 0) => written.replace(',', ", ").replace("\\,  ", "\\, "),
            (Kind::Hex | Kind::Digest | Kind::Serial, 0) => {
                let pairs: Vec<String> = written.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).into()).collect();
                pairs.join(":").to_uppercase()
            }
            (Kind::Serial, 1) if operator == "-eq" || operator == "-ne" => written.trim_start_matches('0').to_owned(),
            (Kind::Serial, 2) if operator == "-eq" || operator == "-ne" => format!("00{written}"),
            _ => written,
        };
        // Letters with several forms are compared by one of them: what was put into capitals may be another text.
        let is_plain = !written.is_empty() && written.chars().all(|c| c.is_ascii_alphanumeric());
        let is_word = ["NULL", "AND", "OR"].iter().any(|word| written.eq_ignore_ascii_case(word));
        if is_plain && !is_word && self.dice.below(3) == 0 { written } else { quoted(&mut self.dice, &written) }
    }

    fn date(&mut self, name: &str) -> String {
        let at = self.number(name) + (self.dice.below(3) as i64 - 1) * DAY;
        let seconds = at.div_euclid(1_000) % 86_400;
        let time = |seconds: i64| format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let text = match self.dice.below(8) {
            // Dates that people note are days.
            0..=2 => day(at),
            3 if name != "Review" => format!("{}T{}Z", day(at), time(seconds)),
            4 if name != "Review" => format!("{}T{}", day(at), time(seconds)),
            // The same second by the clocks of half past five.
            5 if name != "Review" => {
                let there = at + 19_800_000;
                format!("{}T{}+05:30", day(there), time(there.div_euclid(1_000) % 86_400))
            }
            _ => {
                let away = (at - self.asking.now).div_euclid(DAY);
                match self.dice.below(3) {
                    0 if away == 0 => "%TODAY%".into(),
                    1 => format!("%TODAY% {} {}", if away < 0 { '-' } else { '+' }, away.abs()),
                    _ => format!("%TODAY{away:+}%"),
                }
            }
        };
        if text.contains(' ') || self.dice.below(2) == 0 { format!("\"{text}\"") } else { text }
    }

    fn value(&mut self, name: &str, kind: Kind, operator: &str) -> String {
        let written = match kind {
            Kind::Text | Kind::Name | Kind::Hex | Kind::Serial | Kind::Digest => return self.text(name, kind, operator),
            Kind::Date => return self.date(name),
            Kind::Number => (self.number(name) + self.dice.below(3) as i64 - 1).to_string(),
            Kind::Flag => (*self.dice.pick(&["true", "false", "TRUE"])).into(),
            Kind::Choice(choices) | Kind::Ordered(choices) => {
                let (number, word) = *self.dice.pick(choices);
                if self.dice.below(2) == 0 { number.to_string() } else { in_any_case(&mut self.dice, word) }
            }
            Kind::Usage => match self.dice.below(2) {
                0 => self.number(name).to_string(),
                _ => {
                    let (_, word) = *self.dice.pick(by_the_book::USAGES);
                    in_any_case(&mut self.dice, word)
                }
            },
        };
        if self.dice.below(3) == 0 { format!("\"{written}\"") } else { written }
    }

    /// One comparison of this field.
    fn comparison(&mut self, (names, kind): (&'static [&'static str], Kind), operator: &str) -> String {
        let (field, name) = (*self.dice.pick(names), names[0]);
        let (field, word) = (in_any_case(&mut self.dice, field), in_any_case(&mut self.dice, operator));
        let word = if self.dice.below(10) == 0 { word.replacen('-', "\u{2013}", 1) } else { word };
        if operator == "-in" {
            let values: Vec<String> = (0..1 + self.dice.below(3)).map(|_| self.value(name, kind, operator)).collect();
            return format!("{field} {word} ({})", values.join(*self.dice.pick(&[",", ", "])));
        }
        if ["-eq", "-ne"].contains(&operator) && self.dice.below(8) == 0 {
            return format!("{field} {word} {}", in_any_case(&mut self.dice, "NULL"));
        }
        let value = self.value(name, kind, operator);
        let glue = if value.starts_with('"') && self.dice.below(4) == 0 { "" } else { " " };
        format!("{field}{glue}{word}{glue}{value}")
    }

    /// Comparisons put together, with parentheses and without.
    fn question(&mut self, depth: usize) -> String {
        if depth == 0 || self.dice.below(3) == 0 {
            let field = *self.dice.pick(&self.asking.fields);
            let operator = *self.dice.pick(field.1.operators());
            return self.comparison(field, operator);
        }
        let mut text = self.question(depth - 1);
        for _ in 0..1 + self.dice.below(2) {
            let word = *self.dice.pick(&["AND", "OR"]);
            text = format!("{text} {} {}", in_any_case(&mut self.dice, word), self.question(depth - 1));
        }
        if self.dice.below(3) > 0 { format!("({text})") } else { text }
    }
}

/// One engine with its inventory, its records, and the numbers of what was asked.
struct Trial {
    world: World,
    records: Vec<Record>,
    asking: Asking,
    collections: i64,
}

impl Trial {
    /// Asks, and holds the answer against the model; how many certificates it found.
    fn find(&self, text: &str) -> usize {
        let tree = read(text);
        let expected: Vec<i64> =
            self.records.iter().filter(|record| self.asking.holds(&tree, record)).map(|record| record.id).collect();
        let found = find(&self.world, text);
        let of = |ids: &[i64], others: &[i64]| ids.iter().copied().filter(|id| !others.contains(id)).collect::<Vec<_>>();
        let (missing, wrong) = (of(&expected, &found), of(&found, &expected));
        let example = missing.iter().chain(&wrong).next();
        let example = example.and_then(|id| self.records.iter().find(|record| record.id == *id));
        assert!(missing.is_empty() && wrong.is_empty(), "{text}\nmissing {missing:?}, wrong {wrong:?}: {example:?}");
        assert_eq!(found, expected, "the order of {text}");
        found.len()
    }

    /// Whether single certificates are in a collection of this query.
    fn holds(&mut self, text: &str, dice: &mut Dice) {
        self.collections += 1;
        let name = format!("Collection {}", self.collections);
        let command = CollectionCommand { name, query: text.to_owned(), ..CollectionCommand::default() };
        let collection = self.world.write(move |tx, now| collections::create(tx, &asker(), &command, now));
        let collection = collection.unwrap_or_else(|error| panic!("{text}: {error}"));
        let (tree, scope) = (read(text), Scope::of(Some(collection), self.world.now()));
        for _ in 0..6 {
            let record = dice.pick(&self.records);
            let id = CertificateId(record.id);
            let inside = self.world.read(move |tx| inventory::get_in(tx, &asker(), id, scope)).is_ok();
            assert_eq!(inside, self.asking.holds(&tree, record), "certificate {id} in {text}: {record:?}");
        }
    }
}

#[test]
fn queries_find_what_the_page_of_the_language_says() {
    let queries = if std::env::var_os("FULL").is_some() { 5_000 } else { 400 };
    for database in engines() {
        let engine = database.engine();
        let world = World::open(database);
        let records = filled(&world, 70);
        // In the middle of a day, which makes no difference.
        world.pass(DAY / 3);
        let fields: Vec<_> = FIELDS.iter().chain(&NOTED).copied().collect();
        let asking = || Asking { fields: fields.clone(), now: world.now(), me: ME };
        let (asked, mut dice) = (asking(), Dice::new(99));
        let mut questions = Questions { dice: Dice::new(7), records: &records, asking: &asked };
        let mut trial = Trial { asking: asking(), records: records.clone(), world, collections: 0 };
        let (mut telling, mut all) = (BTreeSet::new(), 0);
        // Every field with every operator that it has.
        for round in 0..3 {
            if round == 1 {
                fill_index(&trial.world);
            }
            for field in &fields {
                for operator in field.1.operators() {
                    let text = questions.comparison(*field, operator);
                    let found = trial.find(&text);
                    all += 1;
                    if (1..records.len()).contains(&found) {
                        telling.insert(field.0[0]);
                    }
                }
            }
        }
        let differs = |name: &str| records.iter().any(|record| record.cells[name] != records[0].cells[name]);
        let silent: Vec<&str> = fields.iter().map(|(names, _)| names[0]).filter(|name| differs(name)).collect();
        let silent: Vec<&&str> = silent.iter().filter(|name| !telling.contains(**name)).collect();
        assert!(silent.is_empty(), "no query told certificates apart by {silent:?}");
        assert!(telling.len() > 45, "certificates differ in hardly anything: {telling:?}");
        let mut some = 0;
        for number in 0..queries {
            if number == queries / 2 {
                forget_the_frequent(&trial.world);
            }
            let text = questions.question(3);
            some += usize::from((1..records.len()).contains(&trial.find(&text)));
            if number % 8 == 0 && !text.to_uppercase().contains("%ME") {
                trial.holds(&text, &mut dice);
            }
        }
        println!("{engine}: {all} comparisons, {queries} queries of {} certificates, {some} told them apart", records.len());
        assert!(some * 4 > queries, "hardly any query told certificates apart: {some} of {queries}");
    }
}
