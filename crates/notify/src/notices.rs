use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use frontdesk_core::{Clock, NoticeId, Notifier, PersonRequest, Random};
use thiserror::Error;
use tokio::select;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::burst::{Burst, Telling};
use crate::delivery::{Carrier, Route, Work};
use crate::mail::{MailSettings, Mailer};
use crate::notice::{Dashboard, News, Notice};
use crate::quiet::Quiet;
use crate::webhook::{Webhook, WebhookSettings};

/// How the team is told.
#[derive(Clone, Debug, Default)]
pub struct NotifySettings {
    /// By a request to an address of the owner's.
    pub webhook: Option<WebhookSettings>,
    /// By mail.
    pub mail: Option<MailSettings>,
    /// The dashboard's address as the team's browsers reach it, for links to conversations.
    pub dashboard_url: Option<String>,
    /// How long things take.
    pub timing: Timing,
}

/// How long things take.
#[derive(Clone, Debug)]
pub struct Timing {
    /// How long to wait after each try that failed, give or take a quarter. There is one more try than pauses.
    pub pauses: Vec<Duration>,
    /// How long one try may take.
    pub one_try: Duration,
    /// How long a conversation is not told of again.
    pub quiet: Duration,
    /// How long mails that would be too many are gathered for a summary.
    pub gathering: Duration,
}

impl Default for Timing {
    /// Six tries within about twenty minutes: long enough for a restart, and for a mail server that wants to see whether
    /// somebody comes back.
    fn default() -> Self {
        let seconds = |span| Duration::from_secs(span);
        Self {
            pauses: [1, 10, 60, 300, 900].map(seconds).to_vec(),
            one_try: seconds(20),
            quiet: seconds(300),
            gathering: seconds(600),
        }
    }
}

/// Notices cannot be sent with these settings.
#[derive(Debug, Error)]
pub enum StartError {
    /// Encryption cannot be set up for the webhook.
    #[error("cannot prepare requests to the webhook: {0}")]
    Webhook(String),
    /// Encryption cannot be set up for the mail server.
    #[error("cannot prepare connections to the mail server: {0}")]
    Mail(String),
}

/// What a try of one way to tell the team came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which way.
    pub way: String,
    /// What the other side said, or why it did not come to that.
    pub result: Result<String, String>,
}

/// Tells the team by webhook and mail, as far as they are set.
#[derive(Clone, Debug)]
pub struct Notices {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    webhook: Option<Route>,
    /// To each recipient by itself, so that one bad address is nobody else's trouble.
    mail: Vec<Route>,
    quiet: Mutex<Quiet>,
    burst: Mutex<Burst>,
    gathering: Duration,
    clock: Arc<dyn Clock>,
    work: Work,
}

impl Notices {
    /// Prepares what the settings name. Connects to nobody yet.
    pub fn new(
        settings: &NotifySettings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        // Somebody may have installed one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let NotifySettings { webhook, mail, dashboard_url, timing } = settings;
        let dashboard = Dashboard(dashboard_url.clone());
        let work = Work {
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            halted: CancellationToken::new(),
            random,
            pauses: timing.pauses.clone().into(),
        };
        let route = |carrier: Arc<dyn Carrier>| Route::new(carrier, work.clone());
        let webhook = webhook.as_ref().map(|settings| {
            let webhook = Webhook::new(settings, &dashboard, Arc::clone(&clock), timing.one_try)?;
            Ok(route(Arc::new(webhook)))
        });
        let mut mailers = Vec::new();
        for to in mail.iter().flat_map(|settings| &settings.to) {
            let Some(settings) = mail else { continue };
            let mailer = Mailer::new(settings, to, &dashboard, timing.one_try)?;
            mailers.push(route(Arc::new(mailer)));
        }
        let parts = Parts {
            webhook: webhook.transpose()?,
            mail: mailers,
            quiet: Mutex::new(Quiet::new(timing.quiet)),
            burst: Mutex::default(),
            gathering: timing.gathering,
            clock,
            work,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Sends a test notice every way there is, once, and says what came of it.
    pub async fn test(&self) -> Vec<Tried> {
        let notice = self.notice(News::Test);
        let mut tried = Vec::new();
        for route in self.parts.webhook.iter().chain(&self.parts.mail) {
            let carrier = route.carrier();
            let result = carrier.carry(&notice).await.map_err(|failure| failure.why);
            tried.push(Tried { way: carrier.name().to_owned(), result });
        }
        tried
    }

    /// Ends: what is on its way may arrive within this time, each with one try more, and the rest is given up.
    pub async fn shut_down(&self, window: Duration) {
        let Work { tasks, closing, halted, .. } = &self.parts.work;
        closing.cancel();
        tasks.close();
        if timeout(window, tasks.wait()).await.is_err() {
            warn!(notices = tasks.len(), "the server ends with notices to the team on their way");
            halted.cancel();
            tasks.wait().await;
        }
    }

    fn notice(&self, news: News) -> Arc<Notice> {
        let Parts { clock, work, .. } = &*self.parts;
        let id = NoticeId::mint(&**clock, &*work.random);
        Arc::new(Notice { id, created_at: clock.now(), news })
    }

    fn mail(&self, notice: &Arc<Notice>) {
        for route in &self.parts.mail {
            route.take(Arc::clone(notice));
        }
    }

    /// Sends the summary that has begun, after a while or when the process ends.
    async fn summarize(self) {
        select! {
            () = sleep(self.parts.gathering) => {}
            () = self.parts.work.closing.cancelled() => {}
        }
        let summary = lock(&self.parts.burst).take_summary();
        if let Some(summary) = summary {
            self.mail(&self.notice(News::Summary(summary)));
        }
    }
}

#[async_trait]
impl Notifier for Notices {
    async fn person_asked(&self, request: PersonRequest) {
        let Parts { webhook, mail, quiet, burst, clock, work, .. } = &*self.parts;
        if webhook.is_none() && mail.is_empty() {
            return;
        }
        let now = clock.elapsed();
        if !lock(quiet).lets_pass(request.conversation, request.contact.is_some(), now) {
            debug!(conversation = %request.conversation, "the team was told of this conversation a moment ago");
            return;
        }
        let notice = self.notice(News::Asked(request.clone()));
        if let Some(webhook) = webhook {
            webhook.take(Arc::clone(&notice));
        }
        if mail.is_empty() {
            return;
        }
        let telling = lock(burst).decide(&request, now);
        match telling {
            Telling::Now => self.mail(&notice),
            Telling::Later => {
                warn!("too many visitors ask for a person: the next are mailed together");
                drop(work.tasks.spawn(self.clone().summarize()));
            }
            Telling::WithOthers => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
