//! Certificate stores, their entries and schedules as they stand on the wire.

use std::collections::BTreeMap;

use certhold_domain::stores::{self, ChainPlace, Encryption, Entry, KeyPlace, Location, Properties, Schedule, Store, StoreKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::wire::{Moment, upper_hex};

/// What a store that has no agent names as its agent.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Number and name of a kind of store: the vendor's for Java key stores and PEM files, the first of a user's own for PKCS#12.
const TYPES: [(StoreKind, i64, &str); 3] =
    [(StoreKind::Jks, 0, "Java Keystore"), (StoreKind::PemDirectory, 2, "PEM File"), (StoreKind::Pkcs12, 102, "PKCS12")];

/// The number of a kind.
pub fn type_of(kind: StoreKind) -> i64 {
    TYPES.iter().find(|(known, ..)| *known == kind).map_or(-1, |(_, number, _)| *number)
}

fn type_name(kind: StoreKind) -> &'static str {
    TYPES.iter().find(|(known, ..)| *known == kind).map_or("", |(.., name)| name)
}

/// The kind of this number.
///
/// # Errors
/// When there is none.
pub fn kind_of(number: i64) -> Answer<StoreKind> {
    let found = TYPES.iter().find(|(_, known, _)| *known == number).map(|(kind, ..)| *kind);
    found.ok_or_else(|| Refused::missing(format!("The certificate store type with StoreType '{number}' does not exist.")))
}

/// When something runs: one of these members, or none for never.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct StoreSchedule {
    #[serde(skip_serializing_if = "Option::is_none")]
    immediate: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<AtTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly: Option<Weekly>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly: Option<Monthly>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exactly_once: Option<AtTime>,
}

/// Every so many minutes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Interval {
    minutes: i64,
}

/// At a time; of schedules that repeat only its time of day counts, in UTC.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AtTime {
    #[schema(value_type = String)]
    time: Moment,
}

/// On days of the week, 0 is Sunday.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Weekly {
    days: Vec<i64>,
    #[schema(value_type = String)]
    time: Moment,
}

/// On a day of the month.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Monthly {
    day: i64,
    #[schema(value_type = String)]
    time: Moment,
}

impl StoreSchedule {
    /// What it means.
    ///
    /// # Errors
    /// More than one member, or values out of range.
    pub fn meaning(&self) -> Answer<Schedule> {
        let minute = |moment: &Moment| moment.0.rem_euclid(86_400_000) / 60_000;
        let clock = |moment: &Moment| format!("{:02}:{:02}", minute(moment) / 60, minute(moment) % 60);
        let mut said: Vec<String> = Vec::new();
        if self.immediate == Some(true) {
            said.push("now".into());
        }
        said.extend(self.interval.as_ref().map(|interval| format!("every {}m", interval.minutes)));
        said.extend(self.daily.as_ref().map(|daily| format!("daily {}", clock(&daily.time))));
        if let Some(weekly) = &self.weekly {
            const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
            let name = |day: &i64| usize::try_from(*day).ok().and_then(|day| DAYS.get(day)).copied();
            let days: Option<Vec<&str>> = weekly.days.iter().map(name).collect();
            let days = days.ok_or_else(|| Refused::invalid("Weekly.Days", "0 is Sunday, 6 is Saturday"))?;
            said.push(format!("weekly {} {}", days.join(","), clock(&weekly.time)));
        }
        said.extend(self.monthly.as_ref().map(|monthly| format!("monthly {} {}", monthly.day, clock(&monthly.time))));
        if let Some(once) = &self.exactly_once {
            return match said.is_empty() {
                true => Ok(Schedule::Once { at: once.time.0 }),
                false => Err(too_many()),
            };
        }
        match said.as_slice() {
            [] => Ok(Schedule::Off),
            [one] => Ok(Schedule::parse(one)?),
            _ => Err(too_many()),
        }
    }

