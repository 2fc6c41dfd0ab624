//! `/account`: the viewer's own password, sessions, tokens and colours.

use askama::Template;

use super::form::Input;
use super::frame::Frame;
use super::people::{ClientCard, TokenForm, TokenRow};
use super::secret::ShownOnce;
use super::time::Moment;

/// The viewer's own account.
#[derive(Clone, Debug, Template)]
#[template(path = "web/account.html")]
pub struct OwnAccountPage {
    /// Title and navigation.
    pub frame: Frame,
    /// Names of the viewer's roles.
    pub roles: Vec<String>,
    /// The form for a new password: only errors are shown, never values.
    pub password: PasswordForm,
    /// Sessions, this one first.
    pub sessions: Vec<SessionRow>,
    /// API tokens.
    pub tokens: Vec<TokenRow>,
    /// A token that was just created.
    pub new_token: Option<ShownOnce>,
    /// The form for a new token.
    pub token_form: TokenForm,
    /// Their API clients.
    pub clients: ClientCard,
}

/// Fields of a change of password.
#[derive(Clone, Debug, Default)]
pub struct PasswordForm {
    /// `current`.
    pub current: Input,
    /// `new`.
    pub new: Input,
    /// `again`.
    pub again: Input,
}

/// One session.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its number.
    pub id: i64,
    /// Browser and system in a few words: `Firefox on Linux`.
    pub device: String,
    /// Where from.
    pub address: String,
    /// When it began.
    pub began: Moment,
    /// When it was last used.
    pub last_used: Moment,
    /// Whether it is the one that shows this page.
    pub is_this: bool,
}

impl SessionRow {
    pub(super) fn revoke_action(&self) -> String {
        format!("/account/sessions/{}/revoke", self.id)
    }
}
