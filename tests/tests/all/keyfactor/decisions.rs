//! Who may do what, through the API of a started server: random roles, sets, collections, containers and owners, against a second
//! implementation that shares nothing with the first. What is not there must look like what one may not see.

mod further;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use certhold_pki::pem;
use certhold_tests::dice::Dice;
use certhold_tests::postgres::{Database, engines};
use certhold_tests::server::Launch;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::stores::Pki;

const READ: &str = "/certificates/collections/read/";
const METADATA: &str = "/certificates/collections/metadata/modify/";
const OWNER: &str = "/certificates/collections/change_owner/";
const STORES: &str = "/certificate_stores/change_owner/";
const EXPANDED: &str = "/certificates/expanded_change_owner/";
const SECURITY: &str = "/security/read/";
const REVOKE: &str = "/certificates/collections/revoke/";
const RECOVER: &str = "/certificates/collections/private_key/read/";
const DELETE: &str = "/certificates/collections/delete/";
const EXCLUDE: &str = "/certificates/collections/delete_and_exclude/";
/// Each of them shows the stores of a container, and so the certificates in them.
const OF_STORES: [&str; 3] = ["/certificate_stores/read/", "/certificate_stores/schedule/", "/certificate_stores/modify/"];

/// What nobody has made.
const MISSING: i64 = 999_999;

struct Set {
    id: i64,
    paths: Vec<String>,
}

struct Role {
    id: i64,
    name: String,
    set: usize,
    grants: Vec<String>,
}

struct Account {
    principal: i64,
    token: String,
    scopes: Vec<String>,
    roles: BTreeSet<usize>,
}

struct Certificate {
    id: i64,
    name: String,
    owner: Option<usize>,
    container: Option<usize>,
    is_on_hold: bool,
}

/// What is in a collection.
enum Inside {
    Begins(char),
    Has(char),
    Owned(usize),
    Unowned,
}

struct World {
    api: Api,
    pki: Pki,
    _stores: TempDir,
    sets: Vec<Set>,
    roles: Vec<Role>,
    accounts: Vec<Account>,
    certificates: Vec<Certificate>,
    collections: Vec<(i64, Inside)>,
    containers: Vec<i64>,
    /// Whether every certificate must have an owner.
    owners_are_required: bool,
}

fn includes(wide: &str, narrow: &str) -> bool {
    let split = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    split(narrow).starts_with(&split(wide))
}

fn any(paths: &[String], needed: &str) -> bool {
    paths.iter().any(|path| includes(path, needed))
}

/// Paths of which none includes another.
fn paths(dice: &mut Dice, all: &[String], most: usize) -> Vec<String> {
    let mut chosen: Vec<String> = Vec::new();
    for _ in 0..dice.below(most + 1) {
        let path = dice.pick(all);
        if !chosen.iter().any(|one| includes(one, path) || includes(path, one)) {
            chosen.push(path.clone());
        }
    }
    chosen
}

impl World {
    async fn new(database: &Database, dice: &mut Dice) -> World {
        let stores = tempfile::tempdir().unwrap();
        let root = stores.path().display().to_string();
        let api = Api::start(Launch::new().plain_http().on(database).environment("CERTHOLD_STORE_ROOTS", &root)).await;
        api.create("/metadata-fields", json!({ "name": "Note", "type": "string" })).await;
        let mut world = World {
            api,
            pki: Pki::new(),
            _stores: stores,
            sets: Vec::new(),
            roles: Vec::new(),
            accounts: Vec::new(),
            certificates: Vec::new(),
            collections: Vec::new(),
            containers: Vec::new(),
            owners_are_required: false,
        };
        for bound in [&["/"][..], &["/certificates/", "/security/"], &["/certificates/collections/", "/certificate_stores/"]] {
            let number = world.sets.len();
            let paths: Vec<String> = bound.iter().map(|path| (*path).to_owned()).collect();
            let body = json!({ "name": format!("Set {number}"), "permissions": paths });
            let id = world.api.create("/permission-sets", body).await;
            world.sets.push(Set { id, paths });
        }
        for number in 0..6 {
            let (name, set) = (format!("Team {number}"), number % world.sets.len());
            let body = json!({ "name": name, "permissions": [], "permission_set": world.sets[set].id });
            let id = world.api.create("/roles", body).await;
            world.roles.push(Role { id, name, set, grants: Vec::new() });
        }
        let team = world.roles[1].name.clone();
        let queries = [
            ("IssuedCN -startswith \"a\"".to_owned(), Inside::Begins('a')),
            ("IssuedCN -contains \"3\"".into(), Inside::Has('3')),
            (format!("OwnerRoleName -eq \"{team}\""), Inside::Owned(1)),
            ("OwnerRoleName -eq NULL".into(), Inside::Unowned),
        ];
        for (number, (query, inside)) in queries.into_iter().enumerate() {
            let id = world.api.create("/collections", json!({ "name": format!("Collection {number}"), "query": query })).await;
            world.collections.push((id, inside));
        }
        world.fill(&root).await;
        for number in 0..5 {
            world.account(number, dice).await;
        }
        for role in 0..world.roles.len() {
            world.grant(role, dice).await;
        }
        world
    }

