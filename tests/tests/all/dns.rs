//! TXT records through real servers: PowerDNS over its HTTP API, BIND by dynamic update. What a server holds is read with
//! dig or from the server's own list, never through the code under test.

use certhold_outside::dns::{DnsError, Provider, Resolvers, Secrets, Settings, challenge_name, propagation};
use certhold_tests::bind::{Bind, Zone};
use certhold_tests::dig::{dig, txt};
use certhold_tests::lab::Lab;
use certhold_tests::ports;
use certhold_tests::powerdns::PowerDns;
use certhold_tests::scripted::{Answer, Scripted};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use zeroize::Zeroizing;

fn strings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn secret(name: &str, value: &str) -> Secrets {
    Secrets::from([(name.to_owned(), Zeroizing::new(value.to_owned()))])
}

/// The provider for a running PowerDNS.
pub(crate) fn powerdns_provider(server: &PowerDns) -> Provider {
    let settings = strings(&[("url", &server.api), ("check_servers", &server.dns.to_string())]);
    Provider::build("powerdns", &settings, &secret("api_key", &server.api_key)).unwrap()
}

/// The provider for a running BIND.
pub(crate) fn bind_provider(server: &Bind) -> Provider {
    bind_with(server, &server.key_name, &server.secret)
}

fn bind_with(server: &Bind, key_name: &str, key: &str) -> Provider {
    let address = server.dns.to_string();
    let settings = strings(&[
        ("server", &address),
        ("key_name", key_name),
        ("key_algorithm", &server.algorithm),
        ("check_servers", &address),
    ]);
    Provider::build("rfc2136", &settings, &secret("key_secret", key)).unwrap()
}

async fn bind(zones: &[&str]) -> Bind {
    let zones: Vec<_> = zones.iter().map(|name| Zone { name, records: "www A 192.0.2.1" }).collect();
    Bind::primary(&zones).await
}

const NAME: &str = "_acme-challenge.example.test";

/// The life of values at one name, as any provider must allow it: several at once, each step repeated.
async fn values_come_and_go(provider: &Provider, dns: SocketAddr) {
    assert_eq!(txt(dns, NAME).await, [] as [&str; 0]);
    provider.withdraw(NAME, "never-there").await.unwrap();
    provider.publish(NAME, "first-value").await.unwrap();
    provider.publish(NAME, "first-value").await.unwrap();
    assert_eq!(txt(dns, NAME).await, ["first-value"]);
    provider.publish(NAME, "second-value").await.unwrap();
    assert_eq!(txt(dns, NAME).await, ["first-value", "second-value"]);
    provider.withdraw(NAME, "first-value").await.unwrap();
    provider.withdraw(NAME, "first-value").await.unwrap();
    assert_eq!(txt(dns, NAME).await, ["second-value"]);
    provider.withdraw(NAME, "second-value").await.unwrap();
    assert_eq!(txt(dns, NAME).await, [] as [&str; 0]);
    provider.withdraw(NAME, "second-value").await.unwrap();
}

/// Twenty jobs that each add a value to one RRset at the same time lose none, and removing half leaves the other half.
async fn nothing_is_lost_in_a_crowd(build: impl Fn() -> Provider, dns: SocketAddr) {
    let values: Vec<String> = (10..30).map(|n| format!("value-{n}")).collect();
    let publish = values.iter().map(|value| {
        let provider = build();
        let value = value.clone();
        tokio::spawn(async move { provider.publish(NAME, &value).await })
    });
    for job in publish.collect::<Vec<_>>() {
        job.await.unwrap().unwrap();
    }
    assert_eq!(txt(dns, NAME).await, values);
    let withdraw = values[..10].iter().map(|value| {
        let provider = build();
        let value = value.clone();
        tokio::spawn(async move { provider.withdraw(NAME, &value).await })
    });
    for job in withdraw.collect::<Vec<_>>() {
        job.await.unwrap().unwrap();
    }
    assert_eq!(txt(dns, NAME).await, values[10..]);
}

