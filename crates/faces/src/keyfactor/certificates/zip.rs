//! Files put together in a ZIP archive, uncompressed (APPNOTE 6.3, the parts every reader knows).

use zeroize::Zeroizing;

/// 1980-01-01, the first day that the format knows: what is inside has no time of its own.
const DATE: u16 = 0x21;

/// An archive of these files. Their content may be secret, so the archive is wiped.
pub fn archive(files: &[(&str, &[u8])]) -> Zeroizing<Vec<u8>> {
    let size: usize = files.iter().map(|(name, content)| content.len() + 2 * name.len() + 80).sum();
    // At its full size from the start: a vector that grows leaves copies behind.
    let mut out = Zeroizing::new(Vec::with_capacity(size + 22));
    let mut directory = Vec::new();
    for (name, content) in files {
        let offset = length(out.len());
        let mut head = Vec::new();
        for word in [20_u16, 0x0800, 0, 0, DATE] {
            head.extend_from_slice(&word.to_le_bytes());
        }
        for word in [crc32(content), length(content.len()), length(content.len())] {
            head.extend_from_slice(&word.to_le_bytes());
        }
        head.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        head.extend_from_slice(&[0, 0]);
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&head);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(content);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&head);
        // No comment, one disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let (start, count) = (length(out.len()), u16::try_from(files.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&length(directory.len()).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// CRC-32 as in ISO 3309, bit by bit: what goes in here is small.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn another_program_reads_the_archive() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.zip");
        std::fs::write(&path, archive(&[("a.pem", b"first\n"), ("Schl\u{fc}ssel.key", &[0; 5_000])])).unwrap();
        let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
            print([(i.filename, i.file_size) for i in z.infolist()], z.read('a.pem'))";
        let output = std::process::Command::new("python3").args(["-c", script]).arg(&path).output();
        let Ok(output) = output else { return };
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told.trim(), "[('a.pem', 6), ('Schl\u{fc}ssel.key', 5000)] b'first\\n'", "{:?}", output.stderr);
    }
}
