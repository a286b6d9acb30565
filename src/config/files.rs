//! Reading what the configuration names: its own file, secrets, a licence.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::problem::{Problem, Source};

/// A whole text file; byte-order marks are understood and removed.
///
/// # Errors
/// [`Problem::Missing`], or [`Problem::Unreadable`] with what would have to change.
#[expect(
    clippy::disallowed_methods,
    reason = "read once, before there is an Env, and from read-only mounts"
)]
pub(super) fn read(what: &'static str, path: &Path, named_by: &Source) -> Result<String, Problem> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Problem::Missing {
            what,
            path: path.to_owned(),
            named_by: named_by.clone(),
        },
        io::ErrorKind::PermissionDenied => Problem::Unreadable {
            what,
            path: path.to_owned(),
            why: denied(&error, path),
        },
        _ => Problem::Syntax {
            path: path.to_owned(),
            why: format!("{what}: {error}"),
        },
    })?;
    let bad = |why: &str| Problem::Syntax {
        path: path.to_owned(),
        why: format!("{what} {why}"),
    };
    decode(&bytes).ok_or_else(|| bad("is not UTF-8 text"))
}

/// UTF-8, with or without a mark, or UTF-16 with one (Windows editors write those).
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

/// Who may not read what, and the command that changes it.
fn denied(error: &io::Error, path: &Path) -> String {
    let uid = rustix::process::geteuid().as_raw();
    let (blocking, found) = deepest_visible(path);
    let about = found.map_or_else(String::new, |meta| {
        let mode = meta.mode() & 0o7777;
        format!(
            ", {} belongs to uid {} and has mode {mode:04o}",
            blocking.display(),
            meta.uid()
        )
    });
    format!(
        "{error}: this process runs as uid {uid}{about}. Fix: chown {uid} {path} && chmod 0400 {path} on the host \
         (compose keeps owner and mode of file secrets)",
        path = path.display()
    )
}

/// The file itself, or the nearest folder above it that can be looked at.
fn deepest_visible(path: &Path) -> (PathBuf, Option<std::fs::Metadata>) {
    let found = path
        .ancestors()
        .find_map(|at| Some((at.to_owned(), at.metadata().ok()?)));
    found.map_or_else(|| (path.to_owned(), None), |(at, meta)| (at, Some(meta)))
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
