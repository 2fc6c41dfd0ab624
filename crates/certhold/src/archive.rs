//! The file that `certhold backup` writes, and copies of whole databases.
//!
//! A file is a gzip stream of frames: a byte for the kind, the length in four bytes (big-endian), the content. `H` says what
//! file this is, `T` begins a table, `R` has rows of it (a count in four bytes, then the cells), `E` ends it with its number of
//! rows and digest, `M` has the manifest, and `D` ends the file with the SHA-256 of everything before it. The frames `H`, `T`,
//! `E` and `M` are JSON. Cells are as `certhold_store::transfer` writes them.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use certhold_domain::{DERIVED_TABLES, MIGRATIONS, hex};
use certhold_store::transfer::{Chunk, Content, Digester, Reader, Table, Writer};
use certhold_store::{Location, params};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What a file of this kind calls itself.
const FORMAT: &str = "certhold backup 1";
/// A frame is a chunk of rows and little more; a longer one is damage.
const FRAME_MAX: u32 = 1 << 30;

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: String,
    created_at: i64,
    /// The last migration of the database.
    schema: i64,
}

#[derive(Serialize, Deserialize)]
struct TableBegin {
    table: String,
    columns: Vec<String>,
}

/// How much a table holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct TableEnd {
    table: String,
    rows: i64,
    sha256: String,
    /// The last number that was given to a row.
    last_number: Option<i64>,
}

/// What a backup holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The identity of the database.
    pub installation: String,
    /// The last event's number.
    pub seq: i64,
    /// The last event's hash, hexadecimal.
    pub hash: String,
    /// Every table.
    pub tables: Vec<TableEnd>,
}

impl Manifest {
    /// All rows.
    pub fn rows(&self) -> i64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    fn of(reader: &mut Reader) -> Result<Manifest, Failure> {
        let (installation, seq, hash) = reader.tx(|tx| {
            let last = tx.one("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", params![], |row| {
                Ok((row.get::<i64>(0)?, row.get::<[u8; 32]>(1)?))
            })?;
            let (seq, hash) = last.unwrap_or_default();
            Ok::<_, certhold_domain::Error>((certhold_domain::installation(tx)?, seq, hash))
        })?;
        Ok(Manifest { installation, seq, hash: hex(&hash), tables: Vec::new() })
    }
}

/// Digests what passes.
struct Digesting<W> {
    inner: W,
    context: Context,
}

impl<W: Write> Digesting<W> {
    fn frame(&mut self, kind: u8, parts: &[&[u8]]) -> std::io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let length = u32::try_from(length).ok().filter(|length| *length <= FRAME_MAX);
        let length = length.ok_or_else(|| std::io::Error::other("a row is too long for a backup"))?;
        for part in [&[kind][..], &length.to_be_bytes()].into_iter().chain(parts.iter().copied()) {
            self.context.update(part);
            self.inner.write_all(part)?;
        }
        Ok(())
    }

    fn json(&mut self, kind: u8, value: &impl Serialize) -> std::io::Result<()> {
        let text = serde_json::to_vec(value)?;
        self.frame(kind, &[&text])
    }
}

/// Copies a database as it is now to a new file, readable for its owner only; also while a server works on it.
///
/// # Errors
/// When the file exists or cannot be written, or the database cannot be read. Then there is no file.
pub fn write(from: &Location, to: &Path, now: i64) -> Result<Manifest, Failure> {
    let failed = |error: &std::io::Error| Failure::io(to.display(), error);
    if to.exists() {
        return Err(Failure::new(format!("{} exists already: name a new file", to.display())));
    }
    let mut name = to.file_name().ok_or_else(|| Failure::new(format!("{} is not a file name", to.display())))?.to_owned();
    name.push(".part");
    // Under its name only when whole, so that what bears the name is a backup.
    let part = to.with_file_name(name);
    let written = (|| {
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
        let file = opened.map_err(|error| failed(&error))?;
        let manifest = dump(from, &file, now, &failed)?;
        file.sync_all().map_err(|error| failed(&error))?;
        // A link fails where a rename would replace.
        std::fs::hard_link(&part, to).map_err(|error| failed(&error))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| failed(&error))?;
        Ok(manifest)
    })();
    let _ = std::fs::remove_file(&part);
    written
}