    /// When a single piece of work is done: now if nothing is said.
    ///
    /// # Errors
    /// A schedule that repeats.
    pub fn once(&self) -> Answer<Option<i64>> {
        match self.meaning()? {
            Schedule::Off | Schedule::Immediate => Ok(None),
            Schedule::Once { at } => Ok(Some(at)),
            _ => Err(Refused::invalid("Schedule", "this is done once: send Immediate or ExactlyOnce")),
        }
    }

    /// A schedule as it is shown; the times are the next ones after `now`.
    pub fn of(schedule: &Schedule, now: i64) -> StoreSchedule {
        let time = || Moment(schedule.next(now).unwrap_or(now));
        let mut shown = StoreSchedule::default();
        match schedule {
            Schedule::Off => {}
            Schedule::Immediate => shown.immediate = Some(true),
            Schedule::Interval { minutes } => shown.interval = Some(Interval { minutes: *minutes }),
            Schedule::Daily { .. } => shown.daily = Some(AtTime { time: time() }),
            Schedule::Weekly { days, .. } => {
                let days = (0i64..).zip(days).filter(|(_, on)| **on).map(|(day, _)| day).collect();
                shown.weekly = Some(Weekly { days, time: time() });
            }
            Schedule::Monthly { day, .. } => shown.monthly = Some(Monthly { day: i64::from(*day), time: time() }),
            Schedule::Once { at } => shown.exactly_once = Some(AtTime { time: Moment(*at) }),
        }
        shown
    }
}

fn too_many() -> Refused {
    Refused::invalid("Schedule", "send one of Immediate, Interval, Daily, Weekly, Monthly and ExactlyOnce")
}

/// A certificate store.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CertificateStore {
    /// A GUID.
    id: String,
    display_name: String,
    container_id: Option<i64>,
    container_name: Option<String>,
    client_machine: String,
    storepath: String,
    /// The GUID of the newest job that takes its inventory.
    cert_store_inventory_job_id: Option<String>,
    /// 0 a Java key store, 2 a directory of PEM files, 102 a PKCS#12 file.
    cert_store_type: i64,
    approved: bool,
    create_if_missing: bool,
    /// A JSON object as text.
    properties: String,
    agent_id: &'static str,
    agent_assigned: bool,
    inventory_schedule: StoreSchedule,
    #[schema(value_type = Object)]
    reenrollment_status: Value,
    set_new_password_allowed: bool,
    /// Never shown.
    #[schema(value_type = Option<Object>)]
    password: Option<()>,
}

impl CertificateStore {
    /// A store as it is shown now.
    pub fn of(store: Store, now: i64) -> CertificateStore {
        let (container_id, container_name) = store.container.map(|(id, name)| (id.0, name)).unzip();
        CertificateStore {
            id: store.uuid,
            display_name: store.name,
            container_id,
            container_name,
            client_machine: store.machine,
            storepath: store.path,
            cert_store_inventory_job_id: store.inventory_job,
            cert_store_type: type_of(store.kind),
            approved: true,
            create_if_missing: store.create_if_missing,
            properties: json!(store.properties).to_string(),
            agent_id: NOBODY,
            agent_assigned: true,
            inventory_schedule: StoreSchedule::of(&store.schedule, now),
            reenrollment_status: json!({
                "Data": false, "AgentId": Value::Null, "Message": Value::Null, "JobProperties": Value::Null, "CustomAliasAllowed": 0,
                "EntryParameters": [],
            }),
            set_new_password_allowed: store.kind.needs_password(),
            password: None,
        }
    }
}

