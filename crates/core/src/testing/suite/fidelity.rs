//! What goes in comes out.

use super::{Fixture, bare_session, session};
use crate::{MessageStatus, OpenTurn, Timestamp};

pub async fn texts_come_back_as_they_went_in(f: &mut Fixture) {
    let texts = [
        "😀 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
        "e\u{301} and é",
        "line\r\nline\nline\r",
        "  spaces at both ends  ",
        "\"quotes\" 'and' \\backslashes\\",
        "Robert'); DROP TABLE messages;--",
        "{\"type\":\"done\"}",
        "a\u{202E}b\u{200B}c\u{7}",
        "$1 ?1 :name %s \\x00",
    ];
    for (at, text) in texts.into_iter().enumerate() {
        let visitor = session(&format!("s{at}"));
        f.say(&visitor, text, text).await;
        let thread = f.thread(&visitor).await;
        assert_eq!(thread.messages[0].text, text);
        assert_eq!(thread.messages[1].text, text);
        assert_eq!(thread.conversation.last_message, text);
    }
}

pub async fn the_longest_texts_are_kept(f: &mut Fixture) {
    let question = "é".repeat(4000);
    let answer = "word ".repeat(256 * 1024 / 5);
    f.say(&session("a"), &question, &answer).await;
    let thread = f.thread(&session("a")).await;
    assert_eq!(thread.messages[0].text, question);
    assert_eq!(thread.messages[1].text, answer);
}

pub async fn the_longest_names_are_kept(f: &mut Fixture) {
    let visitor = bare_session(&"x".repeat(128));
    let key = "k".repeat(255);
    let opened = f.accept(f.keyed_turn(&visitor, "hello", &key)).await;
    f.close(opened.answer, MessageStatus::Complete, "ok").await;
    let thread = f.thread(&visitor).await;
    assert_eq!(thread.conversation.session, visitor.session);
    assert_eq!(thread.messages[0].idempotency_key.as_ref().unwrap().as_str(), key);
}

pub async fn extreme_times_are_kept(f: &mut Fixture) {
    // The last moment that a double, and so a JSON number, holds exactly.
    for (name, millis) in [("zero", 0), ("before", -1), ("far", 9_007_199_254_740_991)] {
        let now = Timestamp::from_millis(millis);
        f.accept(OpenTurn { now, ..f.turn(&session(name), "hello") }).await;
        let thread = f.thread(&session(name)).await;
        assert_eq!(thread.conversation.created_at, now);
        assert_eq!(thread.messages[0].created_at, now);
    }
}
