//! What goes to the terminal: tables for people, JSON for programs, and neither lets a hostile name act on the terminal.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::failure::{Failure, plain};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Aligned columns for people.
    #[default]
    Table,
    /// JSON for programs.
    Json,
    /// Comma-separated values for spreadsheets: a line for each item of a list.
    Csv,
}

/// Longest cell of a table in characters; JSON has everything.
const CELL_CHARS: usize = 64;

/// Prints lines to standard output. A reader that has gone (`certhold list | head`) ends the program quietly.
///
/// # Errors
/// When standard output cannot be written to.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// [`print()`] for bytes as they come, which may end in the middle of a character.
///
/// # Errors
/// As there.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Turns the outcome of writing to standard output into the program's.
///
/// # Errors
/// When standard output cannot be written to.
pub fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::new(format!("standard output: {}", plain(&error)))),
    }
}

/// A value as pretty JSON with a line end, in which characters that steer terminals or turn text around are escaped.
pub fn json<T: Serialize + ?Sized>(value: &T) -> String {
    formatted(value, PrettyFormatter::new()) + "\n"
}

/// Items as comma-separated values: whole, harmless in a spreadsheet, and without what acts on a terminal.
pub fn csv(items: &[Json]) -> String {
    certhold_domain::csv::objects(items).split_inclusive("\r\n").map(tame_line).collect()
}

/// Comma-separated values on standard output, written as the items come. The columns are those that are given.
pub struct CsvLines {
    out: io::BufWriter<io::StdoutLock<'static>>,
    columns: &'static [(&'static str, fn(&Json) -> String)],
}

impl CsvLines {
    /// Writes the head.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn begin(columns: &'static [(&'static str, fn(&Json) -> String)]) -> Result<CsvLines, Failure> {
        let mut lines = CsvLines { out: io::BufWriter::new(io::stdout().lock()), columns };
        lines.write(&certhold_domain::csv::line(columns.iter().map(|(name, _)| *name)))?;
        Ok(lines)
    }

    /// Writes an item.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn item(&mut self, item: &Json) -> Result<(), Failure> {
        let cells: Vec<String> = self.columns.iter().map(|(_, show)| show(item)).collect();
        self.write(&certhold_domain::csv::line(cells.iter().map(String::as_str)))
    }

    fn write(&mut self, line: &str) -> Result<(), Failure> {
        written(self.out.write_all(tame_line(line).as_bytes()))
    }

    /// Ends the list.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn end(mut self) -> Result<(), Failure> {
        written(self.out.flush())
    }
}

/// A line of comma-separated values without what acts on a terminal; its own line ends stay.
fn tame_line(line: &str) -> String {
    line.split_inclusive(['\r', '\n'])
        .map(|part| {
            let end = part.len() - part.trim_end_matches(['\r', '\n']).len();
            format!("{}{}", tame(&part[..part.len() - end]), &part[part.len() - end..])
        })
        .collect()
}

fn formatted<T: Serialize + ?Sized>(value: &T, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Tame(formatter));
    let done = value.serialize(&mut serializer);
    debug_assert!(done.is_ok(), "printed values have text keys only");
    String::from_utf8(bytes).unwrap_or_default()
}

/// A JSON array on standard output, one item per line, written as the items come: it may be long.
pub struct JsonArray {
    out: io::BufWriter<io::StdoutLock<'static>>,
    empty: bool,
}

impl JsonArray {
    /// Begins an array.
    pub fn begin() -> JsonArray {
        JsonArray { out: io::BufWriter::new(io::stdout().lock()), empty: true }
    }

    /// Writes an item.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn item(&mut self, item: &Json) -> Result<(), Failure> {
        let before = if std::mem::take(&mut self.empty) { "[" } else { ",\n" };
        written(write!(self.out, "{before}{}", formatted(item, CompactFormatter)))
    }

    /// Ends the array.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn end(mut self) -> Result<(), Failure> {
        let end = if self.empty { "[]\n" } else { "]\n" };
        written(self.out.write_all(end.as_bytes()).and_then(|()| self.out.flush()))
    }
}

/// JSON text may name any character by its number; we do for all that could act on a terminal.
struct Tame<F>(F);

macro_rules! hand_on {
    ($($method:ident($($argument:ident: $kind:ty),*);)+) => {$(
        fn $method<W: ?Sized + Write>(&mut self, writer: &mut W, $($argument: $kind),*) -> io::Result<()> {
            self.0.$method(writer, $($argument),*)
        }
    )+};
}

