//! Renewals while the server is killed at random instants: each completes, nothing is left behind, nothing is done twice.

use std::path::Path;
use std::time::{Duration, Instant};

use certhold_tests::bind::Zone;
use certhold_tests::dig;
use certhold_tests::lab::Lab;
use certhold_tests::pebble::{Options, Pebble};
use certhold_tests::server::certhold;
use serde_json::{Value, json};

use crate::api::{Api, in_lab};

/// Certificates, and how often each is renewed after the first version: fifty renewals, or five hundred in the full run.
fn size() -> (usize, i64) {
    if std::env::var_os("FULL").is_some() { (20, 25) } else { (10, 5) }
}

#[tokio::test(flavor = "multi_thread")]
async fn renewals_survive_kills() {
    let (count, renewals) = size();
    let lab = Lab::start(&["example.org"], &[Zone { name: "example.net", records: "" }]).await;
    let usual = Pebble::start(&Options::new(lab.resolver.dns)).await;
    let grumpy = Pebble::start(&Options { rejected_nonces: 50, ..Options::new(lab.resolver.dns) }).await;
    let mut api = Api::start(in_lab(&lab)).await;
    let issuers = [api.issuer("Usual", &usual).await, api.issuer("Grumpy", &grumpy).await];
    let providers = [(api.powerdns(&lab).await, "example.org"), (api.bind(&lab).await, "example.net")];
    let files = tempfile::tempdir().unwrap();
    for number in 0..count {
        let (provider, zone) = providers[number % 2];
        let issuer = issuers[number / 2 % 2];
        let names = json!([format!("h{number}.{zone}"), format!("*.h{number}.{zone}")]);
        let id = api.create("/managed-certificates", json!({ "names": names, "issuer": issuer, "dns_provider": provider })).await;
        let path = |end: &str| files.path().join(format!("{id}.{end}")).display().to_string();
        let settings = json!({ "full_chain": path("pem"), "private_key": path("key") });
        api.create(&format!("/managed-certificates/{id}/deployments"), json!({ "name": "files", "settings": settings })).await;
    }

    let target = renewals + 1;
    let mut kills = 0usize;
    let mut chance = Chance(std::process::id().into());
    let started = Instant::now();
    while wanting(&mut api, target).await > 0 || kills < 20 {
        assert!(started.elapsed() < Duration::from_secs(1_200), "after {kills} kills: {:#?}", all(&api).await);
        tokio::time::sleep(Duration::from_millis(200 + chance.below(1_300))).await;
        api.server.kill();
        kills += 1;
        api.server.restart().await;
    }
    settle(&api, &lab, count, target).await;

    let orders: usize = [&usual, &grumpy].iter().map(|pebble| pebble.log().matches("orders in the db").count()).sum();
    let versions: i64 = all(&api).await.iter().map(|managed| managed["versions"].as_i64().unwrap()).sum();
    let failed = failures(&api).await;
    println!("{versions} versions, {orders} orders, {kills} kills, {failed} failed attempts, {:?}", started.elapsed());
    let versions = usize::try_from(versions).unwrap();
    assert!(orders >= versions, "Pebble's log is not understood: {orders} orders");
    assert!(
        orders <= versions + kills + failed,
        "{orders} orders for {versions} versions after {kills} kills, {failed} failures"
    );
    check_files(&api, files.path()).await;
    check_log(api).await;
}

/// Asks for the next version of everything that is behind and idle; says how many are behind.
pub async fn wanting(api: &mut Api, target: i64) -> usize {
    let behind: Vec<Value> =
        all(api).await.into_iter().filter(|managed| managed["versions"].as_i64().unwrap() < target).collect();
    for managed in &behind {
        if managed["attempt_due_at"].is_null() || managed["failures"].as_i64().unwrap() > 0 {
            api.post(&format!("/managed-certificates/{}/renew", managed["id"]), json!({})).await.expect(202);
        }
    }
    behind.len()
}

pub async fn all(api: &Api) -> Vec<Value> {
    api.get("/managed-certificates?limit=1000").await["items"].as_array().unwrap().clone()
}

/// Waits until nothing is under way and no TXT value is left in either zone.
async fn settle(api: &Api, lab: &Lab, count: usize, target: i64) {
    let started = Instant::now();
    loop {
        let managed = all(api).await;
        let done = managed.len() == count
            && managed.iter().all(|one| one["versions"].as_i64().unwrap() >= target && one["attempt_due_at"].is_null());
        let jobs = api.get("/jobs").await["items"].as_array().unwrap().len();
        let mut left = lab.powerdns.txt_records("example.org").await.len();
        for number in (1..count).step_by(2) {
            left += dig::txt(lab.bind.dns, &format!("_acme-challenge.h{number}.example.net")).await.len();
        }
        if done && jobs == 0 && left == 0 {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(90), "{jobs} jobs, {left} TXT values: {managed:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn failures(api: &Api) -> usize {
    let mut failed = 0;
    let mut path = "/events?operation=renewal.failed&limit=1000".to_owned();
    loop {
        let page = api.get(&path).await;
        failed += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => path = next.trim_start_matches("/api/v1").to_owned(),
            None => return failed,
        }
    }
}

/// What is installed is the current version, and its key fits.
pub async fn check_files(api: &Api, files: &Path) {
    for managed in all(api).await {
        let current = managed["current"].as_i64().unwrap();
        let held = api.get(&format!("/certificates/{current}")).await;
        let pem = std::fs::read(files.join(format!("{}.pem", managed["id"]))).unwrap();
        let chain = certhold_pki::read(&pem, None).unwrap().certificates;
        let facts = certhold_pki::Facts::of(&chain[0].der).unwrap();
        assert_eq!(held["sha256"], certhold_domain::hex(&facts.sha256));
        assert!(chain.len() > 1, "with its chain");
        let key = std::fs::read(files.join(format!("{}.key", managed["id"]))).unwrap();
        let key = certhold_pki::read(&key, None).unwrap().keys.remove(0).key;
        assert!(key.matches(&chain[0].der).unwrap());
    }
}

/// The log is whole, although its writer was killed.
pub async fn check_log(mut api: Api) {
    assert!(api.server.stop().await.success());
    let output = certhold().args(["verify", "--data"]).arg(api.server.data()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Numbers that differ from run to run; printed nowhere, since the instants that matter are the machine's.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