#[tokio::test]
async fn powerdns_keeps_other_values() {
    let server = PowerDns::start().await;
    server.add_zone("example.test").await;
    values_come_and_go(&powerdns_provider(&server), server.dns).await;
    nothing_is_lost_in_a_crowd(|| powerdns_provider(&server), server.dns).await;
}

#[tokio::test]
async fn bind_keeps_other_values() {
    let server = bind(&["example.test"]).await;
    values_come_and_go(&bind_provider(&server), server.dns).await;
    nothing_is_lost_in_a_crowd(|| bind_provider(&server), server.dns).await;
}

#[tokio::test]
async fn powerdns_leaves_a_users_own_records_as_they_are() {
    let server = PowerDns::start().await;
    server.add_zone("example.test").await;
    server.set("example.test", NAME, "TXT", &["\"v=spf1 -all\"", "\"two\" \"strings\""]).await;
    let provider = powerdns_provider(&server);
    provider.publish(NAME, "ours").await.unwrap();
    assert_eq!(txt(server.dns, NAME).await, ["ours", "two\" \"strings", "v=spf1 -all"]);
    provider.withdraw(NAME, "ours").await.unwrap();
    assert_eq!(txt(server.dns, NAME).await, ["two\" \"strings", "v=spf1 -all"]);
}

#[tokio::test]
async fn the_longest_zone_is_chosen() {
    let powerdns = PowerDns::start().await;
    for zone in ["example.test", "deep.example.test", "ple.test"] {
        powerdns.add_zone(zone).await;
    }
    let bind = bind(&["example.test", "deep.example.test", "ple.test"]).await;
    for provider in [powerdns_provider(&powerdns), bind_provider(&bind)] {
        for (name, zone) in [
            ("example.test", "example.test"),
            ("_acme-challenge.WWW.Example.test.", "example.test"),
            ("a.b.deep.example.test", "deep.example.test"),
            ("deep.example.test", "deep.example.test"),
            ("notexample.test", ""),
            ("xample.test", ""),
            ("test", ""),
        ] {
            match provider.zone(name).await {
                Ok(found) => assert_eq!(found, zone, "{name} at {provider:?}"),
                Err(error) => {
                    assert_eq!(zone, "", "{name} at {provider:?}: {error}");
                    assert!(matches!(error, DnsError::ZoneNotFound { .. }), "{error:?}");
                    assert!(!error.is_transient());
                }
            }
        }
        provider.publish("x.deep.example.test", "value").await.unwrap();
    }
    assert_eq!(powerdns.txt_records("deep.example.test").await, [("x.deep.example.test.".to_owned(), "\"value\"".to_owned())]);
    assert_eq!(powerdns.txt_records("example.test").await, []);
}

#[tokio::test]
async fn a_wrong_api_key_is_told_apart() {
    let server = PowerDns::start().await;
    server.add_zone("example.test").await;
    let settings = strings(&[("url", &server.api)]);
    let provider = Provider::build("powerdns", &settings, &secret("api_key", "wrong-secret-key")).unwrap();
    let error = provider.publish(NAME, "value").await.unwrap_err();
    assert!(matches!(error, DnsError::AuthRefused { .. }), "{error:?}");
    assert!(!format!("{error:?} {error} {provider:?}").contains("wrong-secret-key"));
    let settings = strings(&[("url", &server.api), ("server_id", "elsewhere")]);
    let provider = Provider::build("powerdns", &settings, &secret("api_key", &server.api_key)).unwrap();
    assert!(matches!(provider.publish(NAME, "value").await, Err(DnsError::ZoneNotFound { .. })));
}

