//! What a word is, and what is found by it: the same in every engine.
//!
//! Engines keep the words of a text as [`index_words`] gives them and narrow the search down with them; whether a text is
//! found, and where, is said by [`SearchQuery`] alone. So what is found does not depend on an engine's own idea of words,
//! and a query can be no more than a text.

use std::ops::{ControlFlow, Range};

use unicode_normalization::UnicodeNormalization as _;

/// How many words of a text are looked at; what comes after them is not found.
const WORDS: usize = 16_000;

/// How many characters of a word count. Longer ones are found by their beginnings.
const LONGEST_WORD: usize = 64;

/// How many words of a query count.
const QUERY_WORDS: usize = 32;

/// The least number of characters by which the beginning of a word is found.
const SHORTEST_BEGINNING: usize = 3;

/// How much of a text an excerpt shows, in characters.
const EXCERPT: usize = 160;

/// How much of that stands before what was found.
const EXCERPT_LEAD: usize = 40;

/// What somebody looks for: texts that have all of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    parts: Vec<Part>,
}

/// Words that follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    words: Vec<String>,
    /// Whether the last of the words may be only begun.
    is_begun: bool,
}

/// A word that a text has to have to be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchWord {
    /// The word as [`index_words`] gives it, or its beginning.
    pub text: String,
    /// Whether it is only a beginning.
    pub is_begun: bool,
}

/// A piece of a text, and what was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The piece, with `…` where something was left out.
    pub text: String,
    /// What was found, in order, in bytes of the piece.
    pub found: Vec<Range<usize>>,
}

impl SearchQuery {
    /// Reads a query. Words are looked for wherever they stand, what is in quotation marks as it stands there, and the last
    /// word also as the beginning of others if it has three characters. Everything else is only a text: there are no
    /// operators. Of a very long one the first 32 words count.
    pub fn parse(text: &str) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut room = QUERY_WORDS;
        let mut is_quoted = false;
        for piece in text.split(['"', '“', '”', '„']) {
            let texts: Vec<&str> = if is_quoted { vec![piece] } else { piece.split_whitespace().collect() };
            for text in texts {
                let mut words = Vec::new();
                each_word(text, |word, _| {
                    words.push(word.to_owned());
                    if words.len() < room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                });
                words.truncate(room);
                room -= words.len();
                if !words.is_empty() {
                    parts.push(Part { words, is_begun: false });
                }
            }
            is_quoted = !is_quoted;
        }
        // What was toggled after the last piece: it stood outside of quotation marks if this is set now.
        let ends_outside = is_quoted && text.chars().next_back().is_some_and(|last| !"\"“”„".contains(last));
        if let Some(last) = parts.last_mut().filter(|_| ends_outside && room > 0) {
            let is_long = last.words.last().is_some_and(|word| word.chars().count() >= SHORTEST_BEGINNING);
            last.is_begun = is_long;
        }
        Self { parts }
    }

    /// Whether there is no word in it, so that nothing is found.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The words that a text has to have, each once.
    pub fn words(&self) -> Vec<SearchWord> {
        let mut words: Vec<_> = self
            .parts
            .iter()
            .flat_map(|part| {
                part.words.iter().enumerate().map(|(at, word)| SearchWord {
                    text: word.clone(),
                    is_begun: part.is_begun && at + 1 == part.words.len(),
                })
            })
            .collect();
        words.sort();
        words.dedup();
        words
    }

    /// Whether a text that has all of the words may still not be what is looked for, because of their order.
    pub fn needs_order(&self) -> bool {
        self.parts.iter().any(|part| part.words.len() > 1)
    }

    /// Whether a text has everything that is looked for.
    pub fn matches(&self, text: &str) -> bool {
        !self.parts.is_empty() && {
            let words = all_words(text);
            self.parts.iter().all(|part| part.find(&words).next().is_some())
        }
    }

    /// The piece of a text that shows best what was found: around the first place that has one of the parts.
    pub fn excerpt(&self, text: &str) -> Excerpt {
        let words = all_words(text);
        let mut found: Vec<Range<usize>> = self.parts.iter().flat_map(|part| part.find(&words)).collect();
        found.sort_by_key(|range| (range.start, range.end));
        cut(text, found)
    }
}

impl Part {
    /// Where it stands among the words of a text.
    fn find<'a>(&'a self, words: &'a [(String, Range<usize>)]) -> impl Iterator<Item = Range<usize>> + 'a {
        let length = self.words.len();
        words
            .windows(length)
            .filter(|window| self.is(window))
            .map(move |window| window[0].1.start..window[length - 1].1.end)
    }