/// The properties that are known here, out of a JSON object as text; others are the vendor's and say nothing here.
///
/// # Errors
/// Text that is no such object, or a value that is none.
pub fn properties(text: &str) -> Answer<Properties> {
    let wrong = || Refused::invalid("Properties", "send a JSON object as text, for example \"{}\"");
    if text.trim().is_empty() {
        return Ok(Properties::default());
    }
    let sent: Map<String, Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let one = |name: &str| {
        let value = sent.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        value.and_then(Value::as_str).filter(|value| !value.is_empty()).map(str::to_ascii_lowercase)
    };
    let bad = |name: &str| Refused::invalid("Properties", format!("{name} has a value that it cannot have"));
    let chain = match one("chain").as_deref() {
        None => None,
        Some("with") => Some(ChainPlace::With),
        Some("beside") => Some(ChainPlace::Beside),
        Some("none") => Some(ChainPlace::None),
        Some(_) => return Err(bad("chain")),
    };
    let key = match one("key").as_deref() {
        None => None,
        Some("beside") => Some(KeyPlace::Beside),
        Some("inside") => Some(KeyPlace::Inside),
        Some(_) => return Err(bad("key")),
    };
    let encryption = match one("encryption").as_deref() {
        None => None,
        Some("modern") => Some(Encryption::Modern),
        Some("legacy") => Some(Encryption::Legacy),
        Some(_) => return Err(bad("encryption")),
    };
    Ok(Properties { chain, key, encryption, mode: one("mode"), key_mode: one("key_mode") })
}

/// An entry of a store.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct InventoryEntry {
    /// Its alias.
    name: String,
    /// Its certificate, then those above it.
    certificates: Vec<InventoryCertificate>,
    #[schema(value_type = Object)]
    parameters: Value,
}

/// A certificate of an entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct InventoryCertificate {
    id: i64,
    #[serde(rename = "IssuedDN")]
    issued_dn: String,
    serial_number: String,
    #[schema(value_type = String)]
    not_before: Moment,
    #[schema(value_type = String)]
    not_after: Moment,
    signing_algorithm: String,
    #[serde(rename = "IssuerDN")]
    issuer_dn: String,
    thumbprint: String,
    cert_store_inventory_item_id: i64,
    /// What is noted about it, by the names of the fields; empty for whoever may not read certificates.
    metadata: BTreeMap<String, String>,
}

impl From<Entry> for InventoryEntry {
    fn from(entry: Entry) -> InventoryEntry {
        let certificate = |one: stores::EntryCertificate| InventoryCertificate {
            id: one.summary.id.0,
            issued_dn: one.summary.subject,
            serial_number: one.summary.serial.to_uppercase(),
            not_before: Moment(one.summary.not_before),
            not_after: Moment(one.summary.not_after),
            signing_algorithm: one.summary.signature_algorithm,
            issuer_dn: one.summary.issuer,
            thumbprint: upper_hex(&one.sha1),
            cert_store_inventory_item_id: one.item,
            metadata: one.metadata.into_iter().collect(),
        };
        InventoryEntry {
            name: entry.alias,
            certificates: entry.certificates.into_iter().map(certificate).collect(),
            parameters: json!({}),
        }
    }
}

/// A place of a certificate, beside what it says.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CertificateLocation {
    store_machine: String,
    store_path: String,
    store_type: i64,
    alias: String,
    /// 0 for the entry's own certificate, more for those above it.
    chain_level: i64,
    cert_store_id: String,
}

impl From<Location> for CertificateLocation {
    fn from(location: Location) -> CertificateLocation {
        CertificateLocation {
            store_machine: location.machine,
            store_path: location.path,
            store_type: type_of(location.kind),
            alias: location.alias,
            chain_level: location.position,
            cert_store_id: location.uuid,
        }
    }
}

/// How many stores of a type a certificate is in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct LocationCount {
    r#type: &'static str,
    count: usize,
}

impl LocationCount {
    /// One for each type that occurs.
    pub fn of(places: &[Location]) -> Vec<LocationCount> {
        let count = |kind: StoreKind| stores_of(places, kind).len();
        let all = TYPES.iter().map(|(kind, _, name)| LocationCount { r#type: name, count: count(*kind) });
        all.filter(|one| one.count > 0).collect()
    }
}

/// The different stores of a kind.
fn stores_of(places: &[Location], kind: StoreKind) -> std::collections::BTreeSet<&str> {
    places.iter().filter(|place| place.kind == kind).map(|place| place.uuid.as_str()).collect()
}

/// Where a certificate is installed, by type of store.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Locations {
    details: Vec<LocationsOfType>,
}

/// The stores of one type.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct LocationsOfType {
    store_type: &'static str,
    store_type_id: i64,
    store_count: usize,
    locations: Vec<LocationDetail>,
}

