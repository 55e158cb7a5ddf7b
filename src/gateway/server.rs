//! The gateway's thread. It receives the changes of the game and serves connections.

use core::{net::SocketAddr, time::Duration};
use std::{
    io,
    sync::{Arc, atomic::Ordering},
    thread,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use log::{error, warn};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
    sync::mpsc::UnboundedReceiver,
    time::sleep,
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use super::{
    app::{Gateway, Opened, count, of_caller},
    error::GatewayError,
    feed::Feed,
    router::router,
};

/// Maximum number of connections waiting to be accepted (listen backlog).
const ACCEPTED_MAX: u32 = 1024;

/// Size of the operating system's send buffer of a connection, in bytes. It limits the memory used by stalled
/// readers.
const SEND_BUFFER: u32 = 128 << 10;

/// Size of the buffers of a connection, in bytes. Larger requests are rejected without a body.
const BUFFER: usize = 64 << 10;

/// Maximum number of headers in a request.
const HEADERS_MAX: usize = 100;

/// How long the thread waits for event streams to end when the game ends.
const CLOSING_TIME: Duration = Duration::from_millis(200);

/// A listening socket, and the runtime that will serve it.
pub(super) struct Bound {
    runtime: Runtime,
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

/// Listens on an address.
///
/// # Errors
///
/// [`GatewayError::Listen`].
pub(super) fn bind(address: SocketAddr) -> Result<Bound, GatewayError> {
    let failed = |error: io::Error| GatewayError::Listen { address, why: error.to_string() };
    let runtime = Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(failed)?;
    let listen = || {
        let _guard = runtime.enter();
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(address)?;
        let listener = socket.listen(ACCEPTED_MAX)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = listen().map_err(failed)?;
    Ok(Bound { runtime, listener, address })
}

/// Starts the gateway's thread. It ends when `Gateway::closing` is set.
///
/// # Errors
///
/// [`GatewayError::Thread`].
pub(super) fn start(
    bound: Bound,
    gateway: Arc<Gateway>,
    feed: UnboundedReceiver<Feed>,
) -> Result<thread::JoinHandle<()>, GatewayError> {
    let Bound { runtime, listener, .. } = bound;
    let run = move || {
        runtime.block_on(async {
            let router = router(&gateway);
            let mut closing = gateway.closing.clone();
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => {}
                () = follow(&gateway, feed) => {}
                () = accept(listener, &gateway, router) => {}
            }
            let is_quiet = || gateway.counters.streams.load(Ordering::Relaxed) == 0;
            let step = CLOSING_TIME / 10;
            for _ in 0..10 {
                sleep(step).await;
                if is_quiet() {
                    break;
                }
            }
        });
        // Does not wait for unfinished reads of the store.
        runtime.shutdown_background();
    };
    let thread = thread::Builder::new().name("inventory gateway".into()).spawn(run);
    thread.map_err(|error| GatewayError::Thread(error.to_string()))
}

/// Handles messages from the game until it ends.
async fn follow(gateway: &Gateway, mut feed: UnboundedReceiver<Feed>) {
    while let Some(message) = feed.recv().await {
        gateway.hub.take(message);
        // Lets readers send this tick before the next one is handled.
        tokio::task::yield_now().await;
    }
}

async fn accept(listener: TcpListener, gateway: &Arc<Gateway>, router: Router) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // For example, too many open files.
                warn!("the gateway cannot accept a connection: {error}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match gateway.open_connection(of_caller(peer.ip())) {
            Some(opened) => {
                tokio::spawn(serve(stream, peer, router.clone(), opened));
            }
            None => count(&gateway.counters.connections_refused, 1),
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, opened: Opened) {
    let limits = opened.limits();
    if let Err(error) = stream.set_nodelay(true) {
        error!("the gateway cannot set up a connection: {error}");
        return;
    }
    let mut stream = TimeoutStream::new(stream);
    // Longer than the limit of event streams, so that a slow reader receives the reason.
    stream.set_write_timeout(Some(limits.slow_reader * 2));
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_time)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    // Errors are expected: callers may disconnect at any time or send malformed data.
    drop(connection.await);
}
