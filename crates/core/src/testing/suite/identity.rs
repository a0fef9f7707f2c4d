//! Who visitors are, as their site says.

use super::{Fixture, PAGE, SITE, session};
use crate::{ConversationFilter, ConversationQuery, MessageStatus, OpenTurn, VisitorIdentity};

fn identity(id: &str, name: Option<&str>, email: Option<&str>) -> VisitorIdentity {
    let text = |text: Option<&str>| text.map(str::to_owned);
    VisitorIdentity::new(id.to_owned(), text(name), text(email)).unwrap()
}

pub async fn who_a_visitor_is_is_kept_with_the_conversation(f: &mut Fixture) {
    let ana = Some(identity("42", Some("Ana Ñandú \"'; --"), Some("ana@example.com")));
    let opened = f.accept(OpenTurn { identity: ana.clone(), ..f.turn(&session("a"), "hello") }).await;
    f.open(&session("b"), "nobody").await;
    assert_eq!(f.thread(&session("a")).await.conversation.identity, ana);
    assert_eq!(f.thread(&session("b")).await.conversation.identity, None);
    let by_id = f.store.thread(SITE, opened.conversation, PAGE).await.unwrap().unwrap();
    assert_eq!(by_id.conversation.identity, ana);
    let query =
        ConversationQuery { site: SITE, filter: ConversationFilter::default(), after: None, limit: 9 };
    let list = f.store.conversations(query).await.unwrap().conversations;
    assert_eq!(list.iter().filter(|summary| summary.identity == ana).count(), 1);
}

pub async fn what_the_site_says_last_counts(f: &mut Fixture) {
    let (ana, ben) = (identity("42", None, Some("ana@example.com")), identity("43", Some("Ben"), None));
    let steps = [(None, None), (Some(&ana), Some(&ana)), (None, Some(&ana)), (Some(&ben), Some(&ben))];
    for (said, kept) in steps {
        let turn = OpenTurn { identity: said.cloned(), ..f.turn(&session("a"), "hello") };
        let opened = f.accept(turn).await;
        assert_eq!(f.thread(&session("a")).await.conversation.identity.as_ref(), kept);
        f.close(opened.answer, MessageStatus::Complete, "Hello").await;
    }
    let failed = f.accept(f.keyed_turn(&session("a"), "again", "k1")).await;
    f.close(failed.answer, MessageStatus::Failed, "").await;
    f.accept(OpenTurn { identity: Some(ana.clone()), ..f.keyed_turn(&session("a"), "again", "k1") }).await;
    assert_eq!(f.thread(&session("a")).await.conversation.identity, Some(ana));
}
