//! The physical limit for `make bench`: a reverse proxy that does nothing but carry bytes.
//!
//! hyper on both sides, pooled connections, `TCP_NODELAY` both ways, bodies streamed frame by frame,
//! with the gateway's allocator and build profile, so that a ratio to it is honest. Like the gateway
//! it runs in one of two layouts: one work-stealing runtime, or one runtime and one client pool a core.

use std::{
    error::Error,
    io::{self, Write as _},
    net::SocketAddr,
    num::NonZero,
    thread,
};

use clap::{Parser, ValueEnum};
use http::{
    Request, Response, StatusCode, Uri, Version,
    uri::{Authority, Scheme},
};
use http_body_util::{Either, Empty};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Args {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// `host:port` of the server to carry requests to, over plain HTTP/1.1.
    #[arg(long)]
    upstream: Authority,
    /// Layout of the runtime.
    #[arg(long, value_enum, default_value_t = Workers::Shared)]
    workers: Workers,
}

#[derive(Clone, Copy, ValueEnum)]
enum Workers {
    /// One work-stealing runtime for all cores.
    Shared,
    /// One single-threaded runtime, listener and client pool a core.
    PerCore,
}

type Pool = Client<HttpConnector, Incoming>;
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let first = bind(args.listen)?;
    let address = first.local_addr()?;
    writeln!(io::stderr(), "listening on http://{address}")?;

    match args.workers {
        Workers::Shared => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(serve(first, args.upstream))
        }
        Workers::PerCore => {
            let mut listeners = vec![first];
            for _ in 1..thread::available_parallelism().map_or(1, NonZero::get) {
                listeners.push(bind(address)?);
            }
            let cores: Vec<_> = listeners
                .into_iter()
                .map(|listener| {
                    let upstream = args.upstream.clone();
                    thread::spawn(move || -> Result<(), Failure> {
                        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                        runtime.block_on(serve(listener, upstream))
                    })
                })
                .collect();
            cores
                .into_iter()
                .try_for_each(|core| core.join().unwrap_or_else(|_| Err("a core panicked".into())))
        }
    }
}

/// Binds with `SO_REUSEPORT`, so that each core can have a listener of its own on one port.
fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

async fn serve(listener: std::net::TcpListener, upstream: Authority) -> Result<(), Failure> {
    let listener = TcpListener::from_std(listener)?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);

    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (pool, upstream) = (pool.clone(), upstream.clone());
        tokio::spawn(async move {
            let carry = service_fn(move |request| carry(pool.clone(), upstream.clone(), request));
            // A client that hangs up is no event here.
            let _ =
                auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), carry).await;
        });
    }
}

/// Sends the request on as it came, but for the address; a dead upstream is a bare 502.
async fn carry(
    pool: Pool,
    upstream: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Either<Incoming, Empty<Bytes>>>, http::Error> {
    let mut target = std::mem::take(request.uri_mut()).into_parts();
    target.scheme = Some(Scheme::HTTP);
    target.authority = Some(upstream);
    *request.uri_mut() = Uri::from_parts(target)?;
    *request.version_mut() = Version::HTTP_11;

    match pool.request(request).await {
        Ok(response) => Ok(response.map(Either::Left)),
        Err(_) => Response::builder().status(StatusCode::BAD_GATEWAY).body(Either::Right(Empty::new())),
    }
}
