//! The list by what conversations are like.

use super::inbox::{make, operator, said, summary};
use super::{Fixture, OTHER_SITE, SITE, session};
use crate::{
    Assigned, Clock as _, ConversationFilter, ConversationList, ConversationName, ConversationQuery,
    ConversationSearch, ConversationState, ConversationStatus, ConversationSummary, ConversationUpdate,
    Feedback, ListCursor, MessageStatus, OpenTurn, RateAnswer, Rating, Role, SearchQuery, SessionId,
    SessionKey, Tag, Timestamp, Visit, VisitorIdentity,
};

/// How many conversations there are to be filtered.
const COUNT: usize = 36;

fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

fn shop(n: usize) -> String {
    format!("https://shop.example/{}?'\"%_", n % 4)
}

/// Conversations of all kinds, some of one moment.
async fn fill(f: &Fixture) {
    for n in 0..COUNT {
        let visitor = session(&format!("s{n}"));
        let identity = VisitorIdentity::new(format!("customer {}", n % 5), None, None).unwrap();
        let visit = Visit { page: (n % 3 > 0).then(|| shop(n)), ..Visit::default() };
        let turn = f.turn(&visitor, &format!("message of {n} about delivery"));
        let identity = (n % 2 == 0).then_some(identity);
        let opened = f.accept(OpenTurn { identity, visit, ..turn }).await;
        f.close(opened.answer, MessageStatus::Complete, "Yes").await;
        if n % 4 < 2 {
            let rating = if n % 4 == 0 { Rating::Up } else { Rating::Down };
            let feedback = Some(Feedback { rating, reason: None, comment: None });
            let (answer, secret) = (opened.answer, visitor.secret.unwrap());
            f.store.rate_answer(RateAnswer { site: SITE, secret, answer, feedback }).await.unwrap();
        }
        if n % 6 > 0 {
            let tags = ["vip", "vip 'x'", "refund"].iter().enumerate();
            let tags = tags.filter(|(bit, _)| (n >> bit) & 1 == 1).map(|(_, text)| tag(text)).collect();
            let state = ConversationState {
                status: ConversationStatus::ALL[n % 3],
                assignee: ["Ben", "Maya"].get(n % 4).map(|name| operator(name)),
                tags,
                ..ConversationState::default()
            };
            make(f, &visitor, state, None).await;
        }
        f.pass(u64::from(n % 5 == 0));
    }
    // The same again elsewhere must not be found.
    let elsewhere = SessionKey { site: OTHER_SITE, ..session("s1") };
    f.accept(OpenTurn {
        visit: Visit { page: Some(shop(1)), ..Visit::default() },
        ..f.turn(&elsewhere, "delivery")
    })
    .await;
}

/// Filters of one condition each.
fn conditions(f: &Fixture) -> Vec<ConversationFilter> {
    let [open, waiting, closed] = ConversationStatus::ALL;
    let none = ConversationFilter::default;
    let ago = |seconds: i64| Timestamp::from_millis(f.clock.now().millis() - seconds * 1000);
    let mut all = vec![
        ConversationFilter { statuses: vec![open], ..none() },
        ConversationFilter { statuses: vec![waiting], ..none() },
        ConversationFilter { statuses: vec![closed], ..none() },
        ConversationFilter { statuses: vec![closed, open], ..none() },
        ConversationFilter { statuses: vec![waiting, closed, open, waiting], ..none() },
        ConversationFilter { assignee: Some(Assigned::To(operator("Maya"))), ..none() },
        ConversationFilter { assignee: Some(Assigned::To(operator("maya"))), ..none() },
        ConversationFilter { assignee: Some(Assigned::ToNobody), ..none() },
        ConversationFilter { rating: Some(Rating::Up), ..none() },
        ConversationFilter { rating: Some(Rating::Down), ..none() },
        ConversationFilter { page: Some(shop(1)), ..none() },
        ConversationFilter { page: Some("https://shop.example/".to_owned()), ..none() },
        ConversationFilter { session: SessionId::parse("s7").ok(), ..none() },
        ConversationFilter { session: SessionId::parse("unknown").ok(), ..none() },
        ConversationFilter { visitor: Some("customer 2".to_owned()), ..none() },
        ConversationFilter { since: Some(ago(3)), ..none() },
        ConversationFilter { until: Some(ago(3)), ..none() },
        ConversationFilter { since: Some(ago(6)), until: Some(ago(2)), ..none() },
        ConversationFilter { since: Some(ago(2)), until: Some(ago(6)), ..none() },
    ];
    for text in ["vip", "vip 'x'", "refund", "vi", "' or '"] {
        all.push(ConversationFilter { tag: Some(tag(text)), ..none() });
    }
    all
}

