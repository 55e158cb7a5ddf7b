//! A server and a client send exactly the messages of the recording. The recording is what the halves are tested
//! with alone.

#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "a test")]

mod recording;

use recording::{RECORDED, RecordedClient, RecordedServer, TICKS, chest, player};

#[test]
fn a_session_sends_the_recorded_messages() {
    let (mut server, mut client) = (RecordedServer::new(), RecordedClient::new());
    let (mut up, mut lines) = (Vec::new(), Vec::new());
    for tick in 0..TICKS {
        let sent = server.tick(tick, core::mem::take(&mut up));
        let down = sent.iter().map(|sent| (sent.channel, sent.bytes.clone())).collect();
        let requests = client.tick(tick, down);
        up.extend(requests.iter().map(|sent| (sent.channel, sent.bytes.clone())));
        lines.extend(sent.iter().chain(&requests).map(ToString::to_string));
    }
    assert_eq!(client.shown(player()).unwrap().len(), 3);
    assert_eq!(client.shown(chest()), None, "it was closed");
    let session = lines.join("\n") + "\n";
    if std::env::var_os("RECORD_SESSION").is_some() {
        std::fs::write("tests/golden/session.txt", &session).unwrap();
    } else {
        assert_eq!(
            session, RECORDED,
            "record it again with RECORD_SESSION=1 if the wire has changed"
        );
    }
}
