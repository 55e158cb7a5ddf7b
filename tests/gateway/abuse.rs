//! Hostile callers do not stop others, and use bounded resources.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::common::*;

fn limited(limits: GatewayLimits) -> Game {
    Game::with(0, move |plugin| plugin.limits(limits), |_| ())
}

/// Sends bytes, and returns all that is answered until the connection closes.
fn raw(game: &Game, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(game.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The server may close the connection before everything was sent.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// Returns the status and the problem of a raw answer.
fn problem(answer: &str) -> Problem {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    serde_json::from_str(body).unwrap()
}

fn request(host: &str, path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
}

#[test]
fn requests_for_other_hosts_are_rejected() {
    let game = Game::with(0, |plugin| plugin.host("Inventory.Example"), |_| ());
    let port = game.address.port();
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "inventory.example",
        "INVENTORY.example:443",
        &format!("localhost:{port}"),
        "localhost.",
    ] {
        let answer = raw(&game, request(host, "/health", "").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "evil@localhost.example",
    ] {
        for path in ["/health", "/", "/world/init"] {
            let problem = problem(&raw(&game, request(host, path, "").as_bytes()));
            assert_eq!((problem.status, problem.field.as_deref()), (421, Some("Host")), "{host}");
        }
    }
    let wrong = [
        "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ];
    for request in wrong {
        assert_eq!(problem(&raw(&game, request.as_bytes())).field.as_deref(), Some("Host"));
    }
}

#[test]
fn oversized_requests_are_rejected() {
    let game = Game::new(0);
    let url = format!("/health?{}", "x".repeat(3000));
    let header = format!("X-Large: {}\r\n", "x".repeat(20_000));
    let table = [(url.as_str(), "", 414, "URL"), ("/health", header.as_str(), 431, "headers")];
    for (path, headers, status, field) in table {
        let problem = problem(&raw(&game, request("localhost", path, headers).as_bytes()));
        assert_eq!((problem.status, problem.field.as_deref()), (status, Some(field)));
    }
    // Far beyond the limits, the connection is closed without a problem document.
    for header in [format!("X-Large: {}\r\n", "x".repeat(1 << 20)), "X-Many: 1\r\n".repeat(500)] {
        let answer = raw(&game, request("localhost", "/health", &header).as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    for garbage in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = raw(&game, &[garbage, b"\r\n\r\n\r\n"].concat());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(game.get("/health", None).status, 200);
}

#[test]
fn half_open_connections_and_slow_senders_do_not_stop_others() {
    let limits = GatewayLimits {
        connections_per_address: 1200,
        connections: 1500,
        request_time: Duration::from_millis(800),
        ..GatewayLimits::default()
    };
    let game = limited(limits);
    let open = |_| TcpStream::connect(game.address).unwrap();
    let mut silent: Vec<TcpStream> = (0..1000.min(connections_max())).map(open).collect();
    let mut slow: Vec<TcpStream> = (0..20).map(open).collect();
    let request = request("localhost", "/health", "");
    let mut bytes = request.bytes();
    // They are disconnected although they send a byte from time to time.
    wait_until(|| {
        let byte = [bytes.next().unwrap()];
        slow.retain_mut(|stream| stream.write_all(&byte).is_ok() && !is_closed(stream));
        assert_eq!(game.get("/health", None).status, 200, "others are served");
        std::thread::sleep(Duration::from_millis(50));
        slow.is_empty()
    });
    silent.retain_mut(|stream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).is_err()
    });
    assert!(silent.is_empty(), "{} connections stay open", silent.len());
}

/// Returns the number of connections that this process can have with itself, apart from a reserve.
fn connections_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let files = line.and_then(|line| line.split_whitespace().nth(3)).and_then(|it| it.parse().ok());
    files.map_or(1000, |files: usize| files.saturating_sub(300) / 2)
}

fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let read = stream.read(&mut [0; 512]);
    stream.set_nonblocking(false).unwrap();
    !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn one_address_cannot_use_all_connections_requests_or_streams() {
    let limits = GatewayLimits {
        connections_per_address: 10,
        streams_per_address: 2,
        request_burst: 30,
        requests_per_second: 1,
        ..GatewayLimits::default()
    };
    let mut game = limited(limits);
    let held: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(game.address).unwrap()).collect();
    std::thread::sleep(Duration::from_millis(100));
    // Another address of this machine is served.
    let other = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0);
    let socket = connect_from(other, game.address);
    if let Some(mut stream) = socket {
        stream.write_all(request("localhost", "/health", "").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    drop(held);
    std::thread::sleep(Duration::from_millis(100));
    let mut streams: Vec<Events> = (0..2).map(|_| game.follow("/events", None, &[])).collect();
    streams.iter_mut().for_each(|events| drop(events.expect("hello")));
    assert_eq!(game.get("/events", None).problem().status, 429);
    let answers: Vec<Answer> = (0..40).map(|_| game.get("/items", None)).collect();
    let rejected = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(rejected.header("retry-after"), "1");
    rejected.problem();
    // The streams go on.
    game.spawn((player(1), Hotbar::default(), HeldItem::default()));
    game.sim.step();
    streams.iter_mut().for_each(|events| drop(events.expect("tick")));
}

/// Connects from another address of this machine. `None` where it has only one.
fn connect_from(from: SocketAddr, to: SocketAddr) -> Option<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(from).ok()?;
        socket.connect(to).await.ok()
    })?;
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Some(stream)
}

