//! The list of conversations.

use frontdesk_core::{
    ConversationFilter, ConversationId, ConversationQuery, ConversationSearch, ConversationStatus,
    ConversationSummary, Excerpt, ListCursor, OperatorName, Rating, Role, SearchHit, SearchQuery, Timestamp,
};

use super::Dashboard;
use super::address::Address;
use super::looking::{Looking, Tab};
use super::markdown;
use super::moment::Moment;
use super::pseudonym::Pseudonym;
use super::session::Operator;
use crate::{ApiError, cursor};

/// How many conversations a page lists.
const LIST: usize = 50;

/// How often more is looked for, so that a page has something on it.
const LOOKS: usize = 4;

/// So many conversations are counted at most.
pub(super) const COUNTED: u32 = 100;

/// The list of conversations.
pub(super) struct ListView {
    pub(super) rows: Vec<Row>,
    /// How many there are in all.
    pub(super) total: u64,
    pub(super) looking: Looking,
    pub(super) tabs: Vec<TabView>,
    /// Who can be asked for as assignee.
    pub(super) operators: Vec<String>,
    /// The address of the next page.
    pub(super) next: Option<String>,
    /// How many need a person, wherever one looks.
    pub(super) needs_person: u32,
}

/// A tab above the list.
pub(super) struct TabView {
    pub(super) title: &'static str,
    pub(super) address: String,
    pub(super) is_current: bool,
    pub(super) count: Option<String>,
}

/// A piece of a text, which was found or not.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) is_found: bool,
}

fn pieces(excerpt: &Excerpt) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut add = |text: &str, is_found| {
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), is_found });
        }
    };
    let mut at = 0;
    for found in &excerpt.found {
        add(&excerpt.text[at..found.start], false);
        add(&excerpt.text[found.clone()], true);
        at = found.end;
    }
    add(&excerpt.text[at..], false);
    pieces
}

/// A conversation in the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) visitor: Pseudonym,
    pub(super) updated: Moment,
    /// Who spoke, unless it was the visitor.
    pub(super) speaker: Option<String>,
    pub(super) last_message: String,
    pub(super) status: ConversationStatus,
    /// Who answers in place of the AI.
    pub(super) answering: Option<String>,
    pub(super) rating: Option<Rating>,
    pub(super) tags: Vec<String>,
    pub(super) page: Option<String>,
    pub(super) is_unread: bool,
    pub(super) is_present: bool,
    pub(super) is_current: bool,
    /// What was found in it.
    pub(super) excerpt: Vec<Piece>,
}

/// For whom and when rows are made.
struct Reader<'a> {
    dashboard: &'a Dashboard,
    operator: &'a Operator,
    now: Timestamp,
    current: Option<ConversationId>,
}

impl Reader<'_> {
    fn row(&self, summary: ConversationSummary) -> Row {
        let answering = summary.state.answering.map(|answering| answering.operator);
        let name = |name: &OperatorName| {
            if *name == self.operator.name { "You".to_owned() } else { name.as_str().to_owned() }
        };
        let speaker = match summary.last_role {
            Role::Visitor => None,
            Role::Assistant => Some("AI".to_owned()),
            Role::Operator | Role::Event | Role::Note => {
                Some(answering.as_ref().map_or_else(|| "Team".to_owned(), name))
            }
        };
        Row {
            id: summary.id.to_string(),
            visitor: Pseudonym::of(&summary.session, summary.identity.as_ref()),
            updated: Moment::ago(summary.updated_at, self.now),
            speaker: speaker.filter(|_| !summary.last_message.is_empty()),
            last_message: match summary.last_role {
                Role::Assistant => markdown::plain(&summary.last_message),
                Role::Visitor | Role::Operator | Role::Event | Role::Note => summary.last_message,
            },
            status: summary.state.status,
            answering: answering.as_ref().map(name),
            rating: summary.rating,
            tags: summary.state.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            page: summary.visit.page.as_deref().map(|page| Address::new(page).path),
            is_unread: summary.message_count > summary.read_count,
            is_present: self.dashboard.ports.inbox.is_present(summary.id),
            is_current: Some(summary.id) == self.current,
            excerpt: Vec::new(),
        }
    }

    fn found(&self, hit: SearchHit, query: &SearchQuery) -> Row {
        let excerpt = pieces(&query.excerpt(&hit.message.text));
        let speaker = match hit.message.role {
            Role::Visitor | Role::Event => None,
            Role::Assistant => Some("AI".to_owned()),
            Role::Operator | Role::Note => Some(hit.message.author.unwrap_or_default().as_str().to_owned()),
        };
        Row { speaker, excerpt, ..self.row(hit.conversation) }
    }
}

