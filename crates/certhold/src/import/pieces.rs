//! Cuts endless PEM into pieces that fit into memory, between blocks.

use std::io::{self, Read};

/// Bytes of a piece, roughly: large enough to fill a batch, small enough to spread over threads.
pub const PIECE: usize = 256 * 1024;

/// What begins every PEM block.
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// A part of an input, cut between PEM blocks.
pub struct Piece {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Lines before it in the input.
    pub lines_before: usize,
}

/// Whether bytes hold the beginning of a PEM block.
pub fn looks_like_pem(bytes: &[u8]) -> bool {
    bytes.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// Cuts what `input` gives, after `head` that was read already, and shows each piece to `take` until it answers no. A stretch
/// of more than `longest` bytes without an end of a block becomes a piece of `longest` bytes at the end, and the rest is left.
///
/// # Errors
/// When reading fails; the pieces before have been shown.
pub fn cut(head: Vec<u8>, mut input: impl Read, longest: usize, take: &mut dyn FnMut(Piece) -> bool) -> io::Result<()> {
    let mut buffer = head;
    let mut lines_before = 0;
    let mut wanted = PIECE.max(buffer.len());
    loop {
        let ended = fill(&mut buffer, &mut input, wanted)?;
        let at = if ended || buffer.len() >= longest { Some(buffer.len()) } else { last_end(&buffer) };
        let Some(at) = at else {
            // Doubled, so that a block without end is not searched over and over.
            wanted = buffer.len().saturating_mul(2).min(longest);
            continue;
        };
        wanted = PIECE.max(buffer.len() - at + PIECE / 4);
        let rest = buffer.split_off(at);
        let piece = Piece { bytes: std::mem::replace(&mut buffer, rest), lines_before };
        lines_before += line_ends(&piece.bytes);
        let stuck = piece.bytes.len() >= longest;
        if (!piece.bytes.is_empty() && !take(piece)) || ended || stuck {
            return Ok(());
        }
    }
}

/// Reads until `buffer` has `wanted` bytes; whether the input ended before.
pub fn fill(buffer: &mut Vec<u8>, input: &mut impl Read, wanted: usize) -> io::Result<bool> {
    let missing = wanted.saturating_sub(buffer.len());
    let read = input.by_ref().take(missing as u64).read_to_end(buffer)?;
    Ok(read < missing)
}

/// Where the line after the last END line begins.
fn last_end(bytes: &[u8]) -> Option<usize> {
    let mut until = bytes.len();
    while let Some(start) = bytes[..until].windows(END.len()).rposition(|window| window == END) {
        let line_end = bytes[start..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        // A lone CR at the end of the buffer may be the first half of CR LF.
        match line_end.map(|length| start + length) {
            Some(at) if bytes[at] == b'\n' => return Some(at + 1),
            Some(at) if bytes.get(at + 1).is_some() => return Some(at + 1 + usize::from(bytes[at + 1] == b'\n')),
            _ => until = start,
        }
    }
    None
}

/// Line ends as PEM counts them: LF, CR LF, or CR.
fn line_ends(bytes: &[u8]) -> usize {
    let lone = |(index, byte): (usize, &u8)| *byte == b'\n' || (*byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'));
    bytes.iter().enumerate().filter(|entry| lone((entry.0, entry.1))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(blocks: usize, line_end: &str) -> String {
        (0..blocks)
            .map(|n| {
                let body: String = (0..40).map(|line| format!("{n:08}{line:056}{line_end}")).collect();
                format!("junk {n}{line_end}-----BEGIN X-----{line_end}{body}-----END X-----{line_end}")
            })
            .collect()
    }

    fn pieces(text: &str, longest: usize) -> Vec<Piece> {
        let mut found = Vec::new();
        cut(text.as_bytes()[..10.min(text.len())].to_vec(), &text.as_bytes()[10.min(text.len())..], longest, &mut |piece| {
            found.push(piece);
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn pieces_are_cut_between_blocks_and_lose_nothing() {
        for line_end in ["\n", "\r\n", "\r"] {
            let text = text(400, line_end);
            let found = pieces(&text, usize::MAX);
            assert!(found.len() > 3, "{}", found.len());
            let joined: Vec<u8> = found.iter().flat_map(|piece| piece.bytes.clone()).collect();
            assert_eq!(joined, text.as_bytes());
            let mut lines = 0;
            for piece in &found {
                assert!(piece.bytes.starts_with(b"junk "), "{:?}", String::from_utf8_lossy(&piece.bytes[..30]));
                assert_eq!(piece.lines_before, lines);
                lines += String::from_utf8_lossy(&piece.bytes).replace("\r\n", "\n").replace('\r', "\n").matches('\n').count();
            }
        }
    }

    #[test]
    fn a_block_without_end_does_not_fill_the_memory() {
        let endless = format!("-----BEGIN X-----\n{}", "A".repeat(3 * PIECE));
        let found = pieces(&endless, PIECE);
        assert_eq!(found.len(), 1);
        assert!((PIECE..2 * PIECE).contains(&found[0].bytes.len()));
    }

    #[test]
    fn the_last_end_may_lack_its_line_end() {
        assert_eq!(last_end(b"-----END A-----\n-----END B-----"), Some(16));
        assert_eq!(last_end(b"-----END A-----\r"), None);
        assert_eq!(last_end(b"-----END A-----\r\nx"), Some(17));
        assert_eq!(last_end(b"-----END A-----\rx"), Some(16));
        assert_eq!(last_end(b"-----BEGIN A-----\n"), None);
    }

    #[test]
    fn nothing_gives_no_piece() {
        assert!(pieces("", usize::MAX).is_empty());
    }
}
