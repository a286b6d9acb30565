//! One keep-alive connection to a meta node: requests, and answers of a known length.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::command::Response;

pub struct Connection {
    to: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.expect("connect");
        stream.set_nodelay(true).expect("nodelay");
        Self {
            to,
            stream,
            buffer: Vec::new(),
        }
    }

    /// Executes a command that must succeed, and returns its index.
    pub async fn execute(&mut self, command: &[u8]) -> u64 {
        self.try_execute(command)
            .await
            .expect("the command is executed")
    }

    pub async fn try_execute(&mut self, command: &[u8]) -> Result<u64, String> {
        let head = format!(
            "POST /execute HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            self.to,
            command.len()
        );
        self.stream
            .write_all(&[head.as_bytes(), command].concat())
            .await
            .expect("request");
        let response = Response::read(self.answer().await?)?;
        if response.error.is_empty() {
            Ok(response.index)
        } else {
            Err(response.error)
        }
    }

    /// Waits like a data node until there is something newer than `index`.
    pub async fn poll(&mut self, index: u64) -> &[u8] {
        let head = format!(
            "GET /?index={index} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\n\r\n",
            self.to
        );
        self.stream
            .write_all(head.as_bytes())
            .await
            .expect("request");
        self.answer().await.expect("a body")
    }

    async fn answer(&mut self) -> Result<&[u8], String> {
        self.buffer.clear();
        loop {
            let read = self
                .stream
                .read_buf(&mut self.buffer)
                .await
                .expect("answer");
            assert!(
                read > 0,
                "closed: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
            let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length
                .and_then(|value| value.trim().parse().ok())
                .expect("a length");
            let want = end + 4 + length;
            while self.buffer.len() < want {
                self.buffer.reserve(want - self.buffer.len());
                assert!(
                    self.stream
                        .read_buf(&mut self.buffer)
                        .await
                        .expect("answer")
                        > 0,
                    "closed"
                );
            }
            let done = head.starts_with("http/1.1 200");
            return if done {
                Ok(&self.buffer[end + 4..want])
            } else {
                Err(head)
            };
        }
    }
}
