//! The three shapes of input, told apart by their keys.

use serde_json::Deserializer;
use thiserror::Error;

use super::document::{Document, Wire};
use super::instance::Discovered;
use super::pages::{Pages, cut_off};
use super::{DEFAULT_SOURCE, Instance, Namespace, Record, Service, careful, text};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::order;

/// What the input itself may not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputOptions {
    /// The name of the source, where the input has none.
    pub source: String,
    /// The region, where the input has none.
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
    /// One for each service, sorted by source, namespace and service.
    pub records: Vec<Record>,
    /// What was dropped on the way, sorted. One of severity `error` means that a whole service was,
    /// so what its namespace holds is not completely known.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InputError {
    /// The text is no JSON.
    #[error("line {line}, column {column}: {message}; expected Cloud Map JSON")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
        /// What the JSON parser found.
        message: String,
    },
    /// The input is no JSON text at all, but something else that was recognised.
    #[error("{0}")]
    Text(String),
    /// JSON, but none of the three shapes, or not the whole of one.
    #[error("{0}")]
    Shape(String),
    /// Nothing says which service the instances belong to.
    #[error(
        "nothing in the input says which service its instances belong to; say it with `{missing}`"
    )]
    Unnamed {
        /// The flags that would say it.
        missing: &'static str,
    },
}

/// Reads Cloud Map JSON: one document of the three shapes, or several one after another.
///
/// - `{"Instances": [...]}` with names on the instances, as `aws servicediscovery
///   discover-instances` prints it: a record for each service named. Instances without a name
///   belong to the one that `options` name, else to the only one that the document names.
/// - The same without names, as `list-instances` prints it: `options` name the service.
/// - `{"services": [...]}`: a snapshot.
///
/// What one instance or one service of a snapshot has wrong is a diagnostic and costs no other.
/// Input that is not the whole is an error: a page that announces another one, a document of which
/// nothing can be used.
///
/// # Errors
/// Where the text is no JSON, has none of the three shapes, has the keys in another letter case, is
/// not the whole, or nothing names the service.
pub fn parse(json: &str, options: &InputOptions) -> Result<Input, InputError> {
    // PowerShell and some editors put a byte order mark before UTF-8.
    let json = &*text::without_marks(json);
    let mut reader = Reader::new(options);
    let typed: Result<Vec<Typed>, _> = Deserializer::from_str(json).into_iter().collect();
    let read = match typed {
        Ok(documents) => documents.into_iter().try_for_each(|document| reader.take_typed(document)),
        // Where both stop at the syntax, the typed reading knows better why.
        Err(error) => careful::read(json, &mut reader).map_err(|careful| match careful {
            InputError::Syntax { .. } if error.is_syntax() => careful::syntax(&error),
            other => other,
        }),
    };
    match read {
        // Only what is no JSON from the start is another format.
        Err(InputError::Syntax { .. } | InputError::Shape(_))
            if let Some(message) = text::other_format(json) =>
        {
            Err(InputError::Text(message))
        }
        Err(error) => Err(error),
        Ok(()) => reader.finish(),
    }
}

type Typed = Document<Wire<Instance, i64>, Discovered, i64>;

/// Gathers records from documents.
pub(super) struct Reader<'o> {
    options: &'o InputOptions,
    documents: usize,
    records: Vec<Record>,
    /// Of what `discover-instances` and `list-instances` print, a record wherever the names change:
    /// a service may come in several pieces.
    discovered: Vec<Record>,
    pages: Pages,
    diagnostics: Vec<Diagnostic>,
}

impl<'o> Reader<'o> {
    fn new(options: &'o InputOptions) -> Self {
        let (records, discovered, diagnostics) = (Vec::new(), Vec::new(), Vec::new());
        Self { options, documents: 0, records, discovered, pages: Pages::default(), diagnostics }
    }

    fn take_typed(&mut self, document: Typed) -> Result<(), InputError> {
        self.documents += 1;
        if let Some(services) = document.services {
            self.check_snapshot(
                services.len(),
                services.len(),
                document.has_failures,
                document.has_next,
                None,
            )?;
            for wire in services {
                self.add(wire);
            }
            return Ok(());
        }
        match document.instances {
            Some(instances) => self.add_discovered(instances, document.revision, document.has_next),
            None => Err(self.wrong_shape(document.wrong_case.as_deref(), &document.other_keys)),
        }
    }

    /// Adds a service of a snapshot.
    pub(super) fn add(&mut self, wire: Wire<Instance, i64>) {
        self.records.push(wire.into_record(&self.options.source, self.options.region.as_deref()));
    }