    /// Certificates, some of them in the stores of two containers.
    async fn fill(&mut self, root: &str) {
        for number in 0..16 {
            let name = format!("{}{number}.example.com", ['a', 'b', 'c'][number % 3]);
            let (content, id) = self.import(&name).await;
            let container = (number % 4 < 2).then_some(number % 4);
            if let Some(container) = container {
                let directory = format!("{root}/{container}");
                fs::create_dir_all(&directory).unwrap();
                fs::write(format!("{directory}/{number}.pem"), content).unwrap();
            }
            self.certificates.push(Certificate { id, name, owner: None, container, is_on_hold: false });
        }
        for container in 0..2 {
            let id = self.api.create("/containers", json!({ "name": format!("Container {container}") })).await;
            self.containers.push(id);
            let store = json!({
                "name": format!("Store {container}"), "kind": "pem-directory", "path": format!("{root}/{container}"), "container": id,
            });
            self.api.create("/certificate-stores", store).await;
        }
        for certificate in self.certificates.iter().filter(|certificate| certificate.container.is_some()) {
            for attempt in 0.. {
                let places = self.api.get(&format!("/certificates/{}/locations", certificate.id)).await;
                if places["items"].as_array().is_some_and(|places| !places.is_empty()) {
                    break;
                }
                assert!(attempt < 300, "no inventory is taken:\n{}", self.api.server.log());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// A new certificate with its key; its PEM and its id.
    async fn import(&self, name: &str) -> (String, i64) {
        let leaf = self.pki.leaf(name);
        let certificate = pem::encode(pem::CERTIFICATE, &leaf.certificate);
        let content = certificate.clone() + &pem::encode(pem::PRIVATE_KEY, leaf.key.pkcs8_der());
        let imported = self.api.post("/certificates", json!({ "content": content })).await.expect(200).json();
        (certificate, imported["items"][0]["certificate"].as_i64().unwrap())
    }

    async fn account(&mut self, number: usize, dice: &mut Dice) {
        let principal = self.api.create("/principals", json!({ "kind": "service", "name": format!("account {number}") })).await;
        let all: Vec<String> = ["/certificates/", "/security/", READ, OWNER].map(str::to_owned).into();
        let scopes = match dice.below(3) {
            0 => paths(dice, &all, 3),
            _ => vec!["/".to_owned()],
        };
        let scopes = if scopes.is_empty() { vec!["/".to_owned()] } else { scopes };
        let body = json!({ "name": "decisions", "scopes": scopes });
        let token = self.api.post(&format!("/principals/{principal}/tokens"), body).await.expect(201).json();
        let token = token["token"].as_str().unwrap().to_owned();
        self.accounts.push(Account { principal, token, scopes, roles: BTreeSet::new() });
        for role in 0..self.roles.len() {
            if dice.below(2) == 0 {
                self.turn(number, role).await;
            }
        }
    }

    /// Gives a role to an account, or takes it.
    async fn turn(&mut self, account: usize, role: usize) {
        let path = format!("/api/v1/roles/{}/holders/{}", self.roles[role].id, self.accounts[account].principal);
        let held = self.accounts[account].roles.remove(&role);
        if !held {
            self.accounts[account].roles.insert(role);
        }
        let method = if held { Method::DELETE } else { Method::PUT };
        self.api.server.send(method, &path, &self.api.token, &Value::Null).await.expect(204);
    }

    /// Gives a role other permissions.
    async fn grant(&mut self, role: usize, dice: &mut Dice) {
        let of_collections = [READ, METADATA, OWNER, REVOKE, RECOVER, DELETE, EXCLUDE];
        let mut all: Vec<String> = of_collections.map(str::to_owned).into();
        all.extend([STORES, EXPANDED, SECURITY, "/certificates/", OF_STORES[1]].map(str::to_owned));
        for (id, _) in &self.collections {
            all.extend(of_collections.map(|path| format!("{path}{id}/")));
        }
        for id in &self.containers {
            all.extend(OF_STORES.iter().chain(&[STORES]).map(|path| format!("{path}{id}/")));
        }
        all.extend([EXPANDED, SECURITY].map(str::to_owned));
        let Role { id, name, set, .. } = &self.roles[role];
        // Nothing outside the set can be granted; a set that is narrowed afterwards leaves such grants without effect.
        all.retain(|path| any(&self.sets[*set].paths, path));
        let grants = if all.is_empty() { Vec::new() } else { paths(dice, &all, 20) };
        let body = json!({ "name": name, "permissions": grants, "permission_set": self.sets[*set].id });
        self.api.server.send(Method::PUT, &format!("/api/v1/roles/{id}"), &self.api.token, &body).await.expect(204);
        self.roles[role].grants = grants;
    }

    /// Makes a set narrower or wider.
    async fn bound(&mut self, set: usize, dice: &mut Dice) {
        let all = ["/", "/certificates/", "/certificates/collections/", "/certificate_stores/", SECURITY, READ, EXPANDED];
        let narrow = paths(dice, &all.map(str::to_owned), 4);
        let paths = if narrow.is_empty() || dice.below(2) == 0 { vec!["/".to_owned()] } else { narrow };
        let body = json!({ "name": format!("Set {set}"), "permissions": paths });
        let path = format!("/api/v1/permission-sets/{}", self.sets[set].id);
        self.api.server.send(Method::PUT, &path, &self.api.token, &body).await.expect(200);
        self.sets[set].paths = paths;
    }

    fn is_inside(&self, collection: usize, certificate: &Certificate) -> bool {
        match self.collections[collection].1 {
            Inside::Begins(letter) => certificate.name.starts_with(letter),
            Inside::Has(letter) => certificate.name.contains(letter),
            Inside::Owned(role) => certificate.owner == Some(role),
            Inside::Unowned => certificate.owner.is_none(),
        }
    }

    fn brings(&self, account: &Account, role: &Role, needed: &str) -> bool {
        any(&role.grants, needed) && any(&self.sets[role.set].paths, needed) && any(&account.scopes, needed)
    }

    fn has(&self, account: usize, needed: &str) -> bool {
        let account = &self.accounts[account];
        account.roles.iter().any(|role| self.brings(account, &self.roles[*role], needed))
    }

    /// The status of something that needs `path`, of a certificate that may be missing, within a collection.
    fn expected(&self, account: usize, path: &str, certificate: Option<usize>, collection: Option<usize>, good: u16) -> u16 {
        let everywhere = self.has(account, path);
        let certificate = certificate.map(|at| &self.certificates[at]);
        match (everywhere, collection) {
            (false, None) => 403,
            (true, None) => {
                if certificate.is_some() {
                    good
                } else {
                    404
                }
            }
            (_, Some(collection)) => {
                let there = everywhere || self.has(account, &format!("{path}{}/", self.collections[collection].0));
                match certificate {
                    _ if !there => 403,
                    Some(certificate) if self.is_inside(collection, certificate) => good,
                    // Outside and missing look the same.
                    _ => {
                        if everywhere {
                            404
                        } else {
                            403
                        }
                    }
                }
            }
        }
    }

    /// The permission sets in which an account holds the expanded right.
    fn expanded_sets(&self, account: usize) -> BTreeSet<usize> {
        let who = &self.accounts[account];
        let expanded = who.roles.iter().map(|role| &self.roles[*role]);
        let expanded = expanded.filter(|role| self.brings(who, role, EXPANDED) && self.brings(who, role, SECURITY));
        expanded.map(|role| role.set).collect()
    }

    /// The status of a change of owner, from the words of docs/change-owner.md.
    fn expected_of_change(
        &self,
        account: usize,
        certificate: Option<usize>,
        to: Option<usize>,
        (collection, container): (Option<usize>, Option<usize>),
    ) -> u16 {
        let known = certificate.map(|at| &self.certificates[at]);
        let container = if collection.is_some() { None } else { container };
        let in_collection = collection.is_none_or(|at| known.is_some_and(|known| self.is_inside(at, known)));
        let in_container = container.is_none_or(|at| known.is_some_and(|known| known.container == Some(at)));
        let mut granted = self.has(account, OWNER);
        if let Some(at) = collection {
            granted |= self.has(account, &format!("{OWNER}{}/", self.collections[at].0));
        }
        if known.is_some_and(|known| known.container.is_some()) {
            granted |= self.has(account, STORES);
            granted |= container.is_some_and(|at| self.has(account, &format!("{STORES}{}/", self.containers[at])));
        }
        let (who, sets) = (&self.accounts[account], self.expanded_sets(account));
        if !in_collection || !in_container || (!granted && sets.is_empty()) {
            return 403;
        }
        let Some(known) = known else { return 404 };
        let roles: Vec<usize> = known.owner.into_iter().chain(to).collect();
        let plain = granted && roles.iter().all(|role| who.roles.contains(role));
        let by_set = !sets.is_empty() && roles.iter().all(|role| sets.contains(&self.roles[*role].set));
        match plain || by_set {
            false => 403,
            // Where an owner is required it can be changed, not cleared.
            true if self.owners_are_required && to.is_none() && known.owner.is_some() => 400,
            true => 204,
        }
    }

    async fn ask(&self, account: usize, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = self.api.server.request(method.clone(), &format!("/KeyfactorAPI{path}"));
        request = request.bearer_auth(&self.accounts[account].token).header("x-keyfactor-requested-with", "APIClient");
        if method != Method::GET {
            request = request.header("x-certificateformat", "PEM").json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// One decision: what is asked, what is expected, and whether both agree.
    async fn decide(&mut self, dice: &mut Dice) -> (&'static str, u16) {
        let account = dice.below(self.accounts.len());
        let certificate = (dice.below(8) > 0).then(|| dice.below(self.certificates.len()));
        let collection = (dice.below(2) > 0).then(|| dice.below(self.collections.len()));
        match dice.below(16) {
            0..=2 => ("read", self.look(account, certificate, collection, dice).await),
            3 | 4 => ("metadata", self.note(account, certificate, collection, dice).await),
            5 => ("list", self.list(account, collection).await),
            6 => ("revoke", self.revoke(account, certificate, collection).await),
            7 => ("recover", self.recover(account, certificate, collection).await),
            8 => ("delete", self.take_out(account, certificate, collection, DELETE).await),
            9 => ("exclude", self.take_out(account, certificate, collection, EXCLUDE).await),
            10 => ("owners of many", self.change_many(account, collection, dice).await),
            11 => ("owner by name", self.change_by_name(account, certificate, collection, dice).await),
            _ => ("owner", self.change(account, certificate, collection, dice).await),
        }
    }

    async fn change(&mut self, account: usize, certificate: Option<usize>, collection: Option<usize>, dice: &mut Dice) -> u16 {
        let id = certificate.map_or(MISSING, |at| self.certificates[at].id);
        let container = (dice.below(3) == 0).then(|| dice.below(self.containers.len()));
        let to = (dice.below(4) > 0).then(|| dice.below(self.roles.len()));
        let body = to.map_or(json!({}), |role| json!({ "NewRoleId": self.roles[role].id }));
        let names: Vec<String> = collection
            .map(|at| format!("CollectionId={}", self.collections[at].0))
            .into_iter()
            .chain(container.map(|at| format!("ContainerId={}", self.containers[at])))
            .collect();
        let path = format!("/Certificates/{id}/Owner?{}", names.join("&"));
        let expected = self.expected_of_change(account, certificate, to, (collection, container));
        let (status, answer) = self.ask(account, Method::PUT, &path, &body).await;
        assert_eq!(status, expected, "{path} {body}: {answer}\n{}", self.described(account));
        if let (204, Some(at)) = (status, certificate) {
            self.certificates[at].owner = to;
        }
        status
    }

    /// A list holds what is inside, and nothing else.
    async fn list(&self, account: usize, collection: Option<usize>) -> u16 {
        let scope = collection.map(|at| format!("CollectionId={}&", self.collections[at].0)).unwrap_or_default();
        let path = format!("/Certificates?{scope}ReturnLimit=1000&QueryString=IssuedCN%20-endswith%20%22.example.com%22");
        let may = self.has(account, READ)
            || collection.is_some_and(|at| self.has(account, &format!("{READ}{}/", self.collections[at].0)));
        let (status, answer) = self.ask(account, Method::GET, &path, &Value::Null).await;
        assert_eq!(status, if may { 200 } else { 403 }, "{path}: {answer}\n{}", self.described(account));
        if may {
            let inside = |certificate: &&Certificate| collection.is_none_or(|at| self.is_inside(at, certificate));
            let is_listed = |certificate: &&Certificate| inside(certificate) && !certificate.is_on_hold;
            let expected: BTreeSet<i64> = self.certificates.iter().filter(is_listed).map(|certificate| certificate.id).collect();
            let found: BTreeSet<i64> = answer.as_array().unwrap().iter().map(|one| one["Id"].as_i64().unwrap()).collect();
            assert_eq!(found, expected, "{path}\n{}", self.described(account));
        }
        status
    }

    fn described(&self, account: usize) -> String {
        let Account { scopes, roles, .. } = &self.accounts[account];
        let roles = roles.iter().map(|role| {
            let Role { id, set, grants, .. } = &self.roles[*role];
            format!("role {id} of set {:?}: {grants:?}", self.sets[*set].paths)
        });
        format!("scopes {scopes:?}\n{}", roles.collect::<Vec<_>>().join("\n"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_decisions_agree_with_a_model() {
    let decisions = if std::env::var_os("FULL").is_some() { 10_000 } else { 480 };
    for database in engines() {
        let mut dice = Dice::new(20_260);
        let mut world = World::new(&database, &mut dice).await;
        let (mut answers, mut kinds) = (BTreeMap::new(), BTreeMap::<_, BTreeSet<u16>>::new());
        for number in 1..=decisions {
            let (kind, status) = world.decide(&mut dice).await;
            *answers.entry(status).or_insert(0) += 1;
            kinds.entry(kind).or_default().insert(status);
            if number % 5 == 0 {
                let role = dice.below(world.roles.len());
                world.grant(role, &mut dice).await;
            }
            if number % 16 == 0 {
                let set = dice.below(world.sets.len());
                world.bound(set, &mut dice).await;
            }
            if number % 20 == 0 {
                let (account, role) = (dice.below(world.accounts.len()), dice.below(world.roles.len()));
                world.turn(account, role).await;
            }
            if number % 40 == 0 {
                world.require_owners(number % 80 == 0).await;
            }
        }
        println!("{}: {answers:?} {kinds:?}", database.engine());
        for status in [200, 204, 403, 404] {
            assert!(answers.get(&status).is_some_and(|seen| seen * 60 >= decisions / 2), "hardly any {status}: {answers:?}");
        }
        assert!(answers.contains_key(&400), "an owner is never required: {answers:?}");
        for (kind, seen) in &kinds {
            assert!(seen.contains(&403) && seen.iter().any(|status| *status < 300), "{kind}: {seen:?}");
        }
    }
}