/// What both filters ask for; `None` if both have something to say of the same.
fn both(one: &ConversationFilter, other: &ConversationFilter) -> Option<ConversationFilter> {
    let said = |filter: &ConversationFilter| {
        [
            !filter.statuses.is_empty(),
            filter.assignee.is_some(),
            filter.tag.is_some(),
            filter.rating.is_some(),
            filter.page.is_some(),
            filter.session.is_some(),
            filter.visitor.is_some(),
            filter.since.is_some(),
            filter.until.is_some(),
        ]
    };
    if said(one).into_iter().zip(said(other)).any(|(one, other)| one && other) {
        return None;
    }
    let (one, other) = (one.clone(), other.clone());
    Some(ConversationFilter {
        statuses: [one.statuses, other.statuses].concat(),
        assignee: one.assignee.or(other.assignee),
        tag: one.tag.or(other.tag),
        rating: one.rating.or(other.rating),
        page: one.page.or(other.page),
        session: one.session.or(other.session),
        visitor: one.visitor.or(other.visitor),
        since: one.since.or(other.since),
        until: one.until.or(other.until),
    })
}

async fn page(
    f: &Fixture,
    filter: &ConversationFilter,
    after: Option<ListCursor>,
    limit: u32,
) -> ConversationList {
    let query = ConversationQuery { site: SITE, filter: filter.clone(), after, limit };
    f.store.conversations(query).await.unwrap()
}

/// All pages, one after the other.
async fn pages(f: &Fixture, filter: &ConversationFilter, limit: u32) -> Vec<ConversationSummary> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..=COUNT {
        let page = page(f, filter, after, limit).await;
        assert_eq!(page.total, u64::try_from(COUNT).unwrap(), "the total does not depend on the filter");
        assert!(page.conversations.len() <= usize::try_from(limit).unwrap());
        all.extend(page.conversations);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
    unreachable!("the pages do not end: {filter:?}")
}

pub async fn every_filter_finds_what_it_says_and_nothing_else(f: &mut Fixture) {
    fill(f).await;
    let all = pages(f, &ConversationFilter::default(), 100).await;
    let mut found = 0;
    for filter in conditions(f) {
        let expected: Vec<_> = all.iter().filter(|summary| filter.matches(summary)).cloned().collect();
        found += usize::from(!expected.is_empty());
        for limit in [3, 100] {
            assert_eq!(pages(f, &filter, limit).await, expected, "{filter:?}, {limit} at once");
        }
    }
    assert!(found > 12, "only {found} find anything");
}

pub async fn filters_are_combined_and_pages_neither_repeat_nor_lose(f: &mut Fixture) {
    fill(f).await;
    let all = pages(f, &ConversationFilter::default(), 100).await;
    let conditions = conditions(f);
    let mut found = 0;
    for (at, one) in conditions.iter().enumerate() {
        // Each with some others, and with three of them at once.
        for step in [1, 4, 7] {
            let other = &conditions[(at * 3 + step) % conditions.len()];
            let Some(pair) = both(one, other) else { continue };
            let third = both(&pair, &conditions[(at + 2 * step) % conditions.len()]);
            for filter in [Some(pair), third].into_iter().flatten() {
                let expected: Vec<_> =
                    all.iter().filter(|summary| filter.matches(summary)).cloned().collect();
                found += usize::from(!expected.is_empty());
                assert_eq!(pages(f, &filter, 2).await, expected, "{filter:?}");
            }
        }
    }
    assert!(found > 20, "only {found} find anything");
}

