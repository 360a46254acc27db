//! A second, foreign opinion of what Cloud Map is: moto's, set up by boto3's own calls.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::time::Duration;

use istio_cloud_map_tests::bed::{ApiServer, Judge, Moto};
use istio_cloud_map_tests::fixture::resource;
use istio_cloud_map_tests::operator::{Operator, eventually};
use kube::Api;
use kube::api::{DynamicObject, ListParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Calls as any AWS client would.
async fn call(moto: &Moto, operation: &str, body: Value) -> Value {
    let body = body.to_string();
    let address = moto.endpoint().replace("http://", "");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: Route53AutoNaming_v20170314.{operation}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-west-2/servicediscovery/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap();
    serde_json::from_str(body).unwrap_or_default()
}

#[tokio::test]
async fn what_is_registered_in_moto_comes_out_as_entries_and_goes_with_its_service() {
    let moto = Moto::start().await;
    call(&moto, "CreateHttpNamespace", json!({"Name": "shop"})).await;
    let namespaces = call(&moto, "ListNamespaces", json!({})).await;
    let namespace = namespaces["Namespaces"][0]["Id"].as_str().unwrap().to_owned();
    let service =
        call(&moto, "CreateService", json!({"Name": "orders", "NamespaceId": namespace})).await;
    let service = service["Service"]["Id"].as_str().unwrap().to_owned();
    for (id, address) in [("i-1", "10.0.0.1"), ("i-2", "10.0.0.2")] {
        let attributes = json!({"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": "8080"});
        call(
            &moto,
            "RegisterInstance",
            json!({"ServiceId": service, "InstanceId": id, "Attributes": attributes}),
        )
        .await;
    }

    let kubernetes = ApiServer::start().await;
    let operator = Operator::start(
        &moto.endpoint(),
        kubernetes.kubeconfig(),
        &["--interval", "1s", "--catalogue-interval", "1s", "--empty-grace", "2s"],
    );
    operator.ready().await;
    let api: Api<DynamicObject> =
        Api::namespaced_with(kubernetes.client().await, "default", &resource());
    let entry = serde_json::to_value(api.get("cloudmap-orders.shop").await.unwrap()).unwrap();
    assert_eq!(entry["spec"]["hosts"], json!(["orders.shop"]));
    let addresses: Vec<&Value> = entry["spec"]["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| &endpoint["address"])
        .collect();
    assert_eq!(addresses, ["10.0.0.1", "10.0.0.2"]);
    Judge::start().await.assert_accepts(&[entry]).await;

    for id in ["i-1", "i-2"] {
        call(&moto, "DeregisterInstance", json!({"ServiceId": service, "InstanceId": id})).await;
    }
    call(&moto, "DeleteService", json!({"Id": service})).await;
    let gone =
        async || api.list(&ListParams::default()).await.is_ok_and(|list| list.items.is_empty());
    eventually("the entry is deleted with its service", Duration::from_secs(20), gone).await;
}
