//! Accounts: made once, brought back from their credentials ever after.

use super::again_on_bad_nonce;
use super::client::Client;
use super::error::AcmeError;
use super::exchange::observed;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use instant_acme::{Account, AccountCredentials, ExternalAccountKey, NewAccount};
use reqwest::Url;
use std::fmt;
use zeroize::Zeroizing;

/// Where an authority is and whom to believe that it is the authority.
#[derive(Clone)]
pub struct Authority {
    directory: String,
    /// Host (and port) of the directory, for sentences.
    host: String,
    client: Client,
}

impl Authority {
    /// `directory` is an `https` URL; `roots` are certificates in PEM that are trusted for it instead of the system's.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(directory: &str, roots: Option<&str>) -> Result<Self, AcmeError> {
        let url = Url::parse(directory).ok().filter(|url| url.scheme() == "https" && url.has_host() && url.username().is_empty());
        let url = url.ok_or_else(|| AcmeError::settings("the authority's directory must be an https address"))?;
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { directory: url.to_string(), host, client: Client::new(roots)? })
    }

    /// Host and port, for sentences.
    pub(super) fn name(&self) -> &str {
        &self.host
    }
}

/// What binds a new account to one that people have with the authority (RFC 8555 section 7.3.4).
pub struct ExternalAccount {
    key_id: String,
    key: Zeroizing<Vec<u8>>,
}

impl ExternalAccount {
    /// `key` is what the authority handed out, in base64url (RFC 8555) or base64, with or without padding.
    ///
    /// # Errors
    /// A key that is no base64.
    pub fn new(key_id: &str, key: &str) -> Result<Self, AcmeError> {
        let engine = |alphabet| {
            let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            GeneralPurpose::new(alphabet, padding)
        };
        let key = key.trim();
        let decoded = engine(&alphabet::URL_SAFE).decode(key).or_else(|_| engine(&alphabet::STANDARD).decode(key));
        match decoded {
            Ok(bytes) if !bytes.is_empty() => Ok(Self { key_id: key_id.trim().to_owned(), key: Zeroizing::new(bytes) }),
            _ => Err(AcmeError::settings(
                "the key of the external account is not base64url; copy it again from the authority's page",
            )),
        }
    }
}

/// An account at an authority, ready for orders. Cheap to clone; keep it for many orders, for it holds the connection.
#[derive(Clone)]
pub struct Session {
    pub(super) account: Account,
    pub(super) authority: Authority,
}

/// Makes an account, agreeing to the terms of service, and returns it with its credentials: a secret text to keep for
/// [`Session::restore`]. `contacts` are mail addresses.
///
/// If the credentials are lost in a crash, calling again makes another account; the first stays unused.
///
/// # Errors
/// See [`AcmeError`].
pub async fn register(
    authority: &Authority,
    contacts: &[String],
    external: Option<&ExternalAccount>,
) -> Result<(Session, Zeroizing<String>), AcmeError> {
    let contacts: Vec<String> = contacts
        .iter()
        .map(|contact| if contact.starts_with("mailto:") { contact.clone() } else { format!("mailto:{contact}") })
        .collect();
    let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contacts, terms_of_service_agreed: true, only_return_existing: false };
    let external = external.map(|external| ExternalAccountKey::new(external.key_id.clone(), &external.key));
    let step = async {
        again_on_bad_nonce!({
            let builder = Account::builder_with_http(Box::new(authority.client.clone()));
            builder.create(&new, authority.directory.clone(), external.as_ref()).await
        })
    };
    let (result, answer) = observed(step).await;
    let (account, credentials) = result.map_err(|error| AcmeError::of(&error, answer, authority.name()))?;
    let text = serde_json::to_string(&credentials).map(Zeroizing::new);
    let text = text.map_err(|_| AcmeError::settings("the new account's credentials cannot be written down"))?;
    Ok((Session { account, authority: authority.clone() }, text))
}

impl Session {
    /// Brings an account back. Asks the authority for its directory, nothing else.
    ///
    /// # Errors
    /// Credentials that are not those of an account at this authority, or no answer.
    pub async fn restore(authority: &Authority, credentials: &str) -> Result<Self, AcmeError> {
        let unusable = || AcmeError::settings("the stored credentials of the account cannot be read; register a new account");
        let parsed: AccountCredentials = serde_json::from_str(credentials).map_err(|_| unusable())?;
        let value: serde_json::Value = serde_json::from_str(credentials).map_err(|_| unusable())?;
        // The account's key must not be used with another authority than the one it was made for.
        if value["directory"].as_str() != Some(authority.directory.as_str()) {
            return Err(AcmeError::settings("the stored account belongs to another authority; register a new account"));
        }
        let builder = Account::builder_with_http(Box::new(authority.client.clone()));
        let (result, answer) = observed(builder.from_credentials(parsed)).await;
        let account = result.map_err(|error| AcmeError::of(&error, answer, authority.name()))?;
        Ok(Self { account, authority: authority.clone() })
    }

    /// The account's URL at the authority, which is no secret.
    pub fn account_url(&self) -> &str {
        self.account.id()
    }

    /// The profiles that the authority offers: name and description.
    pub fn profiles(&self) -> Vec<(String, String)> {
        let mut profiles: Vec<_> =
            self.account.profiles().map(|profile| (profile.name.to_owned(), profile.description.to_owned())).collect();
        profiles.sort();
        profiles
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("authority", &self.authority.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acme::AcmeErrorKind;

    #[test]
    fn only_https_directories_and_pem_roots() {
        for bad in ["", "http://ca.example/dir", "ca.example", "https://user@ca.example/", "file:///etc/passwd", "https://"] {
            assert_eq!(Authority::new(bad, None).err().map(|error| error.kind), Some(AcmeErrorKind::Settings), "{bad:?}");
        }
        assert_eq!(Authority::new("https://ca.example/dir", None).unwrap().name(), "ca.example");
        assert_eq!(Authority::new("https://ca.example:14000/dir", None).unwrap().name(), "ca.example:14000");
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for root in ["", "nonsense", junk] {
            assert!(Authority::new("https://ca.example/dir", Some(root)).is_err(), "{root:?}");
        }
    }

    #[test]
    fn external_keys_in_any_base64() {
        let expected = [0xfb, 0xef, 0xff, 0x01];
        for text in ["--__AQ", "--__AQ==", "++//AQ", " ++//AQ== "] {
            assert_eq!(*ExternalAccount::new("kid", text).unwrap().key, expected, "{text}");
        }
        for bad in ["", "!!!", "a"] {
            assert!(ExternalAccount::new("kid", bad).is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn credentials_for_another_authority_are_not_used() {
        let authority = Authority::new("https://ca.example/dir", None).unwrap();
        for bad in ["", "{}", "[]", r#"{"id": "https://x", "key_pkcs8": "AAAA", "directory": "https://other.example/dir"}"#] {
            assert_eq!(Session::restore(&authority, bad).await.unwrap_err().kind, AcmeErrorKind::Settings, "{bad:?}");
        }
    }
}