pub async fn a_tagged_conversation_keeps_its_place_in_the_list(f: &mut Fixture) {
    let tagged = ConversationFilter { tag: Some(tag("vip")), ..ConversationFilter::default() };
    let order = async || {
        let page = page(f, &tagged, None, 9).await;
        page.conversations.iter().map(|it| it.session.as_str().to_owned()).collect::<Vec<_>>()
    };
    let state = ConversationState { tags: vec![tag("a"), tag("vip")], ..ConversationState::default() };
    for name in ["a", "b", "c"] {
        f.say(&session(name), "hello", "Hello").await;
        make(f, &session(name), state.clone(), None).await;
        f.pass(1);
    }
    assert_eq!(order().await, ["c", "b", "a"]);
    let opened = f.accept(f.keyed_turn(&session("a"), "again", "k1")).await;
    assert_eq!(order().await, ["a", "c", "b"]);
    f.pass(1);
    f.open(&session("b"), "again").await;
    f.pass(1);
    f.close(opened.answer, MessageStatus::Failed, "").await;
    assert_eq!(order().await, ["a", "b", "c"]);
    f.pass(1);
    let update = super::inbox::change(f, &summary(f, &session("c")).await, state.clone(), None);
    f.store.update_conversation(ConversationUpdate { is_activity: true, ..update }).await.unwrap().unwrap();
    assert_eq!(order().await, ["c", "a", "b"]);
    f.pass(1);
    f.accept(f.keyed_turn(&session("a"), "again", "k1")).await;
    assert_eq!(order().await, ["a", "c", "b"]);
    let answered = ConversationState { tags: state.tags.clone(), ..super::inbox::answered_by(f, "Maya") };
    make(f, &session("b"), answered, None).await;
    f.pass(1);
    f.store.open_turn(f.turn(&session("b"), "once more")).await.unwrap();
    assert_eq!(order().await, ["b", "a", "c"]);

    make(f, &session("c"), ConversationState { tags: vec![tag("a")], ..ConversationState::default() }, None)
        .await;
    let name = ConversationName::Session(session("b"));
    f.store.delete_conversation(&name).await.unwrap().unwrap();
    assert_eq!(order().await, ["a"]);
    assert_eq!(pages_of(f, "a").await, 2);
}

async fn pages_of(f: &Fixture, text: &str) -> usize {
    let filter = ConversationFilter { tag: Some(tag(text)), ..ConversationFilter::default() };
    page(f, &filter, None, 9).await.conversations.len()
}

pub async fn a_session_is_found_with_every_secret(f: &mut Fixture) {
    let mut expected = Vec::new();
    for n in 0..5 {
        let secret = crate::SecretHash::of(&format!("{n:A<43}")).unwrap();
        let visitor = SessionKey { secret: (n > 0).then_some(secret), ..session("same") };
        expected.insert(0, f.open(&visitor, "hello").await.conversation);
        f.pass(1);
    }
    let filter =
        ConversationFilter { session: SessionId::parse("same").ok(), ..ConversationFilter::default() };
    let first = page(f, &filter, None, 2).await;
    let rest = page(f, &filter, first.next, 9).await;
    let found: Vec<_> = first.conversations.iter().chain(&rest.conversations).map(|it| it.id).collect();
    assert_eq!((found, rest.next), (expected, None));
}

pub async fn conversations_are_counted_up_to_what_was_asked_for(f: &mut Fixture) {
    fill(f).await;
    let all = pages(f, &ConversationFilter::default(), 100).await;
    let mut filters = conditions(f);
    filters.push(ConversationFilter::default());
    for filter in filters {
        let expected = u32::try_from(all.iter().filter(|summary| filter.matches(summary)).count()).unwrap();
        for at_most in [0, 1, 5, 100] {
            let count = f.store.count_conversations(SITE, &filter, at_most).await.unwrap();
            assert_eq!(count, expected.min(at_most), "{filter:?}, at most {at_most}");
        }
    }
    assert_eq!(f.store.count_conversations(OTHER_SITE, &ConversationFilter::default(), 9).await.unwrap(), 1);
}

pub async fn what_is_found_can_be_filtered(f: &mut Fixture) {
    fill(f).await;
    make(f, &session("s1"), ConversationState::default(), Some(said(f, Role::Note, "Maya", "odd"))).await;
    f.store.index_messages(1000).await.unwrap();
    let search = async |text: &str, filter: &ConversationFilter, limit| {
        let (mut hits, mut after) = (Vec::new(), None);
        loop {
            let query = SearchQuery::parse(text);
            let search = ConversationSearch { site: SITE, query, filter: filter.clone(), after, limit };
            let page = f.store.search(search).await.unwrap();
            hits.extend(page.hits.into_iter().map(|hit| hit.conversation));
            after = page.next;
            if after.is_none() {
                return hits;
            }
        }
    };
    for filter in conditions(f) {
        for (text, is_hit) in [("delivery ", true), ("odd ", false), ("deliv", true), ("\"of 7\"", false)] {
            let all = search(text, &ConversationFilter::default(), 100).await;
            assert_eq!(all.len(), if is_hit { COUNT } else { 1 }, "{text}");
            let expected: Vec<_> = all.into_iter().filter(|summary| filter.matches(summary)).collect();
            assert_eq!(search(text, &filter, 4).await, expected, "{text}, {filter:?}");
        }
    }
}
