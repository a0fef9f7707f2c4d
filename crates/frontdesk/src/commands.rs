//! What the program does besides serving.

mod backup;
mod export;
mod import_origin;
mod migrate_store;
mod notify_test;

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::runtime::{Builder, Runtime};

use crate::config::{self, Environment, Only, Settings};
use crate::ports::Ports;
use crate::{console, first_run};

pub(crate) use backup::{backup, restore};
pub(crate) use export::export;
pub(crate) use import_origin::import_origin;
pub(crate) use migrate_store::migrate_store;
pub(crate) use notify_test::notify_test;

/// How long the server has to say that it lives.
const HEALTH_LIMIT: Duration = Duration::from_secs(3);

/// Says which settings are in force.
pub(crate) fn check_config(only: Only) -> anyhow::Result<ExitCode> {
    let environment = read_environment()?;
    let (text, settings) = config::explain(&environment, only);
    console::say(&text);
    Ok(if settings.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Gives the dashboard a new password.
pub(crate) fn reset_password() -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, Only::Dashboard)?;
    if settings.password.0.is_some() {
        bail!("the password is set by DASHBOARD_PASSWORD or DASHBOARD_PASSWORD_HASH: change it there");
    }
    let ports = Ports::open(&settings)?;
    let password = runtime()?.block_on(first_run::new_password(&ports))?;
    console::say(&format!("The dashboard's new password: {password}\nEverybody is signed out."));
    Ok(ExitCode::SUCCESS)
}

/// Hashes a password for DASHBOARD_PASSWORD_HASH.
pub(crate) fn hash_password() -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the password from standard input")?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.chars().count() < config::MIN_PASSWORD {
        bail!("a password must have at least {} characters", config::MIN_PASSWORD);
    }
    console::say(&frontdesk_web::dashboard::hash_password(password)?);
    Ok(ExitCode::SUCCESS)
}

/// Signs everybody out.
pub(crate) fn end_sessions() -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, Only::Dashboard)?;
    let ports = Ports::open(&settings)?;
    let ended = runtime()?.block_on(ports.store.end_operator_sessions())?;
    console::say(&format!("Signed out: {ended}"));
    Ok(ExitCode::SUCCESS)
}

/// Asks the server on this machine whether it lives.
pub(crate) fn healthcheck(only: Only) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&read_environment()?, only)?;
    let port = if only.serves_api() { settings.port } else { settings.dashboard_port };
    let host = if settings.host.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { settings.host };
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(host, port), HEALTH_LIMIT)?;
    stream.set_read_timeout(Some(HEALTH_LIMIT))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; b"HTTP/1.1 200".len()];
    stream.read_exact(&mut status)?;
    Ok(if status == *b"HTTP/1.1 200" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints the OpenAPI document.
pub(crate) fn openapi() -> ExitCode {
    console::say(&frontdesk_web::api::document());
    ExitCode::SUCCESS
}

/// Prints the example of a file of settings.
pub(crate) fn env_example() -> ExitCode {
    console::say(config::example().trim_end());
    ExitCode::SUCCESS
}

fn read_environment() -> anyhow::Result<Environment> {
    Ok(Environment::read(&std::env::current_dir()?)?)
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}
