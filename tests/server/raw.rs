//! HTTP/1.1 as it comes over a socket, good and bad.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use http::{Method, StatusCode};

use crate::http_client::{Outcome, get, send};
use crate::{PLAIN, gateway};

/// A connection to the gateway, written and read by hand.
struct Line {
    stream: BufReader<TcpStream>,
}

/// The head of an answer and its body.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Line {
    fn open(addr: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    fn write(&mut self, text: &str) -> Outcome<()> {
        Ok(self.stream.get_mut().write_all(text.as_bytes())?)
    }

    /// Reads an answer whose length is told.
    fn read(&mut self) -> Outcome<Answer> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(format!("the connection ended after {lines:?}").into());
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let status = lines[0].split(' ').nth(1).ok_or("no status")?.parse()?;
        let headers: Vec<_> = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: String::new() };
        let length = answer.header("content-length").map_or(Ok(0), str::parse)?;
        let mut body = vec![0; length];
        if status >= 200 {
            self.stream.read_exact(&mut body)?;
        }
        answer.body = String::from_utf8(body)?;
        Ok(answer)
    }

    /// Whether the server has closed the connection and said nothing more.
    fn is_over(&mut self) -> bool {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest.is_empty()
    }
}

fn chat(more: &str) -> String {
    let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"ping"}]}"#;
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{more}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn requests_sent_at_once_are_answered_in_order() -> Outcome<()> {
    let (server, _file) = gateway("pipeline.yaml", PLAIN);
    let mut line = Line::open(server.addr())?;
    let ids = ["x-request-id: a1\r\n", "x-request-id: a2\r\n", "x-request-id: a3\r\n"];
    line.write(&format!(
        "{}{}{}",
        chat(ids[0]),
        "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n",
        chat(ids[2])
    ))?;
    let (first, second, third) = (line.read()?, line.read()?, line.read()?);
    assert_eq!((first.status, first.header("x-request-id")), (200, Some("a1")));
    assert_eq!((second.status, &*second.body), (200, "ok\n"));
    assert_eq!((third.status, third.header("x-request-id")), (200, Some("a3")));
    Ok(())
}

#[test]
fn a_client_that_waits_for_100_gets_it_or_the_refusal() -> Outcome<()> {
    let (server, _file) = gateway("expect.yaml", "server: {listen: '127.0.0.1:0', max_body_bytes: 4KiB}\n");
    let (head, body) = chat("expect: 100-continue\r\n")
        .split_once("\r\n\r\n")
        .map(|(a, b)| (format!("{a}\r\n\r\n"), b.to_owned()))
        .unwrap();
    let mut line = Line::open(server.addr())?;
    line.write(&head)?;
    assert_eq!(line.read()?.status, 100);
    line.write(&body)?;
    assert_eq!(line.read()?.status, 200);

    let mut line = Line::open(server.addr())?;
    line.write("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5000\r\n\r\n")?;
    assert_eq!(line.read()?.status, 413, "the body must not be asked for");
    Ok(())
}

#[tokio::test]
async fn head_and_options_are_answered_as_the_path_allows() -> Outcome<()> {
    let (server, _file) = gateway("methods.yaml", PLAIN);
    for (method, path, status, allow) in [
        (Method::HEAD, "/health/live", 200, None),
        (Method::HEAD, "/v1/models", 200, None),
        (Method::HEAD, "/v1/chat/completions", 405, Some("POST")),
        (Method::OPTIONS, "/v1/chat/completions", 405, Some("POST")),
        (Method::OPTIONS, "/v1/models", 405, Some("GET, HEAD")),
        (Method::DELETE, "/v1/models/gpt-5-mini", 405, Some("GET, HEAD")),
        (Method::HEAD, "/nowhere", 404, None),
    ] {
        let mut request = get(server.addr(), path);
        *request.method_mut() = method.clone();
        let answer = send(request).await?;
        assert_eq!(answer.status(), status, "{method} {path}");
        let allowed = answer.headers().get("allow").map(|value| value.to_str().unwrap());
        assert_eq!(allowed, allow, "{method} {path}");
        assert_eq!(answer.body().is_empty(), method == Method::HEAD, "{method} {path}");
    }
    Ok(())
}

