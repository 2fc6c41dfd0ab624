//! The sentence about what was just done, on its way from the form to the next page: a cookie that lives for a minute.
//!
//! It is signed with a key that only the session's own pages know, so that nobody who can set a cookie (another service on the
//! same host, a network without TLS) can put words into our mouth.

use aws_lc_rs::hmac;
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::view::frame::Notice;
use super::view::tone::Tone;

/// Name of the cookie.
pub const COOKIE: &str = "certhold-notice";
/// Cookies have little room: the sentence is cut to so many bytes.
const BYTES_MAX: usize = 1_500;
const SECONDS: u32 = 60;

/// The `Set-Cookie` that brings a notice to the next page of the session whose pages carry `csrf`.
pub fn set(csrf: &str, notice: &Notice, is_secure: bool) -> HeaderValue {
    let mark = if notice.tone == Tone::Good { '+' } else { '-' };
    let mut end = notice.text.len().min(BYTES_MAX);
    while !notice.text.is_char_boundary(end) {
        end -= 1;
    }
    let text = URL_SAFE_NO_PAD.encode(format!("{mark}{}", &notice.text[..end]));
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&key(csrf), text.as_bytes()));
    header(&format!("{text}.{tag}"), SECONDS, is_secure)
}

/// The `Set-Cookie` that takes the notice away once it was shown.
pub fn clear(is_secure: bool) -> HeaderValue {
    header("", 0, is_secure)
}

/// The notice of a cookie, if the session's own pages wrote it.
pub fn read(csrf: &str, cookie: &str) -> Option<Notice> {
    let (text, tag) = cookie.split_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    hmac::verify(&key(csrf), text.as_bytes(), &tag).ok()?;
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (mark, words) = text.split_at_checked(1)?;
    Some(if mark == "+" { Notice::good(words) } else { Notice::bad(words) })
}

fn key(csrf: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, format!("certhold notice 1 {csrf}").as_bytes())
}

fn header(value: &str, seconds: u32, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    // Base64url and a full stop fit into any header.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(header: &HeaderValue) -> String {
        let text = header.to_str().expect("a cookie is text");
        text.split(';').next().and_then(|pair| pair.split_once('=')).expect("name and value").1.to_owned()
    }

    #[test]
    fn a_notice_survives_the_cookie() {
        let cookie = value(&set("token", &Notice::good("„Zürich“ now belongs to Platform."), true));
        let read = read("token", &cookie).expect("it was written for this session");
        assert_eq!((read.tone, read.text.as_str()), (Tone::Good, "„Zürich“ now belongs to Platform."));
    }

    #[test]
    fn nobody_else_writes_one() {
        let cookie = value(&set("token", &Notice::bad("No."), false));
        assert!(read("another token", &cookie).is_none());
        let forged =
            format!("{}.{}", URL_SAFE_NO_PAD.encode("+Your password expired."), cookie.split_once('.').expect("two parts").1);
        assert!(read("token", &forged).is_none());
        for odd in ["", ".", "a.b", "!.!", &"x".repeat(5000)] {
            assert!(read("token", odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn long_ones_are_cut_between_characters() {
        let cookie = value(&set("t", &Notice::good("ü".repeat(5_000)), false));
        assert!(cookie.len() < 3_000);
        assert!(read("t", &cookie).is_some_and(|notice| notice.text.chars().all(|c| c == 'ü')));
    }
}
