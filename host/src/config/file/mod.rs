//! The configuration file: YAML with a key for each flag, `sources` and `translation`.
//!
//! The keys of flags are those of the command line's own definition, in camel case, and their values
//! are checked by its parsers: the file then replaces the flags' defaults, so that a flag or its
//! environment variable takes precedence.

mod problem;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use clap::Command;
use istio_cloud_map_core::translate::Options;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use self::problem::{Explain, nearest};
use crate::cli::streams;
use crate::yaml::Document;

pub use problem::{Problem, Problems};
pub use source::SourceEntry;

/// The commands that take the file.
const COMMANDS: [&str; 5] = ["serve", "plan", "explain", "snapshot", "doctor"];
const SOURCES: &str = "sources";
const TRANSLATION: &str = "translation";
/// A line of its own, so that the rest of the file has a token.
const CONFIRM_RELOAD: &str = "confirmReload";
/// What the file says in another way.
const NOT_IN_FILE: [&str; 4] = ["config", "set", "help", "version"];
/// Options of the translation that are flags, and so keys of the file itself.
const FLAGS_OF_TRANSLATION: [(&str, &str); 3] =
    [("owner", "id"), ("apiVersion", "apiVersion"), ("targetNamespace", "namespace")];

/// What a file says.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// The sources; none, if the flags say what is read.
    pub sources: Vec<SourceEntry>,
    /// The options of the translation.
    pub translation: Options,
    /// Confirms the rest of the file, where it changes many entries at once.
    pub confirm_reload: Option<String>,
    /// What confirms the rest of the file.
    pub token: String,
    /// Flags by their ids, with their values.
    flags: Vec<(String, String)>,
}

impl File {
    /// Reads and checks a file. `flags` are the flags that it may set.
    ///
    /// # Errors
    /// All that is wrong with it, as far as it can be read.
    pub fn read(path: &Path, flags: &[clap::Arg]) -> Result<Self, Problems> {
        let problems = |problems| Problems { file: path.display().to_string(), problems };
        let text = streams::read(path).and_then(|bytes| Ok(String::from_utf8(bytes)?));
        let text = text.map_err(|error| {
            problems(vec![Problem { line: None, message: format!("{error:#}") }])
        })?;
        Self::parse(&text, flags).map_err(problems)
    }

    fn parse(text: &str, flags: &[clap::Arg]) -> Result<Self, Vec<Problem>> {
        let explain = Explain { text, root: root_keys(flags) };
        let raw = match serde_saphyr::from_str::<Option<Raw>>(text) {
            Ok(raw) => raw.unwrap_or_default(),
            Err(error) => return Err(vec![explain.problem(&error)]),
        };
        let mut problems = Vec::new();
        let mut file = Self {
            translation: raw.translation,
            confirm_reload: raw.confirm_reload,
            token: token(text),
            ..Self::default()
        };
        for (key, value) in raw.flags {
            let line = Some(key.referenced.line());
            match flag(&key.value, &value.value, flags, &explain) {
                Ok(Some(flag)) => file.flags.push(flag),
                Ok(None) => {}
                Err(message) => problems.push(Problem { line, message }),
            }
        }
        if !raw.sources.is_empty() && file.flags.iter().any(|(id, _)| id == "from") {
            let message = "`from` and `sources` can't both be set; expected a source of `sources` with `file: PATH`";
            problems.push(Problem { line: None, message: message.to_owned() });
        }
        problems.extend(source::problems(&raw.sources));
        problems.extend(flags_of_translation(&file.translation));
        file.sources = raw.sources.into_iter().map(|source| source.value).collect();
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }

    /// The definition of the command line with what the file says as defaults.
    pub fn defaults(&self, mut definition: Command) -> Command {
        let global: Vec<String> =
            definition.get_arguments().map(|arg| arg.get_id().to_string()).collect();
        for (id, value) in self.flags.clone() {
            definition = if global.contains(&id) {
                definition.mut_arg(id, |arg| arg.default_value(value))
            } else {
                // What `doctor` prints is its own.
                let commands = if id == "output" { &COMMANDS[..1] } else { &COMMANDS[..] };
                commands.iter().fold(definition, |definition, command| {
                    definition.mut_subcommand(command, |command| {
                        command.mut_arg(&id, |arg| arg.default_value(value.clone()))
                    })
                })
            };
        }
        definition
    }
}

