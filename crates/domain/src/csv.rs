//! Comma-separated values (RFC 4180) that spreadsheets read as text and as nothing else: what is in them was written by strangers.

/// One line with its end.
pub fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let fields: Vec<String> = fields.into_iter().map(field).collect();
    fields.join(",") + "\r\n"
}

/// One field: quoted where it must be, and harmless in a spreadsheet: what would be read as a formula is preceded by an
/// apostrophe, which spreadsheets show as text.
fn field(text: &str) -> String {
    let dangerous = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if dangerous { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', ';', '\t']) || dangerous || text.starts_with(' ') || text.ends_with(' ') {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_never_formulas() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(field("two\nlines"), "\"two\nlines\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            let told = field(formula);
            assert!(told.starts_with("\"'"), "{told:?}");
        }
    }

    #[test]
    fn lines_have_commas_between_and_an_end() {
        assert_eq!(line(["a", "b, c", "say \"hi\"", ""]), "a,\"b, c\",\"say \"\"hi\"\"\",\r\n");
        assert_eq!(
            line(["=HYPERLINK(\"http://x\")", "-1+2", "@x", "a=b"]),
            "\"'=HYPERLINK(\"\"http://x\"\")\",\"'-1+2\",\"'@x\",a=b\r\n"
        );
    }
}
