//! Comma-separated values (RFC 4180) that spreadsheets read as text and as nothing else.

/// One line with its end.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

/// One value. What a spreadsheet would take for a formula gets an apostrophe before it: certificates are written by strangers.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be_and_never_formulas() {
        assert_eq!(line(["a", "b, c", "say \"hi\"", ""]), "a,\"b, c\",\"say \"\"hi\"\"\",\r\n");
        assert_eq!(
            line(["=HYPERLINK(\"http://x\")", "-1+2", "@x", "a=b"]),
            "\"'=HYPERLINK(\"\"http://x\"\")\",'-1+2,'@x,a=b\r\n"
        );
    }
}
