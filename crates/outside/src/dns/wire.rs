//! One question, one answer: DNS messages over UDP and TCP (RFC 1035 section 4.2), with time limits.

use super::DnsError;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// How long one server may take for one datagram; two are sent before giving up.
pub(super) const DATAGRAM_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a whole exchange over TCP may take.
pub(super) const STREAM_TIMEOUT: Duration = Duration::from_secs(10);
/// The size that passes every path without fragments (DNS Flag Day 2020).
const DATAGRAM_SIZE: u16 = 1232;

/// Whether the server may ask others on our behalf.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Recursion {
    Desired,
    No,
}

/// Asks `server` for `name` over UDP, and over TCP when the answer does not fit.
pub(super) async fn ask(server: SocketAddr, name: &Name, kind: RecordType, recursion: Recursion) -> Result<Message, DnsError> {
    let question = question(name, kind, recursion);
    let answer = datagram(server, &question).await?;
    if answer.metadata.truncation {
        let bytes = encode(server, &question)?;
        return accept(&question, &stream(server, &bytes).await?).ok_or_else(|| stray(server));
    }
    Ok(answer)
}

/// The query for one name and type, with a random identifier.
pub(super) fn question(name: &Name, kind: RecordType, recursion: Recursion) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = recursion == Recursion::Desired;
    message.add_query(Query::query(name.clone(), kind));
    let mut edns = Edns::new();
    edns.set_max_payload(DATAGRAM_SIZE).set_version(0);
    message.set_edns(edns);
    message
}

async fn datagram(server: SocketAddr, question: &Message) -> Result<Message, DnsError> {
    let bytes = encode(server, question)?;
    let unreachable =
        |cause: &dyn std::fmt::Display| DnsError::Unreachable { server: server.to_string(), cause: cause.to_string() };
    let local: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await.map_err(|e| unreachable(&e))?;
    socket.connect(server).await.map_err(|e| unreachable(&e))?;
    let mut buffer = vec![0; 4096];
    for _ in 0..2 {
        socket.send(&bytes).await.map_err(|e| unreachable(&e))?;
        let answer = tokio::time::timeout(DATAGRAM_TIMEOUT, async {
            loop {
                let length = socket.recv(&mut buffer).await?;
                // Datagrams that do not answer this question are late or forged: they are passed over, not reported.
                if let Some(answer) = accept(question, &buffer[..length]) {
                    return Ok::<_, std::io::Error>(answer);
                }
            }
        });
        if let Ok(answer) = answer.await {
            return answer.map_err(|e| unreachable(&e));
        }
    }
    Err(unreachable(&"it does not answer in time"))
}

/// Sends one length-prefixed message over TCP and returns the one that comes back.
pub(super) async fn stream(server: SocketAddr, message: &[u8]) -> Result<Vec<u8>, DnsError> {
    let unreachable = |cause: String| DnsError::Unreachable { server: server.to_string(), cause };
    let length = u16::try_from(message.len()).map_err(|_| DnsError::InvalidValue("the message exceeds 65,535 bytes"))?;
    let exchange = async {
        let mut stream = TcpStream::connect(server).await?;
        let mut framed = Vec::with_capacity(message.len() + 2);
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(message);
        stream.write_all(&framed).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match tokio::time::timeout(STREAM_TIMEOUT, exchange).await {
        Ok(answer) => answer.map_err(|e| unreachable(e.to_string())),
        Err(_) => Err(unreachable("it does not answer in time".to_owned())),
    }
}

pub(super) fn encode(server: SocketAddr, message: &Message) -> Result<Vec<u8>, DnsError> {
    message
        .to_vec()
        .map_err(|e| DnsError::BadAnswer { server: server.to_string(), detail: format!("the request cannot be encoded: {e}") })
}

/// The message in `bytes` if it answers `question`.
fn accept(question: &Message, bytes: &[u8]) -> Option<Message> {
    let answer = Message::from_vec(bytes).ok()?;
    answers(question, &answer).then_some(answer)
}

/// Whether `answer` belongs to `question`: same identifier, same operation, same question section.
pub(super) fn answers(question: &Message, answer: &Message) -> bool {
    answer.metadata.id == question.metadata.id
        && answer.metadata.message_type == MessageType::Response
        && answer.metadata.op_code == question.metadata.op_code
        && (answer.queries == question.queries
            // RFC 2136 section 3.8 lets a server leave the zone section out; errors may come without a question.
            || (answer.queries.is_empty() && (question.metadata.op_code == OpCode::Update || u16::from(answer.metadata.response_code) != 0)))
}

pub(super) fn stray(server: SocketAddr) -> DnsError {
    DnsError::BadAnswer { server: server.to_string(), detail: "it does not answer the question that was asked".to_owned() }
}
