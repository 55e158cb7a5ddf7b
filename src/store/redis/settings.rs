//! Settings of the store.

use core::time::Duration;

use thiserror::Error;

/// Settings of a [`RedisStore`](super::RedisStore).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedisSettings {
    /// Addresses such as `redis://user:password@host:6379`. One address is a single server. For a Redis Cluster, give at
    /// least two of its nodes.
    pub urls: Vec<String>,
    /// Name of the world. Each world has inventories of its own. All keys of a world are on one node.
    pub world: String,
    /// Name of this game server. A process takes over from an earlier one of the same name, so two that run at the same
    /// time must have different names.
    pub server: String,
    /// Time without a heartbeat after which other servers may claim the inventories of this one. At least 1 s. Default:
    /// 10 s.
    pub heartbeat_ttl: Duration,
    /// Number of replicas that must have received a commit before it counts as stored. Default: 0.
    pub replicas: u32,
    /// How long changes are kept for [`history`](crate::store::Store::history). Zero for none. Default: 10 minutes.
    pub history_ttl: Duration,
    /// How long to wait for a connection or an answer. Default: 2 s.
    pub timeout: Duration,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            urls: vec!["redis://127.0.0.1:6379".into()],
            world: "world".into(),
            server: "server".into(),
            heartbeat_ttl: Duration::from_secs(10),
            replicas: 0,
            history_ttl: Duration::from_secs(600),
            timeout: Duration::from_secs(2),
        }
    }
}

/// Error returned for settings that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("`{name}` is `{value}`: {what}")]
pub struct RedisSettingsError {
    /// The variable or field.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl RedisSettings {
    /// Returns settings for one Redis server and a world.
    #[must_use]
    pub fn new(url: impl Into<String>, world: impl Into<String>) -> Self {
        Self { urls: vec![url.into()], world: world.into(), ..Self::default() }
    }

    /// Reads the environment. What is not set has its default.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `REDIS_URL` | address; for a cluster, at least two, separated by commas |
    /// | `INVENTORY_WORLD` | name of the world |
    /// | `INVENTORY_SERVER` | name of this game server |
    /// | `INVENTORY_HEARTBEAT_SECONDS` | see [`heartbeat_ttl`](Self::heartbeat_ttl) |
    /// | `INVENTORY_HISTORY_SECONDS` | see [`history_ttl`](Self::history_ttl) |
    /// | `INVENTORY_REPLICAS` | see [`replicas`](Self::replicas) |
    ///
    /// # Errors
    ///
    /// [`RedisSettingsError`] if a variable has a value that cannot be used.
    pub fn from_env() -> Result<Self, RedisSettingsError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), with a function that returns the value of a variable.
    ///
    /// # Errors
    ///
    /// [`RedisSettingsError`] if a variable has a value that cannot be used.
    pub fn from_variables(
        get: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, RedisSettingsError> {
        let mut settings = Self::default();
        if let Some(urls) = get("REDIS_URL") {
            settings.urls = urls.split(',').map(|url| url.trim().to_owned()).collect();
        }
        settings.world = get("INVENTORY_WORLD").unwrap_or(settings.world);
        settings.server = get("INVENTORY_SERVER").unwrap_or(settings.server);
        let number = |name| -> Result<Option<u32>, RedisSettingsError> {
            let Some(value) = get(name) else { return Ok(None) };
            let number = value.parse().ok();
            let error = RedisSettingsError { name, value, what: "not a number" };
            number.map(Some).ok_or(error)
        };
        if let Some(seconds) = number("INVENTORY_HEARTBEAT_SECONDS")? {
            settings.heartbeat_ttl = Duration::from_secs(seconds.into());
        }
        if let Some(seconds) = number("INVENTORY_HISTORY_SECONDS")? {
            settings.history_ttl = Duration::from_secs(seconds.into());
        }
        settings.replicas = number("INVENTORY_REPLICAS")?.unwrap_or(settings.replicas);
        settings.check()?;
        Ok(settings)
    }

    /// Checks that the settings can be used.
    ///
    /// # Errors
    ///
    /// [`RedisSettingsError`] for the first one that cannot.
    pub fn check(&self) -> Result<(), RedisSettingsError> {
        let error = |name, value: String, what| Err(RedisSettingsError { name, value, what });
        for url in &self.urls {
            if ::redis::parse_redis_url(url).is_none() {
                return error("urls", without_password(url), "not the address of a Redis server");
            }
        }
        if self.urls.is_empty() {
            return error("urls", String::new(), "there is no address");
        }
        for (name, value) in [("world", &self.world), ("server", &self.server)] {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if value.is_empty() || value.len() > 64 || !value.chars().all(is_plain) {
                let what = "a name must consist of 1 to 64 ASCII letters, digits, `-`, `_` and `.`";
                return error(name, value.clone(), what);
            }
        }
        if self.heartbeat_ttl < Duration::from_secs(1) {
            let value = format!("{:?}", self.heartbeat_ttl);
            return error("heartbeat_ttl", value, "it must be at least one second");
        }
        if self.timeout.is_zero() {
            return error("timeout", format!("{:?}", self.timeout), "it must not be zero");
        }
        Ok(())
    }
}

/// Returns an address for a message, without what may be a password.
pub(super) fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        _ => url.to_owned(),
    }
}
