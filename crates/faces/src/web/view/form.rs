//! Fields of forms: the value to show again and what was wrong with it.
//!
//! A form's struct holds one of these per field. Labels and hints are words of the template; a handler only fills
//! values and errors, so that a refused form comes back as it was sent, with the reason at the field.

/// A line or block of text.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// What stands in the field.
    pub value: String,
    /// Why it was refused, as a sentence.
    pub error: Option<String>,
}

impl Input {
    /// A field that shows this value.
    #[must_use]
    pub fn of(value: impl Into<String>) -> Self {
        Self { value: value.into(), error: None }
    }

    /// The same field, refused for this reason.
    #[must_use]
    pub fn refused(mut self, why: impl Into<String>) -> Self {
        self.error = Some(why.into());
        self
    }
}

/// A secret. The page never shows what is stored; an empty field keeps it.
#[derive(Clone, Debug, Default)]
pub struct SecretInput {
    /// Whether something is stored already.
    pub is_set: bool,
    /// Why what was sent was refused, as a sentence.
    pub error: Option<String>,
}

/// One of several.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// Why the choice was refused, as a sentence.
    pub error: Option<String>,
}

impl Select {
    /// A field of these choices.
    #[must_use]
    pub fn of(choices: Vec<Choice>) -> Self {
        Self { choices, error: None }
    }

    /// The same field with this value chosen, if it is among the choices.
    #[must_use]
    pub fn choose(mut self, value: &str) -> Self {
        for choice in &mut self.choices {
            choice.is_chosen = choice.value == value;
        }
        self
    }

    /// The same field, refused for this reason.
    #[must_use]
    pub fn refused(mut self, why: impl Into<String>) -> Self {
        self.error = Some(why.into());
        self
    }
}

/// One thing that can be chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the reader sees.
    pub label: String,
    /// A few words more, where a label does not suffice.
    pub hint: String,
    /// Whether it is chosen now.
    pub is_chosen: bool,
    /// Why it cannot be chosen; it is then shown but dead.
    pub barred: Option<String>,
}

impl Choice {
    /// A choice.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new(), is_chosen: false, barred: None }
    }

    /// The same choice with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same choice, impossible for this reason.
    #[must_use]
    pub fn barred(mut self, why: impl Into<String>) -> Self {
        self.barred = Some(why.into());
        self
    }
}

/// A yes or no.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Whether it is ticked.
    pub is_checked: bool,
    /// Why it was refused, as a sentence.
    pub error: Option<String>,
}

impl Check {
    /// A box, ticked or not.
    #[must_use]
    pub fn of(is_checked: bool) -> Self {
        Self { is_checked, error: None }
    }
}
