//! What operators do with conversations.

use super::{Fixture, OTHER_SITE, SITE, bare_session, session};
use crate::{
    Answering, BeginConversation, Clock as _, ConversationId, ConversationName, ConversationQuery,
    ConversationSearch, ConversationState, ConversationStatus, ConversationSummary, ConversationUpdate,
    DeliveredMessage, EmailAddress, Feedback, HistoryEntry, Message, MessageId, MessageStatus, NewMessage,
    OpenTurn, OperatorName, RateAnswer, Rating, Role, SearchQuery, SessionKey, Tag, TurnOpening,
    UpdatedConversation, Visit,
};

/// What an operator is called.
pub(super) fn operator(name: &str) -> OperatorName {
    OperatorName::parse(name).unwrap()
}

/// A message that is no turn.
pub(super) fn said(f: &Fixture, role: Role, author: &str, text: &str) -> NewMessage {
    NewMessage {
        id: MessageId::mint(&f.clock, &f.random),
        role,
        text: text.to_owned(),
        author: Some(operator(author)),
        idempotency_key: None,
    }
}

/// A visitor's own conversation without its messages.
pub(super) async fn summary(f: &Fixture, of: &SessionKey) -> ConversationSummary {
    let name = ConversationName::Session(of.clone());
    let (owner, summary) = f.store.conversation(&name).await.unwrap().unwrap();
    assert_eq!(owner, *of);
    summary
}

/// A change on top of that, not stored yet.
pub(super) fn change(
    f: &Fixture,
    of: &ConversationSummary,
    state: ConversationState,
    message: Option<NewMessage>,
) -> ConversationUpdate {
    ConversationUpdate {
        site: SITE,
        conversation: of.id,
        expected_revision: of.revision,
        state,
        message,
        is_activity: false,
        now: f.clock.now(),
    }
}

/// Makes something of a visitor's conversation, and says something with it.
pub(super) async fn make(
    f: &Fixture,
    of: &SessionKey,
    state: ConversationState,
    message: Option<NewMessage>,
) {
    let update = change(f, &summary(f, of).await, state, message);
    assert_eq!(f.store.update_conversation(update).await.unwrap(), Some(UpdatedConversation::Done));
}

/// A conversation that this operator answers.
pub(super) fn answered_by(f: &Fixture, name: &str) -> ConversationState {
    let answering = Some(Answering { operator: operator(name), since: f.clock.now() });
    ConversationState { answering, ..ConversationState::default() }
}

/// Lets an operator take a visitor's conversation over.
async fn take_over(f: &Fixture, of: &SessionKey, name: &str) {
    make(f, of, answered_by(f, name), Some(said(f, Role::Event, name, "joined"))).await;
}

fn page(page: &str) -> Visit {
    Visit { page: Some(page.to_owned()), ..Visit::default() }
}

fn begin(f: &Fixture, of: &SessionKey, visit: Visit) -> BeginConversation {
    let id = ConversationId::mint(&f.clock, &f.random);
    BeginConversation { session: of.clone(), id, visit, now: f.clock.now() }
}

fn roles(messages: &[Message]) -> Vec<(u32, Role, &str)> {
    messages.iter().map(|message| (message.seq, message.role, message.text.as_str())).collect()
}

async fn deliver(f: &Fixture, turn: OpenTurn) -> DeliveredMessage {
    match f.store.open_turn(turn).await.unwrap() {
        TurnOpening::Delivered(delivered) => delivered,
        other => unreachable!("the message should have been delivered: {other:?}"),
    }
}

