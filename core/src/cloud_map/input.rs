//! Text to records: the three shapes of input, distinguished by their keys.

use serde_json::Deserializer;
use thiserror::Error;

use super::collect::{Collector, Typed};
use super::{DEFAULT_SOURCE, Record, lenient, text};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::json::Position;

/// Names that the input may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputOptions {
    /// The name of the source, if the input has none.
    pub source: String,
    /// The region, if the input has none.
    pub region: Option<String>,
    /// The Cloud Map namespace's name, for what `list-instances` prints.
    pub namespace: Option<String>,
    /// The Cloud Map service's name, for what `list-instances` prints.
    pub service: Option<String>,
}

impl Default for InputOptions {
    fn default() -> Self {
        Self { source: DEFAULT_SOURCE.to_owned(), region: None, namespace: None, service: None }
    }
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// One record per service, sorted by source, namespace and service.
    pub records: Vec<Record>,
    /// The services of a snapshot that could not be read. A caller that deletes what `records` lacks
    /// must leave these alone.
    pub incomplete: Vec<Incomplete>,
    /// What was dropped, sorted. Each of `incomplete` has a diagnostic of severity `error`.
    pub diagnostics: Vec<Diagnostic>,
}

/// A service of a snapshot that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// What is incomplete because of it.
    pub scope: IncompleteScope,
    /// What is wrong, and what was expected.
    pub reason: String,
}

impl Incomplete {
    /// A service that is left out, and its diagnostic; names that can't be read are empty.
    #[must_use]
    pub fn of_service(
        source: String,
        namespace: String,
        service: String,
        reason: String,
    ) -> (Self, Diagnostic) {
        let scope = IncompleteScope::from_names(&namespace, &service);
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: Code::InvalidInstance,
            source,
            namespace,
            service,
            instance: None,
            message: reason.clone(),
        };
        (Self { scope, reason }, diagnostic)
    }
}

/// What is incomplete because a service could not be read: as little as its names allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncompleteScope {
    /// The list of namespaces: the service names no namespace.
    Namespaces,
    /// The list of a namespace's services: the service names only its namespace.
    Services {
        /// The namespace's name.
        namespace: String,
    },
    /// The service itself.
    Service {
        /// The namespace's name.
        namespace: String,
        /// The service's name.
        service: String,
    },
}

impl IncompleteScope {
    /// Names that could not be read are empty.
    #[must_use]
    pub fn from_names(namespace: &str, service: &str) -> Self {
        match (namespace, service) {
            ("", _) => Self::Namespaces,
            (namespace, "") => Self::Services { namespace: namespace.to_owned() },
            (namespace, service) => {
                Self::Service { namespace: namespace.to_owned(), service: service.to_owned() }
            }
        }
    }
}

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InputError {
    /// The text is not JSON.
    #[error("{position}: {message}; expected Cloud Map JSON")]
    Syntax {
        /// Where.
        position: Position,
        /// What the JSON parser found.
        message: String,
    },
    /// The text is in another format, which was recognised.
    #[error("{0}")]
    Text(String),
    /// JSON that has none of the three shapes, or is incomplete.
    #[error("{message}")]
    Shape {
        /// The path of what is wrong, `services[0].instances` for example, where it is one value.
        path: Option<String>,
        /// What is wrong, with the path.
        message: String,
    },
    /// The service of the instances is unknown.
    #[error("the input does not name the service of its instances; set {missing}")]
    Unnamed {
        /// The options to set, and the flags of the command line for them.
        missing: &'static str,
    },
}

impl InputError {
    /// About a whole document.
    pub(super) const fn shape(message: String) -> Self {
        Self::Shape { path: None, message }
    }
}

/// Reads Cloud Map JSON: one document of the three shapes, or several one after another.
///
/// - `{"Instances": [...]}` with names on the instances, as `aws servicediscovery
///   discover-instances` prints it: a record for each service named. Instances without a name
///   belong to the one that `options` name, else to the only one that the document names.
/// - The same without names, as `list-instances` prints it: `options` name the service.
/// - `{"services": [...]}`: a snapshot.
///
/// One wrong instance, or one wrong service of a snapshot, is dropped and reported; the others are
/// read. A partial input is an error: a page that announces another one, a document of which
/// nothing can be used.
///
/// # Errors
/// If the text is not JSON, has none of the three shapes, has the keys in another letter case, is
/// partial, or the service has no name.
pub fn parse(json: &str, options: &InputOptions) -> Result<Input, InputError> {
    // PowerShell and some editors put a byte order mark before UTF-8.
    let json = &*text::without_marks(json);
    let mut collector = Collector::new(options);
    let typed: Result<Vec<Typed>, _> = Deserializer::from_str(json).into_iter().collect();
    let read = match typed {
        Ok(documents) => {
            documents.into_iter().try_for_each(|document| collector.add_typed(document))
        }
        // If both stop at the syntax, the typed error is the better one.
        Err(error) => lenient::read(json, &mut collector).map_err(|lenient| match lenient {
            InputError::Syntax { .. } if error.is_syntax() => lenient::syntax(&error),
            other => other,
        }),
    };
    match read {
        // Another format is recognised only where the text is not usable JSON.
        Err(InputError::Syntax { .. } | InputError::Shape { .. })
            if let Some(message) = text::other_format(json) =>
        {
            Err(InputError::Text(message))
        }
        Err(error) => Err(error),
        Ok(()) => collector.finish(),
    }
}
