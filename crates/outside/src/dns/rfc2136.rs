//! Dynamic update (RFC 2136) authenticated with TSIG (RFC 8945): BIND, Knot, NSD's primaries, Microsoft DNS, PowerDNS.
//!
//! The `dns-update` crate has this protocol too, but takes the server as an IP address only, finds no zone, flattens every
//! failure to text (a wrong key cannot be told from a refused name), and sends updates over UDP without falling back to
//! TCP; so the exchange is done here on `hickory-proto`'s messages. Updates go over TCP, which neither truncates nor lets
//! strangers inject an answer. Adding and deleting one record are idempotent by the protocol itself (sections 2.5.1 and
//! 2.5.4) and leave the other values of the RRset alone.

use super::wire::{self, Recursion};
use super::{DnsError, name, resolve};
use hickory_proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, TSigner};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds by which the clocks of client and server may differ (RFC 8945 section 10 recommends 300).
const FUDGE: u16 = 300;

/// One primary server and the key it knows us by.
pub(super) struct Rfc2136 {
    /// `host:port`; the host is looked up at each use.
    server: String,
    key: TSigner,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyProblem {
    Name,
    Algorithm,
    Empty,
}

impl Rfc2136 {
    pub(super) fn new(server: &str, key_name: &str, algorithm: &str, secret: Vec<u8>) -> Result<Self, KeyProblem> {
        let algorithm = match algorithm {
            "hmac-sha256" => TsigAlgorithm::HmacSha256,
            "hmac-sha384" => TsigAlgorithm::HmacSha384,
            "hmac-sha512" => TsigAlgorithm::HmacSha512,
            _ => return Err(KeyProblem::Algorithm),
        };
        if secret.is_empty() {
            return Err(KeyProblem::Empty);
        }
        let name = name::parse(key_name).map_err(|_| KeyProblem::Name)?;
        let key = TSigner::new(secret, algorithm, name, FUDGE).map_err(|_| KeyProblem::Algorithm)?;
        Ok(Self { server: server.to_owned(), key })
    }

    pub(super) async fn publish(&self, owner: &Name, value: &str, ttl: u32) -> Result<(), DnsError> {
        let record = Record::from_rdata(owner.clone(), ttl, txt(value));
        self.update(owner, record).await
    }

    pub(super) async fn withdraw(&self, owner: &Name, value: &str) -> Result<(), DnsError> {
        let mut record = Record::from_rdata(owner.clone(), 0, txt(value));
        // "Delete an RR from an RRset": class NONE and TTL 0 (RFC 2136 section 2.5.4).
        record.dns_class = DNSClass::NONE;
        self.update(owner, record).await
    }

    /// The zone of this server that holds `owner`, by the SOA record the server shows (section 4.1: a requestor may ask for
    /// it before sending an update).
    pub(super) async fn zone(&self, owner: &Name) -> Result<Name, DnsError> {
        let address = self.address().await?;
        for candidate in name::suffixes(owner) {
            let question = wire::question(&candidate, RecordType::SOA, Recursion::No);
            let answer = self.exchange(address, question).await?;
            let usable = matches!(answer.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain);
            if usable
                && answer.metadata.authoritative
                && let Some(apex) = resolve::apex(&answer, &candidate)
            {
                return Ok(apex);
            }
        }
        Err(self.zone_not_found(owner))
    }

    async fn update(&self, owner: &Name, record: Record) -> Result<(), DnsError> {
        let zone = self.zone(owner).await?;
        let address = self.address().await?;
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        // The question section is the zone section, the authority section the update section (section 2).
        message.add_query(Query::query(zone, RecordType::SOA));
        message.add_authority(record);
        let answer = self.exchange(address, message).await?;
        match answer.metadata.response_code {
            ResponseCode::NoError => Ok(()),
            ResponseCode::NotAuth | ResponseCode::NotZone => Err(self.zone_not_found(owner)),
            ResponseCode::Refused => Err(DnsError::Refused {
                server: self.server.clone(),
                detail: format!(
                    "the server's policy does not let the key {} change {}",
                    name::text(self.key.signer_name()),
                    name::text(owner)
                ),
            }),
            ResponseCode::ServFail => {
                Err(DnsError::ServerFault { server: self.server.clone(), detail: "it answers SERVFAIL to the update".to_owned() })
            }
            code => Err(DnsError::Refused { server: self.server.clone(), detail: format!("it answers {code} to the update") }),
        }
    }

    /// Signs `message`, sends it and verifies the signature of the answer.
    async fn exchange(&self, address: SocketAddr, mut message: Message) -> Result<Message, DnsError> {
        let question = message.clone();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let verifier = message.finalize(&self.key, now).map_err(|e| self.bad_answer(format!("signing failed: {e}")))?;
        let bytes = wire::stream(address, &wire::encode(address, &message)?).await?;
        let answer = Message::from_vec(&bytes).map_err(|e| self.bad_answer(format!("it is no DNS message: {e}")))?;
        if !wire::answers(&question, &answer) {
            return Err(wire::stray(address));
        }
        if let Some(detail) = self.key_refusal(&answer) {
            return Err(DnsError::AuthRefused { server: self.server.clone(), detail });
        }
        // A server that fails may leave the signature out; only success must be proven. A forged failure is retried.
        if answer.signature.is_none() && answer.metadata.response_code != ResponseCode::NoError {
            return Ok(answer);
        }
        if let Some(mut verifier) = verifier {
            verifier.verify(&bytes).map_err(|e| self.bad_answer(format!("its answer is not signed with the shared key: {e}")))?;
        }
        Ok(answer)
    }

    /// The TSIG error of an answer in words (RFC 8945 section 5.2).
    fn key_refusal(&self, answer: &Message) -> Option<String> {
        let signature = answer.signature.as_ref()?;
        let key = name::text(self.key.signer_name());
        let said = match signature.data.error.as_ref()? {
            TsigError::BadKey => format!("BADKEY: it does not know the key {key} with {}", self.key.algorithm()),
            TsigError::BadSig => format!("BADSIG: its secret for the key {key} is another one"),
            TsigError::BadTime => "BADTIME: its clock and ours differ by more than five minutes".to_owned(),
            TsigError::BadTrunc => "BADTRUNC: it wants another length of signature".to_owned(),
            TsigError::Unknown(0) => return None,
            TsigError::Unknown(code) => format!("TSIG error {code}"),
        };
        Some(said)
    }

    async fn address(&self) -> Result<SocketAddr, DnsError> {
        let unreachable = |cause: String| DnsError::Unreachable { server: self.server.clone(), cause };
        let mut found = tokio::net::lookup_host(&self.server).await.map_err(|e| unreachable(e.to_string()))?;
        found.next().ok_or_else(|| unreachable("its name has no address".to_owned()))
    }

    fn zone_not_found(&self, owner: &Name) -> DnsError {
        DnsError::ZoneNotFound { server: self.server.clone(), name: name::text(owner) }
    }

    fn bad_answer(&self, detail: String) -> DnsError {
        DnsError::BadAnswer { server: self.server.clone(), detail }
    }
}

fn txt(value: &str) -> RData {
    RData::TXT(TXT::new(vec![value.to_owned()]))
}