    fn is(&self, window: &[(String, Range<usize>)]) -> bool {
        let last = self.words.len() - 1;
        self.words.iter().zip(window).enumerate().all(|(at, (word, (found, _)))| {
            if self.is_begun && at == last { found.starts_with(word.as_str()) } else { found == word }
        })
    }
}

/// The words of a text by which it is found: each once, in order, in lower case and without accents.
pub fn index_words(text: &str) -> Vec<String> {
    let mut words: Vec<_> = all_words(text).into_iter().map(|(word, _)| word).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn all_words(text: &str) -> Vec<(String, Range<usize>)> {
    let mut words = Vec::new();
    each_word(text, |word, range| {
        words.push((word.to_owned(), range));
        if words.len() < WORDS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    words
}

/// Hands out the words of a text and where each of them stands: runs of letters and digits, in lower case, in the form of
/// Unicode's NFKD and without accents. Of scripts that put no spaces between words, each character is one.
fn each_word(text: &str, mut take: impl FnMut(&str, Range<usize>) -> ControlFlow<()>) {
    let mut word = Word::default();
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                word.push(c.to_ascii_lowercase(), at, end);
            } else if word.hand_out(&mut take).is_break() {
                return;
            }
        } else if is_accent(c) {
            word.range.end = if word.text.is_empty() { word.range.end } else { end };
        } else {
            let mut control = ControlFlow::Continue(());
            let mut is_letter = false;
            fold(c, |folded| {
                is_letter = true;
                let alone = stands_alone(folded);
                if alone && control.is_continue() {
                    control = word.hand_out(&mut take);
                }
                word.push(folded, at, end);
                if alone && control.is_continue() {
                    control = word.hand_out(&mut take);
                }
            });
            if !is_letter && control.is_continue() {
                control = word.hand_out(&mut take);
            }
            if control.is_break() {
                return;
            }
        }
    }
    let _ = word.hand_out(&mut take);
}

/// A word that is being read.
#[derive(Default)]
struct Word {
    text: String,
    length: usize,
    range: Range<usize>,
}

impl Word {
    fn push(&mut self, c: char, start: usize, end: usize) {
        if self.text.is_empty() {
            self.range.start = start;
        }
        self.range.end = end;
        if self.length < LONGEST_WORD {
            self.length += 1;
            self.text.push(c);
        }
    }

    fn hand_out(&mut self, take: &mut impl FnMut(&str, Range<usize>) -> ControlFlow<()>) -> ControlFlow<()> {
        if self.text.is_empty() {
            return ControlFlow::Continue(());
        }
        let control = take(&self.text, self.range.clone());
        self.text.clear();
        self.length = 0;
        control
    }
}

/// The letters and digits that a character stands for.
fn fold(c: char, mut take: impl FnMut(char)) {
    for part in std::iter::once(c).nfkd() {
        for lower in part.to_lowercase() {
            // The sigma at the end of a word is the same letter.
            let lower = if lower == 'ς' { 'σ' } else { lower };
            if lower.is_alphanumeric() && !is_accent(lower) {
                take(lower);
            }
        }
    }
}

/// The combining marks of Latin, Greek and Cyrillic.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// Letters of scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, and Chinese characters.
const fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}