pub async fn a_begun_conversation_has_no_messages_and_the_first_one_continues_it(f: &mut Fixture) {
    let visitor = session("a");
    let begun = begin(f, &visitor, page("/prices"));
    let id = f.store.begin_conversation(begun.clone()).await.unwrap();
    assert_eq!(id, begun.id);
    let thread = f.thread(&visitor).await;
    let made = &thread.conversation;
    assert_eq!((thread.messages.len(), made.message_count, made.read_count, made.revision), (0, 0, 0, 0));
    assert_eq!((made.created_at, made.updated_at), (begun.now, begun.now));
    assert_eq!((made.state.clone(), made.rating), (ConversationState::default(), None));
    assert_eq!(f.total().await, 1);

    f.pass(1);
    let opened = f.open(&visitor, "hello").await;
    assert_eq!((opened.conversation, opened.history.len()), (id, 1));
    assert_eq!(f.thread(&visitor).await.conversation.visit, page("/prices"));
    assert_eq!(f.total().await, 1);
}

pub async fn a_session_begins_one_conversation(f: &mut Fixture) {
    let visitor = session("a");
    let opened = f.say(&visitor, "hello", "Hello").await;
    let before = summary(f, &visitor).await;
    f.pass(5);
    for _ in 0..2 {
        let id = f.store.begin_conversation(begin(f, &visitor, Visit::default())).await.unwrap();
        assert_eq!(id, opened.conversation);
    }
    assert_eq!(summary(f, &visitor).await, before);
    let other = f.store.begin_conversation(begin(f, &bare_session("a"), Visit::default())).await.unwrap();
    assert_ne!(other, opened.conversation);
    assert_eq!(f.total().await, 2);
}

pub async fn what_is_said_later_of_a_visit_counts_more(f: &mut Fixture) {
    let visitor = session("a");
    let everything = Visit {
        page: Some("https://shop.example/ä?q='\"".to_owned()),
        referrer: Some("https://search.example/".to_owned()),
        user_agent: Some("Browser/1 (X11)".to_owned()),
        language: Some("de-AT,de;q=0.9".to_owned()),
    };
    let opened =
        f.accept(OpenTurn { visit: everything.clone(), ..f.keyed_turn(&visitor, "hello", "k1") }).await;
    assert_eq!(f.thread(&visitor).await.conversation.visit, everything);
    f.close(opened.answer, MessageStatus::Failed, "").await;

    let turn = f.keyed_turn(&visitor, "hello", "k1");
    let again = f.accept(OpenTurn { visit: page("/again"), ..turn }).await;
    let expected = Visit { page: Some("/again".to_owned()), ..everything };
    assert_eq!(f.thread(&visitor).await.conversation.visit, expected);

    // What is refused, or known, says nothing.
    let busy =
        f.store.open_turn(OpenTurn { visit: page("/busy"), ..f.turn(&visitor, "more") }).await.unwrap();
    assert_eq!(busy, TurnOpening::Busy { answer: again.answer });
    let repeated = OpenTurn { visit: page("/busy"), ..f.keyed_turn(&visitor, "hello", "k1") };
    assert!(matches!(f.store.open_turn(repeated).await.unwrap(), TurnOpening::Repeated(_)));
    assert_eq!(f.thread(&visitor).await.conversation.visit, expected);

    let language = Visit { language: Some("no".to_owned()), ..Visit::default() };
    f.store.begin_conversation(begin(f, &visitor, language.clone())).await.unwrap();
    assert_eq!(f.thread(&visitor).await.conversation.visit, language.or(expected));
}

pub async fn a_conversation_is_read_by_either_name(f: &mut Fixture) {
    for visitor in [session("a"), bare_session("a")] {
        let opened = f.say(&visitor, "hello", "Hello").await;
        let expected = Some((visitor.clone(), f.thread(&visitor).await.conversation));
        let names =
            [ConversationName::Session(visitor.clone()), ConversationName::Id(SITE, opened.conversation)];
        for name in names {
            assert_eq!(f.store.conversation(&name).await.unwrap(), expected);
        }
        let elsewhere = ConversationName::Id(OTHER_SITE, opened.conversation);
        assert_eq!(f.store.conversation(&elsewhere).await.unwrap(), None);
    }
    let unknown = ConversationName::Session(session("unknown"));
    assert_eq!(f.store.conversation(&unknown).await.unwrap(), None);
}

