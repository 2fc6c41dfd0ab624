//! Bodies that are long, slow, or never end.

use axum::body::Bytes;
use futures_util::{StreamExt as _, stream};

use super::*;

/// Files of strangers that never end hold up neither who shows a token in a header, nor who sends a small file.
#[tokio::test]
async fn slow_strangers_hold_nobody_up() {
    let arcgis = ArcGis::new().await;
    let import = format!("{CERTIFICATES}/identity/import");
    let kind = "multipart/form-data; boundary=7d1f0c9e4a";
    let endless = || {
        let begun = stream::once(async { Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 100_000])) });
        let body = Body::from_stream(begun.chain(stream::pending()));
        Request::post(&import).header("content-type", kind).body(body).unwrap()
    };
    let mut strangers: Vec<_> = (0..20).map(|_| Box::pin(arcgis.test.send(endless()))).collect();
    for stranger in &mut strangers {
        assert!(futures_util::poll!(stranger).is_pending());
    }
    // Each needs several turns until its first part is read.
    for _ in 0..100 {
        for stranger in &mut strangers {
            assert!(futures_util::poll!(stranger).is_pending());
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let pfx = server("maps.example.test").pfx("sesame", &[]);
    done(&arcgis.import_pfx("small, with its token in the body", "sesame", &pfx).await);
    let padding = vec![b'x'; 200_000];
    let parts: [Part<'_>; 5] = [
        ("f", "", b"json"),
        ("certificateName", "", b"large, with its token in a header"),
        ("certificatePassword", "", b"sesame"),
        ("certificatePfxFile", "a.pfx", &pfx),
        ("unknown", "", &padding),
    ];
    let bearer = format!("Bearer {}", arcgis.token);
    let headers = [("content-type", kind), ("referer", "tests"), ("x-esri-authorization", bearer.as_str())];
    done(&arcgis.send("POST", &import, &headers, multipart(&parts)).await.expect(200));
    drop(strangers);
    assert_eq!(arcgis.list("identity").await.len(), 2);
}

#[tokio::test]
async fn what_is_too_long_is_answered_in_json() {
    let arcgis = ArcGis::new().await;
    let answer = arcgis.import_pfx("long", "sesame", &vec![b'x'; 3 * 1024 * 1024]).await;
    assert!(refused(&answer, 400).contains("has more than 2097152 octets"), "{answer}");
}