/// Cuts an excerpt out of a text, around the first of what was found.
fn cut(text: &str, found: Vec<Range<usize>>) -> Excerpt {
    let first = found.first().map_or(0, |range| range.start);
    let mut start = text[..first].char_indices().rev().take(EXCERPT_LEAD).last().map_or(first, |(at, _)| at);
    if start > 0 {
        // At the beginning of a word, if there is one before what was found.
        start = text[start..first].find(char::is_whitespace).map_or(start, |space| start + space);
        start += text[start..first].len() - text[start..first].trim_start().len();
    }
    let end = text[start..].char_indices().nth(EXCERPT).map_or(text.len(), |(at, _)| start + at);
    let lead = if start > 0 { "…" } else { "" };
    let trail = if end < text.len() { "…" } else { "" };
    let mut shown: Vec<Range<usize>> = Vec::new();
    for range in found.into_iter().filter(|range| range.start < end) {
        let range = range.start - start + lead.len()..range.end.min(end) - start + lead.len();
        match shown.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => shown.push(range),
        }
    }
    Excerpt { text: format!("{lead}{}{trail}", &text[start..end]), found: shown }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(query: &str, text: &str) -> bool {
        SearchQuery::parse(query).matches(text)
    }

    #[test]
    fn words_are_found_in_any_order_and_case_and_without_accents() {
        for (query, text) in [
            ("parcel", "Where is my PARCEL?"),
            ("porto parcel", "The parcel left Porto."),
            ("cafe", "At the Café."),
            ("CAFÉ", "at the cafe\u{301}"),
            ("strasse", "straße und Strasse"),
            ("ΟΔΟΣ", "οδος"),
            ("配送", "您的配送状态"),
            ("とうきょう", "これはとうきょうです"),
            ("한국", "한국어"),
            ("привет", "Привет, мир"),
            ("12", "order 12/a"),
            ("ﬁne", "fine"),
            ("e-mail", "your E-Mail address"),
        ] {
            assert!(matches(query, text), "{query}: {text}");
        }
        for (query, text) in [
            ("parcel", "is here"),
            ("arcel", "parcel"),
            ("parcel oslo", "The parcel left Porto."),
            ("送配", "您的配送状态"),
            ("e-mail", "mail e"),
            ("", "anything"),
            ("?!", "anything"),
        ] {
            assert!(!matches(query, text), "{query}: {text}");
        }
    }

    #[test]
    fn what_is_in_quotation_marks_stands_there_as_it_is() {
        assert!(matches("\"left Porto\"", "It left Porto today"));
        assert!(!matches("\"Porto left\"", "It left Porto today"));
        assert!(!matches("\"left por\"", "It left Porto today"));
        assert!(matches("“left porto” today", "It left Porto today"));
        assert!(matches("\"left porto", "It left Porto today"), "a mark that is not closed");
    }

    #[test]
    fn the_last_word_may_be_only_begun_if_it_is_long_enough() {
        assert!(matches("por", "Porto"));
        assert!(!matches("po", "Porto"));
        assert!(!matches("por left", "It left Porto"));
        assert!(!matches("\"por\"", "Porto"));
        assert!(matches("po", "the Po river"));
    }

    #[test]
    fn a_query_is_a_text_and_nothing_else() {
        for query in [
            "a AND b",
            "NEAR(a b)",
            "a OR \"",
            "col:a",
            "-a",
            "a*",
            "^a",
            "'; DROP TABLE x; --",
            "a\0b",
            "%",
            "\\",
            "(a & !b) | c:*",
            "\u{202E}a",
        ] {
            let parsed = SearchQuery::parse(query);
            for word in parsed.words() {
                assert!(word.text.chars().all(char::is_alphanumeric), "{query}: {word:?}");
            }
        }
        assert!(matches("a AND b", "b and a"));
        assert!(!matches("a AND b", "b a"));
        let long = "word ".repeat(2000);
        assert_eq!(SearchQuery::parse(&long).words().len(), 1);
        let many = (0..5000).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(SearchQuery::parse(&many).words().len(), QUERY_WORDS);
        assert!(matches(&"x".repeat(10_000), &"x".repeat(70)));
    }

    #[test]
    fn an_excerpt_shows_where_it_was_found() {
        let show = |query: &str, text: &str| {
            let excerpt = SearchQuery::parse(query).excerpt(text);
            let found: Vec<_> =
                excerpt.found.iter().map(|range| excerpt.text[range.clone()].to_owned()).collect();
            (excerpt.text.clone(), found)
        };
        let text = "Hello, <b>where</b> is my Parcel? The parcel left Porto.";
        let expected = vec!["Parcel".to_owned(), "parcel".to_owned()];
        assert_eq!(show("parcel", text), (text.to_owned(), expected));
        let long = format!("{}the Café is here {}", "word ".repeat(100), "more ".repeat(100));
        let (shown, found) = show("\"cafe is\"", &long);
        assert_eq!(found, ["Café is"]);
        assert!(shown.starts_with("…word ") && shown.ends_with('…'), "{shown}");
        assert!(shown.chars().count() <= EXCERPT + 2);
        assert_eq!(show("x", "").0, "");
    }

    proptest! {
        #[test]
        fn every_text_is_found_by_its_own_words(text in "\\PC{0,40}", other in "\\PC{0,40}") {
            let words = index_words(&text);
            for word in &words {
                prop_assert!(SearchQuery::parse(&format!("\"{word}\"")).matches(&text), "{}", word);
            }
            let query = SearchQuery::parse(&other);
            let has_all = query.words().iter().all(|word| {
                words.iter().any(|known| if word.is_begun { known.starts_with(&word.text) } else { *known == word.text })
            });
            // Engines narrow down by words first: nothing may be lost by that.
            if query.matches(&text) {
                prop_assert!(has_all);
            } else if !query.needs_order() && !query.is_empty() {
                prop_assert!(!has_all);
            }
            let excerpt = query.excerpt(&text);
            for range in excerpt.found {
                prop_assert!(excerpt.text.get(range).is_some());
            }
        }
    }
}
