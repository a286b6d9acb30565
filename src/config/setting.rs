//! A checked value, and the types that the handles of keys read it as.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::auth::{Method, Secret};
use crate::base::Address;
use crate::telemetry::logging::{Format, Threshold};

/// A checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    Unset,
    Bool(bool),
    Text(String),
    Duration(Duration),
    Count(u64),
    /// In bytes.
    Size(u64),
    List(Vec<String>),
    Addresses(Vec<Address>),
    Bind(Bind),
}

/// An address to listen on: one host, or all addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    /// Host as written, without brackets. `None` for `:8091`; `0.0.0.0:8091` stays `0.0.0.0`.
    pub host: Option<String>,
    pub port: u16,
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            None => write!(f, ":{}", self.port),
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
        }
    }
}

/// A type that a key's value is read as. The default stands for an unset value.
///
/// The functions in `keys.rs` that make handles give each kind of value its type, so a setting of
/// another kind never arrives here.
pub trait FromSetting: Default {
    fn from_setting(setting: &Setting) -> Self;
}

/// An enumeration of which the configuration names one variant.
pub trait Choice: Default + FromStr {
    /// Every word that [`FromStr`] accepts.
    const WORDS: &'static [&'static str];
}

impl Choice for Method {
    const WORDS: &'static [&'static str] = &["all", "jwt", "userpass"];
}

impl Choice for Format {
    const WORDS: &'static [&'static str] = &["auto", "logfmt", "json", "console"];
}

impl Choice for Threshold {
    const WORDS: &'static [&'static str] = &["error", "warn", "info", "debug"];
}

impl<T: Choice> FromSetting for T {
    fn from_setting(setting: &Setting) -> Self {
        text(setting)
            .and_then(|word| word.parse().ok())
            .unwrap_or_default()
    }
}

impl FromSetting for bool {
    fn from_setting(setting: &Setting) -> Self {
        matches!(setting, Setting::Bool(true))
    }
}

impl FromSetting for Duration {
    fn from_setting(setting: &Setting) -> Self {
        match setting {
            Setting::Duration(duration) => *duration,
            _ => Self::default(),
        }
    }
}

impl FromSetting for Bind {
    fn from_setting(setting: &Setting) -> Self {
        match setting {
            Setting::Bind(bind) => bind.clone(),
            _ => Self::default(),
        }
    }
}

impl FromSetting for PathBuf {
    fn from_setting(setting: &Setting) -> Self {
        text(setting).map(Self::from).unwrap_or_default()
    }
}

impl FromSetting for Option<String> {
    fn from_setting(setting: &Setting) -> Self {
        text(setting).map(str::to_owned)
    }
}

impl FromSetting for Option<Secret> {
    fn from_setting(setting: &Setting) -> Self {
        text(setting).map(Secret::from)
    }
}

impl FromSetting for Option<u64> {
    fn from_setting(setting: &Setting) -> Self {
        match setting {
            Setting::Count(count) => Some(*count),
            _ => None,
        }
    }
}

impl FromSetting for u64 {
    fn from_setting(setting: &Setting) -> Self {
        match setting {
            Setting::Size(bytes) => *bytes,
            _ => 0,
        }
    }
}

impl FromSetting for Vec<String> {
    fn from_setting(setting: &Setting) -> Self {
        match setting {
            Setting::List(texts) => texts.clone(),
            _ => Self::default(),
        }
    }
}

impl FromSetting for Vec<Address> {
    fn from_setting(setting: &Setting) -> Self {
        match setting {
            Setting::Addresses(addresses) => addresses.clone(),
            _ => Self::default(),
        }
    }
}

/// The text; `None` if unset.
fn text(setting: &Setting) -> Option<&str> {
    match setting {
        Setting::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    /// The words of a choice are those that its parser accepts, each with its own variant.
    fn check<T: Choice + Debug + PartialEq>() {
        let parsed: Vec<Option<T>> = T::WORDS.iter().map(|word| word.parse().ok()).collect();
        for (i, variant) in parsed.iter().enumerate() {
            assert!(variant.is_some(), "{}", T::WORDS[i]);
            assert!(!parsed[..i].contains(variant), "{}", T::WORDS[i]);
        }
        assert!(parsed.contains(&Some(T::default())));
    }

    #[test]
    fn every_word_of_a_choice_is_a_variant() {
        check::<Method>();
        check::<Format>();
        check::<Threshold>();
    }
}
