//! The picture of who issued a certificate, up to the roots.

use super::form::{Input, Select};
use super::tone::Badge;

/// Everything above one certificate.
#[derive(Clone, Debug, Default)]
pub struct ChainsCard {
    /// Extent of the picture in its own units.
    pub width: i64,
    /// Likewise.
    pub height: i64,
    /// Certificates, and issuers that are not held.
    pub boxes: Vec<ChainBox>,
    /// Who issued whom.
    pub lines: Vec<ChainLine>,
    /// The same in words: one entry for each path.
    pub paths: Vec<ChainPath>,
    /// Remarks: cross-signed authorities, limits that were reached.
    pub notes: Vec<String>,
    /// Who would trust it, by trust set.
    pub verdicts: Vec<TrustVerdict>,
    /// Which trust sets were not looked at, in a sentence; empty when all were.
    pub left_out: String,
    /// How it is judged otherwise, where trust is a question.
    pub judge: Option<JudgeForm>,
}

/// How trust is judged; sent to the page itself.
#[derive(Clone, Debug, Default)]
pub struct JudgeForm {
    /// The page.
    pub action: String,
    /// `collection`: the collection through which the viewer came.
    pub within: Option<i64>,
    /// `trust`: one trust set, or all.
    pub trust: Select,
    /// `use`: who shows the certificate.
    pub usage: Select,
    /// `name`: for which host name or address.
    pub name: Input,
}

impl ChainsCard {
    /// What a screen reader says for the picture.
    #[must_use]
    pub fn spoken(&self) -> String {
        let held = self.boxes.iter().filter(|one| one.is_held).count();
        format!("{held} certificates on {} paths; the list below says the same in words.", self.paths.len())
    }
}

/// A certificate in the picture, or an issuer that is not held.
#[derive(Clone, Debug)]
pub struct ChainBox {
    /// Left edge.
    pub x: i64,
    /// Upper edge.
    pub y: i64,
    /// Its name, cut to the width of the box.
    pub label: String,
    /// Its whole name.
    pub title: String,
    /// Its state: a word and a shape.
    pub state: Badge,
    /// Its page; none for what is not held, or not for the viewer to see.
    pub href: Option<String>,
    /// Whether it is in the inventory.
    pub is_held: bool,
    /// Ends a path: drawn with a second frame.
    pub is_root: bool,
    /// The certificate of this page.
    pub is_this: bool,
}

impl ChainBox {
    /// Width of every box.
    pub const WIDTH: i64 = 230;
    /// Height of every box.
    pub const HEIGHT: i64 = 52;

    /// The classes of the box.
    #[must_use]
    pub fn class(&self) -> String {
        let mut class = format!("chain-box {}", self.state.tone.class());
        for (is, name) in [(!self.is_held, " missing"), (self.is_root, " root"), (self.is_this, " this")] {
            if is {
                class.push_str(name);
            }
        }
        class
    }

    fn at(&self, dx: i64, dy: i64) -> (i64, i64) {
        (self.x + dx, self.y + dy)
    }

    /// Where the name stands.
    #[must_use]
    pub fn label_at(&self) -> (i64, i64) {
        self.at(12, 21)
    }

    /// Where the symbol stands.
    #[must_use]
    pub fn symbol_at(&self) -> (i64, i64) {
        self.at(12, 29)
    }

    /// Where the word for its state stands.
    #[must_use]
    pub fn state_at(&self) -> (i64, i64) {
        self.at(30, 40)
    }
}

/// A line from a certificate up to its issuer.
#[derive(Clone, Debug)]
pub struct ChainLine {
    /// Lower end.
    pub from: (i64, i64),
    /// Upper end.
    pub to: (i64, i64),
    /// The signature was verified; otherwise it cannot be verified here, and the line is dashed.
    pub is_verified: bool,
}

/// One path in words.
#[derive(Clone, Debug)]
pub struct ChainPath {
    /// Whether it is sound, a word and a shape.
    pub badge: Badge,
    /// The names from this certificate upwards.
    pub names: Vec<String>,
    /// What is missing or wrong, in sentences; empty when it is sound.
    pub remarks: Vec<String>,
}

/// What those who trust a set would say.
#[derive(Clone, Debug)]
pub struct TrustVerdict {
    /// The trust set.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Trusted or not, a word and a shape.
    pub badge: Badge,
    /// Why not.
    pub reasons: Vec<String>,
}
