//! Reading an answer, which may come from any server.

use std::io;

use tokio::io::AsyncReadExt;

use super::FailureCause;
use super::other_service::recognise;
use crate::runtime::net::Stream;
use crate::wire::data_node::{HEADER_BYTES, MessageType, RpcHeader};

/// Maximum size of an answer. The largest answer is a list of shards with 200 bytes each: this is
/// the list of a node with 300 000 shards, and far below the memory of a small container.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Reads the body of the answer to this call.
pub(super) async fn read_answer(
    stream: &mut dyn Stream,
    call: MessageType,
) -> Result<Vec<u8>, FailureCause> {
    let header = read_header(stream).await?;
    let read = RpcHeader::decode(header).and_then(|read| read.answers(call));
    let read = read.map_err(|error| match recognise(&header) {
        Some(service) => FailureCause::NotADataNode(service),
        None => error.into(),
    })?;
    if read.length > MAX_ANSWER_BYTES {
        return Err(FailureCause::TooLarge(MAX_ANSWER_BYTES));
    }
    read_body(stream, read.length).await
}

async fn read_header(stream: &mut dyn Stream) -> Result<[u8; HEADER_BYTES], FailureCause> {
    let mut header = [0; HEADER_BYTES];
    let mut filled = 0;
    while filled < HEADER_BYTES {
        let doing = if filled == 0 {
            "read message type"
        } else {
            "read message size"
        };
        let broken = |text| Err(FailureCause::Broken { doing, text });
        match stream.read(&mut header[filled..]).await {
            Ok(0) if filled == 0 => return broken("EOF".to_owned()),
            Ok(0) => match recognise(&header[..filled]) {
                Some(service) => return Err(FailureCause::NotADataNode(service)),
                None => return broken("unexpected EOF".to_owned()),
            },
            Ok(read) => filled += read,
            Err(error) => return broken(text(&error)),
        }
    }
    Ok(header)
}

/// Reads a body. Memory grows with the bytes received, not with the length announced.
async fn read_body(stream: &mut dyn Stream, length: usize) -> Result<Vec<u8>, FailureCause> {
    let broken = |text| FailureCause::Broken {
        doing: "read message value",
        text,
    };
    let mut body = Vec::new();
    let read = stream.take(length as u64).read_to_end(&mut body).await;
    match read {
        Ok(read) if read == length => Ok(body),
        Ok(_) => Err(broken("unexpected EOF".to_owned())),
        Err(error) => Err(broken(text(&error))),
    }
}

/// Error text in Go's words, which operators know from data nodes' logs. With TLS, an end without a
/// closing message is an error.
fn text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => error.to_string(),
    }
}
