//! Which members of a token become claims.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::{ClaimKey, ClaimType};
use crate::error::Refusal;
use crate::{limits, text};

/// For each kind of claim the members of a token that say it: names, or JSON Pointers (RFC 6901) into what is nested
/// (`/realm_access/roles`). Of `oid`, `subject` and `client_id` the first that is there counts, of `role` all.
///
/// Two members may say the same text of two people, so a subject that another member than the first says is written with the
/// member's name before it: `cid=X`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimMapping {
    /// `oauth_oid`.
    pub oid: Vec<String>,
    /// `oauth_role`.
    pub role: Vec<String>,
    /// `oauth_subject`; by it an account here is found again.
    pub subject: Vec<String>,
    /// `oauth_client_id`, which only a token that a client has for itself makes: what a client may do is not for everybody who
    /// signs in through it. A token that has none of them names its client as `azp`; nothing makes the claim when none is named.
    pub client_id: Vec<String>,
}

impl Default for ClaimMapping {
    /// What Entra, Keycloak, Okta and others put into their tokens. Groups are none of it: who makes one may not be who gives roles.
    fn default() -> ClaimMapping {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ClaimMapping {
            oid: names(&["oid"]),
            role: names(&["roles"]),
            subject: names(&["sub"]),
            client_id: names(&["azp", "client_id", "appid", "cid"]),
        }
    }
}

/// Members that say one kind of claim.
const MEMBERS: usize = 10;

impl ClaimMapping {
    /// The mapping in its plain form.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when a name is none, there are too many, or nothing says who somebody is.
    pub(super) fn checked(&self) -> Result<ClaimMapping, Refusal> {
        let plain = |field: &'static str, names: &[String]| -> Result<Vec<String>, Refusal> {
            let mut kept: Vec<String> = Vec::new();
            for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
                text::line(field, name, limits::NAME_CHARS)?;
                if !kept.iter().any(|known| known == name) {
                    kept.push(name.to_owned());
                }
            }
            match kept.len() {
                0..=MEMBERS => Ok(kept),
                _ => Err(Refusal::invalid(field, format!("name at most {MEMBERS} members of a token"))),
            }
        };
        let mapping = ClaimMapping {
            oid: plain("oid_claims", &self.oid)?,
            role: plain("role_claims", &self.role)?,
            subject: plain("subject_claims", &self.subject)?,
            client_id: plain("client_id_claims", &self.client_id)?,
        };
        if mapping.subject.is_empty() {
            return Err(Refusal::invalid("subject_claims", "name the member of a token that says who somebody is: sub"));
        }
        if mapping.subject.len() > 1 && mapping.subject.iter().any(|name| name.contains('=')) {
            return Err(Refusal::invalid("subject_claims", "where several members are named, none has a = in its name"));
        }
        Ok(mapping)
    }

    /// Who the token is about, if it says so in a form in which it can be kept.
    pub(super) fn subject_of(&self, members: &Map<String, Value>) -> Option<String> {
        let said = |name: &String| member(members, name)?.as_str().map(|value| (name.clone(), value));
        let (name, value) = self.subject.iter().find_map(said)?;
        let looks_named =
            || self.subject.iter().any(|name| value.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('=')));
        let is_first = self.subject.first() == Some(&name);
        let plain = self.subject.len() == 1 || is_first && !looks_named();
        let subject = if plain { value.to_owned() } else { format!("{name}={value}") };
        (!value.is_empty() && !value.contains(char::is_control)).then_some(subject)
    }

    /// Whether the token is about the client that it was issued to, by signs that its provider makes and nobody chooses: Entra
    /// `idtyp`, Auth0 `gty`, Keycloak where the client came from, Okta and others the client as the subject.
    pub(super) fn is_of_client(&self, members: &Map<String, Value>) -> bool {
        let is = |name: &str, value: &str| members.get(name).and_then(Value::as_str) == Some(value);
        let subject = first(members, &self.subject);
        is("idtyp", "app")
            || is("gty", "client-credentials")
            || is_of_service_account(members)
            || subject.is_some() && subject == self.client_of(members)
    }

    /// Which client the token was issued to: by the members that are named for it, and where a token has none of them by `azp`.
    pub(super) fn client_of(&self, members: &Map<String, Value>) -> Option<String> {
        let azp = || members.get("azp").filter(|_| !self.client_id.is_empty())?.as_str().map(str::to_owned);
        first(members, &self.client_id).or_else(azp)
    }

    /// What the token says of somebody. Values that no stored claim could have are left out.
    pub(super) fn claims(&self, members: &Map<String, Value>, provider: &str) -> Vec<ClaimKey> {
        let client = self.client_of(members).filter(|_| self.is_of_client(members));
        let single = [
            (ClaimType::OauthOid, first(members, &self.oid)),
            (ClaimType::OauthSubject, self.subject_of(members)),
            (ClaimType::OauthClientId, client),
        ];
        let single = single.into_iter().filter_map(|(kind, value)| Some((kind, value?)));
        let roles =
            self.role.iter().filter_map(|name| member(members, name)).flat_map(texts).map(|role| (ClaimType::OauthRole, role));
        let mut claims: Vec<ClaimKey> = Vec::new();
        for (kind, value) in single.chain(roles) {
            let claim = ClaimKey { kind, value, provider: provider.to_owned() };
            let storable = !claim.value.is_empty() && text::line("value", &claim.value, limits::NAME_CHARS).is_ok();
            if storable && !claims.contains(&claim) {
                claims.push(claim);
            }
            if claims.len() == limits::EXTERNAL_CLAIMS {
                break;
            }
        }
        claims
    }
}