#[test]
fn readers_that_do_not_read_are_disconnected() {
    let limits = GatewayLimits {
        slow_reader: Duration::from_millis(200),
        request_burst: 100_000,
        ..GatewayLimits::default()
    };
    let mut game = limited(limits);
    let bank = game.spawn((chest(1), Inventory((0..3000).map(|_| Some(COIN.stack(1))).collect())));
    game.tick();
    let open = |game: &Game| {
        let mut stream = TcpStream::connect(game.address).unwrap();
        let token = format!("Authorization: Bearer {}\r\n", game.operator.secret());
        stream.write_all(request("localhost", "/events", &token).as_bytes()).unwrap();
        stream
    };
    let mut reader = game.follow("/events", Some(&game.operator.clone()), &[]);
    let streams: Vec<TcpStream> = (0..4).map(|_| open(&game)).collect();
    let metric = |game: &Game, name: &str| -> u64 {
        let metrics = game.operate("/metrics").body;
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    wait_until(|| metric(&game, "gateway_streams") == 5);
    let mut count = 1;
    wait_until(|| {
        count += 1;
        let mut slots = game.world().get_mut::<Inventory>(bank).unwrap();
        for slot in 0..500 {
            slots.set(slot, COIN.stack(count)).unwrap();
        }
        game.tick();
        assert!(metric(&game, "gateway_window_bytes") <= 16 << 20);
        metric(&game, "gateway_streams") == 1
    });
    drop(streams);
    assert_eq!(game.get("/health", None).json::<Value>()["status"], "healthy");
    // The reader that reads has everything.
    reader.expect("hello");
    let mut last = 1;
    while last < count {
        let event: TickEvent = reader.expect("tick").json();
        let change = event.slots.iter().find(|change| change.slot == 0).unwrap();
        assert_eq!(change.old.as_ref().unwrap().count, last);
        last = change.new.as_ref().unwrap().count;
    }
}

#[test]
fn bodies_that_are_too_large_or_slow_are_rejected() {
    let limits =
        GatewayLimits { request_time: Duration::from_millis(500), ..GatewayLimits::default() };
    let game = limited(limits);
    let token = format!("Authorization: Bearer {}\r\n", game.operator.secret());
    let post = |length: usize, body: &str| {
        format!(
            "POST /commands/give HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let large = problem(&raw(&game, post(100_000, &"x".repeat(100_000)).as_bytes()));
    assert_eq!((large.status, large.field.as_deref()), (413, Some("body")));
    let slow = problem(&raw(&game, post(100, "{").as_bytes()));
    assert_eq!(slow.status, 408);
}
