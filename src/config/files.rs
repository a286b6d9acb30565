//! Reading files that the configuration names: its own file, secrets, a licence.

use std::io;
use std::path::Path;

use super::access::Access;
use super::problem::Problem;
use super::source::Source;

/// Reads a whole text file and removes a byte-order mark. `what` names the file in messages.
///
/// # Errors
/// [`Problem::Missing`], [`Problem::Unreadable`], [`Problem::Io`] or [`Problem::NotText`].
#[expect(
    clippy::disallowed_methods,
    reason = "read once, before there is an Env, and from read-only mounts"
)]
pub(super) fn read(what: &'static str, path: &Path, named_by: &Source) -> Result<String, Problem> {
    let bytes = std::fs::read(path).map_err(|error| {
        let (path, named_by) = (path.to_owned(), named_by.clone());
        match error.kind() {
            io::ErrorKind::NotFound => Problem::Missing {
                what,
                path,
                named_by,
            },
            io::ErrorKind::PermissionDenied => Problem::Unreadable {
                what,
                error: error.to_string(),
                access: Access::of(&path),
                path,
            },
            _ => Problem::Io {
                what,
                path,
                error: error.to_string(),
            },
        }
    })?;
    decode(&bytes).ok_or_else(|| Problem::NotText {
        what,
        path: path.to_owned(),
    })
}

/// Decodes UTF-8 with or without a byte-order mark, or UTF-16 with one, which Windows editors
/// write.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |order: fn([u8; 2]) -> u16, rest: &[u8]| {
        let units: Vec<u16> = rest
            .chunks_exact(2)
            .map(|pair| order([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0xFF, 0xFE, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xFE, 0xFF, rest @ ..] => wide(u16::from_be_bytes, rest),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_editors_are_removed() {
        let wide = |order: fn(u16) -> [u8; 2]| {
            "\u{feff}a = 1"
                .encode_utf16()
                .flat_map(order)
                .collect::<Vec<_>>()
        };
        for bytes in [
            b"a = 1".to_vec(),
            b"\xEF\xBB\xBFa = 1".to_vec(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Some("a = 1"));
        }
        assert_eq!(decode(b"\xff\x00"), None);
    }
}
