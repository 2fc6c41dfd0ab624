//! Inputs that are nearly right: elements of DER deleted, repeated, exchanged, retagged and with wrong lengths, inside
//! otherwise proper structures; octets and lines where there is no structure.

use certhold_pki::pem;

/// SplitMix64.
struct Die(u64);

impl Die {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// An element of DER: with elements inside, which may also be so in an OCTET STRING, or with octets.
#[derive(Clone)]
struct Node {
    tag: u8,
    /// Octets before the elements inside: the count of unused bits of a BIT STRING.
    before: Vec<u8>,
    inside: Inside,
    /// A length to claim instead of the true one.
    claimed: Option<Vec<u8>>,
}

#[derive(Clone)]
enum Inside {
    Octets(Vec<u8>),
    Elements(Vec<Node>),
}

impl Node {
    /// All of `bytes` as elements; `None` when they are none.
    fn list(bytes: &[u8], depth: usize) -> Option<Vec<Node>> {
        let (mut rest, mut list) = (bytes, Vec::new());
        while !rest.is_empty() {
            let (node, after) = Node::first(rest, depth)?;
            list.push(node);
            rest = after;
        }
        Some(list)
    }

    fn first(bytes: &[u8], depth: usize) -> Option<(Node, &[u8])> {
        let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let before = if tag == 3 { content.get(..1).unwrap_or_default() } else { &[] };
        let deeper = (tag & 0x20 != 0 || matches!(tag, 3 | 4)) && depth < 24 && !content.is_empty();
        let elements = if deeper { Node::list(&content[before.len()..], depth + 1) } else { None };
        let (before, inside) = match elements {
            Some(elements) => (before.to_vec(), Inside::Elements(elements)),
            None => (Vec::new(), Inside::Octets(content.to_vec())),
        };
        Some((Node { tag, before, inside, claimed: None }, rest))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut content = self.before.clone();
        match &self.inside {
            Inside::Octets(octets) => content.extend(octets),
            Inside::Elements(elements) => elements.iter().for_each(|element| element.write(&mut content)),
        }
        out.push(self.tag);
        match (&self.claimed, content.len()) {
            (Some(claimed), _) => out.extend(claimed),
            (None, length @ 0..=0x7f) => out.push(length as u8),
            (None, length) => {
                let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
                out.push(0x80 | digits.len() as u8);
                out.extend(digits);
            }
        }
        out.extend(content);
    }

    fn count(&self) -> usize {
        match &self.inside {
            Inside::Octets(_) => 1,
            Inside::Elements(elements) => 1 + elements.iter().map(Node::count).sum::<usize>(),
        }
    }

    /// The element with this number, counted as they begin.
    fn nth(&mut self, number: usize) -> &mut Node {
        if number == 0 {
            return self;
        }
        let mut left = number - 1;
        match &mut self.inside {
            Inside::Octets(_) => unreachable!("no more are counted"),
            Inside::Elements(elements) => {
                for element in elements {
                    let count = element.count();
                    if left < count {
                        return element.nth(left);
                    }
                    left -= count;
                }
                unreachable!("no more are counted")
            }
        }
    }
}

/// Octets that are edges of something: signs, lengths, tags, classes.
const EDGES: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, 0x30, 0x31, 0x02, 0x81, 0x84, 0xa0, 0x1f];

