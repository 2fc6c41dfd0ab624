//! PEM: DER in base64 between `-----BEGIN` and `-----END` lines (RFC 7468).
//!
//! Writing is strict. Reading follows RFC 7468's advice to be lax: any text around and between the blocks, any line
//! ends and line lengths, indented blocks, missing padding.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

/// Characters in one line of the base64 text (RFC 7468 section 2).
const LINE: usize = 64;

/// The label of a certificate.
pub const CERTIFICATE: &str = "CERTIFICATE";
/// The label of an unencrypted PKCS#8 private key.
pub const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The label of a certificate signing request.
pub const CERTIFICATE_REQUEST: &str = "CERTIFICATE REQUEST";

const LAX: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// One block: `-----BEGIN label-----`, lines of 64 characters, `-----END label-----`, each with a line feed.
pub fn encode(label: &str, der: &[u8]) -> String {
    let mut out = String::with_capacity(encoded_length(label, der));
    encode_into(&mut out, label, der);
    out
}

/// Like [`encode`], for what must not stay in memory: the text is wiped when dropped.
pub fn encode_secret(label: &str, der: &[u8]) -> Zeroizing<String> {
    // The capacity is exact, so that growing leaves no copy behind.
    let mut out = Zeroizing::new(String::with_capacity(encoded_length(label, der)));
    encode_into(&mut out, label, der);
    out
}

/// Certificates one after the other, as servers and deployment targets expect a chain.
pub fn encode_chain<D: AsRef<[u8]>>(certificates: &[D]) -> String {
    certificates.iter().map(|der| encode(CERTIFICATE, der.as_ref())).collect()
}

fn encoded_length(label: &str, der: &[u8]) -> usize {
    let base64 = der.len().div_ceil(3) * 4;
    base64 + base64.div_ceil(LINE) + 2 * label.len() + "-----BEGIN -----\n-----END -----\n".len()
}

fn encode_into(out: &mut String, label: &str, der: &[u8]) {
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    for line in der.chunks(LINE / 4 * 3) {
        STANDARD.encode_string(line, out);
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
}

/// One block as it was found in a text.
pub struct Block<'a> {
    /// What stands after `-----BEGIN `.
    pub label: &'a str,
    /// Line of the `-----BEGIN`, counted from 1.
    pub line: usize,
    /// The decoded content; wiped when dropped, because it may be a private key.
    pub content: Result<Zeroizing<Vec<u8>>, BlockError>,
    /// Set when headers announce OpenSSL's old encryption: then the content is encrypted.
    pub encryption: Option<OldEncryption>,
}

/// The header `DEK-Info` (RFC 1421 section 4.6.1.3): how OpenSSL encrypted keys before PKCS#8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldEncryption {
    /// The cipher's name, as `DES-EDE3-CBC`.
    pub cipher: String,
    /// The initialisation vector; empty when it is not readable.
    pub iv: Vec<u8>,
}

impl OldEncryption {
    /// Reads what follows `DEK-Info:`.
    fn of(header: &[u8]) -> OldEncryption {
        let mut parts = header.splitn(2, |byte| *byte == b',');
        let cipher = crate::text::plain(parts.next().unwrap_or_default().trim_ascii());
        let digits = parts.next().unwrap_or_default().trim_ascii();
        let pairs = digits.chunks(2).take(16);
        let iv: Option<Vec<u8>> =
            pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok()).collect();
        OldEncryption { cipher, iv: iv.unwrap_or_default() }
    }
}

/// Why a block cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// No `-----END` line follows before the next block or the end.
    #[error("the block has no END line")]
    NoEnd,
    /// The `-----END` line carries another label.
    #[error("the block ends with another label than it begins with")]
    OtherEnd,
    /// The text between the lines is not base64.
    #[error("the block is not valid base64")]
    NotBase64,
}

/// The blocks of a text, in order. What stands around them is passed over.
pub fn blocks(text: &[u8]) -> Blocks<'_> {
    Blocks { lines: Lines { rest: text, number: 0 }, pending: None }
}

/// Iterator over the blocks of a text; see [`blocks`].
pub struct Blocks<'a> {
    lines: Lines<'a>,
    /// A BEGIN line that was met inside a block that lacks its END.
    pending: Option<(&'a str, usize)>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let (label, line) = match self.pending.take() {
            Some(begin) => begin,
            None => loop {
                let (text, number) = self.lines.next()?;
                if let Some(label) = marker(text, b"-----BEGIN ") {
                    break (label, number);
                }
            },
        };
        let mut encryption = None;
        let content = self.body(label, &mut encryption);
        Some(Block { label, line, content, encryption })
    }
}

impl<'a> Blocks<'a> {
    fn body(&mut self, label: &str, encryption: &mut Option<OldEncryption>) -> Result<Zeroizing<Vec<u8>>, BlockError> {
        // Large enough from the start: growing would leave copies of key bytes behind.
        let mut base64 = Zeroizing::new(Vec::with_capacity(self.lines.until_marker()));
        let mut in_headers = false;
        loop {
            let Some((text, number)) = self.lines.next() else {
                return Err(BlockError::NoEnd);
            };
            if let Some(end) = marker(text, b"-----END ") {
                if end != label {
                    return Err(BlockError::OtherEnd);
                }
                break;
            }
            if let Some(begin) = marker(text, b"-----BEGIN ") {
                self.pending = Some((begin, number));
                return Err(BlockError::NoEnd);
            }
            if text.contains(&b':') {
                // RFC 1421 headers; a header may continue on lines that begin with white space.
                in_headers = true;
                if let Some(header) = text.strip_prefix(b"DEK-Info:") {
                    *encryption = Some(OldEncryption::of(header));
                }
                continue;
            }
            if in_headers {
                in_headers = !text.is_empty();
                if in_headers {
                    continue;
                }
            }
            base64.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
        }
        decode(&base64)
    }
}

