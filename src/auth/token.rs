//! JSON web tokens, as Go clients of the meta API make them and as the original reads them: HMAC,
//! claims `username` and `exp`, and the original's error texts (wire.md 7.2 and 7.3).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};

use crate::base::UnixNanos;

/// Tolerated difference of clocks. The original has none; no client notices a token that is valid a
/// minute longer.
const LEEWAY_SECONDS: f64 = 60.0;

/// A parsed token. Its signature is not checked before [`Token::verify`].
pub struct Token<'a> {
    algorithm: Algorithm,
    claims: Map<String, Value>,
    /// First two segments, which the third signs.
    signed: &'a str,
    signature: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    /// Known to the original's library and never accepted.
    Unsupported,
}

/// Reason why a text is no token, in the words of the original's library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("token is malformed: token contains an invalid number of segments")]
    Segments,
    #[error("token is malformed: failed to decode token header")]
    Header,
    #[error("token is malformed: failed to unmarshal token claims")]
    Claims,
    #[error("token is unverifiable: signing method (alg) is unspecified.")]
    NoAlgorithm,
    #[error("token is unverifiable: signing method (alg) is unavailable.")]
    UnknownAlgorithm,
}

/// The token has another signature, has expired, or is not valid yet. The text does not say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature is invalid")]
pub struct Invalid;

impl<'a> Token<'a> {
    /// Parses a token.
    ///
    /// # Errors
    /// The text is no token.
    pub fn read(text: &'a str) -> Result<Self, Unreadable> {
        let (signed, signature) = text.rsplit_once('.').ok_or(Unreadable::Segments)?;
        let (header, claims) = signed.split_once('.').ok_or(Unreadable::Segments)?;
        if claims.contains('.') {
            return Err(Unreadable::Segments);
        }
        let header = object(header).ok_or(Unreadable::Header)?;
        let claims = object(claims).ok_or(Unreadable::Claims)?;
        let name = header
            .get("alg")
            .and_then(Value::as_str)
            .ok_or(Unreadable::NoAlgorithm)?;
        let algorithm = Algorithm::named(name).ok_or(Unreadable::UnknownAlgorithm)?;
        Ok(Self {
            algorithm,
            claims,
            signed,
            signature,
        })
    }

    /// Claim `username`; empty in internal tokens.
    pub fn username(&self) -> Option<&str> {
        self.claims.get("username").and_then(Value::as_str)
    }

    /// Checks signature and claims.
    ///
    /// # Errors
    /// The token was not signed with this secret, or is not valid now.
    pub fn verify(&self, secret: &str, now: UnixNanos) -> Result<(), Invalid> {
        let signature = URL_SAFE_NO_PAD
            .decode(self.signature)
            .map_err(|_| Invalid)?;
        match self.algorithm {
            // Any caller can sign with an empty secret.
            _ if secret.is_empty() => Err(Invalid),
            Algorithm::Hs256 => compare::<Hmac<Sha256>>(secret, self.signed, &signature),
            Algorithm::Hs384 => compare::<Hmac<Sha384>>(secret, self.signed, &signature),
            Algorithm::Hs512 => compare::<Hmac<Sha512>>(secret, self.signed, &signature),
            Algorithm::Unsupported => Err(Invalid),
        }?;
        if are_valid(&self.claims, now) {
            Ok(())
        } else {
            Err(Invalid)
        }
    }
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "HS384" => Some(Self::Hs384),
            "HS512" => Some(Self::Hs512),
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => Some(Self::Unsupported),
            "ES256" | "ES384" | "ES512" | "EdDSA" | "none" => Some(Self::Unsupported),
            _ => None,
        }
    }
}

/// Decodes a segment. Go reads `null` as an empty object.
fn object(segment: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).ok()?;
    serde_json::from_slice::<Option<Map<_, _>>>(&bytes)
        .ok()
        .map(Option::unwrap_or_default)
}

/// Whether the claims are valid now. `exp` is required, `nbf` optional. A token for a certain
/// audience is refused.
fn are_valid(claims: &Map<String, Value>, now: UnixNanos) -> bool {
    let now = now.0 as f64 / 1e9;
    let expires = claims.get("exp").and_then(Value::as_f64);
    let begins = claims.get("nbf").map_or(Some(0.0), Value::as_f64);
    let has_no_audience = match claims.get("aud") {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => name.is_empty(),
        Some(Value::Array(names)) => names.is_empty(),
        Some(_) => false,
    };
    expires.is_some_and(|at| at > 0.0 && now <= at + LEEWAY_SECONDS)
        && begins.is_some_and(|at| now + LEEWAY_SECONDS >= at)
        && has_no_audience
}

