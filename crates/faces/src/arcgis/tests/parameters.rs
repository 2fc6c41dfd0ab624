//! The reader of parameters, against forms that are right, and against bytes that are not.

use axum::body::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::request::Parameters;
use super::{Part, multipart};

fn read(query: &str, kind: &str, body: Vec<u8>) -> Result<Parameters, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Parameters::read(query, kind, Bytes::from(body))).map_err(|refused| refused.details.concat())
}

const KIND: &str = "multipart/form-data; boundary=7d1f0c9e4a";

/// Many more in the long run of the tests.
fn cases() -> u32 {
    if std::env::var_os("FULL").is_some() { 20_000 } else { 256 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is in a part comes out of it, octet for octet.
    #[test]
    fn parts_come_out_as_they_went_in(
        password in "\\PC{0,40}", file in vec(any::<u8>(), 0..2000), name in "x[a-zA-Z]{1,12}", file_name in "[a-z.]{0,8}",
    ) {
        prop_assume!(!file.windows(12).any(|window| window == b"--7d1f0c9e4a"));
        let parts: [Part<'_>; 3] = [
            ("certificatePfxFile", &file_name, &file),
            ("certificatePassword", "", password.as_bytes()),
            (&name, "", b"x"),
        ];
        let found = read("f=json", KIND, multipart(&parts)).unwrap();
        prop_assert_eq!(found.bytes("certificatePfxFile").unwrap(), file.as_slice());
        prop_assert_eq!(found.text("certificatePassword").unwrap(), password.as_str());
        prop_assert_eq!(found.text("f"), Some("json"));
    }

    /// A form that was damaged is read or refused with a sentence; nothing panics, and nothing is read that was not sent.
    #[test]
    fn damaged_forms_are_read_or_refused(
        cut in 0usize..400, at in 0usize..400, octet in any::<u8>(), insert in vec(any::<u8>(), 0..40),
    ) {
        let mut body = multipart(&[("certificateName", "", b"gateway"), ("certificatePfxFile", "a.pfx", &[0x30, 0x82, 0x0d, 0x0a, 0x2d, 0x2d])]);
        let at = at % body.len();
        body[at] = octet;
        body.splice(at..at, insert);
        let length = body.len();
        body.truncate(length.saturating_sub(cut % length));
        match read("", KIND, body) {
            Ok(found) => prop_assert!(found.bytes("certificatePassword").is_none()),
            Err(why) => prop_assert!(why.ends_with('.'), "{}", why),
        }
    }

    /// Bodies and types of any kind.
    #[test]
    fn anything_is_read_or_refused(kind in "\\PC{0,60}", query in "\\PC{0,60}", body in vec(any::<u8>(), 0..300)) {
        if let Err(why) = read(&query, &kind, body) {
            prop_assert!(why.ends_with('.'), "{}", why);
        }
    }
}

#[test]
fn the_body_goes_over_the_address_and_numbers_are_bounded() {
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let found = read("f=json&token=a", form, b"f=pjson&certificateName=a%20b+c".to_vec()).unwrap();
    assert_eq!((found.text("f"), found.text("token"), found.text("certificateName")), (Some("pjson"), Some("a"), Some("a b c")));
    assert!(found.in_query("token") && !found.in_query("certificateName"));
    let many = vec!["a=1"; 65].join("&");
    assert!(read("", form, many.into_bytes()).is_err_and(|why| why.contains("at most 64 parameters")));
    assert!(read("", "application/json", b"{}".to_vec()).is_err_and(|why| why.contains("send a form")));
    assert!(read("", "multipart/form-data", b"x".to_vec()).is_err_and(|why| why.contains("names no boundary")));
    assert!(read("", "text/html", Vec::new()).is_ok(), "a type without a body");
    let not_text = read("", KIND, multipart(&[("certificateName", "", &[0xff, 0xfe])])).unwrap();
    assert!(not_text.required("certificateName").is_err_and(|refused| refused.details[0].contains("UTF-8")));
}
