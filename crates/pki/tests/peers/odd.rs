//! Odd certificates in any number: every kind of name, string, key, algorithm and extension, mixed by a seeded die. Written
//! with an encoder of its own, so that a mistake of the product's encoder does not hide one of its reader.

use crate::common::{Workshop, openssl, try_openssl};

/// SplitMix64.
pub(crate) struct Die {
    state: u64,
    /// Also what peers refuse as a whole: characters that a type does not have, values that are no text, empty names.
    rude: bool,
}

impl Die {
    pub(crate) fn new(seed: u64) -> Die {
        Die { state: seed, rude: false }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

pub(crate) fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

pub(crate) fn primitive(tag: u8, content: &[u8]) -> Vec<u8> {
    element(tag, &[content.to_vec()])
}

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, parts)
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = Vec::new();
    for arc in [arcs[0] * 40 + arcs[1]].into_iter().chain(arcs[2..].iter().copied()) {
        let mut digits = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            digits.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        digits.reverse();
        content.extend(digits);
    }
    primitive(6, &content)
}

pub(crate) fn integer(value: u64) -> Vec<u8> {
    let mut octets: Vec<u8> = value.to_be_bytes().iter().copied().skip_while(|octet| *octet == 0).collect();
    if octets.first().is_none_or(|first| first & 0x80 != 0) {
        octets.insert(0, 0);
    }
    primitive(2, &octets)
}

/// Attribute types: those that some peer has a keyword for, and some that none has.
const TYPES: &[&str] = &[
    "2.5.4.3",
    "2.5.4.3",
    "2.5.4.3",
    "2.5.4.6",
    "2.5.4.7",
    "2.5.4.8",
    "2.5.4.10",
    "2.5.4.10",
    "2.5.4.11",
    "2.5.4.4",
    "2.5.4.5",
    "2.5.4.9",
    "2.5.4.12",
    "2.5.4.13",
    "2.5.4.15",
    "2.5.4.16",
    "2.5.4.17",
    "2.5.4.18",
    "2.5.4.20",
    "2.5.4.41",
    "2.5.4.42",
    "2.5.4.43",
    "2.5.4.44",
    "2.5.4.45",
    "2.5.4.46",
    "2.5.4.51",
    "2.5.4.54",
    "2.5.4.65",
    "2.5.4.72",
    "2.5.4.97",
    "2.5.4.98",
    "2.5.4.99",
    "2.5.4.100",
    "2.5.4.101",
    "0.9.2342.19200300.100.1.1",
    "0.9.2342.19200300.100.1.3",
    "0.9.2342.19200300.100.1.25",
    "0.9.2342.19200300.100.1.25",
    "0.9.2342.19200300.100.1.44",
    "1.2.840.113549.1.9.1",
    "1.2.840.113549.1.9.2",
    "1.2.840.113549.1.9.8",
    "1.3.6.1.4.1.311.60.2.1.1",
    "1.3.6.1.4.1.311.60.2.1.2",
    "1.3.6.1.4.1.311.60.2.1.3",
    "1.3.6.1.4.1.42.2.11.2.1",
    "1.2.643.3.131.1.1",
    "1.2.643.100.1",
    "1.2.643.100.5",
    "2.999.7",
    "1.3.6.1.4.1.55555.4294967296.1",
];

const TEXTS: &[&str] = &[
    "Example GmbH",
    "www.example.com",
    "DE",
    "x",
    "",
    " ",
    "  ",
    " lead",
    "trail ",
    "two  spaces",
    "a, b",
    "a+b",
    "\"quoted\"",
    "\"",
    "\"\"",
    "in \"the\" middle",
    "back\\slash",
    "\\",
    "<x>",
    "a;b",
    "#hash",
    "#",
    "eq=uals",
    "=",
    "O'Brien (Ltd.) : ?/",
    "user@example.net",
    "under_score*",
    "M\u{fc}nchen",
    "\u{e9}",
    "\u{65e5}\u{672c}\u{8a9e}",
    "\u{1f600} smile",
    "e\u{301}",
    "tab\there",
    "new\nline",
    "\nfirst",
    "nul\0nul",
    "car\rriage",
    "\u{7f}",
    "\u{202e}rtl",
    "zero\u{200b}width",
    "\u{85}",
    "ends\n",
    "a , b",
    "'; DROP TABLE x; --",
    "<script>alert(1)</script>",
];

