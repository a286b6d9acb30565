//! Checking one value: from the value of a layer to a [`Setting`].

use std::collections::BTreeMap;

use figment::value::{Num, Value};

use super::duration::{self, DurationError};
use super::key::{KeySpec, ValueKind};
use super::setting::{Bind, Setting};
use super::size;
use crate::base::endpoint::META_HTTP_PORT;
use crate::base::{Address, AddressError};

/// Converts the text of a variable, a flag or a default to the value that TOML would have.
pub(super) fn from_text(kind: &ValueKind, text: &str) -> Value {
    match kind {
        ValueKind::Bool => match text.trim() {
            "1" | "t" | "T" | "true" | "True" | "TRUE" => Value::from(true),
            "0" | "f" | "F" | "false" | "False" | "FALSE" => Value::from(false),
            other => Value::from(other),
        },
        ValueKind::Count => text
            .trim()
            .parse::<u64>()
            .ok()
            .and_then(|count| i64::try_from(count).ok())
            .map_or_else(|| Value::from(text), Value::from),
        ValueKind::Texts | ValueKind::Addresses { .. } => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Value::from(items.map(Value::from).collect::<Vec<_>>())
        }
        _ => Value::from(text),
    }
}

/// Cuts blanks and line ends at both ends of a text, or of the texts of a list.
pub(super) fn trimmed(value: Value) -> Value {
    match value {
        Value::String(tag, text) => Value::String(tag, text.trim().to_owned()),
        Value::Array(tag, items) => Value::Array(tag, items.into_iter().map(trimmed).collect()),
        other => other,
    }
}

/// Reason why a value is refused. Each text continues a sentence that begins with the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("is {found}, not {wanted}")]
    WrongType {
        found: &'static str,
        wanted: &'static str,
    },
    #[error("is no whole number from 0 on")]
    NoCount,
    #[error("has no unit")]
    NoUnit,
    #[error(transparent)]
    Duration(#[from] DurationError),
    #[error("is too short")]
    TooShort,
    #[error("is no number of bytes, and none with the unit k, m or g")]
    NoSize,
    #[error("is too small")]
    TooSmall,
    #[error("is too large")]
    TooLarge,
    #[error("has quotes: write it without them")]
    Quoted,
    #[error("has a placeholder that nothing has replaced")]
    Placeholder,
    #[error("is relative: write the whole path, from / on")]
    RelativePath,
    #[error("has an element that is no text in quotes")]
    ElementNoText,
    #[error("has an element that is no address: {0}")]
    ElementNoAddress(AddressError),
    #[error("has no port")]
    NoPort,
    #[error("has a port that is no number from 0 to 65535")]
    BadPort,
    #[error("is no address: {0}")]
    NoAddress(AddressError),
    #[error("has a port")]
    HasPort,
    #[error("is no host: {0}")]
    NoHost(AddressError),
    #[error("is none of them")]
    NoChoice,
    #[error("has an unknown scheme")]
    UnknownScheme,
    #[error("has {part:?}, not option=number")]
    NoOption { part: String },
    #[error("has the unknown option {name:?}")]
    UnknownOption { name: String },
    #[error("has {option}={value}, allowed is {least} to {most}")]
    OptionOutOfRange {
        option: &'static str,
        value: String,
        least: u64,
        most: u64,
    },
}

/// Checks a value against its key.
///
/// # Errors
/// Everything wrong with it.
pub(super) fn check(key: &KeySpec, value: &Value) -> Result<Setting, Vec<ValueError>> {
    if is_empty(value) {
        return Ok(Setting::Unset);
    }
    if let Some(error) = text_fault(key, value) {
        return Err(vec![error]);
    }
    match (key.kind, value) {
        (ValueKind::Addresses { port }, Value::Array(_, items)) => addresses(items, port),
        (kind, value) => single(&kind, value).map_err(|error| vec![error]),
    }
}

/// Finds what a tool or a person left in a text by mistake: quotes around it (`--env-file` keeps
/// them), or a placeholder of a template. Elements of a list of addresses are checked by
/// [`Address::parse`].
fn text_fault(key: &KeySpec, value: &Value) -> Option<ValueError> {
    match value {
        Value::String(_, text) if is_quoted(text) => Some(ValueError::Quoted),
        // A part of a random secret may look like a placeholder.
        Value::String(_, text) if key.secret => {
            (placeholder(text)? == text.as_str()).then_some(ValueError::Placeholder)
        }
        Value::String(_, text) => placeholder(text).map(|_| ValueError::Placeholder),
        Value::Array(_, items) if matches!(key.kind, ValueKind::Texts) => {
            items.iter().find_map(|item| text_fault(key, item))
        }
        _ => None,
    }
}