    /// Refuses a document with `services` that is no snapshot: one of which no service can be used,
    /// and another tool's without services.
    pub(super) fn check_snapshot(
        &mut self,
        services: usize,
        usable: usize,
        has_failures: bool,
        has_next: bool,
        problem: Option<&str>,
    ) -> Result<(), InputError> {
        if (services > 0 && usable == 0) || (services == 0 && has_failures) {
            let problem = problem.map(|problem| format!("{problem}; ")).unwrap_or_default();
            return Err(InputError::Shape(format!(
                "{}{problem}none of its `services` can be used; expected a snapshot, in which each service is an object with `namespace`, \
                 `service` and `instances` (what other tools print as `services` holds no Cloud Map instances)",
                if problem.is_empty() { self.place() } else { String::new() }
            )));
        }
        self.pages.read(self.documents, Vec::new(), has_next);
        Ok(())
    }

    /// The names for a message about an instance that can't be read, as far as they are known.
    pub(super) fn names_of(
        &self,
        namespace: Option<String>,
        service: Option<String>,
        others: &[Discovered],
    ) -> (String, String) {
        self.default_names(others).or(namespace, service).named().unwrap_or_default()
    }

    /// Counts one more document.
    pub(super) fn next_document(&mut self) {
        self.documents += 1;
    }

    /// Adds the instances of one document, each to its service.
    pub(super) fn add_discovered(
        &mut self,
        instances: Vec<Discovered>,
        revision: Option<i64>,
        has_next: bool,
    ) -> Result<(), InputError> {
        let default = self.default_names(&instances);
        if instances.is_empty() {
            let named = default.named();
            if named.is_err() && (has_next || self.pages.is_open()) {
                // A page may be empty, and then names nothing.
                self.pages.read(self.documents, Vec::new(), has_next);
                return Ok(());
            }
            let (namespace, service) = named?;
            self.pages.read(self.documents, vec![(namespace.clone(), service.clone())], has_next);
            self.piece(namespace, service, revision);
            return Ok(());
        }
        // What `list-instances` prints has neither, and has pages.
        let is_discovered =
            revision.is_some() || instances.iter().all(|instance| instance.service.is_some());
        let same = |name: &Option<String>, sole: &Option<String>| name.is_none() || name == sole;
        let only_one = instances
            .iter()
            .all(|i| same(&i.namespace, &default.sole.0) && same(&i.service, &default.sole.1));
        let revision = revision.filter(|_| only_one);
        let mut services: Vec<((String, String), usize)> = Vec::new();
        for Discovered { namespace, service, instance } in instances {
            let names = match (namespace, service) {
                (Some(namespace), Some(service)) => (namespace, service),
                (namespace, service) => default.clone().or(namespace, service).named()?,
            };
            match services.last_mut().filter(|(last, _)| *last == names) {
                Some((_, count)) => *count += 1,
                None => services.push((names.clone(), 1)),
            }
            if let Some(record) = self.piece(names.0, names.1, revision) {
                record.instances.push(instance);
            }
        }
        order::sort_by(&mut services, |a, b| a.0.cmp(&b.0));
        services.dedup_by(|next, first| {
            let same = next.0 == first.0;
            first.1 += if same { next.1 } else { 0 };
            same
        });
        for ((namespace, service), count) in &services {
            if let Some(message) = cut_off(*count).filter(|_| is_discovered && !has_next) {
                let message = format!("{}{message}", self.place());
                self.report(
                    Severity::Warning,
                    Code::MaybeIncomplete,
                    (namespace, service),
                    None,
                    message,
                );
            }
        }
        self.pages.read(
            self.documents,
            services.into_iter().map(|(names, _)| names).collect(),
            has_next,
        );
        Ok(())
    }

    /// The names of instances that have none.
    fn default_names(&self, instances: &[Discovered]) -> Names {
        let sole = |of: fn(&Discovered) -> Option<&String>| {
            let mut names = instances.iter().filter_map(of);
            let first = names.next()?;
            names.all(|name| name == first).then(|| first.clone())
        };
        let sole = (sole(|i| i.namespace.as_ref()), sole(|i| i.service.as_ref()));
        Names { given: (self.options.namespace.clone(), self.options.service.clone()), sole }
    }

    /// The piece that an instance of these names belongs to.
    fn piece(
        &mut self,
        namespace: String,
        service: String,
        revision: Option<i64>,
    ) -> Option<&mut Record> {
        let fits = |last: &Record| {
            last.namespace.name == namespace
                && last.service.name == service
                && last.instances_revision == revision
        };
        if !self.discovered.last().is_some_and(fits) {
            self.discovered.push(Record {
                source: self.options.source.clone(),
                region: self.options.region.clone(),
                namespace: Namespace { name: namespace, ..Namespace::default() },
                service: Service { name: service, ..Service::default() },
                instances_revision: revision,
                ..Record::default()
            });
        }
        self.discovered.last_mut()
    }

