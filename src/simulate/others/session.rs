//! A realtime session over a web socket: it answers each `response.create` with the last text it was
//! given, and counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::simulate::fault::{Fault, Provider};

/// The longest message that is read.
const LONGEST: u64 = 1 << 20;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Switches a request's connection; gives the headers of the answer that says so.
pub(in crate::simulate) fn open(head: &mut Parts) -> Result<http::HeaderMap, Fault> {
    let wrong = |what: &str| Fault::new(Provider::OpenAi, 400, what);
    let on = head.extensions.remove::<OnUpgrade>().ok_or_else(|| wrong("a web socket is wanted"))?;
    if head.headers.contains_key("sec-websocket-extensions") {
        return Err(wrong("no extension was expected"));
    }
    let key = head.headers.get("sec-websocket-key").ok_or_else(|| wrong("no sec-websocket-key"))?;
    let salted = [key.as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &salted));
    let mut headers = http::HeaderMap::new();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::try_from(accept).map_err(|_| wrong("no key"))?);
    let offered = head.headers.get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    if offered.is_some_and(|all| all.split(',').any(|one| one.trim() == "realtime")) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("realtime"));
    }
    let model = crate::simulate::credential::query(&head.uri, "model").unwrap_or_default().to_owned();
    tokio::spawn(async move {
        if let Ok(upgraded) = on.await {
            // A client that went away ends it.
            let _ =
                Session { io: TokioIo::new(upgraded), said: String::new(), events: 0 }.serve(&model).await;
        }
    });
    Ok(headers)
}

struct Session {
    io: TokioIo<Upgraded>,
    said: String,
    events: u64,
}

impl Session {
    async fn serve(mut self, model: &str) -> io::Result<()> {
        let session =
            json!({"type": "realtime", "object": "realtime.session", "id": "sess_1", "model": model});
        self.tell("session.created", json!({ "session": session })).await?;
        loop {
            let (opcode, payload) = self.read().await?;
            match opcode {
                CLOSE => return self.write(CLOSE, &payload).await,
                PING => self.write(PONG, &payload).await?,
                TEXT => {
                    let event: Value = serde_json::from_slice(&payload).unwrap_or_default();
                    self.hear(&event).await?;
                }
                _ => {}
            }
        }
    }

    async fn hear(&mut self, event: &Value) -> io::Result<()> {
        match event["type"].as_str() {
            Some("session.update") => {
                self.tell("session.updated", json!({"session": event["session"]})).await
            }
            Some("conversation.item.create") => {
                let text = &event["item"]["content"][0]["text"];
                text.as_str().unwrap_or_default().clone_into(&mut self.said);
                self.tell("conversation.item.added", json!({"item": event["item"]})).await
            }
            Some("response.create") => {
                let said = self.said.clone();
                self.tell("response.created", json!({"response": {"id": "resp_1", "status": "in_progress"}}))
                    .await?;
                for word in said.split_inclusive(' ') {
                    let delta = json!({
                        "response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0, "delta": word,
                    });
                    self.tell("response.output_text.delta", delta).await?;
                }
                let usage = json!({
                    "total_tokens": 12, "input_tokens": 9, "output_tokens": 3,
                    "input_token_details": {"text_tokens": 5, "audio_tokens": 4, "cached_tokens": 2},
                    "output_token_details": {"text_tokens": 3, "audio_tokens": 0},
                });
                let response = json!({
                    "object": "realtime.response", "id": "resp_1", "status": "completed", "output": [], "usage": usage,
                });
                self.tell("response.done", json!({ "response": response })).await
            }
            _ => {
                let error = json!({"type": "invalid_request_error", "message": "unknown event"});
                self.tell("error", json!({ "error": error })).await
            }
        }
    }

    async fn tell(&mut self, kind: &str, rest: Value) -> io::Result<()> {
        self.events += 1;
        let mut event = json!({"type": kind, "event_id": format!("event_{}", self.events)});
        if let (Some(event), Value::Object(rest)) = (event.as_object_mut(), rest) {
            event.extend(rest);
        }
        self.write(TEXT, event.to_string().as_bytes()).await
    }

    async fn write(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | opcode];
        match u16::try_from(payload.len()) {
            Ok(length @ ..126) => frame.push(u8::try_from(length).unwrap_or_default()),
            Ok(length) => {
                frame.push(126);
                frame.extend(length.to_be_bytes());
            }
            Err(_) => {
                frame.push(127);
                frame.extend((payload.len() as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        self.io.write_all(&frame).await?;
        self.io.flush().await
    }

    /// Reads a message; those in several frames, and control frames between them, come apart.
    async fn read(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let wrong = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        let first = self.io.read_u8().await?;
        let second = self.io.read_u8().await?;
        let length = match second & 0x7f {
            126 => u64::from(self.io.read_u16().await?),
            127 => self.io.read_u64().await?,
            short => u64::from(short),
        };
        if second & 0x80 == 0 || first & 0x70 != 0 || length > LONGEST {
            return wrong("not a frame of a client");
        }
        let mut mask = [0; 4];
        self.io.read_exact(&mut mask).await?;
        let mut payload = vec![0; usize::try_from(length).unwrap_or_default()];
        self.io.read_exact(&mut payload).await?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Ok((first & 0x0f, payload))
    }
}