/// What stands for the content of a file, but for its confirmation.
fn token(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    for line in text.lines().filter(|line| !line.starts_with(CONFIRM_RELOAD)) {
        line.trim_end().hash(&mut hasher);
    }
    // A letter first, so that YAML does not read a number.
    format!("r{:08x}", hasher.finish() & 0xffff_ffff)
}

/// The flags that a file may set: those of `serve` and of every command.
pub fn flags(definition: &Command) -> Vec<clap::Arg> {
    let serve = definition.find_subcommand("serve");
    definition
        .get_arguments()
        .chain(serve.into_iter().flat_map(Command::get_arguments))
        .filter(|arg| arg.get_long().is_some_and(|long| !NOT_IN_FILE.contains(&long)))
        .cloned()
        .collect()
}

/// The key of a flag: `--max-delete-percent` is `maxDeletePercent`.
pub fn key_of(arg: &clap::Arg) -> String {
    let mut words = arg.get_long().unwrap_or_default().split('-');
    let mut key = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        key.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        key.push_str(letters.as_str());
    }
    key
}

fn root_keys(flags: &[clap::Arg]) -> Vec<String> {
    let own = [SOURCES, TRANSLATION, CONFIRM_RELOAD].map(str::to_owned);
    flags.iter().map(key_of).chain(own).collect()
}

/// A flag's id and its value. None, if the file leaves it open.
fn flag(
    key: &str,
    value: &Document,
    flags: &[clap::Arg],
    explain: &Explain<'_>,
) -> Result<Option<(String, String)>, String> {
    let Some(arg) = flags.iter().find(|arg| key_of(arg) == key) else {
        return Err(explain.unknown_key(key));
    };
    let is_switch = !arg.get_action().takes_values();
    let value = match value {
        Document::Null => return Ok(None),
        Document::Bool(value) => value.to_string(),
        _ if is_switch => return Err(format!("`{key}`: expected true or false")),
        Document::Number(value) => value.to_string(),
        Document::String(value) => value.clone(),
        Document::List(_) | Document::Map(_) => {
            return Err(format!("`{key}`: expected one value, not a list or a map"));
        }
    };
    if !is_switch {
        check(arg, &value).map_err(|expected| format!("`{key}`: `{value}`: {expected}"))?;
    }
    Ok(Some((arg.get_id().to_string(), value)))
}

/// Whether the command line takes this value of a flag.
fn check(arg: &clap::Arg, value: &str) -> Result<(), String> {
    let long = arg.get_long().unwrap_or_default();
    let alone = Command::new("file").no_binary_name(true).arg(arg.clone().env(None).global(false));
    let Err(error) = alone.try_get_matches_from([format!("--{long}={value}")]) else {
        return Ok(());
    };
    if let Some(source) = std::error::Error::source(&error) {
        return Err(source.to_string());
    }
    let names: Vec<String> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let hint = nearest(value, names.iter().map(String::as_str));
    Err(format!("expected {}{hint}", names.join(", ")))
}

/// An option that a flag decides has no place beside the other options.
fn flags_of_translation(options: &Options) -> impl Iterator<Item = Problem> {
    let default = Options::default();
    let is_set = [
        options.owner != default.owner,
        options.api_version != default.api_version,
        options.target_namespace != default.target_namespace,
    ];
    FLAGS_OF_TRANSLATION.into_iter().zip(is_set).filter(|(_, is_set)| *is_set).map(
        |((option, key), _)| Problem {
            line: None,
            message: format!(
                "`{option}` can't be set in `{TRANSLATION}`; set `{key}` at the top of the file"
            ),
        },
    )
}

/// The file as it is written.
#[derive(Debug, Default)]
struct Raw {
    sources: Vec<Spanned<SourceEntry>>,
    translation: Options,
    confirm_reload: Option<String>,
    flags: Vec<(Spanned<String>, Spanned<Document>)>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map such as `interval: 5s`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut raw = Raw::default();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            match key.value.as_str() {
                SOURCES => raw.sources = map.next_value::<Option<_>>()?.unwrap_or_default(),
                TRANSLATION => raw.translation = map.next_value::<Option<_>>()?.unwrap_or_default(),
                CONFIRM_RELOAD => raw.confirm_reload = map.next_value()?,
                _ => raw.flags.push((key, map.next_value()?)),
            }
        }
        Ok(raw)
    }
}
