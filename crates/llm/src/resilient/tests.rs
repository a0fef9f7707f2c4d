use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use frontdesk_core::testing::SeededRandom;
use frontdesk_core::{FinishReason, ModelEnd};

use super::*;

/// What a call meets.
#[derive(Clone)]
enum Fate {
    Answers,
    Fails(ModelError),
    BreaksOffAfter(&'static str),
}

#[derive(Debug)]
struct Fated {
    name: &'static str,
    /// The calls' fates; when they are used up, all calls are answered.
    fates: Mutex<VecDeque<Fate>>,
    calls: AtomicUsize,
}

impl std::fmt::Debug for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fate")
    }
}

#[async_trait]
impl Model for Fated {
    async fn stream(&self, _prompt: Prompt) -> Result<AnswerStream, ModelError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let end = ModelEnd { reason: FinishReason::Stop, usage: None, model: None };
        let events = match self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Answers) {
            Fate::Fails(error) => return Err(error),
            Fate::Answers => vec![Ok(ModelEvent::Delta("Hello".to_owned())), Ok(ModelEvent::End(end))],
            Fate::BreaksOffAfter("") => Vec::new(),
            Fate::BreaksOffAfter(words) => vec![Ok(ModelEvent::Delta(words.to_owned()))],
        };
        Ok(stream::iter(events).boxed())
    }

    fn name(&self) -> &str {
        self.name
    }
}

fn fated(name: &'static str, fates: impl IntoIterator<Item = Fate>) -> Arc<Fated> {
    Arc::new(Fated { name, fates: Mutex::new(fates.into_iter().collect()), calls: AtomicUsize::new(0) })
}

fn fails(kind: ModelErrorKind) -> Fate {
    Fate::Fails(ModelError::new(kind, "a fault"))
}

fn resilient(model: &Arc<Fated>, others: &[&Arc<Fated>]) -> ResilientModel {
    let others = others.iter().map(|other| Arc::clone(other) as Arc<dyn Model>).collect();
    ResilientModel::new(Arc::clone(model) as Arc<dyn Model>, others, Arc::new(SeededRandom::new(7)))
}

async fn ask(model: &ResilientModel) -> Result<Vec<Result<ModelEvent, ModelError>>, ModelErrorKind> {
    let prompt = Prompt { instructions: String::new(), messages: Vec::new(), max_output_tokens: 1 };
    Ok(model.stream(prompt).await.map_err(|error| error.kind)?.collect().await)
}

fn who(answer: &[Result<ModelEvent, ModelError>]) -> &str {
    match answer.last() {
        Some(Ok(ModelEvent::End(end))) => end.model.as_deref().unwrap_or_default(),
        _ => "nobody",
    }
}

