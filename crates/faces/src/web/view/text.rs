//! Small words: counts, plurals, links, text cut in the middle.

/// A number with its thousands separated: `12,408`.
#[must_use]
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 certificate`, `12,408 certificates`.
#[must_use]
pub fn plural(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A target with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Text.
    pub label: String,
    /// Target: a path on this server.
    pub href: String,
}

impl Link {
    /// A link.
    #[must_use]
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(-12_345), "−12,345");
        assert_eq!(count(i64::MIN), "−9,223,372,036,854,775,808");
    }

    #[test]
    fn only_one_is_singular() {
        assert_eq!(plural(0, "name", "names"), "0 names");
        assert_eq!(plural(1, "name", "names"), "1 name");
        assert_eq!(plural(2_000, "name", "names"), "2,000 names");
    }
}
