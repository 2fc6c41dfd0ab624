//! `/login`.

use askama::Template;

use super::frame::Frame;
use super::time::Moment;

/// The sign-in page.
#[derive(Clone, Debug, Template)]
#[template(path = "web/sign_in.html")]
pub struct SignInPage {
    /// Title; signed out.
    pub frame: Frame,
    /// What was typed as name.
    pub name: String,
    /// Where to go afterwards: a path of this server, or empty.
    pub next: String,
    /// Why it did not work.
    pub problem: Option<SignInProblem>,
    /// Whether this is a first start on which nobody has signed in: the page then says where the password is.
    pub is_first_start: bool,
}

/// Why signing in did not work.
#[derive(Clone, Debug)]
pub enum SignInProblem {
    /// Name or password is wrong; which of the two is not said.
    Wrong,
    /// Too many tries; ends by itself at that time.
    LockedOut(Moment),
    /// The session ended.
    Ended,
    /// A form was sent without a session: it is not saved.
    Lost,
}
