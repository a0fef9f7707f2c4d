use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::InvalidStoreUrl;

/// A database of a PostgreSQL server, and how to reach it. Its text forms leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Config,
    /// The certificates to trust in place of the system's.
    roots: Option<PathBuf>,
}

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_millis(1200);

/// How long what was sent may stay unconfirmed before the connection counts as lost.
const UNCONFIRMED: Duration = Duration::from_secs(5);

/// How often a silent connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);

const INVALID: InvalidStoreUrl = InvalidStoreUrl::Postgres(
    "must be postgres://user:password@host:5432/database, where other characters than A-Z a-z 0-9 . _ ~ - in user and \
     password are written as in web addresses (%40 for @)",
);
const INVALID_SSL_MODE: InvalidStoreUrl = InvalidStoreUrl::Postgres(
    "sslmode must be verify-full (or require, which is the same here) or disable; it is verify-full unless the server is \
     on this machine",
);

impl PostgresUrl {
    /// Reads what follows `postgres://` or `postgresql://`, in the form that all of PostgreSQL's tools share.
    ///
    /// Connections to other machines are encrypted, and the server's certificate is verified, unless `sslmode=disable` is said.
    pub(crate) fn parse(rest: &str) -> Result<Self, InvalidStoreUrl> {
        let (base, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let mut ssl_mode = None;
        let mut roots = None;
        let mut others = Vec::new();
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => ssl_mode = Some(mode),
                Some(("sslrootcert", path)) => roots = Some(PathBuf::from(path)),
                _ => others.push(parameter),
            }
        }
        let url = format!("postgres://{base}?{}", others.join("&"));
        let mut config: Config = url.parse().map_err(|_| INVALID)?;
        // What is behind a second @ is a part of the password that would be shown as a host.
        let is_plain =
            |host: &Host| !matches!(host, Host::Tcp(name) if name.is_empty() || name.contains('@'));
        let named = config.get_user().is_some() && config.get_dbname().is_some();
        if !named || config.get_hosts().is_empty() || !config.get_hosts().iter().all(is_plain) {
            return Err(INVALID);
        }
        let is_encrypted = match ssl_mode {
            Some("require" | "verify-full") => true,
            Some("disable") => false,
            None => !config.get_hosts().iter().all(is_here),
            Some(_) => return Err(INVALID_SSL_MODE),
        };
        config
            .ssl_mode(if is_encrypted { SslMode::Require } else { SslMode::Disable })
            .application_name("frontdesk")
            .connect_timeout(CONNECT)
            .tcp_user_timeout(UNCONFIRMED)
            .keepalives_idle(KEEPALIVE);
        Ok(Self { config, roots })
    }

    /// What backs the database up.
    pub(crate) fn dump_command(&self) -> String {
        format!("pg_dump --format=custom --file=frontdesk.dump {}", self.client_options())
    }

    /// What puts such a backup in the place of the data.
    pub(crate) fn restore_command(&self) -> String {
        let options = self.client_options();
        format!("pg_restore --clean --if-exists --single-transaction --no-owner {options} frontdesk.dump")
    }

    /// How PostgreSQL's own tools find the database; they ask for the password.
    fn client_options(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let user = self.config.get_user().unwrap_or_default();
        let database = self.config.get_dbname().unwrap_or_default();
        format!("--host={host} --port={port} --username={user} --dbname={database}")
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    pub(super) fn roots(&self) -> Option<&PathBuf> {
        self.roots.as_ref()
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@", self.config.get_user().unwrap_or_default())?;
        let ports = self.config.get_ports();
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "{comma}[{name}]:{port}")?,
                Host::Tcp(name) => write!(f, "{comma}{name}:{port}")?,
                Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        let mode = if self.is_encrypted() { "verify-full" } else { "disable" };
        write!(f, "/{}?sslmode={mode}", self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("u:canary@db.example/desk", "postgres://u@db.example:5432/desk?sslmode=verify-full"),
            ("u:canary@localhost:6543/desk", "postgres://u@localhost:6543/desk?sslmode=disable"),
            ("u:canary@[::1]/desk?sslmode=require", "postgres://u@[::1]:5432/desk?sslmode=verify-full"),
            ("u:canary@a,b:6543/desk?sslmode=disable", "postgres://u@a:5432,b:6543/desk?sslmode=disable"),
            ("u@/desk?host=/run/postgresql", "postgres://u@/run/postgresql:5432/desk?sslmode=disable"),
            (
                "u:canary@h/desk?sslrootcert=/etc/ca.pem&target_session_attrs=read-write",
                "postgres://u@h:5432/desk?sslmode=verify-full",
            ),
        ] {
            let url = PostgresUrl::parse(url).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("canary"));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for url in [
            "",
            "host",
            "host/desk",
            "u@host",
            "u:can@ary@host/desk",
            "u@host/desk?sslmode=prefer",
            "u@host/desk?sslmode=allow",
            "u@host/desk?unknown=1",
            "u@host:x/desk",
        ] {
            assert!(PostgresUrl::parse(url).is_err(), "{url}");
        }
    }
}
