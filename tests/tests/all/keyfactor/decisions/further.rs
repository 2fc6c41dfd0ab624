//! What is decided about one certificate beside its owner, and the other ways to change owners.

use certhold_tests::dice::Dice;
use reqwest::Method;
use serde_json::{Value, json};

use super::{DELETE, METADATA, MISSING, OF_STORES, OWNER, READ, RECOVER, REVOKE, SECURITY, STORES, World};

impl World {
    fn id(&self, certificate: Option<usize>) -> i64 {
        certificate.map_or(MISSING, |at| self.certificates[at].id)
    }

    fn scope(&self, collection: Option<usize>) -> String {
        collection.map(|at| format!("CollectionId={}", self.collections[at].0)).unwrap_or_default()
    }

    /// Asks for something about one certificate: `make` says where and how. Whoever is refused must not learn whether it exists: of
    /// one that does not they are told the same.
    async fn asked(&self, account: usize, method: Method, make: impl Fn(i64) -> (String, Value), id: i64, expected: u16) -> u16 {
        let (path, body) = make(id);
        let (status, answer) = self.ask(account, method.clone(), &path, &body).await;
        assert_eq!(status, expected, "{path} {body}: {answer}\n{}", self.described(account));
        if status == 403 && id != MISSING {
            let (path, body) = make(MISSING);
            let (status, of_nothing) = self.ask(account, method, &path, &body).await;
            let told = answer["Message"].as_str().unwrap();
            let told_of_nothing = of_nothing["Message"].as_str().unwrap();
            assert_eq!((status, told_of_nothing), (403, told), "{path}: {body}\n{}", self.described(account));
        }
        status
    }

    pub(super) async fn look(
        &self,
        account: usize,
        certificate: Option<usize>,
        collection: Option<usize>,
        dice: &mut Dice,
    ) -> u16 {
        let container = (dice.below(3) == 0).then(|| dice.below(self.containers.len()));
        let id = self.id(certificate);
        let scope = match container {
            Some(at) => format!("{}&ContainerId={}", self.scope(collection), self.containers[at]),
            None => self.scope(collection),
        };
        let expected = match container.filter(|_| collection.is_none()) {
            None => self.expected(account, READ, certificate, collection, 200),
            Some(container) => {
                let everywhere = self.has(account, READ);
                let number = self.containers[container];
                let there = OF_STORES.iter().any(|path| self.has(account, &format!("{path}{number}/")));
                let is_inside = certificate.is_some_and(|at| self.certificates[at].container == Some(container));
                match (everywhere, there) {
                    (false, false) => 403,
                    _ if is_inside => 200,
                    (true, _) => 404,
                    // Outside and missing look the same.
                    (false, true) => 403,
                }
            }
        };
        let kind = dice.below(3);
        let method = if kind == 2 { Method::POST } else { Method::GET };
        let make = |id: i64| match kind {
            0 => (format!("/Certificates/{id}?{scope}"), Value::Null),
            1 => (format!("/Certificates/{id}/History?{scope}"), Value::Null),
            _ => (format!("/Certificates/Download?{scope}"), json!({ "CertID": id })),
        };
        self.asked(account, method, make, id, expected).await
    }

    pub(super) async fn note(
        &self,
        account: usize,
        certificate: Option<usize>,
        collection: Option<usize>,
        dice: &mut Dice,
    ) -> u16 {
        let id = self.id(certificate);
        let note = format!("note {}", dice.below(1_000));
        let path = format!("/Certificates/Metadata?{}", self.scope(collection));
        let make = |id: i64| (path.clone(), json!({ "Id": id, "Metadata": { "Note": note } }));
        let expected = self.expected(account, METADATA, certificate, collection, 204);
        self.asked(account, Method::PUT, make, id, expected).await
    }

    /// Puts a certificate on hold, or takes it off.
    pub(super) async fn revoke(&mut self, account: usize, certificate: Option<usize>, collection: Option<usize>) -> u16 {
        let id = self.id(certificate);
        let is_on_hold = certificate.is_some_and(|at| self.certificates[at].is_on_hold);
        let scope = collection.map(|at| self.collections[at].0);
        let reason = if is_on_hold { -1 } else { 6 };
        let make = |id: i64| {
            let body = json!({ "CertificateIds": [id], "Reason": reason, "Comment": "a decision", "CollectionId": scope });
            ("/Certificates/Revoke".to_owned(), body)
        };
        let expected = self.expected(account, REVOKE, certificate, collection, 200);
        let status = self.asked(account, Method::POST, make, id, expected).await;
        if let (200, Some(at)) = (status, certificate) {
            self.certificates[at].is_on_hold = !is_on_hold;
        }
        status
    }

    pub(super) async fn recover(&self, account: usize, certificate: Option<usize>, collection: Option<usize>) -> u16 {
        let id = self.id(certificate);
        let path = format!("/Certificates/Recover?{}", self.scope(collection));
        let make = |id: i64| (path.clone(), json!({ "CertID": id, "Password": "a decision" }));
        // Both rights, whatever the certificate; then whether the reader sees it.
        let holds = |right: &str| {
            self.has(account, right)
                || collection.is_some_and(|at| self.has(account, &format!("{right}{}/", self.collections[at].0)))
        };
        let expected = match (holds(RECOVER), self.expected(account, READ, certificate, collection, 200)) {
            (false, _) => 403,
            (true, seen) => seen,
        };
        self.asked(account, Method::POST, make, id, expected).await
    }

