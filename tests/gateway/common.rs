//! A game with a gateway, and a client for it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    sync::mpsc,
    thread,
    time::Duration,
};

pub use bevy::prelude::*;
pub use bevy_inventory_sync::{
    features::public_view::HeldItem,
    gateway::{
        GatewayAppExt, GatewayLimits, GatewayStatus, GatewayToken, GatewayTokens,
        InventoryGatewayPlugin, Scope,
        json::{InventoryFound, TickEvent, WorldInit},
        problem::Problem,
    },
    prelude::*,
    server::inspect,
    sim::Simulation,
};
pub use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::Agent;

pub const COIN: ItemId = ItemId::of("coin");
pub const AXE: ItemId = ItemId::of("axe");

pub const ITEMS: &str = r#"(items: [
    (key: "coin", name: "Gold coin", max_stack: 1000000, icon: "coin.png"),
    (key: "axe", name: "Axe", max_stack: 1, icon: "../secret.png"),
    (key: "canary", name: "Canary", max_stack: 9),
])"#;

/// How long a test waits for the gateway's thread. It fails then.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Instance data of the tests.
#[derive(Serialize, Deserialize)]
pub struct Engraving {
    pub text: String,
    pub by: InventoryId,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

pub fn player(number: u64) -> InventoryId {
    InventoryId::named("player", number)
}

pub fn chest(number: u64) -> InventoryId {
    InventoryId::named("chest", number)
}

/// Sets up a server or a client.
pub fn setup(app: &mut App) {
    app.insert_items(Items::<()>::from_ron(ITEMS).unwrap())
        .add_item_data::<Engraving>()
        .add_public_view::<HeldItem>();
}

/// A game with a gateway.
pub struct Game {
    pub sim: Simulation,
    pub address: SocketAddr,
    pub tokens: GatewayTokens,
    pub operator: GatewayToken,
    agent: Agent,
}

/// What the gateway has answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Answer {
    /// Reads the body, which must have the right type and status.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert_eq!(
            (self.status, self.header("content-type")),
            (200, "application/json"),
            "{self:?}"
        );
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Reads the problem, which must be a complete one.
    #[track_caller]
    pub fn problem(&self) -> Problem {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem: Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{problem:?}");
        problem
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false);
    config.timeout_connect(Some(PATIENCE)).timeout_recv_response(Some(PATIENCE)).build().into()
}

impl Game {
    /// Starts a game with this number of clients, which are connected.
    pub fn new(clients: usize) -> Self {
        Self::with(clients, |plugin| plugin, |_| ())
    }

    /// Starts a game whose gateway and server are set up further.
    pub fn with(
        clients: usize,
        plugin: impl Fn(InventoryGatewayPlugin) -> InventoryGatewayPlugin,
        server: impl Fn(&mut App),
    ) -> Self {
        let tokens = GatewayTokens::default();
        let operator = tokens.issue(Scope::Operator, None);
        let app = Simulation::app(|app| {
            setup(app);
            let gateway = InventoryGatewayPlugin::new(([127, 0, 0, 1], 0)).tokens(tokens.clone());
            // A test sends many requests at once.
            let limits = GatewayLimits { request_burst: 100_000, ..GatewayLimits::default() };
            app.add_plugins(plugin(gateway.limits(limits)));
            server(app);
        });
        let GatewayStatus::Listening(address) = *app.world().resource::<GatewayStatus>() else {
            panic!("{:?}", app.world().resource::<GatewayStatus>());
        };
        let clients = (0..clients).map(|_| Simulation::app(setup));
        let sim = Simulation::from_apps(app, clients);
        let mut game = Self { sim, address, tokens, operator, agent: agent() };
        game.tick();
        game
    }

    pub fn world(&mut self) -> &mut World {
        self.sim.server.world_mut()
    }

    pub fn spawn(&mut self, bundle: impl Bundle) -> Entity {
        self.world().spawn(bundle).id()
    }

    /// Runs a tick, and waits until the gateway has it.
    pub fn tick(&mut self) {
        self.sim.step();
        self.wait();
    }

    pub fn ticks(&mut self, ticks: usize) {
        (0..ticks).for_each(|_| self.sim.step());
        self.wait();
    }