const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;

/// A string of a random type whose characters the type can hold.
pub(crate) fn string(die: &mut Die) -> Vec<u8> {
    let text = die.pick(TEXTS);
    let type_of_few = [PRINTABLE, 0x1a][usize::from(die.rude)];
    let tag = die.pick(&[UTF8, UTF8, UTF8, PRINTABLE, PRINTABLE, IA5, 0x14, 0x1e, 0x1c, type_of_few, 0x12, UTF8]);
    match tag {
        0x14 if text.chars().all(|c| (c as u32) < 256) => primitive(tag, &text.chars().map(|c| c as u8).collect::<Vec<_>>()),
        0x1e if text.chars().all(|c| (c as u32) < 0x1_0000) => {
            primitive(tag, &text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>())
        }
        0x1c => primitive(tag, &text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect::<Vec<_>>()),
        0x12 => primitive(tag, format!("{} {}", die.below(1000), die.below(1000)).as_bytes()),
        PRINTABLE if text.chars().all(is_printable) || die.rude && text.is_ascii() => primitive(tag, text.as_bytes()),
        IA5 | 0x1a if text.is_ascii() => primitive(tag, text.as_bytes()),
        _ => primitive(UTF8, text.as_bytes()),
    }
}

fn is_printable(c: char) -> bool {
    c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c)
}

pub(crate) fn attribute(die: &mut Die) -> Vec<u8> {
    let kind = oid(die.pick(TYPES));
    let value = match die.below(if die.rude { 20 } else { 1 }) {
        1 => integer(die.next() >> 40),
        2 => primitive(4, &die.octets(5)),
        3 => sequence(&[integer(1)]),
        _ => string(die),
    };
    sequence(&[kind, value])
}

pub(crate) fn name(die: &mut Die) -> Vec<u8> {
    let relative = |die: &mut Die| {
        let count = if die.one_in(8) { 2 + die.below(2) } else { 1 };
        let mut attributes: Vec<Vec<u8>> = (0..count).map(|_| attribute(die)).collect();
        attributes.sort(); // DER orders the members of a SET OF
        element(0x31, &attributes)
    };
    let count = if die.rude { die.below(7) } else { 1 + die.below(6) };
    sequence(&(0..count).map(|_| relative(die)).collect::<Vec<_>>())
}

pub(crate) fn general_name(die: &mut Die) -> Vec<u8> {
    match die.below(16) {
        0 => element(0xa0, &[oid("1.3.6.1.4.1.311.20.2.3"), element(0xa0, &[primitive(UTF8, b"jim@corp.example")])]),
        1 => element(0xa0, &[oid("1.3.6.1.5.5.7.8.9"), element(0xa0, &[primitive(UTF8, "j\u{fc}@b.example".as_bytes())])]),
        2 => element(0xa0, &[oid("1.3.6.1.5.5.7.8.7"), element(0xa0, &[primitive(IA5, b"_mail.example.net")])]),
        3 => element(0xa0, &[oid("1.2.3.4.5"), element(0xa0, &[integer(die.next() >> 50)])]),
        4 => primitive(0x81, b"user@example.net"),
        5 | 6 => primitive(
            0x82,
            die.pick(&["www.example.com", "*.example.org", "a", "xn--mnchen-3ya.example", "UPPER.Example"]).as_bytes(),
        ),
        7 => element(0xa4, &[name(die)]),
        8 => element(0xa5, &[element(0xa0, &[primitive(UTF8, b"assigner")]), element(0xa1, &[primitive(PRINTABLE, b"party")])]),
        9 => element(0xa5, &[element(0xa1, &[primitive(UTF8, b"only the party")])]),
        10 | 11 => primitive(
            0x86,
            die.pick(&["http://example.com/a?b=c", "spiffe://example.org/ns/x", "ldap://h.example/cn=x?y", "urn:uuid:1"])
                .as_bytes(),
        ),
        12 => primitive(0x87, &die.octets(4)),
        13 => primitive(0x87, &die.octets(16)),
        14 => {
            let dotted = die.pick(&["1.2.3.4", "2.999.3", "2.5.4.3"]);
            primitive(0x88, &oid(dotted)[2..])
        }
        _ => primitive(0x82, format!("h{}.example.net", die.below(1000)).as_bytes()),
    }
}

