//! Finding what was said. Words stand alone here, as every engine understands them.

use super::{Fixture, OTHER_SITE, SITE, session};
use crate::{
    ConversationFilter, ConversationId, ConversationName, ConversationSearch, ListCursor, MessageStatus,
    OpenTurn, SavePartial, SearchPage, SearchQuery, SessionKey,
};

async fn page(f: &Fixture, query: &str, limit: u32, after: Option<ListCursor>) -> SearchPage {
    let query = SearchQuery::parse(query);
    f.store
        .search(ConversationSearch { site: SITE, filter: ConversationFilter::default(), query, after, limit })
        .await
        .unwrap()
}

/// All that is found, from page to page.
async fn all(f: &Fixture, query: &str, limit: u32) -> Vec<(ConversationId, String)> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = page(f, query, limit, after).await;
        assert!(page.hits.len() <= usize::try_from(limit).unwrap());
        found.extend(page.hits.into_iter().map(|hit| (hit.conversation.id, hit.message.text)));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// The texts of all that is found.
async fn texts(f: &Fixture, query: &str) -> Vec<String> {
    all(f, query, 50).await.into_iter().map(|(_, text)| text).collect()
}

pub async fn what_was_said_is_found_with_its_newest_message(f: &mut Fixture) {
    let a = f.say(&session("a"), "where is my parcel", "It left Porto").await;
    f.pass(1);
    let b = f.say(&session("b"), "Where is the station", "near the river").await;
    f.pass(1);
    f.say(&session("b"), "and WHERE is that", "further on").await;
    assert_eq!(
        all(f, "where", 9).await,
        [(b.conversation, "and WHERE is that".to_owned()), (a.conversation, "where is my parcel".to_owned())]
    );
    assert_eq!(texts(f, "porto").await, ["It left Porto"]);
    let hit = &page(f, "parcel", 9, None).await.hits[0];
    let thread = f.thread(&session("a")).await;
    assert_eq!((&hit.conversation, &hit.message), (&thread.conversation, &thread.messages[0]));
    assert!(texts(f, "nothing").await.is_empty());
}

pub async fn every_word_has_to_be_in_one_message(f: &mut Fixture) {
    f.say(&session("a"), "the parcel is late", "It left Porto").await;
    f.say(&session("b"), "parcel from Porto", "thanks").await;
    assert_eq!(texts(f, "porto parcel").await, ["parcel from Porto"]);
    assert!(texts(f, "porto parcel late").await.is_empty());
}

pub async fn the_last_word_may_be_only_begun(f: &mut Fixture) {
    f.say(&session("a"), "the parcels are late", "sorry").await;
    assert_eq!(texts(f, "late parc").await, ["the parcels are late"]);
    assert!(texts(f, "parc late").await.is_empty());
    assert!(texts(f, "late pa").await.is_empty());
}

pub async fn phrases_are_found_as_they_stand(f: &mut Fixture) {
    f.say(&session("a"), "my parcel left Porto", "good").await;
    f.say(&session("a"), "Porto has left", "good").await;
    f.say(&session("b"), "Porto has left", "good").await;
    assert_eq!(texts(f, "\"left porto\"").await, ["my parcel left Porto"]);
    assert_eq!(texts(f, "\"porto has\"").await.len(), 2);
    assert!(texts(f, "\"has porto\"").await.is_empty());
}

pub async fn hostile_queries_find_nothing_and_break_nothing(f: &mut Fixture) {
    f.say(&session("a"), "parcel from Porto", "thanks").await;
    for query in [
        "",
        " ",
        "\"",
        "\"\"\"",
        "'; DROP TABLE messages; --",
        "parcel AND NOT porto",
        "NEAR(parcel porto)",
        "words:parcel",
        "parcel | oslo",
        "parcel & !oslo:*",
        "\\' \\",
        "a\0b",
        "%_",
        &"x".repeat(10_000),
        &"\"x ".repeat(3000),
        "\u{FFFF}\u{10FFFF}\u{202E}",
    ] {
        assert!(texts(f, query).await.is_empty(), "{query}");
    }
    assert_eq!(texts(f, "parcel*").await.len(), 1, "what is no letter separates words");
}

pub async fn what_is_found_keeps_to_its_site_and_to_ended_answers(f: &mut Fixture) {
    let elsewhere = SessionKey { site: OTHER_SITE, ..session("a") };
    f.store.open_turn(f.turn(&elsewhere, "parcel elsewhere")).await.unwrap();
    let opened = f.open(&session("a"), "hello").await;
    let text = "parcel so far".to_owned();
    f.store.save_partial(SavePartial { site: SITE, answer: opened.answer, text }).await.unwrap();
    assert!(texts(f, "parcel").await.is_empty());
    f.close(opened.answer, MessageStatus::Stopped, "parcel stopped").await;
    assert_eq!(texts(f, "parcel").await, ["parcel stopped"]);
}

pub async fn pages_of_what_is_found_lose_nothing_and_keep_the_order(f: &mut Fixture) {
    let mut expected = Vec::new();
    for n in 0..12 {
        let word = if n % 3 == 0 { "river" } else { "station" };
        let opened = f.say(&session(&format!("s{n}")), &format!("the {word} please"), "yes").await;
        if n % 3 == 0 {
            expected.push(opened.conversation);
        }
        f.pass(u64::from(n % 2 == 0));
    }
    // The oldest is the latest again.
    f.say(&session("s0"), "and now", "no").await;
    let first = expected.remove(0);
    expected.push(first);
    expected.reverse();
    for limit in [1, 2, 3, 4, 50] {
        let found: Vec<_> = all(f, "river", limit).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, expected, "limit {limit}");
    }
}

pub async fn what_is_deleted_or_written_anew_is_not_found(f: &mut Fixture) {
    f.say(&session("a"), "parcel one", "kept").await;
    f.say(&session("b"), "parcel two", "gone").await;
    f.store.delete_conversation(&ConversationName::Session(session("b"))).await.unwrap();
    assert_eq!(texts(f, "parcel").await, ["parcel one"]);
    assert!(texts(f, "gone").await.is_empty());
    f.say(&session("c"), "hello", "fresh").await;
    assert!(texts(f, "two").await.is_empty(), "a new conversation has nothing of an old one");

    let failed = f.accept(f.keyed_turn(&session("a"), "again", "k1")).await;
    f.close(failed.answer, MessageStatus::Interrupted, "halfway").await;
    assert_eq!(texts(f, "halfway").await, ["halfway"]);
    let again = f.accept(f.keyed_turn(&session("a"), "again", "k1")).await;
    assert!(texts(f, "halfway").await.is_empty());
    f.close(again.answer, MessageStatus::Complete, "whole").await;
    assert_eq!(texts(f, "whole").await, ["whole"]);
}

pub async fn an_answer_that_broke_off_is_found_when_it_is_indexed(f: &mut Fixture) {
    let opened = f.accept(OpenTurn { history_limit: 1, ..f.turn(&session("a"), "hello") }).await;
    let text = "parcel so far".to_owned();
    f.store.save_partial(SavePartial { site: SITE, answer: opened.answer, text }).await.unwrap();
    f.store.interrupt_unfinished(f.turn(&session("a"), "x").now).await.unwrap();
    while f.store.index_messages(1).await.unwrap() > 0 {}
    assert_eq!(f.store.index_messages(9).await.unwrap(), 0);
    assert_eq!(texts(f, "parcel").await, ["parcel so far"]);
}
