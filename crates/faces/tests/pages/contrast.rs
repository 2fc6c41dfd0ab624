//! Text and marks can be told from their ground: WCAG 2.2, 1.4.3 (text, 4.5:1) and 1.4.11 (marks and borders, 3:1).

use std::collections::HashMap;

const STYLE: &str = include_str!("../../assets/certhold.css");

/// Both colours of every token `--name: light-dark(#…, #…);` or `--name: #…;`.
fn tokens() -> HashMap<&'static str, [[u8; 3]; 2]> {
    let mut tokens = HashMap::new();
    for line in STYLE.lines().map(str::trim) {
        let Some((name, value)) = line.strip_prefix("--").and_then(|line| line.split_once(": ")) else { continue };
        let colours = value.split('#').skip(1).filter_map(|part| part.get(..6)).filter_map(colour).collect::<Vec<_>>();
        match colours[..] {
            [both] => tokens.entry(name).or_insert([both, both]),
            [light, dark] => tokens.entry(name).or_insert([light, dark]),
            _ => continue,
        };
    }
    tokens
}

fn colour(digits: &str) -> Option<[u8; 3]> {
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}

fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let channel = f64::from(channel) / 255.0;
        if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_measure_is_the_standard_one() {
    assert!((contrast([0, 0, 0], [255, 255, 255]) - 21.0).abs() < 0.01);
    assert!((contrast([0x77, 0x77, 0x77], [255, 255, 255]) - 4.48).abs() < 0.01);
}

#[test]
fn text_and_marks_can_be_told_from_their_ground() {
    let tokens = tokens();
    let grounds = ["ground", "surface", "hover", "sunken"];
    let mut pairs = Vec::new();
    for ground in grounds {
        pairs.extend(["ink", "ink-2", "ink-3", "accent", "accent-strong"].map(|text| (text, ground, 4.5)));
    }
    for tone in ["good", "info", "warn", "bad"] {
        pairs.extend([(tone, "surface", 4.5), (tone, "ground", 4.5), (tone, "hover", 4.5)]);
    }
    pairs.extend([("good", "good-soft", 4.5), ("info", "info-soft", 4.5), ("warn", "warn-soft", 4.5), ("bad", "bad-soft", 4.5)]);
    pairs.extend(["good-soft", "info-soft", "warn-soft", "bad-soft"].map(|ground| ("ink", ground, 4.5)));
    pairs.extend(["good-soft", "info-soft", "warn-soft", "bad-soft"].map(|ground| ("ink-3", ground, 4.5)));
    pairs.extend([("accent-strong", "accent-soft", 4.5), ("ink-3", "accent-soft", 4.5), ("ink", "accent-soft", 4.5)]);
    pairs.extend([("on-accent", "accent-fill", 4.5), ("on-accent", "accent-fill-strong", 4.5)]);
    pairs.extend([("line-strong", "surface", 3.0), ("bar", "surface", 3.0), ("brass", "ground", 3.0)]);
    let mut weak = Vec::new();
    for (front, ground, least) in pairs {
        for (scheme, name) in ["light", "dark"].into_iter().enumerate() {
            let measured = contrast(tokens[front][scheme], tokens[ground][scheme]);
            if measured < least {
                weak.push(format!("{front} on {ground}, {name}: {measured:.2} < {least}"));
            }
        }
    }
    assert!(weak.is_empty(), "{weak:#?}");
}
