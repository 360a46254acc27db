//! The table at the end of a run.

use std::collections::BTreeMap;

use crate::build::Product;

/// One line for each module: bytes, bytes gzipped, imports.
#[must_use]
pub fn table(products: &[Product]) -> String {
    let mut lines = vec![format!("{:<14}{:>10}{:>10}  imports", "module", "bytes", "gzipped")];
    for Product { module, size, facts, .. } in products {
        let imports = imports(&facts.imports);
        lines.push(format!("{:<14}{:>10}{:>10}  {imports}", module.name, size.plain, size.gzipped));
    }
    lines.join("\n")
}

/// How many from which module.
fn imports(imports: &[(String, String)]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (module, _) in imports {
        *counts.entry(module).or_default() += 1;
    }
    if counts.is_empty() {
        return "none".to_owned();
    }
    let counts = counts.iter().map(|(module, count)| format!("{count} from {module}"));
    counts.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_table_counts_imports_by_module() {
    let from_wapc = |name: &str| ("wapc".to_owned(), name.to_owned());
    assert_eq!(imports(&["__guest_request", "__host_call"].map(from_wapc)), "2 from wapc");
    assert_eq!(imports(&[]), "none");
}
