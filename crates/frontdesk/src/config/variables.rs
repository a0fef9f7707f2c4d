//! Every variable there is. The example file, `check-config` and the documentation are made from this list.

use std::fmt::Write as _;

/// A variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is when nobody sets it, in words if it is not one value.
    pub(crate) default: &'static str,
    /// What it means, in a sentence or two.
    pub(crate) meaning: &'static str,
    /// Whether its value is shown to nobody. Those are also read from the file that `NAME_FILE` names.
    pub(crate) is_secret: bool,
}

const fn plain(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning, is_secret: false }
}

const fn secret(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning, is_secret: true }
}

/// A part of the list, under a heading.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) variables: &'static [Variable],
}

/// The list.
pub(crate) const GROUPS: [Group; 7] = [
    Group {
        title: "The language model",
        variables: &[
            secret("OPENAI_API_KEY", "none", "The key of the model's server. Local servers often need none."),
            plain(
                "OPENAI_BASE_URL",
                "https://api.openai.com/v1",
                "The server, if it is not OpenAI itself: any that offers OpenAI's API, for example \
                 http://127.0.0.1:11434/v1 for Ollama, or https://api.anthropic.com/v1.",
            ),
            plain("OPENAI_MODEL", "gpt-4.1-mini", "The model, as its server names it."),
            plain(
                "OPENAI_FALLBACK_MODELS",
                "none",
                "Models to ask when that one fails, separated by commas, in this order: of the same server, or of \
                 OPENAI_FALLBACK_BASE_URL.",
            ),
            plain("OPENAI_FALLBACK_BASE_URL", "none", "Another server, for those models."),
            secret("OPENAI_FALLBACK_API_KEY", "none", "The key of that server."),
            plain(
                "UPSTREAM_API",
                "auto",
                "Which API to speak: chat, responses, anthropic, or auto (responses for OpenAI itself and Azure, anthropic \
                 for Anthropic, chat for others).",
            ),
            plain(
                "UPSTREAM_EXTRA_BODY",
                "none",
                "A JSON object whose members are added to every request, for example {\"temperature\":0.2}; null takes one out.",
            ),
            plain(
                "UPSTREAM_FIRST_BYTE_TIMEOUT_MS",
                "60000",
                "How long to wait for the first byte of an answer.",
            ),
            plain("UPSTREAM_IDLE_TIMEOUT_MS", "30000", "How long to wait for the next byte of an answer."),
            plain("UPSTREAM_TOTAL_TIMEOUT_MS", "120000", "How long an answer may take in all."),
            plain(
                "ASSISTANT_INSTRUCTIONS",
                "be brief, kind and truthful",
                "What the assistant is told before every conversation.",
            ),
            plain("MAX_HISTORY_MESSAGES", "30", "How many messages of a conversation the model reads."),
            plain(
                "MAX_HISTORY_TOKENS",
                "8000",
                "About how many tokens of them it reads, at three bytes to a token: the oldest are left out first, and the \
                 message to answer never. Lower it for a model with a small context.",
            ),
            plain(
                "MAX_OUTPUT_TOKENS",
                "1024",
                "The most tokens an answer may have. It bounds what one message can cost.",
            ),
            plain(
                "MODEL_PRICES",
                "none",
                "What the models' servers ask for a million tokens of a prompt and of an answer, separated by commas, for example \
                 gpt-4.1-mini=0.40/1.60,o3=2/8. Operators are then shown what answers and conversations cost. A price is also \
                 for the model's name with a date behind it.",
            ),
            plain("PRICE_CURRENCY", "USD", "What those prices are in: three capital letters."),
        ],
    },
    Group {
        title: "Keys and passwords",
        variables: &[
            secret(
                "WIDGET_API_KEY",
                "made at the first start in development",
                "The key that stands in every page with the widget, so it names the site rather than guards it. Several, \
                 separated by commas, are all good: add the new one, change the pages, remove the old one. Required in \
                 production, at least 24 characters.",
            ),
            secret(
                "ADMIN_API_KEY",
                "made at the first start in development",
                "The key to /v1/admin. Several, separated by commas, are all good. In production the admin API is off \
                 without it; at least 24 characters.",
            ),
            secret(
                "IDENTITY_SECRET",
                "none",
                "What your site's server signs with who a visitor is: see docs/API.md, \"Signed identity\". At least 32 \
                 characters. Several, separated by commas, are all good.",
            ),
            secret(
                "DASHBOARD_PASSWORD",
                "made at the first start in development",
                "The dashboard's password, at least 12 characters. Production needs this, its hash, or one that \
                 `frontdesk reset-password` has made.",
            ),
            secret(
                "DASHBOARD_PASSWORD_HASH",
                "none",
                "The same as an Argon2id hash, as `frontdesk hash-password` prints it, for those who do not want the \
                 password in a file.",
            ),
        ],
    },
    Group {
        title: "Addresses",
        variables: &[
            plain("HOST", "127.0.0.1; in production 0.0.0.0", "The address to listen on."),
            plain("PORT", "4000", "The port of the API and the widget."),
            plain("DASHBOARD_PORT", "3000", "The port of the dashboard."),
            plain(
                "DASHBOARD_HOST",
                "none",
                "A host name under which PORT serves the dashboard too, for platforms with one port.",
            ),
            plain(
                "CORS_ORIGIN",
                "*",
                "The websites whose pages may use the API, separated by commas, for example \
                 https://shop.example,https://*.shop.example. Required in production, where * is refused.",
            ),
            plain(
                "TRUSTED_PROXIES",
                "none",
                "The networks of your reverse proxies, separated by commas, for example 10.0.0.0/8. Only their word on a \
                 visitor's address and on HTTPS is believed.",
            ),
            plain(
                "NEXT_PUBLIC_BACKEND_URL",
                "http://localhost:PORT",
                "The API's address, as browsers reach it.",
            ),
            plain(
                "NEXT_PUBLIC_WIDGET_SCRIPT_URL",
                "the API's address and /widget/chat-widget.js",
                "The widget's address, as browsers reach it.",
            ),
            plain(
                "DASHBOARD_URL",
                "none",
                "The dashboard's address, as your team's browsers reach it, for example https://desk.example. Notices link to \
                 conversations there.",
            ),
            plain(
                "INSECURE_COOKIES",
                "0",
                "1 allows signing in to the dashboard over plain HTTP under any host name, not only as localhost. For networks \
                 you trust.",
            ),
        ],
    },
    Group {
        title: "Data",
        variables: &[
            plain("DATA_DIR", "./data", "The folder for everything that is kept."),
            secret(
                "DATABASE_URL",
                "sqlite:DATA_DIR/frontdesk.db",
                "The database: sqlite: and a path, or postgres://user:password@host:5432/database for PostgreSQL 15 or later. A \
                 connection to another machine is encrypted and the server's certificate verified: with \
                 ?sslrootcert=FILE against an authority of your own, with ?sslmode=disable not at all.",
            ),
            secret(
                "REDIS_URL",
                "none",
                "A server of Redis or Valkey that joins several nodes, for example redis://:password@host:6379/0; rediss:// with \
                 TLS. Rate limits are counted together there, and answers are followed on any node as they are written. Not used \
                 with SQLite. See docs/DEPLOYMENT.md, \"Several nodes\".",
            ),
            plain(
                "CONVEX_URL",
                "none",
                "A deployment of Convex to keep the data in instead, for example https://happy-animal-123.convex.cloud. Used \
                 only together with CONVEX_STORE_KEY; see docs/CONVEX.md.",
            ),
            secret(
                "CONVEX_STORE_KEY",
                "none",
                "The key to that deployment, with the permissions to run internal queries and internal mutations and no others.",
            ),
            plain(
                "CONVEX_TIMEOUT_MS",
                "20000",
                "How long a call to Convex may take, with everything that is tried again.",
            ),
            plain(
                "CONVEX_MAX_CONCURRENCY",
                "12",
                "How many calls to Convex are under way at once; others wait.",
            ),
        ],
    },
    Group {
        title: "Notices to the team",
        variables: &[
            secret(
                "NOTIFY_WEBHOOK_URL",
                "none",
                "An address that is told, by a signed request, when a visitor asks for a person: https, or http of this machine \
                 or a private network. See docs/NOTIFICATIONS.md. `frontdesk notify-test` tries it.",
            ),
            secret(
                "NOTIFY_WEBHOOK_SECRET",
                "none",
                "What signs those requests: whsec_ and 24 to 64 random bytes in base64. Several, separated by commas, all sign.",
            ),
            secret(
                "SMTP_URL",
                "none",
                "A mail server that sends the same as mail: smtps://user:password@mail.example:465, or \
                 smtp://user:password@mail.example:587 with STARTTLS. With ?tls=none not encrypted, only for this machine and \
                 private networks.",
            ),
            plain("NOTIFY_MAIL_FROM", "none", "The sender of that mail. Required with SMTP_URL."),
            plain(
                "NOTIFY_MAIL_TO",
                "none",
                "Who gets that mail, separated by commas, at most 20. Required with SMTP_URL.",
            ),
        ],
    },
    Group {
        title: "Limits",
        variables: &[
            plain("RATE_LIMIT_MAX_REQUESTS", "30", "How many messages one client may send..."),
            plain("RATE_LIMIT_WINDOW_MS", "60000", "...within this many milliseconds."),
            plain(
                "MAX_RUNNING_ANSWERS",
                "256",
                "How many answers are written at once; more are refused with 503.",
            ),
            plain("MAX_CONNECTIONS", "10000", "How many connections each port takes at once; more wait."),
            plain(
                "SHUTDOWN_DELAY_SECONDS",
                "0",
                "How long to go on as usual after the signal to end, with /ready at 503 already, so that a load balancer sends \
                 nobody here any more when new messages are refused.",
            ),
            plain(
                "SHUTDOWN_TIMEOUT_MS",
                "30000",
                "How long a shutdown waits for running answers after that.",
            ),
        ],
    },
    Group {
        title: "Operation",
        variables: &[
            plain("FRONTDESK_ENV", "development", "development or production. NODE_ENV means the same."),
            plain("NODE_ENV", "none", "See FRONTDESK_ENV."),
            plain(
                "LOG_LEVEL",
                "info",
                "error, warn, info, debug or trace; or a filter such as info,frontdesk_llm=debug.",
            ),
            plain("LOG_FORMAT", "text; in production json", "text or json. Logs go to standard error."),
            plain(
                "WIDGET_BUNDLE_PATH",
                "none",
                "A widget to serve in place of the one this program carries. Where there is no such file, its own is served.",
            ),
        ],
    },
];

