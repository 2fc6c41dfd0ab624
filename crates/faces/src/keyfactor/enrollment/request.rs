//! What all requests for a certificate have in common.

/// A request for a certificate with members of its own: the struct with those that every request has, and what they mean. Both stand in one
/// struct, for members of a struct within it (`flatten`) would be read in one letter case only, and be described apart.
macro_rules! enrolment_request {
    ($(#[$about:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Deserialize, ToSchema)]
        pub struct $name {
            $($own)*
            /// `HOST\\NAME` or the name of a private authority; may be left out where only one issues.
            #[serde(rename = "CertificateAuthority")]
            authority: Option<String>,
            /// A template: server (default), client, server_client, mail, code_signing; its default pattern holds.
            #[serde(rename = "Template")]
            template: Option<String>,
            /// A pattern, which goes over the template.
            #[serde(rename = "EnrollmentPatternId")]
            pattern: Option<i64>,
            /// The certificate that it renews, whose owner it keeps when none is named.
            #[serde(rename = "RenewalCertificateId")]
            renewal: Option<i64>,
            /// What is noted about it, by the names of the fields.
            #[schema(value_type = BTreeMap<String, String>)]
            #[serde(rename = "Metadata")]
            metadata: Option<BTreeMap<String, Value>>,
            /// The owner.
            #[serde(rename = "OwnerRoleId")]
            owner_role_id: Option<i64>,
            /// The same by name; the id goes over it.
            #[serde(rename = "OwnerRoleName")]
            owner_role_name: Option<String>,
        }

        impl $name {
            /// What the private authority is asked for with this key: the subject is that of the key's request, and the key is not delivered.
            ///
            /// # Errors
            /// A member that cannot be understood.
            async fn request(
                &mut self,
                author: &Author,
                authority: Option<AuthorityId>,
                key: KeySource,
            ) -> Answer<EnrolmentRequest> {
                Ok(EnrolmentRequest {
                    under: under(self.pattern, self.template.as_deref())?,
                    authority,
                    key,
                    subject: None,
                    names: self.names.take().unwrap_or_default().general()?,
                    days: None,
                    owner: author.owner_named(self.owner_role_id, self.owner_role_name.take()).await?,
                    metadata: changes(self.metadata.take())?,
                    delivered: false,
                    renews: renews(author, self.renewal),
                })
            }
        }
    };
}