#[tokio::test]
async fn a_wrong_tsig_key_is_told_apart() {
    let server = bind(&["example.test"]).await;
    let wrong = "d3Jvbmctc2VjcmV0LXdyb25nLXNlY3JldC13cm9uZyE=";
    let provider = bind_with(&server, &server.key_name, wrong);
    let error = provider.publish(NAME, "value").await.unwrap_err();
    assert!(matches!(&error, DnsError::AuthRefused { detail, .. } if detail.contains("BADSIG")), "{error:?}");
    assert!(!format!("{error:?} {error} {provider:?}").contains(wrong));
    let error = bind_with(&server, "stranger", &server.secret).publish(NAME, "value").await.unwrap_err();
    assert!(matches!(&error, DnsError::AuthRefused { detail, .. } if detail.contains("BADKEY")), "{error:?}");
    assert_eq!(txt(server.dns, NAME).await, [] as [&str; 0]);
}

#[tokio::test]
async fn every_tsig_algorithm_of_the_catalogue_works() {
    for algorithm in ["hmac-sha256", "hmac-sha384", "hmac-sha512"] {
        let zone = Zone { name: "example.test", records: "" };
        let server = Bind::primary_at(ports::loopback(), algorithm, &[zone]).await;
        bind_provider(&server).publish(NAME, algorithm).await.unwrap();
        assert_eq!(txt(server.dns, NAME).await, [algorithm]);
    }
}

#[tokio::test]
async fn what_a_server_declines_is_a_refusal() {
    let powerdns = PowerDns::start().await;
    powerdns.add_zone("example.test").await;
    powerdns.set("example.test", NAME, "CNAME", &["elsewhere.test."]).await;
    powerdns.add_zone_of_kind("mirror.test", "Slave").await;
    let provider = powerdns_provider(&powerdns);
    let error = provider.publish(NAME, "value").await.unwrap_err();
    assert!(
        matches!(&error, DnsError::Refused { detail, .. } if detail.contains("CNAME") || detail.contains("onflicts")),
        "{error:?}"
    );
    let error = provider.publish("_acme-challenge.mirror.test", "value").await.unwrap_err();
    assert!(matches!(&error, DnsError::Refused { detail, .. } if detail.contains("secondary")), "{error:?}");

    // A key of the server that its policy gives no right to this zone.
    let bind = bind(&["example.test"]).await;
    let error = bind_with(&bind, &bind.powerless_key, &bind.secret).publish(NAME, "value").await.unwrap_err();
    assert!(matches!(&error, DnsError::Refused { detail, .. } if detail.contains("policy")), "{error:?}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable_and_comes_back() {
    let mut powerdns = PowerDns::start().await;
    powerdns.add_zone("example.test").await;
    let mut bind = bind(&["example.test"]).await;
    powerdns.stop();
    bind.stop();
    for provider in [powerdns_provider(&powerdns), bind_provider(&bind)] {
        let error = provider.publish(NAME, "value").await.unwrap_err();
        assert!(matches!(error, DnsError::Unreachable { .. }), "{error:?}");
        assert!(error.is_transient());
    }
    let address = powerdns.dns;
    let seen = propagation::visible(NAME, "value", &Resolvers::system(), &[address]).await.unwrap();
    assert!(!seen.everywhere() && !seen.only_silence_remains());
    powerdns.restart().await;
    bind.restart().await;
    for provider in [powerdns_provider(&powerdns), bind_provider(&bind)] {
        provider.publish(NAME, "value").await.unwrap();
        let seen = propagation::visible(NAME, "value", &Resolvers::system(), provider.check_servers()).await.unwrap();
        assert!(seen.everywhere(), "{seen}");
    }
}

#[tokio::test]
async fn an_address_that_is_no_powerdns_api_is_recognised() {
    let server = PowerDns::start().await;
    let settings = strings(&[("url", &format!("{}/no/such/place", server.api))]);
    let provider = Provider::build("powerdns", &settings, &secret("api_key", &server.api_key)).unwrap();
    let error = provider.zone("example.test").await.unwrap_err();
    assert!(matches!(error, DnsError::ZoneNotFound { .. } | DnsError::BadAnswer { .. }), "{error:?}");
}

/// What a server behind the API's address may answer besides the API's own answers.
#[tokio::test]
async fn odd_answers_are_classified() {
    let answer_with = async |answer: Answer| {
        let server = Scripted::http(move |_| answer.clone()).await;
        let settings = strings(&[("url", &format!("http://{}", server.address))]);
        let provider = Provider::build("powerdns", &settings, &secret("api_key", "the-api-key")).unwrap();
        let error = provider.publish(NAME, "value").await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("the-api-key"));
        assert!(server.requests().iter().all(|request| !request.path.contains("the-api-key")));
        error
    };
    let error = answer_with(Answer::new(429, "").header("Retry-After", "17")).await;
    assert!(
        matches!(error, DnsError::RateLimited { retry_after: Some(wait), .. } if wait == Duration::from_secs(17)),
        "{error:?}"
    );
    let error = answer_with(Answer::new(503, "<html>maintenance\x1b[2J</html>")).await;
    assert!(
        matches!(&error, DnsError::ServerFault { detail, .. } if detail.contains("503") && !detail.contains('\x1b')),
        "{error:?}"
    );
    let error = answer_with(Answer::new(302, "").header("Location", "http://127.0.0.1:1/")).await;
    assert!(matches!(error, DnsError::Refused { .. }), "redirects are not followed: {error:?}");
    for body in ["", "<html>", "{}", "[{\"id\": 1}]", "[1, 2"] {
        let error = answer_with(Answer::new(200, body)).await;
        assert!(matches!(error, DnsError::BadAnswer { .. }), "{body:?}: {error:?}");
    }
    let error = answer_with(Answer::new(200, vec![b' '; 17 * 1024 * 1024])).await;
    assert!(matches!(&error, DnsError::Unreachable { cause, .. } if cause.contains("longer than")), "{error:?}");
}