/// All variables.
pub(crate) fn all() -> impl Iterator<Item = &'static Variable> {
    GROUPS.iter().flat_map(|group| group.variables)
}

/// The example file.
pub(crate) fn example() -> String {
    let mut text = String::from(
        "# Settings of Frontdesk. Copy this file to .env and uncomment what you want to change: with nothing set, it runs.\n\
         # Read from the process's environment first, then from .env.local, then from .env.\n\
         # Every secret can be put into a file: NAME_FILE=/run/secrets/name in place of NAME=...\n",
    );
    for group in GROUPS {
        let _ = write!(text, "\n# ---------- {} ----------\n", group.title);
        for Variable { name, default, meaning, .. } in group.variables {
            let _ = write!(text, "\n{}# Default: {default}\n# {name}=\n", wrap(meaning));
        }
    }
    text
}

/// Breaks a sentence into comment lines of at most 118 characters.
fn wrap(sentence: &str) -> String {
    let mut text = String::new();
    let mut line = String::from("#");
    for word in sentence.split_whitespace() {
        if line.len() + 1 + word.len() > 118 {
            let _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_variable_is_listed_once_and_explained() {
        let mut names = HashSet::new();
        for variable in all() {
            assert!(names.insert(variable.name), "{} is listed twice", variable.name);
            assert!(variable.meaning.ends_with('.'), "{}", variable.name);
            assert!(!variable.default.is_empty(), "{}", variable.name);
        }
    }

    #[test]
    fn the_example_file_is_the_one_in_the_repository() {
        let committed = include_str!("../../../../.env.example");
        assert_eq!(committed, example(), "run: cargo xtask generate");
    }
}
