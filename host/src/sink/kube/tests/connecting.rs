use std::path::PathBuf;
use std::time::Duration;

use istio_cloud_map_core::service_entry::ApiVersion::{V1, V1Alpha3, V1Beta1};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fake::{Fake, fails};
use crate::sink::kube::connect::default_config;
use crate::sink::kube::{KubeOptions, KubeSink, proxy};

async fn error(options: KubeOptions) -> String {
    match KubeSink::connect(options).await {
        Ok(_) => panic!("it connected"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_preferred_version_is_used_if_it_is_served_else_the_newest() {
    for (preferred, served, expected) in [
        (V1Beta1, &["v1", "v1beta1", "v1alpha3"][..], V1Beta1),
        (V1, &["v1", "v1beta1"], V1),
        (V1, &["v1beta1", "v1alpha3"], V1Beta1),
        (V1Beta1, &["v1", "v1alpha3"], V1),
        (V1Beta1, &["v1alpha3"], V1Alpha3),
    ] {
        let fake = Fake::start(served, []).await;
        let sink = KubeSink::connect(KubeOptions { api_version: preferred, ..fake.options() })
            .await
            .unwrap();
        assert_eq!(sink.resource.version, expected.version(), "{preferred:?} of {served:?}");
    }
}

#[tokio::test]
async fn a_cluster_without_the_crd_is_told_how_to_get_it() {
    let fake =
        Fake::start(&[], [fails(404, "the server could not find the requested resource")]).await;
    let expected = "does not serve ServiceEntry (networking.istio.io): install Istio's CRDs, with `istioctl install` or the Helm chart istio/base";
    assert_eq!(error(fake.options()).await, format!("{} {expected}", fake.url()));
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_or_is_none_is_named() {
    let options = KubeOptions {
        kube_config: Some(PathBuf::from("/nowhere/config")),
        ..KubeOptions::default()
    };
    assert_eq!(
        error(options).await,
        "can't use the kubeconfig /nowhere/config: No such file or directory (os error 2); check the path given with --kube-config"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "\"unfinished\n: [").unwrap();
    let message =
        error(KubeOptions { kube_config: Some(file.path().to_owned()), ..KubeOptions::default() })
            .await;
    assert!(
        message.starts_with(&format!(
            "can't use the kubeconfig {}: failed to parse",
            file.path().display()
        )),
        "{message}"
    );
    assert!(!message.contains('\n'), "{message}");
}

#[tokio::test]
async fn the_pods_account_is_used_only_without_kubeconfig() {
    let pod = || Ok(::kube::Config::new("https://10.96.0.1".parse().unwrap()));
    for (kubeconfig, is_pods) in [(None, true), (Some(""), true), (Some("/nowhere/config"), false)]
    {
        let config = default_config(kubeconfig.map(Into::into), pod).await;
        let url = config.map(|config| config.cluster_url.to_string()).unwrap_or_default();
        assert_eq!(url == "https://10.96.0.1/", is_pods, "{kubeconfig:?}: {url}");
    }
}

#[tokio::test]
async fn an_api_server_that_does_not_run_is_named_with_its_address() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fake = Fake::start(&["v1"], []).await;
    let mut options = fake.options();
    let (old, new) = (fake.url().to_owned(), format!("http://{}", free.local_addr().unwrap()));
    drop(free);
    let path = options.kube_config.take().unwrap();
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace(&old, &new)).unwrap();
    let message = error(KubeOptions { kube_config: Some(path), ..options }).await;
    let expected =
        "the API server can't be reached: Connection refused (os error 111); its address is";
    assert_eq!(
        message,
        format!("{expected} {new}: check that it runs and that no proxy or firewall is in between")
    );
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_is_not_waited_for() {
    let fake = Fake::start(&[], [super::fake::Answer::Never]).await;
    let message =
        error(KubeOptions { call_timeout: Duration::from_millis(200), ..fake.options() }).await;
    assert!(message.starts_with("the API server can't be reached: "), "{message}");
}

#[tokio::test]
async fn missing_permission_names_the_rule_to_add() {
    let fake =
        Fake::start(&[], [fails(403, "forbidden: User \"u\" cannot get path \"/apis\"")]).await;
    assert!(
        error(fake.options())
            .await
            .contains("not permitted to list serviceentries.networking.istio.io")
    );
}

#[tokio::test]
async fn a_password_in_an_address_is_in_no_message() {
    let fake = Fake::start(&["v1"], []).await;
    let user = json!({});
    let address = fake.url().strip_prefix("http://").unwrap();
    let cluster = json!({"server": format!("http://somebody:secret@{address}")});
    assert!(
        KubeSink::connect(fake.options_with(&cluster, &user)).await.is_ok(),
        "it is not in the way"
    );
    for cluster in [
        json!({"server": "http://somebody:secret@127.0.0.1:1"}),
        json!({"server": fake.url(), "proxy-url": "ftp://somebody:secret@proxy:3128"}),
        json!({"server": fake.url(), "proxy-url": "http://somebody:secret@127.0.0.1:1"}),
    ] {
        let message = error(fake.options_with(&cluster, &user)).await;
        assert!(!message.contains("secret") && !message.contains("somebody"), "{message}");
    }
}

#[tokio::test]
async fn what_an_exec_plugin_prints_is_in_no_message() {
    let fake = Fake::start(&["v1"], []).await;
    for (script, expected) in [
        ("echo secret; exit 3", "exec plugin failed (exit status: 3)"),
        ("echo secret", "is not an ExecCredential"),
    ] {
        let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "interactiveMode": "Never"});
        let message =
            error(fake.options_with(&json!({"server": fake.url()}), &json!({"exec": exec}))).await;
        assert!(message.contains(expected) && !message.contains("secret"), "{message}");
    }
}

#[tokio::test]
async fn a_cluster_is_reached_through_its_proxy() {
    let fake = Fake::start(&["v1"], []).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap().to_owned();
        let mut server = tokio::net::TcpStream::connect(&target).await.unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let _ = tokio::time::timeout(
            Duration::from_secs(5),
            tokio::io::copy_bidirectional(&mut client, &mut server),
        )
        .await;
        head
    });
    let options = fake.options_with(&json!({"server": fake.url(), "proxy-url": proxy}), &json!({}));
    KubeSink::connect(options).await.unwrap();
    let head = asked.await.unwrap();
    assert!(head.starts_with("CONNECT 127.0.0.1:"), "{head}");
}

