//! What several commands share: the translation's options.

use anyhow::{Context as _, bail};
use clap::Args;
use istio_cloud_map_core::service_entry::{ApiVersion, is_dns_label, is_label_value};
use istio_cloud_map_core::translate::Options;
use serde_json::{Map, Value};

/// How services are translated.
#[derive(Debug, Args)]
#[command(next_help_heading = "Translation")]
pub struct Settings {
    /// The owner: only entries labelled `istio-cloud-map/owner: ID` are touched
    #[arg(long, default_value = "istio-cloud-map", env = "ISTIO_CLOUD_MAP_ID", value_parser = label_value)]
    pub id: String,
    /// The version that entries are written in, where the cluster serves it
    #[arg(long, default_value = "v1beta1", env = "ISTIO_CLOUD_MAP_API_VERSION", value_parser = ["v1beta1", "v1", "v1alpha3"])]
    pub api_version: String,
    /// An option of the translation, for example `addresses=none` or `protocols={"8080": HTTP}` (may be repeated; the environment variable holds one a
    /// line)
    #[arg(long = "set", value_name = "OPTION=VALUE", env = "ISTIO_CLOUD_MAP_SET", value_delimiter = '\n')]
    pub set: Vec<String>,
}

impl Settings {
    /// The version by its name.
    pub fn api_version(&self) -> ApiVersion {
        match self.api_version.as_str() {
            "v1" => ApiVersion::V1,
            "v1alpha3" => ApiVersion::V1Alpha3,
            _ => ApiVersion::V1Beta1,
        }
    }

    /// The options, those of `--set` among them.
    pub fn options(&self) -> anyhow::Result<Options> {
        let mut all = Map::new();
        for setting in self.set.iter().filter(|setting| !setting.trim().is_empty()) {
            let Some((name, value)) = setting.split_once('=') else { bail!("--set {setting}: expected OPTION=VALUE") };
            let value: Value = serde_saphyr::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            let one = Map::from_iter([(name.trim().to_owned(), value)]);
            // Each by itself first, so that the error names the one that is wrong.
            serde_json::from_value::<Options>(Value::Object(one.clone())).with_context(|| format!("--set {setting}"))?;
            all.extend(one);
        }
        let options: Options = serde_json::from_value(Value::Object(all)).context("--set")?;
        Ok(Options { owner: self.id.clone(), api_version: self.api_version(), ..options })
    }
}

/// Kubernetes has no namespace of another name, and so refuses every write. An empty one is as good as none: an environment variable may be so.
pub fn namespace(text: &str) -> Result<String, String> {
    if text.is_empty() || is_dns_label(text) {
        return Ok(text.to_owned());
    }
    Err("expected the name of a Kubernetes namespace: at most 63 lower-case letters, digits and inner hyphens".to_owned())
}

/// Kubernetes refuses other label values, and so every write.
fn label_value(text: &str) -> Result<String, String> {
    if !text.is_empty() && is_label_value(text) {
        return Ok(text.to_owned());
    }
    Err("expected a label value: 1 to 63 letters, digits, '-', '_' or '.', a letter or digit at both ends".to_owned())
}