/// One place.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct LocationDetail {
    store_id: String,
    store_type_id: i64,
    client_machine: String,
    store_path: String,
    agent_pool: Option<String>,
    alias: String,
    #[serde(rename = "IPAddress")]
    ip_address: Option<String>,
    port: Option<i64>,
    network_name: Option<String>,
}

impl Locations {
    /// By type.
    pub fn of(places: Vec<Location>) -> Locations {
        let detail = |place: &Location| LocationDetail {
            store_id: place.uuid.clone(),
            store_type_id: type_of(place.kind),
            client_machine: place.machine.clone(),
            store_path: place.path.clone(),
            agent_pool: None,
            alias: place.alias.clone(),
            ip_address: None,
            port: None,
            network_name: None,
        };
        let of_kind = |kind: StoreKind| LocationsOfType {
            store_type: type_name(kind),
            store_type_id: type_of(kind),
            store_count: stores_of(&places, kind).len(),
            locations: places.iter().filter(|place| place.kind == kind).map(detail).collect(),
        };
        let details = TYPES.iter().map(|(kind, ..)| of_kind(*kind)).filter(|one| one.store_count > 0).collect();
        Locations { details }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> Result<String, ()> {
        let schedule: StoreSchedule = crate::keyfactor::loose::parse(text.as_bytes()).map_err(drop)?;
        schedule.meaning().map(|schedule| schedule.to_string()).map_err(drop)
    }

    #[test]
    fn schedules_are_one_member_each() {
        for (sent, means) in [
            ("{}", "off"),
            (r#"{"Immediate":false}"#, "off"),
            (r#"{"Immediate":true}"#, "now"),
            (r#"{"Interval":{"Minutes":30}}"#, "every 30m"),
            (r#"{"daily":{"time":"2022-05-27T17:30:00Z"}}"#, "daily 17:30"),
            (r#"{"Daily":{"Time":"2022-05-27T19:30:00+02:00"},"Interval":null}"#, "daily 17:30"),
            (r#"{"Weekly":{"Days":[1,4],"Time":"2022-05-27T03:15:00Z"}}"#, "weekly mon,thu 03:15"),
            (r#"{"Monthly":{"Day":31,"Time":"2022-05-27T03:15:00Z"}}"#, "monthly 31 03:15"),
            (r#"{"ExactlyOnce":{"Time":"2030-01-01T00:00:00Z"}}"#, "once 2030-01-01T00:00:00Z"),
        ] {
            assert_eq!(meaning(sent).as_deref(), Ok(means), "{sent}");
            let again = StoreSchedule::of(&Schedule::parse(means).unwrap(), 1_900_000_000_000);
            assert_eq!(again.meaning().unwrap().to_string(), means);
        }
        for wrong in [
            r#"{"Immediate":true,"Interval":{"Minutes":30}}"#,
            r#"{"Interval":{"Minutes":0}}"#,
            r#"{"Weekly":{"Days":[7],"Time":"2022-05-27T03:15:00Z"}}"#,
            r#"{"Weekly":{"Days":[],"Time":"2022-05-27T03:15:00Z"}}"#,
            r#"{"Monthly":{"Day":0,"Time":"2022-05-27T03:15:00Z"}}"#,
            r#"{"Daily":{"Time":"soon"}}"#,
        ] {
            assert!(meaning(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn properties_that_are_known_are_read() {
        let read = properties(r#"{"Chain":"Beside","ServerUsername":null,"key_mode":"0640","x":{"value":1}}"#).unwrap();
        assert_eq!((read.chain, read.key_mode.as_deref()), (Some(ChainPlace::Beside), Some("0640")));
        assert_eq!(properties(" ").unwrap(), Properties::default());
        for wrong in ["[]", "x", r#"{"chain":"up"}"#] {
            assert!(properties(wrong).is_err(), "{wrong}");
        }
    }
}
