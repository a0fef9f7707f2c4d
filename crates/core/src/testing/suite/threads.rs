//! Reading a conversation.

use std::time::Duration;

use super::{Fixture, OTHER_SITE, PAGE, SITE, bare_session, session};
use crate::{
    AnswerFacts, Clock as _, ConversationId, FinishReason, MessageStatus, SessionKey, ThreadPage,
    TurnFailure, Usage,
};

pub async fn an_unknown_conversation_is_none(f: &mut Fixture) {
    f.say(&session("a"), "hello", "ok").await;
    let unknown = ConversationId::from_bytes([1; 16]);
    assert_eq!(f.store.thread(SITE, unknown, PAGE).await.unwrap(), None);
}

pub async fn a_conversation_of_another_site_is_none(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "ok").await;
    assert!(f.store.thread(SITE, opened.conversation, PAGE).await.unwrap().is_some());
    assert_eq!(f.store.thread(OTHER_SITE, opened.conversation, PAGE).await.unwrap(), None);
}

pub async fn messages_are_in_order_at_equal_times(f: &mut Fixture) {
    for n in 0..6 {
        let opened = f.open(&session("a"), &format!("q{n}")).await;
        f.close(opened.answer, MessageStatus::Complete, &format!("a{n}")).await;
    }
    in_order(f, 6).await;
}

pub async fn a_clock_set_back_does_not_reorder(f: &mut Fixture) {
    for n in 0..6 {
        f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
        f.clock.set(f.clock.now().minus(Duration::from_hours(24)));
    }
    in_order(f, 6).await;
}

async fn in_order(f: &Fixture, turns: u32) {
    let thread = f.thread(&session("a")).await;
    let texts: Vec<_> = thread.messages.iter().map(|message| message.text.clone()).collect();
    let expected: Vec<_> = (0..turns).flat_map(|n| [format!("q{n}"), format!("a{n}")]).collect();
    assert_eq!(texts, expected);
    assert!(thread.messages.iter().map(|message| message.seq).eq(1..=turns * 2));
}

pub async fn pages_begin_at_the_newest_and_lose_nothing(f: &mut Fixture) {
    for n in 0..5 {
        f.say(&session("a"), &format!("q{n}"), &format!("a{n}")).await;
    }
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = ThreadPage { before, limit: 4 };
        let thread = f.store.session_thread(&session("a"), page).await.unwrap().unwrap();
        before = thread.messages.first().map(|message| message.seq);
        pages.push(thread.messages.iter().map(|message| message.seq).collect::<Vec<_>>());
        if !thread.has_older {
            break;
        }
    }
    assert_eq!(pages, [vec![7, 8, 9, 10], vec![3, 4, 5, 6], vec![1, 2]]);
}

pub async fn a_session_reads_only_its_own(f: &mut Fixture) {
    f.say(&session("a"), "private", "ok").await;
    assert_eq!(f.store.session_thread(&bare_session("a"), PAGE).await.unwrap(), None);
    assert_eq!(f.store.session_thread(&session("b"), PAGE).await.unwrap(), None);
    let wrong_secret = SessionKey { secret: session("b").secret, ..session("a") };
    assert_eq!(f.store.session_thread(&wrong_secret, PAGE).await.unwrap(), None);
    let elsewhere = SessionKey { site: OTHER_SITE, ..session("a") };
    assert_eq!(f.store.session_thread(&elsewhere, PAGE).await.unwrap(), None);
}

pub async fn an_answer_is_found_by_its_own_secret_only(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    f.say(&session("b"), "hello", "Hi").await;
    let find = async |site, secret| f.store.session_answer(site, secret, opened.answer).await.unwrap();
    let (conversation, answer) = find(SITE, session("a").secret).await.unwrap();
    assert_eq!((conversation, answer.text.as_str()), (opened.conversation, "Hello"));
    assert_eq!(find(SITE, session("b").secret).await, None);
    assert_eq!(find(SITE, None).await, None);
    assert_eq!(find(OTHER_SITE, session("a").secret).await, None);
}

pub async fn a_visitors_message_is_not_an_answer(f: &mut Fixture) {
    let opened = f.say(&session("a"), "hello", "Hello").await;
    assert_eq!(
        f.store.session_answer(SITE, session("a").secret, opened.visitor_message).await.unwrap(),
        None
    );
}

pub async fn facts_of_an_answer_are_kept(f: &mut Fixture) {
    let opened = f.open(&session("a"), "hello").await;
    let facts = AnswerFacts {
        model: Some("small-model".to_owned()),
        finish: Some(FinishReason::Length),
        failure: Some(TurnFailure::AnswerTooLarge),
        usage: Some(Usage { input_tokens: 12, output_tokens: u32::MAX }),
        first_token_millis: Some(340),
        total_millis: Some(u32::MAX),
    };
    let mut ending = f.ending(opened.answer, MessageStatus::Interrupted, "Hel");
    ending.facts = facts.clone();
    f.store.close_turn(ending).await.unwrap();
    assert_eq!(f.thread(&session("a")).await.messages[1].facts, facts);
}
