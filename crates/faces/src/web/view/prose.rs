//! Descriptions written as plain text with a little structure: paragraphs, and code between back-quotes.

use std::fmt::{self, Write};

use askama::filters::Escaper;

use crate::web::escape::Visible;

/// The HTML of a description: empty lines part paragraphs, back-quotes mark code, everything else is escaped.
///
/// # Errors
/// Never by itself; only if writing to the string fails.
pub fn html(text: &str) -> Result<String, fmt::Error> {
    let mut html = String::with_capacity(text.len() + 16);
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        html.push_str("<p>");
        let mut parts = paragraph.split('`').peekable();
        let mut is_code = false;
        while let Some(part) = parts.next() {
            // A last opening quote without its partner is a quote.
            if is_code && parts.peek().is_none() {
                html.push('`');
                Visible.write_escaped_str(&mut html, part)?;
            } else if is_code {
                html.push_str("<code>");
                Visible.write_escaped_str(&mut html, part)?;
                html.push_str("</code>");
            } else {
                Visible.write_escaped_str(&mut html, part)?;
            }
            is_code = !is_code;
        }
        writeln!(html, "</p>")?;
    }
    Ok(html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_code() {
        assert_eq!(html("One `a<b` two.\n\nThree.").as_deref(), Ok("<p>One <code>a&#60;b</code> two.</p>\n<p>Three.</p>\n"));
        assert_eq!(html("").as_deref(), Ok(""));
        assert_eq!(html("a ` b").as_deref(), Ok("<p>a ` b</p>\n"));
        assert_eq!(html("`x`").as_deref(), Ok("<p><code>x</code></p>\n"));
    }
}
