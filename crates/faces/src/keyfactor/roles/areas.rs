//! Permissions in the words of the first version: an area and a permission, for what is granted everywhere. Rights on single
//! collections and containers have lists of their own.

use certhold_domain::access::{Path, covers_any, paths};

use crate::keyfactor::refused::{Answer, Refused};

/// Every pair with its path.
pub const AREAS: &[(&str, &str, &str)] = &[
    ("AdminPortal", "Read", paths::PORTAL_READ),
    ("AgentManagement", "Read", "/agents/management/read/"),
    ("AgentManagement", "Modify", "/agents/management/modify/"),
    ("AgentAutoRegistration", "Read", "/agents/auto_registration/read/"),
    ("AgentAutoRegistration", "Modify", "/agents/auto_registration/modify/"),
    ("Auditing", "Read", paths::AUDITING_READ),
    ("CertificateCollections", "Modify", paths::COLLECTIONS_MODIFY),
    ("CertificateEnrollment", "EnrollCSR", "/certificates/enrollment/csr/"),
    ("CertificateEnrollment", "EnrollPFX", "/certificates/enrollment/pfx/"),
    ("CertificateEnrollment", "CsrGeneration", "/certificates/enrollment/csr_generation/"),
    ("CertificateMetadataTypes", "Read", paths::METADATA_TYPES_READ),
    ("CertificateMetadataTypes", "Modify", paths::METADATA_TYPES_MODIFY),
    ("CertificateStoreManagement", "Read", "/certificate_stores/read/"),
    ("CertificateStoreManagement", "Schedule", "/certificate_stores/schedule/"),
    ("CertificateStoreManagement", "Modify", "/certificate_stores/modify/"),
    ("Certificates", "Read", paths::CERTIFICATES_READ),
    ("Certificates", "EditMetadata", paths::CERTIFICATES_METADATA_MODIFY),
    ("Certificates", "Import", paths::CERTIFICATES_IMPORT),
    ("Certificates", "Recover", paths::PRIVATE_KEY_READ),
    ("Certificates", "Revoke", paths::CERTIFICATES_REVOKE),
    ("Certificates", "Delete", paths::CERTIFICATES_DELETE),
    ("Certificates", "ImportPrivateKey", paths::PRIVATE_KEY_IMPORT),
    ("Dashboard", "Read", "/dashboard/read/"),
    ("PkiManagement", "Read", paths::ISSUERS_READ),
    ("PkiManagement", "Modify", paths::ISSUERS_MODIFY),
    ("Reports", "Read", "/reports/read/"),
    ("Reports", "Modify", "/reports/modify/"),
    ("SecuritySettings", "Read", paths::SECURITY_READ),
    ("SecuritySettings", "Modify", paths::SECURITY_MODIFY),
    ("SystemSettings", "Read", paths::SYSTEM_READ),
    ("SystemSettings", "Modify", paths::SYSTEM_MODIFY),
    ("WorkflowDefinitions", "Read", "/workflows/definitions/read/"),
    ("WorkflowDefinitions", "Modify", "/workflows/definitions/modify/"),
];

/// Rights on one collection by their names.
pub const ON_COLLECTIONS: &[(&str, &str)] = &[
    ("Read", paths::CERTIFICATES_READ),
    ("EditMetadata", paths::CERTIFICATES_METADATA_MODIFY),
    ("Recover", paths::PRIVATE_KEY_READ),
    ("Revoke", paths::CERTIFICATES_REVOKE),
    ("Delete", paths::CERTIFICATES_DELETE),
    ("ChangeOwner", paths::CERTIFICATES_CHANGE_OWNER),
];

/// Rights on one container by their names.
pub const ON_CONTAINERS: &[(&str, &str)] = &[
    ("Read", "/certificate_stores/read/"),
    ("Schedule", "/certificate_stores/schedule/"),
    ("Modify", "/certificate_stores/modify/"),
    ("ChangeOwner", paths::STORES_CHANGE_OWNER),
];

/// What grants allow everywhere, in these words.
pub fn spoken(grants: &[Path]) -> Vec<(&'static str, &'static str)> {
    let held = AREAS.iter().filter(|(.., path)| covers_any(grants, path));
    held.map(|(area, permission, _)| (*area, *permission)).collect()
}

/// The grants that these words do not say: on single objects, and what has no words.
pub fn unspoken(grants: &[Path]) -> Vec<String> {
    let says = |grant: &&Path| !AREAS.iter().any(|(.., path)| grant.as_str() == *path);
    grants.iter().filter(says).map(|grant| grant.as_str().to_owned()).collect()
}

