mod convex;
mod model;
mod notify;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use frontdesk_core::{ChatSettings, Prices};
use frontdesk_llm::ModelSettings;
use frontdesk_nodes::RedisUrl;
use frontdesk_notify::NotifySettings;
use frontdesk_store::StoreUrl;
use frontdesk_web::dashboard::Password;
use frontdesk_web::{AllowedOrigins, IdentitySecrets, RateLimit, TrustedProxies};
use ipnet::IpNet;
use thiserror::Error;

use super::environment::{Environment, Found, Source};

/// What the process is to serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Only {
    /// The API and the dashboard.
    #[default]
    Everything,
    /// The API and the widget.
    Api,
    /// The dashboard.
    Dashboard,
}

impl Only {
    pub(crate) fn serves_api(self) -> bool {
        self != Self::Dashboard
    }

    pub(crate) fn serves_dashboard(self) -> bool {
        self != Self::Api
    }
}

/// How careful to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything has a default, and test pages are served.
    Development,
    /// What would be careless is refused.
    Production,
}

/// The dashboard's password, if the settings fix it.
#[derive(Clone, Debug)]
pub(crate) struct PasswordSetting(pub(crate) Option<Password>);

/// The settings in force.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    pub(crate) dashboard_port: u16,
    pub(crate) dashboard_host: Option<String>,
    pub(crate) store: StoreUrl,
    pub(crate) data_dir: PathBuf,
    /// What joins several nodes; `None` also where the data is in a file, which one process serves.
    pub(crate) redis: Option<RedisUrl>,
    /// `None` if no model is configured.
    pub(crate) model: Option<ModelSettings>,
    /// Models that are asked when that one fails, in this order.
    pub(crate) fallback_models: Vec<ModelSettings>,
    pub(crate) chat: ChatSettings,
    /// What the models' tokens cost.
    pub(crate) prices: Prices,
    /// The keys that are set; empty if none are.
    pub(crate) widget_keys: Vec<String>,
    pub(crate) admin_keys: Vec<String>,
    /// What sites sign with whom their visitors are.
    pub(crate) identity: IdentitySecrets,
    pub(crate) password: PasswordSetting,
    /// How the team is told of visitors who ask for a person.
    pub(crate) notify: NotifySettings,
    pub(crate) origins: AllowedOrigins,
    pub(crate) proxies: TrustedProxies,
    pub(crate) rate: RateLimit,
    pub(crate) max_connections: usize,
    pub(crate) insecure_cookies: bool,
    pub(crate) api_url: String,
    pub(crate) script_url: String,
    pub(crate) widget_bundle: Option<PathBuf>,
    /// How long to serve on after the signal before new turns are refused.
    pub(crate) shutdown_delay: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) log_filter: String,
    pub(crate) log_as_json: bool,
}