/// What is listed: conversations, or those in which something was said.
struct Listing<'a> {
    reader: Reader<'a>,
    filter: ConversationFilter,
    words: Option<SearchQuery>,
}

/// Some of it.
#[derive(Default)]
struct Part {
    rows: Vec<Row>,
    /// Where it goes on.
    next: Option<ListCursor>,
    /// How many conversations there are in all, if that was told along with them.
    total: Option<u64>,
}

impl Listing<'_> {
    /// Reads on from a place until a page has enough rows, there are no more, or that was tried often enough.
    async fn gather(&self, after: Option<ListCursor>) -> Result<Part, ApiError> {
        let mut gathered = Part { next: after, ..Part::default() };
        for _ in 0..LOOKS {
            let room = LIST.saturating_sub(gathered.rows.len()).max(1);
            let part = self.read(gathered.next, u32::try_from(room).unwrap_or(1)).await?;
            gathered.rows.extend(part.rows);
            (gathered.next, gathered.total) = (part.next, part.total);
            if gathered.next.is_none() || gathered.rows.len() >= LIST {
                break;
            }
        }
        Ok(gathered)
    }

    async fn read(&self, after: Option<ListCursor>, limit: u32) -> Result<Part, ApiError> {
        let dashboard = self.reader.dashboard;
        let (site, store) = (dashboard.settings.site, &dashboard.ports.store);
        let filter = self.filter.clone();
        if let Some(query) = &self.words {
            let search = ConversationSearch { site, query: query.clone(), filter, after, limit };
            let page = store.search(search).await?;
            let rows = page.hits.into_iter().map(|hit| self.reader.found(hit, query)).collect();
            return Ok(Part { rows, next: page.next, total: None });
        }
        let page = store.conversations(ConversationQuery { site, filter, after, limit }).await?;
        let rows = page.conversations.into_iter().map(|summary| self.reader.row(summary)).collect();
        Ok(Part { rows, next: page.next, total: Some(page.total) })
    }
}

/// Reads the list that an operator looks at.
pub(super) async fn read_list(
    dashboard: &Dashboard,
    operator: &Operator,
    looking: Looking,
    current: Option<ConversationId>,
) -> Result<ListView, ApiError> {
    let (site, store) = (dashboard.settings.site, &dashboard.ports.store);
    let now = dashboard.ports.clock.now();
    let (filter, after) = (looking.filter(), looking.place(site)?);
    let words = (!looking.q.is_empty()).then(|| SearchQuery::parse(&looking.q));
    let listing = Listing { reader: Reader { dashboard, operator, now, current }, filter, words };
    let Part { rows, next, total } = listing.gather(after).await?;
    let total = if let Some(total) = total {
        total
    } else {
        let first = ConversationQuery { site, filter: ConversationFilter::default(), after: None, limit: 1 };
        store.conversations(first).await?.total
    };
    let (open, needs_person) =
        (count(dashboard, Tab::Open).await?, count(dashboard, Tab::NeedsPerson).await?);
    let tabs = Tab::ALL.map(|tab| TabView {
        title: tab.title(),
        address: looking.tab(tab),
        is_current: tab == looking.tab,
        count: match tab {
            Tab::Open => Some(counted(open)),
            Tab::NeedsPerson => Some(counted(needs_person)),
            Tab::Closed | Tab::All => None,
        },
    });
    let next = next.map(|next| looking.from(cursor::encode(site, next)));
    let operators = operator_names(dashboard, operator).await?;
    Ok(ListView { rows, total, looking, tabs: tabs.into(), operators, next, needs_person })
}

/// What operators are called who have signed in lately, and whoever asks.
async fn operator_names(dashboard: &Dashboard, operator: &Operator) -> Result<Vec<String>, ApiError> {
    let since = dashboard.ports.clock.now().minus(super::session::DEVICE);
    let mut names = dashboard.ports.store.operator_names(since).await?;
    if !names.contains(&operator.name) {
        names.push(operator.name.clone());
    }
    Ok(names.iter().map(|name| name.as_str().to_owned()).collect())
}

/// How many conversations a tab has, up to a limit.
pub(super) async fn count(dashboard: &Dashboard, tab: Tab) -> Result<u32, ApiError> {
    let filter = ConversationFilter { statuses: tab.statuses(), ..ConversationFilter::default() };
    Ok(dashboard.ports.store.count_conversations(dashboard.settings.site, &filter, COUNTED).await?)
}

fn counted(count: u32) -> String {
    if count < COUNTED { count.to_string() } else { format!("{}+", COUNTED - 1) }
}
