//! What several commands share: the translation's options.

use clap::Args;
use istio_cloud_map_core::service_entry::{ApiVersion, is_dns_label, is_label_name};
use istio_cloud_map_core::translate::Options;
use serde_json::{Map, Value};

use super::Usage;

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
    /// An option of the translation, for example `addresses=none` or `protocols={"8080": HTTP}`
    /// (may be repeated; the environment variable holds one a line)
    #[arg(long = "set", value_name = "OPTION=VALUE", env = "ISTIO_CLOUD_MAP_SET", value_delimiter = '\n', value_parser = setting)]
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

    /// The options: those of `--set` over those of the configuration file.
    pub fn options(&self, file: &Options) -> anyhow::Result<Options> {
        let Value::Object(mut all) = serde_json::to_value(file)? else { return Ok(file.clone()) };
        for setting in self.set.iter().filter(|setting| !setting.trim().is_empty()) {
            let (name, value) =
                option(setting).map_err(|message| Usage(format!("--set {setting}: {message}")))?;
            all.insert(name, value);
        }
        let options: Options = Value::Object(all)
            .to_string()
            .parse()
            .map_err(|error| Usage(format!("--set: {error}")))?;
        Ok(Options { owner: self.id.clone(), api_version: self.api_version(), ..options })
    }
}

/// What names the service in what `list-instances` prints.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input without names (list-instances)")]
pub struct CloudMapNames {
    /// The Cloud Map namespace of the instances
    #[arg(long, env = "ISTIO_CLOUD_MAP_CLOUD_MAP_NAMESPACE", value_name = "NAME")]
    pub cloud_map_namespace: Option<String>,
    /// The Cloud Map service of the instances
    #[arg(long, env = "ISTIO_CLOUD_MAP_CLOUD_MAP_SERVICE", value_name = "NAME")]
    pub cloud_map_service: Option<String>,
}

/// An option of the translation, checked by itself, so that the error names the one that is wrong.
fn setting(text: &str) -> Result<String, String> {
    if !text.trim().is_empty() {
        option(text)?;
    }
    Ok(text.to_owned())
}

fn option(setting: &str) -> Result<(String, Value), String> {
    let (name, value) = setting.split_once('=').ok_or("expected OPTION=VALUE")?;
    let value: Value =
        serde_saphyr::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    let name = name.trim().to_owned();
    let one = Map::from_iter([(name.clone(), value.clone())]);
    Value::Object(one).to_string().parse::<Options>()?;
    Ok((name, value))
}

/// An AWS region, by its form: AWS adds new ones.
pub fn region(text: &str) -> Result<String, String> {
    let mut parts = text.split('-').rev();
    let number = parts
        .next()
        .is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let words: Vec<&str> = parts.collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    if number && words.len() > 1 && words.iter().all(is_word) {
        return Ok(text.to_owned());
    }
    Err("expected an AWS region such as us-west-2".to_owned())
}

/// A URL of an endpoint.
pub fn url(text: &str) -> Result<String, String> {
    if text.contains('@') {
        // Refused later, by a message that does not repeat the password.
        return Ok(text.to_owned());
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let uri = rest
        .and_then(|_| text.parse::<axum::http::Uri>().ok())
        .filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    uri.map(|_| text.to_owned()).ok_or_else(|| {
        "expected a URL such as https://data-servicediscovery.us-west-2.amazonaws.com".to_owned()
    })
}

/// Kubernetes has no namespace of another name, and so refuses every write. An empty one is as good
/// as none: an environment variable may be so.
pub fn namespace(text: &str) -> Result<String, String> {
    if text.is_empty() || is_dns_label(text) {
        return Ok(text.to_owned());
    }
    Err("expected the name of a Kubernetes namespace: at most 63 lower-case letters, digits and inner hyphens".to_owned())
}

/// Kubernetes refuses other label values, and so every write.
fn label_value(text: &str) -> Result<String, String> {
    if is_label_name(text) {
        return Ok(text.to_owned());
    }
    Err("expected a label value: 1 to 63 letters, digits, '-', '_' or '.', a letter or digit at both ends".to_owned())
}
