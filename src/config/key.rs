//! The shape of a configuration key. The table of all keys is in `keys.rs`.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{duration, size};

/// Handle of one key, with the type of its value: `settings.get(keys::META_DIR)` is a `PathBuf`.
#[derive(Debug)]
pub struct Key<T> {
    pub spec: KeySpec,
    value: PhantomData<fn() -> T>,
}

/// Description of one key. TOML name, variable, flag, printing and manual are all made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// `meta`; empty for keys above the first section.
    pub section: &'static str,
    /// `http-bind-address`. A dot means an inline table: `https-root-ca.paths`.
    pub name: &'static str,
    pub kind: ValueKind,
    /// Text, in the form that a variable would have. Empty: unset.
    pub default: &'static str,
    /// Whether `influxd-meta run` has a flag of this name.
    pub flag: bool,
    /// Never printed. May come from a file: the variable with `_FILE` appended names it.
    pub secret: bool,
    pub effect: Effect,
    /// Purpose of the key in one line, for the manual and `influxd-meta config`.
    pub help: &'static str,
}

/// The kinds of values that keys take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    Bool,
    /// Any text; empty is unset.
    Text,
    /// A path that begins with `/`.
    AbsolutePath,
    /// A host name or IP address without a port.
    Host,
    /// `:8091`, `host:8091`, `[::]:8091`.
    Bind,
    /// Go syntax: `1m30s`, `500ms`; `0` needs no unit.
    Duration {
        at_least: Duration,
    },
    Count,
    /// A number of bytes, or one with the unit k, m or g.
    Size {
        at_least: u64,
        at_most: u64,
    },
    Choice(&'static [&'static str]),
    /// `<scheme>[;option=number]…`
    PasswordHash,
    Texts,
    /// A list of hosts with ports. `port` is used for elements without a port.
    Addresses {
        port: u16,
    },
}

/// The effect that setting a key has in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Works,
    /// Nothing depends on the key. A value other than the default is reported with this reason.
    None(&'static str),
    /// True whatever is set. Never reported.
    AlwaysTrue(&'static str),
    /// Requests a protection that is not built yet: a value other than the default stops the start.
    Protection(&'static str),
}

impl<T> Key<T> {
    pub(super) const fn new(
        section: &'static str,
        name: &'static str,
        kind: ValueKind,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            spec: KeySpec {
                section,
                name,
                kind,
                default,
                flag: false,
                secret: false,
                effect: Effect::Works,
                help,
            },
            value: PhantomData,
        }
    }

    pub(super) const fn flag(mut self) -> Self {
        self.spec.flag = true;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.spec.secret = true;
        self
    }

    pub(super) const fn effect(mut self, effect: Effect) -> Self {
        self.spec.effect = effect;
        self
    }
}

impl KeySpec {
    /// Dotted path in the file: `meta.http-bind-address`.
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

    /// Section and name, which no other key has together.
    pub(super) const fn id(&self) -> KeyId {
        (self.section, self.name)
    }
}

/// See [`KeySpec::id`].
pub(super) type KeyId = (&'static str, &'static str);

/// `[meta] dir`, `hostname`: the form used in messages and the manual.
impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.section.is_empty() {
            write!(f, "[{}] ", self.section)?;
        }
        f.write_str(self.name)
    }
}

impl ValueKind {
    /// Allowed values in words, for messages and the manual.
    pub fn allowed(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Text => "text".into(),
            Self::AbsolutePath => "a path that begins with /".into(),
            Self::Host => "a host name or IP address, without a port".into(),
            Self::Bind => "host:port, or :port for all addresses".into(),
            Self::Duration { at_least } if at_least.is_zero() => {
                "a duration like 500ms or 1m30s, or 0".into()
            }
            Self::Duration { at_least } => {
                format!(
                    "a duration like 500ms or 1m30s, at least {}",
                    duration::print(*at_least)
                )
            }
            Self::Count => "a whole number".into(),
            Self::Size { at_least, at_most } => format!(
                "a size like 256m, from {} to {}",
                size::print(*at_least),
                size::print(*at_most)
            ),
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
