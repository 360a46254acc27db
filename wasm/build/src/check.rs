//! Is a module what hosts were promised?

use std::path::PathBuf;

use thiserror::Error;

use crate::inspect::Facts;
use crate::module::{Exports, LINKER, Limit, Module};

/// What a finished module is not.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Breach {
    #[error("it imports `{name}` from `{module}`, which its hosts don't have; expected {expected}")]
    Import { module: String, name: String, expected: String },
    #[error("it does not export `{0}`")]
    ExportMissing(String),
    #[error("it exports `{0}`, which is not among its exports in wasm/build/src/module.rs")]
    ExportUnlisted(String),
    #[error("it has no custom section `{0}`")]
    Section(String),
    #[error("it has {bytes} bytes{}, expected at most {limit}", if *.gzipped { " gzipped" } else { "" })]
    Size { bytes: usize, gzipped: bool, limit: usize },
    #[error("it has the path `{}` of this machine in it", .0.display())]
    Path(PathBuf),
}

/// The size of a module, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub plain: usize,
    pub gzipped: usize,
}

/// All that is wrong with a module.
#[must_use]
pub fn breaches(module: &Module, facts: &Facts, size: Size) -> Vec<Breach> {
    let mut breaches = imports(module, facts);
    breaches.extend(exports(module, facts));
    let missing = module
        .sections
        .iter()
        .filter(|name| !facts.sections.iter().any(|section| section == *name));
    breaches.extend(missing.map(|name| Breach::Section((*name).to_owned())));
    let (bytes, gzipped, limit) = limited(module, size);
    if bytes > limit {
        breaches.push(Breach::Size { bytes, gzipped, limit });
    }
    breaches
}

/// The size that the limit is of, whether that is the gzipped one, and the limit.
fn limited(module: &Module, size: Size) -> (usize, bool, usize) {
    match module.limit {
        Limit::Plain(limit) => (size.plain, false, limit),
        Limit::Gzipped(limit) => (size.gzipped, true, limit),
    }
}

/// A line on a module that is larger than it is meant to be.
#[must_use]
pub fn beyond_goal(module: &Module, size: Size) -> Option<String> {
    let (bytes, gzipped, _) = limited(module, size);
    let gzipped = if gzipped { " gzipped" } else { "" };
    (bytes > module.goal).then(|| {
        format!("module `{}` has {bytes} bytes{gzipped}, its goal is {}", module.name, module.goal)
    })
}

fn imports(module: &Module, facts: &Facts) -> Vec<Breach> {
    let expected = match module.imports {
        [] => "no import at all".to_owned(),
        modules => format!("imports from `{}` alone", modules.join("`, `")),
    };
    let foreign = facts.imports.iter().filter(|(from, _)| !module.imports.contains(&from.as_str()));
    foreign
        .map(|(from, name)| Breach::Import {
            module: from.clone(),
            name: name.clone(),
            expected: expected.clone(),
        })
        .collect()
}

fn exports(module: &Module, facts: &Facts) -> Vec<Breach> {
    let (Exports::Exactly(listed) | Exports::AtLeast(listed)) = module.exports;
    let missing = listed.iter().filter(|name| !facts.exports.iter().any(|export| export == *name));
    let mut breaches: Vec<Breach> =
        missing.map(|name| Breach::ExportMissing((*name).to_owned())).collect();
    if let Exports::Exactly(_) = module.exports {
        let unlisted = facts
            .exports
            .iter()
            .filter(|name| !listed.contains(&name.as_str()) && !LINKER.contains(&name.as_str()));
        breaches.extend(unlisted.cloned().map(Breach::ExportUnlisted));
    }
    breaches
}

