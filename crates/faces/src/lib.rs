//! The faces of Certhold: everything that speaks HTTP.
//!
//! A face authenticates in its own way to one actor, translates its own words to one command of the domain, and
//! translates the outcome back. A face decides nothing, and faces do not know each other.
//!
//! | module | what it is |
//! |---|---|
//! | [`web`] | the pages people see |

pub mod web;
