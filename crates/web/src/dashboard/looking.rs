//! What of the list an operator looks at. It is in the address of every page of the inbox, so that links and the browser's
//! own buttons keep it.

use frontdesk_core::{ConversationFilter, ConversationStatus, SiteId};

use crate::extract::Query;
use crate::filter::any_status;
use crate::{ApiError, Code, cursor};

/// Which conversations are listed by what has become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    /// What goes on, whether it needs a person or not.
    #[default]
    Open,
    NeedsPerson,
    Closed,
    All,
}

impl Tab {
    pub(super) const ALL: [Self; 4] = [Self::Open, Self::NeedsPerson, Self::Closed, Self::All];

    /// What the address says.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::NeedsPerson => "needs_person",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::NeedsPerson => "Needs you",
            Self::Closed => "Closed",
            Self::All => "All",
        }
    }

    pub(super) fn statuses(self) -> Vec<ConversationStatus> {
        match self {
            Self::Open => vec![ConversationStatus::Open, ConversationStatus::NeedsPerson],
            Self::NeedsPerson => vec![ConversationStatus::NeedsPerson],
            Self::Closed => vec![ConversationStatus::Closed],
            Self::All => Vec::new(),
        }
    }
}

/// What is looked for, as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Looking {
    /// Words.
    pub(super) q: String,
    pub(super) tab: Tab,
    /// A name, or [`NOBODY`](crate::filter::NOBODY).
    pub(super) assignee: String,
    pub(super) tag: String,
    /// `up` or `down`.
    pub(super) rating: String,
    pub(super) page: String,
    pub(super) session: String,
    /// Days, as in `2026-11-22`, of UTC.
    pub(super) since: String,
    pub(super) until: String,
    /// Where the page of the list begins.
    pub(super) after: String,
    /// Whether several conversations are being chosen.
    pub(super) is_selecting: bool,
    /// What is meant by all that, but for the words and the tab.
    conditions: ConversationFilter,
}

impl Looking {
    pub(super) fn read(query: &Query) -> Result<Self, ApiError> {
        let text = |name| Ok::<_, ApiError>(query.text(name)?.unwrap_or_default().trim().to_owned());
        let status = query.text("status")?.unwrap_or_default();
        let tab = match status {
            "open" => Some(Tab::Open),
            _ => Tab::ALL.into_iter().find(|tab| tab.name() == status),
        };
        Ok(Self {
            q: text("q")?,
            tab: tab.ok_or_else(|| {
                let rule = "must be open, needs_person, closed or all";
                ApiError::new(Code::InvalidQuery).detail("status", rule)
            })?,
            assignee: text("assignee")?,
            tag: text("tag")?,
            rating: text("rating")?,
            page: text("page")?,
            session: text("session")?,
            since: text("since")?,
            until: text("until")?,
            after: text("after")?,
            is_selecting: query.text("select")?.is_some(),
            conditions: any_status(query)?,
        })
    }

    /// What conversations have to be like.
    pub(super) fn filter(&self) -> ConversationFilter {
        ConversationFilter { statuses: self.tab.statuses(), ..self.conditions.clone() }
    }

    /// How many conditions there are beside words and the tab.
    pub(super) fn condition_count(&self) -> usize {
        let all =
            [&self.assignee, &self.tag, &self.rating, &self.page, &self.session, &self.since, &self.until];
        all.into_iter().filter(|text| !text.is_empty()).count()
    }

    /// Whether everything that goes on is listed.
    pub(super) fn is_everything(&self) -> bool {
        self.q.is_empty() && self.condition_count() == 0
    }

    /// The place where the page begins.
    pub(super) fn place(&self, site: SiteId) -> Result<Option<frontdesk_core::ListCursor>, ApiError> {
        match self.after.as_str() {
            "" => Ok(None),
            place => cursor::decode(site, place).map(Some).ok_or_else(|| Code::InvalidCursor.into()),
        }
    }

