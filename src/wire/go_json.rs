//! JSON as Go's encoder writes it: `<`, `>`, `&` and the two line separators escaped (wire.md 4.3).

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Appends a value as one line of JSON, without an end of line.
pub fn append<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Cannot fail: our bodies have string keys, their serialisers do not fail, and writing to a
    // vector does not fail either.
    drop(value.serialize(&mut Serializer::with_formatter(out, GoFormatter)));
}

/// Returns one line of JSON, without an end of line.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    append(value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Compact JSON with the escapes of Go's encoder.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(special) = chars.next() {
                write!(writer, "\\u{:04x}", u32::from(special))?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::to_string;

    #[test]
    fn escapes_are_those_of_go() {
        assert_eq!(
            to_string(&"a<b>&\"c\u{2028}\u{2029}é"),
            r#""a\u003cb\u003e\u0026\"c\u2028\u2029é""#
        );
        assert_eq!(to_string(&Option::<u8>::None), "null");
    }
}
