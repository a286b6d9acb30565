//! JSON as Go's encoder writes it: `<`, `>`, `&` and the two line separators escaped (wire.md 4.3).

use std::borrow::Cow;

use serde::Serialize;

/// Returns one line of JSON, without an end of line.
pub(super) fn go_json<T: Serialize>(value: &T) -> String {
    // Cannot fail: our bodies have string keys, and their serialisers do not fail.
    let plain = serde_json::to_string(value).unwrap_or_default();
    match escaped(&plain) {
        Cow::Borrowed(_) => plain,
        Cow::Owned(text) => text,
    }
}

/// Escapes these characters. In JSON they occur only inside strings, so the whole text can be
/// treated at once.
fn escaped(plain: &str) -> Cow<'_, str> {
    if !plain.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return Cow::Borrowed(plain);
    }
    let mut text = String::with_capacity(plain.len() + 32);
    for c in plain.chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            c => text.push(c),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(
            super::go_json(&"a<b>&\"c\u{2028}é"),
            r#""a\u003cb\u003e\u0026\"c\u2028é""#
        );
        assert_eq!(super::go_json(&Option::<u8>::None), "null");
    }
}
