//! Reasons of everything that no owner restricts: the right, and what an operation asks for beside it.

use certhold_store::Tx;

use super::super::evaluate::{Access, HeldRole, Level, Need, Tried, Verdict};
use super::super::{Decision, paths};
use super::Explanation;
use super::place::Place;
use crate::error::Result;
use crate::ids::{CertificateId, CollectionId};
use crate::{collections, custody, ownership};

/// Explains an action by its right, and by what it needs more.
pub(super) fn explain(
    tx: &mut Tx<'_>,
    access: &Access,
    action: &str,
    place: &Place,
    answer: Explanation,
    now: i64,
) -> Result<Explanation> {
    if access.unbounded {
        let sentence = "Allowed: whoever operates this machine, and Certhold itself, may do everything.".to_owned();
        return Ok(Explanation { allowed: true, sentence, ..answer });
    }
    let answer = by_right(access, &place.need(action), place, answer);
    if !answer.allowed {
        return Ok(answer);
    }
    match action {
        paths::PRIVATE_KEY_READ => of_keys(tx, access, (action, "handing out a key"), place, answer, now),
        paths::PRIVATE_KEY_DELETE => of_keys(tx, access, (action, "destroying a key"), place, answer, now),
        paths::EXPANDED_CHANGE_OWNER if ownership::expanded_sets(access).is_empty() => {
            let missing = vec![paths::SECURITY_READ.to_owned()];
            let sentence = format!("{action} counts only together with {} in the same role.", paths::SECURITY_READ);
            Ok(Explanation { allowed: false, sentence, missing, ..answer })
        }
        paths::CERTIFICATES_METADATA_MODIFY => Ok(with_guarded_fields(answer, &collections::guarded_fields(tx, access)?)),
        _ => Ok(answer),
    }
}

/// The right alone.
fn by_right(access: &Access, need: &Need, place: &Place, answer: Explanation) -> Explanation {
    let explained = access.explain(need);
    // The first way that works, in the order of the levels, as the evaluation itself goes.
    let ways = explained.first().map_or(0, |(_, tried)| tried.len());
    for way in 0..ways {
        if let Some((role, tried)) = explained.iter().find(|(_, tried)| tried[way].verdict == Verdict::Allowed) {
            let through = place.through(&tried[way]);
            let sentence = format!("Allowed by role {}{through} (set {} bounds it).", role.name, role.set_name);
            return Explanation { allowed: true, sentence, ..answer };
        }
    }
    let Decision::Denied { missing, .. } = access.evaluate(need) else { return answer };
    let sentence = refused(&missing, &explained);
    Explanation { sentence, missing, ..answer }
}

fn refused(missing: &[String], explained: &[(&HeldRole, Vec<Tried>)]) -> String {
    let missing = missing.join(" or ");
    for wanted in [Verdict::OutsideScopes, Verdict::OutsideSet] {
        let stopped = explained.iter().find(|(_, tried)| tried.iter().any(|tried| tried.verdict == wanted));
        let Some((role, _)) = stopped else { continue };
        return match wanted {
            Verdict::OutsideSet => {
                format!(
                    "Missing {missing}: role {} grants it, but its permission set {} does not allow it.",
                    role.name, role.set_name
                )
            }
            _ => format!("Missing {missing}: role {} grants it, but the token's scopes do not include it.", role.name),
        };
    }
    format!("Missing {missing}.")
}

/// Why a right on a collection is none on the key of a certificate in it.
fn not_by_collection(
    tx: &mut Tx<'_>,
    action: &str,
    certificate: CertificateId,
    collection: CollectionId,
    now: i64,
) -> Result<Option<&'static str>> {
    if custody::is_shared_outside(tx, certificate, collection, now)? {
        return Ok(Some("a certificate outside has the same key"));
    }
    let is_out = action == paths::PRIVATE_KEY_READ && custody::is_of_authority(tx, certificate)?;
    Ok(is_out.then_some("a private authority signs with this key"))
}

/// Handing out and destroying a key need the right to see its certificate as well, in the same place, and no right on a collection is one
/// on a key that a certificate outside has, too.
fn of_keys(
    tx: &mut Tx<'_>,
    access: &Access,
    (action, doing): (&str, &str),
    place: &Place,
    answer: Explanation,
    now: i64,
) -> Result<Explanation> {
    let need = |path: &str, scope: Option<CollectionId>| Need::system(path).or_collection(path, scope);
    let mut stopped: Option<(String, Vec<String>)> = None;
    for scope in std::iter::once(None).chain(place.collections.iter().map(|(id, _)| Some(*id))) {
        let Decision::Allowed { level, .. } = access.evaluate(&need(action, scope)) else { continue };
        if let (Level::Collection, Some(collection), Some(certificate)) = (level, scope, place.certificate)
            && let Some(but) = not_by_collection(tx, action, certificate, collection, now)?
        {
            let through = place.through_collection(collection);
            let sentence = format!("The right is there{through}, but {but}: {doing} then takes {action}.");
            stopped.get_or_insert((sentence, vec![action.to_owned()]));
            continue;
        }
        match access.evaluate(&need(paths::CERTIFICATES_READ, scope)) {
            Decision::Allowed { .. } => {
                // The sentence tells the way that is open.
                let narrowed = by_right(access, &need(action, scope), place, answer.clone());
                return Ok(Explanation { roles: answer.roles, ..narrowed });
            }
            Decision::Denied { missing, .. } => {
                let through = scope.map_or_else(String::new, |id| place.through_collection(id));
                let sentence = format!("The right is there{through}, but {doing} also needs {}.", missing.join(" or "));
                stopped.get_or_insert((sentence, missing));
            }
        }
    }
    let (sentence, missing) = stopped.unwrap_or_default();
    Ok(Explanation { allowed: false, sentence, missing, ..answer })
}

/// Fields that decide what is in others' reach need more than the right to note something.
fn with_guarded_fields(answer: Explanation, fields: &[String]) -> Explanation {
    if fields.is_empty() {
        return answer;
    }
    let sentence = format!(
        "{} Fields that collections with rights look at ({}) also need what changing those collections needs: {} and these rights, held \
         everywhere.",
        answer.sentence,
        fields.join(", "),
        paths::COLLECTIONS_MODIFY
    );
    Explanation { sentence, ..answer }
}
