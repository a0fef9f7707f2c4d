//! The languages of the widget, and which of them a page is served.

use crate::assets::{self, Asset};
use crate::widget_config::is_language_tag;

/// What pages are served in whose language there are no words, or who do not say which it is.
const FALLBACK: &str = "en";

/// Languages of ours under the other names that the registry of BCP 47 has for them.
const OTHER_NAMES: [(&str, &str); 2] = [("iw", "he"), ("cmn", "zh")];

/// Words, and the language that they are in.
#[derive(Debug)]
pub(crate) struct Locale {
    pub(crate) words: &'static Asset,
    /// A BCP 47 tag in its canonical form, with script and region as they were asked for: dates are written by it.
    pub(crate) language: String,
}

impl Locale {
    /// The best there is for what a page says of its language, which may be no tag at all.
    pub(crate) fn of(tag: &str) -> Option<Self> {
        let fallback = || Some(Self { words: words_in(FALLBACK)?, language: FALLBACK.to_owned() });
        Self::asked_for(tag).or_else(fallback)
    }

    /// What a language tag asks for, if there is that; one with underscores, like `pt_BR`, is meant for a tag.
    fn asked_for(tag: &str) -> Option<Self> {
        let tag = tag.replace('_', "-").to_ascii_lowercase();
        if !is_language_tag(&tag) {
            return None;
        }
        let mut parts = tag.split('-').peekable();
        let asked = parts.next()?;
        let ours = OTHER_NAMES.iter().find(|(other, _)| *other == asked).map_or(asked, |(_, ours)| ours);
        let words = words_in(ours)?;
        let mut language = vec![ours.to_owned()];
        if let Some(script) = parts.next_if(|part| is_script(part)) {
            let (first, rest) = script.split_at(1);
            language.push(first.to_ascii_uppercase() + rest);
        }
        language.extend(parts.next_if(|part| is_region(part)).map(str::to_ascii_uppercase));
        Some(Self { words, language: language.join("-") })
    }
}

fn words_in(language: &str) -> Option<&'static Asset> {
    assets::find(&format!("locales/{language}.json"))
}

fn is_script(part: &str) -> bool {
    part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Two letters of ISO 3166-1, or three digits of UN M.49.
fn is_region(part: &str) -> bool {
    match part.len() {
        2 => part.bytes().all(|byte| byte.is_ascii_alphabetic()),
        3 => part.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_served_its_language_and_english_where_there_is_none_of_it() {
        for (tag, file, language) in [
            ("de", "de", "de"),
            ("de-AT", "de", "de-AT"),
            ("pt-br", "pt", "pt-BR"),
            ("PT_BR", "pt", "pt-BR"),
            ("ZH-hant-tw", "zh", "zh-Hant-TW"),
            ("es-419", "es", "es-419"),
            ("iw", "he", "he"),
            ("cmn-Hans", "zh", "zh-Hans"),
            ("en-GB", "en", "en-GB"),
            ("de-CH-1996", "de", "de-CH"),
            ("de-1996", "de", "de"),
            ("ar-u-nu-latn", "ar", "ar"),
            ("tlh", "en", "en"),
            ("tlh-AT", "en", "en"),
            ("english", "en", "en"),
        ] {
            let found = Locale::of(tag).unwrap();
            assert_eq!(found.words.name, format!("locales/{file}.json"), "{tag}");
            assert_eq!(found.language, language, "{tag}");
        }
    }

    #[test]
    fn what_is_no_tag_is_served_english() {
        for tag in ["", "d", "-", "de-", "de--AT", "../de", "not a tag", "dé", "1a", &"de-".repeat(20)] {
            assert_eq!(Locale::of(tag).unwrap().language, "en", "{tag}");
        }
    }
}
