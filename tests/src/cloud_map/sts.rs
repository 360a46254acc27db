//! AWS STS at the fake's own address: `AssumeRole`, whose credentials are of the role's account, and
//! `GetCallerIdentity`.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use k8s_openapi::jiff::Timestamp;

use super::server::credential;
use super::wire::{ErrorKind, Refusal};
use super::world::ACCOUNT;

/// A role that may be assumed.
#[derive(Debug, Clone)]
pub struct Role {
    external_id: Option<String>,
    lifetime: Duration,
    denied: bool,
}

impl Default for Role {
    fn default() -> Self {
        Self { external_id: None, lifetime: Duration::from_hours(1), denied: false }
    }
}

impl Role {
    /// With a trust policy that demands that external id.
    #[must_use]
    pub fn with_external_id(mut self, id: &str) -> Self {
        self.external_id = Some(id.to_owned());
        self
    }

    /// With credentials that expire so soon, in whole seconds. AWS's shortest is 15 minutes.
    #[must_use]
    pub const fn lasting(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }
}

/// A call of `AssumeRole`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// The role.
    pub role_arn: String,
    /// The name of the session.
    pub session_name: String,
    /// What the trust policy may demand.
    pub external_id: Option<String>,
    /// The access key id that has signed the call.
    pub access_key: String,
    /// The region that the call was signed for.
    pub region: String,
    /// Whether it was answered with credentials.
    pub granted: bool,
}

/// The roles, the credentials that were given out, and the calls.
#[derive(Debug, Default)]
pub struct Sts {
    roles: BTreeMap<String, Role>,
    /// By access key id.
    sessions: BTreeMap<String, Session>,
    calls: Vec<AssumeRole>,
    clock_ahead: Duration,
}

#[derive(Debug)]
struct Session {
    account: String,
    expires: Timestamp,
}

impl Sts {
    /// Adds a role. Its ARN says whose namespaces its credentials read.
    pub fn add_role(&mut self, arn: &str, role: Role) {
        self.roles.insert(arn.to_owned(), role);
    }

    /// Denies a role, or allows it again. Credentials that were given out stay valid.
    pub fn deny(&mut self, arn: &str, denied: bool) {
        if let Some(role) = self.roles.get_mut(arn) {
            role.denied = denied;
        }
    }

    /// Sets the clock that its answers show so far ahead of this machine's.
    pub fn set_clock_ahead(&mut self, by: Duration) {
        self.clock_ahead = by;
    }

    /// The header `Date` of an answer.
    pub(super) fn date(&self) -> String {
        let now = Timestamp::now() + self.clock_ahead;
        now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> &[AssumeRole] {
        &self.calls
    }

    /// The account of an access key: that of its role, or the caller's own.
    pub(super) fn account(&self, access_key: &str) -> Result<String, Refusal> {
        match self.sessions.get(access_key) {
            Some(session) if session.expires <= Timestamp::now() => Err(Refusal::new(
                ErrorKind::ExpiredToken,
                "The security token included in the request is expired",
            )),
            Some(session) => Ok(session.account.clone()),
            None => Ok(ACCOUNT.to_owned()),
        }
    }

    /// The status and the XML for a request.
    pub(super) fn answer(&mut self, headers: &HeaderMap, body: &[u8]) -> (u16, String) {
        let parameters: BTreeMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
        let parameter = |name: &str| parameters.get(name).cloned();
        // Signed by nobody. No role here trusts a token.
        if parameter("Action").as_deref() == Some("AssumeRoleWithWebIdentity") {
            let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
            return refusal(403, "AccessDenied", message);
        }
        let Some((access_key, region)) = credential(headers) else {
            return refusal(403, "MissingAuthenticationToken", "Request is missing its signature");
        };
        match parameter("Action").as_deref() {
            Some("AssumeRole") => {}
            Some("GetCallerIdentity") => return self.caller(access_key),
            _ => {
                let message = "Only AssumeRole and GetCallerIdentity are actions here";
                return refusal(400, "InvalidAction", message);
            }
        }
        let (Some(role_arn), Some(session_name)) =
            (parameter("RoleArn"), parameter("RoleSessionName"))
        else {
            return refusal(400, "ValidationError", "RoleArn and RoleSessionName are required");
        };
        let external_id = parameter("ExternalId");
        let role = self.roles.get(&role_arn).filter(|role| {
            !role.denied
                && role.external_id.as_ref().is_none_or(|id| Some(id) == external_id.as_ref())
        });
        let lifetime = role.map(|role| role.lifetime);
        self.calls.push(AssumeRole {
            role_arn: role_arn.clone(),
            session_name: session_name.clone(),
            external_id,
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            granted: lifetime.is_some(),
        });
        match lifetime {
            Some(lifetime) => (200, self.grant(&role_arn, &session_name, lifetime)),
            // AWS does not tell a role that does not exist from one that may not be assumed.
            None => refusal(
                403,
                "AccessDenied",
                &format!(
                    "User: arn:aws:iam::{ACCOUNT}:user/test is not authorized to perform: \
                     sts:AssumeRole on resource: {role_arn}"
                ),
            ),
        }
    }

    fn caller(&self, access_key: &str) -> (u16, String) {
        let Ok(account) = self.account(access_key) else {
            return refusal(403, "ExpiredToken", "The security token is expired");
        };
        let answer = format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/test</Arn>\
             <UserId>AIDATEST</UserId><Account>{account}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId>\
             </ResponseMetadata></GetCallerIdentityResponse>"
        );
        (200, answer)
    }

    fn grant(&mut self, role_arn: &str, session_name: &str, lifetime: Duration) -> String {
        let number = self.sessions.len() + 1;
        let access_key = format!("ASIA{number:016}");
        let account = role_arn.split(':').nth(4).unwrap_or_default().to_owned();
        let seconds = Timestamp::now().as_second() + lifetime.as_secs().cast_signed();
        let expires = Timestamp::from_second(seconds).unwrap_or_default();
        let assumed = role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
        let answer = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleResult><AssumedRoleUser>\
             <AssumedRoleId>AROATEST:{session}</AssumedRoleId><Arn>{assumed}/{session}</Arn>\
             </AssumedRoleUser><Credentials>\
             <AccessKeyId>{access_key}</AccessKeyId>\
             <SecretAccessKey>secret-{number}</SecretAccessKey>\
             <SessionToken>token-{number}</SessionToken>\
             <Expiration>{expires}</Expiration>\
             </Credentials></AssumeRoleResult>\
             <ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId>\
             </ResponseMetadata></AssumeRoleResponse>",
            session = escaped(session_name),
            assumed = escaped(&assumed),
        );
        self.sessions.insert(access_key, Session { account, expires });
        answer
    }
}

/// Whether a request is to STS: its protocol is a form, which none of Cloud Map's is.
pub(super) fn is_sts(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

fn refusal(status: u16, code: &str, message: &str) -> (u16, String) {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{}</Message></Error>\
         <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>",
        escaped(message)
    );
    (status, body)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
