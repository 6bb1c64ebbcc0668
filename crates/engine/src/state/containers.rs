//! Containers: which one a thread runs in, and what is known of each.
//!
//! In: control groups of threads with the declared path patterns, and container events.
//! Out: [`Container`]. Next: `extract`.
//! Source: container events of the scap format; path patterns of the plan.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::text::{Text, TextList};
use super::threads::Thread;
use crate::error::{Error, Result};
use crate::plan::{CgroupRow, ContainerRows};

/// Greatest number of containers kept.
const MAX_CONTAINERS: usize = 16_384;

/// Greatest number of containers that wait to be asked about.
const MAX_NEW: usize = 1024;

/// Longest container event that is read.
const MAX_JSON_BYTES: usize = 1 << 20;

/// Greatest number of different control group lists kept.
const MAX_LISTS: usize = 65_536;

/// What is known of where a thread's container comes from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Lookup {
    /// Only the id is known: nothing has told more yet.
    #[default]
    IdOnly,
    /// Name and image are known.
    Found,
    /// The runtime could not tell: why.
    Failed(String),
}

/// A directory or file mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// Path on the host.
    #[serde(rename = "Source", deserialize_with = "or_default")]
    pub source: String,
    /// Path in the container.
    #[serde(rename = "Destination", deserialize_with = "or_default")]
    pub dest: String,
    /// Mode.
    #[serde(rename = "Mode", deserialize_with = "or_default")]
    pub mode: String,
    /// Whether it may be written.
    #[serde(rename = "RDWR", alias = "RW", deserialize_with = "or_default")]
    pub rdwr: bool,
    /// Propagation.
    #[serde(rename = "Propagation", deserialize_with = "or_default")]
    pub propagation: String,
}

/// One container, in the words of container events.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// First twelve characters of the id; all of a shorter name.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Complete id.
    #[serde(deserialize_with = "or_default")]
    pub full_id: String,
    /// Number of the runtime.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub type_number: u32,
    /// Name of the runtime; empty for a number that is not known.
    #[serde(skip)]
    pub runtime: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Image with tag.
    #[serde(deserialize_with = "or_default")]
    pub image: String,
    /// Image id.
    #[serde(rename = "imageid", deserialize_with = "or_default")]
    pub image_id: String,
    /// Image without tag.
    #[serde(rename = "imagerepo", deserialize_with = "or_default")]
    pub image_repo: String,
    /// Tag.
    #[serde(rename = "imagetag", deserialize_with = "or_default")]
    pub image_tag: String,
    /// Digest.
    #[serde(rename = "imagedigest", deserialize_with = "or_default")]
    pub image_digest: String,
    /// Whether it has all privileges.
    pub privileged: Option<bool>,
    /// Shares the host's pid namespace.
    pub host_pid: Option<bool>,
    /// Shares the host's network namespace.
    pub host_network: Option<bool>,
    /// Shares the host's IPC namespace.
    pub host_ipc: Option<bool>,
    /// Address.
    #[serde(deserialize_with = "or_default")]
    pub ip: String,
    /// Result of the network plugin, JSON text.
    #[serde(deserialize_with = "or_default")]
    pub cni_json: String,
    /// Labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Mounts.
    #[serde(rename = "Mounts", deserialize_with = "or_default")]
    pub mounts: Vec<Mount>,
    /// Time of creation, seconds since the epoch; 0 when unknown.
    #[serde(rename = "created_time", deserialize_with = "or_default")]
    pub created_s: i64,
    /// Whether it only holds the namespaces of a pod.
    #[serde(deserialize_with = "or_default")]
    pub is_pod_sandbox: bool,
    /// Complete id of the container that holds the pod's namespaces.
    #[serde(deserialize_with = "or_default")]
    pub pod_sandbox_id: String,
    /// Labels of the pod.
    #[serde(deserialize_with = "or_default")]
    pub pod_sandbox_labels: BTreeMap<String, String>,
    /// Uid of the pod that the control group names; empty outside pods.
    #[serde(skip)]
    pub pod_uid: String,
    /// Why the runtime told nothing.
    #[serde(deserialize_with = "or_default")]
    lookup_error: String,
    /// How much is known.
    #[serde(skip)]
    pub lookup: Lookup,
}

