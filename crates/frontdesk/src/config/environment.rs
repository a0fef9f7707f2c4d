use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use thiserror::Error;

use super::env_file::{self, InvalidLine};
use super::variables;

/// The variables that are set, and where.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    /// The first that has a variable decides.
    layers: Vec<Layer>,
}

#[derive(Clone)]
struct Layer {
    source: Source,
    variables: HashMap<String, String>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The process's environment.
    Process,
    /// A file of variables.
    File(&'static str),
    /// A file that has the value alone.
    Secret(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => f.write_str("environment"),
            Self::File(name) => f.write_str(name),
            Self::Secret(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A variable that is set.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) value: String,
    pub(crate) source: Source,
}

/// The environment cannot be read.
#[derive(Debug, Error)]
pub(crate) enum ReadEnvironmentError {
    /// A file of variables is there, but cannot be read.
    #[error("{name} cannot be read: {source}")]
    File {
        /// The file.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file of variables is not in order.
    #[error("{name}: {source}")]
    Line {
        /// The file.
        name: &'static str,
        /// Where.
        source: InvalidLine,
    },
    /// A file that should have a value cannot be read.
    #[error("{name}_FILE names {path}, which cannot be read: {source}")]
    Secret {
        /// The variable.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Environment {
    /// The process's variables, then those of `.env.local` and of `.env` in `folder`.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the environment is read")]
    pub(crate) fn read(folder: &Path) -> Result<Self, ReadEnvironmentError> {
        // What is not Unicode is none of ours.
        let process = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut layers = vec![Layer { source: Source::Process, variables: process.collect() }];
        for name in [".env.local", ".env"] {
            let path = folder.join(name);
            if !path.is_file() {
                continue;
            }
            let text =
                fs::read_to_string(&path).map_err(|source| ReadEnvironmentError::File { name, source })?;
            let variables =
                env_file::read(&text).map_err(|source| ReadEnvironmentError::Line { name, source })?;
            layers.push(Layer { source: Source::File(name), variables });
        }
        Self { layers }.with_secret_files()
    }

    /// These variables, as if the process had them.
    #[cfg(test)]
    pub(crate) fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { layers: vec![Layer { source: Source::Process, variables }] }
    }

    /// Reads the files that `NAME_FILE` names, for secrets that are not set otherwise.
    fn with_secret_files(mut self) -> Result<Self, ReadEnvironmentError> {
        for variable in variables::all().filter(|variable| variable.is_secret) {
            if self.get(variable.name).is_some() {
                continue;
            }
            let Some(file) = self.get(&format!("{}_FILE", variable.name)) else { continue };
            let path = PathBuf::from(file.value);
            let text = fs::read_to_string(&path).map_err(|source| ReadEnvironmentError::Secret {
                name: variable.name,
                path: path.clone(),
                source,
            })?;
            let value = text.trim_end_matches(['\n', '\r']).to_owned();
            let variables = HashMap::from([(variable.name.to_owned(), value)]);
            self.layers.push(Layer { source: Source::Secret(path), variables });
        }
        Ok(self)
    }

    /// A variable. One that is set to nothing counts as not set, because compose files set them so.
    pub(crate) fn get(&self, name: &str) -> Option<Found> {
        self.layers.iter().find_map(|layer| {
            let value = layer.variables.get(name).filter(|value| !value.trim().is_empty())?;
            Some(Found { value: value.trim().to_owned(), source: layer.source.clone() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layered(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Environment, ReadEnvironmentError>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let environment = Environment::read(folder.path());
        (folder, environment)
    }

    #[test]
    fn the_local_file_goes_before_the_common_one() {
        let (_folder, environment) =
            layered(&[(".env", "PORT=1\nDATA_DIR=\"a b\" # comment\n"), (".env.local", "PORT=2\nHOST=\n")]);
        let environment = environment.unwrap();
        let port = environment.get("PORT").unwrap();
        assert_eq!((port.value.as_str(), port.source), ("2", Source::File(".env.local")));
        assert_eq!(environment.get("DATA_DIR").unwrap().value, "a b");
        assert!(environment.get("HOST").is_none(), "set to nothing is not set");
    }

    #[test]
    fn a_secret_can_be_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "sk-from-a-file\n").unwrap();
        fs::write(folder.path().join(".env"), format!("OPENAI_API_KEY_FILE={}\n", path.display())).unwrap();
        let found = Environment::read(folder.path()).unwrap().get("OPENAI_API_KEY").unwrap();
        assert_eq!((found.value.as_str(), found.source), ("sk-from-a-file", Source::Secret(path)));
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_content() {
        let (_folder, broken) = layered(&[(".env", "OPENAI_API_KEY sk-secret\n")]);
        let error = broken.err().unwrap().to_string();
        assert_eq!(error, ".env: line 1 is not NAME=value");
        let (_folder, missing) = layered(&[(".env", "ADMIN_API_KEY_FILE=/nowhere/key\n")]);
        let error = missing.err().unwrap().to_string();
        assert!(error.contains("ADMIN_API_KEY_FILE") && error.contains("/nowhere/key"), "{error}");
    }
}
