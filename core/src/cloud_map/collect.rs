//! Records from documents: instances are grouped into services, names and pages are completed.

use super::document::{Discovered, Document, Wire};
use super::pages::{Pages, cut_off};
use super::{Incomplete, Input, InputError, InputOptions, Instance, Namespace, Record, Service};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::order;

/// A document whose values are all right.
pub(super) type Typed = Document<Wire<Instance, i64>, Discovered, i64>;

/// Collects records from documents.
pub(super) struct Collector<'o> {
    options: &'o InputOptions,
    documents: usize,
    records: Vec<Record>,
    /// From what `discover-instances` and `list-instances` print: a record per run of instances of
    /// one service. A service may have several.
    discovered: Vec<Record>,
    pages: Pages,
    incomplete: Vec<Incomplete>,
    diagnostics: Vec<Diagnostic>,
}

impl<'o> Collector<'o> {
    pub(super) fn new(options: &'o InputOptions) -> Self {
        Self {
            options,
            documents: 0,
            records: Vec::new(),
            discovered: Vec::new(),
            pages: Pages::default(),
            incomplete: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// Adds a document that was read as a whole.
    pub(super) fn add_typed(&mut self, document: Typed) -> Result<(), InputError> {
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

    /// Rejects a document with `services` that is not a snapshot: none of its services can be used,
    /// or it has none and is another tool's.
    pub(super) fn check_snapshot(
        &mut self,
        services: usize,
        usable: usize,
        has_failures: bool,
        has_next: bool,
        problem: Option<(String, String)>,
    ) -> Result<(), InputError> {
        if (services > 0 && usable == 0) || (services == 0 && has_failures) {
            let (path, problem) = problem.unzip();
            let problem = problem.map_or_else(|| self.place(), |problem| format!("{problem}; "));
            let message = format!(
                "{problem}none of its `services` can be used; expected a snapshot, in which each service is an object with `namespace`, \
                 `service` and `instances` (the `services` that other tools print have no Cloud Map instances)"
            );
            return Err(InputError::Shape { path, message });
        }
        self.pages.read(self.documents, Vec::new(), has_next);
        Ok(())
    }

    /// The names for a message about an instance that can't be read; empty if unknown.
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

    /// Adds the instances of one document to their services.
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
                // An empty page names no service.
                self.pages.read(self.documents, Vec::new(), has_next);
                return Ok(());
            }
            let (namespace, service) = named?;
            self.pages.read(self.documents, vec![(namespace.clone(), service.clone())], has_next);
            self.run(namespace, service, revision);
            return Ok(());
        }
        // The output of `list-instances` has neither, and is paginated.
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
            if let Some(record) = self.run(names.0, names.1, revision) {
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
                self.warn(Code::MaybeIncomplete, (namespace, service), None, message);
            }
        }
        self.pages.read(
            self.documents,
            services.into_iter().map(|(names, _)| names).collect(),
            has_next,
        );
        Ok(())
    }

    /// The names for instances without names.
    fn default_names(&self, instances: &[Discovered]) -> Names {
        let sole = |of: fn(&Discovered) -> Option<&String>| {
            let mut names = instances.iter().filter_map(of);
            let first = names.next()?;
            names.all(|name| name == first).then(|| first.clone())
        };
        let sole = (sole(|i| i.namespace.as_ref()), sole(|i| i.service.as_ref()));
        Names { given: (self.options.namespace.clone(), self.options.service.clone()), sole }
    }

    /// The run of instances with these names: the last one, or a new one.
    fn run(
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

    /// The discovered services, each with all its runs merged.
    fn merged(&mut self) -> Vec<Record> {
        fn names(record: &Record) -> (&str, &str) {
            (&record.namespace.name, &record.service.name)
        }
        let mut runs = std::mem::take(&mut self.discovered);
        order::sort_by(&mut runs, |a, b| names(a).cmp(&names(b)));
        runs.dedup_by(|run, merged| {
            let same = names(run) == names(merged);
            if same {
                merged.instances.append(&mut run.instances);
                // Two responses at different revisions have no common revision.
                if merged.instances_revision != run.instances_revision {
                    merged.instances_revision = None;
                }
            }
            same
        });
        runs
    }

    /// Reports an instance or a value that is dropped.
    pub(super) fn drop_value(
        &mut self,
        names: (&str, &str),
        instance: Option<String>,
        message: String,
    ) {
        self.warn(Code::InvalidInstance, names, instance, message);
    }

    /// Reports a service that is dropped; names that can't be read are empty.
    pub(super) fn drop_service(&mut self, names: (&str, &str), reason: String) {
        self.leave_out(self.options.source.clone(), names.0.to_owned(), names.1.to_owned(), reason);
    }

    fn leave_out(&mut self, source: String, namespace: String, service: String, reason: String) {
        let (incomplete, diagnostic) = Incomplete::of_service(source, namespace, service, reason);
        self.incomplete.push(incomplete);
        self.diagnostics.push(diagnostic);
    }

    fn warn(&mut self, code: Code, names: (&str, &str), instance: Option<String>, message: String) {
        self.diagnostics.push(Diagnostic {
            severity: Severity::Warning,
            code,
            source: self.options.source.clone(),
            namespace: names.0.to_owned(),
            service: names.1.to_owned(),
            instance,
            message,
        });
    }

    /// The error for a document without `services` and `Instances`.
    pub(super) fn wrong_shape(&self, wrong_case: Option<&str>, others: &[String]) -> InputError {
        let place = self.place();
        InputError::shape(if let Some(key) = wrong_case {
            let expected =
                if key.eq_ignore_ascii_case("services") { "services" } else { "Instances" };
            format!(
                "{place}the key `{key}` is in the wrong letter case; expected `{expected}`{}",
                hint(key)
            )
        } else {
            let found = if others.is_empty() { "no key".to_owned() } else { others.join(", ") };
            format!(
                "{place}the document has {found}; expected `Instances` (what `aws servicediscovery discover-instances` and \
                 `list-instances` print) or `services` (a snapshot)"
            )
        })
    }

    /// The place in the input, for a message: the number of the document, from the second one on.
    pub(super) fn place(&self) -> String {
        if self.documents > 1 { format!("document {}: ", self.documents) } else { String::new() }
    }

    /// The input, once all documents are added.
    pub(super) fn finish(mut self) -> Result<Input, InputError> {
        if self.documents == 0 {
            return Err(InputError::shape(
                "the input is empty; expected Cloud Map JSON".to_owned(),
            ));
        }
        self.pages.finish(self.documents)?;
        let mut discovered = self.merged();
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
            let (namespace, service) = (record.namespace.name, record.service.name);
            self.leave_out(record.source, namespace, service, message);
        }
        order::sort(&mut self.diagnostics);
        Ok(Input { records, incomplete: self.incomplete, diagnostics: self.diagnostics })
    }
}

