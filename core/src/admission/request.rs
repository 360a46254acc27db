//! What is asked: Kubernetes' `AdmissionRequest`, as far as it decides something.

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

/// A request that is understood.
#[derive(Debug)]
pub(super) enum Request<'a> {
    /// None of ours, and why.
    Exempt(&'static str),
    /// Someone makes, changes or deletes a `ServiceEntry`.
    Write(Write<'a>),
}

/// A write, and who does it.
#[derive(Debug)]
pub(super) struct Write<'a> {
    /// Nobody, where the request does not say.
    pub(super) user: Option<User>,
    pub(super) change: Change<'a>,
}

/// Who does it, as the API server knows them; with impersonation, the user that is impersonated.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

/// What becomes of what.
#[derive(Debug)]
pub(super) enum Change<'a> {
    Create { new: Object<'a> },
    Update { old: Object<'a>, new: Object<'a> },
    Delete { old: Object<'a> },
}

impl<'a> Change<'a> {
    /// What will be stored.
    pub(super) const fn new_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Create { new } | Self::Update { new, .. } => Some(new),
            Self::Delete { .. } => None,
        }
    }

    /// Whether all that it does is to take finalizers from an entry that is being deleted already:
    /// the last step of a deletion, made by whoever set the finalizer, such as the garbage
    /// collector.
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

    /// What is stored.
    pub(super) const fn old_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Update { old, .. } | Self::Delete { old } => Some(old),
            Self::Create { .. } => None,
        }
    }
}

/// None, where they are no list.
fn finalizers(entry: &Value) -> Option<&[Value]> {
    match entry.pointer("/metadata/finalizers") {
        None | Some(Value::Null) => Some(&[]),
        Some(finalizers) => finalizers.as_array().map(Vec::as_slice),
    }
}

/// An entry without its finalizers, and without what the API server changes with every write.
fn without_bookkeeping(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(Value::Object(metadata)) = entry.get_mut("metadata") {
        for key in ["finalizers", "managedFields", "resourceVersion", "generation"] {
            metadata.remove(key);
        }
    }
    entry
}

/// A `ServiceEntry`, of anyone: as text, of which what is not touched is kept as it stands, and as
/// a JSON object.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) json: &'a str,
    pub(super) value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    kind: GroupVersionKind,
    /// What it was before the API server converted it to `kind`, which is what a webhook's rules
    /// ask for.
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

    /// A list of whatever: no API server sends one here, and so what it holds is not looked into.
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
    /// Reads a request, or says what of it is not understood.
    pub(super) fn read(json: &'a str) -> Result<Self, String> {
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
            // The API server keeps the stored spec there, and roles say who may write to it.
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
    /// By any of the names that a request has for what it is about: a conversion, or a kind that
    /// does not go with its resource, is no way round.
    fn is_about_service_entries(&self) -> bool {
        let kinds = [Some(&self.kind), self.request_kind.as_ref()];
        let resources = [self.resource.as_ref(), self.request_resource.as_ref()];
        kinds.into_iter().flatten().any(GroupVersionKind::is_service_entry)
            || resources.into_iter().flatten().any(GroupResource::is_service_entry)
    }

    fn change(&self) -> Result<Change<'a>, String> {
        let new = || Object::read("object", self.object);
        let old = || Object::read("oldObject", self.old_object);
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
    /// An empty name is nobody's.
    fn user(self) -> Option<User> {
        let name = self.username.filter(|name| !name.is_empty())?;
        Some(User { name, groups: self.groups.unwrap_or_default() })
    }
}

impl<'a> Object<'a> {
    fn read(field: &str, raw: Option<&'a RawValue>) -> Result<Self, String> {
        let json = raw.ok_or_else(|| format!("the request: {field}: it is missing"))?.get();
        match serde_json::from_str(json) {
            Ok(value @ Value::Object(_)) => Ok(Self { json, value }),
            Ok(_) => Err(format!("the request: {field}: it is no object")),
            Err(error) => Err(format!("the request: {field}: {error}")),
        }
    }
}
