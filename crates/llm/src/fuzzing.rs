//! What hostile bytes must not do here: the checks that the fuzzer (`fuzz/`) and the tests run. They panic if something is
//! not as it has to be.

#![expect(clippy::missing_panics_doc, reason = "that is what these are for")]

use std::convert::Infallible;

use frontdesk_core::ModelEvent;
use futures_util::stream;
use serde_json::Value;

use crate::http::{Answer, ApiForm, ModelTimeouts};
use crate::{SseError, SseReader};

/// More than any input here has.
const NO_LIMIT: usize = 1 << 20;

/// A limit that events come up against.
const LIMIT: usize = 64;

/// An answer's stream: a byte that chooses the API, one that says how the network cuts, and what the server sends.
///
/// Events have to be those that a simple reader of the standard finds; however the network cuts, the words and the end
/// have to be the same; and the words have to be those that a general reader of JSON finds.
pub fn model_stream(bytes: &[u8]) {
    let [form, cut, sent @ ..] = bytes else { return };
    let form = [ApiForm::ChatCompletions, ApiForm::Responses, ApiForm::Messages][usize::from(*form) % 3];
    let cuts = [&[NO_LIMIT][..], &[1], &[usize::from(*cut) + 1, 3, 1]];

    let expected = events_by_the_standard(sent);
    for lengths in cuts {
        assert_eq!(events(sent, lengths, NO_LIMIT), expected);
        let (limited, end) = events(sent, lengths, LIMIT);
        assert!(expected.0.starts_with(&limited));
        assert!(limited.iter().all(|event| event.len() <= LIMIT));
        assert!(end.is_err() || limited == expected.0);
    }

    let answers = cuts.map(|lengths| answer(sent, lengths, form));
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let words = &answers[0].0;
    assert!(words.len() <= sent.len());
    let (told, is_all) = words_of(&expected.0, form);
    assert!(told.starts_with(words) || (!is_all && words.starts_with(&told)), "{words:?} is not {told:?}");
}

type Events = (Vec<String>, Result<(), SseError>);

fn events(sent: &[u8], lengths: &[usize], limit: usize) -> Events {
    let (mut reader, mut events) = (SseReader::new(limit), Vec::new());
    for piece in pieces(sent, lengths) {
        reader.push(piece);
        loop {
            match reader.next_event() {
                Ok(Some(event)) => events.push(event.to_owned()),
                Ok(None) => break,
                Err(error) => return (events, Err(error)),
            }
        }
    }
    (events, Ok(()))
}

/// The HTML standard's section 9.2.6 in as few words as possible. What comes first, an event or a fault, is told.
fn events_by_the_standard(sent: &[u8]) -> Events {
    let sent = sent.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(sent);
    let mut text = Vec::new();
    for (at, byte) in sent.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && sent[at - 1] == b'\r' => {}
            b'\r' => text.push(b'\n'),
            byte => text.push(*byte),
        }
    }
    let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    // What follows the last line's end is no line.
    lines.pop();
    let (mut events, mut data) = (Vec::new(), Vec::new());
    for line in lines {
        if line.is_empty() && !data.is_empty() {
            match String::from_utf8(data.join(&b'\n')) {
                Ok(event) => events.push(event),
                Err(_) => return (events, Err(SseError::NotUtf8)),
            }
            data.clear();
        }
        let mut field = line.splitn(2, |byte| *byte == b':');
        if field.next() == Some(b"data") {
            let value = field.next().unwrap_or_default();
            data.push(value.strip_prefix(b" ").unwrap_or(value));
        }
    }
    (events, Ok(()))
}

fn pieces<'a>(sent: &'a [u8], lengths: &[usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = sent;
    lengths.iter().cycle().map_while(move |length| {
        let (piece, behind) = rest.split_at((*length).min(rest.len()));
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Reads an answer as the program does. Gives its words, and how it ended.
fn answer(sent: &[u8], lengths: &[usize], form: ApiForm) -> (String, String) {
    let pieces: Vec<_> = pieces(sent, lengths).map(<[u8]>::to_vec).collect();
    let body = reqwest::Body::wrap_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)));
    let begun = tokio::time::Instant::now();
    let mut answer = Answer::new(http::Response::new(body).into(), form, ModelTimeouts::default(), begun);
    in_runtime(async {
        let mut words = String::new();
        loop {
            match answer.next().await {
                Some(Ok(ModelEvent::Delta(delta))) => {
                    assert!(!delta.is_empty());
                    words.push_str(&delta);
                }
                end => {
                    assert!(end.is_some() && answer.next().await.is_none());
                    return (words, format!("{end:?}"));
                }
            }
        }
    })
}

/// The words of events as far as it is plain what they say, and whether that is all of them.
fn words_of(events: &[String], form: ApiForm) -> (String, bool) {
    let mut words = String::new();
    for event in events {
        match words_of_event(event, form) {
            Some(more) => words.push_str(&more),
            None => return (words, false),
        }
    }
    (words, true)
}

fn words_of_event(event: &str, form: ApiForm) -> Option<String> {
    let event: Value = serde_json::from_str(event).ok()?;
    let texts = match form {
        ApiForm::ChatCompletions => {
            let delta = object(object(&event["choices"][0])?.get("delta").unwrap_or(&Value::Null))?;
            [delta.get("content").cloned(), delta.get("refusal").cloned()]
        }
        ApiForm::Responses => match event["type"].as_str() {
            Some("response.output_text.delta" | "response.refusal.delta") => {
                [event.get("delta").cloned(), None]
            }
            _ => [None, None],
        },
        ApiForm::Messages => match event["type"].as_str() {
            Some("content_block_delta") => [object(&event["delta"])?.get("text").cloned(), None],
            _ => [None, None],
        },
    };
    // Where an object is expected, Serde's readers take a list of its members as well.
    event.is_object().then(|| texts.iter().flatten().filter_map(Value::as_str).collect())
}

/// An object, or one without members in the place of none.
fn object(value: &Value) -> Option<serde_json::Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members.clone()),
        Value::Null => Some(serde_json::Map::new()),
        _ => None,
    }
}

fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Option<tokio::runtime::Runtime> =
            tokio::runtime::Builder::new_current_thread().enable_time().build().ok();
    }
    RUNTIME.with(|runtime| match runtime {
        Some(runtime) => runtime.block_on(future),
        None => unreachable!("a runtime of one thread needs nothing that could be missing"),
    })
}

#[cfg(test)]
mod tests {
    use frontdesk_testkit::hostile_bytes;

    #[test]
    fn a_hostile_model_server_breaks_nothing() {
        hostile_bytes("model_stream", super::model_stream);
    }
}
