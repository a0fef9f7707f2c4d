//! What of the list an operator looks at. It is in the address of every page of the inbox, so that links and the browser's
//! own buttons keep it.

use frontdesk_core::{
    Assigned, ConversationFilter, ConversationStatus, OperatorName, Rating, SessionId, SiteId, Tag, Timestamp,
};
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::extract::Query;
use crate::filter::NOBODY;
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
    /// A name, or [`NOBODY`].
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
            tab: tab.ok_or_else(|| invalid("status", "must be open, needs_person, closed or all"))?,
            assignee: text("assignee")?,
            tag: text("tag")?,
            rating: text("rating")?,
            page: text("page")?,
            session: text("session")?,
            since: text("since")?,
            until: text("until")?,
            after: text("after")?,
            is_selecting: query.text("select")?.is_some(),
        })
    }

    /// What conversations have to be like.
    pub(super) fn filter(&self) -> Result<ConversationFilter, ApiError> {
        Ok(ConversationFilter { statuses: self.tab.statuses(), ..self.narrowed()? })
    }

    /// The same, whatever has become of them.
    pub(super) fn narrowed(&self) -> Result<ConversationFilter, ApiError> {
        let assignee = match self.assignee.as_str() {
            NOBODY => Some(Assigned::ToNobody),
            name => given("assignee", name, OperatorName::parse)?.map(Assigned::To),
        };
        Ok(ConversationFilter {
            statuses: Vec::new(),
            assignee,
            tag: given("tag", &self.tag, Tag::parse)?,
            rating: given("rating", &self.rating, |text| Rating::parse(text).ok_or("must be up or down"))?,
            page: (!self.page.is_empty()).then(|| self.page.clone()),
            session: given("session", &self.session, SessionId::parse)?,
            visitor: None,
            since: given("since", &self.since, |text| midnight(text, 0))?,
            // The last day counts as a whole.
            until: given("until", &self.until, |text| midnight(text, 1))?,
        })
    }

    /// How many conditions there are beside words and the tab.
    pub(super) fn conditions(&self) -> usize {
        let all =
            [&self.assignee, &self.tag, &self.rating, &self.page, &self.session, &self.since, &self.until];
        all.into_iter().filter(|text| !text.is_empty()).count()
    }

    /// Whether everything that goes on is listed.
    pub(super) fn is_everything(&self) -> bool {
        self.q.is_empty() && self.conditions() == 0
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
        Self { after: String::new(), ..self.clone() }.at("/")
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

/// What a text stands for, if there is one.
fn given<'a, T, E: ToString>(
    name: &'static str,
    text: &'a str,
    parse: impl Fn(&'a str) -> Result<T, E>,
) -> Result<Option<T>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).map_err(|rule| invalid(name, rule.to_string()))
}

/// The beginning of a day, or of one of those after it.
fn midnight(text: &str, days: i64) -> Result<Timestamp, &'static str> {
    let rule = "must be a day such as 2026-11-22";
    let date: Date = text.parse().map_err(|_| rule)?;
    let date = date.checked_add(days.days()).map_err(|_| rule)?;
    let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| rule)?;
    Ok(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

fn invalid(name: &'static str, rule: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(Code::InvalidQuery).detail(name, rule)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(looking.conditions(), 7);
        assert_eq!(read("status=open").unwrap().at("/"), "/");
        assert_eq!(looking.cleared(), "/?status=closed");
    }

    #[test]
    fn conditions_are_what_stores_filter_by() {
        let looking = read("assignee=nobody&since=2026-11-01&until=2026-11-02").unwrap();
        let filter = looking.filter().unwrap();
        assert_eq!(filter.statuses, [ConversationStatus::Open, ConversationStatus::NeedsPerson]);
        assert_eq!(filter.assignee, Some(Assigned::ToNobody));
        let span = filter.until.unwrap().since(filter.since.unwrap());
        assert_eq!(span.as_secs(), 2 * 24 * 60 * 60, "both days count as a whole");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(read("status=x").map(|_| ()), Err(Code::InvalidQuery));
        for query in ["tag=a%2Cb", "rating=5", "since=yesterday", "until=2026-13-01", "assignee=%00"] {
            let filter = read(query).unwrap().filter().map_err(|error| error.code);
            assert_eq!(filter, Err(Code::InvalidQuery), "{query}");
        }
    }
}