/// JSON null where a value may be missing.
fn or_default<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Container {
    /// A label of the container, or of its pod when the container has none of that name.
    pub fn label(&self, key: &str) -> Option<&str> {
        let own = self.labels.get(key);
        own.or_else(|| self.pod_sandbox_labels.get(key)).map(String::as_str)
    }

    /// Reads a container event: the object itself, or under the key "container".
    fn parse(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wrapped {
            container: Container,
        }
        if json.len() > MAX_JSON_BYTES {
            return None;
        }
        let wrapped = serde_json::from_slice(json).map(|w: Wrapped| w.container);
        let container = wrapped.or_else(|_| serde_json::from_slice::<Container>(json)).ok()?;
        (!container.id.is_empty()).then(|| container.completed())
    }

    /// Fills what older events leave to be derived.
    fn completed(mut self) -> Self {
        if self.full_id.is_empty() {
            self.full_id.clone_from(&self.id);
        }
        if self.image_repo.is_empty() {
            let (repo, tag) = split_image(&self.image);
            (self.image_repo, self.image_tag) = (repo.into(), tag.into());
        }
        self.lookup = match std::mem::take(&mut self.lookup_error) {
            why if !why.is_empty() => Lookup::Failed(why),
            _ if self.name.is_empty() && self.image.is_empty() => Lookup::IdOnly,
            _ => Lookup::Found,
        };
        self
    }
}

/// Image name and tag; the colon of a registry's port is none of a tag.
fn split_image(image: &str) -> (&str, &str) {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        Some((repo, tag)) if !tag.contains('/') => (repo, tag),
        _ => (image, ""),
    }
}

/// Containers by short id.
#[derive(Clone, Debug, Default)]
pub struct ContainerTable {
    by_id: FxHashMap<Box<[u8]>, Container>,
    runtimes: Vec<(u32, String)>,
    refused: u64,
    /// Ids of containers that nobody has asked about.
    new: Vec<Box<[u8]>>,
}

impl ContainerTable {
    /// An empty table that knows the declared runtimes.
    pub(super) fn new(rows: &ContainerRows) -> Self {
        ContainerTable { runtimes: rows.runtimes.clone(), ..ContainerTable::default() }
    }

    /// The same without containers.
    pub(super) fn emptied(&self) -> Self {
        ContainerTable { runtimes: self.runtimes.clone(), ..ContainerTable::default() }
    }

    /// The container with the short id `id`.
    pub fn get(&self, id: &[u8]) -> Option<&Container> {
        self.by_id.get(id)
    }

    /// All containers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Container> {
        self.by_id.values()
    }

    /// How many had no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Complete ids and runtimes of the containers met since the last call of which only the id
    /// is known.
    pub(crate) fn take_new(&mut self) -> Vec<(String, String)> {
        let new = std::mem::take(&mut self.new);
        let met = new.iter().filter_map(|id| self.by_id.get(id));
        met.filter(|c| c.lookup == Lookup::IdOnly)
            .map(|c| (c.full_id.clone(), c.runtime.clone()))
            .collect()
    }

    /// Takes what a container event tells; text that is none is passed over.
    pub(super) fn describe(&mut self, json: &[u8]) {
        let Some(mut container) = Container::parse(json) else { return };
        let runtime = self.runtimes.iter().find(|(n, _)| *n == container.type_number);
        container.runtime = runtime.map(|(_, name)| name.clone()).unwrap_or_default();
        if let Some(known) = self.by_id.get_mut(container.id.as_bytes()) {
            container.pod_uid.clone_from(&known.pod_uid);
            if container.full_id.len() < known.full_id.len() {
                container.full_id.clone_from(&known.full_id);
            }
            *known = container;
        } else {
            self.add(container);
        }
    }

    fn add(&mut self, container: Container) {
        if self.by_id.len() < MAX_CONTAINERS {
            self.by_id.insert(container.id.as_bytes().into(), container);
        } else {
            self.refused += 1;
        }
    }

    /// Notes a container that a control group names.
    fn meet(&mut self, found: &Found<'_>) {
        let id = short_id(&found.id);
        if self.by_id.contains_key(id.as_bytes()) {
            return;
        }
        if self.new.len() < MAX_NEW {
            self.new.push(id.as_bytes().into());
        }
        let number = self.runtimes.iter().find(|(_, name)| *name == found.pattern.runtime);
        self.add(Container {
            id: id.into(),
            full_id: found.id.clone(),
            type_number: number.map_or(0, |(n, _)| *n),
            runtime: found.pattern.runtime.clone(),
            pod_uid: found.pod_uid.clone(),
            ..Container::default()
        });
    }
}