/// What a role is to grant after a change in these words, which leaves alone what they do not say: without what something wider says
/// already, which is shown in these words, too.
pub fn beside_unspoken(wanted: Vec<String>, before: &[Path]) -> Vec<String> {
    let covers = |wide: &str, path: &str| Path::parse(wide).is_ok_and(|wide| wide.covers(path));
    let kept = unspoken(before);
    let mut paths: Vec<String> = wanted.into_iter().filter(|path| !kept.iter().any(|wide| covers(wide, path))).collect();
    let rest: Vec<String> = kept.into_iter().filter(|path| !paths.iter().any(|wide| covers(wide, path))).collect();
    paths.extend(rest);
    paths
}

/// The path of `Area:Permission`.
///
/// # Errors
/// When there are no such words.
pub fn path(words: &str) -> Answer<&'static str> {
    let (area, permission) = words.split_once(':').unwrap_or((words, ""));
    let same = |(known, right, _): &&(&str, &str, &str)| {
        known.eq_ignore_ascii_case(area.trim()) && right.eq_ignore_ascii_case(permission.trim())
    };
    let found = AREAS.iter().find(same).map(|(.., path)| *path);
    found.ok_or_else(|| {
        let words: String = words.chars().filter(|c| !c.is_control()).take(100).collect();
        Refused::invalid("Permissions", format!("{words:?} is no permission of the form Area:Permission that is known here"))
    })
}

/// Whether a right on one object has a name, so that lists show it.
pub fn has_name(known: &[(&'static str, &'static str)], leaf: &str) -> bool {
    known.iter().any(|(_, path)| *path == leaf)
}

/// The path of a right on one object by its name.
///
/// # Errors
/// When there is no such right.
pub fn on(known: &[(&'static str, &'static str)], name: &str, id: i64) -> Answer<String> {
    let found = known.iter().find(|(word, _)| word.eq_ignore_ascii_case(name.trim()));
    let names: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    let (_, path) = found.ok_or_else(|| Refused::invalid("Permission", format!("choose one of {}", names.join(", "))))?;
    if id <= 0 {
        return Err(Refused::invalid("Permission", "name the collection or container by its id"));
    }
    Ok(format!("{path}{id}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_paths_are_each_others() {
        for (area, permission, expected) in AREAS {
            assert_eq!(path(&format!("{area}:{permission}")).unwrap(), *expected);
            let grant = Path::parse(expected).unwrap();
            assert_eq!(spoken(std::slice::from_ref(&grant)), [(*area, *permission)]);
            assert!(unspoken(&[grant]).is_empty());
        }
        assert!(path("Certificates").is_err() && path("Certificates:Fly").is_err());
        let wide = Path::parse("/certificates/").unwrap();
        assert!(spoken(std::slice::from_ref(&wide)).contains(&("Certificates", "Read")));
        assert_eq!(unspoken(&[wide]), ["/certificates/"], "a wide grant stays as it is");
    }

    #[test]
    fn what_words_say_and_what_they_do_not_are_not_redundant() {
        let beside = |wanted: &[&str], before: &[&str]| {
            let before: Vec<Path> = before.iter().map(|path| Path::parse(path).unwrap()).collect();
            beside_unspoken(wanted.iter().map(|path| (*path).to_owned()).collect(), &before)
        };
        let (read, import) = (paths::CERTIFICATES_READ, "/certificates/import/");
        assert_eq!(beside(&[read, import, paths::AUDITING_READ], &["/certificates/"]), [paths::AUDITING_READ, "/certificates/"]);
        assert_eq!(beside(&[read, paths::AUDITING_READ], &["/"]), ["/"]);
        let on_one = format!("{read}8/");
        assert_eq!(beside(&[import], &[on_one.as_str(), read]), [import, on_one.as_str()], "a right on one collection stays");
        assert_eq!(beside(&[read], &[on_one.as_str()]), [read], "and is said by the one everywhere");
    }

    #[test]
    fn rights_on_single_objects_have_names() {
        assert_eq!(on(ON_COLLECTIONS, "read", 12).unwrap(), "/certificates/collections/read/12/");
        assert!(has_name(ON_COLLECTIONS, paths::CERTIFICATES_READ) && !has_name(ON_CONTAINERS, paths::CERTIFICATES_READ));
        assert!(on(ON_COLLECTIONS, "Fly", 12).is_err() && on(ON_COLLECTIONS, "Read", 0).is_err());
    }
}
