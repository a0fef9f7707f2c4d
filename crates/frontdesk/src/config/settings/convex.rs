use frontdesk_store::{ConvexKey, ConvexSettings, ConvexUrl};

use super::{ConfigError, Reader};

impl Reader<'_> {
    /// The deployment of Convex to keep data in; `None` without a key to one, as with the settings of the origin.
    pub(super) fn convex(&self) -> Result<Option<ConvexSettings>, ConfigError> {
        if self.get("CONVEX_STORE_KEY").is_none() {
            return Ok(None);
        }
        let convex = self.convex_deployment()?;
        if self.get("DATABASE_URL").is_some() {
            let rule = "must not be set beside CONVEX_STORE_KEY: data is kept in one place";
            return Err(self.wrong("DATABASE_URL", rule));
        }
        Ok(Some(convex))
    }

    /// The deployment of Convex that the variables name, whatever else they name.
    pub(super) fn convex_deployment(&self) -> Result<ConvexSettings, ConfigError> {
        let Some(key) = self.text("CONVEX_STORE_KEY") else {
            return Err(self.wrong("CONVEX_STORE_KEY", "is required to reach Convex"));
        };
        let Some(url) = self.text("CONVEX_URL") else {
            return Err(self.wrong("CONVEX_URL", "is required with CONVEX_STORE_KEY"));
        };
        Ok(ConvexSettings {
            url: ConvexUrl::parse(&url).map_err(|rule| self.wrong("CONVEX_URL", rule.to_string()))?,
            key: ConvexKey::new(&key).map_err(|rule| self.wrong("CONVEX_STORE_KEY", rule.to_string()))?,
            timeout: self.millis("CONVEX_TIMEOUT_MS", 20_000)?,
            max_concurrency: self.number(
                "CONVEX_MAX_CONCURRENCY",
                1..=1000,
                ConvexSettings::MAX_CONCURRENCY,
            )?,
        })
    }
}
