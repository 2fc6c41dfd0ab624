//! Every limit of the domain with its default, in one place.

/// Characters in a name that people choose.
pub const NAME_CHARS: usize = 200;
/// Characters in a description.
pub const DESCRIPTION_CHARS: usize = 2_000;
/// Rows on one page.
pub const PAGE_ROWS: usize = 1_000;
/// Bytes of the value by which a list is ordered that a cursor holds: subjects' common names have 64 characters at most (RFC 5280).
pub const CURSOR_BYTES: usize = 600;
/// Characters of a search text.
pub const SEARCH_CHARS: usize = 500;
/// Certificates of a large selection that are counted for its facets.
pub const FACETED: usize = 32_768;
/// Saved views of one person.
pub const VIEWS: i64 = 200;
/// Words of a search text.
pub const SEARCH_WORDS: usize = 16;
/// Characters of a query.
pub const QUERY_CHARS: usize = 16_000;
/// Bytes of a pattern that a text is looked for by: SQLite takes no longer ones.
pub const PATTERN_BYTES: usize = 50_000;
/// Comparisons in a query; each value of `-in` counts as one.
pub const QUERY_TERMS: usize = 500;
/// Parentheses inside each other in a query.
pub const QUERY_DEPTH: usize = 32;
/// Collections: each is evaluated when a certificate's collections are told.
pub const COLLECTIONS: i64 = 5_000;
/// DNS names in one managed certificate (the limit of the large public authorities).
pub const MANAGED_NAMES: usize = 100;
/// Bytes of one certificate.
pub const CERTIFICATE_BYTES: usize = 256 * 1024;
/// Certificates written in one transaction of an import.
pub const IMPORT_CHUNK: usize = 256;
/// Permission paths in one role or set.
pub const PATHS: usize = 5_000;
/// Characters of one permission path.
pub const PATH_CHARS: usize = 200;
/// Shortest password.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, in bytes: Argon2 reads all of it, so a bound keeps sign-in cheap.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Failed sign-ins of one account from one address before a lock-out.
pub const SIGN_IN_FAILURES: i64 = 5;
/// How long a lock-out lasts, and how long failures are remembered: 15 minutes.
pub const LOCK_OUT_MS: i64 = 15 * 60_000;
/// A browser session's whole life: 12 hours.
pub const SESSION_MS: i64 = 12 * 3_600_000;
/// A browser session without a request: 2 hours.
pub const SESSION_IDLE_MS: i64 = 2 * 3_600_000;
/// Live API tokens of one principal.
pub const TOKENS: i64 = 1_000;
/// Live API clients of one principal.
pub const API_CLIENTS: i64 = 100;
/// The life of an access token that an API client was given: 1 hour.
pub const ACCESS_TOKEN_MS: i64 = 3_600_000;
/// Certificates under names, of each kind.
pub const NAMED: i64 = 10_000;
/// The longest life of a token that was given for a name and a password: 14 days.
pub const BOUND_TOKEN_MS: i64 = 14 * 86_400_000;
/// Characters of what such a token is bound to.
pub const BOUND_TO_CHARS: usize = 2_000;
/// Sign-ins with a name and a password in every request are recorded once in this time for each account: 1 hour.
pub const SIGN_IN_QUIET_MS: i64 = 3_600_000;
/// Longest lease of a job without a heartbeat.
pub const LEASE_MS: i64 = 60_000;
/// Arguments of a deployment command.
pub const COMMAND_ARGUMENTS: usize = 64;
/// Characters of the reason that somebody gives for what they do.
pub const REASON_CHARS: usize = 1_000;
/// Shortest password of a file with a private key.
pub const EXPORT_PASSWORD_CHARS_MIN: usize = 8;
/// Characters of an error kept for display.
pub const ERROR_CHARS: usize = 4_000;
/// Metadata fields of one installation, and fields changed at once.
pub const METADATA_FIELDS: i64 = 250;
/// Characters in the name of a metadata field.
pub const METADATA_NAME_CHARS: usize = 100;
/// Characters of a metadata value.
pub const METADATA_VALUE_CHARS: usize = 400;
/// Characters of a metadata value of several lines.
pub const METADATA_BIG_TEXT_CHARS: usize = 4_000;
/// Characters of a mail address (RFC 5321 section 4.5.3.1.3, without the angle brackets).
pub const METADATA_EMAIL_CHARS: usize = 254;
/// Characters of a metadata value by which it is compared and ordered: an index entry of PostgreSQL has at most 2,704 bytes.
pub const METADATA_SORT_CHARS: usize = 256;
/// Options of one multiple choice.
pub const METADATA_OPTIONS: usize = 500;
/// Values that are rewritten in one transaction when their field gets another type.
pub const METADATA_CONVERTED: i64 = 20_000;
/// Characters of a regular expression.
pub const REGEX_CHARS: usize = 400;
/// Bytes of a compiled regular expression.
pub const REGEX_BYTES: usize = 1024 * 1024;
/// Nesting of a regular expression.
pub const REGEX_NESTING: u32 = 50;
/// Examples beside a count.
pub const EXAMPLES: usize = 20;
/// Certificates that the preview of an edit of many shows with what would change.
pub const PREVIEW_SAMPLE: usize = 100;
/// Certificates that an edit of many changes in one transaction.
pub const BULK_CHUNK: i64 = 256;
/// Certificates that an edit of many notes in one transaction while it selects, or looks at in one step of a preview.
pub const BULK_SELECTED: i64 = 2_048;
/// Certificates that can be named one by one in an edit of many.
pub const BULK_NAMED: usize = 10_000;
/// Edits of many certificates that are not finished.
pub const BULK_OPEN: i64 = 100;
/// Different reasons that an edit of many keeps with their counts.
pub const BULK_REASONS: usize = 50;
/// Authorities of one name that are looked at for one chain.
pub const CHAIN_SAME_NAME: usize = 32;
/// Authorities that are looked at for the chains of one certificate.
pub const CHAIN_AUTHORITIES: usize = 128;
/// Certificates of one trust set.
pub const TRUST_SET_MEMBERS: usize = 1_000;
/// Trust sets by which a certificate is judged at once.
pub const TRUST_SETS_JUDGED: usize = 16;
/// Containers of certificate stores.
pub const CONTAINERS: i64 = 5_000;
/// Certificate stores of one installation.
pub const STORES: i64 = 50_000;
/// Characters in the name of an entry of a store.
pub const ALIAS_CHARS: usize = 200;
/// Bytes of the path of a store.
pub const STORE_PATH_BYTES: usize = 2_000;
/// Entries of one store.
pub const STORE_ENTRIES: usize = 10_000;
/// Jobs of one store that are not finished.
pub const STORE_JOBS: i64 = 1_000;
/// Parts of a store that could not be read, as they are kept.
pub const STORE_PROBLEMS: usize = 50;
/// Shortest password of a store: what `keytool` asks for.
pub const STORE_PASSWORD_CHARS_MIN: usize = 6;
/// Stores whose inventory is enqueued in one transaction.
pub const STORES_DUE: i64 = 256;
/// Enrolment patterns of one installation.
pub const PATTERNS: i64 = 1_000;
/// Roles whose holders may enrol with one pattern.
pub const PATTERN_ROLES: usize = 200;
/// Characters of the sentence that a rule of a pattern says.
pub const RULE_MESSAGE_CHARS: usize = 400;
/// Identity providers of one installation.
pub const IDENTITY_PROVIDERS: i64 = 50;
/// Audiences of one identity provider.
pub const AUDIENCES: usize = 20;
/// Characters of an issuer's address.
pub const ISSUER_CHARS: usize = 500;
/// Bytes of the authorities by which a provider's TLS is believed.
pub const ROOTS_BYTES: usize = 256 * 1024;
/// Bytes of a token of an identity provider.
pub const EXTERNAL_TOKEN_BYTES: usize = 16 * 1024;
/// Bytes of the name of the key that such a token is signed with.
pub const KEY_ID_BYTES: usize = 1_024;
/// Keys in the key set of a provider.
pub const PROVIDER_KEYS: usize = 100;
/// Claims that are taken from one token.
pub const EXTERNAL_CLAIMS: usize = 500;
/// Bytes of a provider's lasting name for somebody (OpenID Connect Core section 2: 255 characters of ASCII).
pub const SUBJECT_BYTES: usize = 255;
/// How far the clocks of a provider and of this server may be apart: 1 minute.
pub const CLOCK_LEEWAY_MS: i64 = 60_000;
/// How long what a sign-in said counts for the work that it started: 1 day.
pub const SAID_MS: i64 = 24 * 3_600_000;
/// Accounts of people and programs who are known through identity providers.
pub const EXTERNAL_ACCOUNTS: i64 = 50_000;
/// Certificates that are excluded from imports.
pub const EXCLUSIONS: i64 = 10_000;