pub async fn a_change_is_stored_if_nothing_has_changed_since(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    let seen = summary(f, &visitor).await;
    let joined = change(f, &seen, answered_by(f, "Maya"), Some(said(f, Role::Event, "Maya", "joined")));
    let late = change(f, &seen, answered_by(f, "Ben"), Some(said(f, Role::Event, "Ben", "joined")));
    assert_eq!(f.store.update_conversation(joined.clone()).await.unwrap(), Some(UpdatedConversation::Done));
    for outdated in [late, joined] {
        let again = ConversationUpdate {
            message: outdated
                .message
                .map(|message| NewMessage { id: MessageId::mint(&f.clock, &f.random), ..message }),
            ..outdated
        };
        assert_eq!(f.store.update_conversation(again).await.unwrap(), Some(UpdatedConversation::Outdated));
    }
    let name = ConversationName::Session(visitor.clone());
    let changes = f.store.changes(&name, seen.revision, 9).await.unwrap().unwrap();
    assert_eq!((changes.revision, changes.state), (seen.revision + 1, answered_by(f, "Maya")));
    assert_eq!(roles(&changes.messages), [(3, Role::Event, "joined")]);
    let event = &changes.messages[0];
    assert_eq!((event.author.clone(), event.revision), (Some(operator("Maya")), changes.revision));
    assert_eq!((event.status, event.created_at), (MessageStatus::Accepted, f.clock.now()));

    // Without a message it is a change as well.
    make(f, &visitor, ConversationState::default(), None).await;
    let changes = f.store.changes(&name, changes.revision, 9).await.unwrap().unwrap();
    assert_eq!((changes.revision, changes.messages.len()), (seen.revision + 2, 0));
    assert_eq!(changes.state, ConversationState::default());

    let elsewhere = change(f, &summary(f, &visitor).await, ConversationState::default(), None);
    let elsewhere = ConversationUpdate { site: OTHER_SITE, ..elsewhere };
    assert_eq!(f.store.update_conversation(elsewhere).await.unwrap(), None);
}

pub async fn all_of_a_state_is_kept(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    let tag = |text: &str| Tag::parse(text).unwrap();
    let longest = operator(&"Ñ".repeat(40));
    let everything = ConversationState {
        status: ConversationStatus::NeedsPerson,
        answering: Some(Answering { operator: longest.clone(), since: f.clock.now() }),
        assignee: Some(operator("Ben 'O\"Neill")),
        tags: vec![tag("größe"), tag("refund norway"), tag("'; --"), tag(&"é".repeat(32))],
        contact: Some(EmailAddress::parse("ana@shop.example").unwrap()),
    };
    let many: Vec<_> = (0..20).map(|n| tag(&format!("tag {n:02}"))).collect();
    let tagged = ConversationState { tags: many, ..ConversationState::default() };
    for state in [everything, tagged, ConversationState::default()] {
        make(f, &visitor, state.clone(), None).await;
        assert_eq!(f.thread(&visitor).await.conversation.state, state);
        assert_eq!(summary(f, &visitor).await.state, state);
    }
}

pub async fn what_is_said_is_shown_in_the_list_and_notes_and_events_are_not(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    let shown = async || {
        let summary = summary(f, &visitor).await;
        (summary.last_message, summary.last_role, summary.message_count)
    };
    make(f, &visitor, answered_by(f, "Maya"), Some(said(f, Role::Event, "Maya", "joined"))).await;
    make(f, &visitor, answered_by(f, "Maya"), Some(said(f, Role::Note, "Maya", "a secret"))).await;
    assert_eq!(shown().await, ("Hello".to_owned(), Role::Assistant, 4));
    let long = "x".repeat(600);
    make(f, &visitor, answered_by(f, "Maya"), Some(said(f, Role::Operator, "Maya", &long))).await;
    assert_eq!(shown().await, (long[..500].to_owned(), Role::Operator, 5));
    f.open(&session("b"), "unrelated").await;
    deliver(f, f.turn(&visitor, "thank you")).await;
    assert_eq!(shown().await, ("thank you".to_owned(), Role::Visitor, 6));
}

