//! Kubernetes' `AdmissionRequest`: the fields that the policy uses.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::service_entry::annotation::CLOUD_MAP;
use crate::service_entry::validate::Quoted;

const GROUP: &str = "networking.istio.io";
const KIND: &str = "ServiceEntry";
const RESOURCE: &str = "serviceentries";
/// All of them have the same schema.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha3"];

/// A request.
#[derive(Debug)]
pub(super) enum Request<'a> {
    /// The policy does not apply, and why.
    Exempt(&'static str),
    /// A `ServiceEntry` is created, updated or deleted.
    Write(Write<'a>),
}

/// A write and its user.
#[derive(Debug)]
pub(super) struct Write<'a> {
    /// None if the request has no user name.
    pub(super) user: Option<User>,
    pub(super) change: Change<'a>,
}

/// The user, as the API server knows them; the impersonated one, with impersonation.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

/// What is written.
#[derive(Debug)]
pub(super) enum Change<'a> {
    Create { new: Object<'a> },
    Update { old: Object<'a>, new: Object<'a> },
    Delete { old: Object<'a> },
}

impl<'a> Change<'a> {
    /// The object that will be stored.
    pub(super) const fn new_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Create { new } | Self::Update { new, .. } => Some(new),
            Self::Delete { .. } => None,
        }
    }

    /// Whether it only removes finalizers of an entry that is being deleted: the last step of a
    /// deletion, by the controller that set the finalizer, such as the garbage collector.
    pub(super) fn only_finalizes(&self) -> bool {
        let Self::Update { old, new } = self else { return false };
        let is_deleted = |object: &Object<'_>| {
            object.value.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string)
        };
        let (Some(before), Some(after)) = (finalizers(&old.value), finalizers(&new.value)) else {
            return false;
        };
        is_deleted(old)
            && after.len() < before.len()
            && after.iter().all(|finalizer| before.contains(finalizer))
            && without_bookkeeping(&old.value) == without_bookkeeping(&new.value)
    }

    /// The old object of an update that leaves the spec and the Cloud Map JSON as they are.
    pub(super) fn same_content(&self) -> Option<&Object<'a>> {
        let Self::Update { old, new } = self else { return None };
        let content = |object: &Object<'_>| -> [Value; 2] {
            let annotations = object.value.pointer("/metadata/annotations");
            let json = annotations.and_then(|annotations| annotations.get(CLOUD_MAP)).cloned();
            [object.value.get("spec").cloned().unwrap_or_default(), json.unwrap_or_default()]
        };
        (content(old) == content(new)).then_some(old)
    }

    /// The object that is stored now.
    pub(super) const fn old_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Update { old, .. } | Self::Delete { old } => Some(old),
            Self::Create { .. } => None,
        }
    }
}

/// None if they are not a list.
fn finalizers(entry: &Value) -> Option<&[Value]> {
    match entry.pointer("/metadata/finalizers") {
        None | Some(Value::Null) => Some(&[]),
        Some(finalizers) => finalizers.as_array().map(Vec::as_slice),
    }
}

/// An entry without its finalizers, and without the fields that the API server changes on each
/// write.
fn without_bookkeeping(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(Value::Object(metadata)) = entry.get_mut("metadata") {
        for key in ["finalizers", "managedFields", "resourceVersion", "generation"] {
            metadata.remove(key);
        }
    }
    entry
}

/// A `ServiceEntry`, of this project or not: as text, of which unchanged values keep their bytes,
/// and as a JSON object.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) json: &'a str,
    pub(super) value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    kind: GroupVersionKind,
    /// The kind before the API server converted it to `kind`, which a webhook's rules name.
    request_kind: Option<GroupVersionKind>,
    resource: Option<GroupResource>,
    request_resource: Option<GroupResource>,
    sub_resource: Option<String>,
    operation: String,
    user_info: Option<UserInfo>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    old_object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct GroupVersionKind {
    #[serde(default)]
    group: String,
    version: String,
    kind: String,
}

