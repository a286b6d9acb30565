//! One value: from whatever a layer holds to a type that cannot be wrong.

use std::time::Duration;

use figment::value::Value;

use super::duration;
use super::key::{Key, ValueKind};
use crate::base::Address;
use crate::base::endpoint::META_HTTP_PORT;

/// A checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    Unset,
    Bool(bool),
    Text(String),
    Duration(Duration),
    Count(u64),
    List(Vec<String>),
    Addresses(Vec<Address>),
    Bind(Bind),
}

/// Where to listen: all addresses, or one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// As written, without brackets; `None` for `:8091`, `0.0.0.0:8091` stays `0.0.0.0`.
    pub host: Option<String>,
    pub port: u16,
}

impl std::fmt::Display for Bind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.host {
            None => write!(f, ":{}", self.port),
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
        }
    }
}

/// What a text layer (variables, flags, defaults) gives, in the shape that TOML would have.
pub(super) fn from_text(kind: &ValueKind, text: &str) -> Value {
    match kind {
        ValueKind::Bool => match text {
            "1" | "t" | "T" | "true" | "True" | "TRUE" => Value::from(true),
            "0" | "f" | "F" | "false" | "False" | "FALSE" => Value::from(false),
            other => Value::from(other),
        },
        ValueKind::Count => text
            .trim()
            .parse::<u64>()
            .map_or_else(|_| Value::from(text), Value::from),
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

/// Checks a value against its key.
///
/// # Errors
/// One sentence for each thing wrong; it begins behind the value: `has a scheme: …`.
pub(super) fn check(key: &Key, value: &Value) -> Result<Setting, Vec<String>> {
    if is_empty(value) {
        return Ok(Setting::Unset);
    }
    let one = |result: Result<Setting, String>| result.map_err(|why| vec![why]);
    match (key.kind, value) {
        (ValueKind::Bool, Value::Bool(_, on)) => Ok(Setting::Bool(*on)),
        (ValueKind::Count, Value::Num(..)) => one(count(value)),
        (ValueKind::Texts, Value::Array(_, items)) => one(texts(items).map(Setting::List)),
        (ValueKind::Addresses { port }, Value::Array(_, items)) => addresses(items, port),
        (ValueKind::Duration { .. }, Value::Num(_, number)) if number.to_u128() == Some(0) => {
            one(span("0", &key.kind))
        }
        (ValueKind::Duration { .. }, Value::String(_, text)) => one(span(text, &key.kind)),
        (ValueKind::Bind, Value::String(_, text)) => one(bind(text).map(Setting::Bind)),
        (ValueKind::Host, Value::String(_, text)) => one(host(text)),
        (ValueKind::Choice(choices), Value::String(_, text)) => one(choice(text, choices)),
        (ValueKind::PasswordHash, Value::String(_, text)) => one(password_hash(text)),
        (ValueKind::Text, Value::String(_, text)) => Ok(Setting::Text(text.clone())),
        (kind, value) => Err(vec![wrong_type(&kind, value)]),
    }
}

fn wrong_type(kind: &ValueKind, value: &Value) -> String {
    if matches!((kind, value), (ValueKind::Duration { .. }, Value::Num(..))) {
        return "has no unit".into();
    }
    let found = match value {
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
        ValueKind::Texts | ValueKind::Addresses { .. } => "a list",
        _ => "text in quotes",
    };
    format!("is {found}, not {wanted}")
}

/// Empty texts and lists count as unset in every layer, as empty variables do.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(_, text) => text.is_empty(),
        Value::Array(_, items) => items.is_empty(),
        _ => false,
    }
}

fn count(value: &Value) -> Result<Setting, String> {
    let whole = value.to_u128().and_then(|n| u64::try_from(n).ok());
    let signed = value.to_i128().and_then(|n| u64::try_from(n).ok());
    whole
        .or(signed)
        .map(Setting::Count)
        .ok_or_else(|| "is no whole number from 0 on".into())
}

fn span(text: &str, kind: &ValueKind) -> Result<Setting, String> {
    let value = duration::parse(text.trim())?;
    match kind {
        ValueKind::Duration { at_least } if value < *at_least => Err("is too short".into()),
        _ => Ok(Setting::Duration(value)),
    }
}