/// The part of a hexadecimal id that users see; names are shown whole.
fn short_id(id: &str) -> &str {
    const SHORT_ID_CHARS: usize = 12;
    if id.len() > SHORT_ID_CHARS && is_hex(id) {
        &id[..SHORT_ID_CHARS]
    } else {
        id
    }
}

fn is_hex(id: &str) -> bool {
    id.bytes().all(|b| b.is_ascii_hexdigit())
}

/// How an id looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdForm {
    Hex64,
    Hex,
    Name,
}

/// The parent of patterns that want a Kubernetes pod before the container.
const POD: &str = "<pod>";

/// A declared form of control group path.
#[derive(Clone, Debug)]
struct Pattern {
    runtime: String,
    prefix: String,
    suffix: String,
    form: IdForm,
    parent: String,
}

impl Pattern {
    fn new(row: &CgroupRow) -> Result<Self> {
        let (runtime, prefix, suffix, form, parent) = row.clone();
        let form = match form.as_str() {
            "hex64" => IdForm::Hex64,
            "hex" => IdForm::Hex,
            "name" => IdForm::Name,
            _ => return Err(Error::Plan(format!("unknown form of container ids {form:?}"))),
        };
        Ok(Pattern { runtime, prefix, suffix, form, parent })
    }

    /// The id in `component`, when the pattern fits.
    fn id<'a>(&self, component: &'a str, before: &str) -> Option<&'a str> {
        let id = component.strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?;
        let parent_fits = match self.parent.as_str() {
            "" => true,
            POD => is_pod_component(before),
            parent => before == parent,
        };
        let fits = match self.form {
            IdForm::Hex64 => id.len() == 64 && is_hex(id),
            IdForm::Hex => (12..=64).contains(&id.len()) && is_hex(id),
            IdForm::Name => !id.is_empty(),
        };
        (parent_fits && fits).then_some(id)
    }
}

/// What a control group path names.
struct Found<'a> {
    pattern: &'a Pattern,
    id: String,
    pod_uid: String,
}

fn find<'a>(patterns: &'a [Pattern], path: &str) -> Option<Found<'a>> {
    let components: Vec<&str> = path.split(['/', ':']).filter(|c| !c.is_empty()).collect();
    for at in (0..components.len()).rev() {
        let before = at.checked_sub(1).and_then(|i| components.get(i)).copied().unwrap_or("");
        let component = components.get(at).copied().unwrap_or("");
        for pattern in patterns {
            if let Some(id) = pattern.id(component, before) {
                let pod = components.iter().rev().find(|c| is_pod_component(c));
                let pod_uid = pod.map(|c| pod_uid(c)).unwrap_or_default();
                let found = Found { pattern, id: unescape(id), pod_uid };
                // A pattern without a runtime says that this is no container.
                return (!pattern.runtime.is_empty()).then_some(found);
            }
        }
    }
    None
}

/// A unit name with its escapes `\x2d` undone.
fn unescape(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(u8::is_ascii_graphic) {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(&part[2..]);
            }
            None => {
                out.push_str("\\x");
                out.push_str(part);
            }
        }
    }
    out
}