/// Checks a signature in constant time: the duration reveals nothing about the right one.
fn compare<M: Mac + KeyInit>(secret: &str, signed: &str, signature: &[u8]) -> Result<(), Invalid> {
    let mac = M::new_from_slice(secret.as_bytes()).map_err(|_| Invalid)?;
    mac.chain_update(signed)
        .verify_slice(signature)
        .map_err(|_| Invalid)
}

/// Unix time in seconds at which a token with this lifetime expires.
pub fn expiry(now: UnixNanos, life: Duration) -> i64 {
    let life = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    (now.0 / 1_000_000_000).saturating_add(life)
}

/// Makes a token with the same bytes as Go: HS512, claims in the order of their names.
pub fn sign(secret: &str, username: &str, expires: i64) -> String {
    let encode = |json: String| URL_SAFE_NO_PAD.encode(json);
    let header = encode(r#"{"alg":"HS512","typ":"JWT"}"#.to_owned());
    let claims = encode(format!(
        r#"{{"exp":{expires},"username":{}}}"#,
        Value::from(username)
    ));
    let signed = format!("{header}.{claims}");
    let mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes());
    debug_assert!(mac.is_ok(), "HMAC takes a key of any length");
    let signature = mac.map(|mac| mac.chain_update(&signed).finalize().into_bytes().to_vec());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(signature.unwrap_or_default())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens made with `openssl`. A client of InfluxDB Enterprise has the first in its own tests.
    const MINIFIG: &str = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJleHAiOi02MjEzNTU5Njc0MCwidXNlcm5hbWUiOiJtaW5pZmlnIn0.uwFGBQ3MykqEmk9Zx0sBdJGefcESVEXG_qt0C1J8b_aS62EAES-Q1FwtURsbITNvSnfzMxYFnkbSG0AA1pEzWw";
    const HS256: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDAsInVzZXJuYW1lIjoiIn0.ZPoT-49Rqzj5POCrpSo4cMh1S-9C1Q6h20DEgYiuaJM";
    const HS384: &str = "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDAsInVzZXJuYW1lIjoiIn0.4H7JKeWzwZaZFg-1Pd8iogwTedU5Qbji3pXHLP7zH99fhm0nEKW51qxPuN18BPJe";
    const HS512: &str = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDAsInVzZXJuYW1lIjoiIn0.j09Y4Lq3DvSoEqqlIjVf0VVKDkEKwOHAHzIlsLFS2S65C4LIpEbb5sJKtIUSAtzv0BYbQntWC6GYcyugHFWhjg";
    const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

    fn verified(text: &str, secret: &str) -> Result<(), Invalid> {
        Token::read(text)
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .verify(secret, NOW)
    }

    /// A token signed with `legos`.
    fn with(header: &str, claims: &str) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let mac = Hmac::<Sha512>::new_from_slice(b"legos")
            .expect("a key")
            .chain_update(&signed);
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        )
    }

    #[test]
    fn we_sign_as_go_does() {
        assert_eq!(sign("legos", "minifig", -62_135_596_740), MINIFIG);
        assert_eq!(sign("legos", "", 4_102_444_800), HS512);
        let quoted = sign("legos", "a\"b\\ü", 4_102_444_800);
        assert_eq!(
            Token::read(&quoted)
                .ok()
                .and_then(|t| t.username().map(str::to_owned)),
            Some("a\"b\\ü".into())
        );
        assert_eq!(verified(&quoted, "legos"), Ok(()));
    }

    #[test]
    fn three_lengths_of_hmac_are_taken_and_no_other_secret() {
        for token in [HS256, HS384, HS512] {
            assert_eq!(verified(token, "legos"), Ok(()), "{token}");
            for secret in ["lego", "Legos", "legoss", ""] {
                assert_eq!(verified(token, secret), Err(Invalid), "{secret}: {token}");
            }
            let mut changed = token.to_owned();
            changed.truncate(token.len() - 2);
            assert_eq!(
                verified(&changed, "legos"),
                Err(Invalid),
                "a shorter signature"
            );
            assert_eq!(
                verified(&token[..token.rfind('.').expect("a dot") + 1], "legos"),
                Err(Invalid)
            );
        }
        assert_eq!(
            verified(&sign("", "", 4_102_444_800), ""),
            Err(Invalid),
            "nothing signs nothing"
        );
        assert_eq!(
            verified(MINIFIG, "legos"),
            Err(Invalid),
            "it expired long ago"
        );
    }

    #[test]
    fn another_algorithm_is_never_verified() {
        let claims = r#"{"exp":4102444800,"username":""}"#;
        for alg in ["none", "RS256", "ES512", "PS384", "EdDSA"] {
            let token = with(&format!(r#"{{"alg":"{alg}"}}"#), claims);
            assert_eq!(verified(&token, "legos"), Err(Invalid), "{alg}");
        }
        // Signed with SHA-512, although the header says SHA-256.
        assert_eq!(
            verified(&with(r#"{"alg":"HS256"}"#, claims), "legos"),
            Err(Invalid)
        );
    }

    #[test]
    fn claims_say_when_a_token_holds_and_for_whom() {
        let now = NOW.0 / 1_000_000_000;
        let cases = [
            (format!(r#"{{"exp":{}}}"#, now + 1), true),
            (format!(r#"{{"exp":{}.5}}"#, now + 1), true),
            // Clocks may differ by a minute, either way.
            (format!(r#"{{"exp":{}}}"#, now - 60), true),
            (format!(r#"{{"exp":{}}}"#, now - 61), false),
            (format!(r#"{{"exp":{0},"nbf":{0}}}"#, now + 60), true),
            (format!(r#"{{"exp":{0},"nbf":{0}}}"#, now + 61), false),
            (format!(r#"{{"exp":{now},"nbf":"soon"}}"#), false),
            ("{}".to_owned(), false),
            (r#"{"exp":0}"#.to_owned(), false),
            (r#"{"exp":-1}"#.to_owned(), false),
            (r#"{"exp":null}"#.to_owned(), false),
            (format!(r#"{{"exp":"{}"}}"#, now + 1), false),
            (
                format!(r#"{{"exp":{now},"aud":"","iss":"x","iat":"y"}}"#),
                true,
            ),
            (format!(r#"{{"exp":{now},"aud":[]}}"#), true),
            (format!(r#"{{"exp":{now},"aud":"x"}}"#), false),
            (format!(r#"{{"exp":{now},"aud":["x"]}}"#), false),
            (format!(r#"{{"exp":{now},"aud":{{}}}}"#), false),
        ];
        for (claims, holds) in cases {
            let token = with(r#"{"alg":"HS512"}"#, &claims);
            assert_eq!(verified(&token, "legos").is_ok(), holds, "{claims}");
        }
    }

    #[test]
    fn what_is_no_token_is_told_as_the_original_tells_it() {
        let (header, claims) = (r#"{"alg":"HS512"}"#, "{}");
        let dots = with(header, claims);
        let malformed = |what: &str| format!("token is malformed: {what}");
        let cases = [
            (
                String::new(),
                malformed("token contains an invalid number of segments"),
            ),
            (
                "a.b".to_owned(),
                malformed("token contains an invalid number of segments"),
            ),
            (
                format!("{dots}.x"),
                malformed("token contains an invalid number of segments"),
            ),
            (
                format!("§{dots}"),
                malformed("failed to decode token header"),
            ),
            (
                with("no", claims),
                malformed("failed to decode token header"),
            ),
            (
                with("[]", claims),
                malformed("failed to decode token header"),
            ),
            (
                dots.replacen('.', ".§", 1),
                malformed("failed to unmarshal token claims"),
            ),
            (
                with(header, "no"),
                malformed("failed to unmarshal token claims"),
            ),
            (
                with(header, "{} x"),
                malformed("failed to unmarshal token claims"),
            ),
            (
                with(header, "[]"),
                malformed("failed to unmarshal token claims"),
            ),
            (
                with("{}", claims),
                "token is unverifiable: signing method (alg) is unspecified.".to_owned(),
            ),
            (
                with("null", claims),
                "token is unverifiable: signing method (alg) is unspecified.".to_owned(),
            ),
            (
                with(r#"{"alg":5}"#, claims),
                "token is unverifiable: signing method (alg) is unspecified.".to_owned(),
            ),
            (
                with(r#"{"alg":"hs512"}"#, claims),
                "token is unverifiable: signing method (alg) is unavailable.".to_owned(),
            ),
        ];
        for (text, want) in cases {
            let got = Token::read(&text).err().map(|error| error.to_string());
            assert_eq!(got.as_deref(), Some(want.as_str()), "{text}");
        }
        assert_eq!(
            Token::read(&with(header, "null")).map(|token| token.username().is_none()),
            Ok(true)
        );
    }
}
