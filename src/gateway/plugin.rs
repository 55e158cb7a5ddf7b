//! The gateway plugin.

use core::net::SocketAddr;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use axum::http::HeaderValue;
use bevy::prelude::*;
use log::{error, info};
use tokio::sync::{mpsc::unbounded_channel, watch};

use crate::{changes::ChangeTrackerPlugin, store::reader::StoreReaderOpener};

use super::{
    app::{Gateway, Settings},
    error::GatewayError,
    feed::{self, FeedLink, GatewayStatus},
    hub::Hub,
    limits::GatewayLimits,
    reader::HistoryReader,
    server::{self, Bound},
    tokens::GatewayTokens,
};

/// Serves the inventories of this app over HTTP, for operators, companion apps and spectators. Add it after
/// [`InventoryPlugins`](crate::prelude::InventoryPlugins).
///
/// ```no_run
/// use bevy::prelude::*;
/// use bevy_inventory_sync::gateway::{GatewayTokens, InventoryGatewayPlugin, Scope};
///
/// # let mut app = App::new();
/// let tokens = GatewayTokens::default();
/// let token = tokens.issue(Scope::Operator, None);
/// app.add_plugins(InventoryGatewayPlugin::new(([127, 0, 0, 1], 8070)).tokens(tokens));
/// // Browsers do not send the part after `#` to the server, so it does not appear in logs.
/// println!("http://127.0.0.1:8070/#token={}", token.secret());
/// ```
///
/// The gateway runs on its own thread, which receives the changes of each tick. It never blocks the game, and the game
/// never blocks it. [`GatewayStatus`] shows whether it is running.
pub struct InventoryGatewayPlugin {
    address: SocketAddr,
    settings: Settings,
    limits: GatewayLimits,
    tokens: GatewayTokens,
    bound: Mutex<Option<Bound>>,
}

impl InventoryGatewayPlugin {
    /// Listens on an address. It must be a loopback address unless
    /// [`behind_tls_proxy`](Self::behind_tls_proxy) is called. With port 0, the operating system chooses a free port.
    #[must_use]
    pub fn new(address: impl Into<SocketAddr>) -> Self {
        Self {
            address: address.into(),
            settings: Settings::default(),
            limits: GatewayLimits::default(),
            tokens: GatewayTokens::default(),
            bound: Mutex::new(None),
        }
    }

    /// Declares that callers reach this address only through a proxy that terminates TLS and appends the caller's
    /// address to `X-Forwarded-For`. Everything except `/health` and the page files then requires a token. The page
    /// files contain no game data. Also call [`host`](Self::host).
    #[must_use]
    pub fn behind_tls_proxy(mut self) -> Self {
        self.settings.behind_proxy = true;
        self
    }

    /// Allows requests for a host name. Specify it without the port. `localhost`, `127.0.0.1` and `[::1]` are always
    /// allowed. Requests for other host names are rejected.
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.settings.hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Allows pages of another origin, such as `https://game.example`, to read responses (CORS). By default, no other
    /// origin is allowed.
    ///
    /// # Panics
    ///
    /// If the origin contains characters that are not allowed in a header.
    #[must_use]
    pub fn allow_origin(mut self, origin: &str) -> Self {
        let origin = HeaderValue::from_str(origin).expect("an origin is visible ASCII text");
        self.settings.origins.push(origin);
        self
    }

    /// Serves item icons from this folder. [`ItemDef::icon`](crate::model::item::ItemDef::icon) is relative to it.
    #[must_use]
    pub fn icons(mut self, folder: impl Into<PathBuf>) -> Self {
        self.settings.icons = Some(folder.into());
        self
    }

    /// Sets the limits for callers.
    #[must_use]
    pub fn limits(self, limits: GatewayLimits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the valid tokens. They are also inserted as a resource.
    #[must_use]
    pub fn tokens(self, tokens: GatewayTokens) -> Self {
        Self { tokens, ..self }
    }

    fn bind(&self) -> Result<Bound, GatewayError> {
        let Settings { behind_proxy, hosts, .. } = &self.settings;
        if !behind_proxy && !self.address.ip().to_canonical().is_loopback() {
            return Err(GatewayError::NotLoopback { address: self.address });
        }
        if *behind_proxy && hosts.is_empty() {
            return Err(GatewayError::NoHosts);
        }
        server::bind(self.address)
    }

    /// Starts the gateway's thread.
    fn start(&self, app: &mut App, bound: Bound) -> Result<(), GatewayError> {
        let reader = app.world().get_resource::<StoreReaderOpener>();
        let reader = reader.and_then(StoreReaderOpener::take).map(HistoryReader::new);
        let (send_feed, feed) = unbounded_channel();
        let (send_ask, asks) = mpsc::channel();
        let (send_closing, closing) = watch::channel(false);
        let backlog = Arc::default();
        let hub = Hub::new(send_ask, Arc::clone(&backlog), self.limits.window_bytes);
        let gateway = Gateway::new(
            Arc::new(hub),
            self.tokens.clone(),
            self.settings.clone(),
            self.limits,
            reader,
            closing,
        );
        let address = bound.address;
        let thread = server::start(bound, Arc::new(gateway), feed)?;
        let link = FeedLink::new(send_feed, backlog, asks, send_closing, thread);
        app.insert_resource(link).insert_resource(GatewayStatus::Listening(address));
        Ok(())
    }
}

impl Plugin for InventoryGatewayPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(self.tokens.clone());
        match self.bind() {
            Ok(bound) => {
                info!("the gateway listens on http://{}", bound.address);
                app.insert_resource(GatewayStatus::Starting(bound.address))
                    // Only the last tick is needed.
                    .add_plugins(ChangeTrackerPlugin { window: 0 });
                *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = Some(bound);
            }
            Err(error) => fail(app, error),
        }
    }

    fn finish(&self, app: &mut App) {
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(bound) = bound else { return };
        match self.start(app, bound) {
            Ok(()) => feed::plugin(app),
            Err(error) => fail(app, error),
        }
    }
}

fn fail(app: &mut App, error: GatewayError) {
    error!("the gateway is not running: {error}");
    app.insert_resource(GatewayStatus::Failed(error));
}