/// The places of this machine that can be found in the module, so that others would build other
/// bytes.
pub fn paths<'a>(bytes: &[u8], places: impl IntoIterator<Item = &'a PathBuf>) -> Vec<Breach> {
    let found = places.into_iter().filter(|place| {
        let place = place.as_os_str().as_encoded_bytes();
        !place.is_empty() && bytes.windows(place.len()).any(|window| window == place)
    });
    found.cloned().map(Breach::Path).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::inspect::inspect;
    use crate::module::Kind;

    const SMALL: Size = Size { plain: 10, gzipped: 5 };
    const MODULE: Module = Module {
        name: "policy",
        package: "a-policy",
        kind: Kind::Bare,
        imports: &["wapc"],
        exports: Exports::Exactly(&["memory", "wapc_init"]),
        sections: &["io.kubewarden.metadata"],
        limit: Limit::Plain(100),
        goal: 50,
    };
    const GOOD: &str = r#"
        (import "wapc" "__host_call" (func))
        (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const 0))
        (func (export "wapc_init"))
        (@custom "io.kubewarden.metadata" "{}")"#;

    fn said(module: &Module, text: &str, size: Size) -> Vec<String> {
        let facts = inspect(&wat::parse_str(format!("(module {text})")).unwrap()).unwrap();
        breaches(module, &facts, size).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_module_that_keeps_all_promises_has_no_breach() {
        assert_eq!(said(&MODULE, GOOD, SMALL), Vec::<String>::new());
    }

    #[test]
    fn a_foreign_import_is_named_with_its_module() {
        let text = GOOD
            .replace(r#""wapc" "__host_call""#, r#""__wbindgen_placeholder__" "__wbindgen_throw""#);
        let expected = "it imports `__wbindgen_throw` from `__wbindgen_placeholder__`, which its hosts don't have; \
                        expected imports from `wapc` alone";
        assert_eq!(said(&MODULE, &text, SMALL), [expected]);
    }

    #[test]
    fn where_no_import_is_allowed_one_from_anywhere_is_a_breach() {
        let alone = Module { imports: &[], ..MODULE };
        assert_eq!(
            said(&alone, GOOD, SMALL),
            [
                "it imports `__host_call` from `wapc`, which its hosts don't have; expected no import at all"
            ]
        );
    }

    #[test]
    fn a_missing_export_and_an_unlisted_one_are_both_named() {
        let text = GOOD.replace("wapc_init", "wapc_start");
        assert_eq!(
            said(&MODULE, &text, SMALL),
            [
                "it does not export `wapc_init`",
                "it exports `wapc_start`, which is not among its exports in wasm/build/src/module.rs"
            ]
        );
    }

    #[test]
    fn what_glue_shares_with_its_module_needs_no_list() {
        let glued = Module { exports: Exports::AtLeast(&["memory"]), ..MODULE };
        assert_eq!(said(&glued, GOOD, SMALL), Vec::<String>::new());
    }

    #[test]
    fn a_missing_section_is_named() {
        let text = GOOD.replace("io.kubewarden.metadata", "io.kubewarden.other");
        assert_eq!(
            said(&MODULE, &text, SMALL),
            ["it has no custom section `io.kubewarden.metadata`"]
        );
    }

    #[test]
    fn a_limit_is_of_the_plain_or_of_the_gzipped_size() {
        let large = Size { plain: 101, gzipped: 99 };
        assert_eq!(said(&MODULE, GOOD, large), ["it has 101 bytes, expected at most 100"]);
        let gzipped = Module { limit: Limit::Gzipped(98), ..MODULE };
        assert_eq!(said(&gzipped, GOOD, large), ["it has 99 bytes gzipped, expected at most 98"]);
        assert_eq!(said(&MODULE, GOOD, Size { plain: 100, ..large }), Vec::<String>::new());
    }

    #[test]
    fn what_is_beyond_its_goal_is_told_by_the_size_that_is_limited() {
        let size = Size { plain: 51, gzipped: 50 };
        assert_eq!(
            beyond_goal(&MODULE, size).as_deref(),
            Some("module `policy` has 51 bytes, its goal is 50")
        );
        assert_eq!(beyond_goal(&Module { limit: Limit::Gzipped(100), ..MODULE }, size), None);
    }

    #[test]
    fn a_path_of_the_machine_is_found_anywhere_in_the_module() {
        let (mine, other) = (PathBuf::from("/home/me/src"), PathBuf::from("/home/you"));
        assert_eq!(
            paths(b"\0panicked at /home/me/src/lib.rs", [&mine, &other]),
            [Breach::Path(mine)]
        );
    }
}
