use istio_cloud_map_core::operator::{ReadError, ReadFailure};

use super::{Reply, Wire, options, own, web};
use crate::source::Source;

async fn fail(reply: Reply) -> ReadError {
    let wire = Wire::new([reply]);
    let error = wire.source(&options()).instances(&own(), &web()).await.unwrap_err();
    assert_eq!(wire.sent().len(), 1, "nothing is tried twice here: {error}");
    error
}

#[tokio::test]
async fn the_code_says_what_an_error_means_whatever_its_status() {
    let rows = [
        ("modelled throttle", 400, "RequestLimitExceeded", ReadFailure::Throttled),
        ("control plane's throttle", 400, "ThrottlingException", ReadFailure::Throttled),
        ("old throttle", 400, "Throttling", ReadFailure::Throttled),
        (
            "throttle with a namespace",
            429,
            "com.amazon.coral.availability#ThrottlingException",
            ReadFailure::Throttled,
        ),
        ("too many", 429, "TooManyRequestsException", ReadFailure::Throttled),
        ("denied", 400, "AccessDeniedException", ReadFailure::AccessDenied),
        ("denied, other spelling", 403, "AccessDenied", ReadFailure::AccessDenied),
        ("unauthorized", 403, "UnauthorizedOperation", ReadFailure::AccessDenied),
        ("region not enabled", 403, "OptInRequired", ReadFailure::AccessDenied),
        ("expired", 400, "ExpiredTokenException", ReadFailure::Credentials),
        ("expired, other spelling", 403, "ExpiredToken", ReadFailure::Credentials),
        ("unknown key", 400, "UnrecognizedClientException", ReadFailure::Credentials),
        ("unknown token", 403, "InvalidClientTokenId", ReadFailure::Credentials),
        ("wrong secret", 403, "SignatureDoesNotMatch", ReadFailure::Credentials),
        ("wrong signature", 400, "InvalidSignatureException", ReadFailure::Credentials),
        ("clock", 400, "RequestExpired", ReadFailure::Credentials),
        ("namespace gone", 400, "NamespaceNotFound", ReadFailure::NotFound),
        ("service gone", 400, "ServiceNotFound", ReadFailure::NotFound),
        ("AWS at fault", 500, "InternalFailure", ReadFailure::ServerError),
        ("AWS at fault, odd status", 400, "InternalFailure", ReadFailure::ServerError),
        ("unavailable", 503, "ServiceUnavailable", ReadFailure::ServerError),
        ("unknown code at AWS's fault", 500, "SomethingNew", ReadFailure::ServerError),
        ("modelled, ours to fix", 400, "InvalidInput", ReadFailure::Other),
        ("unknown code", 400, "SomethingNew", ReadFailure::Other),
    ];
    for (name, status, code, failure) in rows {
        let error = fail(Reply::Answer(
            status,
            format!(r#"{{"__type": "{code}", "Message": "said by AWS"}}"#),
        ))
        .await;
        assert_eq!(error.failure, failure, "{name}: {error}");
        let short = code.rsplit('#').next().unwrap();
        assert!(
            error.message.starts_with(&format!(
                "DiscoverInstances of my-namespace/web: {short}: said by AWS"
            )),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_not_aws_s_is_told_apart() {
    let rows = [
        ("torn JSON", 200, r#"{"Instances": [{"InstanceId": "i-1", "Attr"#, ReadFailure::Malformed),
        ("wrong type", 200, r#"{"Instances": {"a": 1}}"#, ReadFailure::Malformed),
        ("HTML", 200, "<html>sign in</html>", ReadFailure::Malformed),
        ("nothing", 200, "", ReadFailure::Malformed),
        ("a proxy's page", 403, "<html>forbidden</html>", ReadFailure::Malformed),
        ("a load balancer's page", 502, "<html>bad gateway</html>", ReadFailure::ServerError),
        ("no code at all", 500, "{}", ReadFailure::ServerError),
        ("a proxy's limit", 429, "slow down", ReadFailure::Throttled),
    ];
    for (name, status, body, failure) in rows {
        let error = fail(Reply::Answer(status, body.to_owned())).await;
        assert_eq!(error.failure, failure, "{name}: {error}");
        assert!(
            error.message.starts_with("DiscoverInstances of my-namespace/web: "),
            "{name}: {error}"
        );
        assert!(!error.message.contains('\n'), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_message_says_what_to_do() {
    let denied = r#"{"__type": "AccessDeniedException", "Message": "User: arn:aws:iam::1:user/a is not authorized"}"#;
    let rows = [
        (
            Reply::Answer(400, denied.to_owned()),
            "allow the IAM action servicediscovery:DiscoverInstances",
        ),
        (Reply::Answer(400, r#"{"__type": "ExpiredTokenException"}"#.to_owned()), "clock is right"),
        (Reply::Broken, "connection reset by peer; check the region, DNS"),
    ];
    for (reply, advice) in rows {
        let error = fail(reply).await;
        assert!(error.message.contains(advice), "{error}");
    }
}

#[tokio::test]
async fn what_aws_quotes_of_a_request_is_not_passed_on() {
    let body = r#"{"__type": "SignatureDoesNotMatch", "message": "The signature does not match.\n\nThe Canonical String should have been\n'POST\nx-amz-security-token:session-token'"}"#;
    let error = fail(Reply::Answer(403, body.to_owned())).await;
    assert!(error.message.contains("The signature does not match"), "{error}");
    assert!(!error.message.contains("session-token") && !error.message.contains('\n'), "{error}");
}
