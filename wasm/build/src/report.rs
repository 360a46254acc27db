//! The table at the end of a run.

use std::collections::BTreeMap;

use crate::product::Product;

/// One line a module: bytes, bytes gzipped, imports.
#[must_use]
pub fn table(products: &[Product]) -> String {
    let mut lines = vec![format!("{:<8}{:>10}{:>10}  imports", "module", "bytes", "gzipped")];
    lines.extend(products.iter().map(|product| {
        let (name, size) = (product.module.name, product.size);
        format!(
            "{name:<8}{:>10}{:>10}  {}",
            size.plain,
            size.gzipped,
            imports(&product.facts.imports)
        )
    }));
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
    counts
        .iter()
        .map(|(module, count)| format!("{count} from {module}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::bindgen::Files;
    use crate::check::Size;
    use crate::inspect::Facts;
    use crate::module::MODULES;

    #[test]
    fn the_table_counts_imports_by_module() {
        let imports = ["__guest_request", "__host_call"]
            .map(|name| ("wapc".to_owned(), name.to_owned()))
            .to_vec();
        let product = |name: &str, imports| Product {
            module: MODULES.iter().find(|module| module.name == name).unwrap(),
            files: Files::new(),
            facts: Facts { imports, ..Facts::default() },
            size: Size { plain: 123_456, gzipped: 54_321 },
        };
        let expected = "module       bytes   gzipped  imports\n\
                        plain       123456     54321  none\n\
                        policy      123456     54321  2 from wapc";
        assert_eq!(table(&[product("plain", vec![]), product("policy", imports)]), expected);
    }
}
