//! A connection to PostgreSQL that breaks at a chosen moment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// When the connection breaks. Each rule works once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The COMMIT never reaches the server.
    BeforeCommit,
    /// The server gets the COMMIT; its answer does not come back.
    AfterCommit,
    /// As before, and the server gets the COMMIT only some time after the client has lost the connection.
    LateCommit,
    /// The server gets the COMMIT, its answer does not come back, and nobody can connect any more.
    ForEver,
}

#[derive(Default)]
struct State {
    rule: Mutex<Option<Break>>,
    refusing: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

/// Stands between a client and its server, on a port of its own. Its threads end with the connections.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub fn new(server: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                if shared.refusing.load(SeqCst) {
                    continue;
                }
                let server = TcpStream::connect(&server).unwrap();
                shared.open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || copy(from_server, to_client));
                let state = shared.clone();
                std::thread::spawn(move || forward(client, server, &state));
            }
        });
        Proxy { port, state }
    }

    /// Breaks the connection that commits next.
    pub fn break_once(&self, rule: Break) {
        *self.state.rule.lock().unwrap() = Some(rule);
    }

    /// Cuts every connection, and refuses new ones until told otherwise.
    pub fn refuse(&self, refusing: bool) {
        self.state.refusing.store(refusing, SeqCst);
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.refuse(true);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn forward(mut client: TcpStream, mut server: TcpStream, state: &State) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let sent = &buffer[..count];
        let commits = sent.windows(8).any(|window| window == b"; COMMIT");
        let rule = if commits { state.rule.lock().unwrap().take() } else { None };
        match rule {
            None => {
                if server.write_all(sent).is_err() {
                    break;
                }
                continue;
            }
            Some(Break::BeforeCommit) => {}
            Some(Break::AfterCommit) => {
                client.shutdown(Shutdown::Both).unwrap();
                server.write_all(sent).unwrap();
                std::thread::sleep(Duration::from_millis(100));
            }
            Some(Break::LateCommit) => {
                client.shutdown(Shutdown::Both).unwrap();
                std::thread::sleep(Duration::from_millis(800));
                server.write_all(sent).unwrap();
                std::thread::sleep(Duration::from_millis(100));
            }
            Some(Break::ForEver) => {
                state.refusing.store(true, SeqCst);
                client.shutdown(Shutdown::Both).unwrap();
                server.write_all(sent).unwrap();
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        break;
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