    /// The discovered services, each of all its pieces.
    fn whole(&mut self) -> Vec<Record> {
        fn names(record: &Record) -> (&str, &str) {
            (&record.namespace.name, &record.service.name)
        }
        let mut pieces = std::mem::take(&mut self.discovered);
        order::sort_by(&mut pieces, |a, b| names(a).cmp(&names(b)));
        pieces.dedup_by(|piece, whole| {
            let same = names(piece) == names(whole);
            if same {
                whole.instances.append(&mut piece.instances);
                // Two answers at two revisions: the instances are of neither.
                whole.instances_revision = whole
                    .instances_revision
                    .filter(|revision| piece.instances_revision == Some(*revision));
            }
            same
        });
        pieces
    }

    /// Reports what is dropped.
    pub(super) fn drop_because(
        &mut self,
        severity: Severity,
        names: (&str, &str),
        instance: Option<String>,
        message: String,
    ) {
        self.report(severity, Code::InvalidInstance, names, instance, message);
    }

    fn report(
        &mut self,
        severity: Severity,
        code: Code,
        names: (&str, &str),
        instance: Option<String>,
        message: String,
    ) {
        self.diagnostics.push(Diagnostic {
            severity,
            code,
            source: self.options.source.clone(),
            namespace: names.0.to_owned(),
            service: names.1.to_owned(),
            instance,
            message,
        });
    }

    /// The error for a document that has neither key.
    pub(super) fn wrong_shape(&self, wrong_case: Option<&str>, others: &[String]) -> InputError {
        let place = self.place();
        InputError::Shape(if let Some(key) = wrong_case {
            let meant = if key.eq_ignore_ascii_case("services") { "services" } else { "Instances" };
            format!(
                "{place}the key `{key}` is in the wrong letter case; expected `{meant}`{}",
                hint(key)
            )
        } else {
            let found = if others.is_empty() { "no key".to_owned() } else { others.join(", ") };
            format!(
                "{place}none of the known shapes: it has {found}; expected `Instances` (what `aws servicediscovery discover-instances` and \
                 `list-instances` print) or `services` (a snapshot)"
            )
        })
    }

    /// Where in the input: the document is named only where there is more than one before.
    pub(super) fn place(&self) -> String {
        if self.documents > 1 { format!("document {}: ", self.documents) } else { String::new() }
    }

    fn finish(mut self) -> Result<Input, InputError> {
        if self.documents == 0 {
            return Err(InputError::Shape(
                "the input is empty; expected Cloud Map JSON".to_owned(),
            ));
        }
        self.pages.finish(self.documents)?;
        let mut discovered = self.whole();
        self.records.append(&mut discovered);
        order::sort_by(&mut self.records, |a, b| a.key().cmp(&b.key()));
        let mut records: Vec<Record> = Vec::with_capacity(self.records.len());
        for record in std::mem::take(&mut self.records) {
            if records.last().is_none_or(|last| last.key() != record.key()) {
                records.push(record);
                continue;
            }
            let message = format!(
                "the service `{}` is listed twice; its first listing is used",
                record.service.key()
            );
            self.diagnostics.push(Diagnostic {
                severity: Severity::Error,
                code: Code::InvalidInstance,
                source: record.source,
                namespace: record.namespace.name,
                service: record.service.name,
                instance: None,
                message,
            });
        }
        order::sort(&mut self.diagnostics);
        Ok(Input { records, diagnostics: self.diagnostics })
    }
}

/// Whose instances those without names are.
#[derive(Clone)]
struct Names {
    given: (Option<String>, Option<String>),
    sole: (Option<String>, Option<String>),
}

impl Names {
    /// With what the instance itself says put first.
    fn or(mut self, namespace: Option<String>, service: Option<String>) -> Self {
        self.given = (namespace.or(self.given.0), service.or(self.given.1));
        self
    }

    fn named(self) -> Result<(String, String), InputError> {
        match (self.given.0.or(self.sole.0), self.given.1.or(self.sole.1)) {
            (Some(namespace), Some(service)) => Ok((namespace, service)),
            (None, Some(_)) => Err(InputError::Unnamed { missing: "--cloud-map-namespace" }),
            (Some(_), None) => Err(InputError::Unnamed { missing: "--cloud-map-service" }),
            (None, None) => Err(InputError::Unnamed {
                missing: "--cloud-map-service` and `--cloud-map-namespace",
            }),
        }
    }
}

fn hint(key: &str) -> &'static str {
    match key {
        "Services" => " of a snapshot (what `list-services` prints holds no instances)",
        "instances" => ", as AWS writes it",
        _ => "",
    }
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
