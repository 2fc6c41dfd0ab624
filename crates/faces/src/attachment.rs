//! Files that browsers save: names that strangers chose must be harmless everywhere.

use axum::http::HeaderValue;
use certhold_domain::limits;

/// A name that is harmless in every file system, header and shell, made of what people call a certificate.
pub fn file_name(title: &str, id: i64, extension: &str) -> String {
    let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = title.chars().map(harmless).take(limits::NAME_CHARS).collect();
    match name.trim_matches(['.', '_', '-']) {
        "" => format!("certificate-{id}.{extension}"),
        name => format!("{name}.{extension}"),
    }
}

/// The `Content-Disposition` of a file with such a name.
pub fn disposition(name: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless() {
        assert_eq!(file_name("*.example.com", 3, "pem"), "example.com.pem");
        assert_eq!(file_name("../../etc/passwd\"\r\nX: y", 3, "cer"), "etc_passwd___X__y.cer");
        assert_eq!(file_name("\u{202e}", 3, "pem"), "certificate-3.pem");
        assert!(file_name(&"x".repeat(5_000), 3, "pem").len() < 255);
    }
}