pub async fn only_activity_moves_a_conversation_up(f: &mut Fixture) {
    let visitor = session("a");
    let first = f.say(&visitor, "hello", "Hello").await.conversation;
    f.pass(1);
    let second = f.say(&session("b"), "hello", "Hello").await.conversation;
    let order = async || {
        let query = ConversationQuery { site: SITE, filter: <_>::default(), after: None, limit: 9 };
        let list = f.store.conversations(query).await.unwrap();
        list.conversations.iter().map(|conversation| conversation.id).collect::<Vec<_>>()
    };
    f.pass(1);
    make(f, &visitor, answered_by(f, "Maya"), Some(said(f, Role::Note, "Maya", "quiet"))).await;
    assert_eq!(order().await, [second, first]);
    let update = change(f, &summary(f, &visitor).await, answered_by(f, "Maya"), None);
    let update = ConversationUpdate { is_activity: true, ..update };
    f.store.update_conversation(update).await.unwrap().unwrap();
    assert_eq!(order().await, [first, second]);
    assert_eq!(summary(f, &visitor).await.updated_at, f.clock.now());
}

pub async fn a_message_is_delivered_while_an_operator_answers(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    take_over(f, &visitor, "Maya").await;
    let before = summary(f, &visitor).await;
    f.pass(1);
    let turn = OpenTurn { visit: page("/help"), ..f.keyed_turn(&visitor, "are you there?", "k1") };
    let (message, text) = (turn.ids.visitor_message, turn.text.clone());
    let delivered = deliver(f, turn).await;
    let expected = DeliveredMessage {
        conversation: before.id,
        visitor_message: message,
        operator: Some(operator("Maya")),
        repeated: false,
    };
    assert_eq!(delivered, expected);
    let thread = f.thread(&visitor).await;
    let now = &thread.conversation;
    assert_eq!((now.message_count, now.revision), (before.message_count + 1, before.revision + 1));
    assert_eq!((now.updated_at, &now.visit), (f.clock.now(), &page("/help")));
    let last = thread.messages.last().unwrap();
    assert_eq!((last.id, last.role, last.status), (message, Role::Visitor, MessageStatus::Accepted));
    assert_eq!((last.seq, last.revision, last.text.as_str()), (4, now.revision, text.as_str()));

    // Handed back, the AI answers again, and reads all of it.
    make(f, &visitor, ConversationState::default(), Some(said(f, Role::Event, "Maya", "left"))).await;
    let opened = f.open(&visitor, "and now?").await;
    let texts: Vec<_> = opened.history.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["hello", "Hello", "are you there?", "and now?"]);
}

pub async fn it_is_delivered_also_while_an_answer_is_still_being_written(f: &mut Fixture) {
    let visitor = session("a");
    let opened = f.open(&visitor, "hello").await;
    take_over(f, &visitor, "Maya").await;
    let delivered = deliver(f, f.turn(&visitor, "a person, please")).await;
    assert_eq!(delivered.operator, Some(operator("Maya")));
    f.pass(1);
    f.close(opened.answer, MessageStatus::Stopped, "Hel").await;
    let thread = f.thread(&visitor).await;
    let expected = [
        (1, Role::Visitor, "hello"),
        (2, Role::Assistant, "Hel"),
        (3, Role::Event, "joined"),
        (4, Role::Visitor, "a person, please"),
    ];
    assert_eq!(roles(&thread.messages), expected);
    assert_eq!(thread.conversation.last_message, "a person, please");
    assert_eq!((thread.messages[1].revision, thread.conversation.revision), (5, 5));
}