impl<F: Formatter> Formatter for Tame<F> {
    hand_on! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, unsafe_char)) = rest.char_indices().find(|(_, c)| acts(*c)) {
            write!(writer, "{}\\u{:04x}", &rest[..at], u32::from(unsafe_char))?;
            rest = &rest[at + unsafe_char.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Control characters, and those that change the direction of text or cannot be seen (Unicode TR 36). All below U+10000.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

/// Text for a terminal: what could act on it is shown by its number.
pub fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Prints several lines, without what steers terminals.
///
/// # Errors
/// When standard output cannot be written to.
pub fn print_lines(lines: &str) -> Result<(), Failure> {
    print(&format!("{}\n", tame_lines(lines)))
}

/// Like [`tame`], for a sentence of several lines; the last one has no end.
pub fn tame_lines(text: &str) -> String {
    text.lines().map(tame).collect::<Vec<_>>().join("\n")
}

fn cell(text: &str) -> String {
    let tame = tame(text);
    match tame.char_indices().nth(CELL_CHARS) {
        Some(_) => tame.chars().take(CELL_CHARS - 1).chain(['…']).collect(),
        None => tame,
    }
}

/// Rows under their headings, columns two spaces apart. The columns in `right` hold numbers.
pub fn table(headings: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|text| cell(text)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table)
}

/// One object: names on the left, values on the right, whole.
pub fn sheet(pairs: &[(&str, String)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for (name, value) in pairs {
        table.add_row([(*name).to_owned(), tame_lines(value)]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    trimmed(&table)
}

fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A value of an answer as text for a table: nothing for null, elements separated by commas.
pub fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Json::Bool(true) => "yes".into(),
        Json::Bool(false) => "no".into(),
        other => other.to_string(),
    }
}

/// An instant of an answer for a table, to the minute: `2026-11-22 08:15`.
pub fn time(value: &Json) -> String {
    let text = text(value);
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) if text.as_bytes()[10] == b'T' => format!("{day} {minute}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_acts_on_the_terminal() {
        let hostile = "a\u{1b}[31m\u{202e}b\0\r\n\u{9b}c\u{feff}";
        assert_eq!(tame(hostile), "a\\u{1b}[31m\\u{202e}b\\u{0}\\u{d}\\u{a}\\u{9b}c\\u{feff}");
        assert_eq!(tame("Zürich 証明書"), "Zürich 証明書");
        assert!(!table(&["name"], &[vec![hostile.into()]], &[]).contains('\u{1b}'));
        assert!(!sheet(&[("name", hostile.into())]).contains('\u{9b}'));
    }

    #[test]
    fn json_is_the_same_value_without_what_acts() {
        let value = serde_json::json!({ "k\u{202e}": ["a\u{1b}\u{9b}\u{7f}\u{2028}é"], "n": [], "o": {} });
        let text = json(&value);
        assert!(!text.chars().any(|c| c != '\n' && acts(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn comma_separated_values_are_whole_and_harmless() {
        let items = [serde_json::json!({ "name": "a\u{1b}[31m", "id": 1 }), serde_json::json!({ "name": "=1+1\nx", "id": 2 })];
        assert_eq!(csv(&items), "id,name\r\n1,a\\u{1b}[31m\r\n2,\"'=1+1\nx\"\r\n");
    }

    #[test]
    fn columns_are_aligned_and_long_cells_cut() {
        let rows = [vec!["1".into(), "x".repeat(100)], vec!["12".into(), "y".into()]];
        let text = table(&["id", "name"], &rows, &[0]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "ID  NAME");
        assert_eq!(lines[1], format!(" 1  {}…", "x".repeat(CELL_CHARS - 1)));
        assert_eq!(lines[2], "12  y");
    }

    #[test]
    fn values_of_answers_become_cells() {
        let value =
            serde_json::json!({ "at": "2026-11-22T08:15:30.123Z", "none": null, "names": ["a", "b"], "ok": true, "n": 7 });
        let cells = ["none", "names", "ok", "n"].map(|name| text(&value[name]));
        assert_eq!((time(&value["at"]).as_str(), cells), ("2026-11-22 08:15", ["", "a, b", "yes", "7"].map(str::to_owned)));
        assert_eq!(time(&Json::Null), "");
    }
}
