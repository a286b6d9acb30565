//! The output of `influxd-meta config`: every key with its effective value, as a file that can be
//! used again.

use super::key::{KeySpec, ValueKind};
use super::keys::KEYS;
use super::setting::Setting;
use super::settings::Settings;
use super::{duration, size, value};

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
    let found =
        value::check(key, &value::from_text(&key.kind, key.default)).unwrap_or(Setting::Unset);
    match found {
        Setting::Unset => String::new(),
        found => format!("`{}`", text(&found, &key.kind).trim_matches('"')),
    }
}
