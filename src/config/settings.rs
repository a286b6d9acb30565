//! The checked values of all keys, with the source of each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::value::Value;

use super::inputs::Inputs;
use super::key::{Effect, Key, KeyId, KeySpec};
use super::keys::KEYS;
use super::layers::{self, Layers};
use super::other_keys::DataNodeProtection;
use super::problem::{Notice, Problem};
use super::setting::{FromSetting, Setting};
use super::source::Source;
use super::value;

/// The checked value of each key. A key whose value was refused has none.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<KeyId, (Setting, Source)>,
    /// The configuration file that was read.
    pub file: Option<PathBuf>,
}

/// Settings, and the problems and notices found while reading them.
pub(super) struct ResolvedSettings {
    pub(super) settings: Settings,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

impl ResolvedSettings {
    /// Reads the layers and checks each key, so that all problems are reported together. Figment's
    /// own extraction stops at the first.
    pub(super) fn read(inputs: &Inputs) -> Self {
        let Layers {
            merged,
            file,
            problems,
            notices,
            protections,
        } = Layers::read(inputs);
        let mut resolved = Self {
            settings: Settings {
                values: BTreeMap::new(),
                file,
            },
            problems,
            notices,
        };
        for key in KEYS {
            if let Some((value, source)) = layers::find(&merged, key) {
                resolved.add(key, &value, source);
            }
        }
        for (from, key) in protections {
            resolved.add_protection(&from, key);
        }
        resolved
    }

    fn add(&mut self, key: &'static KeySpec, value: &Value, source: Source) {
        let shown = if key.secret {
            "(not shown)".into()
        } else {
            value::show(value)
        };
        match value::check(key, value) {
            Ok(setting) => {
                if source != Source::Default {
                    self.check_effect(key, &setting, &source, shown);
                }
                self.settings.values.insert(key.id(), (setting, source));
            }
            Err(errors) => {
                let problem = |error| Problem::Value {
                    from: source.clone(),
                    key,
                    value: shown.clone(),
                    error,
                };
                self.problems.extend(errors.into_iter().map(problem));
            }
        }
    }

    /// Reports a key with which a data node protects itself, unless the key that gives the same
    /// protection here is set, too: nodes of both kinds may share one file.
    fn add_protection(&mut self, from: &Source, key: &DataNodeProtection) {
        let DataNodeProtection {
            section,
            name,
            here,
        } = key;
        let given = self.settings.setting(here);
        if matches!(given, Some(Setting::Unset | Setting::Bool(false))) {
            let gives = match here.effect {
                Effect::Protection(why) => format!("{here} would: {why}"),
                _ => format!("{here} does"),
            };
            self.notices.push(Notice {
                event: "config.no-protection",
                text: format!("{from}: [{section}] {name} protects no meta node; {gives}"),
            });
        }
    }

    /// Reports a value without effect, unless it is the default: files written by
    /// `influxd-meta config` set every key.
    fn check_effect(
        &mut self,
        key: &'static KeySpec,
        setting: &Setting,
        from: &Source,
        value: String,
    ) {
        let default = value::check(key, &value::from_text(&key.kind, key.default));
        if default.as_ref() == Ok(setting) {
            return;
        }
        match key.effect {
            Effect::Works | Effect::AlwaysTrue(_) => {}
            Effect::None(why) => self.notices.push(Notice {
                event: "config.no-effect",
                text: format!("{from}: {key} = {value} has no effect here: {why}"),
            }),
            Effect::Protection(why) => self.problems.push(Problem::NotBuilt {
                from: from.clone(),
                key,
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
    /// Value of the key. Only while problems are still being collected can a key have been refused;
    /// then this returns the default of the type.
    pub fn get<T: FromSetting>(&self, key: Key<T>) -> T {
        self.accepted(key).unwrap_or_default()
    }

    /// Value of the key; `None` if it was refused.
    pub(super) fn accepted<T: FromSetting>(&self, key: Key<T>) -> Option<T> {
        self.setting(&key.spec).map(T::from_setting)
    }

    /// Value of a key whose type is not known at compile time; `None` if it was refused.
    pub fn setting(&self, key: &KeySpec) -> Option<&Setting> {
        self.values.get(&key.id()).map(|(setting, _)| setting)
    }

    /// Source of the key's value; [`Source::Default`] if it was refused.
    pub fn source(&self, key: &KeySpec) -> Source {
        self.values
            .get(&key.id())
            .map_or(Source::Default, |(_, source)| source.clone())
    }
}
