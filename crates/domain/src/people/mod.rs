//! People and service accounts: how they prove who they are.

mod password;
mod principals;
mod session;
mod sign_in;
mod token;

pub use password::{Password, PasswordHash};
pub use principals::{
    NewPrincipal, Principal, PrincipalKind, by_name, change_own_password, create, create_first_administrator, get, list,
    roles_of, set_disabled, set_password,
};
pub use session::{Credential, NewSession, Session, actor_of_session, end_all_sessions, end_session, sessions_of, touch};
pub use sign_in::{Attempt, Outcome as SignIn, Verified, attempt, complete};
pub use token::{NewToken, Token, actor_of_token, create_token, purge_expired, revoke_token, tokens_of};