#[test]
fn a_head_over_the_limit_is_431() -> Outcome<()> {
    let (server, _file) = gateway("head.yaml", PLAIN);
    let large = "x".repeat(100_000);
    let many = "x-many: 1\r\n".repeat(200);
    for headers in [format!("x-large: {large}\r\n"), many] {
        let mut line = Line::open(server.addr())?;
        // The server answers before all is written.
        let _ = line.write(&format!("GET /health/live HTTP/1.1\r\nhost: x\r\n{headers}\r\n"));
        assert_eq!(line.read()?.status, 431);
    }
    Ok(())
}

#[test]
fn no_request_hides_in_another() -> Outcome<()> {
    let (server, _file) = gateway("smuggle.yaml", PLAIN);
    let post = |headers: &str, body: &str| {
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n{body}")
    };
    let hidden = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    for (name, request) in [
        ("two lengths", post("content-length: 3\r\ncontent-length: 5", "abcde")),
        ("a signed length", post("content-length: +3", "abc")),
        ("a list of lengths", post("content-length: 3, 5", "abcde")),
        ("chunked not last", post("transfer-encoding: chunked, identity", "0\r\n\r\n")),
        ("a blank before the colon", post("transfer-encoding : chunked", "0\r\n\r\n")),
        ("a folded line", post("x-one: 1\r\n transfer-encoding: chunked", "0\r\n\r\n")),
        ("a name that is none", post("transfer\u{0}encoding: chunked", "0\r\n\r\n")),
        (
            "chunks in HTTP/1.0",
            post("transfer-encoding: chunked", "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
        ),
    ] {
        let mut line = Line::open(server.addr())?;
        line.write(&format!("{request}{hidden}"))?;
        assert_eq!(line.read()?.status, 400, "{name}");
        assert!(line.is_over(), "{name}");
    }
    for (name, body) in [
        ("a chunk of no length", "zz\r\n{}\r\n0\r\n\r\n"),
        ("a chunk of too great a length", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ("a chunk that is longer than told", "2\r\n{\"a\":1}\r\n0\r\n\r\n"),
    ] {
        let mut line = Line::open(server.addr())?;
        line.write(&format!("{}{hidden}", post("transfer-encoding: chunked", body)))?;
        assert_eq!(line.read()?.status, 400, "{name}");
        assert!(line.is_over(), "{name}");
    }
    // Both are allowed to be read by the chunks alone (RFC 9112 §6.1), if the connection then ends.
    for headers in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let mut line = Line::open(server.addr())?;
        line.write(&format!("{}{hidden}", post(headers, "2\r\n{}\r\n0\r\n\r\n")))?;
        assert_eq!(line.read()?.status, 400);
        assert!(line.is_over(), "{headers}");
    }
    Ok(())
}

#[test]
fn a_head_that_is_none_leaves_a_line_in_the_log() -> Outcome<()> {
    let (server, _file) = gateway("malformed.yaml", PLAIN);
    let mut line = Line::open(server.addr())?;
    line.write("GET /a b/c HTTP/1.1\r\nhost: secret.example\r\n\r\n")?;
    let answer = line.read()?;
    assert_eq!((answer.status, &*answer.body), (400, ""));
    let told = server.wait_for("a malformed head of a request was refused")?;
    assert!(told.contains("127.0.0.1:") && !told.contains("secret"), "{told}");
    Ok(())
}

#[tokio::test]
async fn idle_connections_cost_little_and_hinder_nobody() -> Outcome<()> {
    let (server, _file) = gateway("idle.yaml", PLAIN);
    assert_eq!(send(get(server.addr(), "/health/live")).await?.status(), StatusCode::OK);
    let before = server.resident_mib()?;
    let mut lines = Vec::new();
    for _ in 0..400 {
        let mut line = Line::open(server.addr())?;
        line.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")?;
        assert_eq!(line.read()?.status, 200);
        lines.push(line);
    }
    let more = server.resident_mib()?.saturating_sub(before);
    assert!(more < 16, "400 idle connections cost {more} MiB");
    // They live on, all of them.
    for line in &mut lines {
        line.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")?;
        assert_eq!(line.read()?.status, 200);
    }
    Ok(())
}
