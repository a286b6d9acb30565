//! The tables of keys in the README and the manual.

use super::key::{Effect, KeySpec};
use super::keys::KEYS;
use super::print;

/// Returns a table with a row for each key that has an effect.
pub fn markdown_table() -> String {
    let mut out = String::from(
        "| Variable | File | Default | Allowed | What it is for |\n|---|---|---|---|---|\n",
    );
    for key in KEYS
        .iter()
        .filter(|key| matches!(key.effect, Effect::Works))
    {
        out += &format!(
            "| `{}`{} | `{key}` | {} | {} | {} |\n",
            key.variable(),
            variants(key),
            print::default(key),
            key.kind.allowed(),
            key.help
        );
    }
    out
}

/// Returns a table with a row for each key that is accepted only because existing files have it.
pub fn markdown_accepted() -> String {
    let mut out = String::from("| File | Variable | What happens |\n|---|---|---|\n");
    for key in KEYS {
        let what = match key.effect {
            Effect::Works => continue,
            Effect::AlwaysTrue(why) => format!("accepted: {why}"),
            Effect::None(why) => format!("accepted; a warning unless it is the default: {why}"),
            Effect::Protection(why) => {
                format!(
                    "anything but the default ({}) stops the start: {why}",
                    print::default(key)
                )
            }
        };
        out += &format!("| `{key}` | `{}` | {what} |\n", key.variable());
    }
    out
}

fn variants(key: &KeySpec) -> String {
    let mut ways = String::new();
    if key.secret {
        ways += &format!(", or `{}_FILE`", key.variable());
    }
    if key.flag {
        ways += &format!(", flag `-{}`", key.name);
    }
    ways
}