impl GroupVersionKind {
    fn is_service_entry(&self) -> bool {
        self.group == GROUP && [KIND, "ServiceEntryList"].contains(&self.kind.as_str())
    }

    /// A list of any kinds. The API server sends none, so its items are not examined.
    fn is_list(&self) -> bool {
        self.group.is_empty() && self.kind == "List"
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupResource {
    group: String,
    resource: String,
}

impl GroupResource {
    fn is_service_entry(&self) -> bool {
        self.group == GROUP && self.resource == RESOURCE
    }
}

#[derive(Deserialize)]
struct UserInfo {
    username: Option<String>,
    groups: Option<Vec<String>>,
}

impl<'a> Request<'a> {
    /// Parses a request. An error has what can't be understood.
    pub(super) fn parse(json: &'a str) -> Result<Self, String> {
        let wire: Wire<'a> =
            serde_json::from_str(json).map_err(|error| format!("the request: {error}"))?;
        if wire.kind.is_list() {
            return Err("the request: kind: it is a List; expected single objects".to_owned());
        }
        if !wire.is_about_service_entries() {
            return Ok(Self::Exempt("other-kind"));
        }
        match wire.sub_resource.as_deref() {
            None | Some("") => {}
            // The API server keeps the stored spec there, and RBAC limits who may write to it.
            Some("status") => return Ok(Self::Exempt("status")),
            Some(other) => {
                return Err(format!(
                    "the request: a ServiceEntry has no subresource {}",
                    Quoted(other)
                ));
            }
        }
        if wire.kind.group != GROUP
            || wire.kind.kind != KIND
            || !VERSIONS.contains(&wire.kind.version.as_str())
        {
            let GroupVersionKind { group, version, kind } = &wire.kind;
            let found = format!("{group}/{version} {kind}");
            let expected = VERSIONS.join(", ");
            return Err(format!(
                "the request: kind: it is {}, expected {GROUP}/VERSION {KIND} of {expected}",
                Quoted(&found)
            ));
        }
        let change = wire.change()?;
        Ok(Self::Write(Write { user: wire.user_info.and_then(UserInfo::user), change }))
    }
}

impl<'a> Wire<'a> {
    /// By any of the request's kinds and resources: neither a conversion nor a kind that does not
    /// match its resource bypasses the policy.
    fn is_about_service_entries(&self) -> bool {
        let kinds = [Some(&self.kind), self.request_kind.as_ref()];
        let resources = [self.resource.as_ref(), self.request_resource.as_ref()];
        kinds.into_iter().flatten().any(GroupVersionKind::is_service_entry)
            || resources.into_iter().flatten().any(GroupResource::is_service_entry)
    }

    fn change(&self) -> Result<Change<'a>, String> {
        let new = || Object::parse("object", self.object);
        let old = || Object::parse("oldObject", self.old_object);
        match self.operation.as_str() {
            "CREATE" => Ok(Change::Create { new: new()? }),
            "UPDATE" => Ok(Change::Update { old: old()?, new: new()? }),
            "DELETE" => Ok(Change::Delete { old: old()? }),
            other => Err(format!(
                "the request: operation: it is {}, expected CREATE, UPDATE or DELETE",
                Quoted(other)
            )),
        }
    }
}

impl UserInfo {
    /// None if the name is empty.
    fn user(self) -> Option<User> {
        let name = self.username.filter(|name| !name.is_empty())?;
        Some(User { name, groups: self.groups.unwrap_or_default() })
    }
}

impl<'a> Object<'a> {
    fn parse(field: &str, raw: Option<&'a RawValue>) -> Result<Self, String> {
        let json = raw.ok_or_else(|| format!("the request: {field}: it is missing"))?.get();
        match serde_json::from_str(json) {
            Ok(value @ Value::Object(_)) => Ok(Self { json, value }),
            Ok(_) => Err(format!("the request: {field}: it is not an object")),
            Err(error) => Err(format!("the request: {field}: {error}")),
        }
    }
}
