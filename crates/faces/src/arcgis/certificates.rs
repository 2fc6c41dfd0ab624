//! `security/certificates`: identity and trust certificates, as the vendor has them.

use certhold_domain::named::{self, Kind};

use super::answer::{Answer, Found, Refused};
use super::request::Call;
use crate::identity::{self, File};
use crate::state::App;

pub async fn list(app: &App, call: &Call, kind: Kind) -> Answer<Found> {
    let describing = app.clone();
    let found = app.read_as(call.caller()?, move |tx, actor| {
        let entries = named::list(tx, actor, kind)?;
        describing.described().complete(tx, actor, entries)
    });
    Ok(Found::Certificates(found.await?))
}

pub async fn one(app: &App, call: &Call, kind: Kind) -> Answer<Found> {
    let (describing, handle) = (app.clone(), call.subject.clone());
    let found = app.read_as(call.caller()?, move |tx, actor| {
        let entry = named::get(tx, actor, kind, &handle)?;
        describing.described().complete(tx, actor, vec![entry])
    });
    let certificate = found.await?.pop();
    let certificate = certificate.ok_or_else(|| Refused::details(404, "There is no such certificate."))?;
    Ok(Found::Certificate(Box::new(certificate)))
}

pub async fn import(app: &App, call: &Call, kind: Kind) -> Answer<Found> {
    let what = "import the certificate";
    let author = call.author(app).await?;
    let parameters = &call.parameters;
    let read = || {
        let name = parameters.required("certificateName")?.to_owned();
        let file = match kind {
            Kind::Identity => File::Pfx(parameters.file("certificatePfxFile")?, password(call)?),
            Kind::Trust => File::Trusted(parameters.file("trustCertificateFile")?),
        };
        Ok((name, file))
    };
    let (name, file) = read().map_err(|refused: Refused| refused.to(what))?;
    identity::import(app, &author, kind, name, file).await.map_err(|error| Refused::from(error).to(what))?;
    Ok(Found::Done)
}

/// The password of a PKCS#12 file, exactly as it was sent: nothing is trimmed or replaced. It may be empty, but it must be there.
pub fn password(call: &Call) -> Answer<zeroize::Zeroizing<String>> {
    let bytes = call.parameters.bytes("certificatePassword").ok_or_else(|| Refused::missing("certificatePassword"))?;
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| Refused::details(400, "'certificatePassword' is not text in UTF-8."))?;
    Ok(zeroize::Zeroizing::new(text.to_owned()))
}

pub async fn delete(app: &App, call: &Call, kind: Kind) -> Answer<Found> {
    let author = call.author(app).await?;
    let (handle, now) = (call.subject.clone(), app.now());
    let deleted = app.write(move |tx| named::delete(tx, &author, kind, &handle, now)).await;
    deleted.map_err(|error| Refused::from(error).to("delete the certificate"))?;
    Ok(Found::Done)
}
