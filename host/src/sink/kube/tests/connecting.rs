use std::path::PathBuf;
use std::time::Duration;

use istio_cloud_map_core::service_entry::ApiVersion::{V1, V1Alpha3, V1Beta1};

use super::fake::{Fake, fails};
use crate::sink::kube::{KubeOptions, KubeSink};

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
        let sink = KubeSink::connect(KubeOptions { api_version: preferred, ..fake.options() }).await.unwrap();
        assert_eq!(sink.resource.version, expected.version(), "{preferred:?} of {served:?}");
    }
}

#[tokio::test]
async fn a_cluster_without_the_crd_is_told_how_to_get_it() {
    let fake = Fake::start(&[], [fails(404, "the server could not find the requested resource")]).await;
    let expected =
        "serves no ServiceEntry (networking.istio.io): install Istio's CRDs, with `istioctl install` or the Helm chart istio/base";
    assert_eq!(error(fake.options()).await, format!("{} {expected}", fake.url()));
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_or_is_none_is_named() {
    let options = KubeOptions { kube_config: Some(PathBuf::from("/nowhere/config")), ..KubeOptions::default() };
    assert_eq!(
        error(options).await,
        "can't use the kubeconfig /nowhere/config: No such file or directory (os error 2); check the path given with --kube-config"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "\"unfinished\n: [").unwrap();
    let said = error(KubeOptions { kube_config: Some(file.path().to_owned()), ..KubeOptions::default() }).await;
    assert!(said.starts_with(&format!("can't use the kubeconfig {}: failed to parse", file.path().display())), "{said}");
    assert!(!said.contains('\n'), "{said}");
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
    let said = error(KubeOptions { kube_config: Some(path), ..options }).await;
    let expected = "the API server can't be reached: Connection refused (os error 111); its address is";
    assert_eq!(said, format!("{expected} {new}: check that it runs and that nothing is in between"));
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_is_not_waited_for() {
    let fake = Fake::start(&[], [super::fake::Answer::Never]).await;
    let said = error(KubeOptions { call_timeout: Duration::from_millis(200), ..fake.options() }).await;
    assert!(said.starts_with("the API server can't be reached: "), "{said}");
}

#[tokio::test]
async fn missing_permission_names_the_rule_to_add() {
    let fake = Fake::start(&[], [fails(403, "forbidden: User \"u\" cannot get path \"/apis\"")]).await;
    assert!(error(fake.options()).await.contains("not permitted to list serviceentries.networking.istio.io"));
}
