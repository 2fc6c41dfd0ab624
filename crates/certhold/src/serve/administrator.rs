//! The first administrator.

use certhold_domain::people::{self, NewPrincipal, Password, PrincipalKind};
use certhold_domain::{Actor, Core, Face};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::opening::uuid;

/// The variable with the first administrator's password.
const VARIABLE: &str = "CERTHOLD_ADMIN_PASSWORD";
const NAME: &str = "admin";

/// Letters and digits that are not mistaken for each other; 32 of them, so that every byte picks one evenly.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Five bits each: 100 bits.
const CHARACTERS: usize = 20;

/// At first start creates the user `admin`, with the password given in the environment or a generated one, which is printed
/// once to standard error. Where there are accounts already, nothing happens.
///
/// # Errors
/// When the password given is not good enough.
pub async fn create_first(core: &Core) -> Result<(), Failure> {
    let server = Actor::system(Face::Server, "certhold");
    let looking = server.clone();
    if !core.store.read(move |tx| people::list(tx, &looking)).await?.is_empty() {
        return Ok(());
    }
    let given = std::env::var(VARIABLE).ok().filter(|password| !password.is_empty()).map(Zeroizing::new);
    let generated = given.is_none();
    let password = given.unwrap_or_else(|| generate(&core.random()));
    let hash = Password::from(password.to_string()).hash(core.entropy.as_ref());
    let hash = hash.map_err(|error| Failure::new(format!("{VARIABLE}: {error}")))?;
    let command = NewPrincipal {
        kind: PrincipalKind::Person,
        name: NAME.into(),
        display_name: "Administrator".into(),
        email: None,
        password: Some(hash),
        uuid: uuid(core),
    };
    let now = core.now();
    let created = core.store.write(move |tx| people::create_first_administrator(tx, &server, &command, now)).await?;
    if created && generated {
        eprintln!("The first administrator: user {NAME}, password {}  (this is shown once)", password.as_str());
    }
    Ok(())
}

fn generate(random: &[u8; CHARACTERS]) -> Zeroizing<String> {
    let letters = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<char> = letters.collect();
    Zeroizing::new(groups.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passwords_use_every_letter_and_read_well() {
        let mut random = [0; CHARACTERS];
        for (index, byte) in random.iter_mut().enumerate() {
            *byte = index as u8;
        }
        assert_eq!(*generate(&random), "abcde-fghij-kmnpq-rstuv");
        let distinct: std::collections::BTreeSet<u8> = ALPHABET.iter().copied().collect();
        assert_eq!(distinct.len(), 32);
    }
}
