//! The fields of a form as it was sent.

use zeroize::Zeroize;

/// Names and values in the order they were sent. They may hold passwords, so they are wiped.
#[derive(Default)]
pub struct Fields(Vec<(String, String)>);

/// A form that none of our pages sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs(pub &'static str);

impl Fields {
    /// Fields that were not sent, to fill a form with.
    pub fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// Reads `application/x-www-form-urlencoded`. Line ends of text areas become plain ones.
    pub fn parse(body: &[u8]) -> Result<Self, NotOurs> {
        std::str::from_utf8(body).map_err(|_| NotOurs("The form is not text."))?;
        let pairs = url::form_urlencoded::parse(body);
        Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect()))
    }

    /// The value of a field; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The value of a field, as it was sent; `None` when the form did not have it.
    pub fn given_as_sent(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field, trimmed; `None` when nothing was entered.
    pub fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim()).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// The lines of a field that are not empty, trimmed.
    pub fn lines(&self, name: &str) -> Vec<String> {
        self.text(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// All values of one name: the ticked boxes.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether a box was ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// A number that one of our pages offered as a choice; `None` for the empty choice.
    pub fn number(&self, name: &str) -> Result<Option<i64>, NotOurs> {
        match self.text(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| NotOurs("A choice of the form is none of those that were offered.")),
        }
    }

    /// All numbers of one name: the ticked boxes.
    pub fn numbers(&self, name: &str) -> Result<Vec<i64>, NotOurs> {
        let values = self.0.iter().filter(|(known, _)| known == name);
        let numbers = values
            .map(|(_, value)| value.parse().map_err(|_| NotOurs("A choice of the form is none of those that were offered.")));
        numbers.collect()
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_meant() {
        let fields = Fields::parse(b"name=+a%26b+&names=x%0D%0A%0D%0A+y+&role=3&role=4&box=true&none=").expect("a form");
        assert_eq!((fields.text("name"), fields.given("name").as_deref()), (" a&b ", Some("a&b")));
        assert_eq!(fields.lines("names"), ["x", "y"]);
        assert_eq!(fields.numbers("role"), Ok(vec![3, 4]));
        assert_eq!((fields.number("none"), fields.number("absent"), fields.number("role")), (Ok(None), Ok(None), Ok(Some(3))));
        assert!(fields.is_ticked("box") && !fields.is_ticked("name"));
        assert!(fields.number("name").is_err());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(Fields::parse(b"name=\xff\xfe").is_err());
    }
}