    /// Deletes or excludes a certificate. Another one of its name takes its place.
    pub(super) async fn take_out(
        &mut self,
        account: usize,
        certificate: Option<usize>,
        collection: Option<usize>,
        right: &str,
    ) -> u16 {
        let id = self.id(certificate);
        let place = if right == DELETE { "" } else { "Exclude/" };
        let scope = self.scope(collection);
        let make = |id: i64| (format!("/Certificates/{place}{id}?{scope}"), Value::Null);
        // What a store has stays.
        let is_in_store = certificate.is_some_and(|at| self.certificates[at].container.is_some());
        let expected = self.expected(account, right, certificate, collection, if is_in_store { 409 } else { 204 });
        let status = self.asked(account, Method::DELETE, make, id, expected).await;
        if let (204, Some(at)) = (status, certificate) {
            let (_, id) = self.import(&self.certificates[at].name).await;
            let certificate = &mut self.certificates[at];
            (certificate.id, certificate.owner, certificate.is_on_hold) = (id, None, false);
        }
        status
    }

    /// Changes the owner of two at once: both or neither.
    pub(super) async fn change_many(&mut self, account: usize, collection: Option<usize>, dice: &mut Dice) -> u16 {
        let first = (dice.below(12) > 0).then(|| dice.below(self.certificates.len()));
        let second = dice.below(self.certificates.len());
        let container = (dice.below(3) == 0).then(|| dice.below(self.containers.len()));
        let to = (dice.below(4) > 0).then(|| dice.below(self.roles.len()));
        let scope = container.map(|at| format!("&ContainerId={}", self.containers[at])).unwrap_or_default();
        let path = format!("/Certificates/Owner?{}{scope}", self.scope(collection));
        let ids = [self.id(first), self.certificates[second].id];
        let body = json!({ "CertificateIds": ids, "NewRoleId": to.map(|role| self.roles[role].id) });
        let both = [first, Some(second)].map(|one| self.expected_of_change(account, one, to, (collection, container)));
        let expected = both.into_iter().find(|status| *status != 204).unwrap_or(204);
        let owners = async || {
            let mut owners = Vec::new();
            for at in first.into_iter().chain([second]) {
                let one = self.api.get(&format!("/certificates/{}", self.certificates[at].id)).await;
                owners.push(one["owner"]["id"].as_i64());
            }
            owners
        };
        let before = owners().await;
        let (status, answer) = self.ask(account, Method::PUT, &path, &body).await;
        assert_eq!(status, expected, "{path} {body}: {answer}\n{}", self.described(account));
        let after = owners().await;
        if status == 204 {
            let wanted = to.map(|role| self.roles[role].id);
            assert!(after.iter().all(|owner| *owner == wanted), "{after:?} instead of {wanted:?}");
            for at in first.into_iter().chain([second]) {
                self.certificates[at].owner = to;
            }
        } else {
            assert_eq!(before, after, "one was changed, the other refused: {path} {body}");
        }
        status
    }

    /// Whoever may not see roles knows the names of their own only.
    pub(super) async fn change_by_name(
        &mut self,
        account: usize,
        certificate: Option<usize>,
        collection: Option<usize>,
        dice: &mut Dice,
    ) -> u16 {
        let id = self.id(certificate);
        let role = (dice.below(5) > 0).then(|| dice.below(self.roles.len()));
        let name = role.map_or("Nobody's role", |role| self.roles[role].name.as_str()).to_uppercase();
        let path = format!("/Certificates/{id}/Owner?{}", self.scope(collection));
        let body = json!({ "NewRoleName": format!(" {name}") });
        let could = self.has(account, OWNER)
            || self.has(account, STORES)
            || collection.is_some_and(|at| self.has(account, &format!("{OWNER}{}/", self.collections[at].0)))
            || !self.expanded_sets(account).is_empty();
        let sees_roles = self.has(account, SECURITY);
        let expected = match role {
            _ if !could => 403,
            Some(role) if sees_roles || self.accounts[account].roles.contains(&role) => {
                self.expected_of_change(account, certificate, Some(role), (collection, None))
            }
            Some(_) => 403,
            None if sees_roles => 400,
            None => 403,
        };
        let (status, answer) = self.ask(account, Method::PUT, &path, &body).await;
        assert_eq!(status, expected, "{path} {body}: {answer}\n{}", self.described(account));
        if let (204, Some(at)) = (status, certificate) {
            self.certificates[at].owner = role;
        }
        status
    }

    pub(super) async fn require_owners(&mut self, are_required: bool) {
        let policy = if are_required { "required" } else { "optional" };
        let body = json!({ "policy": policy });
        self.api.server.send(Method::PUT, "/api/v1/owner-policy", &self.api.token, &body).await.expect(204);
        self.owners_are_required = are_required;
    }
}