/// Input number `number`.
pub(crate) fn input(seeds: &[(String, Vec<u8>)], number: u64) -> Vec<u8> {
    let mut die = Die(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let seed = &seeds[die.below(seeds.len())].1;
    let other = &seeds[die.below(seeds.len())].1;
    // PEM is taken out of its armour, mutated and put back
    if let Some(block) = pem::blocks(seed).next().filter(|_| die.below(4) > 0) {
        let label = String::from_utf8_lossy(seed)
            .split("-----BEGIN ")
            .nth(1)
            .and_then(|rest| rest.split("-----").next().map(str::to_owned));
        if let (Some(label), Ok(content)) = (label, block.content) {
            return pem::encode(&label, &mutated(&mut die, &content, other)).into_bytes();
        }
    }
    mutated(&mut die, seed, other)
}

fn mutated(die: &mut Die, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match Node::list(seed, 0).filter(|list| !list.is_empty()) {
        Some(mut list) if die.below(8) > 0 => {
            for _ in 0..1 + die.below(4) {
                let root = die.below(list.len());
                let count = list[root].count();
                let chosen = die.below(count);
                change(die, list[root].nth(chosen), other);
            }
            list.iter().for_each(|node| node.write(&mut out));
        }
        _ => out = seed.to_vec(),
    }
    if die.below(4) == 0 || out == seed {
        for _ in 0..1 + die.below(6) {
            octets(die, &mut out);
        }
    }
    out
}

fn change(die: &mut Die, node: &mut Node, other: &[u8]) {
    match die.below(11) {
        0 => node.tag = EDGES[die.below(EDGES.len())],
        1 => node.tag ^= 1 << die.below(8),
        2 => {
            let lengths: [&[u8]; 6] =
                [&[0], &[0x80], &[0x84, 0xff, 0xff, 0xff, 0xff], &[0x88, 0xff, 0, 0, 0, 0, 0, 0, 0], &[0x7f], &[0x82, 0, 1]];
            node.claimed = Some(lengths[die.below(lengths.len())].to_vec());
        }
        3 => node.inside = Inside::Octets(Vec::new()),
        4 => {
            let element = Node::list(other, 0).and_then(|list| list.into_iter().next());
            if let Some(mut element) = element {
                let count = element.count();
                *node = element.nth(die.below(count)).clone();
            }
        }
        5 => node.inside = Inside::Elements(vec![node.clone()]),
        _ => match &mut node.inside {
            Inside::Octets(octets) => {
                for _ in 0..1 + die.below(3) {
                    let at = die.below(octets.len() + 1);
                    match die.below(3) {
                        0 => octets.insert(at, EDGES[die.below(EDGES.len())]),
                        1 if at < octets.len() => octets[at] = die.next() as u8,
                        _ => octets.truncate(at),
                    }
                }
            }
            Inside::Elements(elements) if elements.is_empty() => elements.push(Node::list(&[5, 0], 0).unwrap().remove(0)),
            Inside::Elements(elements) => {
                let (one, two) = (die.below(elements.len()), die.below(elements.len()));
                match die.below(4) {
                    0 => drop(elements.remove(one)),
                    1 => elements.swap(one, two),
                    2 => elements.insert(two, elements[one].clone()),
                    _ => {
                        let repeated = vec![elements[one].clone(); 1 + die.below(200)];
                        elements.splice(two..two, repeated);
                    }
                }
            }
        },
    }
}

fn octets(die: &mut Die, out: &mut Vec<u8>) {
    let at = die.below(out.len());
    if out.is_empty() {
        return;
    }
    match die.below(6) {
        0 => out[at] ^= 1 << die.below(8),
        1 => out[at] = EDGES[die.below(EDGES.len())],
        2 => out.insert(at, die.next() as u8),
        3 => drop(out.remove(at)),
        4 => out.truncate(at),
        _ => {
            let end = (at + 1 + die.below(64)).min(out.len());
            let piece = out[at..end].to_vec();
            let to = die.below(out.len());
            out.splice(to..to, piece);
        }
    }
}

/// Large inputs: one element of every seed repeated to a megabyte, elements nested without end, lines without end.
pub(crate) fn extremes(seeds: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    const SIZE: usize = 1 << 20;
    let mut made = Vec::new();
    for (name, seed) in seeds {
        let Some(list) = Node::list(seed, 0).filter(|list| !list.is_empty()) else {
            continue;
        };
        let count = list[0].count();
        for number in (1..count).step_by(count / 2 + 1) {
            let mut root = list[0].clone();
            let node = root.nth(number);
            let mut one = Vec::new();
            node.write(&mut one);
            node.inside = Inside::Elements(vec![node.clone(); SIZE / one.len().max(1)]);
            let mut out = Vec::new();
            root.write(&mut out);
            made.push((format!("{name}, element {number} repeated"), out));
        }
    }
    for (what, tag) in [("sequences", 0x30), ("octet strings", 0x24), ("indefinite", 0x30)] {
        let mut out = Vec::new();
        for _ in 0..SIZE / 8 {
            match what {
                "indefinite" => out.extend([tag, 0x80]),
                _ => out.extend([tag, 0x83, 0x0f, 0xff, 0xff]),
            }
        }
        made.push((format!("nested {what}"), out));
    }
    made.push(("empty elements".into(), [[0x30, 0x83, 0x10, 0, 0].to_vec(), [0x31, 0].repeat(SIZE / 2)].concat()));
    made.push(("lines".into(), b"-----BEGIN CERTIFICATE-----\n".repeat(SIZE / 28)));
    made.push(("one line".into(), [b"-----BEGIN CERTIFICATE-----\n".to_vec(), vec![b'A'; SIZE]].concat()));
    made.push(("many empty blocks".into(), b"-----BEGIN X-----\n-----END X-----\n".repeat(SIZE / 34)));
    made
}
