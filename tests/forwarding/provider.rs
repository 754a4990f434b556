//! A provider of which a test says how it treats each connection, byte for byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request's head as it came over the wire.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A connection to the provider.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) stream: TcpStream,
    /// What was read behind the head.
    pub(super) ahead: Vec<u8>,
}

impl Line {
    /// Reads the next head; nothing at the end of the connection.
    pub(super) async fn head(&mut self) -> Option<Head> {
        let end = loop {
            if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer).await {
                Ok(read @ 1..) => self.ahead.extend_from_slice(&buffer[..read]),
                _ => return None,
            }
        };
        let text: Vec<u8> = self.ahead.drain(..end).collect();
        let text = String::from_utf8(text).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let mut words = lines.next().unwrap().split(' ');
        let method = words.next().unwrap().parse().unwrap();
        let target = words.next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        Some(Head { method, target, headers })
    }

    /// Reads the body that a head announces.
    pub(super) async fn body(&mut self, head: &Head) -> Vec<u8> {
        if let Some(length) = head.header("content-length") {
            let length: usize = length.parse().unwrap();
            return self.take(length).await.unwrap_or_default();
        }
        let mut body = Vec::new();
        while head.header("transfer-encoding") == Some("chunked") {
            let Some(size) = self.line().await else { break };
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let Some(piece) = self.take(size).await else { break };
            body.extend(piece);
            self.line().await;
            if size == 0 {
                break;
            }
        }
        body
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.take(1).await?);
        }
        Some(String::from_utf8(line).unwrap())
    }

    /// Reads so many bytes; nothing where the connection ends before.
    pub(super) async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < length {
            let mut buffer = vec![0; 64 * 1024];
            match self.stream.read(&mut buffer).await {
                Ok(read @ 1..) => self.ahead.extend_from_slice(&buffer[..read]),
                _ => return None,
            }
        }
        Some(self.ahead.drain(..length).collect())
    }

    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Answers 200 with a body.
    pub(super) async fn answer(&mut self, kind: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        self.write([head.as_bytes(), body].concat()).await;
    }
}

/// What a provider was asked, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<Asked>>>);

/// A request's head and body.
type Asked = (Head, Vec<u8>);

impl Heard {
    pub(super) fn push(&self, head: Head, body: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((head, body));
    }

    /// The last request, which is taken out.
    pub(super) fn last(&self) -> Option<Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A response as it is made.
const RESPONSE: &str = r#"{"id":"resp_NAME","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"x","annotations":[]}]}],"usage":{"input_tokens":1,"input_tokens_details":{"cached_tokens":0},"output_tokens":1,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":2}}"#;

/// A provider that treats its connections as it is told to. Gone when dropped.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Provider {
    pub(super) async fn start<F>(serve: impl Fn(Line) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                lines.spawn(serve(Line { stream, ahead: Vec::new() }));
            }
        });
        Self { address, _tasks: tasks }
    }

    /// One that notes what it hears and answers with its name, what was asked, and a body's length.
    pub(super) async fn echo(name: &'static str, heard: Heard) -> Self {
        Self::start(move |mut line| {
            let heard = heard.clone();
            async move {
                while let Some(head) = line.head().await {
                    let body = line.body(&head).await;
                    let said = format!(
                        r#"{{"by":"{name}","at":"{} {}","read":{}}}"#,
                        head.method,
                        head.target,
                        body.len()
                    );
                    let makes = head.method == Method::POST && head.target.contains("/v1/responses?");
                    let streams = makes && body.windows(13).any(|words| words == b"\"stream\":true");
                    heard.push(head, body);
                    if streams {
                        let event = RESPONSE.replace("NAME", &format!("{name}_stream"));
                        let events = format!(
                            "event: response.created\ndata: {{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{event}}}\n\n\
                             event: response.completed\ndata: {{\"type\":\"response.completed\",\"sequence_number\":1,\"response\":{event}}}\n\n"
                        );
                        line.answer("text/event-stream", events).await;
                    } else if makes {
                        line.answer("application/json", RESPONSE.replace("NAME", name)).await;
                    } else {
                        line.answer("application/json", said).await;
                    }
                }
            }
        })
        .await
    }
}