fn general_names(die: &mut Die) -> Vec<Vec<u8>> {
    (0..1 + die.below(5)).map(|_| general_name(die)).collect()
}

fn constrained_name(die: &mut Die) -> Vec<u8> {
    match die.below(6) {
        0 => primitive(0x82, b"example.com"),
        1 => primitive(0x82, b".example.com"),
        2 => primitive(0x87, &[192, 0, 2, 0, 255, 255, 255, 0]),
        3 => {
            let mut range = die.octets(16);
            range.extend([0xff; 6]);
            range.extend([0; 10]);
            primitive(0x87, &range)
        }
        4 => primitive(0x81, b"example.net"),
        _ => element(0xa4, &[name(die)]),
    }
}

fn point(die: &mut Die) -> Vec<u8> {
    let mut parts = Vec::new();
    match die.below(8) {
        0 => parts.push(element(0xa0, &[element(0xa1, &[sequence(&[oid("2.5.4.3"), primitive(UTF8, b"relative")])])])),
        1 => {}
        _ => parts.push(element(
            0xa0,
            &[element(0xa0, &[primitive(0x86, format!("http://crl.example/{}.crl", die.below(99)).as_bytes())])],
        )),
    }
    if die.one_in(4) {
        parts.push(primitive(0x81, &[1, 0x60]));
    }
    if parts.is_empty() || die.one_in(6) {
        parts.push(element(
            0xa2,
            &[element(0xa4, &[sequence(&[element(0x31, &[sequence(&[oid("2.5.4.3"), primitive(UTF8, b"CRL issuer")])])])])],
        ));
    }
    sequence(&parts)
}

fn policy(die: &mut Die, number: usize) -> Vec<u8> {
    let kind = oid(&format!("{}.{number}", die.pick(&["2.23.140.1.2", "1.3.6.1.4.1.55555.1", "2.16.840.1.114412"])));
    let cps = sequence(&[oid("1.3.6.1.5.5.7.2.1"), primitive(IA5, b"https://cps.example/")]);
    let text = primitive(die.pick(&[UTF8, 0x1a]), b"A notice, to be read.");
    let reference = sequence(&[primitive(UTF8, b"Example Org"), sequence(&[integer(1), integer(300)])]);
    let notice = match die.below(3) {
        0 => sequence(&[text]),
        1 => sequence(&[reference]),
        _ => sequence(&[reference, text]),
    };
    let notice = sequence(&[oid("1.3.6.1.5.5.7.2.2"), notice]);
    match die.below(4) {
        0 => sequence(&[kind, sequence(&[cps])]),
        1 => sequence(&[kind, sequence(&[notice])]),
        2 => sequence(&[kind, sequence(&[cps, notice])]),
        _ => sequence(&[kind]),
    }
}

fn timestamps(die: &mut Die) -> Vec<u8> {
    let mut list = Vec::new();
    for _ in 0..1 + die.below(3) {
        let mut entry = vec![0];
        entry.extend(die.octets(32));
        entry.extend((1_600_000_000_000 + die.next() % 200_000_000_000).to_be_bytes());
        entry.extend([0, 0, 4, die.pick(&[3, 1])]);
        let signature = die.octets(70);
        entry.extend([0, 70]);
        entry.extend(signature);
        list.extend((entry.len() as u16).to_be_bytes());
        list.extend(entry);
    }
    let mut whole = (list.len() as u16).to_be_bytes().to_vec();
    whole.extend(list);
    primitive(4, &whole)
}