fn calls(model: &Fated) -> usize {
    model.calls.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_three_times() {
    for kind in [ModelErrorKind::Unavailable, ModelErrorKind::Busy(None), ModelErrorKind::Interrupted] {
        let model = fated("m", [fails(kind), fails(kind)]);
        assert_eq!(who(&ask(&resilient(&model, &[])).await.unwrap()), "m");
        let model = fated("m", [fails(kind), fails(kind), fails(kind)]);
        assert_eq!(ask(&resilient(&model, &[])).await, Err(kind));
        assert_eq!(calls(&model), 3);
    }
    let silent = fated("m", [Fate::BreaksOffAfter("")]);
    assert_eq!(who(&ask(&resilient(&silent, &[])).await.unwrap()), "m");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_not_tried_again() {
    for kind in [ModelErrorKind::Misconfigured, ModelErrorKind::Timeout, ModelErrorKind::TooLarge] {
        let model = fated("m", [fails(kind)]);
        assert_eq!(ask(&resilient(&model, &[])).await, Err(kind));
        assert_eq!(calls(&model), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_once_words_were_said() {
    let model = fated("m", [Fate::BreaksOffAfter("Half an")]);
    let answer = ask(&resilient(&model, &[])).await.unwrap();
    assert_eq!(answer, [Ok(ModelEvent::Delta("Half an".to_owned()))]);
    assert_eq!(calls(&model), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_when_to_come_back_is_heard() {
    let seconds = Duration::from_secs;
    for (wish, waited) in [(seconds(5), seconds(5)..seconds(6)), (seconds(0), seconds(0)..seconds(1))] {
        let model = fated("m", [fails(ModelErrorKind::Busy(Some(wish)))]);
        let began = Instant::now();
        assert_eq!(who(&ask(&resilient(&model, &[])).await.unwrap()), "m");
        assert!(waited.contains(&began.elapsed()), "{:?}", began.elapsed());
    }
    for wish in [seconds(25), seconds(31), Duration::MAX] {
        let kind = ModelErrorKind::Busy(Some(wish));
        let model = fated("m", [fails(kind)]);
        let began = Instant::now();
        assert_eq!(ask(&resilient(&model, &[])).await, Err(kind));
        assert_eq!((calls(&model), began.elapsed()), (1, Duration::ZERO), "no visitor waits for so long");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_differ_so_that_nobody_comes_back_together() {
    let model = resilient(&fated("m", []), &[]);
    let error = ModelError::new(ModelErrorKind::Unavailable, "a fault");
    let pauses: Vec<_> = (0..50).map(|_| model.pause(&error, 1).unwrap()).collect();
    assert!(pauses.iter().all(|pause| *pause <= FIRST_PAUSE * 2));
    let distinct: std::collections::HashSet<_> = pauses.iter().collect();
    assert!(distinct.len() > 40, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn another_model_answers_for_one_that_cannot() {
    for kind in [ModelErrorKind::Misconfigured, ModelErrorKind::Timeout] {
        let (first, second) = (fated("first", [fails(kind)]), fated("second", []));
        let model = resilient(&first, &[&second]);
        assert_eq!(who(&ask(&model).await.unwrap()), "second", "and says who it is");
        assert_eq!(who(&ask(&model).await.unwrap()), "first");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_models_failure_is_what_is_told() {
    let first = fated("first", [fails(ModelErrorKind::Misconfigured)]);
    let second = fated("second", [fails(ModelErrorKind::Timeout)]);
    assert_eq!(ask(&resilient(&first, &[&second])).await, Err(ModelErrorKind::Timeout));
}

/// P12: of many messages, three in ten meet a fault that passes.
#[tokio::test(start_paused = true)]
async fn passing_faults_are_survived_with_few_more_calls() {
    let faults = (0..1000).flat_map(|n| {
        let fault = (n % 10 < 3).then(|| fails(ModelErrorKind::Unavailable));
        fault.into_iter().chain([Fate::Answers])
    });
    let model = fated("m", faults);
    let resilient = resilient(&model, &[]);
    let mut answered = 0;
    for _ in 0..1000 {
        answered += usize::from(ask(&resilient).await.is_ok());
    }
    assert_eq!((answered, calls(&model)), (1000, 1300));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_keeps_failing_is_left_alone_and_answers_at_once_meanwhile() {
    let fault = || fails(ModelErrorKind::Unavailable);
    let (first, second) = (fated("first", (0..20).map(|_| fault())), fated("second", []));
    let model = resilient(&first, &[&second]);
    while calls(&first) < 20 {
        assert_eq!(who(&ask(&model).await.unwrap()), "second");
    }
    let began = Instant::now();
    assert_eq!(who(&ask(&model).await.unwrap()), "second");
    assert_eq!((calls(&first), began.elapsed()), (20, Duration::ZERO));

    let alone = fated("alone", (0..20).map(|_| fault()));
    let model = resilient(&alone, &[]);
    while calls(&alone) < 20 {
        assert!(ask(&model).await.is_err());
    }
    let began = Instant::now();
    assert!(matches!(ask(&model).await, Err(ModelErrorKind::Busy(Some(_)))));
    assert_eq!(began.elapsed(), Duration::ZERO);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(who(&ask(&model).await.unwrap()), "alone");
}
