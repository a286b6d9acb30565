//! The layers: defaults, then the file, then variables, then flags. figment merges them in this
//! order, so that a later layer wins, and remembers the source of each value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::find_file::find_file;
use super::inputs::{Flags, Inputs};
use super::key::KeySpec;
use super::keys::KEYS;
use super::other_keys::{
    DATA_NODE_KEYS, DATA_NODE_PROTECTIONS, DATA_NODE_SECTIONS, DataNodeProtection, OTHER_VARIABLES,
    asks,
};
use super::problem::{Notice, Problem};
use super::source::Source;
use super::{files, value};
use crate::base::most_similar;

/// The merged values, not yet checked, and everything noticed while reading.
pub(super) struct Layers {
    pub(super) merged: Figment,
    pub(super) file: Option<PathBuf>,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
    /// Protections of data nodes that are asked for here.
    pub(super) protections: Vec<(Source, &'static DataNodeProtection)>,
}

impl Layers {
    pub(super) fn read(inputs: &Inputs) -> Self {
        let mut layers = Self {
            merged: Figment::new(),
            file: None,
            problems: Vec::new(),
            notices: Vec::new(),
            protections: Vec::new(),
        };
        for key in KEYS {
            let default = value::from_text(&key.kind, key.default);
            layers.merge(key, default, Source::Default);
        }
        layers.add_file(inputs);
        layers.add_variables(&inputs.variables);
        layers.add_flags(&inputs.flags);
        layers
    }

    fn add_flags(&mut self, flags: &Flags) {
        for (key, text) in &flags.keys {
            self.set(
                key,
                value::from_text(&key.kind, text),
                Source::Flag(key.name),
            );
        }
        for flag in &flags.without_effect {
            self.notices.push(Notice {
                event: "config.no-effect",
                text: format!("flag -{flag} has no effect here: there is no profiler"),
            });
        }
    }

    /// Overrides the layers below, unless the value is empty. Blanks at its ends do not count.
    fn set(&mut self, key: &KeySpec, value: Value, source: Source) {
        let trimmed = value::trimmed(value.clone());
        if key.secret && trimmed.as_str() != value.as_str() {
            self.notices.push(Notice {
                event: "config.blanks",
                text: format!(
                    "{source}: {key} has blanks or line ends at its ends: they are cut here, and \
                     data nodes do not cut them"
                ),
            });
        }
        if !value::is_empty(&trimmed) {
            self.merge(key, trimmed, source);
        }
    }

    fn merge(&mut self, key: &KeySpec, value: Value, source: Source) {
        let single = SingleValue {
            path: key.path(),
            value,
            source,
        };
        self.merged = std::mem::take(&mut self.merged).merge(single);
    }

    fn add_file(&mut self, inputs: &Inputs) {
        let Some((path, named_by)) = find_file(inputs) else {
            return;
        };
        let parsed = files::read("the configuration file", &path, &named_by)
            .and_then(|text| parse(&path, &text));
        match parsed {
            Ok(dict) => self.add_tables(&path, dict),
            Err(problem) => self.problems.push(problem),
        }
        self.file = Some(path);
    }

    fn add_tables(&mut self, path: &Path, dict: Dict) {
        let source = Source::File(path.to_owned());
        for (name, value) in dict {
            match value {
                value if value::is_date(&value) => self.add_entry(&source, "", &name, value),
                Value::Dict(_, section) if is_section(&name) => {
                    section
                        .into_iter()
                        .for_each(|(key, value)| self.add_entry(&source, &name, &key, value));
                }
                Value::Dict(_, section) if DATA_NODE_SECTIONS.contains(&name.as_str()) => {
                    section
                        .iter()
                        .for_each(|(key, value)| self.add_protection(&source, &name, key, value));
                }
                Value::Dict(..) => {
                    let hint = hint(most_similar(&name, KEYS.iter().map(|key| key.section)));
                    self.unknown(format!(
                        "{source}: there is no section [{name}]{hint}; it is ignored"
                    ));
                }
                value => self.add_entry(&source, "", &name, value),
            }
        }
    }