/// Bits as DER wants them: no trailing zeros.
fn bits(value: u16) -> Vec<u8> {
    let octets = value.to_be_bytes();
    let kept = if octets[1] != 0 { 2 } else { usize::from(octets[0] != 0) };
    let unused = octets[..kept].last().map_or(0, |last| last.trailing_zeros() as u8);
    let mut content = vec![unused];
    content.extend(&octets[..kept]);
    primitive(3, &content)
}

fn authority_key_id(die: &mut Die) -> Vec<u8> {
    let mut parts = Vec::new();
    if !die.one_in(5) {
        parts.push(primitive(0x80, &die.octets(20)));
    }
    if parts.is_empty() || die.one_in(3) {
        parts.push(element(0xa1, &[element(0xa4, &[name(die)])]));
        parts.push(primitive(0x82, &[1 + die.below(100) as u8, 2, 3]));
    }
    sequence(&parts)
}

fn constraints(die: &mut Die) -> Vec<u8> {
    let list = |die: &mut Die| (0..1 + die.below(3)).map(|_| sequence(&[constrained_name(die)])).collect::<Vec<_>>();
    let mut parts = Vec::new();
    if !die.one_in(3) {
        parts.push(element(0xa0, &list(die)));
    }
    if parts.is_empty() || die.one_in(2) {
        parts.push(element(0xa1, &list(die)));
    }
    sequence(&parts)
}

const PURPOSES: &[&str] = &[
    "1.3.6.1.5.5.7.3.1",
    "1.3.6.1.5.5.7.3.2",
    "1.3.6.1.5.5.7.3.3",
    "1.3.6.1.5.5.7.3.4",
    "1.3.6.1.5.5.7.3.8",
    "1.3.6.1.5.5.7.3.9",
    "2.5.29.37.0",
    "1.3.6.1.4.1.311.20.2.2",
    "1.2.3.4.5.6",
];

/// The values of the extensions, each with its identifier.
fn extensions(die: &mut Die) -> Vec<Vec<u8>> {
    type Make = fn(&mut Die) -> Vec<u8>;
    let kinds: &[(&str, Make)] = &[
        ("2.5.29.14", |die| primitive(4, &die.octets(20))),
        ("2.5.29.15", |die| {
            let usages = (die.next() as u16 | 0x0100) & 0xff80;
            // Only for agreeing: a key agreement must be there
            bits(if usages & 0x0800 == 0 { usages & 0xfe00 | 0x0200 } else { usages })
        }),
        ("2.5.29.17", |die| sequence(&general_names(die))),
        ("2.5.29.18", |die| sequence(&general_names(die))),
        ("2.5.29.19", |die| match die.below(3) {
            0 => sequence(&[]),
            1 => sequence(&[primitive(1, &[0xff])]),
            _ => sequence(&[primitive(1, &[0xff]), integer(die.below(9) as u64)]),
        }),
        ("2.5.29.30", constraints),
        ("2.5.29.31", |die| sequence(&(0..1 + die.below(3)).map(|_| point(die)).collect::<Vec<_>>())),
        ("2.5.29.32", |die| sequence(&(0..1 + die.below(3)).map(|number| policy(die, number + 1)).collect::<Vec<_>>())),
        ("2.5.29.35", authority_key_id),
        ("2.5.29.36", |die| sequence(&[primitive(0x80, &[die.below(9) as u8]), primitive(0x81, &[die.below(9) as u8])])),
        ("2.5.29.37", |die| {
            let mut chosen: Vec<&str> = (0..1 + die.below(4)).map(|_| die.pick(PURPOSES)).collect();
            chosen.dedup();
            sequence(&chosen.into_iter().map(oid).collect::<Vec<_>>())
        }),
        ("2.5.29.54", |die| integer(die.below(20) as u64)),
        ("1.3.6.1.5.5.7.1.1", |die| {
            let method = |die: &mut Die| oid(die.pick(&["1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"]));
            let location = |die: &mut Die| primitive(0x86, format!("http://a.example/{}", die.below(50)).as_bytes());
            sequence(&(0..1 + die.below(3)).map(|_| sequence(&[method(die), location(die)])).collect::<Vec<_>>())
        }),
        ("1.3.6.1.4.1.11129.2.4.2", timestamps),
        ("1.3.6.1.5.5.7.1.24", |_| sequence(&[integer(5)])),
        ("1.3.6.1.5.5.7.48.1.5", |_| primitive(5, &[])),
        ("1.2.3.4.5.6.7", |die| primitive(4, &die.octets(9))),
    ];
    let mut made = Vec::new();
    for (identifier, make) in kinds {
        if die.one_in(3) {
            let value = primitive(4, &make(die));
            let mut parts = vec![oid(identifier)];
            if die.one_in(4) {
                parts.push(primitive(1, &[0xff]));
            }
            parts.push(value);
            made.push(sequence(&parts));
        }
    }
    made
}

