//! The life of the server: start, serve, drain, end.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use frontdesk_core::Chat;
use frontdesk_notify::Notices;
use frontdesk_store::lock_for_api;
use frontdesk_web::{Shutdown, serve as serve_router};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::config::{Environment, Mode, Only, Settings, unused};
use crate::first_run::{self, Keys, Made};
use crate::node_files::NodeFile;
use crate::ports::Ports;
use crate::{console, indexing, logging, panics, wire};

/// How long connections may take to end once answers have.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long the runtime may take to end: a look-up of a name, for example, cannot be broken off.
const LAST_TASKS: Duration = Duration::from_millis(500);

/// Serves until a signal says to stop.
pub(crate) fn serve(only: Only) -> anyhow::Result<ExitCode> {
    let environment = Environment::read(&std::env::current_dir()?)?;
    let settings = Settings::read(&environment, only)?;
    logging::start(&settings)?;
    panics::log_them();
    for sentence in unused(&environment) {
        warn!("{sentence}");
    }
    let runtime = Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let outcome = runtime.block_on(run(&settings, only));
    runtime.shutdown_timeout(LAST_TASKS);
    outcome
}

async fn run(settings: &Settings, only: Only) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    // A connection is a file; the usual limit is for people at a terminal.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        warn!(%error, "the limit of open files stays as it is");
    }
    // What can fail comes before secrets are made: they are shown only at a start that succeeds.
    let api_listener =
        if only.serves_api() { Some(wire::listen(settings, settings.port, "PORT").await?) } else { None };
    let dashboard_listener = if only.serves_dashboard() {
        Some(wire::listen(settings, settings.dashboard_port, "DASHBOARD_PORT").await?)
    } else {
        None
    };
    let lock = only.serves_api().then(|| lock_for_api(&settings.store)).transpose()?.flatten();
    let ports = Ports::open(settings)?.join(settings);
    let ports = if only.serves_api() { ports.notifying(settings)? } else { ports };
    let model = wire::make_model(settings, &ports)?;
    let (keys, made) = first_run::prepare(settings, &ports, only).await?;

    let mut listeners = Vec::new();
    let mut chat = None;
    let mut membership = None;
    if let Some(listener) = api_listener {
        // Operators who sign in to a dashboard of its own change conversations as well.
        let is_shared = lock.is_none() || !only.serves_dashboard();
        let service = wire::make_chat(settings, &ports, model, is_shared);
        if lock.is_some() {
            end_unfinished(&ports).await?;
        } else {
            membership = Some(Membership::begin(settings, &service).await);
        }
        let api = wire::make_api(settings, &ports, service.clone(), &keys);
        let api = match &settings.dashboard_host {
            Some(host) => {
                let dashboard = wire::make_dashboard(settings, &ports, Some(&service), &keys, only);
                wire::by_host(api, dashboard, host)
            }
            None => api,
        };
        listeners.push((listener, api));
        chat = Some(service);
    }
    if let Some(listener) = dashboard_listener {
        listeners.push((listener, wire::make_dashboard(settings, &ports, chat.as_ref(), &keys, only)));
    }
    greet(settings, only, &keys, &made);
    let tasks = TaskTracker::new();
    let indexing = only.serves_api().then(|| tasks.spawn(indexing::catch_up(Arc::clone(&ports.store))));
    let orderly = serve_until_signalled(settings, listeners, chat, ports.notices, signals).await;
    if let Some(membership) = membership {
        membership.end().await;
    }
    if let Some(indexing) = indexing {
        indexing.abort();
    }
    drop(lock);
    info!("stopped");
    Ok(if orderly { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ends what the process before this one was writing when it ended without a word.
async fn end_unfinished(ports: &Ports) -> anyhow::Result<()> {
    let unfinished = ports.store.interrupt_unfinished(ports.clock.now()).await?;
    if unfinished > 0 {
        warn!(
            unfinished,
            "answers were being written when the server last ended; they are kept as interrupted"
        );
    }
    Ok(())
}

/// This process among those that share its data.
struct Membership {
    leaving: CancellationToken,
    living: TaskTracker,
    _file: Option<NodeFile>,
}

impl Membership {
    async fn begin(settings: &Settings, chat: &Chat) -> Self {
        let file = match NodeFile::hold(&settings.data_dir, chat.node()) {
            Ok((file, dead)) => {
                chat.end_nodes(&dead).await;
                Some(file)
            }
            Err(error) => {
                info!(%error, "DATA_DIR cannot be written: what a crash leaves unfinished is ended some seconds later");
                None
            }
        };
        let (leaving, living) = (CancellationToken::new(), TaskTracker::new());
        let (chat, until) = (chat.clone(), leaving.clone());
        let how = match &settings.redis {
            Some(redis) => format!("what others write is told at once over {redis}"),
            None => {
                "REDIS_URL is not set, so what others write is seen a second later, and each limits alone"
                    .to_owned()
            }
        };
        info!(node = %chat.node(), "this process is one node of those that share its data; {how}");
        living.spawn(async move { chat.live_among_nodes(until).await });
        living.close();
        Self { leaving, living, _file: file }
    }

    /// Says that this node ends, so that nobody has to find out.
    async fn end(self) {
        self.leaving.cancel();
        self.living.wait().await;
    }
}

/// Serves, and at the first signal drains: readiness goes off, then new turns are refused and running ones may finish,
/// while the ports stay open for whoever reads, follows or stops. A second signal, or the end of the time for that,
/// keeps what there is and ends. Says whether everything was stored.
async fn serve_until_signalled(
    settings: &Settings,
    listeners: Vec<(TcpListener, Router)>,
    chat: Option<Chat>,
    notices: Option<Notices>,
    mut signals: Signals,
) -> bool {
    let shutdown = Shutdown::default();
    let servers = TaskTracker::new();
    for (listener, router) in listeners {
        servers.spawn(serve_router(listener, router, wire::serve_limits(settings), shutdown.clone()));
    }
    servers.close();

    signals.next().await;
    info!(running = chat.as_ref().map_or(0, Chat::running), "stopping; a second signal stops at once");
    let mut orderly = true;
    if let Some(chat) = &chat {
        chat.announce_end();
        let drain = async |window| {
            shutdown.draining.cancel();
            tokio::join!(chat.shut_down(window), tell_the_rest(notices.as_ref(), window)).0
        };
        let patiently = async {
            sleep(settings.shutdown_delay).await;
            drain(settings.shutdown_timeout).await
        };
        orderly = tokio::select! {
            stored = patiently => stored,
            () = signals.next() => drain(Duration::ZERO).await,
        };
    }
    shutdown.soft.cancel();
    // Readers are told the end of their answers before their connections are cut.
    let _ = timeout(LAST_WORDS, servers.wait()).await;
    shutdown.hard.cancel();
    servers.wait().await;
    orderly
}

/// Lets notices to the team that are on their way arrive.
async fn tell_the_rest(notices: Option<&Notices>, window: Duration) {
    if let Some(notices) = notices {
        notices.shut_down(window).await;
    }
}

/// The signals that say to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Says what to open; and what was made, which is said once.
fn greet(settings: &Settings, only: Only, keys: &Keys, made: &Made) {
    let mut lines = vec![format!("\nFrontdesk {} is running.\n", env!("CARGO_PKG_VERSION"))];
    let dashboard = format!("http://localhost:{}", settings.dashboard_port);
    let is_development = settings.mode == Mode::Development;
    if only.serves_dashboard() {
        lines.push(format!("  Dashboard      {dashboard}"));
        if is_development && keys.public.is_some() {
            lines.push(format!("  Widget test    {dashboard}/widget-test.html"));
            lines.push(format!("  API test       {dashboard}/headless-test.html"));
        }
    }
    if only.serves_api() {
        lines.push(format!(
            "  API            {}  (documentation: {}/docs)",
            settings.api_url, settings.api_url
        ));
        lines.push(match &settings.model {
            Some(model) => format!("  Model          {} at {}", model.model, model.base_url),
            None => "  Model          none yet: set OPENAI_API_KEY or OPENAI_BASE_URL".to_owned(),
        });
    }
    let secrets = [("Password", &made.password), ("Admin key", &made.admin_key)];
    if secrets.iter().any(|(_, secret)| secret.is_some()) {
        lines.push("\nMade at this first start, and shown only now:\n".to_owned());
        for (name, secret) in secrets {
            lines.extend(secret.as_ref().map(|secret| format!("  {name:<14} {secret}")));
        }
        lines.push("\nA new password: frontdesk reset-password".to_owned());
    }
    lines.push("Stop with Ctrl-C.\n".to_owned());
    console::say(&lines.join("\n"));
}
