use frontdesk_core::Currency;
use frontdesk_llm::BaseUrl;

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Settings::read(&Environment::of(variables.iter().copied()), Only::Everything)
}

fn refused(variables: &[(&str, &str)]) -> String {
    read(variables).unwrap_err().to_string()
}

const PRODUCTION: [(&str, &str); 5] = [
    ("OPENAI_API_KEY", "sk-x"),
    ("NODE_ENV", "production"),
    ("WIDGET_API_KEY", "a-long-enough-widget-key-1"),
    ("DASHBOARD_PASSWORD", "correct horse battery"),
    ("CORS_ORIGIN", "https://shop.example"),
];

fn production_with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    PRODUCTION.into_iter().filter(|(other, _)| *other != name).chain([(name, value)]).collect()
}

#[test]
fn nothing_needs_to_be_set() {
    let settings = read(&[]).unwrap();
    assert_eq!((settings.port, settings.dashboard_port), (4000, 3000));
    assert_eq!(settings.store, StoreUrl::Sqlite(PathBuf::from("data/frontdesk.db")));
    assert!(settings.model.is_none() && settings.origins.allows_all());
    assert_eq!(settings.script_url, "http://localhost:4000/widget/chat-widget.js");
    assert!(settings.host.is_loopback());
}

#[test]
fn the_settings_of_the_origin_mean_what_they_meant() {
    let settings = read(&[
        ("OPENAI_API_KEY", "sk-x"),
        ("OPENAI_MODEL", "gpt-4.1"),
        ("PORT", "5000"),
        ("MAX_HISTORY_MESSAGES", "10"),
        ("RATE_LIMIT_WINDOW_MS", "1000"),
        ("RATE_LIMIT_MAX_REQUESTS", "5"),
        ("WIDGET_API_KEY", "old, new"),
        ("CONVEX_URL", "https://x.convex.cloud"),
        ("NEXT_PUBLIC_BACKEND_URL", "https://chat.example/"),
    ])
    .unwrap();
    let model = settings.model.unwrap();
    assert_eq!((model.model.as_str(), model.base_url.to_string().as_str()), ("gpt-4.1", BaseUrl::OPENAI));
    assert_eq!(settings.chat.max_history_messages, 10);
    assert_eq!(settings.rate, RateLimit { requests: 5, window: Duration::from_secs(1) });
    assert_eq!(settings.widget_keys, ["old", "new"]);
    assert_eq!(settings.script_url, "https://chat.example/widget/chat-widget.js");
}

#[test]
fn prices_are_checked_when_the_program_starts() {
    let prices = |list: &'static str| [("MODEL_PRICES", list), ("PRICE_CURRENCY", "EUR")];
    let known = Currency::parse("EUR").unwrap();
    let settings = read(&prices("o3=2/8, gpt-4.1-mini=0.40/1.60")).unwrap();
    assert_eq!(settings.prices, Prices::parse("gpt-4.1-mini=0.4/1.6,o3=2/8", known).unwrap());
    assert_eq!(read(&[]).unwrap().prices, Prices::default());
    for list in ["o3", "o3=2", "o3=2,5/8", "o3=-2/8", "o3=2/8,o3=2/8"] {
        let error = refused(&prices(list));
        assert!(error.starts_with("MODEL_PRICES (from environment): "), "{error}");
    }
    let error = refused(&[("PRICE_CURRENCY", "Euro")]);
    assert_eq!(error, "PRICE_CURRENCY (from environment): must be three capital letters, such as USD");
}

