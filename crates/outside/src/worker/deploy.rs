//! Installing the current version of a managed certificate.

use certhold_domain::custody::SecretKind;
use certhold_domain::jobs::{self, Lease};
use certhold_domain::renewal::deployment::{self, Installation};
use certhold_domain::stores::StoreTarget;
use certhold_domain::stores::work::Material;
use certhold_domain::{DeploymentId, Error};
use certhold_pki::PrivateKey;

use super::Context;
use super::store;
use crate::deploy::{self, Deployment, Report, Run};

pub(super) async fn run(context: &Context, lease: &Lease) -> Result<(), Error> {
    let lease = *lease;
    let wanted = context.read(move |tx, _| deployment::installation(tx, DeploymentId(lease.object))).await?;
    let Some(installation) = wanted else {
        return context.write(move |tx, _, now| jobs::finish(tx, &lease, now)).await;
    };
    let certificate = installation.certificate;
    let installed = match &installation.deployment.settings.store {
        Some(target) => install_into_store(context, &lease, &installation, target).await?,
        None => install(context, &installation).await.map(|report| sentence(&report)),
    };
    match installed {
        Ok(report) => {
            context.write(move |tx, actor, now| deployment::complete(tx, actor, &lease, certificate, &report, now)).await
        }
        Err(why) => {
            tracing::warn!(deployment = lease.object, cause = %why, "installing failed");
            context.write(move |tx, actor, now| deployment::fail(tx, actor, &lease, &why, now)).await
        }
    }
}

/// Puts the version into a certificate store, records it there, and runs the command.
async fn install_into_store(
    context: &Context,
    lease: &Lease,
    installation: &Installation,
    target: &StoreTarget,
) -> Result<Result<String, String>, Error> {
    let Some(open) = installation.store.clone() else {
        return Ok(Err("the certificate store is gone".into()));
    };
    let key = installation.private_key.clone().filter(|_| target.include_key);
    if target.include_key && key.is_none() {
        return Ok(Err("the private key of this certificate is not in custody".into()));
    }
    let certificate = installation.certificate;
    let (der, above) = (installation.der.clone(), installation.chain.clone());
    let material = Material { certificate, der, above, key };
    let written = match store::put(context, open, target.alias.clone(), true, material).await {
        Ok(written) => written,
        Err(why) => return Ok(Err(why)),
    };
    let (lease, report) = (*lease, written.report.clone());
    context.write(move |tx, actor, now| deployment::stored(tx, actor, &lease, &written, now)).await?;
    if installation.deployment.settings.command.is_empty() {
        return Ok(Ok(report));
    }
    let command = Deployment::of(&installation.managed_name, &installation.deployment.settings);
    let material = deploy::Material { certificate: &installation.der, chain: &installation.chain, key: None };
    Ok(match command {
        Ok(command) => match deploy::deploy(&command, &material, Run::Always).await {
            Ok(done) => Ok(format!("{report}{}", ran(&done))),
            Err(error) => Err(error.to_string()),
        },
        Err(error) => Err(error.to_string()),
    })
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
    let material = deploy::Material { certificate: &installation.der, chain: &installation.chain, key: key.as_ref() };
    deploy::deploy(&target, &material, Run::Always).await.map_err(|error| error.to_string())
}

fn sentence(report: &Report) -> String {
    let (written, unchanged) = (report.written.len(), report.unchanged.len());
    format!("{written} files written, {unchanged} in place already{}", ran(report))
}

fn ran(report: &Report) -> String {
    match &report.command {
        Some(done) => format!("; the command {}", done.ending),
        None => String::new(),
    }
}
