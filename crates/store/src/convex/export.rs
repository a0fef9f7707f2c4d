use std::io;

use frontdesk_core::{ConversationId, SiteId, StoreError, SystemRandom};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

use super::values::{self, Moment, Whole, WireDraft, WireMessage, WireSummary};
use super::{ConvexSettings, ConvexStore, sites};
use crate::exported::Place;
use crate::moving::MARK;
use crate::{
    BackupError, ExportedConversation, ExportedDocument, ExportedRow, ExportedSetting, ExportedSite,
};

/// How many conversations are read at a time.
const PAGE: usize = 100;

/// Where the rows of an export go.
type Take<'a> = dyn FnMut(ExportedRow) -> io::Result<()> + 'a;

#[derive(Deserialize)]
pub(super) struct WireSetting {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSite {
    site: String,
    name: String,
    created_at: Moment,
}

#[derive(Deserialize)]
struct WireDocument {
    name: String,
    text: String,
}

#[derive(Deserialize)]
struct WireConversation {
    secret: String,
    #[serde(flatten)]
    summary: WireSummary,
}

#[derive(Deserialize)]
struct Page {
    rows: Vec<WireConversation>,
    /// Behind which id the next page begins.
    last: Option<String>,
}

#[derive(Deserialize)]
struct DraftsPage {
    rows: Vec<WireDrafts>,
    /// The first conversation that was not looked at.
    next: Option<String>,
}

#[derive(Deserialize)]
struct WireDrafts {
    conversation: String,
    drafts: Vec<WireDraft>,
}

#[derive(Deserialize)]
struct Messages {
    rows: Vec<WireRow>,
    /// Behind which message there are more.
    next: Option<WireNext>,
}

#[derive(Deserialize)]
struct WireRow {
    conversation: String,
    message: WireMessage,
}

#[derive(Deserialize)]
struct WireNext {
    conversation: String,
    seq: Whole<u32>,
}

enum Broken {
    Convex(StoreError),
    Taker(io::Error),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Convex(error)
    }
}

/// Hands out everything that is data, row by row; of the conversations those after that place. A call sees one state.
pub(crate) fn export(
    settings: &ConvexSettings,
    after: Option<Place>,
    take: &mut Take<'_>,
) -> Result<(), BackupError> {
    let failed = |why: String| BackupError::Server { server: format!("Convex at {}", settings.url), why };
    let random = Arc::new(SystemRandom);
    let store = ConvexStore::new(settings, random).map_err(|error| failed(error.to_string()))?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let reader = Reader { store, runtime: runtime.map_err(|error| failed(error.to_string()))? };
    reader.all(after, take).map_err(|broken| match broken {
        Broken::Convex(error) => failed(in_words(&error)),
        Broken::Taker(why) => BackupError::Export { why },
    })
}

/// A failure with its cause.
pub(super) fn in_words(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

struct Reader {
    store: ConvexStore,
    runtime: Runtime,
}

impl Reader {
    fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        args: serde_json::Value,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(self.store.query(path, args))
    }

    fn all(&self, after: Option<Place>, take: &mut Take<'_>) -> Result<(), Broken> {
        let settings: Vec<WireSetting> = self.ask("moving:settings", json!({}))?;
        for WireSetting { name, value } in settings.into_iter().filter(|setting| setting.name != MARK) {
            take(ExportedRow::Setting(ExportedSetting { name, value })).map_err(Broken::Taker)?;
        }
        let sites: Vec<WireSite> = self.ask("moving:sites", json!({}))?;
        for WireSite { site, name, created_at } in sites {
            let id = values::parse("id", &site, SiteId::parse)?;
            let row = ExportedSite { id, name, created_at: created_at.timestamp() };
            take(ExportedRow::Site(row)).map_err(Broken::Taker)?;
            let documents: Vec<WireDocument> = self.ask("moving:documents", json!({ "site": site }))?;
            for WireDocument { name, text } in documents {
                let document = ExportedDocument { site: id, name, text };
                take(ExportedRow::Document(document)).map_err(Broken::Taker)?;
            }
            let keys: Vec<sites::WireKey> = self.ask("sites:keys", json!({ "site": site }))?;
            for key in keys {
                take(ExportedRow::Key(key.read(id)?)).map_err(Broken::Taker)?;
            }
            if let Some(after) = Place::within(after, id) {
                self.conversations(id, after, take)?;
            }
        }
        Ok(())
    }

    fn conversations(&self, site: SiteId, after: ConversationId, take: &mut Take<'_>) -> Result<(), Broken> {
        let mut after = Some(after.to_string());
        while let Some(place) = after {
            let args = json!({ "site": site.to_string(), "after": place, "limit": PAGE });
            let page: Page = self.ask("moving:conversations", args)?;
            let rows = page.rows.into_iter().map(|row| row.read(site)).collect::<Result<Vec<_>, _>>()?;
            let rows = self.with_drafts(rows)?;
            self.with_messages(rows, take)?;
            after = page.last;
        }
        Ok(())
    }

    fn with_drafts(
        &self,
        mut rows: Vec<ExportedConversation>,
    ) -> Result<Vec<ExportedConversation>, StoreError> {
        let mut ids: Vec<String> = rows.iter().map(|row| row.summary.id.to_string()).collect();
        while !ids.is_empty() {
            let page: DraftsPage = self.ask("moving:drafts", json!({ "conversations": ids }))?;
            for found in page.rows {
                let id = values::conversation_id(&found.conversation)?;
                let Some(row) = rows.iter_mut().find(|row| row.summary.id == id) else { continue };
                row.drafts = found.drafts.into_iter().map(WireDraft::read).collect::<Result<Vec<_>, _>>()?;
                row.drafts.sort_by(|one, other| {
                    (&one.operator, one.kind.as_str()).cmp(&(&other.operator, other.kind.as_str()))
                });
            }
            match page.next {
                Some(next) => ids.retain(|id| *id >= next),
                None => ids.clear(),
            }
        }
        Ok(rows)
    }

    fn with_messages(&self, rows: Vec<ExportedConversation>, take: &mut Take<'_>) -> Result<(), Broken> {
        let mut ids: Vec<String> = rows.iter().map(|row| row.summary.id.to_string()).collect();
        let mut conversations = rows.into_iter().peekable();
        let mut next: Option<WireNext> = None;
        while !ids.is_empty() {
            let place = next.map(|next| json!({ "conversation": next.conversation, "seq": next.seq.0 }));
            let args = values::members(json!({ "conversations": ids, "after": place }));
            let page: Messages = self.ask("moving:messages", args.into())?;
            for WireRow { conversation, message } in page.rows {
                let id = values::conversation_id(&conversation)?;
                while let Some(begun) = conversations.next_if(|row| row.summary.id <= id) {
                    take(ExportedRow::Conversation(Box::new(begun))).map_err(Broken::Taker)?;
                }
                take(ExportedRow::Message(id, message.read()?)).map_err(Broken::Taker)?;
            }
            next = page.next;
            match &next {
                // What was read to its end does not have to be sent again.
                Some(next) => ids.retain(|id| *id >= next.conversation),
                None => ids.clear(),
            }
        }
        for rest in conversations {
            take(ExportedRow::Conversation(Box::new(rest))).map_err(Broken::Taker)?;
        }
        Ok(())
    }
}

impl WireConversation {
    fn read(self, site: SiteId) -> Result<ExportedConversation, StoreError> {
        let secret = values::optional_secret(&self.secret)?;
        Ok(ExportedConversation { site, secret, summary: self.summary.read()?, drafts: Vec::new() })
    }
}
