//! The types of all calls in TypeScript.

use std::collections::BTreeMap;

use schemars::{Schema, schema_for};
use ts_rs::{Config, TS, TypeVisitor};

use super::input::{CloudMapInput, InputNames, PlanInput, Translation};
use super::layout::laid_out;
use super::options;
use crate::api::Explanation;
use crate::operator;
use crate::service_entry::validate::Finding;
use crate::translate::Options;

const HEADER: &str = "\
// The types of istio-cloud-map. Generated from the Rust types: do not edit.
// UPDATE_GOLDEN=1 cargo test -p istio-cloud-map-core --test schema
";

/// One file: what calls take and give, then all that this is made of.
#[must_use]
pub fn typescript() -> String {
    let mut inputs = Calls::default();
    inputs.with::<CloudMapInput>();
    inputs.with::<InputNames>();
    inputs.with_any_of::<Options>(&options::translation_options());
    inputs.with_any_of::<operator::Options>(&schema_for!(operator::Options));
    inputs.with::<PlanInput>();
    let mut outputs = Calls::default();
    outputs.with::<Translation>();
    outputs.with::<Explanation>();
    outputs.with::<Finding>();
    outputs.with::<operator::Plan>();
    inputs.accepting_undefined().and(outputs).file()
}

/// Declarations, each laid out.
#[derive(Default)]
struct Calls {
    config: Config,
    named: Vec<String>,
    parts: Parts,
}

/// By their names: the order in which a type's parts are visited differs from build to build.
#[derive(Default)]
struct Parts(BTreeMap<String, String>);

impl Calls {
    /// A type as it is.
    fn with<T: TS + ?Sized + 'static>(&mut self) {
        self.named.push(T::ident(&self.config));
        self.parts.visit::<T>();
    }

    /// Options: each has a default, so that all may be left out. Editors show it, and what each of
    /// several values means.
    fn with_any_of<T: TS + ?Sized + 'static>(&mut self, schema: &Schema) {
        self.with::<T>();
        if let Some(declaration) = self.parts.0.get_mut(&T::ident(&self.config)) {
            let optional: String = declaration.lines().map(optional).collect();
            *declaration = documented(&optional, schema);
        }
    }

    /// Inputs: a field that may be left out or null may also be `undefined`, as objects of the AWS SDK
    /// have it.
    fn accepting_undefined(mut self) -> Self {
        for declaration in self.parts.0.values_mut() {
            *declaration = declaration.lines().map(accepting_undefined).collect();
        }
        self
    }

    /// These and others. A type of both is as the others have it.
    fn and(mut self, others: Self) -> Self {
        self.named.extend(others.named);
        self.parts.0.extend(others.parts.0);
        self
    }

    fn file(mut self) -> String {
        let named: Vec<String> =
            self.named.iter().filter_map(|name| self.parts.0.remove(name)).collect();
        let declarations = named.into_iter().chain(self.parts.0.into_values());
        declarations.fold(HEADER.to_owned(), |file, declaration| file + "\n" + &declaration)
    }
}

impl TypeVisitor for Parts {
    fn visit<T: TS + ?Sized + 'static>(&mut self) {
        let config = Config::new();
        // What has no file of its own is TypeScript's: `string`, `Array`.
        if T::output_path().is_none() || self.0.contains_key(&T::ident(&config)) {
            return;
        }
        self.0.insert(T::ident(&config), declaration::<T>(&config));
        T::visit_dependencies(self);
    }
}

/// A line that was laid out; a field of it may be left out.
fn optional(line: &str) -> String {
    let field = line.strip_prefix("  ").and_then(|field| field.split_once(": "));
    match field {
        Some((name, form)) if name.chars().all(char::is_alphanumeric) => {
            format!("  {name}?: {form}\n")
        }
        _ => format!("{line}\n"),
    }
}

/// A line that was laid out; a field of it may be `undefined` where it may be left out or null.
fn accepting_undefined(line: &str) -> String {
    let field = line.strip_suffix(';').and_then(|field| Some((field, field.split_once(": ")?)));
    match field {
        Some((field, (name, form))) if name.ends_with('?') || form.ends_with(" | null") => {
            format!("{field} | undefined;\n")
        }
        _ => format!("{line}\n"),
    }
}

/// Adds to each field's comment the values that it takes, and its default.
fn documented(declaration: &str, schema: &Schema) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in declaration.lines() {
        let name = line.strip_prefix("  ").and_then(|field| field.split_once("?: "));
        let notes = name.map_or_else(Vec::new, |(name, _)| options::notes(schema, name));
        if !notes.is_empty()
            && let Some(last) = lines.pop()
        {
            match last.strip_prefix("  /** ").and_then(|text| text.strip_suffix(" */")) {
                Some(text) => lines.extend(["  /**".to_owned(), format!("   * {text}")]),
                None => debug_assert_eq!(last, "   */"),
            }
            lines.extend(notes.iter().map(|note| format!("   * {note}")));
            lines.push("   */".to_owned());
        }
        lines.push(line.to_owned());
    }
    lines.join("\n") + "\n"
}

fn declaration<T: TS + ?Sized>(config: &Config) -> String {
    laid_out(&format!(
        "{}export type {} = {};\n",
        T::docs().unwrap_or_default(),
        T::ident(config),
        T::inline(config)
    ))
}
