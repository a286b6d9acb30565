//! All keys, checked, with where each value came from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::key::{Effect, Key};
use super::keys::KEYS;
use super::layers::{Inputs, Layers};
use super::problem::{Notice, Problem, Source};
use super::value::{self, Bind, Setting};
use crate::base::Address;

/// The checked value of each key that had a good one, by [`Key::path`].
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<String, Value>,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Value {
    setting: Setting,
    from: String,
}

/// Settings, and everything found wrong or odd on the way to them.
pub(super) struct ResolvedSettings {
    pub(super) settings: Settings,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

impl ResolvedSettings {
    /// Reads all layers and checks key by key: figment's own extraction would stop at the first
    /// problem.
    pub(super) fn read(inputs: &Inputs) -> Self {
        let layers = Layers::read(inputs);
        let settings = Settings {
            values: BTreeMap::new(),
            file: layers.file.clone(),
        };
        let mut checked = Self {
            settings,
            problems: layers.problems,
            notices: layers.notices,
        };
        for key in KEYS {
            let path = key.path();
            let from = layers
                .merged
                .find_metadata(&path)
                .map(|data| data.name.to_string());
            if let Ok(found) = layers.merged.find_value(&path) {
                checked.take(key, &found, from.unwrap_or_default());
            }
        }
        checked
    }

    fn take(&mut self, key: &Key, found: &figment::value::Value, from: String) {
        let shown = if key.secret {
            "(not shown)".into()
        } else {
            value::show(found)
        };
        match value::check(key, found) {
            Ok(setting) => {
                if from != Source::Default.to_string() {
                    self.judge_effect(key, &setting, &from, shown);
                }
                self.settings
                    .values
                    .insert(key.path(), Value { setting, from });
            }
            Err(reasons) => self
                .problems
                .extend(reasons.into_iter().map(|why| Problem::Value {
                    from: from.clone(),
                    key: key.to_string(),
                    value: shown.clone(),
                    why,
                    allowed: key.kind.allowed(),
                })),
        }
    }

    /// A value equal to the default asks for nothing: files written by `config` set every key.
    fn judge_effect(&mut self, key: &Key, setting: &Setting, from: &str, value: String) {
        if Ok(setting) == value::check(key, &value::from_text(&key.kind, key.default)).as_ref() {
            return;
        }
        match key.effect {
            Effect::Works | Effect::AlwaysTrue(_) => {}
            Effect::None(why) => self.notices.push(Notice {
                event: "config.no-effect",
                text: format!("{from}: {key} = {value} has no effect here: {why}"),
            }),
            Effect::Protection(why) => self.problems.push(Problem::NotBuilt {
                from: from.to_owned(),
                key: key.to_string(),
                value,
                why,
                without: if setting == &Setting::Bool(true) {
                    "false"
                } else {
                    "the default"
                },
            }),
        }
    }
}

impl Settings {
    /// `None` when the key's value was refused.
    pub fn get(&self, path: &str) -> Option<&Setting> {
        self.values.get(path).map(|value| &value.setting)
    }

    /// Where the value came from, in words.
    pub fn from(&self, path: &str) -> &str {
        self.values.get(path).map_or("", |value| &value.from)
    }

    /// Empty when unset or refused.
    pub(super) fn text(&self, path: &str) -> String {
        match self.get(path) {
            Some(Setting::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    pub(super) fn bool(&self, path: &str) -> bool {
        matches!(self.get(path), Some(Setting::Bool(true)))
    }

    pub(super) fn duration(&self, path: &str) -> Duration {
        match self.get(path) {
            Some(Setting::Duration(duration)) => *duration,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn count(&self, path: &str) -> Option<u64> {
        match self.get(path) {
            Some(Setting::Count(count)) => Some(*count),
            _ => None,
        }
    }

    pub(super) fn addresses(&self, path: &str) -> Vec<Address> {
        match self.get(path) {
            Some(Setting::Addresses(addresses)) => addresses.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn bind(&self, path: &str) -> Bind {
        match self.get(path) {
            Some(Setting::Bind(bind)) => bind.clone(),
            _ => Bind {
                host: None,
                port: 0,
            },
        }
    }
}