/// Puts BEGIN and END markers on lines of their own wherever they stand, and turns `\\n` written as two characters into
/// line feeds: so that a block is read that went through an environment variable, JSON or a single-line field.
pub(crate) fn loosened(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + text.len() / 4 + 64));
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if rest.starts_with(b"-----BEGIN ") || rest.starts_with(b"-----END ") {
            // The marker ends with the five hyphens after its label
            let label_end = rest[5..].windows(5).take(80).position(|window| window == b"-----").map(|position| position + 10);
            let (marker, after) = rest.split_at(label_end.unwrap_or(5));
            out.push(b'\n');
            out.extend_from_slice(marker);
            out.push(b'\n');
            rest = after;
        } else if rest.starts_with(b"\\n") || rest.starts_with(b"\\r") {
            out.push(b'\n');
            rest = &rest[2..];
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

/// Decodes base64 that holds no white space.
pub(crate) fn decode(base64: &[u8]) -> Result<Zeroizing<Vec<u8>>, BlockError> {
    let mut out = Zeroizing::new(Vec::with_capacity(base64.len() / 4 * 3 + 3));
    LAX.decode_vec(base64, &mut out).map_err(|_| BlockError::NotBase64)?;
    Ok(out)
}

/// The label of a BEGIN or END line.
fn marker<'a>(line: &'a [u8], prefix: &[u8]) -> Option<&'a str> {
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    str::from_utf8(label).ok().filter(|label| label.len() <= 64)
}

/// Lines with their numbers, white space at both ends cut off; `\n`, `\r\n` and `\r` end a line.
struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    /// An upper bound for the base64 text before the next END or BEGIN line.
    fn until_marker(&self) -> usize {
        self.rest.windows(5).position(|window| window == b"-----").unwrap_or(0)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a [u8], usize);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (line, rest) = match end {
            Some(end) if self.rest[end..].starts_with(b"\r\n") => (&self.rest[..end], &self.rest[end + 2..]),
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        self.number += 1;
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        Some((line.trim_ascii(), self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Vec<Result<Vec<u8>, BlockError>> {
        blocks(text.as_bytes()).map(|block| block.content.map(|content| content.to_vec())).collect()
    }

    #[test]
    fn lines_have_sixty_four_characters() {
        let text = encode("X", &[0xff; 100]);
        let lengths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [17, 64, 64, 8, 15]);
        assert_eq!(encode_secret("X", &[0xff; 100]).as_str(), text);
        assert_eq!(encoded_length("X", &[0xff; 100]), text.len(), "nothing grows and leaves a copy");
        assert_eq!(contents(&text), [Ok(vec![0xff; 100])]);
        assert_eq!(encode("", &[]), "-----BEGIN -----\n-----END -----\n");
    }

    #[test]
    fn broken_blocks_do_not_hide_the_next_one() {
        let good = "-----BEGIN A-----\nAAAA\n-----END A-----\n";
        let zeros = || Ok(vec![0; 3]);
        assert_eq!(contents(&format!("-----BEGIN A-----\nAAAA\n{good}")), [Err(BlockError::NoEnd), zeros()]);
        assert_eq!(contents(&format!("-----BEGIN A-----\nAA\n-----END B-----\n{good}")), [Err(BlockError::OtherEnd), zeros()]);
        assert_eq!(contents(&format!("-----BEGIN A-----\nA!AA\n-----END A-----\n{good}")), [Err(BlockError::NotBase64), zeros()]);
        assert_eq!(contents(&format!("{good}-----BEGIN A-----")), [zeros(), Err(BlockError::NoEnd)]);
        assert_eq!(contents("-----BEGIN A----\nAAAA\n-----END A-----\n"), []);
    }

    #[test]
    fn headers() {
        for (header, cipher, iv) in [
            ("DES-EDE3-CBC,00ff", "DES-EDE3-CBC", &[0, 255][..]),
            ("DES-CBC", "DES-CBC", &[]),
            ("X,0", "X", &[]),
            ("X,\u{e9}\u{e9}", "X", &[]),
        ] {
            let text = format!("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {header}\n\nAAAA\n-----END A-----\n");
            let block = blocks(text.as_bytes()).next().unwrap();
            assert_eq!(block.encryption, Some(OldEncryption { cipher: cipher.to_owned(), iv: iv.to_vec() }), "{header}");
            assert_eq!(block.content.unwrap().to_vec(), [0; 3]);
        }
        let plain = "-----BEGIN A-----\nComment: one,\n two\n\nAAAA\n-----END A-----\n";
        assert_eq!(contents(plain), [Ok(vec![0; 3])]);
    }

    #[test]
    fn flattened_blocks() {
        for flat in [
            r#"{"pem":"-----BEGIN A B-----\nAAAA\nAAAA\n-----END A B-----\n"}"#,
            "-----BEGIN A B----- AAAA AAAA -----END A B-----",
            r"PEM=-----BEGIN A B-----\r\nAAAAAAAA\r\n-----END A B-----",
        ] {
            let text = String::from_utf8(loosened(flat.as_bytes()).to_vec()).unwrap();
            assert_eq!(contents(&text), [Ok(vec![0; 6])], "{text}");
        }
        for hostile in ["-----BEGIN ", "-----BEGIN x", "-----END -----END ", "-----BEGIN ----------END -----", "\\"] {
            loosened(hostile.as_bytes());
        }
    }
}
