use istio_cloud_map_tests::bed::Moto;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::test]
async fn moto_answers_a_cloud_map_call() {
    let moto = Moto::start().await;
    let endpoint = moto.endpoint();
    let address = endpoint.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).await.expect("moto listens");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\
         X-Amz-Target: Route53AutoNaming_v20170314.ListNamespaces\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=k/20260101/us-west-2/servicediscovery/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.expect("moto reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("moto answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""Namespaces""#), "{answer}");
}
