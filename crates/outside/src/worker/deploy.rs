//! Installing the current version of a managed certificate.

use certhold_domain::custody::SecretKind;
use certhold_domain::jobs::{self, Lease};
use certhold_domain::renewal::deployment::{self, Installation};
use certhold_domain::{DeploymentId, Error};
use certhold_pki::PrivateKey;

use super::Context;
use crate::deploy::{self, Deployment, Material, Report, Run};

pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    let wanted = context.read(move |tx, _| deployment::installation(tx, DeploymentId(lease.object))).await?;
    let Some(installation) = wanted else {
        return context.write(move |tx, _, now| jobs::finish(tx, &lease, now)).await;
    };
    let certificate = installation.certificate;
    match install(context, &installation).await {
        Ok(report) => {
            let report = sentence(&report);
            context.write(move |tx, actor, now| deployment::complete(tx, actor, &lease, certificate, &report, now)).await
        }
        Err(why) => {
            tracing::warn!(deployment = lease.object, cause = %why, "installing failed");
            context.write(move |tx, actor, now| deployment::fail(tx, actor, &lease, &why, now)).await
        }
    }
}

/// Writes and runs; whether the command ran before a crash is not known, so it always runs.
async fn install(context: &Context, installation: &Installation) -> Result<Report, String> {
    let needs_key = installation.deployment.settings.private_key.is_some();
    let key = match installation.private_key.as_ref().filter(|_| needs_key) {
        Some(row) => {
            let pkcs8 = context.core.custody.open(row, SecretKind::PrivateKey).map_err(|error| error.to_string())?;
            Some(PrivateKey::of(&pkcs8).map_err(|error| format!("the private key in custody is unusable: {error}"))?)
        }
        None => None,
    };
    if let Some(key) = &key {
        match key.matches(&installation.der) {
            Ok(true) => {}
            _ => return Err("the private key in custody is not the key of this certificate: nothing was written".into()),
        }
    }
    let target = Deployment::of(&installation.managed_name, &installation.deployment.settings);
    let target = target.map_err(|error| error.to_string())?;
    let material = Material { certificate: &installation.der, chain: &installation.chain, key: key.as_ref() };
    deploy::deploy(&target, &material, Run::Always).await.map_err(|error| error.to_string())
}

fn sentence(report: &Report) -> String {
    let (written, unchanged) = (report.written.len(), report.unchanged.len());
    let command = match &report.command {
        Some(done) => format!("; the command {}", done.ending),
        None => String::new(),
    };
    format!("{written} files written, {unchanged} in place already{command}")
}