#[tokio::test]
async fn hostile_names_and_values_reach_no_server() {
    let server = PowerDns::start().await;
    server.add_zone("example.test").await;
    let provider = powerdns_provider(&server);
    for name in
        ["../../zones", "*.example.test", "a b.example.test", "x\0.example.test", "<script>.example.test", "';--.example.test"]
    {
        assert!(matches!(provider.publish(name, "value").await, Err(DnsError::InvalidName { .. })), "{name:?}");
        assert!(matches!(provider.withdraw(name, "value").await, Err(DnsError::InvalidName { .. })), "{name:?}");
    }
    for value in ["", "a\"b", "a\\", "é", "a\r\nb", &"x".repeat(256)] {
        assert!(matches!(provider.publish(NAME, value).await, Err(DnsError::InvalidValue(_))), "{value:?}");
    }
    assert_eq!(server.txt_records("example.test").await, []);
    provider.publish(NAME, &"x".repeat(255)).await.unwrap();
    assert_eq!(server.txt_records("example.test").await.len(), 1);
}

/// How the code under test finds its way in a laboratory.
pub(crate) fn lab_resolvers(lab: &Lab) -> Resolvers {
    Resolvers::new(&[lab.resolver.dns.to_string()]).unwrap().with_authoritative_port(lab.authoritative_port)
}

const ALIASES: &str = "loop CNAME loop\nodd CNAME even\neven CNAME odd\nn0 CNAME n1\nn1 CNAME n2\nn2 CNAME n3\nn3 CNAME n4\n\
                       n4 CNAME n5\nn5 CNAME n6\nn6 CNAME n7\nn7 CNAME n8\nn8 CNAME n9\nn9 CNAME n10\n";

