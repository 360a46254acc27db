//! The modules: what each is built from, and what it must be.

/// What a module is for, which decides how it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The module is all there is.
    Bare,
    /// wasm-bindgen gives it a JavaScript side.
    JavaScript,
}

/// The exports a module may have.
#[derive(Clone, Copy, Debug)]
pub enum Exports {
    /// These, [`LINKER`]'s, and no other: they are what hosts were promised.
    Exactly(&'static [&'static str]),
    /// These and more: the others are between the module and its generated glue.
    AtLeast(&'static [&'static str]),
}

/// Exported from every module by the linker.
pub const LINKER: [&str; 2] = ["__data_end", "__heap_base"];

/// How large a module may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// As the file is.
    Plain(usize),
    /// As it travels.
    Gzipped(usize),
}

/// One module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// On the command line, and of the file.
    pub name: &'static str,
    /// The workspace's package with the cdylib.
    pub package: &'static str,
    pub kind: Kind,
    /// The modules that it may import from.
    pub imports: &'static [&'static str],
    pub exports: Exports,
    /// The custom sections that it must have.
    pub sections: &'static [&'static str],
    /// A larger module is an error.
    pub limit: Limit,
    /// A larger module is told of, in bytes of the limit's kind. Where the limit is above it, the
    /// module is larger than we want, and shall not grow.
    pub goal: usize,
}

/// The stem of the JavaScript files' names.
pub const JAVASCRIPT: &str = "istio_cloud_map";

/// All modules, in the order they are built. One whose package isn't in the workspace is not built.
pub const MODULES: [Module; 4] = [
    Module {
        name: "plain",
        package: "istio-cloud-map-plain",
        kind: Kind::Bare,
        imports: &[],
        exports: Exports::Exactly(&["memory", "alloc", "free", "translate", "plan", "validate"]),
        sections: &[],
        limit: Limit::Plain(550_000),
        goal: 200_000,
    },
    Module {
        name: "policy",
        package: "istio-cloud-map-policy",
        kind: Kind::Bare,
        imports: &["wapc"],
        exports: Exports::Exactly(&["memory", "wapc_init", "__guest_call"]),
        sections: &["io.kubewarden.metadata"],
        limit: Limit::Plain(580_000),
        goal: 250_000,
    },
    Module {
        name: "js",
        package: "istio-cloud-map-js",
        kind: Kind::JavaScript,
        imports: &["./istio_cloud_map_bg.js"],
        exports: Exports::AtLeast(&["memory"]),
        sections: &[],
        limit: Limit::Gzipped(242_000),
        goal: 100_000,
    },
    Module {
        name: "transform-team",
        package: "istio-cloud-map-transform-team",
        kind: Kind::Bare,
        imports: &[],
        exports: Exports::Exactly(&["memory", "alloc", "free", "transform"]),
        sections: &[],
        limit: Limit::Plain(100_000),
        goal: 100_000,
    },
];

impl Module {
    /// The file that cargo makes of the package.
    #[must_use]
    pub fn artifact(&self) -> String {
        format!("{}.wasm", self.package.replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glue_that_the_javascript_module_may_import_is_the_one_that_is_written() {
        let glue = format!("./{JAVASCRIPT}_bg.js");
        let allowed: Vec<_> = MODULES
            .iter()
            .filter(|module| module.kind == Kind::JavaScript)
            .flat_map(|module| module.imports)
            .collect();
        assert_eq!(allowed, [&glue]);
    }
}