/// AlgorithmIdentifiers of signatures.
fn signature_algorithm(die: &mut Die) -> Vec<u8> {
    let null = || primitive(5, &[]);
    let hash = |last: usize| sequence(&[oid(&format!("2.16.840.1.101.3.4.2.{last}")), primitive(5, &[])]);
    match die.below(10) {
        0 => sequence(&[oid(&format!("1.2.840.113549.1.1.{}", die.pick(&[4, 5, 11, 12, 13, 14]))), null()]),
        1 | 2 => sequence(&[oid(&format!("1.2.840.10045.4.3.{}", 1 + die.below(4)))]),
        3 => sequence(&[oid("1.2.840.10045.4.1")]),
        4 => sequence(&[oid(&format!("1.3.101.{}", 112 + die.below(2)))]),
        5 => {
            let number = 1 + die.below(3);
            let mask = sequence(&[oid("1.2.840.113549.1.1.8"), hash(number)]);
            let salt = element(0xa2, &[integer(die.pick(&[32, 48, 64, 21, 0]))]);
            let parameters = sequence(&[element(0xa0, &[hash(number)]), element(0xa1, &[mask]), salt]);
            sequence(&[oid("1.2.840.113549.1.1.10"), parameters])
        }
        6 => sequence(&[oid("1.2.840.113549.1.1.10"), sequence(&[])]),
        7 => sequence(&[oid(&format!("2.16.840.1.101.3.4.3.{}", 17 + die.below(15)))]),
        8 => sequence(&[oid("1.2.3.4.5.6.7.8"), null()]),
        _ => sequence(&[oid("1.2.840.113549.1.1.11"), null()]),
    }
}

/// A time between 1951 and 2199 in the form that RFC 5280 wants for it.
fn time(die: &mut Die) -> Vec<u8> {
    let (year, month, day) = (1951 + die.below(249), 1 + die.below(12), 1 + die.below(28));
    let clock = format!("{:02}{:02}{:02}Z", die.below(24), die.below(60), die.below(60));
    if (1950..2050).contains(&year) {
        primitive(0x17, format!("{:02}{month:02}{day:02}{clock}", year % 100).as_bytes())
    } else {
        primitive(0x18, format!("{year:04}{month:02}{day:02}{clock}").as_bytes())
    }
}

/// Encoded public keys.
pub(crate) struct Keys(Vec<Vec<u8>>);

impl Keys {
    /// Made by openssl, and in shape only for what it does not know; `all` says on every curve that openssl knows.
    pub(crate) fn new(shop: &Workshop, all: bool) -> Keys {
        let mut kinds: Vec<String> = ["rsa:1024", "rsa:2048", "rsa:2056", "rsa-pss:2048", "ed25519", "ed448", "x25519", "x448"]
            .map(str::to_owned)
            .to_vec();
        for curve in curves(all) {
            kinds.extend([format!("ec:{curve}"), format!("ec-explicit:{curve}")]);
        }
        let public = |kind: &String| openssl(&["pkey", "-in", &shop.key(kind), "-pubout", "-outform", "DER"], b"");
        let mut keys: Vec<Vec<u8>> = kinds.iter().map(public).collect();
        keys.extend(openssl_extras(shop));
        let lengths = [(17, 1312), (18, 1952), (19, 2592)].into_iter();
        let slh = (20..32).zip([32, 32, 48, 48, 64, 64, 32, 32, 48, 48, 64, 64]);
        for (last, length) in lengths.chain(slh) {
            let mut content = vec![0];
            content.extend(Die::new(last).octets(length));
            keys.push(sequence(&[sequence(&[oid(&format!("2.16.840.1.101.3.4.3.{last}"))]), primitive(3, &content)]));
        }
        Keys(keys)
    }
}

