//! The wire's `Response` (wire.md 4.7).

use bytes::Bytes;
use prost::Message;

use super::{DecodeError, EnvelopeFault};

#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    #[prost(bool, optional, tag = "1")]
    ok: Option<bool>,
    #[prost(bytes = "vec", optional, tag = "2")]
    error: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    index: Option<u64>,
}

/// Encodes `Response{OK:true, Index}` or `Response{OK:false, Error}`. `OK` is always present:
/// clients take a response without it for a failed transport and send the command again.
pub fn encode_response(result: Result<u64, &str>) -> Bytes {
    let response = Response {
        ok: Some(result.is_ok()),
        error: result.err().map(|error| error.as_bytes().to_vec()),
        index: result.ok(),
    };
    response.encode_to_vec().into()
}

/// Decodes a response. The inner result is the index, or the error text of the other node.
///
/// # Errors
/// The bytes are no `Response`.
pub fn decode_response(bytes: &[u8]) -> Result<Result<u64, String>, DecodeError> {
    let response = Response::decode(bytes).map_err(EnvelopeFault::Response)?;
    Ok(match response.error {
        Some(error) if !error.is_empty() => Err(String::from_utf8_lossy(&error).into_owned()),
        _ => Ok(response.index.unwrap_or_default()),
    })
}