pub async fn a_delivered_message_that_is_repeated_is_known(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    take_over(f, &visitor, "Maya").await;
    let first = deliver(f, f.keyed_turn(&visitor, "are you there?", "k1")).await;
    let before = summary(f, &visitor).await;
    let again = deliver(f, f.keyed_turn(&visitor, "are you there?", "k1")).await;
    assert_eq!(again, DeliveredMessage { repeated: true, ..first.clone() });
    let other = f.store.open_turn(f.keyed_turn(&visitor, "something else", "k1")).await.unwrap();
    assert_eq!(other, TurnOpening::Mismatch);
    assert_eq!(summary(f, &visitor).await, before);

    make(f, &visitor, ConversationState::default(), None).await;
    let again = deliver(f, f.keyed_turn(&visitor, "are you there?", "k1")).await;
    assert_eq!(again, DeliveredMessage { operator: None, repeated: true, ..first.clone() });
    f.open(&visitor, "and now?").await;
    let again = deliver(f, f.keyed_turn(&visitor, "are you there?", "k1")).await;
    assert_eq!(again, DeliveredMessage { operator: None, repeated: true, ..first });
}

pub async fn answers_are_repeated_but_not_begun_anew_while_an_operator_answers(f: &mut Fixture) {
    let visitor = session("a");
    let good = f.accept(f.keyed_turn(&visitor, "hello", "k1")).await;
    f.close(good.answer, MessageStatus::Complete, "Hello").await;
    let failed = f.accept(f.keyed_turn(&visitor, "more", "k2")).await;
    f.close(failed.answer, MessageStatus::Failed, "").await;
    take_over(f, &visitor, "Maya").await;
    match f.store.open_turn(f.keyed_turn(&visitor, "hello", "k1")).await.unwrap() {
        TurnOpening::Repeated(repeated) => assert_eq!(repeated.answer.id, good.answer),
        other => unreachable!("{other:?}"),
    }
    let known = deliver(f, f.keyed_turn(&visitor, "more", "k2")).await;
    assert_eq!((known.visitor_message, known.repeated), (failed.visitor_message, true));
    assert_eq!(f.thread(&visitor).await.messages[3].id, failed.answer);

    make(f, &visitor, ConversationState::default(), None).await;
    let again = f.accept(f.keyed_turn(&visitor, "more", "k2")).await;
    assert_eq!(again.visitor_message, failed.visitor_message);
}

pub async fn a_closed_conversation_is_opened_by_its_visitor(f: &mut Fixture) {
    let visitor = session("a");
    let in_status = |status| ConversationState { status, ..ConversationState::default() };
    let tags = vec![Tag::parse("vip").unwrap()];
    let [open, waiting, closed] = ConversationStatus::ALL;
    f.say(&visitor, "hello", "Hello").await;
    for (before, after) in [(closed, open), (waiting, waiting), (open, open)] {
        let state = ConversationState { tags: tags.clone(), ..in_status(before) };
        make(f, &visitor, state.clone(), None).await;
        f.say(&visitor, "again", "Yes?").await;
        assert_eq!(summary(f, &visitor).await.state, ConversationState { status: after, ..state });
    }
    let state = ConversationState { status: closed, ..answered_by(f, "Maya") };
    make(f, &visitor, state.clone(), None).await;
    deliver(f, f.turn(&visitor, "again")).await;
    assert_eq!(summary(f, &visitor).await.state, ConversationState { status: open, ..state });

    // A message that was there before opens nothing.
    make(f, &visitor, ConversationState::default(), None).await;
    let failed = f.accept(f.keyed_turn(&visitor, "more", "k1")).await;
    f.close(failed.answer, MessageStatus::Failed, "").await;
    make(f, &visitor, in_status(closed), None).await;
    f.accept(f.keyed_turn(&visitor, "more", "k1")).await;
    assert_eq!(summary(f, &visitor).await.state, in_status(closed));
}

pub async fn history_has_what_operators_said_and_neither_notes_nor_events(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    let things = [
        (Role::Event, "joined"),
        (Role::Note, "a secret"),
        (Role::Operator, "I am here"),
        (Role::Event, "left"),
    ];
    for (role, text) in things {
        make(f, &visitor, ConversationState::default(), Some(said(f, role, "Maya", text))).await;
    }
    let opened = f.accept(OpenTurn { history_limit: 3, ..f.turn(&visitor, "thank you") }).await;
    let entry =
        |role, author, status, text: &str| HistoryEntry { role, author, status, text: text.to_owned() };
    let expected = [
        entry(Role::Assistant, None, MessageStatus::Complete, "Hello"),
        entry(Role::Operator, Some(operator("Maya")), MessageStatus::Accepted, "I am here"),
        entry(Role::Visitor, None, MessageStatus::Accepted, "thank you"),
    ];
    assert_eq!(opened.history, expected);
}

