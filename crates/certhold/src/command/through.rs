//! `--collection`: through which collection a command reaches a certificate.

use super::{certificates, collection};
use crate::failure::Failure;
use crate::target::{Target, query};

/// Where the rights are looked for besides everywhere.
#[derive(clap::Args)]
pub struct Through {
    /// Reach the certificate through this collection, by name or number: rights on it are enough
    #[arg(long, value_name = "COLLECTION")]
    collection: Option<String>,
}

/// A certificate, and the collection through which it is reached.
pub struct Reached {
    /// The certificate.
    pub id: i64,
    collection: Option<i64>,
}

impl Through {
    /// Finds the certificate that somebody named by number or fingerprint.
    ///
    /// # Errors
    /// When there is no such certificate or collection.
    pub async fn reach(&self, target: &Target, certificate: &str) -> Result<Reached, Failure> {
        let collection = self.number(target).await?;
        Ok(Reached { id: certificates::find_in(target, certificate, collection).await?, collection })
    }

    /// The collection's number, if one is named.
    ///
    /// # Errors
    /// When there is no such collection.
    pub async fn number(&self, target: &Target) -> Result<Option<i64>, Failure> {
        match &self.collection {
            Some(named) => Ok(Some(super::find(target, collection::PATH, "collection", named).await?)),
            None => Ok(None),
        }
    }
}

impl Reached {
    /// The certificate's path in the API, with what follows it and these parameters.
    pub fn path<'a>(&self, rest: &str, parameters: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
        let collection = ("collection", self.collection.map(|id| id.to_string()));
        format!("/certificates/{}{rest}{}", self.id, query(parameters.into_iter().chain([collection])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collection_is_named_in_the_path() {
        let everywhere = Reached { id: 7, collection: None };
        assert_eq!(everywhere.path("/owner", []), "/certificates/7/owner");
        let through = Reached { id: 7, collection: Some(3) };
        assert_eq!(through.path("", []), "/certificates/7?collection=3");
        let wanted = [("format", Some("pem".to_owned())), ("chain", None)];
        assert_eq!(through.path("/download", wanted), "/certificates/7/download?format=pem&collection=3");
    }
}
