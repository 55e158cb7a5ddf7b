//! The connection to Redis.

use crate::store::error::StoreError;
use ::redis::{
    Client, Cmd, Connection, ConnectionLike, ErrorKind, FromRedisValue, RedisError,
    ScriptInvocation, Value,
    cluster::{ClusterClient, ClusterConnection},
    cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr},
    from_redis_value,
};

use super::settings::{RedisSettings, without_password};

/// A connection, which is opened again after an error.
pub(super) struct RedisLink {
    settings: RedisSettings,
    connection: Option<Opened>,
}

enum Opened {
    One(Box<Connection>),
    Cluster(Box<ClusterConnection>),
}

impl RedisLink {
    pub(super) fn new(settings: RedisSettings) -> Self {
        Self { settings, connection: None }
    }

    pub(super) fn settings(&self) -> &RedisSettings {
        &self.settings
    }

    /// Runs a script.
    pub(super) fn script<T: FromRedisValue>(
        &mut self,
        script: &ScriptInvocation,
    ) -> Result<T, StoreError> {
        self.with(|connection| script.invoke(connection.as_dyn()))
    }

    /// Runs a command that belongs to the node of its first key.
    pub(super) fn command<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, StoreError> {
        self.with(|connection| command.query(connection.as_dyn()))
    }

    /// Waits until enough replicas have received what was written to the node of a key.
    pub(super) fn wait_for_replicas(&mut self, key: &str) -> Result<(), StoreError> {
        let expected = self.settings.replicas;
        if expected == 0 {
            return Ok(());
        }
        let mut wait = ::redis::cmd("WAIT");
        // Shorter than the timeout of the connection.
        let pause = self.settings.timeout.as_millis().saturating_mul(3) / 4;
        wait.arg(expected).arg(u64::try_from(pause).unwrap_or(u64::MAX));
        let received: u32 = self.with(|connection| match connection {
            Opened::One(connection) => wait.query(connection),
            Opened::Cluster(connection) => {
                let route = Route::with_key(key, SlotAddr::Master);
                let node = RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(route));
                let answer: Value = connection.route_command(&wait, node)?;
                Ok(from_redis_value(answer)?)
            }
        })?;
        if received < expected {
            return Err(StoreError::Failed(format!(
                "only {received} of {expected} replicas have confirmed the write"
            )));
        }
        Ok(())
    }

    /// Uses the connection, and closes it after an error: a late answer must not be taken for that of the next command.
    fn with<T>(
        &mut self,
        run: impl FnOnce(&mut Opened) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|error| self.describe(&error))?,
        };
        let result = run(&mut connection).map_err(|error| self.describe(&error))?;
        self.connection = Some(connection);
        Ok(result)
    }

    fn connect(&self) -> Result<Opened, RedisError> {
        let timeout = self.settings.timeout;
        if let [url] = self.settings.urls.as_slice() {
            let connection = Client::open(url.as_str())?.get_connection_with_timeout(timeout)?;
            connection.set_read_timeout(Some(timeout))?;
            connection.set_write_timeout(Some(timeout))?;
            return Ok(Opened::One(Box::new(connection)));
        }
        let urls = self.settings.urls.iter().map(String::as_str);
        let client = ClusterClient::builder(urls)
            .connection_timeout(timeout)
            .response_timeout(timeout)
            .retries(3)
            .build()?;
        Ok(Opened::Cluster(Box::new(client.get_connection()?)))
    }

    fn describe(&self, error: &RedisError) -> StoreError {
        let place = self.place();
        match error.code() {
            Some("OOM") => StoreError::Full { place },
            Some("READONLY") => StoreError::ReadOnly { place },
            _ if error.kind() == ErrorKind::AuthenticationFailed => {
                StoreError::Failed(format!("{place}: the user or the password is wrong"))
            }
            _ => StoreError::Failed(format!("{place}: {error}")),
        }
    }

    /// Returns the address for messages.
    pub(super) fn place(&self) -> String {
        self.settings.urls.first().map_or_else(String::new, |url| without_password(url))
    }
}

impl Opened {
    fn as_dyn(&mut self) -> &mut dyn ConnectionLike {
        match self {
            Self::One(connection) => connection.as_mut(),
            Self::Cluster(connection) => connection.as_mut(),
        }
    }
}
