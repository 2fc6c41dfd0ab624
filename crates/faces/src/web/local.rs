//! Where to go after signing in: only to a page of this server.

use url::Url;

/// The path, if it leads to a page of this server and not back to signing in or out.
pub fn path(next: &str) -> Option<&str> {
    let base = Url::parse("https://certhold.invalid/").ok()?;
    // What browsers read as another host in a relative reference: `//host`, `/\host`, and control characters that they drop.
    let is_plain =
        next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && !next.chars().any(|c| c.is_control() || c == '\\');
    let target = base.join(next).ok()?;
    let is_ours = is_plain && target.origin() == base.origin() && next.len() <= 2_000;
    (is_ours && !matches!(target.path(), "/login" | "/logout")).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_server_pass() {
        for fine in ["/", "/certificates?q=a%20b&sort=-expiry", "/managed/7", "/certificates?q=//x", "/a#b"] {
            assert_eq!(path(fine), Some(fine));
        }
    }

    #[test]
    fn nothing_leads_away() {
        let odd = [
            "",
            "evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "/login",
            "/login?next=/x",
            "/logout",
            "///evil",
            "/x\\y",
        ];
        for odd in odd {
            assert_eq!(path(odd), None, "{odd:?}");
        }
    }
}
