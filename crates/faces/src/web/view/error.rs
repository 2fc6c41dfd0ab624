//! Pages for what cannot be shown: refusals and faults.

use askama::Template;

use super::address::Address;
use super::frame::Frame;

/// A page that says why there is no page.
#[derive(Clone, Debug, Template)]
#[template(path = "web/error.html")]
pub struct ErrorPage {
    /// Title and navigation; signed out where nobody is signed in.
    pub frame: Frame,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do, in one or two sentences.
    pub message: String,
    /// 403: the permission paths, any one of which would do.
    pub missing: Vec<String>,
    /// 403: the question why, about the viewer.
    pub why: Option<String>,
    /// 500: the number under which the log tells more.
    pub reference: Option<String>,
}

impl ErrorPage {
    /// 403: the viewer lacks a permission; any one of these paths would do.
    #[must_use]
    pub fn forbidden(mut frame: Frame, missing: Vec<String>) -> Self {
        "Not allowed".clone_into(&mut frame.title);
        let message = "Your roles do not grant this. Somebody who manages roles can give you one of these permissions:";
        let why = missing.first().filter(|_| frame.viewer.is_some());
        let why = why.map(|path| Address::new("/access/why").with("action", path).to_string());
        Self { frame, status: 403, message: message.into(), missing, why, reference: None }
    }

    /// 404: there is no such page, or the viewer may not know of it.
    #[must_use]
    pub fn not_found(mut frame: Frame) -> Self {
        "Not found".clone_into(&mut frame.title);
        let message = "There is nothing at this address, or nothing you may see.";
        Self { frame, status: 404, message: message.into(), missing: Vec::new(), why: None, reference: None }
    }

    /// 500: a fault of ours, with the number under which the log tells more.
    #[must_use]
    pub fn fault(mut frame: Frame, reference: impl Into<String>) -> Self {
        "Something broke".clone_into(&mut frame.title);
        let message = "This is our fault, not yours, and nothing was changed. Whoever runs this server finds the cause \
                       in its log under this reference:";
        Self { frame, status: 500, message: message.into(), missing: Vec::new(), why: None, reference: Some(reference.into()) }
    }

    /// Any other refusal: what was wrong and what to do.
    #[must_use]
    pub fn refused(mut frame: Frame, status: u16, title: &str, message: impl Into<String>) -> Self {
        title.clone_into(&mut frame.title);
        Self { frame, status, message: message.into(), missing: Vec::new(), why: None, reference: None }
    }
}

/// 403 for whoever is signed in without the right to use the pages.
#[derive(Clone, Debug, Template)]
#[template(path = "web/shut_out.html")]
pub struct ShutOutPage {
    /// Title; no navigation, but the token with which one signs out.
    pub frame: Frame,
    /// Sign-in name.
    pub name: String,
    /// The permission that would do.
    pub permission: String,
}