/// Keycloak has a service account for each client, with a subject of its own. Into tokens of these alone it puts where the client came
/// from, and the client once more: as `client_id`, or as `clientId` for clients that an older version made. What its name
/// (`preferred_username`) looks like is no sign: somebody may call themselves so.
fn is_of_service_account(members: &Map<String, Value>) -> bool {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let client = text("client_id").or_else(|| text("clientId"));
    (text("clientHost").is_some() || text("clientAddress").is_some()) && client.is_some() && client == text("azp")
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else { return members.get(name) };
    let (first, rest) = path.split_once('/').map_or((path, String::new()), |(first, rest)| (first, format!("/{rest}")));
    members.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(&rest)
}

fn first(members: &Map<String, Value>, names: &[String]) -> Option<String> {
    names.iter().filter_map(|name| member(members, name)).find_map(|value| value.as_str().map(str::to_owned))
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(mapping: &ClaimMapping, token: Value) -> Vec<(ClaimType, String)> {
        let members = token.as_object().unwrap().clone();
        mapping.claims(&members, "Corporate").into_iter().map(|claim| (claim.kind, claim.value)).collect()
    }

    #[test]
    fn members_become_claims() {
        let token = json!({ "sub": "s", "oid": "o", "azp": "a", "appid": "b", "idtyp": "app", "roles": ["r", "r", 7, null, ""], "groups": "g" });
        let expected = [
            (ClaimType::OauthOid, "o"),
            (ClaimType::OauthSubject, "s"),
            (ClaimType::OauthClientId, "a"),
            (ClaimType::OauthRole, "r"),
        ];
        assert_eq!(claims(&ClaimMapping::default(), token), expected.map(|(kind, value)| (kind, value.to_owned())));
        assert_eq!(claims(&ClaimMapping::default(), json!({ "sub": 7, "roles": { "a": "b" }, "oid": ["x"] })), []);
        let nul = json!({ "roles": ["a\u{0}b", "c\nd", "x".repeat(201), "é"] });
        assert_eq!(claims(&ClaimMapping::default(), nul), [(ClaimType::OauthRole, "é".to_owned())], "what no claim could be");
    }

    #[test]
    fn nested_members_are_reached_by_pointers_and_names_are_taken_to_the_letter() {
        let mapping = ClaimMapping {
            role: [
                "/realm_access/roles",
                "/resource_access/my~1app/roles",
                "https://example.org/roles",
                "a.b",
                "/gone/roles",
                "/realm_access",
            ]
            .map(str::to_owned)
            .into(),
            ..ClaimMapping::default()
        };
        let token = json!({
            "realm_access": { "roles": ["one"] }, "resource_access": { "my/app": { "roles": ["two"] } },
            "https://example.org/roles": ["three"], "a.b": "four", "a": { "b": "five" }, "roles": ["six"],
        });
        let values: Vec<String> = claims(&mapping, token).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["one", "two", "three", "four"]);
    }

    #[test]
    fn members_that_say_the_same_of_two_do_not_make_them_one() {
        let mapping = ClaimMapping { subject: ["oid", "cid"].map(str::to_owned).into(), ..ClaimMapping::default() };
        let subject = |token: Value| mapping.subject_of(token.as_object().unwrap());
        let mut known = Vec::new();
        for (token, expected) in [
            (json!({ "oid": "X" }), "X"),
            (json!({ "cid": "X" }), "cid=X"),
            (json!({ "oid": "cid=X" }), "oid=cid=X"),
            (json!({ "oid": "oid=cid=X" }), "oid=oid=cid=X"),
            (json!({ "cid": "cid=X" }), "cid=cid=X"),
            (json!({ "oid": "cidX" }), "cidX"),
        ] {
            assert_eq!(subject(token.clone()).as_deref(), Some(expected), "{token}");
            let said: Vec<ClaimKey> = mapping.claims(token.as_object().unwrap(), "Corporate");
            assert!(said.iter().any(|claim| claim.kind == ClaimType::OauthSubject && claim.value == expected), "{token}");
            assert!(!known.contains(&expected));
            known.push(expected);
        }
        assert_eq!(subject(json!({ "cid": "" })), None);
        let alone = ClaimMapping { subject: vec!["oid".into()], ..ClaimMapping::default() };
        assert_eq!(alone.subject_of(json!({ "oid": "oid=X" }).as_object().unwrap()).as_deref(), Some("oid=X"));
    }

    #[test]
    fn a_client_is_named_by_its_own_tokens_only() {
        let of_client = |token: Value| {
            claims(&ClaimMapping::default(), token).iter().any(|(kind, value)| *kind == ClaimType::OauthClientId && value == "ci")
        };
        for own in [
            json!({ "sub": "x", "appid": "ci", "idtyp": "app" }),
            json!({ "sub": "ci@clients", "azp": "ci", "gty": "client-credentials" }),
            json!({ "sub": "ci", "cid": "ci" }),
            json!({ "sub": "x", "azp": "ci", "client_id": "ci", "clientHost": "192.0.2.1", "clientAddress": "192.0.2.1" }),
            json!({ "sub": "x", "azp": "ci", "clientId": "ci", "clientHost": "192.0.2.1" }),
            json!({ "sub": "x", "azp": "ci", "client_id": "ci", "clientAddress": "192.0.2.1" }),
        ] {
            assert!(of_client(own.clone()), "{own}");
        }
        for of_person in [
            json!({ "sub": "kim", "azp": "ci" }),
            json!({ "sub": "kim", "appid": "ci", "idtyp": "user" }),
            json!({ "sub": "kim", "azp": "ci", "gty": "password" }),
            // Somebody may call themselves so.
            json!({ "sub": "kim", "azp": "ci", "preferred_username": "service-account-ci" }),
            json!({ "azp": "ci" }),
            // As RFC 9068 has it in every token.
            json!({ "sub": "kim", "azp": "ci", "client_id": "ci" }),
            json!({ "sub": "kim", "azp": "ci", "clientHost": "192.0.2.1" }),
            json!({ "sub": "kim", "azp": "ci", "client_id": "other", "clientHost": "192.0.2.1" }),
            json!({ "sub": "kim", "client_id": "ci", "clientHost": "192.0.2.1" }),
            json!({ "sub": "kim", "azp": "ci", "client_id": "ci", "clientHost": null, "clientAddress": ["192.0.2.1"] }),
        ] {
            assert!(!of_client(of_person.clone()), "{of_person}");
        }
    }

    #[test]
    fn a_client_is_named_by_the_members_named_for_it_or_by_azp() {
        let named = |names: &[&str], token: &Value| {
            let client_id = names.iter().map(|name| (*name).to_owned()).collect();
            let mapping = ClaimMapping { client_id, ..ClaimMapping::default() };
            let found = claims(&mapping, token.clone());
            found.into_iter().find(|(kind, _)| *kind == ClaimType::OauthClientId).map(|(_, value)| value)
        };
        let token = json!({ "sub": "x", "azp": "ci", "client_id": "ci", "clientHost": "192.0.2.1", "label": "Builds" });
        for (names, expected) in
            [(&["clientId"][..], Some("ci")), (&["label"], Some("Builds")), (&["gone", "label"], Some("Builds")), (&[], None)]
        {
            assert_eq!(named(names, &token).as_deref(), expected, "{names:?}");
        }
        assert_eq!(named(&["clientId"], &json!({ "sub": "x", "idtyp": "app" })), None);
    }

    #[test]
    fn a_mapping_is_checked() {
        let with = |subject: &[&str]| ClaimMapping {
            subject: subject.iter().map(|name| (*name).to_owned()).collect(),
            ..ClaimMapping::default()
        };
        assert_eq!(with(&[" sub ", "", "sub"]).checked().unwrap(), ClaimMapping::default());
        assert!(with(&["x=y"]).checked().is_ok() && with(&["sub", "x=y"]).checked().is_err());
        assert!(with(&[]).checked().is_err());
        assert!(with(&["a\u{0}"]).checked().is_err());
        assert!(with(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]).checked().is_err());
    }

    #[test]
    fn there_is_a_limit_to_what_a_token_says() {
        let many: Vec<String> = (0..2_000).map(|number| format!("role {number}")).collect();
        let told = claims(&ClaimMapping::default(), json!({ "sub": "s", "roles": many }));
        assert_eq!(told.len(), limits::EXTERNAL_CLAIMS);
        assert_eq!(told[0].1, "s", "who it is comes first");
    }
}
