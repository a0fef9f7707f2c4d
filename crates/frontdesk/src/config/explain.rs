use std::fmt::Write as _;

use frontdesk_nodes::RedisUrl;
use frontdesk_notify::{SmtpUrl, WebhookUrl};
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
    for (given, wanted) in [
        ("NOTIFY_WEBHOOK_SECRET", "NOTIFY_WEBHOOK_URL"),
        ("NOTIFY_MAIL_FROM", "SMTP_URL"),
        ("NOTIFY_MAIL_TO", "SMTP_URL"),
        ("PRICE_CURRENCY", "MODEL_PRICES"),
    ] {
        if is_set(given) && !is_set(wanted) {
            sentences.push(format!("{given} is set without {wanted}, so it is not used"));
        }
    }
    sentences
}

fn line(environment: &Environment, variable: &Variable) -> String {
    let Variable { name, default, is_secret, .. } = variable;
    match environment.get(name) {
        None => format!("{name:<32} {default}  [default]"),
        Some(found) => {
            let shown = match server_of(name, &found.value) {
                Some(server) => server,
                None if *is_secret => format!("set, {} characters", found.value.chars().count()),
                None => found.value,
            };
            format!("{name:<32} {shown}  [{}]", found.source)
        }
    }
}

/// Of a secret that says where a server is, that much: its own text form leaves the secret out. What is not understood may
/// be all password. `None` for other variables.
fn server_of(name: &str, value: &str) -> Option<String> {
    let server = match name {
        "DATABASE_URL" => StoreUrl::parse(value).ok().map(|url| url.to_string()),
        "REDIS_URL" => RedisUrl::parse(value).ok().map(|url| url.to_string()),
        "NOTIFY_WEBHOOK_URL" => WebhookUrl::parse(value).ok().map(|url| format!("{url}/…")),
        "SMTP_URL" => SmtpUrl::parse(value).ok().map(|url| url.to_string()),
        _ => return None,
    };
    Some(server.unwrap_or_else(|| "set".to_owned()))
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
    fn notices_are_explained_without_what_is_secret_of_them() {
        let environment = Environment::of([
            ("NOTIFY_WEBHOOK_URL", "https://hooks.example/canary?canary"),
            ("NOTIFY_WEBHOOK_SECRET", "whsec_canary+canary+canary+canary+canary+"),
            ("SMTP_URL", "smtps://canary:canary@mail.example"),
            ("NOTIFY_MAIL_FROM", "desk@shop.example"),
            ("NOTIFY_MAIL_TO", "team@shop.example"),
        ]);
        let (text, settings) = explain(&environment, Only::Everything);
        for line in [
            "NOTIFY_WEBHOOK_URL               https://hooks.example/…  [environment]",
            "NOTIFY_WEBHOOK_SECRET            set, 41 characters  [environment]",
            "SMTP_URL                         smtps://mail.example:465  [environment]",
            "NOTIFY_MAIL_TO                   team@shop.example  [environment]",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(settings.is_err() && !text.contains("canary"), "that is no base64: {text}");
        let (text, _) = explain(&Environment::of([("SMTP_URL", "canary")]), Only::Everything);
        assert!(text.contains("SMTP_URL                         set  [environment]"), "{text}");
        let alone = Environment::of([("NOTIFY_MAIL_TO", "team@shop.example")]);
        let (text, settings) = explain(&alone, Only::Everything);
        assert!(text.contains("NOTIFY_MAIL_TO is set without SMTP_URL, so it is not used."), "{text}");
        assert!(settings.unwrap().notify.mail.is_none());
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