    fn add_entry(&mut self, source: &Source, section: &str, name: &str, value: Value) {
        let here = || KEYS.iter().filter(|key| key.section == section);
        if let Some(key) = here().find(|key| key.name == name) {
            return self.set(key, value, source.clone());
        }
        if section == "meta" && DATA_NODE_KEYS.contains(&name) {
            return self.add_protection(source, section, name, &value);
        }
        let inner = format!("{name}.");
        match value {
            Value::Dict(_, table) if here().any(|key| key.name.starts_with(&inner)) => {
                for (key, value) in table {
                    self.add_entry(source, section, &format!("{inner}{key}"), value);
                }
            }
            _ => {
                let elsewhere = KEYS.iter().find(|key| key.name == name);
                let hint = elsewhere.map_or_else(
                    || hint(most_similar(name, here().map(|key| key.name))),
                    |key| format!(" (it belongs {})", place(key.section)),
                );
                let place = place(section);
                self.unknown(format!(
                    "{source}: there is no key {name} {place}{hint}; it is ignored"
                ));
            }
        }
    }

    fn add_protection(&mut self, source: &Source, section: &str, name: &str, value: &Value) {
        if let Some(key) = DataNodeProtection::find(section, name).filter(|_| asks(value)) {
            self.protections.push((source.clone(), key));
        }
    }

    fn unknown(&mut self, text: String) {
        self.notices.push(Notice {
            event: "config.unknown",
            text,
        });
    }

