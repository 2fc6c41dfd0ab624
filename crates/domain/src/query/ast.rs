//! The trees that a query becomes.

use super::field::FieldId;
use super::pattern::Pattern;
use super::when::When;

/// Leaves joined by AND and OR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr<L> {
    /// All of them; true when there is none.
    And(Vec<Expr<L>>),
    /// At least one of them; false when there is none.
    Or(Vec<Expr<L>>),
    /// One comparison.
    Leaf(L),
}

impl<L> Expr<L> {
    /// What every certificate fulfils.
    pub fn always() -> Expr<L> {
        Expr::And(Vec::new())
    }

    /// What no certificate fulfils.
    pub fn never() -> Expr<L> {
        Expr::Or(Vec::new())
    }

    /// [`Expr::always`] or [`Expr::never`].
    pub fn constant(value: bool) -> Expr<L> {
        if value { Expr::always() } else { Expr::never() }
    }

    /// Every leaf, from left to right.
    pub fn leaves(&self) -> Box<dyn Iterator<Item = &L> + '_> {
        match self {
            Expr::And(parts) | Expr::Or(parts) => Box::new(parts.iter().flat_map(Expr::leaves)),
            Expr::Leaf(leaf) => Box::new(std::iter::once(leaf)),
        }
    }

    /// The tree with `f` in place of each leaf.
    ///
    /// # Errors
    /// The first of `f`.
    pub(crate) fn replace<M, E>(&self, f: &mut impl FnMut(&L) -> Result<Expr<M>, E>) -> Result<Expr<M>, E> {
        Ok(match self {
            Expr::And(parts) => Expr::And(parts.iter().map(|part| part.replace(f)).collect::<Result<_, E>>()?),
            Expr::Or(parts) => Expr::Or(parts.iter().map(|part| part.replace(f)).collect::<Result<_, E>>()?),
            Expr::Leaf(leaf) => f(leaf)?,
        })
    }
}

/// An operator of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `-eq`
    Equal,
    /// `-ne`
    NotEqual,
    /// `-contains`
    Contains,
    /// `-notcontains`
    NotContains,
    /// `-startswith`
    StartsWith,
    /// `-endswith`
    EndsWith,
    /// `-lt`
    Less,
    /// `-le`
    LessOrEqual,
    /// `-gt`
    Greater,
    /// `-ge`
    GreaterOrEqual,
    /// `-in`, Certhold's own.
    In,
    /// `-like`, Certhold's own.
    Like,
}

impl Op {
    /// Every operator with its word and what it asks.
    pub const ALL: &[(Op, &str, &str)] = &[
        (Op::Equal, "-eq", "is equal to"),
        (Op::NotEqual, "-ne", "is not equal to, or is not set"),
        (Op::Contains, "-contains", "contains the text"),
        (Op::NotContains, "-notcontains", "does not contain the text, or is not set"),
        (Op::StartsWith, "-startswith", "begins with the text"),
        (Op::EndsWith, "-endswith", "ends with the text"),
        (Op::Less, "-lt", "is less than, or before"),
        (Op::LessOrEqual, "-le", "is at most, or until"),
        (Op::Greater, "-gt", "is greater than, or after"),
        (Op::GreaterOrEqual, "-ge", "is at least, or since"),
        (Op::In, "-in", "is one of the values in parentheses"),
        (Op::Like, "-like", "matches a pattern in which * stands for any text and ? for one character"),
    ];

    /// The word in queries.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// What it asks.
    pub fn sentence(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Op, &'static str, &'static str) {
        // ALL lists the variants in their order.
        &Op::ALL[self as usize]
    }

    /// The operator of a word without its dash, in any letter case.
    pub(crate) fn parse(word: &str) -> Option<Op> {
        Op::ALL.iter().find(|(_, known, _)| known[1..].eq_ignore_ascii_case(word)).map(|(op, _, _)| *op)
    }
}

/// One comparison as it was written, typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compare {
    /// The field.
    pub field: FieldId,
    /// The operator; one the field has.
    pub op: Op,
    /// The value; of the field's type.
    pub operand: Operand,
}

/// A value as it was written; what depends on clock and caller is still symbolic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// `NULL`, with `-eq` and `-ne` only.
    Null,
    /// Text, unfolded; of hexadecimal fields already in the form in which they are kept.
    Text(String),
    /// `%ME%`: the name of who asks.
    Me,
    /// `%ME-AN%`: that name without its domain.
    MeWithoutDomain,
    /// A number, also of a choice.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
    /// A day or an instant.
    When(When),
    /// Bits of a key usage, all of which are asked for.
    Bits(i64),
    /// The pattern of `-like`.
    Pattern(Pattern),
    /// The values of `-in`.
    List(Vec<Operand>),
}

impl Operand {
    pub(crate) fn is_about_caller(&self) -> bool {
        match self {
            Operand::Me | Operand::MeWithoutDomain => true,
            Operand::List(values) => values.iter().any(Operand::is_about_caller),
            _ => false,
        }
    }
}

/// What a query means at one instant for one caller.
pub type Condition = Expr<Predicate>;

/// A test of one field. `field` is never one that [`super::Query::resolve`] replaces: [`FieldId::CertState`],
/// [`FieldId::KeyType`], [`FieldId::AlwaysFalse`], [`FieldId::Absent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// The field.
    pub field: FieldId,
    /// True exactly when the test is false: also on a field that is not set.
    pub negated: bool,
    /// The test.
    pub test: Test,
}

/// A positive test: false on a field that is not set; of several values one must fit. Text is folded by [`super::fold()`] and not
/// empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Has a value at all.
    Set,
    /// Is one of these; never an empty list.
    Equals(Vec<Scalar>),
    /// Has this part.
    Contains(String),
    /// Begins so.
    StartsWith(String),
    /// Ends so.
    EndsWith(String),
    /// Fits the pattern, which is none of the cases above.
    Like(Pattern),
    /// Lies between both, inclusive; numbers, and times in unix milliseconds. `i64::MIN` and `i64::MAX` bound nothing;
    /// `from > to` is possible and fits nothing.
    Within {
        /// The least.
        from: i64,
        /// The greatest.
        to: i64,
    },
    /// Has all these bits ([`FieldId::KeyUsage`]); never zero.
    Bits(i64),
}

/// A value of [`Test::Equals`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// Folded text, not empty.
    Text(String),
    /// A number, or a time in unix milliseconds.
    Number(i64),
    /// A flag.
    Flag(bool),
}