impl fmt::Debug for Settings {
    /// Shows nothing: among the settings are keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

/// A variable is not what it must be. Says which one, where it is set and what is right, never its value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}{}: {rule}", place(.source_of.as_ref()))]
pub(crate) struct ConfigError {
    pub(crate) name: &'static str,
    pub(crate) source_of: Option<Source>,
    pub(crate) rule: String,
}

fn place(source: Option<&Source>) -> String {
    source.map_or_else(String::new, |source| format!(" (from {source})"))
}

/// The least length of a key in production, as the origin had it.
const MIN_KEY: usize = 24;

/// The least length of a password in production.
pub(crate) const MIN_PASSWORD: usize = 12;

impl Settings {
    /// Reads the settings for what is to be served.
    pub(crate) fn read(environment: &Environment, only: Only) -> Result<Self, ConfigError> {
        let read = Reader { environment };
        let mode = read.mode()?;
        let port = read.number("PORT", 1..=u16::MAX, 4000)?;
        let dashboard_port = read.number("DASHBOARD_PORT", 1..=u16::MAX, 3000)?;
        let redis = read.redis()?;
        let api_url =
            read.address("NEXT_PUBLIC_BACKEND_URL")?.unwrap_or_else(|| format!("http://localhost:{port}"));
        let script_url = read.address("NEXT_PUBLIC_WIDGET_SCRIPT_URL")?;
        let store = read.store(&read.data_dir())?;
        let is_file = matches!(store, StoreUrl::Sqlite(_));
        let settings = Self {
            mode,
            host: read.parse("HOST", "must be an IP address to listen on")?.unwrap_or(match mode {
                Mode::Development => IpAddr::V4(Ipv4Addr::LOCALHOST),
                Mode::Production => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            }),
            port,
            dashboard_port,
            dashboard_host: read.host_name("DASHBOARD_HOST")?,
            store,
            data_dir: PathBuf::from(read.data_dir()),
            redis: redis.filter(|_| !is_file),
            fallback_models: read.fallback_models()?,
            model: read.model()?,
            chat: read.chat()?,
            prices: read.prices()?,
            widget_keys: read.keys("WIDGET_API_KEY", mode)?,
            admin_keys: read.keys("ADMIN_API_KEY", mode)?,
            identity: read.identity()?,
            password: read.password(mode)?,
            notify: read.notify()?,
            origins: read.origins(mode, only, dashboard_port)?,
            proxies: read.proxies()?,
            rate: RateLimit {
                requests: read.number("RATE_LIMIT_MAX_REQUESTS", 1..=1_000_000, 30)?,
                window: read.millis("RATE_LIMIT_WINDOW_MS", 60_000)?,
            },
            max_connections: read.number("MAX_CONNECTIONS", 1..=1_000_000, 10_000)?,
            insecure_cookies: read.flag("INSECURE_COOKIES")?,
            script_url: script_url.unwrap_or_else(|| format!("{api_url}/widget/chat-widget.js")),
            api_url,
            widget_bundle: read.text("WIDGET_BUNDLE_PATH").map(PathBuf::from),
            shutdown_delay: Duration::from_secs(read.number("SHUTDOWN_DELAY_SECONDS", 0..=600, 0)?),
            shutdown_timeout: read.millis("SHUTDOWN_TIMEOUT_MS", 30_000)?,
            log_filter: read.text("LOG_LEVEL").unwrap_or_else(|| "info".to_owned()),
            log_as_json: read
                .choice("LOG_FORMAT", &[("text", false), ("json", true)])?
                .unwrap_or(mode == Mode::Production),
        };
        if mode == Mode::Production && only.serves_api() && settings.model.is_none() {
            let rule = "is required in production, or OPENAI_BASE_URL for a server that needs no key";
            return Err(read.wrong("OPENAI_API_KEY", rule));
        }
        if settings.port == settings.dashboard_port && only == Only::Everything {
            return Err(read.wrong("DASHBOARD_PORT", "must be another port than PORT"));
        }
        Ok(settings)
    }
}

/// The store that a word of the command line names: `configured`, `convex`, `env:` and the name of a variable, or a URL.
pub(crate) fn named_store(
    environment: &Environment,
    option: &'static str,
    word: &str,
) -> Result<StoreUrl, ConfigError> {
    let read = Reader { environment };
    let refused = |rule: String| ConfigError { name: option, source_of: None, rule };
    match word {
        "configured" => read.store(&read.data_dir()),
        "convex" => Ok(StoreUrl::Convex(Box::new(read.convex_deployment()?))),
        _ => {
            let url = match word.strip_prefix("env:") {
                None => word.to_owned(),
                Some(name) => {
                    let found = environment.get(name).map(|found| found.value);
                    found.ok_or_else(|| refused("names a variable that is not set".to_owned()))?
                }
            };
            StoreUrl::parse(&url).map_err(|rule| {
                refused(format!("{rule}; or configured, convex, or env: and a variable's name"))
            })
        }
    }
}

/// Reads single variables.
struct Reader<'a> {
    environment: &'a Environment,
}

