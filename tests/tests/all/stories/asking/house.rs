//! A random inventory, and each of its certificates as a plain record. What certificates say is read by `certhold-pki`, which other
//! tests hold against OpenSSL and OpenJDK; what was decided about them, the story knows.

use std::collections::{BTreeMap, BTreeSet};

use certhold_domain::collections::Scope;
use certhold_domain::custody::{SealedKey, SecretKind};
use certhold_domain::enrolment::Under;
use certhold_domain::inventory::{self, Candidate, Filter, ImportBatch, Outcome, Revocation, RevocationReason, Revoke};
use certhold_domain::metadata::{self, FieldCommand, FieldType};
use certhold_domain::private_ca::{EnrolmentRequest, KeySource, Profile};
use certhold_domain::stores::{self, ContainerCommand, PasswordChange, Properties, Roots, Schedule, StoreCommand, StoreKind};
use certhold_domain::{Actor, CertificateId, ContainerId, RoleId, hex};
use certhold_pki::details::DistinguishedName;
use certhold_pki::{AltNameKind, Facts, PrivateKey};
use certhold_tests::dice::Dice;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SanType, SerialNumber,
};

use super::by_the_book::{Cell, Kind, Record, USAGES};
use crate::stories::issuing::{enrol, make, request, wanted};
use crate::stories::metadata::{command, field, simple};
use crate::stories::renewing::{local, managed, obtain, state};
use crate::stories::storing::{entry, inventoried};
use crate::stories::world::{DAY, START, World};

/// Whoever asks.
pub const ME: &str = "EXAMPLE\\kim";

/// The metadata fields of the world, as queries see them.
pub const NOTED: [(&[&str], Kind); 8] = [
    (&["Team"], Kind::Text),
    (&["Tier"], Kind::Number),
    (&["Review"], Kind::Date),
    (&["Public"], Kind::Flag),
    (&["Stage"], Kind::Text),
    (&["Notes"], Kind::Text),
    (&["Contact"], Kind::Text),
    (&["Cost-Centre"], Kind::Text),
];

/// What the story did with a certificate.
#[derive(Clone, Default)]
struct Known {
    owner: Option<(i64, String)>,
    source: String,
    held_since: i64,
    /// From when on, and who recorded it.
    revoked: Option<(i64, String)>,
    managed: Option<String>,
    /// Machine, path and container of the stores that it is in.
    stores: Vec<(String, String, Option<String>)>,
    authority: Option<String>,
    /// The template's short name and the one for people.
    template: Option<(&'static str, &'static str)>,
    is_excluded: bool,
    is_self_signed: bool,
    /// What is noted about it, as queries compare it.
    noted: BTreeMap<&'static str, Cell>,
}

fn texts(texts: impl IntoIterator<Item = String>) -> Cell {
    Cell::Texts(texts.into_iter().collect())
}

/// An extended key usage by its identifier, name and description.
fn spelled(usage: &str) -> Vec<String> {
    let known = [
        ["serverAuth", "1.3.6.1.5.5.7.3.1", "Server Authentication"],
        ["clientAuth", "1.3.6.1.5.5.7.3.2", "Client Authentication"],
        ["codeSigning", "1.3.6.1.5.5.7.3.3", "Code Signing"],
    ];
    let row = known.iter().find(|row| row[0] == usage);
    row.map_or_else(|| vec![usage.to_owned()], |row| row.map(str::to_owned).to_vec())
}

