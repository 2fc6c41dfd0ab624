//! Imports: into stores, and files of which a part is not taken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_store::params;
use serde_json::{Value, json};

use super::certificates::{DAY, made};
use super::{Keyfactor, refused};
use crate::testing::START;

impl Keyfactor {
    /// A certificate store below the directory for stores; its GUID.
    pub(super) async fn store(&self, name: &str, kind: i64) -> String {
        let body = json!({ "DisplayName": name, "ClientMachine": "here", "Storepath": format!("/srv/tls/{name}"),
            "CertStoreType": kind, "Password": { "SecretValue": "changeit-4711" } });
        self.call("POST", "/CertificateStores", body).await.expect(200)["Id"].as_str().unwrap().to_owned()
    }

    /// The jobs that put something into a store: alias, whether the key goes along, due time.
    pub(super) async fn additions(&self, store: &str) -> Vec<(String, bool, i64)> {
        let store = store.to_owned();
        let sql = "SELECT store_job.alias, store_job.with_key, store_job.due_at FROM store_job \
                   JOIN certificate_store ON certificate_store.id = store_job.store \
                   WHERE certificate_store.uuid = $1 AND store_job.kind = 'add' ORDER BY store_job.id";
        let read = move |tx: &mut certhold_store::Tx<'_>| {
            Ok(tx.rows(sql, params![&store], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
        };
        self.test.app.read(read).await.unwrap()
    }

    /// Has a store hold a certificate with its key under a name, as if an inventory had found it.
    pub(super) async fn occupy(&self, store: &str, alias: &'static str, certificate: i64) {
        let store = store.to_owned();
        let occupy = move |tx: &mut certhold_store::Tx<'_>| {
            let sql = "INSERT INTO store_item (store, alias, position, certificate, has_key, found_at, seen) \
                       SELECT id, $2, 0, $3, TRUE, 0, 0 FROM certificate_store WHERE uuid = $1";
            Ok(tx.execute(sql, params![&store, alias, certificate])?)
        };
        assert_eq!(self.test.app.write(occupy).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn what_is_imported_goes_into_stores() {
    let keyfactor = Keyfactor::new().await;
    let (file, directory) = (keyfactor.store("a.p12", 102).await, keyfactor.store("pem", 2).await);
    let (pem, key) = made("shop.example.com", START + 60 * DAY);
    let import = json!({
        "Certificate": STANDARD.encode(pem.clone() + &key), "StoreIds": [file, directory], "Schedule": "2099-01-01T00:00:00Z",
        "StoreTypes": [{ "StoreTypeId": 102, "Alias": "shop", "Overwrite": true, "Properties": [] }],
    });
    let sent = keyfactor.call("POST", "/Certificates/Import", import.clone()).await.expect(200);
    let thumbprint = sent["Thumbprint"].as_str().unwrap().to_owned();
    assert_eq!(sent, json!({ "ImportStatus": 1, "JobStatus": 1, "InvalidKeystores": [], "Thumbprint": thumbprint }));
    let due = 4_070_908_800_000;
    assert_eq!(keyfactor.additions(&file).await, [("shop".to_owned(), true, due)]);
    // Directories of PEM files have entries in lower case.
    let in_directory = keyfactor.additions(&directory).await;
    assert_eq!((in_directory.len(), in_directory[0].0.to_uppercase(), in_directory[0].1), (1, thumbprint.clone(), true));
    // A certificate whose key came before: it goes along, and not later than now.
    let again = json!({ "Certificate": STANDARD.encode(&pem), "StoreIds": [file],
        "StoreTypes": [{ "StoreTypeId": 102, "Alias": "again", "Overwrite": false }] });
    let sent = keyfactor.call("POST", "/Certificates/Import", again.clone()).await.expect(200);
    assert_eq!((&sent["ImportStatus"], &sent["JobStatus"]), (&json!(2), &json!(1)));
    assert_eq!(keyfactor.additions(&file).await[1], ("again".to_owned(), true, START));
    // An entry of this name is there in one of two stores.
    keyfactor.occupy(&file, "again", 1).await;
    let mut both = again.clone();
    both["StoreIds"] = json!([directory, file]);
    let sent = keyfactor.call("POST", "/Certificates/Import", both).await.expect(200);
    assert_eq!(sent["JobStatus"], 2);
    let invalid = &sent["InvalidKeystores"][0];
    assert_eq!((&invalid["KeystoreId"], &invalid["Alias"], &invalid["Reason"]), (&json!(file), &json!("again"), &json!(0)));
    assert_eq!((&invalid["ClientMachine"], &invalid["StorePath"]), (&json!("here"), &json!("/srv/tls/a.p12")));
    assert!(invalid["Explanation"].as_str().unwrap().contains("there is an entry \"again\""), "{invalid}");
    let sent = keyfactor.call("POST", "/Certificates/Import", again).await.expect(200);
    assert_eq!((&sent["ImportStatus"], &sent["JobStatus"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn whoever_may_not_fill_a_store_imports_nothing_into_it() {
    let keyfactor = Keyfactor::new().await;
    let store = keyfactor.store("a.p12", 102).await;
    let (pem, key) = made("shop.example.com", START + 60 * DAY);
    let import = |content: &str, store: &str| json!({ "Certificate": STANDARD.encode(content), "StoreIds": [store] });
    let importer = ["/certificates/import/", "/certificates/collections/private_key/import/"];
    let with = |more: &[&'static str]| importer.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    let service = async |name: &str, more: &[&'static str]| keyfactor.test.service(name, &with(more)).await.2;
    let blind = service("blind", &[]).await;
    let reader = service("reader", &["/certificate_stores/read/", "/certificates/collections/read/"]).await;
    let filler = service("filler", &["/certificate_stores/modify/", "/certificates/collections/read/"]).await;
    let stranger = service("stranger", &["/certificate_stores/modify/"]).await;
    let events = keyfactor.test.events().await;
    let both = pem.clone() + &key;
    for (who, content) in [(&blind, &both), (&reader, &pem), (&filler, &both), (&stranger, &pem)] {
        let reply = keyfactor.as_somebody(who, "POST", "/Certificates/Import", import(content, &store)).await;
        refused(reply, 403);
    }
    let nowhere = import(&pem, "e8a7a2f0-0000-4000-8000-000000000000");
    refused(keyfactor.call("POST", "/Certificates/Import", nowhere).await, 404);
    let mut many = import(&pem, &store);
    many["StoreIds"] = json!(vec![&store; 1_001]);
    refused(keyfactor.call("POST", "/Certificates/Import", many).await, 400);
    let mut strange = import(&pem, &store);
    strange["StoreTypes"] = json!([{ "StoreTypeId": 102, "Alias": "a\nb" }]);
    refused(keyfactor.call("POST", "/Certificates/Import", strange).await, 400);
    assert_eq!(keyfactor.test.events().await, events, "nothing is imported");
    let sent = keyfactor.as_somebody(&filler, "POST", "/Certificates/Import", import(&pem, &store)).await.expect(200);
    assert_eq!((&sent["ImportStatus"], &sent["JobStatus"]), (&json!(1), &json!(1)));
    assert!(!keyfactor.additions(&store).await[0].1, "there is no key");
    // The key comes by another import; whoever may not take it out puts the certificate into a store without it.
    keyfactor.call("POST", "/Certificates/Import", json!({ "Certificate": STANDARD.encode(&both) })).await.expect(200);
    let sent = keyfactor.as_somebody(&filler, "POST", "/Certificates/Import", import(&pem, &store)).await.expect(200);
    assert_eq!((&sent["ImportStatus"], &sent["JobStatus"], &sent["InvalidKeystores"]), (&json!(2), &json!(1), &json!([])));
    let with_key = async || keyfactor.additions(&store).await.into_iter().map(|(_, with_key, _)| with_key).collect::<Vec<_>>();
    assert_eq!(with_key().await, [false, false]);
    // Whoever may, puts it in with the key; whoever sends the key, too, is refused as a whole without the right.
    let sent = keyfactor.call("POST", "/Certificates/Import", import(&pem, &store)).await.expect(200);
    assert_eq!(sent["JobStatus"], 1);
    refused(keyfactor.as_somebody(&filler, "POST", "/Certificates/Import", import(&both, &store)).await, 403);
    assert_eq!(with_key().await, [false, false, true]);
}

#[tokio::test]
async fn the_certificate_that_a_file_is_about_decides() {
    let keyfactor = Keyfactor::new().await;
    let (leaf, _) = made("leaf.example.com", START + 60 * DAY);
    let id = keyfactor.held(&leaf).await;
    keyfactor.call("DELETE", &format!("/Certificates/Exclude/{id}"), Value::Null).await.expect(204);
    let authority = authority();
    let import = |content: String| json!({ "Certificate": STANDARD.encode(content) });
    // The other certificate of the file is taken, and the answer is a refusal all the same.
    for _ in 0..2 {
        let told = refused(keyfactor.call("POST", "/Certificates/Import", import(leaf.clone() + &authority)).await, 400);
        assert!(told["Message"].as_str().unwrap().contains("excluded"), "{told}");
        assert_eq!(told["FailedOperations"].as_array().unwrap().len(), 1);
    }
    assert_eq!(keyfactor.get("/Certificates").await.headers["x-total-count"], "1");
    // The other way round: what the file is about is taken, something else is not.
    let (other, _) = made("other.example.com", START + 60 * DAY);
    let sent = keyfactor.call("POST", "/Certificates/Import", import(other.clone() + &leaf)).await.expect(200);
    assert_eq!(sent["ImportStatus"], 5, "new, and not all of it");
    let sent = keyfactor.call("POST", "/Certificates/Import", import(other.clone() + &leaf)).await.expect(200);
    assert_eq!(sent["ImportStatus"], 6, "held, and not all of it");
    // What is about an authority alone is held already by now.
    let sent = keyfactor.call("POST", "/Certificates/Import", import(authority.clone())).await.expect(200);
    assert_eq!(sent["ImportStatus"], 2);
    let sent = keyfactor
        .call("POST", "/Certificates/Import", import(made("third.example.com", START + DAY).0 + &authority))
        .await
        .expect(200);
    assert_eq!(sent["ImportStatus"], 1);
}

/// A certificate of an authority.
fn authority() -> String {
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Root");
    parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}