#[tokio::test]
async fn cnames_lead_to_the_name_that_counts() {
    let lab = Lab::start(&["example.test"], &[Zone { name: "delegated.test", records: ALIASES }]).await;
    for (name, target) in [
        ("one", "One.Delegated.test."),
        ("two", "_acme-challenge.one.example.test."),
        ("loop", "loop.delegated.test."),
        ("pair", "odd.delegated.test."),
        ("long", "n0.delegated.test."),
    ] {
        lab.powerdns.set("example.test", &format!("_acme-challenge.{name}.example.test"), "CNAME", &[target]).await;
    }
    let with_servers = lab_resolvers(&lab);
    // At port 53 of the zone's servers nobody listens, as behind a firewall: then the resolver's word counts.
    let without_servers = Resolvers::new(&[lab.resolver.dns.to_string()]).unwrap();
    for resolvers in [with_servers, without_servers] {
        for (domain, expected, aliases) in [
            ("example.test", "_acme-challenge.example.test", vec![]),
            ("*.Example.test.", "_acme-challenge.example.test", vec![]),
            ("no.such.example.test", "_acme-challenge.no.such.example.test", vec![]),
            ("one.example.test", "one.delegated.test", vec!["_acme-challenge.one.example.test"]),
            (
                "two.example.test",
                "one.delegated.test",
                vec!["_acme-challenge.two.example.test", "_acme-challenge.one.example.test"],
            ),
        ] {
            let found = challenge_name(domain, &resolvers).await.unwrap();
            assert_eq!(found.name, expected, "{domain}");
            assert_eq!(found.aliases, aliases, "{domain}");
        }
        for domain in ["loop.example.test", "pair.example.test", "long.example.test"] {
            let error = challenge_name(domain, &resolvers).await.unwrap_err();
            assert!(matches!(error, DnsError::AliasLoop { .. }), "{domain}: {error:?}");
        }
    }
}

/// A wildcard CNAME answers for the challenge name as for any other, but is no delegation of challenges.
#[tokio::test]
async fn a_wildcard_is_no_delegation() {
    let lab = Lab::start(&["example.test"], &[Zone { name: "delegated.test", records: "" }]).await;
    let set = async |name: &str, target: &str| {
        lab.powerdns.set("example.test", &format!("{name}.example.test"), "CNAME", &[target]).await;
    };
    set("*", "cdn.delegated.test.").await;
    set("_acme-challenge.meant", "meant.delegated.test.").await;
    let resolvers = lab_resolvers(&lab);
    let without_servers = Resolvers::new(&[lab.resolver.dns.to_string()]).unwrap();
    for resolvers in [resolvers, without_servers] {
        for (domain, expected) in [
            ("www.example.test", "_acme-challenge.www.example.test"),
            ("example.test", "_acme-challenge.example.test"),
            ("meant.example.test", "meant.delegated.test"),
        ] {
            assert_eq!(challenge_name(domain, &resolvers).await.unwrap().name, expected);
        }
    }
    powerdns_provider(&lab.powerdns).publish("_acme-challenge.www.example.test", "value").await.unwrap();
    assert_eq!(txt(lab.resolver.dns, "_acme-challenge.www.example.test").await, ["value"]);
}

/// Looking where a challenge belongs must not make the resolver remember that there is nothing, for it may be the one that
/// the authority asks a moment later.
#[tokio::test]
async fn looking_for_the_name_leaves_no_negative_answer_behind() {
    let lab = Lab::start(&["example.test"], &[Zone { name: "delegated.test", records: "" }]).await;
    lab.powerdns.set("example.test", "_acme-challenge.www.example.test", "CNAME", &["www.delegated.test."]).await;
    let resolvers = lab_resolvers(&lab);
    let found = challenge_name("www.example.test", &resolvers).await.unwrap();
    assert_eq!(found.name, "www.delegated.test");
    let provider = bind_provider(&lab.bind);
    provider.publish(&found.name, "value").await.unwrap();
    let seen = propagation::visible(&found.name, "value", &resolvers, &[]).await.unwrap();
    assert!(seen.everywhere(), "{seen}");
    let answers = dig(lab.resolver.dns, "_acme-challenge.www.example.test", "TXT").await;
    assert_eq!(answers, ["\"value\"", "www.delegated.test."]);
}