fn dump(from: &Location, file: &File, now: i64, failed: &dyn Fn(&std::io::Error) -> Failure) -> Result<Manifest, Failure> {
    let mut reader = Reader::open(from, DERIVED_TABLES)?;
    let mut manifest = Manifest::of(&mut reader)?;
    let inner = GzEncoder::new(BufWriter::new(file), Compression::fast());
    let mut out = Digesting { inner, context: Context::new(&SHA256) };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let header = Header { format: FORMAT.into(), version, created_at: now, schema: reader.schema() };
    out.json(b'H', &header).map_err(|error| failed(&error))?;
    for table in reader.tables().to_vec() {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        out.json(b'T', &TableBegin { table: table.name.clone(), columns }).map_err(|error| failed(&error))?;
        let mut digester = Digester::default();
        reader.read(&table, |chunk| {
            digester.add(chunk);
            let count = u32::try_from(chunk.rows()).unwrap_or(u32::MAX).to_be_bytes();
            out.frame(b'R', &[&count, chunk.bytes()]).map_err(|error| failed(&error))
        })?;
        let end = table_end(&table, &digester.finish(), reader.last_number(&table)?);
        out.json(b'E', &end).map_err(|error| failed(&error))?;
        manifest.tables.push(end);
    }
    out.json(b'M', &manifest).map_err(|error| failed(&error))?;
    let digest = out.context.clone().finish();
    out.frame(b'D', &[digest.as_ref()]).map_err(|error| failed(&error))?;
    out.inner.finish().and_then(|mut buffered| buffered.flush()).map_err(|error| failed(&error))?;
    Ok(manifest)
}

fn table_end(table: &Table, content: &Content, last_number: Option<i64>) -> TableEnd {
    TableEnd { table: table.name.clone(), rows: content.rows, sha256: hex(&content.digest), last_number }
}

/// Where the rows of a copy come from.
pub enum Source {
    /// A file that [`write()`] wrote.
    Archive(Box<Archive>),
    /// A database, also a SQLite file that an earlier version wrote as a backup.
    Database(Box<Reader>),
}

/// A backup file that is being read.
pub struct Archive {
    input: MultiGzDecoder<BufReader<File>>,
    context: Context,
    schema: i64,
}

impl Source {
    /// Recognises a backup by its content.
    ///
    /// # Errors
    /// When it is none.
    pub fn file(path: &Path) -> Result<Source, Failure> {
        let failed = |error: std::io::Error| Failure::io(path.display(), &error);
        let mut start = [0; 16];
        let length = File::open(path).and_then(|file| file.take(16).read(&mut start)).map_err(failed)?;
        if start[..length].starts_with(b"SQLite format 3") {
            return Source::database(&Location::Sqlite(path.to_owned()));
        }
        let input = MultiGzDecoder::new(BufReader::new(File::open(path).map_err(failed)?));
        let mut archive = Archive { input, context: Context::new(&SHA256), schema: 0 };
        let none = || Failure::new("it is no backup of Certhold");
        let Ok((b'H', header)) = archive.frame() else { return Err(none()) };
        let header: Header = serde_json::from_slice(&header).map_err(|_| none())?;
        if header.format != FORMAT {
            return Err(Failure::new(format!("it was made by another version ({}): use that", header.format)));
        }
        archive.schema = header.schema;
        Ok(Source::Archive(Box::new(archive)))
    }

    /// A database as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn database(location: &Location) -> Result<Source, Failure> {
        Ok(Source::Database(Box::new(Reader::open(location, DERIVED_TABLES)?)))
    }

    /// The last migration of the database that was copied.
    fn schema(&self) -> i64 {
        match self {
            Source::Archive(archive) => archive.schema,
            Source::Database(reader) => reader.schema(),
        }
    }
}

impl Archive {
    fn frame(&mut self) -> Result<(u8, Vec<u8>), Failure> {
        let damaged = || Failure::new("it is damaged: it ends too early, or was changed");
        let mut head = [0; 5];
        self.input.read_exact(&mut head).map_err(|_| damaged())?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        if length > FRAME_MAX {
            return Err(damaged());
        }
        let mut content = Vec::new();
        // Read as it comes: a length alone reserves no memory.
        self.input.by_ref().take(length.into()).read_to_end(&mut content).map_err(|_| damaged())?;
        if content.len() as u64 != u64::from(length) {
            return Err(damaged());
        }
        if head[0] == b'D' {
            let digest = self.context.clone().finish();
            return if digest.as_ref() == content { Ok((b'D', content)) } else { Err(damaged()) };
        }
        self.context.update(&head);
        self.context.update(&content);
        Ok((head[0], content))
    }

    fn json<T: for<'a> Deserialize<'a>>(content: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(content).map_err(|_| Failure::new("it is damaged: a frame is not readable"))
    }