#[test]
fn convex_is_used_when_there_is_a_key_to_it() {
    let url = ("CONVEX_URL", "https://happy-animal-123.convex.cloud");
    let key = ("CONVEX_STORE_KEY", "prod:happy-animal-123|canary");
    let sqlite = StoreUrl::Sqlite(PathBuf::from("data/frontdesk.db"));
    assert_eq!(read(&[url]).unwrap().store, sqlite, "as the origin's settings have it");
    let StoreUrl::Convex(settings) = read(&[url, key, ("CONVEX_TIMEOUT_MS", "500")]).unwrap().store else {
        unreachable!("there is a key")
    };
    assert_eq!((settings.url.to_string().as_str(), settings.max_concurrency), (url.1, 12));
    assert_eq!(settings.timeout, Duration::from_millis(500));
    for (variables, name) in [
        (vec![key], "CONVEX_URL"),
        (vec![url, key, ("DATABASE_URL", "sqlite:a.db")], "DATABASE_URL"),
        (vec![("CONVEX_URL", "https://canary.convex.site"), key], "CONVEX_URL"),
        (vec![url, ("CONVEX_STORE_KEY", "canary")], "CONVEX_STORE_KEY"),
        (vec![url, key, ("CONVEX_MAX_CONCURRENCY", "0")], "CONVEX_MAX_CONCURRENCY"),
    ] {
        let error = refused(&variables);
        assert!(error.starts_with(name) && !error.contains("canary"), "{error}");
    }
}

#[test]
fn the_test_pages_may_always_use_the_api() {
    let listed = "https://shop.example,http://localhost:3001,http://127.0.0.1:3001";
    let expected = AllowedOrigins::parse(listed).unwrap();
    let settings = read(&[("CORS_ORIGIN", "https://shop.example"), ("DASHBOARD_PORT", "3001")]).unwrap();
    assert_eq!(settings.origins, expected);
    let production = Environment::of(production_with("DASHBOARD_PORT", "3001"));
    let settings = Settings::read(&production, Only::Everything).unwrap();
    assert_eq!(settings.origins, AllowedOrigins::parse("https://shop.example").unwrap());
}