/// Names of curves as openssl has them.
pub(crate) fn curves(all: bool) -> Vec<String> {
    if !all {
        return ["prime256v1", "secp384r1", "secp521r1", "secp256k1", "brainpoolP256r1", "sect283k1", "prime192v1"]
            .map(str::to_owned)
            .to_vec();
    }
    let listed = String::from_utf8(openssl(&["ecparam", "-list_curves"], b"")).unwrap();
    let names = listed.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim().to_owned());
    // The curves of WAP and of IKE repeat others under another name
    names.filter(|name| !name.starts_with("wap-") && !name.starts_with("Oakley-") && !name.is_empty()).collect()
}

/// A compressed point, a DSA key, and RSASSA-PSS keys with restrictions.
fn openssl_extras(shop: &Workshop) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let path = shop.key("ec:prime256v1");
    keys.push(openssl(&["ec", "-in", &path, "-pubout", "-conv_form", "compressed", "-outform", "DER"], b""));
    let (parameters, dsa) = (shop.file("dsa.parameters"), shop.file("dsa.key"));
    openssl(
        &[
            "genpkey",
            "-genparam",
            "-algorithm",
            "DSA",
            "-pkeyopt",
            "dsa_paramgen_bits:1024",
            "-pkeyopt",
            "dsa_paramgen_q_bits:160",
            "-out",
            &parameters,
        ],
        b"",
    );
    openssl(&["genpkey", "-paramfile", &parameters, "-out", &dsa], b"");
    keys.push(openssl(&["pkey", "-in", &dsa, "-pubout", "-outform", "DER"], b""));
    for (hash, salt) in [("sha256", "32"), ("sha384", "20")] {
        let path = shop.file(&format!("pss-{hash}.key"));
        let options = [
            "rsa_keygen_bits:1024".to_owned(),
            format!("rsa_pss_keygen_md:{hash}"),
            format!("rsa_pss_keygen_mgf1_md:{hash}"),
            format!("rsa_pss_keygen_saltlen:{salt}"),
        ];
        let mut arguments = vec!["genpkey", "-algorithm", "rsa-pss", "-out", &path];
        options.iter().for_each(|option| arguments.extend(["-pkeyopt", option.as_str()]));
        if try_openssl(&arguments, b"").is_ok() {
            keys.push(openssl(&["pkey", "-in", &path, "-pubout", "-outform", "DER"], b""));
        }
    }
    keys
}

/// A certificate around a key; the signature is noise.
pub(crate) fn certificate(die: &mut Die, spki: &[u8]) -> Vec<u8> {
    die.rude = die.one_in(6);
    let algorithm = signature_algorithm(die);
    let version = match die.below(12) {
        0 => Vec::new(),
        1 if die.rude => element(0xa0, &[integer(1)]),
        _ => element(0xa0, &[integer(2)]),
    };
    let length = 1 + die.below(20);
    let mut serial = die.octets(length);
    serial[0] = serial[0] & 0x3f | 0x40;
    let mut parts = vec![
        version.clone(),
        primitive(2, &serial),
        algorithm.clone(),
        name(die),
        sequence(&[time(die), time(die)]),
        name(die),
        spki.to_vec(),
    ];
    if version.last() == Some(&2) {
        let extensions = extensions(die);
        if !extensions.is_empty() {
            parts.push(element(0xa3, &[sequence(&extensions)]));
        }
    }
    let mut signature = vec![0];
    signature.extend(die.octets(64));
    sequence(&[sequence(&parts), algorithm, primitive(3, &signature)])
}

/// `count` certificates, every key at least once if there are enough.
pub(crate) fn certificates(keys: &Keys, seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut die = Die::new(seed);
    keys.0.iter().cycle().take(count).map(|key| certificate(&mut die, key)).collect()
}
