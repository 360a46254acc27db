//! STS: what the SDK's own provider makes of its answers.

use std::time::{Duration, SystemTime};

use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::attributes::AccountId;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_servicediscovery::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_servicediscovery::error::ProvideErrorMetadata;
use istio_cloud_map_tests::cloud_map::{
    AssumeRole, ErrorKind, FakeCloudMap, Operation, Outcome, Role,
};

use crate::{Tested, client, client_with};

const READER: &str = "arn:aws:iam::444455556666:role/reader";

async fn assume(fake: &FakeCloudMap, role: &str, id: &str) -> Result<Credentials, String> {
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("eu-north-1"))
        .endpoint_url(fake.url())
        .credentials_provider(Credentials::new("AKIDSDK", "secret", None, None, "test"))
        .load()
        .await;
    let role = AssumeRoleProvider::builder(role).session_name("a-session").external_id(id);
    let provider = role.configure(&sdk).build().await;
    provider.provide_credentials().await.map_err(|error| format!("{error:?}"))
}

fn fake_with_role(role: Role) -> std::io::Result<FakeCloudMap> {
    let fake = FakeCloudMap::start()?;
    fake.sts(|sts| sts.add_role(READER, role));
    Ok(fake)
}

#[tokio::test]
async fn credentials_of_a_role_are_of_its_account_and_others_of_the_caller_s() -> Tested {
    let fake = fake_with_role(Role::default())?;
    fake.world(|world| world.http_namespace("ours"));
    fake.world_of("444455556666", |world| world.http_namespace("theirs"));
    let credentials = assume(&fake, READER, "an id").await?;
    assert_eq!(credentials.account_id().map(AccountId::as_str), Some("444455556666"));
    let lasts = credentials.expiry().ok_or("no expiry")?.duration_since(SystemTime::now())?;
    assert!((3590..=3600).contains(&lasts.as_secs()), "{lasts:?}");
    let theirs = client_with(&fake, 1, credentials).list_namespaces().send().await?;
    let ours = client(&fake).list_namespaces().send().await?;
    for (listed, name, account) in
        [(theirs, "theirs", "444455556666"), (ours, "ours", "111122223333")]
    {
        let found: Vec<_> = listed
            .namespaces()
            .iter()
            .map(|namespace| (namespace.name(), namespace.resource_owner()))
            .collect();
        assert_eq!(found, [(Some(name), Some(account))]);
    }
    let expected = AssumeRole {
        role_arn: READER.to_owned(),
        session_name: "a-session".to_owned(),
        external_id: Some("an id".to_owned()),
        access_key: "AKIDSDK".to_owned(),
        region: "eu-north-1".to_owned(),
        granted: true,
    };
    assert_eq!(fake.sts(|sts| sts.calls().to_vec()), [expected]);
    Ok(())
}

#[tokio::test]
async fn a_role_is_denied_by_its_switch_and_its_external_id_and_where_there_is_none() -> Tested {
    let fake = fake_with_role(Role::default().with_external_id("right"))?;
    let denied = async |role: &str, id: &str| {
        let error = assume(&fake, role, id).await.err();
        error.is_some_and(|error| error.contains("AccessDenied"))
    };
    assert!(!denied(READER, "right").await);
    assert!(denied(READER, "wrong").await);
    assert!(denied("arn:aws:iam::444455556666:role/none", "right").await);
    fake.sts(|sts| sts.deny(READER, true));
    assert!(denied(READER, "right").await);
    fake.sts(|sts| sts.deny(READER, false));
    assert!(!denied(READER, "right").await);
    Ok(())
}

#[tokio::test]
async fn expired_credentials_are_refused() -> Tested {
    let fake = fake_with_role(Role::default().lasting(Duration::ZERO))?;
    let credentials = assume(&fake, READER, "an id").await?;
    let listed = client_with(&fake, 1, credentials).list_namespaces().send().await;
    assert_eq!(listed.err().ok_or("answered")?.code(), Some("ExpiredTokenException"));
    let refused = Outcome::Refused(ErrorKind::ExpiredToken);
    assert_eq!(fake.calls_ended(Operation::ListNamespaces, refused), 1);
    Ok(())
}
