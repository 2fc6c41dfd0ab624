//! The forms of the directory's operations.

use certhold_domain::named::Kind;
use serde_json::Value;

use super::routes::Op;

/// How a value is put in.
pub enum Input {
    /// One line.
    Text,
    /// Hidden while it is typed.
    Password,
    /// A file with one of these endings.
    File(&'static str),
    /// Several lines, with what is there now.
    Area(String),
    /// One of these.
    Choice(&'static [&'static str]),
}

/// A field.
pub struct Field {
    /// The parameter.
    pub name: &'static str,
    /// Its words.
    pub label: &'static str,
    /// How it is put in.
    pub input: Input,
    /// Whether it must be.
    pub required: bool,
    /// What to know about it; empty for nothing.
    pub hint: &'static str,
    /// What is in a line of text, or chosen, before anybody types.
    pub value: String,
}

/// A form.
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Its button.
    pub button: &'static str,
    /// Whether it has a file.
    pub multipart: bool,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Values that are sent with it.
    pub hidden: Vec<(&'static str, String)>,
    /// Whether it leads on to a page.
    pub redirects: bool,
    /// Which.
    pub redirect: String,
}

fn field(name: &'static str, label: &'static str, input: Input) -> Field {
    Field { name, label, input, required: true, hint: "", value: String::new() }
}

impl Field {
    fn optional(mut self) -> Field {
        self.required = false;
        self
    }

    fn hint(mut self, hint: &'static str) -> Field {
        self.hint = hint;
        self
    }
}

impl Form {
    /// Puts back what was typed into a form that was refused. Passwords and files are asked for again.
    pub fn refill<'a>(&mut self, typed: impl Fn(&str) -> Option<&'a str>) {
        for field in &mut self.fields {
            let Some(text) = typed(field.name) else { continue };
            match &mut field.input {
                Input::Text | Input::Choice(_) => text.clone_into(&mut field.value),
                Input::Area(before) => text.clone_into(before),
                Input::Password | Input::File(_) => {}
            }
        }
    }
}

fn form(button: &'static str, fields: Vec<Field>) -> Form {
    let multipart = fields.iter().any(|field| matches!(field.input, Input::File(_)));
    Form { action: String::new(), button, multipart, fields, hidden: Vec::new(), redirects: false, redirect: String::new() }
}

/// The form for signing in.
pub fn sign_in() -> Form {
    form("Sign in", vec![field("username", "Username", Input::Text), field("password", "Password", Input::Password)])
}

/// The form of an operation; `known` is what it changes, as it is now.
pub fn of(op: Op, known: &Value) -> Option<Form> {
    let pretty = || if known.is_null() { String::new() } else { serde_json::to_string_pretty(known).unwrap_or_default() };
    let name = || field("certificateName", "Certificate name", Input::Text);
    let password = || {
        let hint = "Taken exactly as it is typed: any letters and signs will do.";
        field("certificatePassword", "Certificate password", Input::Password).optional().hint(hint)
    };
    let pfx = || field("certificatePfxFile", "PKCS#12 file", Input::File(".pfx,.p12"));
    let answer = || field("caSignedCertificate", "Signed certificate", Input::File(".cer,.crt,.pem,.der,.p7b"));
    Some(match op {
        Op::Login => Form { redirects: true, ..sign_in() },
        Op::Import(Kind::Identity) => form("Import", vec![name(), password(), pfx()]),
        Op::Import(Kind::Trust) => {
            form("Import", vec![name(), field("trustCertificateFile", "Certificate", Input::File(".cer,.crt,.pem,.der"))])
        }
        Op::Delete(_) => form("Delete", Vec::new()),
        Op::Replace => form("Replace", vec![password(), pfx()]),
        Op::ImportSigned => form("Import", vec![name(), answer()]),
        Op::ReplaceSigned => form("Import", vec![answer()]),
        Op::GenerateCsr => form(
            "Generate",
            vec![
                name(),
                field("commonName", "Common name", Input::Text).optional(),
                field("subjectAlternativeNames", "DNS names", Input::Area(String::new())).optional().hint("One in a line."),
                field("keyAlgorithm", "Key algorithm", Input::Choice(&["EC", "RSA", "Ed25519"])),
                field("keySize", "Key size", Input::Text).optional().hint("EC: 256, 384, 521. RSA: 2048, 3072, 4096."),
            ],
        ),
        Op::RenewalUpdate => form(
            "Update",
            vec![
                field("autoRenew", "Renew automatically", Input::Choice(&["true", "false"])),
                field("issuer", "Issuer", Input::Text).optional(),
                field("dnsProvider", "DNS provider", Input::Text).optional(),
                field("privateAuthority", "Private authority", Input::Text)
                    .optional()
                    .hint("In place of issuer and DNS provider."),
                field("enrollmentPattern", "Enrolment pattern", Input::Text).optional(),
                field("certificateTemplate", "Certificate template", Input::Text).optional(),
            ],
        ),
        Op::IngressUpdate => {
            let hint = "identityCertificateName is the name of an identity certificate; empty for the server's own certificate.";
            form(
                "Update",
                vec![field("ingressSecurityConfig", "Ingress security configuration", Input::Area(pretty())).hint(hint)],
            )
        }
        Op::SamlUpdate => form("Update", vec![field("samlSecurityConfig", "SAML configuration", Input::Area(pretty()))]),
        Op::GenerateToken => form(
            "Generate token",
            vec![
                field("username", "Username", Input::Text),
                field("password", "Password", Input::Password),
                field("client", "Client", Input::Choice(&["referer", "ip", "requestip"])),
                field("referer", "Web app URL", Input::Text).optional().hint("For the client referer."),
                field("ip", "IP address", Input::Text).optional().hint("For the client ip."),
                field("expiration", "Expiration (minutes)", Input::Text).optional(),
            ],
        ),
        _ => return None,
    })
}
