//! People and service accounts: how they prove who they are.

mod bound;
mod client;
mod password;
mod principals;
mod session;
mod sign_in;
mod token;

pub use bound::{Binding, BoundToken, NewBoundToken, Shown, actor_of_bound_token, end_bound_token, issue_bound_token};
pub use client::{
    ApiClient, NewApiClient, OWN_PROVIDER, TokenRequest, actor_of_access_token, clients_of, create_client, issue_access_token,
    renew_client, revoke_client,
};
pub use password::{Password, PasswordHash};
pub(crate) use principals::insert;
pub use principals::{
    NewPrincipal, Principal, PrincipalKind, by_name, change_own_password, create, create_first_administrator, get, list,
    roles_of, set_disabled, set_password,
};
pub(crate) use session::actor as actor_of_principal;
pub use session::{Credential, NewSession, Session, actor_of_session, end_all_sessions, end_session, sessions_of, touch};
pub use sign_in::{
    Attempt, Outcome as SignIn, Recognised, Verified, actor_of_generation, attempt, attempt_as, attempt_exactly, complete,
    complete_without_session,
};
pub use token::{NewToken, Token, actor_of_token, create_token, purge_expired, revoke_token, tokens_of};
