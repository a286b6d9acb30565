//! The token that data nodes send where `meta-auth-enabled` is set (wire.md 7.3): a new one for
//! each request.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;

/// Makes an internal token, with an empty user name, valid for five minutes.
pub fn token(secret: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    signed(secret, &format!(r#"{{"exp":{},"username":""}}"#, now + 300))
}

pub fn signed(secret: &str, claims: &str) -> String {
    let text = format!(
        "{}.{}",
        base64url(br#"{"alg":"HS512","typ":"JWT"}"#),
        base64url(claims.as_bytes())
    );
    let mut mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).expect("any key is fine");
    mac.update(text.as_bytes());
    format!("{text}.{}", base64url(&mac.finalize().into_bytes()))
}

/// Base64url without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for digit in 0..=chunk.len() {
            text.push(char::from(
                DIGITS[(number >> (18 - 6 * digit)) as usize & 63],
            ));
        }
    }
    text
}
