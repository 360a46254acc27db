//! Which proxy the API server is reached through, as kubectl decides it: the cluster's own
//! `proxy-url`, else `HTTPS_PROXY` but for what `NO_PROXY` names. (The client itself holds
//! `NO_PROXY` against the address of the proxy.)

use ::kube::config::Kubeconfig;
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;

pub(super) fn proxy(
    kubeconfig: &Kubeconfig,
    cluster: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<Uri> {
    let variable = |upper: &str, lower: &str| {
        [upper, lower].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()))
    };
    let url = match of_cluster(kubeconfig) {
        Some(own) => own.to_owned(),
        None => variable("HTTPS_PROXY", "https_proxy").filter(|_| {
            // Which proxy is asked about does not matter, only whether it would be passed by.
            let all = Matcher::builder()
                .all("http://proxy")
                .no(variable("NO_PROXY", "no_proxy").unwrap_or_default())
                .build();
            all.intercept(cluster).is_some()
        })?,
    };
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
    // The client lets the proxy resolve names in any case.
    let scheme = if scheme == "socks5h" { "socks5" } else { scheme };
    format!("{scheme}://{rest}").parse().ok()
}

/// Of the current context's cluster.
fn of_cluster(kubeconfig: &Kubeconfig) -> Option<&str> {
    let context = kubeconfig.current_context.as_deref()?;
    let context =
        kubeconfig.contexts.iter().find(|named| named.name == context)?.context.as_ref()?;
    let cluster =
        kubeconfig.clusters.iter().find(|named| named.name == context.cluster)?.cluster.as_ref()?;
    cluster.proxy_url.as_deref().filter(|url| !url.is_empty())
}
