//! `explain`: why an entry is as it is, or is not there.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::{Arg, Args};

use super::looking;
use super::serve::{OF_A_PROCESS, Serve};
use super::streams;
use super::translate::Output;
use crate::config::Config;
use crate::explain::Explained;
use crate::plan::Plan;
use crate::rehearsal::{self, rehearse};
use crate::source::recording::RecordingSource;

/// How many names are shown that might have been meant.
const ALIKE: usize = 5;

/// Say why the entry of a service is as it is, or why there is none
///
/// Reads the service, and prints rule by rule how its instances become the entry, what was left out,
/// and what serve would do now. Takes the flags, variables and the configuration file of serve, and
/// changes nothing. Exit: 0 explained, 1 no such service or not readable, 2 wrong usage.
///
/// Examples:
///
///   istio-cloud-map explain web.shop --aws-region us-west-2
///   istio-cloud-map explain web.shop --from file:snapshot.json --to -
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, args_override_self = true, mut_args(adapted))]
pub struct Explain {
    /// SERVICE.NAMESPACE, the names in Cloud Map
    #[arg(value_name = "SERVICE.NAMESPACE")]
    name: String,
    #[command(flatten)]
    pub serve: Serve,
}

/// A flag of `serve` as it is here.
fn adapted(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "output" => {
            looking::output(arg, "text", "Text, or one JSON list", "ISTIO_CLOUD_MAP_EXPLAIN_OUTPUT")
        }
        id if OF_A_PROCESS.contains(&id) => looking::hidden(arg),
        _ => arg,
    }
}

impl Explain {
    /// Reads, explains, prints.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.serve.config()?;
        let explained = looking::block_on(explain(&config, &self.name))??;
        let text = match self.serve.output {
            Output::Json => serde_json::to_string_pretty(&explained)? + "\n",
            Output::Yaml => {
                let texts = explained.iter().map(|one| one.text(streams::is_coloured()));
                texts.collect::<anyhow::Result<Vec<_>>>()?.join("\n")
            }
        };
        streams::write(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The ways in which a name may be a service's and a namespace's: both may have dots.
fn splits(name: &str) -> Vec<(&str, &str)> {
    name.match_indices('.')
        .filter_map(|(dot, _)| Some((name.get(..dot)?, name.get(dot + 1..)?)))
        .filter(|(service, namespace)| !service.is_empty() && !namespace.is_empty())
        .collect()
}

/// Whether a service of a namespace is meant.
fn is_named(name: &str, namespace: &str, service: &str) -> bool {
    splits(name).iter().any(|(its_service, its_namespace)| {
        service.eq_ignore_ascii_case(its_service) && namespace.eq_ignore_ascii_case(its_namespace)
    })
}

/// One pass over everything, since other services may claim the same host.
async fn explain(config: &Config, name: &str) -> anyhow::Result<Vec<Explained>> {
    let mut recorded = Vec::new();
    let (sources, settings) = config.build_sources().await?;
    let sources = rehearsal::recording(sources, &mut recorded);
    let sink = config.sink.read_only();
    let sink = sink.build(&Arc::default()).await?.sink;
    let outcome = rehearse(settings.clone(), sources, sink.clone()).await?;
    let is_complete = outcome.status.is_complete();
    let reported = outcome.diagnostics.clone();
    let plan = Plan::new(outcome, sink).await?;
    let mut explained = Vec::new();
    for (source_name, source) in &recorded {
        let Some(source_config) = settings.sources.iter().find(|s| s.name == *source_name) else {
            continue;
        };
        let options = settings.translation_of(source_config);
        let records = source.records(source_config);
        for record in records
            .iter()
            .filter(|record| is_named(name, &record.namespace.name, &record.service.name))
        {
            explained.push(Explained::new(record, &options, settings.transform.as_deref(), &plan)?);
        }
    }
    if explained.is_empty() {
        if !is_complete {
            reported.iter().for_each(crate::driver::diagnostic);
            bail!("no service {name} was read, and Cloud Map could not be read completely");
        }
        bail!(absence(config, name, &recorded));
    }
    Ok(explained)
}

/// Why there is no service of that name.
fn absence(config: &Config, name: &str, recorded: &[(String, Arc<RecordingSource>)]) -> String {
    let mut known = Vec::new();
    for (source_name, source) in recorded {
        let Some(settings) = config.sources.iter().find(|s| s.name == *source_name) else {
            continue;
        };
        for (namespace, service) in source.names() {
            if is_named(name, &namespace, &service) {
                return if settings.services.allows(&service) {
                    format!(
                        "{namespace}/{service} is left out by its name: bookkeeping of ECS Service Connect, or an override with `exclude`"
                    )
                } else {
                    format!("the filter `services` of the source {source_name} excludes {service}")
                };
            }
            known.push(format!("{service}.{namespace}"));
        }
        let excluded = source.namespace_names().into_iter().find(|namespace| {
            splits(name).iter().any(|(_, of_name)| namespace.eq_ignore_ascii_case(of_name))
                && !settings.namespaces.allows(namespace)
        });
        if let Some(namespace) = excluded {
            return format!(
                "the filter `namespaces` of the source {source_name} excludes {namespace}"
            );
        }
    }
    let likeness = |known: &String| strsim::jaro_winkler(known, name);
    known.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    known.truncate(ALIKE);
    let alike = if known.is_empty() {
        "no services were found at all: check the region and the account".to_owned()
    } else {
        format!("the most alike are {}", known.join(", "))
    };
    format!("Cloud Map has no service {name}, expected SERVICE.NAMESPACE; {alike}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_namespaces_may_have_dots() {
        assert!(is_named("web.v1.shop.local", "shop.local", "web.v1"));
        assert!(is_named("web.v1.shop.local", "v1.shop.local", "WEB"));
        assert!(!is_named("web.shop", "shop", "web2") && !is_named("web", "web", ""));
    }
}