#[test]
fn a_wrong_value_is_named_with_its_rule_and_not_shown() {
    for (name, value) in [
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "secret"),
        ("HOST", "localhost"),
        ("DASHBOARD_HOST", "https://secret.example"),
        ("UPSTREAM_API", "secret"),
        ("OPENAI_BASE_URL", "secret"),
        ("UPSTREAM_EXTRA_BODY", "[1]"),
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("SHUTDOWN_DELAY_SECONDS", "601"),
        ("CORS_ORIGIN", "secret"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("DATABASE_URL", "mysql://secret"),
        ("DATABASE_URL", "postgres://u:secret@secret"),
        ("DATABASE_URL", "postgres://u:se@cret:secret@h/d"),
        ("DATABASE_URL", "postgres://u:secret@h/d?sslmode=prefer"),
        ("NODE_ENV", "secret"),
        ("INSECURE_COOKIES", "secret"),
        ("DASHBOARD_PASSWORD_HASH", "secret"),
        ("NEXT_PUBLIC_BACKEND_URL", "secret"),
        ("WIDGET_API_KEY", "two words"),
        ("NOTIFY_WEBHOOK_URL", "secret"),
        ("NOTIFY_WEBHOOK_URL", "http://secret.example/"),
        ("SMTP_URL", "secret"),
        ("SMTP_URL", "smtp://user:secret@mail.example?tls=none"),
        ("DASHBOARD_URL", "secret"),
        ("DASHBOARD_PORT", "4000"),
    ] {
        // The extra body is looked at only where there is a model.
        let error = refused(&[("OPENAI_API_KEY", "sk-x"), (name, value)]);
        assert!(error.starts_with(&format!("{name} (from environment): ")), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn production_refuses_what_would_be_careless() {
    assert!(read(&PRODUCTION).is_ok());
    for (name, value) in [
        ("WIDGET_API_KEY", "change-me-widget-key"),
        ("WIDGET_API_KEY", "change-me-widget-key-and-then-some"),
        ("WIDGET_API_KEY", "short"),
        ("WIDGET_API_KEY", "a-long-enough-widget-key-1,short"),
        ("ADMIN_API_KEY", "change-me-admin-api-key"),
        ("DASHBOARD_PASSWORD", "change-me-admin-password"),
        ("DASHBOARD_PASSWORD", "short"),
        ("CORS_ORIGIN", "*"),
        ("CORS_ORIGIN", "https://shop.example,*"),
        ("CORS_ORIGIN", ""),
    ] {
        let error = refused(&production_with(name, value));
        assert!(error.starts_with(name), "{error}");
    }
}

#[test]
fn a_dashboard_alone_needs_no_origins() {
    let environment = Environment::of(production_with("CORS_ORIGIN", ""));
    assert!(Settings::read(&environment, Only::Dashboard).is_ok());
    assert!(Settings::read(&environment, Only::Api).is_err());
}

#[test]
fn our_own_name_for_the_mode_goes_first() {
    assert_eq!(
        read(&[("NODE_ENV", "production"), ("FRONTDESK_ENV", "development")]).unwrap().mode,
        Mode::Development
    );
}

#[test]
fn no_secret_is_in_debug_output() {
    let settings =
        read(&[("OPENAI_API_KEY", "sk-canary"), ("DASHBOARD_PASSWORD", "canary-password")]).unwrap();
    let text = format!("{:?} {:?}", settings.model, settings.password);
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn other_models_are_asked_with_the_key_of_their_own_server_only() {
    let same = read(&[("OPENAI_API_KEY", "sk-x"), ("OPENAI_FALLBACK_MODELS", "small, , tiny")]).unwrap();
    let names: Vec<_> = same.fallback_models.iter().map(|model| model.model.as_str()).collect();
    assert_eq!(names, ["small", "tiny"]);
    assert!(same.fallback_models.iter().all(|model| model.key.is_some()));

    let other = [
        ("OPENAI_API_KEY", "sk-x"),
        ("OPENAI_FALLBACK_BASE_URL", "http://127.0.0.1:1/v1"),
        ("OPENAI_FALLBACK_MODELS", "local"),
    ];
    let settings = read(&other).unwrap();
    let local = &settings.fallback_models[0];
    assert_eq!(local.base_url.to_string(), "http://127.0.0.1:1/v1");
    assert!(local.key.is_none());
    assert!(refused(&other[..2]).contains("OPENAI_FALLBACK_MODELS"));
    assert!(read(&[]).unwrap().fallback_models.is_empty());
}

#[test]
fn notices_go_where_the_settings_say() {
    let webhook = ("NOTIFY_WEBHOOK_URL", "https://hooks.example/x");
    let secret = ("NOTIFY_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let smtp = ("SMTP_URL", "smtps://user:secret@mail.example");
    let from = ("NOTIFY_MAIL_FROM", "desk@shop.example");
    let to = ("NOTIFY_MAIL_TO", "a@shop.example, b@shop.example,");
    let all = [webhook, secret, smtp, from, to, ("DASHBOARD_URL", "https://desk.example/")];
    let notify = read(&all).unwrap().notify;
    assert_eq!(notify.webhook.unwrap().url.to_string(), "https://hooks.example");
    let names: Vec<_> = notify.mail.unwrap().to.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a@shop.example", "b@shop.example"]);
    assert_eq!(notify.dashboard_url.as_deref(), Some("https://desk.example"));
    let nothing = read(&[]).unwrap().notify;
    assert!(nothing.webhook.is_none() && nothing.mail.is_none() && nothing.dashboard_url.is_none());

    let many = ["a@shop.example"; 21].join(",");
    for (variables, name) in [
        (vec![webhook], "NOTIFY_WEBHOOK_SECRET"),
        (vec![webhook, ("NOTIFY_WEBHOOK_SECRET", "secret")], "NOTIFY_WEBHOOK_SECRET"),
        (vec![smtp, to], "NOTIFY_MAIL_FROM"),
        (vec![smtp, from], "NOTIFY_MAIL_TO"),
        (vec![smtp, from, ("NOTIFY_MAIL_TO", ",")], "NOTIFY_MAIL_TO"),
        (vec![smtp, from, ("NOTIFY_MAIL_TO", "a@shop.example, secret")], "NOTIFY_MAIL_TO"),
        (vec![smtp, from, ("NOTIFY_MAIL_TO", &many)], "NOTIFY_MAIL_TO"),
        (vec![smtp, ("NOTIFY_MAIL_FROM", "Desk <secret@shop.example>"), to], "NOTIFY_MAIL_FROM"),
    ] {
        let error = refused(&variables);
        assert!(error.starts_with(name) && !error.contains("secret"), "{error}");
    }
}