    /// As the parameters of an address.
    pub(super) fn parameters(&self) -> String {
        let mut parameters = form_urlencoded::Serializer::new(String::new());
        let pairs = [
            ("q", self.q.as_str()),
            ("status", self.tab.name()),
            ("assignee", &self.assignee),
            ("tag", &self.tag),
            ("rating", &self.rating),
            ("page", &self.page),
            ("session", &self.session),
            ("since", &self.since),
            ("until", &self.until),
            ("after", &self.after),
            ("select", if self.is_selecting { "1" } else { "" }),
        ];
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            parameters.append_pair(name, value);
        }
        parameters.finish()
    }

    /// The address of something in the inbox that keeps to this.
    pub(super) fn at(&self, path: &str) -> String {
        self.with(path, &[])
    }

    /// The same with more parameters.
    pub(super) fn with(&self, path: &str, more: &[(&str, &str)]) -> String {
        let kept = self.parameters();
        let mut parameters = form_urlencoded::Serializer::new(kept);
        parameters.extend_pairs(more);
        let parameters = parameters.finish();
        if parameters.is_empty() { path.to_owned() } else { format!("{path}?{parameters}") }
    }

    /// The list of another tab, from its beginning.
    pub(super) fn tab(&self, tab: Tab) -> String {
        Self { tab, after: String::new(), ..self.clone() }.at("/")
    }

    /// The beginning of the list.
    pub(super) fn first(&self) -> String {
        self.from(String::new())
    }

    /// The list from a place on.
    pub(super) fn from(&self, after: String) -> String {
        Self { after, ..self.clone() }.at("/")
    }

    /// The list without conditions.
    pub(super) fn cleared(&self) -> String {
        Self { tab: self.tab, ..Self::default() }.at("/")
    }

    /// The same words in conversations of every tab.
    pub(super) fn everywhere(&self) -> String {
        self.tab(Tab::All)
    }

    /// The same with conversations to choose if there were none, and the other way round.
    pub(super) fn toggled(&self) -> Self {
        Self { is_selecting: !self.is_selecting, ..self.clone() }
    }

    /// The same when conversations have been chosen.
    pub(super) fn chosen(&self) -> Self {
        Self { is_selecting: false, ..self.clone() }
    }

    /// A conversation with its details.
    pub(super) fn details(&self, path: &str) -> String {
        self.with(path, &[("details", "1")])
    }

    /// A conversation with the form for a note.
    pub(super) fn note(&self, path: &str) -> String {
        self.with(path, &[("compose", "note")])
    }

    /// The messages of a conversation before a place.
    pub(super) fn before(&self, path: &str, place: &str) -> String {
        self.with(path, &[("before", place)])
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::Assigned;

    use super::*;

    fn read(query: &str) -> Result<Looking, Code> {
        Looking::read(&Query::read(query)).map_err(|error| error.code)
    }

    #[test]
    fn an_address_keeps_what_is_looked_for() {
        let query = "q=a%26b&status=closed&assignee=Maya&tag=refund&rating=down&page=https%3A%2F%2Fa.example%2F&\
                     session=s1&since=2026-11-01&until=2026-11-02&after=x&select=1";
        let looking = read(query).unwrap();
        assert_eq!(read(&looking.parameters()), Ok(looking.clone()));
        assert_eq!(looking.condition_count(), 7);
        assert_eq!(read("status=open").unwrap().at("/"), "/");
        assert_eq!(looking.cleared(), "/?status=closed");
    }

    #[test]
    fn conditions_are_what_stores_filter_by() {
        let looking = read("assignee=nobody&since=2026-11-01&until=2026-11-02").unwrap();
        let filter = looking.filter();
        assert_eq!(filter.statuses, [ConversationStatus::Open, ConversationStatus::NeedsPerson]);
        assert_eq!(filter.assignee, Some(Assigned::ToNobody));
        let span = filter.until.unwrap().since(filter.since.unwrap());
        assert_eq!(span.as_secs(), 2 * 24 * 60 * 60, "both days count as a whole");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for query in ["status=x", "tag=a%2Cb", "rating=5", "since=yesterday", "page=x", "assignee=%00"] {
            assert_eq!(read(query), Err(Code::InvalidQuery), "{query}");
        }
    }
}