    fn add_variables(&mut self, variables: &BTreeMap<String, String>) {
        let mut left: BTreeMap<&str, &str> = variables
            .iter()
            .filter(|(name, value)| name.starts_with("INFLUXDB_") && !value.is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        for key in KEYS {
            let name = key.variable();
            let plain = left.remove(name.as_str());
            if let Some(text) = plain {
                self.set(
                    key,
                    value::from_text(&key.kind, text),
                    Source::Variable(name.clone()),
                );
            }
            if key.kind.is_list() {
                self.add_numbered(key, &name, plain.is_some(), &mut left);
            }
            if key.secret {
                let file = format!("{name}_FILE");
                if let Some(path) = left.remove(file.as_str()) {
                    self.add_secret(key, plain.map(|_| name), file, Path::new(path));
                }
            }
        }
        for key in DATA_NODE_PROTECTIONS {
            let name = key.variable();
            if let Some(value) = left.get(name.as_str()).map(|text| Value::from(*text)) {
                let source = Source::Variable(name);
                self.add_protection(&source, key.section, key.name, &value);
            }
        }
        for (name, value) in left {
            if !is_foreign(name, value) {
                let names: Vec<_> = KEYS.iter().map(KeySpec::variable).collect();
                let hint = hint(most_similar(name, names.iter().map(String::as_str)));
                self.unknown(format!(
                    "environment variable {name} names no key{hint}; it is ignored"
                ));
            }
        }
    }

    /// Adds the list of `NAME_0`, `NAME_1`, …: one element each, as in InfluxDB Enterprise.
    fn add_numbered(
        &mut self,
        key: &KeySpec,
        name: &str,
        plain: bool,
        left: &mut BTreeMap<&str, &str>,
    ) {
        let element = |n: usize| left.remove(format!("{name}_{n}").as_str());
        let items: Vec<Value> = (0..).map_while(element).map(Value::from).collect();
        match (items.is_empty(), plain) {
            (true, _) => {}
            (false, true) => self.report_both(name.to_owned(), format!("{name}_0")),
            (false, false) => {
                self.set(
                    key,
                    Value::from(items),
                    Source::NumberedVariables(name.to_owned()),
                );
            }
        }
    }

    /// Adds the secret in the file that the variable `file` names. `plain` is the variable with the
    /// secret itself, if that is set too.
    fn add_secret(&mut self, key: &KeySpec, plain: Option<String>, file: String, path: &Path) {
        if let Some(plain) = plain {
            return self.report_both(plain, file);
        }
        let source = Source::Variable(file);
        match files::read("the secret file", path, &source) {
            Ok(text) => {
                let text = text.trim_end_matches(['\n', '\r']);
                if text.is_empty() {
                    self.problems.push(Problem::EmptySecretFile {
                        from: source.clone(),
                        path: path.to_owned(),
                    });
                }
                self.set(key, Value::from(text), source);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    fn report_both(&mut self, one: String, other: String) {
        self.problems.push(Problem::BothVariables(one, other));
    }
}

/// Returns the merged value of a key and its source.
pub(super) fn find(merged: &Figment, key: &KeySpec) -> Option<(Value, Source)> {
    let value = merged.find_value(&key.path()).ok()?;
    let source = source(key, merged.get_metadata(value.tag())?);
    Some((value, source))
}

fn parse(path: &Path, text: &str) -> Result<Dict, Problem> {
    let problem = |error: figment::Error| Problem::Toml {
        path: path.to_owned(),
        error: error.kind.to_string().trim().to_owned(),
    };
    let mut profiles = Toml::string(text).data().map_err(problem)?;
    Ok(profiles.remove(&Profile::Default).unwrap_or_default())
}

fn is_section(name: &str) -> bool {
    !name.is_empty() && KEYS.iter().any(|key| key.section == name)
}

fn hint(similar: Option<&str>) -> String {
    similar.map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// The place of the keys of a section, as a part of a sentence.
fn place(section: &str) -> String {
    match section {
        "" => "above the first section".to_owned(),
        section => format!("in [{section}]"),
    }
}

/// Whether the variable is one of those with our prefix that data nodes, images or Kubernetes set,
/// and that mean nothing here.
fn is_foreign(name: &str, value: &str) -> bool {
    let has_section = |section: &&str| {
        name.starts_with(&format!(
            "INFLUXDB_{}_",
            section.to_ascii_uppercase().replace('-', "_")
        ))
    };
    // Kubernetes sets these in every pod of a namespace that has a service named influxdb-meta.
    let service_link = name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_") && (name.contains("_TCP") || name.contains("_UDP"))
        || name.ends_with("_PORT") && value.contains("://");
    OTHER_VARIABLES.contains(&name)
        || name.starts_with("INFLUXDB_META_META_")
        || DATA_NODE_SECTIONS.iter().any(has_section)
        || service_link
}

/// One value as a figment layer of its own, so that figment remembers the source of each value.
struct SingleValue {
    /// See [`KeySpec::path`].
    path: String,
    value: Value,
    source: Source,
}

impl Provider for SingleValue {
    fn metadata(&self) -> Metadata {
        match &self.source {
            Source::Default => Metadata::named(DEFAULT),
            Source::File(path) => Metadata::from(FILE, path.as_path()),
            Source::Variable(name) => Metadata::from(VARIABLE, name.as_str()),
            Source::NumberedVariables(name) => Metadata::from(NUMBERED_VARIABLES, name.as_str()),
            Source::Flag(name) => Metadata::from(FLAG, *name),
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(&self.path, self.value.clone());
        let dict = nested.into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

const DEFAULT: &str = "default";
const FILE: &str = "file";
const VARIABLE: &str = "environment variable";
const NUMBERED_VARIABLES: &str = "numbered environment variables";
const FLAG: &str = "flag";

/// Converts the metadata of a [`SingleValue`] back to its source.
fn source(key: &KeySpec, metadata: &Metadata) -> Source {
    use figment::Source::{Custom, File};
    match (metadata.name.as_ref(), &metadata.source) {
        (FILE, Some(File(path))) => Source::File(path.clone()),
        (VARIABLE, Some(Custom(name))) => Source::Variable(name.clone()),
        (NUMBERED_VARIABLES, Some(Custom(name))) => Source::NumberedVariables(name.clone()),
        (FLAG, _) => Source::Flag(key.name),
        _ => Source::Default,
    }
}
