//! Addresses of pages with parameters, properly encoded.

use url::form_urlencoded;

/// A path of this server with query parameters, in the order they were added.
///
/// ```
/// use certhold_faces::web::view::address::Address;
///
/// let page = Address::new("/certificates").with("q", "CN -eq \"a&b\"").with("sort", "");
/// assert_eq!(page.to_string(), "/certificates?q=CN+-eq+%22a%26b%22");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    path: String,
    parameters: Vec<(String, String)>,
}

impl Address {
    /// The path alone. It is taken as it is: identifiers in it must be numbers or already encoded.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), parameters: Vec::new() }
    }

    /// With one parameter more; replaces an earlier one of that name. An empty value leaves the parameter out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        let value = value.into();
        if !value.is_empty() {
            self.parameters.push((name.to_owned(), value));
        }
        self
    }

    /// With each of these parameters, as [`Address::with`].
    #[must_use]
    pub fn with_all(self, parameters: &[(String, String)]) -> Self {
        parameters.iter().fold(self, |address, (name, value)| address.with(name, value))
    }

    /// The same address without these parameters.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.parameters.retain(|(known, _)| !names.contains(&known.as_str()));
        self
    }

    /// Name and value of each parameter, for the hidden fields of a search form.
    #[must_use]
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        if self.parameters.is_empty() {
            return Ok(());
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.parameters).finish();
        write!(f, "?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_and_replaced() {
        let address = Address::new("/certificates").with("q", "a b").with("sort", "name").with("q", "ü&=");
        assert_eq!(address.to_string(), "/certificates?sort=name&q=%C3%BC%26%3D");
        assert_eq!(address.without(&["q", "sort"]).to_string(), "/certificates");
    }
}
