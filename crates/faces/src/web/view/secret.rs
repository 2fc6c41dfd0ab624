//! A secret on its only way to the person it belongs to.

use zeroize::Zeroizing;

/// A secret that a page shows exactly once. It cannot be logged, and its memory is wiped.
///
/// The page that carries it must be served with `Cache-Control: no-store`.
#[derive(Clone)]
pub struct ShownOnce(Zeroizing<String>);

impl ShownOnce {
    /// Takes the secret over.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret, for the template.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShownOnce(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", ShownOnce::new("hunter2".into())), "ShownOnce(…)");
    }
}
