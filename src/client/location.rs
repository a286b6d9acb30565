//! Targets of redirects.

use super::{CallError, Unreadable, Unsupported};
use crate::base::Address;
use crate::base::endpoint::HTTP_SCHEME;

/// Parses a `Location` header: absolute, as our API sends it, or a path at the same node.
pub(super) fn parse_location(text: &str, at: &Address) -> Result<(Address, String), CallError> {
    if text.starts_with('/') && !text.starts_with("//") {
        return Ok((at.clone(), text.to_owned()));
    }
    let Some(rest) = strip_scheme(text, HTTP_SCHEME) else {
        let location = text.to_owned();
        return Err(match strip_scheme(text, "https") {
            Some(_) => Unsupported::Https { location }.into(),
            None => Unreadable::Location { location }.into(),
        });
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let to = Address::parse(authority, URL_PORT).map_err(|error| {
        let location = text.to_owned();
        Unreadable::LocationAddress { location, error }
    })?;
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Ok((to, path))
}

/// Port of a URL without one.
const URL_PORT: u16 = 80;

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_once("://")?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let at = Address::new("meta-1", 8091);
        let cases = [
            (
                "http://meta-2:8091/execute",
                Some(("meta-2:8091", "/execute")),
            ),
            (
                "HTTP://Meta-2:8091/lease?name=a&nodeid=1",
                Some(("meta-2:8091", "/lease?name=a&nodeid=1")),
            ),
            ("http://meta-2", Some(("meta-2:80", "/"))),
            (
                "http://[fd00::1]:8091?index=1",
                Some(("[fd00::1]:8091", "/?index=1")),
            ),
            ("/status", Some(("meta-1:8091", "/status"))),
            ("//meta-2/status", None),
            ("https://meta-2:8091/", None),
            ("ftp://meta-2/", None),
            ("http://a b/", None),
            ("http://user:pass@meta-2/", None),
            ("", None),
        ];
        for (text, want) in cases {
            let got = parse_location(text, &at)
                .ok()
                .map(|(to, path)| (to.to_string(), path));
            assert_eq!(
                got,
                want.map(|(to, path)| (to.to_owned(), path.to_owned())),
                "{text}"
            );
        }
    }
}
