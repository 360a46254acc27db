//! The stand-in is no more lenient than AWS.

use istio_cloud_map_tests::cloud_map::{Operation, StandIn};
use serde_json::{Value, json};

use crate::{Tested, client::Client};

#[test]
#[expect(clippy::too_many_lines, reason = "a table of requests and refusals")]
fn a_request_that_breaks_the_model_is_refused() -> Tested {
    let stand_in = StandIn::start()?;
    stand_in.world(|world| {
        let namespace = world.http_namespace("my-namespace");
        world.service(namespace, "web");
    });
    let mut client = Client::of(&stand_in)?;
    let discover = |member: &str, value: Value| {
        let mut request = json!({"NamespaceName": "my-namespace", "ServiceName": "web"});
        if let Some(request) = request.as_object_mut() {
            request.insert(member.to_owned(), value);
        }
        request
    };
    let cases = [
        (
            "a member too many is ignored",
            Operation::DiscoverInstances,
            discover("Colour", json!(1)),
            "none",
        ),
        (
            "null is absent",
            Operation::DiscoverInstances,
            discover("MaxResults", json!(null)),
            "none",
        ),
        (
            "a required member is absent",
            Operation::DiscoverInstances,
            json!({"ServiceName": "web"}),
            "InvalidInput",
        ),
        (
            "a required member is null",
            Operation::DiscoverInstances,
            discover("ServiceName", json!(null)),
            "InvalidInput",
        ),
        (
            "a number is a string",
            Operation::DiscoverInstances,
            discover("MaxResults", json!("10")),
            "SerializationException",
        ),
        (
            "a number is none that is whole",
            Operation::DiscoverInstances,
            discover("MaxResults", json!(1.5)),
            "SerializationException",
        ),
        (
            "a number is too large",
            Operation::DiscoverInstances,
            discover("MaxResults", json!(1001)),
            "InvalidInput",
        ),
        (
            "a number is too small",
            Operation::DiscoverInstances,
            discover("MaxResults", json!(0)),
            "InvalidInput",
        ),
        (
            "a word is none of the list's",
            Operation::DiscoverInstances,
            discover("HealthStatus", json!("healthy")),
            "InvalidInput",
        ),
        (
            "an account has 11 digits",
            Operation::DiscoverInstances,
            discover("OwnerAccount", json!("11112222333")),
            "InvalidInput",
        ),
        (
            "a name has a space",
            Operation::DiscoverInstances,
            discover("ServiceName", json!("a b")),
            "InvalidInput",
        ),
        (
            "a service's name may be a lone dot",
            Operation::DiscoverInstances,
            discover("ServiceName", json!(".")),
            "none",
        ),
        (
            "a label ends in a hyphen",
            Operation::DiscoverInstances,
            discover("ServiceName", json!("a-.b")),
            "InvalidInput",
        ),
        (
            "a list is a map",
            Operation::ListServices,
            json!({"Filters": {}}),
            "SerializationException",
        ),
        ("a page is too long", Operation::ListServices, json!({"MaxResults": 101}), "InvalidInput"),
        (
            "a filter is unknown",
            Operation::ListServices,
            json!({"Filters": [{"Name": "NAME", "Values": ["a"]}]}),
            "InvalidInput",
        ),
        (
            "a filter has two values",
            Operation::ListServices,
            json!({"Filters": [{"Name": "NAMESPACE_ID", "Values": ["a", "b"]}]}),
            "InvalidInput",
        ),
        (
            "a token is nobody's",
            Operation::ListServices,
            json!({"NextToken": "4c"}),
            "InvalidInput",
        ),
        ("the body is no structure", Operation::ListServices, json!([]), "SerializationException"),
        ("an id is unknown", Operation::GetService, json!({"Id": "srv-none"}), "ServiceNotFound"),
        (
            "tags go by ARN",
            Operation::ListTagsForResource,
            json!({"ResourceARN": "srv-none"}),
            "ResourceNotFoundException",
        ),
    ];
    for (name, operation, request, expected) in cases {
        assert_eq!(client.refusal(operation, &request)?, expected, "{name}");
    }
    Ok(())
}

#[test]
fn what_is_no_json_and_what_is_no_operation_is_refused() -> Tested {
    let stand_in = StandIn::start()?;
    let mut client = Client::of(&stand_in)?;
    let answer = client.ask("ListServices", "{")?;
    assert_eq!((answer.status, answer.text.contains("SerializationException")), (400, true));
    let answer = client.ask("ListClusters", "{}")?;
    assert_eq!((answer.status, answer.text.contains("UnknownOperationException")), (400, true));
    assert_eq!((stand_in.total_calls(), stand_in.unknown_calls()), (2, 1));
    Ok(())
}

#[test]
fn an_unsigned_call_is_refused_and_a_signed_one_leaves_its_access_key() -> Tested {
    let stand_in = StandIn::start()?;
    let refusal = Client::of(&stand_in)?.unsigned().refusal(Operation::ListServices, &json!({}))?;
    assert_eq!(refusal, "MissingAuthenticationTokenException");
    assert!(stand_in.access_keys().is_empty());
    Client::of(&stand_in)?.call(Operation::ListServices, &json!({}))?;
    assert_eq!(stand_in.access_keys(), ["AKIDTEST"]);
    Ok(())
}
