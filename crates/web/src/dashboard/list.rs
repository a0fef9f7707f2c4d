//! The list of conversations.

use frontdesk_core::{
    ConversationFilter, ConversationId, ConversationQuery, ConversationSearch, ConversationStatus,
    ConversationSummary, Excerpt, ListCursor, OperatorName, Rating, Role, SearchHit, SearchQuery, Timestamp,
};

use super::Dashboard;
use super::address::Address;
use super::looking::{Looking, Tab};
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
            last_message: summary.last_message,
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

/// Reads the list that an operator looks at.
pub(super) async fn read_list(
    dashboard: &Dashboard,
    operator: &Operator,
    looking: Looking,
    current: Option<ConversationId>,
) -> Result<ListView, ApiError> {
    let (site, store) = (dashboard.settings.site, &dashboard.ports.store);
    let now = dashboard.ports.clock.now();
    let reader = Reader { dashboard, operator, now, current };
    let (filter, after) = (looking.filter()?, looking.place(site)?);
    let (total, rows, next) = if looking.q.is_empty() {
        list(dashboard, &reader, &filter, after).await?
    } else {
        let first = ConversationQuery { site, filter: ConversationFilter::default(), after: None, limit: 1 };
        let total = store.conversations(first).await?.total;
        let (rows, next) = find(dashboard, &reader, &looking.q, &filter, after).await?;
        (total, rows, next)
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
    let next = next.map(|next| Looking { after: cursor::encode(site, next), ..looking.clone() }.at("/"));
    let operators = operator_names(dashboard, operator).await?;
    Ok(ListView { rows, total, looking, tabs: tabs.into(), operators, next })
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

/// How many a page still has room for.
fn room(rows: &[impl Sized]) -> u32 {
    u32::try_from(LIST.saturating_sub(rows.len()).max(1)).unwrap_or(1)
}

async fn list(
    dashboard: &Dashboard,
    reader: &Reader<'_>,
    filter: &ConversationFilter,
    mut after: Option<ListCursor>,
) -> Result<(u64, Vec<Row>, Option<ListCursor>), ApiError> {
    let (mut total, mut rows) = (0, Vec::new());
    for _ in 0..LOOKS {
        let query = ConversationQuery {
            site: dashboard.settings.site,
            filter: filter.clone(),
            after,
            limit: room(&rows),
        };
        let page = dashboard.ports.store.conversations(query).await?;
        rows.extend(page.conversations.into_iter().map(|summary| reader.row(summary)));
        (total, after) = (page.total, page.next);
        if after.is_none() || rows.len() >= LIST {
            break;
        }
    }
    Ok((total, rows, after))
}

async fn find(
    dashboard: &Dashboard,
    reader: &Reader<'_>,
    looked_for: &str,
    filter: &ConversationFilter,
    mut after: Option<ListCursor>,
) -> Result<(Vec<Row>, Option<ListCursor>), ApiError> {
    let query = SearchQuery::parse(looked_for);
    let mut rows = Vec::new();
    for _ in 0..LOOKS {
        let search = ConversationSearch {
            site: dashboard.settings.site,
            query: query.clone(),
            filter: filter.clone(),
            after,
            limit: room(&rows),
        };
        let page = dashboard.ports.store.search(search).await?;
        rows.extend(page.hits.into_iter().map(|hit| reader.found(hit, &query)));
        after = page.next;
        if after.is_none() || rows.len() >= LIST {
            break;
        }
    }
    Ok((rows, after))
}
