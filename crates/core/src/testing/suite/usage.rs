//! What conversations cost in tokens.

use super::{Fixture, OTHER_SITE, SITE, session};
use crate::{AnswerFacts, CloseTurn, ConversationId, MessageStatus, ModelUsage, SessionKey, Usage};

async fn answer(
    f: &Fixture,
    of: &SessionKey,
    model: Option<&str>,
    usage: Option<(u32, u32)>,
) -> ConversationId {
    let opened = f.open(of, "hello").await;
    let usage = usage.map(|(input_tokens, output_tokens)| Usage { input_tokens, output_tokens });
    let facts = AnswerFacts { model: model.map(str::to_owned), usage, ..AnswerFacts::default() };
    let ending = f.ending(opened.answer, MessageStatus::Complete, "Hello");
    assert!(f.store.close_turn(CloseTurn { facts, ..ending }).await.unwrap());
    opened.conversation
}

pub async fn what_answers_cost_is_added_up_by_their_models(f: &mut Fixture) {
    let visitor = session("a");
    let rows = [
        (Some("b-model"), Some((10, 2))),
        (Some("B-model"), Some((u32::MAX, u32::MAX))),
        (Some("B-model"), Some((1, 0))),
        (Some("b-model"), None),
        (Some("b-model"), Some((5, 1))),
        (None, Some((7, 7))),
    ];
    let mut conversation = None;
    for (model, usage) in rows {
        conversation = Some(answer(f, &visitor, model, usage).await);
    }
    let conversation = conversation.unwrap();
    answer(f, &session("b"), Some("b-model"), Some((100, 100))).await;
    let of = |model: Option<&str>, input_tokens, output_tokens| ModelUsage {
        model: model.map(str::to_owned),
        input_tokens,
        output_tokens,
    };
    let most = u64::from(u32::MAX);
    let expected = [of(None, 7, 7), of(Some("B-model"), most + 1, most), of(Some("b-model"), 15, 3)];
    assert_eq!(f.store.usage(SITE, conversation).await.unwrap().unwrap(), expected);
    assert_eq!(f.store.usage(OTHER_SITE, conversation).await.unwrap(), None);
    assert_eq!(f.store.usage(SITE, ConversationId::from_bytes([1; 16])).await.unwrap(), None);
    let silent = f.open(&session("c"), "hello").await.conversation;
    assert_eq!(f.store.usage(SITE, silent).await.unwrap(), Some(Vec::new()));
}
