//! Credentials in a request (wire.md 7.2, step 2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Credentials that were parsed and not yet checked. Names and passwords on the wire are bytes.
pub enum Credentials {
    Missing,
    Password {
        user: Vec<u8>,
        password: Vec<u8>,
    },
    /// Text behind `Bearer`.
    Token(String),
}

impl Credentials {
    /// Parses the values of `u` and `p` in the query, and the header `Authorization`. If `u` and
    /// `p` are both set, the header is ignored.
    pub fn read(query: Option<(&str, &str)>, authorization: Option<&[u8]>) -> Self {
        match (query, authorization) {
            (Some((user, password)), _) if !user.is_empty() && !password.is_empty() => {
                Self::Password {
                    user: user.into(),
                    password: password.into(),
                }
            }
            (_, Some(header)) => parse_header(header),
            _ => Self::Missing,
        }
    }
}

fn parse_header(header: &[u8]) -> Credentials {
    let words: Vec<&[u8]> = header.split(|byte| *byte == b' ').collect();
    let known = match words[..] {
        [b"Bearer", token] => std::str::from_utf8(token)
            .ok()
            .map(|token| Credentials::Token(token.to_owned())),
        [b"Token", pair] => password(pair),
        [scheme, encoded] if scheme.eq_ignore_ascii_case(b"basic") => basic(encoded),
        _ => None,
    };
    known.unwrap_or(Credentials::Missing)
}

fn basic(encoded: &[u8]) -> Option<Credentials> {
    password(&STANDARD.decode(encoded).ok()?)
}

/// Parses `user:password`. The first colon ends the name.
fn password(pair: &[u8]) -> Option<Credentials> {
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(Credentials::Password {
        user: pair[..colon].into(),
        password: pair[colon + 1..].into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: Option<(&str, &str)>, header: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match Credentials::read(query, Some(header.as_bytes())) {
            Credentials::Missing => "missing".to_owned(),
            Credentials::Password { user, password } => {
                format!("{} {}", text(&user), text(&password))
            }
            Credentials::Token(token) => format!("token {token}"),
        }
    }

    #[test]
    fn every_way_of_the_wire_is_read() {
        let cases = [
            ("Bearer a.b.c", "token a.b.c"),
            ("Token bob:s3:cret", "bob s3:cret"),
            ("Basic Ym9iOnMzOmNyZXQ=", "bob s3:cret"),
            ("bAsIc Ym9iOg==", "bob "),
            ("Basic Og==", " "),
            // The scheme is unknown, or there are not two words.
            ("bearer a.b.c", "missing"),
            ("Bearer  a.b.c", "missing"),
            ("Bearer", "missing"),
            ("Bearer a b", "missing"),
            ("token bob:s3cret", "missing"),
            ("Token bob", "missing"),
            // No colon, no padding, no base64.
            ("Basic Ym9i", "missing"),
            ("Basic Ym9iOg", "missing"),
            ("Basic §", "missing"),
            ("Digest x", "missing"),
            ("", "missing"),
        ];
        for (header, want) in cases {
            assert_eq!(read(None, header), want, "{header:?}");
        }
    }

    #[test]
    fn a_whole_pair_in_the_query_wins_and_half_of_one_is_none() {
        let header = "Basic Ym9iOg==";
        for (query, want) in [
            (Some(("ann", "pw")), "ann pw"),
            (Some(("ann", "")), "bob "),
            (Some(("", "pw")), "bob "),
            (None, "bob "),
        ] {
            assert_eq!(read(query, header), want, "{query:?}");
        }
        assert!(matches!(
            Credentials::read(Some(("ann", "")), None),
            Credentials::Missing
        ));
    }
}
