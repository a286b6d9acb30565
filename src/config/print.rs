//! Configuration files: the output of `influxd-meta config`, every key with its effective value, and
//! the sample file of the image.

use super::key::{Effect, KeySpec, ValueKind};
use super::keys::KEYS;
use super::setting::Setting;
use super::settings::Settings;
use super::{duration, size, value};

/// Beginning of the sample file.
const SAMPLE_HEAD: &str = "\
# Configuration of influxd-meta. A line that begins with `# ` and a key shows the key's default; without
# a value, the key is unset.
#
# An environment variable overrides this file, and a flag overrides both. `influxd-meta config` prints
# the settings that are in force.
";

/// Returns the whole file. Unless `show_secrets`, a secret that is set appears as a comment: a
/// masked *value* would become the secret of every node that uses the file.
pub fn toml(settings: &Settings, show_secrets: bool) -> String {
    let mut out = String::new();
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            out += &format!("\n[{section}]\n");
        }
        let indent = if section.is_empty() { "" } else { "  " };
        out += &format!("{indent}# {}\n", key.help);
        for line in lines(key, settings.setting(key), show_secrets) {
            out += &format!("{indent}{line}\n");
        }
    }
    out
}

/// Returns a commented file of every key that has an effect, with its default. Only the directory is
/// set, as in the file of the original's image.
pub fn sample() -> String {
    let mut out = String::from(SAMPLE_HEAD);
    let mut section = "";
    for key in KEYS.iter().filter(|key| key.effect == Effect::Works) {
        if key.section != section {
            section = key.section;
            out += &format!("\n[{section}]\n");
        }
        let indent = if section.is_empty() { "" } else { "  " };
        let default = default_setting(key);
        let line = format!("{} = {}", key.name, text(&default, &key.kind));
        out += &format!("\n{indent}# {}\n", key.help);
        out += &format!(
            "{indent}# Allowed: {}. Variable: {}",
            key.kind.allowed(),
            key.variable()
        );
        out += if key.secret {
            ", or the same with _FILE.\n"
        } else {
            ".\n"
        };
        out += &match (key.variable().as_str(), default) {
            ("INFLUXDB_META_DIR", _) => format!("{indent}{line}\n"),
            (_, Setting::Unset) if key.kind == ValueKind::Count => {
                format!("{indent}# {} =\n", key.name)
            }
            _ => format!("{indent}# {line}\n"),
        };
    }
    out
}

fn lines(key: &KeySpec, setting: Option<&Setting>, show_secrets: bool) -> Vec<String> {
    let setting = setting.unwrap_or(&Setting::Unset);
    if key.secret && !show_secrets && *setting != Setting::Unset {
        return vec![format!(
            "# {} is set but not shown; `influxd-meta config -show-secrets` shows it",
            key.name
        )];
    }
    match (setting, key.kind) {
        (Setting::Unset, ValueKind::Count) => vec![format!("# {} is unset", key.name)],
        (setting, kind) => vec![format!("{} = {}", key.name, text(setting, &kind))],
    }
}

/// Formats a value as TOML.
fn text(setting: &Setting, kind: &ValueKind) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    match setting {
        Setting::Unset if kind.is_list() => "[]".into(),
        Setting::Unset => "\"\"".into(),
        Setting::Bool(on) => on.to_string(),
        Setting::Text(text) => quoted(text),
        Setting::Duration(span) => quoted(&duration::print(*span)),
        Setting::Count(count) => count.to_string(),
        Setting::Size(bytes) => quoted(&size::print(*bytes)),
        Setting::List(texts) => list(texts.iter().map(|text| quoted(text)).collect()),
        Setting::Addresses(all) => list(
            all.iter()
                .map(|address| quoted(&address.to_string()))
                .collect(),
        ),
        Setting::Bind(bind) => quoted(&bind.to_string()),
    }
}

/// Quotes a text as a basic string of TOML, which escapes the same characters as JSON, and DEL.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{7f}', "\\u007F")
}

/// Formats a default for the manual.
pub(super) fn default(key: &KeySpec) -> String {
    match default_setting(key) {
        Setting::Unset => String::new(),
        found => format!("`{}`", text(&found, &key.kind).trim_matches('"')),
    }
}

fn default_setting(key: &KeySpec) -> Setting {
    value::check(key, &value::from_text(&key.kind, key.default)).unwrap_or(Setting::Unset)
}
