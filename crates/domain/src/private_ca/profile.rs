//! What a certificate of a private authority is for.

use certhold_pki::issue::{ExtendedUsage, GeneralName, KeyUsages};

use crate::error::Refusal;

/// A kind of certificate, with its usages and life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// TLS servers.
    Server,
    /// TLS clients.
    Client,
    /// TLS servers that are clients of others.
    ServerAndClient,
    /// Mail: signing and encrypting (S/MIME).
    Mail,
    /// Signing programs.
    CodeSigning,
}

impl Profile {
    /// Every profile with its name in APIs, the name people read, its life by default and at most, in days.
    pub const ALL: &[(&str, &str, Profile, i64, i64)] = &[
        ("server", "TLS server", Profile::Server, 90, 398),
        ("client", "TLS client", Profile::Client, 365, 1_096),
        ("server_client", "TLS server and client", Profile::ServerAndClient, 90, 398),
        ("mail", "Mail (S/MIME)", Profile::Mail, 365, 824),
        ("code_signing", "Code signing", Profile::CodeSigning, 365, 460),
    ];

    fn row(self) -> &'static (&'static str, &'static str, Profile, i64, i64) {
        // Every profile is in the table: the test below holds them against each other.
        Profile::ALL.iter().find(|row| row.2 == self).unwrap_or(&Profile::ALL[0])
    }

    /// The name in APIs.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its number as a template, from 1.
    pub fn number(self) -> i64 {
        let place = Profile::ALL.iter().position(|row| row.2 == self).unwrap_or_default();
        i64::try_from(place).unwrap_or_default() + 1
    }

    /// The profile of this number.
    pub fn of_number(number: i64) -> Option<Profile> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        Profile::ALL.get(place).map(|row| row.2)
    }

    /// The name people read.
    pub fn title(self) -> &'static str {
        self.row().1
    }

    /// Its life in days, if nobody says otherwise.
    pub fn default_days(self) -> i64 {
        self.row().3
    }

    /// Its life in days at most.
    pub fn most_days(self) -> i64 {
        self.row().4
    }

    /// The profile of this name.
    pub fn parse(name: &str) -> Result<Profile, Refusal> {
        let wanted = name.trim().to_ascii_lowercase();
        let found = Profile::ALL.iter().find(|row| row.0 == wanted || row.1.eq_ignore_ascii_case(&wanted)).map(|row| row.2);
        found.ok_or_else(|| {
            let names: Vec<&str> = Profile::ALL.iter().map(|row| row.0).collect();
            Refusal::invalid("profile", format!("choose one of {}", names.join(", ")))
        })
    }

    /// Key usages (RFC 5280 section 4.2.1.3): what the key's algorithm can do of what the profile needs.
    pub(super) fn key_usages(self, rsa: bool, agrees: bool) -> KeyUsages {
        let signs = KeyUsages::DIGITAL_SIGNATURE;
        let encrypts = match (rsa, agrees) {
            (true, _) => KeyUsages::KEY_ENCIPHERMENT,
            (false, true) => KeyUsages::KEY_AGREEMENT,
            (false, false) => KeyUsages::default(),
        };
        match self {
            Profile::Mail => signs.and(encrypts),
            Profile::Server | Profile::ServerAndClient if rsa => signs.and(encrypts),
            _ => signs,
        }
    }

    pub(super) fn extended_usages(self) -> Vec<ExtendedUsage> {
        match self {
            Profile::Server => vec![ExtendedUsage::ServerAuth],
            Profile::Client => vec![ExtendedUsage::ClientAuth],
            Profile::ServerAndClient => vec![ExtendedUsage::ServerAuth, ExtendedUsage::ClientAuth],
            Profile::Mail => vec![ExtendedUsage::EmailProtection],
            Profile::CodeSigning => vec![ExtendedUsage::CodeSigning],
        }
    }

    /// The names of what its certificates may be used for (RFC 5280 section 4.2.1.12).
    pub fn extended_usage_names(self) -> &'static [&'static str] {
        match self {
            Profile::Server => &["serverAuth"],
            Profile::Client => &["clientAuth"],
            Profile::ServerAndClient => &["serverAuth", "clientAuth"],
            Profile::Mail => &["emailProtection"],
            Profile::CodeSigning => &["codeSigning"],
        }
    }

    /// Refuses names without which such a certificate serves nobody.
    pub(crate) fn require_names(self, names: &[GeneralName], subject_is_empty: bool) -> Result<(), Refusal> {
        let has = |wanted: fn(&GeneralName) -> bool| names.iter().any(wanted);
        match self {
            Profile::Server | Profile::ServerAndClient
                if !has(|name| matches!(name, GeneralName::Dns(_) | GeneralName::Ip(_))) =>
            {
                Err(Refusal::invalid("names", "a server certificate needs at least one host name or IP address"))
            }
            Profile::Mail if !has(|name| matches!(name, GeneralName::Email(_))) => {
                Err(Refusal::invalid("names", "a mail certificate needs at least one mail address"))
            }
            _ if names.is_empty() && subject_is_empty => {
                Err(Refusal::invalid("subject", "say who it is for: a subject such as CN=Kim Doe, or a name"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_by_their_names() {
        for (name, title, profile, default, most) in Profile::ALL {
            assert_eq!((Profile::parse(name), Profile::parse(title)), (Ok(*profile), Ok(*profile)));
            assert_eq!((profile.name(), profile.title()), (*name, *title));
            assert!(0 < *default && default <= most);
            assert_eq!(Profile::of_number(profile.number()), Some(*profile));
        }
        assert!(Profile::parse("root").is_err());
        assert_eq!([i64::MIN, 0, 6].map(Profile::of_number), [None; 3]);
    }

    #[test]
    fn a_certificate_is_for_somebody() {
        let (host, mail) = (GeneralName::dns("a.example").unwrap(), GeneralName::email("kim@a.example").unwrap());
        assert!(Profile::Server.require_names(std::slice::from_ref(&host), true).is_ok());
        assert!(Profile::Server.require_names(std::slice::from_ref(&mail), false).is_err());
        assert!(Profile::Mail.require_names(&[host], false).is_err());
        assert!(Profile::Mail.require_names(&[mail], true).is_ok());
        assert!(Profile::Client.require_names(&[], false).is_ok());
        assert!(Profile::Client.require_names(&[], true).is_err());
    }
}
