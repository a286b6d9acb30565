//! What a configuration key is. The table of all keys is in `keys.rs`.

use std::time::Duration;

/// One key. Its row in the table drives the TOML name, the variable, the flag, the printing and the
/// manual.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `meta`; empty for keys above the first section.
    pub section: &'static str,
    /// `http-bind-address`; a dot goes into an inline table: `https-root-ca.paths`.
    pub name: &'static str,
    pub kind: ValueKind,
    /// As text, the way a variable would give it. Empty: unset.
    pub default: &'static str,
    /// Whether `influxd-meta run` has a flag of this name.
    pub flag: bool,
    /// Never printed, and may come from a file named by the variable with `_FILE` at its end.
    pub secret: bool,
    pub effect: Effect,
    /// What it is for, one line, for the manual and `influxd-meta config`.
    pub help: &'static str,
}

/// What values a key takes.
#[derive(Clone, Copy, Debug)]
pub enum ValueKind {
    Bool,
    /// Any text; empty is unset.
    Text,
    /// A host name or IP address without a port.
    Host,
    /// `:8091`, `host:8091`, `[::]:8091`.
    Bind,
    /// Go syntax: `1m30s`, `500ms`; `0` needs no unit.
    Duration {
        at_least: Duration,
    },
    Count,
    Choice(&'static [&'static str]),
    /// `<scheme>[;option=number]…`
    PasswordHash,
    Texts,
    /// Addresses of meta nodes' HTTP API.
    /// Where an element names no port, this one.
    Addresses {
        port: u16,
    },
}

/// What setting a key does in this version.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    Works,
    /// Nothing here depends on it; a value other than the default is reported with this reason.
    None(&'static str),
    /// Holds whatever is set: never reported.
    AlwaysTrue(&'static str),
    /// Asks for a protection that is not built yet: a value other than the default stops the start.
    Protection(&'static str),
}

impl Key {
    pub(super) const fn new(
        section: &'static str,
        name: &'static str,
        kind: ValueKind,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            section,
            name,
            kind,
            default,
            flag: false,
            secret: false,
            effect: Effect::Works,
            help,
        }
    }

    pub(super) const fn flag(mut self) -> Self {
        self.flag = true;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(super) const fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// `meta.http-bind-address`: the place in the merged tree.
    pub fn path(&self) -> String {
        if self.section.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.section, self.name)
        }
    }

    /// `INFLUXDB_META_HTTP_BIND_ADDRESS`.
    pub fn variable(&self) -> String {
        format!(
            "INFLUXDB_{}",
            self.path().to_ascii_uppercase().replace(['-', '.'], "_")
        )
    }
}

/// `[meta] dir`, `hostname`: how people write it.
impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.section.is_empty() {
            write!(f, "[{}] ", self.section)?;
        }
        f.write_str(self.name)
    }
}

impl ValueKind {
    /// What is allowed, in words, for messages and the manual.
    pub fn allowed(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Text => "text".into(),
            Self::Host => "a host name or IP address, without a port".into(),
            Self::Bind => "host:port, or :port for all addresses".into(),
            Self::Duration { at_least } if at_least.is_zero() => {
                "a duration like 500ms or 1m30s, or 0".into()
            }
            Self::Duration { at_least } => {
                format!(
                    "a duration like 500ms or 1m30s, at least {}",
                    super::duration::print(*at_least)
                )
            }
            Self::Count => "a whole number".into(),
            Self::Choice(choices) => choices.join(", "),
            Self::PasswordHash => {
                "bcrypt, pbkdf2-sha256 or pbkdf2-sha512, with ;option=number".into()
            }
            Self::Texts => "a list of texts (in a variable: separated by commas)".into(),
            Self::Addresses { .. } => {
                "a list of host or host:port (in a variable: separated by commas)".into()
            }
        }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::Texts | Self::Addresses { .. })
    }
}