/// What was decided about a certificate, and what Certhold has no data for.
fn decided(known: &Known) -> Vec<(&'static str, Cell)> {
    let number = |number: i64| Cell::Number(Some(number));
    let flag = |flag: bool| Cell::Flag(Some(flag));
    let some = |text: &Option<String>| texts(text.clone());
    let one = |text: &str| texts([text.to_owned()]);
    vec![
        ("OwnerRoleName", texts(known.owner.iter().map(|(_, name)| name.clone()))),
        ("OwnerRoleId", Cell::Number(known.owner.as_ref().map(|(id, _)| *id))),
        ("ImportDate", number(known.held_since)),
        ("RevocationDate", Cell::Number(known.revoked.as_ref().map(|(at, _)| *at))),
        ("SelfSigned", flag(known.is_self_signed)),
        ("Managed", flag(known.managed.is_some())),
        ("IsExcluded", flag(known.is_excluded)),
        ("ManagedName", some(&known.managed)),
        ("Source", one(&known.source)),
        ("CertStoreFQDN", texts(known.stores.iter().map(|(machine, ..)| machine.clone()))),
        ("CertStorePath", texts(known.stores.iter().map(|(_, path, _)| path.clone()))),
        ("CertStoreContainer", texts(known.stores.iter().filter_map(|(.., container)| container.clone()))),
        ("CA", some(&known.authority)),
        ("TemplateShortName", texts(known.template.map(|(short, _)| short.to_owned()))),
        ("TemplateDisplayName", texts(known.template.map(|(_, long)| long.to_owned()))),
        ("Revoker", texts(known.revoked.as_ref().map(|(_, who)| who.clone()))),
        ("ArchivedKey", flag(false)),
        ("CertRequestId", Cell::Number(None)),
        ("NetBIOSPrincipal", texts(None)),
        ("SSLDNSName", texts(None)),
        ("SSLPort", Cell::Number(None)),
    ]
}

/// The certificate as a plain record. `keys` are the digests of the public keys whose private keys are in custody.
fn record(id: i64, der: &[u8], known: &Known, keys: &BTreeSet<String>) -> Record {
    let facts = Facts::of(der).unwrap();
    let subject = DistinguishedName::subject_of(der).unwrap();
    let parts = |oid: &str| {
        let found: Vec<_> = subject.attributes().filter(|one| one.oid == oid).filter_map(|one| one.text.clone()).collect();
        texts(found)
    };
    let mails = subject.attributes().filter(|one| one.oid == "1.2.840.113549.1.9.1").filter_map(|one| one.text.clone());
    let mails: Vec<String> =
        mails.chain(facts.names.iter().filter(|name| name.kind == AltNameKind::Email).map(|name| name.value.clone())).collect();
    let rules = inventory::findings(der);
    let severity = |name: &str| ["info", "notice", "warning", "error"].iter().position(|one| *one == name).unwrap() as i64 + 1;
    let bits = facts.key_usage.iter().map(|usage| USAGES.iter().find(|(_, name)| name == usage).unwrap().0).sum::<i64>();
    let key_type = match facts.key_algorithm.as_str() {
        "RSA" => 1,
        "EC" => 3,
        _ => 0,
    };
    let spki = hex(&facts.spki_sha256);
    let number = |number: i64| Cell::Number(Some(number));
    let flag = |flag: bool| Cell::Flag(Some(flag));
    let some = |text: &Option<String>| texts(text.clone());
    let one = |text: &str| texts([text.to_owned()]);
    let state = if known.revoked.is_some() {
        2
    } else if facts.is_ca {
        6
    } else {
        1
    };
    let mut cells = BTreeMap::from([
        ("IssuedCN", some(&facts.common_name)),
        ("SAN", texts(facts.names.iter().map(|name| name.value.clone()))),
        ("IssuedDN", one(&facts.subject)),
        ("IssuerDN", one(&facts.issuer)),
        ("IssuerCN", some(&facts.issuer_common_name)),
        ("ExpirationDate", number(facts.not_after)),
        ("IssuedDate", number(facts.not_before)),
        ("SerialNumber", one(&facts.serial)),
        ("Thumbprint", one(&hex(&facts.sha1))),
        ("Fingerprint", one(&hex(&facts.sha256))),
        ("SubjectKeyId", some(&facts.subject_key_id)),
        ("AuthorityKeyId", some(&facts.authority_key_id)),
        ("CertId", number(id)),
        ("CertState", number(state)),
        ("KeyType", number(key_type)),
        ("KeyAlgorithm", one(&facts.key_algorithm)),
        ("KeySize", Cell::Number(facts.key_bits.map(i64::from))),
        ("Curve", some(&facts.key_curve)),
        ("SigningAlgorithm", one(&facts.signature_algorithm)),
        ("EKU", texts(facts.extended_key_usage.iter().flat_map(|usage| spelled(usage)))),
        ("KeyUsage", Cell::Number(Some(bits).filter(|bits| *bits != 0))),
        ("OU", parts("2.5.4.11")),
        ("O", parts("2.5.4.10")),
        ("C", parts("2.5.4.6")),
        ("IssuedEmail", texts(mails)),
        ("Finding", texts(rules.iter().map(|(_, rule)| rule.clone()))),
        ("FindingSeverity", Cell::Number(rules.iter().map(|(name, _)| severity(name)).max())),
        ("HasPrivateKey", flag(keys.contains(&spki))),
        ("PublicKey", one(&spki)),
        ("IsCA", flag(facts.is_ca)),
    ]);
    cells.extend(decided(known));
    for (names, kind) in NOTED {
        let empty = match kind {
            Kind::Number | Kind::Date => Cell::Number(None),
            Kind::Flag => Cell::Flag(None),
            _ => texts(None),
        };
        cells.insert(names[0], known.noted.get(names[0]).cloned().unwrap_or(empty));
    }
    Record { id, cells }
}