/// The names of the service that instances without names belong to.
#[derive(Clone)]
struct Names {
    /// The options' names.
    given: (Option<String>, Option<String>),
    /// The only names in the document.
    sole: (Option<String>, Option<String>),
}

impl Names {
    /// The instance's own names take precedence.
    fn or(mut self, namespace: Option<String>, service: Option<String>) -> Self {
        self.given = (namespace.or(self.given.0), service.or(self.given.1));
        self
    }

    fn named(self) -> Result<(String, String), InputError> {
        match (self.given.0.or(self.sole.0), self.given.1.or(self.sole.1)) {
            (Some(namespace), Some(service)) => Ok((namespace, service)),
            (None, Some(_)) => {
                Err(InputError::Unnamed { missing: "`namespace` (`--cloud-map-namespace`)" })
            }
            (Some(_), None) => {
                Err(InputError::Unnamed { missing: "`service` (`--cloud-map-service`)" })
            }
            (None, None) => Err(InputError::Unnamed {
                missing: "`service` and `namespace` (`--cloud-map-service` and `--cloud-map-namespace`)",
            }),
        }
    }
}

fn hint(key: &str) -> &'static str {
    match key {
        "Services" => " of a snapshot (the output of `list-services` has no instances)",
        "instances" => ", as AWS writes it",
        _ => "",
    }
}
