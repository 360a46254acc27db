//! Roles, against the fake Cloud Map and its STS.

use std::time::{Duration, Instant};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_sdk_servicediscovery::config::Region;
use istio_cloud_map_core::operator::{NamespaceOwner, ReadError, ReadFailure};
use istio_cloud_map_tests::cloud_map::{FakeCloudMap, Operation, Outcome, Role};

use crate::source::Source;
use crate::source::aws::role::Role as RoleOfOptions;
use crate::source::aws::{AwsOptions, AwsSource};

pub(super) const READER: &str = "arn:aws:iam::444455556666:role/reader";
const OTHER: &str = "arn:aws:iam::777788889999:role/path/other";

/// A source that reads the fake, with a role or without.
async fn source(fake: &FakeCloudMap, role: Option<&str>, external_id: Option<&str>) -> AwsSource {
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .endpoint_url(fake.url())
        .credentials_provider(Credentials::new("AKIDBASE", "secret-key", None, None, "test"))
        .load()
        .await;
    let options = AwsOptions {
        role_arn: role.map(str::to_owned),
        external_id: external_id.map(str::to_owned),
        // On a busy machine.
        call_timeout: Duration::from_secs(10),
        ..AwsOptions::default()
    };
    let role = RoleOfOptions::from_options(&options).unwrap();
    AwsSource::over(&sdk, "us-west-2".to_owned(), role, &options).await.unwrap()
}

fn fake(roles: impl IntoIterator<Item = (&'static str, Role)>) -> FakeCloudMap {
    let fake = FakeCloudMap::start().unwrap();
    fake.sts(|sts| roles.into_iter().for_each(|(arn, role)| sts.add_role(arn, role)));
    fake
}

async fn namespaces(source: &AwsSource) -> Result<Vec<String>, ReadError> {
    let page = source.namespaces(NamespaceOwner::Own, None).await?;
    Ok(page.items.into_iter().map(|namespace| namespace.name).collect())
}

#[tokio::test]
async fn each_role_reads_the_services_of_its_own_account() {
    let fake = fake([(READER, Role::default()), (OTHER, Role::default())]);
    let add = |account: &str, address: &str| {
        fake.world_of(account, |world| {
            let namespace = world.http_namespace("shop");
            let service = world.service(namespace, "web");
            world.register(service, "i-1", [("AWS_INSTANCE_IPV4", address)]);
        });
    };
    add("444455556666", "10.4.0.1");
    add("777788889999", "10.7.0.1");
    fake.world(|world| world.http_namespace("base"));
    for (role, address, account) in
        [(READER, "10.4.0.1", "444455556666"), (OTHER, "10.7.0.1", "777788889999")]
    {
        let source = source(&fake, Some(role), None).await;
        let shop = source.namespaces(NamespaceOwner::Own, None).await.unwrap().items.remove(0);
        let web = source.services(&shop, None).await.unwrap().items.remove(0);
        let instances = source.instances(&shop, &web).await.unwrap().instances;
        assert_eq!(instances[0].attributes.get("AWS_INSTANCE_IPV4").unwrap(), address);
        assert!(web.arn.unwrap().contains(account), "{role}");
    }
    assert_eq!(namespaces(&source(&fake, None, None).await).await.unwrap(), ["base"]);
}

#[tokio::test]
async fn sts_is_asked_with_the_base_credentials_and_names_the_session_and_the_external_id() {
    let demanding = Role::default().with_external_id("shared secret");
    let fake = fake([(READER, Role::default()), (OTHER, demanding)]);
    for (role, id) in [(READER, None), (OTHER, Some(" shared secret\n")), (READER, Some(""))] {
        let source = source(&fake, Some(role), id).await;
        namespaces(&source).await.unwrap();
        namespaces(&source).await.unwrap();
    }
    let calls = fake.sts(|sts| sts.calls().to_vec());
    let ids: Vec<_> = calls.iter().map(|call| call.external_id.as_deref()).collect();
    assert_eq!(ids, [None, Some("shared secret"), None], "one call each");
    for call in calls {
        let session = (call.session_name.as_str(), call.access_key.as_str(), call.region.as_str());
        assert_eq!(session, ("istio-cloud-map", "AKIDBASE", "us-west-2"));
    }
    assert!(!fake.access_keys().contains(&"AKIDBASE".to_owned()), "{:?}", fake.access_keys());
}

#[tokio::test]
async fn a_denied_role_fails_only_its_own_reads_until_it_is_allowed() {
    let fake = fake([(READER, Role::default()), (OTHER, Role::default())]);
    fake.sts(|sts| sts.deny(READER, true));
    let (denied, other) =
        (source(&fake, Some(READER), None).await, source(&fake, Some(OTHER), None).await);
    let error = namespaces(&denied).await.unwrap_err();
    assert_eq!(error.failure, ReadFailure::Credentials, "{error}");
    for part in [
        "ListNamespaces: no credentials: ",
        READER,
        "AccessDenied: User: ",
        "allow the IAM action sts:AssumeRole",
    ] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
    assert!(namespaces(&other).await.is_ok());
    assert!(namespaces(&denied).await.is_err());
    let calls =
        |role: &str| fake.sts(|sts| sts.calls().iter().filter(|c| c.role_arn == role).count());
    assert_eq!((calls(READER), calls(OTHER)), (1, 1), "not once for each read");
    fake.sts(|sts| sts.deny(READER, false));
    let since = Instant::now();
    while namespaces(&denied).await.is_err() {
        assert!(since.elapsed() < Duration::from_secs(20), "it is not asked again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_wrong_external_id_is_a_denied_role() {
    let fake = fake([(READER, Role::default().with_external_id("right"))]);
    for wrong in [None, Some("wrong")] {
        let error = namespaces(&source(&fake, Some(READER), wrong).await).await.unwrap_err();
        assert!(
            error.message.contains("external id") && !error.message.contains("right"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_sts_that_is_not_there_is_named_with_the_role() {
    let fake = fake([]);
    let source = source(&fake, Some(READER), None).await;
    drop(fake);
    let error = namespaces(&source).await.unwrap_err();
    assert_eq!(error.failure, ReadFailure::Credentials, "{error}");
    assert!(error.message.contains(READER) && error.message.contains("AWS STS"), "{error}");
}

#[tokio::test]
async fn credentials_are_renewed_before_they_expire() {
    // The SDK renews them 5 to 10 seconds before.
    let fake = fake([(READER, Role::default().lasting(Duration::from_secs(11)))]);
    let source = source(&fake, Some(READER), None).await;
    let since = Instant::now();
    while fake.access_keys().len() < 3 {
        namespaces(&source).await.unwrap();
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "{:?}",
            fake.sts(|sts| sts.calls().len())
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let calls = fake.calls(Operation::ListNamespaces);
    assert_eq!(fake.calls_ended(Operation::ListNamespaces, Outcome::Answered), calls);
}