impl Reader<'_> {
    fn get(&self, name: &'static str) -> Option<Found> {
        self.environment.get(name)
    }

    fn text(&self, name: &'static str) -> Option<String> {
        self.get(name).map(|found| found.value)
    }

    fn wrong(&self, name: &'static str, rule: impl Into<String>) -> ConfigError {
        ConfigError { name, source_of: self.get(name).map(|found| found.source), rule: rule.into() }
    }

    fn parse<T: std::str::FromStr>(&self, name: &'static str, rule: &str) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.wrong(name, rule))
    }

    fn number<N>(
        &self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<N>,
        default: N,
    ) -> Result<N, ConfigError>
    where
        N: std::str::FromStr + PartialOrd + fmt::Display + Copy,
    {
        let rule = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        let number = self.parse(name, &rule)?.unwrap_or(default);
        if bounds.contains(&number) { Ok(number) } else { Err(self.wrong(name, rule)) }
    }

    fn millis(&self, name: &'static str, default: u64) -> Result<Duration, ConfigError> {
        // A day: more is a slip.
        self.number(name, 1..=86_400_000, default).map(Duration::from_millis)
    }

    fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        Ok(self
            .choice(name, &[("0", false), ("1", true), ("false", false), ("true", true)])?
            .unwrap_or(false))
    }

    fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        chosen.map(Some).ok_or_else(|| self.wrong(name, format!("must be one of {}", words.join(", "))))
    }

    /// An address of the web, without a slash at the end.
    fn address(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let text = text.trim_end_matches('/');
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let plain = host.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\;,".contains(c));
        if host.is_empty() || !plain {
            return Err(self.wrong(name, "must be an http or https address such as https://chat.example"));
        }
        Ok(Some(text.to_owned()))
    }

    fn mode(&self) -> Result<Mode, ConfigError> {
        let modes = [
            ("development", Mode::Development),
            ("test", Mode::Development),
            ("production", Mode::Production),
        ];
        match self.choice("FRONTDESK_ENV", &modes)? {
            Some(own) => Ok(own),
            None => Ok(self.choice("NODE_ENV", &modes)?.unwrap_or(Mode::Development)),
        }
    }

    fn data_dir(&self) -> String {
        self.text("DATA_DIR").unwrap_or_else(|| "data".to_owned())
    }

    fn store(&self, data_dir: &str) -> Result<StoreUrl, ConfigError> {
        if let Some(convex) = self.convex()? {
            return Ok(StoreUrl::Convex(Box::new(convex)));
        }
        match self.text("DATABASE_URL") {
            None => Ok(StoreUrl::Sqlite(PathBuf::from(data_dir).join("frontdesk.db"))),
            Some(url) => StoreUrl::parse(&url).map_err(|rule| self.wrong("DATABASE_URL", rule.to_string())),
        }
    }

    fn redis(&self) -> Result<Option<RedisUrl>, ConfigError> {
        let Some(url) = self.text("REDIS_URL") else { return Ok(None) };
        RedisUrl::parse(&url).map(Some).map_err(|rule| self.wrong("REDIS_URL", rule.to_string()))
    }

    fn chat(&self) -> Result<ChatSettings, ConfigError> {
        let defaults = ChatSettings::default();
        Ok(ChatSettings {
            instructions: self.text("ASSISTANT_INSTRUCTIONS").unwrap_or(defaults.instructions),
            max_history_messages: self.number(
                "MAX_HISTORY_MESSAGES",
                1..=1000,
                defaults.max_history_messages,
            )?,
            max_history_tokens: self.number(
                "MAX_HISTORY_TOKENS",
                0..=10_000_000,
                defaults.max_history_tokens,
            )?,
            max_output_tokens: self.number("MAX_OUTPUT_TOKENS", 1..=1_000_000, defaults.max_output_tokens)?,
            max_running: self.number("MAX_RUNNING_ANSWERS", 1..=1_000_000, defaults.max_running)?,
            ..defaults
        })
    }

    fn keys(&self, name: &'static str, mode: Mode) -> Result<Vec<String>, ConfigError> {
        let text = self.text(name).unwrap_or_default();
        let keys: Vec<_> =
            text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
        if keys.iter().any(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(
                self.wrong(name, "must be visible ASCII characters; several keys are separated by commas")
            );
        }
        for key in keys.iter().filter(|_| mode == Mode::Production) {
            self.check_secret(name, key, MIN_KEY)?;
        }
        Ok(keys)
    }

    fn identity(&self) -> Result<IdentitySecrets, ConfigError> {
        const NAME: &str = "IDENTITY_SECRET";
        let text = self.text(NAME).unwrap_or_default();
        let secrets = text.split(',').map(str::trim).filter(|secret| !secret.is_empty());
        secrets.into_iter().try_fold(IdentitySecrets::default(), |known, secret| {
            let with = known.with(secret);
            with.map_err(|rule| self.wrong(NAME, format!("{rule}; several are separated by commas")))
        })
    }

    fn password(&self, mode: Mode) -> Result<PasswordSetting, ConfigError> {
        let hash = self.text("DASHBOARD_PASSWORD_HASH");
        let plain = self.text("DASHBOARD_PASSWORD");
        let password = match (hash, plain) {
            (Some(_), Some(_)) => {
                return Err(
                    self.wrong("DASHBOARD_PASSWORD_HASH", "must not be set beside DASHBOARD_PASSWORD")
                );
            }
            (Some(hash), None) => {
                let invalid = |rule: frontdesk_web::dashboard::InvalidPasswordHash| {
                    self.wrong("DASHBOARD_PASSWORD_HASH", rule.to_string())
                };
                Some(Password::hash(&hash).map_err(invalid)?)
            }
            (None, Some(plain)) => {
                if mode == Mode::Production {
                    self.check_secret("DASHBOARD_PASSWORD", &plain, MIN_PASSWORD)?;
                }
                Some(Password::plain(&plain))
            }
            (None, None) => None,
        };
        Ok(PasswordSetting(password))
    }

    /// What is good enough for production.
    fn check_secret(&self, name: &'static str, secret: &str, least: usize) -> Result<(), ConfigError> {
        if secret.to_ascii_lowercase().starts_with("change-me") {
            return Err(self.wrong(name, "is still the placeholder of the example; set a secret of your own"));
        }
        if secret.chars().count() < least {
            return Err(self.wrong(name, format!("must have at least {least} characters in production")));
        }
        Ok(())
    }

    fn host_name(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(host) = self.text(name) else { return Ok(None) };
        let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        if !is_name {
            return Err(self
                .wrong(name, "must be a host name such as desk.example.com, without scheme, port and path"));
        }
        Ok(Some(host.to_ascii_lowercase()))
    }

    fn origins(&self, mode: Mode, only: Only, dashboard_port: u16) -> Result<AllowedOrigins, ConfigError> {
        let is_strict = mode == Mode::Production && only.serves_api();
        let list = match self.text("CORS_ORIGIN") {
            Some(list) => list,
            None if is_strict => {
                let rule = "is required in production: the websites whose pages may use the chat, for example \
                            https://shop.example";
                return Err(self.wrong("CORS_ORIGIN", rule));
            }
            None => "*".to_owned(),
        };
        let origins =
            AllowedOrigins::parse(&list).map_err(|rule| self.wrong("CORS_ORIGIN", rule.to_string()))?;
        if is_strict && origins.allows_all() {
            return Err(self.wrong("CORS_ORIGIN", "must not be * in production: list the websites"));
        }
        if mode == Mode::Production {
            return Ok(origins);
        }
        // The dashboard's test pages are websites too.
        let test_pages =
            ["localhost", "127.0.0.1"].map(|host| format!("http://{host}:{dashboard_port}")).join(",");
        AllowedOrigins::parse(&format!("{list},{test_pages}"))
            .map_err(|rule| self.wrong("CORS_ORIGIN", rule.to_string()))
    }

    fn proxies(&self) -> Result<TrustedProxies, ConfigError> {
        let text = self.text("TRUSTED_PROXIES").unwrap_or_default();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            entry.parse().ok().or_else(|| entry.parse().ok().map(|address: IpAddr| IpNet::from(address)))
        };
        let networks = entries.map(|entry| {
            network(entry).ok_or_else(|| {
                self.wrong(
                    "TRUSTED_PROXIES",
                    "must be networks such as 10.0.0.0/8 or addresses, separated by commas",
                )
            })
        });
        Ok(TrustedProxies::new(networks.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests;