fn is_quoted(text: &str) -> bool {
    let mut chars = text.chars();
    let ends = (chars.next(), chars.next_back());
    matches!(ends, (Some(first), Some(last)) if first == last && matches!(first, '"' | '\'' | '`'))
}

/// Returns the first `${…}`, `{{…}}` or `<__…__>`.
fn placeholder(text: &str) -> Option<&str> {
    [("${", "}"), ("{{", "}}"), ("<__", "__>")]
        .iter()
        .find_map(|(open, close)| {
            let (_, from) = text.split_at(text.find(open)?);
            from.get(..from.find(close)? + close.len())
        })
}

fn single(kind: &ValueKind, value: &Value) -> Result<Setting, ValueError> {
    match (kind, value) {
        (ValueKind::Bool, Value::Bool(_, on)) => Ok(Setting::Bool(*on)),
        (ValueKind::Count, Value::Num(_, number)) => number
            .to_u128_lossy()
            .and_then(|count| u64::try_from(count).ok())
            .map(Setting::Count)
            .ok_or(ValueError::NoCount),
        (ValueKind::Size { .. }, Value::Num(_, number)) => bytes(&show_number(number), kind),
        (ValueKind::Size { .. }, Value::String(_, text)) => bytes(text, kind),
        (ValueKind::Texts, Value::Array(_, items)) => texts(items).map(Setting::List),
        (ValueKind::Duration { .. }, Value::Num(_, number)) => match number.to_u128_lossy() {
            Some(0) => span("0", kind),
            _ => Err(ValueError::NoUnit),
        },
        (ValueKind::Duration { .. }, Value::String(_, text)) => span(text, kind),
        (ValueKind::Bind, Value::String(_, text)) => bind(text).map(Setting::Bind),
        (ValueKind::Host, Value::String(_, text)) => host(text),
        (ValueKind::Choice(choices), Value::String(_, text)) => choice(text, choices),
        (ValueKind::PasswordHash, Value::String(_, text)) => password_hash(text),
        (ValueKind::AbsolutePath, Value::String(_, text)) => match text.starts_with('/') {
            true => Ok(Setting::Text(text.clone())),
            false => Err(ValueError::RelativePath),
        },
        (ValueKind::Text, Value::String(_, text)) => Ok(Setting::Text(text.clone())),
        (kind, value) => Err(wrong_type(kind, value)),
    }
}

fn wrong_type(kind: &ValueKind, value: &Value) -> ValueError {
    let found = match value {
        value if is_date(value) => "a date",
        Value::String(..) | Value::Char(..) => "text",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "a number",
        Value::Array(..) => "a list",
        Value::Dict(..) => "a table",
        Value::Empty(..) => "nothing",
    };
    let wanted = match kind {
        ValueKind::Bool => "true or false",
        ValueKind::Count => "a whole number",
        ValueKind::Size { .. } => "a size",
        ValueKind::Texts | ValueKind::Addresses { .. } => "a list",
        _ => "text in quotes",
    };
    ValueError::WrongType { found, wanted }
}

/// Whether the value is a date. figment has no dates: its TOML reader turns one into a table with
/// one entry.
pub(super) fn is_date(value: &Value) -> bool {
    value.find_ref(DATE).is_some()
}

/// Key of that entry.
const DATE: &str = "$__toml_private_datetime";

/// Whether the value counts as unset: an empty text or list, in every layer.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(_, text) => text.is_empty(),
        Value::Array(_, items) => items.is_empty(),
        _ => false,
    }
}

fn span(text: &str, kind: &ValueKind) -> Result<Setting, ValueError> {
    let value = duration::parse(text.trim())?;
    match kind {
        ValueKind::Duration { at_least } if value < *at_least => Err(ValueError::TooShort),
        _ => Ok(Setting::Duration(value)),
    }
}

fn bytes(text: &str, kind: &ValueKind) -> Result<Setting, ValueError> {
    let bytes = size::parse(text.trim()).ok_or(ValueError::NoSize)?;
    match kind {
        ValueKind::Size { at_least, .. } if bytes < *at_least => Err(ValueError::TooSmall),
        ValueKind::Size { at_most, .. } if bytes > *at_most => Err(ValueError::TooLarge),
        _ => Ok(Setting::Size(bytes)),
    }
}