#[test]
fn no_proxy_names_clusters_and_a_clusters_own_proxy_comes_first() {
    let kubeconfig = |own: Option<&str>| {
        let config = json!({
            "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k"}}],
            "clusters": [{"name": "k", "cluster": {"server": "https://k.corp", "proxy-url": own}}],
        });
        serde_json::from_value(config).unwrap()
    };
    let https = "http://u:p@proxy.corp:3128";
    for (own, variables, cluster, expected) in [
        (None, &[][..], "https://k.corp", None),
        (None, &[("HTTPS_PROXY", https)], "https://k.corp", Some("http://u:p@proxy.corp:3128/")),
        (None, &[("https_proxy", "proxy:3128")], "https://k.corp", Some("http://proxy:3128/")),
        (None, &[("HTTPS_PROXY", https), ("NO_PROXY", "other, .corp")], "https://k.corp", None),
        (
            None,
            &[("HTTPS_PROXY", https), ("no_proxy", "10.0.0.0/8")],
            "https://10.1.2.3:6443",
            None,
        ),
        // An empty item names nothing.
        (
            None,
            &[("HTTPS_PROXY", https), ("NO_PROXY", ",other,, .com,")],
            "https://k.corp",
            Some("http://u:p@proxy.corp:3128/"),
        ),
        (
            None,
            &[("HTTPS_PROXY", https), ("NO_PROXY", " , ,")],
            "https://k.corp.",
            Some("http://u:p@proxy.corp:3128/"),
        ),
        // The proxy's own address is not what it is about.
        (
            None,
            &[("HTTPS_PROXY", https), ("NO_PROXY", ".corp")],
            "https://1.2.3.4",
            Some("http://u:p@proxy.corp:3128/"),
        ),
        (
            Some("socks5h://own:1080"),
            &[("HTTPS_PROXY", https), ("NO_PROXY", "*")],
            "https://k.corp",
            Some("socks5://own:1080/"),
        ),
    ] {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let proxy = proxy::proxy(&kubeconfig(own), &cluster.parse().unwrap(), variable);
        assert_eq!(
            proxy.map(|proxy| proxy.to_string()).as_deref(),
            expected,
            "{own:?} {variables:?} {cluster}"
        );
    }
}