/// An inventory in the making.
struct House<'a> {
    world: &'a World,
    dice: Dice,
    teams: Vec<(RoleId, String)>,
    /// Every certificate: its bytes, and what the story did.
    held: BTreeMap<i64, (Vec<u8>, Known)>,
    keys: BTreeSet<String>,
}

fn spki(der: &[u8]) -> String {
    hex(&Facts::of(der).unwrap().spki_sha256)
}

impl House<'_> {
    fn fields(&self) {
        for (name, kind) in [
            ("Team", FieldType::String),
            ("Tier", FieldType::Integer),
            ("Review", FieldType::Date),
            ("Public", FieldType::Boolean),
            ("Notes", FieldType::BigText),
            ("Contact", FieldType::Email),
            ("Cost-Centre", FieldType::String),
        ] {
            simple(self.world, name, kind);
        }
        let options = vec!["Production".into(), "Test".into()];
        field(self.world, FieldCommand { options, ..FieldCommand::new("Stage", FieldType::MultipleChoice) });
    }

    /// A certificate for something random; whether it is self-signed.
    fn certificate(&mut self, keys: &[KeyPair], authorities: &[(CertificateParams, KeyPair)]) -> (Vec<u8>, usize, bool) {
        let dice = &mut self.dice;
        let key = dice.below(keys.len());
        let hosts = ["www", "shop", "API", "münchen", "a_b", "50%", "mail", "ΣΊΣΥΦΟΣ", "x\\y", "say \"hi\""];
        let host = format!("{}.{}", dice.pick(&hosts), dice.pick(&["example.com", "Example.ORG", "test"]));
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        if dice.below(6) > 0 {
            parameters.distinguished_name.push(DnType::CommonName, host);
        }
        for kind in [DnType::OrganizationalUnitName, DnType::CustomDnType(vec![2, 5, 4, 11])] {
            if dice.below(2) == 0 {
                parameters.distinguished_name.push(kind, *dice.pick(&["Ops", "Web, Shop", "ÄÖÜ", "Sales+Support"]));
            }
        }
        if dice.below(2) == 0 {
            parameters.distinguished_name.push(DnType::OrganizationName, *dice.pick(&["Example \"Ltd\"", "Beispiel AG"]));
            parameters.distinguished_name.push(DnType::CountryName, *dice.pick(&["DE", "CH"]));
        }
        for _ in 0..dice.below(4) {
            let name = format!("{}{}.{}", ["alt", "*"][dice.below(2)], dice.below(9), dice.pick(&["example.com", "test"]));
            parameters.subject_alt_names.push(match dice.below(4) {
                0 => SanType::Rfc822Name(format!("Someone@{}", name.trim_start_matches('*')).try_into().unwrap()),
                1 => SanType::IpAddress(std::net::IpAddr::from([192, 0, 2, dice.below(8) as u8])),
                _ => SanType::DnsName(name.try_into().unwrap()),
            });
        }
        if dice.below(4) == 0 {
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        } else if dice.below(3) > 0 {
            parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            if dice.below(2) == 0 {
                parameters.key_usages.push(KeyUsagePurpose::KeyEncipherment);
            }
            parameters.extended_key_usages = vec![match dice.below(4) {
                0 => ExtendedKeyUsagePurpose::ServerAuth,
                1 => ExtendedKeyUsagePurpose::ClientAuth,
                2 => ExtendedKeyUsagePurpose::CodeSigning,
                _ => ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 55_555, 7]),
            }];
        }
        // Some begin with a bit that makes DER write an octet of zeros before them.
        let first = *dice.pick(&[0x01, 0x1b, 0x80, 0xfe]);
        let serial: Vec<u8> = std::iter::once(first).chain((0..1 + dice.below(6)).map(|_| dice.below(256) as u8)).collect();
        parameters.serial_number = Some(SerialNumber::from(serial));
        let at = |ms: i64| (std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms as u64)).into();
        let from = START + (dice.below(40) as i64 - 30) * DAY / 2 + dice.below(86_400) as i64 * 1_000;
        parameters.not_before = at(from);
        parameters.not_after = at(from + *dice.pick(&[10, 47, 90]) * DAY);
        parameters.use_authority_key_identifier_extension = dice.below(2) == 0;
        let authority = dice.below(authorities.len() + 1);
        match authorities.get(authority) {
            Some((own, signer)) => {
                let signed = parameters.signed_by(&keys[key], &Issuer::from_params(own, signer)).unwrap();
                (signed.der().to_vec(), key, false)
            }
            None => (parameters.self_signed(&keys[key]).unwrap().der().to_vec(), key, true),
        }
    }

    /// Takes one in, sometimes with its key and for an owner.
    fn import(&mut self, der: &[u8], key: Option<&KeyPair>, is_self_signed: bool) -> i64 {
        let owner = self.teams.get(self.dice.below(self.teams.len() + 1)).cloned();
        let source = *self.dice.pick(&["upload", "Certhold import"]);
        let sealed = key.map(|pair| {
            let private = PrivateKey::of(&pair.serialize_der()).unwrap();
            SealedKey::seal(&self.world.custody, &self.world.entropy, &private).unwrap()
        });
        if sealed.is_some() {
            self.keys.insert(spki(der));
        }
        let batch = ImportBatch {
            certificates: vec![Candidate::of(der).unwrap()],
            keys: sealed.into_iter().collect(),
            owner: owner.as_ref().map(|(role, _)| *role),
            source: source.into(),
            metadata: Vec::new(),
        };
        let items = self.world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
        let Outcome::Imported(id) = items[0].outcome else { panic!("not imported: {items:?}") };
        let known = Known {
            owner: owner.map(|(role, name)| (role.0, name)),
            source: source.into(),
            held_since: self.world.now(),
            is_self_signed,
            ..Known::default()
        };
        self.held.insert(id.0, (der.to_vec(), known));
        id.0
    }

    fn random(&mut self, count: usize) {
        let kinds = [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519, &PKCS_RSA_SHA256];
        let keys: Vec<KeyPair> = (0..count / 2).map(|n| KeyPair::generate_for(kinds[n % 40 % 4]).unwrap()).collect();
        let authority = |name: &str| {
            let mut own = CertificateParams::default();
            own.distinguished_name = rcgen::DistinguishedName::new();
            own.distinguished_name.push(DnType::CommonName, name);
            own.distinguished_name.push(DnType::OrganizationName, "Trust, Inc.");
            own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (own, KeyPair::generate().unwrap())
        };
        let authorities = [authority("Issuing CA 1"), authority("Größe")];
        for _ in 0..count {
            let (der, key, is_self_signed) = self.certificate(&keys, &authorities);
            let with_key = self.dice.below(6) == 0;
            self.import(&der, with_key.then(|| &keys[key]), is_self_signed);
            if self.dice.below(4) == 0 {
                self.world.pass(self.dice.below(3) as i64 * DAY / 2 + 3_600_000);
            }
        }
    }

    /// Any certificate.
    fn some(&mut self) -> i64 {
        let ids: Vec<i64> = self.held.keys().copied().collect();
        *self.dice.pick(&ids)
    }

    /// A store in which these are found, each with the one that follows it above it.
    fn store(&mut self, name: &str, container: Option<(ContainerId, &str)>, ids: &[i64]) {
        let path = format!("/srv/tls/{name}");
        let machine = format!("{name}.Example.COM");
        let command = StoreCommand {
            name: name.into(),
            kind: StoreKind::PemDirectory,
            machine: machine.clone(),
            path: path.clone(),
            container: container.map(|(id, _)| id),
            properties: Properties::default(),
            password: PasswordChange::Keep,
            create_if_missing: true,
            schedule: Schedule::Off,
        };
        let roots = Roots(vec!["/srv/tls/".into()]);
        let store = self.world.write(move |tx, now| stores::create(tx, &local(), &command, &roots, now)).unwrap();
        let entries = ids.chunks(2).enumerate().map(|(number, pair)| {
            let ders: Vec<&[u8]> = pair.iter().map(|id| self.held[id].0.as_slice()).collect();
            entry(&format!("entry {number}"), &ders, false)
        });
        inventoried(self.world, store, entries.collect(), Vec::new());
        for id in ids {
            let place = (machine.clone(), path.clone(), container.map(|(_, name)| name.to_owned()));
            self.held.get_mut(id).unwrap().1.stores.push(place);
        }
    }

    fn stores(&mut self) {
        let command = ContainerCommand { name: "Web servers".into(), ..ContainerCommand::default() };
        let web = self.world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap();
        for (name, container) in [("shop", Some((web, "Web servers"))), ("mail", None), ("empty", Some((web, "Web servers")))] {
            let mut ids: Vec<i64> = Vec::new();
            for _ in 0..if name == "empty" { 0 } else { 10 } {
                let id = self.some();
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            self.store(name, container, &ids);
        }
        // One that was excluded comes back through a store.
        let (der, _, is_self_signed) = self.certificate(&[KeyPair::generate().unwrap()], &[]);
        let before = CertificateId(self.import(&der, None, is_self_signed));
        let sealed = self.world.custody.seal(&self.world.entropy, SecretKind::PrivateKey, &[]).unwrap();
        let scope = Scope::everywhere(self.world.now());
        self.world.write(move |tx, now| inventory::exclude(tx, &local(), before, scope, &sealed, now)).unwrap();
        self.held.remove(&before.0);
        let known = Known {
            source: "store back".into(),
            held_since: self.world.now(),
            is_excluded: true,
            is_self_signed,
            ..Known::default()
        };
        // It is new, so that its number is the next one.
        let id = before.0 + 1;
        self.held.insert(id, (der, known));
        self.store("back", None, &[id]);
    }

    fn noted(&mut self) {
        let long = format!("{}needle", "Lorem ipsum. ".repeat(20));
        let ids: Vec<i64> = self.held.keys().copied().collect();
        for id in ids {
            let mut noted: BTreeMap<&'static str, (String, Cell)> = BTreeMap::new();
            let dice = &mut self.dice;
            let mut text = |name: &'static str, value: &str| {
                let compared: String = value.chars().take(256).collect();
                noted.insert(name, (value.to_owned(), texts([compared])));
            };
            if dice.below(3) == 0 {
                text("Team", dice.pick::<&str>(&["Web Operations", "kim", "ÄÖÜ \"quoted\"", "a\\b", "50% *"]));
            }
            if dice.below(3) == 0 {
                text("Stage", dice.pick::<&str>(&["Production", "Test"]));
            }
            if dice.below(4) == 0 {
                text("Notes", dice.pick::<&str>(&[long.as_str(), "needle", "Two\nlines"]));
            }
            if dice.below(3) == 0 {
                text("Contact", dice.pick::<&str>(&["kim@example.org", "KIM@example.com"]));
            }
            if dice.below(3) == 0 {
                text("Cost-Centre", dice.pick::<&str>(&["8841", "Größe"]));
            }
            if dice.below(3) == 0 {
                let tier = dice.below(5) as i64 - 1;
                noted.insert("Tier", (tier.to_string(), Cell::Number(Some(tier))));
            }
            if dice.below(3) == 0 {
                let (day, at) =
                    *dice.pick(&[("2026-11-20", START - 2 * DAY), ("2026-11-22", START), ("2027-01-01", START + 40 * DAY)]);
                noted.insert("Review", (day.to_owned(), Cell::Number(Some(at))));
            }
            if dice.below(3) == 0 {
                let public = dice.below(2) == 0;
                noted.insert("Public", (public.to_string(), Cell::Flag(Some(public))));
            }
            if noted.is_empty() {
                continue;
            }
            let changes: Vec<(&str, &str)> = noted.iter().map(|(name, (value, _))| (*name, value.as_str())).collect();
            let command = command(CertificateId(id), &changes);
            assert!(self.world.write(move |tx, now| metadata::set(tx, &local(), &command, now)).unwrap());
            self.held.get_mut(&id).unwrap().1.noted = noted.into_iter().map(|(name, (_, cell))| (name, cell)).collect();
        }
    }

    fn revoked(&mut self) {
        for number in 0..14 {
            let id = self.some();
            if self.held[&id].1.revoked.is_some() {
                continue;
            }
            let who = [ME, "Kim Doe", "ÄÖÜ AG"][number % 3];
            let at = START + (self.dice.below(20) as i64 - 10) * DAY + 3_600_000;
            let revocation = Revocation { effective_at: at, reason: RevocationReason::Superseded, comment: "a story".into() };
            let command = Revoke { certificates: vec![CertificateId(id)], revocation };
            let scope = Scope::everywhere(self.world.now());
            self.world.write(move |tx, now| inventory::revoke(tx, &Actor::local(who), &command, scope, now)).unwrap();
            self.held.get_mut(&id).unwrap().1.revoked = Some((at, who.into()));
        }
    }

    /// What certificates of this inventory came by themselves or were made here.
    fn made(&mut self) {
        let root = make(self.world, wanted("Example Root", None)).unwrap();
        let template = |profile: Profile, names: &[&str]| EnrolmentRequest {
            under: Under::Template(profile),
            subject: (profile == Profile::Client).then(|| "CN=Kim Doe, O=Example".into()),
            ..request(root, KeySource::Made(None), names)
        };
        for (profile, known, names) in [
            (Profile::Server, ("server", "TLS server"), &["shop.example.org"][..]),
            (Profile::Server, ("server", "TLS server"), &["api.example.org"]),
            (Profile::Client, ("client", "TLS client"), &[]),
        ] {
            let id = enrol(self.world, &local(), template(profile, names)).unwrap().certificate;
            let known = Known { authority: Some("Example Root".into()), template: Some(known), ..Known::default() };
            self.held.insert(id.0, (Vec::new(), known));
        }
        let lineage = managed(self.world, &["Managed.example.com"]);
        let (version, _) = obtain(self.world, &["managed.example.com"]);
        assert_eq!(state(self.world, lineage).name, "managed.example.com");
        let known = Known { managed: Some("managed.example.com".into()), is_self_signed: true, ..Known::default() };
        self.held.insert(version.0, (Vec::new(), known));
        // Bytes, sources and times of these are the product's; what came with them (authorities, chains) is here, too.
        let filter = Filter { limit: 1_000, ..Filter::default() };
        for summary in self.world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap().certificates {
            let id = summary.id;
            if self.held.get(&id.0).is_none_or(|(der, _)| der.is_empty()) {
                let der = self.world.read(move |tx| inventory::get(tx, &local(), id)).unwrap().der;
                let facts = Facts::of(&der).unwrap();
                let known = self.held.get(&id.0).map(|(_, known)| known.clone()).unwrap_or_default();
                if known.managed.is_some() || known.authority.is_some() || facts.subject.starts_with("CN=Example Root") {
                    self.keys.insert(hex(&facts.spki_sha256));
                }
                let is_self_signed = facts.self_issued;
                let known = Known { source: summary.source, held_since: summary.held_since, is_self_signed, ..known };
                self.held.insert(id.0, (der, known));
            }
        }
    }

    fn records(self) -> Vec<Record> {
        self.held.iter().map(|(id, (der, known))| record(*id, der, known, &self.keys)).collect()
    }
}

/// Fills an empty world with `count` random certificates and some more; all its records, by their numbers.
pub fn filled(world: &World, count: usize) -> Vec<Record> {
    let names = ["Web Operations", "Größe", "kim"];
    let teams = names.map(|name| (world.role(name, &["/certificates/"]), name.to_owned())).to_vec();
    let mut house = House { world, dice: Dice::new(2_026), teams, held: BTreeMap::new(), keys: BTreeSet::new() };
    house.fields();
    house.random(count);
    house.stores();
    house.revoked();
    house.made();
    house.noted();
    house.records()
}
