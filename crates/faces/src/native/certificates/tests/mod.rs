use axum::http::header;
use serde_json::json;

use crate::testing::{TestApp, sample_pem};

#[tokio::test]
async fn what_is_imported_is_found_and_read() {
    let test = TestApp::new().await;
    let ids = test.import_samples(3).await;
    let list = test.get("/api/v1/certificates?total=true").await.expect(200);
    assert_eq!((list["items"].as_array().unwrap().len(), &list["total"]), (3, &json!(3)));
    let one = test.get(&format!("/api/v1/certificates/{}", ids[1])).await.expect(200);
    assert_eq!(one["id"], ids[1]);
    assert_eq!(one["facts"]["version"], 3);
    let pem = test.get(&format!("/api/v1/certificates/{}/pem", ids[1])).await;
    assert_eq!(pem.text(), sample_pem(1));
    assert!(pem.headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment; filename=\""));
}