fn texts(items: &[Value]) -> Result<Vec<String>, String> {
    let text = |item: &Value| item.as_str().map(str::trim).map(str::to_owned);
    let texts: Option<Vec<_>> = items.iter().map(text).collect();
    let texts = texts.ok_or("has an element that is no text in quotes")?;
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Every bad element is named; order is kept, a second spelling of one address is dropped.
fn addresses(items: &[Value], port: u16) -> Result<Setting, Vec<String>> {
    let mut addresses = Vec::new();
    let mut wrong = Vec::new();
    for text in texts(items).map_err(|why| vec![why])? {
        match Address::parse(&text, port) {
            Ok(address) if addresses.contains(&address) => {}
            Ok(address) => addresses.push(address),
            Err(error) => wrong.push(format!("has an element that is no address: {error}")),
        }
    }
    match (wrong.is_empty(), addresses.is_empty()) {
        (false, _) => Err(wrong),
        (true, true) => Ok(Setting::Unset),
        (true, false) => Ok(Setting::Addresses(addresses)),
    }
}

fn bind(text: &str) -> Result<Bind, String> {
    let (host, port) = text.rsplit_once(':').ok_or("has no port")?;
    let port = port
        .parse::<u16>()
        .map_err(|_| "has a port that is no number from 0 to 65535")?;
    if host.is_empty() {
        return Ok(Bind { host: None, port });
    }
    let address = Address::parse(text, port).or_else(|error| match port {
        // Port 0 lets the system choose: no address to dial, but one to bind.
        0 => Address::parse(host, 1),
        _ => Err(error),
    });
    match address {
        Ok(address) => Ok(Bind {
            host: Some(address.host().to_owned()),
            port,
        }),
        Err(error) => Err(format!("is no address: {error}")),
    }
}

fn host(text: &str) -> Result<Setting, String> {
    match Address::parse(text, META_HTTP_PORT) {
        Ok(address) if address == Address::new(text, META_HTTP_PORT) => {
            Ok(Setting::Text(address.host().to_owned()))
        }
        Ok(_) => Err("has a port".into()),
        Err(error) => Err(format!("is no host: {error}")),
    }
}

fn choice(text: &str, choices: &[&str]) -> Result<Setting, String> {
    let found = choices
        .iter()
        .find(|choice| choice.eq_ignore_ascii_case(text));
    found
        .map(|choice| Setting::Text((*choice).to_owned()))
        .ok_or_else(|| "is none of them".into())
}

/// enterprise.md 5.4: scheme, then options with their ranges.
fn password_hash(text: &str) -> Result<Setting, String> {
    let mut parts = text.split(';').map(str::trim);
    let options: &[(&str, u64, u64)] = match parts.next() {
        Some("bcrypt") => &[("cost", 4, 31)],
        Some("pbkdf2-sha256" | "pbkdf2-sha512") => {
            &[("rounds", 1, 4_294_967_295), ("salt_len", 1, 1024)]
        }
        _ => return Err("has an unknown scheme".into()),
    };
    for part in parts {
        let (name, number) = part
            .split_once('=')
            .ok_or_else(|| format!("has {part:?}, not option=number"))?;
        let range = options.iter().find(|(option, ..)| *option == name);
        let (_, least, most) = range.ok_or_else(|| format!("has the unknown option {name:?}"))?;
        if !number
            .parse::<u64>()
            .is_ok_and(|n| (*least..=*most).contains(&n))
        {
            return Err(format!("has {name}={number}, allowed is {least} to {most}"));
        }
    }
    Ok(Setting::Text(text.to_owned()))
}

/// A value as people would write it in the file.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Char(_, c) => format!("{c:?}"),
        Value::Bool(_, on) => on.to_string(),
        Value::Num(..) => match (value.to_i128(), value.to_u128(), value.to_f64()) {
            (Some(n), ..) => n.to_string(),
            (_, Some(n), _) => n.to_string(),
            (.., n) => n.map_or_else(|| "a number".into(), |n| n.to_string()),
        },
        Value::Array(_, items) => format!(
            "[{}]",
            items.iter().map(show).collect::<Vec<_>>().join(", ")
        ),
        Value::Dict(..) => "{…}".into(),
        Value::Empty(..) => "nothing".into(),
    }
}