pub async fn what_was_seen_is_counted_and_never_lowered(f: &mut Fixture) {
    let visitor = session("a");
    let conversation = f.say(&visitor, "hello", "Hello").await.conversation;
    assert_eq!(summary(f, &visitor).await.read_count, 0);
    let before = summary(f, &visitor).await;
    for (count, seen) in [(1, 1), (0, 1), (2, 2), (1, 2), (u32::MAX, 2)] {
        f.store.mark_read(SITE, conversation, count).await.unwrap();
        assert_eq!(summary(f, &visitor).await, ConversationSummary { read_count: seen, ..before.clone() });
        let name = ConversationName::Session(visitor.clone());
        let changes = f.store.changes(&name, before.revision, 9).await.unwrap().unwrap();
        assert_eq!((changes.read_count, changes.messages.len()), (seen, 0));
    }
    f.store.mark_read(OTHER_SITE, conversation, 9).await.unwrap();
    f.store.mark_read(SITE, ConversationId::from_bytes([1; 16]), 9).await.unwrap();
    f.say(&visitor, "more", "Yes?").await;
    make(f, &visitor, answered_by(f, "Maya"), Some(said(f, Role::Note, "Maya", "hm"))).await;
    let now = summary(f, &visitor).await;
    assert_eq!((now.read_count, now.message_count), (2, 5));
}

pub async fn a_conversations_rating_is_what_was_said_last(f: &mut Fixture) {
    let visitor = session("a");
    let first = f.say(&visitor, "one", "1").await.answer;
    let second = f.say(&visitor, "two", "2").await.answer;
    assert_eq!(summary(f, &visitor).await.rating, None);
    let steps = [
        (first, Some(Rating::Down)),
        (second, Some(Rating::Up)),
        (first, None),
        (second, Some(Rating::Down)),
    ];
    for (answer, rating) in steps {
        let feedback = rating.map(|rating| Feedback { rating, reason: None, comment: None });
        let secret = visitor.secret.unwrap();
        f.store.rate_answer(RateAnswer { site: SITE, secret, answer, feedback }).await.unwrap().unwrap();
        assert_eq!(summary(f, &visitor).await.rating, rating);
    }
}

pub async fn notes_are_found_and_events_are_not(f: &mut Fixture) {
    let visitor = session("a");
    f.say(&visitor, "hello", "Hello").await;
    make(f, &visitor, ConversationState::default(), Some(said(f, Role::Event, "Maya", "joined"))).await;
    make(f, &visitor, ConversationState::default(), Some(said(f, Role::Note, "Maya", "wants a refund")))
        .await;
    make(f, &visitor, ConversationState::default(), Some(said(f, Role::Operator, "Maya", "you get it back")))
        .await;
    f.store.index_messages(100).await.unwrap();
    let found = async |query: &str| {
        let query = SearchQuery::parse(query);
        let search = ConversationSearch { site: SITE, query, filter: <_>::default(), after: None, limit: 9 };
        let page = f.store.search(search).await.unwrap();
        page.hits.into_iter().map(|hit| hit.message.role).collect::<Vec<_>>()
    };
    assert_eq!(found("refund ").await, [Role::Note]);
    assert_eq!(found("back ").await, [Role::Operator]);
    for nothing in ["joined ", "join", "Maya "] {
        assert_eq!(found(nothing).await, []);
    }
    // What is not indexed is taken out as it went in.
    let name = ConversationName::Session(visitor.clone());
    f.store.delete_conversation(&name).await.unwrap().unwrap();
    assert_eq!(found("refund ").await, []);
}