/// Whether it is `podUID` or a slice `kubepods-…-podUID.slice`.
fn is_pod_component(component: &str) -> bool {
    let uid = pod_uid(component);
    uid.len() >= 32 && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// The uid of a pod; slices write its dashes as underscores.
fn pod_uid(component: &str) -> String {
    let name = component.strip_suffix(".slice").unwrap_or(component);
    let last = name.rsplit_once("-pod").map_or(name.strip_prefix("pod"), |(_, uid)| Some(uid));
    last.unwrap_or("").replace('_', "-")
}

/// Lists of control groups, and the container that each names.
#[derive(Debug, Default)]
pub(super) struct Cgroups {
    patterns: Vec<Pattern>,
    known: FxHashMap<Box<[u8]>, (TextList, Text)>,
}

impl Cgroups {
    /// Checks and takes the declared patterns.
    pub fn new(rows: &ContainerRows) -> Result<Self> {
        let patterns = rows.patterns.iter().map(Pattern::new).collect::<Result<_>>()?;
        Ok(Cgroups { patterns, known: FxHashMap::default() })
    }

    /// The same without what was learned.
    pub fn emptied(self) -> Self {
        Cgroups { known: FxHashMap::default(), ..self }
    }

    /// Gives `thread` the control groups of an event or record, NUL-terminated each.
    pub fn give(&mut self, thread: &mut Thread, bytes: &[u8], containers: &mut ContainerTable) {
        if let Some((list, id)) = self.known.get(bytes) {
            (thread.cgroups, thread.container_id) = (list.clone(), id.clone());
            return;
        }
        let list: TextList = super::text::split_nul(bytes).map(Text::from).collect();
        let id = self.container_of(&list, containers);
        if self.known.len() >= MAX_LISTS {
            self.known.clear();
        }
        (thread.cgroups, thread.container_id) = (list.clone(), id.clone());
        self.known.insert(bytes.into(), (list, id));
    }

    /// Finds the container of a thread whose control groups are already split.
    pub fn recognise(&self, thread: &mut Thread, containers: &mut ContainerTable) {
        thread.container_id = self.container_of(&thread.cgroups, containers);
    }

    /// Short id of the container that the control groups name; empty for the host.
    fn container_of(&self, list: &[Text], containers: &mut ContainerTable) -> Text {
        match list.iter().find_map(|entry| self.container_in(entry)) {
            Some(found) => {
                containers.meet(&found);
                short_id(&found.id).as_bytes().into()
            }
            None => Text::from([]),
        }
    }

    /// What an entry `subsystem=path` names.
    fn container_in<'a>(&'a self, entry: &[u8]) -> Option<Found<'a>> {
        let (_, path) = std::str::from_utf8(entry).ok()?.split_once('=')?;
        find(&self.patterns, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "32a1026ccb88a551e2a38eb8f260b4700aefec7e8c007344057e58a9fa302374";

    #[test]
    fn events_are_read_with_and_without_a_wrapper() {
        let json = br#"{"container":{"id":"32a1026ccb88","name":"web1","type":0,"labels":null,
            "image":"registry:5000/nginx:1.27","Mounts":[{"Source":"/a","RW":true}],"new":[1]}}"#;
        let container = Container::parse(json).unwrap();
        assert_eq!((&*container.name, container.lookup), ("web1", Lookup::Found));
        assert_eq!(
            (&*container.image_repo, &*container.image_tag),
            ("registry:5000/nginx", "1.27")
        );
        assert!(container.mounts[0].rdwr);
        let bare = Container::parse(br#"{"id":"a","type":1,"name":"n","image":"i"}"#).unwrap();
        assert_eq!(bare.full_id, "a");
    }

    #[test]
    fn a_failed_lookup_keeps_its_reason() {
        let json = br#"{"container":{"id":"a","lookup_error":"no socket"}}"#;
        assert_eq!(Container::parse(json).unwrap().lookup, Lookup::Failed("no socket".into()));
    }

    #[test]
    fn text_that_is_no_container_is_passed_over() {
        for json in [&b"{}"[..], b"[", b"", b"{\"container\":{}}", b"{\"id\":7}"] {
            assert_eq!(Container::parse(json), None);
        }
        assert_eq!(Container::parse(&vec![b' '; MAX_JSON_BYTES + 1]), None);
    }

    #[test]
    fn a_description_keeps_what_the_control_group_told() {
        let mut table = ContainerTable::default();
        table.add(Container {
            id: "32a1026ccb88".into(),
            full_id: ID.into(),
            pod_uid: "u".into(),
            ..Container::default()
        });
        table.describe(br#"{"container":{"id":"32a1026ccb88","name":"web1"}}"#);
        let known = table.get(b"32a1026ccb88").unwrap();
        assert_eq!((&*known.full_id, &*known.pod_uid, &*known.name), (ID, "u", "web1"));
    }

    #[test]
    fn images_are_split_at_the_colon_of_the_tag_only() {
        assert_eq!(split_image("nginx"), ("nginx", ""));
        assert_eq!(split_image("localhost:5000/nginx"), ("localhost:5000/nginx", ""));
        assert_eq!(split_image("a/b:1@sha256:00"), ("a/b", "1"));
    }

    #[test]
    fn escapes_of_unit_names_are_undone() {
        assert_eq!(unescape("my\\x2dbox"), "my-box");
        assert_eq!(unescape("odd\\x"), "odd\\x");
        assert_eq!(unescape("odd\\xé"), "odd\\xé");
    }
}