    fn load(&mut self, writer: &mut Writer) -> Result<Manifest, Failure> {
        let odd = || Failure::new("it is damaged: its parts are in disorder");
        let mut ends: Vec<TableEnd> = Vec::new();
        let manifest: Manifest = loop {
            match self.frame()? {
                (b'T', content) => {
                    let begin: TableBegin = Archive::json(&content)?;
                    let table = writer.table(&begin.table, &begin.columns)?;
                    ends.push(self.table(writer, &table)?);
                }
                (b'M', content) => break Archive::json(&content)?,
                _ => return Err(odd()),
            }
        };
        let Ok((b'D', _)) = self.frame() else { return Err(odd()) };
        let mut more = [0];
        if self.input.read(&mut more).map_err(|_| odd())? != 0 {
            return Err(odd());
        }
        let named = |ends: &[TableEnd]| ends.iter().map(|end| (end.table.clone(), end.sha256.clone())).collect::<Vec<_>>();
        if named(&ends) == named(&manifest.tables) { Ok(manifest) } else { Err(odd()) }
    }

    fn table(&mut self, writer: &mut Writer, table: &Table) -> Result<TableEnd, Failure> {
        loop {
            match self.frame()? {
                (b'R', content) => {
                    let Some((count, rows)) = content.split_first_chunk::<4>() else {
                        return Err(Failure::new("it is damaged: a frame is not readable"));
                    };
                    let chunk = Chunk::from_parts(u32::from_be_bytes(*count) as usize, rows.to_vec());
                    writer.write(table, &chunk)?;
                }
                (b'E', content) => {
                    let end: TableEnd = Archive::json(&content)?;
                    arrived(writer, table, &end)?;
                    return Ok(end);
                }
                _ => return Err(Failure::new("it is damaged: its parts are in disorder")),
            }
        }
    }
}

/// Reads back what was written: it must be what was read.
fn arrived(writer: &mut Writer, table: &Table, end: &TableEnd) -> Result<(), Failure> {
    let content = writer.content(table)?;
    if content.rows != end.rows || hex(&content.digest) != end.sha256 {
        return Err(Failure::new(format!(
            "the table {} did not arrive as it was: {} rows instead of {}, or others",
            table.name, content.rows, end.rows
        )));
    }
    if let Some(last) = end.last_number {
        writer.set_last_number(table, last)?;
    }
    Ok(())
}

/// Copies everything into an empty database, under the tables that the source had; `check` looks at the copy before anybody
/// else can.
///
/// # Errors
/// When the target is not empty, the source is damaged, or `check` refuses. Then nothing has changed.
pub fn copy<T>(
    mut source: Source,
    to: &Location,
    check: impl FnOnce(&mut Writer) -> Result<T, Failure>,
) -> Result<(Manifest, T), Failure> {
    let schema = usize::try_from(source.schema()).unwrap_or(0);
    let migrations = MIGRATIONS.get(..schema).filter(|known| !known.is_empty());
    let migrations = migrations.ok_or_else(|| {
        Failure::new(format!("it was made by a newer version, with {schema} migrations (this one knows {})", MIGRATIONS.len()))
    })?;
    let mut writer = Writer::open(to, migrations, DERIVED_TABLES)?;
    if writer.tx(certhold_domain::is_prepared)? {
        return Err(Failure::new(format!("{to} holds an installation already: name an empty database")));
    }
    writer.clear()?;
    let manifest = match &mut source {
        Source::Archive(archive) => archive.load(&mut writer)?,
        Source::Database(reader) => {
            let mut manifest = Manifest::of(reader)?;
            for from in reader.tables().to_vec() {
                let columns: Vec<String> = from.columns.iter().map(|column| column.name.clone()).collect();
                let table = writer.table(&from.name, &columns)?;
                let mut digester = Digester::default();
                reader.read(&from, |chunk| {
                    digester.add(chunk);
                    writer.write(&table, chunk).map_err(Failure::from)
                })?;
                let end = table_end(&table, &digester.finish(), reader.last_number(&from)?);
                arrived(&mut writer, &table, &end)?;
                manifest.tables.push(end);
            }
            manifest
        }
    };
    let checked = check(&mut writer)?;
    writer.tx(certhold_domain::begin_derived_anew)?;
    writer.finish()?;
    Ok((manifest, checked))
}

/// A place for a database that nobody keeps: to look into a backup.
pub fn scratch(beside: &Path) -> PathBuf {
    let mut name = beside.as_os_str().to_owned();
    name.push(format!(".looking-{}", std::process::id()));
    name.into()
}