    /// Waits until the gateway has the last tick.
    pub fn wait(&mut self) {
        let tick = inspect::tick(self.world());
        wait_until(|| {
            let health: Value = serde_json::from_str(&self.get("/health", None).body).unwrap();
            health["tick"].as_u64() == Some(tick)
        });
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request while the game stands still.
    pub fn get(&self, path: &str, token: Option<&GatewayToken>) -> Answer {
        self.send(path, token, &[])
    }

    /// Sends a request with headers while the game stands still.
    pub fn send(
        &self,
        path: &str,
        token: Option<&GatewayToken>,
        headers: &[(&str, &str)],
    ) -> Answer {
        get(&self.agent, &self.url(path), token, headers)
    }

    /// Sends a request as an operator while the game stands still.
    pub fn operate(&self, path: &str) -> Answer {
        self.get(path, Some(&self.operator))
    }

    /// Sends a request while the game runs.
    pub fn ask(&mut self, path: &str, token: Option<&GatewayToken>) -> Answer {
        let (agent, url, token) = (self.agent.clone(), self.url(path), token.cloned());
        self.run_until(move || get(&agent, &url, token.as_ref(), &[]))
    }

    /// Runs the game until something else has ended.
    pub fn run_until<T: Send + 'static>(&mut self, run: impl FnOnce() -> T + Send + 'static) -> T {
        let other = thread::spawn(run);
        while !other.is_finished() {
            self.sim.step();
            thread::sleep(Duration::from_millis(1));
        }
        other.join().unwrap()
    }

    /// Follows events, with headers.
    pub fn follow(
        &self,
        path: &str,
        token: Option<&GatewayToken>,
        headers: &[(&str, &str)],
    ) -> Events {
        let mut request = self.agent.get(self.url(path));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {}", token.secret()));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (send, events) = mpsc::channel();
        thread::spawn(move || {
            let response = request.call().unwrap();
            assert_eq!(response.status(), 200, "{response:?}");
            let mut lines = BufReader::new(response.into_body().into_reader()).lines();
            let mut event = Event::default();
            while let Some(Ok(line)) = lines.next() {
                match line.split_once(": ") {
                    Some(("event", name)) => event.name = name.into(),
                    Some(("id", id)) => event.id = id.into(),
                    Some(("data", data)) => event.data = data.into(),
                    _ => {}
                }
                // A message without data only has the id to resume from.
                if line.is_empty() {
                    let event = core::mem::take(&mut event);
                    if !event.name.is_empty() && send.send(event).is_err() {
                        return;
                    }
                }
            }
        });
        Events { events }
    }
}

fn get(agent: &Agent, url: &str, token: Option<&GatewayToken>, headers: &[(&str, &str)]) -> Answer {
    let mut request = agent.get(url);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {}", token.secret()));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.call().unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status, headers, body }
}

/// Waits until something has happened on the gateway's thread.
pub fn wait_until(mut happened: impl FnMut() -> bool) {
    for _ in 0..PATIENCE.as_millis() {
        if happened() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("it has not happened");
}

/// A server-sent event.
#[derive(Clone, Default, Debug)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: String,
}

impl Event {
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.data))
    }
}

/// An open stream of events.
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// Waits for the next event. `None` if the stream has ended.
    pub fn next(&mut self) -> Option<Event> {
        match self.events.recv_timeout(PATIENCE) {
            Ok(event) => Some(event),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("no event was sent"),
        }
    }

    /// Waits for the next event, which must have this name.
    #[track_caller]
    pub fn expect(&mut self, name: &str) -> Event {
        let event = self.next();
        assert_eq!(event.as_ref().map(|event| event.name.as_str()), Some(name), "{event:?}");
        event.unwrap()
    }

    /// Returns an event that has already arrived.
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

/// Returns an inventory with these stacks and room for some more.
pub fn slots(stacks: impl IntoIterator<Item = Stack>) -> Inventory {
    let mut all: Vec<_> = stacks.into_iter().map(Some).collect();
    all.resize(all.len().max(4), None);
    Inventory(all.into_iter().collect())
}
