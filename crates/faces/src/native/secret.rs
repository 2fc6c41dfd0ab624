//! Secrets on the wire.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A secret as it was sent, or as it is shown once. It cannot be printed, and its memory is wiped.
pub struct Secret(pub SecretString);

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        // A message about a wrong type would repeat what was sent.
        let text = String::deserialize(deserializer).map_err(|_| serde::de::Error::custom("a secret is a text"))?;
        Ok(Secret(SecretString::from(text)))
    }
}

impl Secret {
    /// As a password.
    pub fn password(&self) -> certhold_domain::people::Password {
        self.0.expose_secret().to_owned().into()
    }

    /// The text.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialSchema for Secret {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .description(Some("A secret."))
            .into()
    }
}

impl ToSchema for Secret {}
