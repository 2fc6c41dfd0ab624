//! API tokens, on the pages of accounts and on one's own.

use certhold_domain::people::{self, Credential, NewToken, Token};
use certhold_domain::{PrincipalId, Result as DomainResult, TokenId};
use secrecy::ExposeSecret;

use crate::auth::TOKEN_PREFIX;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Author, Complaint};
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::people::{TokenForm, TokenRow};
use crate::web::view::secret::ShownOnce;
use crate::web::view::time::{DAY, Moment};

/// Characters of a token that are shown to recognise it by: the prefix and 6 of its 43.
const HINT: usize = TOKEN_PREFIX.len() + 6;
/// Days that a token may live; the form offers these, the first by default.
const LIVES: [(&str, &str); 5] =
    [("90", "In 90 days"), ("7", "In 7 days"), ("30", "In 30 days"), ("365", "In a year"), ("", "Never")];

/// A refused form.
pub struct Filled {
    name: String,
    expires: String,
    scopes: String,
    complaint: Complaint,
}

/// The tokens that are still of use.
pub fn rows(tokens: &[Token], now: i64) -> Vec<TokenRow> {
    let alive = |token: &&Token| token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now);
    let row = |token: &Token| TokenRow {
        id: token.id.0,
        name: token.name.clone(),
        hint: format!("{}…", token.hint),
        scopes: if token.scopes == ["/"] { Vec::new() } else { token.scopes.clone() },
        created: Moment::new(token.created_at, now),
        expires: token.expires_at.map(|at| Moment::new(at, now)),
    };
    tokens.iter().filter(alive).map(row).collect()
}

/// The form, as it is offered or as it was refused.
pub fn form(action: &str, is_offered: bool, refused: Option<Filled>) -> TokenForm {
    let lives = Select::of(LIVES.iter().map(|(days, label)| Choice::new(*days, *label)).collect());
    let Some(Filled { name, expires, scopes, complaint }) = refused else {
        return TokenForm { action: action.into(), is_offered, expires: lives.choose(LIVES[0].0), ..TokenForm::default() };
    };
    let mut form = TokenForm {
        action: action.into(),
        is_offered,
        name: Input::of(name),
        expires: lives.choose(&expires),
        scopes: Input::of(scopes),
    };
    let place = match complaint.field {
        "expires_at" => &mut form.expires.error,
        "scopes" | "permissions" => &mut form.scopes.error,
        _ => &mut form.name.error,
    };
    *place = Some(complaint.message);
    form
}

/// Makes a token as the form says; the token, or the form again.
pub async fn create(author: &Author, fields: &Fields, principal: PrincipalId) -> Result<Result<ShownOnce, Filled>, Refused> {
    let expires = fields.text("token_expires");
    if !LIVES.iter().any(|(days, _)| *days == expires) {
        return Err(author.malformed("The end of the token is none of those that were offered."));
    }
    let days: Option<i64> = expires.parse().ok();
    let scopes = fields.lines("token_scopes");
    let app = &author.visit.app;
    let made = Credential::generate(app.core().entropy.as_ref(), TOKEN_PREFIX);
    let new = NewToken {
        principal,
        name: fields.text("token_name").to_owned(),
        hash: made.hash,
        hint: made.text.expose_secret().chars().take(HINT).collect(),
        scopes: if scopes.is_empty() { vec!["/".into()] } else { scopes },
        expires_at: days.map(|days| app.now() + days * DAY),
    };
    match author.write(move |tx, actor, now| people::create_token(tx, actor, &new, now)).await {
        Ok(_) => Ok(Ok(ShownOnce::new(made.text.expose_secret().to_owned()))),
        Err(error) => Ok(Err(Filled {
            name: fields.text("token_name").to_owned(),
            expires: expires.to_owned(),
            scopes: fields.text("token_scopes").to_owned(),
            complaint: author.complaint(error)?,
        })),
    }
}

/// Revokes a token.
pub async fn revoke(author: &Author, id: i64) -> DomainResult<()> {
    author.write(move |tx, actor, now| people::revoke_token(tx, actor, TokenId(id), now)).await
}