/// A challenge name that is a zone of its own on other servers (delegation by NS instead of CNAME).
#[tokio::test]
async fn a_delegated_challenge_zone_is_asked_at_its_own_servers() {
    let zone = Zone { name: "_acme-challenge.example.test", records: "" };
    let lab = Lab::start(&["example.test"], &[zone]).await;
    lab.powerdns.set("example.test", NAME, "NS", &["ns2.example.test."]).await;
    lab.powerdns.set("example.test", "ns2.example.test", "A", &[&lab.bind.dns.ip().to_string()]).await;
    let resolvers = lab_resolvers(&lab);
    assert_eq!(challenge_name("example.test", &resolvers).await.unwrap().name, NAME);
    bind_provider(&lab.bind).publish(NAME, "value").await.unwrap();
    let seen = propagation::visible(NAME, "value", &resolvers, &[]).await.unwrap();
    assert!(seen.everywhere(), "{seen}");
    assert_eq!(seen.servers[0].server, "ns1._acme-challenge.example.test");
}

/// Two servers of one zone on one port of two addresses, found through NS and address records; only one has the value.
#[tokio::test]
async fn every_authoritative_server_is_asked() {
    let ips: [IpAddr; 2] = ["127.0.0.2".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let port = ports::on_all(&ips);
    let first = PowerDns::start_at((ips[0], port).into()).await;
    first.add_zone("example.test").await;
    first.set("example.test", "example.test", "NS", &["ns1.example.test.", "ns2.example.test."]).await;
    first.set("example.test", "ns2.example.test", "A", &["127.0.0.1"]).await;
    let second = Bind::primary_at((ips[1], port).into(), "hmac-sha256", &[Zone { name: "example.test", records: "" }]).await;
    let resolver = Bind::resolver(&[("example.test", first.dns)]).await;
    let resolvers = Resolvers::new(&[resolver.dns.to_string()]).unwrap().with_authoritative_port(port);

    powerdns_provider(&first).publish(NAME, "value").await.unwrap();
    let seen = propagation::visible(NAME, "value", &resolvers, &[]).await.unwrap();
    assert!(!seen.everywhere());
    let waiting: Vec<_> = seen.waiting_for().map(|view| (view.server.as_str(), view.address, view.sight.clone())).collect();
    assert_eq!(waiting, [("ns2.example.test", second.dns, propagation::Sight::Absent)], "{seen}");

    bind_provider(&second).publish(NAME, "another").await.unwrap();
    assert!(!propagation::visible(NAME, "value", &resolvers, &[]).await.unwrap().everywhere());
    bind_provider(&second).publish(NAME, "value").await.unwrap();
    let seen = propagation::visible(NAME, "value", &resolvers, &[]).await.unwrap();
    assert!(seen.everywhere(), "{seen}");

    drop(second);
    let seen = propagation::visible(NAME, "value", &resolvers, &[]).await.unwrap();
    assert!(!seen.everywhere() && seen.only_silence_remains(), "{seen}");
    // The challenge name is asked of the zone's servers themselves.
    first.set("example.test", "_acme-challenge.www.example.test", "CNAME", &["x.example.test."]).await;
    assert_eq!(challenge_name("www.example.test", &resolvers).await.unwrap().name, "x.example.test");
}

/// A TXT answer that does not fit into one datagram is fetched over TCP.
#[tokio::test]
async fn long_answers_are_seen() {
    let server = bind(&["example.test"]).await;
    let provider = bind_provider(&server);
    for n in 0..12 {
        provider.publish(NAME, &format!("{n}-{}", "x".repeat(200))).await.unwrap();
    }
    provider.publish(NAME, "the-last-one").await.unwrap();
    let seen = propagation::visible(NAME, "the-last-one", &Resolvers::system(), provider.check_servers()).await.unwrap();
    assert!(seen.everywhere(), "{seen}");
    let seen = propagation::visible(NAME, "the-last-on", &Resolvers::system(), provider.check_servers()).await.unwrap();
    assert!(!seen.everywhere(), "{seen}");
}