fn texts(items: &[Value]) -> Result<Vec<String>, ValueError> {
    let text = |item: &Value| item.as_str().map(str::trim).map(str::to_owned);
    let texts: Option<Vec<_>> = items.iter().map(text).collect();
    let texts = texts.ok_or(ValueError::ElementNoText)?;
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Reports every bad element. Keeps the order, and drops an address that is listed twice.
fn addresses(items: &[Value], port: u16) -> Result<Setting, Vec<ValueError>> {
    let mut addresses = Vec::new();
    let mut wrong = Vec::new();
    for text in texts(items).map_err(|error| vec![error])? {
        match Address::parse(&text, port) {
            Ok(address) if addresses.contains(&address) => {}
            Ok(address) => addresses.push(address),
            Err(error) => wrong.push(ValueError::ElementNoAddress(error)),
        }
    }
    match (wrong.is_empty(), addresses.is_empty()) {
        (false, _) => Err(wrong),
        (true, true) => Ok(Setting::Unset),
        (true, false) => Ok(Setting::Addresses(addresses)),
    }
}

fn bind(text: &str) -> Result<Bind, ValueError> {
    let (host, port) = text.rsplit_once(':').ok_or(ValueError::NoPort)?;
    let port = port.parse::<u16>().map_err(|_| ValueError::BadPort)?;
    if host.is_empty() {
        return Ok(Bind { host: None, port });
    }
    let address = Address::parse(text, port).or_else(|error| match port {
        // Port 0 lets the system choose. It can be bound, though it cannot be dialled.
        0 => Address::parse(host, 1),
        _ => Err(error),
    });
    match address {
        Ok(address) => Ok(Bind {
            host: Some(address.host().to_owned()),
            port,
        }),
        Err(error) => Err(ValueError::NoAddress(error)),
    }
}

fn host(text: &str) -> Result<Setting, ValueError> {
    match Address::parse(text, META_HTTP_PORT) {
        Ok(address) if address == Address::new(text, META_HTTP_PORT) => {
            Ok(Setting::Text(address.host().to_owned()))
        }
        Ok(_) => Err(ValueError::HasPort),
        Err(error) => Err(ValueError::NoHost(error)),
    }
}

fn choice(text: &str, choices: &[&str]) -> Result<Setting, ValueError> {
    let found = choices
        .iter()
        .find(|choice| choice.eq_ignore_ascii_case(text));
    found
        .map(|choice| Setting::Text((*choice).to_owned()))
        .ok_or(ValueError::NoChoice)
}

/// Checks a password-hash: a scheme, then options as `;name=number`, each within its range. Options
/// that are left out have defaults. Returns the text with the options in alphabetical order and
/// without those that have their default, so that equal meanings are equal.
fn password_hash(text: &str) -> Result<Setting, ValueError> {
    let mut parts = text.split(';').map(str::trim);
    let scheme = parts.next().unwrap_or_default();
    let options: &[PasswordOption] = match scheme {
        "bcrypt" => &[("cost", 4, 31, 10)],
        "pbkdf2-sha256" | "pbkdf2-sha512" => &[
            ("rounds", 1, 4_294_967_295, 29_000),
            ("salt_len", 1, 1024, 16),
        ],
        _ => return Err(ValueError::UnknownScheme),
    };
    let mut set = BTreeMap::new();
    for part in parts {
        let (name, number) = part.split_once('=').ok_or_else(|| ValueError::NoOption {
            part: part.to_owned(),
        })?;
        let range = options.iter().find(|(option, ..)| *option == name);
        let &(option, least, most, default) = range.ok_or_else(|| ValueError::UnknownOption {
            name: name.to_owned(),
        })?;
        let parsed = number.parse::<u64>().ok();
        let parsed = parsed.filter(|n| (least..=most).contains(n));
        let number = parsed.ok_or_else(|| ValueError::OptionOutOfRange {
            option,
            value: number.to_owned(),
            least,
            most,
        })?;
        set.insert(option, (number, default));
    }
    let set = set
        .iter()
        .filter(|(_, (number, default))| number != default);
    let set: String = set
        .map(|(option, (number, _))| format!(";{option}={number}"))
        .collect();
    Ok(Setting::Text(format!("{scheme}{set}")))
}

/// Name, lowest and highest value, default.
type PasswordOption = (&'static str, u64, u64, u64);

fn show_number(number: &Num) -> String {
    match (number.to_i128(), number.to_f64()) {
        (Some(number), _) => number.to_string(),
        (_, Some(number)) => number.to_string(),
        _ => "a number".into(),
    }
}

/// Formats a value as in the file.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Char(_, char) => format!("{char:?}"),
        Value::Bool(_, on) => on.to_string(),
        Value::Num(_, number) => show_number(number),
        Value::Array(_, items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Dict(..) => match value.find_ref(DATE) {
            Some(Value::String(_, date)) => date.clone(),
            _ => "{…}".into(),
        },
        Value::Empty(..) => "nothing".into(),
    }
}
