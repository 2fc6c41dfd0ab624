//! Reproducible noise: SplitMix64 (Steele, Lea, Flood 2014). Not for secrets.

/// A bijection of 64-bit numbers that leaves no visible order.
pub(super) fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

pub(super) struct Noise {
    state: u64,
}

impl Noise {
    /// Independent noise for each pair of seed and number.
    pub(super) fn new(seed: u64, number: u64) -> Noise {
        Noise { state: scramble(scramble(seed) ^ number) }
    }

    pub(super) fn next(&mut self) -> u64 {
        let number = scramble(self.state);
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        number
    }

    /// A number from 0 up to, not including, `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    pub(super) fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }

    /// Appends `count` octets.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, count: usize) {
        let mut left = count;
        while left > 0 {
            let octets = self.next().to_le_bytes();
            let taken = left.min(8);
            out.extend_from_slice(&octets[..taken]);
            left -= taken;
        }
    }
}
