//! The types of all calls in TypeScript.

use std::collections::BTreeMap;

use ts_rs::{Config, TS, TypeVisitor};

use super::input::{CloudMapInput, InputNames, PlanInput, Translation};
use super::layout::laid_out;
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
    let mut calls = Calls::default();
    calls.with::<CloudMapInput>();
    calls.with::<InputNames>();
    calls.with_any_of::<Options>();
    calls.with::<Translation>();
    calls.with::<Finding>();
    calls.with_any_of::<operator::Options>();
    calls.with::<PlanInput>();
    calls.with::<operator::Plan>();
    calls.file()
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
        self.declare::<T>(&T::inline(&self.config));
    }

    /// Options: each has a default, so that all may be left out.
    fn with_any_of<T: TS + ?Sized + 'static>(&mut self) {
        self.declare::<T>(&format!("Partial<{}>", T::inline(&self.config)));
    }

    fn declare<T: TS + ?Sized + 'static>(&mut self, form: &str) {
        self.named.push(T::ident(&self.config));
        self.parts.0.insert(T::ident(&self.config), declaration::<T>(&self.config, form));
        T::visit_dependencies(&mut self.parts);
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
        self.0.insert(T::ident(&config), declaration::<T>(&config, &T::inline(&config)));
        T::visit_dependencies(self);
    }
}

fn declaration<T: TS + ?Sized>(config: &Config, form: &str) -> String {
    laid_out(&format!(
        "{}export type {} = {form};\n",
        T::docs().unwrap_or_default(),
        T::ident(config)
    ))
}
