use std::fmt::Write as _;

use frontdesk_nodes::RedisUrl;
use frontdesk_store::StoreUrl;

use super::environment::Environment;
use super::settings::{ConfigError, Only, Settings};
use super::variables::{GROUPS, Variable};

/// What is in force and where it comes from, for people; and what is wrong with it, if anything.
pub(crate) fn explain(environment: &Environment, only: Only) -> (String, Result<Settings, ConfigError>) {
    let mut text = String::new();
    for group in GROUPS {
        let _ = writeln!(text, "{}", group.title);
        for variable in group.variables {
            let _ = writeln!(text, "  {}", line(environment, variable));
        }
        text.push('\n');
    }
    for sentence in unused(environment) {
        let _ = writeln!(text, "{sentence}.\n");
    }
    let settings = Settings::read(environment, only);
    match &settings {
        Ok(settings) if settings.model.is_none() && only.serves_api() => {
            text.push_str("No language model is configured: set OPENAI_API_KEY or OPENAI_BASE_URL.\n");
        }
        Ok(_) => {}
        Err(error) => {
            let _ = writeln!(text, "{error}");
        }
    }
    (text, settings)
}

/// What is set and does nothing, each in a sentence without its full stop.
pub(crate) fn unused(environment: &Environment) -> Vec<String> {
    let is_set = |name: &str| environment.get(name).is_some();
    let mut sentences = Vec::new();
    let url = environment.get("DATABASE_URL");
    let is_server = url.is_some_and(|url| matches!(StoreUrl::parse(&url.value), Ok(StoreUrl::Postgres(_))));
    if is_set("REDIS_URL") && !is_server && !is_set("CONVEX_STORE_KEY") {
        sentences.push(
            "REDIS_URL is set, but the data is in a file, which one process serves: it is not used"
                .to_owned(),
        );
    }
    if is_set("CONVEX_URL") && !is_set("CONVEX_STORE_KEY") {
        // As deployments of the origin have it.
        sentences.push("CONVEX_URL is set without CONVEX_STORE_KEY, so Convex is not used".to_owned());
    }
    sentences
}

fn line(environment: &Environment, variable: &Variable) -> String {
    let Variable { name, default, is_secret, .. } = variable;
    match environment.get(name) {
        None => format!("{name:<32} {default}  [default]"),
        Some(found) if *name == "DATABASE_URL" => {
            // Its own text form leaves the password out; what is not understood may be all password.
            let shown =
                StoreUrl::parse(&found.value).map_or_else(|_| "set".to_owned(), |url| url.to_string());
            format!("{name:<32} {shown}  [{}]", found.source)
        }
        Some(found) if *name == "REDIS_URL" => {
            let shown =
                RedisUrl::parse(&found.value).map_or_else(|_| "set".to_owned(), |url| url.to_string());
            format!("{name:<32} {shown}  [{}]", found.source)
        }
        Some(found) if *is_secret => {
            format!("{name:<32} set, {} characters  [{}]", found.value.chars().count(), found.source)
        }
        Some(found) => format!("{name:<32} {}  [{}]", found.value, found.source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_said_to_be_set_and_not_shown() {
        let environment =
            Environment::of([("OPENAI_API_KEY", "sk-canary"), ("PORT", "4001"), ("CONVEX_URL", "https://x")]);
        let (text, settings) = explain(&environment, Only::Everything);
        assert!(settings.is_ok());
        assert!(text.contains("OPENAI_API_KEY                   set, 9 characters  [environment]"), "{text}");
        assert!(text.contains("PORT                             4001  [environment]"), "{text}");
        assert!(text.contains("DASHBOARD_PORT                   3000  [default]"), "{text}");
        assert!(text.contains("CONVEX_URL is set"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_database_is_named_without_its_password() {
        for (url, shown) in [
            ("sqlite:data/x.db", "sqlite:data/x.db"),
            ("postgres://desk:canary@db/desk", "postgres://desk@db:5432/desk?sslmode=verify-full"),
            ("postgres://desk:canary", "set"),
        ] {
            let (text, _) = explain(&Environment::of([("DATABASE_URL", url)]), Only::Everything);
            assert!(
                text.contains(&format!("DATABASE_URL                     {shown}  [environment]")),
                "{text}"
            );
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn redis_is_named_without_its_password_and_not_used_with_a_file() {
        let redis = ("REDIS_URL", "rediss://:canary@redis.internal:7000/1");
        let (text, settings) = explain(&Environment::of([redis]), Only::Everything);
        assert!(
            text.contains("REDIS_URL                        rediss://redis.internal:7000/1  [environment]"),
            "{text}"
        );
        assert!(text.contains("REDIS_URL is set, but the data is in a file"), "{text}");
        assert!(settings.unwrap().redis.is_none() && !text.contains("canary"), "{text}");
        let shared = Environment::of([redis, ("DATABASE_URL", "postgres://desk:canary@db/desk")]);
        let (text, settings) = explain(&shared, Only::Everything);
        assert!(settings.unwrap().redis.is_some() && !text.contains("REDIS_URL is set"), "{text}");
        let (text, settings) = explain(&Environment::of([("REDIS_URL", "canary")]), Only::Everything);
        assert!(
            settings.is_err() && text.contains("REDIS_URL (from environment): must be redis://"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_said_at_the_end() {
        let (text, settings) = explain(&Environment::of([("PORT", "x")]), Only::Everything);
        assert!(settings.is_err());
        assert!(
            text.ends_with("PORT (from environment): must be a whole number from 1 to 65535\n"),
            "{text}"
        );
    }
}
