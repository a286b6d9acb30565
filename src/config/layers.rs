//! The layers and what each holds: defaults, then the file, then variables, then flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::key::Key;
use super::keys::{DATA_NODE_KEYS, DATA_NODE_SECTIONS, KEYS, OTHER_VARIABLES};
use super::nearest::nearest;
use super::problem::{Notice, Problem, Source};
use super::{files, search, value};

/// Everything from outside that a configuration is made of.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    pub variables: BTreeMap<String, String>,
    pub flags: Flags,
    /// The system's name for this host.
    pub host_name: String,
}

/// What the command line says about configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub single_server: bool,
    pub pidfile: Option<PathBuf>,
    /// By [`Key::path`].
    pub keys: Vec<(String, String)>,
    /// Flags of the product that were given and do nothing here.
    pub idle: Vec<String>,
}

impl Inputs {
    /// Of this process.
    pub fn of_process(flags: Flags) -> Self {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        let variables = std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        let host_name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            variables,
            flags,
            host_name,
        }
    }
}

/// The merged tree, and what was noticed on the way.
pub(super) struct Layers {
    pub(super) merged: Figment,
    pub(super) file: Option<PathBuf>,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

impl Layers {
    pub(super) fn read(inputs: &Inputs) -> Self {
        let mut layers = Self {
            merged: Figment::new(),
            file: None,
            problems: Vec::new(),
            notices: Vec::new(),
        };
        for key in KEYS {
            layers.merge(
                key,
                value::from_text(&key.kind, key.default),
                &Source::Default,
            );
        }
        layers.add_file(inputs);
        layers.add_variables(&inputs.variables);
        for (path, text) in &inputs.flags.keys {
            if let Some(key) = KEYS.iter().find(|key| key.path() == *path) {
                layers.merge(
                    key,
                    value::from_text(&key.kind, text),
                    &Source::Flag(key.name.to_owned()),
                );
            }
        }
        for flag in &inputs.flags.idle {
            let text = format!("flag -{flag} has no effect here: there is no profiler");
            layers.notices.push(Notice {
                event: "config.no-effect",
                text,
            });
        }
        layers
    }

    /// An empty value is no value: what lies below stays.
    fn merge(&mut self, key: &Key, value: Value, source: &Source) {
        if *source == Source::Default || !value::is_empty(&value) {
            let one = SingleValue {
                path: key.path(),
                value,
                from: source.to_string(),
            };
            self.merged = std::mem::take(&mut self.merged).merge(one);
        }
    }

    fn add_file(&mut self, inputs: &Inputs) {
        let Some((path, named_by)) = search::find(inputs) else {
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
                Value::Dict(_, section) if is_section(&name) => {
                    section
                        .into_iter()
                        .for_each(|(key, value)| self.add_entry(&source, &name, &key, value));
                }
                Value::Dict(..) if DATA_NODE_SECTIONS.contains(&name.as_str()) => {}
                Value::Dict(..) => {
                    let hint = hint(nearest(&name, KEYS.iter().map(|key| key.section)));
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
            return self.merge(key, value, source);
        }
        if section == "meta" && DATA_NODE_KEYS.contains(&name) {
            return;
        }
        let inner = format!("{name}.");
        match value {
            Value::Dict(_, table) if here().any(|key| key.name.starts_with(&inner)) => {
                for (key, value) in table {
                    self.add_entry(source, section, &format!("{inner}{key}"), value);
                }
            }
            _ => {
                let hint = hint(nearest(name, here().map(|key| key.name)));
                let place = if section.is_empty() {
                    "above the first section".into()
                } else {
                    format!("in [{section}]")
                };
                self.unknown(format!(
                    "{source}: there is no key {name} {place}{hint}; it is ignored"
                ));
            }
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
                self.merge(
                    key,
                    value::from_text(&key.kind, text),
                    &Source::Variable(name.clone()),
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
        for (name, value) in left {
            if !is_of_others(name, value) {
                let names: Vec<_> = KEYS.iter().map(Key::variable).collect();
                let hint = hint(nearest(name, names.iter().map(String::as_str)));
                self.unknown(format!(
                    "environment variable {name} names no key{hint}; it is ignored"
                ));
            }
        }
    }

    /// `NAME_0`, `NAME_1`, …: one element each, as the product's manual has it.
    fn add_numbered(
        &mut self,
        key: &Key,
        name: &str,
        plain: bool,
        left: &mut BTreeMap<&str, &str>,
    ) {
        let element = |n: usize| left.remove(format!("{name}_{n}").as_str());
        let items: Vec<Value> = (0..).map_while(element).map(Value::from).collect();
        match (items.is_empty(), plain) {
            (true, _) => {}
            (false, true) => self.both(name, &format!("{name}_0")),
            (false, false) => {
                self.merge(
                    key,
                    Value::from(items),
                    &Source::Variable(format!("{name}_0 and following")),
                );
            }
        }
    }

    fn add_secret(&mut self, key: &Key, plain: Option<String>, file: String, path: &Path) {
        if let Some(plain) = plain {
            return self.both(&plain, &file);
        }
        let source = Source::Variable(file);
        match files::read("the secret file", path, &source) {
            Ok(text) => {
                let text = text.trim_end_matches(['\n', '\r']);
                if text.is_empty() {
                    let why = format!("{source}: the secret file {} is empty", path.display());
                    self.problems.push(Problem::Contradiction(why));
                }
                self.merge(key, Value::from(text), &source);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    fn both(&mut self, one: &str, other: &str) {
        let why = format!("{one} and {other} are both set: keep one of them");
        self.problems.push(Problem::Contradiction(why));
    }
}

fn parse(path: &Path, text: &str) -> Result<Dict, Problem> {
    use figment::providers::{Format, Toml};
    let bad = |error: figment::Error| Problem::Syntax {
        path: path.to_owned(),
        why: format!("is no valid TOML: {}", error.kind.to_string().trim()),
    };
    Ok(Toml::string(text)
        .data()
        .map_err(bad)?
        .remove(&Profile::Default)
        .unwrap_or_default())
}

fn is_section(name: &str) -> bool {
    !name.is_empty() && KEYS.iter().any(|key| key.section == name)
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// Variables with our prefix that data nodes, images or Kubernetes set and that mean nothing here.
fn is_of_others(name: &str, value: &str) -> bool {
    let of_section = |section: &&str| {
        name.starts_with(&format!(
            "INFLUXDB_{}_",
            section.to_ascii_uppercase().replace('-', "_")
        ))
    };
    // A Kubernetes service called influxdb-meta sets these in every pod beside it.
    let service_link = name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_") && (name.contains("_TCP") || name.contains("_UDP"))
        || name.ends_with("_PORT") && value.contains("://");
    OTHER_VARIABLES.contains(&name)
        || name.starts_with("INFLUXDB_META_META_")
        || DATA_NODE_SECTIONS.iter().any(of_section)
        || service_link
}

/// One value as a layer of its own, so that figment remembers where each came from.
struct SingleValue {
    path: String,
    value: Value,
    from: String,
}

impl Provider for SingleValue {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.from.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(&self.path, self.value.clone());
        Ok(Map::from([(
            Profile::Default,
            nested.into_dict().unwrap_or_default(),
        )]))
    }
}
